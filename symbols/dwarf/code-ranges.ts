// Which addresses an entry has: a pair of attributes, or a list of ranges in
// .debug_ranges (versions 3 and 4) or .debug_rnglists (version 5). They become
// ranges relative to the module's base; what has no bytes or lies outside the
// image is left out.
//
// Linkers that drop a function leave its entry, with an address that means
// "gone": 0, 1 in .debug_ranges (where 0 would end the list), or one of the two
// highest. Code is at none of them.
import type { Uint32List } from "../cache/growable-array.ts";
import { slot } from "./abbreviations.ts";
import { form } from "./codes.ts";
import type { DieReader } from "./die-reader.ts";
import type { DwarfFaults } from "./dwarf-faults.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { SectionCursor, readFixed } from "./section-cursor.ts";
import { type Unit, addressAt, addressOf } from "./unit.ts";
import type { WorkBudget } from "./work-budget.ts";

/** Kinds of entries in .debug_rnglists. */
const listEntry = { end: 0, baseIndex: 1, indexToIndex: 2, indexAndLength: 3, offsets: 4, base: 5, startToEnd: 6, startAndLength: 7 } as const;

/** A base that is no address: all entries that count from it were dropped by the linker. */
const droppedBase = -1;

/** Reads ranges of entries. */
export class CodeRanges {
  private readonly sections: LoadedSections;
  private readonly budget: WorkBudget;
  private readonly faults: DwarfFaults;

  constructor(sections: LoadedSections, budget: WorkBudget, faults: DwarfFaults) {
    this.sections = sections;
    this.budget = budget;
    this.faults = faults;
  }

  /** Adds the ranges of the entry that was read: first address and bytes of each. */
  add(unit: Unit, die: DieReader, into: Uint32List): void {
    const { forms, values } = die;
    if (die.has(slot.lowPc) && die.has(slot.highPc)) {
      const low = addressOf(this.sections, unit, forms[slot.lowPc]!, values[slot.lowPc]!);
      const highForm = forms[slot.highPc]!;
      const high = values[slot.highPc]!;
      // A number counts from the low address; what is not a number is an address itself.
      const isAddress = highForm === form.addr || highForm === form.addrx || (highForm >= form.addrx1 && highForm <= form.addrx4);
      this.addRange(low, isAddress ? addressOf(this.sections, unit, highForm, high) : low + high, into);
    } else if (die.has(slot.ranges)) {
      if (unit.version < 5) this.addPairs(unit, unit.rangesBase + values[slot.ranges]!, into);
      else this.addList(unit, this.listOffset(unit, forms[slot.ranges]!, values[slot.ranges]!), into);
    }
  }

  private addRange(low: number, high: number, into: Uint32List): void {
    if (!(high > low) || low <= 1) return;
    const { toRva } = this.sections;
    const start = toRva(low);
    const size = high - low;
    if (start < 0 || start + size > 0xffffffff || toRva(high - 1) !== start + size - 1) {
      if (low < 0xfffffffe || (low > 0xffffffff && low < 2 ** 63)) this.faults.outsideImage++;
      return;
    }
    into.push(start);
    into.push(size);
  }

  /** A list of .debug_ranges: pairs of addresses that count from a base, which a pair with all bits set changes. */
  private addPairs(unit: Unit, offset: number, into: Uint32List): void {
    const { ranges, little } = this.sections;
    const { addressBytes } = unit;
    let base = unit.lowPc;
    for (let at = offset; ; at += 2 * addressBytes) {
      if (!(at + 2 * addressBytes <= ranges.length)) {
        this.faults.malformedRanges++;
        return;
      }
      if (!this.budget.spend(2 * addressBytes)) return;
      const low = readFixed(ranges, at, addressBytes, little);
      const high = readFixed(ranges, at + addressBytes, addressBytes, little);
      if (isAllOnes(ranges, at, addressBytes)) base = asBase(high);
      else if (low === 0 && high === 0) return;
      else if (base !== droppedBase) this.addRange(base + low, base + high, into);
    }
  }

  /** Offset of a list in .debug_rnglists, which an entry says directly or by index; -1 when it is not there. */
  private listOffset(unit: Unit, itsForm: number, value: number): number {
    if (itsForm !== form.rnglistx) return value;
    const { rangeLists, little } = this.sections;
    const at = unit.rangeListsBase + value * unit.offsetBytes;
    return at + unit.offsetBytes <= rangeLists.length ? unit.rangeListsBase + readFixed(rangeLists, at, unit.offsetBytes, little) : -1;
  }

  /** A list of .debug_rnglists: entries that begin with their kind. */
  private addList(unit: Unit, offset: number, into: Uint32List): void {
    const { sections } = this;
    const { addressBytes } = unit;
    const cursor = new SectionCursor(sections.rangeLists, sections.little, offset);
    let base = unit.lowPc;
    while (this.budget.spend(addressBytes)) {
      const kind = cursor.fixed(1);
      if (cursor.isOverrun || kind > listEntry.startAndLength) {
        this.faults.malformedRanges++;
        return;
      }
      if (kind === listEntry.end) return;
      if (kind === listEntry.baseIndex) base = asBase(addressAt(sections, unit, cursor.uleb()));
      else if (kind === listEntry.base) base = asBase(cursor.fixed(addressBytes));
      else if (kind === listEntry.offsets) {
        const low = cursor.uleb();
        const high = cursor.uleb();
        if (base !== droppedBase) this.addRange(base + low, base + high, into);
      } else {
        const isIndex = kind === listEntry.indexToIndex || kind === listEntry.indexAndLength;
        const low = isIndex ? addressAt(sections, unit, cursor.uleb()) : cursor.fixed(addressBytes);
        if (kind === listEntry.startToEnd) this.addRange(low, cursor.fixed(addressBytes), into);
        else if (kind === listEntry.indexToIndex) this.addRange(low, addressAt(sections, unit, cursor.uleb()), into);
        else this.addRange(low, low + cursor.uleb(), into);
      }
    }
  }
}

/** A base as it was written; small and the two highest addresses are what linkers write for code that they dropped. */
function asBase(address: number): number {
  return address <= 1 || address === 0xffffffff || address === 0xfffffffe || address >= 2 ** 63 ? droppedBase : address;
}

function isAllOnes(bytes: Uint8Array, at: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[at + i] !== 0xff) return false;
  return true;
}
