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
//  2. Its line program is run (line-table.ts), once for all units that share it,
//     and again for those of them that have functions.
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
// nobody knows), `splitUnit` (most of it is in a .dwo file that is not at hand),
// `missingString` and `brokenReference` (in a file of dwz's that is not at hand,
// or nowhere), `supplementTooLarge`, `outsideImage`, `malformedRanges`,
// `malformedLines`, `disorderedLine`, `overlappingSequence`, `dwarfBudget`.
// Units that only describe types are passed over. Lines of code in no function,
// as assemblers write them, go to the symbol around them (cache/loose-lines.ts).
// Where a linker folds equal functions and keeps the entries of all, the first
// is believed, of functions and of lines each; the two may come from different
// ones.
//
// Limits: a section has up to 2 GiB and is in memory as a whole, since
// references go everywhere; beside it a reader holds what one unit has.
//
// Several files: a unit may have left most of itself in another file (split
// DWARF) and its skeleton, which says where its code and lines are, in the
// module's own. Where that file is at hand, the unit is walked there
// (split-files.ts, dwp.ts); else what the skeleton has is used, in which Clang
// leaves inlined calls when it is told to. What dwz took out into a file that
// several modules share is followed there for names (dwarf-file.ts).
//
// To add a way in which DWARF refers to another file: it is one more
// `DwarfFile`, and whoever follows a reference says which it leads to.
import { type Result, ok, refuse } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { type DwarfCompanions, noCompanions, type SplitDwarf } from "./companions.ts";
import { DieNames } from "./die-names.ts";
import { noFaults } from "./dwarf-faults.ts";
import { DwarfFile, type DwarfShared } from "./dwarf-file.ts";
import { type DwarfSections, type LoadedSections, loadSections, sectionBytesMax } from "./dwarf-sections.ts";
import { ScopeIndex, passedOver } from "./scope-index.ts";
import { SplitFiles } from "./split-files.ts";
import { UnitNames } from "./unit-names.ts";
import { UnitWalk } from "./unit-walk.ts";
import type { Unit } from "./unit.ts";
import { WorkBudget } from "./work-budget.ts";

/** What the scopes of a unit cost beside its bytes, in bytes that are read. */
const scopesCost = 512;
const noScopes = new ScopeIndex(0);

/** Adds functions, lines and inlined calls of a file's DWARF; `companions` has the rest of it, where that is in other files. Refuses with `no_dwarf` or `dwarf_too_large`. Throws what `fs` throws. */
export function addDwarfNames(sections: DwarfSections, builder: ModuleBuilder, companions: DwarfCompanions = noCompanions): Result<null> {
  const loaded = loadSections(sections);
  if (loaded === null) return refuse(400, "dwarf_too_large", `A DWARF section of this file is larger than ${sectionBytesMax} bytes.`, "Build with split or compressed debug information for fewer types, or upload a .sym file.");
  if (loaded.info.length === 0 || loaded.abbrev.length === 0) return refuse(400, "no_dwarf", "This file has no DWARF debug information.", "Compile with -g, and upload the file before it is stripped.");
  const supplement = companions.supplement === null ? null : loadSections(companions.supplement);
  if (companions.supplement !== null && supplement === null) builder.warn("supplementTooLarge");
  new DwarfPass(loaded, supplement, companions.split, builder).run();
  return ok(null);
}

/** Units between two words about progress. */
const unitsOfStep = 16;

/** One module's DWARF on its way into a builder. */
class DwarfPass {
  private readonly builder: ModuleBuilder;
  private readonly shared: DwarfShared;
  private readonly main: DwarfFile;
  private readonly split: SplitFiles;
  private readonly walk = new UnitWalk();
  /** For units whose scopes alone are wanted. */
  private readonly scopeWalk = new UnitWalk();
  private readonly names: DieNames;
  private readonly unitNames: UnitNames;
  /** The unit that `walk` has. */
  private walked: { readonly file: DwarfFile; readonly unit: Unit } | null = null;

  constructor(sections: LoadedSections, supplement: LoadedSections | null, split: readonly SplitDwarf[], builder: ModuleBuilder) {
    this.builder = builder;
    const splitBytes = split.reduce((sum, { bytes }) => sum + bytes, 0);
    const budget = new WorkBudget(sections.bytes + (supplement?.bytes ?? 0) + splitBytes);
    this.shared = { strings: builder.strings, budget, faults: noFaults() };
    this.main = new DwarfFile(sections, supplement === null ? null : new DwarfFile(supplement, null, this.shared), this.shared);
    this.split = new SplitFiles(this.main, split, this.shared);
    this.names = new DieNames(builder, this.main, budget, this.shared.faults, (file, unit, offset) => this.scopeAround(file, unit, offset));
    this.unitNames = new UnitNames(this.main, builder, this.names, budget);
  }

  run(): void {
    const { builder, main } = this;
    const { budget, faults } = this.shared;
    for (let i = 0; i < main.units.count; i++) {
      this.addUnit(i);
      if (i % unitsOfStep === 0) builder.onProgress?.(i, main.units.count);
    }
    builder.warn("malformedUnit", main.units.isCut ? 1 : 0);
    for (const [reason, times] of Object.entries(faults)) builder.warn(reason, times);
    builder.warn("malformedLines", this.unitNames.lines.malformed);
    builder.warn("disorderedLine", this.unitNames.lines.disordered);
    builder.warn("overlappingSequence", this.unitNames.lines.overlapping);
    builder.warn("dwarfBudget", budget.refused);
  }

  private addUnit(index: number): void {
    const { builder, main } = this;
    const unit = main.units.open(index);
    if (typeof unit === "string") {
      builder.warn(unit);
      return;
    }
    if (unit.isTypeUnit) return;
    const other = unit.isSplit ? this.split.open(unit) : null;
    if (unit.isSplit && other === null) builder.warn("splitUnit");
    if (other === null) this.addFrom(main, unit, unit);
    else if (typeof other.unit === "string") builder.warn(other.unit);
    else this.addFrom(other.file, other.unit, unit);
  }

  private addFrom(file: DwarfFile, unit: Unit, home: Unit): void {
    if (!this.walk.walk(file, unit)) this.builder.warn("malformedUnit");
    this.walked = { file, unit };
    this.unitNames.add(file, unit, home, this.walk);
  }

  /** Offset of the innermost scope around an entry; -1 when there is none. */
  private scopeAround(file: DwarfFile, unit: Unit, offset: number): number {
    const isWalked = file === this.walked?.file && unit.index === this.walked.unit.index;
    const around = isWalked ? this.walk.scopes.around(offset) : passedOver;
    return around === passedOver ? this.scopesOf(file, unit).around(offset) : around;
  }

  /** All scopes of a unit that others refer to, or of which the walk passed over some, by a walk for them alone. */
  private scopesOf(file: DwarfFile, unit: Unit): ScopeIndex {
    let scopes = file.scopes.get(unit.index);
    if (scopes === undefined) {
      // A unit may be a few bytes, and what is kept of it has its price too.
      if (!this.shared.budget.spend(unit.end - unit.start + scopesCost)) return noScopes;
      this.scopeWalk.walk(file, unit, false);
      scopes = this.scopeWalk.scopes.copy();
      file.scopes.set(unit.index, scopes);
    }
    return scopes;
  }
}
