// The header and the stream directory: what a dump says it holds, and where.
// Layouts are those of MINIDUMP_HEADER and MINIDUMP_DIRECTORY (minidumpapiset.h).
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { ByteSource } from "./byte-source.ts";
import type { StreamEntry } from "./model.ts";
import { streamKinds, type StreamShape } from "./stream-types.ts";

const HEADER_BYTES = 32;
const ENTRY_BYTES = 12;
/** Entries read of a directory. Breakpad refuses more than 128; real dumps have about 20. */
const STREAMS_MAX = 1024;

/** Where something lies in the file: MINIDUMP_LOCATION_DESCRIPTOR. */
export type Location = {
  /** Bytes it takes. */
  readonly size: number;
  /** Offset from the start of the file. */
  readonly rva: number;
};

/** An opened dump: where each of its streams lies. Its source has the dump's byte order from here on. */
export type Directory = {
  readonly source: ByteSource;
  /** Seconds since 1970 when the dump was written; 0 when the writer did not say. */
  readonly writtenAt: number;
  /** MINIDUMP_TYPE flags that the writer was asked for. */
  readonly flags: number;
  /** All entries but the unused ones, in the order of the directory. */
  readonly entries: readonly StreamEntry[];
  /** The stream of each type; the first one where a type repeats. */
  readonly streams: ReadonlyMap<number, StreamEntry>;
};

/** Reads header and directory. The caller has seen the magic; anything that lies past the end is `truncated_minidump`. */
export function readDirectory(source: ByteSource): Result<Directory> {
  if (!source.holds(0, HEADER_BYTES)) return truncated(`its header needs ${HEADER_BYTES} bytes and the file has ${source.size}`);
  source.little = source.u8(0) === 0x4d;
  const count = source.u32(8);
  const rva = source.u32(12);
  const bytes = count * ENTRY_BYTES;
  if (!source.holds(rva, bytes)) {
    return truncated(`its stream directory lies at offset ${rva} with ${bytes} bytes (${count} streams) and the file has ${source.size}`);
  }
  const entries: StreamEntry[] = [];
  const streams = new Map<number, StreamEntry>();
  for (let i = 0; i < Math.min(count, STREAMS_MAX); i++) {
    const at = rva + i * ENTRY_BYTES;
    const type = source.u32(at);
    // Writers leave entries unused when a stream could not be made.
    if (type === 0) continue;
    const kind = streamKinds.get(type);
    const location = { size: source.u32(at + 4), rva: source.u32(at + 8) };
    const entry = { type, name: kind?.name ?? null, ...location, entryAt: at, status: statusOf(source, location, kind?.shape, kind !== undefined) };
    entries.push(entry);
    if (!streams.has(type)) streams.set(type, entry);
  }
  return ok({ source, writtenAt: source.u32(20), flags: source.u32(24), entries, streams });
}

function statusOf(source: ByteSource, location: Location, shape: StreamShape | null | undefined, known: boolean): StreamEntry["status"] {
  if (!source.holds(location.rva, location.size)) return "lost";
  if (!known) return "unknown";
  if (!shape) return "skipped";
  if (shape.kind === "record") return location.size < shape.bytes ? "damaged" : "read";
  if (shape.kind === "list") return location.size < 4 ? "damaged" : "read";
  return extendedList(source, location, shape.bytes) ? "read" : "damaged";
}

/** A list whose header says the sizes of header and entries, so that both could grow: MINIDUMP_UNLOADED_MODULE_LIST and its kind. */
export type ExtendedList = {
  /** Offset in the file of the first entry. */
  readonly first: number;
  /** Bytes from one entry to the next. */
  readonly stride: number;
  /** Entries that the stream holds. */
  readonly count: number;
  /** Entries that it claims. */
  readonly claimed: number;
};

/** Opens such a list, as much as the file has of it; null when that is too short or its entries are smaller than `entryBytes`. */
export function extendedList(source: ByteSource, stream: Location, entryBytes: number): ExtendedList | null {
  const { rva, size } = heldPart(source, stream);
  if (size < 12) return null;
  const header = source.u32(rva);
  const stride = source.u32(rva + 4);
  if (header < 12 || header > size || stride < entryBytes) return null;
  const claimed = source.u32(rva + 8);
  return { first: rva + header, stride, count: Math.min(claimed, Math.floor((size - header) / stride)), claimed };
}

/** Opens a list that starts with its count (MINIDUMP_MODULE_LIST and its kind), as much as the file has of it; null when not even the count is there. */
export function countedList(source: ByteSource, stream: Location, entryBytes: number): ExtendedList | null {
  const { rva, size } = heldPart(source, stream);
  if (size < 4) return null;
  const claimed = source.u32(rva);
  // Some 64-bit writers align the entries.
  const padding = stream.size === 8 + claimed * entryBytes ? 8 : 4;
  return { first: rva + padding, stride: entryBytes, count: Math.min(claimed, Math.max(Math.floor((size - padding) / entryBytes), 0)), claimed };
}

/** The part of a stream that the file has; of a dump that was cut short, half a list is worth reading. */
export function heldPart(source: ByteSource, { rva, size }: Location): Location {
  return { rva, size: Math.max(0, Math.min(size, source.size - rva)) };
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
