// A call through a bad pointer: the innermost frame, or one that an exception
// interrupted, is not in any code, so its function never began, and the return
// address of the call that went astray is still where calls leave it: on top of
// the stack, or in the link register. Frame pointers would skip that caller,
// which is the one function that the engineer wants to see.
//
// It is believed under the strictest test (return-address.ts), only where no
// module has the program counter, and only where there can be no code: in the
// first page, where memory is not executable, or where the crash says that it
// was the access to that very address that failed.
import { FIRST_PAGE } from "./frame-pointer.ts";
import { findReturn, refusal } from "./return-address.ts";
import { stripSignature } from "./pointer-authentication.ts";
import { isKnown, outcome, setNumber, setRegister, valueOf, type Outcome, type Walk } from "./walk-state.ts";

/** Finds the caller that called an address without code. */
export function byCalledNowhere(walk: Walk): Outcome {
  const { callee, caller, file, process } = walk;
  if (walk.plain || !callee.isExact || callee.moduleIndex >= 0 || !isKnown(callee, file.sp)) return outcome.nothing;
  const pc = valueOf(callee, file.pc);
  if (pc >= FIRST_PAGE && pc !== process.faultAddress) {
    // Code made at run time is in no module either; only memory that cannot be run tells the two apart.
    const range = process.addressSpace?.at(pc) ?? null;
    if (process.addressSpace === null || (range !== null && range.executable)) return outcome.nothing;
  }
  const sp = valueOf(callee, file.sp);
  if (!findReturn(walk)) return outcome.nothing;
  const { low, high } = walk;
  const reason = refusal(walk, low, high);
  if (reason !== "") {
    walk.why?.reject("called_nowhere", file.lr >= 0 ? null : sp, null, reason);
    return outcome.nothing;
  }
  // Nothing ran since the call, so every register but these is the caller's.
  caller.words.set(callee.words);
  caller.valid = callee.valid;
  caller.validHigh = callee.validHigh;
  setRegister(caller, file.pc, low, high);
  if (file.lr < 0) setNumber(caller, file.sp, sp + file.wordBytes);
  else if (file.arch === "arm64") stripSignature(walk, caller, file.fp);
  if (file.lr >= 0 && file.lr < 32) caller.valid &= ~(1 << file.lr);
  caller.trust = "scan";
  caller.technique = "called_nowhere";
  walk.why?.use(file.lr >= 0 ? `pc = ${file.names[file.lr]}: the call went to no code` : `${file.names[file.pc]} = [${file.names[file.sp]}]: the call went to no code`, null);
  return outcome.found;
}
