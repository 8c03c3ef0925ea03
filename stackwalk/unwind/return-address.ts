// Whether a word on the stack can be a return address: the strictest test
// there is, for words that nothing but chance may have put there.
//
// As in rust-minidump it must point into a module, and if that has symbols,
// into something that they name; the byte before it is looked at, since a call
// that never returns may be the last instruction of its function. Beyond that
// it must point into executable memory and behind a call, where the dump
// tells, and where functions without unwind row are leaves, which call nobody,
// it must have a row.
import { CALL_BYTES, endsWithCall } from "./call-instruction.ts";
import { isCanonical, isPlausibleArm64 } from "./frame-pointer.ts";
import { HIGH, isKnown, readWord, valueOf, type Walk } from "./walk-state.ts";

/** Refusals of words that only the dump's memory speaks against: the peers take such a word for a frame. */
export const notExecutable = "the memory is not executable";
/** See `notExecutable`. */
export const notAfterCall = "no call is before it";

/** See `notExecutable`: the address is in a leaf function. */
export const calledByLeaf = "a function without unwind row calls nobody";

/** Finds where a function that saved nothing returns to, on top of the stack or in the link register, and puts it into `walk.low` and `walk.high`; false where neither is known. */
export function findReturn(walk: Walk): boolean {
  const { callee, file } = walk;
  if (file.lr < 0) return readWord(walk, valueOf(callee, file.sp));
  if (!isKnown(callee, file.lr)) return false;
  walk.low = callee.words[file.lr * 2]!;
  walk.high = (callee.words[file.lr * 2 + 1]! & walk.addressHigh) >>> 0;
  return true;
}

/** Why a word is no return address; "" when it can be one. Sentences of a fixed list. */
export function refusal(walk: Walk, low: number, high: number): string {
  const { process } = walk;
  const address = low + high * HIGH;
  const call = address - 1;
  // Most words of a stack end here.
  if (call < process.modules.lowest || call >= process.modules.highest) return "it is in no module";
  if (process.arch === "amd64" && !isCanonical(high)) return "it is not canonical";
  if (process.arch === "arm64" && !isPlausibleArm64(address)) return "it is no address of user code";
  if (call <= 0) return "it is zero";
  const moduleIndex = process.modules.find(call);
  if (moduleIndex < 0) return "it is in no module";
  const symbols = process.symbols(moduleIndex);
  if (symbols !== null) {
    const rva = call - process.modules.base(moduleIndex);
    if (walk.plain || symbols.hasNames) {
      if (!symbols.hasName(rva)) return "no symbol has the address";
    } else if (symbols.hasUnwindRows && symbols.unwindRow(rva) < 0) return "no unwind row has the address";
    if (!walk.plain && symbols.leafWithoutRow && symbols.hasUnwindRows && symbols.unwindRow(rva) < 0) return calledByLeaf;
  }
  return walk.plain ? "" : contradiction(walk, address);
}

/** What the dump's memory says against an address that symbols have nothing against; "" when nothing. */
function contradiction(walk: Walk, address: number): string {
  const { process } = walk;
  const range = process.addressSpace?.at(address - 1) ?? null;
  if (range !== null && !range.executable) return notExecutable;
  const code = address - (process.arch === "arm" ? address % 2 : 0);
  const bytes = process.code(code - CALL_BYTES, CALL_BYTES);
  if (bytes !== null && bytes.length === CALL_BYTES && !endsWithCall(process.arch, bytes, address)) return notAfterCall;
  return "";
}
