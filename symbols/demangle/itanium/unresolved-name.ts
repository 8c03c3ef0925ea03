// Names in expressions that are looked up only when a template is used (Itanium C++
// ABI 5.1.6.3): `sr` and plain identifiers.
import { DESTRUCTOR_NAME, NESTED, TEMPLATE } from "./node-kinds.ts";
import type { Parser } from "../parser.ts";
import { templateArguments } from "./template.ts";
import { type } from "./type.ts";
import { operatorName, sourceName, unqualifiedName } from "./unqualified-name.ts";

/** Reads an identifier, `on` and an operator, or `dn` and a destructor, each with arguments. */
export function simpleName(p: Parser): number {
  const node = bareName(p);
  return node !== 0 && p.bytes[p.pos] === 0x49 /* I */ ? withArguments(p, node) : node;
}

function bareName(p: Parser): number {
  const first = p.bytes[p.pos]!;
  const second = p.bytes[p.pos + 1]!;
  if (first === 0x6f /* o */ && second === 0x6e /* n */) {
    p.pos += 2;
    return operatorName(p);
  }
  if (first === 0x64 /* d */ && second === 0x6e /* n */) {
    p.pos += 2;
    const of = p.bytes[p.pos]! >= 0x30 && p.bytes[p.pos]! <= 0x39 ? sourceName(p) : type(p);
    return of === 0 ? 0 : p.node(DESTRUCTOR_NAME, of, 0, 0);
  }
  return unqualifiedName(p, 0);
}

/** Reads what follows `sr`: a scope and a name in it. */
export function scopedName(p: Parser): number {
  const first = p.bytes[p.pos]!;
  if (first === 0x4e /* N */) return nestedScope(p);
  if (isDigit(first)) {
    const { pos, substitutionCount, listEnd, top } = p;
    const listed = listedScope(p);
    if (listed !== 0) return listed;
    p.pos = pos;
    p.substitutionCount = substitutionCount;
    p.listEnd = listEnd;
    p.top = top;
  }
  const scope = type(p);
  if (scope === 0) return 0;
  p.take(0x45 /* E */);
  return level(p, scope);
}

/** `level+ E name`, as the ABI and clang have it; its levels are no substitutions. 0 when it is GCC's `type name`. */
function listedScope(p: Parser): number {
  let node = simpleName(p);
  let count = 1;
  while (node !== 0 && isDigit(p.bytes[p.pos]!)) {
    node = level(p, node);
    count++;
  }
  if (node === 0 || !p.take(0x45 /* E */)) return 0;
  // Two names and an `E`: that may also be GCC's, and the `E` of what is around.
  if (count === 2) {
    p.isAmbiguous = true;
    if (p.prefersGnu) return 0;
  }
  return startsName(p) ? level(p, node) : 0;
}

function startsName(p: Parser): boolean {
  const first = p.bytes[p.pos]!;
  return isDigit(first) || ((first === 0x6f || first === 0x64) && p.bytes[p.pos + 1] === 0x6e /* on, dn */);
}

/** `N type level+ E name` of the ABI, and GCC's nested type `N…E name`. */
function nestedScope(p: Parser): number {
  const { pos, substitutionCount, listEnd, top } = p;
  const nested = type(p);
  if (nested !== 0) return level(p, nested);
  p.pos = pos + 1;
  p.substitutionCount = substitutionCount;
  p.listEnd = listEnd;
  p.top = top;
  let node = type(p);
  while (node !== 0 && !p.take(0x45 /* E */)) node = level(p, node);
  return node === 0 ? 0 : level(p, node);
}

function level(p: Parser, scope: number): number {
  const part = bareName(p);
  const node = part === 0 ? 0 : p.node(NESTED, scope, part, 0);
  return node !== 0 && p.bytes[p.pos] === 0x49 /* I */ ? withArguments(p, node) : node;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function withArguments(p: Parser, node: number): number {
  const mark = p.top;
  if (!templateArguments(p, false)) return 0;
  const count = p.top - mark;
  const start = p.closeList(mark);
  return start < 0 ? 0 : p.node(TEMPLATE, node, start, count);
}
