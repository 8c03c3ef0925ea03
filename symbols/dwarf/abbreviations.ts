// Abbreviations, compiled. An entry of .debug_info begins with the number of an
// abbreviation, which says its tag and the forms of its attributes. There are a
// few hundred of them and tens of millions of entries, so each abbreviation
// becomes two small programs, once:
//
//  - one that passes over an entry, in which neighbours of fixed size are one
//    step. Three of four entries have a fixed size and need no program at all;
//  - one that reads the attributes that mean something to us and passes over
//    the others. Only entries of interest (`dieKind`) have it.
//
// Where an entry says where the next one is that is not in it (`sibling`, which
// GCC writes last), what is in it may be passed over too: always, when no code
// can be in it, and for classes when the compiler is known to put none there
// (unit-walk.ts).
//
// A step is one number: the operation in the lowest four bits, what it needs
// above. Sizes depend on the unit that uses the table, so a table belongs to
// units of one shape.
import { attribute, form, tag } from "./codes.ts";
import { Uint32List } from "../cache/growable-array.ts";
import { type UnitShape, fixedSize, readingOf, step, stepOf, stepSizeShift } from "./form-sizes.ts";
import { SectionCursor } from "./section-cursor.ts";

/** Kinds of entries, as far as the walk tells them apart. */
export const dieKind = {
  plain: 0,
  /** Names what is in it: a namespace, a class, a function without code. */
  scope: 1,
  /** A function with code. */
  code: 2,
  /** An inlined call with code. */
  inlined: 3,
} as const;

/** Above the kind of an entry: it has children; its last four bytes say where the next entry is, and nothing in it has code; or it is a class, and they say it too. */
export const dieFlag = { hasChildren: 8, leadsOn: 16, classLeadsOn: 32 } as const;

/** Places of attributes that were read (die-reader.ts). */
export const slot = {
  lowPc: 0,
  highPc: 1,
  ranges: 2,
  name: 3,
  linkageName: 4,
  specification: 5,
  abstractOrigin: 6,
  callFile: 7,
  callLine: 8,
  lineProgram: 9,
  compDir: 10,
  strOffsetsBase: 11,
  addrBase: 12,
  rangeListsBase: 13,
  dwoName: 14,
  external: 15,
  /** Its value is the offset of its 8 bytes, which are no number that is exact here. */
  dwoId: 16,
  splitRangesBase: 17,
  producer: 18,
  /** For what is read and not wanted. */
  scratch: 19,
} as const;

/** How many there are. */
export const slotCount = 20;

/** Words of one abbreviation: kind and flags; bytes of an entry without its number, -1 when they vary; index of its first step for passing over, for reading; tag. */
export const abbreviationWords = 5;

/** Numbers of abbreviations that are looked up by index; others by hash. */
const denseLimit = 65_536;

/** Bytes that one step passes over, at most, but for the last form of it. */
const stepBytesMax = 1 << 24;
/** Attributes of one table; a real one has some thousands. What comes after is not read. */
const attributesMax = 1 << 20;

/** The abbreviations of a unit. */
export class AbbreviationTable {
  /** By number: index of its first word, -1 for none. */
  readonly dense: Int32Array;
  readonly words: Int32Array;
  readonly steps: Int32Array;
  readonly constants: readonly number[];
  private readonly sparse: ReadonlyMap<number, number>;

  constructor(dense: Int32Array, sparse: ReadonlyMap<number, number>, words: Int32Array, steps: Int32Array, constants: readonly number[]) {
    this.dense = dense;
    this.sparse = sparse;
    this.words = words;
    this.steps = steps;
    this.constants = constants;
  }

  /** Index of an abbreviation's first word; -1 when there is none of that number. */
  find(number: number): number {
    return number < this.dense.length ? this.dense[number]! : (this.sparse.get(number) ?? -1);
  }
}

/** Compiles the table at `offset` of .debug_abbrev, as far as it can be read; `bytes` is what it took. */
export function compileAbbreviations(section: Uint8Array, little: boolean, offset: number, shape: UnitShape): { readonly table: AbbreviationTable; readonly bytes: number } {
  const cursor = new SectionCursor(section, little, offset);
  const compiler = new Compiler(shape);
  for (;;) {
    const number = cursor.uleb();
    if (number === 0 || cursor.isOverrun) break;
    if (!compiler.add(number, cursor)) break;
  }
  return { table: compiler.finish(), bytes: cursor.at - offset };
}

