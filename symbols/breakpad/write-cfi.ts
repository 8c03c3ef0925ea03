// Unwind rules as the text of STACK CFI records; compile-cfi.ts reads it.
//
// A record has the whole rule of its first row, and for each later row what
// changed. What a rule is silent about has no words of its own: a register that
// was saved, and is not any more, has its value again, so that is written
// (`$rbx: $rbx`). A row without a rule is one whose CFA fails, `.cfa: .undef`;
// what stands in the text before goes on from there.
import { ARM64_FIRST_SLOT, RULE_SLOT_WORDS, RULE_WORDS, SLOTS, cfaKind, interruptedFlag, op, raKind, saveKind } from "../cache/unwind-rule.ts";
import type { RegisterFile } from "../registers.ts";

const operators: { readonly [operation: number]: string } = { [op.add]: "+", [op.subtract]: "-", [op.multiply]: "*", [op.divide]: "/", [op.modulo]: "%", [op.align]: "@", [op.dereference]: "^", [op.cfa]: ".cfa", [op.fail]: ".undef" };
/** An expression that fails, but does not say `.undef`. */
const noValue = ".cfa .cfa";

/** Writes the rules of one cache. */
export class CfiText {
  private readonly rules: Int32Array;
  private readonly expressions: Int32Array;
  private readonly names: readonly string[];
  private readonly firstSlot: number;
  /** What the text of the record says so far. */
  private readonly said = new Int32Array(RULE_WORDS);
  private readonly wanted = new Int32Array(RULE_WORDS);
  private readonly returnRule: string;
  /** By the rule before and the rule: the text, where both are plain. */
  private readonly changes = new Map<number, string>();
  private before = 0;

  constructor(file: RegisterFile, rules: Int32Array, expressions: Int32Array) {
    this.rules = rules;
    this.expressions = expressions;
    this.firstSlot = file.arch === "arm64" ? ARM64_FIRST_SLOT : 0;
    this.names = file.names.map((_, register) => breakpadName(file, register));
    this.returnRule = file.lr >= 0 ? `.cfa: ${this.names[file.sp]} 0 + .ra: ${this.names[file.lr]}` : `.cfa: ${this.names[file.sp]} ${file.wordBytes} + .ra: .cfa -${file.wordBytes} + ^`;
  }

  /** The rule of a function that saved nothing yet: the return address is where the call put it. */
  get leaf(): string {
    return this.returnRule;
  }

  /** The text of a record's first row. */
  first(rule: number): string {
    this.said.fill(0);
    return this.change(-1, rule);
  }

  /** What a later row changes; "" for nothing. */
  next(rule: number): string {
    return this.change(this.before, rule);
  }

  private change(before: number, rule: number): string {
    this.before = rule;
    const { wanted, said } = this;
    for (let i = 0; i < RULE_WORDS; i++) wanted[i] = this.rules[rule * RULE_WORDS + i] ?? 0;
    wanted[0]! &= ~interruptedFlag;
    if ((wanted[0]! & 0xff) === cfaKind.end) {
      wanted[0] = cfaKind.end;
      wanted[2] = raKind.none;
      wanted[3] = 1;
    }
    // After a row without rule the text says more than that row, so what changes depends on what came before it, too.
    const isPlain = before !== 0 && rule !== 0;
    const key = (before + 1) * 0x400000 + rule;
    const known = isPlain ? this.changes.get(key) : undefined;
    const text = known ?? this.difference(rule, before < 0);
    if (isPlain) this.changes.set(key, text);
    if (rule === 0) {
      if ((said[0]! & 0xff) === cfaKind.end) said[3] = 0;
      said[0] = cfaKind.none;
    } else said.set(wanted);
    return text;
  }

  private difference(rule: number, isFirst: boolean): string {
    const { wanted, said } = this;
    if (rule === 0) {
      // The outermost frame is told by its return address, which must not stand any more.
      if ((said[0]! & 0xff) === cfaKind.end) return `.cfa: .undef .ra: ${noValue}`;
      return isFirst || said[0] !== cfaKind.none ? ".cfa: .undef" : "";
    }
    const parts: string[] = [];
    if (wanted[0] !== said[0] || wanted[1] !== said[1]) parts.push(`.cfa: ${this.cfa()}`);
    if (wanted[2] !== said[2] || wanted[3] !== said[3]) parts.push(`.ra: ${this.returnAddress()}`);
    for (let slot = 0; slot < SLOTS; slot++) {
      const kind = (wanted[4]! >>> (slot * 2)) & 3;
      const operand = wanted[RULE_SLOT_WORDS + slot]!;
      if (kind === ((said[4]! >>> (slot * 2)) & 3) && operand === said[RULE_SLOT_WORDS + slot]) continue;
      const name = this.names[slot + this.firstSlot]!;
      parts.push(`${name}: ${kind === saveKind.unsaid ? name : kind === saveKind.undefined ? ".undef" : kind === saveKind.atCfa ? saved(operand) : this.expression(operand)}`);
    }
    return parts.join(" ");
  }

  private cfa(): string {
    const kind = this.wanted[0]! & 0xff;
    const value = this.wanted[1]!;
    // The outermost frame's is not looked at; its rule is told by the return address.
    if (kind === cfaKind.end) return ".undef";
    if (kind === cfaKind.register) return `${this.names[(this.wanted[0]! >>> 8) & 0xff]!} ${value} +`;
    return kind === cfaKind.expression ? this.expression(value) : ".undef";
  }

  private returnAddress(): string {
    const operand = this.wanted[3]!;
    switch (this.wanted[2]) {
      case raKind.atCfa:
        return saved(operand);
      case raKind.register:
        return this.names[operand]!;
      case raKind.expression:
        return this.expression(operand);
      default:
        // Only the outermost frame has none and says so; any other that has none fails.
        return operand === 1 ? ".undef" : noValue;
    }
  }

  private expression(start: number): string {
    const tokens: string[] = [];
    const { expressions } = this;
    for (let at = start; at >= 0 && at < expressions.length && expressions[at] !== op.end; at += 2) {
      const operation = expressions[at]!;
      const operand = expressions[at + 1] ?? 0;
      tokens.push(operation === op.constant ? String(operand) : operation === op.register ? (this.names[operand] ?? ".undef") : (operators[operation] ?? ".undef"));
    }
    return tokens.join(" ");
  }
}

function saved(offset: number): string {
  return `.cfa ${offset} + ^`;
}

/** A register as Breakpad's walkers know it: with `$` on x86 and amd64, by its number on ARM. */
function breakpadName(file: RegisterFile, register: number): string {
  if (file.arch === "x86" || file.arch === "amd64") return `$${file.names[register]!}`;
  if (register === file.sp || register === file.pc || (register === file.lr && file.arch === "arm")) return file.names[register]!;
  return file.arch === "arm" ? `r${register}` : `x${register}`;
}
