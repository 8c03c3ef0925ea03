// The header and the stream directory: what a dump says it holds, and where.
// Layouts are those of MINIDUMP_HEADER and MINIDUMP_DIRECTORY (minidumpapiset.h).
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { ByteSource } from "./byte-source.ts";
import { locationAt, record, type Dump, type Location } from "./records.ts";

/** Stream types that the readers here know. */
export const streamType = {
  threadList: 3,
  moduleList: 4,
  exception: 6,
  systemInfo: 7,
  unloadedModuleList: 14,
  miscInfo: 15,
  threadNames: 24,
  breakpadInfo: 0x47670001,
  crashpadInfo: 0x43500001,
} as const;

const HEADER_BYTES = 32;
const ENTRY_BYTES = 12;
/** Entries read of a directory. Breakpad refuses more than 128; real dumps have about 20. */
const STREAMS_MAX = 1024;

/** An opened dump: its byte order, and where each stream lies. */
export type Directory = {
  readonly dump: Dump;
  /** Seconds since 1970 when the dump was written; 0 when the writer did not say. */
  readonly writtenAt: number;
  /** MINIDUMP_TYPE flags that the writer was asked for. */
  readonly flags: number;
  /** Where each stream lies, by type; the first one wins where a type repeats. */
  readonly streams: ReadonlyMap<number, Location>;
  /** Offsets in the file of the directory entries whose stream does not lie wholly in the file. */
  readonly lostEntries: readonly number[];
};

/** Reads header and directory. The caller has seen the magic; anything that lies past the end is `truncated_minidump`. */
export function readDirectory(source: ByteSource): Result<Directory> {
  const header = record({ source, little: true }, 0, HEADER_BYTES);
  if (!header) return truncated(`its header needs ${HEADER_BYTES} bytes and the file has ${source.size}`);
  const little = header.getUint8(0) === 0x4d;
  const dump = { source, little };
  const count = header.getUint32(8, little);
  const rva = header.getUint32(12, little);
  const bytes = count * ENTRY_BYTES;
  if (rva + bytes > source.size) {
    return truncated(`its stream directory lies at offset ${rva} with ${bytes} bytes (${count} streams) and the file has ${source.size}`);
  }
  const streams = new Map<number, Location>();
  const lostEntries: number[] = [];
  const kept = Math.min(count, STREAMS_MAX);
  const entries = record(dump, rva, kept * ENTRY_BYTES);
  if (!entries) return truncated(`its stream directory at offset ${rva} could not be read`);
  for (let i = 0; i < kept; i++) {
    const type = entries.getUint32(i * ENTRY_BYTES, little);
    const location = locationAt(entries, i * ENTRY_BYTES + 4, little);
    if (!streams.has(type)) streams.set(type, location);
    if (location.rva + location.size > source.size) lostEntries.push(rva + i * ENTRY_BYTES);
  }
  return ok({ dump, writtenAt: header.getUint32(20, little), flags: header.getUint32(24, little), streams, lostEntries });
}

/** The refusal of a dump of which a needed part is not there. */
export function truncated(what: string): Result<never> {
  return refuse(
    400,
    "truncated_minidump",
    `The minidump is cut short: ${what}.`,
    "Send the whole file: the upload may have been interrupted, or the disk of the crashing machine was full.",
  );
}
