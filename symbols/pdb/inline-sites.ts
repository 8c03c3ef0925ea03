// What was inlined into a function: S_INLINESITE records, nested as the calls
// are. A site has the id of the function that it is a call of, and a small
// program ("binary annotations") that says which code is the callee's, and
// which lines that code has:
//
//     op    numbers                 what it does (cvinfo.h's BinaryAnnotationOpcode)
//     1     offset                  the code's offset becomes this
//     2     chunk                   offsets are from another separated part on
//     3     step                    the offset grows, and a row begins there
//     4     bytes                   the row that is open ends after so many, and the offset is there
//     5     file                    for rows from here on
//     6     signed step             of the line, for rows from here on
//     7-10, 13                      ends of lines, kinds, columns: not used
//     11    line step << 4 | step   like 6 and 3
//     12    bytes, step             like 3, but the row ends after so many bytes
//
// Numbers take one, two or four bytes, the highest bits of the first telling
// which; signed ones have their sign in bit 0. A row without end goes on to the
// next one. Offsets are from the function's start on, lines from the one that
// the callee is declared on.
//
// Steps for each function, when all its sites have been taken (`compose`):
//
//  1. The rows that its own lines have are the first layer; they name the
//     outermost calls where something was inlined.
//  2. Depth by depth, the rows of the sites replace those of the layer below.
//     What they replace is the line of their call: that is llvm-symbolizer's
//     rule, whose answer for a caller is the caller's line at the very address.
//     A site's range is cut only where that line changes.
//
// Code between the rows of a site is not the callee's, and keeps what the layer
// below says. A chunk other than the function's own (op 2) ends a program:
// which part it counts is not known, and separated code has sites of its own.
import { Uint32List } from "../cache/growable-array.ts";
import { INLINE_WORDS, inlineDepth } from "../cache/inline-tree.ts";
import { ROW_WORDS } from "../cache/line-rows.ts";
import { sortRows } from "./row-order.ts";
import type { ModuleFiles } from "./subsections.ts";

/** Words of one row of a site: first address, first after it, line, file, number of its site. */
const siteRowWords = 5;
/** An address that no row reaches. */
const openEnd = 0xffffffff;
const lineMax = 0x7fffffff;

/** The sites of one function after the other. Addresses are the linker's. */
export class InlineSites {
  /** How many sites the function has. */
  count = 0;
  /** What `compose` made: rows and ranges as line-rows.ts and inline-tree.ts have them. */
  readonly ranges = new Uint32List(256 * INLINE_WORDS);
  /** Words that `compose` went through; it is linear in them. */
  work = 0;
  /** By depth: rows of sites. */
  private readonly layers: Uint32List[] = [];
  private depths = 0;
  /** By site: the builder's number of its callee's name. */
  private readonly origins = new Uint32List(256);
  private readonly files: ModuleFiles;
  private readonly spare = new Uint32List(256 * ROW_WORDS);
  /** The site of the last range. */
  private lastSite = -1;

  /** `files` are those of the module that is read. */
  constructor(files: ModuleFiles) {
    this.files = files;
  }

  /** Forgets the function. */
  clear(): void {
    this.count = 0;
    this.origins.length = 0;
    for (let depth = 0; depth < this.depths; depth++) this.layers[depth]!.length = 0;
    this.depths = 0;
  }

