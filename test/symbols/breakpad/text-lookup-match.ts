// Which records of a symbol file cover the addresses that were asked for.
//
// Fed one record after the other in file order, it keeps a fixed amount per
// asked address and nothing per record. The rules are Breakpad's
// (BasicSourceLineResolver), so that a posted stack trace reads like a walked
// dump:
//
// - The first FUNC that covers an address has it; a later, overlapping one
//   does not. A FUNC of size 0 covers nothing.
// - Lines and inlines belong to the FUNC before them; the first line record
//   that covers the address counts.
// - An address outside all FUNCs takes the nearest PUBLIC at or below it, but
//   only if no FUNC begins at or after that PUBLIC and ends before the
//   address: code that came later is not the PUBLIC's. A PUBLIC at 0 is noise.
// - Inlines nest by containment of their ranges; one that only partly overlaps
//   what it should nest in is dropped.
//
// Breakpad drops a record that overlaps any earlier one, also where the
// earlier one does not cover the address; seeing that would need all ranges
// in memory. Such files are malformed, and here they still get an answer.

/** Inlines kept at one address; real code stays below 40. */
const inlineDepth = 128;

/** Steps spent on placing inlines in one lookup. A file of overlapping ranges made to cost time loses its inlines, not the worker. */
const inlineSteps = 20_000_000;

/** An inlined call that covers an asked address. */
export type InlineCover = {
  /** First address and length of the range that covers it. */
  readonly address: number;
  readonly size: number;
  /** Line of the call in the function around it. */
  readonly callLine: number;
  /** Number of the FILE the call stands in; -1 where the record has none (the format before 2022). */
  readonly callFile: number;
  /** Number of the INLINE_ORIGIN that names the inlined function. */
  readonly origin: number;
};

/** What covers one asked address. `null` where nothing does. */
export type Cover = {
  readonly kind: "FUNC" | "PUBLIC";
  /** Where the function or symbol begins. */
  readonly base: number;
  /** Offset of the record in the file, for its name. */
  readonly recordOffset: number;
  /** Number of the FILE and the line; null without a line record. */
  readonly source: { readonly file: number; readonly line: number } | null;
  /** From the outermost to the innermost. */
  readonly inlines: readonly InlineCover[];
};

/** Collects covers for a set of addresses. */
export class AddressMatch {
  /** The asked addresses, ascending, each once. Everything below is by index into it. */
  readonly addresses: Float64Array;
  /** Indexes not yet covered by a FUNC, ascending. */
  private readonly unowned: number[] = [];
  private readonly funcBase: Float64Array;
  private readonly funcRecord: Float64Array;
  private readonly sources: ({ file: number; line: number } | null)[];
  private readonly chains: InlineCover[][];
  /** End and start of the highest FUNC that ends at or below this address and above the one before. */
  private readonly belowEnd: Float64Array;
  private readonly belowBase: Float64Array;
  private readonly publicAddress: Float64Array;
  private readonly publicRecord: Float64Array;
  /** Indexes that the current FUNC covers, ascending, and those of them without a line yet. */
  private owned: readonly number[] = [];
  private unlined: number[] = [];
  private nesting = 0;
  private steps = 0;

  constructor(asked: Iterable<number>) {
    this.addresses = Float64Array.from(new Set(asked)).sort();
    const count = this.addresses.length;
    for (let i = 0; i < count; i++) this.unowned.push(i);
    this.funcBase = new Float64Array(count).fill(-1);
    this.funcRecord = new Float64Array(count);
    this.sources = Array.from<null>({ length: count }).fill(null);
    this.chains = Array.from({ length: count }, () => []);
    this.belowEnd = new Float64Array(count).fill(-1);
    this.belowBase = new Float64Array(count).fill(-1);
    this.publicAddress = new Float64Array(count).fill(-1);
    this.publicRecord = new Float64Array(count);
  }

  /** Whether the current FUNC covers an asked address, so that its lines and inlines matter. */
  wantsLines(): boolean {
    return this.owned.length > 0;
  }

