// Rules (cache/unwind-rule.ts) of runs of arm64 unwind codes.
//
// A run says how to undo a prolog, one instruction after the other. Here it is
// undone on paper: the stack pointer is a register plus a number, and a
// register that was loaded has the place that it was loaded from. What is left
// at the end is the rule. A place that was counted from sp while the CFA is
// counted from fp is an expression, since the distance of the two is known to
// the running function only.
//
// The caller's lr is left unknown. Its own call put the return address there,
// which says nothing of who called the caller. A caller that was interrupted is
// another matter: its lr may be all there is.
//
// Runs that nobody can follow (the kernel's trap frames, vectors of a length
// that only the processor knows, codes without a meaning) have rule 0, and the
// walk finds the caller by other means.
import type { RuleTable } from "../cache/rule-table.ts";
import { ARM64_FIRST_SLOT, cfaKind, interruptedFlag, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind, SLOTS } from "../cache/unwind-rule.ts";
import { registerFiles } from "../registers.ts";
import { codeBytes, runCodes, unwindCode } from "./arm64-codes.ts";

const { sp: SP, fp: FP, lr: LR } = registerFiles.arm64;
/** Rule 0: the frame cannot be unwound by rule. */
const noRule = 0;
/** Bytes between a frame's parts, at most; far beyond any stack. */
const OFFSET_MAX = 0x4000_0000;
/** The last register that is saved in pairs of x registers; d8 follows it. */
const LAST_PAIRED = 28;

/** Offsets in the CONTEXT structure of arm64 (winnt.h, ARM64_NT_CONTEXT). */
const contextArm64 = { registers: 8, sp: 0x100, pc: 0x108 };
/** Offsets in the CONTEXT structure of x64 where ARM64EC has its registers (winnt.h, ARM64EC_NT_CONTEXT): x19 to x22 are r12 to r15, then rsi, rdi, rbx, rbp and lr. */
const contextX64: readonly (readonly [register: number, offset: number])[] = [
  [19, 0xd8],
  [20, 0xe0],
  [21, 0xe8],
  [22, 0xf0],
  [25, 0xa8],
  [26, 0xb0],
  [27, 0x90],
  [FP, 0xa0],
  [LR, 0x120],
];
const contextX64Sp = 0x98;
const contextX64Pc = 0xf8;

/** Makes rules of runs. */
export class Arm64Rules {
  private readonly rules: RuleTable;
  private readonly words = new Int32Array(RULE_WORDS);
  /** The stack pointer as it is undone: a register and what to add. */
  private base = SP;
  private offset = 0;
  /** By slot: the register that its place is counted from, 0 while it was not loaded; and the distance. */
  private readonly savedBase = new Uint8Array(SLOTS);
  private readonly savedOffset = new Int32Array(SLOTS);

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Index of the rule for where all that the run from `at` on says has still to be undone. */
  ruleOf(codes: Uint8Array, at: number): number {
    this.base = SP;
    this.offset = 0;
    this.savedBase.fill(0);
    /** Registers that the next save of a pair has; each save_next adds one pair. */
    let together = 2;
    let isInterrupted = false;
    for (let steps = 0; at < codes.length; steps++) {
      const first = codes[at]!;
      const bytes = codeBytes(first);
      if (first === unwindCode.end || at + bytes > codes.length) break;
      if (steps === runCodes || Math.abs(this.offset) > OFFSET_MAX) return noRule;
      if (first === unwindCode.saveNext) together += 2;
      else {
        switch (first) {
          case unwindCode.machineFrame:
            return this.machineFrame();
          case unwindCode.context:
            return this.context(false);
          case unwindCode.contextX64:
            return this.context(true);
          case unwindCode.clearUnwoundToCall:
            isInterrupted = true;
            break;
          default:
            if (!this.undo(codes, at, together)) return noRule;
        }
        together = 2;
      }
      at += bytes;
    }
    return this.plainRule(isInterrupted);
  }

