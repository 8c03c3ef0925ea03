// The symbols of a cache as a Breakpad symbol file (header.ts shows the records).
//
// What: text that every walker of Breakpad dumps reads, whatever the cache was
// compiled from; with `writeSymbolFile(cache)` after `compileSymbolFiles` this
// house is a dump_syms. The text comes in pieces, since a file is often larger
// than what Node puts in one string.
//
// Compiling what was written gives a cache with the same answers. The text of
// a file that was made here comes back byte for byte. What a `.sym` file has no
// words for is lost:
//
//  - where a public symbol ends: to a walker it reaches up to the next one;
//  - that a frame was interrupted (a signal handler's caller);
//  - the linker's spelling beside the readable one. One of the two is written:
//    walkers print names as they find them, so the readable one by default;
//  - that functions without a row are leaves, as on 64-bit Windows. Such a
//    function is given the row that the rule amounts to;
//  - which ranges belong to one inlined call: each has a record.
import { CacheContents } from "../cache/cache-contents.ts";
import { INLINE_WORDS } from "../cache/inline-tree.ts";
import { compilerVersion } from "../cache/layout.ts";
import { ROW_WORDS } from "../cache/line-rows.ts";
import type { CacheMeta } from "../cache/layout.ts";
import type { SymbolCache } from "../cache/symbol-cache.ts";
import { registerFiles } from "../registers.ts";
import { CfiText } from "./write-cfi.ts";
import { winText } from "./write-win.ts";

/** How names of functions are spelled. */
type NameSpelling = "readable" | "linkage";

/** What a caller knows better than the cache. */
export type WrittenAs = {
  readonly spelling?: NameSpelling;
  /** The module's names, where its files do not say them. */
  readonly debugFile?: string;
  readonly codeFile?: string | null;
};

/** Characters gathered before they are given out. */
const pieceChars = 64 * 1024;
/** In place of a debug id for a module that has none, as dump_syms writes it. */
const noDebugId = "0".repeat(33);

/** The text of a symbol file, in pieces of whole lines. Throws `DamagedCache`. */
export function* writeSymbolFile(cache: SymbolCache, as: WrittenAs = {}): Generator<string> {
  const contents = new CacheContents(cache);
  const meta = cache.meta();
  let piece = headText({ ...meta, debugFile: as.debugFile ?? meta.debugFile, codeFile: as.codeFile ?? meta.codeFile });
  for (const line of recordLines(cache, contents, as.spelling ?? "readable")) {
    piece += line;
    if (piece.length < pieceChars) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function headText(meta: CacheMeta): string {
  const { os, arch, debugId, debugFile, codeFile, codeId } = meta;
  const module = `MODULE ${word(os)} ${word(arch)} ${debugId === "" ? noDebugId : debugId} ${text(debugFile || codeFile || "unknown")}\n`;
  const code = codeId === null ? "" : `INFO CODE_ID ${codeId}${codeFile === null ? "" : ` ${text(codeFile)}`}\n`;
  return `${module}${code}INFO GENERATOR deadair ${compilerVersion}\n`;
}

/** Everything after the head, each piece one or more whole lines. */
function* recordLines(cache: SymbolCache, contents: CacheContents, names: NameSpelling): Generator<string> {
  // File and origin 0 are none; those whose name is not known have no record.
  for (let i = 1; i < contents.files.length; i++) if (contents.files[i] !== "") yield `FILE ${i - 1} ${text(contents.files[i]!)}\n`;
  for (let i = 1; i < contents.origins.length; i++) if (contents.origins[i] !== "") yield `INLINE_ORIGIN ${i - 1} ${text(contents.origins[i]!)}\n`;
  for (let i = 0; i < contents.functions + contents.publics; i++) {
    const symbol = contents.symbol(i);
    const name = text(names === "readable" ? symbol.name : symbol.linkageName) || "<name omitted>";
    const parameters = symbol.parameterBytes.toString(16);
    if (i >= contents.functions) yield `PUBLIC ${hex(symbol.start)} ${parameters} ${name}\n`;
    else yield `FUNC ${hex(symbol.start)} ${hex(symbol.end - symbol.start)} ${parameters} ${name}\n${inlineText(contents.inlines(i))}${lineText(contents.lines(i))}`;
  }
  yield* unwindLines(cache, contents);
  for (const frame of contents.winFrames()) yield `${winText(frame, contents.expressions)}\n`;
}

function inlineText(ranges: Uint32Array): string {
  let records = "";
  for (let at = 0; at < ranges.length; at += INLINE_WORDS) {
    // Depth, line of the call, file of the call (-1: not known), origin, address, bytes.
    records += `INLINE ${ranges[at]!} ${ranges[at + 3]!} ${ranges[at + 4]! - 1} ${ranges[at + 5]! - 1} ${hex(ranges[at + 1]!)} ${hex(ranges[at + 2]!)}\n`;
  }
  return records;
}

function lineText(rows: Uint32Array): string {
  let records = "";
  for (let at = 0; at < rows.length; at += ROW_WORDS) records += `${hex(rows[at]!)} ${hex(rows[at + 1]!)} ${rows[at + 2]!} ${rows[at + 3]! - 1}\n`;
  return records;
}

/** STACK CFI records, with those of leaves where the module's rule says that functions without a row are leaves. */
function* unwindLines(cache: SymbolCache, contents: CacheContents): Generator<string> {
  if (cache.arch === null) return;
  const cfi = new CfiText(registerFiles[cache.arch], contents.rules, contents.expressions);
  let leaf = cache.leafWithoutRow ? 0 : contents.functions;
  let covered = 0;
  // One step more than there are records, for the leaves after the last.
  for (let records = contents.records(), next = records.next(); ; next = records.next()) {
    const start = next.done === true ? 0xffffffff : next.value.start;
    for (; leaf < contents.functions && contents.symbol(leaf).start < start; leaf++) {
      const { start: from, end } = contents.symbol(leaf);
      if (from >= covered && end <= start) yield `STACK CFI INIT ${hex(from)} ${hex(end - from)} ${cfi.leaf}\n`;
    }
    if (next.done === true) return;
    const { end, rows } = next.value;
    let lines = `STACK CFI INIT ${hex(start)} ${hex(end - start)} ${cfi.first(rows[0]!.rule)}\n`;
    for (let i = 1; i < rows.length; i++) {
      const change = cfi.next(rows[i]!.rule);
      if (change !== "") lines += `STACK CFI ${hex(rows[i]!.start)} ${change}\n`;
    }
    covered = end;
    yield lines;
  }
}

function hex(value: number): string {
  return value.toString(16);
}

/** A field that may hold blanks: the last of its line. */
function text(value: string): string {
  return value.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
}

/** A field without blanks. */
function word(value: string): string {
  return text(value).replaceAll(" ", "_") || "unknown";
}
