// Real programs of others, where ../shared exists: their ids against the
// catalogue, and how functions unwind against what dump_syms made of them.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it, test } from "vitest";
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { readImage } from "../../../symbols/pe/image.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { compilePe } from "./x64-image.ts";
import { entriesOf } from "./x64-machine.ts";

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const catalogue = resolve(corpus, "CATALOGUE.md");

/** One PE of the catalogue. */
type Known = { readonly path: string; readonly arch: string; readonly debugId: string | null; readonly codeId: string; readonly pdb: string | null };

const known: Known[] = !existsSync(catalogue)
  ? []
  : readFileSync(catalogue, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, path, format, arch, debugId, rest] = line.split("|").map((cell) => cell.trim());
        const [, codeId, pdb] = /^code id (\w+), (?:pdb (.*)|no CodeView)$/.exec(rest ?? "") ?? [];
        return format === "PE" && codeId !== undefined ? [{ path: path!, arch: arch!, debugId: debugId || null, codeId: codeId.toUpperCase(), pdb: pdb?.split(/[\\/]/).at(-1) ?? null }] : [];
      });

const facts = (path: string) => {
  const file = openDebugFile(bytesOf(readFileSync(resolve(corpus, path))));
  if (!file.ok) throw new Error(file.problem.message);
  return file.value.facts;
};

// Counted as skipped where ../shared is not there.
test.skipIf(known.length === 0)("the corpus is there", () => {
  expect(known.length).toBeGreaterThan(10);
});

describe.skipIf(known.length === 0)("the catalogue", () => {
  it.each(known)("knows $path", ({ path, arch, debugId, codeId, pdb }) => {
    const found = facts(path);
    expect({ debugId: found.debugId, codeId: found.codeId, debugFile: found.debugFile, arch: found.arch === null ? "?" : found.archName }).toEqual({ debugId, codeId, debugFile: pdb, arch: arch.startsWith("0x") ? "?" : arch });
  });
  it("has .NET programs, which say so", () => {
    const managed = known.filter(({ path }) => facts(path).lacks.some(({ code }) => code === "managed"));
    expect(managed.map(({ path }) => path.split("/").at(-1))).toEqual([
      "System.ComponentModel.EventBasedAsync.dll",
      "System.Diagnostics.StackTrace.dll",
      "System.Threading.Thread.dll",
      "ppdb-sourcelink-sample.dll",
      "Sentry.Samples.Console.Basic-embedded-ppdb-with-sources.dll",
    ]);
  });
});

/** Whether two rules say the same. That dump_syms wrote 0 for distances that it took for negative, as those of registers that are stored above others, or in the caller's room, is no difference; nor is what it counts from rbp. */
function agree(ours: string, theirs: string): boolean {
  const ourParts = ours.split(", ");
  const theirParts = theirs.split(", ");
  const base = Number(/^cfa = rbp \+ (\d+)/.exec(ours)?.[1] ?? 0);
  return (
    ourParts.length === theirParts.length &&
    theirParts.every((part, i) => {
      const [register, place] = part.split(" = ");
      const fromFrame = /^\[rbp \+ (\d+)\]$/.exec(place!)?.[1];
      const same = fromFrame === undefined ? part : `${register} = ${base === Number(fromFrame) ? "[cfa]" : `[cfa + ${Number(fromFrame) - base}]`}`;
      return ourParts[i] === same || (place === "[cfa]" && ourParts[i]!.startsWith(`${register} = [cfa`));
    })
  );
}

const folder = resolve(corpus, "mozilla+dump_syms/test_data/windows");
const library = resolve(folder, "basic64.dll");

describe.skipIf(!existsSync(library))("basic64.dll", () => {
  it("unwinds from each function's body as its .sym file does", () => {
    const bytes = readFileSync(library);
    const { symbols, warnings } = compilePe(bytes);
    expect(warnings).toEqual({});
    const text = readFileSync(resolve(folder, "basic64.sym"));
    const { symbols: theirs } = compilePe(text);
    const image = readImage(bytesOf(bytes));
    if (!image.ok) throw new Error(image.problem.message);
    const entries = new Map(entriesOf(image.value).map((entry) => [entry.start, entry]));
    const rule = (cache: typeof symbols, rva: number): string => ruleText(registerFiles.amd64, cache.rules, cache.rowRule(cache.unwindRow(rva)), cache.expressions);
    const different: string[] = [];
    let compared = 0;
    for (const [, start, size] of text.toString("latin1").matchAll(/^STACK CFI INIT (\w+) (\w+) /gm)) {
      const entry = entries.get(parseInt(start!, 16))!;
      expect(entry.end).toBe(entry.start + parseInt(size!, 16));
      // It has one rule for a function: that of its body.
      const prolog = image.value.readRva(entry.unwind, 2)![1]!;
      const ours = rule(symbols, Math.min(entry.start + prolog, entry.end - 1));
      const others = rule(theirs, entry.start);
      compared++;
      if (!agree(ours, others)) different.push(`${start} ours ${ours}; .sym ${others}`);
    }
    expect(compared).toBe(1502);
    // Parts of functions that begin within an epilog, of which a .sym file made of unwind codes knows nothing.
    expect(different).toEqual([
      "50900 ours cfa = rsp + 32, ra = [cfa - 8], rdi = [cfa - 16], r14 = [cfa - 24], r15 = [cfa - 32]; .sym cfa = rsp + 64, ra = [cfa - 8], rdi = [cfa - 16], rbp = [cfa], r14 = [cfa - 24], r15 = [cfa - 32]",
      "509bb ours cfa = rsp + 8, ra = [cfa - 8]; .sym cfa = rsp + 64, ra = [cfa - 8], rdi = [cfa - 16], rbp = [cfa], r14 = [cfa - 24], r15 = [cfa - 32]",
    ]);
  });
});
