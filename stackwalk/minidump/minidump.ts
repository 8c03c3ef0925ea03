// Minidumps: the one reader, for ingest, which must know what an upload is
// before it keeps it, and for the engine, which walks it.
//
// What: every stream that is known to be written by Windows, Breakpad,
// Crashpad and Mozilla's writers, except those that are listed by name only
// (stream-types.ts). Not here: walking, names, judging the crash.
//
// Why our own: ingest must refuse the wrong file with a sentence that helps,
// in microseconds, without spawning anything; and a walk must not cost a
// process and a copy of the dump.
//
// Steps of `readMinidump`:
//   1. the magic: MDMP, PMDM (big-endian), or what the file is instead;
//   2. header and directory, which must be wholly there;
//   3. the essential streams (threads, modules, system, exception), which must
//      be wholly there if the directory names them;
//   4. system, threads and modules; all else when it is asked for. Lists are
//      read leniently: what does not fit is left out and becomes a note, since
//      half a crash is better than none.
//
// Limits: counts are capped where they are read, every offset is checked
// against the size of the file, and no list is read beyond its stream. Work
// and memory grow with the file, never with a number written in it.
//
// To extend: a stream is a kind in stream-types.ts, a `read…(source, location)`
// in a file of its own that answers null or a shorter list when bytes are
// missing, a field in model.ts and a getter in opened-dump.ts.
import { ok, type Result } from "../../config/problem.ts";
import type { ByteSource } from "./byte-source.ts";
import { readDirectory, truncated } from "./directory.ts";
import { refuseForeign } from "./foreign-file.ts";
import type { DumpException, Minidump } from "./model.ts";
import { OpenedDump } from "./opened-dump.ts";
import { streamType } from "./stream-types.ts";

const essential: readonly (readonly [number, string])[] = [
  [streamType.threadList, "thread list"],
  [streamType.moduleList, "module list"],
  [streamType.systemInfo, "system info"],
  [streamType.exception, "exception"],
];

/** Opens a dump, or tells the problem: `not_a_minidump`, `kernel_dump` or `truncated_minidump`. Never throws for what the bytes say. What is read late comes from `source`, which must stay open as long. */
export function readMinidump(source: ByteSource): Result<Minidump> {
  const magic = source.read(0, 4).toString("latin1");
  if (magic !== "MDMP" && magic !== "PMDM") return refuseForeign(source);
  const directory = readDirectory(source);
  if (!directory.ok) return directory;
  for (const [type, name] of essential) {
    const at = directory.value.streams.get(type);
    if (at?.status === "lost") return truncated(`its ${name} lies at offset ${at.rva} with ${at.size} bytes and the file has ${source.size}`);
  }
  return ok(new OpenedDump(directory.value));
}

/** What a minidump says of itself, read at once: it outlives the file. */
export type MinidumpSummary = Pick<Minidump, "size" | "writtenAt" | "flags" | "system" | "processId" | "modules" | "unloadedModules" | "dumpThreadId" | "annotations" | "notes"> & {
  /** Types of all its streams, each once. */
  readonly streams: readonly number[];
  /** Offsets in the file of the directory entries whose stream does not lie wholly in the file; a walker must not follow them. */
  readonly lostEntries: readonly number[];
  /** `stackPresent` is false when the bytes of the stack lie past the end of the file or were never written. */
  readonly threads: readonly { readonly id: number; readonly name: string | null; readonly stackPresent: boolean }[];
  /** Null when it has none: a dump that was asked for, not a crash. */
  readonly exception: Pick<DumpException, "threadId" | "code" | "address"> | null;
};

/** Looks at an uploaded file: a summary, or the problem, as `readMinidump`. */
export function inspectMinidump(source: ByteSource): Result<MinidumpSummary> {
  const opened = readMinidump(source);
  if (!opened.ok) return opened;
  const { size, writtenAt, flags, system, processId, modules, unloadedModules, dumpThreadId, annotations, notes, streams, threads, exception } = opened.value;
  return ok({
    size,
    writtenAt,
    flags,
    system,
    processId,
    modules,
    unloadedModules,
    dumpThreadId,
    annotations,
    notes,
    streams: [...new Set(streams.map(({ type }) => type))],
    lostEntries: streams.filter(({ status }) => status === "lost").map(({ entryAt }) => entryAt),
    threads: threads.map(({ id, name, stack }) => ({ id, name, stackPresent: stack !== null })),
    exception: exception && { threadId: exception.threadId, code: exception.code, address: exception.address },
  });
}
