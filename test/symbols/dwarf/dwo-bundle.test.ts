// Bundles of split DWARF, packages and what they say of themselves.
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { compileBytes, openDebugFile } from "../../../symbols/compile.ts";
import type { DebugFileFacts } from "../../../symbols/debug-file.ts";
import { readDwoBundle, writeDwoBundle } from "../../../symbols/dwarf/dwo-bundle.ts";
import { readUnitIndex } from "../../../symbols/dwarf/unit-index.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { whyUseless } from "../../../symbols/useless-file.ts";
import { openBytes, scratchFile } from "../cache/cached-symbols.ts";
import { bundledId, bundleOf, looseFiles, packedFiles, readFixture, splitOf } from "./split-files.ts";

const files: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["a.dwo", Buffer.from("odd")],
  ["a-name-that-is-longer-than-a-header.dwo", Buffer.from("even")],
  ["übung/b c.dwo", Buffer.alloc(0)],
  ["another-name-that-is-too-long.dwo", Buffer.from("last!")],
];

describe("a bundle", () => {
  const whole = bundleOf(files);

  test("says whose it is and has its files as they are", () => {
    const { bytes } = writeDwoBundle(bundledId, "halcyon.so", files.map(([name, { length: size }]) => ({ name, size })));
    expect(bytes).toBe(whole.length);
    const read = readDwoBundle(bytesOf(whole));
    if (!read.ok) throw new Error(read.problem.message);
    const { members, ...rest } = read.value;
    expect(rest).toEqual({ debugId: bundledId, debugFile: "halcyon.so" });
    expect(members.map(({ offset, size }) => whole.toString("utf8", offset, offset + size))).toEqual(["odd", "even", "", "last!"]);
  });

  test("is the same for the same files", () => {
    expect(bundleOf(files).equals(whole)).toBe(true);
  });

  test.skipIf(spawnSync("ar", ["--version"]).status !== 0)("is one for ar too", () => {
    expect(execFileSync("ar", ["t", scratchFile(whole, "bundle.a")], { encoding: "utf8" }).trimEnd().split("\n")).toEqual(["deadair-dwo", "a.dwo", "an-a-header.dwo", "_bung_b_c.dwo", "is-too-long.dwo"]);
  });

  test("that is cut anywhere is refused, or has the files before", () => {
    for (let length = 19; length < whole.length; length++) {
      const read = readDwoBundle(bytesOf(whole.subarray(0, length)));
      if (!read.ok) expect(read.problem.code).toBe("malformed_dwo_bundle");
      else expect(read.value.members.length).toBeLessThan(files.length + 1);
    }
  });

  const broken: readonly (readonly [what: string, from: string, to: string])[] = [
    ["without a name of its program", '"debugFile"', '"debugfile"'],
    ["with an id that is none", bundledId, "X".repeat(33)],
    ["whose manifest is no JSON", "{", "<"],
    ["with a size that is no number", `${"3".padEnd(10)}\``, `${"3x".padEnd(10)}\``],
    ["with a size beyond its end", `${"3".padEnd(10)}\``, `${"9".repeat(10)}\``],
    ["with a header that is none", "`\nodd", "'\nodd"],
  ];
  test.each(broken)("%s is refused", (_, from, to) => {
    const text = whole.toString("latin1");
    expect(text).toContain(from);
    const read = openDebugFile(bytesOf(Buffer.from(text.replace(from, to), "latin1")));
    expect(read.ok ? "" : read.problem.code).toBe("malformed_dwo_bundle");
  });

  const factsOf = (bytes: Buffer): DebugFileFacts => {
    const file = openDebugFile(bytesOf(bytes));
    if (!file.ok) throw new Error(file.problem.message);
    return file.value.facts;
  };

  test("has facts", () => {
    const facts = factsOf(looseFiles("clang-5-dwo"));
    expect(facts).toMatchObject({ kind: "dwp", debugId: bundledId, debugFile: "halcyon.so", archName: "x86_64", arch: "amd64", lacks: [] });
    expect(facts.holds).toEqual({ functions: true, publics: false, lines: false, inlines: true, unwind: false });
    expect(whyUseless(facts)).toBeNull();
  });

  test("of what is no split DWARF says so", () => {
    for (const bytes of [whole, bundleOf([])]) expect(factsOf(bytes).lacks.map(({ code }) => code)).toEqual(["no_functions"]);
    const builder = new ModuleBuilder();
    expect(splitOf(whole, builder)!.has("0000000000000001")).toBe(false);
    expect(Object.fromEntries(builder.warnings)).toEqual({ unreadableDwo: 4 });
  });

  test("or a package alone does not say of which program it is", () => {
    const facts = factsOf(packedFiles("gcc-4-dwo"));
    expect(facts).toMatchObject({ kind: "dwp", debugId: null, debugFile: null });
    expect(whyUseless(facts)?.code).toBe("no_id");
  });

  test("is compiled with its program, in either order", () => {
    const program = bytesOf(readFixture("gcc-5-dwo/halcyon.so"));
    const bundle = bytesOf(looseFiles("gcc-5-dwo"));
    const [one, two] = [[program, bundle], [bundle, program]].map((both) => {
      const result = compileBytes(both);
      if (!result.ok) throw new Error(result.problem.message);
      return result.value;
    });
    expect(Buffer.from(one!).equals(two!)).toBe(true);
    const cache = openBytes(one!);
    try {
      expect(cache.meta()).toMatchObject({ source: "elf+dwp", warnings: {} });
      expect(cache.meta().counts["inlines"]).toBeGreaterThan(50);
    } finally {
      cache.close();
    }
  });
});

