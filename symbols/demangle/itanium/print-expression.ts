// Expressions as text: GNU puts every operand that is not a plain name into
// parentheses, and knows no precedence.
import {
  BINARY, CALL, CAST, CONDITIONAL, DESIGNATED, DESTRUCTOR_NAME, EXPANSION, EXPRESSION_LIST, EXTRA_SHIFT, FOLD, GLOBAL, INITIALIZER, KEYWORD_OF, KIND_MASK, LITERAL, NAMED_CAST, NESTED, NEW, PACK_ELEMENT, PACK_SIZE,
  ARGUMENT_PACK, PARAMETER, POSTFIX, PREFIX, RANGE_DESIGNATOR, SOURCE,
} from "./node-kinds.ts";
import { BOOL, literalForms } from "./builtin-types.ts";
import { ADDRESS_OF, GREATER, operatorRow, operatorTexts } from "./operators.ts";
import { WHOLE, type Output } from "../output.ts";
import { parser } from "../parser.ts";
import { resolved } from "./pack.ts";
import { isFunctionEncoding, printList } from "./print-name.ts";
import { printType } from "./printer.ts";
import { text } from "../texts.ts";

const { nodes, lists, bytes } = parser;

const INDEX = operatorRow(0x69, 0x78);
const PARAMETER_OPEN = text("{parm#");
const THIS = text("this");
const SCOPE = text("::");
const COLON = text(" : ");
const NEW_WORD = text("new ");
const DOTS = text("...");
const ELLIPSIS_RANGE = text(" ... ");
const SIZEOF_PACK = text("sizeof...(");
const EQUALS = text("=");
const TRUE = text("true");
const FALSE = text("false");

/** Prints an expression. */
export function printExpression(o: Output, node: number): void {
  const tag = nodes[node]!;
  const a = nodes[node + 1]!;
  const b = nodes[node + 2]!;
  const c = nodes[node + 3]!;
  switch (tag & KIND_MASK) {
    case LITERAL:
      printLiteral(o, a, b, c, tag >>> EXTRA_SHIFT === 1);
      return;
    case PARAMETER:
      if (a === 0) o.text(THIS);
      else {
        o.text(PARAMETER_OPEN);
        o.number(a);
        o.byte(0x7d);
      }
      return;
    case BINARY:
      printBinary(o, a, b, c);
      return;
    case PREFIX:
      o.text(operatorTexts[a]!);
      // A word, as co_await.
      if (o.last() >= 0x61) o.byte(0x20);
      // `&A::f` of a member function is a pointer to a member, not a call.
      if (a === ADDRESS_OF && isFunctionEncoding(b) && nodes[b]! >>> EXTRA_SHIFT === 0 && (nodes[nodes[b + 1]!]! & KIND_MASK) === NESTED) printType(o, nodes[b + 1]!);
      else printOperand(o, b);
      return;
    case POSTFIX:
      printOperand(o, b);
      o.text(operatorTexts[a]!);
      return;
    case CONDITIONAL:
      printOperand(o, a);
      o.byte(0x3f);
      printOperand(o, b);
      o.text(COLON);
      printOperand(o, c);
      return;
    case CALL:
      // The function's own name: the arguments say the rest.
      printOperand(o, isFunctionEncoding(a) ? nodes[a + 1]! : a);
      printInParentheses(o, b, c);
      return;
    case INITIALIZER:
      if (a !== 0) printType(o, a);
      o.byte(0x7b);
      printList(o, b, c);
      o.byte(0x7d);
      return;
    case EXPANSION:
    case EXPRESSION_LIST:
      printList(o, a, b);
      return;
    default:
      printWord(o, node, tag & KIND_MASK, tag >>> EXTRA_SHIFT);
  }
}

