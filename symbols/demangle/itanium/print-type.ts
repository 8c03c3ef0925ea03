// Types as text. A declarator stands around its name, so that a type has a left
// and a right part: `void (*` and `)(int)`.
import {
  ARGUMENT_PACK, ARRAY, AUTO, DECLTYPE, EXPANSION, EXTRA_SHIFT, FIRST_EXPRESSION, FOREIGN, FORWARD, FUNCTION, HAS_RIGHT, IS_ARRAY, IS_FUNCTION, KIND_MASK, LVALUE_REF, MEMBER_POINTER, NUMBERED_TYPE, PACK_ELEMENT, PARAMETER_TYPE, POINTER, POSTFIX_TYPE, QUALIFIED,
  RVALUE_REFERENCE, VECTOR, VENDOR_QUALIFIED,
} from "./node-kinds.ts";
import { SEARCHING, WHOLE, type Output } from "../output.ts";
import { resolved, shape } from "./pack.ts";
import { parser } from "../parser.ts";
import { printExpression, printOperand } from "./print-expression.ts";
import { printExceptions, printList, printName, printParameters, printQualifiers } from "./print-name.ts";
import { printer, printType } from "./printer.ts";
import { text } from "../texts.ts";

const { nodes, bytes } = parser;

const SCOPE_STAR = text("::*");
const COMMA = text(", ");
const DOTS = text("...");
const DECLTYPE_OPEN = text("decltype (");
const VECTOR_OPEN = text(" __vector(");
const AUTO_NUMBER = text("auto:");

/** Prints what stands before the declared name. */
export function printLeft(o: Output, node: number): void {
  if (!o.enter()) return;
  const tag = nodes[node]!;
  const a = nodes[node + 1]!;
  switch (tag & KIND_MASK) {
    case POINTER:
      printLeft(o, a);
      openDeclarator(o, a);
      o.byte(0x2a);
      break;
    case LVALUE_REF:
    case RVALUE_REFERENCE: {
      const target = referenceTarget(o, node);
      printLeft(o, target);
      openDeclarator(o, target);
      o.byte(0x26);
      if (isRvalue(o, node)) o.byte(0x26);
      break;
    }
    case QUALIFIED:
      printLeft(o, a);
      if ((shape(o, a) & IS_FUNCTION) === 0) printQualifiers(o, newQualifiers(o, node));
      break;
    case FUNCTION:
      printLeft(o, a);
      // Behind `void (*`, another declarator follows at once.
      if ((shape(o, a) & HAS_RIGHT) === 0 || (o.last() !== 0x2a && o.last() !== 0x28)) o.byte(0x20);
      break;
    case ARRAY:
      printLeft(o, a);
      break;
    case MEMBER_POINTER: {
      const member = nodes[node + 2]!;
      printLeft(o, member);
      if ((shape(o, member) & (IS_ARRAY | IS_FUNCTION)) === 0) o.byte(0x20);
      else openDeclarator(o, member);
      printType(o, a);
      o.text(SCOPE_STAR);
      break;
    }
    case PACK_ELEMENT:
      if (o.packIndex === WHOLE) printList(o, a, nodes[node + 2]!);
      else printResolved(o, node);
      break;
    case PARAMETER_TYPE:
    case FORWARD:
    case AUTO:
      printResolved(o, node);
      break;
    case FOREIGN: {
      const { isForeign } = o;
      o.isForeign = true;
      printLeft(o, a);
      o.isForeign = isForeign;
      break;
    }
    default:
      printOther(o, node, tag & KIND_MASK);
  }
  o.leave();
}

function printOther(o: Output, node: number, kind: number): void {
  const a = nodes[node + 1]!;
  const b = nodes[node + 2]!;
  switch (kind) {
    case ARGUMENT_PACK:
      printList(o, a, b);
      return;
    case EXPANSION:
      printExpansion(o, a);
      return;
    case DECLTYPE:
      o.text(DECLTYPE_OPEN);
      printType(o, a);
      o.byte(0x29);
      return;
    case VENDOR_QUALIFIED:
      printLeft(o, a);
      o.byte(0x20);
      printType(o, b);
      return;
    case POSTFIX_TYPE:
      printType(o, a);
      o.text(b);
      return;
    case VECTOR:
      printType(o, a);
      o.text(VECTOR_OPEN);
      printType(o, b);
      o.byte(0x29);
      return;
    case NUMBERED_TYPE:
      o.text(nodes[node + 3]!);
      o.slice(bytes, a, b);
      o.text(nodes[node]! >>> EXTRA_SHIFT);
      return;
    default:
      if (kind >= FIRST_EXPRESSION) printExpression(o, node);
      else printName(o, node);
  }
}

