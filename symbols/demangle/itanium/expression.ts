// Expressions (Itanium C++ ABI 5.1.6), in template arguments, decltype and
// array bounds that depend on a template's parameters.
import {
  ARGUMENT_PACK, BINARY, CALL, CAST, CONDITIONAL, DESIGNATED, EXPANSION, EXPRESSION_LIST, EXTRA_SHIFT, FOLD, GLOBAL, INITIALIZER, KEYWORD_OF, LITERAL, NAMED_CAST, NEW, PACK_SIZE, PARAMETER, POSTFIX,
  PREFIX, RANGE_DESIGNATOR,
} from "./node-kinds.ts";
import { grammar, type Rule } from "./grammar.ts";
import { operatorRow, operatorUses } from "./operators.ts";
import { DEPTH_MAX, parser, type Parser } from "../parser.ts";
import { templateParameter } from "./template.ts";
import { text } from "../texts.ts";
import { type } from "./type.ts";
import { scopedName, simpleName } from "./unresolved-name.ts";
import { sourceName } from "./unqualified-name.ts";

const SIZEOF = text("sizeof ");
const ALIGNOF = text("alignof ");
const TYPEID = text("typeid ");
const NOEXCEPT = text("noexcept ");
const THROW = text("throw ");
const DELETE = text("delete ");
const DELETE_ARRAY = text("delete[] ");
const RETHROW = parser.fixedText(text("throw"));
const STATIC_CAST = text("static_cast");
const DYNAMIC_CAST = text("dynamic_cast");
const CONST_CAST = text("const_cast");
const REINTERPRET_CAST = text("reinterpret_cast");

/** Two letters as one number. */
function pair(letters: string): number {
  return (letters.charCodeAt(0) << 8) | letters.charCodeAt(1);
}

const ofType = (keyword: number): Rule => (p) => wrap(p, KEYWORD_OF | (1 << EXTRA_SHIFT), keyword, type(p));
const ofValue = (keyword: number): Rule => (p) => wrap(p, KEYWORD_OF, keyword, expression(p));
const prefixed = (keyword: number): Rule => (p) => wrap(p, KEYWORD_OF | (2 << EXTRA_SHIFT), keyword, expression(p));
const cast = (keyword: number): Rule => (p) => {
  const target = type(p);
  const value = target === 0 ? 0 : expression(p);
  return value === 0 ? 0 : p.node(NAMED_CAST, keyword, target, value);
};

/** What follows two letters, where it is not the form of most operators. */
const rules = new Map<number, Rule>([
  [pair("st"), ofType(SIZEOF)],
  [pair("sz"), ofValue(SIZEOF)],
  [pair("at"), ofType(ALIGNOF)],
  [pair("az"), ofValue(ALIGNOF)],
  [pair("ti"), ofType(TYPEID)],
  [pair("te"), ofValue(TYPEID)],
  [pair("nx"), ofValue(NOEXCEPT)],
  [pair("tw"), prefixed(THROW)],
  [pair("dl"), prefixed(DELETE)],
  [pair("da"), prefixed(DELETE_ARRAY)],
  [pair("tr"), () => RETHROW],
  [pair("sc"), cast(STATIC_CAST)],
  [pair("dc"), cast(DYNAMIC_CAST)],
  [pair("cc"), cast(CONST_CAST)],
  [pair("rc"), cast(REINTERPRET_CAST)],
  [pair("cv"), conversion],
  [pair("cl"), call],
  [pair("cp"), call],
  [pair("tl"), typedList],
  [pair("il"), (p) => listed(p, INITIALIZER, 0)],
  [pair("nw"), newExpression],
  [pair("na"), newExpression],
  [pair("ix"), (p) => binary(p, operatorRow(0x69, 0x78))],
  [pair("dt"), (p) => member(p, operatorRow(0x64, 0x74))],
  [pair("pt"), (p) => member(p, operatorRow(0x70, 0x74))],
  [pair("qu"), conditional],
  [pair("sZ"), packSize],
  [pair("sP"), (p) => wrapped(p, PACK_SIZE, argumentPack(p))],
  [pair("sp"), (p) => wrapped(p, EXPANSION, expression(p))],
  [pair("sr"), scopedName],
  [pair("fp"), parameter],
  [pair("fL"), (p) => (p.bytes[p.pos]! >= 0x30 && p.bytes[p.pos]! <= 0x39 && isParameter(p) ? parameter(p) : fold(p, 0x4c))],
  [pair("fl"), (p) => fold(p, 0x6c)],
  [pair("fr"), (p) => fold(p, 0x72)],
  [pair("fR"), (p) => fold(p, 0x52)],
  [pair("on"), simpleName],
  [pair("di"), (p) => designated(p, 0)],
  [pair("dx"), (p) => designated(p, 1)],
  [pair("dX"), designatedRange],
]);

