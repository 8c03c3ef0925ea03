// What the compiler makes beside functions and variables (Itanium C++ ABI
// 5.1.4): tables, thunks, guards.
import { CONSTRUCTION_VTABLE, REFERENCE_TEMPORARY, SPECIAL } from "./node-kinds.ts";
import { expression, primary } from "./expression.ts";
import { grammar } from "./grammar.ts";
import { name } from "./name.ts";
import type { Parser } from "../parser.ts";
import { text } from "../texts.ts";
import { type } from "./type.ts";

const ofTypes = new Int32Array(128);
for (const [letter, before] of Object.entries({
  V: "vtable for ", T: "VTT for ", I: "typeinfo for ", S: "typeinfo name for ", F: "typeinfo fn for ", J: "java Class for ",
})) ofTypes[letter.charCodeAt(0)] = text(before);

const THUNK = text("non-virtual thunk to ");
const VIRTUAL_THUNK = text("virtual thunk to ");
const COVARIANT_THUNK = text("covariant return thunk to ");
const TLS_INIT = text("TLS init function for ");
const TLS_WRAPPER = text("TLS wrapper function for ");
const PARAMETER_OBJECT = text("template parameter object for ");
const GUARD = text("guard variable for ");
const HIDDEN_ALIAS = text("hidden alias for ");
const CLONE = text("transaction clone for ");
const OTHER_CLONE = text("non-transaction clone for ");
const MODULE_INITIALIZER = text("initializer for module ");

/** Reads what follows `T` or `G`. */
export function specialName(p: Parser): number {
  const isT = p.bytes[p.pos] === 0x54;
  const letter = p.bytes[p.pos + 1]!;
  p.pos += 2;
  return isT ? typeName(p, letter) : guardName(p, letter);
}

function special(p: Parser, before: number, of: number): number {
  return of === 0 ? 0 : p.node(SPECIAL, before, of, 0);
}

function typeName(p: Parser, letter: number): number {
  const before = letter < 128 ? ofTypes[letter]! : 0;
  if (before !== 0) return special(p, before, type(p));
  switch (letter) {
    case 0x68 /* h */:
    case 0x76 /* v */:
      p.pos--;
      return callOffset(p) ? special(p, letter === 0x68 ? THUNK : VIRTUAL_THUNK, grammar.encoding(p)) : 0;
    case 0x63 /* c */:
      return callOffset(p) && callOffset(p) ? special(p, COVARIANT_THUNK, grammar.encoding(p)) : 0;
    case 0x43 /* C */: {
      const base = type(p);
      if (base === 0 || p.number() < 0 || !p.take(0x5f)) return 0;
      const built = type(p);
      return built === 0 ? 0 : p.node(CONSTRUCTION_VTABLE, built, base, 0);
    }
    case 0x48 /* H */:
      return special(p, TLS_INIT, name(p, true));
    case 0x57 /* W */:
      return special(p, TLS_WRAPPER, name(p, true));
    case 0x41 /* A */:
      return special(p, PARAMETER_OBJECT, parameterObject(p));
    default:
      return 0;
  }
}

function parameterObject(p: Parser): number {
  if (p.bytes[p.pos] === 0x4c /* L */) return primary(p);
  if (!p.take(0x58 /* X */)) return type(p);
  const value = expression(p);
  return value !== 0 && p.take(0x45) ? value : 0;
}

function guardName(p: Parser, letter: number): number {
  switch (letter) {
    case 0x56 /* V */:
      return special(p, GUARD, name(p, true));
    case 0x52 /* R */: {
      const of = name(p, true);
      if (of === 0) return 0;
      return p.node(REFERENCE_TEMPORARY, of, sequence(p), 0);
    }
    case 0x41 /* A */:
      return special(p, HIDDEN_ALIAS, grammar.encoding(p));
    case 0x54 /* T */: {
      const isOther = p.bytes[p.pos] === 0x6e /* n */;
      p.pos++;
      return special(p, isOther ? OTHER_CLONE : CLONE, grammar.encoding(p));
    }
    case 0x49 /* I */: {
      let of = 0;
      while (p.take(0x57 /* W */)) of = p.bytes[p.pos] === 0x50 ? 0 : name(p, false);
      return special(p, MODULE_INITIALIZER, of);
    }
    default:
      return 0;
  }
}

/** Reads `_` as 0, `0_` as 1 …, in base 36; 0 when nothing is there, as in GCC's old names. */
function sequence(p: Parser): number {
  let value = -1;
  const from = p.pos;
  for (;;) {
    const byte = p.bytes[p.pos]!;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x41 && byte <= 0x5a ? byte - 0x37 : -1;
    if (digit < 0 || value > 0xffffff) break;
    value = Math.max(value, 0) * 36 + digit;
    p.pos++;
  }
  if (p.take(0x5f)) return value + 1;
  p.pos = from;
  return 0;
}

function callOffset(p: Parser): boolean {
  if (p.take(0x68 /* h */)) return signed(p) && p.take(0x5f);
  return p.take(0x76 /* v */) && signed(p) && p.take(0x5f) && signed(p) && p.take(0x5f);
}

function signed(p: Parser): boolean {
  p.take(0x6e /* n */);
  return p.number() >= 0;
}
