// Damaged programs: none makes the readers throw, and none keeps them long.
// DEADAIR_MUTATIONS sets how many are tried of all files together.
//
// Half of the damage goes to the first kilobyte, to exception, export and
// debug directories and to what they lead to, since most of a file's bytes are
// code and types that one byte more or less does not hurt.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { readImage } from "../../../symbols/pe/image.ts";
import { openPe } from "../../../symbols/pe/pe.ts";
import { damagedFile, mutationCount } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { buildPe, words } from "../../support/pe-builder.ts";
import { arm64Image, codeRva as arm64Code, xdataRva as arm64Xdata } from "./arm64-image.ts";
import { code, codeRva, compilePe, reg, unwindInfo, x64Image, xdataRva } from "./x64-image.ts";

const fixture = (path: string): Buffer => readFileSync(resolve(import.meta.dirname, "../../../fixtures/out/windows", path));
const mutants = mutationCount();

/** One with what compilers seldom write: chains, version 2, machine frames, a frame register. */
function odd(): Buffer {
  const infos = [
    unwindInfo({ codes: [code.small(5, 0x20), code.push(1, reg.rbx)] }),
    unwindInfo({ codes: [code.save(4, reg.rdi, 0x18)], chain: [codeRva, codeRva + 0x40, xdataRva] }),
    unwindInfo({ version: 2, codes: [code.epilogs(2, true, 0x20), code.push(1, reg.rbx)], prolog: 1 }),
    unwindInfo({ codes: [code.huge(8, 0x8008), code.push(1, reg.rsi), code.machine(0, true)] }),
    unwindInfo({ codes: [code.frame(0xb), code.small(6, 0x40), code.push(1, reg.rbp)], frame: [reg.rbp, 0x20], flags: 3 }),
    words(codeRva, codeRva + 0x40, xdataRva),
  ];
  let at = 0;
  const functions = infos.map((info, i) => {
    const unwind = i === infos.length - 1 ? at + 1 : at;
    at += info.length;
    return [i * 0x40, i * 0x40 + 0x40, unwind] as const;
  });
  const text = Buffer.alloc(0x1000, 0x90);
  for (let i = 0; i < 6; i++) text.set([0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3], i * 0x40 + 0x30);
  return x64Image({ functions: [...functions, [0x190, 0x1a0, 0], [0x200, 0x400, 0]], xdata: Buffer.concat(infos), code: text });
}

/** Places where a byte means much: offsets and lengths in the file. */
function targets(file: Buffer): (readonly [at: number, bytes: number])[] {
  const image = readImage(bytesOf(file));
  if (!image.ok) throw new Error(image.problem.message);
  const { headers } = image.value;
  const places: (readonly [number, number])[] = [[0, 0x400]];
  for (const { rva, size } of headers.directories) {
    const section = size === 0 ? undefined : headers.sections.find((one) => rva >= one.rva && rva - one.rva < one.stored);
    if (section !== undefined) places.push([section.offset + rva - section.rva, Math.min(size, section.stored - (rva - section.rva))]);
  }
  // Unwind data lies in the read-only data of small programs.
  for (const { name, offset, stored } of headers.sections) if (/^\.(xdata|rdata|eh_frame|debug_frame)$/.test(name)) places.push([offset, stored]);
  return places;
}

const files: readonly (readonly [name: string, bytes: () => Buffer])[] = [
  ["chains, version 2, machine frames", odd],
  ["the x64 plugin", () => fixture("x64/Halcyon.vst3")],
  ["the arm64 plugin", () => fixture("arm64/Halcyon.vst3")],
  ["the x86 plugin", () => fixture("x86/Halcyon.vst3")],
  ["the x64 plugin by GCC", () => fixture("mingw-x64/Halcyon.vst3")],
  ["the x86 plugin by GCC", () => fixture("mingw-x86/Halcyon.vst3")],
];

