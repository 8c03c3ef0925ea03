// Unpacks .xz files in memory. Some distributions leave a small symbol table in
// stripped programs, packed with xz (`.gnu_debugdata`), and Node has no reader
// of it.
//
// What: streams of blocks (The .xz file format 1.2.1), each of them LZMA2
// (lzma2.ts) with a checksum. Why our own: the libraries there are wrap C or
// WebAssembly, read streams only, or do not bound what they unpack.
//
//     stream   "\xfd7zXZ\0", flags with the kind of checksum, CRC-32;
//              blocks; index; CRC-32, size of the index, flags, "YZ"
//     block    bytes of its header / 4 - 1, flags, sizes where known, filters,
//              zeros, CRC-32; packed bytes; zeros up to a multiple of 4; checksum
//     index    0, blocks, of each its bytes and unpacked bytes, zeros, CRC-32
//
// Checksums of headers and of what was unpacked are verified. The index says what
// is known by then and is passed over. Several streams may follow each other.
//
// Limits: what is unpacked is bounded by the caller, and all of it is in memory.
// Filters that prepare machine code for packing (BCJ, delta) are refused: nobody
// packs symbol tables with them.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ok, refuse, type Result } from "../../config/problem.ts";
import { crc64 } from "./checksums.ts";
import { LzmaState } from "./lzma.ts";
import { UnpackedBytes, unpackLzma2 } from "./lzma2.ts";

const magic = Buffer.from("\xfd7zXZ\0", "latin1");
const headerBytes = 12;
const footerMagic = 0x5a59;
const filterLzma2 = 0x21;
const dictionaryMax = 40;
/** By kind of checksum: its bytes (2.1.1.2 of the format). */
const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

const broken = (what: string): Result<never> => refuse(400, "broken_xz", `The xz data cannot be unpacked: ${what}.`, "Make the file again; data that was cut or changed cannot be mended.");

/** Unpacks all streams. Refuses with `broken_xz`, `unknown_xz_filter`, or `xz_too_large` when there would be more than `limit` bytes. */
export function unpackXz(packed: Uint8Array, limit: number): Result<Uint8Array> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const output = new UnpackedBytes(limit);
  // One for all blocks: it is large, and blocks can be small.
  const state = new LzmaState(output);
  let at = 0;
  do {
    const end = unpackStream(bytes, at, output, state);
    if (!end.ok) return end;
    at = end.value;
    // Between streams zeros may stand, four at a time.
    while (at + 4 <= bytes.length && bytes.readUInt32LE(at) === 0) at += 4;
  } while (at < bytes.length);
  return ok(output.data.subarray(0, output.length));
}

function unpackStream(bytes: Buffer, start: number, output: UnpackedBytes, state: LzmaState): Result<number> {
  if (start + headerBytes > bytes.length || !bytes.subarray(start, start + magic.length).equals(magic)) return broken("it does not begin as xz");
  const check = bytes[start + 7]!;
  if (bytes[start + 6] !== 0 || check > 15 || bytes.readUInt32LE(start + 8) !== crc32(bytes.subarray(start + 6, start + 8))) return broken("its header is damaged");
  let at = start + headerBytes;
  while (at < bytes.length && bytes[at] !== 0) {
    const end = unpackBlock(bytes, at, check, output, state);
    if (!end.ok) return end;
    at = end.value;
  }
  return passIndex(bytes, at, check);
}

function unpackBlock(bytes: Buffer, start: number, check: number, output: UnpackedBytes, state: LzmaState): Result<number> {
  const header = start + (bytes[start]! + 1) * 4;
  if (header > bytes.length || bytes.readUInt32LE(header - 4) !== crc32(bytes.subarray(start, header - 4))) return broken("a block's header is damaged");
  const cursor = { at: start + 2, end: header - 4 };
  const flags = bytes[start + 1]!;
  const packedSize = (flags & 0x40) === 0 ? -1 : multibyte(bytes, cursor);
  const size = (flags & 0x80) === 0 ? -1 : multibyte(bytes, cursor);
  const filter = multibyte(bytes, cursor);
  const properties = multibyte(bytes, cursor);
  if ((flags & 3) !== 0 || (flags & 0x3c) !== 0 || filter !== filterLzma2) return refuse(400, "unknown_xz_filter", "The xz data is packed with a filter that is not read.", "Pack it with LZMA2 alone, as xz does unless it is told otherwise.");
  if (properties !== 1 || cursor.at >= cursor.end || bytes[cursor.at]! > dictionaryMax) return broken("a block's header makes no sense");

  const before = output.length;
  const end = unpackLzma2(bytes, header, output, state);
  if (end === "too_large") return refuse(413, "xz_too_large", "The xz data unpacks to more than is taken.", "Symbol tables are smaller; nothing is missing but their names.");
  if (end === "broken" || (packedSize >= 0 && end - header !== packedSize) || (size >= 0 && output.length - before !== size)) return broken("its packed bytes make no sense");
  const sumAt = start + Math.ceil((end - start) / 4) * 4;
  const sumBytes = checkBytes[check]!;
  if (sumAt + sumBytes > bytes.length) return broken("it is cut off");
  const sum = checksum(check, output.data.subarray(before, output.length));
  if (sum !== null && !sum.equals(bytes.subarray(sumAt, sumAt + sumBytes))) return broken("its checksum is of other bytes");
  return ok(sumAt + sumBytes);
}

/** The checksum of a kind; null for kinds that do not exist yet, and for none. */
function checksum(kind: number, bytes: Uint8Array): Buffer | null {
  if (kind === 4) return crc64(bytes);
  if (kind === 10) return createHash("sha256").update(bytes).digest();
  if (kind !== 1) return null;
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum;
}

/** Passes over the index and the stream's end. */
function passIndex(bytes: Buffer, start: number, check: number): Result<number> {
  const cursor = { at: start + 1, end: bytes.length };
  const blocks = multibyte(bytes, cursor);
  // Each takes two bytes at least, so that the end comes soon enough.
  for (let i = 0; i < blocks * 2 && cursor.at < cursor.end; i++) multibyte(bytes, cursor);
  const sumAt = start + Math.ceil((cursor.at - start) / 4) * 4;
  const footer = sumAt + 4;
  if (footer + headerBytes > bytes.length) return broken("it is cut off");
  if (bytes.readUInt32LE(sumAt) !== crc32(bytes.subarray(start, sumAt))) return broken("its index is damaged");
  const isFooter = bytes.readUInt16LE(footer + 10) === footerMagic && bytes[footer + 9] === check && bytes.readUInt32LE(footer) === crc32(bytes.subarray(footer + 4, footer + 10));
  return isFooter ? ok(footer + headerBytes) : broken("its end is damaged");
}

/** A number of up to nine bytes, seven bits each, the lowest first; -1 when it does not end. */
function multibyte(bytes: Buffer, cursor: { at: number; readonly end: number }): number {
  let value = 0;
  for (let i = 0; i < 9 && cursor.at < cursor.end; i++) {
    const byte = bytes[cursor.at++]!;
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return value;
  }
  return -1;
}