  /** Takes a FUNC record; the lines and inlines after it are its own. */
  addFunction(base: number, size: number, recordOffset: number): void {
    this.endFunction();
    const end = base + size;
    if (size <= 0 || end > 2 ** 64) return;
    const below = lowerBound(this.addresses, end);
    if (below < this.addresses.length && end > this.belowEnd[below]!) {
      this.belowEnd[below] = end;
      this.belowBase[below] = base;
    }
    const from = this.boundIn(this.unowned, base);
    const to = this.boundIn(this.unowned, end);
    if (from === to) return;
    this.owned = this.unowned.splice(from, to - from);
    this.unlined = this.owned.slice();
    for (const index of this.owned) {
      this.funcBase[index] = base;
      this.funcRecord[index] = recordOffset;
    }
  }

  /** Says that what follows belongs to no function: a PUBLIC or an unreadable FUNC came. */
  endFunction(): void {
    this.owned = [];
    this.unlined = [];
    this.nesting = 0;
  }

  /** Takes a line record of the current FUNC. */
  addLine(address: number, size: number, line: number, file: number): void {
    const from = this.boundIn(this.unlined, address);
    const to = this.boundIn(this.unlined, address + size);
    if (from >= to) return;
    const source = { file, line };
    for (const index of this.unlined.splice(from, to - from)) this.sources[index] = source;
  }

  /** Takes the head of an INLINE record of the current FUNC; false when its parent is missing, so that it must be dropped. */
  enterInline(level: number): boolean {
    if (level > this.nesting + 1) return false;
    this.nesting = level;
    return true;
  }

  /** Takes one range of an INLINE record. */
  addInlineRange(inline: InlineCover): void {
    if (inline.size <= 0) return;
    const to = this.boundIn(this.owned, inline.address + inline.size);
    for (let i = this.boundIn(this.owned, inline.address); i < to && this.steps < inlineSteps; i++) this.nest(this.chains[this.owned[i]!]!, inline);
  }

  /** Takes a PUBLIC record. */
  addPublic(address: number, recordOffset: number): void {
    this.endFunction();
    if (address <= 0) return;
    const index = lowerBound(this.addresses, address);
    if (index === this.addresses.length || address <= this.publicAddress[index]!) return;
    this.publicAddress[index] = address;
    this.publicRecord[index] = recordOffset;
  }

  /** What covers each of `addresses`, once all records were taken. */
  finish(): readonly (Cover | null)[] {
    const covers: (Cover | null)[] = [];
    let belowEnd = -1;
    let belowBase = -1;
    let publicAddress = -1;
    let publicRecord = 0;
    for (let i = 0; i < this.addresses.length; i++) {
      if (this.belowEnd[i]! > belowEnd) {
        belowEnd = this.belowEnd[i]!;
        belowBase = this.belowBase[i]!;
      }
      if (this.publicAddress[i]! > publicAddress) {
        publicAddress = this.publicAddress[i]!;
        publicRecord = this.publicRecord[i]!;
      }
      if (this.funcBase[i]! >= 0) covers.push({ kind: "FUNC", base: this.funcBase[i]!, recordOffset: this.funcRecord[i]!, source: this.sources[i]!, inlines: this.chains[i]! });
      else if (publicAddress > belowBase) covers.push({ kind: "PUBLIC", base: publicAddress, recordOffset: publicRecord, source: null, inlines: [] });
      else covers.push(null);
    }
    return covers;
  }

  /** Puts a range into the chain of ranges around one address, from the widest to the narrowest. */
  private nest(chain: InlineCover[], inline: InlineCover): void {
    let at = 0;
    while (at < chain.length && contains(chain[at]!, inline)) at++;
    this.steps += at + 1;
    if (chain.length === inlineDepth || (at < chain.length && !contains(inline, chain[at]!))) return;
    chain.splice(at, 0, inline);
  }

  /** Position in a list of indexes of the first whose address is at or above `value`. */
  private boundIn(indexes: readonly number[], value: number): number {
    let low = 0;
    let high = indexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.addresses[indexes[middle]!]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function contains(outer: InlineCover, inner: InlineCover): boolean {
  return outer.address <= inner.address && inner.address + inner.size <= outer.address + outer.size;
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
