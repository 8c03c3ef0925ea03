// Names from the linker for functions that debug information calls by their
// plain name alone. GCC writes no linker's name for functions that only their
// own file sees, so these have no parameters and two overloads are one; but the
// symbol table, where it was kept, has a symbol at the function's first address
// that says all. It counts only when it has the plain name in it: where a linker
// folded equal functions, the symbol may be that of another. What compilers make
// for themselves (the start of a file's variables) has no name but the symbol's.
import type { Uint32List } from "./growable-array.ts";
import { nameless } from "./module-symbols.ts";
import { NumberMap } from "./number-map.ts";
import type { StringTable } from "./string-table.ts";

/** Bytes of both names; a million functions may share a long one. */
const nameBytesMax = 4096;

/** Functions or public symbols by index: first address and name, a string. */
type Named = { readonly start: Uint32List; readonly name: Uint32List };

/** Gives functions the names of public symbols at their first addresses, in the linker's spelling, where those say the same and more. */
export function takeLinkerNames(functions: Named, linkage: Uint32List, publics: Named, strings: StringTable): void {
  const symbols = new NumberMap();
  for (let i = 0; i < publics.start.length; i++) {
    const name = publics.name.data[i]!;
    if (strings.firstByteOf(name) === 0x5f && symbols.get(publics.start.data[i]!) < 0) symbols.set(publics.start.data[i]!, name);
  }
  if (symbols.size === 0) return;
  for (let i = 0; i < functions.start.length; i++) {
    const name = functions.name.data[i]!;
    const symbol = linkage.data[i] === 0 ? symbols.get(functions.start.data[i]!) : -1;
    if (symbol <= 0 || symbol === name || strings.bytesOf(name).length + strings.bytesOf(symbol).length > nameBytesMax) continue;
    const taken = sayingMore(strings.textOf(name), strings.textOf(symbol));
    if (taken !== null) functions.name.data[i] = strings.takeText(taken);
  }
}

/** For what has no name the symbol's; else the symbol's without what compilers append for a part or a copy (`.cold`, `.constprop.0`), when it is a mangled one of the function with the plain name; else null. */
function sayingMore(plain: string, symbol: string): string | null {
  if (plain === nameless) return symbol;
  if (!symbol.startsWith("_Z") || plain.startsWith("_Z")) return null;
  const [, tilde, word] = /(?:^|::)(~?)([A-Za-z_]\w*)$/.exec(withoutArguments(plain)) ?? [];
  // Itanium C++ ABI, 5.1.2: <source-name> ::= <length> <identifier>, and D0 to D5 for destructors, which have no name of their own.
  if (word === undefined || !symbol.includes(`${word.length}${word}`) || (tilde !== "" && !/D[0-5]/.test(symbol))) return null;
  const end = symbol.indexOf(".");
  return end < 0 ? symbol : symbol.slice(0, end);
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
