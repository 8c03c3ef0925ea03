// The inside of a thread that walks dumps. What it needs of the outside, the
// places of symbol files and the shared copies of their caches, it asks for.
import { DamagedCache, type CacheHandle } from "../../symbols/cache/paged-file.ts";
import { attachCache, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import type { SymbolAnswer } from "../engine/module-states.ts";
import type { Report } from "../report.ts";
import { reportJson } from "../report-json.ts";
import { openDump } from "./dump-walk.ts";
import type { LocatedSymbols, WalkJob, WalkQuestion, WalkResult } from "./jobs.ts";
import { serveJobs, type Ask } from "./thread.ts";

/** The caches that the pool shares with this thread, by number; each is attached when it is first used. */
class SharedCaches {
  private readonly handles = new Map<number, CacheHandle>();
  private readonly attached = new Map<number, SymbolCache>();

  /** Keeps the handle of an answer, which comes with a cache's first answer only. */
  keep(answer: LocatedSymbols): void {
    if (typeof answer !== "string" && answer.handle !== null) this.handles.set(answer.number, answer.handle);
  }

  cache(number: number): SymbolCache {
    const known = this.attached.get(number);
    if (known !== undefined) return known;
    const cache = attachCache(this.handles.get(number)!);
    this.attached.set(number, cache);
    return cache;
  }

  /** The number of the cache at a path; of a file that was replaced, the latest. */
  numberOf(path: string): number | undefined {
    return [...this.handles].findLast(([, handle]) => handle.path === path)?.[0];
  }

  forget(number: number): void {
    this.handles.delete(number);
    this.attached.delete(number);
  }
}

serveJobs(() => {
  const shared = new SharedCaches();
  return (job, ask) => ({ value: walk(job as WalkJob, ask, shared) });
});

function walk(job: WalkJob, ask: Ask, shared: SharedCaches): WalkResult {
  for (const number of job.forget) shared.forget(number);
  try {
    return walkFile(job, ask, shared);
  } catch (error) {
    const number = error instanceof DamagedCache ? shared.numberOf(error.path) : undefined;
    if (error instanceof DamagedCache && number !== undefined) return { kind: "damaged", number, message: error.message };
    if (error instanceof Error && "syscall" in error) return { kind: "unreadable", message: error.message };
    throw error;
  }
}

/** The text of a report; null when it is longer than any text can be, as names of megabytes in a thousand frames make it. */
function reportText(report: Report): string | null {
  try {
    return reportJson(report);
  } catch (error) {
    if (error instanceof RangeError && error.message === "Invalid string length") return null;
    throw error;
  }
}

function walkFile(job: WalkJob, ask: Ask, shared: SharedCaches): WalkResult {
  const opened = openDump(job.dump);
  if (!opened.ok) return { kind: "failed", failure: opened.failure };
  const { dump } = opened;
  try {
    const put = (question: WalkQuestion): unknown => ask(question);
    const located = dump.keys.length === 0 ? [] : (put({ ask: "locate", keys: dump.keys }) as readonly LocatedSymbols[]);
    for (const answer of located) shared.keep(answer);
    const used: number[] = [];
    const symbols = (key: number): SymbolAnswer => {
      let answer = located[key]!;
      if (answer === "closed") {
        answer = put({ ask: "open", key }) as LocatedSymbols;
        shared.keep(answer);
      }
      if (answer === "closed") throw new Error("the pool answered a question with the question");
      if (typeof answer === "string") return answer;
      used.push(answer.number);
      return shared.cache(answer.number);
    };
    const { report, missing } = dump.walk({ maxFrames: job.maxFrames, maxThreads: job.maxThreads, why: false }, symbols);
    const json = reportText(report);
    if (json === null || json.length > job.outputBytes) return { kind: "failed", failure: { code: "output_limit", message: `The report is longer than ${job.outputBytes} bytes (limit WALK_OUTPUT_BYTES).` } };
    return { kind: "walked", json, missing, used };
  } finally {
    dump.close();
  }
}
