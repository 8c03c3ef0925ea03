// STACK WIN records of an open cache. They are few, and asked for by walks of
// 32-bit Windows only, so they are read as a whole and searched plainly.
import { WIN_SHAPE_WORDS, section } from "./layout.ts";
import type { WinFrame } from "./module-symbols.ts";
import type { SectionTable } from "./sections.ts";

/** The two tables of one cache. */
export class WinTables {
  private readonly sections: SectionTable;
  private readonly programs: Uint32Array;
  private readonly fpo: Uint32Array;
  private readonly shapes: Int32Array;
  private isLoaded = false;

  constructor(sections: SectionTable) {
    this.sections = sections;
    this.programs = sections.words(section.winPrograms).words;
    this.fpo = sections.words(section.winFpo).words;
    this.shapes = sections.integers(section.winShapes);
  }

  /** The record for an address, one with a program before an FPO record; null when there is none. Throws `DamagedCache`. */
  frame(rva: number): WinFrame | null {
    this.load();
    const program = findRecord(this.programs, rva);
    if (program >= 0) return this.record(this.programs, program, "program");
    const fpo = findRecord(this.fpo, rva);
    return fpo >= 0 ? this.record(this.fpo, fpo, "fpo") : null;
  }

  /** All records: those with a program, then those without. Throws `DamagedCache`. */
  all(): WinFrame[] {
    this.load();
    const found: WinFrame[] = [];
    for (let at = 0; at + 2 < this.programs.length; at += 3) found.push(this.record(this.programs, at, "program"));
    for (let at = 0; at + 2 < this.fpo.length; at += 3) found.push(this.record(this.fpo, at, "fpo"));
    return found;
  }

  private load(): void {
    if (this.isLoaded) return;
    for (const kind of [section.winPrograms, section.winFpo, section.winShapes, section.expressions]) this.sections.load(kind);
    this.isLoaded = true;
  }

  private record(table: Uint32Array, at: number, kind: WinFrame["kind"]): WinFrame {
    const { shapes } = this;
    const word = table[at + 2]! * WIN_SHAPE_WORDS;
    const flags = shapes[word + 7]!;
    return {
      kind,
      start: table[at]!,
      size: table[at + 1]!,
      prologBytes: shapes[word]!,
      epilogBytes: shapes[word + 1]!,
      parameterBytes: shapes[word + 2]!,
      savedRegisterBytes: shapes[word + 3]!,
      localBytes: shapes[word + 4]!,
      maxStackBytes: shapes[word + 5]!,
      allocatesBasePointer: (flags & 1) !== 0,
      program: shapes[word + 6]!,
      programAligns: (flags & 2) !== 0,
    };
  }
}

/** Offset of the record that holds an address in a table of start, size and shape; -1 when none does. */
function findRecord(table: Uint32Array, rva: number): number {
  let low = 0;
  let high = table.length / 3;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (table[middle * 3]! <= rva) low = middle + 1;
    else high = middle;
  }
  const at = (low - 1) * 3;
  return at >= 0 && rva - table[at]! < table[at + 1]! ? at : -1;
}
