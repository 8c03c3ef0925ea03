// The rules at which the grammar's circles close: a type holds expressions, an
// expression holds types. Files import downwards only, and call these four
// through here; each is put here by the file that has it.
import type { Parser } from "../parser.ts";

/** Reads one rule: a node, or 0 when the input does not fit. */
export type Rule = (p: Parser) => number;

const missing: Rule = () => {
  throw new Error("a rule of the grammar is used before its file is loaded");
};

/** The rules that are called from below. */
export const grammar: { type: Rule; expression: Rule; primary: Rule; encoding: Rule } = { type: missing, expression: missing, primary: missing, encoding: missing };
