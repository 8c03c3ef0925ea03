// Frames as lines to read. A physical frame with inlined functions is several
// lines: the inlined ones first (the innermost is what really ran), then the
// function that was compiled. Everything that shows a stack, the table, the
// Markdown and the plain text, is made from these lines.
import { shortAddress } from "./crash-findings.ts";
import type { Frame, Module, Report } from "./report.ts";

/** One line of a stack. */
export type StackLine = {
  /** The physical frame's number. */
  readonly frame: number;
  /** Index into the frame's inlines; null for the physical function itself. */
  readonly inline: number | null;
  readonly module: string | null;
  /** The module's debug id, where the frame has a source line; null when it has none or no id is known. */
  readonly moduleId: string | null;
  /** The function's name; null when nothing names the address. */
  readonly name: string | null;
  /** The best there is when no name is known: `module + 0x1f` or the bare address. */
  readonly place: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly trust: string;
  /** The module whose symbols nobody uploaded, by its debug file and debug id, or by its own name and code id; null when that is not why a name is missing. */
  readonly missing: { readonly file: string; readonly id: string | null } | null;
  /** Unloaded modules that once held the address, such as `Old.dll + 0x1f`. */
  readonly unloaded: readonly string[];
};

/** The lines of one frame. */
function linesOfFrame(frame: Frame, modules: readonly Module[]): readonly StackLine[] {
  const place = placeOf(frame);
  const moduleId = frame.line === null && frame.inlines === null ? null : (moduleAt(frame, modules)?.debug_id ?? null);
  const shared = { frame: frame.frame, module: frame.module, moduleId, place, trust: frame.trust };
  const inlines = (frame.inlines ?? []).map((one, index) => ({
    ...shared,
    inline: index,
    name: one.function,
    file: one.file,
    line: one.line,
    missing: null,
    unloaded: [],
  }));
  const missing = frame.missing_symbols && frame.function === null ? missingOf(frame, modules) : null;
  const unloaded = (frame.unloaded_modules ?? []).map((one) => `${one.module} + ${one.offsets.map(shortAddress).join(" or ")}`);
  return [...inlines, { ...shared, inline: null, name: frame.function, file: frame.file, line: frame.line, missing, unloaded }];
}

/** The lines of a whole stack. */
export function linesOfStack(frames: readonly Frame[], modules: readonly Module[]): readonly StackLine[] {
  return frames.flatMap((frame) => linesOfFrame(frame, modules));
}

/** `file.cpp:12`, with the file's base name only; null when no file is known. */
export function sourceOf(line: { readonly file: string | null; readonly line: number | null }): string | null {
  if (line.file === null) return null;
  const base = line.file.split(/[/\\]/).at(-1) ?? line.file;
  return line.line === null ? base : `${base}:${line.line}`;
}

/** The module at a frame: by address, else by name (two modules may share a name). */
function moduleAt(frame: Frame, modules: readonly Module[]): Module | null {
  const named = modules.filter((module) => module.filename === frame.module);
  const address = toAddress(frame.offset);
  if (address === null) return named[0] ?? null;
  const holds = (module: Module) => {
    const base = toAddress(module.base_addr);
    const end = toAddress(module.end_addr);
    return base !== null && end !== null && address >= base && address < end;
  };
  return named.find(holds) ?? named[0] ?? null;
}

/** The crashed thread's index; null when none is known or it is not in the report. */
export function crashedThread(report: Report): number | null {
  const index = report.crash_info.crashing_thread;
  return index !== null && index >= 0 && index < report.threads.length ? index : null;
}

function placeOf(frame: Frame): string {
  if (frame.module === null) return frame.offset;
  return frame.module_offset === null ? `${frame.module} ${frame.offset}` : `${frame.module} + ${shortAddress(frame.module_offset)}`;
}

function missingOf(frame: Frame, modules: readonly Module[]): StackLine["missing"] {
  const module = moduleAt(frame, modules);
  if (module === null) return frame.module === null ? null : { file: frame.module, id: null };
  // Its symbols are here and do not have the address: nothing to upload would help.
  if (module.loaded_symbols) return null;
  // A dump of Wine has no debug ids; a module that was looked up all the same was so by its code id.
  if (module.debug_id === null && module.symbol_state === "missing") return { file: module.filename, id: module.code_id };
  return { file: module.debug_file ?? module.filename, id: module.debug_id };
}

/** Reads a hex address; null when it is not one. */
function toAddress(hex: string): bigint | null {
  return /^0x[0-9a-f]{1,16}$/i.test(hex) ? BigInt(hex) : null;
}
