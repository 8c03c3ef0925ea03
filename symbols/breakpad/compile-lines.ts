// Line records, nine of ten lines of a symbol file:
//
//     1000 c 14 0        address, bytes, line, number of a FILE
//
// So they have a loop of their own, with everything in local variables. It
// reads only what dump_syms writes, and leaves any other spelling to `takeOdd`.
// Measured on 48 MB of symbols, helpers and shared positions cost it two
// thirds of its speed.
import { ROW_WORDS } from "../cache/line-rows.ts";
import type { CompileTally } from "./compile-warnings.ts";
import { FieldCursor, hexDigits, noField } from "./field-cursor.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
/** A hex digit that FUNC and FILE begin with too. */
export const capitalF = 0x46;
/** The first address that a cache cannot hold. */
export const addressEnd = 0x1_0000_0000;

/** Collects line records until its owner takes them away by setting `count` to 0. */
export class LineRecords {
  /** `count` times ROW_WORDS words: address, bytes, line, number of the FILE. Another array when it grows. */
  rows: Uint32Array = new Uint32Array(4096 * ROW_WORDS);
  count = 0;
  private readonly tally: CompileTally;
  private readonly cursor = new FieldCursor();

  constructor(tally: CompileTally) {
    this.tally = tally;
  }

  /** Takes line records from `start` until another kind comes, and returns where. */
  take(bytes: Uint8Array, start: number, end: number): number {
    const digits = hexDigits;
    let rows: Uint32Array = this.rows;
    let word = this.count * ROW_WORDS;
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
        if (word === rows.length) rows = this.widen();
        rows[word] = address;
        rows[word + 1] = size;
        rows[word + 2] = line;
        rows[word + 3] = file;
        word += ROW_WORDS;
        continue;
      }
      this.count = word / ROW_WORDS;
      at = this.takeOdd(bytes, lineStart);
      rows = this.rows;
      word = this.count * ROW_WORDS;
    }
    this.count = word / ROW_WORDS;
    return at;
  }

  /** Takes a line record that is not spelt as usual, or finds that it is none. */
  takeOdd(bytes: Uint8Array, start: number): number {
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
      const word = this.count * ROW_WORDS;
      const rows = word === this.rows.length ? this.widen() : this.rows;
      rows[word] = address;
      // The last byte of 4 GiB has no end in 32 bits; no function reaches it.
      rows[word + 1] = Math.min(size, 0xffffffff);
      rows[word + 2] = line;
      rows[word + 3] = Math.min(file, 0xffffffff);
      this.count++;
    }
    return cursor.at;
  }

  private widen(): Uint32Array {
    const wider = new Uint32Array(this.rows.length * 2);
    wider.set(this.rows);
    this.rows = wider;
    return wider;
  }
}
