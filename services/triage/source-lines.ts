// The source lines of a frame, from the bundle that was uploaded for its module
// (symbols/sources/source-bundle.ts).
//
// Whoever may read a crash may read the lines around its frames, and no others:
// a request must name a module, a file and a line that stand together in a frame
// of that crash, or in a function inlined there. Crashes can be made up, so this
// keeps nobody from lines who may read the project; it is the project that counts.
// The bundle is one of the crash's own; of several the newest is taken.
//
// A bundle is a stranger's bytes, so a thread reads it, with the memory and the
// time of a walk; it stays warm for a while, since whoever opens one frame opens
// the next. Nothing is cached: a bundle of some hundred files is read in
// milliseconds.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Frame, Module, Report } from "../../stackwalk/report.ts";
import { openThreadPool } from "../../stackwalk/pool/thread-pool.ts";
import { projectDebugFiles } from "../../storage/project-symbols.ts";
import type { LinesAround } from "../../symbols/sources/lines-around.ts";
import type { Context } from "../context.ts";
import { readCrashReport } from "./crashes.ts";
import type { SourceLines } from "./schema.ts";
import type { SourceOrder } from "./source-thread.ts";

/** Which lines are asked for: those around a frame's line. */
export type SourceQuestion = {
  /** Debug id of the frame's module. */
  readonly module: string;
  /** As the frame says it. */
  readonly file: string;
  readonly line: number;
};

/** Reads source lines until it is closed. */
export type SourceReader = {
  /** The lines around a frame's line; undefined when the project has no such crash. Refuses with `not_in_crash`, `no_sources`, `source_not_bundled`, `source_line_beyond`, `source_bundle_too_costly`, or with what is wrong with the bundle; throws when the disk fails. */
  linesAt(projectId: number, crashId: string, question: SourceQuestion): Promise<Result<SourceLines> | undefined>;
  close(): Promise<void>;
};

/** Lines on either side of the one that is asked for. */
const linesAroundFrame = 7;
const idleMs = 30_000;

/** Makes a reader; its thread starts with the first question. */
export function sourceReader({ settings, storage }: Pick<Context, "settings" | "storage">): SourceReader {
  const { limits } = settings;
  const pool = openThreadPool({ module: new URL("source-thread.ts", import.meta.url), threads: 1, heapBytes: limits.WALK_MEMORY_BYTES, idleMs });

  const read = async (order: SourceOrder): Promise<Result<LinesAround | null>> => {
    const end = await pool.run({ message: () => order, timeoutMs: limits.WALK_SECONDS * 1000 });
    if (end.ok) {
      const lines = end.value as Result<LinesAround | null>;
      // A blob that cannot be opened is our disk's fault; a bundle that cannot be read is nobody's request's.
      if (!lines.ok && lines.problem.status >= 500) throw new Error(lines.problem.message);
      return lines.ok ? lines : { ok: false, problem: { ...lines.problem, status: 409 } };
    }
    const { reason, message } = end.failure;
    if (reason === "crashed" || reason === "cancelled") throw new Error(`A source bundle cannot be read: ${message}`);
    const limit = reason === "timeout" ? "WALK_SECONDS" : "WALK_MEMORY_BYTES";
    return refuse(409, "source_bundle_too_costly", `Reading the module's source bundle goes over the limit ${limit}.`, `Make the bundle again; if it is right, let the operator raise DEADAIR_LIMIT_${limit}.`);
  };

  return {
    async linesAt(projectId, crashId, { module, file, line }) {
      const report = await readCrashReport(storage, projectId, crashId);
      if (report === undefined) return undefined;
      const owner = report === null ? null : moduleOfLine(report, module.toUpperCase(), file, line);
      if (owner === null) return refuse(404, "not_in_crash", "No frame of this crash is at that line of that file in that module.", "Ask for module, file and line as the crash's report has them together.");
      const bundles = (await projectDebugFiles(storage, projectId)([owner.debug_id!], [])).filter(({ kind }) => kind === "sources");
      const bundle = await (bundles.findLast(({ debugFile }) => debugFile === owner.debug_file) ?? bundles.at(-1))?.path();
      if (bundle == null) return refuse(404, "no_sources", `No sources are here for ${owner.filename} ${owner.debug_id}.`, "Upload its debug files with `deadair symbols upload --sources`, from where the sources lie.");
      const found = await read({ bundle, file, line, around: linesAroundFrame });
      if (!found.ok) return found;
      if (found.value === null) return refuse(404, "source_not_bundled", `The sources of ${owner.filename} do not have ${file}.`, "Only files that were on the build machine, and are not the system's, are bundled.");
      const { first, lines, count } = found.value;
      if (lines.length === 0) return refuse(404, "source_line_beyond", `${file} has ${count} lines in the module's sources.`, "They may be of another build: bundle the sources right after the build.");
      return ok({ file, line, first, lines: [...lines] });
    },
    close: () => pool.close(),
  };
}

/** The module with a debug id of which a frame is at this line; null when there is none. */
function moduleOfLine(report: Report, debugId: string, file: string, line: number): Module | null {
  for (const { frames } of report.threads) {
    for (const frame of frames) {
      const isThere = (frame.file === file && frame.line === line) || frame.inlines?.some((inlined) => inlined.file === file && inlined.line === line) === true;
      const module = isThere ? moduleOf(frame, report.modules) : null;
      if (module !== null && module.debug_id === debugId) return module;
    }
  }
  return null;
}

/** The module that a frame is in; one of several of its name only when the frame's address is in it. */
function moduleOf(frame: Frame, modules: readonly Module[]): Module | null {
  const named = modules.filter(({ filename }) => filename === frame.module);
  const holding = named.find((module) => isWithin(frame.offset, module));
  return holding ?? (named.length === 1 ? named[0]! : null);
}

/** Addresses are hex of 8 or 16 digits; of posted crashes, whatever the client's numbers came to. */
function isWithin(address: string, { base_addr, end_addr }: Module): boolean {
  const [at, start, end] = [address, base_addr, end_addr].map((hex) => (/^0x[0-9a-f]{1,16}$/i.test(hex) ? BigInt(hex) : null));
  return at != null && start != null && end != null && at >= start && at < end;
}
