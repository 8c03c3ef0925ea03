// The process that makes one second opinion and ends. It gets its order as the
// first message, asks its parent for symbol files, and says what it found;
// second-opinion.ts, in the server, is the other side.
//
// Breakpad's walker goes first: it has a process of its own and limits that
// hold by themselves. Ours runs here, in this thread, so that the parent ends it
// by ending this process.
import path from "node:path";
import process from "node:process";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { engineName } from "../../stackwalk/engine-name.ts";
import { walkHere } from "../../stackwalk/pool/walk-here.ts";
import type { Report } from "../../stackwalk/report.ts";
import { compareReports, type Comparison, type OpinionFrame } from "../../stackwalk/second-opinion.ts";
import type { LocatedFiles, SymbolKey, SymbolSource, WalkFailure } from "../../stackwalk/stackwalker.ts";
import type { OpinionOrder, OpinionSays, OpinionWalker } from "./second-opinion.ts";

/** A report, or why there is none. */
type Told = { readonly report: Report; readonly failure: null } | { readonly report: null; readonly failure: WalkFailure };

const say = (said: OpinionSays): Promise<void> => new Promise((resolve) => process.send!(said, () => resolve()));

// Without its parent nobody wants to know. Breakpad's walkers would live on: they are processes of their own.
const parentGone = new AbortController();
process.once("disconnect", () => {
  parentGone.abort();
  process.exit(0);
});
process.once("message", (message) => {
  void give(message as OpinionOrder).then(() => process.exit(0));
});

async function give(order: OpinionOrder): Promise<void> {
  const [breakpad, theirs] = await timed(breakpadStackwalker().name, () => walkWithBreakpad(order));
  await say({ kind: "breakpad", walker: breakpad });
  const [deadair, ours] = await timed(engineName, () => walkWithDeadair(order));
  const comparison = ours === null || theirs === null ? null : compareReports(ours, theirs);
  if (comparison === null || isWithin(comparison, order.outputBytes)) return say({ kind: "done", deadair, comparison });
  const failure: WalkFailure = { code: "output_limit", message: `The comparison is longer than ${order.outputBytes} bytes (limit WALK_OUTPUT_BYTES).` };
  await say({ kind: "done", deadair: { ...deadair, failure }, comparison: null });
}

/** Whether the texts of a comparison have so many characters at most. Rows are bounded by their number, but a name may have megabytes, and the server, which takes uploads meanwhile, has to hold and to write all of it. */
function isWithin({ threads }: Comparison, charsMax: number): boolean {
  let chars = 0;
  for (const { rows } of threads) {
    for (const { deadair, breakpad } of rows) {
      chars += charsOf(deadair) + charsOf(breakpad);
      if (chars > charsMax) return false;
    }
  }
  return true;
}

function charsOf(frame: OpinionFrame | null): number {
  if (frame === null) return 0;
  const place = (of: { readonly function: string | null; readonly file: string | null }): number => (of.function?.length ?? 0) + (of.file?.length ?? 0);
  return frame.inlines.reduce((sum, inlined) => sum + place(inlined), place(frame) + (frame.module?.length ?? 0));
}

async function timed(name: string, walk: () => Promise<Told>): Promise<[OpinionWalker, Report | null]> {
  const since = performance.now();
  const { report, failure } = await walk();
  return [{ name, milliseconds: Math.round(performance.now() - since), failure }, report];
}

async function walkWithBreakpad(order: OpinionOrder): Promise<Told> {
  const { timeoutMs, outputBytes, maxFrames, maxThreads, workDir } = order;
  const walk = await breakpadStackwalker().walk(order.dump, parentsSymbols, { timeoutMs, outputBytes, maxFrames, maxThreads, workDir, signal: parentGone.signal });
  return walk.ok ? { report: walk.report, failure: null } : { report: null, failure: walk.failure };
}

async function walkWithDeadair(order: OpinionOrder): Promise<Told> {
  const walked = await walkHere(order.dump, parentsSymbols, {
    maxFrames: order.maxFrames,
    maxThreads: order.maxThreads,
    why: false,
    cacheDir: order.cacheDir,
    cacheBytes: order.cacheBytes,
    // A blob is named by the SHA-256 of its content.
    digest: (file) => path.basename(file),
    onUnusable: () => {},
  });
  return walked.ok ? { report: walked.walk.report, failure: null } : { report: null, failure: walked.failure };
}

/** Symbol files as the parent finds them in the crash's own project. */
const parentsSymbols: SymbolSource = {
  async locate(keys: readonly SymbolKey[]) {
    const answer = new Promise<readonly LocatedFiles[]>((resolve) => process.once("message", (message) => resolve(message as readonly LocatedFiles[])));
    await say({ kind: "locate", keys });
    return answer;
  },
};
