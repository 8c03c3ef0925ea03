// DWARF of one module that lies in several files. Compilers may leave most of a
// unit in a file of its own (split DWARF: `.dwo`, or `.dwp` for all of a
// module), and dwz moves what several units or files have in common into
// another. What is left in the module's own file refers to those.
import type { DwarfSections } from "./dwarf-sections.ts";

/** What other files bring to the DWARF of one. */
export type DwarfCompanions = {
  /** Where units are that were split off; asked in this order. */
  readonly split: readonly SplitDwarf[];
  /** What dwz took out (`.gnu_debugaltlink`, `DW_FORM_ref_sup*`); null when it is not at hand or there is none. */
  readonly supplement: DwarfSections | null;
};

/** Units of split DWARF. */
export type SplitDwarf = {
  /** Bytes of all its sections, which says how much reading them may take. */
  readonly bytes: number;
  /** Whether it has a unit of that id, which costs less than finding it. Throws what `fs` throws. */
  has(id: string): boolean;
  /** The sections of a unit by its id, 16 hex digits in lower case; null when it is not there. Throws what `fs` throws. */
  find(id: string): SplitUnitSections | null;
};

/** The parts of .dwo sections that a unit is read from; those that are missing are empty. Offsets in the unit count from their beginnings. */
export type SplitUnitSections = {
  /** Offset of the unit's header in `info`, where other units may be too. */
  readonly unit: number;
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
  readonly str: Uint8Array;
  readonly strOffsets: Uint8Array;
  readonly rangeLists: Uint8Array;
};

/** For a file that nothing accompanies. */
export const noCompanions: DwarfCompanions = { split: [], supplement: null };
