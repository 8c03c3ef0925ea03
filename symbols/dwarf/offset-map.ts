// A map from offsets to numbers for one unit after the other: some hundreds of
// names are asked for tens of thousands of times, and `Map` boxes what is
// beyond 31 bits and is made anew for each unit.

const free = 0;

/** Numbers by offsets above 0, both below 2^32. */
export class OffsetMap {
  /** Open addressing; a power of two long. */
  private keys = new Uint32Array(1024);
  private values = new Uint32Array(1024);
  private size = 0;

  /** Forgets everything. */
  clear(): void {
    if (this.size > 0) this.keys.fill(free);
    this.size = 0;
  }

  /** The number of an offset; -1 when it has none. */
  get(offset: number): number {
    const { keys } = this;
    const mask = keys.length - 1;
    for (let i = slotOf(offset) & mask; keys[i] !== free; i = (i + 1) & mask) if (keys[i] === offset) return this.values[i]!;
    return -1;
  }

  /** Gives an offset that has none a number. */
  set(offset: number, value: number): void {
    if (this.size * 2 >= this.keys.length) this.widen();
    const { keys } = this;
    const mask = keys.length - 1;
    let i = slotOf(offset) & mask;
    while (keys[i] !== free) i = (i + 1) & mask;
    keys[i] = offset;
    this.values[i] = value;
    this.size++;
  }

  private widen(): void {
    const { keys, values } = this;
    this.keys = new Uint32Array(keys.length * 2);
    this.values = new Uint32Array(keys.length * 2);
    this.size = 0;
    for (let i = 0; i < keys.length; i++) if (keys[i] !== free) this.set(keys[i]!, values[i]!);
  }
}

function slotOf(offset: number): number {
  const mixed = Math.imul(offset, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
