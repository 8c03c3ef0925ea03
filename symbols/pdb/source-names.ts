// The stream `/names`: texts that many modules share, above all paths of
// source files and frame programs, each named by its offset
// (LLVM's PDBStringTable, microsoft-pdb's nmt.h).
//
//     u32 0xeffeeffe, u32 version, u32 bytes, texts, each ended by a NUL
//
// The hash table that follows serves those who look for a text, and is not read.
//
// Texts that were asked for are kept. A damaged PDB may name every byte as the
// start of one; then the bytes of all texts would grow with the square of the
// stream's, so there is an end to them.
import type { StringTable } from "../cache/string-table.ts";
import type { Msf } from "./msf.ts";

/** The texts of `/names`. */
export type SourceNames = {
  /** The text at an offset as a JavaScript string; null when none begins there. */
  text(offset: number): string | null;
  /** Gives the text at an offset to a builder's strings; 0 when none begins there. */
  take(offset: number, strings: StringTable): number;
};

const signature = 0xeffeeffe;
const headerBytes = 12;
/** Bytes of all texts that are read. */
const namesBytesMax = 512 * 1024 * 1024;
/** Bytes of texts that are kept for each byte of the stream; when they do not overlap there are as many. */
const keptPerByte = 4;
/** A text is at most this long. */
const textBytesMax = 64 * 1024;
/** Texts that are kept at most, also those that are not there. */
const keptMax = 4_000_000;

/** Reads a `/names` stream; one that is damaged or absent (-1) has no texts. */
export function readSourceNames(msf: Msf, stream: number): SourceNames {
  const header = msf.read(stream, 0, headerBytes);
  const length = header !== null && header.readUInt32LE(0) === signature ? header.readUInt32LE(8) : 0;
  const bytes = msf.read(stream, headerBytes, Math.min(length, namesBytesMax, Math.max(0, msf.size(stream) - headerBytes))) ?? Buffer.alloc(0);
  let rest = bytes.length * keptPerByte;
  const kept = new Map<number, string | null>();
  const read = (offset: number): string | null => {
    if (offset < 0 || offset >= bytes.length || rest <= 0) return null;
    const end = bytes.indexOf(0, offset);
    rest -= (end < 0 ? bytes.length : end) - offset;
    return end < 0 || end - offset > textBytesMax ? null : bytes.toString("utf8", offset, end);
  };
  const text = (offset: number): string | null => {
    let known = kept.get(offset);
    if (known === undefined) {
      known = read(offset);
      if (kept.size >= keptMax) kept.clear();
      kept.set(offset, known);
    }
    return known;
  };
  return {
    text,
    take: (offset, strings) => strings.takeText(text(offset) ?? ""),
  };
}
