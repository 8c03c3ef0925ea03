// Types and ids of another module. Under link-time code generation a module's
// symbols may refer to what another one exports: numbers with bit 31 set are no
// records, but places in the module's list of imports (cvinfo.h's
// DecoratedItemId):
//
//     bits 20-30   which entry of DEBUG_S_CROSSSCOPEIMPORTS, that of one module:
//                  u32 its name in /names, u32 count, u32 for each import
//     bits 0-19    which of its imports, a number that is local to the exporter
//
// The exporter's DEBUG_S_CROSSSCOPEEXPORTS has pairs (local number, number of
// the record).
import { Uint32List } from "../cache/growable-array.ts";
import type { PdbParts } from "./pdb-parts.ts";
import { findSubsections, readWord, subsection } from "./subsections.ts";

/** In a number of a type or an id: it is an import. */
const importFlag = 0x80000000;

const entryMask = 0x7ff;
/** Pairs of exports that are read; beyond them imports stay nameless, since reading a module anew for each of its imports has no end. */
const keptMax = 2_000_000;
const none: ReadonlyMap<number, number> = new Map();

/** The imports of one module after the other. */
export class CrossScope {
  private readonly parts: PdbParts;
  private bytes: Buffer = Buffer.alloc(0);
  /** By entry of the module's imports: where it is in `bytes`. */
  private readonly entries = new Uint32List(64);
  /** By module's name in lower case: its index; made when it is first needed. */
  private modules: Map<string, number> | null = null;
  /** By module's stream, which no two have in common: its exports. */
  private readonly exports = new Map<number, ReadonlyMap<number, number>>();
  private kept = 0;

  constructor(parts: PdbParts) {
    this.parts = parts;
  }

  /** Takes the subsections of a module. */
  load(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.entries.length = 0;
    const found = new Uint32List(8);
    findSubsections(bytes, start, end, subsection.imports, found);
    for (let i = 0; i < found.length; i += 2) {
      const stop = found.data[i + 1]!;
      for (let at = found.data[i]!; at + 8 <= stop && this.entries.length <= entryMask; ) {
        const next = at + 8 + readWord(bytes, at + 4) * 4;
        if (next > stop) return;
        this.entries.push(at);
        at = next;
      }
    }
  }

  /** The number of the record that a number stands for; 0 when there is none. */
  resolve(index: number): number {
    if (index < importFlag) return index;
    const entry = (index >>> 20) & entryMask;
    if (entry >= this.entries.length) return 0;
    const at = this.entries.data[entry]!;
    const place = index & 0xfffff;
    return place < readWord(this.bytes, at + 4) ? this.exported(readWord(this.bytes, at), readWord(this.bytes, at + 8 + place * 4)) : 0;
  }

  private exported(name: number, local: number): number {
    const modules = this.parts.dbi?.modules ?? [];
    this.modules ??= new Map(modules.map((module, index) => [module.name.toLowerCase(), index]));
    const index = this.modules.get((this.parts.names.text(name) ?? "").toLowerCase());
    if (index === undefined) return 0;
    const { stream } = modules[index]!;
    let exports = this.exports.get(stream);
    if (exports === undefined) {
      exports = this.readExports(index);
      this.kept += exports.size;
      this.exports.set(stream, exports);
    }
    return exports.get(local) ?? 0;
  }

  private readExports(index: number): ReadonlyMap<number, number> {
    const module = this.parts.dbi!.modules[index]!;
    const bytes = this.parts.msf.read(module.stream, module.symbolBytes + module.c11Bytes, module.c13Bytes);
    if (bytes === null) return none;
    const found = new Uint32List(8);
    findSubsections(bytes, 0, bytes.length, subsection.exports, found);
    const exports = new Map<number, number>();
    for (let i = 0; i < found.length; i += 2) {
      const end = found.data[i + 1]!;
      for (let at = found.data[i]!; at + 8 <= end && this.kept + exports.size < keptMax; at += 8) exports.set(readWord(bytes, at), readWord(bytes, at + 4));
    }
    return exports;
  }
}
