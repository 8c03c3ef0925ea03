// A library whose table of sections was taken out (`sstrip`, packers) is read by
// its segments, and says the same as before.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheOfBytes, type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { compileBytes, openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { stripSections } from "../../support/elf-builder.ts";

const out = resolve(import.meta.dirname, "../../../fixtures/out");
const file = (path: string): Buffer<ArrayBuffer> => readFileSync(resolve(out, path));
const compile = (bytes: Buffer): SymbolCache => {
  const compiled = compileBytes([bytesOf(bytes)]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return cacheOfBytes("test", compiled.value);
};

/** Where each row begins, and its rule. */
function rows(cache: SymbolCache): string[] {
  const found: string[] = [];
  for (let row = 0; cache.rowStart(row) !== 0xffff_ffff; row++) found.push(`${cache.rowStart(row).toString(16)} ${cache.rowRule(row)}`);
  return found;
}

describe("a library without a table of sections", () => {
  it.each(["elf/exports-only/halcyon.so", "1.4.2/halcyon.lv2/halcyon.so"])("unwinds as it did, and keeps its ids and exports: %s", (path) => {
    const before = compile(file(path));
    const after = compile(stripSections(file(path)));
    expect(rows(after)).toEqual(rows(before));
    expect(rows(after).length).toBeGreaterThan(10);
    const { debugId, codeId, codeFile, counts } = before.meta();
    expect(after.meta()).toMatchObject({ debugId, codeId, codeFile, counts: { publics: counts["publics"], unwindRows: counts["unwindRows"] } });
    expect(counts["publics"]).toBeGreaterThan(0);
  });
  it("is a program still, and lacks its names", () => {
    const opened = openDebugFile(bytesOf(stripSections(file("elf/exports-only/halcyon.so"))));
    if (!opened.ok) throw new Error(opened.problem.message);
    expect(opened.value.facts).toMatchObject({ kind: "elf", holds: { functions: false, publics: true, unwind: true } });
    expect(opened.value.facts.lacks.map(({ code }) => code)).toEqual(["no_functions"]);
  });
});
