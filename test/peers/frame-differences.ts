// Compares the stacks of two reports of one dump, frame by frame.
//
// Threads belong together by their ids, since walkers leave out different ones.
// Within a thread, frames belong together by their addresses: the longest common
// subsequence of both stacks. So one frame that only one walker found is one
// difference, and not as many as there are frames above it.
import type { Frame, Report, Thread } from "../../stackwalk/report.ts";

/** What of a frame is compared. Offsets follow from addresses. */
export type Field = "module" | "function" | "file" | "line" | "trust" | "inlines";

/** One difference. `frame` counts ours, or theirs where only they have it. */
export type Difference = {
  readonly thread: number;
  readonly frame: number;
  readonly kind: Field | "only-ours" | "only-theirs" | "thread-only-ours" | "thread-only-theirs";
  readonly ours: Frame | null;
  readonly theirs: Frame | null;
  /** Both threads whole, for those who explain it; null where a walker does not have it. */
  readonly threads: { readonly ours: Thread | null; readonly theirs: Thread | null };
};

/** The outcome of one comparison. */
export type Comparison = {
  /** Frames that both walkers found and say the same of. */
  readonly agreed: number;
  /** Frames of either walker, those that belong together counted once. */
  readonly frames: number;
  readonly differences: readonly Difference[];
};

/** Compares all threads. Threads without an id are matched by their position. */
export function compareStacks(ours: Report, theirs: Report): Comparison {
  const differences: Difference[] = [];
  let agreed = 0;
  let frames = 0;
  const left = new Map(theirs.threads.map((thread, i) => [thread.thread_id ?? -1 - i, thread]));
  for (const [i, thread] of ours.threads.entries()) {
    const key = thread.thread_id ?? -1 - i;
    const other = left.get(key);
    left.delete(key);
    if (other === undefined) {
      frames += thread.frames.length;
      differences.push({ thread: i, frame: 0, kind: "thread-only-ours", ours: thread.frames[0] ?? null, theirs: null, threads: { ours: thread, theirs: null } });
      continue;
    }
    const compared = compareThread(i, thread, other);
    agreed += compared.agreed;
    frames += compared.frames;
    differences.push(...compared.differences);
  }
  for (const [, thread] of left) {
    frames += thread.frames.length;
    differences.push({ thread: theirs.threads.indexOf(thread), frame: 0, kind: "thread-only-theirs", ours: null, theirs: thread.frames[0] ?? null, threads: { ours: null, theirs: thread } });
  }
  return { agreed, frames, differences };
}

function compareThread(index: number, ours: Thread, theirs: Thread): Comparison {
  const differences: Difference[] = [];
  const threads = { ours, theirs };
  const pairs = pairFrames(ours.frames, theirs.frames);
  let agreed = 0;
  for (const [a, b] of pairs) {
    const frame = (a ?? b)?.frame ?? 0;
    const kinds: readonly Difference["kind"][] = a === null ? ["only-theirs"] : b === null ? ["only-ours"] : fieldsThatDiffer(a, b);
    if (kinds.length === 0) agreed++;
    for (const kind of kinds) differences.push({ thread: index, frame, kind, ours: a, theirs: b, threads });
  }
  return { agreed, frames: pairs.length, differences };
}

function fieldsThatDiffer(a: Frame, b: Frame): Field[] {
  const fields: Field[] = [];
  for (const field of ["module", "function", "file", "line", "trust"] as const) if (a[field] !== b[field]) fields.push(field);
  if (inlineText(a) !== inlineText(b)) fields.push("inlines");
  return fields;
}

const inlineText = (frame: Frame): string => (frame.inlines ?? []).map((inline) => `${inline.function} ${inline.file} ${inline.line}`).join("\n");

/** Frames that belong together, in the order of both stacks. */
function pairFrames(ours: readonly Frame[], theirs: readonly Frame[]): [Frame | null, Frame | null][] {
  const same = (a: number, b: number): boolean => BigInt(ours[a]!.offset) === BigInt(theirs[b]!.offset);
  let first = 0;
  while (first < ours.length && first < theirs.length && same(first, first)) first++;
  const pairs: [Frame | null, Frame | null][] = Array.from({ length: first }, (_, i) => [ours[i]!, theirs[i]!]);
  // What is left after the common start is short, but for stacks that have nothing in common.
  const rows = ours.length - first + 1;
  const columns = theirs.length - first + 1;
  const longest = new Uint32Array(rows * columns);
  for (let a = rows - 2; a >= 0; a--) {
    for (let b = columns - 2; b >= 0; b--) {
      const at = a * columns + b;
      longest[at] = same(first + a, first + b) ? longest[at + columns + 1]! + 1 : Math.max(longest[at + columns]!, longest[at + 1]!);
    }
  }
  let a = 0;
  let b = 0;
  while (a < rows - 1 || b < columns - 1) {
    if (a < rows - 1 && b < columns - 1 && same(first + a, first + b)) pairs.push([ours[first + a++]!, theirs[first + b++]!]);
    else if (b === columns - 1 || (a < rows - 1 && longest[(a + 1) * columns + b]! >= longest[a * columns + b + 1]!)) pairs.push([ours[first + a++]!, null]);
    else pairs.push([null, theirs[first + b++]!]);
  }
  return pairs;
}
