// Frame pointers: the caller by the chain of saved frame pointers, where
// compilers keep one. The return address lies one word above the place that
// the frame pointer points to.
//
// Each processor believes the chain to a different degree, as Breakpad and
// rust-minidump do:
// - x86 believes all that can be read; more checks only make scans start in
//   stacks that are over.
// - amd64 has lost its frame pointers in most code, so a link of the chain
//   must be well-ordered, inside the stack and its address canonical.
// - arm has a chain on iOS only, in r7 and not in r11 as elsewhere.
// - arm64 has one everywhere. A frame pointer of zero is how the outermost
//   frame looks (AAPCS64); what rust-minidump scans for beyond it is junk. Only
//   a frame that did not call, the innermost or an interrupted one, may have a
//   zero there because its code has no frame.
import { stripSignature } from "./pointer-authentication.ts";
import { canRead, clearCaller, HIGH, isKnown, outcome, readWord, setNumber, setRegister, valueOf, type Outcome, type Walk } from "./walk-state.ts";

/** No code is below this address: the first page is never mapped. */
export const FIRST_PAGE = 4096;
/** Register 7 of 32-bit ARM, the frame pointer on iOS. */
const R7 = 7;

function reject(walk: Walk, at: number | null, address: number | null, reason: string): Outcome {
  walk.why?.reject("frame_pointer", at, address, reason);
  return outcome.nothing;
}

function found(walk: Walk, rule: string): Outcome {
  walk.caller.trust = "frame_pointer";
  walk.caller.technique = "frame_pointer";
  walk.why?.use(rule, null);
  return outcome.found;
}

/** Reads frame pointer and return address at `base` into `walk.caller`; false when they cannot be read. */
function readRecord(walk: Walk, base: number, frameRegister: number): boolean {
  const { caller, file } = walk;
  clearCaller(walk);
  if (!readWord(walk, base + file.wordBytes)) return false;
  setRegister(caller, file.pc, walk.low, walk.high);
  if (!readWord(walk, base)) return false;
  setRegister(caller, frameRegister, walk.low, walk.high);
  setNumber(caller, file.sp, base + file.wordBytes * 2);
  return true;
}

/** Finds the caller of x86 code by ebp. */
export function byFramePointerX86(walk: Walk): Outcome {
  const { callee, file } = walk;
  if (!isKnown(callee, file.fp)) return reject(walk, null, null, "ebp is not known");
  const base = valueOf(callee, file.fp);
  if (!readRecord(walk, base, file.fp)) return reject(walk, base, null, "ebp points outside the stack");
  return found(walk, "eip = [ebp + 4], esp = ebp + 8, ebp = [ebp]");
}

/** Finds the caller of amd64 code by rbp. Functions of Windows may point it up to 240 bytes into their frame, in steps of 16, so there each step is tried. */
export function byFramePointerAmd64(walk: Walk): Outcome {
  const { callee, caller, file, process } = walk;
  if (!isKnown(callee, file.fp) || !isKnown(callee, file.sp)) return reject(walk, null, null, "rbp is not known");
  const start = valueOf(callee, file.fp);
  const lastSp = valueOf(callee, file.sp);
  const steps = process.os === "windows" ? 16 : 1;
  for (let step = 0; step < steps; step++) {
    const base = start + step * 16;
    if (!readRecord(walk, base, file.fp)) return reject(walk, base, null, "rbp points outside the stack");
    const sp = base + 16;
    const bp = valueOf(caller, file.fp);
    if (bp < sp) {
      reject(walk, base, valueOf(caller, file.pc), "the saved rbp is below its own frame");
      continue;
    }
    if (!canRead(walk, bp)) return reject(walk, base, valueOf(caller, file.pc), "the saved rbp points outside the stack");
    if (!isCanonical(caller.words[file.pc * 2 + 1]!)) {
      reject(walk, base, valueOf(caller, file.pc), "the return address is not canonical");
      continue;
    }
    if (sp <= lastSp || !canRead(walk, sp)) {
      reject(walk, base, valueOf(caller, file.pc), "the stack pointer does not rise inside the stack");
      continue;
    }
    // Windows' convention has no frame pointer, so what rbp points to ends no stack.
    if (!walk.plain && process.os === "windows" && valueOf(caller, file.pc) < FIRST_PAGE) {
      reject(walk, base, valueOf(caller, file.pc), "the return address is in the first page");
      continue;
    }
    return found(walk, walk.why === null ? "" : recordRule(step * 16));
  }
  return outcome.nothing;
}

function recordRule(offset: number): string {
  const plus = (more: number): string => (offset + more === 0 ? "rbp" : `rbp + ${offset + more}`);
  return `rip = [${plus(8)}], rsp = ${plus(16)}, rbp = [${plus(0)}]`;
}

/** Whether the high word of an address copies bit 47 into all bits above it, as four-level page tables demand. */
export function isCanonical(high: number): boolean {
  return high < 0x8000 || high >= 0xffff_8000;
}

/** Finds the caller of 32-bit ARM code by r7, on iOS. */
export function byFramePointerArm(walk: Walk): Outcome {
  const { callee, file } = walk;
  if (walk.process.os !== "ios") return outcome.nothing;
  if (!isKnown(callee, R7) || !isKnown(callee, file.sp)) return reject(walk, null, null, "r7 is not known");
  const base = valueOf(callee, R7);
  if (base === 0) return outcome.end;
  if (!readRecord(walk, base, R7)) return reject(walk, base, null, "r7 points outside the stack");
  return found(walk, "pc = [r7 + 4], sp = r7 + 8, r7 = [r7]");
}

/** Finds the caller of arm64 code by x29. */
export function byFramePointerArm64(walk: Walk): Outcome {
  const { callee, caller, file } = walk;
  if (!isKnown(callee, file.fp) || !isKnown(callee, file.sp)) return reject(walk, null, null, "fp is not known");
  const base = valueOf(callee, file.fp);
  const mayEnd = !walk.plain && !callee.isExact;
  if (base === 0) return mayEnd ? outcome.end : reject(walk, null, null, "fp is zero");
  if (!readRecord(walk, base, file.fp)) return reject(walk, base, null, "fp points outside the stack");
  stripSignature(walk, caller, file.fp);
  stripSignature(walk, caller, file.pc);
  const pc = valueOf(caller, file.pc);
  if (mayEnd && pc === 0 && valueOf(caller, file.fp) === 0) return outcome.end;
  if (!isPlausibleArm64(pc)) return reject(walk, base, pc, "the return address is no address of user code");
  // The caller's own record holds the link register that the caller was entered with.
  const callerFp = valueOf(caller, file.fp);
  if (callerFp !== 0 && readWord(walk, callerFp + 8)) {
    setRegister(caller, file.lr, walk.low, walk.high);
    stripSignature(walk, caller, file.lr);
  }
  return found(walk, "pc = [fp + 8], sp = fp + 16, fp = [fp], lr = [[fp] + 8]");
}

/** Whether an address can be user code of arm64: not in the first page, and below 2^52. */
export function isPlausibleArm64(address: number): boolean {
  return address >= 0x1000 && address < 0x10_0000 * HIGH;
}
