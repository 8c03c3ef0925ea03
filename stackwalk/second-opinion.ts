// Two walkers' reports of one dump, side by side: for the engineer who doubts a
// stack, and for us when the two disagree.
//
// Threads are matched by their id. The frames of a thread are matched by their
// addresses: a longest common subsequence, so that a frame that only one walker
// found does not make all that follow it look different. What lies between two
// matches is laid side by side as it comes. A deep recursion, which our report
// tells once, is unrolled again as far as the other report goes.
//
// Limits: once the unmatched middles of all threads have cost CELLS_MAX steps,
// further ones are laid side by side by position; the rows of all threads together end at
// ROWS_MAX, with the thread that crashed first in line. Totals count all rows.
import type { Frame, Report, Thread, Trust } from "./report.ts";

/** What one walker says of a frame. */
export type OpinionFrame = {
  /** Position in the walker's own thread. */
  readonly frame: number;
  readonly offset: string;
  readonly module: string | null;
  readonly function: string | null;
  readonly file: string | null;
  readonly line: number | null;
  /** Functions inlined here, innermost first. */
  readonly inlines: readonly { readonly function: string; readonly file: string | null; readonly line: number | null }[];
  readonly trust: Trust;
};

/** What can differ between two walkers' words for one frame. */
export type FrameDifference = "offset" | "module" | "function" | "file" | "line" | "inlines" | "trust";

/** One row of the two stacks: a frame of each, or of one alone. */
export type OpinionRow = {
  readonly same: boolean;
  /** What differs; empty where only one walker has the frame. */
  readonly differs: readonly FrameDifference[];
  readonly deadair: OpinionFrame | null;
  readonly breakpad: OpinionFrame | null;
};

/** One thread by both walkers. */
export type OpinionThread = {
  readonly thread_id: number | null;
  readonly thread_name: string | null;
  /** True for the thread that crashed, by our reading. */
  readonly crashed: boolean;
  readonly same: boolean;
  /** Absent threads of one walker are told here: who did not walk it. */
  readonly missing: "deadair" | "breakpad" | null;
  readonly rows: readonly OpinionRow[];
};

/** How many rows there are of each kind. */
export type OpinionTotals = { readonly threads: number; readonly frames: number; readonly same: number; readonly different: number; readonly only_deadair: number; readonly only_breakpad: number };

/** Both reports side by side. */
export type Comparison = {
  readonly same: boolean;
  readonly totals: OpinionTotals;
  /** What each says of the crash itself; spelling differs between the walkers. */
  readonly crash: { readonly [walker in "deadair" | "breakpad"]: { readonly type: string | null; readonly address: string | null } };
  /** The thread that crashed is first, then in the order of the dump. */
  readonly threads: readonly OpinionThread[];
  /** True when rows were left out. */
  readonly truncated: boolean;
};

const CELLS_MAX = 20_000_000;
const ROWS_MAX = 20_000;

/** Lays two reports of one dump side by side. */
export function compareReports(deadair: Report, breakpad: Report): Comparison {
  const crashing = deadair.crash_info.crashing_thread ?? -1;
  const pairs = pairThreads(deadair.threads, breakpad.threads);
  const crashed = deadair.threads[crashing];
  pairs.sort((a, b) => Number(b.ours === crashed && crashed !== undefined) - Number(a.ours === crashed && crashed !== undefined));
  const totals = { threads: pairs.length, frames: 0, same: 0, different: 0, only_deadair: 0, only_breakpad: 0 };
  let left = ROWS_MAX;
  const budget: Budget = { cells: CELLS_MAX };
  const threads = pairs.map(({ ours, theirs }): OpinionThread => {
    const rows = alignFrames(unrolled(ours, theirs?.frames.length ?? 0), theirs?.frames ?? [], budget);
    for (const row of rows) {
      totals.frames++;
      if (row.deadair === null) totals.only_breakpad++;
      else if (row.breakpad === null) totals.only_deadair++;
      else if (row.same) totals.same++;
      else totals.different++;
    }
    const shown = rows.slice(0, left);
    left -= shown.length;
    return {
      thread_id: ours?.thread_id ?? theirs?.thread_id ?? null,
      thread_name: ours?.thread_name ?? theirs?.thread_name ?? null,
      crashed: ours !== undefined && ours === crashed,
      same: rows.every((row) => row.same) && ours !== undefined && theirs !== undefined,
      missing: ours === undefined ? "deadair" : theirs === undefined ? "breakpad" : null,
      rows: shown,
    };
  });
  return {
    same: threads.every((thread) => thread.same),
    totals,
    crash: { deadair: crashOf(deadair), breakpad: crashOf(breakpad) },
    threads,
    truncated: totals.frames > ROWS_MAX,
  };
}

function crashOf({ crash_info: { type, address } }: Report): { type: string | null; address: string | null } {
  return { type, address: address === null ? null : plainHex(address) };
}

type Pair = { readonly ours: Thread | undefined; readonly theirs: Thread | undefined };

