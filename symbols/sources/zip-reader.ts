// Reads zip archives where they lie: the directory at the end, then single
// entries. Facts are from PKWARE's APPNOTE.TXT 6.3.10, chapters 4.3 to 4.5.
//
// Why not a library: debug files are read synchronously, at any place, by
// threads that have little memory. yauzl reads at any place, but only by
// promises; fflate and adm-zip want the whole archive in memory.
//
// What an archive says of sizes is believed as far as it bounds the work: an
// entry is inflated up to what its reader allows, and is no good when its size
// or its checksum is another than promised. Names are keys and nothing else.
// Of an archive in which two entries share a name it depends on the reader
// what is in it, so those are refused.
import { crc32, inflateRawSync } from "node:zlib";
import { ok, type Result } from "../../config/problem.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";

/** One file of an archive, as its directory tells of it. */
export type ZipEntry = {
  readonly name: string;
  readonly flags: number;
  /** 0 is stored, 8 deflated. */
  readonly method: number;
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packed: number;
  /** Bytes when inflated. */
  readonly size: number;
  /** Where its own header begins. */
  readonly offset: number;
};

/** What keeps an archive or an entry from being read: `malformed`, or `unsupported` where it may be right and is not read here. */
export type ZipRefusal = (kind: "malformed" | "unsupported", what: string) => Result<never>;

/** Entries of one archive; a source bundle has one for each source file. */
const entriesMax = 100_000;
/** Bytes of a directory, which is held in memory: some hundred for each entry. */
const directoryBytesMax = 64 * 1024 * 1024;

const endSignature = 0x0605_4b50;
const end64Signature = 0x0606_4b50;
const locatorSignature = 0x0706_4b50;
const entrySignature = 0x0201_4b50;
const localSignature = 0x0403_4b50;

const endBytes = 22;
const end64Bytes = 56;
const locatorBytes = 20;
const entryBytes = 46;
const localBytes = 30;
const commentBytesMax = 0xffff;

/** The extra field with sizes of 64 bits. */
const zip64Extra = 1;
/** Encrypted, in the old way or in the strong one. */
const encryptedFlags = 0x0041;

/** Where the directory lies, and how many entries it has. */
type Directory = { readonly start: number; readonly size: number; readonly count: number; /** Bytes before the archive that its offsets do not count. */ readonly shift: number };

/** Reads the directory of an archive that ends where `bytes` end; offsets may count from the beginning of `bytes` or of the archive. */
export function readZip(bytes: FileBytes, refusal: ZipRefusal): Result<ReadonlyMap<string, ZipEntry>> {
  const found = findDirectory(bytes, refusal);
  if (!found.ok) return found;
  const { start, size, count, shift } = found.value;
  if (count > entriesMax || size > directoryBytesMax) return refusal("unsupported", `it has more than ${entriesMax} files, or a directory of more than ${directoryBytesMax} bytes`);
  const directory = readBytes(bytes, start, size);
  if (directory === null) return refusal("malformed", "its directory lies beyond its end");
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + entryBytes > size || directory.readUInt32LE(at) !== entrySignature) return refusal("malformed", `its directory ends after ${index} of ${count} files`);
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const next = at + entryBytes + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
    if (next > size) return refusal("malformed", `its directory ends after ${index} of ${count} files`);
    const nameEnd = at + entryBytes + nameBytes;
    const entry = entryOf(directory, at, directory.toString("utf8", at + entryBytes, nameEnd), directory.subarray(nameEnd, nameEnd + extraBytes), shift);
    if (entries.has(entry.name)) return refusal("malformed", `it has two files of the name ${entry.name.slice(0, 200)}`);
    entries.set(entry.name, entry);
    at = next;
  }
  return ok(entries);
}

