// The symbol table (LC_SYMTAB): every function that the linker saw, by name,
// until `strip` takes the private ones out; a dSYM has a copy.
//
// A symbol is 12 or 16 bytes (<mach-o/nlist.h>): offset of its name, type,
// section (counted from 1), description, value. Symbols for debuggers ("stabs",
// which lead dsymutil to the object files) say no more than the others.
//
// A table says where functions begin, not where they end: each reaches to the
// next symbol, to the next function that has none, or to the end of its section.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { cpu, symbolType } from "./codes.ts";
import { addExportTrie } from "./export-trie.ts";
import { readFunctionStarts } from "./function-starts.ts";
import { type MachImage, symbolBytes } from "./image.ts";
import type { FileRange } from "./load-commands.ts";
import { NameTaker } from "./name-taker.ts";

/** Symbols that are read at a time. */
const chunkSymbols = 4096;
/** Bytes of names that are read; the largest programs, with all private symbols, have a few hundred megabytes. */
const nameTableBytesMax = 1024 * 1024 * 1024;
/** Symbols that facts look at, at the beginning and at the end of the private ones: linkers have those for debuggers in one piece. */
const peekSymbols = 1024;
const none = Buffer.alloc(0);

/** True when the file has symbols that are defined in it, or exports. */
export function hasSymbols({ commands }: MachImage): boolean {
  const { symbols, symbolParts, exports } = commands;
  const defined = symbolParts === null ? (symbols?.count ?? 0) : symbolParts.locals + symbolParts.defined;
  return (defined > 0 && symbols !== null && symbols.count > 0) || (exports?.size ?? 0) > 0;
}

/** True when the file has symbols that lead to its object files. */
export function hasObjectFiles(image: MachImage): boolean {
  const { symbols, symbolParts } = image.commands;
  if (symbols === null) return false;
  const first = Math.min(symbolParts?.localFirst ?? 0, symbols.count);
  const end = Math.min(symbols.count, first + (symbolParts?.locals ?? symbols.count));
  return hasDebuggerSymbol(image, first, Math.min(end, first + peekSymbols)) || hasDebuggerSymbol(image, Math.max(first, end - peekSymbols), end);
}

function hasDebuggerSymbol({ bytes, header, commands }: MachImage, first: number, end: number): boolean {
  const entry = symbolBytes(header);
  const table = readBytes(bytes, commands.symbols!.offset + first * entry, (end - first) * entry) ?? none;
  for (let at = 0; at < table.length; at += entry) if ((table[at + 4]! & symbolType.debugger) !== 0) return true;
  return false;
}

/** Some of the names of symbols. */
export function peekNames({ bytes, commands }: MachImage, size: number): Buffer {
  const { symbols } = commands;
  return symbols === null ? none : readTable(bytes, symbols.names, size);
}

/** Adds functions of the symbol table, or where it has none those that are exported, as public symbols. */
export function addMachSymbols(image: MachImage, builder: ModuleBuilder): void {
  const before = builder.counts.publics;
  addSymbolTable(image, builder);
  if (builder.counts.publics === before) addExportTrie(image, builder);
  if (builder.counts.publics === before) return;
  for (const { isCode, rva, size } of image.sections) if (isCode && rva >= 0 && rva + size < 0xffffffff) builder.endPublics(rva + size);
  for (const start of readFunctionStarts(image)) builder.endPublics(start);
}

function addSymbolTable({ bytes, header, commands, sections, base }: MachImage, builder: ModuleBuilder): void {
  const { symbols } = commands;
  if (symbols === null) return;
  const { little, isWide } = header;
  const entry = symbolBytes(header);
  const present = Math.max(0, Math.min(symbols.count, Math.floor((bytes.size - symbols.offset) / entry)));
  builder.warn("missingSymbols", symbols.count - present);
  const names = readTable(bytes, symbols.names, nameTableBytesMax);
  // Names of a hostile file may all be one long text.
  const taker = new NameTaker(builder, names.length * 4 + present * 32);
  const thumbMask = header.cpu === cpu.arm ? 1 : 0;
  const chunk = Buffer.alloc(Math.min(present, chunkSymbols) * entry);
  for (let first = 0; first < present; first += chunkSymbols) {
    const part = chunk.subarray(0, Math.min(present - first, chunkSymbols) * entry);
    if (!bytes.read(symbols.offset + first * entry, part)) return;
    for (let at = 0; at < part.length; at += entry) {
      const type = part[at + 4]!;
      if ((type & symbolType.debugger) !== 0 || (type & symbolType.kind) !== symbolType.inSection) continue;
      const section = sections[part[at + 5]! - 1];
      if (section === undefined || !section.isCode) continue;
      let value = little ? part.readUInt32LE(at + 8) : part.readUInt32BE(at + (isWide ? 12 : 8));
      if (isWide) value += (little ? part.readUInt32LE(at + 12) : part.readUInt32BE(at + 8)) * 2 ** 32;
      const rva = value - base - (value % 2 === 1 ? thumbMask : 0);
      if (!(rva >= section.rva && rva < section.rva + section.size && rva > 0 && rva < 0xffffffff)) continue;
      const name = taker.take(names, little ? part.readUInt32LE(at) : part.readUInt32BE(at));
      if (name !== 0) builder.addPublic(rva, name);
    }
  }
}

/** As much of a table as there is. */
function readTable(bytes: FileBytes, { offset, size }: FileRange, bytesMax: number): Buffer {
  return readBytes(bytes, offset, Math.max(0, Math.min(size, bytes.size - offset, bytesMax))) ?? none;
}
