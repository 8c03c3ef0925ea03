// Sorting regions by address and cutting away what overlaps.

/** Regions as three columns; entries from `count` on are unused. */
export type Places = { base: Float64Array; size: Float64Array; rva: Float64Array; count: number };

/** The same bytes of memory by ascending address, each address at most once: where regions overlap, the one that stood first keeps them. May change and return its argument. */
export function disjointPlaces(places: Places): Places {
  const { base, size, count } = places;
  let sorted = true;
  for (let i = 1; i < count && sorted; i++) sorted = base[i - 1]! + size[i - 1]! <= base[i]!;
  if (sorted) return places;
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => base[a]! - base[b]! || a - b);
  let disjoint = true;
  for (let i = 1; i < count && disjoint; i++) disjoint = base[order[i - 1]!]! + size[order[i - 1]!]! <= base[order[i]!]!;
  return disjoint ? permuted(places, order) : swept(places, order);
}

function permuted({ base, size, rva, count }: Places, order: readonly number[]): Places {
  const take = (from: Float64Array): Float64Array => Float64Array.from(order, (i) => from[i]!);
  return { base: take(base), size: take(size), rva: take(rva), count };
}

// A sweep over all starts and ends: of the regions that are open, the one that
// stood first in the dump owns the addresses up to the next start or end. A
// heap of the open ones keeps this at n log n, whatever a hostile list holds.
function swept({ base, size, rva, count }: Places, order: readonly number[]): Places {
  const ends = Float64Array.from({ length: count }, (_, i) => base[i]! + size[i]!).sort();
  const most = 2 * count;
  const out: Places = { base: new Float64Array(most), size: new Float64Array(most), rva: new Float64Array(most), count: 0 };
  const open: number[] = [];
  let nextStart = 0;
  let nextEnd = 0;
  let owner = -1;
  while (nextEnd < count) {
    const start = nextStart < count ? base[order[nextStart]!]! : Infinity;
    const here = Math.min(start, ends[nextEnd]!);
    while (nextStart < count && base[order[nextStart]!] === here) push(open, order[nextStart++]!);
    while (nextEnd < count && ends[nextEnd] === here) nextEnd++;
    while (open.length > 0 && base[open[0]!]! + size[open[0]!]! <= here) pop(open);
    const first = open[0] ?? -1;
    if (first === owner) continue;
    if (owner >= 0) closeLast(out, here);
    owner = first;
    if (first < 0) continue;
    out.base[out.count] = here;
    out.rva[out.count++] = rva[first]! + (here - base[first]!);
  }
  return out;
}

function closeLast(out: Places, end: number): void {
  const last = out.count - 1;
  out.size[last] = end - out.base[last]!;
}

/** Adds to a heap whose smallest number comes first. */
function push(heap: number[], value: number): void {
  let i = heap.push(value) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = value;
}

/** Takes the smallest number off such a heap, which has one. */
function pop(heap: number[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = last;
}
