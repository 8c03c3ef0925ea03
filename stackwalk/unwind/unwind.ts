// Walks one thread: from the registers of its innermost frame to its root.
//
// A frame is registers, known or not. From each frame the techniques of its
// architecture (architectures.ts) are tried in order, from call frame
// information, which is exact, to scanning, which guesses; the first that
// finds a caller is believed, and how it was found is the frame's trust. Then
// the caller's function is looked up, which scans and STACK WIN records need,
// and the caller becomes the frame whose caller is wanted.
//
// The rules are rust-minidump's, and where they do not hinder them,
// Breakpad's, so that frames can be compared one by one. What is done beyond
// theirs: thread roots end a walk (thread-roots.ts), scanned words must follow
// a call in executable memory (return-address.ts), a call to no code shows its
// caller (called-nowhere.ts), a function of a Windows program that has no
// unwind row is a leaf (leaf.ts), a frame that was interrupted is where it was
// and not behind a call (walk-state.ts), wrong STACK WIN results are mended
// (stack-win.ts), rsi and rdi survive calls on 64-bit Windows
// (walk-state.ts), a frame pointer of zero ends arm64 stacks
// (frame-pointer.ts). `plain` turns all of it off, for comparisons.
//
// Limits: the stack pointer must rise, so the stack's size bounds the frames;
// of arm64's exception to it (a call frame rule may leave the stack pointer and
// change the address) only a few are believed in a row. Frames
// past `maxFrames` are counted; if there are any, the thread is walked again
// to keep a better choice of frames than the first ones (recursion.ts). A
// walk has no other state than the thread's, so the second one is the same.
//
// To add a technique: a function of type Technique in a file of its own, and a
// place in the order of each architecture that it is for. To add an
// architecture: a register file (symbols/registers.ts) and an entry there.
import type { CpuContext, MemoryView } from "../minidump/model.ts";
import { walkings, type Walking } from "./architectures.ts";
import { addressHighWord } from "./pointer-authentication.ts";
import type { ProcessView } from "./process-view.ts";
import { FrameKeeper } from "./frame-keeper.ts";
import { planFrames, type Plan } from "./recursion.ts";
import type { StopReason, ThreadStack } from "./thread-stack.ts";
import { FIRST_PAGE } from "./frame-pointer.ts";
import { canRead, HIGH, newWalk, outcome, valueOf, type FrameState, type Walk } from "./walk-state.ts";
import { WhyLog } from "./why-log.ts";

/** Frames that are counted: 8 MB of stack, which Linux gives a main thread, in frames of 32 bytes. */
const FRAMES_MAX = 262_144;
/** Frames found by scanning; Breakpad's limit. After so many guesses nothing is left to learn. */
const SCANNED_MAX = 16_384;
/** Frames in a row with one stack pointer. Two functions that call before they push anything are rare; rules that go round in circles are not, in hostile files. */
const STILL_MAX = 16;

/** How a thread is walked. */
export type WalkOptions = {
  /** Frames that are kept of one thread. */
  readonly maxFrames: number;
  /** Whether each frame says why it is there. */
  readonly why: boolean;
  /** Leaves out what rust-minidump does not do; for comparisons with it. */
  readonly plain?: boolean;
};

/** Walks the stack of a thread, from the registers of its innermost frame. `stack` is what the dump calls the thread's stack; where it does not hold the stack pointer, memory that does is taken. */
export function walkThread(process: ProcessView, context: CpuContext, stack: MemoryView | null, options: WalkOptions): ThreadStack {
  const first = walkFrames(process, context, stack, options, null);
  if (first.total <= options.maxFrames) return first.stack();
  const plan = planFrames(first.addresses, first.total, options.maxFrames);
  return walkFrames(process, context, stack, options, plan).stack();
}

function walkFrames(process: ProcessView, context: CpuContext, stack: MemoryView | null, options: WalkOptions, plan: Plan | null): FrameKeeper {
  const why = options.why ? new WhyLog() : null;
  const walk = newWalk(process, chooseStack(process, context, stack), addressHighWord(process), options.plain === true, why);
  const walking = walkings[process.arch];
  const { callee } = walk;
  callee.words.set(context.words.subarray(0, callee.words.length));
  callee.valid = context.valid[0] ?? 0;
  callee.validHigh = context.valid[1] ?? 0;
  callee.isExact = true;
  const keeper = new FrameKeeper(walk, walking.callBytes, options.maxFrames, plan);
  why?.use("the registers that the dump holds", null);
  locate(walk, callee, 0);
  // Frames that can still come; a root lowers it.
  let left = keeper.add(callee);
  let scanned = 0;
  for (;;) {
    const stop = step(walk, walking, left);
    if (stop !== null) {
      keeper.stopped = stop;
      return keeper;
    }
    const { callee: caller } = walk;
    if (caller.trust === "scan") scanned++;
    left = Math.min(left - 1, keeper.add(caller));
    if (keeper.total >= FRAMES_MAX || scanned >= SCANNED_MAX) {
      keeper.stopped = "frame_limit";
      return keeper;
    }
  }
}

/** Makes the caller of `walk.callee` the callee; or says why there is none. */
function step(walk: Walk, { techniques, callBytes, rises }: Walking, left: number): StopReason | null {
  if (left <= 0) return "end_of_stack";
  if (walk.stackSize === 0) return "no_stack_memory";
  walk.caller.isExact = false;
  let found: number = outcome.nothing;
  for (let i = 0; i < techniques.length && found === outcome.nothing; i++) found = techniques[i]!(walk);
  if (found === outcome.end) return "end_of_stack";
  if (found === outcome.nothing) return "no_caller";
  const { callee, caller } = walk;
  const pc = valueOf(caller, walk.file.pc);
  if (pc < FIRST_PAGE) return pc === 0 ? "end_of_stack" : "low_address";
  if (!rises(walk) || !movesOn(walk)) return "stack_pointer_stuck";
  locate(walk, caller, caller.isExact ? 0 : callBytes);
  walk.grandCalleeParameterBytes = callee.parameterBytes;
  walk.callee = caller;
  walk.caller = callee;
  walk.depth++;
  return null;
}

/** Counts callers that have their callee's stack pointer; false when there are too many in a row. */
function movesOn(walk: Walk): boolean {
  const { sp } = walk.file;
  walk.still = valueOf(walk.caller, sp) === valueOf(walk.callee, sp) ? walk.still + 1 : 0;
  return walk.still <= STILL_MAX;
}

/** Finds out which instruction a frame is at, and in which module. */
function locate(walk: Walk, frame: FrameState, callBytes: number): void {
  const { process } = walk;
  frame.instruction = valueOf(frame, walk.file.pc) - callBytes;
  frame.moduleIndex = process.modules.find(frame.instruction);
  frame.symbols = frame.moduleIndex < 0 ? null : process.symbols(frame.moduleIndex);
  frame.rva = frame.moduleIndex < 0 ? 0 : frame.instruction - process.modules.base(frame.moduleIndex);
  frame.parameterBytes = 0;
}

/** The thread's stack, or memory that holds its stack pointer where that does not. */
function chooseStack(process: ProcessView, context: CpuContext, stack: MemoryView | null): MemoryView | null {
  const walk = newWalk(process, stack, 0, true, null);
  const { sp } = walk.file;
  const address = context.words[sp * 2]! + context.words[sp * 2 + 1]! * HIGH;
  return canRead(walk, address) ? stack : (process.memory.at(address) ?? stack);
}
