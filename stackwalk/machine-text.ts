// A report as Breakpad's `-m` text, for programs that read that, and for
// comparison: over a report that kept all threads and frames it is byte for
// byte what minidump_stackwalk -m prints of the same frames.
//
// Breakpad's own walker gives its report in Breakpad's way; our engine's has
// rust-minidump's, and says in a few fields of its own what that leaves out:
//
//     breakpad.crash_type, breakpad.os_ver   two texts that the peers spell differently
//     line_offset of frames and inlines      where rust-minidump knows only the function's
//     function_offset of inlines             for those without a line
//
// All else is arithmetic: addresses without padding, modules by address and
// without those that overlap an earlier one, return addresses for callers on
// x86 and amd64, the crashed thread first, and no thread that wrote the dump.
import { printedExcess } from "./breakpad/frame-zip.ts";
import { stripSeparators } from "./breakpad/machine-output.ts";
import { breakpadSpelling } from "./minidump/code-view.ts";
import type { Frame, InlineFrame, Module, Report } from "./report.ts";

/** The whole text, ending in a newline. */
export function machineText(report: Report): string {
  const { system_info: system, crash_info: crash } = report;
  const threads = report.threads.filter((thread) => thread.stopped !== "dump_writer");
  const crashed = crash.crashing_thread === null ? undefined : report.threads[crash.crashing_thread];
  const crashing = crashed === undefined ? -1 : threads.indexOf(crashed);
  const lines = [
    row("OS", system.os ?? "", report.breakpad?.os_ver ?? system.os_ver ?? ""),
    row("CPU", system.cpu_arch ?? "", system.cpu_info ?? "", String(system.cpu_count ?? 0)),
    // Only microdumps know a GPU.
    "GPU|||",
    row("Crash", crashReason(report), crash.address === null ? "" : hex(BigInt(crash.address)), crashing < 0 ? "" : String(crashing)),
    ...printedModules(report.modules).map((index) => moduleRow(report.modules[index]!, index === report.main_module)),
    "",
  ];
  // Breakpad prints the thread that crashed first, then the others in order.
  const order = [...threads.keys()].sort((a, b) => Number(b === crashing) - Number(a === crashing));
  const rows = order.flatMap((index) => threadRows(index, threads[index]?.frames ?? [], system.cpu_arch));
  return `${[...lines, ...rows].join("\n")}\n`;
}

function crashReason({ crash_info: crash, breakpad }: Report): string {
  if (crash.address !== null) return breakpad?.crash_type ?? crash.type ?? "";
  return crash.assertion ?? "No crash";
}

/** Indexes of the modules that Breakpad keeps, by address: its map of ranges takes none that has no bytes or overlaps one that came before. */
function printedModules(modules: readonly Module[]): number[] {
  const ranges = modules.map((module) => ({ base: BigInt(module.base_addr), end: BigInt(module.end_addr) }));
  const kept: number[] = [];
  for (const [index, { base, end }] of ranges.entries()) {
    if (end <= base) continue;
    // Most dumps list modules by address, so the place is most often the last.
    let at = kept.length;
    while (at > 0 && ranges[kept[at - 1]!]!.base > base) at--;
    const before = kept[at - 1];
    const after = kept[at];
    if ((before === undefined || ranges[before]!.end <= base) && (after === undefined || ranges[after]!.base >= end)) kept.splice(at, 0, index);
  }
  return kept;
}

function moduleRow(module: Module, main: boolean): string {
  const last = BigInt(module.end_addr) - 1n;
  const id = module.debug_id === null ? "" : breakpadSpelling(module.debug_id);
  return row("Module", module.filename, module.version ?? "", module.debug_file ?? "", id, padded(BigInt(module.base_addr)), padded(last), main ? "1" : "0");
}

function threadRows(index: number, frames: readonly Frame[], cpu: string | null): string[] {
  const rows: string[] = [];
  const add = (module: string, parts: readonly string[]): number => rows.push(row(String(index), String(rows.length), module, ...parts));
  for (const frame of frames) {
    const module = frame.module ?? frame.unloaded_modules?.[0]?.module ?? "";
    for (const inline of frame.inlines ?? []) add(module, inlineParts(inline));
    add(module, frameParts(frame, printedExcess(cpu, frame.trust)));
  }
  return rows;
}

function inlineParts(inline: InlineFrame): string[] {
  return [inline.function, inline.file ?? "", String(inline.line ?? ""), hex(BigInt(inline.line_offset ?? inline.function_offset ?? "0x0"))];
}

/** Function, file, line and the offset from the nearest start that is known: of the line, the function, the module, or none. */
function frameParts(frame: Frame, excess: bigint): string[] {
  const gone = frame.unloaded_modules?.[0]?.offsets[0];
  const nearest =
    frame.file !== null ? frame.line_offset : frame.function !== null ? frame.function_offset : (frame.module_offset ?? gone ?? frame.offset);
  return [frame.function ?? "", frame.file ?? "", String(frame.line ?? ""), hex(BigInt(nearest ?? "0x0") + excess)];
}

function row(...parts: readonly string[]): string {
  return parts.map(stripSeparators).join("|");
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function padded(address: bigint): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}
