// The text of a name as it grows, in bytes, with what printing must remember.
import { texts } from "./texts.ts";

/** Bytes of the longest text that is given; a longer one is no use to a reader, and a hostile name has no end. */
export const OUTPUT_BYTES_MAX = 1 << 17;
/** Nodes printed for one name. */
const STEPS_MAX = 200_000;
/** Nested nodes that are printed; substitutions can nest deeper than the grammar. */
const PRINT_DEPTH_MAX = 400;

/** No expansion is being printed. */
export const OUTSIDE = -1;
/** An expansion is being printed whose pack is not found yet. */
export const SEARCHING = -2;
/** A fold is being printed, which shows all elements at once. */
export const WHOLE = -3;

/** The growing text. */
export class Output {
  bytes = new Uint8Array(4096);
  length = 0;
  failed = false;
  /** Index of the element that a pack stands for; or OUTSIDE, SEARCHING, WHOLE. */
  packIndex = OUTSIDE;
  /** Elements of the pack that the expansion found; -1 before. */
  packCount = -1;
  /** Over 0 inside the signature of a lambda. */
  lambdaDepth = 0;
  /** Number of the encoding being printed. */
  scope = 0;
  /** Inside a substitution from another encoding: its template parameters are looked up by number. */
  isForeign = false;
  /** The list of arguments of the function being printed. */
  scopeStart = 0;
  scopeCount = 0;
  private steps = 0;
  private depth = 0;

  /** Starts a new text. */
  start(): void {
    this.length = 0;
    this.failed = false;
    this.packIndex = OUTSIDE;
    this.packCount = -1;
    this.lambdaDepth = 0;
    this.scope = 0;
    this.isForeign = false;
    this.scopeStart = 0;
    this.scopeCount = 0;
    this.steps = 0;
    this.depth = 0;
  }

  /** Enters a node; false when the name is too much, and then nothing more is printed. */
  enter(): boolean {
    if (this.failed || ++this.steps > STEPS_MAX || this.depth >= PRINT_DEPTH_MAX) {
      this.failed = true;
      return false;
    }
    this.depth++;
    return true;
  }

  /** Leaves a node that was entered. */
  leave(): void {
    this.depth--;
  }

  /** The last byte, or 0. */
  last(): number {
    return this.length === 0 ? 0 : this.bytes[this.length - 1]!;
  }

  /** Appends one byte. */
  byte(value: number): void {
    if (this.length >= this.bytes.length && !this.grow(1)) return;
    this.bytes[this.length++] = value;
  }

  /** Appends a numbered text. */
  text(number: number): void {
    const from = texts[number]!;
    this.slice(from, 0, from.length);
  }

  /** Appends `count` bytes of `from`. */
  slice(from: Uint8Array, start: number, count: number): void {
    if (this.length + count > this.bytes.length && !this.grow(count)) return;
    const bytes = this.bytes;
    const at = this.length;
    for (let i = 0; i < count; i++) bytes[at + i] = from[start + i]!;
    this.length = at + count;
  }

  /** Appends a text of ASCII. */
  ascii(value: string): void {
    if (this.length + value.length > this.bytes.length && !this.grow(value.length)) return;
    for (let i = 0; i < value.length; i++) this.bytes[this.length + i] = value.charCodeAt(i);
    this.length += value.length;
  }

  /** Appends a number that is not negative. */
  number(value: number): void {
    if (value >= 10) this.number(Math.floor(value / 10));
    this.byte(0x30 + (value % 10));
  }

  private grow(count: number): boolean {
    if (this.length + count > OUTPUT_BYTES_MAX) {
      this.failed = true;
      return false;
    }
    const larger = new Uint8Array(Math.min(OUTPUT_BYTES_MAX, Math.max(this.bytes.length * 2, this.length + count)));
    larger.set(this.bytes);
    this.bytes = larger;
    return true;
  }
}

/** The text that all names use. */
export const output = new Output();

let shared = Buffer.from(output.bytes.buffer);

/** The text as a string. */
export function copyOfOutput(): string {
  if (shared.buffer !== output.bytes.buffer) shared = Buffer.from(output.bytes.buffer);
  const { bytes, length } = output;
  for (let i = 0; i < length; i++) if (bytes[i]! > 0x7f) return shared.toString("utf8", 0, length);
  return shared.toString("latin1", 0, length);
}
