// Whole sections as files store them, for all formats that have DWARF: read,
// and inflated where they are compressed, within limits that are the same
// everywhere.
//
// Three ways of compressing are in use. The old one of GNU tools renames a
// section to `.zdebug_…` and puts `ZLIB` and the inflated size before the
// stream. ELF has a header of its own since (`SHF_COMPRESSED`), for zlib and
// for zstd, whose fields the reader of ELF hands over.
//
// DWARF is the bulk of what a compile holds in memory, so a section is inflated
// in one go into bytes of its own size: that, and what the file has of it, is
// all that is held at a time.
//
// Two budgets bound what a made-up file can cost. Sections do not overlap but in
// such a file, so that all together have no more bytes than the file; and a few
// megabytes can claim to be thousands, so that what is inflated is counted.
import { inflateSync, zstdDecompressSync } from "node:zlib";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";

/** How a section is compressed: not; with `ZLIB` and its size before the stream; or by a stream of a kind behind `headBytes` bytes, which inflates to `inflated`. */
export type SectionCompression = null | "gnu" | { readonly kind: "zlib" | "zstd"; readonly headBytes: number; readonly inflated: number };

/** Where a section lies in its file. */
export type StoredSection = {
  readonly name: string;
  readonly offset: number;
  /** Bytes in the file. */
  readonly size: number;
  readonly compression: SectionCompression;
};

/** Bytes of one section, at most, as it is in the file and inflated: its reader holds it as a whole. */
const sectionBytesMax = 2 ** 30;
/** Bytes that all compressed sections may have together once they are not. */
const inflatedBytesMax = 2 ** 30;
/** `ZLIB` and the inflated size, big-endian. */
const gnuHeadBytes = 12;
/** What inflates to more than this many times its size is no DWARF, unless it is small: real sections come to less than 20. */
const ratioMax = 64;
const smallBytes = 16 * 1024 * 1024;

/** The name that a section has when it is compressed in the old way of GNU tools. */
export function gnuCompressedName(name: string): string {
  return `.z${name.slice(1)}`;
}

/** Reads the sections of one file for one pass over them. */
export class StoredSections {
  private readonly bytes: FileBytes;
  private readonly builder: ModuleBuilder;
  /** Bytes that sections may still take, as they are in the file and inflated. */
  private stored: number;
  private inflated = inflatedBytesMax;

  constructor(bytes: FileBytes, builder: ModuleBuilder) {
    this.bytes = bytes;
    this.builder = builder;
    this.stored = bytes.size;
  }

  /** All bytes of a section, inflated; null, and counted as `unreadableSection`, when it is cut, broken or beyond the limits. Throws what `fs` throws. */
  read(section: StoredSection): Uint8Array | null {
    const whole = this.wholeOf(section);
    if (whole === null) this.builder.warn("unreadableSection");
    return whole;
  }

  private wholeOf({ offset, size, compression }: StoredSection): Uint8Array | null {
    if (size > sectionBytesMax || size > this.stored) return null;
    this.stored -= size;
    const bytes = readBytes(this.bytes, offset, size);
    if (bytes === null || compression === null) return bytes;
    if (compression !== "gnu") return this.inflate(bytes.subarray(compression.headBytes), compression.kind, compression.inflated);
    if (size < gnuHeadBytes || bytes.toString("latin1", 0, 4) !== "ZLIB") return null;
    return this.inflate(bytes.subarray(gnuHeadBytes), "zlib", bytes.readUInt32BE(4) * 2 ** 32 + bytes.readUInt32BE(8));
  }

  private inflate(stream: Buffer, kind: "zlib" | "zstd", size: number): Uint8Array | null {
    if (!(size > 0 && size <= Math.min(sectionBytesMax, this.inflated))) return null;
    if (size > smallBytes && size > stream.length * ratioMax) return null;
    this.inflated -= size;
    try {
      // With room for one byte more all goes into one buffer, which is the result: no pieces are put together.
      return (kind === "zlib" ? inflateSync : zstdDecompressSync)(stream, { maxOutputLength: size, chunkSize: Math.max(size + 1, 64) });
    } catch {
      return null;
    }
  }
}
