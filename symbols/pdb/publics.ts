// The public symbols of a PDB: what the linker exported from one object file
// to the others, in its own spelling. They are all that a stripped PDB has,
// name what assembly left without a function record, and give functions the
// spelling that their record does not have.
//
//     public stream   u32 bytes of a hash table, u32 bytes of the address map,
//                     20 bytes about incremental linking; the table; the map:
//                     u32 offset of each public's record, by address
//     record stream   u16 bytes, u16 kind, S_PUB32: u32 flags, u32 offset,
//                     u16 section, name
//
// (microsoft-pdb's gsi.h and cvinfo.h.) The record stream keeps what an
// incremental link deleted, so the map says which are alive; where it is not
// there or makes no sense all records are taken.
//
// Which are code: those that the linker flagged, and those without flag in a
// section of code (assembly that did not say what its labels are), but for the
// constants that compilers name. On x86, C's spelling (`_f`, `_f@8`, `@f@8`)
// becomes the name and the bytes of parameters on the stack, as Breakpad has it.
import type { StringTable } from "../cache/string-table.ts";
import { StreamWindow } from "./stream-window.ts";
import type { PdbParts } from "./pdb-parts.ts";

/** Public symbols of code, in order of address; those at one address in order of the records. */
export type Publics = {
  readonly count: number;
  /** Addresses in the image. */
  readonly rva: Uint32Array;
  /** In the linker's spelling; strings. */
  readonly linkage: Uint32Array;
  /** Without the decoration of C; the same as `linkage` for names that a demangler reads. Strings. */
  readonly name: Uint32Array;
  /** Bytes of parameters on the stack that the decoration tells; x86 only. */
  readonly parameterBytes: Uint32Array;
  /** Index of the first at an address or, when there is none, of the first after it. */
  firstAt(rva: number): number;
};

const kind = { publicSymbol: 0x110e, publicSymbolPascal: 0x1009 } as const;
/** Offset of the name in a record, its length word counted. */
const nameOffset = 14;
/** CV_PUBSYMFLAGS: code, and function. */
const codeFlags = 3;
const publicHeaderBytes = 28;
/** Compilers' constants: strings, numbers, tables of virtual functions, type information. */
const constants = ["??_C@", "__real@", "__xmm@", "__ymm@", "__mask@@", "??_7", "??_8", "??_R"].map((text) => Buffer.from(text, "latin1"));
const [questionMark, at, underscore, lineFeed] = [0x3f, 0x40, 0x5f, 0x0a];

/** Reads the public symbols and gives their names to a builder's strings. What cannot be read is left out. */
export function readPublics(parts: PdbParts, strings: StringTable): Publics {
  const { msf, dbi } = parts;
  const window = new StreamWindow(msf, dbi?.recordStream ?? -1);
  const offsets = liveRecords(parts, window.size) ?? allRecords(window);
  const found = new FoundPublics(parts, strings, window, offsets.length);
  for (let i = 0; i < offsets.length; i++) found.take(offsets[i]!);
  return found.finish();
}

/** Offsets of the records that the address map names, ascending; null when the map cannot be right. */
function liveRecords({ msf, dbi }: PdbParts, recordBytes: number): Uint32Array | null {
  const stream = dbi?.publicStream ?? -1;
  const header = msf.read(stream, 0, publicHeaderBytes);
  if (header === null) return null;
  const mapBytes = header.readUInt32LE(4) & ~3;
  if (mapBytes > msf.size(stream) - publicHeaderBytes) return null;
  const offsets = new Uint32Array(mapBytes / 4);
  if (!msf.readInto(stream, publicHeaderBytes + header.readUInt32LE(0), new Uint8Array(offsets.buffer))) return null;
  offsets.sort();
  return offsets.length === 0 || offsets.at(-1)! < recordBytes ? offsets : null;
}

/** Offsets of all public symbols' records. */
function allRecords(window: StreamWindow): Uint32Array {
  const offsets: number[] = [];
  for (let offset = 0; ; ) {
    const place = window.hold(offset, 4);
    if (place < 0) break;
    const length = window.bytes.readUInt16LE(place);
    if (length < 2) break;
    const type = window.bytes.readUInt16LE(place + 2);
    if (type === kind.publicSymbol || type === kind.publicSymbolPascal) offsets.push(offset);
    offset += length + 2;
  }
  return Uint32Array.from(offsets);
}

class FoundPublics {
  private readonly parts: PdbParts;
  private readonly strings: StringTable;
  private readonly window: StreamWindow;
  private readonly rva: Uint32Array;
  private readonly linkage: Uint32Array;
  private readonly name: Uint32Array;
  private readonly parameterBytes: Uint32Array;
  private count = 0;
  private before = -1;

  constructor(parts: PdbParts, strings: StringTable, window: StreamWindow, most: number) {
    this.parts = parts;
    this.strings = strings;
    this.window = window;
    this.rva = new Uint32Array(most);
    this.linkage = new Uint32Array(most);
    this.name = new Uint32Array(most);
    this.parameterBytes = new Uint32Array(most);
  }

