// Prologs and epilogs of arm64 functions, found in their code: what compact
// unwind information does not say, since no exception comes from there. A crash
// does, most of all the one whose stack has no room left for a frame.
//
// From the function's first instruction on, what moves sp and what stores
// registers is followed, until the state is what the encoding says of the body.
// Only then is it believed; a function that gets there in another way, or not
// at all, keeps the body's rule throughout.
//
// From each return backwards it is the other way round: there sp is the
// caller's and lr has the return address, and each instruction before that is
// understood can be undone. A jump out of the function may be a call in its
// last place, or lead to a part of it that lies elsewhere; so it is believed
// only if all registers are restored that the body saved.
import type { RuleTable } from "../cache/rule-table.ts";
import { ARM64_FIRST_SLOT, cfaKind, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind, SLOTS } from "../cache/unwind-rule.ts";
import type { UnwindRowsBuilder } from "../cache/unwind-rows.ts";
import { registerFiles } from "../registers.ts";

const { sp: SP, fp: FP, lr: LR } = registerFiles.arm64;
/** Instructions that are looked at for a prolog, and for one epilog. */
const stepsMax = 64;
/** In place of an offset: the register is not saved. */
const unsaved = 0x7fffffff;

/** What an instruction does to a frame. */
const effect = {
  /** Nothing that a rule has. */
  none: 0,
  /** sp += amount. */
  move: 1,
  /** One or two registers are stored at sp + place, after sp += before, and before sp += amount. */
  store: 2,
  /** The same, loaded. */
  load: 3,
  /** fp = sp + amount. */
  setFrame: 4,
  /** It returns. */
  leave: 5,
  /** It jumps, perhaps out of the function. */
  jump: 6,
  /** Something that cannot be followed. */
  other: 7,
} as const;

/** Adds rows of one function after the other. */
export class Arm64CodeRows {
  private readonly rules: RuleTable;
  private readonly words = new Int32Array(RULE_WORDS);
  /** By slot: the offset from the CFA where the register is saved. */
  private readonly saved = new Int32Array(SLOTS);
  /** From sp to the CFA. */
  private distance = 0;
  /** From fp to the CFA once fp is set; `unsaved` before. */
  private frameDistance = unsaved;
  /** Rows of an epilog, from its end: places and rules. */
  private readonly places = new Int32Array(stepsMax + 1);
  private readonly found = new Uint32Array(stepsMax + 1);
  // What the instruction that was decoded last does.
  private amount = 0;
  private before = 0;
  private place = 0;
  private first = -1;
  private second = -1;

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Adds the rows of a function whose code is given, to the record that has begun; `body` are the words of the rule of its body. */
  add(start: number, code: Uint8Array, body: Int32Array, bodyRule: number, unwind: UnwindRowsBuilder): void {
    const count = code.length >>> 2;
    const prolog = this.addProlog(start, code, count, body, bodyRule, unwind);
    // What needs no frame is everywhere as it is at its entry.
    if (body[2] === raKind.register && body[1] === 0) return;
    for (let at = prolog; at < count; at++) {
      // Most instructions neither return nor jump, by their highest byte alone.
      const top = code[at * 4 + 3]!;
      if (top !== 0xd6 && top >>> 2 !== 0x05) continue;
      const kind = this.decode(word(code, at));
      const leaves = kind === effect.leave || (kind === effect.jump && isOut(word(code, at), at, count));
      if (!leaves) continue;
      const rows = this.readEpilog(code, at, prolog, kind === effect.jump ? body : null);
      for (let i = rows - 1; i >= 0; i--) unwind.add(start + this.places[i]! * 4, this.found[i]!);
      if (rows > 0 && at + 1 < count) unwind.add(start + (at + 1) * 4, bodyRule);
    }
  }

  /** Adds the rows of the prolog and the body's first; returns the instruction that the body begins with. */
  private addProlog(start: number, code: Uint8Array, count: number, body: Int32Array, bodyRule: number, unwind: UnwindRowsBuilder): number {
    this.reset();
    let at = 0;
    let rows = 0;
    const steps = Math.min(count, stepsMax);
    let hasChanged = true;
    while (!this.isBody(body) && at < steps) {
      if (hasChanged) {
        this.places[rows] = at;
        this.found[rows++] = this.rule();
      }
      const kind = this.decode(word(code, at++));
      hasChanged = kind !== effect.none;
      if (!this.run(kind)) break;
    }
    const isPassed = this.isBody(body);
    for (let i = 0; isPassed && i < rows; i++) unwind.add(start + this.places[i]! * 4, this.found[i]!);
    const end = isPassed ? at : 0;
    unwind.add(start + end * 4, bodyRule);
    return end;
  }

