// DWARF that lies in several files, of the plugin that is checked in: with the
// others beside it, a file tells of every address what the same code with all
// its DWARF in one file does.
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { DwarfCompanions } from "../../../symbols/dwarf/companions.ts";
import { hasSplitUnits, splitUnitsOf } from "../../../symbols/dwarf/split-units.ts";
import { answersEverywhere } from "./dwarf-answers.ts";
import { openObject } from "./object-sections.ts";
import { bundleOf, looseFiles, packedFiles, readFixture, splitOf } from "./split-files.ts";

const bundledPackage = (variant: string): Buffer => bundleOf([["halcyon.so.dwp", packedFiles(variant)]]);

/** The supplement of a file, and nothing else. */
const supplemented = (file: string): DwarfCompanions => ({ split: [], supplement: openObject(readFixture(file)) });

describe("a library of which other files have most is told of as one that has all itself:", () => {
  const split: readonly (readonly [folder: string, how: string, bytes: (folder: string) => Buffer, whole: string])[] = [
    ["clang-5-dwo", "loose", looseFiles, "clang-5"],
    ["clang-5-dwo", "packed", packedFiles, "clang-5"],
    ["clang-5-dwo", "packed, in a bundle", bundledPackage, "clang-5"],
    ["gcc-5-dwo", "loose", looseFiles, "gcc-5"],
    ["gcc-4-dwo", "loose", looseFiles, "gcc-4"],
    ["gcc-4-dwo", "packed", packedFiles, "gcc-4"],
  ];
  test.each(split)("%s, %s", (folder, _, bytes, whole) => {
    const builder = new ModuleBuilder();
    const library = openObject(readFixture(`${folder}/halcyon.so`));
    const found = answersEverywhere(library, { split: [splitOf(bytes(folder), builder)!], supplement: null });
    const wanted = answersEverywhere(openObject(readFixture(`${whole}/halcyon.so`)));
    expect(found.warnings).toEqual({});
    expect([...builder.warnings]).toEqual([]);
    expect(found.answers.filter((answer, i) => answer !== wanted.answers[i]).slice(0, 5)).toEqual([]);
    // Only the file that is whole has a function in assembly behind all others, of which nothing is told.
    expect(found.answers.length).toBeGreaterThanOrEqual(wanted.answers.length - 1);
    expect(found.answers.length).toBeGreaterThan(500);
    expect(hasSplitUnits(library)).toBe(true);
    expect(splitUnitsOf(library).map(({ dwoName }) => dwoName)).toContain("dwo/engine.dwo");
  });

  const shared: readonly (readonly [file: string, supplement: string, whole: string])[] = [
    ["dwz-shared-4/halcyon.so", "dwz-shared-4/halcyon.dwz", "gcc-4"],
    ["dwz-shared-5/halcyon.so", "dwz-shared-5/halcyon.dwz", "gcc-5"],
    ["dwz/halcyon.so", "dwz-shared-4/halcyon.dwz", "gcc-4"],
    ["dwz-5/halcyon.so", "dwz-shared-5/halcyon.dwz", "gcc-5"],
  ];
  test.each(shared)("%s with %s", (file, supplement, whole) => {
    const found = answersEverywhere(openObject(readFixture(file)), supplemented(supplement));
    const wanted = answersEverywhere(openObject(readFixture(`${whole}/halcyon.so`)));
    expect(found.warnings).toEqual({});
    expect(found.answers.filter((answer, i) => answer !== wanted.answers[i]).slice(0, 5)).toEqual([]);
    expect(found.answers.length).toBe(wanted.answers.length);
  });

  test.each([
    ["gcc-types", "gcc-4"],
    ["gcc-types-5", "gcc-5"],
  ])("%s, whose types are in units of their own", (variant, whole) => {
    const found = answersEverywhere(openObject(readFixture(`${variant}/halcyon.so`)));
    expect(found).toEqual(answersEverywhere(openObject(readFixture(`${whole}/halcyon.so`))));
  });

  test("and without them of what is left: Clang leaves inlined calls where it is told to, GCC nothing", () => {
    const { answers, warnings } = answersEverywhere(openObject(readFixture("gcc-5-dwo/halcyon.so")));
    expect(answers).toEqual([]);
    expect(warnings).toEqual({ splitUnit: 10 });
  });

  test("and with those of another build as without", () => {
    const foreign = splitOf(looseFiles("clang-5-dwo"), new ModuleBuilder())!;
    expect(answersEverywhere(openObject(readFixture("gcc-5-dwo/halcyon.so")), { split: [foreign], supplement: null })).toEqual({ answers: [], warnings: { splitUnit: 10 } });
    expect(answersEverywhere(openObject(readFixture("dwz-shared-4/halcyon.so"))).warnings["brokenReference"]).toBeGreaterThan(0);
  });
});
