// Leaf functions of 64-bit Windows: the caller by what is not written down.
//
// Microsoft's tables have a row for every function that touches the stack
// pointer or a register that callees preserve. So a function without a row did
// neither: its return address is where the call left it, on top of the stack or
// in the link register, and every preserved register is the caller's. The rows
// of a module say so as surely as they say the rest, and the trust is theirs.
//
// Only a function that did not call can be one: the innermost frame, or one
// that an exception interrupted. And since copy protections run code that keeps
// no such promise, the return address must stand the test of scanned words
// (return-address.ts); it may also be code that was made at run time, which is
// in no module but in memory that can be run.
import { stripSignature } from "./pointer-authentication.ts";
import { findReturn, refusal } from "./return-address.ts";
import { HIGH, isKnown, keepPreserved, outcome, setNumber, setRegister, valueOf, type Outcome, type Walk } from "./walk-state.ts";

/** Finds the caller of a function that has no unwind row where all functions but leaves have one. */
export function byLeaf(walk: Walk): Outcome {
  const { callee, caller, file } = walk;
  const { symbols } = callee;
  if (walk.plain || !callee.isExact || symbols === null || !symbols.leafWithoutRow || !symbols.hasUnwindRows || !isKnown(callee, file.sp)) return outcome.nothing;
  if (symbols.unwindRow(callee.rva) >= 0) return outcome.nothing;
  const sp = valueOf(callee, file.sp);
  if (!findReturn(walk)) return reject(walk, null, file.lr >= 0 ? "lr is not known" : "rsp points outside the stack");
  const { low, high } = walk;
  const address = low + high * HIGH;
  if (file.lr >= 0 && address === valueOf(callee, file.pc)) return reject(walk, address, "it would return to itself");
  const reason = refusal(walk, low, high);
  if (reason !== "" && !isMadeAtRunTime(walk, address)) return reject(walk, address, reason);
  keepPreserved(walk);
  setRegister(caller, file.pc, low, high);
  setNumber(caller, file.sp, file.lr >= 0 ? sp : sp + file.wordBytes);
  if (file.arch === "arm64") stripSignature(walk, caller, file.fp);
  caller.trust = "cfi";
  caller.technique = "leaf";
  walk.why?.use(file.lr >= 0 ? "pc = lr" : "rip = [rsp], rsp = rsp + 8", null);
  return outcome.found;
}

function reject(walk: Walk, address: number | null, reason: string): Outcome {
  const { callee, file } = walk;
  walk.why?.reject("leaf", file.lr >= 0 ? null : valueOf(callee, file.sp), address, reason);
  return outcome.nothing;
}

function isMadeAtRunTime({ process }: Walk, address: number): boolean {
  return process.modules.find(address - 1) < 0 && (process.addressSpace?.at(address - 1)?.executable ?? false);
}
