// The pass over a symbol file's records. It is given whole lines and sends
// what they say to the builders of the cache's sections; lines and inlined
// calls are packed as soon as their FUNC is over, so that beyond the sections
// themselves it holds one function at a time.
//
// Nine lines of ten are line records; those have a loop of their own
// (compile-lines.ts).
import { Uint32List } from "../cache/growable-array.ts";
import { INLINE_WORDS } from "../cache/inline-tree.ts";
import { ROW_WORDS } from "../cache/line-rows.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { RegisterFile } from "../registers.ts";
import { CfiCompiler } from "./compile-cfi.ts";
import { LineRecords, addressEnd, capitalF } from "./compile-lines.ts";
import { emptyTally } from "./compile-warnings.ts";
import { takeWin } from "./compile-win.ts";
import { FieldCursor, hexDigits, noField } from "./field-cursor.ts";
import { NumberedNames } from "./numbered-names.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Which records a pass takes. */
export type TakenRecords = { readonly names: boolean; readonly unwind: boolean };

/** Takes records and fills a module's builder. */
export class RecordPass {
  readonly tally = emptyTally();
  private readonly builder: ModuleBuilder;
  private readonly taken: TakenRecords;
  private readonly files: NumberedNames;
  private readonly origins: NumberedNames;

  private readonly cursor = new FieldCursor();
  private readonly cfi: CfiCompiler | null;
  /** Whether lines and inlines belong to the last function. */
  private inFunction = false;
  /** Line records since the last FUNC. */
  private readonly lineRecords = new LineRecords(this.tally);
  private readonly ranges = new Uint32List(1024);
  /** The INIT record that deltas belong to: its range, and its text; -1 when there is none. */
  private initStart = 0;
  private initEnd = 0;
  private initText = -1;
  /** Its deltas: address and text. */
  private readonly deltas = new Uint32List(256);
  private deltasInOrder = true;

  /** `registers` is null for an architecture that cannot be walked. */
  constructor(builder: ModuleBuilder, registers: RegisterFile | null, taken: TakenRecords) {
    this.builder = builder;
    this.taken = taken;
    this.files = new NumberedNames(builder.files);
    this.origins = new NumberedNames(builder.origins);
    this.cfi = registers === null ? null : new CfiCompiler(registers, builder.rules);
  }

  /** Takes all lines from `start` to `end`, which is just past a line feed. */
  take(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const first = bytes[at]!;
      if (hexDigits[first]! < 16 && first !== capitalF) {
        at = this.lineRecords.take(bytes, at, end);
        if (this.taken.names) this.dropOrphans();
        else this.lineRecords.count = 0;
      } else {
        at = this.takeRecord(bytes, at);
      }
    }
  }

  /** Says that there is no more. */
  finish(): void {
    this.endFunction();
    this.endInit();
  }

  /** Takes a record that is not a line record, and returns where the next begins. */
  private takeRecord(bytes: Uint8Array, start: number): number {
    const cursor = this.cursor;
    const first = bytes[start]!;
    cursor.at = start;
    if (first === 0x53) {
      if (!this.taken.unwind) {
        // Another file of the module says how to unwind.
      } else if (isWord(bytes, start, "STACK CFI ")) this.takeCfi(bytes, start + 10);
      else if (isWord(bytes, start, "STACK WIN ")) this.takeWin(bytes, start + 10);
      else this.tally.unknownRecord++;
    } else if (!this.taken.names && first !== 0x4d && first !== lineFeed && first !== carriageReturn) {
      // Another file of the module has its names.
    } else if (first === capitalF) {
      if (isWord(bytes, start, "FUNC ")) this.takeFunction(bytes, start + 5);
      else if (isWord(bytes, start, "FILE ")) this.takeFile(bytes, start + 5);
      else {
        // A line record whose address begins with a capital F.
        const next = this.lineRecords.takeOdd(bytes, start);
        this.dropOrphans();
        return next;
      }
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

  /** Line records that follow no FUNC belong to nobody. */
  private dropOrphans(): void {
    if (this.inFunction) return;
    this.tally.orphanLine += this.lineRecords.count;
    this.lineRecords.count = 0;
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
    const { builder } = this;
    builder.addFunction(start, Math.min(start + size, 0xffffffff), builder.strings.takeLine(bytes, cursor.at), 0, parameters > 0x7fffffff ? 0 : parameters);
    cursor.at = builder.strings.end;
    this.inFunction = true;
  }

  private endFunction(): void {
    if (!this.inFunction) return;
    this.inFunction = false;
    const { count, rows } = this.lineRecords;
    if (count > 0) {
      const { files } = this;
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
      this.builder.addLines(rows, count);
      this.lineRecords.count = 0;
    }
    if (this.ranges.length > 0) {
      this.builder.addInlines(this.ranges.data, this.ranges.length / INLINE_WORDS);
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
    const { strings } = this.builder;
    this.builder.addPublic(start, strings.takeLine(bytes, cursor.at), parameters > 0x7fffffff ? 0 : parameters);
    cursor.at = strings.end;
  }

  private takeFile(bytes: Uint8Array, at: number): void {
    const cursor = this.cursor;
    cursor.at = at;
    const number = cursor.decimal(bytes);
    if (number === noField || cursor.atEnd(bytes)) {
      this.tally.malformedFile++;
      return;
    }
    this.files.define(number, this.builder.strings.takeLine(bytes, cursor.at));
    cursor.at = this.builder.strings.end;
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
    this.origins.define(number, this.builder.strings.takeLine(bytes, cursor.at));
    cursor.at = this.builder.strings.end;
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
    const { cfi, deltas, initStart } = this;
    const { unwind } = this.builder;
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
    const outcome = takeWin(this.builder.win, bytes, this.cursor);
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