function pairThreads(ours: readonly Thread[], theirs: readonly Thread[]): Pair[] {
  const byId = new Map<number, Thread>();
  for (const thread of theirs) if (thread.thread_id !== null && !byId.has(thread.thread_id)) byId.set(thread.thread_id, thread);
  const taken = new Set<Thread>();
  const pairs = ours.map((thread, i): Pair => {
    const sameId = thread.thread_id === null ? undefined : byId.get(thread.thread_id);
    // Where the other walker could not tell ids, position has to do.
    const found = sameId ?? (theirs[i]?.thread_id === null ? theirs[i] : undefined);
    if (found === undefined || taken.has(found)) return { ours: thread, theirs: undefined };
    taken.add(found);
    return { ours: thread, theirs: found };
  });
  return [...pairs, ...theirs.filter((thread) => !taken.has(thread)).map((thread): Pair => ({ ours: undefined, theirs: thread }))];
}

/** A thread's frames with a recursion's repeats put back, until there are `count`. */
function unrolled(thread: Thread | undefined, count: number): readonly Frame[] {
  if (thread?.recursion === undefined) return thread?.frames ?? [];
  const { frame: first, cycle, times } = thread.recursion;
  const at = thread.frames.findIndex(({ frame }) => frame === first);
  const once = at < 0 ? [] : thread.frames.slice(at, at + cycle);
  if (once.length < cycle) return thread.frames;
  const frames = thread.frames.slice(0, at + cycle);
  const rest = thread.frames.slice(at + cycle);
  for (let n = 1; n < times && frames.length + rest.length < count; n++) {
    for (const frame of once) frames.push({ ...frame, frame: frame.frame + n * cycle });
  }
  return [...frames, ...rest];
}

/** Steps that matching may still cost. */
type Budget = { cells: number };

/** Both stacks row by row. */
function alignFrames(ours: readonly Frame[], theirs: readonly Frame[], budget: Budget): OpinionRow[] {
  const a = ours.map(({ offset }) => plainHex(offset));
  const b = theirs.map(({ offset }) => plainHex(offset));
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const matches = commonSubsequence(a.slice(head, a.length - tail), b.slice(head, b.length - tail), budget).map(([i, j]): [number, number] => [i + head, j + head]);
  for (let i = 0; i < tail; i++) matches.push([a.length - tail + i, b.length - tail + i]);
  const rows: OpinionRow[] = [];
  let i = 0;
  let j = 0;
  for (const [matchI, matchJ] of [...Array.from({ length: head }, (_, n): [number, number] => [n, n]), ...matches, [a.length, b.length] as [number, number]]) {
    while (i < matchI || j < matchJ) rows.push(rowOf(i < matchI ? ours[i++] : undefined, j < matchJ ? theirs[j++] : undefined));
    if (matchI < a.length) rows.push(rowOf(ours[i++], theirs[j++]));
  }
  return rows;
}

/** The longest common subsequence of two lists, as pairs of indexes; none when it would cost too much. */
function commonSubsequence(a: readonly string[], b: readonly string[], budget: Budget): [number, number][] {
  const width = b.length + 1;
  if (a.length === 0 || b.length === 0 || (a.length + 1) * width > budget.cells) return [];
  budget.cells -= (a.length + 1) * width;
  // lengths[i * width + j] is the length for a from i and b from j.
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      lengths[at] = a[i] === b[j] ? lengths[at + width + 1]! + 1 : Math.max(lengths[at + width]!, lengths[at + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const at = i * width + j;
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[at + width]! >= lengths[at + 1]!) i++;
    else j++;
  }
  return pairs;
}

function rowOf(ours: Frame | undefined, theirs: Frame | undefined): OpinionRow {
  const deadair = ours === undefined ? null : opinion(ours);
  const breakpad = theirs === undefined ? null : opinion(theirs);
  const differs = deadair === null || breakpad === null ? [] : differences(deadair, breakpad);
  return { same: deadair !== null && breakpad !== null && differs.length === 0, differs, deadair, breakpad };
}

function opinion({ frame, offset, module, function: name, file, line, inlines, trust }: Frame): OpinionFrame {
  return { frame, offset: plainHex(offset), module, function: name, file, line, inlines: (inlines ?? []).map((inlined) => ({ function: inlined.function, file: inlined.file, line: inlined.line })), trust };
}

function differences(a: OpinionFrame, b: OpinionFrame): FrameDifference[] {
  const plain = (["offset", "module", "function", "file", "line", "trust"] as const).filter((field) => a[field] !== b[field]);
  const sameInlines = a.inlines.length === b.inlines.length && a.inlines.every((one, i) => one.function === b.inlines[i]!.function && one.file === b.inlines[i]!.file && one.line === b.inlines[i]!.line);
  return sameInlines ? plain : [...plain, "inlines"];
}

/** Hex without leading zeros: the walkers pad differently. */
function plainHex(text: string): string {
  return text.replace(/^0x0+(?=[0-9a-f])/i, "0x");
}
