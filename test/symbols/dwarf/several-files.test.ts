// DWARF that lies in several files, of the plugin that is checked in: with the
// others beside it, a file tells of every address what the same code with all
// its DWARF in one file does.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { DwarfCompanions, SplitDwarf } from "../../../symbols/dwarf/companions.ts";
import { type BundleMember, writeDwoBundle } from "../../../symbols/dwarf/dwo-bundle.ts";
import { openDwoBundle, openDwp } from "../../../symbols/dwarf/dwp.ts";
import { hasSplitUnits, splitUnitsOf } from "../../../symbols/dwarf/split-units.ts";
import { readElfImage } from "../../../symbols/elf/image.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { answersEverywhere } from "./dwarf-answers.ts";
import { openObject } from "./object-sections.ts";

const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/elf");
const read = (file: string): Buffer => readFileSync(path.join(fixtures, file));
const debugId = "00112233445566778899AABBCCDDEEFF0";

/** The bytes of a bundle. */
function bundle(members: readonly (BundleMember & { readonly bytes: Uint8Array })[]): Buffer {
  const { bytes, pieces } = writeDwoBundle(debugId, "halcyon.so", members);
  const whole = Buffer.concat(pieces.map((piece) => (typeof piece === "number" ? members[piece]!.bytes : piece)));
  expect(whole.length).toBe(bytes);
  return whole;
}

/** The split DWARF of a bundle, or of a package alone; counts what cannot be read in `builder`. */
function splitOf(bytes: Buffer, builder = new ModuleBuilder()): SplitDwarf {
  const image = readElfImage(bytesOf(bytes));
  const file = image.ok ? { ok: true as const, value: openDwp(image.value) } : openDwoBundle(bytesOf(bytes));
  if (!file.ok) throw new Error(file.problem.message);
  const split = file.value.split!(builder);
  if (!split.ok) throw new Error(split.problem.message);
  return split.value;
}

const looseOf = (folder: string): Buffer =>
  bundle(
    readdirSync(path.join(fixtures, folder, "dwo")).map((name) => {
      const bytes = read(`${folder}/dwo/${name}`);
      return { name, size: bytes.length, bytes };
    }),
  );

const packedOf = (folder: string): Buffer => read(`${folder}/halcyon.so.dwp`);

function bundledPackageOf(folder: string): Buffer {
  const bytes = packedOf(folder);
  return bundle([{ name: "halcyon.so.dwp", size: bytes.length, bytes }]);
}

/** The supplement of a file, and nothing else. */
const supplemented = (file: string): DwarfCompanions => ({ split: [], supplement: openObject(read(file)) });

describe("a library of which other files have most is told of as one that has all itself:", () => {
  const split: readonly (readonly [folder: string, how: string, bytes: (folder: string) => Buffer, whole: string])[] = [
    ["clang-5-dwo", "loose", looseOf, "clang-5"],
    ["clang-5-dwo", "packed", packedOf, "clang-5"],
    ["clang-5-dwo", "packed, in a bundle", bundledPackageOf, "clang-5"],
    ["gcc-5-dwo", "loose", looseOf, "gcc-5"],
    ["gcc-4-dwo", "loose", looseOf, "gcc-4"],
    ["gcc-4-dwo", "packed", packedOf, "gcc-4"],
  ];
  test.each(split)("%s, %s", (folder, _, bytes, whole) => {
    const builder = new ModuleBuilder();
    const library = openObject(read(`${folder}/halcyon.so`));
    const found = answersEverywhere(library, { split: [splitOf(bytes(folder), builder)], supplement: null });
    const wanted = answersEverywhere(openObject(read(`${whole}/halcyon.so`)));
    expect(found.warnings).toEqual({});
    expect([...builder.warnings]).toEqual([]);
    expect(found.answers.filter((answer, i) => answer !== wanted.answers[i]).slice(0, 5)).toEqual([]);
    // Only the file that is whole has a function in assembly behind all others, of which nothing is told.
    expect(found.answers.length).toBeGreaterThanOrEqual(wanted.answers.length - 1);
    expect(found.answers.length).toBeGreaterThan(500);
    expect(hasSplitUnits(library)).toBe(true);
    expect(splitUnitsOf(library).length).toBeGreaterThan(8);
  });

  const shared: readonly (readonly [file: string, supplement: string, whole: string])[] = [
    ["dwz-shared-4/halcyon.so", "dwz-shared-4/halcyon.dwz", "gcc-4"],
    ["dwz-shared-5/halcyon.so", "dwz-shared-5/halcyon.dwz", "gcc-5"],
    ["dwz/halcyon.so", "dwz-shared-4/halcyon.dwz", "gcc-4"],
    ["dwz-5/halcyon.so", "dwz-shared-5/halcyon.dwz", "gcc-5"],
  ];
  test.each(shared)("%s with %s", (file, supplement, whole) => {
    const found = answersEverywhere(openObject(read(file)), supplemented(supplement));
    const wanted = answersEverywhere(openObject(read(`${whole}/halcyon.so`)));
    expect(found.warnings).toEqual({});
    expect(found.answers.filter((answer, i) => answer !== wanted.answers[i]).slice(0, 5)).toEqual([]);
    expect(found.answers.length).toBe(wanted.answers.length);
  });
});
