// The functions of a module, from its symbol records (cvinfo.h's SYM_ENUM_e):
//
//     u16 bytes that follow, u16 kind, and what the kind says
//
// Records nest: a function, a thunk, a block, separated code or an inlined call
// begins with its record and ends with S_END, S_PROC_ID_END or
// S_INLINESITE_END. What is in between and is not read here are variables and
// their places, nine of ten records.
//
// A function may have code away from its own range, where a profile said that
// it is cold: Microsoft's compiler writes S_SEPCODE for it, older ones only a
// block whose range lies outside. Both become functions of their own, of the
// same name; separated code has its own inlined calls, whose offsets count from
// its start.
//
// Functions of assembly have no type, and then no parameters. Managed functions
// are passed over.
import { Uint32List } from "../cache/growable-array.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { AddressMap } from "./address-map.ts";
import type { CrossScope } from "./cross-scope.ts";
import type { FunctionNames } from "./function-names.ts";
import type { FunctionWriter } from "./function-writer.ts";
import type { InlineSites } from "./inline-sites.ts";
import { type ModuleFiles, readWord } from "./subsections.ts";
import type { TypeNames } from "./type-names.ts";

/** Kinds of records. Those with `Id` have the number of an id in place of that of a type, those with `Pascal` a name with its length before it. */
const record = {
  end: 0x0006,
  globalProcPascal: 0x100b,
  localProcPascal: 0x100a,
  thunk: 0x1102,
  block: 0x1103,
  with: 0x1104,
  localProc: 0x110f,
  globalProc: 0x1110,
  globalManagedProc: 0x112a,
  localManagedProc: 0x112b,
  separatedCode: 0x1132,
  localProcId: 0x1146,
  globalProcId: 0x1147,
  inlineSite: 0x114d,
  inlineSiteEnd: 0x114e,
  procIdEnd: 0x114f,
  localProcDpc: 0x1155,
  localProcDpcId: 0x1156,
  inlineSite2: 0x115d,
} as const;

/** What a scope is. */
const scope = { other: 0, proc: 1, inlined: 2, separated: 3 } as const;
/** Bytes of records before their name, the length word counted. */
const [procNameOffset, thunkNameOffset] = [39, 25];
/** Scopes in each other that are followed. */
const scopesMax = 4096;

/** Reads the functions of one module after the other. */
export class FunctionRecords {
  /** By its own scope, `scope` as it was found. */
  private readonly scopes = new Uint32List(64);
  /** The function that is read: whether it is wanted, its range, and where its name and type are. */
  private isOpen = false;
  private start = 0;
  private end = 0;
  private nameStart = 0;
  private nameEnd = 0;
  private type = 0;
  /** Parts of it elsewhere: start and end. */
  private readonly parts = new Uint32List(16);
  /** What offsets of inlined calls count from. */
  private base = 0;
  private inlineDepth = 0;
  private readonly builder: ModuleBuilder;
  private readonly addresses: AddressMap;
  private readonly types: TypeNames;
  private readonly names: FunctionNames;
  private readonly files: ModuleFiles;
  private readonly imports: CrossScope;
  private readonly sites: InlineSites;
  private readonly writer: FunctionWriter;

  constructor(builder: ModuleBuilder, addresses: AddressMap, types: TypeNames, names: FunctionNames, files: ModuleFiles, imports: CrossScope, sites: InlineSites, writer: FunctionWriter) {
    this.builder = builder;
    this.addresses = addresses;
    this.types = types;
    this.names = names;
    this.files = files;
    this.imports = imports;
    this.sites = sites;
    this.writer = writer;
  }

  /** Reads the records between two places; false when they do not end where the bytes do. What stands before the damage counts. */
  read(bytes: Buffer, start: number, end: number): boolean {
    this.scopes.length = 0;
    let at = start;
    while (at + 4 <= end) {
      const next = at + 2 + (bytes[at]! | (bytes[at + 1]! << 8));
      if (next < at + 4 || next > end) break;
      this.take(bytes, at, next, bytes[at + 2]! | (bytes[at + 3]! << 8));
      at = next;
    }
    this.finish(bytes);
    return at === end;
  }

  /** Takes one record. */
  private take(bytes: Buffer, at: number, next: number, kind: number): void {
    switch (kind) {
      case record.localProc:
      case record.globalProc:
      case record.localProcDpc:
      case record.localProcId:
      case record.globalProcId:
      case record.localProcDpcId:
      case record.localProcPascal:
      case record.globalProcPascal:
      case record.thunk:
        this.finish(bytes);
        this.scopes.length = 0;
        this.scopes.push(scope.proc);
        this.open(bytes, at, next, kind);
        return;
      case record.inlineSite:
      case record.inlineSite2:
        this.pushScope(scope.inlined);
        if (this.isOpen) this.takeSite(bytes, at + (kind === record.inlineSite ? 16 : 20), next, at + 12);
        this.inlineDepth++;
        return;
      case record.inlineSiteEnd:
      case record.procIdEnd:
      case record.end:
        this.popScope(bytes);
        return;
      case record.block:
        this.pushScope(scope.other);
        if (this.isOpen && at + 22 <= next) this.takePart(this.addresses.linkedRva(bytes[at + 20]! | (bytes[at + 21]! << 8), readWord(bytes, at + 16)), readWord(bytes, at + 12));
        return;
      case record.separatedCode:
        this.takeSeparated(bytes, at, next);
        return;
      case record.with:
      case record.globalManagedProc:
      case record.localManagedProc:
        this.pushScope(scope.other);
    }
  }

