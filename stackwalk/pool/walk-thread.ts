// The inside of a thread that walks dumps. What it needs of the outside, the
// places of symbol files and the shared copies of their caches, it asks for.
import { DamagedCache } from "../../symbols/cache/paged-file.ts";
import { attachCache, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import type { SymbolAnswer } from "../engine/module-states.ts";
import { reportJson } from "../report-json.ts";
import { openDump } from "./dump-walk.ts";
import type { SymbolsAnswer, WalkJob, WalkQuestion, WalkResult } from "./jobs.ts";
import { serveJobs, type Ask } from "./thread.ts";

serveJobs(() => {
  const attached = new Map<number, SymbolCache>();
  return (job, ask) => ({ value: walk(job as WalkJob, ask, attached) });
});

function walk(job: WalkJob, ask: Ask, attached: Map<number, SymbolCache>): WalkResult {
  for (const number of job.forget) attached.delete(number);
  try {
    return walkFile(job, ask, attached);
  } catch (error) {
    if (error instanceof DamagedCache) {
      // Of a file that was replaced the latest is meant.
      const found = [...attached].findLast(([, cache]) => cache.handle.path === error.path);
      if (found !== undefined) return { kind: "damaged", number: found[0], message: error.message };
    }
    if (error instanceof Error && "syscall" in error) return { kind: "unreadable", message: error.message };
    throw error;
  }
}

function walkFile(job: WalkJob, ask: Ask, attached: Map<number, SymbolCache>): WalkResult {
  const opened = openDump(job.dump);
  if (!opened.ok) return { kind: "failed", failure: opened.failure };
  const { dump } = opened;
  try {
    const put = (question: WalkQuestion): unknown => ask(question);
    const located = dump.keys.length === 0 ? [] : (put({ ask: "locate", keys: dump.keys }) as readonly boolean[]);
    const symbols = (key: number): SymbolAnswer => {
      if (located[key] !== true) return "missing";
      const answer = put({ ask: "open", key }) as SymbolsAnswer;
      if (typeof answer === "string") return answer;
      const known = attached.get(answer.number);
      if (known !== undefined) return known;
      if (answer.handle === null) throw new Error("the pool takes this thread to have a cache that it has not");
      const cache = attachCache(answer.handle);
      attached.set(answer.number, cache);
      return cache;
    };
    const { report, missing } = dump.walk({ maxFrames: job.maxFrames, maxThreads: job.maxThreads, why: false }, symbols);
    const json = reportJson(report);
    if (json.length > job.outputBytes) return { kind: "failed", failure: { code: "output_limit", message: `The report is longer than ${job.outputBytes} bytes (limit WALK_OUTPUT_BYTES).` } };
    return { kind: "walked", json, missing };
  } finally {
    dump.close();
  }
}
