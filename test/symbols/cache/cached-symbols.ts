// Caches for tests: compiled from text, written to a file, opened; and their
// answers as one line of text.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { ok, type Result } from "../../../config/problem.ts";
import { openBreakpad } from "../../../symbols/breakpad/compile.ts";
import { type Demangle, ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { SourcePlace } from "../../../symbols/cache/module-symbols.ts";
import { type SymbolCache, openCache } from "../../../symbols/cache/symbol-cache.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";

let folder: string | undefined;
let count = 0;
const opened: SymbolCache[] = [];
afterAll(() => {
  for (const cache of opened.splice(0)) cache.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** A folder that goes when the tests are done. */
export function scratchFolder(): string {
  folder ??= mkdtempSync(path.join(tmpdir(), "deadair-cache-"));
  return folder;
}

/** Writes bytes to a file of that folder. */
export function scratchFile(bytes: Uint8Array | string, name = `${count++}.symcache`): string {
  const file = path.join(scratchFolder(), name);
  writeFileSync(file, bytes);
  return file;
}

/** How a test compiles. */
export type CompileOptions = { readonly demangle?: Demangle; readonly sourceDigest?: string };

/** Compiles a symbol file alone; names stay as they are without `demangle`. */
export function compileBreakpad(bytes: Uint8Array, options: CompileOptions = {}): Result<Uint8Array> {
  const file = openBreakpad(bytesOf(bytes));
  if (!file.ok) return file;
  const { facts } = file.value;
  const builder = new ModuleBuilder();
  file.value.addAll!(builder);
  const { debugFile, debugId, codeId, codeFile, generator, os, archName } = facts;
  return ok(builder.finish({ source: facts.kind, sourceDigest: options.sourceDigest ?? "", debugFile: debugFile!, debugId: debugId!, codeId, codeFile, generator, os, arch: archName }, facts.arch, options.demangle));
}

/** The bytes of a compiled symbol file. Throws when it is refused. */
export function compiled(text: string | Uint8Array, options: CompileOptions = {}): Uint8Array {
  const result = compileBreakpad(typeof text === "string" ? Buffer.from(text) : text, options);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

/** The open cache of a symbol file. */
export function cacheOf(text: string | Uint8Array, options: CompileOptions = {}): SymbolCache {
  const cache = openBytes(compiled(text, options));
  opened.push(cache);
  return cache;
}

/** Opens bytes as a cache; the caller closes it. With a name, a file of that name is written over. Throws when they are refused. */
export function openBytes(bytes: Uint8Array, name?: string): SymbolCache {
  const result = openCache(scratchFile(bytes, name));
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

/** A place to fill. */
export function emptyPlace(): SourcePlace {
  return { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
}

/** What a cache says of an address: `function+offset file:line`, with ` < ` before each function around an inlined one, innermost first; "" for nothing. */
export function ask(cache: SymbolCache, rva: number): string {
  const place = emptyPlace();
  const isKnown = cache.lookUp(rva, place);
  if (isKnown !== cache.hasName(rva)) throw new Error(`hasName and lookUp differ at ${rva.toString(16)}`);
  if (!isKnown) return "";
  const at = (file: string | null, line: number): string => (file === null && line === 0 ? "" : ` ${file}:${line}`);
  const inlines = place.inlines.map(({ name, file, line }) => `${name}${at(file, line)} < `).join("");
  return `${inlines}${place.isPublic ? "PUBLIC " : ""}${place.name}+${(rva - place.start).toString(16)}${at(place.file, place.line)}`;
}

/** Addresses at which the answer changes, from 0 up to `end`, with the answer from there on. */
export function answers(cache: SymbolCache, end: number): string[] {
  const found: string[] = [];
  let last = "";
  for (let rva = 0; rva < end; rva++) {
    const answer = ask(cache, rva).replace(/\+[0-9a-f]+/, "");
    if (answer !== last) found.push(`${rva.toString(16)} ${answer}`.trim());
    last = answer;
  }
  return found;
}
