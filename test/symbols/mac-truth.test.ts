// Our macOS builds: every instruction of every slice against what llvm-symbolizer
// says of it, and every row of compact unwind and call frames.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { MacIndex, MacModule } from "../../fixtures/mac/index-schema.ts";
import { compileBytes, openDebugFile } from "../../symbols/compile.ts";
import { bytesOf, type FileBytes, partOf } from "../../symbols/file-bytes.ts";
import { filePartsOf } from "../../symbols/file-parts.ts";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { openBytes } from "./cache/cached-symbols.ts";
import { compareLines, readRows, rowOf, spelled } from "./truth.ts";

const out = path.resolve(import.meta.dirname, "../../fixtures/out/mac");
const { modules } = JSON.parse(readFileSync(path.join(out, "index.json"), "utf8")) as MacIndex;

/** A file's part for an architecture. */
function sliceOf(file: string, arch: string): FileBytes {
  const whole = bytesOf(readFileSync(path.join(out, file)));
  const parts = filePartsOf(whole);
  if (!parts.ok) throw new Error(parts.problem.message);
  const slices = parts.value.map(({ offset, size }) => partOf(whole, offset, size)!);
  return slices.find((bytes) => {
    const opened = openDebugFile(bytes);
    return opened.ok && opened.value.facts.archName === arch;
  })!;
}

function cacheOf({ files, arch }: MacModule, count = files.length): SymbolCache {
  const compiled = compileBytes(files.slice(0, count).map((file) => sliceOf(file, arch)));
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

const named = (row: MacModule): readonly [string, MacModule] => [row.name, row];
/** Exports of the plugin: all that a stripped one has names for. */
const isExport = (name: string): boolean => /^(GetPluginFactory|bundleEntry|bundleExit|HalcyonLoudness)$/.test(name);

describe("every instruction", () => {
  it.each(modules.filter(({ knows }) => knows === "lines").map(named))("%s has the functions, lines and inlined calls that llvm-symbolizer found", (_, row) => {
    const cache = cacheOf(row);
    const { same, different } = compareLines(cache, path.join(out, row.lines));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(8000);
    expect(cache.meta()).toMatchObject({ debugId: row.debugId, arch: row.arch, os: "mac" });
    cache.close();
  });

  it.each(modules.filter(({ knows }) => knows !== "lines").map(named))("%s has the functions that it can", (_, row) => {
    const cache = cacheOf(row);
    const { same, different } = compareLines(cache, path.join(out, row.lines), false, row.knows === "exports" ? isExport : () => true);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(row.knows === "exports" ? 100 : 8000);
    cache.close();
  });
});

/** A rule's CFA, and what else it says. */
function partsOf(rule: string): { readonly cfa: string; readonly saved: readonly string[] } {
  const [cfa, ...saved] = rule.split(", ");
  return { cfa: cfa!, saved };
}

/**
 * Whether a rule that is not the table's is as good at its place. Compact unwind has one for a function, which
 * holds in its middle; how far a prolog or an epilog is, ours read from the code. So they may count from the stack
 * pointer, and, but where calls return to, may know that less is saved yet.
 */
function isFiner(ours: string, theirs: string, isReturn: boolean): boolean {
  const [mine, other] = [partsOf(ours), partsOf(theirs)];
  const isSameFrame = mine.cfa === other.cfa || /^cfa = r?sp\b/.test(mine.cfa);
  return isSameFrame && mine.saved.every((one) => other.saved.includes(one) || (!isReturn && one === "ra = lr")) && (!isReturn || mine.saved.length === other.saved.length);
}

describe("every row", () => {
  it.each(modules.map(named))("%s unwinds as its tables say", (_, row) => {
    const cache = cacheOf(row);
    const { runs, returns } = readRows(path.join(out, row.unwind));
    const calls = new Set(returns);
    const different: string[] = [];
    for (const [i, { rva, row: rule }] of runs.entries()) {
      const theirs = rule === null ? null : spelled(cache.arch!, rule);
      let same = 0;
      for (let at = rva; at < (runs[i + 1]?.rva ?? rva + 1); at++) {
        const ours = rowOf(cache, at);
        if (ours === theirs) same++;
        else if (ours === null || theirs === null || !isFiner(ours, theirs, calls.has(at))) different.push(`${at.toString(16)}: ${ours} and not ${theirs}`);
      }
      if (same === 0) different.push(`${rva.toString(16)}: nowhere ${theirs}`);
    }
    expect(different).toEqual([]);
    expect(returns.length).toBeGreaterThan(70);
    cache.close();
  });
});