/** Expressions that begin with a word, a type or a mark. */
function printWord(o: Output, node: number, kind: number, extra: number): void {
  const a = nodes[node + 1]!;
  const b = nodes[node + 2]!;
  const c = nodes[node + 3]!;
  switch (kind) {
    case CAST:
      o.byte(0x28);
      printType(o, a);
      o.byte(0x29);
      if (extra === 1) printInParentheses(o, b, c);
      else printOperand(o, lists[b]!);
      return;
    case NAMED_CAST:
      o.text(a);
      o.byte(0x3c);
      printType(o, b);
      if (o.last() === 0x3e) o.byte(0x20);
      o.byte(0x3e);
      o.byte(0x28);
      printType(o, c);
      o.byte(0x29);
      return;
    case KEYWORD_OF:
      o.text(a);
      if (extra === 1) {
        o.byte(0x28);
        printType(o, b);
        o.byte(0x29);
      } else printOperand(o, b);
      return;
    case NEW:
      printNew(o, node, extra);
      return;
    case GLOBAL:
      o.text(SCOPE);
      printType(o, a);
      return;
    case DESTRUCTOR_NAME:
      o.byte(0x7e);
      printType(o, a);
      return;
    case FOLD:
      printFold(o, extra, a, b, c);
      return;
    case PACK_SIZE:
      printPackSize(o, a);
      return;
    case DESIGNATED:
      o.byte(extra === 1 ? 0x5b : 0x2e);
      printType(o, a);
      if (extra === 1) o.byte(0x5d);
      printDesignatedValue(o, b);
      return;
    case RANGE_DESIGNATOR:
      o.byte(0x5b);
      printType(o, b);
      o.text(ELLIPSIS_RANGE);
      printType(o, c);
      o.byte(0x5d);
      printDesignatedValue(o, a);
      return;
    default:
      // A node that prints as nothing would hide a mistake in the grammar.
      o.failed = true;
  }
}

/** Prints an operand: plain names as they are, all else in parentheses. */
export function printOperand(o: Output, node: number): void {
  const kind = nodes[node]! & KIND_MASK;
  const isPlain = kind === SOURCE || kind === NESTED || kind === PARAMETER || kind === INITIALIZER;
  if (!isPlain) o.byte(0x28);
  printType(o, node);
  if (!isPlain) o.byte(0x29);
}

function printInParentheses(o: Output, start: number, count: number): void {
  o.byte(0x28);
  printList(o, start, count);
  o.byte(0x29);
}

function printBinary(o: Output, row: number, left: number, right: number): void {
  // Inside template arguments `>` would end them.
  if (row === GREATER) o.byte(0x28);
  printOperand(o, left);
  if (row === INDEX) {
    o.byte(0x5b);
    printType(o, right);
    o.byte(0x5d);
  } else {
    o.text(operatorTexts[row]!);
    printOperand(o, right);
  }
  if (row === GREATER) o.byte(0x29);
}

function printLiteral(o: Output, of: number, start: number, count: number, isNegative: boolean): void {
  const form = of < literalForms.length ? literalForms[of]! : 0;
  const digit = bytes[start]!;
  if (of === BOOL && count === 1 && !isNegative && (digit === 0x30 || digit === 0x31)) {
    o.text(digit === 0x31 ? TRUE : FALSE);
    return;
  }
  if (form < 2) {
    o.byte(0x28);
    printType(o, of);
    o.byte(0x29);
  }
  if (isNegative) o.byte(0x2d);
  if (form === 1) o.byte(0x5b);
  o.slice(bytes, start, count);
  if (form === 1) o.byte(0x5d);
  if (form > 2) o.text(form - 2);
}

function printNew(o: Output, node: number, extra: number): void {
  const placement = nodes[node + 4]!;
  o.text(NEW_WORD);
  if (nodes[placement + 2]! > 0) {
    printInParentheses(o, nodes[placement + 1]!, nodes[placement + 2]!);
    o.byte(0x20);
  }
  printType(o, nodes[node + 1]!);
  if (extra === 2) printInParentheses(o, nodes[node + 2]!, nodes[node + 3]!);
}

function printFold(o: Output, letter: number, row: number, first: number, second: number): void {
  const { packIndex } = o;
  o.packIndex = WHOLE;
  o.byte(0x28);
  if (letter === 0x6c /* l */) {
    o.text(DOTS);
    o.text(operatorTexts[row]!);
    printOperand(o, first);
  } else {
    printOperand(o, first);
    o.text(operatorTexts[row]!);
    o.text(DOTS);
    if (second !== 0) {
      o.text(operatorTexts[row]!);
      printOperand(o, second);
    }
  }
  o.byte(0x29);
  o.packIndex = packIndex;
}

function printPackSize(o: Output, pack: number): void {
  const of = resolvedPack(o, pack);
  if (of !== 0) {
    o.number(nodes[of + 2]!);
    return;
  }
  o.text(SIZEOF_PACK);
  printType(o, pack);
  o.byte(0x29);
}

function resolvedPack(o: Output, pack: number): number {
  const kind = nodes[pack]! & KIND_MASK;
  if (kind === PACK_ELEMENT || kind === ARGUMENT_PACK) return pack;
  const of = resolved(o, pack);
  return of !== 0 && (nodes[of]! & KIND_MASK) === ARGUMENT_PACK ? of : 0;
}

function printDesignatedValue(o: Output, value: number): void {
  const kind = nodes[value]! & KIND_MASK;
  if (kind !== DESIGNATED && kind !== RANGE_DESIGNATOR) o.text(EQUALS);
  printType(o, value);
}
