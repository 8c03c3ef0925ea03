// STACK WIN records, compiled: how 32-bit Windows code sets up its frames.
//
//     STACK WIN TYPE RVA CODE PROLOG EPILOG PARAMS SAVED LOCALS MAX 1 PROGRAM
//     STACK WIN TYPE RVA CODE PROLOG EPILOG PARAMS SAVED LOCALS MAX 0 BASEPTR
//
// All numbers but the flag are hex. Type 4 has a program, type 0 (FPO) the
// fixed rules of omitted frame pointers; other types say nothing that a walk
// could use. PDBs hold several overlapping records for one function, each
// right from its start on; the mending is rust-minidump's (parser.rs): a
// record that begins inside the one before it in the file ends that one early,
// one with the same range as another is dropped, and so is one that begins
// before.
//
// A program is postfix with assignments, `$T0 $ebp = $eip $T0 4 + ^ =`. A
// variable that is assigned to is on the stack by name, everywhere else by
// value; which of the two shows only when the operator comes. So operands are
// compiled when they are used, and statements come out one after the other:
// value, then op.assign with the variable (numbered as in `winVariable`). A
// program that would assign while half a calculation is pending (none known)
// is not compiled.
import { Uint32List } from "../cache/growable-array.ts";
import { WIN_SHAPE_WORDS } from "../cache/layout.ts";
import type { RuleTable } from "../cache/rule-table.ts";
import { StringTable } from "../cache/string-table.ts";
import { op, winVariable } from "../cache/unwind-rule.ts";
import { expressionDepth } from "./compile-cfi.ts";
import { type FieldCursor, noField } from "./field-cursor.ts";

/** Variables of one program, at most: those with a meaning and `$T0` and the like. */
export const winVariableCount = 64;
const programTokens = 1024;

const operations: { readonly [token: string]: number } = { "+": op.add, "-": op.subtract, "*": op.multiply, "/": op.divide, "%": op.modulo, "@": op.align };

/** What became of a record. */
export type WinOutcome = "kept" | "mended" | "dropped" | "malformed" | "other_type";

/** Collects the STACK WIN records of one file. */
export class WinCompiler {
  private readonly rules: RuleTable;
  private readonly texts = new StringTable();
  /** By text: index of the program's expression, -1 when it cannot be compiled; and whether it aligns. */
  private readonly compiled: { readonly program: number; readonly aligns: boolean }[] = [];
  private readonly shapes = new Map<string, number>();
  private readonly shapeWords: number[] = [];
  private readonly programs = new Uint32List(96);
  private readonly fpo = new Uint32List(96);

  constructor(rules: RuleTable) {
    this.rules = rules;
  }

  /** Takes the record whose fields after `STACK WIN` begin at the cursor. */
  take(bytes: Uint8Array, cursor: FieldCursor): WinOutcome {
    const type = cursor.hex(bytes);
    const start = cursor.hex(bytes);
    const size = cursor.hex(bytes);
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) sizes.push(cursor.hex(bytes));
    const hasProgram = cursor.decimal(bytes);
    if (type === noField || start === noField || size === noField || hasProgram === noField || sizes.some((value) => value === noField || value > 0x7fffffff)) return "malformed";
    if (type !== 0 && type !== 4) return "other_type";
    // Where type and flag disagree, nobody knows which is right.
    if ((type === 4) !== (hasProgram === 1) || cursor.atEnd(bytes)) return "malformed";
    const end = start + size;
    if (size === 0 || end > 0xffffffff) return "malformed";
    let program = -1;
    let flags = 0;
    if (type === 4) {
      const text = this.texts.takeLine(bytes, cursor.at);
      const compiled = (this.compiled[text] ??= this.compile(Buffer.from(this.texts.bytesOf(text)).toString("latin1")));
      program = compiled.program;
      flags = compiled.aligns ? 2 : 0;
    } else {
      flags = cursor.hex(bytes) === 1 ? 1 : 0;
    }
    return insert(type === 4 ? this.programs : this.fpo, start, size, this.shape([...sizes, program, flags]));
  }

  /** The sections `winPrograms`, `winFpo` and `winShapes`, and how many records were dropped for overlapping. */
  finish(): { readonly programs: Uint32Array; readonly fpo: Uint32Array; readonly shapes: Int32Array; readonly overlaps: number } {
    const programs = disjoint(this.programs.view());
    const fpo = disjoint(this.fpo.view());
    return { programs, fpo, shapes: Int32Array.from(this.shapeWords), overlaps: (this.programs.length + this.fpo.length - programs.length - fpo.length) / 3 };
  }

  private shape(words: readonly number[]): number {
    const key = words.join(" ");
    let index = this.shapes.get(key);
    if (index === undefined) {
      index = this.shapeWords.length / WIN_SHAPE_WORDS;
      this.shapes.set(key, index);
      this.shapeWords.push(...words);
    }
    return index;
  }

  private compile(text: string): { readonly program: number; readonly aligns: boolean } {
    // Some writers leave out the blank after the operator: `=$esp`.
    const tokens = text.replaceAll("=", " = ").split(/[ \t\f\v]+/).filter((token) => token !== "");
    const aligns = text.includes("@");
    const words = tokens.length > programTokens ? null : compileProgram(tokens);
    return { program: words === null ? -1 : this.rules.addExpression(words), aligns };
  }
}

/** A value that waits on the stack: the code that makes it, or a variable that may yet be assigned to. */
type Pending = { readonly code: readonly number[]; readonly variable: number; readonly isUndef: boolean };

function compileProgram(tokens: readonly string[]): number[] | null {
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

/** Appends a record to a table, against the record before it in the file. */
function insert(table: Uint32List, start: number, size: number, shape: number): WinOutcome {
  let outcome: WinOutcome = "kept";
  const last = table.length - 3;
  if (last >= 0) {
    const lastStart = table.data[last]!;
    const lastSize = table.data[last + 1]!;
    if (start < lastStart + lastSize && lastStart < start + size) {
      if (start <= lastStart) return "dropped";
      table.data[last + 1] = start - lastStart;
      outcome = "mended";
    }
  }
  table.push(start);
  table.push(size);
  table.push(shape);
  return outcome;
}

/** A table in order of (first, last) address, without records that overlap one before. */
function disjoint(table: Uint32Array): Uint32Array {
  const count = table.length / 3;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => table[a * 3]! - table[b * 3]! || table[a * 3 + 1]! - table[b * 3 + 1]! || a - b);
  const kept = new Uint32Array(table.length);
  let length = 0;
  let end = 0;
  for (const index of order) {
    const start = table[index * 3]!;
    if (start < end) continue;
    end = start + table[index * 3 + 1]!;
    kept.set(table.subarray(index * 3, index * 3 + 3), length);
    length += 3;
  }
  return kept.subarray(0, length);
}
