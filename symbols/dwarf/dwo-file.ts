// One ELF file with units of split DWARF: a `.dwo` file, which has what one
// compilation split off, or a `.dwp` file, which has it of a whole program and
// an index that says which part of each section is whose (unit-index.ts).
//
// Parts of a package are read one by one, since a browser's has gigabytes; but
// for strings, which all units share, and sections that are compressed.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { ElfImage } from "../elf/image.ts";
import { readBytes } from "../file-bytes.ts";
import type { SplitUnitSections } from "./companions.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { gnuCompressedName, type StoredSection, StoredSections } from "./stored-sections.ts";
import { type Contribution, type DwoSectionName, readUnitIndex, type UnitIndex } from "./unit-index.ts";
import { dwoIdOf, Units } from "./unit.ts";
import { WorkBudget } from "./work-budget.ts";

const none = new Uint8Array(0);
/** What inflates to more than this times its size is no DWARF. */
const inflationMax = 64;

/** A file with units of split DWARF. */
export class DwoFile {
  private readonly image: ElfImage;
  private readonly budget: WorkBudget;
  private readonly builder: ModuleBuilder;
  private readonly stored: StoredSections;
  private readonly whole = new Map<string, Uint8Array>();
  /** Where a package's units are; null in a .dwo file. */
  private readonly index: UnitIndex | null;
  /** Units of a .dwo file by their ids: the section that each is in, and its offset there. */
  private readonly units = new Map<string, { readonly info: Uint8Array; readonly unit: number }>();

  /** What is read is paid from `budget`; what cannot be read is counted as `unreadableSection`. */
  constructor(image: ElfImage, budget: WorkBudget, builder: ModuleBuilder) {
    this.image = image;
    this.budget = budget;
    this.builder = builder;
    this.stored = new StoredSections(image.bytes, builder);
    const index = this.section(".debug_cu_index");
    this.index = index.length === 0 ? null : readUnitIndex(index, image.headers.little);
    if (index.length > 0 && this.index === null) builder.warn("malformedUnitIndex");
    if (index.length === 0) this.findUnits();
  }

  /** Ids of its units. */
  get ids(): Iterable<string> {
    return this.index === null ? this.units.keys() : this.index.ids;
  }

  /** The sections of a unit; null when it is not there or cannot be read. */
  find(id: string): SplitUnitSections | null {
    const { index } = this;
    if (index === null) {
      const found = this.units.get(id);
      if (found === undefined) return null;
      return { ...found, abbrev: this.section(".debug_abbrev.dwo"), str: this.section(".debug_str.dwo"), strOffsets: this.section(".debug_str_offsets.dwo"), rangeLists: this.section(".debug_rnglists.dwo") };
    }
    const info = index.partOf(id, ".debug_info.dwo");
    if (info === null) return null;
    const part = (name: DwoSectionName): Uint8Array => this.part(name, index.partOf(id, name));
    const found = { unit: 0, info: this.part(".debug_info.dwo", info), abbrev: part(".debug_abbrev.dwo"), str: this.section(".debug_str.dwo"), strOffsets: part(".debug_str_offsets.dwo"), rangeLists: part(".debug_rnglists.dwo") };
    return found.info.length === 0 ? null : found;
  }

  /** Finds a .dwo file's units. There may be a section of their name for each type, beside that of the code. */
  private findUnits(): void {
    for (const section of this.image.headers.sections) {
      const isInfo = section.name === ".debug_info.dwo" || section.name === gnuCompressedName(".debug_info.dwo");
      if (isInfo && section.stored > 0) this.findUnitsIn(this.read(this.image.stored(section)) ?? none);
    }
  }

  private findUnitsIn(info: Uint8Array): void {
    const abbrev = this.section(".debug_abbrev.dwo");
    const sections: LoadedSections = { little: this.image.headers.little, toRva: () => -1, info, abbrev, line: none, str: none, lineStr: none, strOffsets: none, addr: none, ranges: none, rangeLists: none, bytes: info.length + abbrev.length };
    const units = new Units(sections, new WorkBudget(sections.bytes));
    for (let i = 0; i < units.count; i++) {
      const unit = units.open(i);
      const id = typeof unit === "string" || unit.isTypeUnit ? "" : dwoIdOf(sections, unit);
      if (typeof unit !== "string" && id !== "" && !this.units.has(id)) this.units.set(id, { info, unit: unit.start });
    }
  }

  /** All of a section; empty when it is not there or cannot be read. */
  private section(name: string): Uint8Array {
    const known = this.whole.get(name);
    if (known !== undefined) return known;
    const section = this.image.section(name);
    const bytes = section === null ? none : (this.read(this.image.stored(section)) ?? none);
    this.whole.set(name, bytes);
    return bytes;
  }

  /** Reads a section, of which null is one that is compressed as nobody knows. */
  private read(stored: StoredSection | null): Uint8Array | null {
    if (stored !== null && this.pay(stored)) return this.stored.read(stored);
    this.builder.warn("unreadableSection");
    return null;
  }

  /** Pays for reading a section, and inflating it. */
  private pay({ size, compression }: StoredSection): boolean {
    const inflated = compression === null ? 0 : compression === "gnu" ? size * 8 : compression.inflated;
    return inflated <= size * inflationMax && this.budget.spend(size + inflated);
  }

  /** A part of a section; empty when it is not there or cannot be read. */
  private part(name: DwoSectionName, contribution: Contribution | null): Uint8Array {
    if (contribution === null) return none;
    const { offset, size } = contribution;
    const section = this.image.section(name);
    const stored = section === null || this.whole.has(name) ? null : this.image.stored(section);
    if (stored === null || stored.compression !== null) return this.section(name).subarray(offset, offset + size);
    if (offset + size > stored.size || !this.budget.spend(size)) return none;
    return readBytes(this.image.bytes, stored.offset + offset, size) ?? none;
  }
}
