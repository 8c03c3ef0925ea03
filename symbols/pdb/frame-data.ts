// How 32-bit code sets up its frames, as the linker collected it from all
// object files (microsoft-pdb's cvinfo.h: FRAMEDATA; winnt.h: FPO_DATA):
//
//     FRAMEDATA  32 bytes: address, bytes of code, locals, parameters, most of
//                the stack, program (an offset in `/names`), prolog, saved
//                registers, flags
//     FPO_DATA   16 bytes: address, bytes of code, locals and parameters in
//                words, prolog, saved registers in words, flags, kind of frame
//
// The first has a program for each state of a prolog, so a function may have
// several records that overlap; win-records.ts mends that as walkers do. The
// second is all that old compilers and hand-written assembly have, and for
// other kinds than omitted frame pointers it says nothing that a walk could use.
//
// Addresses are the linker's. Where code was moved afterwards a record is
// split: prolog and the rest are translated apart, and stay one record where
// they still follow each other (Breakpad's pdb_source_line_writer.cc).
//
// A linker that wrote no table leaves the object files' own: DEBUG_S_FRAMEDATA
// subsections of C13 lines, whose records are relative to an address that
// stands before them.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import { Uint32List } from "../cache/growable-array.ts";
import type { WinSizes } from "../cache/win-records.ts";
import type { PdbModule } from "./dbi.ts";
import type { PdbParts } from "./pdb-parts.ts";
import { StreamWindow } from "./stream-window.ts";

const frameBytes = 32;
const fpoBytes = 16;
/** In the attributes of FPO_DATA: uses ebp for something else. */
const usesBaseFlag = 0x1000;
/** The kind of frame in them: the frame pointer is omitted. */
const omittedKind = 0;
/** Kind of a C13 subsection. */
const frameSubsection = 0xf5;
/** Bytes of C13 lines of one module that are looked through. */
const linesBytesMax = 64 * 1024 * 1024;
/** No code is this long; some linkers write differences that went below 0. */
const codeBytesMax = 0x7fffffff;

/** Adds all frame data to a builder's records; what cannot be right is counted and left out. */
export function addFrameData(parts: PdbParts, builder: ModuleBuilder): void {
  const { dbi, msf } = parts;
  if (dbi === null) return;
  const pass = new FramePass(parts, builder);
  if (dbi.streams.frameData >= 0) pass.takeTable(new StreamWindow(msf, dbi.streams.frameData));
  else {
    // No two modules share a stream, but a damaged list may name one a million times.
    const streams = new Set<number>();
    for (const module of dbi.modules) {
      if (!streams.has(module.stream)) pass.takeModule(module);
      streams.add(module.stream);
    }
  }
  if (dbi.streams.fpo >= 0) pass.takeFpo(new StreamWindow(msf, dbi.streams.fpo));
}

/** Whether a PDB has a table of frame data, without reading it. */
export function hasFrameData({ dbi, msf }: PdbParts): boolean {
  return dbi !== null && (msf.size(dbi.streams.frameData) > 0 || msf.size(dbi.streams.fpo) > 0);
}

class FramePass {
  private readonly parts: PdbParts;
  private readonly builder: ModuleBuilder;
  private readonly prolog = new Uint32List(16);
  private readonly rest = new Uint32List(16);
  /** Start, bytes of code and of prolog of the record before: some PDBs have each record many times. */
  private readonly before = [-1, -1, -1];
  /** Of the record that is being taken. */
  private program = "";
  private usesBase = false;

  constructor(parts: PdbParts, builder: ModuleBuilder) {
    this.parts = parts;
    this.builder = builder;
  }

  takeTable(window: StreamWindow): void {
    // Some writers leave the address there that the object files' tables begin with.
    const extra = window.size % frameBytes === 4 ? 4 : 0;
    for (let offset = extra; offset + frameBytes <= window.size; offset += frameBytes) {
      const place = window.hold(offset, frameBytes);
      if (place < 0) return;
      this.takeFrame(window.bytes, place, 0);
    }
  }

