// Runs the expressions of unwind rules: a stack machine over words of a
// pointer's width, without BigInt. Values are pairs of 32-bit words; on 32-bit
// processors the high one is always 0.
import { op } from "../../symbols/cache/unwind-rule.ts";
import { HIGH, readWord, type Walk } from "./walk-state.ts";

/** Values on the stack; the longest expression that compilers emit needs below 10. */
const DEPTH = 64;
/** Operations of one expression. */
const STEPS = 4096;
/** Variables of a STACK WIN program. */
export const VARIABLES = 64;

// Expressions call nothing that could run another, so one stack serves all.
const lows = new Uint32Array(DEPTH);
const highs = new Uint32Array(DEPTH);

/** The variables of a STACK WIN program: 32 bits each. */
export type Variables = { readonly values: Uint32Array; readonly isSet: Uint8Array };

/**
 * Runs the expression at `start`; its value is in `walk.low` and `walk.high`.
 * False when it fails: an unknown register, an address outside the stack, a
 * division by zero, a value too many or too few. `cfaKnown` is false while
 * the CFA itself is computed.
 */
export function evaluate(walk: Walk, expressions: Int32Array, start: number, cfaKnown: boolean, cfaLow: number, cfaHigh: number): boolean {
  const top = run(walk, expressions, start, cfaKnown, cfaLow, cfaHigh, null);
  if (top !== 1) return false;
  walk.low = lows[0]!;
  walk.high = highs[0]!;
  return true;
}

/** Runs a STACK WIN program on its variables. False when it fails; values that are left over do not matter. */
export function runProgram(walk: Walk, expressions: Int32Array, start: number, variables: Variables): boolean {
  return run(walk, expressions, start, false, 0, 0, variables) >= 0;
}

/** The number of values that are left, or -1. */
function run(
  walk: Walk,
  expressions: Int32Array,
  start: number,
  cfaKnown: boolean,
  cfaLow: number,
  cfaHigh: number,
  variables: Variables | null,
): number {
  const { wide } = walk;
  const { words } = walk.callee;
  let top = 0;
  for (let at = start, steps = 0; steps < STEPS && at >= 0 && at < expressions.length; at += 2, steps++) {
    const operation = expressions[at]!;
    const operand = expressions[at + 1] ?? 0;
    if (operation === op.end) return top;
    if (operation >= op.add && operation <= op.align) {
      if (top < 2) return -1;
      top--;
      if (!combine(operation, top - 1)) return -1;
      if (!wide) highs[top - 1] = 0;
      continue;
    }
    if (operation === op.dereference) {
      if (top < 1 || !readWord(walk, lows[top - 1]! + highs[top - 1]! * HIGH)) return -1;
      lows[top - 1] = walk.low;
      highs[top - 1] = walk.high;
      continue;
    }
    if (operation === op.assign || operation === op.forget) {
      if (variables === null || operand < 0 || operand >= VARIABLES) return -1;
      if (operation === op.assign) {
        if (top < 1) return -1;
        variables.values[operand] = lows[--top]!;
      }
      variables.isSet[operand] = operation === op.assign ? 1 : 0;
      continue;
    }
    if (top >= DEPTH) return -1;
    if (operation === op.constant) {
      lows[top] = operand;
      highs[top] = wide && operand < 0 ? 0xffff_ffff : 0;
    } else if (operation === op.register) {
      if (!mayRead(walk, operand)) return -1;
      lows[top] = words[operand * 2]!;
      highs[top] = words[operand * 2 + 1]!;
    } else if (operation === op.cfa) {
      if (!cfaKnown) return -1;
      lows[top] = cfaLow;
      highs[top] = cfaHigh;
    } else if (operation === op.variable) {
      if (variables === null || operand < 0 || operand >= VARIABLES || variables.isSet[operand] === 0) return -1;
      lows[top] = variables.values[operand]!;
      highs[top] = 0;
    } else return -1;
    top++;
  }
  return -1;
}

/** Whether a rule may use a register of the callee. */
export function mayRead(walk: Walk, register: number): boolean {
  return register < 32 ? ((walk.readable >>> register) & 1) === 1 : ((walk.callee.validHigh >>> (register - 32)) & 1) === 1;
}

/** Combines the values at `at` and `at + 1` into the one at `at`; false for a division by zero or an alignment that is no power of two. */
function combine(operation: number, at: number): boolean {
  const aLow = lows[at]!;
  const aHigh = highs[at]!;
  const bLow = lows[at + 1]!;
  const bHigh = highs[at + 1]!;
  switch (operation) {
    case op.add: {
      const low = aLow + bLow;
      lows[at] = low;
      highs[at] = aHigh + bHigh + (low >= HIGH ? 1 : 0);
      return true;
    }
    case op.subtract:
      lows[at] = aLow - bLow;
      highs[at] = aHigh - bHigh - (aLow < bLow ? 1 : 0);
      return true;
    case op.multiply:
      highs[at] = highOfProduct(aLow, bLow) + Math.imul(aLow, bHigh) + Math.imul(aHigh, bLow);
      lows[at] = Math.imul(aLow, bLow);
      return true;
    case op.align: {
      if (bHigh === 0 ? bLow === 0 || (bLow & (bLow - 1)) !== 0 : bLow !== 0 || (bHigh & (bHigh - 1)) !== 0) return false;
      lows[at] = bHigh === 0 ? aLow & ~(bLow - 1) : 0;
      highs[at] = bHigh === 0 ? aHigh : aHigh & ~(bHigh - 1);
      return true;
    }
    default:
      return divide(at, aLow, aHigh, bLow, bHigh, operation === op.modulo);
  }
}

// The upper half of a 32 × 32 bit product, from four 16-bit products; no sum below reaches 2^53.
function highOfProduct(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const lower = a0 * b1 + (middle & 0xffff);
  return a1 * b1 + (middle >>> 16) + (lower >>> 16);
}

// Division bit by bit: no compiler emits one, so it need not be fast.
function divide(at: number, aLow: number, aHigh: number, bLow: number, bHigh: number, wantRest: boolean): boolean {
  if (bLow === 0 && bHigh === 0) return false;
  let quotientLow = 0;
  let quotientHigh = 0;
  let restLow = 0;
  let restHigh = 0;
  for (let bit = 63; bit >= 0; bit--) {
    // A rest of 2^63 or more loses its top bit here, but is then always larger than the divisor.
    const carried = restHigh >>> 31;
    restHigh = ((restHigh << 1) | (restLow >>> 31)) >>> 0;
    restLow = ((restLow << 1) | ((bit >= 32 ? aHigh >>> (bit - 32) : aLow >>> bit) & 1)) >>> 0;
    if (carried === 1 || restHigh > bHigh || (restHigh === bHigh && restLow >= bLow)) {
      restHigh = (restHigh - bHigh - (restLow < bLow ? 1 : 0)) >>> 0;
      restLow = (restLow - bLow) >>> 0;
      if (bit >= 32) quotientHigh |= 1 << (bit - 32);
      else quotientLow |= 1 << bit;
    }
  }
  lows[at] = wantRest ? restLow : quotientLow;
  highs[at] = wantRest ? restHigh : quotientHigh;
  return true;
}
