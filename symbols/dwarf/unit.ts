// Units: what .debug_info is cut into, usually one for each source file that
// was compiled. A unit's header says where it ends and how its numbers are
// written; its first entry says what everything in it builds on.
//
// Entries may refer to entries of other units (link-time optimisation, dwz), so
// units are opened at any time by number. Their abbreviations are kept, since
// many units share a table; when much has gathered it is dropped and made anew.
import { Uint32List } from "../cache/growable-array.ts";
import { type AbbreviationTable, compileAbbreviations, slot } from "./abbreviations.ts";
import { form, tag } from "./codes.ts";
import { DieReader, type DieUnit } from "./die-reader.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import type { UnitShape } from "./form-sizes.ts";
import { SectionCursor, readFixed } from "./section-cursor.ts";
import { idAt } from "./unit-index.ts";
import type { WorkBudget } from "./work-budget.ts";

/** A unit that can be read. */
export type Unit = DieUnit & {
  /** Its number among all units. */
  readonly index: number;
  /** Offset of its first entry. */
  readonly firstDie: number;
  /** True for a unit that only describes types, which has no code. */
  readonly isTypeUnit: boolean;
  /** True when most of it is in another file (split DWARF). */
  readonly isSplit: boolean;
  /** True for one of GCC's compilers for C and C++, which leave the code of what is in a class outside of it, but for classes in functions. */
  readonly isGnuC: boolean;
  /** Offset of the 8 bytes of the id that it shares with its other part; -1 when it has none. */
  readonly dwoIdAt: number;
  /** Name of the file that has its other part: a form and its value, 0 when it does not say. */
  readonly dwoNameForm: number;
  readonly dwoName: number;
  /** The unit's lowest address as the file has it, which lists of ranges count from; 0 when it has none. */
  readonly lowPc: number;
  /** Offset of its line program; -1 when it has none. */
  readonly lineProgram: number;
  /** The folder it was compiled in: a form and its value, 0 when it does not say. */
  readonly compDirForm: number;
  readonly compDir: number;
  readonly strOffsetsBase: number;
  readonly addrBase: number;
  readonly rangeListsBase: number;
  /** What its offsets of .debug_ranges count from, and what those of its other part do. */
  readonly rangesBase: number;
  readonly splitRangesBase: number;
};

/** What a unit's header says that others need. */
type UnitHead = Pick<Unit, "index" | "firstDie" | "dwoIdAt"> & { readonly type: number };

/** Why a unit cannot be read, as `ModuleBuilder.warn` counts it. */
export type UnitFault = "malformedUnit" | "unknownDwarfVersion" | "dwarfBudget";

/** Unit types of version 5. */
const typeUnit = 2;
const skeletonUnit = 4;
const splitCompileUnit = 5;
const splitTypeUnit = 6;
/** `GNU C++17 12.2.0 -mtune=generic …`. */
const gnuProducer = "GNU C";
/** Units and tables that are kept, at most. */
const unitsKept = 4096;
/** What a byte of an abbreviation takes, in those of other things that are read by offset. */
const abbreviationCost = 16;
const abbreviationBytesKept = 8 * 1024 * 1024;
/** What a table takes beside its bytes. */
const tableCost = 256;

/** The units of .debug_info. */
export class Units {
  /** By unit: offset of its header, ascending. */
  private readonly starts = new Uint32List();
  private readonly sections: LoadedSections;
  private readonly budget: WorkBudget;
  private readonly reader: DieReader;
  private readonly opened = new Map<number, Unit | UnitFault>();
  private readonly tables = new Map<string, AbbreviationTable>();
  private tableBytes = 0;
  /** True when the headers stop making sense before the section ends. */
  readonly isCut: boolean;

  constructor(sections: LoadedSections, budget: WorkBudget) {
    this.sections = sections;
    this.budget = budget;
    this.reader = new DieReader(sections.info, sections.little);
    this.isCut = !this.findStarts();
  }

  /** How many there are. */
  get count(): number {
    return this.starts.length;
  }

  /** Opens a unit by its number. */
  open(index: number): Unit | UnitFault {
    let unit = this.opened.get(index);
    if (unit === undefined) {
      if (this.opened.size >= unitsKept) this.opened.clear();
      unit = this.read(index, null);
      this.opened.set(index, unit);
    }
    return unit;
  }

