// The C13 part of a module: subsections, each a kind, its bytes and as much
// data (cvinfo.h's DEBUG_S_SUBSECTION_TYPE):
//
//     checksums         u32 offset of the path in /names, u8 bytes and u8 kind
//                       of a checksum, the checksum; aligned to 4. What stands
//                       elsewhere for a file is the offset of its entry here.
//     lines             line-table.ts
//     inlinee lines     u32 kind (1: with further files), then for each inlined
//                       function its id, file, line (and further files)
//     exports, imports  cross-scope.ts
//
// They come in any order, so that a first step only notes where they are.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { Uint32List } from "../cache/growable-array.ts";
import { NumberMap } from "../cache/number-map.ts";
import type { SourceNames } from "./source-names.ts";

/** Kinds of subsections that are read. */
export const subsection = { lines: 0xf2, checksums: 0xf4, inlineeLines: 0xf6, imports: 0xf7, exports: 0xf8 } as const;

/** In a kind: a reader shall pass over it. */
const ignoreFlag = 0x80000000;
/** Numbers that one map remembers: a map of 16 million throws. */
const rememberedMax = 4_000_000;

/** Finds the subsections of a kind between two places, as pairs (start, end) appended to `into`; false when they do not end where the bytes do. */
export function findSubsections(bytes: Buffer, start: number, end: number, wanted: number, into: Uint32List): boolean {
  let at = start;
  while (at + 8 <= end) {
    const kind = readWord(bytes, at);
    const size = readWord(bytes, at + 4);
    at += 8;
    if (at + size > end) return false;
    if (kind === wanted && (kind & ignoreFlag) === 0) {
      into.push(at);
      into.push(at + size);
    }
    at = (at + size + 3) & ~3;
  }
  return at >= end;
}

/** The source files of one module after the other, and what inlined functions say of their place. */
export class ModuleFiles {
  private readonly builder: ModuleBuilder;
  private readonly names: SourceNames;
  private readonly found = new Uint32List(16);
  private bytes: Buffer = Buffer.alloc(0);
  private checksumStart = 0;
  private checksumEnd = 0;
  /** By place in `/names`: the builder's number. */
  private readonly byName = new NumberMap();
  /** By place in the module's checksums: the builder's number. */
  private readonly byChecksum = new NumberMap();
  /** By id: its place in the lists that follow. */
  private readonly inlinees = new NumberMap();
  private readonly inlineeFiles = new Uint32List(256);
  private readonly inlineeLines = new Uint32List(256);
  private readonly inlineeOrigins = new Uint32List(256);

  constructor(builder: ModuleBuilder, names: SourceNames) {
    this.builder = builder;
    this.names = names;
  }

  /** Takes a module's subsections; false when they are damaged, and then what was found before is used. */
  load(bytes: Buffer, start: number, end: number): boolean {
    this.bytes = bytes;
    this.byChecksum.clear();
    this.inlinees.clear();
    this.inlineeFiles.length = 0;
    this.inlineeLines.length = 0;
    this.inlineeOrigins.length = 0;
    this.found.length = 0;
    let isWhole = findSubsections(bytes, start, end, subsection.checksums, this.found);
    this.checksumStart = this.found.length > 0 ? this.found.data[0]! : 0;
    this.checksumEnd = this.found.length > 0 ? this.found.data[1]! : 0;
    this.found.length = 0;
    findSubsections(bytes, start, end, subsection.inlineeLines, this.found);
    for (let i = 0; i < this.found.length; i += 2) isWhole = this.takeInlinees(this.found.data[i]!, this.found.data[i + 1]!) && isWhole;
    return isWhole;
  }

  /** The builder's number of a file that is given by its place in the checksums; 0 when there is none. */
  fileAt(checksum: number): number {
    let file = this.byChecksum.get(checksum);
    if (file < 0) {
      const at = this.checksumStart + checksum;
      file = at + 6 <= this.checksumEnd ? this.fileOfName(readWord(this.bytes, at)) : 0;
      if (this.byChecksum.size >= rememberedMax) this.byChecksum.clear();
      this.byChecksum.set(checksum, file);
    }
    return file;
  }

  /** Place of a function that is inlined in this module; one that no subsection tells of has file 0 and line 0. */
  inlinee(id: number): number {
    let place = this.inlinees.get(id);
    if (place < 0) {
      place = this.inlineeFiles.length;
      if (this.inlinees.size >= rememberedMax) this.inlinees.clear();
      this.inlinees.set(id, place);
      this.inlineeFiles.push(0);
      this.inlineeLines.push(0);
      this.inlineeOrigins.push(0);
    }
    return place;
  }

  /** The file that the inlined function at a place is declared in. */
  inlineeFile(place: number): number {
    return this.inlineeFiles.data[place]!;
  }

  /** The line that it is declared on, from which its own lines are counted. */
  inlineeLine(place: number): number {
    return this.inlineeLines.data[place]!;
  }

  /** The builder's number of what it is called; 0 until `setOrigin` told it. */
  inlineeOrigin(place: number): number {
    return this.inlineeOrigins.data[place]!;
  }

  /** Notes what it is called, for its next call. */
  setOrigin(place: number, origin: number): void {
    this.inlineeOrigins.data[place] = origin;
  }

  private fileOfName(offset: number): number {
    let file = this.byName.get(offset);
    if (file < 0) {
      file = this.builder.fileOf(this.names.take(offset, this.builder.strings));
      if (this.byName.size >= rememberedMax) this.byName.clear();
      this.byName.set(offset, file);
    }
    return file;
  }

  private takeInlinees(start: number, end: number): boolean {
    if (start + 4 > end) return false;
    const hasMoreFiles = readWord(this.bytes, start) === 1;
    let at = start + 4;
    while (at + 12 <= end) {
      const id = readWord(this.bytes, at);
      // The first one counts; compilers write one.
      if (this.inlinees.get(id) < 0) {
        const place = this.inlinee(id);
        this.inlineeFiles.data[place] = this.fileAt(readWord(this.bytes, at + 4));
        this.inlineeLines.data[place] = readWord(this.bytes, at + 8);
      }
      at += 12;
      if (!hasMoreFiles) continue;
      if (at + 4 > end) return false;
      at += 4 + 4 * readWord(this.bytes, at);
    }
    return at === end;
  }
}

/** The unsigned word of 32 bits at a place. */
export function readWord(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
