// What reads the DWARF of one file. A module usually has one; with split DWARF
// each unit that was split off is one more, and what dwz took out another.
// Offsets mean something within a file only, so whatever keeps an offset says
// of which file it is.
import type { StringTable } from "../cache/string-table.ts";
import { CodeRanges } from "./code-ranges.ts";
import { DieReader } from "./die-reader.ts";
import type { DwarfFaults } from "./dwarf-faults.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { DwarfStrings } from "./dwarf-strings.ts";
import type { ScopeIndex } from "./scope-index.ts";
import { Units } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** What is shared by all files of one module. */
export type DwarfShared = { readonly strings: StringTable; readonly budget: WorkBudget; readonly faults: DwarfFaults };

/** One file's DWARF. */
export class DwarfFile {
  readonly sections: LoadedSections;
  /** What dwz took out of it; null when it is not at hand or there is none. */
  readonly supplement: DwarfFile | null;
  readonly units: Units;
  readonly reader: DieReader;
  readonly ranges: CodeRanges;
  readonly strings: DwarfStrings;
  readonly budget: WorkBudget;
  /** By offset: numbers of names that were found of entries outside of the unit that is being read. */
  readonly names = new Map<number, number>();
  /** By unit: its scopes, once a name needed them. */
  readonly scopes = new Map<number, ScopeIndex>();

  constructor(sections: LoadedSections, supplement: DwarfFile | null, { strings, budget, faults }: DwarfShared) {
    this.sections = sections;
    this.supplement = supplement;
    this.budget = budget;
    this.units = new Units(sections, budget);
    this.reader = new DieReader(sections.info, sections.little);
    this.ranges = new CodeRanges(sections, budget, faults);
    this.strings = new DwarfStrings(sections, supplement?.strings ?? null, strings, budget, faults);
  }
}
