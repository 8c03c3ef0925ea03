// The unwind instructions of 32-bit ARM (Exception Handling ABI for the Arm
// Architecture, 10.3), run on paper: what they leave is an unwind rule
// (cache/unwind-rule.ts).
//
// They undo a function's prolog. The stack pointer is a register plus a number
// all the while, and a register that was popped has the place that it was
// popped from:
//
//     00nnnnnn, 01nnnnnn       sp += or -= 4 * n + 4      b2 n      sp += 0x204 + 4 * n
//     1000mmmm mmmmmmmm        pop r4 to r15 by mask      b1 0m     pop r0 to r3 by mask
//     1001nnnn                 sp = r[n]                  b0        the end
//     1010lnnn                 pop r4 to r[4+n], and lr if l
//     b3, b8 to bf, c0 to d7   pop registers of coprocessors, which no rule has
//     b4, b5                   the return address' signature: its place, its check
//
// `1000` with an empty mask says that the frame cannot be unwound. That, and what
// has no meaning, leaves no rule.
import type { RuleTable } from "../cache/rule-table.ts";
import { cfaKind, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../cache/unwind-rule.ts";
import { registerFiles } from "../registers.ts";

const { sp: SP, lr: LR, pc: PC } = registerFiles.arm;
/** Bytes between a frame's parts, at most; far beyond any stack. */
const OFFSET_MAX = 0x4000_0000;
const unsaved = -1;

/** Makes rules of instructions. */
export class ArmUnwindCode {
  private readonly rules: RuleTable;
  private readonly words = new Int32Array(RULE_WORDS);
  /** The stack pointer: a register and what to add. */
  private base = SP;
  private offset = 0;
  /** By register: the one that its place is counted from, or `unsaved`; and the distance. */
  private readonly savedBase = new Int8Array(16);
  private readonly savedOffset = new Int32Array(16);

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** The number of the rule that the instructions from `at` up to `end` leave; 0 when they leave none. */
  ruleOf(code: Uint8Array, at: number, end: number): number {
    this.base = SP;
    this.offset = 0;
    this.savedBase.fill(unsaved);
    while (at < end) {
      const first = code[at]!;
      if (first === 0xb0) break;
      const next = this.step(code, at, end);
      if (next < 0 || Math.abs(this.offset) > OFFSET_MAX) return 0;
      at = next;
    }
    return this.rule();
  }

  /** Runs one instruction and returns where the next one is; -1 when it cannot be followed. */
  private step(code: Uint8Array, at: number, end: number): number {
    const first = code[at]!;
    const second = at + 1 < end ? code[at + 1]! : -1;
    switch (first >>> 4) {
      case 0x0:
      case 0x1:
      case 0x2:
      case 0x3:
        this.offset += (first & 0x3f) * 4 + 4;
        return at + 1;
      case 0x4:
      case 0x5:
      case 0x6:
      case 0x7:
        this.offset -= (first & 0x3f) * 4 + 4;
        return at + 1;
      case 0x8: {
        const mask = second < 0 ? 0 : ((first & 0xf) << 8) | second;
        return mask !== 0 && this.pop(mask << 4) ? at + 2 : -1;
      }
      case 0x9: {
        // Nobody's prolog keeps the stack pointer in a register that it then saves.
        const register = first & 0xf;
        if (register === SP || register === PC || this.savedBase[register] !== unsaved) return -1;
        this.base = register;
        this.offset = 0;
        return at + 1;
      }
      case 0xa:
        return this.pop((((2 << (first & 7)) - 1) << 4) | ((first & 8) === 0 ? 0 : 1 << LR)) ? at + 1 : -1;
      case 0xb:
        return this.stepB(first, code, at, end);
      default:
        return this.popCoprocessor(first, second, at);
    }
  }

  /** Runs an instruction that begins with the digit b. */
  private stepB(first: number, code: Uint8Array, at: number, end: number): number {
    if (first >= 0xb8) return this.skip((first & 7) * 8 + 12, at + 1);
    const second = at + 1 < end ? code[at + 1]! : -1;
    switch (first) {
      case 0xb1:
        return second > 0 && second < 0x10 && this.pop(second) ? at + 2 : -1;
      case 0xb2: {
        let value = 0;
        for (let next = at + 1, shift = 1; next < end && shift < 2 ** 28; next++, shift *= 128) {
          value += (code[next]! & 0x7f) * shift;
          if (code[next]! < 0x80) return this.skip(value * 4 + 0x204, next + 1);
        }
        return -1;
      }
      case 0xb3:
        return second < 0 ? -1 : this.skip((second & 0xf) * 8 + 12, at + 2);
      case 0xb4:
        return this.skip(4, at + 1);
      case 0xb5:
        return at + 1;
      default:
        return -1;
    }
  }

  /** Runs an instruction that begins with the digits c to f. */
  private popCoprocessor(first: number, second: number, at: number): number {
    if (first <= 0xc5) return this.skip((first & 7) * 8 + 8, at + 1);
    if (first === 0xc7) {
      let bytes = 0;
      for (let bits = second; bits > 0; bits &= bits - 1) bytes += 4;
      return second > 0 && second < 0x10 ? this.skip(bytes, at + 2) : -1;
    }
    if (first === 0xc6 || first === 0xc8 || first === 0xc9) return second < 0 ? -1 : this.skip((second & 0xf) * 8 + 8, at + 2);
    return first >= 0xd0 && first <= 0xd7 ? this.skip((first & 7) * 8 + 8, at + 1) : -1;
  }

  private skip(bytes: number, next: number): number {
    this.offset += bytes;
    return next;
  }

  /** Pops the registers of a mask, the lowest first; false when the stack pointer is one. */
  private pop(mask: number): boolean {
    if ((mask & (1 << SP)) !== 0) return false;
    for (let register = 0; register < 16; register++) {
      if (((mask >>> register) & 1) === 0) continue;
      this.savedBase[register] = this.base;
      this.savedOffset[register] = this.offset;
      this.offset += 4;
    }
    return true;
  }

  private rule(): number {
    const { words, base, offset, savedBase } = this;
    words.fill(0);
    words[0] = cfaKind.register | (base << 8);
    words[1] = offset;
    const from = savedBase[PC] !== unsaved ? PC : LR;
    if (savedBase[from] === unsaved) {
      words[2] = raKind.register;
      words[3] = LR;
    } else if (savedBase[from] === base) {
      words[2] = raKind.atCfa;
      words[3] = this.savedOffset[from]! - offset;
    } else {
      words[2] = raKind.expression;
      words[3] = this.wordOf(from);
    }
    for (let register = 0; register < SP; register++) {
      if (savedBase[register] === unsaved) continue;
      const isAtCfa = savedBase[register] === base;
      words[4] = words[4]! | ((isAtCfa ? saveKind.atCfa : saveKind.expression) << (register * 2));
      words[RULE_SLOT_WORDS + register] = isAtCfa ? this.savedOffset[register]! - offset : this.wordOf(register);
    }
    return this.rules.add(words);
  }

  /** The expression for the word that a register was popped from. */
  private wordOf(register: number): number {
    return this.rules.addExpression([op.register, this.savedBase[register]!, op.constant, this.savedOffset[register]!, op.add, 0, op.dereference, 0, op.end, 0]);
  }
}
