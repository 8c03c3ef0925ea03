// The pass over a symbol file's records. It is given whole lines and sends
// what they say to the builders of the cache's sections; lines and inlined
// calls are packed as soon as their FUNC is over, so that beyond the sections
// themselves it holds one function at a time.
//
// Nine lines of ten are line records, so those have a loop of their own, with
// everything in local variables (`takeLines`): it reads only what dump_syms
// writes, and hands any other spelling to `takeOddLine`. Measured on 48 MB of
// symbols, helpers and shared positions cost it two thirds of its speed.
import { Uint32List } from "../cache/growable-array.ts";
import { INLINE_WORDS, InlineTreeBuilder } from "../cache/inline-tree.ts";
import { LineRowsBuilder, ROW_WORDS } from "../cache/line-rows.ts";
import { RuleTable } from "../cache/rule-table.ts";
import { StringTable } from "../cache/string-table.ts";
import { UnwindRowsBuilder } from "../cache/unwind-rows.ts";
import type { RegisterFile } from "../registers.ts";
import { CfiCompiler } from "./compile-cfi.ts";
import { emptyTally } from "./compile-warnings.ts";
import { WinCompiler } from "./compile-win.ts";
import { FieldCursor, hexDigits, noField } from "./field-cursor.ts";
import { NumberedNames } from "./numbered-names.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
/** A hex digit that FUNC and FILE begin with too. */
const capitalF = 0x46;
const addressEnd = 0x1_0000_0000;

/** Takes records and fills builders. */
export class RecordPass {
  readonly tally = emptyTally();
  readonly strings = new StringTable();
  readonly files = new NumberedNames();
  readonly origins = new NumberedNames();
  readonly lines = new LineRowsBuilder();
  readonly inlines = new InlineTreeBuilder();
  readonly rules = new RuleTable();
  readonly unwind = new UnwindRowsBuilder();
  readonly win = new WinCompiler(this.rules);
  /** By function, in the file's order. */
  readonly functionStart = new Uint32List();
  readonly functionEnd = new Uint32List();
  readonly functionName = new Uint32List();
  readonly functionParameters = new Uint32List();
  /** Index of the function's first checkpoint. */
  readonly functionLines = new Uint32List();
  readonly functionInlines = new Uint32List();
  /** By public symbol, in the file's order. */
  readonly publicStart = new Uint32List();
  readonly publicName = new Uint32List();
  readonly publicParameters = new Uint32List();

  private readonly cursor = new FieldCursor();
  private readonly cfi: CfiCompiler | null;
  /** Whether lines and inlines belong to the last function. */
  private inFunction = false;
  private rows: Uint32Array = new Uint32Array(4096 * ROW_WORDS);
  private rowCount = 0;
  private readonly ranges = new Uint32List(1024);
  /** The INIT record that deltas belong to: its range, and its text; -1 when there is none. */
  private initStart = 0;
  private initEnd = 0;
  private initText = -1;
  /** Its deltas: address and text. */
  private readonly deltas = new Uint32List(256);
  private deltasInOrder = true;

  /** `registers` is null for an architecture that cannot be walked. */
  constructor(registers: RegisterFile | null) {
    this.cfi = registers === null ? null : new CfiCompiler(registers, this.rules);
  }