  /** Begins the function of a record. */
  private open(bytes: Buffer, at: number, next: number, kind: number): void {
    const isThunk = kind === record.thunk;
    const nameOffset = isThunk ? thunkNameOffset : procNameOffset;
    if (at + nameOffset > next) return;
    const offset = readWord(bytes, at + (isThunk ? 16 : 32));
    const sectionAt = at + (isThunk ? 20 : 36);
    const size = isThunk ? bytes[at + 22]! | (bytes[at + 23]! << 8) : readWord(bytes, at + 16);
    const section = bytes[sectionAt]! | (bytes[sectionAt + 1]! << 8);
    const start = this.addresses.linkedRva(section, offset);
    // Code that the linker threw away is in no section.
    if (start < 0 && section !== 0) this.builder.warn("functionWithoutAddress");
    if (start < 0 || size === 0 || start + size > 0xffffffff) return;
    this.start = start;
    this.end = start + size;
    this.base = start;
    this.isOpen = true;
    this.setName(bytes, at, next, kind);
  }

  /** Notes the name and the type of a function's record. */
  private setName(bytes: Buffer, at: number, next: number, kind: number): void {
    const isThunk = kind === record.thunk;
    let nameStart = at + (isThunk ? thunkNameOffset : procNameOffset);
    let nameEnd = nameStart;
    if (kind === record.localProcPascal || kind === record.globalProcPascal) {
      nameStart++;
      nameEnd = Math.min(nameStart + bytes[nameStart - 1]!, next);
    } else while (nameEnd < next && bytes[nameEnd] !== 0) nameEnd++;
    this.nameStart = nameStart;
    this.nameEnd = nameEnd;
    this.type = isThunk ? 0 : this.imports.resolve(readWord(bytes, at + 28));
    if (kind === record.localProcId || kind === record.globalProcId || kind === record.localProcDpcId) this.type = this.types.typeOfId(this.type);
  }

  /** Takes an inlined call: its program, and where the id of what is called stands. */
  private takeSite(bytes: Buffer, start: number, end: number, idAt: number): void {
    // What is known already is not asked for twice.
    if (start > end || this.writer.has(this.start)) return;
    const { files } = this;
    const id = readWord(bytes, idAt);
    const place = files.inlinee(id);
    let origin = files.inlineeOrigin(place);
    if (origin === 0) {
      origin = this.names.originOf(this.imports.resolve(id));
      files.setOrigin(place, origin);
    }
    if (!this.sites.take(this.inlineDepth, this.base, origin, files.inlineeFile(place), files.inlineeLine(place), bytes, start, end)) this.builder.warn("damagedInline");
  }

  /** Takes code that was separated from its function: the one that is read, or the one that its record names. */
  private takeSeparated(bytes: Buffer, at: number, next: number): void {
    if (at + 32 > next) return;
    const start = this.addresses.linkedRva(bytes[at + 28]! | (bytes[at + 29]! << 8), readWord(bytes, at + 20));
    const size = readWord(bytes, at + 12);
    if (this.isOpen) {
      this.pushScope(scope.separated);
      this.takePart(start, size);
      if (start >= 0) this.base = start;
      return;
    }
    this.scopes.length = 0;
    this.scopes.push(scope.proc);
    const parent = readWord(bytes, at + 4);
    if (start < 0 || size === 0 || start + size > 0xffffffff || parent + procNameOffset > at) return;
    const kind = bytes[parent + 2]! | (bytes[parent + 3]! << 8);
    if (kind !== record.localProc && kind !== record.globalProc) return;
    this.start = start;
    this.end = start + size;
    this.base = start;
    this.isOpen = true;
    this.setName(bytes, parent, Math.min(parent + 2 + (bytes[parent]! | (bytes[parent + 1]! << 8)), at), kind);
  }

  /** Notes a range of the function if it lies outside of what is known of it. */
  private takePart(start: number, size: number): void {
    const end = start + size;
    if (start < 0 || size === 0 || end > 0xffffffff || (start >= this.start && end <= this.end)) return;
    const { data, length } = this.parts;
    for (let i = 0; i < length; i += 2) if (start >= data[i]! && end <= data[i + 1]!) return;
    // Real functions have one part or two.
    if (length >= 64) return;
    this.parts.push(start);
    this.parts.push(end);
  }

  private pushScope(kind: number): void {
    if (this.scopes.length < scopesMax) this.scopes.push(kind);
  }

  private popScope(bytes: Buffer): void {
    if (this.scopes.length === 0) return;
    const kind = this.scopes.data[--this.scopes.length]!;
    if (kind === scope.inlined) this.inlineDepth--;
    else if (kind === scope.separated) this.base = this.start;
    else if (kind === scope.proc) this.finish(bytes);
  }

  /** Writes the function that is read, if there is one. */
  private finish(bytes: Buffer): void {
    if (this.isOpen) {
      const { writer, parts, nameStart, nameEnd, type } = this;
      writer.write(this.start, this.end, bytes, nameStart, nameEnd, type);
      for (let i = 0; i < parts.length; i += 2) writer.write(parts.data[i]!, parts.data[i + 1]!, bytes, nameStart, nameEnd, type);
      this.sites.clear();
    }
    this.isOpen = false;
    this.parts.length = 0;
    this.inlineDepth = 0;
  }
}
