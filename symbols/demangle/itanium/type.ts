// Types (Itanium C++ ABI 5.1.5).
import {
  ARRAY, EXPANSION, FUNCTION, HAS_RIGHT, IS_ARRAY, IS_DYNAMIC, IS_FUNCTION, LVALUE_REF, MEMBER_POINTER, NOEXCEPT, NOEXCEPT_IF, NUMBERED_TYPE,
  POINTER, POSTFIX_TYPE, QUALIFIED, REF, RVALUE_REF, RVALUE_REFERENCE, SHAPE_MASK, SOURCE, TEMPLATE, THROWS, TRANSACTION_SAFE, EXTRA_SHIFT, VECTOR, VENDOR_QUALIFIED,
} from "./node-kinds.ts";
import { BFLOAT, builtins, dBuiltins, VOID } from "./builtin-types.ts";
import { grammar } from "./grammar.ts";
import { name } from "./name.ts";
import { DEPTH_MAX, type Parser } from "../parser.ts";
import { decltype, substitution, templateArguments, templateParameter } from "./template.ts";
import { text } from "../texts.ts";
import { sourceName } from "./unqualified-name.ts";

const COMPLEX = text(" _Complex");
const IMAGINARY = text(" _Imaginary");
const FLOAT = text("_Float");
const BIT_INT = text("_BitInt(");
const UNSIGNED_BIT_INT = text("unsigned _BitInt(");
const CLOSE = text(")");
const X = text("x");

/** Reads a type; 0 when the input does not fit. */
export function type(p: Parser): number {
  const builtin = builtins[p.bytes[p.pos]! & 127]!;
  if (builtin !== 0 && p.bytes[p.pos]! < 128) {
    p.pos++;
    return builtin;
  }
  if (p.depth >= DEPTH_MAX) return 0;
  p.depth++;
  const node = compoundType(p);
  p.depth--;
  return node;
}

function compoundType(p: Parser): number {
  switch (p.bytes[p.pos]) {
    case 0x50 /* P */:
      return pointed(p, POINTER);
    case 0x52 /* R */:
      return pointed(p, LVALUE_REF);
    case 0x4f /* O */:
      return pointed(p, RVALUE_REFERENCE);
    case 0x4b /* K */:
    case 0x56 /* V */:
    case 0x72 /* r */:
      return qualified(p);
    case 0x53 /* S */: {
      if (p.bytes[p.pos + 1] === 0x74 /* t */) return className(p);
      const known = substitution(p);
      if (known === 0 || p.bytes[p.pos] !== 0x49 /* I */) return known;
      return p.substitute(withArguments(p, known));
    }
    case 0x54 /* T */:
      return parameterType(p);
    case 0x46 /* F */:
      return p.substitute(functionType(p, 0, 0));
    case 0x41 /* A */:
      return p.substitute(arrayType(p));
    case 0x4d /* M */: {
      p.pos++;
      const owner = type(p);
      const member = owner === 0 ? 0 : type(p);
      return member === 0 ? 0 : p.substitute(p.node(MEMBER_POINTER | (p.nodes[member]! & (HAS_RIGHT | IS_DYNAMIC)), owner, member, 0));
    }
    case 0x43 /* C */:
      return postfixed(p, COMPLEX);
    case 0x47 /* G */:
      return postfixed(p, IMAGINARY);
    case 0x44 /* D */:
      return extendedType(p);
    case 0x55 /* U */:
      return vendorQualified(p);
    case 0x75 /* u */: {
      p.pos++;
      const vendor = sourceName(p);
      return vendor === 0 ? 0 : p.substitute(p.bytes[p.pos] === 0x49 /* I */ ? withArguments(p, vendor) : vendor);
    }
    default:
      return className(p);
  }
}

function pointed(p: Parser, kind: number): number {
  p.pos++;
  const target = type(p);
  if (target === 0) return 0;
  return p.substitute(p.node(kind | (p.nodes[target]! & (HAS_RIGHT | IS_DYNAMIC)), target, 0, 0));
}