  /** Takes a site: its depth from 0 on, the address that its offsets count from, its callee's name, file and line, and its program. False when it is too deep, or when the program is damaged or ends in another part; what stands before counts. */
  take(depth: number, base: number, origin: number, file: number, line: number, bytes: Buffer, start: number, end: number): boolean {
    if (depth >= inlineDepth) return false;
    while (this.layers.length <= depth) this.layers.push(new Uint32List(64 * siteRowWords));
    if (depth >= this.depths) this.depths = depth + 1;
    const site = this.count++;
    this.origins.push(origin);
    const rows = this.layers[depth]!;
    let at = start;
    let code = base;
    let rowFile = file;
    let rowLine = line;
    /** Where in the list the row stands that has no end yet; -1 when there is none. */
    let open = -1;
    while (at < end) {
      const op = bytes[at++]!;
      // Padding.
      if (op === 0) break;
      const first = bytes[at]!;
      const width = first < 0x80 ? 1 : first < 0xc0 ? 2 : 4;
      if (op > 13 || first >= 0xe0 || at + width > end) return false;
      const value = width === 1 ? first : width === 2 ? ((first & 0x3f) << 8) | bytes[at + 1]! : ((first & 0x1f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      at += width;
      let bytesOfRow = -1;
      let step = -1;
      switch (op) {
        case 1:
          code = base + value;
          continue;
        case 2:
          if (value !== 0) return false;
          continue;
        case 3:
          step = value;
          break;
        case 4:
          // A row without bytes is none.
          if (open >= 0 && value === 0 && code === rows.data[open]) rows.length = open;
          else if (open >= 0) rows.data[open + 1] = Math.min(code + value, openEnd);
          open = -1;
          code += value;
          continue;
        case 5:
          rowFile = this.files.fileAt(value);
          continue;
        case 6:
          rowLine += signed(value);
          continue;
        case 11:
          step = value & 15;
          rowLine += signed(value >>> 4);
          break;
        case 12: {
          const second = bytes[at]!;
          const secondWidth = second < 0x80 ? 1 : second < 0xc0 ? 2 : 4;
          if (second >= 0xe0 || at + secondWidth > end) return false;
          step = secondWidth === 1 ? second : secondWidth === 2 ? ((second & 0x3f) << 8) | bytes[at + 1]! : ((second & 0x1f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
          at += secondWidth;
          bytesOfRow = value;
          break;
        }
        default:
          continue;
      }
      code += step;
      if (code >= openEnd) return false;
      if (open >= 0 && code === rows.data[open]) rows.length = open;
      else if (open >= 0) rows.data[open + 1] = code;
      open = -1;
      if (bytesOfRow === 0) continue;
      const word = rows.length;
      if (word + siteRowWords > rows.data.length) rows.reserve(siteRowWords);
      const { data } = rows;
      data[word] = code;
      data[word + 1] = bytesOfRow < 0 ? openEnd : Math.min(code + bytesOfRow, openEnd);
      data[word + 2] = rowLine >= 0 && rowLine <= lineMax ? rowLine : 0;
      data[word + 3] = rowFile;
      data[word + 4] = site;
      rows.length = word + siteRowWords;
      if (bytesOfRow < 0) open = word;
    }
    return true;
  }

  /** Lays the sites over the rows of a part of the function, from `start` to `end`: `rows` become those of the innermost callees, and `ranges` what was inlined there. Returns the list that has the rows, `rows` or another. */
  compose(rows: Uint32List, start: number, end: number): Uint32List {
    const { ranges } = this;
    ranges.length = 0;
    this.lastSite = -1;
    this.work = rows.length;
    let below = rows;
    let outer = 0;
    for (let depth = 0; depth < this.depths; depth++) {
      const layer = this.layers[depth]!;
      if (!isSorted(layer)) sortRows(layer.data.subarray(0, layer.length), siteRowWords);
      const above = below === this.spare ? rows : this.spare;
      const outerEnd = ranges.length;
      this.overlay(depth, below, above, outer, outerEnd, start, end);
      this.work += layer.length + above.length;
      outer = outerEnd;
      below = above;
      // What lies in nothing is nowhere.
      if (ranges.length === outerEnd) break;
    }
    return below;
  }

  /** Writes into `above` the rows of `below` with those of a depth instead of them, and into `ranges` where those are. A site lies in what was inlined around it: in the ranges from `outer` to `outerEnd`. */
  private overlay(depth: number, below: Uint32List, above: Uint32List, outer: number, outerEnd: number, start: number, end: number): void {
    above.length = 0;
    const rows = this.layers[depth]!.data;
    const count = this.layers[depth]!.length / siteRowWords;
    let around = outer;
    let lower = 0;
    let place = start;
    for (let i = 0; i < count; i++) {
      const word = i * siteRowWords;
      let first = Math.max(rows[word]!, place);
      // A row that reaches into the next one ends there.
      const next = i + 1 < count ? rows[word + siteRowWords]! : end;
      const stop = Math.min(rows[word + 1]!, next, end);
      while (first < stop) {
        let partEnd = stop;
        if (depth > 0) {
          const data = this.ranges.data;
          while (around < outerEnd && data[around + 1]! + data[around + 2]! <= first) around += INLINE_WORDS;
          if (around === outerEnd) break;
          first = Math.max(first, data[around + 1]!);
          partEnd = Math.min(stop, data[around + 1]! + data[around + 2]!);
          if (first >= partEnd) break;
        }
        lower = copyRows(below, lower, place, first, above);
        pushRow(above, first, partEnd, rows[word + 2]!, rows[word + 3]!);
        lower = this.addRanges(depth, below, lower, first, partEnd, rows[word + 4]!);
        place = partEnd;
        first = partEnd;
      }
    }
    copyRows(below, lower, place, end, above);
  }

  /** Adds the ranges of a site between two addresses, one for each line that is below. Returns where in `below` the first row is that reaches beyond. */
  private addRanges(depth: number, below: Uint32List, lower: number, first: number, stop: number, site: number): number {
    const { data, length } = below;
    let at = lower;
    let place = first;
    for (; at < length; at += ROW_WORDS) {
      const rowStart = data[at]!;
      const rowEnd = rowStart + data[at + 1]!;
      if (rowEnd <= place) continue;
      if (rowStart >= stop) break;
      if (rowStart > place) this.addRange(depth, place, rowStart, -1, 0, site);
      const partEnd = Math.min(rowEnd, stop);
      this.addRange(depth, Math.max(rowStart, place), partEnd, data[at + 2]!, data[at + 3]!, site);
      place = partEnd;
      if (rowEnd > stop) break;
    }
    if (place < stop) this.addRange(depth, place, stop, -1, 0, site);
    return at;
  }

  /** Adds a range, or makes the last one longer where nothing changes. Line -1, which is that of code without a row below, changes nothing. */
  private addRange(depth: number, start: number, end: number, line: number, file: number, site: number): void {
    const { ranges } = this;
    const last = ranges.length - INLINE_WORDS;
    let { data } = ranges;
    if (this.lastSite === site && start === data[last + 1]! + data[last + 2]! && (line < 0 || (data[last + 3] === line && data[last + 4] === file))) {
      data[last + 2] = end - data[last + 1]!;
      return;
    }
    this.lastSite = site;
    const word = ranges.length;
    if (word + INLINE_WORDS > data.length) {
      ranges.reserve(INLINE_WORDS);
      data = ranges.data;
    }
    data[word] = depth;
    data[word + 1] = start;
    data[word + 2] = end - start;
    data[word + 3] = line < 0 ? 0 : line;
    data[word + 4] = file;
    data[word + 5] = this.origins.data[site]!;
    ranges.length = word + INLINE_WORDS;
  }
}

/** Appends the rows of a list, from the one at `at` on, as far as they lie between two addresses. Returns where the first one is that reaches beyond. */
function copyRows(from: Uint32List, at: number, start: number, end: number, into: Uint32List): number {
  const { data, length } = from;
  let word = at;
  for (; word < length; word += ROW_WORDS) {
    const rowStart = Math.max(data[word]!, start);
    const rowEnd = data[word]! + data[word + 1]!;
    if (rowStart >= end) break;
    if (rowEnd > rowStart) pushRow(into, rowStart, Math.min(rowEnd, end), data[word + 2]!, data[word + 3]!);
    if (rowEnd > end) break;
  }
  return word;
}

function pushRow(rows: Uint32List, start: number, end: number, line: number, file: number): void {
  const at = rows.length;
  if (at + ROW_WORDS > rows.data.length) rows.reserve(ROW_WORDS);
  const { data } = rows;
  data[at] = start;
  data[at + 1] = end - start;
  data[at + 2] = line;
  data[at + 3] = file;
  rows.length = at + ROW_WORDS;
}

function isSorted(rows: Uint32List): boolean {
  const { data, length } = rows;
  for (let word = siteRowWords; word < length; word += siteRowWords) if (data[word]! < data[word - siteRowWords]!) return false;
  return true;
}

/** The number whose sign is in bit 0. */
function signed(value: number): number {
  return value & 1 ? -(value >>> 1) : value >>> 1;
}
