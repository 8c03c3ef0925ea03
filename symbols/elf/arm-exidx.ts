// The unwind tables of 32-bit ARM (Exception Handling ABI for the Arm
// Architecture, chapter 6), as unwind rows.
//
// What: `.ARM.exidx` is a sorted list of functions. Each entry has the first
// address and either what to do, or the place in `.ARM.extab` where that stands.
// Why: ARM has these tables in place of `.eh_frame`. Where a library was
// stripped, as every one on Android is, nothing else says how to unwind it.
//
//     index    0nnn…  place of the function, relative to this word
//              00000001  cannot be unwound
//              80 aa bb cc  three instructions (arm-unwind-code.ts)
//              0nnn…  place of a table entry, relative to this word
//     table    80 aa bb cc  three instructions
//              81 or 82 nn aa bb, then n words of instructions
//              0nnn…  routine of the language, then nn aa bb cc, then n words: what GCC's and LLVM's routines expect
//
// Steps: each entry becomes a record of one row, up to the next entry; those
// addresses are left out for which the module has rows already, since call
// frame information for debuggers is exact in prologs, too, and these tables
// hold for a function's body only.
//
// A function that cannot be unwound gets a row without a rule. It need not be
// the outermost one: compilers say this of all C code that was built without
// unwind tables, and a stack that ended there would hide who called it.
//
// Limits: as many entries as the index has bytes for, as many instructions as
// both tables have bytes. What makes no sense is left out and counted
// (`malformedUnwind`).
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { ArmUnwindCode } from "./arm-unwind-code.ts";

/** Bytes that are mapped at an address relative to the module's base. */
export type MappedBytes = { readonly rva: number; readonly bytes: Uint8Array };

/** A file's unwind tables. */
export type ExidxSection = {
  /** All of `.ARM.exidx`. */
  readonly index: MappedBytes;
  /** `.ARM.extab`, or a segment that holds it; null where there is none. */
  readonly table: MappedBytes | null;
  readonly little: boolean;
  /** Where the code ends, and with it the last function. */
  readonly codeEnd: number;
};

const entryBytes = 8;
const cannotUnwind = 1;
/** Words that a table entry may have beyond its first two. */
const moreWordsMax = 255;

/** Adds the rows of all functions that the index lists, where the module has none yet; what is believed before it must have been added. */
export function addArmExidx(section: ExidxSection, builder: ModuleBuilder): void {
  new ExidxReader(section, builder).addAll();
}

class ExidxReader {
  private readonly section: ExidxSection;
  private readonly builder: ModuleBuilder;
  private readonly code: ArmUnwindCode;
  /** Instructions in their order, whatever the order of bytes in a word. */
  private readonly instructions = new Uint8Array((moreWordsMax + 2) * 4);
  /** By the place of a table entry: its rule; -1 for one that makes no sense. */
  private readonly known = new Map<number, number>();
  /** Ranges that had rows before: starts and ends in turn. */
  private readonly told: Uint32Array;
  private nextTold = 0;
  /** Bytes of tables that may still be read. Entries do not overlap but in a file that was made to take long. */
  private rest: number;

  constructor(section: ExidxSection, builder: ModuleBuilder) {
    this.section = section;
    this.builder = builder;
    this.code = new ArmUnwindCode(builder.rules);
    this.told = builder.unwind.ranges();
    this.rest = section.table?.bytes.length ?? 0;
  }

  addAll(): void {
    const { index, codeEnd } = this.section;
    const count = Math.floor(index.bytes.length / entryBytes);
    let malformed = 0;
    /** The function before, and its rule. */
    let start = -1;
    let rule = -1;
    for (let i = 0; i < count; i++) {
      const place = this.functionAt(i * entryBytes);
      const isGood = place >= 0 && place < codeEnd && place > start;
      // Linkers mark the end of the code by an entry.
      if (!isGood && place !== codeEnd) malformed++;
      if (!isGood) continue;
      if (rule >= 0) this.add(start, place, rule);
      start = place;
      rule = this.ruleAt(i * entryBytes + 4);
      if (rule < 0) malformed++;
    }
    if (rule >= 0) this.add(start, codeEnd, rule);
    this.builder.warn("malformedUnwind", malformed);
  }

  /** Adds a record for each part of a function that has no rows yet. */
  private add(start: number, end: number, rule: number): void {
    const { told } = this;
    const { unwind } = this.builder;
    while (this.nextTold < told.length && told[this.nextTold + 1]! <= start) this.nextTold += 2;
    let from = start;
    for (let i = this.nextTold; from < end; i += 2) {
      const until = i < told.length ? Math.min(told[i]!, end) : end;
      if (until > from) {
        unwind.begin(from, until);
        unwind.add(from, rule);
      }
      if (i >= told.length) return;
      from = Math.max(from, told[i + 1]!);
    }
  }

  /** The address of an entry's function; -1 when it is none. */
  private functionAt(at: number): number {
    const { index } = this.section;
    const word = this.word(index.bytes, at);
    // The lowest bit says that the code is Thumb.
    return word >= 0x8000_0000 ? -1 : pointed(word, index.rva + at) & ~1;
  }

  /** The rule that an entry's second word leads to; -1 when it makes no sense. */
  private ruleAt(at: number): number {
    const { index, table } = this.section;
    const word = this.word(index.bytes, at);
    if (word === cannotUnwind) return 0;
    if (word >= 0x8000_0000) {
      // Only the shortest form has room here.
      if (word >>> 24 !== 0x80) return -1;
      this.put(0, word);
      return this.code.ruleOf(this.instructions, 1, 4);
    }
    const place = table === null ? -1 : pointed(word, index.rva + at) - table.rva;
    let rule = this.known.get(place);
    if (rule === undefined) {
      rule = this.tableRule(place);
      this.known.set(place, rule);
    }
    return rule;
  }

  /** The rule of a table entry; -1 when it makes no sense. */
  private tableRule(place: number): number {
    const bytes = this.section.table?.bytes;
    if (bytes === undefined || place < 0 || place + 4 > bytes.length) return -1;
    const head = this.word(bytes, place);
    const isGeneric = head < 0x8000_0000;
    const form = head >>> 24;
    if (!isGeneric && form > 0x82) return -1;
    const first = isGeneric ? place + 4 : place;
    if (first + 4 > bytes.length) return -1;
    const word = this.word(bytes, first);
    const more = isGeneric ? word >>> 24 : form === 0x80 ? 0 : (word >>> 16) & 0xff;
    this.rest -= (more + 1) * 4;
    if (first + 4 + more * 4 > bytes.length || this.rest < 0) return -1;
    for (let i = 0; i <= more; i++) this.put(i * 4, this.word(bytes, first + i * 4));
    return this.code.ruleOf(this.instructions, isGeneric || form === 0x80 ? 1 : 2, (more + 1) * 4);
  }

  /** Puts the bytes of a word where instructions are read: the highest one comes first. */
  private put(at: number, word: number): void {
    const { instructions } = this;
    instructions[at] = word >>> 24;
    instructions[at + 1] = word >>> 16;
    instructions[at + 2] = word >>> 8;
    instructions[at + 3] = word;
  }

  private word(bytes: Uint8Array, at: number): number {
    if (this.section.little) return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }
}

/** Where a word points to that is a signed distance of 31 bits from its own place. */
function pointed(word: number, place: number): number {
  return place + ((word << 1) >> 1);
}