  /** Takes the record at an offset, if it is that of a public symbol of code. */
  take(offset: number): void {
    const { window, strings, parts } = this;
    if (offset === this.before) return;
    this.before = offset;
    const head = window.hold(offset, 4);
    if (head < 0) return;
    const length = window.bytes.readUInt16LE(head) + 2;
    const type = window.bytes.readUInt16LE(head + 2);
    if ((type !== kind.publicSymbol && type !== kind.publicSymbolPascal) || length <= nameOffset) return;
    const record = window.hold(offset, length);
    if (record < 0) return;
    const { bytes } = window;
    const section = bytes.readUInt16LE(record + 12);
    const isFlagged = (bytes[record + 4]! & codeFlags) !== 0 && type === kind.publicSymbol;
    if (!isFlagged && !parts.addresses.isCode(section)) return;
    const isPascal = type === kind.publicSymbolPascal;
    const start = record + nameOffset + (isPascal ? 1 : 0);
    const last = record + length;
    let end = isPascal ? Math.min(start + bytes[start - 1]!, last) : start;
    if (!isPascal) while (end < last && bytes[end] !== 0) end++;
    if (end === start || (!isFlagged && isConstant(bytes, start, end))) return;
    const rva = parts.addresses.toRva(section, bytes.readUInt32LE(record + 8));
    if (rva < 0) return;
    this.rva[this.count] = rva;
    this.linkage[this.count] = takeName(strings, bytes, start, end);
    this.name[this.count] = this.linkage[this.count]!;
    this.undecorate(start, end);
    this.count++;
  }

  /** All that were taken. */
  finish(): Publics {
    const { count } = this;
    const order = inOrder(this.rva, count);
    const rva = order.map((index) => this.rva[index]!);
    return {
      count,
      rva,
      linkage: order.map((index) => this.linkage[index]!),
      name: order.map((index) => this.name[index]!),
      parameterBytes: order.map((index) => this.parameterBytes[index]!),
      firstAt: (wanted) => {
        let low = 0;
        let high = count;
        while (low < high) {
          const middle = (low + high) >>> 1;
          if (rva[middle]! < wanted) low = middle + 1;
          else high = middle;
        }
        return low;
      },
    };
  }

  /** Takes the decoration of C off the name that is being taken: `_f` and `_f@8` and `@f@8` on x86, `f@@16` (vectorcall) everywhere. */
  private undecorate(start: number, end: number): void {
    const { bytes } = this.window;
    const isX86 = this.parts.arch === "x86";
    const first = bytes[start]!;
    if (first === questionMark) return;
    let bare = isX86 && (first === underscore || first === at) ? start + 1 : start;
    let digits = end;
    while (digits > bare && bytes[digits - 1]! >= 0x30 && bytes[digits - 1]! <= 0x39) digits--;
    let bareEnd = end;
    if (digits < end && end - digits < 6 && digits - 1 > bare && bytes[digits - 1] === at) {
      const isVector = bytes[digits - 2] === at;
      if (isVector || (isX86 && bare > start)) {
        bareEnd = digits - (isVector ? 2 : 1);
        const parameters = Number(bytes.toString("latin1", digits, end));
        // Two words of a fastcall or vectorcall function come in registers.
        if (isX86) this.parameterBytes[this.count] = isVector || first === at ? Math.max(0, parameters - 8) : parameters;
      }
    }
    if (isX86 && first === at && bareEnd === end) bare = start;
    if ((bare > start || bareEnd < end) && bareEnd > bare) this.name[this.count] = takeName(this.strings, bytes, bare, bareEnd);
  }
}

/** Gives a name to the strings. They take a line, so what follows the name is one for a moment. */
function takeName(strings: StringTable, bytes: Buffer, start: number, end: number): number {
  const next = bytes[end];
  if (next === undefined) return strings.takeText(bytes.toString("utf8", start, end));
  bytes[end] = lineFeed;
  const id = strings.takeLine(bytes, start);
  bytes[end] = next;
  return id;
}

function isConstant(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (first !== questionMark && first !== underscore) return false;
  return constants.some((text) => end - start > text.length && bytes.compare(text, 0, text.length, start, start + text.length) === 0);
}

/** The numbers below `count` in order of what they have in `keys`, equal ones in their own. */
function inOrder(keys: Uint32Array, count: number): Uint32Array {
  // Both fit into a double's 53 bits, and typed arrays sort fast without a comparison.
  const pairs = new Float64Array(count);
  const factor = 2 ** 21;
  if (count >= factor) {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    return order.sort((a, b) => keys[a]! - keys[b]! || a - b);
  }
  for (let i = 0; i < count; i++) pairs[i] = keys[i]! * factor + i;
  pairs.sort();
  return Uint32Array.from(pairs, (pair) => pair % factor);
}