  /** Reads what comes before the instruction that leaves, backwards, and returns how many rows there are; none if the body's registers must all be restored and are not. */
  private readEpilog(code: Uint8Array, last: number, first: number, body: Int32Array | null): number {
    this.reset();
    let rows = 0;
    this.places[rows] = last;
    this.found[rows++] = this.rule();
    for (let at = last - 1; at >= first && at >= last - stepsMax; at--) {
      const kind = this.decode(word(code, at));
      if (kind !== effect.none && kind !== effect.move && kind !== effect.load) break;
      if (kind === effect.none && this.first >= 0) break;
      // What changes nothing is told with what comes after it.
      if (kind === effect.none) {
        this.places[rows - 1] = at;
        continue;
      }
      if (!this.undo(kind)) break;
      this.places[rows] = at;
      this.found[rows++] = this.rule();
    }
    return body === null || this.restores(body) ? rows : 0;
  }

  private reset(): void {
    this.saved.fill(unsaved);
    this.distance = 0;
    this.frameDistance = unsaved;
  }

  /** Runs an instruction of a prolog; false when it cannot be followed. */
  private run(kind: number): boolean {
    switch (kind) {
      case effect.none:
        // A register that nobody saved yet is the caller's.
        return this.first < 0 || this.saved[this.first - ARM64_FIRST_SLOT] !== unsaved;
      case effect.move:
        this.distance -= this.amount;
        return this.distance >= 0;
      case effect.store:
        this.distance -= this.before;
        this.keep(this.first, this.place);
        this.keep(this.second, this.place + 8);
        this.distance -= this.amount;
        return this.distance >= 0;
      case effect.setFrame:
        this.frameDistance = this.distance - this.amount;
        return true;
      default:
        return false;
    }
  }

  /** Undoes an instruction of an epilog; false when that makes no sense. */
  private undo(kind: number): boolean {
    this.distance += this.amount;
    if (kind === effect.load) {
      this.keep(this.first, this.place);
      this.keep(this.second, this.place + 8);
      this.distance += this.before;
    }
    return this.distance >= 0;
  }

  private keep(register: number, place: number): void {
    const slot = register - ARM64_FIRST_SLOT;
    // The first store and the last load count.
    if (register >= 19 && register <= LR && this.saved[slot] === unsaved) this.saved[slot] = place - this.distance;
  }

  /** Whether the state is that of the body. */
  private isBody(body: Int32Array): boolean {
    const base = (body[0]! >>> 8) & 0xff;
    return (base === FP ? this.frameDistance : base === SP ? this.distance : -1) === body[1] && this.restores(body);
  }

  /** Whether all registers that the body saved are saved where it says. */
  private restores(body: Int32Array): boolean {
    if (body[2] === raKind.atCfa && this.saved[LR - ARM64_FIRST_SLOT] !== body[3]) return false;
    for (let slot = 0, saves = body[4]!; saves !== 0; slot++, saves >>>= 2) {
      if ((saves & 3) === saveKind.atCfa && this.saved[slot] !== body[RULE_SLOT_WORDS + slot]) return false;
    }
    return true;
  }

  /** The number of the rule for the state. */
  private rule(): number {
    const { words, saved } = this;
    words.fill(0);
    const isFramed = this.frameDistance !== unsaved;
    words[0] = cfaKind.register | ((isFramed ? FP : SP) << 8);
    words[1] = isFramed ? this.frameDistance : this.distance;
    const returns = saved[LR - ARM64_FIRST_SLOT]!;
    words[2] = returns === unsaved ? raKind.register : raKind.atCfa;
    words[3] = returns === unsaved ? LR : returns;
    for (let slot = 19 - ARM64_FIRST_SLOT; slot <= FP - ARM64_FIRST_SLOT; slot++) {
      if (saved[slot] === unsaved) continue;
      words[4] = words[4]! | (saveKind.atCfa << (slot * 2));
      words[RULE_SLOT_WORDS + slot] = saved[slot]!;
    }
    return this.rules.add(words);
  }

