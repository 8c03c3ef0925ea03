// Call frame information: the caller by the compiler's own rule, the surest
// technique there is.
//
// The row of the callee's instruction names a rule (unwind-rule.ts). The rule
// gives the CFA, which is the caller's stack pointer, then the return address,
// then saved registers, all from the callee's registers and its stack. As in
// rust-minidump nothing is checked: whatever the rule computes is believed,
// so that code outside of every module can be walked through.
//
// A register that the rule is silent about keeps its value if the platform
// says that callees preserve it; a register whose rule fails is lost. A rule
// may say that the caller did not call but was interrupted; then its address is
// looked up as it is.
import { ARM64_FIRST_SLOT, cfaKind, interruptedFlag, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../../symbols/cache/unwind-rule.ts";
import { stripSignature } from "./pointer-authentication.ts";
import { evaluate, mayRead } from "./expression.ts";
import { ruleText } from "./rule-text.ts";
import { HIGH, isKnown, keepPreserved, outcome, readWord, setRegister, type Outcome, type Walk } from "./walk-state.ts";

/** Finds the caller by call frame information. */
export function byCfi(walk: Walk): Outcome {
  const { callee, file } = walk;
  const { symbols } = callee;
  if (symbols === null || !isKnown(callee, file.sp)) return outcome.nothing;
  const row = symbols.unwindRow(callee.rva);
  if (row < 0) return reject(walk, "no unwind row has the address");
  walk.readable = callee.valid;
  // A link register that came out of a frame record is the one that its function was entered
  // with: right for a rule of the entry, and stale for one of later code.
  if (file.arch === "arm64" && callee.trust === "frame_pointer" && !(symbols.rowIsEntry(row) && symbols.rowStart(row) === callee.rva)) {
    walk.readable &= ~(1 << file.lr);
  }
  const rule = symbols.rowRule(row);
  const found = apply(walk, symbols.rules, rule * RULE_WORDS, symbols.expressions);
  if (found === outcome.found) walk.why?.use(ruleText(file, symbols.rules, rule, symbols.expressions), symbols.rowStart(row));
  return found;
}

function reject(walk: Walk, reason: string): Outcome {
  walk.why?.reject("cfi", null, null, reason);
  return outcome.nothing;
}

function apply(walk: Walk, rules: Int32Array, at: number, expressions: Int32Array): Outcome {
  const { callee, caller, file } = walk;
  const head = rules[at]!;
  const kind = head & 0xff;
  if (kind === cfaKind.end) return outcome.end;
  if (kind === cfaKind.register) {
    const register = (head >>> 8) & 0xff;
    if (!mayRead(walk, register)) return reject(walk, "the register of the CFA is not known");
    addTo(walk, callee.words[register * 2]!, callee.words[register * 2 + 1]!, rules[at + 1]!);
  } else if (kind !== cfaKind.expression || !evaluate(walk, expressions, rules[at + 1]!, false, 0, 0)) {
    return reject(walk, "the CFA cannot be computed");
  }
  const cfaLow = walk.low;
  const cfaHigh = walk.high;
  const cfa = cfaLow + cfaHigh * HIGH;
  if (!returnAddress(walk, rules, at, expressions, cfa, cfaLow, cfaHigh)) return reject(walk, "the return address cannot be read");
  const pcLow = walk.low;
  const pcHigh = walk.high;

  keepPreserved(walk);
  setRegister(caller, file.sp, cfaLow, cfaHigh);
  setRegister(caller, file.pc, pcLow, pcHigh);
  const firstSlot = file.arch === "arm64" ? ARM64_FIRST_SLOT : 0;
  let saves = rules[at + 4]!;
  for (let slot = 0; saves !== 0; slot++, saves >>>= 2) {
    const save = saves & 3;
    if (save === saveKind.unsaid) continue;
    const operand = rules[at + RULE_SLOT_WORDS + slot]!;
    const register = firstSlot + slot;
    if (save === saveKind.atCfa ? readWord(walk, cfa + operand) : save === saveKind.expression && evaluate(walk, expressions, operand, true, cfaLow, cfaHigh)) {
      setRegister(caller, register, walk.low, walk.high);
    } else caller.valid &= ~(1 << register);
  }
  if (file.arch === "arm64") {
    stripSignature(walk, caller, file.pc);
    stripSignature(walk, caller, file.lr);
    stripSignature(walk, caller, file.fp);
  }
  caller.isExact = !walk.plain && (head & interruptedFlag) !== 0;
  caller.trust = "cfi";
  caller.technique = "cfi";
  return outcome.found;
}

/** Whether the return address could be found; it is in `walk.low` and `walk.high`. */
function returnAddress(walk: Walk, rules: Int32Array, at: number, expressions: Int32Array, cfa: number, cfaLow: number, cfaHigh: number): boolean {
  const operand = rules[at + 3]!;
  switch (rules[at + 2]) {
    case raKind.atCfa:
      return readWord(walk, cfa + operand);
    case raKind.register:
      if (!mayRead(walk, operand)) return false;
      walk.low = walk.callee.words[operand * 2]!;
      walk.high = walk.callee.words[operand * 2 + 1]!;
      return true;
    case raKind.expression:
      return evaluate(walk, expressions, operand, true, cfaLow, cfaHigh);
    default:
      return false;
  }
}

/** Puts a register's words plus an offset into `walk.low` and `walk.high`, wrapping at the width of a pointer. */
function addTo(walk: Walk, low: number, high: number, offset: number): void {
  const sum = low + offset;
  walk.low = sum >>> 0;
  walk.high = walk.wide ? (high + (sum < 0 ? -1 : sum >= HIGH ? 1 : 0)) >>> 0 : 0;
}
