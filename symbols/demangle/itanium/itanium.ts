// Itanium names: `_Z…`, of GCC, clang and all that follow the Itanium C++ ABI.
//
// A name is read once into nodes (parser.ts, node-kinds.ts) by functions that
// follow the ABI's grammar, one file for each of its rooms: encodings, special
// names, names, types, templates, expressions. The nodes are then printed
// (print-*.ts) in GNU's spelling. All state is in two objects that are used
// again for each name, so that a name costs no garbage but its text.
//
// Bounds: the input's length, the nesting, the number of nodes, of printed nodes
// and of bytes are limited; what exceeds one is not understood. The grammar goes
// back only at two places (a conversion operator's arguments, `srN`), and nodes
// that were made in vain stay counted, so that going back ends too.
//
// To extend: add the rule where the ABI has it, its node to node-kinds.ts, its
// text to a printer, and a row to the test.
import { encoding } from "./encoding.ts";
import { output } from "./output.ts";
import { INPUT_BYTES_MAX, parser } from "./parser.ts";
// Puts the printers where printType finds them.
import "./print-type.ts";
import { printType } from "./printer.ts";
import { text } from "./texts.ts";

const CLONE_OPEN = text(" [clone ");

/** Demangles a name whose `_Z` ends at `from`; null when it is not understood. */
export function demangleItanium(name: string, from: number): string | null {
  const size = encode(name, from);
  if (size < 0) return null;
  parser.prefersGnu = false;
  const first = read(size);
  if (first !== null || !parser.isAmbiguous) return first;
  parser.prefersGnu = true;
  return read(size);
}

function read(size: number): string | null {
  parser.start(size);
  const node = encoding(parser);
  if (node === 0) return null;
  output.start();
  printType(output, node);
  while (parser.pos < parser.end) if (!printClone()) return null;
  return output.failed || output.length === 0 ? null : decode();
}

/** The name's bytes into the parser; their count, -1 when it is too long. The lengths in a name count bytes of UTF-8. */
function encode(name: string, from: number): number {
  const size = name.length - from;
  if (size > INPUT_BYTES_MAX) return -1;
  const { bytes } = parser;
  for (let i = 0; i < size; i++) {
    const unit = name.charCodeAt(from + i);
    if (unit > 0x7f) {
      const coded = Buffer.from(from === 0 ? name : name.slice(from));
      if (coded.length > INPUT_BYTES_MAX) return -1;
      bytes.set(coded);
      return coded.length;
    }
    bytes[i] = unit;
  }
  return size;
}

let shared = Buffer.from(output.bytes.buffer);

function decode(): string {
  if (shared.buffer !== output.bytes.buffer) shared = Buffer.from(output.bytes.buffer);
  const { bytes, length } = output;
  for (let i = 0; i < length; i++) if (bytes[i]! > 0x7f) return shared.toString("utf8", 0, length);
  return shared.toString("latin1", 0, length);
}

/** Prints the mark of a part or copy of a function: `.cold`, `.isra.0`, `.123`; false when it is none. */
function printClone(): boolean {
  const { bytes } = parser;
  const from = parser.pos;
  if (bytes[from] !== 0x2e) return false;
  let at = from + 1;
  if (isWord(bytes[at]!)) while (isWord(bytes[at]!)) at++;
  else if (!isDigit(bytes[at]!)) return false;
  while (isDigit(bytes[at]!)) at++;
  while (bytes[at] === 0x2e && isDigit(bytes[at + 1]!)) {
    at += 2;
    while (isDigit(bytes[at]!)) at++;
  }
  parser.pos = at;
  output.text(CLONE_OPEN);
  output.slice(bytes, from, at - from);
  output.byte(0x5d);
  return true;
}

function isWord(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
