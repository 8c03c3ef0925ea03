// Where a dump's bytes come from, and the only place that reads numbers and
// texts out of them.
//
// A source is either bytes in memory or an open file seen through a few
// windows that are read again as the reader moves. Ingest wants a kilobyte of
// a file that may have 256 MB; a walk wants most of a small one. Both use the
// same getters, which take offsets in the file: one class, one DataView a
// window, nothing allocated per record.
//
// A getter past the end of the file is a bug of its caller and throws: readers
// ask `holds` once for a record and read its fields then. A file that shrinks
// while it is read gives zeros, since a failing disk is no property of a dump.
import { fstatSync, readSync } from "node:fs";

/** Bytes of one window. A pread of so many costs hardly more than one of a page. */
const WINDOW_BYTES = 65_536;
/** Windows kept: the lists of a dump, their names and their records lie apart and are read by turns. */
const WINDOWS = 4;
/** Files up to this size are read whole where most of them is wanted. */
const WHOLE_FILE_BYTES_MAX = 64 * 1024 * 1024;
/** UTF-16 units, or bytes of UTF-8, kept of one text. Breakpad takes 1024 units; paths on Linux may have 4096. */
export const TEXT_MAX = 4096;

type Window = { readonly buffer: Buffer; readonly view: DataView; start: number; held: number; used: number };

// Texts are short and made one at a time, so that one scratch serves all.
const scratch = Buffer.alloc(TEXT_MAX);

/** Random access to bytes that do not change while they are read. */
export class ByteSource {
  /** Bytes there are. */
  readonly size: number;
  /** Byte order of the getters: that of the dump, set once its magic is known. */
  little = true;
  readonly #fd: number;
  readonly #windows: Window[];
  #buffer: Buffer;
  #view: DataView;
  #start = 0;
  #held: number;
  #clock = 0;

  /** `whole` has all bytes when `fd` is -1; else it is empty. Use `bytesSource`, `fileSource` or `dumpFileSource`. */
  constructor(whole: Buffer, fd: number, size: number) {
    this.size = size;
    this.#fd = fd;
    this.#windows = [];
    this.#buffer = whole;
    this.#view = viewOf(whole);
    this.#held = whole.length;
  }

  /** True when all bytes are in memory, so that views of them cost nothing. */
  get inMemory(): boolean {
    return this.#fd < 0;
  }

  /** True when the file has all of the `length` bytes at `at`. */
  holds(at: number, length: number): boolean {
    return at >= 0 && length >= 0 && at + length <= this.size;
  }

