// Two walks side by side, in words, and which of their rows to show: long runs
// on which both walkers agree are folded, as a viewer of differences does.
import { plural } from "../text/amounts.ts";
import { shortAddress } from "./crash-findings.ts";
import type { Comparison, FrameDifference, OpinionRow, OpinionThread, Report } from "./report.ts";
import { threadTitle } from "./thread-folds.ts";

/** A row to show, or a run of rows on which both agree, by their places in the thread's rows. */
export type OpinionLine = { readonly kind: "row"; readonly at: number; readonly row: OpinionRow } | { readonly kind: "fold"; readonly from: number; readonly count: number };

/** Rows that agree and stay in sight on each side of a fold. */
const contextRows = 3;
/** A shorter run is not worth a fold. */
const foldRows = 3;

/** The lines of a thread; `unfolded` holds the places of the folds that were opened. */
export function opinionLines(rows: readonly OpinionRow[], unfolded: ReadonlySet<number>): readonly OpinionLine[] {
  const lines: OpinionLine[] = [];
  const show = (from: number, to: number) => {
    for (let at = from; at < to; at++) lines.push({ kind: "row", at, row: rows[at]! });
  };
  for (let start = 0; start < rows.length; ) {
    let end = start;
    while (end < rows.length && rows[end]!.same) end++;
    const from = start + contextRows;
    const count = end - contextRows - from;
    if (count < foldRows || unfolded.has(from)) show(start, end);
    else {
      show(start, from);
      lines.push({ kind: "fold", from, count });
      show(from + count, end);
    }
    if (end < rows.length) show(end, end + 1);
    start = end + 1;
  }
  return lines;
}

const differenceNames: { readonly [difference in FrameDifference]: string } = { offset: "address", module: "module", function: "function", file: "file", line: "line", inlines: "inlined functions", trust: "trust" };

/** What a row comes to: `agree`, `differ: line, trust` or `only Breakpad`. */
export function verdictOnRow(row: OpinionRow): string {
  if (row.same) return "agree";
  if (row.deadair === null) return "only Breakpad";
  if (row.breakpad === null) return "only Deadair";
  return `differ: ${row.differs.map((difference) => differenceNames[difference]).join(", ")}`;
}

/** The whole comparison in a sentence: `74 of 78 frames agree; 3 differ, 1 only Breakpad found.` */
export function opinionSummary({ same, totals }: Comparison): string {
  const of = plural(totals.frames, "frame");
  if (same) return `Both walkers agree on ${totals.frames === 1 ? "the 1 frame" : `all ${of}`} of ${plural(totals.threads, "thread")}.`;
  const rest = [
    totals.different > 0 ? plural(totals.different, "differs", "differ") : "",
    totals.only_deadair > 0 ? `${totals.only_deadair} only Deadair found` : "",
    totals.only_breakpad > 0 ? `${totals.only_breakpad} only Breakpad found` : "",
  ].filter((part) => part !== "");
  // Threads without frames can differ too: one walker may not have them.
  if (rest.length === 0) return `All ${of} agree, but not the threads.`;
  return `${totals.same.toLocaleString("en-US")} of ${of} ${totals.same === 1 ? "agrees" : "agree"}; ${rest.join(", ")}.`;
}

/** What a thread that differs comes to. */
export function threadSummary(thread: OpinionThread): string {
  if (thread.missing !== null) return `only ${thread.missing === "deadair" ? "Breakpad" : "Deadair"} walked it`;
  const differing = thread.rows.filter((row) => !row.same).length;
  // The rows of all threads together have an end; what differs may lie behind it.
  if (differing === 0) return "its rows are left out";
  return `${differing} of ${plural(thread.rows.length, "frame")} ${differing === 1 ? "differs" : "differ"}`;
}

/** How the page calls a thread of a comparison: as in the stacks above it, if the report has it. */
export function opinionThreadTitle(thread: OpinionThread, report: Report | null): string {
  const index = report?.threads.findIndex((one) => one.thread_id !== null && one.thread_id === thread.thread_id) ?? -1;
  const known = report?.threads[index];
  if (known !== undefined) return threadTitle(known, index);
  const id = thread.thread_id === null ? "Thread without id" : `Thread id ${thread.thread_id}`;
  return thread.thread_name === null || thread.thread_name === "" ? id : `${id} ${thread.thread_name}`;
}

/** How the walkers tell the crash itself, when they differ in more than spelling; null when not. */
export function crashDifference({ crash: { deadair, breakpad } }: Comparison): string | null {
  const plain = ({ type, address }: { readonly type: string | null; readonly address: string | null }) => `${(type ?? "").replaceAll(/\s/g, "")} ${address ?? ""}`;
  if (plain(deadair) === plain(breakpad)) return null;
  const told = ({ type, address }: { readonly type: string | null; readonly address: string | null }) => `${type ?? "no reason"} at ${address === null ? "no address" : shortAddress(address)}`;
  return `Deadair reads the crash as ${told(deadair)}, Breakpad as ${told(breakpad)}.`;
}
