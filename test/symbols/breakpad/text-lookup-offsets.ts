// Where the numbered records of a symbol file lie. FILE and INLINE_ORIGIN give
// names to numbers that later records use; a big program has a million of
// them and a crash needs twenty. So a lookup remembers eight bytes for each,
// and reads the text of those it needs at the end.

/** Numbers that do not fit the dense table, at most. More than any real file has; past it they are forgotten. */
const sparseCount = 1_000_000;

/** From a record's number to its offset in the file. The first record of a number counts, as in Breakpad. */
export class RecordOffsets {
  /** Holds offset + 1 at the index of each number; 0 means none. */
  private dense = new Float64Array(1024);
  private readonly sparse = new Map<number, number>();
  private count = 0;

  add(id: number, offset: number): void {
    this.count++;
    // Grows with the records seen, not with the numbers they claim: one hostile number must not cost memory.
    while (id >= this.dense.length && this.dense.length < 4 * this.count) {
      const wider = new Float64Array(this.dense.length * 2);
      wider.set(this.dense);
      this.dense = wider;
    }
    if (id < this.dense.length) {
      if (this.dense[id] === 0) this.dense[id] = (this.sparse.get(id) ?? offset) + 1;
    } else if (this.sparse.size < sparseCount && !this.sparse.has(id)) {
      this.sparse.set(id, offset);
    }
  }

  /** The offset of the record with this number; undefined when there is none. */
  get(id: number): number | undefined {
    const entry = this.dense[id] ?? 0;
    return entry > 0 ? entry - 1 : this.sparse.get(id);
  }
}
