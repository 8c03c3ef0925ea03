// Reads the attributes of one entry into slots: a number and the form that says
// what the number means. References are made absolute, so that whoever follows
// one needs no unit; strings and addresses stay what they are in the file, since
// most of them are never asked for.
import { type AbbreviationTable, abbreviationWords, slot, slotCount } from "./abbreviations.ts";
import { form } from "./codes.ts";
import { type UnitShape, step, stepSizeShift } from "./form-sizes.ts";
import { readFixed } from "./section-cursor.ts";

/** Where `DieReader` is: an entry's unit, as far as reading needs it. */
export type DieUnit = UnitShape & {
  /** Offset of the unit's header, which its references count from. */
  readonly start: number;
  /** Offset past the unit. */
  readonly end: number;
  readonly abbreviations: AbbreviationTable;
};

/** Reads entries of .debug_info. */
export class DieReader {
  /** By slot: the attribute's number. A string in the entry itself is the offset of its bytes. */
  readonly values = new Float64Array(slotCount);
  /** By slot: the attribute's form; 0 when the entry does not have it. */
  readonly forms = new Int32Array(slotCount);
  /** The tag of the entry. */
  tag = 0;
  private readonly info: Uint8Array;
  private readonly little: boolean;

  constructor(info: Uint8Array, little: boolean) {
    this.info = info;
    this.little = little;
  }

  /** Whether the entry has an attribute. */
  has(place: number): boolean {
    return this.forms[place] !== 0;
  }

