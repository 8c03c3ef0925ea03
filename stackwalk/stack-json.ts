// Threads and frames as JSON: most of a report's text, and most of the time
// that writing one takes. Every frame is written once; the copy of the crashed
// thread that the schema asks for shares the texts of all its frames but the
// first, which has the registers.
//
// Addresses are hex by the contract of report.ts: every walker makes them from
// numbers. They go into the text as they are; names are looked through.
import { inside, list, numberOrNull, quoted, quotedOrNull } from "./json-text.ts";
import type { Frame, InlineFrame, Report, Thread, Trust } from "./report.ts";

/** The list of threads and the copy of the crashed one; null when no thread crashed or the one that did has no frames. */
export function stacksJson(report: Report): { readonly threads: string; readonly crashed: string | null } {
  const { threads, crash_info: crash } = report;
  const known: Known = { modules: new Map(), files: new Map(), registerNames: [] };
  let text = "[";
  let crashed: string | null = null;
  for (let i = 0; i < threads.length; i++) {
    const thread = threads[i]!;
    const first = thread.frames[0];
    const registers = first?.registers === undefined ? null : registersJson(first.registers, known);
    const rest = restOfFrames(thread.frames, known);
    const begin = first === undefined ? "" : frameJson(first, "", registers === null ? "" : `,"registers":${registers}`, known);
    text += i === 0 ? threadJson(thread, begin, rest, "") : `,${threadJson(thread, begin, rest, "")}`;
    if (i === crash.crashing_thread && first !== undefined) {
      crashed = threadJson(thread, frameJson(first, `"registers":${registers ?? "{}"},`, "", known), rest, `,"threads_index":${i}`);
    }
  }
  return { threads: `${text}]`, crashed };
}

/** What was written before and will be needed again. */
type Known = {
  /** What names a module within a frame, by module. */
  readonly modules: Map<string, string>;
  /** Paths of source files as JSON without quotes. */
  readonly files: Map<string, string>;
  /** Sorted names of the registers that were written last: the next frame's are mostly the same. */
  registerNames: readonly string[];
};

function threadJson(thread: Thread, first: string, rest: string, index: string): string {
  const { recursion } = thread;
  let text = `{"frame_count":${thread.frame_count},"frames":[${first}${rest}],"last_error_value":${quotedOrNull(thread.last_error_value)},"thread_id":${numberOrNull(thread.thread_id)},"thread_name":${quotedOrNull(thread.thread_name)}${index}`;
  if (thread.frames_truncated !== undefined) text += `,"frames_truncated":${thread.frames_truncated}`;
  if (recursion !== undefined) text += `,"recursion":{"cycle":${recursion.cycle},"frame":${recursion.frame},"times":${recursion.times}}`;
  if (thread.stopped !== undefined) text += `,"stopped":${quoted(thread.stopped)}`;
  return `${text}}`;
}

/** All frames but the first, each after a comma. */
function restOfFrames(frames: readonly Frame[], known: Known): string {
  let text = "";
  for (let i = 1; i < frames.length; i++) {
    const frame = frames[i]!;
    const registers = frame.registers === undefined ? "" : `,"registers":${registersJson(frame.registers, known)}`;
    text += `,${frameJson(frame, "", registers, known)}`;
  }
  return text;
}

/** What ends most frames: trust, and no unloaded modules. */
const ends: { readonly [trust in Trust]: string } = {
  context: `"trust":"context","unloaded_modules":null`,
  prewalked: `"trust":"prewalked","unloaded_modules":null`,
  cfi: `"trust":"cfi","unloaded_modules":null`,
  frame_pointer: `"trust":"frame_pointer","unloaded_modules":null`,
  cfi_scan: `"trust":"cfi_scan","unloaded_modules":null`,
  scan: `"trust":"scan","unloaded_modules":null`,
  leaf: `"trust":"leaf","unloaded_modules":null`,
  none: `"trust":"none","unloaded_modules":null`,
};

/** What lies between a frame's file and its function, for the first frames; the rest is put together. */
const numbers = Array.from({ length: 128 }, (_, frame) => `,"frame":${frame},"function":`);