/** What a compiler collects; one table is compiled at a time, and there are thousands. */
const collected = { words: new Uint32List(4096), skips: new Uint32List(4096), reads: new Uint32List(4096), numbers: new Uint32List(1024) };
/** Forms whose size is looked up; others are of old GNU tools. */
const formsMax = 0x30;

class Compiler {
  private readonly shape: UnitShape;
  private readonly words = collected.words;
  private readonly skips = collected.skips;
  private readonly reads = collected.reads;
  /** The numbers of the abbreviations, in their order. */
  private readonly numbers = collected.numbers;
  private readonly constants: number[] = [];
  private readonly sizes = new Int8Array(formsMax);
  private attributes = 0;
  /** Fixed bytes that no step has yet. */
  private skipBytes = 0;
  private readBytes = 0;

  constructor(shape: UnitShape) {
    this.shape = shape;
    for (let itsForm = 0; itsForm < formsMax; itsForm++) this.sizes[itsForm] = fixedSize(itsForm, shape);
    for (const list of Object.values(collected)) list.length = 0;
  }

  /** Adds the abbreviation whose tag comes next; false when it cannot be read. */
  add(number: number, cursor: SectionCursor): boolean {
    const { words, skips, reads, sizes } = this;
    const { bytes } = cursor;
    // A table of millions without attributes is no table either.
    if (words.length > attributesMax) return false;
    const itsTag = cursor.uleb();
    const hasChildren = cursor.fixed(1) !== 0;
    const interests = isOfInterest(itsTag);
    const skipFrom = skips.length;
    const readFrom = reads.length;
    let fixedBytes = 0;
    let hasCode = false;
    let isDeclared = false;
    let endsInSibling = false;
    for (;;) {
      const { at } = cursor;
      let itsAttribute = at + 2 <= cursor.end ? bytes[at]! : 0x80;
      let itsForm = itsAttribute < 0x80 ? bytes[at + 1]! : 0x80;
      // Nearly all are a byte each.
      if (itsForm < 0x80) cursor.at = at + 2;
      else {
        itsAttribute = cursor.uleb();
        itsForm = cursor.uleb();
      }
      const constant = itsForm === form.implicitConst ? cursor.sleb() : 0;
      if (cursor.isOverrun) return false;
      if (itsAttribute === 0 && itsForm === 0) break;
      if (++this.attributes > attributesMax) return false;
      if (itsAttribute === attribute.lowPc || itsAttribute === attribute.ranges) hasCode = true;
      if (itsAttribute === attribute.declaration) isDeclared = true;
      endsInSibling = itsAttribute === attribute.sibling && itsForm === form.ref4;
      const size = itsForm < formsMax ? sizes[itsForm]! : fixedSize(itsForm, this.shape);
      if (size < 0) fixedBytes = -1;
      else if (fixedBytes >= 0) fixedBytes += size;
      this.addSkip(itsForm, size);
      if (interests) this.addRead(slotOf(itsAttribute), itsForm, size, constant);
    }
    this.flushSkip();
    this.flushRead();
    skips.push(step.end);
    reads.push(step.end);
    this.numbers.push(Math.min(number, 0xffffffff));
    const leadsOn = hasChildren && endsInSibling ? leadingFlag(itsTag, isDeclared && !hasCode) : 0;
    words.push(kindOf(itsTag, hasCode) | (hasChildren ? dieFlag.hasChildren : 0) | leadsOn);
    words.push(fixedBytes >>> 0);
    words.push(skipFrom);
    words.push(readFrom);
    words.push(Math.min(itsTag, 0xffff));
    return true;
  }

