// Damaged ELF files: none makes the readers throw, and none keeps them long.
// DEADAIR_MUTATIONS sets how many are tried of all files together.
//
// Most of the damage goes to headers, symbols, frames and debug information,
// since a byte of code more or less hurts nobody.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { compileBytes, openDebugFile } from "../../../symbols/compile.ts";
import { readElfImage } from "../../../symbols/elf/image.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { damagedFile, mutationCount } from "../../support/damage.ts";
import { allocated, buildElf, ElfNumbers, executable, shType, stripSections, symbolSections } from "../../support/elf-builder.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";

const out = resolve(import.meta.dirname, "../../../fixtures/out/elf");
const mutants = mutationCount();

/** Which sections are worth damaging. */
const telling = /^\.(symtab|strtab|dynsym|dynstr|dynamic|eh_frame|eh_frame_hdr|ARM\.|gnu_debug|note|debug_(?!loc|str$)|zdebug)/;

/** Places where a byte means much: offsets and lengths in the file. */
function targets(file: Buffer): (readonly [at: number, bytes: number])[] {
  const image = readElfImage(bytesOf(file));
  if (!image.ok) throw new Error(image.problem.message);
  const { sections, segments, isWide } = image.value.headers;
  const table = isWide ? file.readUInt32LE(40) : file.readUInt32LE(32);
  const places = sections.filter(({ name, stored }) => stored > 0 && telling.test(name)).map(({ offset, stored }): readonly [number, number] => [offset, stored]);
  return [[0, 0x40 + segments.length * 56], ...(table > 0 ? [[table, file.length - table] as const] : []), ...places];
}

/** A fixture, or one as it is loaded: without sections. */
function fixture(path: string): Buffer<ArrayBuffer> {
  const [name, isStripped] = path.split(", ");
  const file = readFileSync(resolve(out, name!));
  return isStripped === undefined ? file : stripSections(file);
}

const files: readonly (readonly [name: string, file: string, companion?: string])[] = [
  ["DWARF 5 by GCC", "gcc-5/halcyon.so"],
  ["DWARF 4 by Clang", "clang-4/halcyon.so"],
  ["zlib", "gcc-5-zlib/halcyon.so"],
  ["zlib in the old way", "gcc-4-zlib-gnu/halcyon.so"],
  ["zstd", "clang-5-zstd/halcyon.so"],
  ["a symbol table", "symbol-table/halcyon.so"],
  ["packed symbols", "minidebug/halcyon.so"],
  ["no sections", "exports-only/halcyon.so, without sections"],
  ["stripped, with its debug file", "gcc-5-split/halcyon.so.debug", "gcc-5-split/halcyon.so"],
  ["dwz's file beside it", "dwz-shared-4/halcyon.so", "dwz-shared-4/halcyon.dwz"],
  ["32 bits", "i686-gcc/halcyon.so"],
  ["32-bit ARM", "armhf-gcc/halcyon.so"],
  ["ARM's tables alone", "armhf-stripped/halcyon.so"],
  ["big-endian", "s390x-clang/halcyon.so"],
];

describe("a damaged ELF file", () => {
  it.each(files)("is compiled or refused: %s", { timeout: 3_600_000 }, (_, made, companion) => {
    const file = fixture(made!);
    const beside = companion === undefined ? [] : [bytesOf(readFileSync(resolve(out, companion)))];
    const whole = compileBytes([bytesOf(file), ...beside]);
    if (!whole.ok) throw new Error(whole.problem.message);
    const places = file[5] === 1 ? targets(file) : [[0, file.length] as const];
    const fates = { same: 0, changed: 0, refused: 0 };
    let worst = 0;
    for (let seed = 0; seed < mutants / files.length; seed++) {
      const mutant = damagedFile(file, places, randomFrom(seed), 4);
      const started = performance.now();
      try {
        const compiled = openDebugFile(bytesOf(mutant)).ok ? compileBytes([bytesOf(mutant), ...beside]) : null;
        fates[compiled?.ok !== true ? "refused" : Buffer.from(compiled.value).equals(whole.value) ? "same" : "changed"]++;
      } catch (error) {
        throw new Error(`mutant ${seed}`, { cause: error });
      }
      worst = Math.max(worst, performance.now() - started);
    }
    expect(worst).toBeLessThan(2000);
    // Headers are read whatever they say, so that few are refused; but where most come through as they were, mutants teach nothing.
    expect(fates.changed).toBeGreaterThan((fates.same + fates.refused + fates.changed) / 3);
  });
});

