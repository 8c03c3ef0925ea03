// The source lines of a module's own code, from its DEBUG_S_LINES subsections
// (cvinfo.h's CV_DebugSLinesHeader_t and what follows it):
//
//     u32 offset, u16 section, u16 flags, u32 bytes of the code      one for each contribution
//     u32 file, u32 lines, u32 bytes of the block                    one for each file in turn
//     u32 offset of the code, u32 line in the low 24 bits            one for each line
//     u16 first and u16 last column                                  as many, when flag 1 is set
//
// A contribution is a function's code, or, without /Gy and in assembly, that of
// many functions. A line holds up to the next one, the last up to the end of
// the contribution. Of several at one address the last counts: the others have
// no code.
//
// Lines 0xfeefee and 0xf00f00 tell debuggers that they shall not stop here.
// They name no place, so the line before them goes on, as in dump_syms.
//
// What inlined functions have of a contribution's code is in their own records
// (inline-sites.ts); here that code has the line of the outermost call.
import { Uint32List } from "../cache/growable-array.ts";
import type { AddressMap } from "./address-map.ts";
import { sortRows } from "./row-order.ts";
import { type ModuleFiles, findSubsections, readWord, subsection } from "./subsections.ts";

/** Words of one row as it is kept: address, line, file. */
const rowWords = 3;
/** Words of a contribution: its first address, the first after it, the number of its first row and of the first after those. */
const contributionWords = 4;
const headerBytes = 12;
const blockHeaderBytes = 12;
const columnsFlag = 1;
/** Debuggers step over the code of such lines. */
const hiddenLine = 0xf00f00;
const alwaysHiddenLine = 0xfeefee;

/** The lines of one module after the other. Addresses are the linker's. */
export class ModuleLines {
  /** Rows that are held. */
  rowCount = 0;
  private readonly addresses: AddressMap;
  private readonly files: ModuleFiles;
  private readonly rows = new Uint32List(4096 * rowWords);
  private readonly contributions = new Uint32List(1024 * contributionWords);
  private readonly found = new Uint32List(1024);

  constructor(addresses: AddressMap, files: ModuleFiles) {
    this.addresses = addresses;
    this.files = files;
  }

  /** Takes the lines of a module whose files are loaded. Returns how many contributions are damaged; what stands before the damage is used. */
  load(bytes: Buffer, start: number, end: number): number {
    const { found, contributions } = this;
    this.rows.length = 0;
    contributions.length = 0;
    found.length = 0;
    findSubsections(bytes, start, end, subsection.lines, found);
    let damaged = 0;
    let isSorted = true;
    let last = 0;
    for (let i = 0; i < found.length; i += 2) {
      const at = contributions.length;
      if (!this.takeContribution(bytes, found.data[i]!, found.data[i + 1]!)) damaged++;
      if (contributions.length === at) continue;
      if (contributions.data[at]! < last) isSorted = false;
      last = contributions.data[at]!;
    }
    if (!isSorted) this.sortContributions();
    this.rowCount = this.rows.length / rowWords;
    return damaged;
  }

  /** Appends to `into` the rows of a range of addresses, as line-rows.ts has them: address, bytes, line, file. Returns how many words it went through for that. */
  copyRows(start: number, end: number, into: Uint32List): number {
    const { data, length } = this.contributions;
    const count = length / contributionWords;
    let at = firstAtOrAfter(data, 0, contributionWords, count, start);
    if (at === count || data[at * contributionWords]! > start) {
      // The one before may reach here. Of folded functions several have one address; the first has the name, and so the lines.
      if (at > 0) at = firstAtOrAfter(data, 0, contributionWords, at, data[(at - 1) * contributionWords]!);
    }
    let floor = start;
    const first = at;
    for (; at < count && data[at * contributionWords]! < end; at++) {
      const stop = Math.min(end, data[at * contributionWords + 1]!);
      if (stop <= floor) continue;
      this.copyContribution(at * contributionWords, floor, stop, into);
      floor = stop;
    }
    return (at - first) * contributionWords + into.length;
  }

  private copyContribution(word: number, start: number, end: number, into: Uint32List): void {
    const from = this.contributions.data[word + 2]!;
    const to = this.contributions.data[word + 3]!;
    const rows = this.rows.data;
    let row = from + firstAtOrAfter(rows, from * rowWords, rowWords, to - from, start);
    if (row > from && (row === to || rows[row * rowWords]! > start)) row--;
    into.reserve((to - row) * 4);
    const { data } = into;
    let { length } = into;
    for (; row < to; row++) {
      const at = row * rowWords;
      let first = rows[at]!;
      if (first >= end) break;
      let next = row + 1 < to ? rows[at + rowWords]! : end;
      if (next > end) next = end;
      if (first < start) first = start;
      if (next <= first) continue;
      data[length] = first;
      data[length + 1] = next - first;
      data[length + 2] = rows[at + 1]!;
      data[length + 3] = rows[at + 2]!;
      length += 4;
    }
    into.length = length;
  }

  /** Takes one subsection; false when it is damaged. */
  private takeContribution(bytes: Buffer, start: number, end: number): boolean {
    if (start + headerBytes > end) return false;
    const section = bytes[start + 4]! | (bytes[start + 5]! << 8);
    const lineBytes = ((bytes[start + 6]! | (bytes[start + 7]! << 8)) & columnsFlag) === 0 ? 8 : 12;
    const first = this.addresses.linkedRva(section, readWord(bytes, start));
    // Code that the linker threw away has no section.
    if (first < 0) return section === 0;
    const stop = Math.min(first + readWord(bytes, start + 8), 0xffffffff);
    const { rows } = this;
    const firstRow = rows.length / rowWords;
    let at = start + headerBytes;
    let last = 0;
    let isSorted = true;
    let isWhole = true;
    while (at + blockHeaderBytes <= end) {
      const lines = readWord(bytes, at + 4);
      const blockEnd = at + readWord(bytes, at + 8);
      if (blockEnd > end || at + blockHeaderBytes + lines * lineBytes > blockEnd) {
        isWhole = false;
        break;
      }
      const file = this.files.fileAt(readWord(bytes, at));
      at += blockHeaderBytes;
      rows.reserve(lines * rowWords);
      const data = rows.data;
      let length = rows.length;
      for (let i = 0; i < lines; i++, at += 8) {
        const line = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16);
        if (line === hiddenLine || line === alwaysHiddenLine) continue;
        const address = first + readWord(bytes, at);
        if (address >= stop) continue;
        if (address < last) isSorted = false;
        last = address;
        data[length] = address;
        data[length + 1] = line;
        data[length + 2] = file;
        length += rowWords;
      }
      rows.length = length;
      at = blockEnd;
    }
    const endRow = rows.length / rowWords;
    if (endRow === firstRow) return isWhole;
    if (!isSorted) sortRows(rows.data.subarray(firstRow * rowWords, endRow * rowWords), rowWords);
    const { contributions } = this;
    contributions.push(first);
    contributions.push(stop);
    contributions.push(firstRow);
    contributions.push(endRow);
    return isWhole;
  }

  private sortContributions(): void {
    sortRows(this.contributions.data.subarray(0, this.contributions.length), contributionWords);
  }
}

/** Number of the first of some rows, which begin at `base`, whose first word is not below an address; `count` when there is none. */
function firstAtOrAfter(rows: Uint32Array, base: number, words: number, count: number, address: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[base + middle * words]! < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