/** Reads an expression; 0 when the input does not fit. */
export function expression(p: Parser): number {
  if (p.depth >= DEPTH_MAX) return 0;
  p.depth++;
  const node = anyExpression(p);
  p.depth--;
  return node;
}

function anyExpression(p: Parser): number {
  const first = p.bytes[p.pos]!;
  const second = p.bytes[p.pos + 1]!;
  if (first === 0x4c /* L */) return primary(p);
  if (first === 0x54 /* T */) return templateParameter(p);
  if (first >= 0x30 && first <= 0x39) return simpleName(p);
  if (first === 0x75 /* u */ && second >= 0x30 && second <= 0x39) return vendorExpression(p);
  if (first === 0x67 /* g */ && second === 0x73 /* s */) {
    p.pos += 2;
    return wrapped(p, GLOBAL, anyExpression(p));
  }
  const rule = rules.get((first << 8) | second);
  if (rule !== undefined) {
    if (second !== 0x6e /* on is read by the name */ || first !== 0x6f) p.pos += 2;
    return rule(p);
  }
  const row = operatorRow(first, second);
  if (row < 0) return 0;
  p.pos += 2;
  const use = operatorUses[row];
  if (use === "binary") return binary(p, row);
  if (use === "name") return 0;
  if (use === "prefix") return wrap(p, PREFIX, row, expression(p));
  // `pp_` and `mm_` stand before their operand, `pp` and `mm` behind it.
  return p.take(0x5f) ? wrap(p, PREFIX, row, expression(p)) : wrap(p, POSTFIX, row, expression(p));
}

function wrap(p: Parser, tag: number, a: number, of: number): number {
  return of === 0 ? 0 : p.node(tag, a, of, 0);
}

function wrapped(p: Parser, tag: number, of: number): number {
  return of === 0 ? 0 : p.node(tag, of, 0, 0);
}

function binary(p: Parser, row: number): number {
  const left = expression(p);
  const right = left === 0 ? 0 : expression(p);
  return right === 0 ? 0 : p.node(BINARY, row, left, right);
}

function member(p: Parser, row: number): number {
  const left = expression(p);
  if (left === 0) return 0;
  const byte = p.bytes[p.pos]!;
  const isName = (byte >= 0x30 && byte <= 0x39) || (byte === 0x64 && p.bytes[p.pos + 1] === 0x6e) || (byte === 0x6f && p.bytes[p.pos + 1] === 0x6e);
  const right = isName ? simpleName(p) : expression(p);
  return right === 0 ? 0 : p.node(BINARY, row, left, right);
}

/** Reads expressions up to `E` onto the stack, and makes a node of them. */
function listed(p: Parser, tag: number, a: number): number {
  const mark = p.top;
  while (!p.take(0x45)) if (!p.push(expression(p))) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(tag, a, start, count);
}

function typedList(p: Parser): number {
  const of = type(p);
  return of === 0 ? 0 : listed(p, INITIALIZER, of);
}

function call(p: Parser): number {
  const callee = expression(p);
  return callee === 0 ? 0 : listed(p, CALL, callee);
}

function conversion(p: Parser): number {
  const inConversion = p.inConversion;
  p.inConversion = false;
  const target = type(p);
  p.inConversion = inConversion;
  if (target === 0) return 0;
  if (p.take(0x5f)) return listed(p, CAST | (1 << EXTRA_SHIFT), target);
  const mark = p.top;
  if (!p.push(expression(p))) return 0;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(CAST, target, start, 1);
}

function newExpression(p: Parser): number {
  const placeMark = p.top;
  while (!p.take(0x5f)) if (!p.push(expression(p))) return 0;
  const placeCount = p.top - placeMark;
  const placeStart = p.closeList(placeMark);
  const placement = placeStart < 0 ? 0 : p.node(EXPRESSION_LIST, placeStart, placeCount, 0);
  const of = placement === 0 ? 0 : type(p);
  if (of === 0) return 0;
  if (p.take(0x45)) return p.longNode(NEW, of, 0, 0, placement);
  if (p.bytes[p.pos] !== 0x70 /* p */ || p.bytes[p.pos + 1] !== 0x69 /* i */) return 0;
  p.pos += 2;
  const mark = p.top;
  while (!p.take(0x45)) if (!p.push(expression(p))) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.longNode(NEW | (2 << EXTRA_SHIFT), of, start, count, placement);
}

