// How long the forms of attributes are, and what passes over those whose length
// their own bytes say. The numbers of the operations are those of the programs
// that abbreviations become (abbreviations.ts).
import { form } from "./codes.ts";

/** What the sizes of forms depend on. */
export type UnitShape = {
  /** DWARF version, 2 to 5. */
  readonly version: number;
  /** Bytes of an offset: 4, or 8 in 64-bit DWARF. */
  readonly offsetBytes: 4 | 8;
  readonly addressBytes: 4 | 8;
};

/** Operations of steps. */
export const step = {
  end: 0,
  /** Passes over as many bytes as the argument says. */
  bytes: 1,
  leb: 2,
  string: 3,
  block1: 4,
  block2: 5,
  block4: 6,
  block: 7,
  indirect: 8,
  /** A form that nobody knows: what follows in the unit cannot be read. */
  unknown: 9,
  /** Reads an attribute: its slot in 6 bits, above them its form. */
  read: 10,
  /** An attribute whose value the abbreviation has: its slot in 6 bits, above them the index in `constants`. */
  constant: 11,
  /** Reads a number of as many bytes as the top bits say: its slot in 6 bits, above them its form in 13. */
  number: 12,
  /** The same for a reference within the unit, which becomes one into the section. */
  reference: 13,
} as const;

/** From which bit on such a step has the bytes. */
export const stepSizeShift = 23;

/** How a form of a fixed size is read: `step.number`, or `step.reference`; `step.read` where more is to know. */
export function readingOf(itsForm: number): number {
  switch (itsForm) {
    case form.addr:
    case form.data1:
    case form.data2:
    case form.data4:
    case form.strp:
    case form.lineStrp:
    case form.secOffset:
    case form.refAddr:
      return step.number;
    case form.ref1:
    case form.ref2:
    case form.ref4:
    case form.ref8:
      return step.reference;
    default:
      return step.read;
  }
}

/** Bytes of a form; -1 when they vary or nobody knows them. */
export function fixedSize(itsForm: number, shape: UnitShape): number {
  switch (itsForm) {
    case form.flagPresent:
    case form.implicitConst:
      return 0;
    case form.data1:
    case form.flag:
    case form.ref1:
    case form.strx1:
    case form.addrx1:
      return 1;
    case form.data2:
    case form.ref2:
    case form.strx2:
    case form.addrx2:
      return 2;
    case form.strx3:
    case form.addrx3:
      return 3;
    case form.data4:
    case form.ref4:
    case form.strx4:
    case form.addrx4:
    case form.refSup4:
      return 4;
    case form.data8:
    case form.ref8:
    case form.refSig8:
    case form.refSup8:
      return 8;
    case form.data16:
      return 16;
    case form.addr:
      return shape.addressBytes;
    case form.refAddr:
      // An address in version 2, an offset since.
      return shape.version <= 2 ? shape.addressBytes : shape.offsetBytes;
    case form.strp:
    case form.strpSup:
    case form.lineStrp:
    case form.secOffset:
    case form.gnuRefAlt:
    case form.gnuStrpAlt:
      return shape.offsetBytes;
    default:
      return -1;
  }
}

/** The step that passes over a form of varying size. */
export function stepOf(itsForm: number): number {
  switch (itsForm) {
    case form.sdata:
    case form.udata:
    case form.refUdata:
    case form.strx:
    case form.addrx:
    case form.loclistx:
    case form.rnglistx:
    case form.gnuAddrIndex:
    case form.gnuStrIndex:
      return step.leb;
    case form.string:
      return step.string;
    case form.block1:
      return step.block1;
    case form.block2:
      return step.block2;
    case form.block4:
      return step.block4;
    case form.block:
    case form.exprloc:
      return step.block;
    case form.indirect:
      return step.indirect;
    default:
      return step.unknown;
  }
}
