// The CodeView record of a module: which debug file belongs to it.
//
// Four shapes occur. RSDS (PDB 7.0, also what Breakpad's and Crashpad's Mac
// and older Linux writers make up), NB10 (PDB 2.0), BpEL (Breakpad's record of
// an ELF build id), and embedded debug data, which names no file. The rules
// are Breakpad's (minidump.cc, MinidumpModule), because its symbol files are
// filed under the ids that it makes.
import type { ByteSource } from "./byte-source.ts";

/** What a CodeView record says. */
export type CodeView = {
  /** Path of the debug file; null for BpEL, where it is the code file. */
  readonly debugFile: string | null;
  /** Breakpad's debug id in upper case. */
  readonly debugId: string;
  /** The whole ELF build id in lower-case hex; null for other records. */
  readonly buildId: string | null;
};

const RSDS = 0x53445352;
const NB10 = 0x3031424e;
const BPEL = 0x4270454c;
/** Bytes kept of a build id: linkers make 8 to 32. */
const BUILD_ID_BYTES_MAX = 128;

const digits = Buffer.from("0123456789ABCDEF");
const guidText = Buffer.alloc(32);
/** Which byte comes where when three little-endian numbers and eight bytes are printed. */
const mixedOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** Reads the record of `size` bytes at `at`, which the file holds; null when its kind names no debug file, or it is too short, or its name has no end. */
export function readCodeView(source: ByteSource, at: number, size: number): CodeView | null {
  if (size <= 4) return null;
  const signature = source.u32(at);
  if (signature === RSDS) {
    if (size < 25 || source.u8(at + size - 1) !== 0) return null;
    return { debugFile: source.utf8(at + 24, size - 24), debugId: guid(source, at + 4) + hex(source.u32(at + 20)), buildId: null };
  }
  if (signature === NB10) {
    if (size < 17 || source.u8(at + size - 1) !== 0) return null;
    return { debugFile: source.utf8(at + 16, size - 16), debugId: hex(source.u32(at + 8), 8) + hex(source.u32(at + 12)), buildId: null };
  }
  if (signature === BPEL) {
    // A build id shorter than a GUID is filled with zeros, a longer one is cut:
    // what Breakpad's writers did before they had a record for it. Breakpad
    // copies the bytes into a GUID of the machine that reads, so the id is
    // mixed-endian whatever the order of the dump.
    const buildId = source.read(at + 4, Math.min(size - 4, BUILD_ID_BYTES_MAX));
    return { debugFile: null, debugId: `${mixedEndian(buildId)}0`, buildId: buildId.toString("hex") };
  }
  return null;
}

/** 32 upper-case digits of the GUID at `at`: a number of four bytes, two of two, then eight bytes as they come. */
function guid(source: ByteSource, at: number): string {
  putHex(source.u32(at), 0, 8);
  putHex(source.u16(at + 4), 8, 4);
  putHex(source.u16(at + 6), 12, 4);
  for (let i = 8; i < 16; i++) putHex(source.u8(at + i), 2 * i, 2);
  return guidText.toString("latin1");
}

/** The first sixteen bytes of a build id as a GUID whose numbers were written little-endian. */
function mixedEndian(buildId: Uint8Array): string {
  for (let i = 0; i < 16; i++) putHex(buildId[mixedOrder[i]!] ?? 0, 2 * i, 2);
  return guidText.toString("latin1");
}

function putHex(value: number, at: number, count: number): void {
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    guidText[i] = digits[rest & 15]!;
    rest >>>= 4;
  }
}

/** The UUID at `at` as text with dashes, in lower case; null when it is all zeros. Crashpad writes its report and client ids so. */
export function uuid(source: ByteSource, at: number): string | null {
  const text = guid(source, at).toLowerCase();
  if (/^0*$/.test(text)) return null;
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

/** True when a debug id can find symbols: it is there and not all zeros, which Breakpad's Linux writer puts for a mapped file that is no ELF file. */
export function identifies(debugId: string | null): debugId is string {
  return debugId !== null && !/^0*$/.test(debugId);
}

/** The spelling of a debug id that Breakpad uses in paths and prints: as ours, but the age in lower case. */
export function breakpadSpelling(debugId: string): string {
  // 32 digits of a GUID, or the 8 of an NB10 timestamp, come before the age.
  const age = debugId.length > 32 ? 32 : 8;
  return debugId.slice(0, age).toUpperCase() + debugId.slice(age).toLowerCase();
}

function hex(value: number, least = 1): string {
  return value.toString(16).toUpperCase().padStart(least, "0");
}
