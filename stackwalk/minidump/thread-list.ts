// Threads: their ids, names, stacks and registers, what else the writer kept
// of them, and which one crashed.
import type { Arch } from "../../symbols/registers.ts";
import type { ByteSource } from "./byte-source.ts";
import { readContext } from "./cpu-context.ts";
import { countedList, extendedList, type Location } from "./directory.ts";
import type { CpuContext, DumpException, DumpThread, MemoryRegion, ThreadInfo } from "./model.ts";

/** Bytes of a MINIDUMP_THREAD, and of a MINIDUMP_THREAD_EX, which adds Itanium's backing store to it. */
export const THREAD_BYTES = 48;
export const THREAD_EX_BYTES = 64;
const NAME_BYTES = 12;
const INFO_BYTES = 64;
/** Threads read of one dump. */
const DUMP_THREADS_MAX = 65_536;
/** UTF-16 units kept of a thread's name. */
const NAME_UNITS_MAX = 256;
/** Parameters of an exception: EXCEPTION_MAXIMUM_PARAMETERS. */
const PARAMETERS_MAX = 15;
/** Milliseconds from 1601, where Windows' clock starts, to 1970. */
const EPOCH_MS = 11_644_473_600_000;

/** What is needed beside a thread's own record. */
export type ThreadSurroundings = {
  readonly source: ByteSource;
  readonly names: ReadonlyMap<number, string>;
  /** The architecture that contexts must have; null lets their own flags decide. */
  readonly arch: Arch | null;
  /** Asked when a thread's info is. */
  readonly infos: () => ReadonlyMap<number, ThreadInfo>;
};

class ListedThread implements DumpThread {
  readonly id: number;
  readonly name: string | null;
  readonly suspendCount: number;
  readonly priorityClass: number;
  readonly priority: number;
  readonly teb: number;
  readonly stack: MemoryRegion | null;
  readonly stackStart: number;
  readonly contextAt: Location;
  readonly #around: ThreadSurroundings;

  constructor(around: ThreadSurroundings, at: number) {
    const { source } = around;
    this.#around = around;
    this.id = source.u32(at);
    this.name = around.names.get(this.id) ?? null;
    this.suspendCount = source.u32(at + 4);
    this.priorityClass = source.u32(at + 8);
    this.priority = source.u32(at + 12);
    this.teb = source.u64(at + 16);
    this.stackStart = source.u64(at + 24);
    const size = source.u32(at + 32);
    const rva = source.u32(at + 36);
    this.stack = size > 0 && rva > 0 && source.holds(rva, size) ? { base: this.stackStart, size, rva } : null;
    this.contextAt = { size: source.u32(at + 40), rva: source.u32(at + 44) };
  }

  context(): CpuContext | null {
    return readContext(this.#around.source, this.contextAt, this.#around.arch);
  }

  get info(): ThreadInfo | null {
    return this.#around.infos().get(this.id) ?? null;
  }
}

/** Reads a thread list whose entries have `entryBytes`. Entries that do not fit into the stream are left out. */
export function readThreads(around: ThreadSurroundings, stream: Location, entryBytes: number): (DumpThread & { readonly contextAt: Location })[] {
  const list = countedList(around.source, stream, entryBytes);
  const threads: ListedThread[] = [];
  const count = list ? Math.min(list.count, DUMP_THREADS_MAX) : 0;
  for (let i = 0; i < count; i++) threads.push(new ListedThread(around, list!.first + i * entryBytes));
  return threads;
}

/** Names by thread id; the first of a repeated id stands, as in Breakpad. */
export function readThreadNames(source: ByteSource, stream: Location): Map<number, string> {
  const names = new Map<number, string>();
  const list = countedList(source, stream, NAME_BYTES);
  const count = list ? Math.min(list.count, DUMP_THREADS_MAX) : 0;
  for (let i = 0; i < count; i++) {
    const at = list!.first + i * NAME_BYTES;
    const id = source.u32(at);
    if (names.has(id)) continue;
    // The offset of a name has 64 bits; past 2^53 no file reaches.
    const name = source.string(source.u64(at + 4), NAME_UNITS_MAX);
    if (name) names.set(id, name);
  }
  return names;
}

/** Reads the thread info list (MINIDUMP_THREAD_INFO), by thread id. */
export function readThreadInfos(source: ByteSource, stream: Location): Map<number, ThreadInfo> {
  const infos = new Map<number, ThreadInfo>();
  const list = extendedList(source, stream, INFO_BYTES);
  const count = list ? Math.min(list.count, DUMP_THREADS_MAX) : 0;
  for (let i = 0; i < count; i++) {
    const at = list!.first + i * list!.stride;
    infos.set(source.u32(at), {
      createdAt: moment(source.u64(at + 16)),
      exitedAt: moment(source.u64(at + 24)),
      kernelMs: source.u64(at + 32) / 10_000,
      userMs: source.u64(at + 40) / 10_000,
      startAddress: source.u64(at + 48),
      affinity: source.u64(at + 56),
    });
  }
  return infos;
}

/** A FILETIME (tenths of microseconds since 1601) in milliseconds since 1970; 0 stays 0. */
function moment(time: number): number {
  return time === 0 ? 0 : Math.round(time / 10_000) - EPOCH_MS;
}

/** Reads the exception stream (MINIDUMP_EXCEPTION_STREAM); null when its first fields are not there. */
export function readException(source: ByteSource, { rva, size }: Location, arch: Arch | null): (DumpException & { readonly contextAt: Location }) | null {
  if (size < 32 || !source.holds(rva, size)) return null;
  const parameters: { low: number; high: number }[] = [];
  const count = size >= 36 ? Math.min(source.u32(rva + 32), PARAMETERS_MAX, Math.floor((size - 40) / 8)) : 0;
  for (let i = 0; i < count; i++) parameters.push({ low: source.low(rva + 40 + i * 8), high: source.high(rva + 40 + i * 8) });
  const contextAt = size >= 168 ? { size: source.u32(rva + 160), rva: source.u32(rva + 164) } : { size: 0, rva: 0 };
  return {
    threadId: source.u32(rva),
    code: source.u32(rva + 8),
    flags: source.u32(rva + 12),
    addressLow: source.low(rva + 24),
    addressHigh: source.high(rva + 24),
    address: source.u64(rva + 24),
    parameters,
    contextAt,
    context: () => readContext(source, contextAt, arch),
  };
}