function postfixed(p: Parser, after: number): number {
  p.pos++;
  const base = type(p);
  return base === 0 ? 0 : p.substitute(p.node(POSTFIX_TYPE, base, after, 0));
}

function qualified(p: Parser): number {
  const bits = p.qualifiers();
  // A function's qualifiers are part of its type: one substitution, not two.
  if (p.bytes[p.pos] === 0x46 /* F */) return p.substitute(functionType(p, bits, 0));
  if (startsException(p)) return p.substitute(exceptionFunction(p, bits));
  const base = type(p);
  if (base === 0) return 0;
  return p.substitute(p.node(QUALIFIED | (p.nodes[base]! & SHAPE_MASK) | (bits << EXTRA_SHIFT), base, 0, 0));
}

function className(p: Parser): number {
  const node = name(p, false);
  return node === 0 ? 0 : p.substitute(node);
}

function withArguments(p: Parser, of: number): number {
  const mark = p.top;
  if (!templateArguments(p, false)) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(TEMPLATE, of, start, count);
}

function parameterType(p: Parser): number {
  // Elaborated names: `struct`, `union`, `enum` say nothing that the name does not.
  const next = p.bytes[p.pos + 1];
  if (next === 0x73 /* s */ || next === 0x75 /* u */ || next === 0x65 /* e */) {
    p.pos += 2;
    return className(p);
  }
  const node = templateParameter(p);
  if (p.substitute(node) === 0 || p.bytes[p.pos] !== 0x49 /* I */) return node;
  if (!p.inConversion) return p.substitute(withArguments(p, node));
  // `operator T<int>()` or `operator T()<int>`: the arguments are the type's
  // only if the operator has its own behind them.
  const { pos, substitutionCount, nodeEnd, listEnd } = p;
  const whole = withArguments(p, node);
  if (whole !== 0 && p.bytes[p.pos] === 0x49 /* I */) return p.substitute(whole);
  p.pos = pos;
  p.substitutionCount = substitutionCount;
  p.listEnd = listEnd;
  // Nodes stay counted, so that trying again and again ends.
  p.nodeEnd = Math.max(p.nodeEnd, nodeEnd);
  return node;
}

function startsException(p: Parser): boolean {
  if (p.bytes[p.pos] !== 0x44 /* D */) return false;
  const next = p.bytes[p.pos + 1];
  return next === 0x6f /* o */ || next === 0x4f /* O */ || next === 0x77 /* w */ || next === 0x78 /* x */;
}

function exceptionFunction(p: Parser, bits: number): number {
  const letter = p.bytes[p.pos + 1];
  p.pos += 2;
  if (letter === 0x6f /* o */) return afterException(p, bits | NOEXCEPT, 0);
  if (letter === 0x78 /* x */) return afterException(p, bits | TRANSACTION_SAFE, 0);
  if (letter === 0x4f /* O */) {
    const condition = grammar.expression(p);
    return condition === 0 || !p.take(0x45) ? 0 : afterException(p, bits | NOEXCEPT_IF, condition);
  }
  const mark = p.top;
  while (!p.take(0x45)) if (!p.push(type(p))) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : afterException(p, bits | THROWS, p.node(TEMPLATE, 0, start, count));
}

function afterException(p: Parser, bits: number, detail: number): number {
  if (p.bytes[p.pos] === 0x46 /* F */) return functionType(p, bits, detail);
  // `Dx` before `Do`: both.
  return p.bytes[p.pos] === 0x44 /* D */ && p.bytes[p.pos + 1] === 0x6f /* o */ ? ((p.pos += 2), functionType(p, bits | NOEXCEPT, detail)) : 0;
}

function functionType(p: Parser, given: number, detail: number): number {
  if (!p.take(0x46)) return 0;
  // extern "C" is not written.
  p.take(0x59);
  let bits = given;
  const result = type(p);
  if (result === 0) return 0;
  const mark = p.top;
  for (;;) {
    if (p.take(0x45)) break;
    const next = p.bytes[p.pos];
    if (p.bytes[p.pos + 1] === 0x45 && (next === 0x52 || next === 0x4f)) {
      bits |= next === 0x52 /* R */ ? REF : RVALUE_REF;
      p.pos += 2;
      break;
    }
    if (!p.push(type(p))) return 0;
  }
  return functionNode(p, result, mark, bits, detail);
}

