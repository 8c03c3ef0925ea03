// The memory of the dead process that the dump holds: the memory lists and
// the threads' stacks as one sorted set of regions, so that every reader of
// memory goes the same way.
//
// Regions overlap in real dumps (a stack is listed by its thread and in the
// memory list; a writer adds the bytes around the instruction pointer). The
// first in the dump wins; what it leaves uncovered of later ones is kept.
//
// A full dump may list a hundred thousand regions, so places are kept in typed
// arrays and found by binary search; objects are made when asked for.
import type { ByteSource } from "./byte-source.ts";
import { countedList, type Location } from "./directory.ts";
import type { DumpMemory, MemoryRegion, MemoryView } from "./model.ts";
import { disjointPlaces, type Places } from "./region-order.ts";

const DESCRIPTOR_BYTES = 16;
/** Regions read of one dump: 24 bytes of typed arrays each. */
const REGIONS_MAX = 262_144;
/** Bytes opened at once of a region that must be read from a file: more than a stack has. */
const VIEW_BYTES_MAX = 16 * 1024 * 1024;
/** What is opened before the address then: stacks are read upwards, and code around the address. */
const VIEW_BYTES_BEFORE = 65_536;
/** Opened regions that are kept. */
const VIEWS_KEPT = 4;

/** Where memory is listed: the two kinds of list, and the stacks that threads name themselves. */
export type MemoryLists = { readonly list: Location | undefined; readonly list64: Location | undefined; readonly stacks: readonly (MemoryRegion | null)[] };

/** Finds all regions. Those that do not lie wholly in the file are left out. */
export function readMemory(source: ByteSource, lists: MemoryLists): DumpMemory {
  return new RegionMemory(source, disjointPlaces(collect(source, lists)));
}

function collect(source: ByteSource, { list, list64, stacks }: MemoryLists): Places {
  const small = list ? countedList(source, list, DESCRIPTOR_BYTES) : null;
  const large = list64 && list64.size >= 16 && source.holds(list64.rva, list64.size) ? list64 : null;
  const largeCount = large ? Math.min(source.u64(large.rva), Math.floor((large.size - 16) / DESCRIPTOR_BYTES)) : 0;
  const most = Math.min((small?.count ?? 0) + largeCount + stacks.length, REGIONS_MAX);
  const places: Places = { base: new Float64Array(most), size: new Float64Array(most), rva: new Float64Array(most), count: 0 };
  const add = (base: number, size: number, rva: number): void => {
    if (places.count >= most || size <= 0 || rva === 0 || !source.holds(rva, size)) return;
    places.base[places.count] = base;
    places.size[places.count] = size;
    places.rva[places.count++] = rva;
  };
  for (let i = 0; i < Math.min(small?.count ?? 0, REGIONS_MAX); i++) {
    const at = small!.first + i * DESCRIPTOR_BYTES;
    add(source.u64(at), source.u32(at + 8), source.u32(at + 12));
  }
  // MINIDUMP_MEMORY64_LIST says once where its bytes start; they follow each other.
  let rva = large ? source.u64(large.rva + 8) : 0;
  for (let i = 0; i < Math.min(largeCount, REGIONS_MAX); i++) {
    const at = large!.rva + 16 + i * DESCRIPTOR_BYTES;
    const size = source.u64(at + 8);
    add(source.u64(at), size, rva);
    rva += size;
    // From here on nothing can lie in the file.
    if (rva > source.size) break;
  }
  for (const stack of stacks) if (stack) add(stack.base, stack.size, stack.rva);
  return places;
}

class RegionMemory implements DumpMemory {
  readonly #source: ByteSource;
  readonly #places: Places;
  #regions: MemoryRegion[] | null = null;
  /** Opened regions, the newest last. */
  readonly #views: MemoryView[] = [];

  constructor(source: ByteSource, places: Places) {
    this.#source = source;
    this.#places = places;
  }

  get regions(): readonly MemoryRegion[] {
    const { base, size, rva, count } = this.#places;
    return (this.#regions ??= Array.from({ length: count }, (_, i) => ({ base: base[i]!, size: size[i]!, rva: rva[i]! })));
  }

  at(address: number): MemoryView | null {
    for (let i = this.#views.length - 1; i >= 0; i--) {
      const view = this.#views[i]!;
      if (address >= view.base && address < view.base + view.size) return view;
    }
    const index = this.#indexOf(address);
    return index < 0 ? null : this.#open(index, address);
  }

  /** The region that holds an address; -1 when none does. */
  #indexOf(address: number): number {
    const { base, size, count } = this.#places;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (base[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < base[low - 1]! + size[low - 1]! ? low - 1 : -1;
  }

  #open(index: number, address: number): MemoryView {
    const source = this.#source;
    let base = this.#places.base[index]!;
    let size = this.#places.size[index]!;
    let rva = this.#places.rva[index]!;
    if (size > VIEW_BYTES_MAX && !source.inMemory) {
      const skipped = Math.max(0, address - base - VIEW_BYTES_BEFORE);
      base += skipped;
      rva += skipped;
      size = Math.min(size - skipped, VIEW_BYTES_MAX);
    }
    const view = { base, size, view: source.view(rva, size), little: source.little };
    if (this.#views.length === VIEWS_KEPT) this.#views.shift();
    this.#views.push(view);
    return view;
  }
}
