// Compiles a Breakpad symbol file into a symbol cache, in one pass.
//
// What: `.sym` text in (header.ts shows the records), the bytes of a cache out
// (cache/layout.ts). Steps:
//
//  1. The MODULE line says whether this is a symbol file at all; UTF-16,
//     archives, PDBs and the like are refused with what they are.
//  2. Whole lines go to a `RecordPass`, a few megabytes at a time: a file is
//     read piece by piece, so a gigabyte of symbols needs the memory of its
//     cache and not its own.
//  3. Functions and public symbols are flattened into ranges; symbols that
//     were dropped on the way lose their numbers (cache/symbol-ranges.ts).
//  4. Names may be demangled, once per distinct name.
//  5. The sections are written with their checksums (cache/cache-writer.ts).
//
// A record that cannot be read is skipped, and counted by reason in the
// cache's META (compile-warnings.ts); Breakpad gives up on a file after a
// hundred of those, which helps nobody. What is left out: addresses beyond
// 4 GiB, records longer than a read, functions without size.
//
// Time is linear in the file but for sorting what is not in order; memory is
// bounded by a small multiple of the file whatever it holds. The function is
// synchronous, so that a pool can run it in a thread.
import { closeSync, openSync, readSync } from "node:fs";
import { type Result, ok, refuse } from "../../config/problem.ts";
import { writeCache, type SectionData } from "../cache/cache-writer.ts";
import { Uint32List } from "../cache/growable-array.ts";
import { SYMBOL_WORDS, type SectionKind, publicFlag, section } from "../cache/layout.ts";
import { buildPageIndex } from "../cache/page-index.ts";
import type { StringTable } from "../cache/string-table.ts";
import { flattenSymbols } from "../cache/symbol-ranges.ts";
import { type Arch, registerFiles } from "../registers.ts";
import { RecordPass } from "./compile-records.ts";
import { occurred } from "./compile-warnings.ts";
import { type SymbolHeader, headerPrefixBytes, readSymbolHeader } from "./header.ts";

/** Bytes read at a time; a record that is longer is left out. */
const readBytes = 4 * 1024 * 1024;

/** How to compile. */
export type CompileOptions = {
  /** Gives the readable form of a mangled name, null for a name that is none. */
  readonly demangle?: (name: string) => string | null;
  /** Digest of the file, kept in the cache's META. */
  readonly sourceDigest?: string;
};

/** Compiles a symbol file that is in memory. Refuses with `not_a_symbol_file` or `bad_module_record`. */
export function compileBreakpad(input: Uint8Array, options: CompileOptions = {}): Result<Uint8Array> {
  const header = readSymbolHeader(input.subarray(0, headerPrefixBytes));
  if (!header.ok) return header;
  const arch = archOf(header.value.arch);
  const pass = new RecordPass(arch === null ? null : registerFiles[arch]);
  const end = input.lastIndexOf(0x0a) + 1;
  pass.take(input, 0, end);
  takeLastLine(pass, input.subarray(end));
  return ok(finish(pass, header.value, arch, options));
}

/** Compiles a symbol file from the disk, piece by piece. Refuses like `compileBreakpad`, and with `symbol_file_unreadable`. */
export function compileBreakpadFile(path: string, options: CompileOptions = {}): Result<Uint8Array> {
  let file = -1;
  try {
    file = openSync(path, "r");
    return compileDescriptor(file, options);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return refuse(500, "symbol_file_unreadable", `The symbol file cannot be read: ${error.message}.`, "Look at the disk and at the file's permissions.");
  } finally {
    if (file >= 0) closeSync(file);
  }
}

function compileDescriptor(file: number, options: CompileOptions): Result<Uint8Array> {
  const buffer = new Uint8Array(readBytes);
  let filled = readFully(file, buffer, 0);
  const header = readSymbolHeader(buffer.subarray(0, Math.min(filled, headerPrefixBytes)));
  if (!header.ok) return header;
  const arch = archOf(header.value.arch);
  const pass = new RecordPass(arch === null ? null : registerFiles[arch]);
  let inOverlong = false;
  while (filled > 0) {
    const isLast = filled < buffer.length;
    let start = 0;
    if (inOverlong) {
      start = buffer.subarray(0, filled).indexOf(0x0a) + 1;
      inOverlong = start === 0;
    }
    const end = inOverlong ? 0 : buffer.subarray(0, filled).lastIndexOf(0x0a) + 1;
    if (end > start) pass.take(buffer, start, end);
    if (isLast) {
      if (!inOverlong) takeLastLine(pass, buffer.subarray(Math.max(start, end), filled));
      break;
    }
    let rest = Math.max(start, end);
    if (rest === 0) {
      if (!inOverlong) pass.tally.overlongRecord++;
      inOverlong = true;
      rest = filled;
    }
    buffer.copyWithin(0, rest, filled);
    filled = readFully(file, buffer, filled - rest);
  }
  return ok(finish(pass, header.value, arch, options));
}

