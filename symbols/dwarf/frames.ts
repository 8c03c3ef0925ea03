// Call frame information of DWARF, compiled into unwind rows.
//
// What: for each place in the code, how the caller's registers are found. Every
// compiler writes it: into `.eh_frame`, which is in the program itself since
// C++ exceptions need it, or into `.debug_frame` for debuggers alone. On ELF
// and Mach-O it is how stacks are walked; among Windows programs those that
// mingw made for 32 bits have it, since their system has no unwind tables.
//
// A section is a list of entries (DWARF 5, 6.4.1; LSB Core 10.6):
//
//     CIE   version, augmentation, alignments, column of the return address,
//           instructions that all of its functions begin with
//     FDE   its CIE, first address, bytes, instructions of one function
//
// Steps:
//
//  1. All CIEs are read (frame-common.ts), wherever they stand: an FDE of
//     `.debug_frame` may come before its CIE.
//  2. Each FDE's instructions run (cfa-program.ts) on a state that has the form
//     of an unwind rule (cfa-state.ts); at each advance the state becomes a
//     row. Equal rules are stored once, so a row is six bytes.
//  3. Expressions are compiled where rules can say what they say
//     (cfa-expression.ts).
//
// The index `.eh_frame_hdr` is not needed: a compile reads all entries anyway,
// in one pass, and sorts them.
//
// What cannot be read is left out and counted: an entry that is malformed, or
// whose CIE is; a pointer through memory, which only a running program has. A
// function whose instructions end in something unknown keeps the rows before
// it. A rule that cannot be said makes its row one of nothing, or its register
// lost. Functions that the linker dropped (at address 0) are left out quietly.
//
// Time is linear in the section; memory that of the rows. To add an
// architecture: give it a file in registers.ts with DWARF's numbers.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { runProgram } from "./cfa-program.ts";
import { CfaState } from "./cfa-state.ts";
import { type CommonEntry, readCommon } from "./frame-common.ts";
import { FrameCursor } from "./frame-cursor.ts";
import { type FrameSection, pointerEncoding, readEncoded, readPointer } from "./frame-section.ts";

/** The first address that a cache cannot hold. */
const addressEnd = 0xffffffff;
/** In place of a length: the entry is in the 64-bit format, its length follows. */
const longFormat = 0xffffffff;
/** Common entries that are kept; linkers leave one for each kind of function, or for each object file. */
const commonsMax = 250_000;

/** Adds the unwind rows of a section to a module, and returns for how many functions there were some. */
export function addFrames(section: FrameSection, builder: ModuleBuilder): number {
  const reader = new FrameReader(section, builder);
  reader.eachEntry(true);
  const before = builder.unwind.records;
  reader.eachEntry(false);
  reader.tell();
  return builder.unwind.records - before;
}

/** Reads the entries of one section. */
class FrameReader {
  private readonly section: FrameSection;
  private readonly builder: ModuleBuilder;
  private readonly cursor: FrameCursor;
  private readonly state: CfaState;
  /** By offset. */
  private readonly commons = new Map<number, CommonEntry>();
  private malformed = 0;
  private unusable = 0;
  private indirect = 0;
  private beyond = 0;

  constructor(section: FrameSection, builder: ModuleBuilder) {
    this.section = section;
    this.builder = builder;
    this.cursor = new FrameCursor(section.bytes, section.little);
    this.state = new CfaState(section, builder);
  }

  /** Takes all common entries, or all functions. */
  eachEntry(common: boolean): void {
    const { cursor, section } = this;
    const size = section.bytes.length;
    for (let start = 0; size - start >= 4; ) {
      cursor.seek(start, size);
      let length = cursor.u32();
      // Ends a list; another may follow, and linkers pad with it.
      if (length === 0) {
        start += 4;
        continue;
      }
      const isLong = length === longFormat;
      if (isLong) length = cursor.u64();
      const body = cursor.at;
      if (cursor.failed || !(length <= size - body)) {
        if (common) this.malformed++;
        return;
      }
      cursor.end = body + length;
      this.takeEntry(start, isLong, common);
      start = body + length;
    }
  }

  /** Counts what was left out. */
  tell(): void {
    const { builder } = this;
    builder.warn("malformedFrame", this.malformed);
    builder.warn("unusableFrame", this.unusable);
    builder.warn("indirectFrame", this.indirect);
    builder.warn("frameBeyondRange", this.beyond);
    builder.warn("unsayableFrameRule", this.state.lost);
  }

  private takeEntry(start: number, isLong: boolean, common: boolean): void {
    const { cursor, section } = this;
    const idPlace = cursor.at;
    const isFrameOfExceptions = section.kind === "eh_frame";
    // `.eh_frame` has ids of 4 bytes in both formats.
    const id = isLong && !isFrameOfExceptions ? cursor.u64() : cursor.u32();
    if (cursor.failed) {
      if (common) this.malformed++;
      return;
    }
    const isCommon = isFrameOfExceptions ? id === 0 : id === (isLong ? 2 ** 64 : longFormat);
    if (isCommon !== common) return;
    if (isCommon) {
      if (this.commons.size === commonsMax) {
        this.malformed++;
        return;
      }
      const entry = readCommon(cursor, this.state, section);
      if (!entry.ok && entry.reason === "malformed") this.malformed++;
      this.commons.set(start, entry);
    } else {
      this.takeFunction(isFrameOfExceptions ? idPlace - id : id);
    }
  }

  private takeFunction(commonOffset: number): void {
    const { cursor, section, state } = this;
    const entry = this.commons.get(commonOffset);
    if (entry === undefined) {
      this.malformed++;
      return;
    }
    if (!entry.ok) {
      this.unusable++;
      return;
    }
    const { common } = entry;
    cursor.skip(common.segmentBytes);
    const start = readPointer(cursor, common.encoding, section, common.addressBytes);
    const size = readEncoded(cursor, common.encoding & pointerEncoding.format, common.addressBytes, true);
    if (common.hasData) cursor.skip(cursor.uleb());
    if (cursor.failed) {
      this.malformed++;
      return;
    }
    if ((common.encoding & pointerEncoding.indirect) !== 0) {
      this.indirect++;
      return;
    }
    // Nothing, or what the linker dropped: no code is at a module's very beginning.
    if (start <= 0 || size === 0) return;
    if (!(start + size <= addressEnd && size > 0)) {
      this.beyond++;
      return;
    }
    if (section.isTold?.(start) === true) return;
    const { unwind } = this.builder;
    const end = start + size;
    unwind.begin(start, end);
    state.begin(common.initial, common.returnColumn, common.isSignal);
    if (!runProgram(cursor, state, common, section, { unwind, start, end })) this.malformed++;
  }
}
