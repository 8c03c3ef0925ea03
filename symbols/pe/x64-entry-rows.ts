// The rows of one entry of `.pdata`, until it is known that no later entry lies
// within it.
//
// Entries do not overlap in what linkers write of compilers' output. Assembly
// is another matter: LLVM's assembler gives a part that is chained to its
// function an entry inside of the function's own. Windows' search may then find
// either, or nothing; here the inner one holds where it is, and the outer one
// around it, which is what whoever wrote them meant.
import { Uint32List } from "../cache/growable-array.ts";
import type { UnwindRowsBuilder } from "../cache/unwind-rows.ts";

/** Entries within one, at most: each one moves the rows behind it. */
const nestedMax = 64;

/** Collects the rows of an entry and of those within it. */
export class EntryRows {
  private readonly target: UnwindRowsBuilder;
  private start = 0;
  private end = 0;
  /** First address of the innermost entry that came last. */
  private lastStart = 0;
  private nested = 0;
  private readonly starts = new Uint32List(256);
  private readonly rules = new Uint32List(256);
  /** Rows that come after those of an entry within: their addresses and rules in turn. */
  private readonly tail = new Uint32List(256);

  constructor(target: UnwindRowsBuilder) {
    this.target = target;
  }

  /** Begins an entry, which must not begin before the one that came last; false when it lies across the end of another, or is one too many. */
  begin(start: number, end: number): boolean {
    if (start >= this.end) {
      this.flush();
      this.start = start;
      this.end = end;
      this.nested = 0;
    } else if (start < this.lastStart || end > this.end || this.nested === nestedMax) return false;
    else {
      this.nested++;
      this.cut(start, end);
    }
    this.lastStart = start;
    return true;
  }

  /** Adds a row of the entry, at or above the one before. */
  add(start: number, rule: number): void {
    this.starts.push(start);
    this.rules.push(rule);
  }

  /** Ends the entry. */
  finish(): void {
    const { tail } = this;
    for (let i = 0; i < tail.length; i += 2) this.add(tail.data[i]!, tail.data[i + 1]!);
    tail.length = 0;
  }

  /** Gives the rows to the cache. */
  flush(): void {
    const { starts, rules, target } = this;
    if (starts.length > 0) target.begin(this.start, this.end);
    for (let i = 0; i < starts.length; i++) target.add(starts.data[i]!, rules.data[i]!);
    starts.length = 0;
    rules.length = 0;
  }

  /** Takes out the rows from an address on, and keeps what holds from `end` on for later. */
  private cut(start: number, end: number): void {
    const { starts, rules, tail } = this;
    let first = starts.length;
    while (first > 0 && starts.data[first - 1]! >= start) first--;
    let inForce = first > 0 ? rules.data[first - 1]! : 0;
    let row = first;
    for (; row < starts.length && starts.data[row]! <= end; row++) inForce = rules.data[row]!;
    if (end < this.end) {
      tail.push(end);
      tail.push(inForce);
    }
    for (; row < starts.length; row++) {
      tail.push(starts.data[row]!);
      tail.push(rules.data[row]!);
    }
    starts.length = first;
    rules.length = first;
  }
}
