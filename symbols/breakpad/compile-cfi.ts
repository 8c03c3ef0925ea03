// The text of STACK CFI records, compiled into rules (cache/unwind-rule.ts).
//
//     STACK CFI INIT 1000 54 .cfa: $rsp 8 + .ra: .cfa -8 + ^
//     STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
//
// A record's text is a list of `name: expression`; `.cfa` is the canonical
// frame address, `.ra` the return address, any other name a register of the
// caller. Expressions are postfix: decimal numbers, registers of the callee
// (with `$` or without, both occur), `.cfa`, `+ - * / % @ ^`, `.undef`. Each
// later record of one INIT replaces what it defines (breakpad's
// docs/symbol_files.md; rust-minidump's walker.rs for what the documentation
// leaves open).
//
// A file of two hundred thousand records has a hundred distinct texts, so a
// text is compiled once, and what a text makes of a rule is remembered.
//
// What cannot be compiled: a text that does not begin with a name makes its
// row and all later ones of the INIT rule 0. An expression that is malformed,
// or uses a register that the architecture has not, fails as it would when it
// is evaluated: without a CFA or return address the rule is of no use, and any
// other register is lost. Two readings are ours: a rule for the program
// counter itself (`$eip:`, as in Breakpad's documentation) is one for `.ra`;
// and `.ra: .undef` marks the outermost frame, as an undefined return address
// does in DWARF.
import { RuleTable } from "../cache/rule-table.ts";
import { ARM64_FIRST_SLOT, RULE_SLOT_WORDS, RULE_WORDS, SLOTS, cfaKind, expressionDepth, op, raKind, saveKind } from "../cache/unwind-rule.ts";
import { type RegisterFile, registerNumber } from "../registers.ts";
import { StringTable } from "../cache/string-table.ts";

/** In place of a rule's index: a text was malformed. Such a row has rule 0, and so have all later ones of its record. */
export const spoiledRule = -2;
/** Where a rule's first word keeps the kind of a CFA while the frame is the outermost. */
const keptKindShift = 20;
/** Tokens of one record's text, at most; real ones have below 100. */
const textTokens = 4096;

const binaryOperations: { readonly [token: string]: number } = { "+": op.add, "-": op.subtract, "*": op.multiply, "/": op.divide, "%": op.modulo, "@": op.align };

/** One `name: expression`: words of a rule that it sets. */
type Definition = { readonly target: "cfa" | "ra" | number; readonly kind: number; readonly value: number; readonly register: number };

/** Compiles the texts of one file. */
export class CfiCompiler {
  readonly rules: RuleTable;
  private readonly file: RegisterFile;
  private readonly texts = new StringTable();
  /** By text: what it defines; null when it is malformed. */
  private readonly definitions: (readonly Definition[] | null | undefined)[] = [];
  /** What a text makes of a rule: rule · 2^21 + text to rule. */
  private readonly outcomes = new Map<number, number>();
  private readonly scratch = new Int32Array(RULE_WORDS);
  private lastKey = -1;
  private lastOutcome = 0;

  constructor(file: RegisterFile, rules: RuleTable) {
    this.file = file;
    this.rules = rules;
  }

  /** Position after the text that `takeText` took last. */
  get end(): number {
    return this.texts.end;
  }

  /** The number of the text from `start` to the line's end. */
  takeText(bytes: Uint8Array, start: number): number {
    return this.texts.takeLine(bytes, start);
  }

  /** The rule for an INIT with this text; `spoiledRule` when it is malformed. */
  first(text: number): number {
    return this.outcome(-1, text);
  }

  /** The rule that a later text makes of the rule before it; `spoiledRule` when it is malformed, or the rule before was. */
  next(rule: number, text: number): number {
    return rule === spoiledRule ? spoiledRule : this.outcome(rule, text);
  }

  private outcome(rule: number, text: number): number {
    const key = (rule + 1) * 0x8000_0000 + text;
    if (key === this.lastKey) return this.lastOutcome;
    let outcome = this.outcomes.get(key);
    if (outcome === undefined) {
      outcome = this.apply(rule, text);
      this.outcomes.set(key, outcome);
    }
    this.lastKey = key;
    this.lastOutcome = outcome;
    return outcome;
  }

  private apply(rule: number, text: number): number {
    let definitions = this.definitions[text];
    if (definitions === undefined) {
      definitions = this.parse(Buffer.from(this.texts.bytesOf(text)).toString("latin1"));
      this.definitions[text] = definitions;
    }
    if (definitions === null) return spoiledRule;
    const words = this.scratch;
    if (rule < 0) words.fill(0);
    else this.rules.copy(rule, words);
    for (const { target, kind, value, register } of definitions) {
      if (target === "cfa") {
        words[0] = kind | (register << 8);
        words[1] = value;
      } else if (target === "ra") {
        words[2] = kind;
        words[3] = value;
      } else {
        words[4] = (words[4]! & ~(3 << (target * 2))) | (kind << (target * 2));
        words[RULE_SLOT_WORDS + target] = value;
      }
    }
    // The outermost frame has no use for a CFA, also where later rows move it; what it was is kept in bits that nobody reads, for a row that has a return address again.
    const isEnd = words[2] === raKind.none && words[3] === 1;
    const kind = words[0]! & 0xff;
    if (isEnd && kind !== cfaKind.end) words[0] = cfaKind.end | (words[0]! & 0xff00) | (kind << keptKindShift);
    else if (!isEnd && kind === cfaKind.end) words[0] = (words[0]! & 0xff00) | ((words[0]! >>> keptKindShift) & 0xff);
    return this.rules.add(words);
  }

