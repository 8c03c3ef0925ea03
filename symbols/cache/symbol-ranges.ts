// Who has which address: functions and public symbols, flattened into ranges
// that do not overlap. The rules are those of Breakpad and rust-minidump,
// applied once, when a cache is written:
//
// - Functions are put in order of (first, last) address; one that overlaps the
//   last kept one is dropped.
// - An address in no function belongs to the nearest public symbol at or below
//   it, but only if no function begins at or after that symbol and before the
//   address: a public symbol does not reach past a function.
// - A public symbol at 0 is noise (`__mh_execute_header`), as for Breakpad; of
//   two at one address the first counts.
//
// And one that symbol files have no word for: no public symbol reaches past the
// end of its section, so that pointers to data are not taken for code.
import { Uint32List } from "./growable-array.ts";
import { noSymbol } from "./layout.ts";

/** Functions and public symbols in the order of the original; arrays of a kind are by index. */
export type FoundSymbols = {
  readonly functionStart: Uint32Array;
  /** First address past each function, above its start. */
  readonly functionEnd: Uint32Array;
  readonly publicStart: Uint32Array;
  /** Addresses that no public symbol reaches past; in any order. */
  readonly publicEnds?: Uint32Array;
};

/** The flattened ranges, and which symbols were kept. */
export type SymbolRanges = {
  /** By kept function, in order of address: its index among those found. */
  readonly functions: Uint32Array;
  /** The same of public symbols. */
  readonly publics: Uint32Array;
  /** By range: its first address. */
  readonly starts: Uint32Array;
  /** By range: number of the symbol (kept functions first, then kept public symbols) or `noSymbol`. */
  readonly symbols: Uint32Array;
  /** Functions that were dropped. */
  readonly overlappingFunctions: number;
};

/** Flattens symbols into ranges. `sources` has, ascending from 0, the first function of each source; those of a later one are dropped where they overlap what was kept of earlier ones. */
export function flattenSymbols(found: FoundSymbols, sources: readonly number[] = [0]): SymbolRanges {
  const functions = keepBySource(found.functionStart, found.functionEnd, sources);
  const publics = keepPublics(found.publicStart);
  const starts = new Uint32List(2 * (functions.length + publics.length) + 2);
  const symbols = new Uint32List(2 * (functions.length + publics.length) + 2);
  let next = 0;
  /** The public symbol that a gap begins with, if one lies in the function before. */
  let carried = noSymbol;
  let gapStart = 0;
  for (let i = 0; i <= functions.length; i++) {
    const gapEnd = i < functions.length ? found.functionStart[functions[i]!]! : 0x1_0000_0000;
    let isOpen = i > 0 && gapStart < gapEnd;
    while (next < publics.length && found.publicStart[publics[next]!]! < gapEnd) {
      const start = found.publicStart[publics[next]!]!;
      if (isOpen && start > gapStart) {
        starts.push(gapStart);
        symbols.push(carried);
      }
      isOpen = false;
      starts.push(start);
      symbols.push(functions.length + next);
      next++;
    }
    if (isOpen) {
      starts.push(gapStart);
      symbols.push(carried);
    }
    if (i === functions.length) break;
    const end = found.functionEnd[functions[i]!]!;
    starts.push(gapEnd);
    symbols.push(i);
    carried = noSymbol;
    while (next < publics.length && found.publicStart[publics[next]!]! < end) {
      // One that begins with the function does not reach past it.
      if (found.publicStart[publics[next]!]! > gapEnd) carried = functions.length + next;
      next++;
    }
    gapStart = end;
  }
  const overlappingFunctions = found.functionStart.length - functions.length;
  const cut = cutPublics(starts.view(), symbols.view(), functions.length, (symbol) => found.publicStart[publics[symbol - functions.length]!]!, found.publicEnds ?? noEnds);
  return { functions, publics, ...cut, overlappingFunctions };
}

const noEnds = new Uint32Array(0);

/** The ranges, with those of public symbols cut where one of `ends` lies behind the symbol's first address. */
function cutPublics(starts: Uint32Array, symbols: Uint32Array, functions: number, publicStart: (symbol: number) => number, ends: Uint32Array): { readonly starts: Uint32Array; readonly symbols: Uint32Array } {
  if (ends.length === 0) return { starts, symbols };
  const ascending = ends.toSorted();
  const cutStarts = new Uint32List(starts.length + ends.length);
  const cutSymbols = new Uint32List(starts.length + ends.length);
  let next = 0;
  for (let i = 0; i < starts.length; i++) {
    const symbol = symbols[i]!;
    cutStarts.push(starts[i]!);
    cutSymbols.push(symbol);
    if (symbol < functions || symbol === noSymbol) continue;
    const first = publicStart(symbol);
    while (next < ascending.length && ascending[next]! <= first) next++;
    const end = ascending[next] ?? 0xffffffff;
    // One that lies in a function, and reaches past it, may have ended there.
    if (end <= starts[i]!) cutSymbols.data[cutSymbols.length - 1] = noSymbol;
    if (end <= starts[i]! || end >= (starts[i + 1] ?? 0xffffffff)) continue;
    cutStarts.push(end);
    cutSymbols.push(noSymbol);
  }
  return { starts: cutStarts.view(), symbols: cutSymbols.view() };
}

/** Functions to keep, in order of address. */
function keepBySource(start: Uint32Array, end: Uint32Array, sources: readonly number[]): Uint32Array {
  let kept = keepFunctions(start.subarray(0, sources[1] ?? start.length), end);
  for (let i = 1; i < sources.length; i++) {
    const first = sources[i]!;
    const later = keepFunctions(start.subarray(first, sources[i + 1] ?? start.length), end.subarray(first)).map((index) => index + first);
    kept = mergeAround(kept, later, start, end);
  }
  return kept;
}

/** Two lists in order of address as one, without those of the second that overlap one of the first. */
function mergeAround(first: Uint32Array, second: Uint32Array, start: Uint32Array, end: Uint32Array): Uint32Array {
  const merged = new Uint32Array(first.length + second.length);
  let length = 0;
  let next = 0;
  for (const index of second) {
    while (next < first.length && end[first[next]!]! <= start[index]!) merged[length++] = first[next++]!;
    if (next < first.length && start[first[next]!]! < end[index]!) continue;
    merged[length++] = index;
  }
  while (next < first.length) merged[length++] = first[next++]!;
  return merged.subarray(0, length);
}

function keepFunctions(start: Uint32Array, end: Uint32Array): Uint32Array {
  const order = inOrder(start.length, (a, b) => start[a]! - start[b]! || end[a]! - end[b]! || a - b);
  let kept = 0;
  let last = 0;
  for (const index of order) {
    if (start[index]! < last) continue;
    last = end[index]!;
    order[kept++] = index;
  }
  return order.subarray(0, kept);
}

function keepPublics(start: Uint32Array): Uint32Array {
  const order = inOrder(start.length, (a, b) => start[a]! - start[b]! || a - b);
  let kept = 0;
  let last = 0;
  for (const index of order) {
    if (start[index]! <= last) continue;
    last = start[index]!;
    order[kept++] = index;
  }
  return order.subarray(0, kept);
}

/** The numbers below `count`, sorted; most originals are in order already. */
function inOrder(count: number, compare: (a: number, b: number) => number): Uint32Array {
  const order = new Uint32Array(count);
  let isSorted = true;
  for (let i = 0; i < count; i++) {
    order[i] = i;
    if (i > 0 && compare(i - 1, i) > 0) isSorted = false;
  }
  return isSorted ? order : order.sort(compare);
}
