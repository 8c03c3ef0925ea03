// From the addresses of a PDB, section and offset, to addresses of the image.
//
// Mostly that is the section's start plus the offset. Tools that move code
// after linking (Microsoft's BBT, Syzygy) leave the PDB as it was and add two
// OMAP tables; then a symbol's address is in the linker's space, a function may
// lie in pieces, and some of it may be gone. Each table has pairs of addresses,
// and a pair holds up to the next one:
//
//     to source     (address in the image, the linker's address or none)
//     from source   (the linker's address, address in the image or none)
//
// "To source" says all: each of its pairs is a segment of the image with its
// origin. "From source" serves only when the other is not there. What lies
// between two segments was injected (instrumentation, say) and has no origin;
// a range whose two sides of it were neighbours is taken to include it, so that
// a function which was stretched stays one. Breakpad's omap.cc is the source of
// these rules.
//
// So who has ranges translates in two steps: `linkedRva` gives the linker's
// address, and `mapRange` the pieces that a range of those became. Where
// nothing was moved the second step is nothing (`isMoved`).
import { Uint32List } from "../cache/growable-array.ts";
import type { DebugStreams } from "./dbi.ts";
import type { Msf } from "./msf.ts";
import { sortRows } from "./row-order.ts";

/** Translates addresses. All are relative to the module's base. */
export type AddressMap = {
  /** How many sections there are; numbers from 1. */
  readonly sectionCount: number;
  /** True when code was moved after linking, so that linked addresses and ranges must go through `mapRange`. */
  readonly isMoved: boolean;
  /** The linker's address of a place; -1 when the section does not reach there. */
  linkedRva(section: number, offset: number): number;
  /** The address of a place in the image; -1 when the section does not reach there, or what was there is gone. */
  toRva(section: number, offset: number): number;
  /** Appends to `into` start and bytes of each piece that a range of linked addresses became, in order of address; nothing when it is gone. */
  mapRange(rva: number, size: number, into: Uint32List): void;
  /** The address after a section's last byte, the linker's; 0 where there is no such section. */
  sectionEnd(section: number): number;
  /** Whether a section holds code. */
  isCode(section: number): boolean;
};

/** Bytes of an IMAGE_SECTION_HEADER. */
const sectionBytes = 40;
/** Sections that a program has, at most. */
const sectionsMax = 65_535;
/** IMAGE_SCN_CNT_CODE and IMAGE_SCN_MEM_EXECUTE. */
const codeFlags = 0x20000020;
/** No image reaches here; tools write 0x80000000 or 0 for what was injected or removed. */
const addressEnd = 0x80000000;
/** Bytes of an OMAP pair. */
const pairBytes = 8;
/** Pairs of a table that are read; those of the largest programs have a tenth of it. */
const pairsMax = 8_000_000;
const ROW_WORDS = 4;
/** Segments that all calls of `mapRange` may look at; a damaged table can make every range meet every segment. */
const stepsMax = 20_000_000;

/** Reads the tables that are there; a PDB without section headers has no addresses. */
export function readAddressMap(msf: Msf, streams: DebugStreams): AddressMap {
  const moves = readMoves(msf, streams);
  const headers = readSections(msf, moves !== null && streams.originalSections >= 0 ? streams.originalSections : streams.sections);
  const sectionCount = headers.length / sectionBytes;
  const starts = new Uint32Array(sectionCount + 1);
  const sizes = new Uint32Array(sectionCount + 1);
  for (let i = 0; i < sectionCount; i++) {
    starts[i + 1] = headers.readUInt32LE(i * sectionBytes + 12);
    sizes[i + 1] = Math.max(headers.readUInt32LE(i * sectionBytes + 8), headers.readUInt32LE(i * sectionBytes + 16));
  }
  const linkedRva = (section: number, offset: number): number => {
    // A symbol may stand at the end of its section.
    if (section === 0 || section > sectionCount || offset > sizes[section]!) return -1;
    const rva = starts[section]! + offset;
    return rva < 0xffffffff ? rva : -1;
  };
  const base = {
    sectionCount,
    linkedRva,
    sectionEnd: (section: number): number => (section > 0 && section <= sectionCount ? starts[section]! + sizes[section]! : 0),
    isCode: (section: number): boolean => section > 0 && section <= sectionCount && (headers.readUInt32LE((section - 1) * sectionBytes + 36) & codeFlags) !== 0,
  };
  if (moves === null) {
    return {
      ...base,
      isMoved: false,
      toRva: linkedRva,
      mapRange: (rva, size, into) => {
        into.push(rva);
        into.push(size);
      },
    };
  }
  const piece = new Uint32List(16);
  return {
    ...base,
    isMoved: true,
    toRva: (section, offset) => {
      const linked = linkedRva(section, offset);
      if (linked < 0) return -1;
      piece.length = 0;
      moves.mapRange(linked, 1, piece);
      return piece.length === 0 ? -1 : piece.data[0]!;
    },
    mapRange: (rva, size, into) => moves.mapRange(rva, size, into),
  };
}

