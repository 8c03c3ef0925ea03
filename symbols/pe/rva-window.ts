// Many small reads at ascending or near addresses of an image, without a
// buffer for each: a stretch of a section is held, and another one is read
// when an address leaves it. Tables of unwind data and the code that they
// describe are read so.
import type { PeImage } from "./image.ts";

/** Bytes of a stretch: few enough that a file whose addresses jump about is not read over and over. */
const windowBytes = 64 * 1024;

/** A stretch of an image's bytes that follows what is asked for. */
export class RvaWindow {
  /** The bytes held; places in it are what `place` gives. */
  data = new Uint8Array(0);
  private readonly image: PeImage;
  /** The address of the first byte held. */
  private start = 0;

  constructor(image: PeImage) {
    this.image = image;
  }

  /** Where in `data` the `length` bytes at an address are, until the next call; -1 when the file does not hold them all. */
  place(rva: number, length: number): number {
    const at = rva - this.start;
    if (at >= 0 && at + length <= this.data.length) return at;
    return this.move(rva, length);
  }

  private move(rva: number, length: number): number {
    const section = this.image.sectionAt(rva, length);
    if (section === null) return -1;
    // A quarter is kept before the address: chained data points a little backwards.
    const first = Math.max(section.rva, Math.min(rva - windowBytes / 4, section.rva + section.stored - windowBytes));
    const count = Math.max(Math.min(windowBytes, section.rva + section.stored - first), rva + length - first);
    if (count > this.data.buffer.byteLength) this.data = new Uint8Array(count);
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
