// Frames that a report leaves out of a stack: repeats of a recursion, the
// middle of one that is too deep, its far end. And why a stack ends early.
import type { Thread } from "./report.ts";

/** Sentences about frames that are left out, by the number of the frame below which they would be shown; those of the far end under Infinity. */
export function stackGaps(thread: Thread): ReadonlyMap<number, string> {
  const gaps = new Map<number, string>();
  let from = 0;
  for (const { frame } of thread.frames) {
    if (frame > from) gaps.set(frame, gapText(thread, from, frame));
    from = frame + 1;
  }
  if (thread.frame_count > from) gaps.set(Infinity, gapText(thread, from, thread.frame_count));
  return gaps;
}

function gapText({ recursion, frames }: Thread, from: number, to: number): string {
  const last = frames.at(-1);
  const atEnd = last === undefined || from > last.frame;
  const leftOut = (count: number): string => (atEnd ? `and ${count} more ${count === 1 ? "frame" : "frames"}` : `${count} ${count === 1 ? "frame" : "frames"} left out`);
  if (recursion === undefined) return leftOut(to - from);
  const { frame: first, cycle, times } = recursion;
  const end = first + cycle * times;
  const run = cycle === 1 ? `frame ${first} repeats ${times} times` : `frames ${first}–${first + cycle - 1} repeat ${times} times`;
  if (from === first + cycle && end <= to) return to > end ? `${run}, ${leftOut(to - end)}` : run;
  return from < end && first < to ? `${leftOut(to - from)}, where ${run}` : leftOut(to - from);
}

const ends: { readonly [reason: string]: string } = {
  no_stack_memory: "the dump holds no memory of this stack",
  no_caller: "no caller could be found",
  low_address: "the next return address is no address of code",
  stack_pointer_stuck: "the next frame is not above this one",
  frame_limit: "it is deeper than is followed",
  no_context: "the dump holds no registers of this thread",
  dump_writer: "this thread wrote the dump",
};

/** Why a stack ends where it does not end by itself; null when it does, or it is not known. */
export function earlyEnd({ stopped }: Thread): string | null {
  return stopped === undefined || stopped === "end_of_stack" ? null : (ends[stopped] ?? stopped.replaceAll("_", " "));
}
