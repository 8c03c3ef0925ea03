// Operators by their two letters (Itanium C++ ABI 5.1.5.3), as rows of parallel
// arrays: the text, and how an expression uses it.
import { text } from "../texts.ts";

/** How an operator is used in an expression; `name` is never an expression by these letters, or one of its own form. */
export type OperatorUse = "binary" | "prefix" | "step" | "name";

const table: readonly [string, string, OperatorUse][] = [
  ["nw", "new", "name"],
  ["na", "new[]", "name"],
  ["dl", "delete", "name"],
  ["da", "delete[]", "name"],
  ["aw", "co_await", "prefix"],
  ["ps", "+", "prefix"],
  ["ng", "-", "prefix"],
  ["ad", "&", "prefix"],
  ["de", "*", "prefix"],
  ["co", "~", "prefix"],
  ["pl", "+", "binary"],
  ["mi", "-", "binary"],
  ["ml", "*", "binary"],
  ["dv", "/", "binary"],
  ["rm", "%", "binary"],
  ["an", "&", "binary"],
  ["or", "|", "binary"],
  ["eo", "^", "binary"],
  ["aS", "=", "binary"],
  ["pL", "+=", "binary"],
  ["mI", "-=", "binary"],
  ["mL", "*=", "binary"],
  ["dV", "/=", "binary"],
  ["rM", "%=", "binary"],
  ["aN", "&=", "binary"],
  ["oR", "|=", "binary"],
  ["eO", "^=", "binary"],
  ["ls", "<<", "binary"],
  ["rs", ">>", "binary"],
  ["lS", "<<=", "binary"],
  ["rS", ">>=", "binary"],
  ["eq", "==", "binary"],
  ["ne", "!=", "binary"],
  ["lt", "<", "binary"],
  ["gt", ">", "binary"],
  ["le", "<=", "binary"],
  ["ge", ">=", "binary"],
  ["ss", "<=>", "binary"],
  ["nt", "!", "prefix"],
  ["aa", "&&", "binary"],
  ["oo", "||", "binary"],
  ["pp", "++", "step"],
  ["mm", "--", "step"],
  ["cm", ",", "binary"],
  ["pm", "->*", "binary"],
  ["ds", ".*", "binary"],
  ["dt", ".", "binary"],
  ["pt", "->", "binary"],
  ["cl", "()", "name"],
  ["ix", "[]", "name"],
  ["qu", "?", "name"],
];

/** The text of each row. */
export const operatorTexts: readonly number[] = table.map(([, name]) => text(name));
/** The use of each row. */
export const operatorUses: readonly OperatorUse[] = table.map(([, , use]) => use);
/** True for the rows that are words: they need a space behind `operator`. */
export const operatorIsWord: readonly boolean[] = table.map(([, name]) => /^[a-z]/.test(name));

const rows = new Int16Array(1 << 12).fill(-1);
for (const [row, [letters]] of table.entries()) rows[slot(letters.charCodeAt(0), letters.charCodeAt(1))] = row;

function slot(first: number, second: number): number {
  return ((first & 0x3f) << 6) | (second & 0x3f);
}

/** The row of two letters; -1 when they are no operator. */
export function operatorRow(first: number, second: number): number {
  // Letters only: the slot folds other bytes onto them.
  if (first < 0x61 || first > 0x7a || second < 0x41) return -1;
  return rows[slot(first, second)]!;
}

/** The row of `>`, which needs parentheses inside template arguments. */
export const GREATER = operatorRow(0x67, 0x74);
/** The row of the unary `&`. */
export const ADDRESS_OF = operatorRow(0x61, 0x64);
