// A set of addresses below 2^32 - 1. `Set` takes ten times the memory.

/** Addresses that were seen. */
export class AddressSet {
  private count = 0;
  /** Addresses + 1, open addressing; a power of two long. */
  private slots = new Uint32Array(4096);

  /** Adds an address; false when it was there. */
  add(address: number): boolean {
    const slot = find(this.slots, address);
    if (this.slots[slot] !== 0) return false;
    this.slots[slot] = address + 1;
    if (++this.count * 2 > this.slots.length) this.widen();
    return true;
  }

  /** Whether an address was added. */
  has(address: number): boolean {
    return this.slots[find(this.slots, address)] !== 0;
  }

  private widen(): void {
    const slots = new Uint32Array(this.slots.length * 4);
    for (const entry of this.slots) if (entry !== 0) slots[find(slots, entry - 1)] = entry;
    this.slots = slots;
  }
}

/** The slot that has an address, or would have it. */
function find(slots: Uint32Array, address: number): number {
  const mask = slots.length - 1;
  let slot = (Math.imul(address, 0x9e3779b1) >>> 7) & mask;
  while (slots[slot] !== 0 && slots[slot] !== address + 1) slot = (slot + 1) & mask;
  return slot;
}
