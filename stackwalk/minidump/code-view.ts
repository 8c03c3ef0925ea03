// The CodeView record of a module: which debug file belongs to it.
//
// Four shapes occur. RSDS (PDB 7.0, also what Breakpad's and Crashpad's Mac
// and older Linux writers make up), NB10 (PDB 2.0), BpEL (Breakpad's record of
// an ELF build id), and embedded debug data, which names no file. The rules
// are Breakpad's (minidump.cc, MinidumpModule), because its symbol files are
// filed under the ids that it makes.
import type { ByteSource } from "./byte-source.ts";
import type { TextPool, Ticket } from "./text-pool.ts";

/** What a CodeView record says; its texts are of the pool that it was read with. */
export type CodeView = {
  /** Path of the debug file; null for BpEL, where it is the code file. */
  readonly debugFile: Ticket | null;
  /** Breakpad's debug id in upper case. */
  readonly debugId: Ticket;
  /** The whole ELF build id in lower-case hex; null for other records. */
  readonly buildId: Ticket | null;
};

const RSDS = 0x53445352;
const NB10 = 0x3031424e;
const BPEL = 0x4270454c;
/** Bytes kept of a build id: linkers make 8 to 32. */
const BUILD_ID_BYTES_MAX = 128;
/** Which byte comes where when three little-endian numbers and eight bytes are printed. */
const mixedOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** Reads the record of `size` bytes at `at`, which the file holds; null when its kind names no debug file, or it is too short, or its name has no end. */
export function readCodeView(source: ByteSource, pool: TextPool, at: number, size: number): CodeView | null {
  if (size <= 4) return null;
  const signature = source.u32(at);
  if (signature === RSDS) {
    if (size < 25 || source.u8(at + size - 1) !== 0) return null;
    const start = pool.begin();
    putGuid(source, pool, at + 4);
    putAge(pool, source.u32(at + 20));
    return { debugId: pool.end(start), debugFile: pool.utf8(source, at + 24, size - 24), buildId: null };
  }
  if (signature === NB10) {
    if (size < 17 || source.u8(at + size - 1) !== 0) return null;
    const start = pool.begin();
    pool.hex(source.u32(at + 8), 8, true);
    putAge(pool, source.u32(at + 12));
    return { debugId: pool.end(start), debugFile: pool.utf8(source, at + 16, size - 16), buildId: null };
  }
  if (signature === BPEL) {
    // A build id shorter than a GUID is filled with zeros, a longer one is cut:
    // what Breakpad's writers did before they had a record for it. Breakpad
    // copies the bytes into a GUID of the machine that reads, so the id is
    // mixed-endian whatever the order of the dump.
    const bytes = size - 4;
    const start = pool.begin();
    for (const from of mixedOrder) pool.hex(from < bytes ? source.u8(at + 4 + from) : 0, 2, true);
    pool.hex(0, 1, true);
    const debugId = pool.end(start);
    const buildStart = pool.begin();
    for (let i = 0; i < Math.min(bytes, BUILD_ID_BYTES_MAX); i++) pool.hex(source.u8(at + 4 + i), 2, false);
    return { debugFile: null, debugId, buildId: pool.end(buildStart) };
  }
  return null;
}

/** 32 digits of the GUID at `at`: a number of four bytes, two of two, then eight bytes as they come. */
function putGuid(source: ByteSource, pool: TextPool, at: number): void {
  pool.hex(source.u32(at), 8, true);
  pool.hex(source.u16(at + 4), 4, true);
  pool.hex(source.u16(at + 6), 4, true);
  for (let i = 8; i < 16; i++) pool.hex(source.u8(at + i), 2, true);
}

/** An age has as many digits as it needs. */
function putAge(pool: TextPool, age: number): void {
  let count = 1;
  while (count < 8 && age >>> (4 * count) !== 0) count++;
  pool.hex(age, count, true);
}

/** The UUID at `at` as text with dashes, in lower case; null when it is all zeros. Crashpad writes its report and client ids so. */
export function uuid(source: ByteSource, at: number): string | null {
  const part = (value: number, count: number): string => value.toString(16).padStart(count, "0");
  const tail = Array.from({ length: 8 }, (_, i) => part(source.u8(at + 8 + i), 2)).join("");
  const text = `${part(source.u32(at), 8)}-${part(source.u16(at + 4), 4)}-${part(source.u16(at + 6), 4)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  return /^[0-]*$/.test(text) ? null : text;
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
