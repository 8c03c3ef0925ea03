// Line programs, run. A program is a list of opcodes for a machine with an
// address, a file and a line, that appends a row whenever it is told to; a
// sequence of rows covers addresses without a gap and ends with a row that only
// has an address. (DWARF 5, section 6.2.)
//
// Rows are put down as the cache wants them: address relative to the module's
// base, bytes up to the next row, line, and the number of the file in the
// builder. Of rows at one address the last counts. What else a row says
// (column, statement, discriminator) is passed over. Sequences of functions that
// the linker dropped begin at an address that is none and are dropped too.
//
// Sequences come in the order of the compiler, functions lie in that of the
// linker: so sequences are sorted when the program is through. Of two that
// overlap, as when a linker folds equal functions, the one that begins first
// stays.
import { ROW_WORDS } from "../cache/line-rows.ts";
import { Uint32List } from "../cache/growable-array.ts";
import type { LoadedSections } from "./dwarf-sections.ts";
import { type LineHeader, addOldFile } from "./line-header.ts";
import { SectionCursor, readFixed } from "./section-cursor.ts";
import type { SourceFiles } from "./source-files.ts";

/** Standard opcodes. */
const opcodes = { extended: 0, copy: 1, advancePc: 2, advanceLine: 3, setFile: 4, setColumn: 5, negateStatement: 6, basicBlock: 7, constAddPc: 8, fixedAdvancePc: 9, prologueEnd: 10, epilogueBegin: 11, setIsa: 12 } as const;
/** Extended opcodes. */
const extended = { endSequence: 1, setAddress: 2, defineFile: 3 } as const;

/** Rows of one unit, at most; the largest real ones have some millions. */
const rowsMax = 1 << 24;

/** An address that was dropped, or is beyond 4 GiB. */
const nowhere = -1;

/** The rows of one unit, one unit after the other. */
export class LineTable {
  /** `count` times ROW_WORDS words in order of address, without overlaps. */
  rows: Uint32Array = new Uint32Array(4096 * ROW_WORDS);
  count = 0;
  /** Rows that were left out because their sequence goes back to lower addresses. */
  disordered = 0;
  /** Sequences that were left out because they overlap another of their unit. */
  overlapping = 0;
  /** Programs that could not be read to their end. */
  malformed = 0;
  private readonly sections: LoadedSections;
  private ordered: Uint32Array = new Uint32Array(0);
  /** First row of each sequence, and past its last. */
  private readonly sequences = new Uint32List(256);
  /** By special opcode: what it adds to the address and to the line. */
  private readonly addressSteps = new Int32Array(256);
  private readonly lineSteps = new Int32Array(256);

