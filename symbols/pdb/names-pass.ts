// The functions, lines and inlined calls of a PDB: its modules, one after the
// other. A module's stream is read whole, since its parts point into each other:
//
//     u32 signature 4, symbols       function-records.ts
//     old line information           C11, not read: of compilers before 2005
//     subsections                    C13: subsections.ts, line-table.ts
//
// Modules that cannot be read, or whose parts do not fit into their stream, are
// left out and counted as `damagedModule`; those with a damaged end give what
// stands before it. Memory is that of the largest module, time linear in the
// bytes of all: what is in no proportion to them is cut, and counted.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { AddressSet } from "./address-set.ts";
import { CrossScope } from "./cross-scope.ts";
import type { PdbModule } from "./dbi.ts";
import { FunctionNames } from "./function-names.ts";
import { FunctionRecords } from "./function-records.ts";
import { FunctionWriter } from "./function-writer.ts";
import { InlineSites } from "./inline-sites.ts";
import { ModuleLines } from "./line-table.ts";
import type { PdbParts } from "./pdb-parts.ts";
import type { Publics } from "./publics.ts";
import { ModuleFiles, readWord } from "./subsections.ts";
import { TypeNames } from "./type-names.ts";
import { TypeStream, idStream, typeStream } from "./types.ts";

/** Signature of a module's symbols: CodeView of Visual C++ 7 and later. */
const signature = 4;
/** Bytes of one module's stream that are read at most; those of the largest programs have a tenth of it. */
const moduleBytesMax = 512 * 1024 * 1024;
/** Bytes of parameter lists for each byte of types and symbols; real PDBs have less than one. */
const parametersPerByte = 4;
/** Types that are named for each byte of their streams; a record has eight bytes at least, and is mostly named once. */
const typesPerByte = 1 / 8;
const typesMin = 100_000;
/** Words of rows that are gone through for each byte of a module; real ones have less than one. */
const workPerByte = 16;
const workMin = 1_000_000;

/** Modules between two words about progress. */
const modulesOfStep = 16;

/** Adds the functions of all modules, and returns where in the image they begin. Throws what `fs` throws. */
export function addPdbFunctions(parts: PdbParts, publics: Publics, builder: ModuleBuilder): AddressSet {
  const pass = new NamesPass(parts, publics, builder);
  const modules = parts.dbi?.modules ?? [];
  for (const [i, module] of modules.entries()) {
    if (module.stream >= 0 && module.symbolBytes > 4) pass.add(module);
    if (i % modulesOfStep === 0) builder.onProgress?.(i, modules.length);
  }
  return pass.starts;
}

class NamesPass {
  private readonly parts: PdbParts;
  private readonly builder: ModuleBuilder;
  private readonly files: ModuleFiles;
  private readonly lines: ModuleLines;
  private readonly imports: CrossScope;
  private readonly functionNames: FunctionNames;
  private readonly writer: FunctionWriter;
  private readonly functions: FunctionRecords;
  private buffer: Buffer = Buffer.alloc(0);
  /** Streams that were read: no two modules share one, but a damaged list may name one a million times. */
  private readonly streams = new Set<number>();

  constructor(parts: PdbParts, publics: Publics, builder: ModuleBuilder) {
    const { msf, addresses, names } = parts;
    const types = new TypeNames(TypeStream.open(msf, typeStream), parts.info.hasIds ? TypeStream.open(msf, idStream) : null);
    this.parts = parts;
    this.builder = builder;
    this.files = new ModuleFiles(builder, names);
    this.lines = new ModuleLines(addresses, this.files);
    this.imports = new CrossScope(parts);
    this.functionNames = new FunctionNames(builder, types);
    const sites = new InlineSites(this.files);
    this.writer = new FunctionWriter(builder, addresses, publics, this.functionNames, this.lines, sites);
    this.functions = new FunctionRecords(builder, addresses, types, this.functionNames, this.files, this.imports, sites, this.writer);
    const typeBytes = Math.max(0, msf.size(typeStream)) + Math.max(0, msf.size(idStream));
    this.functionNames.parameterBudget = typeBytes * parametersPerByte;
    types.budget = Math.floor(typeBytes * typesPerByte) + typesMin;
  }

  /** Where functions begin. */
  get starts(): AddressSet {
    return this.writer.imageStarts;
  }

  add(module: PdbModule): void {
    const { builder } = this;
    const { symbolBytes, c11Bytes, c13Bytes } = module;
    const end = symbolBytes + c11Bytes + c13Bytes;
    const isNew = !this.streams.has(module.stream);
    this.streams.add(module.stream);
    const bytes = isNew && end <= moduleBytesMax ? this.read(module.stream, end) : null;
    if (bytes === null || readWord(bytes, 0) !== signature) {
      builder.warn("damagedModule");
      return;
    }
    const start = symbolBytes + c11Bytes;
    if (c11Bytes > 0) builder.warn("oldLines");
    if (!this.files.load(bytes, start, end)) builder.warn("damagedSubsections");
    builder.warn("damagedLines", this.lines.load(bytes, start, end));
    this.imports.load(bytes, start, end);
    this.functionNames.parameterBudget += symbolBytes * parametersPerByte;
    this.writer.workBudget = end * workPerByte + workMin;
    if (!this.functions.read(bytes, 4, symbolBytes)) builder.warn("damagedSymbols");
  }

  /** The first bytes of a stream, in a buffer that is used again; null when there are less. */
  private read(stream: number, length: number): Buffer | null {
    if (this.parts.msf.size(stream) < length) return null;
    if (this.buffer.length < length) this.buffer = Buffer.allocUnsafe(Math.max(length, Math.min(this.buffer.length * 2, moduleBytesMax)));
    return this.parts.msf.readInto(stream, 0, this.buffer.subarray(0, length)) ? this.buffer : null;
  }
}
