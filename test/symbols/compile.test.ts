// Which of a module's files gives what to its cache, in whatever order they come.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { writeSymbolFile } from "../../symbols/breakpad/write.ts";
import { cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { bytesOf } from "../../symbols/file-bytes.ts";
import { emptyPlace } from "./cache/cached-symbols.ts";

const fixture = (file: string): Buffer => readFileSync(path.join(import.meta.dirname, "../../fixtures/out/windows", file));

function cacheOf(...files: readonly Buffer[]): SymbolCache {
  const compiled = compileBytes(files.map(bytesOf));
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return cacheOfBytes("compile-test", compiled.value);
}

const symOf = (cache: SymbolCache): Buffer => Buffer.from([...writeSymbolFile(cache)].join(""));
const { pdb, program } = { pdb: fixture("x64/Halcyon.pdb"), program: fixture("x64/Halcyon.vst3") };
/** Formats, functions, lines and unwind rows. */
const holds = (cache: SymbolCache): readonly [string, number, number, number] => {
  const { source, counts } = cache.meta();
  return [source, counts["functions"]!, counts["lines"]!, counts["unwindRows"]!];
};

describe("a PDB and its program", () => {
  const [, functions, lines] = holds(cacheOf(pdb));
  const [, , , rows] = holds(cacheOf(program));

  it("each brings its part alone", () => {
    expect([functions, lines, rows].every((count) => count > 50)).toBe(true);
    expect(holds(cacheOf(pdb))).toEqual(["pdb", functions, lines, 0]);
    expect(holds(cacheOf(program))).toEqual(["pe", 0, 0, rows]);
  });

  it("give one cache, whichever came first", () => {
    const both = compileBytes([pdb, program].map(bytesOf));
    expect(both).toEqual(compileBytes([program, pdb].map(bytesOf)));
    expect(holds(cacheOf(pdb, program))).toEqual(["pdb+pe", functions, lines, rows]);
  });

  it("gain nothing by a .sym file of them, which only copies", () => {
    const sym = symOf(cacheOf(pdb, program));
    expect(holds(cacheOf(sym, program, pdb))).toEqual(["pdb+pe+breakpad", functions, lines, rows]);
  });

  it("let a .sym file stand in for the one that is not there", () => {
    const sym = symOf(cacheOf(pdb, program));
    const [, , , copied] = holds(cacheOf(sym));
    expect(holds(cacheOf(sym, program))).toEqual(["pe+breakpad", functions, lines, rows]);
    expect(holds(cacheOf(sym, pdb))).toEqual(["pdb+breakpad", functions, lines, copied]);
  });

  it("do without one that is damaged, and say so", () => {
    const cache = cacheOf(pdb.subarray(0, 20_000), program);
    expect(holds(cache)).toEqual(["pe", 0, 0, rows]);
    expect(cache.meta().warnings).toMatchObject({ malformed_pdb: 1 });
    expect(compileBytes([bytesOf(pdb.subarray(0, 20_000))])).toMatchObject({ ok: false, problem: { code: "malformed_pdb" } });
  });
});

// Clang's program has DWARF of one file only; the rest is in its PDB.
it("a .sym file knows the functions that a program's own DWARF does not", () => {
  const [all, dwarf] = [fixture("both-x64/Halcyon.pdb"), fixture("both-x64/Halcyon.vst3")];
  const whole = cacheOf(all, dwarf);
  expect(holds(cacheOf(dwarf))[1]).toBeLessThan(holds(whole)[1]);
  const mended = cacheOf(symOf(whole), dwarf);
  expect(holds(mended)[1]).toBe(holds(whole)[1]);
  const [expected, found] = [emptyPlace(), emptyPlace()];
  for (let rva = 0x1000; rva < 0x20000; rva += 5) {
    if (!whole.lookUp(rva, expected) || expected.isPublic) continue;
    mended.lookUp(rva, found);
    expect([found.name, found.file, found.line], rva.toString(16)).toEqual([expected.name, expected.file, expected.line]);
  }
});
