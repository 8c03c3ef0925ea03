// A report as Breakpad's `-m` text, for programs that read that, and for
// comparison: over a report of the Breakpad walker that kept all threads and
// frames it is byte for byte what minidump_stackwalk -m prints.
import { printedExcess } from "./breakpad/frame-zip.ts";
import { stripSeparators } from "./breakpad/machine-output.ts";
import { breakpadSpelling } from "./minidump/code-view.ts";
import type { Frame, InlineFrame, Module, Report } from "./report.ts";

/** The whole text, ending in a newline. */
export function machineText(report: Report): string {
  const { system_info: system, crash_info: crash } = report;
  const lines = [
    row("OS", system.os ?? "", system.os_ver ?? ""),
    row("CPU", system.cpu_arch ?? "", system.cpu_info ?? "", String(system.cpu_count ?? 0)),
    // Only microdumps know a GPU.
    "GPU|||",
    row("Crash", crashReason(report), crash.address ?? "", String(crash.crashing_thread ?? "")),
    ...report.modules.map((module, i) => moduleRow(module, i === report.main_module)),
    "",
  ];
  const crashing = crash.crashing_thread;
  // Breakpad prints the thread that crashed first, then the others in order.
  const order = [...report.threads.keys()].sort((a, b) => Number(b === crashing) - Number(a === crashing));
  const rows = order.flatMap((index) => threadRows(index, report.threads[index]?.frames ?? [], system.cpu_arch));
  return `${[...lines, ...rows].join("\n")}\n`;
}

function crashReason({ crash_info: crash }: Report): string {
  if (crash.address !== null) return crash.type ?? "";
  return crash.assertion ?? "No crash";
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
  return [inline.function, inline.file ?? "", String(inline.line ?? ""), inline.line_offset ?? inline.function_offset ?? "0x0"];
}

/** Function, file, line and the offset from the nearest start that is known: of the line, the function, the module, or none. */
function frameParts(frame: Frame, excess: bigint): string[] {
  const gone = frame.unloaded_modules?.[0]?.offsets[0];
  const nearest =
    frame.file !== null ? frame.line_offset : frame.function !== null ? frame.function_offset : (frame.module_offset ?? gone ?? frame.offset);
  const offset = `0x${(BigInt(nearest ?? "0x0") + excess).toString(16)}`;
  return [frame.function ?? "", frame.file ?? "", String(frame.line ?? ""), offset];
}

function row(...parts: readonly string[]): string {
  return parts.map(stripSeparators).join("|");
}

function padded(address: bigint): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}
