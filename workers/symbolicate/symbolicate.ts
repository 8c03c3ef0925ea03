// symbolicate: a stored crash becomes frames, a signature and a group.
//
//   1. take the crash, if it is still due at this revision; count the attempt
//   2. walk it: a minidump by the Stackwalker, a posted stack trace by its resolver
//   3. sign the report, write both as one blob
//   4. one transaction: state, group, counts, missing symbols, the alert's outbox row
// Any step may be cut off by a SIGKILL; the job then runs again from the start
// and finds the crash as it was, or done. What is wrong with a dump ends in
// `failed` with its reason; what is wrong with us, or with a store that is away, is
// thrown: the queue tries again in seconds, upkeep in minutes (storage/crashes.ts),
// and only after CRASH_ATTEMPTS_COUNT tries it ends in `failed` too.
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import type { Logger } from "pino";
import type { Settings } from "../../config/settings.ts";
import { sign } from "../../signature/signature.ts";
import { parsePostedTrace, resolveStackTrace } from "../../stackwalk/posted/stack-trace.ts";
import { symbolSource } from "../../stackwalk/module-files.ts";
import type { EnginePool } from "../../stackwalk/pool/engine-pool.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { Stackwalker, Walk, WalkOptions } from "../../stackwalk/stackwalker.ts";
import { keepBytes } from "../../storage/blobs/blobs.ts";
import { type DueCrash, failWalk, finishWalk, startWalk, type WalkedCrash } from "../../storage/crashes.ts";
import { projectDebugFiles } from "../../storage/project-symbols.ts";
import type { Processor } from "../../storage/queues.ts";
import type { Storage } from "../../storage/storage.ts";
import { uuidv7 } from "../../storage/uuid.ts";

/** What the processor works with. */
export type SymbolicateOptions = {
  readonly storage: Storage;
  readonly settings: Settings;
  readonly walker: Stackwalker;
  /** Names the addresses of posted stack traces. */
  readonly pool: Pick<EnginePool, "nameAddresses">;
  readonly log: Logger;
};

const compress = promisify(zstdCompress);

/** Makes the processor of the queue `symbolicate`. */
export function symbolicateProcessor(options: SymbolicateOptions): Processor<"symbolicate"> {
  const { storage, settings, log } = options;
  return async ({ crash, revision }) => {
    const due = await startWalk(storage.db, crash, revision);
    if (due === undefined) return;
    if (due.attempts > settings.limits.CRASH_ATTEMPTS_COUNT) {
      await failWalk(storage.db, due, "gave_up", `The walk was started ${due.attempts - 1} times and never ended: each time the worker died or was stopped (limit CRASH_ATTEMPTS_COUNT).`);
      return;
    }
    try {
      await process(options, due);
    } catch (error) {
      if (due.attempts < settings.limits.CRASH_ATTEMPTS_COUNT) throw error;
      log.error({ err: error, crash }, "a crash could not be processed");
      // The error may name paths, addresses or queries; whoever sees the crash need not see those.
      await failWalk(storage.db, due, "internal", `Deadair failed on this crash ${due.attempts} times; the worker's log says why (limit CRASH_ATTEMPTS_COUNT).`);
    }
  };
}

async function process(options: SymbolicateOptions, due: DueCrash): Promise<void> {
  const { storage } = options;
  const file = await storage.blobs.path(due.blob);
  if (file === null) {
    await failWalk(storage.db, due, "blob_missing", `The ${due.kind === "minidump" ? "dump" : "stack trace"} is not in the blob store any more.`);
    return;
  }
  const walk = await walkCrash(options, due, file);
  if (!walk.ok) {
    // Nothing is wrong with the crash: these workers are being stopped, and others will walk it.
    if (walk.failure.code === "cancelled") throw new Error(walk.failure.message);
    await failWalk(storage.db, due, walk.failure.code, walk.failure.message);
    return;
  }
  const explanation = sign(walk.report);
  // The walker may have the report's text already, and it can be megabytes.
  const json = `{"report":${walk.json ?? JSON.stringify(walk.report)},"explanation":${JSON.stringify(explanation)}}`;
  const blob = await keepBytes(storage.spool, storage.blobs, await compress(json, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }));
  await finishWalk(storage.db, due, {
    reportBlob: blob,
    signature: explanation.signature,
    signatureVersion: explanation.version,
    fingerprint: Buffer.from(explanation.fingerprint, "hex"),
    ...facetsOf(walk.report),
    missing: walk.missing.filter((key) => !kernelPages.has(key.debugFile ?? key.codeFile)),
  });
}

// Linux maps these pages into every process: no file holds them, so nobody can upload their symbols.
const kernelPages = new Set(["linux-gate.so", "linux-vdso.so.1", "[vdso]", "[vsyscall]"]);

async function walkCrash({ storage, settings, walker, pool }: SymbolicateOptions, due: DueCrash, file: string): Promise<Walk> {
  const { limits } = settings;
  const symbols = symbolSource(projectDebugFiles(storage, due.projectId));
  const workDir = path.join(settings.dataDir, "spool", `walk-${uuidv7()}`);
  const bounds: WalkOptions = { timeoutMs: limits.WALK_SECONDS * 1000, outputBytes: limits.WALK_OUTPUT_BYTES, maxFrames: limits.THREAD_FRAMES_COUNT, maxThreads: limits.THREADS_COUNT, workDir };
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  try {
    if (due.kind === "minidump") return await walker.walk(file, symbols, bounds);
    const trace = parsePostedTrace(JSON.parse(await readFile(file, "utf8")), limits);
    if (!trace.ok) return { ok: false, failure: { code: trace.problem.code, message: trace.problem.message } };
    return await resolveStackTrace(trace.value, symbols, pool.nameAddresses, bounds);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** The first-class facets that a report gives by itself. */
export function facetsOf(report: Report): Pick<WalkedCrash, "os" | "osVersion" | "arch" | "host" | "crashReason" | "crashAddress" | "crashModule"> {
  const { crash_info: crash, system_info: system } = report;
  const main = report.main_module === null ? undefined : report.modules[report.main_module];
  const top = crash.crashing_thread === null ? undefined : report.threads[crash.crashing_thread]?.frames[0];
  return {
    os: system.os,
    osVersion: shortVersion(system.os_ver),
    arch: system.cpu_arch,
    // For a plugin the program is the host it was loaded into.
    host: main?.filename ?? null,
    crashReason: crash.type,
    crashAddress: crash.address,
    crashModule: top?.module ?? null,
  };
}

// On Linux a dump carries all of uname: `0.0.0 Linux 6.1.0-18-amd64 #1 SMP …`. The
// number is what tells systems apart; the rest tells one machine from another.
function shortVersion(version: string | null): string | null {
  if (version === null) return null;
  const numbers = version.match(/\d+(?:\.\d+)+/g)?.find((number) => !/^[0.]+$/.test(number));
  return (numbers ?? version).slice(0, 40);
}