/** Fills a buffer from `from` on, and returns how much of it is filled. */
function readFully(file: number, buffer: Uint8Array, from: number): number {
  let filled = from;
  while (filled < buffer.length) {
    const bytes = readSync(file, buffer, filled, buffer.length - filled, null);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

function takeLastLine(pass: RecordPass, line: Uint8Array): void {
  if (line.length === 0) return;
  const bytes = new Uint8Array(line.length + 1);
  bytes.set(line);
  bytes[line.length] = 0x0a;
  pass.take(bytes, 0, bytes.length);
}

/** The architecture that a MODULE record names; null for those that cannot be walked. */
function archOf(name: string): Arch | null {
  if (/^(x86|i[3-6]86)$/i.test(name)) return "x86";
  if (/^(x86_64h?|amd64|x64)$/i.test(name)) return "amd64";
  if (/^(arm64(e|v8|_32)?|aarch64)$/i.test(name)) return "arm64";
  return /^(arm|armv\d\w*|thumb\w*)$/i.test(name) ? "arm" : null;
}

function finish(pass: RecordPass, header: SymbolHeader, arch: Arch | null, options: CompileOptions): Uint8Array {
  pass.finish();
  const { tally, strings, lines, inlines, rules } = pass;
  const sections = new Map<SectionKind, SectionData>();
  const symbolCounts = addSymbols(pass, arch, sections);
  addNames(pass, sections, options.demangle);

  sections.set(section.lineRows, lines.blob.view());
  sections.set(section.inlineCalls, inlines.blob.view());
  const rows = pass.unwind.finish();
  sections.set(section.rowStart, rows.starts);
  sections.set(section.rowRule, rows.low);
  sections.set(section.rowRuleHigh, rows.high);
  sections.set(section.rowPage, buildPageIndex(rows.starts));
  const win = pass.win.finish();
  sections.set(section.winPrograms, win.programs);
  sections.set(section.winFpo, win.fpo);
  sections.set(section.winShapes, win.shapes);
  if (rules.count > 1) sections.set(section.rules, rules.ruleSection());
  sections.set(section.expressions, rules.expressionSection());

  tally.overlappingLine += lines.overlaps;
  tally.unplacedInline += inlines.dropped;
  tally.overlappingCfi += rows.overlaps;
  tally.overlappingWin += win.overlaps;
  tally.ruleOverflow += rules.overflow;
  if (strings.isFull) tally.nameOverflow++;
  const counts = { ...symbolCounts, lines: lines.rows, inlines: inlines.nodes, unwindRows: rows.starts.length, rules: rules.count, winPrograms: win.programs.length / 3, winFpo: win.fpo.length / 3 };
  const { debugFile, debugId, codeId, codeFile, generator, os } = header;
  return writeCache({ source: "breakpad", sourceDigest: options.sourceDigest ?? "", debugFile, debugId, codeId, codeFile, generator, os, arch: header.arch, counts, warnings: occurred(tally) }, arch, sections);
}

/** The sections about functions and public symbols, without those that were dropped. */
function addSymbols(pass: RecordPass, arch: Arch | null, sections: Map<SectionKind, SectionData>): { readonly functions: number; readonly publics: number } {
  const { tally, lines, inlines } = pass;
  const ranges = flattenSymbols({ functionStart: pass.functionStart.view(), functionEnd: pass.functionEnd.view(), publicStart: pass.publicStart.view() });
  const { functions, publics } = ranges;
  tally.overlappingFunction += pass.functionStart.length - functions.length;
  tally.overlappingPublic += pass.publicStart.length - publics.length;
  sections.set(section.rangeStart, ranges.starts);
  sections.set(section.rangeSymbol, ranges.symbols);
  sections.set(section.rangePage, buildPageIndex(ranges.starts));
  const lineRuns = pickRuns(pass.functionLines, functions, lines.starts, lines.offsets);
  const inlineRuns = pickRuns(pass.functionInlines, functions, inlines.starts, inlines.offsets);
  sections.set(section.lines, lineRuns.points);
  sections.set(section.inlines, inlineRuns.points);
  const starts = pickBoth(pass.functionStart, functions, pass.publicStart, publics);
  const names = pickBoth(pass.functionName, functions, pass.publicName, publics);
  sections.set(section.symbols, joinSymbols(starts, names, functions.length, lineRuns.first, inlineRuns.first));
  const parameters = pickBoth(pass.functionParameters, functions, pass.publicParameters, publics);
  if (arch === "x86" && parameters.some((bytes) => bytes > 0)) sections.set(section.symbolParameters, parameters);
  return { functions: functions.length, publics: publics.length };
}

/** The strings and what points to them. */
function addNames(pass: RecordPass, sections: Map<SectionKind, SectionData>, demangle: CompileOptions["demangle"]): void {
  const { strings, files, origins } = pass;
  let originNames = origins.names.view();
  if (demangle !== undefined) {
    const readable = demangled(strings, demangle);
    const symbols = sections.get(section.symbols) as Uint32Array;
    const linkage = new Uint32Array(symbols.length / SYMBOL_WORDS - 1);
    let isMangled = false;
    for (let i = 0; i < linkage.length; i++) {
      const word = symbols[i * SYMBOL_WORDS + 1]!;
      const name = word & ~publicFlag;
      if (readable[name] === name) continue;
      linkage[i] = name;
      symbols[i * SYMBOL_WORDS + 1] = (readable[name]! | (word & publicFlag)) >>> 0;
      isMangled = true;
    }
    if (isMangled) sections.set(section.symbolLinkage, linkage);
    originNames = originNames.map((name) => readable[name]!);
  }
  sections.set(section.fileName, files.names.view());
  sections.set(section.originName, originNames);
  sections.set(section.stringOffset, strings.offsetSection());
  sections.set(section.stringBytes, strings.byteSection());
}

/** By string: the string of its readable form, or itself. */
function demangled(strings: StringTable, demangle: (name: string) => string | null): Uint32Array {
  const count = strings.count;
  const readable = new Uint32Array(count);
  for (let id = 0; id < count; id++) {
    readable[id] = id;
    const bytes = strings.bytesOf(id);
    // Itanium and Rust begin with _, Microsoft's with ?, Swift's with $ or _, and so does no path that matters.
    const first = bytes[0];
    if (first !== 0x5f && first !== 0x3f && first !== 0x24 && first !== 0x40) continue;
    const text = demangle(Buffer.from(bytes).toString("utf8"));
    if (text !== null && text !== "") readable[id] = strings.takeText(text);
  }
  return readable;
}

/** The values of the kept functions, then those of the kept public symbols. */
function pickBoth(functionValues: Uint32List, functions: Uint32Array, publicValues: Uint32List, publics: Uint32Array): Uint32Array {
  const picked = new Uint32Array(functions.length + publics.length);
  for (let i = 0; i < functions.length; i++) picked[i] = functionValues.data[functions[i]!]!;
  for (let i = 0; i < publics.length; i++) picked[functions.length + i] = publicValues.data[publics[i]!]!;
  return picked;
}

/** The section `symbols`. */
function joinSymbols(starts: Uint32Array, names: Uint32Array, functions: number, firstLine: Uint32Array, firstInline: Uint32Array): Uint32Array {
  const joined = new Uint32Array((starts.length + 1) * SYMBOL_WORDS);
  for (let i = 0; i <= starts.length; i++) {
    const word = i * SYMBOL_WORDS;
    joined[word] = starts[i] ?? 0;
    joined[word + 1] = ((names[i] ?? 0) | (i < functions ? 0 : publicFlag)) >>> 0;
    joined[word + 2] = firstLine[Math.min(i, functions)]!;
    joined[word + 3] = firstInline[Math.min(i, functions)]!;
  }
  return joined;
}

/** The checkpoints of the kept functions, each function's run after that of the function before; `first` has one entry more than there are functions. */
function pickRuns(firsts: Uint32List, functions: Uint32Array, starts: Uint32List, offsets: Uint32List): { readonly first: Uint32Array; readonly points: Uint32Array } {
  const first = new Uint32Array(functions.length + 1);
  const points = new Uint32List(starts.length * 2);
  for (let i = 0; i < functions.length; i++) {
    const from = firsts.data[functions[i]!]!;
    const to = functions[i]! + 1 < firsts.length ? firsts.data[functions[i]! + 1]! : starts.length;
    first[i] = points.length / 2;
    for (let k = from; k < to; k++) {
      points.push(starts.data[k]!);
      points.push(offsets.data[k]!);
    }
  }
  first[functions.length] = points.length / 2;
  return { first, points: points.view() };
}
