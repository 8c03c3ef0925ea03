// All that a cache holds, one thing after the other: for those who write it
// out in another form, or compare. Look-ups go by address and read as little
// as they can (symbol-cache.ts); this reads the whole file, once.
import { INLINE_WORDS, unpackInlineCalls } from "./inline-tree.ts";
import { CachedStrings } from "./cached-strings.ts";
import { type BlobPlace, Uint32List, readVarint } from "./growable-array.ts";
import { SYMBOL_WORDS, publicFlag, section } from "./layout.ts";
import { ROW_WORDS, unpackLineRows } from "./line-rows.ts";
import type { WinFrame } from "./module-symbols.ts";
import { PagedFile } from "./paged-file.ts";
import { SectionTable } from "./sections.ts";
import type { SymbolCache } from "./symbol-cache.ts";
import { WinTables } from "./win-tables.ts";

/** A function or public symbol. */
export type CachedSymbol = {
  readonly start: number;
  /** First address past a function; 0 for a public symbol, which has no known end. */
  readonly end: number;
  /** Readable. */
  readonly name: string;
  /** The linker's spelling; the same as `name` where there is no other. */
  readonly linkageName: string;
  readonly parameterBytes: number;
};

/** A row of an unwind record. */
export type CachedRow = {
  readonly start: number;
  /** Index of the rule; 0 is the rule of nothing. */
  readonly rule: number;
};

/** Rows of consecutive addresses. */
export type CachedRecord = { readonly start: number; readonly end: number; readonly rows: readonly CachedRow[] };

/** Reads the contents of one open cache. */
export class CacheContents {
  /** How many functions and public symbols there are. */
  readonly functions: number;
  readonly publics: number;
  /** Names of files and of inlined functions by their numbers; "" for 0 and for those whose name is not known. */
  readonly files: readonly string[];
  readonly origins: readonly string[];
  /** See unwind-rule.ts. */
  readonly rules: Int32Array;
  readonly expressions: Int32Array;

  private readonly bytes: Buffer;
  private readonly strings: CachedStrings;
  private readonly table: SectionTable;
  private readonly symbols: Uint32Array;
  private readonly linkage: Uint32Array;
  private readonly parameters: Uint32Array;
  private readonly ends: Uint32Array;
  private readonly rows = new Uint32List();
  private readonly ranges = new Uint32List();

  /** Reads and checks the whole cache. Throws `DamagedCache`. */
  constructor(cache: SymbolCache) {
    cache.verify();
    const file = new PagedFile(cache.handle);
    const table = new SectionTable(file);
    this.bytes = file.bytes;
    this.table = table;
    this.strings = new CachedStrings(file, table);
    this.symbols = table.words(section.symbols).words;
    this.linkage = table.words(section.symbolLinkage).words;
    this.parameters = table.words(section.symbolParameters).words;
    this.rules = table.integers(section.rules);
    this.expressions = table.integers(section.expressions);
    this.files = Array.from(table.words(section.fileName).words, (name) => this.strings.text(name));
    this.origins = Array.from(table.words(section.originName).words, (name) => this.strings.text(name));
    // One more entry than there are symbols.
    const count = Math.max(this.symbols.length / SYMBOL_WORDS - 1, 0);
    let functions = 0;
    while (functions < count && this.symbols[functions * SYMBOL_WORDS + 1]! < publicFlag) functions++;
    this.functions = functions;
    this.publics = count - functions;
    this.ends = this.functionEnds();
  }

  /** The symbol with a number: functions first, in order of address, then public symbols. */
  symbol(index: number): CachedSymbol {
    const at = index * SYMBOL_WORDS;
    const name = this.strings.text(this.symbols[at + 1]! & ~publicFlag);
    const linkage = this.linkage[index] ?? 0;
    return { start: this.symbols[at]!, end: index < this.functions ? this.ends[index]! : 0, name, linkageName: linkage === 0 ? name : this.strings.text(linkage), parameterBytes: this.parameters[index] ?? 0 };
  }

  /** The lines of a function: ROW_WORDS words each (line-rows.ts), without gaps. Valid until the next call. */
  lines(index: number): Uint32Array {
    const { rows } = this;
    rows.length = 0;
    const blob = this.table.at(section.lineRows).offset;
    this.eachPoint(section.lines, index, 2, (start, offset) => unpackLineRows(this.bytes, blob + offset, start, rows));
    let kept = 0;
    for (let at = 0; at < rows.length; at += ROW_WORDS) {
      const start = rows.data[at]!;
      const end = at + ROW_WORDS < rows.length ? rows.data[at + ROW_WORDS]! : this.ends[index]!;
      if (rows.data[at + 3] === 0 || end <= start) continue;
      rows.data[kept] = start;
      rows.data[kept + 1] = end - start;
      rows.data[kept + 2] = rows.data[at + 2]!;
      rows.data[kept + 3] = rows.data[at + 3]!;
      kept += ROW_WORDS;
    }
    return rows.data.subarray(0, kept);
  }

  /** What was inlined into a function: INLINE_WORDS words each (inline-tree.ts), a call before those in it. Valid until the next call. */
  inlines(index: number): Uint32Array {
    const { ranges } = this;
    ranges.length = 0;
    const blob = this.table.at(section.inlineCalls).offset;
    this.eachPoint(section.inlines, index, 3, (start, offset) => {
      const place: BlobPlace = { at: blob + offset };
      const bytes = readVarint(this.bytes, place);
      unpackInlineCalls(this.bytes, place.at, Math.min(place.at + bytes, this.bytes.length), start, ranges);
    });
    return ranges.data.subarray(0, ranges.length - (ranges.length % INLINE_WORDS));
  }

  /** The unwind records, in order of address. */
  *records(): Generator<CachedRecord> {
    const starts = this.table.words(section.rowStart).words;
    const low = this.table.halves(section.rowRule).halves;
    const high = this.table.halves(section.rowRuleHigh).halves;
    const value = (row: number): number => low[row]! + (high[row] ?? 0) * 0x10000;
    for (let row = 0; row < starts.length; ) {
      if (value(row) === 0) {
        row++;
        continue;
      }
      const rows: CachedRow[] = [];
      const start = starts[row]!;
      do {
        rows.push({ start: starts[row]!, rule: (value(row) >>> 1) - 1 });
        row++;
      } while (row < starts.length && value(row) !== 0 && (value(row) & 1) === 0);
      yield { start, end: starts[row] ?? 0xffffffff, rows };
    }
  }

  /** The STACK WIN records: those with a program, then those without, each in order of address. */
  winFrames(): readonly WinFrame[] {
    return new WinTables(this.table).all();
  }

  /** From where each function ends: where the range after its own begins. */
  private functionEnds(): Uint32Array {
    const starts = this.table.words(section.rangeStart).words;
    const owners = this.table.words(section.rangeSymbol).words;
    const ends = new Uint32Array(this.functions);
    for (let range = 0; range < starts.length; range++) {
      const owner = owners[range]!;
      if (owner < this.functions) ends[owner] = starts[range + 1] ?? 0xffffffff;
    }
    return ends;
  }

  private eachPoint(kind: typeof section.lines | typeof section.inlines, index: number, word: number, take: (start: number, offset: number) => void): void {
    const points = this.table.words(kind).words;
    const last = Math.min(this.symbols[(index + 1) * SYMBOL_WORDS + word]!, points.length / 2);
    for (let point = this.symbols[index * SYMBOL_WORDS + word]!; point < last; point++) take(points[point * 2]!, points[point * 2 + 1]!);
  }
}
