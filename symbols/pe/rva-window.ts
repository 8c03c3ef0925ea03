// Many small reads at ascending or near addresses of an image, without a
// buffer for each: a stretch of a section is held, and another one is read
// when an address leaves it. Tables of unwind data and the code that they
// describe are read so.
//
// A damaged table may name a place at one end of the file and then one at the
// other, for ever. So after a jump little is read, and all reading has an end,
// after which a window has nothing any more.
import type { PeImage } from "./image.ts";

/** Bytes of a stretch: few enough that a file whose addresses jump about is not read over and over. */
const windowBytes = 64 * 1024;
/** Bytes that are read at an address far from the one before. */
const jumpBytes = 2048;
/** Bytes that a window may read, for each byte of the file, and for the smallest. What linkers write is read about once. */
const [readPerByte, readMin] = [16, 16 * 1024 * 1024];

/** A stretch of an image's bytes that follows what is asked for. */
export class RvaWindow {
  /** The bytes held; places in it are what `place` gives. */
  data = new Uint8Array(0);
  private readonly image: PeImage;
  /** The address of the first byte held. */
  private start = 0;
  /** Bytes that may still be read. */
  private rest: number;

  constructor(image: PeImage) {
    this.image = image;
    this.rest = image.bytes.size * readPerByte + readMin;
  }

  /** Where in `data` the `length` bytes at an address are, until the next call; -1 when the file does not hold them all, or after too many jumps. */
  place(rva: number, length: number): number {
    const at = rva - this.start;
    if (at >= 0 && at + length <= this.data.length) return at;
    return this.move(rva, length);
  }

  private move(rva: number, length: number): number {
    const section = this.image.sectionAt(rva, length);
    if (section === null) return -1;
    // A quarter is kept before the address: chained data points a little backwards.
    const isNear = rva >= this.start - windowBytes && rva <= this.start + this.data.length + windowBytes;
    const wanted = isNear ? windowBytes : jumpBytes;
    const first = Math.max(section.rva, Math.min(rva - wanted / 4, section.rva + section.stored - wanted));
    const count = Math.max(Math.min(wanted, section.rva + section.stored - first), rva + length - first);
    this.rest -= count;
    if (this.rest < 0) return -1;
    if (count > this.data.buffer.byteLength) this.data = new Uint8Array(Math.max(count, windowBytes));
    const target = new Uint8Array(this.data.buffer, 0, count);
    if (!this.image.bytes.read(section.offset + first - section.rva, target)) {
      this.data = this.data.subarray(0, 0);
      return -1;
    }
    this.data = target;
    this.start = first;
    return rva - first;
  }
}
