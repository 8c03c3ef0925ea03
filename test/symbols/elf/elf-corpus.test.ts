// Real files of others, where ../shared exists: their ids against the catalogue.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, test } from "vitest";
import { compileBytes, openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const catalogue = resolve(corpus, "CATALOGUE.md");

/** One ELF file of the catalogue. */
type Known = { readonly path: string; readonly arch: string; readonly debugId: string; readonly notes: string };

const known: Known[] = !existsSync(catalogue)
  ? []
  : readFileSync(catalogue, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, path, format, arch, debugId, notes] = line.split("|").map((cell) => cell.trim());
        return format === "ELF" ? [{ path: path!, arch: arch!, debugId: debugId!, notes: notes! }] : [];
      });

const bytes = (path: string): Buffer => {
  const file = readFileSync(resolve(corpus, path));
  return file[0] === 0x1f ? gunzipSync(file) : file;
};
const refusals: readonly (readonly [path: RegExp, code: string])[] = [
  [/(?<!dump_syms_regtest)\.o$|_no_program_headers$/, "object_file"],
  [/\.dwo$/, "split_dwarf"],
  [/\.core$/, "core_file"],
];
const refusalOf = (path: string): string | undefined => refusals.find(([pattern]) => pattern.test(path))?.[1];
const modules = known.filter(({ path }) => refusalOf(path) === undefined);

// Counted as skipped where ../shared is not there.
test.skipIf(known.length === 0)("the corpus is there", () => {
  expect(modules.length).toBeGreaterThan(40);
});

describe.skipIf(known.length === 0)("the catalogue", () => {
  it.each(modules)("knows $path", ({ path, arch, debugId, notes }) => {
    const file = openDebugFile(bytesOf(bytes(path)));
    if (!file.ok) throw new Error(file.problem.message);
    const { facts } = file.value;
    expect(facts.archName).toBe(arch);
    // Where the catalogue has none, ours is a sum of the code.
    if (debugId !== "") expect(facts.debugId).toBe(debugId);
    else expect(facts.codeId).toBeNull();
    if (facts.kind === "dwp") return;
    const isSplitProgram = facts.lacks.some(({ code }) => code === "names_in_dwo");
    const isSupplement = path.endsWith("coreutils.debug");
    expect(facts.holds.functions).toBe(notes.includes("DWARF") && !isSplitProgram && !isSupplement);
    if (notes.includes("CFI")) expect(facts.holds.unwind).toBe(true);
    if (notes.includes(".symtab")) expect(facts.holds.publics).toBe(true);
    expect(facts.supplement !== undefined).toBe(notes.includes(".gnu_debugaltlink"));
  });
  it.each(modules)("has $path, which is compiled", ({ path, notes }) => {
    const compiled = compileBytes([bytesOf(bytes(path))]);
    expect(compiled.ok).toBe(true);
    expect(notes).toBeDefined();
  });
  it.each(known.filter(({ path }) => refusalOf(path) !== undefined))("has $path, which is refused", ({ path }) => {
    const file = openDebugFile(bytesOf(bytes(path)));
    expect(file.ok ? "none" : file.problem.code).toBe(refusalOf(path));
  });
});
