// The tables of `__unwind_info`: from where on which encoding holds. The layout
// is that of Apple's compact_unwind_encoding.h, version 1:
//
//     header     version; common encodings, personalities, index: offset and count of each
//     index      first address, offset of its page, (what exceptions need); the last one ends the list
//     page       kind 2: address and encoding, 4 bytes each
//                kind 3: 24 bits of distance from the page's first address, 8 bits of a number
//                        of an encoding: one of the common ones, or after them of the page's own
//
// An entry holds up to the next one. Linkers leave an entry out whose encoding
// is that of the one before.
import { Uint32List } from "../cache/growable-array.ts";

const headerBytes = 28;
const indexBytes = 12;
const version = 1;
/** Kinds of pages. */
const kindRegular = 2;
const kindCompressed = 3;

/** Entries in ascending order, each up to where the next begins. */
export type CompactEntries = {
  readonly starts: Uint32Array;
  readonly encodings: Uint32Array;
  /** Where the last one ends; 0 when the table does not say. */
  readonly end: number;
  /** Pages and entries that made no sense. */
  readonly malformed: number;
};

/** Reads all entries. They are at most a quarter as many as there are bytes, whatever the pages say. */
export function readCompactEntries(bytes: Uint8Array, little: boolean): CompactEntries {
  return new TableReader(bytes, little).read();
}

class TableReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly little: boolean;
  private readonly starts = new Uint32List();
  private readonly encodings = new Uint32List();
  private malformed = 0;
  /** Entries that may still be read. Pages do not overlap but in a file that was made to take long. */
  private rest: number;
  private commonAt = 0;
  private commonCount = 0;

  constructor(bytes: Uint8Array, little: boolean) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.little = little;
    this.rest = bytes.length >>> 2;
  }

  read(): CompactEntries {
    const { starts, encodings } = this;
    const end = this.readIndex();
    return { starts: starts.view(), encodings: encodings.view(), end, malformed: this.malformed };
  }

  /** Reads all pages and returns where the last entry ends. */
  private readIndex(): number {
    if (this.bytes.length < headerBytes || this.u32(0) !== version) {
      this.malformed++;
      return 0;
    }
    this.commonAt = this.u32(4);
    this.commonCount = this.countIn(this.commonAt, this.u32(8), 4);
    const indexAt = this.u32(20);
    const count = this.countIn(indexAt, this.u32(24), indexBytes);
    for (let i = 0; i + 1 < count; i++) {
      const at = indexAt + i * indexBytes;
      const page = this.u32(at + 4);
      const next = this.u32(at + indexBytes);
      // Nothing is known of these functions.
      if (page === 0) this.add(this.u32(at), 0);
      // Where the last one ends need not be said.
      else this.readPage(page, this.u32(at), next === 0 && i + 2 === count ? 0xffffffff : next);
    }
    return count === 0 ? 0 : this.u32(indexAt + (count - 1) * indexBytes);
  }

  /** Reads a page, whose entries lie from `first` up to `end`. */
  private readPage(page: number, first: number, end: number): void {
    const kind = this.isIn(page, 8) ? this.u32(page) : 0;
    if (kind === kindRegular) {
      const entries = page + this.u16(page + 4);
      const count = this.countIn(entries, this.u16(page + 6), 8);
      for (let i = 0; i < count; i++) this.addWithin(this.u32(entries + i * 8), this.u32(entries + i * 8 + 4), first, end);
    } else if (kind === kindCompressed && this.isIn(page, 12)) {
      const entries = page + this.u16(page + 4);
      const count = this.countIn(entries, this.u16(page + 6), 4);
      const own = page + this.u16(page + 8);
      const ownCount = this.countIn(own, this.u16(page + 10), 4);
      for (let i = 0; i < count; i++) {
        const entry = this.u32(entries + i * 4);
        const number = entry >>> 24;
        const at = number < this.commonCount ? this.commonAt + number * 4 : number - this.commonCount < ownCount ? own + (number - this.commonCount) * 4 : -1;
        if (at < 0) this.malformed++;
        this.addWithin(first + (entry & 0xffffff), at < 0 ? 0 : this.u32(at), first, end);
      }
    } else this.malformed++;
  }

  private addWithin(start: number, encoding: number, first: number, end: number): void {
    if (start < first || start >= end) this.malformed++;
    else this.add(start, encoding);
  }

  private add(start: number, encoding: number): void {
    const { starts, encodings } = this;
    const last = starts.length - 1;
    if (this.rest-- <= 0 || (last >= 0 && start <= starts.data[last]!)) {
      this.malformed++;
      return;
    }
    starts.push(start);
    encodings.push(encoding);
  }

  /** How many of `count` items at an offset are in the section. */
  private countIn(at: number, count: number, itemBytes: number): number {
    return Math.max(0, Math.min(count, Math.floor((this.bytes.length - at) / itemBytes)));
  }

  private isIn(at: number, length: number): boolean {
    return at + length <= this.bytes.length;
  }

  private u16(at: number): number {
    return this.view.getUint16(at, this.little);
  }

  private u32(at: number): number {
    return this.view.getUint32(at, this.little);
  }
}
