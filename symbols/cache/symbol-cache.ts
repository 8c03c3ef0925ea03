// Answers what a walk asks of one module, from its cache file (layout.ts says
// what is in it, module-symbols.ts what is asked). Nothing is parsed and
// little is allocated; what of the file is read depends on what is asked.
//
// Open a cache with `openCache`, share it by posting its `handle` to another
// thread and calling `attachCache` there. Any look-up throws `DamagedCache`
// when it meets a page that is not what was written; the caller compiles the
// module anew.
import type { Arch } from "../registers.ts";
import { CachedStrings } from "./cached-strings.ts";
import { type InlineChain, makeInlineChain, readInlineChain } from "./inline-tree.ts";
import { type CacheMeta, SYMBOL_WORDS, archOfNumber, headerField, headerFlag, noSymbol, pageBytes, publicFlag, section } from "./layout.ts";
import { type LineRow, blockBytes, readLineRow } from "./line-rows.ts";
import { type InlinePlace, type ModuleSymbols, nameless, type SourcePlace, type WinFrame } from "./module-symbols.ts";
import { type CacheFault, type CacheHandle, DamagedCache, PagedFile, closeCacheFile, openCacheFile } from "./paged-file.ts";
import { SectionTable, type WordSection } from "./sections.ts";
import { varintBytes } from "./growable-array.ts";
import { WinTables } from "./win-tables.ts";

const noInlines: readonly InlinePlace[] = [];

/** A cache, or why it cannot be used. */
export type OpenCache = { readonly ok: true; readonly value: SymbolCache } | { readonly ok: false; readonly fault: CacheFault };

