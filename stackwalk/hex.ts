// Numbers as the hex texts that reports carry: lower case, with 0x, padded to
// the width of a pointer, since JSON numbers lose 64 bits and people compare
// columns.

const zeros = "0000000000000000";

/** A number below 2^53 as hex of at least `digits` digits, with 0x. */
export function hex(value: number, digits: number): string {
  const text = value.toString(16);
  return text.length >= digits ? `0x${text}` : `0x${zeros.slice(text.length, digits)}${text}`;
}

/** A 64-bit value, given as two words, as hex of at least `digits` digits, with 0x. */
export function hexWords(low: number, high: number, digits: number): string {
  if (high >>> 0 < 0x0020_0000) return hex((high >>> 0) * 0x1_0000_0000 + (low >>> 0), digits);
  return `0x${(high >>> 0).toString(16).padStart(8, "0")}${(low >>> 0).toString(16).padStart(8, "0")}`;
}
