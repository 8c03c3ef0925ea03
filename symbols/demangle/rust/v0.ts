// Rust's v0 names: `_R…` (RFC 2603, and rustc's book, "v0 symbol format"), in
// rustc's short spelling: without the crates' hashes and the types of constants.
//
// The name is printed while it is read: nothing in it is needed before it comes,
// and a back reference reads again from an earlier place. References can make a
// short name's text exponentially long, so that the output's limits (steps,
// nesting, bytes) are also the limits of the time.
import { copyOfOutput, output, type Output } from "../output.ts";
import { parser, type Parser } from "../parser.ts";
import { printConstant } from "./v0-constant.ts";
import { base62, identifier, v0 } from "./v0-reader.ts";
import { printTypeOf } from "./v0-type.ts";

/** Demangles the v0 name in the parser's bytes, of which `_R` was left out; null when it is not understood. `parser.pos` is then at what follows it. */
export function demangleRustV0(): string | null {
  const p = parser;
  const o = output;
  o.start();
  v0.boundLifetimes = 0;
  // A digit here would be a version of the encoding that does not exist yet.
  const first = p.bytes[0]!;
  if (first < 0x41 || first > 0x5a) return null;
  if (!path(p, o, true)) return null;
  const { length } = o;
  // The crate for which the function was made, which is not shown.
  const next = p.bytes[p.pos]!;
  if (next >= 0x41 && next <= 0x5a && !path(p, o, false)) return null;
  if (o.failed) return null;
  o.length = length;
  return copyOfOutput();
}

/** Reads and prints a path; `isValue` writes arguments as `::<…>`. False when the input does not fit. */
function path(p: Parser, o: Output, isValue: boolean): boolean {
  if (!o.enter()) return false;
  const isGood = pathRule(p, o, isValue);
  o.leave();
  return isGood;
}

function pathRule(p: Parser, o: Output, isValue: boolean): boolean {
  const tag = p.bytes[p.pos++];
  switch (tag) {
    case 0x43 /* C */:
      return identifier(p, o) >= 0;
    case 0x4d /* M */:
    case 0x58 /* X */:
      // Where the impl is, which its type says better.
      if (!skipImplPath(p, o)) return false;
      return tag === 0x4d ? qualifiedSelf(p, o, false) : qualifiedSelf(p, o, true);
    case 0x59 /* Y */:
      return qualifiedSelf(p, o, true);
    case 0x4e /* N */:
      return nested(p, o, isValue);
    case 0x49 /* I */:
      if (!path(p, o, isValue)) return false;
      if (isValue) o.ascii("::");
      return genericArguments(p, o, true);
    case 0x42 /* B */:
      return v0.backReference(p, () => path(p, o, isValue));
    default:
      return false;
  }
}

function skipImplPath(p: Parser, o: Output): boolean {
  if (p.bytes[p.pos] === 0x73 /* s */) {
    p.pos++;
    if (base62(p) < 0) return false;
  }
  const { length } = o;
  const isGood = path(p, o, false);
  o.length = length;
  return isGood;
}

function qualifiedSelf(p: Parser, o: Output, hasTrait: boolean): boolean {
  o.byte(0x3c);
  if (!printTypeOf(p, o)) return false;
  if (hasTrait) {
    o.ascii(" as ");
    if (!path(p, o, false)) return false;
  }
  o.byte(0x3e);
  return true;
}

function nested(p: Parser, o: Output, isValue: boolean): boolean {
  const namespace = p.bytes[p.pos++]!;
  const isSpecial = namespace >= 0x41 && namespace <= 0x5a;
  if (!isSpecial && !(namespace >= 0x61 && namespace <= 0x7a)) return false;
  if (!path(p, o, isValue)) return false;
  const { length } = o;
  o.ascii("::");
  if (!isSpecial) {
    const from = o.length;
    if (identifier(p, o) < 0) return false;
    if (o.length === from) o.length = length;
    return true;
  }
  o.byte(0x7b);
  if (namespace === 0x43) o.ascii("closure");
  else if (namespace === 0x53) o.ascii("shim");
  else o.byte(namespace);
  const before = o.length;
  o.byte(0x3a);
  const from = o.length;
  const disambiguator = identifier(p, o);
  if (disambiguator < 0) return false;
  if (o.length === from) o.length = before;
  o.byte(0x23);
  o.number(disambiguator);
  o.byte(0x7d);
  return true;
}

/** Reads and prints arguments up to `E`; with `close` also the `>`. */
function genericArguments(p: Parser, o: Output, close: boolean): boolean {
  o.byte(0x3c);
  for (let isFirst = true; !p.take(0x45); isFirst = false) {
    if (!isFirst) o.ascii(", ");
    if (!genericArgument(p, o)) return false;
  }
  if (close) o.byte(0x3e);
  return true;
}

function genericArgument(p: Parser, o: Output): boolean {
  if (p.take(0x4c /* L */)) return v0.lifetime(o, base62(p));
  if (p.take(0x4b /* K */)) return printConstant(p, o);
  return printTypeOf(p, o);
}

/** Reads and prints the path of a trait, whose `<` stays open for associated types: 1 when it is open, 0 when not, -1 when the input does not fit. */
function openPath(p: Parser, o: Output): number {
  if (!o.enter()) return -1;
  let state = 0;
  if (p.take(0x42 /* B */)) {
    const isGood = v0.backReference(p, () => {
      state = openPath(p, o);
      return state >= 0;
    });
    if (!isGood) state = -1;
  } else if (p.take(0x49 /* I */)) state = path(p, o, false) && genericArguments(p, o, false) ? 1 : -1;
  else state = path(p, o, false) ? 0 : -1;
  o.leave();
  return state;
}

v0.path = path;
v0.openPath = openPath;