  /** Undoes one code; false when it cannot be followed. */
  private undo(codes: Uint8Array, at: number, together: number): boolean {
    const first = codes[at]!;
    const low = codes[at + 1]!;
    const word = (first << 8) | low;
    if (first < 0x20) this.offset += first * 16;
    else if (first < 0x40) this.pop(19, together, (first & 0x1f) * 8);
    else if (first < 0x80) this.load(FP, 2, (first & 0x3f) * 8);
    else if (first < 0xc0) this.pop(FP, 2, (first & 0x3f) * 8 + 8);
    else if (first < 0xc8) this.offset += (word & 0x7ff) * 16;
    else if (first < 0xcc) this.load(19 + ((word >>> 6) & 15), together, (low & 0x3f) * 8);
    else if (first < 0xd0) this.pop(19 + ((word >>> 6) & 15), together, (low & 0x3f) * 8 + 8);
    else if (first < 0xd4) this.load(19 + ((word >>> 6) & 15), 1, (low & 0x3f) * 8);
    else if (first < 0xd6) this.pop(19 + ((word >>> 5) & 15), 1, (low & 0x1f) * 8 + 8);
    else if (first < 0xd8) {
      this.load(19 + 2 * ((word >>> 6) & 7), 1, (low & 0x3f) * 8);
      this.load(LR, 1, (low & 0x3f) * 8 + 8);
    } else if (first < 0xda || first === 0xdc || first === 0xdd) return true; // d registers, which no rule has
    else if (first < 0xdc) this.offset += (low & 0x3f) * 8 + 8;
    else if (first === 0xde) this.offset += (low & 0x1f) * 8 + 8;
    else return this.undoByte(codes, at, together);
    return true;
  }

  /** The codes that are a whole byte. */
  private undoByte(codes: Uint8Array, at: number, together: number): boolean {
    switch (codes[at]) {
      case unwindCode.allocLarge:
        this.offset += ((codes[at + 1]! << 16) | (codes[at + 2]! << 8) | codes[at + 3]!) * 16;
        return true;
      case unwindCode.setFp:
        return this.takeFp(0);
      case unwindCode.addFp:
        return this.takeFp(-8 * codes[at + 1]!);
      case unwindCode.saveAny:
        return this.undoSaveAny(codes[at + 1]!, codes[at + 2]!, together);
      case unwindCode.nop:
      case unwindCode.endFragment:
      // The walk takes signatures off whatever it reads.
      case unwindCode.signLr:
        return true;
      default:
        return false;
    }
  }

  /** The code that can name any register: 0pxrrrrr ttoooooo, where p is a pair, x makes room, t is the kind: x, d, q. */
  private undoSaveAny(names: number, place: number, together: number): boolean {
    if (names >= 0x80) return false;
    const isPair = (names & 0x40) !== 0;
    const makesRoom = (names & 0x20) !== 0;
    const kind = place >>> 6;
    const steps = place & 0x3f;
    // Vectors of a length that only the processor knows; no rule has them.
    if (kind === 3) return true;
    const bytes = isPair || makesRoom || kind === 2 ? 16 : 8;
    if (makesRoom) this.pop(kind === 0 ? names & 0x1f : 0, kind === 0 ? (isPair ? together : 1) : 0, (steps + 1) * bytes);
    else if (kind === 0) this.load(names & 0x1f, isPair ? together : 1, steps * bytes);
    return true;
  }

  /** Loads registers from `distance` above the stack pointer. Pairs that follow each other pass from x28 to d8. */
  private load(first: number, count: number, distance: number): void {
    for (let i = 0; i < count; i++) {
      const register = first + i;
      if (register > LR || (i >= 2 && register > LAST_PAIRED)) return;
      if (register < ARM64_FIRST_SLOT) continue;
      this.savedBase[register - ARM64_FIRST_SLOT] = this.base;
      this.savedOffset[register - ARM64_FIRST_SLOT] = this.offset + distance + i * 8;
    }
  }

