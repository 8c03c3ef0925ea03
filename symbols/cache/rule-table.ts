// The distinct unwind rules and expressions of one cache (unwind-rule.ts says
// what their words mean). Rule 0 is the rule of nothing: no CFA, no return
// address, so that a frame with it is unwound by other means.
import { RULE_WORDS } from "./unwind-rule.ts";

/** Rules of one cache, at most. Real files have thousands; past it a row gets rule 0. */
const ruleLimit = 1 << 20;

/** Collects rules and expressions and gives each an index; equal ones get the same. */
export class RuleTable {
  /** How many rules there are. */
  count = 1;
  /** Rows that got rule 0 because the table was full. */
  overflow = 0;
  private words = new Int32Array(64 * RULE_WORDS);
  private expressionWords = new Int32Array(256);
  private expressionLength = 0;
  private readonly expressions = new Map<string, number>();
  /** Index + 1 of a rule by its hash, open addressing; a power of two long. */
  private slots = new Int32Array(256);

  constructor() {
    this.add(new Int32Array(RULE_WORDS));
  }

  /** The index of a rule of RULE_WORDS words; 0 when the table is full. */
  add(rule: Int32Array): number {
    let hash = 0;
    for (let i = 0; i < RULE_WORDS; i++) hash = Math.imul(hash ^ rule[i]!, 0x9e3779b1) ^ (hash >>> 15);
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot]!) {
      if (this.equals(entry - 1, rule)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const isNothing = rule.every((word) => word === 0);
    if (isNothing) {
      this.slots[slot] = 1;
      return 0;
    }
    if (this.count === ruleLimit) {
      this.overflow++;
      return 0;
    }
    const index = this.count++;
    if ((index + 1) * RULE_WORDS > this.words.length) {
      const wider = new Int32Array(this.words.length * 2);
      wider.set(this.words);
      this.words = wider;
    }
    this.words.set(rule, index * RULE_WORDS);
    this.slots[slot] = index + 1;
    if (this.count * 2 > this.slots.length) this.widen();
    return index;
  }

  /** Copies a rule into `rule`. */
  copy(index: number, rule: Int32Array): void {
    for (let i = 0; i < RULE_WORDS; i++) rule[i] = this.words[index * RULE_WORDS + i]!;
  }

  /** The index of an expression, whose words end with op.end and 0. */
  addExpression(words: readonly number[]): number {
    const key = words.join(" ");
    const known = this.expressions.get(key);
    if (known !== undefined) return known;
    const index = this.expressionLength;
    while (index + words.length > this.expressionWords.length) {
      const wider = new Int32Array(this.expressionWords.length * 2);
      wider.set(this.expressionWords);
      this.expressionWords = wider;
    }
    this.expressionWords.set(words, index);
    this.expressionLength += words.length;
    this.expressions.set(key, index);
    return index;
  }

  /** The section `rules`. */
  ruleSection(): Int32Array {
    return this.words.subarray(0, this.count * RULE_WORDS);
  }

  /** The section `expressions`. */
  expressionSection(): Int32Array {
    return this.expressionWords.subarray(0, this.expressionLength);
  }

  private equals(index: number, rule: Int32Array): boolean {
    const base = index * RULE_WORDS;
    for (let i = 0; i < RULE_WORDS; i++) if (this.words[base + i] !== rule[i]) return false;
    return true;
  }

  private widen(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 4);
    const mask = this.slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      const base = (entry - 1) * RULE_WORDS;
      let hash = 0;
      for (let i = 0; i < RULE_WORDS; i++) hash = Math.imul(hash ^ this.words[base + i]!, 0x9e3779b1) ^ (hash >>> 15);
      let slot = (hash ^ (hash >>> 16)) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = entry;
    }
  }
}
