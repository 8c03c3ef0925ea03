// What a Mach-O file says, for tests: of itself, and of addresses once it is compiled.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { SourcePlace } from "../../../symbols/cache/module-symbols.ts";
import { cacheOfBytes, type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../../symbols/compile.ts";
import type { DebugFileFacts } from "../../../symbols/debug-file.ts";
import { bytesOf, type FileBytes, partOf } from "../../../symbols/file-bytes.ts";
import { filePartsOf } from "../../../symbols/file-parts.ts";
import { openMachO } from "../../../symbols/macho/macho.ts";

/** A file of fixtures/out/mac. */
export function macFixture(path: string): Buffer {
  return readFileSync(resolve(import.meta.dirname, "../../../fixtures/out/mac", path));
}

/** The facts of a file. Throws when it is refused. */
export function factsOf(file: Uint8Array | FileBytes): DebugFileFacts {
  const opened = openMachO(file instanceof Uint8Array ? bytesOf(file) : file);
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value.facts;
}

/** Why a file is refused. */
export function refusalOf(file: Uint8Array): string {
  const opened = openMachO(bytesOf(file));
  return opened.ok ? "none" : `${opened.problem.code}: ${opened.problem.message}`;
}

/** The parts of a file. Throws when it is refused. */
export function partsOf(file: Uint8Array): FileBytes[] {
  const bytes = bytesOf(file);
  const parts = filePartsOf(bytes);
  if (!parts.ok) throw new Error(parts.problem.message);
  return parts.value.map(({ offset, size }) => partOf(bytes, offset, size)!);
}

/** A compiled module. Throws when all of its files are refused. */
export function compileMach(...files: readonly (Uint8Array | FileBytes)[]): { readonly symbols: SymbolCache; readonly warnings: { readonly [reason: string]: number } } {
  const compiled = compileBytes(files.map((file) => (file instanceof Uint8Array ? bytesOf(file) : file)));
  if (!compiled.ok) throw new Error(compiled.problem.message);
  const symbols = cacheOfBytes("macho.cache", compiled.value);
  return { symbols, warnings: symbols.meta().warnings };
}

/** Names of addresses, "-" for those that have none. */
export function namesOf(symbols: SymbolCache, rvas: readonly number[]): string[] {
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  return rvas.map((rva) => (symbols.lookUp(rva, place) ? place.name : "-"));
}

/** Where ranges with names begin, ascending, by a scan of all addresses below a bound. */
export function startsOf(symbols: SymbolCache, end: number): number[] {
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  const starts: number[] = [];
  for (let rva = 0; rva < end; rva++) if (symbols.lookUp(rva, place) && place.start === rva) starts.push(rva);
  return starts;
}