/** The section headers that a stream holds; none when it cannot be read. */
function readSections(msf: Msf, stream: number): Buffer {
  const count = Math.min(Math.floor(Math.max(0, msf.size(stream)) / sectionBytes), sectionsMax);
  return msf.read(stream, 0, count * sectionBytes) ?? Buffer.alloc(0);
}

function isReal(address: number): boolean {
  return address !== 0 && address < addressEnd;
}

/** The moved segments; null when nothing was moved. */
function readMoves(msf: Msf, streams: DebugStreams): MovedSegments | null {
  const toSource = readPairs(msf, streams.omapToSource);
  const fromSource = readPairs(msf, streams.omapFromSource);
  if (toSource.length > 0) return new MovedSegments(toSource, 0);
  return fromSource.length > 0 ? new MovedSegments(fromSource, 1) : null;
}

function readPairs(msf: Msf, stream: number): Uint32Array {
  const count = Math.min(Math.floor(Math.max(0, msf.size(stream)) / pairBytes), pairsMax);
  const pairs = new Uint32Array(count * 2);
  return msf.readInto(stream, 0, new Uint8Array(pairs.buffer)) ? pairs : new Uint32Array(0);
}

/** The segments of the image that have an origin. */
class MovedSegments {
  /** By segment, in order of the linker's addresses: that address, the image's, bytes, and its place among all in order of the image's addresses. */
  private readonly rows: Uint32Array;
  /** By segment: the highest end of it and those before, in the linker's space. */
  private readonly highest: Uint32Array;
  private steps = stepsMax;

  /** `imageWord` is the word of a pair that has the image's address. */
  constructor(pairs: Uint32Array, imageWord: 0 | 1) {
    const rows = new Uint32List(pairs.length);
    // The last pair only ends the one before it.
    for (let i = 0; i + 2 < pairs.length; i += 2) {
      const image = pairs[i + imageWord]!;
      const linked = pairs[i + 1 - imageWord]!;
      const size = pairs[i + 2]! - pairs[i]!;
      if (size <= 0 || size >= addressEnd || !isReal(linked) || !isReal(image)) continue;
      rows.push(image);
      rows.push(linked);
      rows.push(size);
      rows.push(0);
    }
    this.rows = rows.view();
    const { length } = this.rows;
    sortRows(this.rows, ROW_WORDS);
    for (let row = 0; row < length; row += ROW_WORDS) {
      const image = this.rows[row]!;
      this.rows[row] = this.rows[row + 1]!;
      this.rows[row + 1] = image;
      this.rows[row + 3] = row / ROW_WORDS;
    }
    sortRows(this.rows, ROW_WORDS);
    this.highest = new Uint32Array(length / ROW_WORDS);
    let highest = 0;
    for (let row = 0; row < length; row += ROW_WORDS) {
      highest = Math.max(highest, this.rows[row]! + this.rows[row + 2]!);
      this.highest[row / ROW_WORDS] = highest;
    }
  }

  /** See `AddressMap`. */
  mapRange(rva: number, size: number, into: Uint32List): void {
    const end = rva + size;
    const pieces: { start: number; end: number; rank: number; isFirst: boolean; isLast: boolean }[] = [];
    const { rows } = this;
    for (let row = this.firstBeyond(rva) * ROW_WORDS; row < rows.length && rows[row]! < end && this.steps > 0; row += ROW_WORDS) {
      this.steps--;
      const from = rows[row]!;
      const to = from + rows[row + 2]!;
      if (to <= rva) continue;
      const clippedFrom = Math.max(from, rva);
      const clippedTo = Math.min(to, end);
      const start = rows[row + 1]! + clippedFrom - from;
      pieces.push({ start, end: start + clippedTo - clippedFrom, rank: rows[row + 3]!, isFirst: clippedFrom === from, isLast: clippedTo === to });
    }
    pieces.sort((a, b) => a.start - b.start || a.end - b.end);
    for (let i = 0; i < pieces.length; ) {
      const { start } = pieces[i]!;
      let last = pieces[i]!;
      for (i++; i < pieces.length; i++) {
        const next = pieces[i]!;
        const isAround = last.isLast && next.isFirst && next.rank === last.rank + 1;
        if (next.start > last.end && !isAround) break;
        if (next.end > last.end) last = next;
      }
      into.push(start);
      into.push(last.end - start);
    }
  }

  /** The first segment that a range from an address on can meet. */
  private firstBeyond(rva: number): number {
    let low = 0;
    let high = this.highest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.highest[middle]! <= rva) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
