// The strings of a cache, each stored once. Names come as bytes of the
// original and stay bytes: making JavaScript strings of a million names would
// cost more than all the rest of a compile.
import { ByteList, Uint32List } from "./growable-array.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** Bytes of all strings together; bit 31 of an offset is a flag. */
const bytesLimit = 0x7fff0000;
/** In an offset: the string has bytes above 0x7f. */
export const notAscii = 0x80000000;

/** Characters of a text that need no buffer of their own, and what follows a text: its end. */
const textMax = 4096;
const linePadding = 4;
const scratch = Buffer.alloc(textMax * 3 + linePadding);

/** Collects strings and gives each a number; equal ones get the same. String 0 is empty. */
export class StringTable {
  /** Position after the string that was taken last: that of the byte that ended it. */
  end = 0;
  /** True once a string had to be left out because the table is full; such strings are number 0. */
  isFull = false;
  private readonly bytes = new ByteList(65_536);
  /** Where each string begins, with `notAscii`. */
  private readonly offsets = new Uint32List();
  private readonly hashes = new Uint32List();
  /** Number + 1 of a string by its hash, open addressing; a power of two long. */
  private slots = new Int32Array(4096);

  constructor() {
    this.offsets.push(0);
    this.hashes.push(0);
  }

  /** How many strings there are. */
  get count(): number {
    return this.offsets.length;
  }

  /** Takes the string from `start` up to a line's end, LF or CR, which must be there. NULs become `_`, as in Breakpad, so that no reader ever sees one. */
  takeLine(source: Uint8Array, start: number): number {
    const list = this.bytes;
    const base = list.length;
    let data = list.data;
    let room = data.length;
    let place = base;
    let at = start;
    let hash = 0x811c9dc5;
    let high = 0;
    for (;;) {
      if (place + 4 > room) {
        list.length = place;
        list.reserve(4);
        list.length = base;
        data = list.data;
        room = data.length;
      }
      // Four at a time while nothing special comes: the hash's chain of multiplications is what this loop waits for.
      const a = source[at]!;
      const b = source[at + 1]!;
      const c = source[at + 2]!;
      const d = source[at + 3]!;
      if (a > 0x0d && b > 0x0d && c > 0x0d && d > 0x0d) {
        data[place] = a;
        data[place + 1] = b;
        data[place + 2] = c;
        data[place + 3] = d;
        const four = a | (b << 8) | (c << 16) | (d << 24);
        high |= four;
        hash = Math.imul(hash ^ four, 0x9e3779b1);
        hash ^= hash >>> 15;
        at += 4;
        place += 4;
        continue;
      }
      if (a === lineFeed || a === carriageReturn) break;
      const byte = a === 0 ? 0x5f : a;
      data[place++] = byte;
      high |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
      at++;
    }
    this.end = at;
    return this.place(place, (hash ^ (hash >>> 16)) >>> 0, (high & 0x80808080) !== 0);
  }

  /** Takes a JavaScript string. */
  takeText(text: string): number {
    // Hundreds of thousands of names come this way, one after the other.
    const bytes = text.length <= textMax ? scratch : Buffer.allocUnsafe(text.length * 3 + linePadding);
    const length = bytes.write(text, 0, "utf8");
    for (let i = 0; i < length; i++) if (bytes[i] === lineFeed || bytes[i] === carriageReturn) bytes[i] = 0x20;
    bytes[length] = lineFeed;
    return this.takeLine(bytes, 0);
  }

  /** The bytes of a string, as a view that the next take may outdate. */
  bytesOf(id: number): Uint8Array {
    return this.bytes.data.subarray(this.startOf(id), this.endOf(id));
  }

  /** The first byte of a string; 0 of the empty one. */
  firstByteOf(id: number): number {
    return id === 0 ? 0 : this.bytes.data[this.startOf(id)]!;
  }

  /** A string as JavaScript's. */
  textOf(id: number): string {
    const { data } = this.bytes;
    return Buffer.from(data.buffer, data.byteOffset).toString(this.offsets.data[id]! >= notAscii ? "utf8" : "latin1", this.startOf(id), this.endOf(id));
  }

  /** The section `stringOffset`. */
  offsetSection(): Uint32Array {
    const section = new Uint32Array(this.offsets.length + 1);
    section.set(this.offsets.view());
    section[this.offsets.length] = this.bytes.length;
    return section;
  }

  /** The section `stringBytes`. */
  byteSection(): Uint8Array {
    return this.bytes.view();
  }

  /** Gives the bytes from the list's end to `end` a number: that of an equal string, or a new one. */
  private place(end: number, hash: number, hasHigh: boolean): number {
    const base = this.bytes.length;
    const data = this.bytes.data;
    const length = end - base;
    if (length === 0) return 0;
    let slots = this.slots;
    let slot = hash & (slots.length - 1);
    for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
      const id = entry - 1;
      if (this.hashes.data[id] === hash) {
        const start = this.startOf(id);
        if (this.endOf(id) - start === length) {
          let i = 0;
          while (i < length && data[start + i] === data[base + i]) i++;
          if (i === length) return id;
        }
      }
      slot = (slot + 1) & (slots.length - 1);
    }
    if (end > bytesLimit) {
      this.isFull = true;
      return 0;
    }
    const id = this.offsets.length;
    this.offsets.push(hasHigh ? (base | notAscii) >>> 0 : base);
    this.hashes.push(hash);
    this.bytes.length = end;
    slots[slot] = id + 1;
    if (id * 2 > slots.length) this.widen();
    return id;
  }

  private startOf(id: number): number {
    return this.offsets.data[id]! & ~notAscii;
  }

  private endOf(id: number): number {
    return id + 1 < this.offsets.length ? this.startOf(id + 1) : this.bytes.length;
  }

  private widen(): void {
    const slots = new Int32Array(this.slots.length * 4);
    const mask = slots.length - 1;
    for (let id = 1; id < this.offsets.length; id++) {
      let slot = this.hashes.data[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.slots = slots;
  }
}
