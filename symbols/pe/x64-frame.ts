// The frame of an x64 function while its prolog runs, and the unwind rule
// (cache/unwind-rule.ts) of each of its states.
//
// Everything is counted from the CFA, the caller's rsp: what was pushed stays
// where it is, so an operation changes little. rsp, and the base that saved
// registers are counted from, are
//
//     before the frame register is set   CFA = rsp + 8 + all that was pushed and allocated
//     after it                           CFA = frame register - its distance + 8 + what was so far
//
// A function that the processor entered itself, for a trap or as the system's
// dispatcher does it, has a machine frame in place of a return address: rip
// first (after an error code, with some), rsp three words on. Its caller was
// interrupted, and the distance of the CFA is known to the running code only;
// there the top of the frame (`E` below) stands for it, and rules are expressions.
import type { RuleTable } from "../cache/rule-table.ts";
import { cfaKind, interruptedFlag, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../cache/unwind-rule.ts";
import { registerFiles } from "../registers.ts";
import { type X64Codes, x64Operation } from "./x64-codes.ts";

/** By Microsoft's number of a register, which instructions have too: ours, which is DWARF's. */
export const x64Register: readonly number[] = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
/** Microsoft's number of rsp. */
const STACK_POINTER = 4;
const { sp: SP } = registerFiles.amd64;
/** Bytes of a frame, at most; far beyond any stack. */
const frameBytesMax = 0x4000_0000;
/** Where the interrupted rsp is in a machine frame, counted from its rip. */
const machineSp = 24;

const unsaved = 0;
const pushed = 1;
const saved = 2;

/** The state of one function's frame. */
export class X64Frame {
  /** Bytes that were pushed and allocated. */
  total = 0;
  /** Microsoft's number of the frame register once it is set; -1 before. */
  frameRegister = -1;
  /** What to add to the frame register for the place that is 8 bytes below the CFA. */
  frameDistance = 0;
  /** True once the frame cannot be said by a rule. */
  isBroken = false;
  /** True for a function with a machine frame. */
  hasMachineFrame = false;
  /** True when a register was stored without being pushed. */
  hasSaved = false;
  private machineWords = 0;
  /** Bytes from the base that saved registers are counted from to the place 8 bytes below the CFA, once the frame register is set. */
  private frameTotal = 0;
  /** By Microsoft's number: `unsaved`, `pushed`, `saved`. */
  private readonly state = new Uint8Array(16);
  /** What was pushed up to the register and with it; or its distance from the base. */
  private readonly place = new Float64Array(16);
  private readonly words = new Int32Array(RULE_WORDS);
  private readonly rules: RuleTable;

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Goes to the entry of a function. */
  reset(): void {
    this.total = 0;
    this.frameRegister = -1;
    this.isBroken = false;
    this.hasMachineFrame = false;
    this.hasSaved = false;
    this.machineWords = 0;
    this.state.fill(unsaved);
  }

  /** Runs one operation of a prolog. */
  apply(codes: X64Codes, index: number): void {
    const register = codes.register[index]!;
    const value = codes.value[index]!;
    switch (codes.operation[index]) {
      case x64Operation.push:
        this.total += 8;
        this.keep(register, pushed, this.total);
        break;
      case x64Operation.allocate:
        this.total += value;
        break;
      case x64Operation.save:
        this.hasSaved = true;
        this.keep(register, saved, value);
        break;
      case x64Operation.setFrame:
        this.frameRegister = register;
        this.frameTotal = this.total;
        this.frameDistance = this.total - value;
        break;
      case x64Operation.machineFrame:
        // Windows' own unwinder expects it below everything else, too.
        if (index !== codes.count - 1) this.isBroken = true;
        this.hasMachineFrame = true;
        this.machineWords = register * 8;
        break;
    }
    if (this.total > frameBytesMax) this.isBroken = true;
  }

  /** Bytes from where a register is saved up to the CFA; 0 when it is not, or nobody knows. */
  savedDistance(register: number): number {
    if (this.state[register] === pushed) return this.place[register]! + 8;
    return this.state[register] === saved ? this.baseDistance() - this.place[register]! : 0;
  }

  /** The number of the rule for the state; 0 when none can say it. */
  rule(): number {
    return this.isBroken ? 0 : this.ruleFrom(this.frameRegister < 0, false);
  }

  /** The number of the rule for an epilog's first instruction, which counts from rsp or from the frame register; of the body's registers only those that were pushed are still to be restored. */
  epilogRule(fromStackPointer: boolean): number {
    return this.ruleFrom(fromStackPointer, true);
  }

  private ruleFrom(fromStackPointer: boolean, onlyPushed: boolean): number {
    const { words } = this;
    words.fill(0);
    const base = fromStackPointer ? SP : x64Register[this.frameRegister]!;
    // From the base register to E, the place of the return address.
    const toTop = fromStackPointer ? this.total : this.frameDistance;
    if (this.hasMachineFrame) {
      words[0] = cfaKind.expression | interruptedFlag;
      words[1] = this.wordAt(base, toTop + this.machineWords + machineSp);
      words[2] = raKind.expression;
      words[3] = this.wordAt(base, toTop + this.machineWords);
    } else {
      words[0] = cfaKind.register | (base << 8);
      words[1] = toTop + 8;
      words[2] = raKind.atCfa;
      words[3] = -8;
    }
    for (let register = 0; register < 16; register++) {
      if (this.state[register] === unsaved || (onlyPushed && this.state[register] === saved)) continue;
      const slot = x64Register[register]!;
      const distance = this.savedDistance(register);
      words[4] = words[4]! | ((this.hasMachineFrame ? saveKind.expression : saveKind.atCfa) << (slot * 2));
      words[RULE_SLOT_WORDS + slot] = this.hasMachineFrame ? this.wordAt(base, toTop + 8 - distance) : -distance;
    }
    return this.rules.add(words);
  }

  private keep(register: number, state: number, place: number): void {
    // Whoever saves rsp as others are saved has a frame that these codes cannot describe.
    if (register === STACK_POINTER || place > frameBytesMax) this.isBroken = true;
    this.state[register] = state;
    this.place[register] = place;
  }

  /** Bytes from the base that saved registers are counted from up to the CFA. */
  private baseDistance(): number {
    return (this.frameRegister < 0 ? this.total : this.frameTotal) + 8;
  }

  /** The expression for the word at a register plus a number. */
  private wordAt(register: number, offset: number): number {
    return this.rules.addExpression([op.register, register, op.constant, offset, op.add, 0, op.dereference, 0, op.end, 0]);
  }
}
