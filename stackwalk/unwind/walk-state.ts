// The state of one thread's walk: the frame whose caller is wanted (`callee`),
// the caller that a technique fills (`caller`), and the stack.
//
// Registers are two 32-bit words each, because a register can hold anything
// and a JS number cannot. A value is taken for an address by making it a
// number; above 2^53 that rounds, which does not matter: no stack, module or
// code is up there, so every look-up of such a number fails.
import { registerFiles, type RegisterFile } from "../../symbols/registers.ts";
import type { ModuleSymbols } from "../../symbols/cache/module-symbols.ts";
import type { MemoryView } from "../minidump/model.ts";
import type { Trust } from "../report.ts";
import type { ProcessView } from "./process-view.ts";
import type { TechniqueName } from "./thread-stack.ts";
import type { WhyLog } from "./why-log.ts";

/** Weight of a register's high word. */
export const HIGH = 4_294_967_296;

/** One frame while it is worked on. Reused from frame to frame. */
export type FrameState = {
  /** Low and high word of each register. */
  readonly words: Uint32Array;
  /** Bits of registers 0 to 31 whose values are known. */
  valid: number;
  /** The same from register 32. */
  validHigh: number;
  trust: Trust;
  technique: TechniqueName;
  /** True where the program counter is the instruction that runs next: in the innermost frame, and in one that was interrupted by a signal or an exception. Elsewhere it is where a call returns to. */
  isExact: boolean;
  /** See WalkedFrame.instruction. */
  instruction: number;
  /** -1 when no module holds it. */
  moduleIndex: number;
  symbols: ModuleSymbols | null;
  /** `instruction` relative to the module's base; 0 without module. */
  rva: number;
  /** Bytes of stack parameters that its function takes. x86 only. */
  parameterBytes: number;
};

/** What a technique found. */
export const outcome = {
  /** No caller; the next technique may find one. */
  nothing: 0,
  /** `walk.caller` holds the caller. */
  found: 1,
  /** There is no caller: this frame is the outermost. */
  end: 2,
} as const;

/** See `outcome`. */
export type Outcome = (typeof outcome)[keyof typeof outcome];

/** The state of one thread's walk. */
export type Walk = {
  readonly process: ProcessView;
  readonly file: RegisterFile;
  /** Two words a register, or the high ones are always 0. */
  readonly wide: boolean;
  /** Bits of the registers that a callee preserves. */
  readonly preserved: number;
  /** Part of an address's high word that is not a signature (pointer authentication); all ones elsewhere. */
  readonly addressHigh: number;
  /** True when only what rust-minidump does is done. */
  readonly plain: boolean;
  readonly stack: DataView;
  readonly stackBase: number;
  readonly stackSize: number;
  readonly little: boolean;
  callee: FrameState;
  caller: FrameState;
  /** Index of `callee` in the thread. */
  depth: number;
  /** Frames in a row, up to `callee`, that have one stack pointer. */
  still: number;
  /** Bytes of stack parameters of the frame that `callee` called; 0 for the innermost. */
  grandCalleeParameterBytes: number;
  /** Bits of callee registers that rules may read: `callee.valid`, less those that one rule must not trust. */
  readable: number;
  /** Result of the last `readWord` or `evaluate`. */
  low: number;
  high: number;
  readonly why: WhyLog | null;
};

const newFrame = (registers: number): FrameState => ({
  words: new Uint32Array(registers * 2),
  valid: 0,
  validHigh: 0,
  trust: "context",
  technique: "context",
  isExact: false,
  instruction: 0,
  moduleIndex: -1,
  symbols: null,
  rva: 0,
  parameterBytes: 0,
});

const noStack = new DataView(new ArrayBuffer(0));
const RDI_RSI = (1 << 4) | (1 << 5);

/** A walk that stands before its first frame. Without a stack nothing can be read. */
export function newWalk(process: ProcessView, stack: MemoryView | null, addressHigh: number, plain: boolean, why: WhyLog | null): Walk {
  const file = registerFiles[process.arch];
  let preserved = 0;
  for (const register of file.calleeSaved) preserved |= 1 << register;
  // Windows' convention for amd64 preserves two more; rust-minidump loses them.
  if (process.arch === "amd64" && process.os === "windows" && !plain) preserved |= RDI_RSI;
  return {
    process,
    file,
    wide: file.wordBytes === 8,
    preserved,
    addressHigh,
    plain,
    stack: stack?.view ?? noStack,
    stackBase: stack?.base ?? 0,
    stackSize: stack === null ? 0 : Math.min(stack.size, stack.view.byteLength),
    little: stack?.little ?? true,
    callee: newFrame(file.names.length),
    caller: newFrame(file.names.length),
    depth: 0,
    still: 0,
    grandCalleeParameterBytes: 0,
    readable: 0,
    low: 0,
    high: 0,
    why,
  };
}

/** Whether a register's value is known in a frame. */
export function isKnown(frame: FrameState, register: number): boolean {
  return register < 32 ? ((frame.valid >>> register) & 1) === 1 : ((frame.validHigh >>> (register - 32)) & 1) === 1;
}

/** A register as a number, rounded above 2^53, known or not. */
export function valueOf(frame: FrameState, register: number): number {
  return frame.words[register * 2]! + frame.words[register * 2 + 1]! * HIGH;
}

/** Gives a register a known value. */
export function setRegister(frame: FrameState, register: number, low: number, high: number): void {
  frame.words[register * 2] = low;
  frame.words[register * 2 + 1] = high;
  if (register < 32) frame.valid |= 1 << register;
  else frame.validHigh |= 1 << (register - 32);
}

/** Gives a register a known value below 2^53. */
export function setNumber(frame: FrameState, register: number, value: number): void {
  const high = Math.floor(value / HIGH);
  setRegister(frame, register, value - high * HIGH, high);
}

/** Makes `walk.caller` a frame of which nothing is known. */
export function clearCaller(walk: Walk): void {
  walk.caller.valid = 0;
  walk.caller.validHigh = 0;
}

/** Makes `walk.caller` a frame of which only those registers are known that callees preserve, with the callee's values. */
export function keepPreserved(walk: Walk): void {
  const { callee, caller } = walk;
  const kept = callee.valid & walk.preserved;
  caller.valid = kept;
  caller.validHigh = 0;
  for (let bits = kept; bits !== 0; bits &= bits - 1) {
    const register = 31 - Math.clz32(bits & -bits);
    caller.words[register * 2] = callee.words[register * 2]!;
    caller.words[register * 2 + 1] = callee.words[register * 2 + 1]!;
  }
}

/** Whether a word of the stack can be read at an address. */
export function canRead(walk: Walk, address: number): boolean {
  const offset = address - walk.stackBase;
  return offset >= 0 && offset + walk.file.wordBytes <= walk.stackSize;
}

/** Reads a word of the stack into `walk.low` and `walk.high`; false where none can be read. */
export function readWord(walk: Walk, address: number): boolean {
  const offset = address - walk.stackBase;
  if (!(offset >= 0 && offset + walk.file.wordBytes <= walk.stackSize)) return false;
  const { stack, little } = walk;
  if (!walk.wide) {
    walk.low = stack.getUint32(offset, little);
    walk.high = 0;
  } else if (little) {
    walk.low = stack.getUint32(offset, true);
    walk.high = stack.getUint32(offset + 4, true);
  } else {
    walk.high = stack.getUint32(offset, false);
    walk.low = stack.getUint32(offset + 4, false);
  }
  return true;
}
