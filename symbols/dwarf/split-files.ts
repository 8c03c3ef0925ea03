// Units that were split off, made whole again. The skeleton in the module's own
// file has what the linker changes: addresses, where lists of ranges begin, and
// the line program; the other part, in a .dwo or .dwp file, has the entries and
// their names. So the other part is read with sections from both (DWARF 5,
// section 7.3.2; for version 4 GNU's "DebugFission", which is the same with
// other attributes):
//
//              DWARF 5                           GNU's for version 4
//   addresses  .debug_addr, from the skeleton's  the same
//              DW_AT_addr_base
//   ranges     .debug_rnglists.dwo               .debug_ranges, from the
//                                                skeleton's DW_AT_GNU_ranges_base
//   strings    .debug_str.dwo, through           the same, without a header
//              .debug_str_offsets.dwo            in the table
//   lines      the skeleton's; files of inlined calls are numbered by them
import type { SplitDwarf, SplitUnitSections } from "./companions.ts";
import { DwarfFile, type DwarfShared } from "./dwarf-file.ts";
import { dwoIdOf, type Unit, type UnitFault } from "./unit.ts";

/** The other part of a unit. */
type SplitUnit = { readonly file: DwarfFile; readonly unit: Unit | UnitFault };

/** Finds the other parts of units. */
export class SplitFiles {
  private readonly main: DwarfFile;
  private readonly split: readonly SplitDwarf[];
  private readonly shared: DwarfShared;
  /** What the last unit was in: a .dwo file may have several, as link-time optimisation makes them. */
  private last: DwarfFile | null = null;

  constructor(main: DwarfFile, split: readonly SplitDwarf[], shared: DwarfShared) {
    this.main = main;
    this.split = split;
    this.shared = shared;
  }

  /** The other part of a skeleton; null when it is not at hand. */
  open(skeleton: Unit): SplitUnit | null {
    const id = dwoIdOf(this.main.sections, skeleton);
    if (id === "") return null;
    for (const split of this.split) {
      const found = split.find(id);
      const file = found === null ? null : this.fileOf(found);
      if (found === null || file === null) continue;
      const unit = file.units.openSplit(found.unit, skeleton);
      // Many skeletons may say that they are of one unit.
      const isPaid = typeof unit === "string" || this.shared.budget.spend(unit.end - unit.start);
      return { file, unit: isPaid ? unit : "dwarfBudget" };
    }
    return null;
  }

  /** What reads a unit's sections; null when that costs too much. */
  private fileOf(found: SplitUnitSections): DwarfFile | null {
    const { sections } = this.main;
    if (this.last?.sections.info === found.info) return this.last;
    // Its units are found by a pass over their headers.
    if (!this.shared.budget.spend(found.info.length)) return null;
    const { info, abbrev, str, strOffsets, rangeLists } = found;
    this.last = new DwarfFile({ ...sections, info, abbrev, str, strOffsets, rangeLists }, this.main.supplement, this.shared);
    return this.last;
  }
}
