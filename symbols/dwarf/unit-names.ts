// Gives what the walk found in a unit to the builder: each range of a function
// as a function with its name, its lines and what was inlined into it.
import { Uint32List } from "../cache/growable-array.ts";
import { INLINE_WORDS } from "../cache/inline-tree.ts";
import { ROW_WORDS } from "../cache/line-rows.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DieNames } from "./die-names.ts";
import type { DwarfFile } from "./dwarf-file.ts";
import { readLineHeader } from "./line-header.ts";
import { LineTable } from "./line-table.ts";
import { SourceFiles } from "./source-files.ts";
import { FUNCTION_WORDS, INLINED_WORDS, type UnitWalk } from "./unit-walk.ts";
import type { Unit } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** What a row of lines, and an inlined range, cost in bytes that are read: as much as they may take in the builder, at least. */
const [rowCost, inlinedCost] = [16, 32];

/** Adds functions of units to a builder. */
export class UnitNames {
  readonly lines: LineTable;
  private readonly main: DwarfFile;
  private readonly builder: ModuleBuilder;
  private readonly names: DieNames;
  private readonly budget: WorkBudget;
  /** Of the unit: which rows its functions got, first and past the last. */
  private readonly given = new Uint32List();
  /** Line programs of the units that there were. */
  private readonly programs = new Set<number>();
  private inlines: Uint32Array = new Uint32Array(INLINE_WORDS * 256);

  /** `main` is the module's own file, which has all lines. */
  constructor(main: DwarfFile, builder: ModuleBuilder, names: DieNames, budget: WorkBudget) {
    this.main = main;
    this.builder = builder;
    this.names = names;
    this.budget = budget;
    this.lines = new LineTable(main.sections);
  }

  /** Adds what a walk found in a unit of a file. Its lines are those of `home`, which is in the module's own file: the unit itself, or its skeleton. */
  add(file: DwarfFile, unit: Unit, home: Unit, walk: UnitWalk): void {
    const { functions, ranges } = walk;
    // Units may share a line program; what is in it counts once.
    const isNew = home.lineProgram >= 0 && !this.programs.has(home.lineProgram);
    if (functions.length === 0 && !isNew) return;
    const files = this.readLines(home);
    this.given.length = 0;
    this.names.enter(file, unit);
    for (let word = 0; word < functions.length; word += FUNCTION_WORDS) {
      const name = this.names.nameOf(functions.data[word]!);
      for (let i = functions.data[word + 1]!; i < functions.data[word + 2]!; i += 2) {
        const start = ranges.data[i]!;
        this.builder.addFunction(start, start + ranges.data[i + 1]!, name);
        this.addLines(start, start + ranges.data[i + 1]!);
        this.addInlines(walk, functions.data[word + 3]!, start, start + ranges.data[i + 1]!, files);
      }
    }
    if (isNew) this.addLoose();
    this.programs.add(home.lineProgram);
  }

  /** Adds what lines the unit has besides those of its functions; functions of units with the same line program may have them too. */
  private addLoose(): void {
    const { lines, given } = this;
    let rows = 0;
    for (let i = 0; i < given.length; i += 2) rows += given.data[i + 1]! - given.data[i]!;
    // Nearly always all of them were given.
    if (rows >= lines.count || !this.budget.spend((lines.count - rows) * rowCost + given.length)) return;
    const order = Uint32Array.from({ length: given.length / 2 }, (_, i) => i * 2).sort((a, b) => given.data[a]! - given.data[b]!);
    let from = 0;
    for (let i = 0; i <= order.length; i++) {
      const first = i < order.length ? given.data[order[i]!]! : lines.count;
      if (first > from) this.builder.addLooseLines(lines.rows.subarray(from * ROW_WORDS, first * ROW_WORDS), first - from);
      if (i < order.length) from = Math.max(from, given.data[order[i]! + 1]!);
    }
  }

  /** Runs the unit's line program; null when it has none that can be read. */
  private readLines(unit: Unit): SourceFiles | null {
    const { lines } = this;
    const { sections, strings } = this.main;
    lines.clear();
    if (unit.lineProgram < 0) return null;
    const header = readLineHeader(sections.line, sections.little, unit.lineProgram);
    if (header === null) {
      lines.malformed++;
      return null;
    }
    const files = new SourceFiles(this.builder, strings, sections.line, unit, header);
    if (this.budget.spend(header.programEnd - unit.lineProgram)) lines.run(header, files);
    return files;
  }

  private addLines(start: number, end: number): void {
    const { lines } = this;
    const first = lines.firstRow(start);
    const last = lines.endRow(end);
    if (last > first) {
      this.given.push(first);
      this.given.push(last);
    }
    if (last <= first || !this.budget.spend((last - first) * rowCost)) return;
    this.builder.addLines(lines.rows.subarray(first * ROW_WORDS, last * ROW_WORDS), last - first);
  }

  /** Adds the inlined ranges that begin with number `first` and lie in one range of their function. */
  private addInlines(walk: UnitWalk, first: number, start: number, end: number, files: SourceFiles | null): void {
    if (first === 0) return;
    const found = walk.inlines.data;
    let inlines = this.inlines;
    let word = 0;
    for (let number = first; number !== 0; ) {
      const at = (number - 1) * INLINED_WORDS;
      number = found[at]!;
      if (!this.budget.spend(4)) return;
      if (found[at + 2]! >= end || found[at + 2]! + found[at + 3]! <= start) continue;
      if (!this.budget.spend(inlinedCost)) break;
      if (word === inlines.length) inlines = this.widen();
      inlines[word] = found[at + 1]!;
      inlines[word + 1] = found[at + 2]!;
      inlines[word + 2] = found[at + 3]!;
      inlines[word + 3] = found[at + 4]!;
      inlines[word + 4] = files === null ? 0 : files.numberOf(found[at + 5]!);
      inlines[word + 5] = this.names.originOf(found[at + 6]!);
      word += INLINE_WORDS;
    }
    if (word > 0) this.builder.addInlines(inlines, word / INLINE_WORDS);
  }

  private widen(): Uint32Array {
    const wider = new Uint32Array(this.inlines.length * 2);
    wider.set(this.inlines);
    this.inlines = wider;
    return wider;
  }
}
