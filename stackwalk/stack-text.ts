// Stacks as text for people: a block a thread, the one that crashed first, a
// line a frame, and the frames that are left out where they are.
import { shortAddress } from "./crash-lines.ts";
import type { Frame, Report, Thread } from "./report.ts";
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

/** What frames are printed with: the width of an address, and the names of modules whose symbols are here. */
type Scene = { readonly digits: number; readonly loaded: ReadonlySet<string> };

/** What is written below a frame, by the thread's index in the report and the frame's position in the thread. */
export type Below = (thread: number, position: number) => readonly string[];

/** The blocks of all threads. */
export function stackBlocks(report: Report, below: Below = () => []): string[][] {
  const { crash_info: crash, system_info: system, threads } = report;
  const scene: Scene = { digits: system.cpu_arch === "x86" || system.cpu_arch === "arm" ? 8 : 16, loaded: new Set(report.modules.filter((module) => module.loaded_symbols).map(({ filename }) => filename)) };
  const crashing = crash.crashing_thread;
  const order = [...threads.keys()].sort((a, b) => Number(b === crashing) - Number(a === crashing));
  const role = crash.address === null ? "asked for this dump" : "crashed";
  const blocks = order.map((index) => threadLines(threads[index]!, index === crashing ? role : "", scene, (position) => below(index, position)));
  const lost = report.thread_count - threads.length;
  return lost > 0 ? [...blocks, [`… and ${lost} more ${lost === 1 ? "thread" : "threads"}`]] : blocks;
}

/** Blocks as one text, with a blank line between them and a newline at the end. */
export function printed(blocks: readonly (readonly string[])[]): string {
  const filled = blocks.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.map(printable).join("\n")).join("\n\n")}\n`;
}

/** A line without control characters: names come from a stranger's dump, and a terminal obeys what it is sent. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (control) => `\\u{${control.codePointAt(0)?.toString(16)}}`);
}

function threadLines(thread: Thread, role: string, scene: Scene, below: (position: number) => readonly string[]): string[] {
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
    lines.push(...frameLines(frame, scene), ...below(position));
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
