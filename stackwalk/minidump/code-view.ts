// The CodeView record of a module: which debug file belongs to it.
//
// Four shapes occur. RSDS (PDB 7.0, also what Breakpad's and Crashpad's Mac
// and older Linux writers make up), NB10 (PDB 2.0), BpEL (Breakpad's record of
// an ELF build id), and embedded debug data, which names no file. The rules
// are Breakpad's (minidump.cc, MinidumpModule), because its symbol files are
// filed under the ids that it makes.
import { utf8 } from "./records.ts";

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

/** Reads a record; null when its kind names no debug file, or it is too short, or its name has no end. */
export function readCodeView(view: DataView, little: boolean): CodeView | null {
  if (view.byteLength <= 4) return null;
  const signature = view.getUint32(0, little);
  if (signature === RSDS) {
    if (view.byteLength < 25 || view.getUint8(view.byteLength - 1) !== 0) return null;
    return { debugFile: utf8(view, 24), debugId: guidId(view, 4, little) + hex(view.getUint32(20, little)), buildId: null };
  }
  if (signature === NB10) {
    if (view.byteLength < 17 || view.getUint8(view.byteLength - 1) !== 0) return null;
    return { debugFile: utf8(view, 16), debugId: hex(view.getUint32(8, little), 8) + hex(view.getUint32(12, little)), buildId: null };
  }
  if (signature === BPEL) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + 4, view.byteLength - 4);
    // A build id shorter than a GUID is filled with zeros, a longer one is cut:
    // what Breakpad's writers did before they had a record for it.
    const guid = new Uint8Array(16);
    guid.set(bytes.subarray(0, 16));
    // Breakpad copies the bytes into a GUID of the machine that reads, so the
    // id is mixed-endian whatever the order of the dump.
    return { debugFile: null, debugId: `${guidId(new DataView(guid.buffer), 0, true)}0`, buildId: Buffer.from(bytes.subarray(0, BUILD_ID_BYTES_MAX)).toString("hex") };
  }
  return null;
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

function guidId(view: DataView, at: number, little: boolean): string {
  let text = hex(view.getUint32(at, little), 8) + hex(view.getUint16(at + 4, little), 4) + hex(view.getUint16(at + 6, little), 4);
  for (let i = 8; i < 16; i++) text += hex(view.getUint8(at + i), 2);
  return text;
}

function hex(value: number, digits = 1): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
