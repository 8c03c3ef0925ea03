// Rows of words in order of their first word.

/** Rows that one key can number: an address of 32 bits and their place make a whole number that a double holds. */
const keyedMax = 1 << 20;
let keys = new Float64Array(1024);
let copy = new Uint32Array(4096);

/** Puts rows in order of their first word; those with the same stay as they were. */
export function sortRows(rows: Uint32Array, words: number): void {
  const count = rows.length / words;
  if (rows.length > copy.length) copy = new Uint32Array(rows.length * 2);
  copy.set(rows);
  if (count > keyedMax) {
    const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => copy[a * words]! - copy[b * words]! || a - b);
    for (let i = 0; i < count; i++) copyRow(rows, i * words, order[i]! * words, words);
    return;
  }
  if (count > keys.length) keys = new Float64Array(count * 2);
  makeKeys(rows, words, count);
  // Numbers sort several times faster than places that a function compares.
  keys.subarray(0, count).sort();
  takeOrder(rows, words, count);
}

function makeKeys(rows: Uint32Array, words: number, count: number): void {
  for (let i = 0; i < count; i++) keys[i] = rows[i * words]! * keyedMax + i;
}

function takeOrder(rows: Uint32Array, words: number, count: number): void {
  for (let i = 0; i < count; i++) {
    // What the address leaves: dividing by a power of two is exact, and faster than a remainder.
    const key = keys[i]!;
    copyRow(rows, i * words, ((key - Math.floor(key / keyedMax) * keyedMax) | 0) * words, words);
  }
}

function copyRow(rows: Uint32Array, at: number, from: number, words: number): void {
  for (let k = 0; k < words; k++) rows[at + k] = copy[from + k]!;
}