  /** Reads the entry at an offset; false when there is none that can be read. */
  readAt(unit: DieUnit, offset: number): boolean {
    if (!(offset > unit.start && offset < unit.end)) return false;
    const { info } = this;
    let at = offset;
    let number = 0;
    for (let shift = 0; at < unit.end && shift < 28; shift += 7) {
      const byte = info[at++]!;
      number |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const word = number === 0 ? -1 : unit.abbreviations.find(number);
    return word >= 0 && this.read(unit, word, at) >= 0;
  }

  /** Reads the attributes at `start` of an entry with the abbreviation at `word`; returns the offset after them, -1 when they cannot be read. */
  read(unit: DieUnit, word: number, start: number): number {
    const { words, steps, constants } = unit.abbreviations;
    const { forms, values, info, little } = this;
    const { end } = unit;
    for (let place = 0; place < slotCount; place++) forms[place] = 0;
    this.tag = words[word + abbreviationWords - 1]!;
    let at = start;
    for (let i = words[word + 3]!; ; i++) {
      const operation = steps[i]!;
      switch (operation & 15) {
        case step.end:
          return at <= end ? at : -1;
        case step.number:
        case step.reference: {
          const size = operation >>> stepSizeShift;
          if (at + size > end) return -1;
          const place = (operation >>> 4) & 63;
          forms[place] = (operation >>> 10) & 0x1fff;
          const number = size === 1 ? info[at]! : readFixed(info, at, size, little);
          values[place] = (operation & 15) === step.number ? number : number + unit.start;
          at += size;
          continue;
        }
        case step.bytes:
          at += operation >>> 4;
          break;
        case step.read:
          at = this.readForm(unit, operation >>> 10, (operation >>> 4) & 63, at);
          break;
        case step.constant: {
          const place = (operation >>> 4) & 63;
          forms[place] = form.sdata;
          values[place] = constants[operation >>> 10]!;
          break;
        }
        default:
          at = this.pass(unit, operation, at);
      }
      if (at < 0 || at > end) return -1;
    }
  }

  /** Passes over what a step says; returns the offset after it, -1 when that cannot be known. */
  pass(unit: DieUnit, operation: number, at: number): number {
    const { info, little } = this;
    const end = unit.end;
    switch (operation & 15) {
      case step.bytes:
        return at + (operation >>> 4);
      case step.leb: {
        let next = at;
        while (next < end && info[next]! >= 0x80) next++;
        return next + 1;
      }
      case step.string: {
        let next = at;
        while (next < end && info[next] !== 0) next++;
        return next + 1;
      }
      case step.block1:
        return at < end ? at + 1 + info[at]! : -1;
      case step.block2:
        return at + 2 <= end ? at + 2 + readFixed(info, at, 2, little) : -1;
      case step.block4:
        return at + 4 <= end ? at + 4 + readFixed(info, at, 4, little) : -1;
      case step.block: {
        const next = this.readLeb(at, end);
        return next < 0 ? -1 : next + this.leb;
      }
      case step.indirect: {
        const next = this.readLeb(at, end);
        // One that leads to another, or to a constant of the abbreviation, is nonsense.
        if (next < 0 || this.leb === form.indirect || this.leb === form.implicitConst) return -1;
        return this.readForm(unit, this.leb, slot.scratch, next);
      }
      default:
        return -1;
    }
  }

  /** The number that `readLeb` read. */
  private leb = 0;

  private readLeb(start: number, end: number): number {
    let value = 0;
    let scale = 1;
    for (let at = start; at < end; scale *= 128) {
      const byte = this.info[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.leb = value;
        return at;
      }
      if (scale > 2 ** 63) return -1;
    }
    return -1;
  }

  /** Reads a value of a form into a slot; returns the offset after it, -1 when it cannot be read. */
  private readForm(unit: DieUnit, itsForm: number, place: number, at: number): number {
    switch (itsForm) {
      case form.addr:
        return this.readNumber(unit, itsForm, place, at, unit.addressBytes);
      case form.data1:
      case form.flag:
      case form.strx1:
      case form.addrx1:
        return this.readNumber(unit, itsForm, place, at, 1);
      case form.data2:
      case form.strx2:
      case form.addrx2:
        return this.readNumber(unit, itsForm, place, at, 2);
      case form.strx3:
      case form.addrx3:
        return this.readNumber(unit, itsForm, place, at, 3);
      case form.data4:
      case form.strx4:
      case form.addrx4:
      case form.refSup4:
        return this.readNumber(unit, itsForm, place, at, 4);
      case form.data8: {
        const next = this.readNumber(unit, itsForm, place, at, 8);
        if (place === slot.dwoId) this.values[place] = at;
        return next;
      }
      case form.refSig8:
      case form.refSup8:
        return this.readNumber(unit, itsForm, place, at, 8);
      case form.data16:
        return this.readNumber(unit, itsForm, place, at, 8) < 0 ? -1 : at + 16;
      case form.strp:
      case form.strpSup:
      case form.lineStrp:
      case form.secOffset:
      case form.gnuRefAlt:
      case form.gnuStrpAlt:
        return this.readNumber(unit, itsForm, place, at, unit.offsetBytes);
      case form.refAddr:
        return this.readNumber(unit, itsForm, place, at, unit.version <= 2 ? unit.addressBytes : unit.offsetBytes);
      case form.ref1:
        return this.readReference(unit, place, at, 1);
      case form.ref2:
        return this.readReference(unit, place, at, 2);
      case form.ref4:
        return this.readReference(unit, place, at, 4);
      case form.ref8:
        return this.readReference(unit, place, at, 8);
      case form.udata:
      case form.strx:
      case form.addrx:
      case form.rnglistx:
      case form.loclistx:
      case form.gnuAddrIndex:
      case form.gnuStrIndex:
        return this.readUnsigned(unit, itsForm, place, at);
      case form.refUdata: {
        const next = this.readUnsigned(unit, form.refAddr, place, at);
        this.values[place]! += unit.start;
        return next;
      }
      case form.sdata:
        return this.readSigned(unit, place, at);
      case form.string:
        this.forms[place] = itsForm;
        this.values[place] = at;
        return this.pass(unit, step.string, at);
      case form.flagPresent:
        this.forms[place] = itsForm;
        this.values[place] = 1;
        return at;
      case form.indirect:
        return this.readIndirect(unit, place, at);
      // A block where a number or a name should be: as if it were not there.
      case form.block1:
        return this.pass(unit, step.block1, at);
      case form.block2:
        return this.pass(unit, step.block2, at);
      case form.block4:
        return this.pass(unit, step.block4, at);
      case form.block:
      case form.exprloc:
        return this.pass(unit, step.block, at);
      default:
        return -1;
    }
  }

  private readNumber(unit: DieUnit, itsForm: number, place: number, at: number, size: number): number {
    if (at + size > unit.end) return -1;
    this.forms[place] = itsForm;
    this.values[place] = readFixed(this.info, at, size, this.little);
    return at + size;
  }

  /** A reference within the unit becomes one into the section. */
  private readReference(unit: DieUnit, place: number, at: number, size: number): number {
    const next = this.readNumber(unit, form.refAddr, place, at, size);
    this.values[place]! += unit.start;
    return next;
  }

  private readUnsigned(unit: DieUnit, itsForm: number, place: number, at: number): number {
    const next = this.readLeb(at, unit.end);
    this.forms[place] = itsForm;
    this.values[place] = this.leb;
    return next;
  }

  private readSigned(unit: DieUnit, place: number, at: number): number {
    const next = this.readLeb(at, unit.end);
    if (next < 0) return -1;
    this.forms[place] = form.sdata;
    this.values[place] = this.info[next - 1]! >= 0x40 ? this.leb - 2 ** (7 * (next - at)) : this.leb;
    return next;
  }

  private readIndirect(unit: DieUnit, place: number, at: number): number {
    const next = this.readLeb(at, unit.end);
    if (next < 0 || this.leb === form.indirect || this.leb === form.implicitConst) return -1;
    return this.readForm(unit, this.leb, place, next);
  }
}
