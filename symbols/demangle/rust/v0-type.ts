// Types of Rust's v0 names.
import type { Output } from "../output.ts";
import type { Parser } from "../parser.ts";
import { printConstant } from "./v0-constant.ts";
import { base62, plainIdentifier, v0 } from "./v0-reader.ts";

const basics: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, letter) => new Map([
  ["b", "bool"], ["c", "char"], ["e", "str"], ["u", "()"], ["a", "i8"], ["s", "i16"], ["l", "i32"], ["x", "i64"], ["n", "i128"], ["i", "isize"], ["h", "u8"], ["t", "u16"], ["m", "u32"], ["y", "u64"], ["o", "u128"],
  ["j", "usize"], ["f", "f32"], ["d", "f64"], ["z", "!"], ["p", "_"], ["v", "..."],
]).get(String.fromCharCode(letter)));

/** Reads and prints a type; false when the input does not fit. */
export function printTypeOf(p: Parser, o: Output): boolean {
  if (!o.enter()) return false;
  const isGood = typeRule(p, o);
  o.leave();
  return isGood;
}

function typeRule(p: Parser, o: Output): boolean {
  const tag = p.bytes[p.pos++]!;
  const basic = basics[tag];
  if (basic !== undefined) {
    o.ascii(basic);
    return true;
  }
  switch (tag) {
    case 0x41 /* A */:
    case 0x53 /* S */:
      o.byte(0x5b);
      if (!printTypeOf(p, o)) return false;
      if (tag === 0x41) {
        o.ascii("; ");
        if (!printConstant(p, o)) return false;
      }
      o.byte(0x5d);
      return true;
    case 0x54 /* T */:
      return tuple(p, o);
    case 0x52 /* R */:
    case 0x51 /* Q */:
      o.byte(0x26);
      if (p.take(0x4c /* L */)) {
        const index = base62(p);
        if (index !== 0) {
          if (!v0.lifetime(o, index)) return false;
          o.byte(0x20);
        }
      }
      if (tag === 0x51) o.ascii("mut ");
      return printTypeOf(p, o);
    case 0x50 /* P */:
      o.ascii("*const ");
      return printTypeOf(p, o);
    case 0x4f /* O */:
      o.ascii("*mut ");
      return printTypeOf(p, o);
    case 0x46 /* F */:
      return v0.binder(p, o, () => functionType(p, o));
    case 0x44 /* D */:
      return dynType(p, o);
    case 0x42 /* B */:
      return v0.backReference(p, () => printTypeOf(p, o));
    default:
      p.pos--;
      return v0.path(p, o, false);
  }
}

function tuple(p: Parser, o: Output): boolean {
  o.byte(0x28);
  let count = 0;
  for (; !p.take(0x45); count++) {
    if (count > 0) o.ascii(", ");
    if (!printTypeOf(p, o)) return false;
  }
  if (count === 1) o.byte(0x2c);
  o.byte(0x29);
  return true;
}

function functionType(p: Parser, o: Output): boolean {
  if (p.take(0x55 /* U */)) o.ascii("unsafe ");
  if (p.take(0x4b /* K */)) {
    o.ascii('extern "');
    if (p.take(0x43 /* C */)) o.byte(0x43);
    else {
      const from = o.length;
      if (!plainIdentifier(p, o)) return false;
      for (let i = from; i < o.length; i++) if (o.bytes[i] === 0x5f) o.bytes[i] = 0x2d;
    }
    o.ascii('" ');
  }
  o.ascii("fn(");
  for (let isFirst = true; !p.take(0x45); isFirst = false) {
    if (!isFirst) o.ascii(", ");
    if (!printTypeOf(p, o)) return false;
  }
  o.byte(0x29);
  // Functions that return nothing say nothing of it.
  if (p.take(0x75 /* u */)) return true;
  o.ascii(" -> ");
  return printTypeOf(p, o);
}

function dynType(p: Parser, o: Output): boolean {
  o.ascii("dyn ");
  const isGood = v0.binder(p, o, () => {
    for (let isFirst = true; !p.take(0x45); isFirst = false) {
      if (!isFirst) o.ascii(" + ");
      if (!dynTrait(p, o)) return false;
    }
    return true;
  });
  if (!isGood || !p.take(0x4c /* L */)) return false;
  const index = base62(p);
  if (index === 0) return true;
  o.ascii(" + ");
  return v0.lifetime(o, index);
}

function dynTrait(p: Parser, o: Output): boolean {
  let open = v0.openPath(p, o);
  if (open < 0) return false;
  while (p.take(0x70 /* p */)) {
    o.ascii(open === 0 ? "<" : ", ");
    open = 1;
    if (!plainIdentifier(p, o)) return false;
    o.ascii(" = ");
    if (!printTypeOf(p, o)) return false;
  }
  if (open === 1) o.byte(0x3e);
  return true;
}
