// What is known at one place of a function: how its frame address, its return
// address and its saved registers are found. It is kept as the words of an
// unwind rule (cache/unwind-rule.ts) from the beginning, so that remembering,
// restoring and storing it are copies.
import { type ExpressionContext, compileExpression } from "./cfa-expression.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import type { FrameSection } from "./frame-section.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { ARM64_FIRST_SLOT, RULE_SLOT_WORDS, RULE_WORDS, SLOTS, cfaKind, interruptedFlag, op, raKind, saveKind } from "../cache/unwind-rule.ts";
import { type RegisterFile, registerFiles } from "../registers.ts";

/** States that are remembered at a time, at most; compilers nest one or two. */
const rememberedStates = 64;
/** Distinct expressions of one section that are kept, at most. */
const keptExpressions = 65_536;

/** The state of a frame. */
export class CfaState {
  /** Frame addresses and registers whose rule cannot be said in a cache. */
  lost = 0;
  private readonly builder: ModuleBuilder;
  private readonly file: RegisterFile;
  private readonly firstSlot: number;
  private readonly isPreserved: Uint8Array;
  private readonly context: ExpressionContext;
  private readonly swaps: boolean;
  private readonly words = new Int32Array(RULE_WORDS);
  private readonly emitted = new Int32Array(RULE_WORDS);
  private readonly remembered = new Int32Array(rememberedStates * RULE_WORDS);
  private depth = 0;
  private returnColumn = 0;
  private isSignal = false;
  /** By what it is for and its bytes: the words of an expression; null for one that rules cannot say. */
  private readonly expressions = new Map<string, readonly number[] | null>();

  constructor(section: FrameSection, builder: ModuleBuilder) {
    this.builder = builder;
    this.file = registerFiles[section.arch];
    this.firstSlot = section.arch === "arm64" ? ARM64_FIRST_SLOT : 0;
    this.isPreserved = Uint8Array.from(this.file.names, (_, register) => (this.file.calleeSaved.includes(register) ? 1 : 0));
    this.swaps = section.swapsStackRegisters ?? false;
    this.context = { addressBytes: section.addressBytes, register: (number) => this.register(number) };
  }

  /** Begins with nothing but where the return address is when a function is entered. */
  reset(returnColumn: number, isSignal: boolean): void {
    this.words.fill(0);
    this.depth = 0;
    this.returnColumn = returnColumn;
    this.isSignal = isSignal;
    const { lr } = this.file;
    if (lr >= 0 && this.register(returnColumn) === lr) this.restoreReturn(raKind.register, lr);
  }

  /** The state as it is, for `begin` and `restore`. */
  copy(): Int32Array {
    return this.words.slice();
  }

  /** Begins a function, with the state after its common instructions. */
  begin(initial: Int32Array, returnColumn: number, isSignal: boolean): void {
    this.words.set(initial);
    this.depth = 0;
    this.returnColumn = returnColumn;
    this.isSignal = isSignal;
  }

  /** The number of the rule for the state; 0 when it cannot be unwound with. */
  rule(): number {
    const { words, emitted } = this;
    emitted.fill(0);
    if (words[2] === raKind.none && words[3] === 1) {
      emitted[0] = cfaKind.end;
      emitted[3] = 1;
    } else if (words[2] !== raKind.none && (words[0]! & 0xff) !== cfaKind.none) {
      emitted.set(words);
      if (this.isSignal) emitted[0]! |= interruptedFlag;
    }
    return this.builder.rules.add(emitted);
  }

  /** Keeps the state for `recall`; false when too many are kept. */
  remember(): boolean {
    if (this.depth === rememberedStates) return false;
    this.remembered.set(this.words, this.depth++ * RULE_WORDS);
    return true;
  }

  /** Takes the state that was kept last; false when there is none. */
  recall(): boolean {
    if (this.depth === 0) return false;
    const at = --this.depth * RULE_WORDS;
    this.words.set(this.remembered.subarray(at, at + RULE_WORDS));
    return true;
  }

  /** Frame address: a register, by its DWARF number, plus an offset. */
  setCfa(register: number, offset: number): void {
    const mapped = this.register(register);
    if (mapped < 0 || (offset | 0) !== offset) this.loseCfa();
    else this.setCfaWords(cfaKind.register | (mapped << 8), offset);
  }

  /** Frame address: another register, the same offset. */
  setCfaRegister(register: number): void {
    if ((this.words[0]! & 0xff) === cfaKind.register) this.setCfa(register, this.words[1]!);
    else this.loseCfa();
  }

  /** Frame address: the same register, another offset. */
  setCfaOffset(offset: number): void {
    if ((this.words[0]! & 0xff) === cfaKind.register && (offset | 0) === offset) this.words[1] = offset;
    else this.loseCfa();
  }

  /** Frame address: the value of the expression from the cursor's place to `end`. */
  setCfaExpression(cursor: FrameCursor, end: number): void {
    const code = this.compile(cursor, end, false);
    if (code === null) this.loseCfa();
    // What is a register and an offset after all is said so: that is the shorter rule.
    else if (code[0] === op.register && code.length === 2) this.setCfaWords(cfaKind.register | (code[1]! << 8), 0);
    else if (code[0] === op.register && code[2] === op.constant && code[4] === op.add && code.length === 6) this.setCfaWords(cfaKind.register | (code[1]! << 8), code[3]!);
    else this.setCfaWords(cfaKind.expression, this.store(code));
  }

