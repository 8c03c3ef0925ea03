// The COFF symbol table of an image: every function that the linker saw, by
// name. MinGW's linkers leave it in until `strip` takes it out; Microsoft's
// writes none. It names the functions that have no DWARF, such as those of
// the C runtime.
//
// A symbol is 18 bytes ("PE Format", COFF symbol table): eight of name, or
// four zeros and an offset into the string table; value; number of its
// section; type; storage class; how many auxiliary records follow.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { coffSymbolBytes } from "./coff-strings.ts";
import { machine, type PeImage } from "./image.ts";

/** Symbols that are read at a time. */
const chunkSymbols = 4096;
/** What a name without end counts as: it was searched as far as names go. */
const unendedCost = 256;
const classExternal = 2;
const classStatic = 3;
const typeFunction = 0x20;

/** True when the file has symbols. */
export function hasCoffSymbols({ headers, bytes }: PeImage): boolean {
  return headers.symbolCount > 0 && headers.symbolOffset + coffSymbolBytes <= bytes.size;
}

/** Adds the functions of the table as public symbols. */
export function addCoffSymbols(image: PeImage, builder: ModuleBuilder): void {
  if (!hasCoffSymbols(image)) return;
  const { headers, bytes, coffStrings } = image;
  const present = Math.min(headers.symbolCount, Math.floor((bytes.size - headers.symbolOffset) / coffSymbolBytes));
  builder.warn("missingSymbols", headers.symbolCount - present);
  // C names have an underscore before them on x86 alone; debug information has them without.
  const isPrefixed = headers.machine === machine.x86;
  const chunk = Buffer.alloc(Math.min(present, chunkSymbols) * coffSymbolBytes);
  // Names of a hostile file may all be one long text.
  let nameBytes = bytes.size * 2;
  let skipped = 0;
  for (let first = 0; first < present; first += chunkSymbols) {
    const symbols = chunk.subarray(0, Math.min(present - first, chunkSymbols) * coffSymbolBytes);
    if (!bytes.read(headers.symbolOffset + first * coffSymbolBytes, symbols)) return;
    for (let at = 0; at < symbols.length; at += coffSymbolBytes) {
      // Auxiliary records belong to the symbol before, and may begin in the chunk before.
      if (skipped > 0) {
        skipped--;
        continue;
      }
      skipped = symbols[at + 17]!;
      const section = headers.sections[symbols.readInt16LE(at + 12) - 1];
      const kind = symbols[at + 16];
      const isFunction = kind === classExternal || (kind === classStatic && symbols.readUInt16LE(at + 14) === typeFunction);
      const value = symbols.readUInt32LE(at + 8);
      if (!isFunction || section === undefined || !section.executable || value >= section.size) continue;
      const name = symbols.readUInt32LE(at) === 0 ? (nameBytes > 0 ? coffStrings.text(symbols.readUInt32LE(at + 4)) : null) : shortName(symbols, at);
      nameBytes -= name?.length ?? unendedCost;
      // Linkers' own labels begin with a dot.
      if (name === null || name === "" || name.startsWith(".")) continue;
      builder.addPublic(section.rva + value, builder.strings.takeText(isPrefixed && name.startsWith("_") ? name.slice(1) : name));
    }
  }
}

function shortName(symbols: Buffer, at: number): string {
  const end = symbols.subarray(at, at + 8).indexOf(0);
  return symbols.toString("utf8", at, at + (end < 0 ? 8 : end));
}
