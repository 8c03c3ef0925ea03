// STACK WIN records: how 32-bit Windows code sets up its frames, as Microsoft's
// compilers write it into PDBs. Before call frame information, because where
// both exist this is the compiler's own word.
//
// A record is a program (it computes the caller's registers from the callee's
// and the sizes of the frame's parts) or the fixed rules for a function that
// omits its frame pointer (FPO). The caller pushed the parameters of the
// function that this frame called, so their size, which is that function's
// fact, is part of the frame.
//
// Registers that a record does not speak of are those that callees preserve.
//
// LLVM counts those parameters among the locals where it stores them into room
// that the prolog made, and not where it pushes them; its records do not say
// which. Of the two places the one that holds a return address is the right one.
//
// A return address that the record puts outside every module is wrong (a
// stack that was aligned, a frame that was skipped), which rust-minidump
// believes. Breakpad looks on; so does this walk, and says trust `cfi_scan`:
// 1. up to three words above the place that the record names,
// 2. after that as a scan does, and then the saved ebp is searched in the
//    area of saved registers.
import { winVariable } from "../../symbols/cache/unwind-rule.ts";
import type { WinFrame } from "../../symbols/cache/module-symbols.ts";
import { runProgram, VARIABLES, type Variables } from "./expression.ts";
import { refusal } from "./return-address.ts";
import { scanFor } from "./scan.ts";
import { canRead, isKnown, keepPreserved, outcome, readWord, setRegister, valueOf, type Outcome, type Walk } from "./walk-state.ts";

const ESP = 4;
const EBP = 5;
const EBX = 3;
const EIP = 8;

/** Words above the place of a return address that Breakpad looks through, for stacks aligned to 8 or 16 bytes. */
const ALIGNMENT_WORDS = 3;
/** As in scan.ts. */
const SCAN_WORDS = 40;
/** Bytes of saved registers that are searched for ebp; a function saves four registers at most. */
const SAVED_BYTES_MAX = 256;

/** Variables of a program, and the registers they end in. */
const outputs: readonly (readonly [variable: number, register: number])[] = [
  [winVariable.eip, EIP],
  [winVariable.esp, ESP],
  [winVariable.ebp, EBP],
  [winVariable.ebx, EBX],
  [winVariable.esi, 6],
  [winVariable.edi, 7],
];

// One program runs at a time and none can start another.
const variables: Variables = { values: new Uint32Array(VARIABLES), isSet: new Uint8Array(VARIABLES) };

/** Finds the caller by the STACK WIN record of the callee. */
export function byStackWin(walk: Walk): Outcome {
  const { callee } = walk;
  const record = callee.symbols?.winFrame(callee.rva) ?? null;
  if (record === null) return outcome.nothing;
  // A function that uses ebp for something else has saved its caller's, so what it holds does not matter.
  const needsEbp = record.kind === "program" || !record.allocatesBasePointer;
  if (!isKnown(callee, ESP) || (needsEbp && !isKnown(callee, EBP))) return reject(walk, "esp or ebp is not known");
  walk.readable = callee.valid;
  const searchStart = returnAddressAt(walk, record);
  if (!compute(walk, record, searchStart)) return reject(walk, record.kind === "fpo" ? "the frame lies outside the stack" : "the program fails");
  walk.caller.trust = "cfi";
  walk.caller.technique = "stack_win";
  if (!walk.plain) mend(walk, record, searchStart);
  if (walk.why !== null) walk.why.use(recordText(walk, record, searchStart), record.start);
  return outcome.found;
}

function reject(walk: Walk, reason: string): Outcome {
  walk.why?.reject("stack_win", null, null, reason);
  return outcome.nothing;
}

/** Where a record says that the return address is. */
function returnAddressAt(walk: Walk, record: WinFrame): number {
  // An aligned esp no longer tells where the frame began; ebp points below the return address then.
  if (record.programAligns) return valueOf(walk.callee, EBP) + 4;
  const pushed = walk.grandCalleeParameterBytes;
  const stored = valueOf(walk.callee, ESP) + record.localBytes + record.savedRegisterBytes;
  const isStored = !walk.plain && pushed > 0 && record.kind === "program" && !holdsReturn(walk, stored + pushed) && holdsReturn(walk, stored);
  return isStored ? stored : stored + pushed;
}

function holdsReturn(walk: Walk, at: number): boolean {
  return readWord(walk, at) && refusal(walk, walk.low, walk.high) === "";
}

function compute(walk: Walk, record: WinFrame, searchStart: number): boolean {
  return record.kind === "fpo" ? omitFramePointer(walk, record, searchStart) : program(walk, record, searchStart);
}

