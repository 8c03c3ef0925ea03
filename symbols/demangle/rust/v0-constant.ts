// Constants in the arguments of Rust's v0 names.
import type { Output } from "../output.ts";
import type { Parser } from "../parser.ts";
import { identifier, v0 } from "./v0-reader.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads and prints a constant; false when the input does not fit. */
export function printConstant(p: Parser, o: Output): boolean {
  if (!o.enter()) return false;
  const isGood = constantRule(p, o);
  o.leave();
  return isGood;
}

function constantRule(p: Parser, o: Output): boolean {
  const tag = p.bytes[p.pos++];
  switch (tag) {
    case 0x70 /* p */:
      o.byte(0x5f);
      return true;
    case 0x42 /* B */:
      return v0.backReference(p, () => printConstant(p, o));
    case 0x61: case 0x73: case 0x6c: case 0x78: case 0x6e: case 0x69 /* a s l x n i */:
      if (p.take(0x6e)) o.byte(0x2d);
      return integer(p, o);
    case 0x68: case 0x74: case 0x6d: case 0x79: case 0x6f: case 0x6a /* h t m y o j */:
      return integer(p, o);
    case 0x62 /* b */: {
      const digits = hexDigits(p);
      if (digits !== "0" && digits !== "1") return false;
      o.ascii(digits === "1" ? "true" : "false");
      return true;
    }
    case 0x63 /* c */:
      return character(p, o);
    case 0x65 /* e */:
      o.byte(0x2a);
      return string(p, o);
    case 0x52 /* R */:
      if (p.take(0x65)) return string(p, o);
      o.byte(0x26);
      return printConstant(p, o);
    case 0x51 /* Q */:
      o.ascii("&mut ");
      return printConstant(p, o);
    case 0x41 /* A */:
      return list(p, o, 0x5b, 0x5d) >= 0;
    case 0x54 /* T */:
      return list(p, o, 0x28, 0x29) >= 0;
    case 0x56 /* V */:
      return structure(p, o);
    default:
      return false;
  }
}

/** Reads hex digits up to `_`; null when there are others. */
function hexDigits(p: Parser): string | null {
  const from = p.pos;
  for (let byte = p.bytes[p.pos]!; (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66); byte = p.bytes[p.pos]!) p.pos++;
  const digits = decoder.decode(p.bytes.subarray(from, p.pos));
  return p.take(0x5f) ? digits : null;
}

function integer(p: Parser, o: Output): boolean {
  const digits = hexDigits(p)?.replace(/^0+(?=.)/, "");
  if (digits === undefined || digits === "") return false;
  // What does not fit 64 bits stays in hex, as rustc has it.
  o.ascii(digits.length > 16 ? `0x${digits}` : digits.length > 12 ? BigInt(`0x${digits}`).toString() : Number.parseInt(digits, 16).toString());
  return true;
}

const charEscapes = new Map([["\t", "\\t"], ["\r", "\\r"], ["\n", "\\n"], ["\\", "\\\\"], ["\0", "\\0"]]);

function quoted(text: string, quote: string): Uint8Array {
  let out = quote;
  for (const letter of text) {
    const escape = charEscapes.get(letter);
    if (escape !== undefined) out += escape;
    else if (letter === quote) out += `\\${letter}`;
    else out += /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(letter) ? `\\u{${letter.codePointAt(0)!.toString(16)}}` : letter;
  }
  return encoder.encode(out + quote);
}

function character(p: Parser, o: Output): boolean {
  const digits = hexDigits(p);
  const point = digits === null || digits === "" || digits.length > 8 ? -1 : Number.parseInt(digits, 16);
  if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  const bytes = quoted(String.fromCodePoint(point), "'");
  o.slice(bytes, 0, bytes.length);
  return true;
}

function string(p: Parser, o: Output): boolean {
  const digits = hexDigits(p);
  if (digits === null || digits.length % 2 !== 0) return false;
  const bytes = quoted(Buffer.from(digits, "hex").toString("utf8"), '"');
  o.slice(bytes, 0, bytes.length);
  return true;
}

/** Constants up to `E` between brackets; their count, -1 when the input does not fit. */
function list(p: Parser, o: Output, open: number, close: number): number {
  o.byte(open);
  let count = 0;
  for (; !p.take(0x45); count++) {
    if (count > 0) o.ascii(", ");
    if (!printConstant(p, o)) return -1;
  }
  if (count === 1 && open === 0x28) o.byte(0x2c);
  o.byte(close);
  return count;
}

function structure(p: Parser, o: Output): boolean {
  if (!v0.path(p, o, true)) return false;
  const kind = p.bytes[p.pos++];
  if (kind === 0x55 /* U */) return true;
  if (kind === 0x54 /* T */) {
    o.byte(0x28);
    for (let isFirst = true; !p.take(0x45); isFirst = false) {
      if (!isFirst) o.ascii(", ");
      if (!printConstant(p, o)) return false;
    }
    o.byte(0x29);
    return true;
  }
  if (kind !== 0x53 /* S */) return false;
  o.ascii(" { ");
  for (let isFirst = true; !p.take(0x45); isFirst = false) {
    if (!isFirst) o.ascii(", ");
    if (identifier(p, o) < 0) return false;
    o.ascii(": ");
    if (!printConstant(p, o)) return false;
  }
  o.ascii(" }");
  return true;
}
