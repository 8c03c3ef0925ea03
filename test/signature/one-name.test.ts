// One bug, one signature, whoever built the plugin and whatever told its names:
// at every source line that two builds of one source have both, the functions
// around it are called the same.
import path from "node:path";
import { describe, expect, it } from "vitest";
import { frameName, inlineName } from "../../signature/frame-name.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import { cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes, compileSymbolFiles, openDebugFile } from "../../symbols/compile.ts";
import { bytesOf, openFile, partOf, partPath } from "../../symbols/file-bytes.ts";
import { filePartsOf } from "../../symbols/file-parts.ts";
import { writeSymbolFile } from "../../symbols/breakpad/write.ts";
import { frameOf, inlineOf } from "./crash.ts";

const fixtures = path.join(import.meta.dirname, "../../fixtures/out");

/** A slice of a universal file, or the file. */
function sliceOf(file: string, arch: string): string {
  const opened = openFile(file);
  if (!opened.ok) throw new Error(opened.problem.message);
  try {
    const { bytes } = opened.value;
    const parts = filePartsOf(bytes);
    if (!parts.ok) throw new Error(parts.problem.message);
    const part = parts.value.find(({ offset, size }) => {
      const debugFile = openDebugFile(partOf(bytes, offset, size)!);
      return debugFile.ok && debugFile.value.facts.archName === arch;
    })!;
    return partPath(file, part.offset, part.size);
  } finally {
    opened.value.close();
  }
}

const windows = (...files: readonly string[]): SymbolCache => cacheOf(...files.map((file) => path.join(fixtures, "windows", file)));
const linux = (...files: readonly string[]): SymbolCache => cacheOf(...files.map((file) => path.join(fixtures, "elf", file)));
const mac = (arch: string, ...files: readonly string[]): SymbolCache => cacheOf(...files.map((file) => sliceOf(path.join(fixtures, "mac", file), arch)));

function cacheOf(...files: readonly string[]): SymbolCache {
  const compiled = compileSymbolFiles(files);
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
  for (let rva = 0; rva < 0x40000; rva++) {
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

const reference = windows("x64/Halcyon.pdb", "x64/Halcyon.vst3");
const expected = namesByLine(reference);

describe("the names of a PDB (clang, x64) are those of", () => {
  it.each([
    ["a PDB of 32-bit code", () => windows("x86/Halcyon.pdb")],
    ["a PDB of arm64 code", () => windows("arm64/Halcyon.pdb")],
    ["GCC's DWARF, x64", () => windows("mingw-x64/Halcyon.vst3")],
    ["GCC's DWARF, x86", () => windows("mingw-x86/Halcyon.vst3")],
    ["clang for MinGW, with PDB and DWARF", () => windows("both-x64/Halcyon.pdb", "both-x64/Halcyon.vst3")],
    ["GCC's DWARF 5 on Linux, x86-64", () => linux("gcc-5/halcyon.so")],
    ["GCC's DWARF 2", () => linux("gcc-2/halcyon.so")],
    ["GCC's DWARF 4 shared by dwz", () => linux("dwz-shared-4/halcyon.so", "dwz-shared-4/halcyon.dwz")],
    ["GCC's split DWARF 4", () => linux("gcc-4-dwo/halcyon.so", "gcc-4-dwo/halcyon.so.dwp")],
    ["GCC's for i686", () => linux("i686-gcc/halcyon.so")],
    ["GCC's for 32-bit ARM", () => linux("armhf-gcc/halcyon.so")],
    ["GCC's for 64-bit ARM, in a .debug file", () => linux("aarch64-split/halcyon.so", "aarch64-split/halcyon.so.debug")],
    ["clang's DWARF 5 on Linux, x86-64", () => linux("clang-5/halcyon.so")],
    ["clang's split DWARF 5", () => linux("clang-5-dwo/halcyon.so", "clang-5-dwo/halcyon.so.dwp")],
    ["clang's, optimised when linked", () => linux("clang-thinlto/halcyon.so")],
    ["clang's for i686", () => linux("i686-clang/halcyon.so")],
    ["clang's for 32-bit ARM", () => linux("armhf-clang/halcyon.so")],
    ["clang's for big-endian MIPS", () => linux("mips-clang/halcyon.so")],
    ["a dSYM, x86-64", () => mac("x86_64", "x86_64/Halcyon", "x86_64/Halcyon.dSYM/Contents/Resources/DWARF/Halcyon")],
    ["a dSYM, arm64e", () => mac("arm64e", "arm64e/Halcyon", "arm64e/Halcyon.dSYM/Contents/Resources/DWARF/Halcyon")],
    ["a universal dSYM, arm64", () => mac("arm64", "universal/Halcyon.vst3/Contents/MacOS/Halcyon", "universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon")],
    ["the .sym file of GCC's on Linux", () => asSymbolFile(linux("gcc-5/halcyon.so"))],
    ["the .sym file of a dSYM", () => asSymbolFile(mac("arm64e", "arm64e/Halcyon", "arm64e/Halcyon.dSYM/Contents/Resources/DWARF/Halcyon"))],
    ["the .sym file of it", () => asSymbolFile(reference)],
    ["the .sym file of GCC's DWARF", () => asSymbolFile(windows("mingw-x64/Halcyon.vst3"))],
  ])("%s", (_, open) => {
    const names = namesByLine(open());
    // Two files are others than on Windows, under the same name (fixtures/elf/plugin).
    const isOtherSystem = [...names.keys()].some((key) => key.startsWith("realigned.cpp:"));
    const shared = [...expected].filter(([key]) => names.has(key) && !(isOtherSystem && /^(entry|raise)\.cpp:/.test(key)));
    expect(shared.length).toBeGreaterThan(230);
    const different = shared.filter(([key, known]) => !agree(known, names.get(key)!));
    expect(different.map(([key, known]) => `${key}: ${[...names.get(key)!].join()} is not ${[...known].join()}`)).toEqual([]);
    // That a line has one function more is rare.
    expect(shared.filter(([key, known]) => known.size === names.get(key)!.size).length).toBeGreaterThan(shared.length * 0.95);
  });
});