  constructor(sections: LoadedSections) {
    this.sections = sections;
  }

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
    this.sequences.length = 0;
  }

  /** Runs a program and keeps its rows until the next one. */
  run(header: LineHeader, files: SourceFiles): void {
    this.clear();
    this.prepare(header);
    this.execute(header, files);
    this.sortSequences();
  }

  /** Index of the first row that ends above an address. */
  firstRow(address: number): number {
    const { rows } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rows[middle * ROW_WORDS]! + rows[middle * ROW_WORDS + 1]! <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index past the last row that begins below an address. */
  endRow(address: number): number {
    const { rows } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rows[middle * ROW_WORDS]! < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private prepare(header: LineHeader): void {
    const { opcodeBase, lineBase, lineRange, instructionBytes, operationsMax } = header;
    for (let opcode = opcodeBase; opcode < 256; opcode++) {
      const adjusted = opcode - opcodeBase;
      const operations = Math.floor(adjusted / lineRange);
      // VLIW machines count operations, and only some of those move the address.
      this.addressSteps[opcode] = operationsMax === 1 ? operations * instructionBytes : operations;
      this.lineSteps[opcode] = lineBase + (adjusted % lineRange);
    }
  }

  /** Runs the opcodes. Long, since the whole machine is in local variables: shared positions and calls would cost half of its speed. */
  private execute(header: LineHeader, files: SourceFiles): void {
    const bytes = this.sections.line;
    const { addressSteps, lineSteps } = this;
    const { opcodeBase, instructionBytes, operationsMax } = header;
    const isVliw = operationsMax > 1;
    const constStep = addressSteps[255]!;
    const end = header.programEnd;
    let at = header.programStart;
    let rows = this.rows;
    let word = 0;
    let sequenceWord = 0;
    let address = nowhere;
    let operation = 0;
    let file = 1;
    let line = 1;
    /** The row that the next one ends. */
    let isOpen = false;
    let rowAddress = 0;
    let rowFile = 1;
    let rowLine = 1;
    /** The file of the machine by its last index, and that file's number. */
    let knownFile = -1;
    let knownNumber = 0;
    while (at < end) {
      const opcode = bytes[at++]!;
      let advance = 0;
      let isEnd = false;
      let appends = false;
      if (opcode >= opcodeBase) {
        advance = addressSteps[opcode]!;
        line += lineSteps[opcode]!;
        appends = true;
      } else if (opcode === opcodes.copy) appends = true;
      else if (opcode === opcodes.setColumn || opcode === opcodes.setIsa) {
        while (at < end && bytes[at]! >= 0x80) at++;
        at++;
        continue;
      } else if (opcode === opcodes.negateStatement || opcode === opcodes.basicBlock || opcode === opcodes.prologueEnd || opcode === opcodes.epilogueBegin) continue;
      else if (opcode === opcodes.advanceLine || opcode === opcodes.advancePc || opcode === opcodes.setFile) {
        let value = 0;
        let shift = 0;
        let byte = 0x80;
        while (byte >= 0x80 && at < end) {
          byte = bytes[at++]!;
          if (shift < 28) value |= (byte & 0x7f) << shift;
          else value += (byte & 0x7f) * 2 ** shift;
          shift += 7;
        }
        if (opcode === opcodes.advanceLine) {
          if (byte >= 0x40) value -= 2 ** shift;
          line = (line + value) | 0;
          continue;
        }
        if (opcode === opcodes.setFile) {
          file = value;
          continue;
        }
        advance = isVliw ? value : value * instructionBytes;
      } else if (opcode === opcodes.constAddPc) advance = constStep;
      else if (opcode === opcodes.fixedAdvancePc) {
        if (at + 2 > end) break;
        if (address >= 0) address += readFixed(bytes, at, 2, this.sections.little);
        operation = 0;
        at += 2;
        continue;
      } else if (opcode === opcodes.extended) {
        let length = 0;
        let scale = 1;
        for (let byte = 0x80; byte >= 0x80 && at < end; scale *= 128) {
          byte = bytes[at++]!;
          length += (byte & 0x7f) * scale;
        }
        if (length === 0) continue;
        if (at + length > end) break;
        const kind = bytes[at]!;
        if (kind === extended.setAddress) {
          address = this.addressAt(at + 1, length - 1, isOpen);
          operation = 0;
        } else if (kind === extended.defineFile) addOldFile(new SectionCursor(bytes, this.sections.little, at + 1, at + length), header);
        else if (kind === extended.endSequence) isEnd = true;
        at += length;
        if (!isEnd) continue;
      } else {
        for (let left = header.operandCounts[opcode]!; left > 0; left--) {
          while (at < end && bytes[at]! >= 0x80) at++;
          at++;
        }
        continue;
      }
      if (advance !== 0 && address >= 0) {
        if (isVliw) {
          address += instructionBytes * Math.floor((operation + advance) / operationsMax);
          operation = (operation + advance) % operationsMax;
        } else address += advance;
        if (address > 0xffffffff) address = nowhere;
      }
      if (!appends && !isEnd) continue;
      if (isOpen && address > rowAddress) {
        if (word === rows.length) {
          if (word >= rowsMax * ROW_WORDS) break;
          rows = this.widen();
        }
        if (rowFile !== knownFile) {
          knownFile = rowFile;
          knownNumber = files.numberOf(rowFile);
        }
        rows[word] = rowAddress;
        rows[word + 1] = address - rowAddress;
        rows[word + 2] = rowLine > 0 ? rowLine : 0;
        rows[word + 3] = knownNumber;
        word += ROW_WORDS;
      } else if (isOpen && address !== rowAddress) this.disordered++;
      isOpen = address >= 0 && !isEnd;
      rowAddress = address;
      rowFile = file;
      rowLine = line | 0;
      line = rowLine;
      if (!isEnd) continue;
      if (word > sequenceWord) {
        this.sequences.push(sequenceWord / ROW_WORDS);
        this.sequences.push(word / ROW_WORDS);
      }
      sequenceWord = word;
      address = nowhere;
      operation = 0;
      file = 1;
      line = 1;
    }
    // A sequence that was not ended has rows too, but for its last.
    if (at !== end || isOpen) this.malformed++;
    if (word > sequenceWord) {
      this.sequences.push(sequenceWord / ROW_WORDS);
      this.sequences.push(word / ROW_WORDS);
    }
    this.count = word / ROW_WORDS;
  }

  /** The address of an opcode, relative to the module's base. One that ends a sequence may be just past the image. */
  private addressAt(at: number, size: number, isInside: boolean): number {
    if (size < 1 || size > 8) return nowhere;
    const { toRva, line, little } = this.sections;
    const address = readFixed(line, at, size, little);
    if (address <= 1) return nowhere;
    const rva = toRva(address);
    if (rva >= 0 || !isInside) return rva;
    const before = toRva(address - 1);
    return before < 0 ? nowhere : before + 1;
  }

  private widen(): Uint32Array {
    const wider = new Uint32Array(this.rows.length * 2);
    wider.set(this.rows);
    this.rows = wider;
    return wider;
  }

  /** Puts sequences in order of address, and drops those that overlap one before. */
  private sortSequences(): void {
    const { rows } = this;
    const bounds = this.sequences.data;
    const count = this.sequences.length / 2;
    const startOf = (i: number): number => rows[bounds[2 * i]! * ROW_WORDS]!;
    const order: number[] = [];
    let isSorted = true;
    let last = 0;
    for (let i = 0; i < count; i++) {
      order.push(i);
      if (startOf(i) < last) isSorted = false;
      last = rowEnd(rows, bounds[2 * i + 1]! - 1);
    }
    if (isSorted && this.disordered === 0) return;
    order.sort((a, b) => startOf(a) - startOf(b) || a - b);
    if (this.ordered.length < this.count * ROW_WORDS) this.ordered = new Uint32Array(rows.length);
    let word = 0;
    last = 0;
    for (const i of order) {
      if (startOf(i) < last) {
        this.overlapping++;
        continue;
      }
      for (let row = bounds[2 * i]!; row < bounds[2 * i + 1]!; row++) {
        // Within a sequence that goes back, what was covered stays as it was.
        if (rows[row * ROW_WORDS]! < last) continue;
        for (let k = 0; k < ROW_WORDS; k++) this.ordered[word++] = rows[row * ROW_WORDS + k]!;
        last = rowEnd(rows, row);
      }
    }
    this.count = word / ROW_WORDS;
    this.rows = this.ordered;
    this.ordered = rows;
  }
}

function rowEnd(rows: Uint32Array, row: number): number {
  return rows[row * ROW_WORDS]! + rows[row * ROW_WORDS + 1]!;
}
