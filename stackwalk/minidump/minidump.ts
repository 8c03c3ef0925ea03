// Minidumps: what an upload must tell of itself before it is kept, and what
// the walker's wrapper needs beside the walker's own words.
//
// What: the header, the stream directory, modules, unloaded modules, threads
// with their names, the exception, the system. Not read here: memory, CPU
// contexts, handles. Those are an unwinder's business.
//
// Why our own: ingest must refuse the wrong file with a sentence that helps,
// in microseconds, without spawning anything; and Breakpad's walker prints
// neither thread ids nor names nor code ids.
//
// Steps of `inspectMinidump`:
//   1. the magic: MDMP, PMDM (big-endian), or what the file is instead;
//   2. header and directory, which must be wholly there;
//   3. the essential streams (threads, modules, system, exception), which must
//      be wholly there if the directory names them;
//   4. the lists themselves, read leniently: what does not fit is left out and
//      becomes a note, since half a crash is better than none.
//
// Limits: counts are capped where they are read, every offset is checked
// against the size of the file, and no list is read beyond its stream. Work
// and memory grow with the file, never with a number written in it.
//
// To extend: a stream is a `read…(dump, location)` in a file of its own that
// answers null or a shorter list when bytes are missing, plus a field below.
import { ok, type Result } from "../../config/problem.ts";
import type { ByteSource } from "./byte-source.ts";
import { readCrashpadAnnotations } from "./crashpad-annotations.ts";
import { readDirectory, streamType, truncated, type Directory } from "./directory.ts";
import { refuseForeign } from "./foreign-file.ts";
import { readModuleList, readUnloadedModules, type DumpModule, type UnloadedModule } from "./module-list.ts";
import { readProcessId, readSystemInfo, type SystemInfo } from "./system-info.ts";
import { readDumpThreadId, readException, readThreads, type DumpException, type DumpThread } from "./thread-list.ts";

/** What a minidump says of itself. */
export type MinidumpSummary = {
  /** Bytes of the file. */
  readonly size: number;
  /** Seconds since 1970 when it was written; 0 when the writer did not say. */
  readonly writtenAt: number;
  /** MINIDUMP_TYPE flags that the writer was asked for. */
  readonly flags: number;
  /** Types of all its streams, as the directory lists them. */
  readonly streams: readonly number[];
  /** Offsets in the file of the directory entries whose stream does not lie wholly in the file; a walker must not follow them. */
  readonly lostEntries: readonly number[];
  /** Null when it has no system info stream. */
  readonly system: SystemInfo | null;
  readonly processId: number | null;
  /** In the order of the dump: the first is the program itself. */
  readonly modules: readonly DumpModule[];
  readonly unloadedModules: readonly UnloadedModule[];
  readonly threads: readonly DumpThread[];
  /** Thread that wrote the dump, which walkers leave out; null when unknown. */
  readonly dumpThreadId: number | null;
  /** Null when it has none: a dump that was asked for, not a crash. */
  readonly exception: DumpException | null;
  /** Crashpad's annotations by name, flattened to text. */
  readonly annotations: { readonly [key: string]: string };
  /** What was left out and why, in sentences. */
  readonly notes: readonly string[];
};

const essential: readonly (readonly [number, string])[] = [
  [streamType.threadList, "thread list"],
  [streamType.moduleList, "module list"],
  [streamType.systemInfo, "system info"],
  [streamType.exception, "exception"],
];

/** Looks at an uploaded file: a summary, or the problem `not_a_minidump`, `kernel_dump` or `truncated_minidump`. Never throws for what the bytes say. */
export function inspectMinidump(source: ByteSource): Result<MinidumpSummary> {
  const magic = Buffer.from(source.read(0, 4)).toString("latin1");
  if (magic !== "MDMP" && magic !== "PMDM") return refuseForeign(source);
  const directory = readDirectory(source);
  if (!directory.ok) return directory;
  for (const [type, name] of essential) {
    const at = directory.value.streams.get(type);
    if (at && at.rva + at.size > source.size) {
      return truncated(`its ${name} lies at offset ${at.rva} with ${at.size} bytes and the file has ${source.size}`);
    }
  }
  return ok(summarise(directory.value));
}

function summarise({ dump, writtenAt, flags, streams, lostEntries }: Directory): MinidumpSummary {
  const notes: string[] = [];
  if (lostEntries.length > 0) notes.push(`${lostEntries.length} streams lie past the end of the file.`);
  const systemAt = streams.get(streamType.systemInfo);
  const system = systemAt ? readSystemInfo(dump, systemAt) : null;
  const platform = system?.platform ?? null;
  if (!system) notes.push("The dump has no system info.");

  const modulesAt = streams.get(streamType.moduleList);
  const modules = modulesAt ? readModuleList(dump, modulesAt, platform) : [];
  if (modules.length === 0) notes.push("The dump lists no modules.");
  const nameless = modules.filter((module) => module.codeFile === "").length;
  if (nameless > 0) notes.push(`${nameless} of ${modules.length} modules have no readable name.`);

  const threadsAt = streams.get(streamType.threadList);
  const threads = threadsAt ? readThreads(dump, threadsAt, streams.get(streamType.threadNames)) : [];
  if (threads.length === 0) notes.push("The dump lists no threads.");
  const stackless = threads.filter((thread) => !thread.stackPresent).length;
  if (stackless > 0) notes.push(`${stackless} of ${threads.length} threads have no stack in the file.`);

  const unloadedAt = streams.get(streamType.unloadedModuleList);
  const miscAt = streams.get(streamType.miscInfo);
  const breakpadAt = streams.get(streamType.breakpadInfo);
  const exceptionAt = streams.get(streamType.exception);
  const crashpadAt = streams.get(streamType.crashpadInfo);
  return {
    size: dump.source.size,
    writtenAt,
    flags,
    streams: [...streams.keys()],
    lostEntries,
    system,
    processId: miscAt ? readProcessId(dump, miscAt) : null,
    modules,
    unloadedModules: unloadedAt ? readUnloadedModules(dump, unloadedAt, platform) : [],
    threads,
    dumpThreadId: breakpadAt ? readDumpThreadId(dump, breakpadAt) : null,
    exception: exceptionAt ? readException(dump, exceptionAt) : null,
    annotations: crashpadAt ? readCrashpadAnnotations(dump, crashpadAt) : {},
    notes,
  };
}
