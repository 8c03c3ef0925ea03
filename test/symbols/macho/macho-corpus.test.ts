// Real files of others, where ../shared exists: their ids against the catalogue.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it, test } from "vitest";
import { openDebugFile } from "../../../symbols/compile.ts";
import { compileMach, factsOf, partsOf, refusalOf } from "./macho-answers.ts";

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const catalogue = resolve(corpus, "CATALOGUE.md");

/** By path: processor and id of each of its parts. */
const known = new Map<string, string[]>();
if (existsSync(catalogue)) {
  for (const line of readFileSync(catalogue, "utf8").split("\n")) {
    const [, path, format, arch, debugId] = line.split("|").map((cell) => cell.trim());
    if (format === "Mach-O") known.set(path!, [...(known.get(path!) ?? []), `${arch} ${debugId}`]);
  }
}
const bytes = (path: string): Buffer => readFileSync(resolve(corpus, path));
const modules = [...known].filter(([path]) => !path.endsWith(".o"));

// Counted as skipped where ../shared is not there.
test.skipIf(known.size === 0)("the corpus is there", () => {
  expect(known.size).toBeGreaterThan(40);
});

describe.skipIf(known.size === 0)("the catalogue", () => {
  it.each(modules)("knows %s", (path, parts) => {
    expect(partsOf(bytes(path)).map((part) => `${factsOf(part).archName} ${factsOf(part).debugId}`)).toEqual(parts);
    for (const part of partsOf(bytes(path))) {
      // Units without a single entry, as dsymutil leaves them, count as malformed.
      const { warnings } = compileMach(part);
      expect(Object.keys(warnings).filter((reason) => /missing|malformed(?!Unit)|unreadable/.test(reason))).toEqual([]);
    }
  });
  it("has object files, which are refused", () => {
    const objects = [...known.keys()].filter((path) => path.endsWith(".o"));
    expect(objects.length).toBeGreaterThan(5);
    expect(new Set(objects.map((path) => refusalOf(bytes(path)).split(":")[0]))).toEqual(new Set(["object_file"]));
  });
  it("has dSYMs with hidden names", () => {
    const hidden = modules.filter(([path]) => partsOf(bytes(path)).some((part) => factsOf(part).lacks.some(({ code }) => code === "hidden_names")));
    expect(hidden.map(([path]) => path.split("/").at(-1))).toEqual(["libswiftCoreImage.dylib", "libswiftDispatch.dylib", "2d10c42f-591d-3265-b147-78ba0868073f.dwarf-hidden"]);
    expect(openDebugFile(partsOf(bytes(hidden[0]![0]))[0]!).ok).toBe(true);
  });
});