describe("an ELF file that was made to be slow", () => {
  const numbers = new ElfNumbers();
  const text = { name: ".text", flags: executable, address: 0x1000, bytes: Buffer.alloc(16), size: 0x10_0000 };
  const timed = (file: Buffer): number => {
    const started = performance.now();
    compileBytes([bytesOf(file)]);
    return performance.now() - started;
  };
  const entries = (count: number, entry: (i: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => entry(i)));
  const symbol = (name: number, value: number, size: number): Buffer => Buffer.concat([numbers.words(name), Buffer.of(0x12, 0, 1, 0), numbers.wide(value, size)]);
  const withTable = (table: Buffer, strings: Buffer): Buffer => buildElf({ sections: [text, { name: ".symtab", type: shType.symtab, bytes: table, link: ".strtab" }, { name: ".strtab", type: shType.strtab, bytes: strings }] });

  it("by symbols that all have one long name", () => {
    const strings = Buffer.concat([Buffer.from("\0"), Buffer.alloc(15_000, 0x61), Buffer.from("\0")]);
    expect(timed(withTable(entries(100_000, (i) => symbol(1 + (i % 100), 0x1000 + i, 1)), strings))).toBeLessThan(2000);
  });
  it("by symbols of one place, whose names differ in their last byte", () => {
    const strings = Buffer.concat(Array.from({ length: 60 }, (_, i) => Buffer.concat([Buffer.alloc(16_000, 0x62), Buffer.of(0x41 + i, 0)])));
    expect(timed(withTable(entries(100_000, (i) => symbol(1 + (i % 60) * 16_002, 0x1000, 8)), strings))).toBeLessThan(2000);
  });
  it("by symbols within each other", () => {
    const count = 100_000;
    expect(timed(withTable(entries(count, (i) => symbol(1, 0x1000 + i, 0x10_0000 - 2 * i)), Buffer.from("\0f\0")))).toBeLessThan(2000);
  });
  it("by as many sections of code as are read", () => {
    const many = Array.from({ length: 8000 }, (_, i) => ({ name: ".t", flags: executable, address: 0x1000 + i * 16, size: 16, type: shType.nobits }));
    const [table, strings] = symbolSections(numbers, [{ name: "f", value: 0x1000 + 7999 * 16, size: 4 }]);
    const repeated = { ...table, bytes: entries(100_000, () => table.bytes!.subarray(24) as Buffer) };
    expect(timed(buildElf({ base: null, sections: [...many, repeated, strings] }))).toBeLessThan(2000);
  });
  it("by a hash table whose chain goes on", () => {
    const hash = Buffer.concat([numbers.words(1, 0, 1, 0), numbers.wide(0), numbers.words(1), Buffer.alloc(1 << 20)]);
    const dynamic = numbers.wide(6, 0x1000, 5, 0x1000, 10, 16, 0x6ffffef5, 0x200000, 0, 0);
    const sections = [{ ...text, size: 16 }, { name: ".hash", flags: allocated, address: 0x200000, bytes: hash }, { name: ".dynamic", flags: allocated, address: 0x400000, bytes: dynamic }];
    expect(timed(buildElf({ sections, segments: [{ type: 2, section: ".dynamic" }], isStripped: true }))).toBeLessThan(2000);
  });
});
