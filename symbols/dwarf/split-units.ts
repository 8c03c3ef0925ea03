// Which units of a file were split off, and where the compiler put the rest of
// each: what to look for before the file is compiled.
import { StringTable } from "../cache/string-table.ts";
import { attribute, form, tag } from "./codes.ts";
import { noFaults } from "./dwarf-faults.ts";
import { DwarfFile } from "./dwarf-file.ts";
import { type DwarfSections, loadSections } from "./dwarf-sections.ts";
import { SectionCursor } from "./section-cursor.ts";
import { dwoIdOf } from "./unit.ts";
import { WorkBudget } from "./work-budget.ts";

/** The other part of a unit, as its skeleton says it. */
export type SplitUnitName = {
  /** 16 hex digits in lower case; "" when the skeleton does not say it. */
  readonly id: string;
  /** Path of the .dwo file, from `compDir` on where it is relative. */
  readonly dwoName: string;
  /** The folder that it was compiled in; "" when nothing says it. */
  readonly compDir: string;
};

/** The units that were split off, in the order of the file, each once. */
export function splitUnitsOf(sections: DwarfSections): SplitUnitName[] {
  const loaded = loadSections(sections);
  if (loaded === null || !hasSplitAbbreviations(loaded.abbrev, loaded.little)) return [];
  const budget = new WorkBudget(loaded.bytes);
  const { units, strings } = new DwarfFile(loaded, null, { strings: new StringTable(), budget, faults: noFaults() });
  const found = new Map<string, SplitUnitName>();
  for (let i = 0; i < units.count; i++) {
    const unit = units.open(i);
    if (typeof unit === "string" || !unit.isSplit) continue;
    const name = { id: dwoIdOf(loaded, unit), dwoName: strings.text(unit, unit.dwoNameForm, unit.dwoName), compDir: strings.text(unit, unit.compDirForm, unit.compDir) };
    const key = name.id === "" ? `${name.compDir}\0${name.dwoName}` : name.id;
    if (!found.has(key)) found.set(key, name);
  }
  return [...found.values()];
}

/** Whether units were split off. Reads the abbreviations only, which are small where entries are many. */
export function hasSplitUnits(sections: DwarfSections): boolean {
  const abbrev = sections.section(".debug_abbrev");
  return abbrev !== null && hasSplitAbbreviations(abbrev, sections.little);
}

/** Whether an abbreviation is of a unit that names a .dwo file. Tables lie behind each other, each ended by a number 0. */
function hasSplitAbbreviations(abbrev: Uint8Array, little: boolean): boolean {
  const cursor = new SectionCursor(abbrev, little, 0);
  while (cursor.at < cursor.end) {
    if (cursor.uleb() === 0) continue;
    const itsTag = cursor.uleb();
    const isUnit = itsTag === tag.skeletonUnit || itsTag === tag.compileUnit;
    cursor.skip(1);
    for (;;) {
      const itsAttribute = cursor.uleb();
      const itsForm = cursor.uleb();
      if (itsForm === form.implicitConst) cursor.sleb();
      if (cursor.isOverrun || (itsAttribute === 0 && itsForm === 0)) break;
      if (isUnit && (itsAttribute === attribute.dwoName || itsAttribute === attribute.gnuDwoName)) return true;
    }
  }
  return false;
}
