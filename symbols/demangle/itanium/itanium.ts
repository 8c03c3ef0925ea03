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
import { copyOfOutput, output } from "../output.ts";
import { parser } from "../parser.ts";
// Puts the printers where printType finds them.
import "./print-type.ts";
import { printType } from "./printer.ts";

/** Demangles a name from the parser, which holds it without its `_Z`; null when it is not understood. `parser.pos` is then at what follows it. */
export function demangleItanium(): string | null {
  parser.prefersGnu = false;
  const first = read();
  if (first !== null || !parser.isAmbiguous) return first;
  parser.prefersGnu = true;
  parser.start(parser.end);
  return read();
}

function read(): string | null {
  const node = encoding(parser);
  if (node === 0 || (parser.pos < parser.end && parser.bytes[parser.pos] !== 0x2e /* . */)) return null;
  output.start();
  printType(output, node);
  return output.failed || output.length === 0 ? null : copyOfOutput();
}