  /** A register is saved at the frame address plus an offset. */
  savedAt(register: number, offset: number): void {
    if ((offset | 0) === offset) this.set(register, saveKind.atCfa, offset);
    else this.lose(register);
  }

  /** A register has the value frame address plus an offset. */
  isCfaPlus(register: number, offset: number): void {
    if ((offset | 0) !== offset) this.lose(register);
    else if (offset === 0 && register !== this.returnColumn && this.register(register) === this.file.sp) this.set(register, saveKind.unsaid, 0);
    else this.set(register, saveKind.expression, this.store(offset === 0 ? [op.cfa, 0] : [op.cfa, 0, op.constant, offset, op.add, 0]));
  }

  /** A register has the value of the expression up to `end`, or is saved at the address that is its value. */
  isExpression(register: number, cursor: FrameCursor, end: number, isSavedThere: boolean): void {
    const code = this.compile(cursor, end, true);
    if (code === null) return this.lose(register);
    if (!isSavedThere) return this.set(register, saveKind.expression, this.store(code));
    if (code[0] === op.cfa && code.length === 2) this.set(register, saveKind.atCfa, 0);
    else if (code[0] === op.cfa && code[2] === op.constant && code[4] === op.add && code.length === 6) this.set(register, saveKind.atCfa, code[3]!);
    else this.set(register, saveKind.expression, this.store([...code, op.dereference, 0]));
  }

  /** A register's value is in another one. */
  isIn(register: number, other: number): void {
    const mapped = this.register(other);
    if (mapped < 0) this.lose(register);
    else if (register === this.returnColumn) this.restoreReturn(mapped === this.file.pc ? raKind.none : raKind.register, mapped === this.file.pc ? 0 : mapped);
    else if (register === other && this.isPreserved[mapped] === 1) this.set(register, saveKind.unsaid, 0);
    else this.set(register, saveKind.expression, this.store([op.register, mapped]));
  }

  /** A register cannot be restored. Of the return address this says that nothing called the function. */
  isUndefined(register: number): void {
    if (register === this.returnColumn) this.restoreReturn(raKind.none, 1);
    else this.set(register, saveKind.undefined, 0);
  }

  /** A register's rule is again what it was in another state. */
  restore(register: number, initial: Int32Array): void {
    if (register === this.returnColumn) return this.restoreReturn(initial[2]!, initial[3]!);
    const slot = this.slotOf(register);
    if (slot >= 0) this.setSlot(slot, (initial[4]! >>> (slot * 2)) & 3, initial[RULE_SLOT_WORDS + slot]!);
  }

  private set(register: number, kind: number, operand: number): void {
    if (register === this.returnColumn) {
      this.restoreReturn(kind === saveKind.atCfa ? raKind.atCfa : raKind.expression, operand);
      return;
    }
    const slot = this.slotOf(register);
    if (slot >= 0) this.setSlot(slot, kind, operand);
  }

  private setSlot(slot: number, kind: number, operand: number): void {
    const { words } = this;
    words[4] = (words[4]! & ~(3 << (slot * 2))) | (kind << (slot * 2));
    words[RULE_SLOT_WORDS + slot] = operand;
  }

  private setCfaWords(kind: number, value: number): void {
    this.words[0] = kind;
    this.words[1] = value;
  }

  private restoreReturn(kind: number, operand: number): void {
    this.words[2] = kind;
    this.words[3] = operand;
  }

  private loseCfa(): void {
    this.lost++;
    this.setCfaWords(cfaKind.none, 0);
  }

  /** A register whose rule cannot be said. */
  private lose(register: number): void {
    if (register === this.returnColumn) this.restoreReturn(raKind.none, 0);
    else if (this.slotOf(register) >= 0) this.set(register, saveKind.undefined, 0);
    else return;
    this.lost++;
  }

  /** From DWARF's number to registers.ts', which are the same as far as there are any (psABI and AADWARF64); -1 for vector registers and the like. */
  private register(number: number): number {
    if (this.swaps && (number === 4 || number === 5)) return 9 - number;
    return number < this.file.names.length && number <= this.file.pc ? number : -1;
  }

  private slotOf(register: number): number {
    const slot = this.register(register) - this.firstSlot;
    return slot >= 0 && slot < SLOTS ? slot : -1;
  }

  private compile(cursor: FrameCursor, end: number, onCfa: boolean): readonly number[] | null {
    const from = cursor.at;
    const key = `${onCfa ? "r" : "c"}${Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + from, Math.max(0, Math.min(end - from, 300))).toString("latin1")}`;
    let code = this.expressions.get(key);
    if (code === undefined) {
      code = this.expressions.size < keptExpressions ? compileExpression(cursor, end, this.context, onCfa) : null;
      if (this.expressions.size < keptExpressions) this.expressions.set(key, code);
    }
    return code;
  }

  private store(code: readonly number[]): number {
    return this.builder.rules.addExpression([...code, op.end, 0]);
  }
}