function program(walk: Walk, record: WinFrame, searchStart: number): boolean {
  const { callee, caller } = walk;
  const { values, isSet } = variables;
  if (callee.symbols === null || record.program < 0 || searchStart > 0xffff_ffff) return false;
  isSet.fill(0);
  const set = (variable: number, value: number): void => {
    values[variable] = value;
    isSet[variable] = 1;
  };
  set(winVariable.esp, valueOf(callee, ESP));
  set(winVariable.ebp, valueOf(callee, EBP));
  if (isKnown(callee, EBX)) set(winVariable.ebx, valueOf(callee, EBX));
  set(winVariable.cbParams, record.parameterBytes);
  set(winVariable.cbCalleeParams, walk.grandCalleeParameterBytes);
  set(winVariable.cbSavedRegs, record.savedRegisterBytes);
  set(winVariable.cbLocals, record.localBytes);
  set(winVariable.raSearch, searchStart);
  set(winVariable.raSearchStart, searchStart);
  if (!runProgram(walk, callee.symbols.expressions, record.program, variables)) return false;
  if (isSet[winVariable.eip] === 0 || isSet[winVariable.esp] === 0) return false;
  keepPreserved(walk);
  for (const [variable, register] of outputs) {
    if (isSet[variable] === 1) setRegister(caller, register, values[variable]!, 0);
    // What was given to the program and is gone was forgotten on purpose.
    else if (register === EBP || register === EBX) caller.valid &= ~(1 << register);
  }
  return true;
}

function omitFramePointer(walk: Walk, record: WinFrame, searchStart: number): boolean {
  const { callee, caller } = walk;
  let at = searchStart;
  if (!readWord(walk, at)) return false;
  // A system call without frame pointer may leave its own return address on the stack.
  if (walk.depth === 0 && walk.low === callee.words[EIP * 2]!) {
    at += 4;
    if (!readWord(walk, at)) return false;
  }
  const eip = walk.low;
  let ebp = callee.words[EBP * 2]!;
  if (record.allocatesBasePointer) {
    if (!readWord(walk, valueOf(callee, ESP) + walk.grandCalleeParameterBytes + record.savedRegisterBytes - 8)) return false;
    ebp = walk.low;
  }
  keepPreserved(walk);
  setRegister(caller, EIP, eip, 0);
  setRegister(caller, ESP, at + 4, 0);
  setRegister(caller, EBP, ebp, 0);
  return true;
}

/** Looks for a better return address where the one that was computed is in no module. */
function mend(walk: Walk, record: WinFrame, searchStart: number): void {
  const { caller, process } = walk;
  const eip = valueOf(caller, EIP);
  // Both zero is how the outermost frame looks.
  if (eip === 0 && (!isKnown(caller, EBP) || valueOf(caller, EBP) === 0)) return;
  if (process.modules.find(eip) >= 0) return;
  const near = scanFor(walk, searchStart, ALIGNMENT_WORDS);
  if (near > searchStart && compute(walk, record, near) && refusal(walk, caller.words[EIP * 2]!, 0) === "") {
    caller.trust = "cfi_scan";
    caller.technique = "stack_win_scan";
    return;
  }
  // The second computation may have changed the caller; the first one is what stays.
  if (near > searchStart) compute(walk, record, searchStart);
  caller.trust = "cfi";
  const at = scanFor(walk, searchStart + 4, SCAN_WORDS);
  if (at < 0) return;
  setRegister(caller, EIP, walk.low, 0);
  setRegister(caller, ESP, at + 4, 0);
  caller.trust = "cfi_scan";
  caller.technique = "stack_win_scan";
  searchEbp(walk, record, searchStart, at - searchStart - 4);
}

/** After frames were skipped: takes, from the area of saved registers, the highest word that points into the stack for ebp. */
function searchEbp(walk: Walk, record: WinFrame, searchStart: number, skipped: number): void {
  const { callee, caller } = walk;
  const ebp = valueOf(caller, EBP);
  if (isKnown(caller, EBP) && ebp > searchStart + skipped && canRead(walk, ebp)) return;
  const low = valueOf(callee, ESP) + walk.grandCalleeParameterBytes;
  for (let at = low + Math.min(record.savedRegisterBytes + skipped, SAVED_BYTES_MAX); at >= low; at -= 4) {
    if (!readWord(walk, at)) return;
    if (canRead(walk, walk.low)) {
      setRegister(caller, EBP, walk.low, 0);
      return;
    }
  }
}

function recordText(walk: Walk, record: WinFrame, searchStart: number): string {
  const parameters = walk.grandCalleeParameterBytes;
  const isStored = parameters > 0 && searchStart === valueOf(walk.callee, ESP) + record.localBytes + record.savedRegisterBytes;
  const sizes = `${record.localBytes} bytes of locals, ${record.savedRegisterBytes} of saved registers, ${parameters} of the called function's parameters${isStored ? " among the locals" : ""}`;
  return record.kind === "fpo" ? `no frame pointer: eip above ${sizes}` : `program, with ${sizes}`;
}
