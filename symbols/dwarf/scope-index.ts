// Which namespace, class or function an entry of a unit lies in. Entries do not
// say what they lie in, and no tree of them is made; instead the walk notes the
// few that give names to others, in the order of their offsets. The innermost
// one around an offset is then found by a search and a few steps outward.
import { Uint32List } from "../cache/growable-array.ts";

/** The entries of one unit that name what is in them. */
export class ScopeIndex {
  /** By scope, ascending: offset of its entry. */
  private readonly starts = new Uint32List(256);
  /** By scope: offset past what is in it; until it is closed, 0. */
  private readonly ends = new Uint32List(256);
  /** By scope: number + 1 of the scope that it lies in; 0 for none. */
  private readonly parents = new Uint32List(256);

  /** Forgets everything. */
  clear(): void {
    this.starts.length = 0;
    this.ends.length = 0;
    this.parents.length = 0;
  }

  /** Notes a scope, which lies in the scope `parent`; both are numbers + 1, 0 for none. */
  open(offset: number, parent: number): number {
    this.starts.push(offset);
    this.ends.push(0);
    this.parents.push(parent);
    return this.starts.length;
  }

  /** Says where a scope ends. */
  close(scope: number, end: number): void {
    this.ends.data[scope - 1] = end;
  }

  /** Offset of the innermost scope that an entry lies in; -1 when there is none. */
  around(offset: number): number {
    const starts = this.starts.data;
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    // One that was never closed reaches to where the unit broke off.
    let scope = low;
    for (let end = 0; scope > 0; scope = this.parents.data[scope - 1]!) {
      end = this.ends.data[scope - 1]!;
      if (end === 0 || end > offset) return starts[scope - 1]!;
    }
    return -1;
  }
}
