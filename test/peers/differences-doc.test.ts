// docs/differences.md explains the reasons that the tables of this folder name: all of them, and no others.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { breakpadReasons, breakpadTable } from "./breakpad-differences.ts";
import { fieldReasons } from "./rust-differences.ts";

describe("docs/differences.md", () => {
  it("explains every reason, and none that there is not", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/differences.md"), "utf8");
    const explained = [...text.matchAll(/^### (.*)$/gm)].map(([, name]) => name);
    expect(explained.toSorted()).toEqual([...breakpadReasons, ...fieldReasons].map(({ name }) => name).toSorted());
  });

  it("has no reason that occurs nowhere in the table of frames", () => {
    const used = new Set(Object.values(breakpadTable).flatMap((reasons) => Object.keys(reasons)));
    expect(breakpadReasons.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });
});
