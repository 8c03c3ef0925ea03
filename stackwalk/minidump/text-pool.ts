// Texts of one list, decoded together. A Mac process has five hundred modules
// with three texts each, and asking V8 for a string costs more than reading
// the bytes: so the characters of all are gathered first, become one string,
// and each text is a slice of it.
//
//   const pool = new TextPool();
//   const tickets = places.map((at) => pool.string(source, at));
//   pool.seal();
//   const texts = tickets.map((ticket) => pool.text(ticket));
//
// Slices keep the one string alive, which holds nothing but them.
import { TEXT_MAX, type ByteSource } from "./byte-source.ts";

/** A text of a pool: start and length of ASCII ones in one number, the place among the others as a negative one. */
export type Ticket = number;

/** No text at all. */
export const noText: Ticket = 0;

/** More than the length of any text. */
const LENGTHS = 2 * TEXT_MAX;
const digits = Buffer.from("0123456789ABCDEF0123456789abcdef");

/** Bytes of characters kept between pools; a hostile list may need more for once. */
const KEPT_BYTES = 262_144;
// Nothing else runs between the first text of a pool and its sealing.
let shared = Buffer.alloc(KEPT_BYTES);

/** Gathers texts, then gives them out. One pool is filled at a time. */
export class TextPool {
  #used = 0;
  #whole = "";
  readonly #others: string[] = [];

  /** Adds a MINIDUMP_STRING; `noText` when it is not in the file. */
  string(source: ByteSource, at: number): Ticket {
    if (at === 0 || !source.holds(at, 4)) return noText;
    const units = Math.min(source.u32(at) >>> 1, TEXT_MAX);
    return source.holds(at + 4, units * 2) ? this.utf16(source, at + 4, units) : noText;
  }

  /** Adds UTF-16 text, as `ByteSource.utf16` reads it. */
  utf16(source: ByteSource, at: number, units: number): Ticket {
    this.#makeRoom(TEXT_MAX);
    const length = source.copyAscii16(at, units, shared, this.#used);
    return length < 0 ? this.#other(source.utf16(at, units)) : this.#take(length);
  }

  /** Adds UTF-8 text, as `ByteSource.utf8` reads it. */
  utf8(source: ByteSource, at: number, length: number): Ticket {
    this.#makeRoom(TEXT_MAX);
    const copied = source.copyAscii8(at, length, shared, this.#used);
    return copied < 0 ? this.#other(source.utf8(at, length)) : this.#take(copied);
  }

  /** Starts a text of hex digits, to be added by `hex` and ended by `end`. */
  begin(): number {
    this.#makeRoom(TEXT_MAX);
    return this.#used;
  }

  /** Adds the `count` last digits of a number, in upper or lower case. */
  hex(value: number, count: number, upper: boolean): void {
    const table = upper ? 0 : 16;
    let rest = value;
    for (let i = this.#used + count - 1; i >= this.#used; i--) {
      shared[i] = digits[table + (rest & 15)]!;
      rest >>>= 4;
    }
    this.#used += count;
  }

  /** Ends the text that was begun at `start`. */
  end(start: number): Ticket {
    return start * LENGTHS + (this.#used - start);
  }

  /** Makes the one string; nothing can be added after. */
  seal(): void {
    this.#whole = shared.toString("latin1", 0, this.#used);
    if (shared.length > KEPT_BYTES) shared = Buffer.alloc(KEPT_BYTES);
  }

  /** The text of a ticket. */
  text(ticket: Ticket): string {
    if (ticket < 0) return this.#others[-ticket - 1]!;
    const start = Math.floor(ticket / LENGTHS);
    return this.#whole.slice(start, start + (ticket - start * LENGTHS));
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes > shared.length) shared = Buffer.concat([shared, Buffer.alloc(shared.length)]);
  }

  #take(length: number): Ticket {
    this.#used += length;
    return this.end(this.#used - length);
  }

  #other(text: string): Ticket {
    this.#others.push(text);
    return -this.#others.length;
  }
}

/** True when a ticket stands for a text of no characters. */
export function isEmpty(ticket: Ticket): boolean {
  return ticket >= 0 && ticket % LENGTHS === 0;
}