  finish(): AbbreviationTable {
    const { words, skips, reads, numbers } = this;
    const steps = new Int32Array(skips.length + reads.length);
    steps.set(skips.view());
    steps.set(reads.view(), skips.length);
    const itsWords = new Int32Array(words.view());
    for (let word = 0; word < itsWords.length; word += abbreviationWords) itsWords[word + 3]! += skips.length;
    let highest = 0;
    // Numbers count from 1 on; a few high ones are not worth a table for each unit.
    const limit = Math.min(denseLimit, numbers.length * 4 + 16);
    for (let i = 0; i < numbers.length; i++) if (numbers.data[i]! < limit && numbers.data[i]! > highest) highest = numbers.data[i]!;
    const dense = new Int32Array(highest + 1).fill(-1);
    const sparse = new Map<number, number>();
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers.data[i]!;
      // The first of two with one number counts.
      if (number <= highest) dense[number] = dense[number]! < 0 ? i * abbreviationWords : dense[number]!;
      else if (!sparse.has(number)) sparse.set(number, i * abbreviationWords);
    }
    return new AbbreviationTable(dense, sparse, itsWords, steps, this.constants);
  }

  private addSkip(itsForm: number, size: number): void {
    if (size >= 0) {
      this.skipBytes += size;
      if (this.skipBytes > stepBytesMax) this.flushSkip();
      return;
    }
    this.flushSkip();
    this.skips.push(stepOf(itsForm));
  }

  private addRead(place: number, itsForm: number, size: number, constant: number): void {
    if (place < 0 && size >= 0) {
      this.readBytes += size;
      if (this.readBytes > stepBytesMax) this.flushRead();
      return;
    }
    this.flushRead();
    if (size < 0 && (place < 0 || stepOf(itsForm) === step.unknown)) this.reads.push(stepOf(itsForm));
    else if (itsForm === form.implicitConst) {
      this.reads.push(step.constant | (place << 4) | (this.constants.length << 10));
      this.constants.push(constant);
    } else {
      const reading = size > 0 ? readingOf(itsForm) : step.read;
      if (reading === step.read) this.reads.push(step.read | (place << 4) | (itsForm << 10));
      else this.reads.push(reading | (place << 4) | ((reading === step.reference ? form.refAddr : itsForm) << 10) | (size << stepSizeShift));
    }
  }

  private flushSkip(): void {
    if (this.skipBytes > 0) this.skips.push(step.bytes | (this.skipBytes << 4));
    this.skipBytes = 0;
  }

  private flushRead(): void {
    if (this.readBytes > 0) this.reads.push(step.bytes | (this.readBytes << 4));
    this.readBytes = 0;
  }
}

/** Whether attributes of entries with this tag are ever read. */
function isOfInterest(itsTag: number): boolean {
  switch (itsTag) {
    case tag.compileUnit:
    case tag.partialUnit:
    case tag.typeUnit:
    case tag.skeletonUnit:
    case tag.inlinedSubroutine:
      return true;
    default:
      return kindOf(itsTag, false) === dieKind.scope;
  }
}

function kindOf(itsTag: number, hasCode: boolean): number {
  switch (itsTag) {
    case tag.subprogram:
      return hasCode ? dieKind.code : dieKind.scope;
    case tag.inlinedSubroutine:
      return hasCode ? dieKind.inlined : dieKind.plain;
    case tag.classType:
    case tag.structureType:
    case tag.unionType:
    case tag.enumerationType:
    case tag.interfaceType:
    case tag.namespace:
    case tag.module:
      return dieKind.scope;
    default:
      return dieKind.plain;
  }
}

/** What an entry that says where the next one is allows to pass over. */
function leadingFlag(itsTag: number, isDeclared: boolean): number {
  switch (itsTag) {
    case tag.subprogram:
      return isDeclared ? dieFlag.leadsOn : 0;
    case tag.enumerationType:
    case tag.arrayType:
    case tag.subroutineType:
    case tag.callSite:
    case tag.gnuCallSite:
      return dieFlag.leadsOn;
    case tag.classType:
    case tag.structureType:
    case tag.unionType:
      return dieFlag.classLeadsOn;
    default:
      return 0;
  }
}

/** Where an attribute's value goes; -1 when it is not wanted. */
function slotOf(itsAttribute: number): number {
  switch (itsAttribute) {
    case attribute.lowPc:
      return slot.lowPc;
    case attribute.highPc:
      return slot.highPc;
    case attribute.ranges:
      return slot.ranges;
    case attribute.name:
      return slot.name;
    case attribute.linkageName:
    case attribute.mipsLinkageName:
      return slot.linkageName;
    case attribute.specification:
      return slot.specification;
    case attribute.abstractOrigin:
      return slot.abstractOrigin;
    case attribute.external:
      return slot.external;
    case attribute.callFile:
      return slot.callFile;
    case attribute.callLine:
      return slot.callLine;
    case attribute.lineProgram:
      return slot.lineProgram;
    case attribute.compDir:
      return slot.compDir;
    case attribute.strOffsetsBase:
      return slot.strOffsetsBase;
    case attribute.addrBase:
    case attribute.gnuAddrBase:
      return slot.addrBase;
    case attribute.rangeListsBase:
      return slot.rangeListsBase;
    case attribute.dwoName:
    case attribute.gnuDwoName:
      return slot.dwoName;
    case attribute.gnuDwoId:
      return slot.dwoId;
    case attribute.gnuRangesBase:
      return slot.splitRangesBase;
    case attribute.producer:
      return slot.producer;
    default:
      return -1;
  }
}
