// Which frames of a stack that is too deep are kept.
//
// A stack overflows by recursion, as a rule: its top shows where it ended, one
// cycle shows what recursed, and the far end shows who began it. So the
// longest run that repeats itself is cut down to its first cycle. Where none
// repeats, or what is left is still too much, the middle is left out.
import type { ThreadStack } from "./thread-stack.ts";

/** Longest cycle that is looked for, in frames. */
const CYCLE_MAX = 512;
/** Lengths that are tried: those that most often lie between two visits of one address. */
const CANDIDATES = 8;
/** Frames of the far end that stay in any case, as a share of all that stay. */
const TAIL_SHARE = 8;

/** Positions of frames that stay: all below `head`, and all from `tail` on. */
export type Plan = { readonly head: number; readonly tail: number; readonly recursion: ThreadStack["recursion"] };

/** Chooses what stays of a stack by the addresses of its frames, so that it is at most `max` frames. */
export function planFrames(addresses: Float64Array, count: number, max: number): Plan {
  if (count <= max) return { head: count, tail: count, recursion: null };
  const run = longestRun(addresses, count);
  if (run === null) return cut(count, count, count, max, null);
  const { start, cycle, times } = run;
  return cut(count, start + cycle, start + cycle * times, max, { frame: start, cycle, times });
}

function cut(count: number, head: number, tail: number, max: number, recursion: ThreadStack["recursion"]): Plan {
  const share = Math.floor(max / TAIL_SHARE);
  const below = count - tail;
  if (head + below <= max) return { head, tail, recursion };
  // Half the budget may go to either side that needs it, but the far end gets its share at least.
  const kept = Math.max(Math.min(below, max - head), Math.min(share, count));
  return { head: Math.min(head, max - kept), tail: count - kept, recursion };
}

/** The run of a repeated cycle that covers most frames; null when none occurs three times. */
function longestRun(addresses: Float64Array, count: number): { start: number; cycle: number; times: number } | null {
  let best: { start: number; cycle: number; times: number } | null = null;
  for (const cycle of likelyCycles(addresses, count)) {
    let start = 0;
    for (let at = cycle; at <= count; at++) {
      if (at < count && addresses[at] === addresses[at - cycle]) continue;
      const times = Math.floor((at - start) / cycle);
      if (times >= 3 && (best === null || times * cycle > best.times * best.cycle + best.cycle)) best = { start, cycle, times };
      start = at - cycle + 1;
    }
  }
  return best;
}

function likelyCycles(addresses: Float64Array, count: number): number[] {
  const lastAt = new Map<number, number>();
  const gaps = new Uint32Array(CYCLE_MAX + 1);
  for (let at = 0; at < count; at++) {
    const address = addresses[at]!;
    const gap = at - (lastAt.get(address) ?? -CYCLE_MAX - 1);
    if (gap <= CYCLE_MAX) gaps[gap]!++;
    lastAt.set(address, at);
  }
  const lengths = Array.from({ length: CYCLE_MAX }, (_, i) => i + 1).filter((length) => gaps[length]! > 1);
  lengths.sort((a, b) => gaps[b]! - gaps[a]! || a - b);
  return lengths.slice(0, CANDIDATES).sort((a, b) => a - b);
}
