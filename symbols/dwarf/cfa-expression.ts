// DWARF expressions of call frames, compiled into the expressions of unwind
// rules (cache/unwind-rule.ts).
//
// A rule's expressions have no way to copy or exchange values, so the stack is
// played here, with the code that makes each value in place of the value:
// DW_OP_dup copies code, DW_OP_swap exchanges it. What has no operation of its
// own is made of those that there are, where that is exact:
//
//     x & (2^k - 1)   modulo                x << k   multiplication
//     x & -(2^k)      align                 x >> k   division
//     -x, ~x          products with -1      x >= c   division, when x is known to be small
//
// The last is what the linkers' procedure linkage tables need, which say how
// far a stub of 16 bytes has come: ((rip & 15) >= 11) << 3.
//
// Limits: no branches, no types, no reads of less than a word; expressions of
// `expressionBytes`, values of `valueWords` words. Real ones have 10 bytes.
import { expressionDepth, op } from "../cache/unwind-rule.ts";
import type { FrameCursor } from "./frame-cursor.ts";

/** Bytes of one expression, at most. */
const expressionBytes = 256;
/** Words of the code of one value, at most. */
const valueWords = 128;
/** Values on the stack while compiling. */
const stackValues = 32;

/** A value on the stack: its code, its number if it is one, and a number that it is known to be below. */
type Value = { readonly code: readonly number[]; readonly constant: number | null; readonly below: number };

/** How expressions of one section are read. */
export type ExpressionContext = {
  readonly addressBytes: 4 | 8;
  /** From DWARF's number of a register to registers.ts'; -1 for one without a value in a walk. */
  register(number: number): number;
};

/** Compiles the expression from the cursor's place up to `end`, without its op.end; null when it has something that rules cannot say. The cursor stands anywhere afterwards. `onCfa`: the canonical frame address is on the stack to begin with. */
export function compileExpression(cursor: FrameCursor, end: number, context: ExpressionContext, onCfa: boolean): number[] | null {
  if (end - cursor.at > expressionBytes) return null;
  const stack: Value[] = onCfa ? [made([op.cfa, 0])] : [];
  while (cursor.at < end) {
    if (!step(cursor, context, onCfa, stack) || stack.length > stackValues) return null;
    const top = stack.at(-1);
    if (cursor.failed || cursor.at > end || (top !== undefined && top.code.length > valueWords)) return null;
  }
  const value = stack.at(-1);
  return value === undefined || depthOf(value.code) > expressionDepth ? null : [...value.code];
}

function made(code: readonly number[], below = Number.POSITIVE_INFINITY): Value {
  return { code, constant: null, below };
}

/** One operation; false for one that cannot be compiled. Numbers are those of DWARF 5, 7.7.1. */
function step(cursor: FrameCursor, context: ExpressionContext, onCfa: boolean, stack: Value[]): boolean {
  const operation = cursor.u8();
  if (operation >= 0x30 && operation <= 0x4f) return push(stack, number(operation - 0x30, context));
  if (operation >= 0x70 && operation <= 0x8f) return push(stack, based(operation - 0x70, cursor.sleb(), context));
  if (operation >= 0x12 && operation <= 0x17) return rearrange(operation, cursor, stack);
  if (operation >= 0x08 && operation <= 0x11) return push(stack, number(literal(operation, cursor), context));
  switch (operation) {
    case 0x92: // bregx
      return push(stack, based(cursor.uleb(), cursor.sleb(), context));
    case 0x96: // nop
      return true;
    case 0x9c: // call_frame_cfa
      return onCfa && push(stack, made([op.cfa, 0]));
    case 0x94: // deref_size
      if (cursor.u8() !== context.addressBytes) return false;
      break;
    case 0x23: {
      // plus_uconst
      const value = stack.pop();
      return value !== undefined && push(stack, plus(value, number(cursor.uleb(), context)));
    }
  }
  const right = stack.pop();
  if (right === undefined) return false;
  switch (operation) {
    case 0x06: // deref
    case 0x94:
      return push(stack, made([...right.code, op.dereference, 0]));
    case 0x1f: // neg
      return push(stack, made([...right.code, op.constant, -1, op.multiply, 0]));
    case 0x20: // not
      return push(stack, made([...right.code, op.constant, -1, op.multiply, 0, op.constant, 1, op.subtract, 0]));
  }
  const left = stack.pop();
  return left !== undefined && push(stack, combined(operation, left, right, context));
}

function push(stack: Value[], value: Value | null): boolean {
  if (value === null) return false;
  stack.push(value);
  return true;
}

/** dup, drop, over, pick, swap, rot. */
function rearrange(operation: number, cursor: FrameCursor, stack: Value[]): boolean {
  const top = stack.length - 1;
  switch (operation) {
    case 0x12:
      return push(stack, stack[top] ?? null);
    case 0x13:
      return stack.pop() !== undefined;
    case 0x14:
      return push(stack, stack[top - 1] ?? null);
    case 0x15:
      return push(stack, stack[top - cursor.u8()] ?? null);
    case 0x16:
      if (top < 1) return false;
      stack.push(...stack.splice(top - 1, 1));
      return true;
    default:
      if (top < 2) return false;
      stack.splice(top - 2, 0, stack.pop()!);
      return true;
  }
}

