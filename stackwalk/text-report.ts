// A report as text for people: what crashed, then each thread, the one that
// crashed first, then the modules, and last what the dump has that was not
// read. Wide names are not cut; a terminal wraps.
import { crashLines, shortAddress } from "./crash-lines.ts";
import type { Frame, Module, Report, Thread } from "./report.ts";
import { earlyEnd, gapLines } from "./stack-gaps.ts";

/** What stands in the trust column, from the surest to the least sure. */
const trustWords: { readonly [trust in Frame["trust"]]: string } = {
  context: "",
  prewalked: "",
  cfi: "",
  frame_pointer: "by frame pointer",
  cfi_scan: "by scan",
  scan: "by scan",
  leaf: "by leaf rule",
  none: "unsure",
};

/** The whole text, ending in a newline. */
export function textReport(report: Report): string {
  const { crash_info: crash, system_info: system } = report;
  const crashing = crash.crashing_thread === null ? undefined : report.threads[crash.crashing_thread];
  const others = report.threads.filter((thread) => thread !== crashing);
  const scene: Scene = { digits: system.cpu_arch === "x86" || system.cpu_arch === "arm" ? 8 : 16, loaded: new Set(report.modules.filter((module) => module.loaded_symbols).map(({ filename }) => filename)) };
  const lost = report.thread_count - report.threads.length;
  const blocks = [
    [...crashLines(report), ...systemLines(report)],
    ...(crashing ? [threadLines(crashing, crash.address === null ? "asked for this dump" : "crashed", scene)] : []),
    ...others.map((thread) => threadLines(thread, "", scene)),
    ...(lost > 0 ? [[`… and ${lost} more ${lost === 1 ? "thread" : "threads"}`]] : []),
    moduleLines(report),
    ...[streamLines(report), noteLines(report)].filter((lines) => lines.length > 0),
  ];
  return `${blocks.map((lines) => lines.map(printable).join("\n")).join("\n\n")}\n`;
}

/** What frames are printed with: the width of an address, and the names of modules whose symbols are here. */
type Scene = { readonly digits: number; readonly loaded: ReadonlySet<string> };

/** A line without control characters: names come from a stranger's dump, and a terminal obeys what it is sent. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (control) => `\\u{${control.codePointAt(0)?.toString(16)}}`);
}

function systemLines({ system_info: system, process_uptime: uptime, lsb_release: lsb, walker }: Report): string[] {
  const machine = [system.os, system.os_ver?.trim(), system.cpu_arch].filter(Boolean).join(" ");
  return [...(machine ? [machine] : []), ...(lsb?.description ? [lsb.description] : []), ...(uptime === null ? [] : [`up ${uptime} s`]), `walked by ${walker}`];
}

function threadLines(thread: Thread, role: string, scene: Scene): string[] {
  const name = [
    thread.thread_id === null ? "Thread" : `Thread ${thread.thread_id}`,
    ...(thread.thread_name ? [`"${thread.thread_name}"`] : []),
    ...(role ? [role] : []),
  ];
  const error = thread.last_error_value;
  const lines = [error === null || error === "ERROR_SUCCESS" ? name.join(" ") : `${name.join(" ")}, last error ${error}`];
  const end = earlyEnd(thread);
  if (thread.frames.length === 0) return [...lines, end === null ? "  no frames" : `  no frames: ${end}`];
  for (const [position, frame] of thread.frames.entries()) {
    for (const gap of gapLines(thread, position)) lines.push(`  ${gap}`);
    lines.push(...frameLines(frame, scene));
  }
  for (const gap of gapLines(thread, thread.frames.length)) lines.push(`  ${gap}`);
  if (end !== null) lines.push(`  ends here: ${end}`);
  return lines;
}

function frameLines(frame: Frame, scene: Scene): string[] {
  const number = String(frame.frame).padStart(4);
  const lines = (frame.inlines ?? []).map(
    (inline, i) => `${i === 0 ? number : "    "}  ${inline.function}${place(inline.file, inline.line)}  inlined`,
  );
  const trust = trustWords[frame.trust];
  const gutter = lines.length === 0 ? number : "    ";
  lines.push(`${gutter}  ${what(frame, scene)}${place(frame.file, frame.line)}${trust ? `  ${trust}` : ""}`);
  return lines;
}

function what(frame: Frame, { digits, loaded }: Scene): string {
  const gone = frame.unloaded_modules?.[0];
  const module = frame.module ?? (gone ? `${gone.module} (unloaded)` : null);
  if (frame.function !== null) return `${module ?? "?"}!${frame.function}`;
  const offset = frame.module_offset ?? gone?.offsets[0];
  // rust-minidump, and so our engine, calls symbols missing wherever a frame has no name.
  const missing = frame.missing_symbols && !loaded.has(frame.module ?? "");
  if (module !== null && offset) return `${module} + ${shortAddress(offset)}${missing ? "  no symbols" : ""}`;
  return `0x${frame.offset.slice(2).padStart(digits, "0")}`;
}

function place(file: string | null, line: number | null): string {
  if (file === null) return "";
  return `  ${file}${line === null ? "" : `:${line}`}`;
}

function moduleLines({ modules }: Report): string[] {
  if (modules.length === 0) return ["No modules."];
  // The rest is many system libraries that no frame is in.
  const shown = modules.filter((module) => module.symbol_state !== "unused");
  const unused = modules.length - shown.length;
  return [`Modules (${modules.length})`, ...shown.map(moduleLine), ...(unused > 0 ? [`  … and ${unused} that no frame is in`] : [])];
}

function moduleLine(module: Module): string {
  const state = module.symbol_state.replaceAll("_", " ");
  const facts = [module.base_addr, module.filename, module.version ?? "", module.debug_id ?? ""].filter((part) => part !== "");
  return `  ${state.padEnd(11)}  ${facts.join("  ")}`;
}

function streamLines({ unread_streams: streams }: Report): string[] {
  if (!streams || streams.length === 0) return [];
  return [`Streams that were not read (${streams.length})`, ...streams.map(({ type, name, status }) => `  ${status.padEnd(11)}  ${type}${name === null ? "" : `  ${name}`}`)];
}

function noteLines({ notes }: Report): string[] {
  return notes && notes.length > 0 ? ["Notes", ...notes.map((note) => `  ${note}`)] : [];
}