/** Opens a cache file. Reads a few kilobytes. */
export function openCache(path: string): OpenCache {
  const opened = openCacheFile(path);
  if (!opened.ok) return opened;
  try {
    return { ok: true, value: new SymbolCache(opened.value) };
  } catch (error) {
    closeCacheFile(opened.value);
    if (error instanceof DamagedCache) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** The cache of a handle that another thread opened. Throws `DamagedCache` if the handle's file was never one. */
export function attachCache(handle: CacheHandle): SymbolCache {
  return new SymbolCache(handle);
}

/** A cache over bytes that were just compiled. */
export function cacheOfBytes(path: string, bytes: Uint8Array): SymbolCache {
  const shared = new SharedArrayBuffer(bytes.length);
  const copy = Buffer.from(shared);
  copy.set(bytes);
  const bodyOffset = copy.readUInt32LE(headerField.bodyOffset);
  const present = new SharedArrayBuffer(4 * Math.max(Math.ceil((bytes.length - bodyOffset) / pageBytes), 1));
  new Int32Array(present).fill(1);
  // Every page is there, so the descriptor is never read.
  const handle: CacheHandle = { path, descriptor: -1, bytes: shared, present, bodyOffset };
  return attachCache(handle);
}

/** The symbols of one module. One thread's; see `handle` for others. */
export class SymbolCache implements ModuleSymbols {
  /** What to post to another thread. */
  readonly handle: CacheHandle;
  /** Null for an architecture that cannot be walked. */
  readonly arch: Arch | null;
  readonly hasUnwindRows: boolean;
  readonly leafWithoutRow: boolean;
  readonly lacksCompanion: boolean;
  readonly hasNames: boolean;
  readonly hasLines: boolean;
  readonly hasWinFrames: boolean;
  /** Filled by the first `unwindRow` or `winFrame`. */
  readonly rules: Int32Array;
  /** Filled by the first `unwindRow` or `winFrame`. */
  readonly expressions: Int32Array;

  private readonly file: PagedFile;
  private readonly sections: SectionTable;
  private readonly strings: CachedStrings;
  /** The same strings, kept apart: files are few and in every answer, and names, which are many, would push them out. */
  private readonly paths: CachedStrings;
  private readonly rangeStart: WordSection;
  private readonly rangeSymbol: WordSection;
  private readonly rangePage: Uint32Array;
  private readonly symbols: WordSection;
  private readonly symbolLinkage: WordSection;
  private readonly symbolParameters: WordSection;
  private readonly lines: WordSection;
  private readonly lineRows: { readonly offset: number; readonly bytes: number };
  private readonly inlines: WordSection;
  private readonly inlineCalls: { readonly offset: number; readonly bytes: number };
  private readonly fileName: WordSection;
  private readonly originName: WordSection;
  private readonly rowStarts: WordSection;
  private readonly rowRules: { readonly halves: Uint16Array; readonly offset: number };
  private readonly rowRulesHigh: { readonly halves: Uint16Array; readonly offset: number };
  private readonly rowPage: Uint32Array;
  private readonly winTables: WinTables;
  private readonly row: LineRow = { start: 0, file: 0, line: 0 };
  private readonly chain: InlineChain = makeInlineChain();
  private hasNameIndex = false;
  private hasUnwindIndex = false;

  constructor(handle: CacheHandle) {
    this.handle = handle;
    this.file = new PagedFile(handle);
    const sections = new SectionTable(this.file);
    this.sections = sections;
    this.strings = new CachedStrings(this.file, sections);
    this.paths = new CachedStrings(this.file, sections);
    this.arch = archOfNumber(this.file.bytes.readUInt16LE(headerField.arch));
    this.rangeStart = sections.words(section.rangeStart);
    this.rangeSymbol = sections.words(section.rangeSymbol);
    this.rangePage = sections.words(section.rangePage).words;
    this.symbols = sections.words(section.symbols);
    this.symbolLinkage = sections.words(section.symbolLinkage);
    this.symbolParameters = sections.words(section.symbolParameters);
    this.lines = sections.words(section.lines);
    this.lineRows = sections.at(section.lineRows);
    this.inlines = sections.words(section.inlines);
    this.inlineCalls = sections.at(section.inlineCalls);
    this.fileName = sections.words(section.fileName);
    this.originName = sections.words(section.originName);
    this.rowStarts = sections.words(section.rowStart);
    this.rowRules = sections.halves(section.rowRule);
    this.rowRulesHigh = sections.halves(section.rowRuleHigh);
    this.rowPage = sections.words(section.rowPage).words;
    this.winTables = new WinTables(sections);
    this.rules = sections.integers(section.rules);
    this.expressions = sections.integers(section.expressions);
    this.hasUnwindRows = this.rowStarts.words.length > 0;
    const flags = this.file.bytes.readUInt16LE(headerField.flags);
    this.leafWithoutRow = (flags & headerFlag.leafWithoutRow) !== 0;
    this.lacksCompanion = (flags & headerFlag.lacksCompanion) !== 0;
    this.hasNames = this.rangeStart.words.length > 0;
    this.hasLines = this.lineRows.bytes > 0;
    this.hasWinFrames = sections.at(section.winPrograms).bytes + sections.at(section.winFpo).bytes > 0;
  }

  /** What the cache says of itself. */
  meta(): CacheMeta {
    this.sections.load(section.meta);
    const { offset, bytes } = this.sections.at(section.meta);
    return JSON.parse(this.file.bytes.toString("utf8", offset, offset + bytes)) as CacheMeta;
  }

  /** Reads and checks the whole file. Throws `DamagedCache`. */
  verify(): void {
    const { bytes, bodyOffset } = this.handle;
    if (bytes.byteLength > bodyOffset) this.file.need(bodyOffset, bytes.byteLength);
  }

  /** Gives up the file. No thread may use the handle any more. */
  close(): void {
    closeCacheFile(this.handle);
  }

  lookUp(rva: number, place: SourcePlace): boolean {
    place.name = "";
    place.linkageName = null;
    place.start = 0;
    place.isPublic = false;
    place.file = null;
    place.line = 0;
    place.lineStart = 0;
    place.inlines = noInlines;
    const symbol = this.symbolAt(rva);
    if (symbol === noSymbol) return false;
    const { words, offset } = this.symbols;
    const at = symbol * SYMBOL_WORDS;
    this.file.need(offset + at * 4, offset + (at + 2 * SYMBOL_WORDS) * 4);
    const name = words[at + 1]!;
    place.start = words[at]!;
    place.name = this.strings.text(name & ~publicFlag);
    if (this.symbolLinkage.words.length > 0) {
      const linkage = this.word(this.symbolLinkage, symbol);
      if (linkage !== 0) place.linkageName = this.strings.text(linkage);
    }
    if (name >= publicFlag) {
      place.isPublic = true;
      return true;
    }
    const row = this.row;
    const hasLine = this.findLine(words[at + 2]!, words[at + SYMBOL_WORDS + 2]!, rva, row);
    const file = hasLine ? this.fileText(row.file) : null;
    if (this.findInlines(words[at + 3]!, words[at + SYMBOL_WORDS + 3]!, rva)) {
      this.fillInlines(place, file, hasLine);
    } else if (file !== null) {
      place.file = file;
      place.line = row.line;
      place.lineStart = row.start;
    }
    return true;
  }

  hasName(rva: number): boolean {
    return this.symbolAt(rva) !== noSymbol;
  }

  parameterBytes(rva: number): number {
    if (this.symbolParameters.words.length === 0) return 0;
    const symbol = this.symbolAt(rva);
    return symbol === noSymbol ? 0 : this.word(this.symbolParameters, symbol);
  }

  unwindRow(rva: number): number {
    if (!this.hasUnwindIndex) this.loadUnwind();
    const row = this.find(this.rowStarts, this.rowPage, rva);
    return row >= 0 && this.rowValue(row) !== 0 ? row : -1;
  }

  rowStart(row: number): number {
    return row >= 0 && row < this.rowStarts.words.length ? this.word(this.rowStarts, row) : 0xffffffff;
  }

  rowIsEntry(row: number): boolean {
    return (this.rowValue(row) & 1) === 1;
  }

  rowRule(row: number): number {
    return (this.rowValue(row) >>> 1) - 1;
  }

  winFrame(rva: number): WinFrame | null {
    return this.winTables.frame(rva);
  }

  private loadUnwind(): void {
    this.sections.load(section.rowPage);
    this.sections.load(section.rules);
    this.sections.load(section.expressions);
    this.hasUnwindIndex = true;
  }

  private rowValue(row: number): number {
    const { halves, offset } = this.rowRules;
    this.file.need(offset + row * 2, offset + row * 2 + 2);
    const low = halves[row]!;
    if (this.rowRulesHigh.halves.length === 0) return low;
    this.file.need(this.rowRulesHigh.offset + row * 2, this.rowRulesHigh.offset + row * 2 + 2);
    return low | (this.rowRulesHigh.halves[row]! << 16);
  }

  /** The number of the symbol that has an address, or `noSymbol`. */
  private symbolAt(rva: number): number {
    if (!this.hasNameIndex) {
      this.sections.load(section.rangePage);
      this.hasNameIndex = true;
    }
    const range = this.find(this.rangeStart, this.rangePage, rva);
    return range < 0 ? noSymbol : this.word(this.rangeSymbol, range);
  }

  /** Position of the last entry at or below an address, by the page index of the section; -1 when all are above it. */
  private find(starts: WordSection, index: Uint32Array, rva: number): number {
    if (index.length === 0 || !(rva >= 0 && rva <= 0xffffffff)) return -1;
    const { words, offset } = starts;
    const page = (rva >>> index[0]!) + 1;
    if (page >= index.length - 1) return words.length - 1;
    let low = index[page]!;
    let high = index[page + 1]!;
    if (high > low) this.file.need(offset + low * 4, offset + high * 4);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[middle]! <= rva) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private word(from: WordSection, index: number): number {
    this.file.need(from.offset + index * 4, from.offset + index * 4 + 4);
    return from.words[index]!;
  }

  /** The last of the checkpoints from `first` up to `last` that is at or below an address; -1 when all are above it. */
  private checkpoint(points: WordSection, first: number, last: number, rva: number): number {
    if (first >= last) return -1;
    const { words, offset } = points;
    this.file.need(offset + first * 8, offset + last * 8);
    let low = first;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[middle * 2]! <= rva) low = middle + 1;
      else high = middle;
    }
    return low > first ? low - 1 : -1;
  }

  private findLine(first: number, last: number, rva: number, row: LineRow): boolean {
    const point = this.checkpoint(this.lines, first, last, rva);
    if (point < 0) return false;
    const { words } = this.lines;
    const offset = this.lineRows.offset + words[point * 2 + 1]!;
    const end = this.lineRows.offset + this.lineRows.bytes;
    this.file.need(offset, offset + blockBytes < end ? offset + blockBytes : end);
    readLineRow(this.file.bytes, offset, words[point * 2]!, rva, row);
    return row.file !== 0;
  }

  /** Fills `chain`; false when nothing was inlined at the address. */
  private findInlines(first: number, last: number, rva: number): boolean {
    const point = this.checkpoint(this.inlines, first, last, rva);
    if (point < 0) return false;
    const { words } = this.inlines;
    const { bytes } = this.file;
    const limit = this.inlineCalls.offset + this.inlineCalls.bytes;
    let offset = this.inlineCalls.offset + words[point * 2 + 1]!;
    this.file.need(offset, offset + varintBytes < limit ? offset + varintBytes : limit);
    let byte = bytes[offset++]!;
    let length = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[offset++]!;
      length |= (byte & 0x7f) << shift;
    }
    const end = offset + (length >>> 0);
    this.file.need(offset, end);
    readInlineChain(bytes, offset, end, words[point * 2]!, rva, this.chain);
    return this.chain.depth > 0;
  }

  /** Hands the places down: the innermost call has the line record's, each one around it, and the function, that of the call in it. */
  private fillInlines(place: SourcePlace, lineFile: string | null, hasLine: boolean): void {
    const { chain, row } = this;
    const inlines: InlinePlace[] = [];
    let file = lineFile;
    let line = hasLine ? row.line : 0;
    let start = hasLine ? row.start : 0;
    for (let depth = chain.depth - 1; depth >= 0; depth--) {
      const origin = chain.origins[depth]!;
      const name = origin < this.originName.words.length ? this.strings.text(this.word(this.originName, origin)) : "";
      inlines.push({ name: name === "" ? nameless : name, file, line, start });
      // Without a file of its own the call is taken to stand in the line record's file, as Breakpad does.
      file = this.fileText(chain.files[depth]!) ?? lineFile;
      line = chain.lines[depth]!;
      start = chain.starts[depth]!;
    }
    place.inlines = inlines;
    if (file === null) return;
    place.file = file;
    place.line = line;
    place.lineStart = start;
  }

  private fileText(file: number): string | null {
    if (file <= 0 || file >= this.fileName.words.length) return null;
    const text = this.paths.text(this.word(this.fileName, file));
    return text === "" ? null : text;
  }
}