describe("an index", () => {
  /** One of a unit, in a table of two places. */
  const index = (version: number, little: boolean, columns: readonly number[]): Buffer => {
    const words: number[] = [version, columns.length, 1, 2];
    const bytes = Buffer.alloc(16 + 16 + 8 + columns.length * 12);
    const put = (at: number, value: number): void => void (little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at));
    words.forEach((word, i) => put(4 * i, word));
    // Version 5 has 2 bytes for it.
    if (version === 5 && !little) bytes.writeUInt32BE(5 * 65536, 0);
    put(24 + (little ? 4 : 0), 0x01020304);
    put(24 + (little ? 0 : 4), 0xa0b0c0d0);
    put(36, 1);
    columns.forEach((column, i) => {
      put(40 + 4 * i, column);
      put(40 + 4 * (columns.length + i), 100 + i);
      put(40 + 4 * (2 * columns.length + i), 10 + i);
    });
    return bytes;
  };
  const id = "01020304a0b0c0d0";

  test.each([[2, true], [2, false], [5, true], [5, false]] as const)("of version %d, little-endian %s", (version, little) => {
    const read = readUnitIndex(index(version, little, [1, 3, 4, 6, 8]), little)!;
    expect([...read.ids]).toEqual([id]);
    expect(read.partOf(id, ".debug_info.dwo")).toEqual({ offset: 100, size: 10 });
    expect(read.partOf(id, ".debug_abbrev.dwo")).toEqual({ offset: 101, size: 11 });
    expect(read.partOf(id, ".debug_str_offsets.dwo")).toEqual({ offset: 103, size: 13 });
    // Column 8 has macros in version 2.
    expect(read.partOf(id, ".debug_rnglists.dwo")).toEqual(version === 5 ? { offset: 104, size: 14 } : null);
    expect(read.partOf(id, ".debug_str.dwo")).toBeNull();
    expect(read.partOf("0".repeat(16), ".debug_info.dwo")).toBeNull();
  });

  test("that is cut, or of another version, is none", () => {
    const whole = index(5, true, [1, 3]);
    for (let length = 0; length < whole.length; length++) expect(readUnitIndex(whole.subarray(0, length), true)).toBeNull();
    for (const version of [0, 1, 3, 4, 6]) expect(readUnitIndex(index(version, true, [1, 3]), true)).toBeNull();
  });

  test("whose table names rows that are not there has no such units", () => {
    const bytes = index(5, true, [1]);
    bytes.writeUInt32LE(2, 36);
    expect([...readUnitIndex(bytes, true)!.ids]).toEqual([]);
  });
});
