// Names from the linker for functions that debug information calls by their
// plain name alone. GCC writes no linker's name for functions that only their
// own file sees, so these have no parameters and two overloads are one; but the
// symbol table, where it was kept, has a symbol at the function's first address
// that says all. It counts only when it has the plain name in it: where a linker
// folded equal functions, the symbol may be that of another. What compilers make
// for themselves (the start of a file's variables) has no name but the symbol's,
// and no more has what Apple hid in the debug information of builds from bitcode.
import type { Uint32List } from "./growable-array.ts";
import { nameless } from "./module-symbols.ts";
import { NumberMap } from "./number-map.ts";
import type { StringTable } from "./string-table.ts";

const underscore = 0x5f;
/** Bytes of both names; a million functions may share a long one. */
const nameBytesMax = 4096;
/** Bytes of a symbol that is looked through for an operator. */
const operatorBytesMax = 1024;

/** Functions or public symbols by index: first address and name, a string. */
type Named = { readonly start: Uint32List; readonly name: Uint32List };

/** Gives functions with numbers in `ranges` (first, past the last) the names of public symbols at their first addresses, in the linker's spelling, where those say the same and more. */
export function takeLinkerNames(functions: Named, linkage: Uint32List, ranges: readonly (readonly [number, number])[], publics: Named, strings: StringTable): void {
  if (ranges.every(([first, end]) => first === end)) return;
  const symbols = new NumberMap();
  for (let i = 0; i < publics.start.length; i++) {
    const name = publics.name.data[i]!;
    const known = symbols.get(publics.start.data[i]!);
    // Mangled names say most.
    if (known < 0 || (strings.firstByteOf(name) === underscore && strings.firstByteOf(known) !== underscore)) symbols.set(publics.start.data[i]!, name);
  }
  if (symbols.size === 0) return;
  for (const [first, end] of ranges) {
    for (let i = first; i < end; i++) {
      const name = functions.name.data[i]!;
      const symbol = linkage.data[i] === 0 ? symbols.get(functions.start.data[i]!) : -1;
      if (symbol <= 0 || symbol === name || (strings.firstByteOf(symbol) !== underscore && !mayBeMissing(strings.firstByteOf(name))) || strings.bytesOf(name).length + strings.bytesOf(symbol).length > nameBytesMax) continue;
      const taken = sayingMore(strings.textOf(name), strings.textOf(symbol));
      if (taken !== null) functions.name.data[i] = strings.takeText(taken);
    }
  }
}

/** What Apple leaves of a name that is hidden. */
const hidden = /^_*hidden#\d+_$/;
/** Whether a name that begins so may stand for one that is not there. */
const mayBeMissing = (byte: number): boolean => byte === underscore || byte === nameless.charCodeAt(0);

/** Of operators, as after the word: how they are mangled, with one argument and with two (Itanium C++ ABI, 5.1.3). Calls are not among them: with scopes around, they have a name that says enough, as lambdas'. */
const operators: ReadonlyMap<string, RegExp> = new Map(
  Object.entries({
    " new": "nw", " new[]": "na", " delete": "dl", " delete[]": "da", "~": "co", "+": "pl|ps", "-": "mi|ng", "*": "ml|de", "/": "dv", "%": "rm", "&": "an|ad", "|": "or", "^": "eo",
    "=": "aS", "+=": "pL", "-=": "mI", "*=": "mL", "/=": "dV", "%=": "rM", "&=": "aN", "|=": "oR", "^=": "eO", "<<": "ls", ">>": "rs", "<<=": "lS", ">>=": "rS",
    "==": "eq", "!=": "ne", "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "<=>": "ss", "!": "nt", "&&": "aa", "||": "oo", "++": "pp", "--": "mm", ",": "cm", "->*": "pm", "->": "pt", "[]": "ix",
  }).map(([operator, codes]) => [operator, new RegExp(codes)]),
);

/** For what has no name the symbol's; else the symbol's without what compilers append for a part or a copy (`.cold`, `.constprop.0`), when it is a mangled one of the function with the plain name; else null. */
function sayingMore(plain: string, symbol: string): string | null {
  if (plain === nameless || hidden.test(plain)) return hidden.test(symbol) ? null : symbol;
  if (!symbol.startsWith("_Z") || plain.startsWith("_Z") || !isOf(plain, symbol)) return null;
  const end = symbol.indexOf(".");
  return end < 0 ? symbol : symbol.slice(0, end);
}

/** Whether a mangled name is of a function that has the plain one. */
function isOf(plain: string, symbol: string): boolean {
  if (plain === "operator()") return withoutWords(symbol).includes("cl");
  const operator = /(?:^|::)operator( new| delete|[^\w\s()])(.*)$/.exec(plain);
  if (operator !== null) return operators.get(`${operator[1]}${operator[2]}`)?.test(withoutWords(symbol)) === true;
  const [, tilde, word] = /(?:^|::)(~?)([A-Za-z_]\w*)$/.exec(withoutArguments(plain)) ?? [];
  // <source-name> ::= <length> <identifier> (5.1.2), and D0 to D5 for destructors, which have no name of their own.
  return word !== undefined && symbol.includes(`${word.length}${word}`) && (tilde === "" || /D[0-5]/.test(symbol));
}

/** A mangled name without the identifiers in it, in which operators' codes may be by chance; none of one that is too long. */
function withoutWords(symbol: string): string {
  if (symbol.length > operatorBytesMax) return "";
  let rest = "";
  let length = 0;
  for (let at = 0; at < symbol.length; at++) {
    const digit = symbol.charCodeAt(at) - 0x30;
    if (digit >= 0 && digit <= 9) {
      length = Math.min(length * 10 + digit, operatorBytesMax);
      continue;
    }
    if (length > 0) {
      rest += " ";
      at += length - 1;
      length = 0;
    } else rest += symbol[at]!;
  }
  return rest;
}

/** A name without the template arguments that it ends in. */
function withoutArguments(name: string): string {
  if (!name.endsWith(">")) return name;
  let depth = 0;
  for (let at = name.length - 1; at > 0; at--) {
    if (name[at] === ">") depth++;
    else if (name[at] === "<" && --depth === 0) return name.slice(0, at);
  }
  return name;
}