  /** The frame data among the lines of one module. */
  takeModule({ stream, symbolBytes, c11Bytes, c13Bytes }: PdbModule): void {
    const bytes = stream < 0 || c13Bytes > linesBytesMax ? null : this.parts.msf.read(stream, symbolBytes + c11Bytes, c13Bytes);
    if (bytes === null) return;
    for (let at = 0; at + 8 <= bytes.length; ) {
      const kind = bytes.readUInt32LE(at);
      const end = Math.min(at + 8 + bytes.readUInt32LE(at + 4), bytes.length);
      if (kind === frameSubsection && at + 12 <= end) {
        const base = bytes.readUInt32LE(at + 8);
        for (let place = at + 12; place + frameBytes <= end; place += frameBytes) this.takeFrame(bytes, place, base);
      }
      at = (end + 3) & ~3;
    }
  }

  takeFpo(window: StreamWindow): void {
    this.before.fill(-1);
    for (let offset = 0; offset + fpoBytes <= window.size; offset += fpoBytes) {
      const place = window.hold(offset, fpoBytes);
      if (place < 0) return;
      const { bytes } = window;
      const attributes = bytes.readUInt16LE(place + 14);
      if (attributes >>> 14 !== omittedKind) continue;
      this.program = "";
      this.usesBase = (attributes & usesBaseFlag) !== 0;
      const saved = (attributes >>> 8) & 7;
      this.take(bytes.readUInt32LE(place), bytes.readUInt32LE(place + 4), [attributes & 0xff, 0, 4 * bytes.readUInt16LE(place + 12), 4 * saved, 4 * bytes.readUInt32LE(place + 8), 0]);
    }
  }

  private takeFrame(bytes: Buffer, at: number, base: number): void {
    this.program = this.parts.names.text(bytes.readUInt32LE(at + 20)) ?? "";
    if (this.program === "") {
      this.builder.warn("malformedWin");
      return;
    }
    this.take(base + bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), [bytes.readUInt16LE(at + 24), 0, bytes.readUInt32LE(at + 12), bytes.readUInt16LE(at + 26), bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 16)]);
  }

  /** Takes a record that has `program`, or the fixed rules of `usesBase` when that is "". */
  private take(start: number, size: number, sizes: WinSizes): void {
    const [prolog, , parameters, , locals, most] = sizes;
    const { before } = this;
    if (start === before[0] && size === before[1] && prolog === before[2]) return;
    before[0] = start;
    before[1] = size;
    before[2] = prolog;
    if (size === 0) return;
    if (size > codeBytesMax || start + size >= 0xffffffff || parameters > codeBytesMax || locals > codeBytesMax || most > codeBytesMax) {
      this.builder.warn("malformedWin");
      return;
    }
    if (this.parts.addresses.isMoved) this.putMoved(start, size, sizes);
    else this.put(start, size, sizes);
  }

  private put(start: number, size: number, sizes: WinSizes): void {
    const { win } = this.builder;
    const outcome = this.program === "" ? win.addFpo(start, size, sizes, this.usesBase) : win.addProgram(start, size, sizes, this.program);
    if (outcome === "mended") this.builder.warn("mendedWin");
    else if (outcome === "dropped") this.builder.warn("overlappingWin");
  }

  private putMoved(start: number, size: number, sizes: WinSizes): void {
    const { addresses } = this.parts;
    const { rest } = this;
    const [prologBytes, ...others] = sizes;
    const prolog = Math.min(prologBytes, size);
    this.prolog.length = 0;
    rest.length = 0;
    if (prolog > 0) addresses.mapRange(start, prolog, this.prolog);
    if (size > prolog) addresses.mapRange(start + prolog, size - prolog, rest);
    const pieces = this.prolog.data;
    const prologEnd = pieces[0]! + pieces[1]!;
    if (this.prolog.length === 2 && rest.length === 2 && prologEnd === rest.data[0]) {
      this.put(pieces[0]!, pieces[1]! + rest.data[1]!, [pieces[1]!, ...others]);
      return;
    }
    for (let i = 0; i < this.prolog.length; i += 2) this.put(pieces[i]!, pieces[i + 1]!, [pieces[i + 1]!, ...others]);
    for (let i = 0; i < rest.length; i += 2) this.put(rest.data[i]!, rest.data[i + 1]!, [0, ...others]);
  }
}
