// Any bytes in any section: names or a reason, in bounded time. The number of
// mutations is DEADAIR_MUTATIONS.
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mutationCount } from "../../support/damage.ts";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { addDwarfNames } from "../../../symbols/dwarf/dwarf.ts";
import type { DwarfSectionName, DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";
import { compiledDwarf, dwarfAnswers } from "./dwarf-answers.ts";
import { type Die, DwarfWriter, die, imageBase } from "./dwarf-writer.ts";
import { op, writeLines } from "./line-writer.ts";
import { openObject } from "./object-sections.ts";

const runs = mutationCount();
const names: readonly DwarfSectionName[] = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str", ".debug_str_offsets", ".debug_addr", ".debug_ranges", ".debug_rnglists"];
/** Milliseconds that any file of some hundred kilobytes may take, on a busy machine. */
const patience = 2000;

/** Reads DWARF to the end; returns how long it took. */
function timed(sections: DwarfSections): number {
  const started = performance.now();
  const result = addDwarfNames(sections, new ModuleBuilder());
  if (!result.ok) expect(result.problem.code).toBe("no_dwarf");
  return performance.now() - started;
}

/** Sections with others in their place. */
function withSections(sections: DwarfSections, replaced: ReadonlyMap<DwarfSectionName, Uint8Array>): DwarfSections {
  return { ...sections, section: (name) => replaced.get(name) ?? sections.section(name) };
}

/** DWARF 5 with all of its sections, indexes, ranges and references, as small as it gets. */
function smallFive(): DwarfSections {
  const code = imageBase + 0x100;
  const dwarf = new DwarfWriter({ version: 5 });
  const lineProgram = writeLines(dwarf, { folders: ["/b", "src"], files: [["a.cpp", 0], ["b.h", 1]] }, [op.address(code), op.copy(), op.special(90), op.file(0), op.special(120), op.advancePc(70), op.end(), op.address(code + 128), op.copy(), op.advancePc(64), op.end()]);
  for (let i = 0; i < 12; i++) dwarf.rangeLists.fixed(0, 1);
  dwarf.rangeLists.fixed(4, 4).fixed(7, 1).fixed(code, 8).uleb(64).fixed(3, 1).uleb(dwarf.addressIndex(code + 128)).uleb(32).fixed(0, 1);
  const inlined: Die = die("inlinedSubroutine", { abstractOrigin: ["ref4", "g"], lowPc: ["addrx", code + 4], highPc: ["data1", 20], callFile: ["data1", 1], callLine: ["implicitConst", 9] }, [
    die("inlinedSubroutine", { abstractOrigin: ["refAddr", "h"], lowPc: ["addrx1", code + 8], highPc: ["udata", 4], callFile: ["data1", 0], callLine: ["sdata", 19] }),
  ]);
  dwarf.unit(
    die("compileUnit", { name: ["lineStrp", "a.cpp"], compDir: ["strx1", "/b"], lineProgram: ["secOffset", lineProgram], strOffsetsBase: ["secOffset", 8], addrBase: ["secOffset", 8], rangeListsBase: ["secOffset", 12], lowPc: ["addr", 0] }, [
      die("namespace", { name: ["string", "n"] }, [die("classType", { name: ["strp", "C"], unknown: ["exprloc", 3] }, [die("subprogram", { name: ["strx", "g"] }, [], "g")])]),
      die(0x34, { unknown: ["block1", 5] }, [die(0x05, { unknown: ["indirect", ["data4", 7]] })]),
      die("subprogram", { specification: ["refUdata", "g"], ranges: ["rnglistx", 0] }, [inlined, die(0x0b, { unknown: ["refSig8", 8] })]),
    ]),
  );
  dwarf.unit(die("partialUnit", {}, [die("namespace", {}, [die("subprogram", { name: ["string", "h"] }, [], "h")])]), { type: 3 });
  return dwarf.sections();
}

const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/windows");
const seeds: [what: string, sections: DwarfSections, share: number][] = [
  ["DWARF 5 written by hand", smallFive(), 0.9],
  // A tenth of a millisecond against ten: so fewer of them.
  ["a program of MinGW", openObject(readFileSync(path.join(fixtures, "mingw-x64/Halcyon.vst3"))), 0.1],
];

describe("mutated sections", () => {
  test.each(seeds)(
    "of %s are read or refused",
    (_, sections, share) => {
      const present = names.filter((name) => sections.section(name) !== null);
      const mutation = fc.record({
        name: fc.constantFrom(...present),
        kind: fc.constantFrom("set", "set", "set", "cut", "double", "end"),
        // Mostly near the beginning, where headers and most of what is read lies.
        at: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 2 ** 20 })),
        value: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
      });
      let slowest = 0;
      fc.assert(
        fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
          const replaced = new Map<DwarfSectionName, Uint8Array>();
          for (const { name, kind, at, value } of mutations) {
            const bytes = replaced.get(name) ?? Uint8Array.from(sections.section(name)!);
            const place = at % Math.max(bytes.length, 1);
            if (kind === "set") bytes[place] = value;
            if (kind === "set") replaced.set(name, bytes);
            else if (kind === "cut") replaced.set(name, Uint8Array.from([...bytes.subarray(0, place), ...bytes.subarray(place + value)]));
            else if (kind === "double") replaced.set(name, Uint8Array.from([...bytes.subarray(0, place), ...bytes.subarray(place, place + value), ...bytes.subarray(place)]));
            else replaced.set(name, bytes.slice(0, place));
          }
          slowest = Math.max(slowest, timed(withSections(sections, replaced)));
        }),
        { numRuns: Math.ceil(runs * share) },
      );
      expect(slowest).toBeLessThan(patience);
    },
    600_000,
  );

  test("cut at any length are read or refused", () => {
    const sections = smallFive();
    for (const name of names) {
      const bytes = sections.section(name);
      for (let length = 0; length < (bytes?.length ?? 0); length++) timed(withSections(sections, new Map([[name, bytes!.slice(0, length)]])));
    }
  });
});

