// Tables of differences: which frames of which dump differ, and for which
// reason. A reason is a name in docs/differences.md; a frame is `thread:frame`,
// and runs are written short: `0-13:1` is frame 1 of threads 0 to 13.
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import type { Difference } from "./frame-differences.ts";

/** Reasons by dump, each with its frames. */
export type StackTable = { readonly [dump: string]: { readonly [reason: string]: string } };

/** What makes a difference explained: it, and what the dump says of its address, must be as the reason claims. */
export type Reason = { readonly name: string; readonly fits: (difference: Difference, dump: Minidump) => boolean };

/** Sorts differences by reason, in the spelling of the tables; those without a reason stand one by one. */
export function explain(differences: readonly Difference[], reasons: readonly Reason[], dump: Minidump): { [reason: string]: string } {
  const frames = new Map<string, [number, number][]>();
  for (const difference of differences) {
    const reason = reasons.find(({ fits }) => fits(difference, dump))?.name ?? `unexplained ${describe(difference)}`;
    const known = frames.get(reason) ?? [];
    if (!known.some(([thread, frame]) => thread === difference.thread && frame === difference.frame)) known.push([difference.thread, difference.frame]);
    frames.set(reason, known);
  }
  return Object.fromEntries([...frames].map(([reason, places]) => [reason, shorten(places)]));
}

function describe({ thread, frame, kind, ours, theirs }: Difference): string {
  const text = (one: Difference["ours"]): string => (one === null ? "nothing" : [one.offset, one.trust, one.module, one.function, one.file, one.line].join(" "));
  return `${thread}:${frame} ${kind}: ours ${text(ours)}; theirs ${text(theirs)}`;
}

/** Runs of frames in one thread first, then threads with the same frames. */
function shorten(places: readonly [number, number][]): string {
  const byThread = new Map<number, number[]>();
  for (const [thread, frame] of places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) byThread.set(thread, [...(byThread.get(thread) ?? []), frame]);
  const byFrames = new Map<string, number[]>();
  for (const [thread, list] of byThread) byFrames.set(runs(list), [...(byFrames.get(runs(list)) ?? []), thread]);
  return [...byFrames].map(([list, threads]) => `${runs(threads)}:${list}`).join(" ");
}

function runs(numbers: readonly number[]): string {
  const found: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    let last = i;
    while (numbers[last + 1] === numbers[last]! + 1) last++;
    found.push(last === i ? String(numbers[i]) : `${numbers[i]}-${numbers[last]}`);
    i = last + 1;
  }
  return found.join(",");
}
