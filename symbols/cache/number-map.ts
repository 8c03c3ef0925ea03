// A map from numbers to numbers, for ids and offsets that are asked for hundreds
// of thousands of times: `Map` boxes what is beyond 31 bits, and finding a
// number in it takes three times as long.

/** How many numbers there are room for at first. */
const firstRoom = 1024;
/** Room that is kept when all is forgotten: after one module of millions, thousands of small ones must not each sweep it. */
const keptRoom = 65_536;
/** Another in each process, so that nobody can make a file whose numbers all meet. */
const multiplier = Math.trunc(Math.random() * 2 ** 32) | 1;

/** Numbers by numbers: both below 2^32, what is kept below 2^32 - 1. */
export class NumberMap {
  /** Open addressing; a power of two long. */
  private keys = new Uint32Array(firstRoom);
  /** One more than what is kept; 0 where nothing is. */
  private values = new Uint32Array(firstRoom);
  private count = 0;

  /** How many there are. */
  get size(): number {
    return this.count;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.keys.length > keptRoom) {
      this.keys = new Uint32Array(firstRoom);
      this.values = new Uint32Array(firstRoom);
    } else if (this.count > 0) this.values.fill(0);
    this.count = 0;
  }

  /** What is kept for a number; -1 when nothing is. */
  get(key: number): number {
    const { keys, values } = this;
    const mask = keys.length - 1;
    for (let i = slotOf(key) & mask; values[i] !== 0; i = (i + 1) & mask) if (keys[i] === key) return values[i]! - 1;
    return -1;
  }

  /** Keeps something for a number that has nothing. */
  set(key: number, value: number): void {
    if (this.count * 2 >= this.keys.length) this.widen();
    const { keys, values } = this;
    const mask = keys.length - 1;
    let i = slotOf(key) & mask;
    while (values[i] !== 0) i = (i + 1) & mask;
    keys[i] = key;
    values[i] = value + 1;
    this.count++;
  }

  private widen(): void {
    const { keys, values } = this;
    this.keys = new Uint32Array(keys.length * 2);
    this.values = new Uint32Array(keys.length * 2);
    this.count = 0;
    for (let i = 0; i < keys.length; i++) if (values[i] !== 0) this.set(keys[i]!, values[i]! - 1);
  }
}

function slotOf(key: number): number {
  const mixed = Math.imul(key ^ (key >>> 16), multiplier);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
