// Apple's compact unwind information, as unwind rows.
//
// What: `__unwind_info` says of each function in four bytes how its frame looks
// (compact-encoding.ts), in tables of two levels (compact-pages.ts). Why: on
// macOS and iOS the linker makes it of the compiler's call frame information,
// and throws that away where four bytes can say the same; so it is most of what
// there is to walk stacks by.
//
// Steps: the entries are read, and each becomes a record of one row, or of as
// many as there are functions in it where the file has a list of their
// beginnings, since linkers join neighbours with equal encodings. Then the call
// frame information that is left is read for the functions that have no rule
// from here: those that an entry sends there, and those that no entry has.
//
// An entry without an encoding says that the linker knew nothing of the code:
// mostly assembly, for which the walk has other means.
//
// The encoding holds in a function's body, where it calls. Within its prolog and
// its epilogs it is wrong, by design: no exception comes from there. For these
// the code itself is read (compact-arm64-code.ts, compact-intel-code.ts), and
// where it is not understood, the body's rule stands.
//
// Limits: as many entries as the section has words. What makes no sense is left
// out and counted (`malformedUnwind`), and so is a function whose frame's size is
// in code that the file does not hold (`missingCode`). Time is linear in the
// section, the list and the call frames.
//
// To add an architecture: its encodings in compact-encoding.ts.
import { Uint32List } from "../cache/growable-array.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { RULE_WORDS } from "../cache/unwind-rule.ts";
import type { FrameSection } from "../dwarf/frame-section.ts";
import { addFrames } from "../dwarf/frames.ts";
import { Arm64CodeRows } from "./compact-arm64-code.ts";
import { type CompactArch, indirectOffset, readEncoding } from "./compact-encoding.ts";
import { IntelCodeRows } from "./compact-intel-code.ts";
import { readCompactEntries } from "./compact-pages.ts";

/** Bytes of one function whose code is read; the largest are tables that generators wrote. */
const functionBytesMax = 4 * 1024 * 1024;

/** A file's compact unwind information, and what belongs to it. Addresses are relative to the module's base. */
export type CompactSection = {
  /** All of `__unwind_info`. */
  readonly bytes: Uint8Array;
  readonly little: boolean;
  readonly arch: CompactArch;
  /** Where functions begin, ascending; may be empty. */
  readonly functionStarts: Uint32Array;
  /** Where the code ends; the last function does so where the table does not say. */
  readonly codeEnd: number;
  /** `__eh_frame`; null where there is none. */
  readonly frames: FrameSection | null;
  /** Bytes of code at an address; null where the file does not have them. */
  code(rva: number, length: number): Uint8Array | null;
};

/** Adds the rows of all functions that the section has rules for, and of all others that have call frame information. Throws what `code` throws. */
export function addCompactUnwind(section: CompactSection, builder: ModuleBuilder): void {
  const functions = new CompactFunctions(section, builder);
  functions.addAll();
  if (section.frames !== null) addFrames({ ...section.frames, isTold: (rva) => functions.has(rva) }, builder);
}

/** Makes the records of one section. */
class CompactFunctions {
  private readonly section: CompactSection;
  private readonly builder: ModuleBuilder;
  private readonly words = new Int32Array(RULE_WORDS);
  /** By encoding, those that say all themselves: the rule's number; -1 where there is none. */
  private readonly rules = new Map<number, number>();
  /** Ranges that have rows: starts, and behind each where it ends. */
  private readonly told = new Uint32List();
  private nextStart = 0;
  private readonly codeRows: Arm64CodeRows | IntelCodeRows;

  constructor(section: CompactSection, builder: ModuleBuilder) {
    this.section = section;
    this.builder = builder;
    this.codeRows = section.arch === "arm64" ? new Arm64CodeRows(builder.rules) : new IntelCodeRows(builder.rules, section.arch);
  }

  /** Adds all records. */
  addAll(): void {
    const { section, builder } = this;
    const { starts, encodings, end, malformed } = readCompactEntries(section.bytes, section.little);
    builder.warn("malformedUnwind", malformed);
    for (let i = 0; i < starts.length; i++) {
      const first = starts[i]!;
      const last = i + 1 < starts.length ? starts[i + 1]! : end > first ? end : section.codeEnd;
      if (last > first) this.addEntry(first, last, encodings[i]!);
    }
  }

  /** Whether the function at an address has rows from here. */
  has(rva: number): boolean {
    const { data, length } = this.told;
    let low = 0;
    let high = length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (data[middle * 2]! <= rva) low = middle + 1;
      else high = middle;
    }
    return low > 0 && rva < data[low * 2 - 1]!;
  }

  /** Adds the functions of an entry. */
  private addEntry(first: number, last: number, encoding: number): void {
    const { functionStarts } = this.section;
    while (this.nextStart < functionStarts.length && functionStarts[this.nextStart]! <= first) this.nextStart++;
    let start = first;
    for (; this.nextStart < functionStarts.length && functionStarts[this.nextStart]! < last; this.nextStart++) {
      const next = functionStarts[this.nextStart]!;
      // A list that does not ascend is worth nothing.
      if (next <= start) continue;
      this.addFunction(start, next, encoding);
      start = next;
    }
    this.addFunction(start, last, encoding);
  }

  private addFunction(start: number, end: number, encoding: number): void {
    const rule = this.ruleOf(start, end, encoding);
    if (rule < 0) return;
    const { unwind } = this.builder;
    unwind.begin(start, end);
    const code = end - start > functionBytesMax ? null : this.section.code(start, end - start);
    if (code === null) unwind.add(start, rule);
    else {
      this.builder.rules.copy(rule, this.words);
      this.codeRows.add(start, code, this.words, rule, unwind);
    }
    this.tell(start, end);
  }

  private tell(start: number, end: number): void {
    const { told } = this;
    if (told.length > 0 && told.data[told.length - 1] === start) told.data[told.length - 1] = end;
    else {
      told.push(start);
      told.push(end);
    }
  }

  /** The number of the rule; -1 when there is none. */
  private ruleOf(start: number, end: number, encoding: number): number {
    const { builder, section, words } = this;
    const indirect = indirectOffset(section.arch, encoding);
    const known = indirect < 0 ? this.rules.get(encoding) : undefined;
    if (known !== undefined) return known;
    let subtracted = 0;
    if (indirect >= 0) {
      const code = start + indirect + 4 <= end ? section.code(start + indirect, 4) : null;
      if (code === null) {
        builder.warn("missingCode");
        return -1;
      }
      subtracted = (code[0]! | (code[1]! << 8) | (code[2]! << 16) | (code[3]! << 24)) >>> 0;
    }
    const kind = readEncoding(section.arch, encoding, subtracted, words);
    if (kind === "unknown") builder.warn("malformedUnwind");
    const rule = kind === "rule" ? builder.rules.add(words) : -1;
    if (indirect < 0) this.rules.set(encoding, rule);
    return rule;
  }
}
