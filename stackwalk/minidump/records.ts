// Fixed-size records and strings of a minidump, read with every offset
// checked: a record is either wholly there or null. After that check a
// DataView's getters cannot leave it, so that the readers above stay plain.
import type { ByteSource } from "./byte-source.ts";

/** UTF-16 units, or bytes of UTF-8, kept of one text. Breakpad takes 1024 units; paths on Linux may have 4096. */
const TEXT_MAX = 4096;

/** Bytes of a dump with its byte order. */
export type Dump = {
  readonly source: ByteSource;
  /** False for a `PMDM` dump, which a big-endian machine wrote. */
  readonly little: boolean;
};

/** Where something lies in the file: MINIDUMP_LOCATION_DESCRIPTOR. */
export type Location = {
  /** Bytes it takes. */
  readonly size: number;
  /** Offset from the start of the file. */
  readonly rva: number;
};

/** The `length` bytes at `offset`, or null when the file does not hold all of them. */
export function record(dump: Dump, offset: number, length: number): DataView | null {
  if (offset < 0 || offset + length > dump.source.size) return null;
  const bytes = dump.source.read(offset, length);
  if (bytes.length < length) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads the (size, rva) pair at `at`. */
export function locationAt(view: DataView, at: number, little: boolean): Location {
  return { size: view.getUint32(at, little), rva: view.getUint32(at + 4, little) };
}

/** The MINIDUMP_STRING at `rva`: a byte count, then UTF-16. Null when what is kept of it is not in the file; ends at a NUL, as every C reader's would. */
export function stringAt(dump: Dump, rva: number, unitsMax = TEXT_MAX): string | null {
  const head = record(dump, rva, 4);
  if (!head) return null;
  const units = Math.min(head.getUint32(0, dump.little) >>> 1, unitsMax);
  const body = record(dump, rva + 4, units * 2);
  if (!body) return null;
  return utf16(body, 0, units, dump.little);
}

/** `units` UTF-16 units from `at`, up to the first NUL; lone surrogates become U+FFFD. */
export function utf16(view: DataView, at: number, units: number, little: boolean): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, Math.min(units, TEXT_MAX) * 2);
  // swap16 works in place, so a big-endian text is copied first.
  const text = (little ? bytes : Buffer.from(bytes).swap16()).toString("utf16le").toWellFormed();
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The bytes from `at` to the first NUL or the end, as UTF-8; invalid bytes become U+FFFD. */
export function utf8(view: DataView, at: number, bytesMax = TEXT_MAX): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(Math.max(view.byteLength - at, 0), bytesMax));
  const end = bytes.indexOf(0);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(end < 0 ? bytes : bytes.subarray(0, end));
}
