// A report as text for people: what crashed, then each thread, the one that
// crashed first, then the modules. Wide names are not cut; a terminal wraps.
import type { Frame, Module, Report, Thread } from "./report.ts";

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
  const blocks = [
    [crashLine(report), ...systemLines(report), ...(crash.assertion ? [`assertion: ${crash.assertion}`] : [])],
    ...(crashing ? [threadLines(crashing, crash.address === null ? "asked for this dump" : "crashed", system.cpu_arch)] : []),
    ...others.map((thread) => threadLines(thread, "", system.cpu_arch)),
    moduleLines(report),
  ];
  return `${blocks.map((lines) => lines.map(printable).join("\n")).join("\n\n")}\n`;
}

/** A line without control characters: names come from a stranger's dump, and a terminal obeys what it is sent. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (control) => `\\u{${control.codePointAt(0)?.toString(16)}}`);
}

function crashLine({ crash_info: crash }: Report): string {
  if (crash.address === null) return "No crash: the dump was asked for.";
  return `${crash.type ?? "Unknown crash"} at ${crash.address}`;
}

function systemLines({ system_info: system, process_uptime: uptime, walker }: Report): string[] {
  const machine = [system.os, system.os_ver?.trim(), system.cpu_arch].filter(Boolean).join(" ");
  return [...(machine ? [machine] : []), ...(uptime === null ? [] : [`up ${uptime} s`]), `walked by ${walker}`];
}

function threadLines(thread: Thread, role: string, cpu: string | null): string[] {
  const name = [
    thread.thread_id === null ? "Thread" : `Thread ${thread.thread_id}`,
    ...(thread.thread_name ? [`"${thread.thread_name}"`] : []),
    ...(role ? [role] : []),
  ];
  const lines = [name.join(" ")];
  if (thread.frames.length === 0) lines.push("  no frames");
  for (const frame of thread.frames) lines.push(...frameLines(frame, cpu));
  if (thread.frames_truncated) lines.push(`  … and ${thread.frame_count - thread.frames.length} more frames`);
  return lines;
}

function frameLines(frame: Frame, cpu: string | null): string[] {
  const number = String(frame.frame).padStart(4);
  const lines = (frame.inlines ?? []).map(
    (inline, i) => `${i === 0 ? number : "    "}  ${inline.function}${place(inline.file, inline.line)}  inlined`,
  );
  const trust = trustWords[frame.trust];
  const gutter = lines.length === 0 ? number : "    ";
  lines.push(`${gutter}  ${what(frame, cpu)}${place(frame.file, frame.line)}${trust ? `  ${trust}` : ""}`);
  return lines;
}

function what(frame: Frame, cpu: string | null): string {
  const gone = frame.unloaded_modules?.[0];
  const module = frame.module ?? (gone ? `${gone.module} (unloaded)` : null);
  if (frame.function !== null) return `${module ?? "?"}!${frame.function}`;
  const offset = frame.module_offset ?? gone?.offsets[0];
  if (module !== null && offset) return `${module} + ${offset}${frame.missing_symbols ? "  no symbols" : ""}`;
  const digits = cpu === "x86" || cpu === "arm" ? 8 : 16;
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
