// Rows of words in order of their first word.

/** Rows that one key can number: an address of 32 bits and their place make a whole number that a double holds. */
const keyedMax = 1 << 20;
let keys = new Float64Array(1024);
let copy = new Uint32Array(4096);

/** Puts rows in order of their first word; those with the same stay as they were. */
export function sortRows(rows: Uint32Array, words: number): void {
  const count = rows.length / words;
  if (count > keyedMax) {
    sortMany(rows, words, count);
    return;
  }
  if (count > keys.length) keys = new Float64Array(count * 2);
  if (rows.length > copy.length) copy = new Uint32Array(rows.length * 2);
  // Numbers sort several times faster than places that a function compares.
  for (let i = 0; i < count; i++) keys[i] = rows[i * words]! * keyedMax + i;
  keys.subarray(0, count).sort();
  copy.set(rows);
  for (let i = 0; i < count; i++) {
    const from = (keys[i]! % keyedMax) * words;
    for (let k = 0; k < words; k++) rows[i * words + k] = copy[from + k]!;
  }
}

function sortMany(rows: Uint32Array, words: number, count: number): void {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => rows[a * words]! - rows[b * words]! || a - b);
  const unsorted = rows.slice();
  for (let i = 0; i < count; i++) {
    const from = order[i]! * words;
    for (let k = 0; k < words; k++) rows[i * words + k] = unsorted[from + k]!;
  }
}
