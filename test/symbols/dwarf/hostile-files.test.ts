// Damage to DWARF of several files: whichever of them it is done to, there are
// names or a reason, in bounded time. The number of mutations is
// DEADAIR_MUTATIONS.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { addDwarfNames } from "../../../symbols/dwarf/dwarf.ts";
import type { DwarfSectionName, DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";
import { splitUnitsOf } from "../../../symbols/dwarf/split-units.ts";
import { damageAt, mutationCount, type Random } from "../../support/damage.ts";
import { DwarfWriter, die, imageBase } from "./dwarf-writer.ts";
import { openObject } from "./object-sections.ts";
import { looseFiles, packedFiles, readFixture, splitOf } from "./split-files.ts";

const runs = mutationCount();
/** Milliseconds that any of these may take, on a busy machine. */
const patience = 2000;

/** Sections of a file with some damage in one of them. */
function damaged(sections: DwarfSections, random: Random): DwarfSections {
  const names: DwarfSectionName[] = [".debug_info", ".debug_abbrev", ".debug_addr", ".debug_str", ".debug_ranges"];
  const present = names.filter((name) => (sections.section(name)?.length ?? 0) > 8);
  const hurt = present[random(present.length)]!;
  const bytes = Buffer.from(sections.section(hurt)!);
  const changed = damageAt(bytes, random(bytes.length - 4), random);
  return { ...sections, section: (name) => (name === hurt ? changed : sections.section(name)) };
}

/** Runs a case with many seeds; says which was too slow. */
function withSeeds(share: number, run: (random: Random) => void): void {
  let slowest = 0;
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
      const random: Random = (below) => (numbers.next().value as number) % Math.max(1, below);
      const started = performance.now();
      run(random);
      slowest = Math.max(slowest, performance.now() - started);
    }),
    { numRuns: Math.ceil(runs * share) },
  );
  expect(slowest).toBeLessThan(patience);
}

const several = (random: Random, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> => {
  let changed = Buffer.from(bytes);
  // Headers, indexes and the beginnings of sections are what most depends on.
  for (let left = 1 + random(4); left > 0 && changed.length > 8; left--) changed = damageAt(changed, random(random(2) === 0 ? Math.min(400, changed.length - 4) : changed.length - 4), random);
  return changed;
};

describe("damage is survived", () => {
  const split: readonly (readonly [variant: string, bytes: Buffer<ArrayBuffer>])[] = [
    ["clang-5-dwo", looseFiles("clang-5-dwo")],
    ["clang-5-dwo", packedFiles("clang-5-dwo")],
    ["gcc-4-dwo", packedFiles("gcc-4-dwo")],
  ];
  test.each(split)("in split DWARF of %s", (variant, bytes) => {
    const library = openObject(readFixture(`${variant}/halcyon.so`));
    withSeeds(0.2, (random) => {
      const builder = new ModuleBuilder();
      const units = splitOf(several(random, bytes), builder);
      expect(addDwarfNames(library, builder, { split: units === null ? [] : [units], supplement: null }).ok).toBe(true);
    });
  }, 600_000);

  test("in a library of which units were split off", () => {
    const library = openObject(readFixture("gcc-4-dwo/halcyon.so"));
    const bytes = packedFiles("gcc-4-dwo");
    withSeeds(0.2, (random) => {
      const hurt = damaged(library, random);
      const builder = new ModuleBuilder();
      const result = addDwarfNames(hurt, builder, { split: [splitOf(bytes, builder)!], supplement: null });
      if (!result.ok) expect(result.problem.code).toBe("no_dwarf");
      splitUnitsOf(hurt);
    });
  }, 600_000);

  test("in what dwz took out", () => {
    const library = openObject(readFixture("dwz-shared-5/halcyon.so"));
    const supplement = openObject(readFixture("dwz-shared-5/halcyon.dwz"));
    withSeeds(0.2, (random) => {
      const isOwn = random(3) === 0;
      const result = addDwarfNames(isOwn ? damaged(library, random) : library, new ModuleBuilder(), { split: [], supplement: isOwn ? supplement : damaged(supplement, random) });
      if (!result.ok) expect(result.problem.code).toBe("no_dwarf");
    });
  }, 600_000);
});

describe("a file that is made to take long does not:", () => {
  const skeletons = (count: number): DwarfSections => {
    const dwarf = new DwarfWriter({ version: 5 });
    for (let i = 0; i < count; i++) dwarf.unit(die("skeletonUnit", { dwoName: ["string", "a.dwo"] }), { type: 4, abbrevAt: 0 });
    return dwarf.sections();
  };
  const functions = (count: number): DwarfWriter => {
    const dwarf = new DwarfWriter({ version: 5 });
    return dwarf.unit(die("compileUnit", {}, Array.from({ length: count }, (_, i) => die("subprogram", { name: ["string", `f${i}`], lowPc: ["addr", imageBase + 16 * i], highPc: ["data1", 16] }))), { type: 5 });
  };

  test("skeletons that all are of one unit", () => {
    const sections = functions(2000).sections();
    const none = new Uint8Array(0);
    const unit = { unit: 0, info: sections.section(".debug_info")!, abbrev: sections.section(".debug_abbrev")!, str: none, strOffsets: none, rangeLists: none };
    const builder = new ModuleBuilder();
    const started = performance.now();
    // Each time as bytes of their own, as a package reads them.
    const split = { bytes: unit.info.length, has: () => true, find: () => ({ ...unit, info: unit.info.slice() }) };
    expect(addDwarfNames(skeletons(20_000), builder, { split: [split], supplement: null }).ok).toBe(true);
    expect(performance.now() - started).toBeLessThan(patience * 2);
    expect(builder.warnings.get("dwarfBudget")).toBeGreaterThan(0);
  });
});