  private parse(text: string): readonly Definition[] | null {
    const tokens = text.split(/[ \t\f\v]+/).filter((token) => token !== "");
    if (tokens.length === 0 || tokens.length > textTokens || !isName(tokens[0]!)) return null;
    const definitions: Definition[] = [];
    for (let at = 0; at < tokens.length; ) {
      const name = tokens[at++]!.slice(0, -1);
      const first = at;
      while (at < tokens.length && !isName(tokens[at]!)) at++;
      if (at === first) return null;
      const expression = tokens.slice(first, at);
      if (name === ".cfa") definitions.push(this.cfa(expression));
      else if (name === ".ra") definitions.push(this.ra(expression));
      else {
        const register = registerNumber(this.file, name);
        if (register === undefined) continue;
        if (register === this.file.pc) definitions.push(this.ra(expression));
        else this.saved(register, expression, definitions);
      }
    }
    return definitions;
  }

  private cfa(tokens: readonly string[]): Definition {
    const register = tokens.length === 1 || tokens.length === 3 ? registerNumber(this.file, tokens[0]!) : undefined;
    const offset = offsetOf(tokens, 1);
    if (register !== undefined && offset !== null) return { target: "cfa", kind: cfaKind.register, value: offset, register };
    // A CFA cannot be found by way of itself.
    const expression = tokens.includes(".cfa") ? -1 : this.expression(tokens);
    return expression < 0 ? { target: "cfa", kind: cfaKind.none, value: 0, register: 0 } : { target: "cfa", kind: cfaKind.expression, value: expression, register: 0 };
  }

  private ra(tokens: readonly string[]): Definition {
    // The 1 marks it in a word that nobody reads for this kind.
    if (tokens.length === 1 && tokens[0] === ".undef") return { target: "ra", kind: raKind.none, value: 1, register: 0 };
    const offset = savedOffset(tokens);
    if (offset !== null) return { target: "ra", kind: raKind.atCfa, value: offset, register: 0 };
    const register = tokens.length === 1 ? registerNumber(this.file, tokens[0]!) : undefined;
    if (register !== undefined) return { target: "ra", kind: raKind.register, value: register, register: 0 };
    const expression = this.expression(tokens);
    return expression < 0 ? { target: "ra", kind: raKind.none, value: 0, register: 0 } : { target: "ra", kind: raKind.expression, value: expression, register: 0 };
  }

  private saved(register: number, tokens: readonly string[], definitions: Definition[]): void {
    const slot = this.file.arch === "arm64" ? register - ARM64_FIRST_SLOT : register;
    if (slot < 0 || slot >= SLOTS) return;
    const offset = savedOffset(tokens);
    if (offset !== null) {
      definitions.push({ target: slot, kind: saveKind.atCfa, value: offset, register: 0 });
      return;
    }
    // "Itself" is what a preserved register is without a rule; saying so makes half of a compiler's rules equal.
    const isItself = tokens.length === 1 && registerNumber(this.file, tokens[0]!) === register && this.file.calleeSaved.includes(register);
    const expression = isItself ? -1 : this.expression(tokens);
    if (isItself) definitions.push({ target: slot, kind: saveKind.unsaid, value: 0, register: 0 });
    else if (expression < 0) definitions.push({ target: slot, kind: saveKind.undefined, value: 0, register: 0 });
    else definitions.push({ target: slot, kind: saveKind.expression, value: expression, register: 0 });
  }

  /** The index of a compiled expression; -1 when it can only fail. */
  private expression(tokens: readonly string[]): number {
    const words: number[] = [];
    let depth = 0;
    for (const token of tokens) {
      const operation = binaryOperations[token];
      if (operation !== undefined) {
        if (depth < 2) return -1;
        words.push(operation, 0);
        depth--;
      } else if (token === "^") {
        if (depth < 1) return -1;
        words.push(op.dereference, 0);
      } else {
        if (++depth > expressionDepth) return -1;
        const number = numberOf(token);
        const register = registerNumber(this.file, token);
        if (number !== null) words.push(op.constant, number);
        else if (token === ".cfa") words.push(op.cfa, 0);
        else if (register !== undefined) words.push(op.register, register);
        else return -1;
      }
    }
    if (depth !== 1) return -1;
    words.push(op.end, 0);
    return this.rules.addExpression(words);
  }
}

function isName(token: string): boolean {
  return token.length > 1 && token.endsWith(":");
}

/** A decimal number that fits 32 bits; null when the token is none. */
function numberOf(token: string): number | null {
  if (!/^[+-]?\d{1,10}$/.test(token)) return null;
  const value = Number(token);
  return value >= -0x80000000 && value <= 0x7fffffff ? value : null;
}

/** The sum of `NUMBER +` or `NUMBER -` at a place that ends the expression, 0 when nothing is there; null when it is something else. */
function offsetOf(tokens: readonly string[], at: number): number | null {
  if (tokens.length === at) return 0;
  if (tokens.length !== at + 2) return null;
  const number = numberOf(tokens[at]!);
  if (number === null) return null;
  if (tokens[at + 1] === "+") return number;
  return tokens[at + 1] === "-" && number !== -0x80000000 ? -number | 0 : null;
}

/** The offset in `.cfa OFFSET + ^`; null when the expression is something else. */
function savedOffset(tokens: readonly string[]): number | null {
  if (tokens[0] !== ".cfa" || tokens.at(-1) !== "^") return null;
  return offsetOf(tokens.slice(0, -1), 1);
}
