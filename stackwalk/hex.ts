// Numbers as the hex texts that reports carry: lower case, with 0x, padded to
// the width of a pointer, since JSON numbers lose 64 bits and people compare
// columns.
//
// A report has a thousand of them. `toString(16)` is slow for numbers that are
// no small integers, as addresses are, so texts are put together from quarters.

/** Texts of four digits, made when they are first needed. */
const quarters: (string | undefined)[] = [];

function quarter(value: number): string {
  return (quarters[value] ??= value.toString(16).padStart(4, "0"));
}

function word(value: number): string {
  return quarter(value >>> 16) + quarter(value & 0xffff);
}

/** A number from 0 to 2^53 as hex of at least `digits` digits, with 0x. */
export function hex(value: number, digits: number): string {
  const high = Math.floor(value / 0x1_0000_0000);
  if (digits === 16) return `0x${word(high)}${word(value >>> 0)}`;
  if (digits === 8 && high === 0) return `0x${word(value >>> 0)}`;
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** A 64-bit value, given as two words, as hex of at least `digits` digits, with 0x. */
export function hexWords(low: number, high: number, digits: number): string {
  if (digits === 8 && high === 0) return `0x${word(low >>> 0)}`;
  return `0x${word(high >>> 0)}${word(low >>> 0)}`;
}
