// Names of Swift, of the mangling that is stable since Swift 5 (`$s`; `$S` is
// nearly the same).
//
// What: `$s4Deck6PlayerC4play4fromySi_tF` becomes `Deck.Player.play(from:)`: where
// a function is declared, its name, and the labels that are part of it. Types of
// parameters and results, generic arguments and constraints are left out: as the
// compiler prints them they fill lines, and a function is told by its labels.
//
// How: a mangled name is a program for a stack ("Mangling.rst" of the Swift
// project). Each letter pushes something, or takes what is on top and makes
// something of it; so types must be read too, only to be dropped.
//
// Limits: what is not understood is null, never half a name; so is data, such as
// type metadata, which no frame is in. Not read: Punycode, macros, conformances
// of one type to another's module, types of SIL and so the thunks between them.
// The mangling of Swift 4 and before (`_T`) is told by `languageOf` and left.
// Time is bounded by the length of the name, the depth of the stack and the
// length of a text (stack.ts).
//
// To read more: a letter in operators.ts.
import { operators } from "./operators.ts";
import { SwiftReader } from "./reader.ts";
import { giveUp, NotUnderstood } from "./stack.ts";

/** Characters of a name that is looked at. */
const nameMax = 16_384;
/** The readable form of a name that begins with `$s` or `$S`; null when it is not understood. */
export function demangleSwift(name: string): string | null {
  if (name.length > nameMax) return null;
  try {
    return read(new SwiftReader(name));
  } catch (error) {
    if (error instanceof NotUnderstood) return null;
    throw error;
  }
}

function read(reader: SwiftReader): string {
  const { cursor, stack } = reader;
  while (!cursor.isAtEnd) {
    const letter = cursor.peek();
    if (letter >= "0" && letter <= "9") {
      reader.identifier();
      continue;
    }
    cursor.next();
    const take = Object.hasOwn(operators, letter) ? operators[letter] : undefined;
    if (take === undefined) giveUp();
    take(reader, stack, cursor);
  }
  const found = stack.pop("entity");
  return stack.depth === 0 ? found.text + found.tail : giveUp();
}
