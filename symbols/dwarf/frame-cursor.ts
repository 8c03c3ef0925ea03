// Numbers of a call frame section. A read past the end gives 0 and is
// remembered in `failed`, so that loops check once and not after each number.
//
// Numbers of 64 bits lose their last digits above 2^53. No address that a cache
// can hold is up there, and two's complement keeps small differences exact.

/** What the last byte of a number of variable length may count, at most: 64 bits take ten bytes, and some writers pad. */
const weightLimit = 2 ** 112;

/** A place in a section, moving on as it is read. */
export class FrameCursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** Where reading must stop. */
  end: number;
  /** Whether a read went past the end, or a number was longer than any can be. */
  failed = false;
  private readonly little: boolean;

  constructor(bytes: Uint8Array, little: boolean) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.little = little;
  }

  /** Goes to a place; reading stops at `end`. */
  seek(at: number, end: number): void {
    this.at = at;
    this.end = end;
    this.failed = false;
  }

  /** Passes over bytes. */
  skip(count: number): void {
    if (count <= this.end - this.at) this.at += count;
    else this.fail();
  }

  u8(): number {
    if (this.at < this.end) return this.bytes[this.at++]!;
    return this.fail();
  }

  u16(): number {
    const { bytes, at } = this;
    if (at + 2 > this.end) return this.fail();
    this.at = at + 2;
    return this.little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
  }

  u32(): number {
    const { bytes, at } = this;
    if (at + 4 > this.end) return this.fail();
    this.at = at + 4;
    if (this.little) return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  u64(): number {
    const first = this.u32();
    const second = this.u32();
    return this.little ? first + second * 2 ** 32 : second + first * 2 ** 32;
  }

  /** 64 bits in two's complement. */
  i64(): number {
    const first = this.u32();
    const second = this.u32();
    return this.little ? first + (second | 0) * 2 ** 32 : second + (first | 0) * 2 ** 32;
  }

  /** An unsigned number of variable length, seven bits a byte. */
  uleb(): number {
    const byte = this.at < this.end ? this.bytes[this.at++]! : this.fail();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let weight = 0x80; weight < weightLimit; weight *= 0x80) {
      const next = this.u8();
      value += (next & 0x7f) * weight;
      if (next < 0x80) return value;
    }
    return this.fail();
  }

  /** A signed number of variable length. */
  sleb(): number {
    let value = 0;
    for (let weight = 1; weight < weightLimit; ) {
      const byte = this.u8();
      value += (byte & 0x7f) * weight;
      weight *= 0x80;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - weight;
    }
    return this.fail();
  }

  private fail(): 0 {
    this.failed = true;
    this.at = this.end;
    return 0;
  }
}
