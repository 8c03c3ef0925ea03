// Our Linux builds: every instruction against what llvm-symbolizer says of it, and
// every row of call frames against llvm-dwarfdump's. What was made of a build by
// compressing, stripping, splitting or sharing has the same answers as the build.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { ElfIndex, ElfModule } from "../../fixtures/elf/index-schema.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { writeDwoBundle } from "../../symbols/dwarf/dwo-bundle.ts";
import { bytesOf, type FileBytes } from "../../symbols/file-bytes.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { openBytes } from "./cache/cached-symbols.ts";
import { compareLines, compareRows, readRows, rowOf, spelled } from "./truth.ts";

const out = path.resolve(import.meta.dirname, "../../fixtures/out/elf");
const { modules } = JSON.parse(readFileSync(path.join(out, "index.json"), "utf8")) as ElfIndex;

/** A folder of loose .dwo files is what the command line sends as one bundle. */
function bytesAt(file: string, { debugId, files }: ElfModule): FileBytes {
  const place = path.join(out, file);
  if (!file.endsWith("/dwo")) return bytesOf(readFileSync(place));
  const names = readdirSync(place).sort();
  const members = names.map((name) => readFileSync(path.join(place, name)));
  const { pieces } = writeDwoBundle(debugId!, path.basename(files[0]!), names.map((name, i) => ({ name: `dwo/${name}`, size: members[i]!.length })));
  return bytesOf(Buffer.concat(pieces.map((piece) => (typeof piece === "number" ? members[piece]! : piece))));
}

/** The module's files, compiled in any order. */
function cacheOf(row: ElfModule, order: "as listed" | "the other way round" = "as listed"): SymbolCache {
  const all = row.files.map((file) => bytesAt(file, row));
  const compiled = compileBytes(order === "as listed" ? all : all.toReversed());
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

const titled = (row: ElfModule): readonly [string, ElfModule] => [row.files.join(" + "), row];
const isExport = (name: string): boolean => /^(GetPluginFactory|ModuleEntry|ModuleExit|HalcyonLoudness)$/.test(name);

describe("every instruction", () => {
  it.each(modules.filter(({ knows }) => knows === "lines").map(titled))("%s: functions, lines and inlined calls", (_, row) => {
    const cache = cacheOf(row);
    const { same, different } = compareLines(cache, path.join(out, row.lines));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(row.instructions * 2);
    if (row.debugId !== null) expect(cache.meta().debugId).toBe(row.debugId);
    expect(cache.meta().codeId).toBe(row.codeId);
    cache.close();
  });

  it.each(modules.filter(({ knows }) => knows !== "lines").map(titled))("%s: functions alone", (_, row) => {
    const cache = cacheOf(row);
    const { same, different } = compareLines(cache, path.join(out, row.lines), false, row.knows === "exports" ? isExport : () => true);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(row.knows === "exports" ? 100 : 5000);
    cache.close();
  });

  it.each(modules.filter(({ files }) => files.length > 1).map(titled))("%s: the same whichever file comes first", (_, row) => {
    const [first, second] = [cacheOf(row), cacheOf(row, "the other way round")];
    expect(second.meta().counts).toEqual(first.meta().counts);
    const agreed = [first, second].map((cache) => compareLines(cache, path.join(out, row.lines)));
    expect(agreed[1]).toEqual(agreed[0]);
    first.close();
    second.close();
  });
});

describe("every row of call frames", () => {
  it.each(modules.filter(({ name, unwind }) => unwind !== null && name !== "armhf-stripped").map(titled))("%s", (_, row) => {
    const cache = cacheOf(row);
    const { same, different } = compareRows(cache, path.join(out, row.unwind!));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(row.instructions * 2);
    cache.close();
  });

  it("32-bit ARM's tables alone, where calls return to", () => {
    const row = modules.find(({ name }) => name === "armhf-stripped")!;
    const cache = cacheOf(row);
    const { runs, returns } = readRows(path.join(out, row.unwind!));
    const different: string[] = [];
    for (const at of returns) {
      const theirs = runs.findLast(({ rva }) => rva <= at)!.row!;
      const ours = rowOf(cache, at);
      if (ours !== spelled("arm", theirs)) different.push(`${at.toString(16)}: ${ours} and not ${spelled("arm", theirs)}`);
    }
    expect(returns.length).toBeGreaterThan(80);
    expect(different).toEqual([]);
    cache.close();
  });
});
