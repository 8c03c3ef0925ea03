// Gives a module's functions to the builder: name, range, lines and what was
// inlined, from what the other readers of the module have collected.
//
// The linker folds functions whose code is the same (/OPT:ICF), so that several
// records have one address. Any of them may have been called; the first one
// counts, which is llvm-symbolizer's choice too, and the others are counted as
// `foldedFunction`. A public symbol at the address becomes the function's
// spelling for the linker only when it names the same function.
//
// Where code was moved after linking (address-map.ts), a function becomes as
// many functions as it has pieces, of the same name.
//
// Bytes of parameters on the stack (x86) are those of the public symbol's
// decoration. The types would tell more of them, but frame data (frame-data.ts)
// says it of nearly every function, and is asked first.
import { Uint32List } from "../cache/growable-array.ts";
import { INLINE_WORDS } from "../cache/inline-tree.ts";
import { ROW_WORDS } from "../cache/line-rows.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { AddressSet } from "./address-set.ts";
import type { AddressMap } from "./address-map.ts";
import type { FunctionNames } from "./function-names.ts";
import type { InlineSites } from "./inline-sites.ts";
import type { ModuleLines } from "./line-table.ts";
import type { Publics } from "./publics.ts";

const colon = 0x3a;
const underscore = 0x5f;
const questionMark = 0x3f;
const atSign = 0x40;
const operatorWord = Buffer.from("operator");
/** Public symbols at one address that are looked at, and bytes of a name that are looked for in each: searching is their product. */
const [publicsMax, wordBytesMax] = [32, 128];

/** Writes the functions of one module after the other. Addresses are the linker's. */
export class FunctionWriter {
  /** Words of rows that may still be gone through for this module. */
  workBudget = 0;
  private readonly builder: ModuleBuilder;
  private readonly addresses: AddressMap;
  private readonly publics: Publics;
  private readonly names: FunctionNames;
  private readonly lines: ModuleLines;
  private readonly sites: InlineSites;
  /** Where in the image functions begin. */
  readonly imageStarts: AddressSet;
  private readonly starts = new AddressSet();
  private readonly rows = new Uint32List(1024 * ROW_WORDS);
  private readonly pieces = new Uint32List(64);
  private readonly mapped = new Uint32List(1024);
  private readonly mappedRanges = new Uint32List(1024);

  constructor(builder: ModuleBuilder, addresses: AddressMap, publics: Publics, names: FunctionNames, lines: ModuleLines, sites: InlineSites) {
    this.builder = builder;
    this.addresses = addresses;
    this.publics = publics;
    this.names = names;
    this.lines = lines;
    this.sites = sites;
    this.imageStarts = addresses.isMoved ? new AddressSet() : this.starts;
  }

  /** Whether a function was written that begins at an address. */
  has(start: number): boolean {
    return this.starts.has(start);
  }

  /** Writes a part of a function, of which the sites have been taken: its range, where in `bytes` its name is, its type's number. */
  write(start: number, end: number, bytes: Buffer, nameStart: number, nameEnd: number, type: number): void {
    const { builder, sites, rows } = this;
    if (!this.starts.add(start)) {
      builder.warn("foldedFunction");
      return;
    }
    rows.length = 0;
    let composed = rows;
    const hasLines = this.workBudget > 0;
    if (hasLines) {
      this.workBudget -= this.lines.copyRows(start, end, rows);
      if (sites.count > 0) {
        composed = sites.compose(rows, start, end);
        this.workBudget -= sites.work;
      }
    } else builder.warn("linesBeyondLimit");
    const ranges = hasLines && sites.count > 0 ? sites.ranges.length : 0;
    const name = this.names.nameOf(bytes, nameStart, nameEnd, type);
    if (this.addresses.isMoved) {
      this.writeMoved(start, end, name, composed, ranges);
      return;
    }
    const found = this.publicAt(start, bytes, nameStart, nameEnd);
    builder.addFunction(start, end, name, found < 0 ? 0 : this.publics.linkage[found]!, found < 0 ? 0 : this.publics.parameterBytes[found]!);
    if (composed.length > 0) builder.addLines(composed.data, composed.length / ROW_WORDS);
    if (ranges > 0) builder.addInlines(sites.ranges.data, ranges / INLINE_WORDS);
  }

