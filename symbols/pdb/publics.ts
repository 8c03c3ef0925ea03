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
import { Uint32List } from "../cache/growable-array.ts";
import type { StringTable } from "../cache/string-table.ts";
import type { PdbParts } from "./pdb-parts.ts";
import { sortRows } from "./row-order.ts";
import { StreamWindow } from "./stream-window.ts";

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
/** Bytes of the shortest record of a public symbol. */
const recordBytesMin = 16;
const ROW_WORDS = 4;
/** Compilers' constants: strings, numbers, tables of virtual functions, type information. */
const constants = ["??_C@", "__real@", "__xmm@", "__ymm@", "__mask@@", "??_7", "??_8", "??_R"].map((text) => Buffer.from(text, "latin1"));
const [questionMark, at, underscore, lineFeed] = [0x3f, 0x40, 0x5f, 0x0a];

/** Reads the public symbols and gives their names to a builder's strings. What cannot be read is left out. */
export function readPublics(parts: PdbParts, strings: StringTable): Publics {
  const { msf, dbi } = parts;
  const window = new StreamWindow(msf, dbi?.recordStream ?? -1);
  const offsets = liveRecords(parts, window.size) ?? allRecords(window);
  const found = new FoundPublics(parts, strings, window);
  for (let i = 0; i < offsets.length; i++) found.take(offsets[i]!);
  return found.finish();
}

/** Offsets of the records that the address map names, ascending; null when the map cannot be right. */
function liveRecords({ msf, dbi }: PdbParts, recordBytes: number): Uint32Array | null {
  const stream = dbi?.publicStream ?? -1;
  const header = msf.read(stream, 0, publicHeaderBytes);
  if (header === null) return null;
  const count = header.readUInt32LE(4) >>> 2;
  if (count * recordBytesMin > recordBytes) return null;
  const offsets = new Uint32Array(count);
  if (!msf.readInto(stream, publicHeaderBytes + header.readUInt32LE(0), new Uint8Array(offsets.buffer))) return null;
  offsets.sort();
  return offsets.length === 0 || offsets.at(-1)! < recordBytes ? offsets : null;
}

/** Offsets of all public symbols' records. */
function allRecords(window: StreamWindow): Uint32Array {
  const offsets = new Uint32List();
  for (let offset = 0; ; ) {
    const place = window.hold(offset, 4);
    if (place < 0) break;
    const length = window.bytes.readUInt16LE(place);
    if (length < 2) break;
    const type = window.bytes.readUInt16LE(place + 2);
    if (type === kind.publicSymbol || type === kind.publicSymbolPascal) offsets.push(offset);
    offset += length + 2;
  }
  return offsets.view();
}

class FoundPublics {
  private readonly parts: PdbParts;
  private readonly strings: StringTable;
  private readonly window: StreamWindow;
  /** By symbol: address, linkage, name and bytes of parameters. */
  private readonly rows = new Uint32List(4096 * ROW_WORDS);
  /** Where the record that was taken last ends; what begins before is none. */
  private end = 0;

  constructor(parts: PdbParts, strings: StringTable, window: StreamWindow) {
    this.parts = parts;
    this.strings = strings;
    this.window = window;
  }

  /** Takes the record at an offset, if it is that of a public symbol of code. */
  take(offset: number): void {
    const { window, strings, parts } = this;
    if (offset < this.end) return;
    const head = window.hold(offset, 4);
    if (head < 0) return;
    const length = window.bytes.readUInt16LE(head) + 2;
    const type = window.bytes.readUInt16LE(head + 2);
    if ((type !== kind.publicSymbol && type !== kind.publicSymbolPascal) || length <= nameOffset) return;
    const record = window.hold(offset, length);
    if (record < 0) return;
    this.end = offset + length;
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
    const linkage = takeName(strings, bytes, start, end);
    const { rows } = this;
    rows.reserve(ROW_WORDS);
    rows.data[rows.length] = rva;
    rows.data[rows.length + 1] = linkage;
    rows.data[rows.length + 2] = linkage;
    rows.data[rows.length + 3] = 0;
    this.undecorate(start, end, rows.data, rows.length);
    rows.length += ROW_WORDS;
  }

  /** All that were taken. */
  finish(): Publics {
    const rows = this.rows.view();
    sortRows(rows, ROW_WORDS);
    const count = rows.length / ROW_WORDS;
    const column = (word: number): Uint32Array => {
      const values = new Uint32Array(count);
      for (let i = 0; i < count; i++) values[i] = rows[i * ROW_WORDS + word]!;
      return values;
    };
    const rva = column(0);
    return {
      count,
      rva,
      linkage: column(1),
      name: column(2),
      parameterBytes: column(3),
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

  /** Takes the decoration of C off the name of a row: `_f` and `_f@8` and `@f@8` on x86, `f@@16` (vectorcall) everywhere. */
  private undecorate(start: number, end: number, rows: Uint32Array, row: number): void {
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
        if (isX86) rows[row + 3] = isVector || first === at ? Math.max(0, parameters - 8) : parameters;
      }
    }
    if (isX86 && first === at && bareEnd === end) bare = start;
    if ((bare > start || bareEnd < end) && bareEnd > bare) rows[row + 2] = takeName(this.strings, bytes, bare, bareEnd);
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
