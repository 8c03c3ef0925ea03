// The programs of 32-bit Windows frames, as PDBs and STACK WIN records have
// them, compiled into expressions (unwind-rule.ts).
//
// A program is postfix with assignments, `$T0 $ebp = $eip $T0 4 + ^ =`. A
// variable that is assigned to is on the stack by name, everywhere else by
// value; which of the two shows only when the operator comes. So operands are
// compiled when they are used, and statements come out one after the other:
// value, then op.assign with the variable (numbered as in `winVariable`). A
// program that would assign while half a calculation is pending (none known)
// is not compiled.
import { expressionDepth, op, winVariable, winVariableCount } from "./unwind-rule.ts";

const programTokens = 1024;

const operations: { readonly [token: string]: number } = { "+": op.add, "-": op.subtract, "*": op.multiply, "/": op.divide, "%": op.modulo, "@": op.align };

/** The words of a program's expression; null when it cannot be compiled. */
export function compileWinProgram(text: string): number[] | null {
  // Some writers leave out the blank after the operator: `=$esp`.
  const tokens = text.replaceAll("=", " = ").split(/[ \t\f\v]+/).filter((token) => token !== "");
  return tokens.length > programTokens ? null : compileTokens(tokens);
}

/** A value that waits on the stack: the code that makes it, or a variable that may yet be assigned to. */
type Pending = { readonly code: readonly number[]; readonly variable: number; readonly isUndef: boolean };

function compileTokens(tokens: readonly string[]): number[] | null {
  const words: number[] = [];
  const names = new Map<string, number>();
  const stack: Pending[] = [];
  for (const token of tokens) {
    const operation = operations[token];
    if (token === "=") {
      const value = stack.pop();
      const target = stack.pop();
      if (value === undefined || target === undefined || target.variable < 0) return null;
      if (stack.some((pending) => pending.variable < 0)) return null;
      if (value.isUndef) words.push(op.forget, target.variable);
      else words.push(...value.code, op.assign, target.variable);
    } else if (operation !== undefined) {
      const right = stack.pop();
      const left = stack.pop();
      if (right === undefined || left === undefined) return null;
      stack.push({ code: [...left.code, ...right.code, operation, 0], variable: -1, isUndef: false });
    } else if (token === "^") {
      const address = stack.pop();
      if (address === undefined) return null;
      stack.push({ code: [...address.code, op.dereference, 0], variable: -1, isUndef: false });
    } else {
      const pending = operand(token, names);
      if (pending === null || stack.length === expressionDepth) return null;
      stack.push(pending);
    }
  }
  // A program that assigns nothing, or ends in the middle of something, restores nothing.
  if (words.length === 0) return null;
  words.push(op.end, 0);
  return words;
}

function operand(token: string, names: Map<string, number>): Pending | null {
  if (/^[+-]?\d{1,10}$/.test(token)) {
    const value = Number(token);
    return value >= -0x80000000 && value <= 0xffffffff ? { code: [op.constant, value | 0], variable: -1, isUndef: false } : null;
  }
  if (token === ".undef") return { code: [op.fail, 0], variable: -1, isUndef: true };
  if (!/^[.$]\w+$/.test(token)) return null;
  const name = token.slice(1);
  const known: { readonly [name: string]: number } = winVariable;
  let variable = Object.hasOwn(winVariable, name) && name !== "firstOther" ? known[name] : names.get(token);
  if (variable === undefined) {
    variable = winVariable.firstOther + names.size;
    if (variable >= winVariableCount) return null;
    names.set(token, variable);
  }
  return { code: [op.variable, variable], variable, isUndef: false };
}