/** The content of an entry, which may have `sizeMax` bytes. */
export function readZipEntry(bytes: FileBytes, entry: ZipEntry, sizeMax: number, refusal: ZipRefusal): Result<Buffer> {
  const name = entry.name.slice(0, 200);
  if ((entry.flags & encryptedFlags) !== 0) return refusal("unsupported", `${name} is encrypted`);
  if (entry.method !== 0 && entry.method !== 8) return refusal("unsupported", `${name} is compressed by method ${entry.method}; only deflate is read`);
  // Deflate can make bytes that it cannot compress a little longer.
  if (entry.size > sizeMax || entry.packed > sizeMax + (sizeMax >>> 8) + 1024) return refusal("unsupported", `${name} has more than ${sizeMax} bytes`);
  const head = readBytes(bytes, entry.offset, localBytes);
  if (head === null || head.readUInt32LE(0) !== localSignature) return refusal("malformed", `${name} is not where its directory says`);
  // Its own header may have other sizes, or none that count (a data descriptor follows then); the directory has them all.
  const packed = readBytes(bytes, entry.offset + localBytes + head.readUInt16LE(26) + head.readUInt16LE(28), entry.packed);
  if (packed === null) return refusal("malformed", `${name} goes beyond its end`);
  const content = entry.method === 0 ? packed : inflated(packed, entry.size);
  if (content === null || content.length !== entry.size || crc32(content) !== entry.crc) return refusal("malformed", `the content of ${name} is damaged`);
  return ok(content);
}

/** Null when it is damaged or longer than promised. */
function inflated(packed: Buffer, size: number): Buffer | null {
  try {
    // A limit of nothing is none.
    return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch {
    return null;
  }
}

function entryOf(directory: Buffer, at: number, name: string, extra: Buffer, shift: number): ZipEntry {
  const wide = wideNumbers(extra);
  // Numbers of 64 bits stand in this order, and only those that do not fit.
  const number = (offset: number): number => {
    const value = directory.readUInt32LE(at + offset);
    return value === 0xffff_ffff ? (wide.shift() ?? value) : value;
  };
  const size = number(24);
  const packed = number(20);
  const offset = number(42) + shift;
  return { name, flags: directory.readUInt16LE(at + 8), method: directory.readUInt16LE(at + 10), crc: directory.readUInt32LE(at + 16), packed, size, offset };
}

/** The numbers of the zip64 extra field; none when there is no such field. */
function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) return [];
    if (extra.readUInt16LE(at) === zip64Extra) {
      const numbers: number[] = [];
      for (let place = at + 4; place + 8 <= end; place += 8) numbers.push(readNumber(extra, place));
      return numbers;
    }
    at = end;
  }
  return [];
}

function findDirectory(bytes: FileBytes, refusal: ZipRefusal): Result<Directory> {
  const tailBytes = Math.min(bytes.size, endBytes + commentBytesMax);
  const tailStart = bytes.size - tailBytes;
  const tail = readBytes(bytes, tailStart, tailBytes);
  const at = tail === null ? -1 : endRecord(tail);
  if (tail === null || at < 0) return refusal("malformed", "it has no directory at its end; it may be cut");
  const locator = at >= locatorBytes && tail.readUInt32LE(at - locatorBytes) === locatorSignature ? at - locatorBytes : -1;
  if (locator >= 0) return findDirectory64(bytes, tailStart + locator, readNumber(tail, locator + 8), refusal);
  if (tail.readUInt16LE(at + 4) !== 0 || tail.readUInt16LE(at + 6) !== 0) return refusal("unsupported", "it is a part of an archive in several files");
  return directoryBefore(tailStart + at, tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16), tail.readUInt16LE(at + 10), refusal);
}

function findDirectory64(bytes: FileBytes, locator: number, claimed: number, refusal: ZipRefusal): Result<Directory> {
  // Where it says, or, when its offsets do not count what is before the archive, right before the locator.
  for (const at of [claimed, locator - end64Bytes]) {
    const end = readBytes(bytes, at, end64Bytes);
    if (end !== null && end.readUInt32LE(0) === end64Signature) return directoryBefore(at, readNumber(end, 40), readNumber(end, 48), readNumber(end, 32), refusal);
  }
  return refusal("malformed", "its end has no record of 64 bits, which it names");
}

/** The directory ends where the record of it begins, which tells what its offsets do not count. */
function directoryBefore(end: number, size: number, offset: number, count: number, refusal: ZipRefusal): Result<Directory> {
  const start = end - size;
  const shift = start - offset;
  return start >= 0 && shift >= 0 ? ok({ start, size, count, shift }) : refusal("malformed", "its directory is not where its end says");
}

/** Where the last record is that ends, with its comment, where the archive ends; -1 when there is none. */
function endRecord(tail: Buffer): number {
  for (let at = tail.length - endBytes; at >= 0; at--) {
    if (tail[at] === 0x50 && tail.readUInt32LE(at) === endSignature && at + endBytes + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  return -1;
}

/** A number of 64 bits; above 2^53 inexact, and then beyond every file. */
function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
