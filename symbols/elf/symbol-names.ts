// Names of places without debug information, from symbol tables.
//
// Most symbols say how long they are, so no function gets its neighbour's name:
// where the size ends the name ends. Those that do not say it, as of assembly,
// reach to the next symbol, or to the end of their section, but never into
// one whose size is known. Symbols may lie within each other (entry points,
// loops with a name); the innermost is meant, and after its end the outer one
// again.
//
// Several names of one place are the rule in C libraries. The one that people
// write is chosen: not a local one, with fewest underscores before it, defined
// rather than weak, the shortest, the first of the alphabet. Whatever is meant
// for the linker alone is cut off or left out: versions (`@@GLIBC_2.34`), and
// marks of where code and data begin (`$x`, `$d.1`).
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { type FoundSymbols, symbolRank } from "./symbol-table.ts";

/** Bytes of one name, at most. */
const nameMax = 16 * 1024;
const [dollar, dot, at, underscore, lineFeed] = [0x24, 0x2e, 0x40, 0x5f, 0x0a];

/** Adds functions of symbol tables as public symbols with ends. */
export function addSymbolNames(symbols: FoundSymbols, builder: ModuleBuilder): void {
  builder.warn("missingSymbols", symbols.missing);
  new SymbolNames(symbols, builder).add();
}

/** Ranges of one module's symbols, on their way into a builder. */
class SymbolNames {
  private readonly symbols: FoundSymbols;
  private readonly builder: ModuleBuilder;
  /** The range around the place that is being named, the innermost last: its symbol, and its end. */
  private readonly open: number[] = [];
  private readonly openEnd: number[] = [];
  /** Where the next range begins. */
  private from = 0;
  /** Where the last range that was added ends, and its symbol. */
  private lastEnd = 0;
  private lastSymbol = -1;
  /** Bytes of names that may still be looked at: tails may be shared, but those of a hostile file may all be one long text. */
  private nameBytes: number;
  /** By symbol: the string of its name, plus one; 0 before it was taken. */
  private readonly names: Uint32Array;

  constructor(symbols: FoundSymbols, builder: ModuleBuilder) {
    this.symbols = symbols;
    this.builder = builder;
    this.names = new Uint32Array(symbols.start.length);
    this.nameBytes = symbols.strings.reduce((sum, { length }) => sum + length * 8, 64 * symbols.start.length + nameMax);
  }

  add(): void {
    const { symbols } = this;
    const starts = symbols.start.data;
    const order = this.inOrder();
    for (let i = 0; i < order.length; ) {
      const start = starts[order[i]!]!;
      let best = -1;
      let size = 0;
      for (; i < order.length && starts[order[i]!] === start; i++) {
        const symbol = order[i]!;
        size = Math.max(size, symbols.size.data[symbol]!);
        if (!this.isMark(symbol) && (best < 0 || this.isBetter(symbol, best))) best = symbol;
      }
      if (best < 0) continue;
      this.closeUntil(start);
      // A label within a function whose size is known is a part of it.
      if (size === 0 && this.open.length > 0) continue;
      const end = size > 0 ? start + size : Math.min(symbols.codeEnd(start), i < order.length ? starts[order[i]!]! : Infinity);
      if (end <= start) continue;
      this.open.push(best);
      this.openEnd.push(end);
    }
    this.closeUntil(Infinity);
    if (this.lastSymbol >= 0) this.builder.endPublics(this.lastEnd);
  }

  /** Adds the ranges up to a place, where another symbol begins. */
  private closeUntil(limit: number): void {
    while (this.open.length > 0 && this.from < limit) {
      const end = this.openEnd.at(-1)!;
      const stop = Math.min(end, limit);
      if (stop > this.from) {
        this.addRange(this.from, stop, this.open.at(-1)!);
        this.from = stop;
      }
      if (end > this.from) break;
      this.open.pop();
      this.openEnd.pop();
    }
    if (this.open.length === 0) this.from = limit;
  }

  private addRange(start: number, end: number, symbol: number): void {
    const { builder } = this;
    if (start !== this.lastEnd) {
      if (this.lastSymbol >= 0) builder.endPublics(this.lastEnd);
    } else if (symbol === this.lastSymbol) {
      this.lastEnd = end;
      return;
    }
    const name = this.nameOf(symbol);
    this.lastSymbol = symbol;
    this.lastEnd = end;
    if (name !== 0) builder.addPublic(start, name);
    else builder.endPublics(start);
  }