  /** The byte at `at`. */
  u8(at: number): number {
    let i = at - this.#start;
    if (i < 0 || i >= this.#held) i = this.#move(at, 1);
    return this.#view.getUint8(i);
  }

  /** The 16-bit number at `at`. */
  u16(at: number): number {
    let i = at - this.#start;
    if (i < 0 || i + 2 > this.#held) i = this.#move(at, 2);
    return this.#view.getUint16(i, this.little);
  }

  /** The 32-bit number at `at`. */
  u32(at: number): number {
    let i = at - this.#start;
    if (i < 0 || i + 4 > this.#held) i = this.#move(at, 4);
    return this.#view.getUint32(i, this.little);
  }

  /** The 64-bit number at `at`, rounded above 2^53. */
  u64(at: number): number {
    let i = at - this.#start;
    if (i < 0 || i + 8 > this.#held) i = this.#move(at, 8);
    const first = this.#view.getUint32(i, this.little);
    const second = this.#view.getUint32(i + 4, this.little);
    return this.little ? first + second * 0x1_0000_0000 : second + first * 0x1_0000_0000;
  }

  /** The lower half of the 64-bit number at `at`. */
  low(at: number): number {
    return this.u32(this.little ? at : at + 4);
  }

  /** The upper half of the 64-bit number at `at`. */
  high(at: number): number {
    return this.u32(this.little ? at + 4 : at);
  }

  /** Up to `length` bytes from `at`: fewer at the end, none past it. They may be the source's own, so they are not to be changed. */
  read(at: number, length: number): Buffer {
    const start = Math.min(Math.max(at, 0), this.size);
    const wanted = Math.min(Math.max(length, 0), this.size - start);
    if (this.#fd < 0) return this.#buffer.subarray(start, start + wanted);
    const bytes = Buffer.alloc(wanted);
    fill(this.#fd, bytes, wanted, start);
    return bytes;
  }

  /** A view of exactly the `length` bytes at `at`, of which the caller knows that the file holds them. */
  view(at: number, length: number): DataView {
    const bytes = this.read(at, length);
    if (bytes.length < length) throw new RangeError(`${length} bytes at ${at} of ${this.size}`);
    return viewOf(bytes);
  }

  /** Up to `units` UTF-16 units from `at` as text: to the first NUL, TEXT_MAX at most; lone surrogates become U+FFFD. */
  utf16(at: number, units: number): string {
    const length = this.copyAscii16(at, units, scratch, 0);
    if (length >= 0) return scratch.toString("latin1", 0, length);
    const count = Math.min(units, TEXT_MAX);
    // The copying brought them into the window.
    const i = at - this.#start;
    return wideText(this.#buffer.subarray(i, i + count * 2), this.little);
  }

  /** Up to `length` bytes from `at` as UTF-8 text: to the first NUL, TEXT_MAX at most; invalid bytes become U+FFFD. */
  utf8(at: number, length: number): string {
    const copied = this.copyAscii8(at, length, scratch, 0);
    if (copied >= 0) return scratch.toString("latin1", 0, copied);
    const count = Math.min(length, TEXT_MAX);
    const i = at - this.#start;
    const end = this.#buffer.indexOf(0, i);
    return this.#buffer.toString("utf8", i, end < 0 ? i + count : Math.min(end, i + count));
  }

  /** Copies the characters of what `utf16` would read to `into` at `offset`, and answers how many; -1 when one is not ASCII. There must be room for TEXT_MAX. */
  copyAscii16(at: number, units: number, into: Uint8Array, offset: number): number {
    const count = Math.min(units, TEXT_MAX);
    let i = at - this.#start;
    if (i < 0 || i + count * 2 > this.#held) i = this.#move(at, count * 2);
    const view = this.#view;
    const { little } = this;
    let n = 0;
    // Two units at a time, until one is not ASCII or is the end.
    for (; n + 1 < count; n += 2) {
      const pair = view.getUint32(i + 2 * n, little);
      if ((pair & 0xff80_ff80) !== 0) break;
      const first = little ? pair & 0x7f : pair >>> 16;
      const second = little ? pair >>> 16 : pair & 0x7f;
      if (first === 0 || second === 0) break;
      into[offset + n] = first;
      into[offset + n + 1] = second;
    }
    for (; n < count; n++) {
      const unit = view.getUint16(i + 2 * n, little);
      if (unit >= 0x80) return -1;
      if (unit === 0) break;
      into[offset + n] = unit;
    }
    return n;
  }

  /** The same for what `utf8` would read. */
  copyAscii8(at: number, length: number, into: Uint8Array, offset: number): number {
    const count = Math.min(length, TEXT_MAX);
    let i = at - this.#start;
    if (i < 0 || i + count > this.#held) i = this.#move(at, count);
    const bytes = this.#buffer;
    for (let n = 0; n < count; n++) {
      const byte = bytes[i + n]!;
      if (byte === 0) return n;
      if (byte >= 0x80) return -1;
      into[offset + n] = byte;
    }
    return count;
  }

  /** The MINIDUMP_STRING at `at`: a byte count, then UTF-16, of which `unitsMax` are kept. Null when what is kept of it is not in the file, or `at` is 0, where the header is and writers point for want of a text. */
  string(at: number, unitsMax = TEXT_MAX): string | null {
    if (at === 0 || !this.holds(at, 4)) return null;
    const units = Math.min(this.u32(at) >>> 1, unitsMax);
    return this.holds(at + 4, units * 2) ? this.utf16(at + 4, units) : null;
  }

  /** Brings `length` bytes at `at` into the current window; answers where in it they start. */
  #move(at: number, length: number): number {
    // An empty text may start where the file ends.
    if (length === 0) return 0;
    if (!this.holds(at, length) || this.#fd < 0) throw new RangeError(`${length} bytes at ${at} of ${this.size}`);
    let window = this.#windows.find(({ start, held }) => at >= start && at + length <= start + held);
    if (!window) {
      window = this.#spareWindow();
      // What precedes a record is often read next, so that the window starts a bit before it.
      window.start = Math.max(0, at - (at % 4096));
      window.held = Math.min(WINDOW_BYTES, this.size - window.start);
      const got = fill(this.#fd, window.buffer, window.held, window.start);
      window.buffer.fill(0, got, window.held);
    }
    window.used = ++this.#clock;
    this.#buffer = window.buffer;
    this.#view = window.view;
    this.#start = window.start;
    this.#held = window.held;
    return at - window.start;
  }

  #spareWindow(): Window {
    if (this.#windows.length < WINDOWS) {
      const buffer = Buffer.alloc(Math.min(WINDOW_BYTES, this.size));
      const window = { buffer, view: viewOf(buffer), start: 0, held: 0, used: 0 };
      this.#windows.push(window);
      return window;
    }
    return this.#windows.reduce((oldest, window) => (window.used < oldest.used ? window : oldest));
  }
}

/** A source over bytes in memory, which it keeps. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return new ByteSource(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), -1, bytes.length);
}

/** A source over an open file of which little is wanted; the caller closes it after the last read. Throws only what `fs` throws. */
export function fileSource(fd: number): ByteSource {
  return new ByteSource(Buffer.alloc(0), fd, fstatSync(fd).size);
}

/** A source over an open file of which most is wanted: read whole when it is small enough, else as `fileSource`, so the caller closes it after the last read. */
export function dumpFileSource(fd: number): ByteSource {
  const { size } = fstatSync(fd);
  if (size > WHOLE_FILE_BYTES_MAX) return fileSource(fd);
  const bytes = Buffer.allocUnsafeSlow(size);
  const got = fill(fd, bytes, size, 0);
  return bytesSource(bytes.subarray(0, got));
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads `length` bytes at `at` of a file; answers how many were there. */
function fill(fd: number, bytes: Buffer, length: number, at: number): number {
  let got = 0;
  while (got < length) {
    const n = readSync(fd, bytes, got, length - got, at + got);
    if (n === 0) break;
    got += n;
  }
  return got;
}

function wideText(bytes: Buffer, little: boolean): string {
  // swap16 works in place, so a big-endian text is copied first.
  const text = (little ? bytes : Buffer.from(bytes).swap16()).toString("utf16le").toWellFormed();
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
