// Pointer authentication of arm64: return addresses, frame pointers and the
// link register may carry a signature in their high bits, and which bits
// those are is not written down in the dump.
//
// As rust-minidump does it: an address needs 47 bits (Apple's split), or as
// many as the highest module needs; all above is signature.
import { isKnown, type FrameState, type Walk } from "./walk-state.ts";
import type { ProcessView } from "./process-view.ts";

/** The part of an address's high word that is no signature. */
export function addressHighWord(process: ProcessView): number {
  if (process.arch !== "arm64") return 0xffff_ffff;
  let bits = 47;
  while (bits < 64 && 2 ** bits < process.modules.highest) bits++;
  return bits === 64 ? 0xffff_ffff : 2 ** (bits - 32) - 1;
}

/** Takes the signature off a register, if its value is known. */
export function stripSignature(walk: Walk, frame: FrameState, register: number): void {
  if (isKnown(frame, register)) frame.words[register * 2 + 1]! &= walk.addressHigh;
}
