// Symbol tables of ELF: every function that the linker saw, by name and place.
//
// A file may have three. `.symtab` has all and is what `strip` takes out;
// `.dynsym` has what other modules may call, and stays; `.gnu_debugdata` has, on
// some distributions, what `strip` took, as an ELF file packed with xz. All are
// collected here and made into ranges afterwards (symbol-names.ts).
//
//     64 bits   u32 name, u8 binding and type, u8, u16 section, address, size
//     32 bits   u32 name, address, u32 size, u8 binding and type, u8, u16 section
//
// What is taken: functions, also those that are chosen at load time, and labels
// without a type that are seen from outside, as assemblers leave them. They have
// to lie in code: so descriptors of functions (64-bit PowerPC) and what
// linkers define at the ends of sections fall out. Addresses of Thumb
// functions are odd; the bit says how to run them and is no part of the place.
import { Uint32List } from "../cache/growable-array.ts";
import { readFixed } from "../dwarf/section-cursor.ts";
import { readBytes } from "../file-bytes.ts";
import { machine } from "./codes.ts";
import type { ElfImage } from "./image.ts";

/** Symbols that are read at a time. */
const chunkSymbols = 4096;
/** Symbols of one table, at most; the largest programs have a few million. */
const symbolsMax = 32_000_000;
const [typeNone, typeFunction, typeIndirect] = [0, 2, 10];
const bindingLocal = 0;
const bindingWeak = 2;
const [sectionNone, sectionAbsolute, sectionCommon] = [0, 0xfff1, 0xfff2];

/** Where a table lies. */
export type SymbolPlace = { readonly offset: number; readonly bytes: number; readonly strings: Uint8Array };

/** How much a symbol's name is worth where several have one address; the lowest is the best. */
export const symbolRank = { global: 0, weak: 1, local: 2, label: 3 } as const;

/** Functions of one module, from all of its tables. */
export class FoundSymbols {
  /** By symbol: first address, relative to the module's base. */
  readonly start = new Uint32List();
  /** Bytes; 0 when the table does not say it. */
  readonly size = new Uint32List();
  /** Offset of the name in the strings of its table. */
  readonly name = new Uint32List();
  /** See `symbolRank`; times 4, plus the index of the table's strings. */
  readonly kind = new Uint32List();
  /** By table: its strings. */
  readonly strings: Uint8Array[] = [];
  /** Symbols that the file does not have though their table should. */
  missing = 0;
  private readonly base: number;
  /** Stretches of code relative to the module's base, in order. */
  private readonly code: readonly (readonly [start: number, end: number])[];
  private readonly clearsThumb: boolean;
  /** The stretch of code of the address before. */
  private lastStart = 0;
  private lastEnd = 0;

  constructor(image: ElfImage, code: readonly (readonly [start: number, end: number])[]) {
    this.base = image.headers.base;
    this.code = code;
    this.clearsThumb = image.headers.machine === machine.arm;
  }

  /** Takes the functions of a table of the module; up to four tables. Throws what `fs` throws. */
  take(image: ElfImage, place: SymbolPlace): void {
    const { isWide, little } = image.headers;
    const entryBytes = isWide ? 24 : 16;
    const table = this.strings.push(place.strings) - 1;
    const count = Math.min(Math.floor(place.bytes / entryBytes), symbolsMax);
    const [infoAt, sectionAt, addressAt, sizeAt, width] = isWide ? [4, 6, 8, 16, 8] : [12, 14, 4, 8, 4];
    for (let first = 0; first < count; first += chunkSymbols) {
      const chunk = readBytes(image.bytes, place.offset + first * entryBytes, Math.min(count - first, chunkSymbols) * entryBytes);
      if (chunk === null) {
        this.missing += count - first;
        return;
      }
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      for (let at = 0; at < bytes.length; at += entryBytes) {
        const info = bytes[at + infoAt]!;
        const type = info & 15;
        if (type !== typeFunction && type !== typeIndirect && type !== typeNone) continue;
        const section = readFixed(bytes, at + sectionAt, 2, little);
        if (section === sectionNone || section === sectionAbsolute || section === sectionCommon) continue;
        const binding = info >> 4;
        const isLabel = type === typeNone;
        if (isLabel && binding === bindingLocal) continue;
        const rank = isLabel ? symbolRank.label : binding === bindingLocal ? symbolRank.local : binding === bindingWeak ? symbolRank.weak : symbolRank.global;
        const name = readFixed(bytes, at, 4, little);
        if (name === 0) continue;
        this.add(readFixed(bytes, at + addressAt, width, little), readFixed(bytes, at + sizeAt, width, little), name, rank * 4 + table);
      }
    }
  }

  private add(address: number, size: number, name: number, kind: number): void {
    const at = (this.clearsThumb ? address - (address % 2) : address) - this.base;
    const end = this.codeEnd(at);
    if (end <= at) return;
    this.start.push(at);
    this.size.push(Math.min(size, end - at));
    this.name.push(name);
    this.kind.push(kind);
  }

  /** Where the stretch of code ends that an address is in; -1 for an address outside code. */
  codeEnd(at: number): number {
    const { code } = this;
    // Symbols stand in the order of their sections, more or less.
    if (!(at >= this.lastStart && at < this.lastEnd)) {
      let low = 0;
      let high = code.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (code[middle]![0] <= at) low = middle + 1;
        else high = middle;
      }
      if (low === 0 || at >= code[low - 1]![1]) return -1;
      [this.lastStart, this.lastEnd] = code[low - 1]!;
    }
    return this.lastEnd;
  }
}
