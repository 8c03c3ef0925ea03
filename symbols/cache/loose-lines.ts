// Lines of code that debug information has and no function of. Clang with
// -gline-tables-only (or -g1) describes only functions into which something was
// inlined, and assemblers often none; the symbol table knows the others. So where
// lines are left over, the public symbol around them becomes a function.
import { Uint32List } from "./growable-array.ts";
import { ROW_WORDS } from "./line-rows.ts";

/** Left-over rows of all units, as `addLines` has them. */
export class LooseLines {
  private readonly rows = new Uint32List();

  /** Puts rows aside: `count` times ROW_WORDS words, ascending. */
  add(rows: Uint32Array, count: number): void {
    for (let word = 0; word < count * ROW_WORDS; word++) this.rows.push(rows[word]!);
  }

  /** Calls `found` for each public symbol in which no function begins and that has rows: its number, where it ends, and its rows. */
  placeIn(functionStart: Uint32Array, publicStart: Uint32Array, publicEnds: Uint32Array, found: (symbol: number, end: number, rows: Uint32Array, count: number) => void): void {
    if (this.rows.length === 0) return;
    const sorted = this.inOrder();
    const ends = publicEnds.toSorted();
    const functions = functionStart.toSorted();
    let nextFunction = 0;
    const order = Uint32Array.from(publicStart.keys()).sort((a, b) => publicStart[a]! - publicStart[b]! || a - b);
    const count = sorted.length / ROW_WORDS;
    let row = 0;
    let nextEnd = 0;
    for (let i = 0; i < order.length; i++) {
      const start = publicStart[order[i]!]!;
      if (i > 0 && publicStart[order[i - 1]!] === start) continue;
      let next = i + 1;
      while (next < order.length && publicStart[order[next]!] === start) next++;
      while (nextEnd < ends.length && ends[nextEnd]! <= start) nextEnd++;
      const end = Math.min(next < order.length ? publicStart[order[next]!]! : Infinity, ends[nextEnd] ?? Infinity);
      while (row < count && sorted[row * ROW_WORDS]! < start) row++;
      const first = row;
      while (row < count && sorted[row * ROW_WORDS]! < end) row++;
      while (nextFunction < functions.length && functions[nextFunction]! < start) nextFunction++;
      if (nextFunction < functions.length && functions[nextFunction]! < end) continue;
      // Without an end of its own, a symbol ends where its last line does.
      const last = row > first ? sorted[(row - 1) * ROW_WORDS]! + sorted[(row - 1) * ROW_WORDS + 1]! : 0;
      if (row > first) found(order[i]!, Math.min(end, last), sorted.subarray(first * ROW_WORDS, row * ROW_WORDS), row - first);
    }
  }

  private inOrder(): Uint32Array {
    const { data } = this.rows;
    let word = ROW_WORDS;
    while (word < this.rows.length && data[word]! >= data[word - ROW_WORDS]!) word += ROW_WORDS;
    if (word >= this.rows.length) return this.rows.view();
    const order = Uint32Array.from({ length: this.rows.length / ROW_WORDS }, (_, i) => i).sort((a, b) => data[a * ROW_WORDS]! - data[b * ROW_WORDS]! || a - b);
    const sorted = new Uint32Array(this.rows.length);
    for (const [to, from] of order.entries()) sorted.set(data.subarray(from * ROW_WORDS, (from + 1) * ROW_WORDS), to * ROW_WORDS);
    return sorted;
  }
}
