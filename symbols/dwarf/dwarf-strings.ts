// Strings of DWARF: they lie in the entry itself or in one of three sections,
// reached directly or through a table of offsets, or among those that dwz took
// out into another file. Names of functions go into
// the builder's strings as bytes; paths, of which there are few, become text.
import type { StringTable } from "../cache/string-table.ts";
import { form } from "./codes.ts";
import type { DwarfFaults } from "./dwarf-faults.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { readFixed } from "./section-cursor.ts";
import type { Unit } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** Bytes of a string; the rest of a longer one is cut. The longest mangled names of real programs have a few ten thousand. */
const stringBytesMax = 65_535;
/** Entries of the cache of strings in .debug_str, which many units share; powers of two. A unit that was split off has a cache of its own. */
const cacheEntries = { most: 262_144, least: 64 };
/** Bytes of entries that one entry of the cache is for. */
const bytesPerCached = 64;

/** A string on its way to the builder. */
const scratch = new Uint8Array(stringBytesMax + 8);

/** Finds strings. */
export class DwarfStrings {
  private readonly sections: LoadedSections;
  private readonly supplement: DwarfStrings | null;
  private readonly strings: StringTable;
  private readonly budget: WorkBudget;
  private readonly faults: DwarfFaults;
  /** By low bits of an offset into .debug_str: the offset + 1, and the number of its string. */
  private readonly cachedOffsets: Uint32Array;
  private readonly cachedStrings: Uint32Array;
  /** Where `locate` found a string. */
  private source: Uint8Array = new Uint8Array(0);
  private at = 0;

  /** `supplement` has the strings that dwz took out. */
  constructor(sections: LoadedSections, supplement: DwarfStrings | null, strings: StringTable, budget: WorkBudget, faults: DwarfFaults) {
    this.sections = sections;
    this.supplement = supplement;
    this.strings = strings;
    this.budget = budget;
    this.faults = faults;
    let entries = cacheEntries.least;
    while (entries < cacheEntries.most && entries * bytesPerCached < sections.info.length) entries *= 2;
    this.cachedOffsets = new Uint32Array(entries);
    this.cachedStrings = new Uint32Array(entries);
  }

  /** The number, in the builder's strings, of an attribute's string; 0 when there is none. */
  take(unit: Unit, itsForm: number, value: number): number {
    if (isSupplementary(itsForm) && this.supplement !== null) return this.supplement.take(unit, form.strp, value);
    if (!this.locate(unit, itsForm, value, this.sections.info)) return 0;
    const { source, at, sections } = this;
    if (source !== sections.str) return this.takeBytes(source, at);
    const entry = at & (this.cachedOffsets.length - 1);
    if (this.cachedOffsets[entry] === at + 1) return this.cachedStrings[entry]!;
    const taken = this.takeBytes(source, at);
    this.cachedOffsets[entry] = at + 1;
    this.cachedStrings[entry] = taken;
    return taken;
  }

  /** An attribute's string as text; "" when there is none. A string in place lies in `own`. */
  text(unit: Unit, itsForm: number, value: number, own = this.sections.info): string {
    if (isSupplementary(itsForm) && this.supplement !== null) return this.supplement.text(unit, form.strp, value);
    if (!this.locate(unit, itsForm, value, own)) return "";
    const { source, at } = this;
    const end = this.endOf(source, at);
    return Buffer.from(source.buffer, source.byteOffset + at, end - at).toString("utf8");
  }

  /** Pays for a text that was put together of several; false when it must not be kept. */
  pay(text: string): boolean {
    return this.budget.spend(text.length);
  }

  /** Finds where a string lies; false when it is nowhere. */
  private locate(unit: Unit, itsForm: number, value: number, own: Uint8Array): boolean {
    const { sections } = this;
    switch (itsForm) {
      case 0:
        return false;
      case form.string:
        return this.found(own, value);
      case form.strp:
        return this.found(sections.str, value);
      case form.lineStrp:
        return this.found(sections.lineStr, value);
      case form.strx:
      case form.strx1:
      case form.strx2:
      case form.strx3:
      case form.strx4:
      case form.gnuStrIndex: {
        const at = unit.strOffsetsBase + value * unit.offsetBytes;
        if (!(at + unit.offsetBytes <= sections.strOffsets.length)) break;
        return this.found(sections.str, readFixed(sections.strOffsets, at, unit.offsetBytes, sections.little));
      }
      default:
    }
    this.faults.missingString++;
    return false;
  }

  private found(source: Uint8Array, at: number): boolean {
    this.source = source;
    this.at = at;
    if (at < source.length) return true;
    this.faults.missingString++;
    return false;
  }

  /** Where a string ends; at its beginning when the budget is spent. */
  private endOf(source: Uint8Array, at: number): number {
    const limit = Math.min(source.length, at + stringBytesMax);
    let end = at;
    while (end < limit && source[end] !== 0) end++;
    return this.budget.spend(end - at + 16) ? end : at;
  }

  /** Gives a string's bytes to the builder, which wants a line's end after them and none in them. */
  private takeBytes(source: Uint8Array, at: number): number {
    const end = this.endOf(source, at);
    let hasLines = end === source.length;
    for (let i = at; i < end; i++) if (source[i]! <= 0x0d) hasLines = true;
    if (hasLines) return this.takeCopy(source, at, end);
    // The byte after it is put back.
    const after = source[end]!;
    source[end] = 0x0a;
    const taken = this.strings.takeLine(source, at);
    source[end] = after;
    return taken;
  }

  private takeCopy(source: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      const byte = source[i]!;
      scratch[i - at] = byte === 0x0a || byte === 0x0d ? 0x20 : byte;
    }
    scratch[end - at] = 0x0a;
    return this.strings.takeLine(scratch, 0);
  }
}

/** Whether a form means a string that dwz took out. */
function isSupplementary(itsForm: number): boolean {
  return itsForm === form.gnuStrpAlt || itsForm === form.strpSup;
}
