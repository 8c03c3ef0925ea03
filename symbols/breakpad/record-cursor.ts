// Reads the fields of one record from bytes, without making strings of them: a
// symbol file has millions of records and a lookup needs the text of a few.
//
// Numbers follow Breakpad's own parser (strtoull, then a blank or the end):
// fields are separated by one or more spaces, hex may carry 0x. Values past
// 2^53 come back rounded; such addresses are never asked for, so only their
// order matters.

/** What a numeric field returns that is missing, malformed or past 64 bits. */
export const noNumber = -1;

const space = 0x20;
const carriageReturn = 0x0d;

/** A position in a line of bytes; one is made per file and moved from record to record. */
export class RecordCursor {
  private bytes: Uint8Array;
  private position = 0;
  private end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Moves to a record: its bytes run from `start` up to `end`, without the line feed. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
  }

  /** Steps over the field `m` (several symbols share this code) if it is next, and says whether it was. */
  skipMultiple(): boolean {
    this.skipSpaces();
    if (this.bytes[this.position] !== 0x6d || this.position + 1 >= this.end || this.bytes[this.position + 1] !== space) return false;
    this.position++;
    return true;
  }

  /** The next field as a hex number, or `noNumber`. */
  hex(): number {
    this.skipSpaces();
    const bytes = this.bytes;
    const end = this.end;
    let at = this.position;
    if (at + 1 < end && bytes[at] === 0x30 && (bytes[at + 1]! | 0x20) === 0x78) at += 2;
    const first = at;
    let value = 0;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      const lower = byte | 0x20;
      if (byte >= 0x30 && byte <= 0x39) value = value * 16 + (byte - 0x30);
      else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + (lower - 0x57);
      else break;
    }
    return this.finish(at, first, value);
  }

  /** The next field as a decimal number, or `noNumber`; a negative one, which some ids are, is `noNumber` too. */
  decimal(): number {
    this.skipSpaces();
    const bytes = this.bytes;
    const end = this.end;
    let at = this.position;
    const first = at;
    let value = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return this.finish(at, first, value);
  }

  /** Steps over the next field, whatever it holds; false when there is none. */
  skipField(): boolean {
    this.skipSpaces();
    const start = this.position;
    while (this.position < this.end && this.bytes[this.position] !== space) this.position++;
    return this.position > start;
  }

  /** Whether anything but spaces is left. */
  hasMore(): boolean {
    this.skipSpaces();
    return this.position < this.end;
  }

  /** How many fields are left; the cursor stays. */
  countFields(): number {
    const start = this.position;
    let count = 0;
    while (this.skipField()) count++;
    this.position = start;
    return count;
  }

  /** What is left after the one space that ends a field, as UTF-8 text; "" when nothing is. */
  rest(): string {
    const start = this.position < this.end && this.bytes[this.position] === space ? this.position + 1 : this.position;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes.subarray(start, this.end));
    const cut = text.indexOf("\r");
    // Breakpad turns stray NULs into underscores, and so no consumer ever sees one.
    return (cut < 0 ? text : text.slice(0, cut)).replaceAll("\0", "_");
  }

  private skipSpaces(): void {
    while (this.position < this.end && this.bytes[this.position] === space) this.position++;
  }

  private finish(at: number, first: number, value: number): number {
    const ended = at === this.end || this.bytes[at] === space;
    this.position = at;
    return at > first && ended && value < 2 ** 64 ? value : noNumber;
  }
}