/** Prints what stands behind the declared name. */
export function printRight(o: Output, node: number): void {
  if (!o.enter()) return;
  const tag = nodes[node]!;
  const a = nodes[node + 1]!;
  switch (tag & KIND_MASK) {
    case POINTER:
      closeDeclarator(o, a);
      break;
    case LVALUE_REF:
    case RVALUE_REFERENCE:
      closeDeclarator(o, referenceTarget(o, node));
      break;
    case MEMBER_POINTER:
      closeDeclarator(o, nodes[node + 2]!);
      break;
    case QUALIFIED:
      printRightOf(o, a);
      if ((shape(o, a) & IS_FUNCTION) !== 0) printQualifiers(o, tag >>> EXTRA_SHIFT);
      break;
    case VENDOR_QUALIFIED:
      printRightOf(o, a);
      break;
    case FUNCTION:
      printParameters(o, node);
      printRightOf(o, a);
      printQualifiers(o, tag >>> EXTRA_SHIFT);
      printExceptions(o, tag >>> EXTRA_SHIFT, nodes[node + 4]!);
      break;
    case ARRAY:
      if (o.last() !== 0x5d /* ] */) o.byte(0x20);
      o.byte(0x5b);
      if (nodes[node + 2]! !== 0) printType(o, nodes[node + 2]!);
      o.byte(0x5d);
      printRightOf(o, a);
      break;
    case PACK_ELEMENT:
    case PARAMETER_TYPE:
    case FORWARD:
    case AUTO: {
      const of = resolved(o, node);
      const { isForeign } = o;
      o.isForeign = false;
      if (of !== 0 && of !== node) printRightOf(o, of);
      o.isForeign = isForeign;
      break;
    }
    case FOREIGN: {
      const { isForeign } = o;
      o.isForeign = true;
      printRightOf(o, a);
      o.isForeign = isForeign;
      break;
    }
    default:
  }
  o.leave();
}

function printRightOf(o: Output, node: number): void {
  if ((shape(o, node) & HAS_RIGHT) !== 0) printRight(o, node);
}

function openDeclarator(o: Output, target: number): void {
  const bits = shape(o, target);
  if ((bits & IS_ARRAY) !== 0) o.byte(0x20);
  if ((bits & (IS_ARRAY | IS_FUNCTION)) !== 0) o.byte(0x28);
}

function closeDeclarator(o: Output, target: number): void {
  const bits = shape(o, target);
  if ((bits & (IS_ARRAY | IS_FUNCTION)) !== 0) o.byte(0x29);
  if ((bits & HAS_RIGHT) !== 0) printRight(o, target);
}

/** What a reference refers to in the end: `T&&` of `int&` is `int&`. */
function referenceTarget(o: Output, from: number): number {
  let node = from;
  for (let steps = 0; steps < 256; steps++) {
    const target = nodes[node + 1]!;
    const of = resolved(o, target);
    const kind = nodes[of]! & KIND_MASK;
    if (of === 0 || (kind !== LVALUE_REF && kind !== RVALUE_REFERENCE)) return target;
    node = of;
  }
  o.failed = true;
  return from;
}

/** True when all references down to the target are rvalue references. */
function isRvalue(o: Output, from: number): boolean {
  let node = from;
  for (let steps = 0; steps < 256; steps++) {
    const kind = nodes[node]! & KIND_MASK;
    if (kind === LVALUE_REF) return false;
    if (kind !== RVALUE_REFERENCE) return true;
    node = resolved(o, nodes[node + 1]!);
  }
  return true;
}

/** The qualifiers that the type below has not already: `const T` of `int const`. */
function newQualifiers(o: Output, node: number): number {
  let bits = nodes[node]! >>> EXTRA_SHIFT;
  let below = resolved(o, nodes[node + 1]!);
  // An array's qualifiers are those of its elements.
  for (let steps = 0; steps < 64 && (nodes[below]! & KIND_MASK) === ARRAY; steps++) below = resolved(o, nodes[below + 1]!);
  if ((nodes[below]! & KIND_MASK) === QUALIFIED) bits &= ~(nodes[below]! >>> EXTRA_SHIFT);
  return bits;
}

function printResolved(o: Output, node: number): void {
  const of = resolved(o, node);
  if (of === 0) return;
  if (of !== node) {
    // The argument itself was written outside.
    const { isForeign } = o;
    o.isForeign = false;
    printLeft(o, of);
    o.isForeign = isForeign;
    return;
  }
  // A parameter of a generic lambda, or of a template, which is the same in a substitution.
  const kind = nodes[node]! & KIND_MASK;
  const declared = kind === AUTO ? nodes[node + 2]! : 0;
  const index = kind === AUTO ? nodes[node + 1]! : kind === PARAMETER_TYPE ? nodes[node + 2]! : nodes[node]! >>> EXTRA_SHIFT;
  o.text(declared === 0 ? AUTO_NUMBER : declared);
  o.number(index + (declared === 0 ? 1 : 0));
}

/** Prints the pattern once for each element of the pack in it; with dots when there is none. */
function printExpansion(o: Output, pattern: number): void {
  const { packIndex, packCount } = o;
  const before = o.length;
  o.packIndex = SEARCHING;
  o.packCount = -1;
  printType(o, pattern);
  if (o.packCount < 0) {
    o.length = before;
    printOperand(o, pattern);
    o.text(DOTS);
  } else if (o.packCount === 0) o.length = before;
  else {
    const count = o.packCount;
    for (let i = 1; i < count && !o.failed; i++) {
      o.packIndex = i;
      o.text(COMMA);
      printType(o, pattern);
    }
  }
  o.packIndex = packIndex;
  o.packCount = packCount;
}

printer.left = printLeft;
printer.right = printRight;
