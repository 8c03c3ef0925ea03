// Reads the fields of records in a buffer whose last line is complete: a line
// feed always stops it, so that it needs no bounds. Like `RecordCursor`, which
// reads records that were cut out already, but for a whole file at a time:
// numbers are read in 32-bit arithmetic while they fit.
//
// Numbers follow Breakpad's own parser (strtoull, then a blank or the end):
// fields are separated by one or more spaces, hex may carry 0x.

/** What a numeric field returns that is missing, malformed or past 64 bits. */
export const noField = -1;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** The value of each byte as a hex digit; 255 where it is none. */
export const hexDigits: Uint8Array = makeHexDigits();

/** A position in a buffer. */
export class FieldCursor {
  /** Index of the next byte. */
  at = 0;

  /** Steps over spaces. */
  skipSpaces(bytes: Uint8Array): void {
    let at = this.at;
    while (bytes[at] === space) at++;
    this.at = at;
  }

  /** Whether the line ends here, but for spaces. */
  atEnd(bytes: Uint8Array): boolean {
    this.skipSpaces(bytes);
    const byte = bytes[this.at];
    return byte === lineFeed || byte === carriageReturn;
  }

  /** The next field as a hex number, or `noField`. */
  hex(bytes: Uint8Array): number {
    let at = this.at;
    while (bytes[at] === space) at++;
    if (bytes[at] === 0x30 && (bytes[at + 1]! | 0x20) === 0x78) at += 2;
    const first = at;
    let value = 0;
    let digit = 0;
    while ((digit = hexDigits[bytes[at]!]!) < 16) {
      value = (value << 4) | digit;
      at++;
    }
    this.at = at;
    const byte = bytes[at]!;
    if (at === first || (byte !== space && byte !== lineFeed && byte !== carriageReturn)) return noField;
    return at - first <= 8 ? value >>> 0 : longHex(bytes, first, at);
  }

  /** The next field as a decimal number, or `noField`; a negative one, which some ids are, is `noField` too. */
  decimal(bytes: Uint8Array): number {
    let at = this.at;
    while (bytes[at] === space) at++;
    const first = at;
    let value = 0;
    let digit = 0;
    while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) {
      value = value * 10 + digit;
      at++;
    }
    this.at = at;
    const byte = bytes[at]!;
    if (at === first || (byte !== space && byte !== lineFeed && byte !== carriageReturn)) return noField;
    return value < 2 ** 64 ? value : noField;
  }

  /** Steps over the field `m` (several symbols share this code) if it is next. */
  skipMultiple(bytes: Uint8Array): void {
    this.skipSpaces(bytes);
    if (bytes[this.at] === 0x6d && bytes[this.at + 1] === space) this.at += 2;
  }

  /** Steps over the next field, whatever it holds; false when there is none. */
  skipField(bytes: Uint8Array): boolean {
    this.skipSpaces(bytes);
    const start = this.at;
    let at = start;
    for (let byte = bytes[at]!; byte !== space && byte !== lineFeed && byte !== carriageReturn; byte = bytes[++at]!);
    this.at = at;
    return at > start;
  }

  /** How many fields are left; the cursor stays. */
  countFields(bytes: Uint8Array): number {
    const start = this.at;
    let count = 0;
    while (this.skipField(bytes)) count++;
    this.at = start;
    return count;
  }

  /** The rest of the line, without spaces before it. */
  text(bytes: Uint8Array): string {
    this.skipSpaces(bytes);
    const start = this.at;
    let at = start;
    for (let byte = bytes[at]!; byte !== lineFeed && byte !== carriageReturn; byte = bytes[++at]!);
    this.at = at;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString("latin1");
  }

  /** Moves past the line's end. */
  nextLine(bytes: Uint8Array): void {
    let at = this.at;
    while (bytes[at] !== lineFeed) at++;
    this.at = at + 1;
  }
}

/** A number of more than eight digits; zeros may lead. */
function longHex(bytes: Uint8Array, first: number, end: number): number {
  let value = 0;
  for (let at = first; at < end; at++) value = value * 16 + hexDigits[bytes[at]!]!;
  return value < 2 ** 64 ? value : noField;
}

function makeHexDigits(): Uint8Array {
  const digits = new Uint8Array(256).fill(255);
  for (let i = 0; i < 16; i++) {
    const digit = i.toString(16);
    digits[digit.charCodeAt(0)] = i;
    digits[digit.toUpperCase().charCodeAt(0)] = i;
  }
  return digits;
}