  /** Takes all lines from `start` to `end`, which is just past a line feed. */
  take(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const first = bytes[at]!;
      at = hexDigits[first]! < 16 && first !== capitalF ? this.takeLines(bytes, at, end) : this.takeRecord(bytes, at);
    }
  }

  /** Says that there is no more. */
  finish(): void {
    this.endFunction();
    this.endInit();
  }

  /** Takes line records from `start` until another kind comes, and returns where. */
  private takeLines(bytes: Uint8Array, start: number, end: number): number {
    const digits = hexDigits;
    let rows: Uint32Array = this.rows;
    let word = this.rowCount * ROW_WORDS;
    let at = start;
    while (at < end) {
      const lineStart = at;
      let digit = digits[bytes[at]!]!;
      if (digit > 15 || bytes[at] === capitalF) break;
      plain: {
        let address = 0;
        do {
          address = (address << 4) | digit;
          digit = digits[bytes[++at]!]!;
        } while (digit < 16);
        if (at - lineStart > 8 || bytes[at] !== space) break plain;
        let field = ++at;
        let size = 0;
        while ((digit = digits[bytes[at]!]!) < 16) {
          size = (size << 4) | digit;
          at++;
        }
        if (at === field || at - field > 7 || bytes[at] !== space) break plain;
        field = ++at;
        let line = 0;
        while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) {
          line = line * 10 + digit;
          at++;
        }
        if (at === field || at - field > 9 || bytes[at] !== space) break plain;
        field = ++at;
        let file = 0;
        while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) {
          file = file * 10 + digit;
          at++;
        }
        if (at === field || at - field > 9) break plain;
        if (bytes[at] === carriageReturn) at++;
        if (bytes[at] !== lineFeed) break plain;
        at++;
        if (size === 0) continue;
        if (word === rows.length) rows = this.widenRows();
        rows[word] = address;
        rows[word + 1] = size;
        rows[word + 2] = line;
        rows[word + 3] = file;
        word += ROW_WORDS;
        continue;
      }
      this.rowCount = word / ROW_WORDS;
      at = this.takeOddLine(bytes, lineStart);
      rows = this.rows;
      word = this.rowCount * ROW_WORDS;
    }
    this.rowCount = word / ROW_WORDS;
    if (!this.inFunction) {
      this.tally.orphanLine += this.rowCount;
      this.rowCount = 0;
    }
    return at;
  }

  /** Takes a line record that is not spelt as usual, or finds that it is none. */
  private takeOddLine(bytes: Uint8Array, start: number): number {
    const cursor = this.cursor;
    cursor.at = start;
    const address = cursor.hex(bytes);
    const size = cursor.hex(bytes);
    const line = cursor.decimal(bytes);
    const file = cursor.decimal(bytes);
    cursor.nextLine(bytes);
    if (address === noField || size === noField || line === noField || file === noField || line > 0x7fffffff) this.tally.malformedLine++;
    else if (address + size > addressEnd) this.tally.beyondRange++;
    else if (size > 0) {
      const word = this.rowCount * ROW_WORDS;
      const rows = word === this.rows.length ? this.widenRows() : this.rows;
      rows[word] = address;
      // The last byte of 4 GiB has no end in 32 bits; no function reaches it.
      rows[word + 1] = Math.min(size, 0xffffffff);
      rows[word + 2] = line;
      rows[word + 3] = Math.min(file, 0xffffffff);
      this.rowCount++;
    }
    return cursor.at;
  }

  private widenRows(): Uint32Array {
    const wider = new Uint32Array(this.rows.length * 2);
    wider.set(this.rows);
    this.rows = wider;
    return wider;
  }

  /** Takes a record that is not a line record, and returns where the next begins. */
  private takeRecord(bytes: Uint8Array, start: number): number {
    const cursor = this.cursor;
    const first = bytes[start]!;
    cursor.at = start;
    if (first === 0x53) {
      if (isWord(bytes, start, "STACK CFI ")) this.takeCfi(bytes, start + 10);
      else if (isWord(bytes, start, "STACK WIN ")) this.takeWin(bytes, start + 10);
      else this.tally.unknownRecord++;
    } else if (first === capitalF) {
      if (isWord(bytes, start, "FUNC ")) this.takeFunction(bytes, start + 5);
      else if (isWord(bytes, start, "FILE ")) this.takeFile(bytes, start + 5);
      else return this.takeUpperCaseLine(bytes, start);
    } else if (first === 0x49) {
      if (isWord(bytes, start, "INLINE ")) this.takeInline(bytes, start + 7);
      else if (isWord(bytes, start, "INLINE_ORIGIN ")) this.takeOrigin(bytes, start + 14);
      else if (!isWord(bytes, start, "INFO ")) this.tally.unknownRecord++;
    } else if (first === 0x50) {
      if (isWord(bytes, start, "PUBLIC ")) this.takePublic(bytes, start + 7);
      else this.tally.unknownRecord++;
    } else if (first !== lineFeed && first !== carriageReturn && !isWord(bytes, start, "MODULE ")) {
      this.tally.unknownRecord++;
    }
    cursor.nextLine(bytes);
    return cursor.at;
  }

  /** A line record whose address begins with a capital F; dump_syms writes small letters. */
  private takeUpperCaseLine(bytes: Uint8Array, start: number): number {
    const next = this.takeOddLine(bytes, start);
    if (!this.inFunction && this.rowCount > 0) {
      this.tally.orphanLine++;
      this.rowCount = 0;
    }
    return next;
  }

  private takeFunction(bytes: Uint8Array, at: number): void {
    this.endFunction();
    const cursor = this.cursor;
    cursor.at = at;
    cursor.skipMultiple(bytes);
    const start = cursor.hex(bytes);
    const size = cursor.hex(bytes);
    const parameters = cursor.hex(bytes);
    if (start === noField || size === noField || parameters === noField || cursor.atEnd(bytes)) {
      this.tally.malformedFunction++;
      return;
    }
    if (start + size > addressEnd) {
      this.tally.beyondRange++;
      return;
    }
    // Covers nothing; dump_syms writes them for declarations.
    if (size === 0 || start === 0xffffffff) return;
    this.functionStart.push(start);
    this.functionEnd.push(Math.min(start + size, 0xffffffff));
    this.functionName.push(this.strings.takeLine(bytes, cursor.at));
    cursor.at = this.strings.end;
    this.functionParameters.push(parameters > 0x7fffffff ? 0 : parameters);
    this.functionLines.push(this.lines.starts.length);
    this.functionInlines.push(this.inlines.starts.length);
    this.inFunction = true;
  }

  private endFunction(): void {
    if (!this.inFunction) return;
    this.inFunction = false;
    const last = this.functionStart.length - 1;
    const start = this.functionStart.data[last]!;
    const end = this.functionEnd.data[last]!;
    const count = this.rowCount;
    if (count > 0) {
      const { rows, files } = this;
      let number = -1;
      let place = 0;
      for (let word = 3; word < count * ROW_WORDS; word += ROW_WORDS) {
        const file = rows[word]!;
        if (file !== number) {
          number = file;
          place = files.place(file);
        }
        rows[word] = place;
      }
      this.lines.add(start, end, rows, count);
      this.rowCount = 0;
    }
    if (this.ranges.length > 0) {
      this.inlines.add(start, end, this.ranges.data, this.ranges.length / INLINE_WORDS);
      this.ranges.length = 0;
    }
  }

  private takePublic(bytes: Uint8Array, at: number): void {
    this.endFunction();
    const cursor = this.cursor;
    cursor.at = at;
    cursor.skipMultiple(bytes);
    const start = cursor.hex(bytes);
    const parameters = cursor.hex(bytes);
    if (start === noField || parameters === noField || cursor.atEnd(bytes)) {
      this.tally.malformedPublic++;
      return;
    }
    if (start >= addressEnd) {
      this.tally.beyondRange++;
      return;
    }
    if (start === 0) return;
    this.publicStart.push(start);
    this.publicName.push(this.strings.takeLine(bytes, cursor.at));
    cursor.at = this.strings.end;
    this.publicParameters.push(parameters > 0x7fffffff ? 0 : parameters);
  }

  private takeFile(bytes: Uint8Array, at: number): void {
    const cursor = this.cursor;
    cursor.at = at;
    const number = cursor.decimal(bytes);
    if (number === noField || cursor.atEnd(bytes)) {
      this.tally.malformedFile++;
      return;
    }
    this.files.define(number, this.strings.takeLine(bytes, cursor.at));
    cursor.at = this.strings.end;
  }

  /** The format before 2022 puts the number of a FILE between the origin's number and name. */
  private takeOrigin(bytes: Uint8Array, at: number): void {
    const cursor = this.cursor;
    cursor.at = at;
    const number = cursor.decimal(bytes);
    if (number === noField || cursor.atEnd(bytes)) {
      this.tally.malformedInlineOrigin++;
      return;
    }
    const name = cursor.at;
    if (bytes[name] === 0x2d) cursor.at++;
    const file = cursor.decimal(bytes);
    if (file === noField || cursor.atEnd(bytes)) cursor.at = name;
    this.origins.define(number, this.strings.takeLine(bytes, cursor.at));
    cursor.at = this.strings.end;
  }

  /** Depth, call line, file of the call (since 2022), origin, then pairs of address and size: the parity tells the two formats apart. */
  private takeInline(bytes: Uint8Array, at: number): void {
    if (!this.inFunction) {
      this.tally.orphanInline++;
      return;
    }
    const cursor = this.cursor;
    cursor.at = at;
    const fields = cursor.countFields(bytes);
    const depth = cursor.decimal(bytes);
    const line = cursor.decimal(bytes);
    let file = 0;
    if (fields % 2 === 0) {
      // An artificial function has the file -1, which is none.
      const number = cursor.decimal(bytes);
      if (number === noField) cursor.skipField(bytes);
      else file = this.files.place(number);
    }
    const number = cursor.decimal(bytes);
    if (fields < 5 || depth === noField || line === noField || number === noField) {
      this.tally.malformedInline++;
      return;
    }
    const origin = this.origins.place(number);
    const { ranges } = this;
    while (!cursor.atEnd(bytes)) {
      const address = cursor.hex(bytes);
      const size = cursor.hex(bytes);
      if (address === noField || size === noField) {
        this.tally.malformedInline++;
        return;
      }
      if (address + size > addressEnd) {
        this.tally.beyondRange++;
        continue;
      }
      if (size === 0) continue;
      ranges.push(Math.min(depth, 0xffffffff));
      ranges.push(address);
      ranges.push(size);
      ranges.push(line > 0x7fffffff ? 0 : line);
      ranges.push(file);
      ranges.push(origin);
    }
  }

  private takeCfi(bytes: Uint8Array, at: number): void {
    const { cursor, cfi } = this;
    if (cfi === null) {
      this.tally.foreignCfi++;
      return;
    }
    const isInit = bytes[at] === 0x49 && isWord(bytes, at, "INIT ");
    if (isInit) this.endInit();
    cursor.at = isInit ? at + 5 : at;
    const address = cursor.hex(bytes);
    const size = isInit ? cursor.hex(bytes) : 0;
    if (address === noField || size === noField) {
      this.tally.malformedCfi++;
      return;
    }
    cursor.skipSpaces(bytes);
    if (!isInit) {
      if (this.initText < 0) {
        this.tally.orphanCfi++;
        return;
      }
      const { deltas } = this;
      if (deltas.length > 0 && address < deltas.data[deltas.length - 2]!) this.deltasInOrder = false;
      deltas.push(Math.min(address, 0xffffffff));
      deltas.push(cfi.takeText(bytes, cursor.at));
      cursor.at = cfi.end;
      return;
    }
    if (address + size > addressEnd) {
      this.tally.beyondRange++;
      return;
    }
    if (size === 0 || address === 0xffffffff) return;
    this.initStart = address;
    this.initEnd = Math.min(address + size, 0xffffffff);
    this.initText = cfi.takeText(bytes, cursor.at);
    cursor.at = cfi.end;
  }

  /** Makes the rows of the INIT record that is over: each has the INIT's rules with all that later records replaced. */
  private endInit(): void {
    const { cfi, unwind, deltas, initStart } = this;
    if (this.initText < 0 || cfi === null) return;
    unwind.begin(initStart, this.initEnd);
    let rule = cfi.first(this.initText);
    unwind.add(initStart, Math.max(rule, 0));
    const pairs = this.deltasInOrder ? deltas.data : sortedPairs(deltas.view());
    for (let i = 0; i < deltas.length; i += 2) {
      const address = pairs[i]!;
      if (address >= this.initEnd) break;
      rule = cfi.next(rule, pairs[i + 1]!);
      unwind.add(address < initStart ? initStart : address, Math.max(rule, 0));
    }
    this.initText = -1;
    deltas.length = 0;
    this.deltasInOrder = true;
  }

  private takeWin(bytes: Uint8Array, at: number): void {
    this.cursor.at = at;
    const outcome = this.win.take(bytes, this.cursor);
    if (outcome === "malformed") this.tally.malformedWin++;
    else if (outcome === "dropped") this.tally.overlappingWin++;
    else if (outcome === "mended") this.tally.mendedWin++;
  }
}

/** Pairs of address and text in order of address; equal ones stay as they were. */
function sortedPairs(pairs: Uint32Array): Uint32Array {
  const order = Array.from({ length: pairs.length / 2 }, (_, i) => i).sort((a, b) => pairs[a * 2]! - pairs[b * 2]! || a - b);
  return Uint32Array.from(order.flatMap((i) => [pairs[i * 2]!, pairs[i * 2 + 1]!]));
}

function isWord(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}