describe("a file that is made to take long does not:", () => {
  const code = imageBase + 0x100;
  const many = (count: number, make: (i: number) => Die): Die[] => Array.from({ length: count }, (_, i) => make(i));
  const expectQuick = (dwarf: DwarfWriter): { readonly [reason: string]: number } => {
    const sections = dwarf.sections();
    const started = performance.now();
    const { bytes, warnings } = compiledDwarf(sections);
    expect(performance.now() - started).toBeLessThan(patience * 2);
    expect(bytes.length).toBeLessThan(128 * 1024 * 1024);
    return warnings;
  };

  test("functions that all have the same many lines", () => {
    const dwarf = new DwarfWriter();
    const lineProgram = writeLines(dwarf, {}, [op.address(code), ...Array.from({ length: 40_000 }, () => op.special(26 + 4)), op.end()]);
    dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lineProgram] }, many(5000, () => die("subprogram", { name: ["string", "f"], lowPc: ["addr", code], highPc: ["data2", 40_000] }))));
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("units that all have the same long line program", () => {
    const dwarf = new DwarfWriter();
    const lineProgram = writeLines(dwarf, {}, [op.address(code), ...Array.from({ length: 60_000 }, () => op.special(13 + 4)), op.end()]);
    for (let i = 0; i < 3000; i++) dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lineProgram] }, [die("subprogram", { lowPc: ["addr", code], highPc: ["data1", 9] })]), { abbrevAt: 0 });
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("entries that all have the same long list of ranges", () => {
    const dwarf = new DwarfWriter();
    for (let i = 0; i < 10_000; i++) dwarf.ranges.fixed(code + i * 2, 8).fixed(code + i * 2 + 1, 8);
    dwarf.unit(die("compileUnit", {}, many(3000, () => die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 0] }))));
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("functions of many parts with many calls in them", () => {
    const dwarf = new DwarfWriter();
    for (let i = 0; i < 10_000; i++) dwarf.ranges.fixed(code + i * 2, 8).fixed(code + i * 2 + 1, 8);
    dwarf.ranges.fixed(0, 8).fixed(0, 8);
    const call = die("inlinedSubroutine", { lowPc: ["addr", code], highPc: ["data2", 20_000] });
    dwarf.unit(die("compileUnit", {}, [die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 0] }, many(10_000, () => call))]));
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("names that are all parts of one long name", () => {
    const dwarf = new DwarfWriter();
    dwarf.unit(die("compileUnit", { name: ["strp", `_${"x".repeat(60_000)}`] }, many(20_000, (i) => die("subprogram", { linkageName: ["strp", 30 + i], lowPc: ["addr", code + i], highPc: ["data1", 1] }))));
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("units that begin inside of one another's abbreviations", () => {
    const dwarf = new DwarfWriter();
    for (let i = 0; i < 200_000; i++) dwarf.abbrev.bytes.push(1);
    for (let i = 0; i < 3000; i++) dwarf.unit(die("compileUnit", {}), { abbrevAt: i });
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("entries as deep as there are bytes", () => {
    const dwarf = new DwarfWriter();
    const inner = die("subprogram", { name: ["string", "f"], lowPc: ["addr", code], highPc: ["data1", 9] });
    dwarf.unit(die("compileUnit", {}, [die("namespace", {}, [inner])]));
    // The second abbreviation is the namespace's: one byte each, and never closed.
    const at = dwarf.info.bytes.indexOf(2, 11);
    dwarf.info.bytes.splice(at, 0, ...Array.from({ length: 100_000 }, () => 2));
    dwarf.info.patch(0, dwarf.info.bytes.length - 4, 4);
    expect(expectQuick(dwarf)).toEqual({ malformedUnit: 1 });
  });

  test("functions after scopes as deep as there are bytes", () => {
    const dwarf = new DwarfWriter();
    dwarf.unit(die("compileUnit", {}, [die("namespace", {}, [die(0x34, {})]), ...many(30_000, (i) => die("subprogram", { name: ["string", "f"], lowPc: ["addr", code + i], highPc: ["data1", 1] }))]));
    // The second abbreviation is the namespace's: one byte each, with a byte that closes it behind what is in it.
    const at = dwarf.info.bytes.indexOf(2, 11);
    const inner = dwarf.info.bytes.slice(at, at + 3);
    const bytes = [...dwarf.info.bytes.slice(0, at), ...Array.from({ length: 400_000 }, () => 2), ...inner, ...Array.from({ length: 400_000 }, () => 0), ...dwarf.info.bytes.slice(at + 3)];
    const info = Uint8Array.from(bytes);
    new DataView(info.buffer).setUint32(0, info.length - 4, true);
    const sections = withSections(dwarf.sections(), new Map([[".debug_info", info]]));
    expect(timed(sections)).toBeLessThan(patience);
    expect(dwarfAnswers(sections, 0x102).at(-1)).toContain("f");
  });

  test("units that each have a table of one abbreviation with a high number", () => {
    const dwarf = new DwarfWriter();
    for (let i = 0; i < 8000; i++) {
      const abbrevAt = dwarf.abbrev.bytes.length;
      dwarf.abbrev.uleb(65_000).uleb(0x11).fixed(0, 1).fixed(0, 2).fixed(0, 1);
      dwarf.info.fixed(7 + 3, 4).fixed(4, 2).fixed(abbrevAt, 4).fixed(8, 1).uleb(65_000);
    }
    const before = process.memoryUsage().arrayBuffers;
    expectQuick(dwarf);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024);
  });

  test("files that are all in one folder of a long name", () => {
    const dwarf = new DwarfWriter();
    const files = Array.from({ length: 4000 }, (_, i) => [`${i}`, 2] as const);
    const lineProgram = writeLines(dwarf, { folders: ["/b", "d".repeat(60_000)], files }, [op.address(code), ...files.flatMap((_, i) => [op.file(i), op.special(13 + 4 + 14)]), op.end()]);
    dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lineProgram] }, [die("subprogram", { name: ["string", "f"], lowPc: ["addr", code], highPc: ["data2", 4000] })]));
    expect(expectQuick(dwarf)["dwarfBudget"]).toBeGreaterThan(0);
  });

  test("functions whose names are each in a unit of its own", () => {
    const count = 20_000;
    const dwarf = new DwarfWriter({ version: 5 });
    dwarf.unit(die("compileUnit", {}, many(count, (i) => die("subprogram", { abstractOrigin: ["refAddr", `f${i}`], lowPc: ["implicitConst", code], highPc: ["implicitConst", 9] }))));
    // All have the abbreviations of the first one.
    const abbrevAt = dwarf.abbrev.bytes.length;
    for (let i = 0; i < count; i++) {
      dwarf.unit(die("partialUnit", {}, [die("namespace", {}, [die("subprogram", { name: ["string", "f"] }, [], `f${i}`)])]), { type: 3, abbrevAt });
      if (i > 0) dwarf.abbrev.bytes.length = abbrevAt + (dwarf.abbrev.bytes.length - abbrevAt) / 2;
    }
    const before = process.memoryUsage().arrayBuffers;
    expectQuick(dwarf);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(96 * 1024 * 1024);
  });

  /** A unit of one entry, the first abbreviation, and then as many of the second as there are bytes. */
  const oneByteEntries = (second: Die, count: number): DwarfSections => {
    const dwarf = new DwarfWriter();
    dwarf.unit(die("compileUnit", {}, [second]));
    const head = dwarf.info.bytes.slice(0, dwarf.info.bytes.indexOf(2, 11));
    const info = new Uint8Array(head.length + count).fill(2);
    info.set(head);
    new DataView(info.buffer).setUint32(0, info.length - 4, true);
    return withSections(dwarf.sections(), new Map([[".debug_info", info]]));
  };

  test("functions of one byte each, or their memory is bounded", () => {
    const builder = new ModuleBuilder();
    addDwarfNames(oneByteEntries(die("subprogram", { lowPc: ["implicitConst", code], highPc: ["implicitConst", 9] }), 1 << 20), builder);
    expect(builder.functions).toBeLessThan(200_000);
    expect(builder.warnings.get("dwarfBudget")).toBeGreaterThan(0);
  });

  test("more entries in each other than any compiler writes, or their memory is bounded", () => {
    const sections = oneByteEntries(die("namespace", {}, [die(0x34, {})]), 20 << 20);
    const before = process.memoryUsage().arrayBuffers;
    expect(timed(sections)).toBeLessThan(patience);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024);
  });

  test("types of which each is in another, around functions without a linker's name", () => {
    const dwarf = new DwarfWriter();
    let scope = die("classType", { name: ["string", "c".repeat(300)] }, many(2000, (i) => die("subprogram", { name: ["string", `f${i}`], lowPc: ["addr", code + i], highPc: ["data1", 1] })));
    for (let i = 0; i < 100; i++) scope = die("namespace", { name: ["string", "n".repeat(300)] }, [scope]);
    dwarf.unit(die("compileUnit", {}, [scope]));
    expectQuick(dwarf);
  });
});