  private writeMoved(start: number, end: number, name: number, rows: Uint32List, ranges: number): void {
    const { builder, addresses, pieces, mapped, mappedRanges, sites } = this;
    const rowCount = mapRows(addresses, rows.data, rows.length, ROW_WORDS, 0, pieces, mapped);
    const rangeCount = mapRows(addresses, sites.ranges.data, ranges, INLINE_WORDS, 1, pieces, mappedRanges);
    pieces.length = 0;
    addresses.mapRange(start, end - start, pieces);
    for (let i = 0; i < pieces.length; i += 2) {
      const pieceStart = pieces.data[i]!;
      const pieceEnd = pieceStart + pieces.data[i + 1]!;
      if (pieceEnd > 0xffffffff) continue;
      this.imageStarts.add(pieceStart);
      // The public symbol at the start names the piece that begins there.
      const found = this.publics.firstAt(pieceStart);
      const isThere = found < this.publics.count && this.publics.rva[found] === pieceStart;
      builder.addFunction(pieceStart, pieceEnd, name, isThere ? this.publics.linkage[found]! : 0, isThere ? this.publics.parameterBytes[found]! : 0);
      if (rowCount > 0) builder.addLines(mapped.data, rowCount);
      if (rangeCount > 0) builder.addInlines(mappedRanges.data, rangeCount);
      this.workBudget -= mapped.length + mappedRanges.length;
    }
  }

  /** The public symbol at a function's address that has its name; -1 when there is none. */
  private publicAt(start: number, bytes: Buffer, nameStart: number, nameEnd: number): number {
    const { publics } = this;
    const own = ownName(bytes, nameStart, nameEnd);
    const first = publics.firstAt(start);
    for (let i = first; i < publics.count && publics.rva[i] === start && i < first + publicsMax; i++) {
      if (isNamed(this.builder.strings.bytesOf(publics.linkage[i]!), bytes, own, nameEnd)) return i;
    }
    return -1;
  }
}

/** Where the last part of a name with scopes begins. */
function ownName(bytes: Buffer, start: number, end: number): number {
  for (let at = end - 1; at > start; at--) if (bytes[at] === colon && bytes[at - 1] === colon) return at + 1;
  // Assembly may have the decoration of C in its names.
  return bytes[start] === atSign ? start + 1 : start;
}

/** Whether a linker's spelling is that of a name whose last part begins at a place. Operators, destructors and what else is no identifier have one that begins with `??`. */
function isNamed(linkage: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  let stop = start;
  while (stop < end && stop - start < wordBytesMax && isWordByte(bytes[stop]!)) stop++;
  const length = stop - start;
  if (length === 0 || (length === operatorWord.length && bytes.subarray(start, stop).equals(operatorWord))) return linkage[0] === questionMark && linkage[1] === questionMark;
  for (let at = 0; at + length <= linkage.length; at++) {
    let i = 0;
    while (i < length && linkage[at + i] === bytes[start + i]) i++;
    if (i === length) return true;
  }
  return false;
}

function isWordByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === underscore || byte >= 0x80;
}

/** Maps rows whose address is at `addressWord` and their size after it into the image; returns how many there are then. */
function mapRows(addresses: AddressMap, rows: Uint32Array, length: number, words: number, addressWord: number, pieces: Uint32List, into: Uint32List): number {
  into.length = 0;
  for (let at = 0; at < length; at += words) {
    pieces.length = 0;
    addresses.mapRange(rows[at + addressWord]!, rows[at + addressWord + 1]!, pieces);
    for (let i = 0; i < pieces.length; i += 2) {
      const first = into.length;
      for (let k = 0; k < words; k++) into.push(rows[at + k]!);
      into.data[first + addressWord] = pieces.data[i]!;
      into.data[first + addressWord + 1] = pieces.data[i + 1]!;
    }
  }
  return into.length / words;
}
