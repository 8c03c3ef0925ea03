// Finding an address in a sorted array. A binary search over a hundred
// thousand entries misses the processor's cache at nearly every step; an index
// that says for each page of addresses where it begins in the array leaves two
// or three steps, next to each other (measured: 1.8 to 3.5 times faster; an
// Eytzinger layout was slower than the plain search in V8). The search itself is
// in symbol-cache.ts, which sees to it that what it searches was read.
//
// The index is a Uint32Array: the page's size as a power of two, then for each
// page up to that of the last entry the position of the first entry in or
// after it, then the number of entries.

/** Entries a page should hold on average. */
const perPage = 2;

/** Makes the index of an array of ascending addresses. */
export function buildPageIndex(starts: Uint32Array): Uint32Array {
  const count = starts.length;
  if (count === 0) return new Uint32Array(0);
  const last = starts[count - 1]!;
  let shift = 4;
  while (shift < 31 && last >>> shift > count / perPage) shift++;
  const pages = (last >>> shift) + 1;
  const index = new Uint32Array(pages + 2);
  index[0] = shift;
  let at = 0;
  for (let page = 0; page < pages; page++) {
    while (at < count && starts[at]! >>> shift < page) at++;
    index[page + 1] = at;
  }
  index[pages + 1] = count;
  return index;
}
