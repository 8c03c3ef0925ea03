// Damaged Mach-O files: none makes the readers throw, and none keeps them long.
// DEADAIR_MUTATIONS sets how many are tried of all files together.
//
// Half of the damage goes to load commands, to unwind data, and to the tables
// at the end, since most of a file's bytes are code that one byte more or less
// does not hurt.
import { describe, expect, it } from "vitest";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf, partOf } from "../../../symbols/file-bytes.ts";
import { filePartsOf } from "../../../symbols/file-parts.ts";
import { readMachImage } from "../../../symbols/macho/image.ts";
import { openMachO } from "../../../symbols/macho/macho.ts";
import { damagedFile, mutationCount } from "../../support/damage.ts";
import { buildFat, buildMachO, exportTrie } from "../../support/macho-builder.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { madeCompact } from "./compact-tables.ts";
import { compileMach, macFixture, partsOf } from "./macho-answers.ts";

const mutants = mutationCount();
const isThere = (bytes: Buffer): boolean => bytes.length > 0;

/** A small big-endian file of everything. */
function odd(): Buffer {
  const symbols = Array.from({ length: 40 }, (_, i) => ({ name: `_f${i}`, value: 0x1000 + i * 4, type: i % 5 === 0 ? 0x24 : 0x0f }));
  const sections = [
    { name: "__text", address: 0x1000, bytes: Buffer.alloc(0x100, 0x90), isCode: true },
    { name: "__eh_frame", address: 0x1100, bytes: Buffer.alloc(0x40) },
    { segment: "__DWARF", name: "__debug_info", address: 0x2000, bytes: Buffer.alloc(0x40, 1) },
    { segment: "__DWARF", name: "__debug_abbrev", address: 0x2040, bytes: Buffer.alloc(0x40, 2) },
  ];
  return buildMachO({ isWide: false, little: false, cpu: 12, symbols, sections, functionStarts: [0x1000, 0x1008], exportTrie: exportTrie([["_a", 0, 0x1000], ["_b", 0, 0x1004]]), installName: "a" });
}

/** Places where a byte means much: offsets and lengths in the file. */
function targets(file: Buffer): (readonly [at: number, bytes: number])[] {
  const image = readMachImage(bytesOf(file));
  if (!image.ok) return [[0, 0x60]];
  const { sections, commands } = image.value;
  const places: (readonly [number, number])[] = [[0, 0x800]];
  for (const { name, offset, stored } of sections) if (stored > 0 && /^__(unwind_info|eh_frame|debug_(frame|abbrev|line|info))$/.test(name)) places.push([offset, stored]);
  for (const range of [commands.functionStarts, commands.exports, commands.symbols?.names ?? null]) if (range !== null && range.size > 0) places.push([range.offset, range.size]);
  if (commands.symbols !== null) places.push([commands.symbols.offset, commands.symbols.count * 12]);
  return places;
}

const files: readonly (readonly [name: string, bytes: () => Buffer])[] = [
  ["a small one of everything", odd],
  ["a universal binary", () => buildFat([[12, 0, odd()], [7, 0, buildMachO({})]], { align: 16 })],
  ["the x86_64 plugin", () => macFixture("frames/Halcyon")],
  ["the arm64e plugin", () => macFixture("arm64e/Halcyon")],
  ["the stripped plugin", () => macFixture("stripped/Halcyon")],
  ["the arm64e plugin's dSYM", () => macFixture("arm64e/Halcyon.dSYM/Contents/Resources/DWARF/Halcyon")],
];

/** Opens and compiles all parts; whether one could be had. */
function compileAll(file: Buffer): boolean {
  const bytes = bytesOf(file);
  const parts = filePartsOf(bytes);
  if (!parts.ok) return false;
  let compiled = 0;
  for (const { offset, size } of parts.value) {
    const part = partOf(bytes, offset, size)!;
    if (openMachO(part).ok && compileBytes([part]).ok) compiled++;
  }
  return compiled > 0;
}

describe("a damaged file", () => {
  it.each(files)("is compiled or refused: %s", { timeout: 3_600_000 }, (_, bytes) => {
    const file = bytes();
    const places = targets(file);
    const fates = { compiled: 0, refused: 0 };
    let worst = 0;
    for (let seed = 0; seed < mutants / files.length; seed++) {
      const mutant = damagedFile(file, places, randomFrom(seed));
      // Nobody opens an empty file, or one that is no Mach-O file any more.
      if (!isThere(mutant)) continue;
      const started = performance.now();
      try {
        fates[compileAll(mutant) ? "compiled" : "refused"]++;
      } catch (error) {
        throw new Error(`mutant ${seed}`, { cause: error });
      }
      worst = Math.max(worst, performance.now() - started);
    }
    expect(worst).toBeLessThan(2000);
    // Where all are refused, or none, the mutants teach nothing.
    expect(Math.min(fates.compiled, fates.refused)).toBeGreaterThan(0);
  });

  it("was a good one before", () => {
    for (const [, bytes] of files) for (const part of partsOf(bytes())) expect(compileBytes([part]).ok).toBe(true);
  });
});

describe("a file that was made to be slow", () => {
  it("by the same bytes as the code of hundreds of sections", () => {
    const size = 0x4000;
    const names = Array.from({ length: 200 }, (_, i) => `__code${i}`);
    // Nothing but epilogs.
    const bytes = Buffer.alloc(size, Buffer.of(0x5d, 0xc3));
    const table = madeCompact([{ entries: names.map((_, i) => [0x1000 + i * size, 0x0100_0000]) }], { end: 0x1000 + names.length * size });
    const file = buildMachO({
      sections: [...names.map((name, i) => ({ name, address: 0x1000 + i * size, bytes: i === 0 ? bytes : Buffer.alloc(0), size, isCode: true })), { name: "__unwind_info", address: 0x100_0000, bytes: table }],
    });
    const offsetAt = (name: string): number => file.indexOf(Buffer.from(`${name}\0`)) + 48;
    for (const name of names) file.writeUInt32LE(file.readUInt32LE(offsetAt("__code0")), offsetAt(name));
    const { counts } = compileMach(file).symbols.meta();
    expect(counts["unwindRows"]).toBeGreaterThan(size);
    expect(counts["unwindRows"]).toBeLessThan(size * 5);
  });
  it("by symbols that all have one long name", () => {
    const name = `_${"f".repeat(60_000)}`;
    const symbols = Array.from({ length: 20_000 }, (_, i) => ({ name: i === 0 ? name : `_${i}`, value: 0x1000 + i }));
    const file = buildMachO({ sections: [{ name: "__text", address: 0x1000, bytes: Buffer.alloc(0x8000), isCode: true }], symbols });
    // All names begin where the first does.
    const table = file.indexOf(Buffer.of(2, 0, 0, 0, 24, 0, 0, 0));
    const offset = file.readUInt32LE(table + 8);
    for (let i = 0; i < symbols.length; i++) file.writeUInt32LE(2 + (i % 1000), offset + i * 16);
    const started = performance.now();
    expect(compileMach(file).symbols.meta().counts["publics"]).toBeLessThan(1000);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