  /** Finds out what an instruction does (Arm ARM, C4.1). For `none`, `first` is a preserved register that it may write, or -1. */
  private decode(instruction: number): number {
    this.amount = 0;
    this.before = 0;
    this.place = 0;
    this.first = -1;
    this.second = -1;
    // Hints: pacibsp, autibsp, bti, nop.
    if ((instruction & 0xfffff01f) >>> 0 === 0xd503201f) return effect.none;
    if (instruction === 0xd65f03c0 || instruction === 0xd65f0bff || instruction === 0xd65f0fff) return effect.leave;
    const group = (instruction >>> 24) & 0xff;
    // Branches, exceptions, system registers; what returns by another register.
    if ((group & 0x1c) === 0x14) return group >>> 2 === 0x05 || (instruction & 0xfffffc1f) >>> 0 === 0xd61f0000 ? effect.jump : (group & 0x7e) === 0x34 || (group & 0x7e) === 0x36 || group === 0x54 || group === 0xd5 ? effect.none : effect.other;
    const target = instruction & 0x1f;
    const base = (instruction >>> 5) & 0x1f;
    // add, sub (immediate), 64 bits.
    if ((instruction & 0xbf800000) >>> 0 === 0x91000000) {
      if (target !== SP && target !== FP) return this.writes(target);
      const value = ((instruction >>> 10) & 0xfff) * ((instruction & 0x400000) === 0 ? 1 : 4096);
      this.amount = (instruction & 0x40000000) === 0 ? value : -value;
      return base !== SP ? effect.other : target === SP ? effect.move : effect.setFrame;
    }
    // The other forms of sp as a result: add, sub (extended), and what rounds it down.
    if (target === SP && ((instruction & 0x3f200000) === 0x0b200000 || (instruction & 0x1f800000) === 0x12000000)) return effect.other;
    // Loads and stores.
    if ((group & 0x0a) === 0x08) return this.memory(instruction, target, base);
    return this.writes(target);
  }

  /** An instruction that may write a register, and nothing else. */
  private writes(register: number): number {
    if (register === FP || register === LR) return effect.other;
    this.first = register >= 19 && register < FP ? register : -1;
    return effect.none;
  }

  private memory(instruction: number, target: number, base: number): number {
    const isVector = (instruction & 0x04000000) !== 0;
    const isPair = (instruction & 0x38000000) >>> 0 === 0x28000000;
    const isSingle = (instruction & 0x38000000) >>> 0 === 0x38000000;
    // Literals, exclusive accesses, structures of vectors.
    if (!isPair && !isSingle) return isVector && base === SP ? effect.other : this.writes(target);
    const isScaled = isSingle && (instruction & 0x01000000) !== 0;
    const isIndexed = isSingle && !isScaled && (instruction & 0x00200000) !== 0;
    const isLoad = (instruction & (isPair || isVector ? 0x00400000 : 0x00c00000)) !== 0;
    const mode = isPair ? (instruction >>> 23) & 3 : isScaled || isIndexed ? 2 : (instruction >>> 10) & 3;
    const isWriteback = mode === 1 || mode === 3;
    const second = isPair ? (instruction >>> 10) & 0x1f : -1;
    if (base !== SP || isIndexed) {
      if (isLoad && !isVector && (target === FP || target === LR || second === FP || second === LR)) return effect.other;
      if (isWriteback && base >= 19) return this.writes(base);
      if (!isLoad || isVector) return effect.none;
      return this.writes(target >= 19 ? target : second >= 0 ? second : target);
    }
    const size = instruction >>> 30;
    const bytes = isPair ? (isVector ? 4 << size : size === 2 ? 8 : 4) : isVector && (instruction & 0x00800000) !== 0 ? 16 : 1 << size;
    const offset = isPair ? (((instruction >>> 15) << 25) >> 25) * bytes : isScaled ? ((instruction >>> 10) & 0xfff) * bytes : ((instruction >>> 12) << 23) >> 23;
    // What sp moves by before the access, or after it.
    if (mode === 3) this.before = offset;
    else if (isWriteback) this.amount = offset;
    this.place = isWriteback ? 0 : offset;
    if (!isVector && bytes === 8) {
      this.first = target;
      this.second = second;
      return isLoad ? effect.load : effect.store;
    }
    // Halves of registers, and vectors, of which only the movement counts.
    if (isLoad && !isVector) return isWriteback ? effect.other : this.writes(target);
    this.amount += this.before;
    this.before = 0;
    return effect.move;
  }
}

function word(code: Uint8Array, index: number): number {
  const at = index * 4;
  return (code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24)) >>> 0;
}

/** Whether a jump leaves the function, or may do so. */
function isOut(instruction: number, at: number, count: number): boolean {
  if (instruction >>> 26 !== 0x05) return true;
  const target = at + ((instruction << 6) >> 6);
  return target < 0 || target >= count;
}
