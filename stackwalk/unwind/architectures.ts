// What differs between processors: the techniques in their order, how far
// before a return address its call is, and when a caller is no caller.
import type { Arch } from "../../symbols/registers.ts";
import { byCalledNowhere } from "./called-nowhere.ts";
import { byCfi } from "./cfi.ts";
import { byFramePointerAmd64, byFramePointerArm, byFramePointerArm64, byFramePointerX86 } from "./frame-pointer.ts";
import { byLeaf } from "./leaf.ts";
import { byScan } from "./scan.ts";
import { byStackWin } from "./stack-win.ts";
import { valueOf, type Outcome, type Walk } from "./walk-state.ts";

/** A way to find the caller of `walk.callee`: fills `walk.caller` when it finds one. */
export type Technique = (walk: Walk) => Outcome;

/** How one architecture is walked. */
export type Walking = {
  /** From the surest to the least sure; the first that finds something is believed. */
  readonly techniques: readonly Technique[];
  /** Bytes that are taken from a return address to be inside the call: into its last byte on x86 and amd64, its last halfword or word elsewhere. */
  readonly callBytes: number;
  /** Whether `walk.caller` gets the walk further up the stack. */
  rises(walk: Walk): boolean;
};

const stackPointers = (walk: Walk): number => valueOf(walk.caller, walk.file.sp) - valueOf(walk.callee, walk.file.sp);

const intelRises = (walk: Walk): boolean => stackPointers(walk) > 0;

/** How each architecture is walked. */
export const walkings: { readonly [arch in Arch]: Walking } = {
  x86: { techniques: [byStackWin, byCfi, byCalledNowhere, byFramePointerX86, byScan], callBytes: 1, rises: intelRises },
  amd64: { techniques: [byCfi, byLeaf, byCalledNowhere, byFramePointerAmd64, byScan], callBytes: 1, rises: intelRises },
  arm: {
    techniques: [byCfi, byCalledNowhere, byFramePointerArm, byScan],
    callBytes: 2,
    // A leaf function need not touch the stack, so the first step may leave it.
    rises: (walk) => stackPointers(walk) > 0 || (stackPointers(walk) === 0 && walk.callee.isExact),
  },
  arm64: {
    techniques: [byCfi, byLeaf, byCalledNowhere, byFramePointerArm64, byScan],
    callBytes: 4,
    // The same, and at a function's entry nothing was pushed yet; the changed address keeps it from going on for ever.
    rises: (walk) => {
      const rise = stackPointers(walk);
      if (rise !== 0) return rise > 0;
      const { callee, caller, file } = walk;
      return (callee.isExact || caller.trust === "cfi") && valueOf(caller, file.pc) !== valueOf(callee, file.pc);
    },
  },
};
