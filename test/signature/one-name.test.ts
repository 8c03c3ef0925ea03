// One bug, one signature, whoever built the plugin and whatever told its names:
// at every source line that two builds of one source have both, the functions
// around it are called the same.
import path from "node:path";
import { describe, expect, it } from "vitest";
import { frameName, inlineName } from "../../signature/frame-name.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import { cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes, compileSymbolFiles } from "../../symbols/compile.ts";
import { bytesOf } from "../../symbols/file-bytes.ts";
import { writeSymbolFile } from "../../symbols/breakpad/write.ts";
import { frameOf, inlineOf } from "./crash.ts";

const out = path.join(import.meta.dirname, "../../fixtures/out/windows");

function cacheOf(...files: readonly string[]): SymbolCache {
  const compiled = compileSymbolFiles(files.map((file) => path.join(out, file)));
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return cacheOfBytes("one-name", compiled.value);
}

/** The same symbols after they were a Breakpad symbol file. */
function asSymbolFile(cache: SymbolCache): SymbolCache {
  const compiled = compileBytes([bytesOf(Buffer.from([...writeSymbolFile(cache)].join("")))]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return cacheOfBytes("one-name", compiled.value);
}

/** By file and line: the names, as signatures have them, of all functions that stand there. */
function namesByLine(cache: SymbolCache): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  const note = (file: string | null, line: number, name: string): void => {
    if (file === null || line === 0) return;
    const key = `${file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1)}:${line}`;
    found.set(key, (found.get(key) ?? new Set()).add(name));
  };
  for (let rva = 0x1000; rva < 0x40000; rva++) {
    if (!cache.lookUp(rva, place)) continue;
    for (const inlined of place.inlines) note(inlined.file, inlined.line, inlineName(inlineOf(inlined.name)).text);
    note(place.file, place.line, frameName(frameOf({ function: place.name }), true).text);
  }
  return found;
}

/** Whether all names of one are among those of the other: where one compiler inlined a call, its line has one function more. */
function agree(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  const [fewer, more] = some.size < others.size ? [some, others] : [others, some];
  return [...fewer].every((name) => more.has(name));
}

const reference = cacheOf("x64/Halcyon.pdb", "x64/Halcyon.vst3");
const expected = namesByLine(reference);

describe("the names of a PDB (clang, x64) are those of", () => {
  it.each([
    ["a PDB of 32-bit code", () => cacheOf("x86/Halcyon.pdb")],
    ["a PDB of arm64 code", () => cacheOf("arm64/Halcyon.pdb")],
    ["GCC's DWARF, x64", () => cacheOf("mingw-x64/Halcyon.vst3")],
    ["GCC's DWARF, x86", () => cacheOf("mingw-x86/Halcyon.vst3")],
    ["clang for MinGW, with PDB and DWARF", () => cacheOf("both-x64/Halcyon.pdb", "both-x64/Halcyon.vst3")],
    ["the .sym file of it", () => asSymbolFile(reference)],
    ["the .sym file of GCC's DWARF", () => asSymbolFile(cacheOf("mingw-x64/Halcyon.vst3"))],
  ])("%s", (_, open) => {
    const names = namesByLine(open());
    const shared = [...expected].filter(([key]) => names.has(key));
    expect(shared.length).toBeGreaterThan(240);
    const different = shared.filter(([key, known]) => !agree(known, names.get(key)!));
    expect(different.map(([key, known]) => `${key}: ${[...names.get(key)!].join()} is not ${[...known].join()}`)).toEqual([]);
    // That a line has one function more is rare.
    expect(shared.filter(([key, known]) => known.size === names.get(key)!.size).length).toBeGreaterThan(shared.length * 0.95);
  });
});
