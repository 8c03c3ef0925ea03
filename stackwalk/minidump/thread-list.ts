// Threads: their ids, their names, which one crashed, and which one wrote the
// dump and therefore is no part of the story.
import { listPadding } from "./module-list.ts";
import { locationAt, record, stringAt, type Dump, type Location } from "./records.ts";

/** A thread as the dump describes it. */
export type DumpThread = {
  readonly id: number;
  /** Name that the program gave it; null when the dump has none. */
  readonly name: string | null;
  /** True when the file holds the bytes of its stack; false when they lie past its end or were never written. */
  readonly stackPresent: boolean;
};

/** The exception stream: why the dump was written. */
export type DumpException = {
  /** Thread that raised it. */
  readonly threadId: number;
  /** Exception code of Windows, Mach exception, or signal number. */
  readonly code: number;
  /** Address that the writer recorded for it: of the instruction or of the access, by system. */
  readonly address: bigint;
};

const THREAD_BYTES = 48;
const NAME_BYTES = 12;
/** Threads read of one dump. */
const DUMP_THREADS_MAX = 65_536;
/** UTF-16 units kept of a thread's name. */
const NAME_UNITS_MAX = 256;

/** Reads the thread list and joins the names to it. */
export function readThreads(dump: Dump, list: Location, names: Location | undefined): DumpThread[] {
  const head = list.size >= 4 ? record(dump, list.rva, 4) : null;
  if (!head) return [];
  const nameOf = names ? readThreadNames(dump, names) : new Map<number, string>();
  const count = Math.min(head.getUint32(0, dump.little), DUMP_THREADS_MAX);
  const first = list.rva + listPadding(list.size, head.getUint32(0, dump.little), THREAD_BYTES);
  const threads: DumpThread[] = [];
  for (let i = 0; i < count; i++) {
    const at = first + i * THREAD_BYTES;
    if (at + THREAD_BYTES > list.rva + list.size) break;
    const view = record(dump, at, THREAD_BYTES);
    if (!view) break;
    const id = view.getUint32(0, dump.little);
    const stack = locationAt(view, 32, dump.little);
    threads.push({ id, name: nameOf.get(id) ?? null, stackPresent: stack.size > 0 && stack.rva + stack.size <= dump.source.size });
  }
  return threads;
}

/** Names by thread id; the first of a repeated id stands, as in Breakpad. */
function readThreadNames(dump: Dump, stream: Location): Map<number, string> {
  const names = new Map<number, string>();
  const head = stream.size >= 4 ? record(dump, stream.rva, 4) : null;
  if (!head) return names;
  const count = Math.min(head.getUint32(0, dump.little), DUMP_THREADS_MAX);
  for (let i = 0; i < count; i++) {
    const at = stream.rva + 4 + i * NAME_BYTES;
    if (at + NAME_BYTES > stream.rva + stream.size) break;
    const view = record(dump, at, NAME_BYTES);
    if (!view) break;
    const id = view.getUint32(0, dump.little);
    // The offset of a name has 64 bits; past 2^53 no file reaches.
    const name = stringAt(dump, Number(view.getBigUint64(4, dump.little)), NAME_UNITS_MAX);
    if (name && !names.has(id)) names.set(id, name);
  }
  return names;
}

/** Reads the exception stream; null when it is not there in full. */
export function readException(dump: Dump, stream: Location): DumpException | null {
  const view = stream.size >= 32 ? record(dump, stream.rva, 32) : null;
  if (!view) return null;
  return { threadId: view.getUint32(0, dump.little), code: view.getUint32(8, dump.little), address: view.getBigUint64(24, dump.little) };
}

/** The thread that wrote the dump, by Breakpad's own stream; Breakpad's walker leaves it out. Null when unknown. */
export function readDumpThreadId(dump: Dump, stream: Location): number | null {
  const view = stream.size >= 12 ? record(dump, stream.rva, 12) : null;
  if (!view || (view.getUint32(0, dump.little) & 1) === 0) return null;
  return view.getUint32(4, dump.little);
}
