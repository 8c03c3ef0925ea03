// The stream `/names`: texts that many modules share, above all paths of
// source files and frame programs, each named by its offset
// (LLVM's PDBStringTable, microsoft-pdb's nmt.h).
//
//     u32 0xeffeeffe, u32 version, u32 bytes, texts, each ended by a NUL
//
// The hash table that follows serves those who look for a text, and is not read.
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
/** A text is at most this long. */
const textBytesMax = 64 * 1024;

/** Reads a `/names` stream; one that is damaged or absent (-1) has no texts. */
export function readSourceNames(msf: Msf, stream: number): SourceNames {
  const header = msf.read(stream, 0, headerBytes);
  const length = header !== null && header.readUInt32LE(0) === signature ? header.readUInt32LE(8) : 0;
  const bytes = msf.read(stream, headerBytes, Math.min(length, namesBytesMax, Math.max(0, msf.size(stream) - headerBytes))) ?? Buffer.alloc(0);
  const endOf = (offset: number): number => {
    if (offset < 0 || offset >= bytes.length) return -1;
    const end = bytes.indexOf(0, offset);
    return end - offset > textBytesMax ? -1 : end;
  };
  const text = (offset: number): string | null => {
    const end = endOf(offset);
    return end < 0 ? null : bytes.toString("utf8", offset, end);
  };
  return {
    text,
    take: (offset, strings) => strings.takeText(text(offset) ?? ""),
  };
}
