// Frames that a report leaves out of a stack, as text: repeats of a recursion,
// the middle of a stack that is too deep, or its far end.
import type { Thread } from "./report.ts";

/** Lines about the frames left out before the one at `position` of `thread.frames`; at the position after the last, of the far end. None when none is missing. */
export function gapLines(thread: Thread, position: number): string[] {
  const { frames, frame_count: total, recursion } = thread;
  const from = position === 0 ? 0 : frames[position - 1]!.frame + 1;
  const atEnd = position >= frames.length;
  const to = atEnd ? total : frames[position]!.frame;
  if (to <= from) return [];
  if (!recursion) return [leftOut(to - from, atEnd)];
  const { frame: first, cycle, times } = recursion;
  const end = first + cycle * times;
  const run = cycle === 1 ? `frame ${first} repeats ${times} times` : `frames ${first}–${first + cycle - 1} repeat ${times} times`;
  if (from === first + cycle && end <= to) return [`… ${run}`, ...(to > end ? [leftOut(to - end, atEnd)] : [])];
  // The cycle itself was too long to be kept whole.
  return from < end && first < to ? [`${leftOut(to - from, atEnd)}, where ${run}`] : [leftOut(to - from, atEnd)];
}

function leftOut(count: number, atEnd: boolean): string {
  const frames = count === 1 ? "frame" : "frames";
  return atEnd ? `… and ${count} more ${frames}` : `… ${count} ${frames} left out`;
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