  /** Loads registers from the stack pointer on and gives up room. */
  private pop(first: number, count: number, bytes: number): void {
    this.load(first, count, 0);
    this.offset += bytes;
  }

  /** The stack pointer is fp again; false when fp itself was loaded before, which no prolog does. */
  private takeFp(offset: number): boolean {
    if (this.savedBase[FP - ARM64_FIRST_SLOT] !== 0) return false;
    this.base = FP;
    this.offset = offset;
    return true;
  }

  private plainRule(isInterrupted: boolean): number {
    const { words, base, offset } = this;
    words.fill(0);
    words[0] = cfaKind.register | (base << 8) | (isInterrupted ? interruptedFlag : 0);
    words[1] = offset;
    const lr = LR - ARM64_FIRST_SLOT;
    const lrOffset = this.savedOffset[lr]!;
    const lrBase = this.savedBase[lr]!;
    if (lrBase === 0) this.returnTo(raKind.register, LR);
    else if (lrBase === base) this.returnTo(raKind.atCfa, lrOffset - offset);
    else this.returnTo(raKind.expression, this.wordAt(lrBase, lrOffset));
    for (let slot = 0; slot < SLOTS; slot++) {
      const from = this.savedBase[slot]!;
      if (from === 0 || slot === lr) continue;
      if (from === base) this.save(slot, saveKind.atCfa, this.savedOffset[slot]! - offset);
      else this.save(slot, saveKind.expression, this.wordAt(from, this.savedOffset[slot]!));
    }
    return this.rules.add(words);
  }

  /** What the processor pushed when it interrupted the caller: its sp and pc. */
  private machineFrame(): number {
    const { base, offset } = this;
    this.interrupted(this.wordAt(base, offset), this.wordAt(base, offset + 8));
    const lr = LR - ARM64_FIRST_SLOT;
    for (let slot = 0; slot < SLOTS; slot++) {
      const from = this.savedBase[slot]!;
      if (from !== 0) this.save(slot, saveKind.expression, this.wordAt(from, this.savedOffset[slot]!));
      else if (slot === lr) this.save(slot, saveKind.expression, this.rules.addExpression([op.register, LR, op.end, 0]));
    }
    return this.rules.add(this.words);
  }

  /** All registers of the caller, as they were when it was interrupted. */
  private context(isX64: boolean): number {
    const { base, offset } = this;
    const at = (field: number): number => this.wordAt(base, offset + field);
    if (isX64) {
      this.interrupted(at(contextX64Sp), at(contextX64Pc));
      for (const [register, field] of contextX64) this.save(register - ARM64_FIRST_SLOT, saveKind.expression, at(field));
    } else {
      this.interrupted(at(contextArm64.sp), at(contextArm64.pc));
      for (let register = ARM64_FIRST_SLOT; register <= LR; register++) this.save(register - ARM64_FIRST_SLOT, saveKind.expression, at(contextArm64.registers + register * 8));
    }
    return this.rules.add(this.words);
  }

  private interrupted(cfa: number, returnAddress: number): void {
    this.words.fill(0);
    this.words[0] = cfaKind.expression | interruptedFlag;
    this.words[1] = cfa;
    this.returnTo(raKind.expression, returnAddress);
  }

  private returnTo(kind: number, operand: number): void {
    this.words[2] = kind;
    this.words[3] = operand;
  }

  private save(slot: number, kind: number, operand: number): void {
    this.words[4]! |= kind << (slot * 2);
    this.words[RULE_SLOT_WORDS + slot] = operand;
  }

  /** The expression for the word at a register plus a number. */
  private wordAt(register: number, offset: number): number {
    const sum = offset === 0 ? [] : [op.constant, offset, op.add, 0];
    return this.rules.addExpression([op.register, register, ...sum, op.dereference, 0, op.end, 0]);
  }
}