describe("a damaged program", () => {
  it.each(files)("is compiled or refused: %s", { timeout: 3_600_000 }, (_, bytes) => {
    const file = bytes();
    const places = targets(file);
    const fates = { compiled: 0, refused: 0 };
    let worst = 0;
    for (let seed = 0; seed < mutants / files.length; seed++) {
      const mutant = damagedFile(file, places, randomFrom(seed));
      const started = performance.now();
      try {
        fates[openPe(bytesOf(mutant)).ok && compileBytes([bytesOf(mutant)]).ok ? "compiled" : "refused"]++;
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
    for (const [, bytes] of files) expect(compileBytes([bytesOf(bytes())]).ok).toBe(true);
  });
});

describe("a program that was made to be slow", () => {
  const timed = (file: Buffer): number => {
    const started = performance.now();
    compileBytes([bytesOf(file)]);
    return performance.now() - started;
  };
  it("by unwind data in which each word begins another function's", () => {
    // 255 codes each, most of them those of the functions that follow.
    const xdata = Buffer.alloc(0x4_0000);
    for (let at = 0; at < xdata.length; at += 4) xdata.set([1, 0xff, 0xff, 0], at);
    const functions = Array.from({ length: 0xf000 }, (_, i) => [i, i + 1, (i * 4) % 0x3_0000] as const);
    expect(timed(x64Image({ functions, xdata, code: Buffer.alloc(0xf000, 0x58) }))).toBeLessThan(2000);
  });
  it("by chains as long as they may be", () => {
    const chain = Buffer.alloc(16 * 32);
    for (let i = 0; i < 32; i++) chain.set([...unwindInfo({ chain: [0, 0, xdataRva + (i + 1) * 16] })], i * 16);
    const functions = Array.from({ length: 0xf000 }, (_, i) => [i, i + 1, 0] as const);
    expect(timed(x64Image({ functions, xdata: chain, code: Buffer.alloc(0xf000, 0x58) }))).toBeLessThan(2000);
  });
  it("by unwind data that is now at one end of the file and now at the other", () => {
    const xdata = Buffer.alloc(0x20_0000);
    // Chains of 32 between two far places.
    const far = 0x1f_0000;
    for (let i = 0; i < 32; i++) xdata.set(unwindInfo({ chain: [0, 0, xdataRva + (i % 2 === 0 ? far : 0) + (i + 1) * 16] }), (i % 2 === 0 ? 0 : far) + i * 16);
    const functions = Array.from({ length: 0xf000 }, (_, i) => [i, i + 1, 0] as const);
    expect(timed(x64Image({ functions, xdata, code: Buffer.alloc(0xf000, 0x58) }))).toBeLessThan(2000);
  });
  it("by entries that stand for others, at both ends of the file in turn", () => {
    const xdata = Buffer.alloc(0x20_0000);
    const far = 0x1f_0000;
    for (let i = 0; i < 32; i++) xdata.set(words(0, 0, xdataRva + (i % 2 === 0 ? far : 0) + (i + 1) * 16 + 1), (i % 2 === 0 ? 0 : far) + i * 16);
    const functions = Array.from({ length: 0xf000 }, (_, i) => [i, i + 1, 1] as const);
    expect(timed(x64Image({ functions, xdata, code: Buffer.alloc(0xf000, 0x58) }))).toBeLessThan(2000);
  });
  it("by arm64 functions of no code whose records have as many epilogs as there can be", () => {
    const xdata = Buffer.alloc(4 * 65_600);
    xdata.writeUInt32LE(0x3ffff, 0);
    xdata.writeUInt32LE(0xffff, 4);
    const file = arm64Image({ pdata: Array.from({ length: 20_000 }, () => [arm64Code + 4, arm64Xdata] as const), xdata, codeBytes: 8 });
    // The code ends after a byte, whatever the file has.
    file.writeUInt32LE(1, 0x98 + 240 + 8);
    expect(timed(file)).toBeLessThan(2000);
  });
  it("by compressed sections that are mostly zeros", () => {
    const zeros = deflateSync(Buffer.alloc(2 ** 20));
    const claim = Buffer.alloc(12);
    claim.write("ZLIB");
    claim.writeUInt32BE(2 ** 28, 8);
    const names = ["info", "abbrev", "line", "str", "line_str", "str_offsets", "addr", "ranges", "rnglists"];
    const unreadable = (padding: number): number | undefined => {
      const bytes = Buffer.concat([claim, zeros, Buffer.alloc(padding)]);
      return compilePe(buildPe({ sections: names.map((name, i) => ({ name: `.zdebug_${name}`, rva: 0x1000 + i * 0x100_0000, bytes })) })).warnings["unreadableSection"];
    };
    // A byte may stand for a thousand, but in no DWARF.
    expect(unreadable(2 ** 18)).toBe(names.length);
    // Where the claim can be believed, those beyond a gigabyte are not there.
    expect(unreadable(2 ** 22)).toBe(5);
  });
  it("by functions within functions, all of which are searched", () => {
    const functions = Array.from({ length: 0x4000 }, (_, i) => [i, 0x4_0000, 0] as const);
    expect(timed(x64Image({ functions, xdata: unwindInfo({ codes: [code.push(1, reg.rbx)] }), code: Buffer.alloc(0x4_0000, 0x5b) }))).toBeLessThan(2000);
  });
});
