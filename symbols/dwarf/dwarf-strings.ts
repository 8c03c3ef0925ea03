// Strings of DWARF: they lie in the entry itself or in one of three sections,
// reached directly or through a table of offsets. Names of functions go into
// the builder's strings as bytes; paths, of which there are few, become text.
import type { StringTable } from "../cache/string-table.ts";
import { form } from "./codes.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { readFixed } from "./section-cursor.ts";
import type { Unit } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** Bytes of a string; the rest of a longer one is cut. The longest mangled names of real programs have a few ten thousand. */
const stringBytesMax = 65_535;
/** Entries of the cache of strings in .debug_str, which many units share; a power of two. */
const cacheEntries = 32_768;

/** Finds strings. */
export class DwarfStrings {
  /** Strings that are in another file (dwz, split DWARF), or nowhere. */
  missing = 0;
  private readonly sections: LoadedSections;
  private readonly strings: StringTable;
  private readonly budget: WorkBudget;
  private readonly scratch = new Uint8Array(stringBytesMax + 8);
  /** By low bits of an offset into .debug_str: the offset + 1, and the number of its string. */
  private readonly cachedOffsets = new Uint32Array(cacheEntries);
  private readonly cachedStrings = new Uint32Array(cacheEntries);
  /** Where `locate` found a string. */
  private source: Uint8Array = new Uint8Array(0);
  private at = 0;

  constructor(sections: LoadedSections, strings: StringTable, budget: WorkBudget) {
    this.sections = sections;
    this.strings = strings;
    this.budget = budget;
  }

  /** The number, in the builder's strings, of an attribute's string; 0 when there is none. */
  take(unit: Unit, itsForm: number, value: number): number {
    if (!this.locate(unit, itsForm, value, this.sections.info)) return 0;
    const { source, at, sections } = this;
    if (source !== sections.str) return this.takeBytes(source, at);
    const entry = at & (cacheEntries - 1);
    if (this.cachedOffsets[entry] === at + 1) return this.cachedStrings[entry]!;
    const taken = this.takeBytes(source, at);
    this.cachedOffsets[entry] = at + 1;
    this.cachedStrings[entry] = taken;
    return taken;
  }

  /** An attribute's string as text; "" when there is none. A string in place lies in `own`. */
  text(unit: Unit, itsForm: number, value: number, own = this.sections.info): string {
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
    this.missing++;
    return false;
  }

  private found(source: Uint8Array, at: number): boolean {
    this.source = source;
    this.at = at;
    if (at < source.length) return true;
    this.missing++;
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
    const { scratch } = this;
    const end = this.endOf(source, at);
    for (let i = at; i < end; i++) {
      const byte = source[i]!;
      scratch[i - at] = byte === 0x0a || byte === 0x0d ? 0x20 : byte;
    }
    scratch[end - at] = 0x0a;
    return this.strings.takeLine(scratch, 0);
  }
}
