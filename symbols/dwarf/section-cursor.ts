// Reads a DWARF section step by step: headers, abbreviations, lists of ranges.
// What runs once a unit or once a list goes through here; the loops over
// entries and over line opcodes have their positions in local variables.

/** A place in a section that moves on as it is read. Past the end everything is 0 and `isOverrun` true. */
export class SectionCursor {
  readonly bytes: Uint8Array;
  readonly little: boolean;
  at: number;
  /** Nothing is read from here on. */
  end: number;
  /** True once something would have passed `end`. */
  isOverrun = false;

  constructor(bytes: Uint8Array, little: boolean, at: number, end = bytes.length) {
    this.bytes = bytes;
    this.little = little;
    this.at = at;
    this.end = Math.min(end, bytes.length);
    if (!(at >= 0 && at <= this.end)) this.overrun();
  }

  /** An unsigned number of 1 to 8 bytes; one above 2^53 is rounded. */
  fixed(size: number): number {
    if (this.at + size > this.end) return this.overrun();
    const value = readFixed(this.bytes, this.at, size, this.little);
    this.at += size;
    return value;
  }

  /** A signed byte. */
  signedByte(): number {
    return (this.fixed(1) << 24) >> 24;
  }

  /** An unsigned LEB128 number; one above 2^53 is rounded. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    while (this.at < this.end) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale < 2 ** 63) scale *= 128;
    }
    return this.overrun();
  }

  /** A signed LEB128 number. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    while (this.at < this.end) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte >= 0x40 ? value - scale : value;
      if (scale > 2 ** 63) break;
    }
    return this.overrun();
  }

  /** Passes over some bytes. */
  skip(count: number): void {
    if (this.at + count > this.end) this.overrun();
    else this.at += count;
  }

  /** Passes over a string and the NUL after it, and returns where it began. */
  string(): number {
    const start = this.at;
    while (this.at < this.end) if (this.bytes[this.at++] === 0) return start;
    this.overrun();
    return start;
  }

  private overrun(): number {
    this.isOverrun = true;
    this.at = this.end;
    return 0;
  }
}

/** An unsigned number of 1 to 8 bytes that the caller knows are there; one above 2^53 is rounded. */
export function readFixed(bytes: Uint8Array, at: number, size: number, little: boolean): number {
  if (size === 4) return little ? (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0 : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  let value = 0;
  if (little) for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  else for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!;
  return value;
}