/** A function type of the parameters on the stack from `mark`; a lone `void` is none. */
export function functionNode(p: Parser, result: number, mark: number, bits: number, detail: number): number {
  if (p.top === mark + 1 && p.stack[mark] === VOID) p.top = mark;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.longNode(FUNCTION | HAS_RIGHT | IS_FUNCTION | (bits << EXTRA_SHIFT), result, start, count, detail);
}

function arrayType(p: Parser): number {
  p.pos++;
  let dimension = 0;
  if (!p.take(0x5f)) {
    const from = p.pos;
    if (p.digits()) dimension = p.node(SOURCE, from, p.pos - from, 0);
    else dimension = grammar.expression(p);
    if (dimension === 0 || !p.take(0x5f)) return 0;
  }
  const element = type(p);
  return element === 0 ? 0 : p.node(ARRAY | HAS_RIGHT | IS_ARRAY, element, dimension, 0);
}

function extendedType(p: Parser): number {
  const letter = p.bytes[p.pos + 1]!;
  const builtin = letter < 128 ? dBuiltins[letter]! : 0;
  if (builtin !== 0) {
    p.pos += 2;
    return builtin;
  }
  switch (letter) {
    case 0x70 /* p */: {
      p.pos += 2;
      const pattern = type(p);
      return pattern === 0 ? 0 : p.substitute(p.node(EXPANSION, pattern, 0, 0));
    }
    case 0x74 /* t */:
    case 0x54 /* T */:
      return p.substitute(decltype(p));
    case 0x6f /* o */:
    case 0x4f /* O */:
    case 0x77 /* w */:
    case 0x78 /* x */:
      return p.substitute(exceptionFunction(p, 0));
    case 0x76 /* v */:
      return p.substitute(vectorType(p));
    case 0x46 /* F */:
      return floatType(p);
    case 0x42 /* B */:
    case 0x55 /* U */:
      return bitInt(p, letter === 0x42 ? BIT_INT : UNSIGNED_BIT_INT);
    default:
      return className(p);
  }
}

function vectorType(p: Parser): number {
  p.pos += 2;
  const from = p.pos;
  let size = 0;
  if (p.digits()) size = p.node(SOURCE, from, p.pos - from, 0);
  else if (p.take(0x5f)) size = grammar.expression(p);
  if (size === 0 || !p.take(0x5f)) return 0;
  const element = type(p);
  return element === 0 ? 0 : p.node(VECTOR, element, size, 0);
}

function floatType(p: Parser): number {
  p.pos += 2;
  const from = p.pos;
  if (!p.digits()) return 0;
  const count = p.pos - from;
  if (p.take(0x62)) return BFLOAT;
  if (p.take(0x78)) return p.node(NUMBERED_TYPE | (X << EXTRA_SHIFT), from, count, FLOAT);
  return p.take(0x5f) ? p.node(NUMBERED_TYPE, from, count, FLOAT) : 0;
}

function bitInt(p: Parser, before: number): number {
  p.pos += 2;
  const from = p.pos;
  if (p.digits()) return p.take(0x5f) ? p.node(NUMBERED_TYPE | (CLOSE << EXTRA_SHIFT), from, p.pos - 1 - from, before) : 0;
  return 0;
}

function vendorQualified(p: Parser): number {
  // Unnamed types and lambdas begin with the same letter.
  const next = p.bytes[p.pos + 1]!;
  if (next === 0x6c /* l */ || next === 0x74 /* t */ || next === 0x62 /* b */) return className(p);
  p.pos++;
  let qualifier = sourceName(p);
  if (qualifier !== 0 && p.bytes[p.pos] === 0x49 /* I */) qualifier = withArguments(p, qualifier);
  if (qualifier === 0) return 0;
  const base = type(p);
  return base === 0 ? 0 : p.substitute(p.node(VENDOR_QUALIFIED | (p.nodes[base]! & SHAPE_MASK), base, qualifier, 0));
}

grammar.type = type;
