// What the rules of Rust's v0 names share: numbers, identifiers, lifetimes, back
// references, and the rules at which the grammar's circles close.
import type { Output } from "../output.ts";
import type { Parser } from "../parser.ts";
import { decodePunycode } from "./punycode.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The state beside the parser's, and the rules that are called from below. */
export const v0 = {
  /** Lifetimes that the binders around bind. */
  boundLifetimes: 0,
  /** Reads and prints a path. */
  path: (_p: Parser, _o: Output, _isValue: boolean): boolean => false,
  /** Reads and prints a trait's path whose `<` may stay open. */
  openPath: (_p: Parser, _o: Output): number => -1,

  /** Reads `B`'s number and runs `rule` from there. */
  backReference(p: Parser, rule: () => boolean): boolean {
    const from = p.pos - 1;
    const target = base62(p);
    // Only backwards: so every chain of references ends.
    if (target < 0 || target >= from) return false;
    const { pos } = p;
    p.pos = target;
    const isGood = rule();
    p.pos = pos;
    return isGood;
  },

  /** Prints the lifetime of an index: 0 is erased, 1 the innermost bound. */
  lifetime(o: Output, index: number): boolean {
    if (index < 0) return false;
    o.byte(0x27);
    if (index === 0) {
      o.byte(0x5f);
      return true;
    }
    const depth = v0.boundLifetimes - index;
    if (depth < 0) return false;
    if (depth < 26) o.byte(0x61 + depth);
    else {
      o.byte(0x5f);
      o.number(depth);
    }
    return true;
  },

  /** Reads a binder, prints `for<…> `, and runs `rule` with its lifetimes bound. */
  binder(p: Parser, o: Output, rule: () => boolean): boolean {
    let count = 0;
    if (p.take(0x47 /* G */)) {
      count = base62(p) + 1;
      if (count <= 0 || count > 1000) return false;
    }
    if (count > 0) {
      o.ascii("for<");
      for (let i = 0; i < count; i++) {
        if (i > 0) o.ascii(", ");
        v0.boundLifetimes++;
        v0.lifetime(o, 1);
      }
      o.ascii("> ");
    }
    const isGood = rule();
    v0.boundLifetimes -= count;
    return isGood;
  },
};

/** Reads `_` as 0 and `<digits>_` as digits + 1; -1 when it does not fit. */
export function base62(p: Parser): number {
  if (p.take(0x5f)) return 0;
  let value = 0;
  for (;;) {
    const byte = p.bytes[p.pos++]!;
    if (byte === 0x5f) return value + 1;
    let digit = -1;
    if (byte >= 0x30 && byte <= 0x39) digit = byte - 0x30;
    else if (byte >= 0x61 && byte <= 0x7a) digit = byte - 0x61 + 10;
    else if (byte >= 0x41 && byte <= 0x5a) digit = byte - 0x41 + 36;
    value = value * 62 + digit;
    if (digit < 0 || value > Number.MAX_SAFE_INTEGER / 62) return hashTail(p, digit);
  }
}

/** The rest of a number that is larger than any index: a crate's hash, of which the value does not matter. */
function hashTail(p: Parser, digit: number): number {
  if (digit < 0) return -1;
  while (p.pos < p.end) {
    const byte = p.bytes[p.pos++]!;
    if (byte === 0x5f) return Number.MAX_SAFE_INTEGER;
    const isDigit = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
    if (!isDigit) return -1;
  }
  return -1;
}

/** Reads an identifier and prints it; its disambiguator, or -1 when it does not fit. */
export function identifier(p: Parser, o: Output): number {
  let disambiguator = 0;
  if (p.take(0x73 /* s */)) {
    disambiguator = base62(p) + 1;
    if (disambiguator === 0) return -1;
  }
  return plainIdentifier(p, o) ? disambiguator : -1;
}

/** Reads an identifier without disambiguator and prints it. */
export function plainIdentifier(p: Parser, o: Output): boolean {
  const isCoded = p.take(0x75 /* u */);
  // A zero ends the number: what follows an empty name may be digits.
  const size = p.take(0x30) ? 0 : p.number();
  if (size < 0) return false;
  p.take(0x5f);
  const from = p.pos;
  if (from + size > p.end) return false;
  p.pos = from + size;
  if (!isCoded) {
    o.slice(p.bytes, from, size);
    return true;
  }
  const coded = decoder.decode(p.bytes.subarray(from, from + size));
  const bytes = encoder.encode(decodePunycode(coded) ?? `punycode{${coded}}`);
  o.slice(bytes, 0, bytes.length);
  return true;
}