  /** Whether the first symbol's name is the better one of two at one address. */
  private isBetter(symbol: number, than: number): boolean {
    const rank = this.rankOf(symbol);
    const otherRank = this.rankOf(than);
    const isOutside = rank < symbolRank.local;
    if (isOutside !== otherRank < symbolRank.local) return isOutside;
    const underscores = this.underscoresOf(symbol) - this.underscoresOf(than);
    if (underscores !== 0) return underscores < 0;
    if (rank !== otherRank) return rank < otherRank;
    const lengths = this.lengthOf(symbol) - this.lengthOf(than);
    return lengths !== 0 ? lengths < 0 : this.isBefore(symbol, than);
  }

  private rankOf(symbol: number): number {
    return this.symbols.kind.data[symbol]! >> 2;
  }

  private stringsOf(symbol: number): Uint8Array {
    return this.symbols.strings[this.symbols.kind.data[symbol]! & 3]!;
  }

  /** Bytes of a name without its version; 0 for one that has no end, is too long, or beyond what may be looked at. */
  private lengthOf(symbol: number): number {
    const strings = this.stringsOf(symbol);
    const start = this.symbols.name.data[symbol]!;
    let end = start;
    let length = -1;
    while (end < strings.length && strings[end] !== 0) {
      if (strings[end] === at && end > start && length < 0) length = end - start;
      if (end - start === nameMax || this.nameBytes-- <= 0) return 0;
      end++;
    }
    return end === strings.length ? 0 : length < 0 ? end - start : length;
  }

  /** Underscores before a name; those of mangled names belong to it. */
  private underscoresOf(symbol: number): number {
    const strings = this.stringsOf(symbol);
    const start = this.symbols.name.data[symbol]!;
    let count = 0;
    while (count < 4 && strings[start + count] === underscore) count++;
    const next = strings[start + count];
    // _Z of C++, _R of Rust.
    return count === 1 && (next === 0x5a || next === 0x52) ? 0 : count;
  }

  private isBefore(symbol: number, than: number): boolean {
    const [strings, others] = [this.stringsOf(symbol), this.stringsOf(than)];
    const [start, otherStart] = [this.symbols.name.data[symbol]!, this.symbols.name.data[than]!];
    for (let i = 0; i < nameMax && this.nameBytes-- > 0; i++) {
      const byte = strings[start + i] ?? 0;
      const other = others[otherStart + i] ?? 0;
      if (byte !== other || byte === 0) return byte < other;
    }
    return false;
  }

  /** Whether it marks what lies behind it as code or data: `$a`, `$t`, `$x`, `$d`, with anything after a dot (the ABIs of Arm). */
  private isMark(symbol: number): boolean {
    const strings = this.stringsOf(symbol);
    const start = this.symbols.name.data[symbol]!;
    if (strings[start] !== dollar) return false;
    const kind = strings[start + 1];
    const next = strings[start + 2];
    return (kind === 0x61 || kind === 0x74 || kind === 0x78 || kind === 0x64) && (next === 0 || next === dot || next === undefined);
  }

  /** The string of a symbol's name; 0 when it has none. */
  private nameOf(symbol: number): number {
    const known = this.names[symbol]!;
    if (known > 0) return known - 1;
    const length = this.lengthOf(symbol);
    let name = 0;
    if (length > 0) {
      const strings = this.stringsOf(symbol);
      const start = this.symbols.name.data[symbol]!;
      // Names are taken as lines; the byte after it is put back.
      const after = strings[start + length]!;
      strings[start + length] = lineFeed;
      name = this.builder.strings.takeLine(strings, start);
      strings[start + length] = after;
    }
    this.names[symbol] = name + 1;
    return name;
  }

  /** Symbols in order of their addresses. */
  private inOrder(): Uint32Array {
    const starts = this.symbols.start.data;
    const order = new Uint32Array(this.symbols.start.length);
    let isSorted = true;
    for (let i = 0; i < order.length; i++) {
      order[i] = i;
      if (i > 0 && starts[i - 1]! > starts[i]!) isSorted = false;
    }
    return isSorted ? order : order.sort((a, b) => starts[a]! - starts[b]! || a - b);
  }
}