/** A frame, with its registers where the schema has them (`amid`) or among our own fields (`after`). */
function frameJson(frame: Frame, amid: string, after: string, known: Known): string {
  const { file, line_offset: lineOffset, unloaded_modules: unloaded } = frame;
  const number = numbers[frame.frame] ?? `,"frame":${numberOrNull(frame.frame)},"function":`;
  const end = unloaded === null ? ends[frame.trust] : `"trust":${quoted(frame.trust)},"unloaded_modules":${list(unloaded, unloadedJson)}`;
  const tail = lineOffset === undefined ? `${amid}${end}${after}}` : `${amid}${end},"line_offset":"${lineOffset}"${after}}`;
  const source = file === null ? `{"file":null${number}` : `{"file":"${fileInside(file, known)}"${number}`;
  return `${source}${functionJson(frame, known)}${moduleJson(frame, known)}${tail}`;
}

/** From the function's name to the line. */
function functionJson({ function: name, function_offset: offset, inlines, line }: Frame, known: Known): string {
  const lineText = line === null ? "null" : numberOrNull(line);
  if (name !== null && offset !== null) {
    return inlines === null ? `"${inside(name)}","function_offset":"${offset}","inlines":null,"line":${lineText}` : `"${inside(name)}","function_offset":"${offset}","inlines":[${inlinesJson(inlines, known)}],"line":${lineText}`;
  }
  if (name === null && offset === null && inlines === null && line === null) return `null,"function_offset":null,"inlines":null,"line":null`;
  const inlinesText = inlines === null ? "null" : `[${inlinesJson(inlines, known)}]`;
  return `${quotedOrNull(name)},"function_offset":${quotedOrNull(offset)},"inlines":${inlinesText},"line":${lineText}`;
}

/** From the missing symbols to the address. */
function moduleJson({ missing_symbols: missing, module, module_offset: moduleOffset, offset }: Frame, known: Known): string {
  if (module === null || moduleOffset === null) {
    return `,"missing_symbols":${missing},"module":${quotedOrNull(module)},"module_offset":${quotedOrNull(moduleOffset)},"offset":"${offset}",`;
  }
  let start = known.modules.get(module);
  if (start === undefined) {
    start = `"module":"${inside(module)}","module_offset":"`;
    known.modules.set(module, start);
  }
  return missing ? `,"missing_symbols":true,${start}${moduleOffset}","offset":"${offset}",` : `,"missing_symbols":false,${start}${moduleOffset}","offset":"${offset}",`;
}

function inlinesJson(inlines: readonly InlineFrame[], known: Known): string {
  let text = "";
  for (let i = 0; i < inlines.length; i++) {
    const { file, function: name, function_offset: functionOffset, line, line_offset: lineOffset } = inlines[i]!;
    const start = i === 0 ? `{"file":` : `,{"file":`;
    text += file === null ? `${start}null,"function":"` : `${start}"${fileInside(file, known)}","function":"`;
    text += line === null ? `${inside(name)}","line":null` : `${inside(name)}","line":${numberOrNull(line)}`;
    if (functionOffset !== undefined) text += `,"function_offset":"${functionOffset}"`;
    text += lineOffset === undefined ? "}" : `,"line_offset":"${lineOffset}"}`;
  }
  return text;
}

/** A file's path without quotes. Few files hold most frames, and the walkers give equal paths as one string. */
function fileInside(file: string, known: Known): string {
  let text = known.files.get(file);
  if (text === undefined) {
    text = inside(file);
    known.files.set(file, text);
  }
  return text;
}

function unloadedJson(unloaded: { readonly module: string; readonly offsets: readonly string[] }): string {
  return `{"module":${quoted(unloaded.module)},"offsets":${list(unloaded.offsets, quoted)}}`;
}

function registersJson(registers: { readonly [name: string]: string }, known: Known): string {
  let text = "{";
  for (const name of sortedNames(registers, known)) text += text.length > 1 ? `,"${inside(name)}":"${registers[name]}"` : `"${inside(name)}":"${registers[name]}"`;
  return `${text}}`;
}

function sortedNames(registers: { readonly [name: string]: string }, known: Known): readonly string[] {
  const names = Object.keys(registers);
  if (names.length !== known.registerNames.length || !known.registerNames.every((name) => Object.hasOwn(registers, name))) known.registerNames = names.sort();
  return known.registerNames;
}
