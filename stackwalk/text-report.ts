// A report as text for people: what crashed, then each thread, the one that
// crashed first, then the modules, and last what the dump has that was not
// read. Wide names are not cut; a terminal wraps.
import { crashLines } from "./crash-lines.ts";
import type { Module, Report } from "./report.ts";
import { printed, stackBlocks } from "./stack-text.ts";

/** The whole text, ending in a newline. */
export function textReport(report: Report): string {
  return printed([[...crashLines(report), ...systemLines(report)], ...stackBlocks(report), moduleLines(report), streamLines(report), noteLines(report)]);
}

function systemLines({ system_info: system, process_uptime: uptime, lsb_release: lsb, walker }: Report): string[] {
  const machine = [system.os, system.os_ver?.trim(), system.cpu_arch].filter(Boolean).join(" ");
  return [...(machine ? [machine] : []), ...(lsb?.description ? [lsb.description] : []), ...(uptime === null ? [] : [`up ${uptime} s`]), `walked by ${walker}`];
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
