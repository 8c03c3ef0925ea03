// The CodeView record of an image: which PDB was written with it.
//
// The debug directory lists records of many kinds. Two name a PDB: RSDS, with a
// GUID and an age, and NB10 of Visual C++ 6 and before, with a time stamp. The
// ids are made as Breakpad makes them of dumps, where the same record stands.
// GNU's linker writes an RSDS without a name for `--build-id`.
//
// A program compiled ahead of time from .NET has two: the first one is of its
// native code, and dumps have that one too. Of the other kinds none is needed;
// one (16) says that the build is reproducible and that the time stamp in the
// headers is a hash, which makes no difference to who compares it.
import { readBytes } from "../file-bytes.ts";
import { directory, type PeImage } from "./image.ts";

/** Which PDB belongs to an image. */
export type PeCodeView = {
  /** Breakpad form. */
  readonly debugId: string;
  /** Name of the PDB without folders; null when the record has none. */
  readonly debugFile: string | null;
};

const entryBytes = 28;
const entriesMax = 64;
const typeCodeView = 2;
const RSDS = 0x53445352;
const NB10 = 0x3031424e;
/** Bytes of a record that are looked at: paths are shorter. */
const recordBytesMax = 4096;
/** Bytes before the path. */
const rsdsBytes = 24;
const nb10Bytes = 16;

/** The first CodeView record with an id; null when there is none. */
export function readPeCodeView(image: PeImage): PeCodeView | null {
  const { rva: first, size } = image.directory(directory.debug);
  const count = Math.min(Math.floor(size / entryBytes), entriesMax);
  for (let i = 0; i < count; i++) {
    const entry = image.readRva(first + i * entryBytes, entryBytes);
    if (entry === null) return null;
    if (entry.readUInt32LE(12) !== typeCodeView) continue;
    const length = Math.min(entry.readUInt32LE(16), recordBytesMax);
    const rva = entry.readUInt32LE(20);
    // Debug data need not be mapped.
    const record = (rva === 0 ? null : image.readRva(rva, length)) ?? readBytes(image.bytes, entry.readUInt32LE(24), length);
    const codeView = record === null ? null : parseRecord(record);
    if (codeView !== null) return codeView;
  }
  return null;
}

function parseRecord(record: Buffer): PeCodeView | null {
  const signature = record.length < 4 ? 0 : record.readUInt32LE(0);
  if (signature === RSDS && record.length >= rsdsBytes) {
    const guid = hex(record.readUInt32LE(4), 8) + hex(record.readUInt16LE(8), 4) + hex(record.readUInt16LE(10), 4) + record.toString("hex", 12, 20).toUpperCase();
    return /^0*$/.test(guid) ? null : { debugId: guid + hex(record.readUInt32LE(20), 1), debugFile: nameAt(record, rsdsBytes) };
  }
  if (signature === NB10 && record.length >= nb10Bytes) {
    const stamp = record.readUInt32LE(8);
    return stamp === 0 ? null : { debugId: hex(stamp, 8) + hex(record.readUInt32LE(12), 1), debugFile: nameAt(record, nb10Bytes) };
  }
  return null;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

/** The last part of the path that begins at a place; the linker may have run on any system. */
function nameAt(record: Buffer, at: number): string | null {
  const end = record.indexOf(0, at);
  const path = record.toString("utf8", at, end < 0 ? record.length : end);
  return path.split(/[\\/]/).at(-1) || null;
}
