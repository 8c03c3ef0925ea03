// Which namespace, class or function an entry of a unit lies in. Entries do not
// say what they lie in, and no tree of them is made; instead the walk notes the
// few that give names to others, and where each begins and ends, in the order
// of the file: between two such places one scope is the innermost, so it is
// found by a search, however deep scopes lie in each other.
import { Uint32List } from "../cache/growable-array.ts";

/** The answer for an entry that lies in something that the walk passed over. */
export const passedOver = -2;

/** The entries of one unit that name what is in them. */
export class ScopeIndex {
  /** By scope: offset of its entry. */
  private readonly starts: Uint32List;
  /** By scope: number + 1 of the scope that it lies in; 0 for none. */
  private readonly parents: Uint32List;
  /** By scope: 1 when what is in it was passed over. */
  private readonly unknown: Uint32List;
  /** Ascending: offsets, each the last before which another scope was the innermost. */
  private readonly places: Uint32List;
  /** By place: number + 1 of the scope that is the innermost after it; 0 for none. */
  private readonly innermost: Uint32List;

  /** Has room for some scopes, and grows. */
  constructor(capacity = 256) {
    this.starts = new Uint32List(capacity);
    this.parents = new Uint32List(capacity);
    this.unknown = new Uint32List(capacity);
    this.places = new Uint32List(capacity * 2);
    this.innermost = new Uint32List(capacity * 2);
  }

  /** A copy that takes no more room than what is in it, as most units have few scopes. */
  copy(): ScopeIndex {
    const copy = new ScopeIndex(this.starts.length);
    for (const list of ["starts", "parents", "unknown", "places", "innermost"] as const) {
      copy[list].reserve(this[list].length);
      copy[list].data.set(this[list].view());
      copy[list].length = this[list].length;
    }
    return copy;
  }

  /** Forgets everything. */
  clear(): void {
    this.starts.length = 0;
    this.parents.length = 0;
    this.unknown.length = 0;
    this.places.length = 0;
    this.innermost.length = 0;
  }

  /** Notes a scope, which lies in the scope `parent`; both are numbers + 1, 0 for none. `isUnknown` when what is in it is passed over. */
  open(offset: number, parent: number, isUnknown = 0): number {
    this.starts.push(offset);
    this.parents.push(parent);
    this.unknown.push(isUnknown);
    this.places.push(offset);
    this.innermost.push(this.starts.length);
    return this.starts.length;
  }

  /** Says where a scope ends. One that is never closed reaches to where the unit broke off. */
  close(scope: number, end: number): void {
    this.places.push(end - 1);
    this.innermost.push(this.parents.data[scope - 1]!);
  }

  /** Offset of the innermost scope that an entry lies in; -1 when there is none, `passedOver` when it is not known. */
  around(offset: number): number {
    const places = this.places.data;
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    const scope = low === 0 ? 0 : this.innermost.data[low - 1]!;
    return scope === 0 ? -1 : this.unknown.data[scope - 1] === 0 ? this.starts.data[scope - 1]! : passedOver;
  }
}
