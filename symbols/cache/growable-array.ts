// Lists of numbers that grow: what a compiler collects before it knows how
// much there is. `Array` would box, and costs twice the memory.

/** A list of unsigned 32-bit numbers. */
export class Uint32List {
  /** Its numbers; past `length` there is rubbish. Another array after each `reserve` and `push`. */
  data: Uint32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.data = new Uint32Array(capacity);
  }

  /** Appends a number. */
  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }

  /** Makes room for some more numbers. */
  reserve(more: number): void {
    if (this.length + more <= this.data.length) return;
    const wider = new Uint32Array(Math.max(this.data.length * 2, this.length + more));
    wider.set(this.data.subarray(0, this.length));
    this.data = wider;
  }

  /** The numbers, as a view. */
  view(): Uint32Array {
    return this.data.subarray(0, this.length);
  }
}

/** A list of bytes with the variable-length numbers that packed sections are made of. */
export class ByteList {
  /** Its bytes; past `length` there is rubbish. */
  data: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.data = new Uint8Array(capacity);
  }

  /** Makes room for some more bytes; the caller may then write into `data` and move `length`. */
  reserve(more: number): void {
    if (this.length + more <= this.data.length) return;
    const wider = new Uint8Array(Math.max(this.data.length * 2, this.length + more));
    wider.set(this.data.subarray(0, this.length));
    this.data = wider;
  }

  /** Appends other bytes. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    const data = this.data;
    const at = this.length;
    for (let i = 0; i < count; i++) data[at + i] = bytes[start + i]!;
    this.length += count;
  }

  /** The bytes, as a view. */
  view(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}

/** Bytes that a variable-length number takes at most: seven bits a byte, lowest first, bit 7 set on all but the last. */
export const varintBytes = 5;

/** Writes an unsigned 32-bit number at a place that has room, and returns the place after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    bytes[place++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[place++] = rest;
  return place;
}

/** Bytes that `writeVarint` takes for a number. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Folds a signed number into an unsigned one that is small when it is near 0. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

/** Where a reader of bytes stands. */
export type BlobPlace = { at: number };

/** Reads an unsigned number of at most 32 bits and moves the place past it. Look-ups have this inlined; it is for readers of everything. */
export function readVarint(bytes: Uint8Array, place: BlobPlace): number {
  let value = 0;
  for (let shift = 0; shift < 7 * varintBytes; shift += 7) {
    const byte = bytes[place.at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}