function conditional(p: Parser): number {
  const condition = expression(p);
  const yes = condition === 0 ? 0 : expression(p);
  const no = yes === 0 ? 0 : expression(p);
  return no === 0 ? 0 : p.node(CONDITIONAL, condition, yes, no);
}

function packSize(p: Parser): number {
  return wrapped(p, PACK_SIZE, p.bytes[p.pos] === 0x54 /* T */ ? templateParameter(p) : expression(p));
}

function argumentPack(p: Parser): number {
  const mark = p.top;
  while (!p.take(0x45)) if (!p.push(p.bytes[p.pos] === 0x4c ? primary(p) : type(p))) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(ARGUMENT_PACK, start, count, 0);
}

/** True when `fL` begins a parameter, `fL0p_`, and not a fold. */
function isParameter(p: Parser): boolean {
  let at = p.pos;
  while (p.bytes[at]! >= 0x30 && p.bytes[at]! <= 0x39) at++;
  return p.bytes[at] === 0x70;
}

function parameter(p: Parser): number {
  if (p.take(0x54 /* T */)) return p.node(PARAMETER, 0, 0, 0);
  if (p.bytes[p.pos]! >= 0x30 && p.bytes[p.pos]! <= 0x39 && isParameter(p)) {
    p.number();
    p.pos++;
  }
  p.qualifiers();
  const number = p.ordinal();
  return number < 0 ? 0 : p.node(PARAMETER, number + 1, 0, 0);
}

function fold(p: Parser, letter: number): number {
  const row = operatorRow(p.bytes[p.pos]!, p.bytes[p.pos + 1]!);
  if (row < 0) return 0;
  p.pos += 2;
  const first = expression(p);
  if (first === 0) return 0;
  if (letter === 0x6c || letter === 0x72) return p.node(FOLD | (letter << EXTRA_SHIFT), row, first, 0);
  const second = expression(p);
  return second === 0 ? 0 : p.node(FOLD | (letter << EXTRA_SHIFT), row, first, second);
}

function designated(p: Parser, isIndex: number): number {
  const which = isIndex === 1 ? expression(p) : sourceName(p);
  const value = which === 0 ? 0 : expression(p);
  return value === 0 ? 0 : p.node(DESIGNATED | (isIndex << EXTRA_SHIFT), which, value, 0);
}

function designatedRange(p: Parser): number {
  const first = expression(p);
  const last = first === 0 ? 0 : expression(p);
  const value = last === 0 ? 0 : expression(p);
  return value === 0 ? 0 : p.node(RANGE_DESIGNATOR, value, first, last);
}

/** Reads `u <name> <arguments> E`, as clang writes its builtins. */
function vendorExpression(p: Parser): number {
  p.pos++;
  const callee = sourceName(p);
  if (callee === 0) return 0;
  const mark = p.top;
  while (!p.take(0x45)) {
    // clang marks types by the parameter syntax; other words are types too.
    const byte = p.bytes[p.pos]!;
    const isTyped = byte === 0x58 || byte === 0x4c;
    if (byte === 0x58) p.pos++;
    const argument = isTyped ? expression(p) : type(p);
    if (byte === 0x58 && !p.take(0x45)) return 0;
    if (!p.push(argument)) return 0;
  }
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(CALL, callee, start, count);
}

/** Reads a literal or a reference to a declaration: `L…E`. */
export function primary(p: Parser): number {
  p.pos++;
  if (p.take(0x5f)) {
    if (!p.take(0x5a /* Z */)) return 0;
    const of = grammar.encoding(p);
    return of !== 0 && p.take(0x45) ? of : 0;
  }
  // GCC before 4.6 left the underscore out.
  if (p.take(0x5a /* Z */)) {
    const of = grammar.encoding(p);
    return of !== 0 && p.take(0x45) ? of : 0;
  }
  const of = type(p);
  if (of === 0) return 0;
  if (p.take(0x45)) return of;
  const isNegative = p.take(0x6e) ? 1 : 0;
  const from = p.pos;
  // Integers in decimal, floating numbers in hex, complex ones with `_` between.
  if (!p.digits() || p.bytes[p.pos] !== 0x45) while (isLiteralByte(p.bytes[p.pos]!)) p.pos++;
  const count = p.pos - from;
  if (count === 0 || !p.take(0x45)) return 0;
  return p.node(LITERAL | (isNegative << EXTRA_SHIFT), of, from, count);
}

function isLiteralByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || byte === 0x5f;
}

grammar.expression = expression;
grammar.primary = primary;
