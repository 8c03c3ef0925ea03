// FILE and INLINE_ORIGIN records give names to numbers, and later records use
// the numbers. In a cache the names are dense from 1, in the order in which
// their numbers occur first, be it in a use or in the definition.
import { Uint32List } from "../cache/growable-array.ts";

/** Numbers that do not fit the dense table, at most; past it they are taken as nameless. */
const sparseLimit = 1_000_000;

/** From numbers of the original to places in a cache, and the names there. */
export class NumberedNames {
  /** By place: the name, a string's number, 0 while not defined. Others may have places in it too. */
  private readonly names: Uint32List;
  private dense = new Int32Array(4096);
  private readonly sparse = new Map<number, number>();

  /** `names` has place 0, which is none. */
  constructor(names: Uint32List) {
    this.names = names;
  }

  /** The place of a number; 0 when there is no room for it. */
  place(number: number): number {
    if (number < this.dense.length) {
      const known = this.dense[number]!;
      return known !== 0 ? known : this.open(number);
    }
    return this.sparse.get(number) ?? this.open(number);
  }

  /** Names a number; the first name counts, as in Breakpad. */
  define(number: number, name: number): void {
    const place = this.place(number);
    if (place !== 0 && this.names.data[place] === 0) this.names.data[place] = name;
  }

  private open(number: number): number {
    // Grows with the numbers seen, not with what they claim: one hostile number must not cost memory.
    if (number >= this.dense.length && number < 4 * this.names.length) {
      const wider = new Int32Array(this.dense.length * 2);
      wider.set(this.dense);
      this.dense = wider;
      for (const [other, place] of this.sparse) {
        if (other >= wider.length) continue;
        wider[other] = place;
        this.sparse.delete(other);
      }
      return this.place(number);
    }
    if (number >= this.dense.length && this.sparse.size === sparseLimit) return 0;
    const place = this.names.length;
    this.names.push(0);
    if (number < this.dense.length) this.dense[number] = place;
    else this.sparse.set(number, place);
    return place;
  }
}
