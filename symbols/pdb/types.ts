// The type records of a PDB, by number: stream 2 has types (TPI), stream 4 has
// what functions are called and where they are declared (IPI). Both have a
// header and then records one after the other:
//
//     u16  bytes that follow
//     u16  kind of leaf (LF_…)
//     …    as the kind says
//
// A record's number is its place in that order, counted from the header's
// first number on (0x1000; below are the simple types, which have no record).
// So one pass over the stream notes where each begins, four bytes a record, and
// of the records themselves only some pieces are held: those that a module's
// functions ask for lie near each other. The streams of a big program are
// hundreds of megabytes.
//
// The facts are from LLVM's TpiStream.rst and microsoft-pdb's tpi.h.
import type { Msf } from "./msf.ts";

/** Number of the stream of types. */
export const typeStream = 2;
/** Number of the stream of ids. */
export const idStream = 4;

const headerBytes = 56;
/** Versions of the header whose type numbers have 32 bits: Visual C++ 7 and 8, which is that of today. */
const versions = [19990903, 20040203];
const scanBytes = 1024 * 1024;
const pieceShift = 16;
const pieceBytes = 1 << pieceShift;
/** Pieces that are held, at most; a power of two. */
const piecesMax = 256;
const noBytes = Buffer.alloc(0);

/** Records of types or ids, one at a time. */
export class TypeStream {
  /** Number of the first record. */
  readonly first: number;
  /** Bytes of the piece that has the record that was found last. */
  bytes: Buffer = noBytes;
  /** Where in `bytes` the found record's content begins, after its kind. */
  at = 0;
  /** Where it ends. */
  end = 0;
  private readonly msf: Msf;
  private readonly stream: number;
  /** By record: where it begins in the stream; and one more, where the last one ends. */
  private readonly offsets: Uint32Array;
  private readonly streamBytes: number;
  private readonly pieces: (Buffer | undefined)[] = [];
  private readonly pieceNumbers = new Int32Array(piecesMax).fill(-1);

  private constructor(msf: Msf, stream: number, first: number, offsets: Uint32Array) {
    this.msf = msf;
    this.stream = stream;
    this.first = first;
    this.offsets = offsets;
    this.streamBytes = offsets[offsets.length - 1]!;
  }

  /** Opens a stream; null when it is absent, or has no records that can be read. Throws what `fs` throws. */
  static open(msf: Msf, stream: number): TypeStream | null {
    const header = msf.read(stream, 0, headerBytes);
    if (header === null || !versions.includes(header.readUInt32LE(0))) return null;
    const start = header.readUInt32LE(4);
    const first = header.readUInt32LE(8);
    const last = header.readUInt32LE(12);
    const end = Math.min(start + header.readUInt32LE(16), msf.size(stream));
    if (start < headerBytes || start >= end || first >= last || last > 0x80000000) return null;
    // A record has four bytes at least, whatever the header says.
    const offsets = scan(msf, stream, start, end, Math.min(last - first, (end - start) >>> 2));
    return offsets === null ? null : new TypeStream(msf, stream, first, offsets);
  }

  /** How many records there are. */
  get count(): number {
    return this.offsets.length - 1;
  }

  /** Finds a record: sets `bytes`, `at` and `end`, which hold until the next `find`, and returns its kind; 0 when there is none. Throws what `fs` throws. */
  find(index: number): number {
    const record = index - this.first;
    if (!(record >= 0 && record < this.count)) return 0;
    const offset = this.offsets[record]!;
    const size = this.offsets[record + 1]! - offset;
    const piece = offset >>> pieceShift;
    let at = offset & (pieceBytes - 1);
    let bytes: Buffer | null;
    if (at + size <= pieceBytes) bytes = this.piece(piece);
    else {
      bytes = this.msf.read(this.stream, offset, size);
      at = 0;
    }
    if (bytes === null) return 0;
    this.bytes = bytes;
    this.at = at + 4;
    this.end = at + size;
    return bytes[at + 2]! | (bytes[at + 3]! << 8);
  }

  private piece(number: number): Buffer | null {
    const slot = number & (piecesMax - 1);
    const held = this.pieces[slot];
    if (this.pieceNumbers[slot] === number && held !== undefined) return held;
    const start = number * pieceBytes;
    const bytes = this.msf.read(this.stream, start, Math.min(pieceBytes, this.streamBytes - start));
    if (bytes === null) return null;
    this.pieces[slot] = bytes;
    this.pieceNumbers[slot] = number;
    return bytes;
  }
}

/** Where each record begins, and where the last one ends. What follows a record that cannot be one is left out. */
function scan(msf: Msf, stream: number, start: number, end: number, count: number): Uint32Array | null {
  const offsets = new Uint32Array(count + 1);
  const buffer = new Uint8Array(Math.min(scanBytes, end - start));
  let found = 0;
  let base = start;
  while (found < count && base + 4 <= end) {
    const length = Math.min(buffer.length, end - base);
    if (!msf.readInto(stream, base, length === buffer.length ? buffer : buffer.subarray(0, length))) return null;
    let at = 0;
    while (found < count && at + 2 <= length) {
      const size = buffer[at]! | (buffer[at + 1]! << 8);
      if (size < 2 || base + at + size + 2 > end) {
        offsets[found] = base + at;
        return offsets.slice(0, found + 1);
      }
      offsets[found++] = base + at;
      at += size + 2;
    }
    base += at;
  }
  offsets[found] = base;
  return found === count ? offsets : offsets.slice(0, found + 1);
}

/** Bytes of the numeric leaf at a place: a number below 0x8000 is itself, others are a kind and what it says. 0 for a kind that is none. */
export function numericBytes(bytes: Uint8Array, at: number): number {
  const kind = bytes[at]! | (bytes[at + 1]! << 8);
  if (kind < 0x8000) return 2;
  // Integers of 1, 2 and 4 bytes, reals, integers of 8, real of 6, complex numbers; then texts, and integers of 16.
  if (kind <= 0x800f) return 2 + [1, 2, 2, 4, 4, 4, 8, 10, 16, 8, 8, 6, 8, 16, 20, 32][kind - 0x8000]!;
  if (kind === 0x8010) return 4 + (bytes[at + 2]! | (bytes[at + 3]! << 8));
  return kind === 0x8017 || kind === 0x8018 ? 18 : 0;
}

/** The numeric leaf at a place as far as it is an unsigned integer of 32 bits at most; -1 otherwise. */
export function numericValue(bytes: Uint8Array, at: number): number {
  const kind = bytes[at]! | (bytes[at + 1]! << 8);
  if (kind < 0x8000) return kind;
  if (kind === 0x8002) return bytes[at + 2]! | (bytes[at + 3]! << 8);
  if (kind === 0x8003 || kind === 0x8004) return (bytes[at + 2]! | (bytes[at + 3]! << 8) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 24)) >>> 0;
  return -1;
}
