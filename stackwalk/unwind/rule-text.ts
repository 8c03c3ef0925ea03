// Unwind rules as text, for `--why`: `cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 24]`.
import type { RegisterFile } from "../../symbols/registers.ts";
import { ARM64_FIRST_SLOT, cfaKind, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind, SLOTS } from "../../symbols/cache/unwind-rule.ts";

/** Operations of an expression that are written out. */
const SHOWN_STEPS = 64;

const operators: { readonly [operation: number]: string } = { [op.add]: "+", [op.subtract]: "-", [op.multiply]: "*", [op.divide]: "/", [op.modulo]: "%", [op.align]: "@" };

/** A rule as text. */
export function ruleText(file: RegisterFile, rules: Int32Array, rule: number, expressions: Int32Array): string {
  const at = rule * RULE_WORDS;
  const head = rules[at] ?? 0;
  const register = (number: number): string => file.names[number] ?? `r?${number}`;
  const memory = (offset: number): string => `[${plus("cfa", offset)}]`;
  const parts: string[] = [];
  const kind = head & 0xff;
  if (kind === cfaKind.register) parts.push(`cfa = ${plus(register((head >>> 8) & 0xff), rules[at + 1] ?? 0)}`);
  else if (kind === cfaKind.expression) parts.push(`cfa = ${expressionText(file, expressions, rules[at + 1] ?? -1)}`);
  const returnOperand = rules[at + 3] ?? 0;
  const returnKind = rules[at + 2];
  if (returnKind === raKind.atCfa) parts.push(`ra = ${memory(returnOperand)}`);
  else if (returnKind === raKind.register) parts.push(`ra = ${register(returnOperand)}`);
  else if (returnKind === raKind.expression) parts.push(`ra = ${expressionText(file, expressions, returnOperand)}`);
  for (let slot = 0; slot < SLOTS; slot++) {
    const save = ((rules[at + 4] ?? 0) >>> (slot * 2)) & 3;
    const operand = rules[at + RULE_SLOT_WORDS + slot] ?? 0;
    const name = register(file.arch === "arm64" ? slot + ARM64_FIRST_SLOT : slot);
    if (save === saveKind.atCfa) parts.push(`${name} = ${memory(operand)}`);
    else if (save === saveKind.undefined) parts.push(`${name} is lost`);
    else if (save === saveKind.expression) parts.push(`${name} = ${expressionText(file, expressions, operand)}`);
  }
  return parts.join(", ");
}

function plus(term: string, offset: number): string {
  return offset === 0 ? term : offset < 0 ? `${term} - ${-offset}` : `${term} + ${offset}`;
}

/** An expression in infix form; `?` where it is not well formed. */
function expressionText(file: RegisterFile, expressions: Int32Array, start: number): string {
  const stack: string[] = [];
  const pop = (): string => stack.pop() ?? "?";
  for (let at = start, step = 0; step < SHOWN_STEPS && at >= 0; at += 2, step++) {
    const operation = expressions[at] ?? op.end;
    const operand = expressions[at + 1] ?? 0;
    const operator = operators[operation];
    if (operation === op.end) break;
    if (operator !== undefined) {
      const right = pop();
      const left = pop();
      stack.push(operation === op.add && /^-\d/.test(right) ? `(${left} - ${right.slice(1)})` : `(${left} ${operator} ${right})`);
    } else if (operation === op.constant) stack.push(String(operand));
    else if (operation === op.register) stack.push(file.names[operand] ?? "?");
    else if (operation === op.cfa) stack.push("cfa");
    else if (operation === op.dereference) stack.push(`[${bare(pop())}]`);
    else stack.push("?");
  }
  return bare(pop());
}

/** Without the outermost brackets, which close one operation. */
function bare(text: string): string {
  return text.startsWith("(") && text.endsWith(")") ? text.slice(1, -1) : text;
}
