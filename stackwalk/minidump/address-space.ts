// The address space of the dead process: which addresses were mapped, and what
// could be done with them. Windows tells by the memory info list, Linux by the
// text of /proc/PID/maps.
import type { ByteSource } from "./byte-source.ts";
import { extendedList, type Location } from "./directory.ts";
import { readLinuxMaps } from "./linux-maps.ts";
import type { AddressSpace, MappedRange } from "./model.ts";

const INFO_BYTES = 48;
/** Records read of one dump. */
const RANGES_MAX = 131_072;

// Values of MINIDUMP_MEMORY_INFO.State and .Protect (winnt.h).
const MEM_COMMIT = 0x1000;
const MEM_RESERVE = 0x2000;
const PAGE_GUARD = 0x100;
/** READONLY, READWRITE, EXECUTE_READ, EXECUTE_READWRITE; copy-on-write pages are left out as rust-minidump does. */
const READABLE = 0x66;
/** READWRITE, WRITECOPY, EXECUTE_READWRITE, EXECUTE_WRITECOPY. */
const WRITABLE = 0xcc;
/** All EXECUTE kinds. */
const EXECUTABLE = 0xf0;

/** Reads what the dump says of its address space, Windows' list first; null when it says nothing. */
export function readAddressSpace(source: ByteSource, infoList: Location | undefined, maps: Location | undefined): AddressSpace | null {
  if (infoList && source.holds(infoList.rva, infoList.size)) return space("memory_info", readMemoryInfo(source, infoList));
  if (maps && source.holds(maps.rva, maps.size)) return space("linux_maps", readLinuxMaps(source, maps, RANGES_MAX));
  return null;
}

function readMemoryInfo(source: ByteSource, stream: Location): MappedRange[] {
  const list = extendedList(source, stream, INFO_BYTES);
  const ranges: MappedRange[] = [];
  // The count has 64 bits here, of which files need the lower half.
  const count = list && stream.size >= 16 ? Math.min(Math.floor((stream.rva + stream.size - list.first) / list.stride), source.u64(stream.rva + 8), RANGES_MAX) : 0;
  for (let i = 0; i < count; i++) {
    const at = list!.first + i * list!.stride;
    const state = source.u32(at + 32);
    const protection = source.u32(at + 36);
    ranges.push({
      base: source.u64(at),
      size: source.u64(at + 24),
      readable: (protection & READABLE) !== 0,
      writable: (protection & WRITABLE) !== 0,
      executable: (protection & EXECUTABLE) !== 0,
      guard: (protection & PAGE_GUARD) !== 0 || state === MEM_RESERVE,
      committed: state === MEM_COMMIT,
      name: null,
    });
  }
  return ranges;
}

/** Sorts ranges and drops those that overlap one that starts before them, as rust-minidump does. */
function space(from: AddressSpace["source"], listed: readonly MappedRange[]): AddressSpace {
  const ranges: MappedRange[] = [];
  let end = -1;
  for (const range of inOrder(listed)) {
    if (range.size <= 0 || range.base < end) continue;
    ranges.push(range);
    end = range.base + range.size;
  }
  return { source: from, ranges, at: (address) => rangeAt(ranges, address) };
}

/** Lists are sorted by nature; only odd ones are copied and sorted. */
function inOrder(ranges: readonly MappedRange[]): readonly MappedRange[] {
  for (let i = 1; i < ranges.length; i++) if (ranges[i]!.base < ranges[i - 1]!.base) return ranges.toSorted((a, b) => a.base - b.base);
  return ranges;
}

function rangeAt(ranges: readonly MappedRange[], address: number): MappedRange | null {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.base <= address) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low - 1];
  return range && address < range.base + range.size ? range : null;
}
