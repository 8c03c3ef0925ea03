// What a walk gives back: the frames of one thread.
import { registerFiles, type Arch } from "../../symbols/registers.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import type { Trust } from "../report.ts";

/** Why a walk ended. */
export type StopReason =
  /** The outermost frame: a thread's root function, a rule that says so, a frame pointer or return address of zero. */
  | "end_of_stack"
  /** The dump has no stack memory for the thread, so only its registers are known. */
  | "no_stack_memory"
  /** No technique found a caller. */
  | "no_caller"
  /** The caller's address lies in the first page, where no code is. */
  | "low_address"
  /** The caller's stack pointer is not above its callee's, so the walk would not get anywhere. */
  | "stack_pointer_stuck"
  /** More frames than a stack can be expected to have; those found are counted. */
  | "frame_limit";

/** A way to find a caller. */
export type TechniqueName = "context" | "stack_win" | "stack_win_scan" | "cfi" | "leaf" | "frame_pointer" | "called_nowhere" | "scan";

/** A caller that was considered and not taken. */
export type Rejection = {
  readonly technique: TechniqueName;
  /** Where on the stack it was read; null when the technique read nothing. */
  readonly at: number | null;
  /** The return address that was rejected; null when there was none. */
  readonly address: number | null;
  /** One of a fixed list of sentences. */
  readonly reason: string;
};

/** Why a frame is in the stack. */
export type FrameWhy = {
  readonly technique: TechniqueName;
  /** What was computed, such as `cfa = rsp + 16, ra = [cfa - 8]`. */
  readonly rule: string;
  /** First address, relative to the callee's module, of the symbol record that holds the rule; null when it is from none. */
  readonly row: number | null;
  /** What was considered before it; the first few. */
  readonly rejected: readonly Rejection[];
  /** How many more were rejected than `rejected` holds. */
  readonly rejectedMore: number;
};

/** One physical frame. */
export type WalkedFrame = {
  /** Position in the thread; 0 is the innermost. Frames that were left out have positions too. */
  readonly index: number;
  readonly trust: Trust;
  /** Address of the instruction: the program counter of the innermost frame and of interrupted ones, else an address inside the call. Rounded above 2^53. */
  readonly instruction: number;
  /** Low and high word of `instruction`. */
  readonly low: number;
  readonly high: number;
  /** Index of the module in the dump's list; -1 when none holds the address. */
  readonly moduleIndex: number;
  /** Whether the module has symbols; false without module. */
  readonly hasSymbols: boolean;
  /** Null when no symbol has the address. */
  readonly place: SourcePlace | null;
  /** Null unless it was asked for. */
  readonly why: FrameWhy | null;
};

/** The stack of one thread. */
export type ThreadStack = {
  readonly arch: Arch;
  /** Frames that were kept, innermost first. */
  readonly frames: readonly WalkedFrame[];
  /** Frames that were found. */
  readonly total: number;
  /** A run of frames that repeats, whose repeats were left out: index of its first frame, frames of one cycle, and how often it occurs. Null unless frames had to be left out. */
  readonly recursion: { readonly frame: number; readonly cycle: number; readonly times: number } | null;
  readonly stopped: StopReason;
  /** Registers of all frames; read it with `frameRegister`. */
  readonly registers: Uint32Array;
};

/** Words that one frame takes in `ThreadStack.registers`: low and high of each register, then two words of validity bits. */
export function registerStride(arch: Arch): number {
  return registerFiles[arch].names.length * 2 + 2;
}

/** Low and high word of a register in the frame at `position` of `stack.frames`; null when it is not known there. */
export function frameRegister(stack: ThreadStack, position: number, register: number): { readonly low: number; readonly high: number } | null {
  const stride = registerStride(stack.arch);
  const at = position * stride;
  const validity = stack.registers[at + stride - 2 + (register >>> 5)] ?? 0;
  if (((validity >>> (register & 31)) & 1) === 0) return null;
  return { low: stack.registers[at + register * 2]!, high: stack.registers[at + register * 2 + 1]! };
}
