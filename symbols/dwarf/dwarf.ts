// Reads DWARF, the debug information of all compilers but Microsoft's: names of
// functions, source lines and inlined calls of a module go into its builder.
//
// What: versions 2 to 5, 32- and 64-bit, of either byte order, from whatever
// file has the sections: a Windows program that GCC made, and ELF and Mach-O
// files, which give them through `DwarfSections`. Why a reader of our own: nobody
// should have to run dump_syms first, which takes longer to write its text than
// we take from the DWARF to the cache.
//
// Steps, for each unit (unit.ts), which is usually a source file:
//
//  1. One walk over its entries finds functions with code, their ranges, and
//     what was inlined into them (unit-walk.ts). No tree is made of entries; the
//     abbreviations are compiled so that passing over one takes a step or two
//     (abbreviations.ts).
//  2. Its line program is run (line-table.ts), if there was a function.
//  3. Names are looked up by following references (die-names.ts), and all goes
//     to the builder, function by function (unit-names.ts). A function in
//     several pieces, such as a hot and a cold one, is several functions of one
//     name.
//
// What is reached by offset (names, lists of ranges, line programs,
// abbreviations) is paid from a budget, so that no file takes more time than a
// multiple of its size (work-budget.ts).
//
// What is left out is counted in the builder's warnings: `unknownDwarfVersion`,
// `malformedUnit` (the rest of a unit that cannot be read, as after a form that
// nobody knows), `splitUnit` (most of it is in a .dwo file), `missingString`
// and `brokenReference` (in another file, as dwz makes them, or nowhere),
// `outsideImage`, `malformedRanges`, `malformedLines`, `disorderedLine`,
// `overlappingSequence`, `dwarfBudget`. Units that only describe types are
// passed over. Code in no function has no line: assemblers that write lines
// only leave its name to the symbol table. Where a linker folds equal functions
// and keeps the entries of all, the first is believed, of functions and of lines
// each; the two may come from different ones.
//
// Limits: a section has up to 2 GiB and is in memory as a whole, since
// references go everywhere; beside it a reader holds what one unit has.
//
// To add split DWARF or supplementary files: they are other sections for the
// same forms, so `DwarfStrings` and `Units` would be given theirs, and
// `DieReader` would say to which of them a reference belongs.
import { type Result, ok, refuse } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { CodeRanges } from "./code-ranges.ts";
import { type DwarfCompanions, noCompanions } from "./companions.ts";
import { DieNames } from "./die-names.ts";
import { DieReader } from "./die-reader.ts";
import { type DwarfSections, type LoadedSections, loadSections, sectionBytesMax } from "./dwarf-sections.ts";
import { DwarfStrings } from "./dwarf-strings.ts";
import type { ScopeIndex } from "./scope-index.ts";
import { UnitNames } from "./unit-names.ts";
import { UnitWalk } from "./unit-walk.ts";
import { type Unit, Units } from "./unit.ts";
import { WorkBudget } from "./work-budget.ts";

/** Adds functions, lines and inlined calls of a file's DWARF; `companions` has the rest of it, where that is in other files. Refuses with `no_dwarf` or `dwarf_too_large`. */
export function addDwarfNames(sections: DwarfSections, builder: ModuleBuilder, companions: DwarfCompanions = noCompanions): Result<null> {
  void companions;
  const loaded = loadSections(sections);
  if (loaded === null) return refuse(400, "dwarf_too_large", `A DWARF section of this file is larger than ${sectionBytesMax} bytes.`, "Build with split or compressed debug information for fewer types, or upload a .sym file.");
  if (loaded.info.length === 0 || loaded.abbrev.length === 0) return refuse(400, "no_dwarf", "This file has no DWARF debug information.", "Compile with -g, and upload the file before it is stripped.");
  new DwarfPass(loaded, builder).run();
  return ok(null);
}

/** One file's DWARF on its way into a builder. */
class DwarfPass {
  private readonly builder: ModuleBuilder;
  private readonly budget: WorkBudget;
  private readonly units: Units;
  private readonly ranges: CodeRanges;
  private readonly strings: DwarfStrings;
  private readonly walk: UnitWalk;
  private readonly names: DieNames;
  private readonly unitNames: UnitNames;
  /** The unit that `walk` has, and scopes of others that references led to. */
  private walked: Unit | null = null;
  private readonly scopes = new Map<number, ScopeIndex>();
  private readonly walkOf: () => UnitWalk;

  constructor(sections: LoadedSections, builder: ModuleBuilder) {
    this.builder = builder;
    this.budget = new WorkBudget(sections.bytes);
    this.units = new Units(sections, this.budget);
    this.ranges = new CodeRanges(sections, this.budget);
    this.strings = new DwarfStrings(sections, builder.strings, this.budget);
    const reader = new DieReader(sections.info, sections.little);
    this.walkOf = () => new UnitWalk(sections.info, reader, this.ranges);
    this.walk = this.walkOf();
    this.names = new DieNames(builder, this.units, reader, this.strings, this.budget, (unit) => this.scopesOf(unit));
    this.unitNames = new UnitNames(sections, builder, this.names, this.strings, this.budget);
  }

  run(): void {
    const { units, builder } = this;
    for (let i = 0; i < units.count; i++) this.addUnit(i);
    builder.warn("malformedUnit", units.isCut ? 1 : 0);
    builder.warn("brokenReference", this.names.brokenReferences);
    builder.warn("missingString", this.strings.missing);
    builder.warn("outsideImage", this.ranges.outsideImage);
    builder.warn("malformedRanges", this.ranges.malformed);
    builder.warn("malformedLines", this.unitNames.lines.malformed);
    builder.warn("disorderedLine", this.unitNames.lines.disordered);
    builder.warn("overlappingSequence", this.unitNames.lines.overlapping);
    builder.warn("dwarfBudget", this.budget.refused);
  }

  private addUnit(index: number): void {
    const { builder, walk } = this;
    const unit = this.units.open(index);
    if (typeof unit === "string") {
      builder.warn(unit);
      return;
    }
    if (unit.isTypeUnit) return;
    if (unit.isSplit) builder.warn("splitUnit");
    if (!walk.walk(unit)) builder.warn("malformedUnit");
    this.walked = unit;
    this.unitNames.add(unit, walk);
  }

  /** The scopes of a unit: those of the walk, or those of a walk for them alone. */
  private scopesOf(unit: Unit): ScopeIndex {
    if (unit.index === this.walked?.index) return this.walk.scopes;
    let scopes = this.scopes.get(unit.index);
    if (scopes === undefined) {
      const walk = this.walkOf();
      walk.walk(unit, false);
      scopes = walk.scopes;
      this.scopes.set(unit.index, scopes);
    }
    return scopes;
  }
}