  /** Opens the unit whose header is at an offset and whose skeleton is in another file; what that says of both counts. */
  openSplit(offset: number, skeleton: Unit): Unit | UnitFault {
    const index = this.indexAt(offset);
    return index < 0 || this.starts.data[index] !== offset ? "malformedUnit" : this.read(index, skeleton);
  }

  /** The unit that has an offset; null when none can be read there. */
  containing(offset: number): Unit | null {
    const index = this.indexAt(offset);
    if (index < 0) return null;
    const unit = this.open(index);
    return typeof unit !== "string" && offset < unit.end ? unit : null;
  }

  /** The last unit that begins at an offset or before; -1 when there is none. */
  private indexAt(offset: number): number {
    const starts = this.starts.data;
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Finds all headers; false when they do not fill the section. */
  private findStarts(): boolean {
    const { info, little } = this.sections;
    let at = 0;
    while (at + 4 <= info.length) {
      const header = this.lengthAt(at);
      if (header === null) return false;
      // Zeros between units are padding.
      if (header.end > at + 4 || readFixed(info, at, 4, little) !== 0) this.starts.push(at);
      if (header.end > info.length) return false;
      at = header.end;
    }
    return at === info.length;
  }

  /** What a header's length says; null when it cannot be. */
  private lengthAt(at: number): { readonly offsetBytes: 4 | 8; readonly headerAt: number; readonly end: number } | null {
    const { info, little } = this.sections;
    const length = readFixed(info, at, 4, little);
    if (length < 0xfffffff0) return { offsetBytes: 4, headerAt: at + 4, end: at + 4 + length };
    if (length !== 0xffffffff || at + 12 > info.length) return null;
    return { offsetBytes: 8, headerAt: at + 12, end: at + 12 + readFixed(info, at + 4, 8, little) };
  }

  private read(index: number, skeleton: Unit | null): Unit | UnitFault {
    const { info, little } = this.sections;
    const start = this.starts.data[index]!;
    const { offsetBytes, headerAt, end } = this.lengthAt(start)!;
    const cursor = new SectionCursor(info, little, headerAt, end);
    const version = cursor.fixed(2);
    if (cursor.isOverrun) return "malformedUnit";
    if (version < 2 || version > 5) return "unknownDwarfVersion";
    const type = version >= 5 ? cursor.fixed(1) : 0;
    let addressBytes = version >= 5 ? cursor.fixed(1) : 0;
    const abbrevAt = cursor.fixed(offsetBytes);
    if (version < 5) addressBytes = cursor.fixed(1);
    // After the header: a type's signature and offset, or the id of a split unit.
    const dwoIdAt = type === skeletonUnit || type === splitCompileUnit ? cursor.at : -1;
    if (type === typeUnit || type === splitTypeUnit) cursor.skip(8 + offsetBytes);
    else if (type === skeletonUnit || type === splitCompileUnit) cursor.skip(8);
    if (cursor.isOverrun || (addressBytes !== 4 && addressBytes !== 8)) return "malformedUnit";
    const shape: UnitShape = { version, offsetBytes, addressBytes };
    const abbreviations = this.tableAt(abbrevAt, shape);
    if (abbreviations === null) return "dwarfBudget";
    const unit: DieUnit = { ...shape, start, end: cursor.end, abbreviations };
    const { reader } = this;
    if (!reader.readAt(unit, cursor.at)) return "malformedUnit";
    return this.withRoot(unit, { index, firstDie: cursor.at, type, dwoIdAt }, skeleton);
  }

  /** Adds what the first entry says, which `reader` has, or the skeleton. */
  private withRoot(unit: DieUnit, { index, firstDie, type, dwoIdAt }: UnitHead, skeleton: Unit | null): Unit {
    const { reader } = this;
    const { values } = reader;
    const { version, offsetBytes } = unit;
    // Where a base is not said, as in split DWARF, it is after the header of the section.
    const wide = offsetBytes === 8;
    const tableHead = version < 5 ? 0 : wide ? 16 : 8;
    const based = (place: number, otherwise: number): number => (reader.has(place) ? values[place]! : otherwise);
    const opened = {
      ...unit,
      index,
      firstDie,
      isTypeUnit: type === typeUnit || type === splitTypeUnit || reader.tag === tag.typeUnit,
      isGnuC: isGnuProducer(this.sections, reader.forms[slot.producer]!, values[slot.producer]!),
      isSplit: type === skeletonUnit || type === splitCompileUnit || reader.has(slot.dwoName),
      dwoIdAt: based(slot.dwoId, dwoIdAt),
      dwoNameForm: reader.forms[slot.dwoName]!,
      dwoName: values[slot.dwoName]!,
      lineProgram: based(slot.lineProgram, -1),
      compDirForm: reader.forms[slot.compDir]!,
      compDir: values[slot.compDir]!,
      strOffsetsBase: based(slot.strOffsetsBase, tableHead),
      addrBase: skeleton === null ? based(slot.addrBase, tableHead) : skeleton.addrBase,
      rangeListsBase: based(slot.rangeListsBase, wide ? 20 : 12),
      rangesBase: skeleton === null ? 0 : skeleton.splitRangesBase,
      splitRangesBase: based(slot.splitRangesBase, 0),
      lowPc: skeleton === null ? 0 : skeleton.lowPc,
    };
    if (reader.has(slot.lowPc)) opened.lowPc = addressOf(this.sections, opened, reader.forms[slot.lowPc]!, values[slot.lowPc]!);
    return opened;
  }

  /** The table at an offset of .debug_abbrev; null when that costs too much. */
  private tableAt(offset: number, shape: UnitShape): AbbreviationTable | null {
    const key = `${offset} ${shape.offsetBytes} ${shape.addressBytes} ${shape.version <= 2 ? "a" : "o"}`;
    const known = this.tables.get(key);
    if (known !== undefined) return known;
    if (!this.budget.spend(64)) return null;
    const { table, bytes } = compileAbbreviations(this.sections.abbrev, this.sections.little, offset, shape);
    // What it took is only known afterwards; the next one may be refused for it.
    this.budget.spend(bytes * abbreviationCost);
    this.tableBytes += bytes + tableCost;
    if (this.tableBytes > abbreviationBytesKept) {
      this.tables.clear();
      this.tableBytes = bytes + tableCost;
    }
    this.tables.set(key, table);
    return table;
  }
}

/** Whether an attribute's string begins like the names of GCC's compilers for C and C++. */
function isGnuProducer({ info, str, lineStr }: LoadedSections, itsForm: number, value: number): boolean {
  const source = itsForm === form.strp ? str : itsForm === form.lineStrp ? lineStr : itsForm === form.string ? info : null;
  if (source === null) return false;
  for (let i = 0; i < gnuProducer.length; i++) if (source[value + i] !== gnuProducer.charCodeAt(i)) return false;
  return true;
}

/** The id that a unit and its other part share, 16 hex digits in lower case; "" when it has none. */
export function dwoIdOf({ info, little }: LoadedSections, { dwoIdAt }: Unit): string {
  if (!(dwoIdAt >= 0 && dwoIdAt + 8 <= info.length)) return "";
  return idAt(info, dwoIdAt, little);
}

/** Whether a form is an index of .debug_addr. */
function isAddressIndex(itsForm: number): boolean {
  return itsForm === form.addrx || (itsForm >= form.addrx1 && itsForm <= form.addrx4) || itsForm === form.gnuAddrIndex;
}

/** The address that an attribute of a form stands for, directly or as an index of .debug_addr; 0 when there is none. */
export function addressOf(sections: LoadedSections, unit: { readonly addrBase: number; readonly addressBytes: 4 | 8 }, itsForm: number, value: number): number {
  return isAddressIndex(itsForm) ? addressAt(sections, unit, value) : value;
}

/** The address of an index of .debug_addr; 0 when there is none. */
export function addressAt(sections: LoadedSections, unit: { readonly addrBase: number; readonly addressBytes: 4 | 8 }, index: number): number {
  const at = unit.addrBase + index * unit.addressBytes;
  return at + unit.addressBytes <= sections.addr.length ? readFixed(sections.addr, at, unit.addressBytes, sections.little) : 0;
}