/** The operand of const1u … const8s, constu and consts. */
function literal(operation: number, cursor: FrameCursor): number {
  switch (operation) {
    case 0x08:
      return cursor.u8();
    case 0x09:
      return (cursor.u8() << 24) >> 24;
    case 0x0a:
      return cursor.u16();
    case 0x0b:
      return (cursor.u16() << 16) >> 16;
    case 0x0c:
      return cursor.u32();
    case 0x0d:
      return cursor.u32() | 0;
    case 0x0e:
      return cursor.u64();
    case 0x0f:
      return cursor.i64();
    default:
      return operation === 0x10 ? cursor.uleb() : cursor.sleb();
  }
}

/** A number; null for one that an operand has no room for. */
function number(value: number, context: ExpressionContext): Value | null {
  const word = context.addressBytes === 4 && value > 0x7fffffff && value <= 0xffffffff ? value | 0 : value;
  if ((word | 0) !== word) return null;
  return { code: [op.constant, word], constant: word, below: word < 0 ? Number.POSITIVE_INFINITY : word + 1 };
}

/** A register's value plus an offset. */
function based(register: number, offset: number, context: ExpressionContext): Value | null {
  const mapped = context.register(register);
  return mapped < 0 ? null : plus(made([op.register, mapped]), number(offset, context));
}

function plus(left: Value, right: Value | null): Value | null {
  if (right === null || right.constant === 0) return right === null ? null : left;
  return made([...left.code, ...right.code, op.add, 0], left.below + right.below - 1);
}

function combined(operation: number, left: Value, right: Value, context: ExpressionContext): Value | null {
  const both = [...left.code, ...right.code];
  const constant = right.constant ?? -1;
  switch (operation) {
    case 0x1a:
      return masked(left, right.constant);
    case 0x1c:
      return made([...both, op.subtract, 0]);
    case 0x1d:
      return made([...both, op.modulo, 0], constant > 0 ? constant : Number.POSITIVE_INFINITY);
    case 0x1e:
      return made([...both, op.multiply, 0]);
    case 0x22:
      return plus(left, right);
    case 0x24:
      return constant >= 0 && constant <= 30 ? made([...left.code, op.constant, 2 ** constant, op.multiply, 0], left.below * 2 ** constant) : null;
    case 0x25:
      return constant >= 0 && constant <= 30 ? made([...left.code, op.constant, 2 ** constant, op.divide, 0], left.below / 2 ** constant + 1) : null;
    case 0x2a:
      return atLeast(left, right.constant, false, context);
    case 0x2b:
      return atLeast(left, right.constant === null ? null : right.constant + 1, false, context);
    case 0x2c:
      return atLeast(left, right.constant === null ? null : right.constant + 1, true, context);
    case 0x2d:
      return atLeast(left, right.constant, true, context);
    default:
      return null;
  }
}

/** `value & mask`, for masks of low or high bits only. */
function masked(value: Value, mask: number | null): Value | null {
  if (mask === null) return null;
  if (mask < 0 && (-mask & (-mask - 1)) === 0 && mask !== -0x80000000) return made([...value.code, op.constant, -mask, op.align, 0], value.below);
  if (mask > 0 && (mask & (mask + 1)) === 0 && mask < 0x7fffffff) return made([...value.code, op.constant, mask + 1, op.modulo, 0], mask + 1);
  return null;
}

/** Whether `value >= bound`, as 1 or 0, or the other way round; null where the value may be too large to tell by divisions. */
function atLeast(value: Value, bound: number | null, negated: boolean, context: ExpressionContext): Value | null {
  if (bound === null || !(value.below <= 0x10000)) return null;
  if (bound <= 0 || bound >= value.below) return number((bound <= 0) !== negated ? 1 : 0, context);
  const quotient = Math.floor((value.below - 1) / bound);
  const code = [...value.code, op.constant, bound, op.divide, 0];
  // The quotient may be above 1; rounding it up to the largest there is, and dividing by that, makes it 1.
  if (quotient > 1) code.push(op.constant, quotient, op.add, 0, op.constant, quotient + 1, op.divide, 0);
  return made(negated ? [op.constant, 1, ...code, op.subtract, 0] : code, 2);
}

/** Values that code holds at a time, at most. */
function depthOf(code: readonly number[]): number {
  let depth = 0;
  let most = 0;
  for (let at = 0; at < code.length; at += 2) {
    const operation = code[at]!;
    if (operation === op.constant || operation === op.register || operation === op.cfa) most = Math.max(most, ++depth);
    else if (operation !== op.dereference) depth--;
  }
  return most;
}
