// Stream 1 of a PDB: who it belongs to, and which streams have names
// (LLVM's PdbStream.rst, microsoft-pdb's pdb1.cpp and nmtni.h).
//
//     u32 version, u32 time stamp, u32 age, 16 bytes GUID
//     named streams: u32 bytes, names; a hash table of (offset of name, stream)
//     u32 …  features, as numbers
//
// A program names its PDB by GUID and age, and there are two ages. The one
// here grows whenever any tool writes the file (pdbstr, say, that adds source
// server data); the one of the DBI stream is the linker's and is what the
// program got. So an id is made of this GUID and that age.
import { ok, type Result } from "../../config/problem.ts";
import { malformedPdb, type Msf } from "./msf.ts";

/** What stream 1 says. */
export type PdbInfo = {
  /** 32 upper-case hex digits in the order of the text. */
  readonly guid: string;
  /** Grows with each write; the age of an id is only this one where there is no DBI stream. */
  readonly age: number;
  /** Numbers of the streams that have names, such as `/names` and `srcsrv`. */
  readonly streams: ReadonlyMap<string, number>;
  /** True when stream 4 has function ids (IPI). */
  readonly hasIds: boolean;
  /** True when the linker left symbols in the object files (`/DEBUG:FASTLINK`). */
  readonly isFastlink: boolean;
};

const infoStream = 1;
/** Bytes before the named streams. */
const fixedBytes = 28;
/** Bytes of the stream that are read at most: names of streams are few. */
const infoBytesMax = 4 * 1024 * 1024;
/** Names that are longer, or more of them, are no streams'; names in the table may overlap, and each would be a text of its own. */
const [nameBytesMax, namesMax] = [256, 65_536];
/** The first version with a GUID (VC70Dep). */
const firstGuidVersion = 19990604;
/** Features. */
const feature = { vc110: 20091201, vc140: 20140508, minimalDebugInfo: 0x494e494d } as const;

/** Reads stream 1. Refuses with `malformed_pdb`. */
export function readPdbInfo(msf: Msf): Result<PdbInfo> {
  const size = msf.size(infoStream);
  const bytes = size < fixedBytes ? null : msf.read(infoStream, 0, Math.min(size, infoBytesMax));
  if (bytes === null) return malformedPdb(`its information (stream 1) has ${Math.max(size, 0)} bytes, where at least ${fixedBytes} were expected`);
  const version = bytes.readUInt32LE(0);
  if (version < firstGuidVersion) return malformedPdb(`version ${version} at the start of its information (stream 1) has no GUID`);
  const streams = new Map<string, number>();
  const end = readNamedStreams(bytes, streams);
  const features = new Set<number>();
  for (let at = end; at + 4 <= bytes.length; at += 4) {
    const code = bytes.readUInt32LE(at);
    features.add(code);
    // Nothing follows this one.
    if (code === feature.vc110) break;
  }
  const hasIds = features.has(feature.vc110) || features.has(feature.vc140);
  return ok({ guid: guidText(bytes, 12), age: bytes.readUInt32LE(8), streams, hasIds, isFastlink: features.has(feature.minimalDebugInfo) });
}

/** Fills the map of named streams and returns where it ends; a damaged one ends the stream, since whatever needs a name can do without. */
function readNamedStreams(bytes: Buffer, streams: Map<string, number>): number {
  const none = bytes.length;
  if (bytes.length < fixedBytes + 4) return none;
  const names = fixedBytes + 4;
  const namesEnd = names + bytes.readUInt32LE(fixedBytes);
  let at = namesEnd;
  const word = (): number => {
    const value = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0;
    at += 4;
    return value;
  };
  const count = word();
  word();
  // Bitmaps of the table's slots, in use and deleted; the entries follow without gaps.
  for (let bitmap = 0; bitmap < 2; bitmap++) {
    const words = word();
    at += 4 * words;
  }
  if (at + count * 8 > bytes.length) return none;
  for (let i = 0; i < count; i++) {
    const start = names + word();
    const stream = word();
    if (start >= namesEnd || streams.size === namesMax) continue;
    const length = bytes.subarray(start, Math.min(namesEnd, start + nameBytesMax)).indexOf(0);
    if (length >= 0) streams.set(bytes.toString("utf8", start, start + length), stream);
  }
  return at;
}

/** A GUID's 32 hex digits; its first three fields are little-endian. */
function guidText(bytes: Buffer, at: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  const tail = bytes.toString("hex", at + 8, at + 16);
  return `${hex(bytes.readUInt32LE(at), 8)}${hex(bytes.readUInt16LE(at + 4), 4)}${hex(bytes.readUInt16LE(at + 6), 4)}${tail}`.toUpperCase();
}
