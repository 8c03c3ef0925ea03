// Unwind rows in the making. Rows come in records (a STACK CFI INIT with its
// deltas, an FDE), each for a range of addresses; the cache has all rows in
// one ascending array, with a row that says "nothing" where a record ends and
// no other begins. Records that overlap are treated as functions are: ordered
// by (first, last) address, a later one dropped.
import { Uint32List } from "./growable-array.ts";

/** The rows of one cache, ready for its sections. */
export type UnwindRows = {
  readonly starts: Uint32Array;
  /** See `section.rowRule` and `section.rowRuleHigh`. */
  readonly low: Uint16Array;
  readonly high: Uint16Array;
  /** Records that were dropped. */
  readonly overlaps: number;
};

/** Collects rows record by record. */
export class UnwindRowsBuilder {
  private readonly recordStart = new Uint32List();
  private readonly recordEnd = new Uint32List();
  private readonly recordRow = new Uint32List();
  private readonly rowStart = new Uint32List();
  private readonly rowRule = new Uint32List();
  private isInOrder = true;

  /** Records so far. */
  get records(): number {
    return this.recordStart.length;
  }

  /** The ranges of all records so far, ascending and joined: starts and ends in turn. */
  ranges(): Uint32Array {
    const { recordStart, recordEnd } = this;
    const order = this.order();
    const ranges = new Uint32List(order.length * 2);
    for (const record of order) {
      const start = recordStart.data[record]!;
      const end = recordEnd.data[record]!;
      const last = ranges.length - 1;
      if (last >= 0 && start <= ranges.data[last]!) ranges.data[last] = Math.max(ranges.data[last]!, end);
      else {
        ranges.push(start);
        ranges.push(end);
      }
    }
    return ranges.view();
  }

  /** Begins a record for the addresses from `start` up to `end`; its first row must follow, and begin at `start`. */
  begin(start: number, end: number): void {
    const last = this.recordStart.length - 1;
    if (last >= 0 && start < this.recordEnd.data[last]!) this.isInOrder = false;
    this.recordStart.push(start);
    this.recordEnd.push(end);
    this.recordRow.push(this.rowStart.length);
  }

  /** Adds a row to the record, at or above the row before; one at the same address replaces it, and one with the same rule is left out. */
  add(start: number, rule: number): void {
    const last = this.rowStart.length - 1;
    const isFirst = this.recordRow.data[this.recordRow.length - 1] === last + 1;
    if (!isFirst && this.rowRule.data[last] === rule) return;
    if (!isFirst && this.rowStart.data[last] === start) {
      this.rowRule.data[last] = rule;
      return;
    }
    this.rowStart.push(start);
    this.rowRule.push(rule);
  }

  /** All rows, in order. */
  finish(): UnwindRows {
    const { recordStart, recordEnd, recordRow, rowStart, rowRule } = this;
    const count = recordStart.length;
    const order = this.order();
    const begin = recordStart.data;
    const finish = recordEnd.data;
    const total = rowStart.length + count;
    const starts = new Uint32Array(total);
    const low = new Uint16Array(total);
    const high = new Uint16Array(total);
    let hasHigh = false;
    let length = 0;
    let overlaps = 0;
    let end = -1;
    for (let i = 0; i < count; i++) {
      const record = order[i]!;
      const start = begin[record]!;
      if (start < end) {
        overlaps++;
        continue;
      }
      if (end >= 0 && start > end) starts[length++] = end;
      const rowEnd = record + 1 < count ? recordRow.data[record + 1]! : rowStart.length;
      for (let row = recordRow.data[record]!; row < rowEnd; row++) {
        const value = (rowRule.data[row]! + 1) * 2 + (row === recordRow.data[record] ? 1 : 0);
        starts[length] = rowStart.data[row]!;
        low[length] = value;
        high[length] = value >>> 16;
        if (value > 0xffff) hasHigh = true;
        length++;
      }
      end = finish[record]!;
    }
    if (end >= 0 && end < 0xffffffff) starts[length++] = end;
    return { starts: starts.subarray(0, length), low: low.subarray(0, length), high: hasHigh ? high.subarray(0, length) : high.subarray(0, 0), overlaps };
  }

  /** The records in the order in which they are believed. */
  private order(): Uint32Array {
    const begin = this.recordStart.data;
    const finish = this.recordEnd.data;
    const order = new Uint32Array(this.recordStart.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return this.isInOrder ? order : order.sort((a, b) => begin[a]! - begin[b]! || finish[a]! - finish[b]! || a - b);
  }
}
