// Apple's compact unwind information: encodings, tables, what call frames fill
// in, real files against LLVM's reading of them, and damaged tables.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CompactArch, readEncoding } from "../../../symbols/macho/compact-encoding.ts";
import { RULE_WORDS } from "../../../symbols/cache/unwind-rule.ts";
import { readCompactEntries } from "../../../symbols/macho/compact-pages.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { damageAt, mutationCount } from "../../support/damage.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { rowAt } from "../dwarf/frame-sections.ts";
import { compactCache, compactSection, madeCompact } from "./compact-tables.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const folder = mkdtempSync(path.join(tmpdir(), "deadair-compact-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An encoding as text: its rule, or what it is instead. */
function encodingText(arch: CompactArch, encoding: number, subtracted = 0): string {
  const words = new Int32Array(RULE_WORDS);
  const kind = readEncoding(arch, encoding, subtracted, words);
  return kind === "rule" ? ruleText(registerFiles[arch], words, 0, new Int32Array(0)) : kind;
}

describe("an encoding", () => {
  it.each([
    ["amd64", 0x01000000, "cfa = rbp + 16, ra = [cfa - 8], rbp = [cfa - 16]"],
    // r15, r13, rbx from three words below the frame pointer upwards.
    ["amd64", 0x0103005d, "cfa = rbp + 16, ra = [cfa - 8], rbx = [cfa - 24], rbp = [cfa - 16], r13 = [cfa - 32], r15 = [cfa - 40]"],
    // A slot that nothing is saved in.
    ["amd64", 0x01030045, "cfa = rbp + 16, ra = [cfa - 8], rbx = [cfa - 24], rbp = [cfa - 16], r15 = [cfa - 40]"],
    ["amd64", 0x02010000, "cfa = rsp + 8, ra = [cfa - 8]"],
    ["amd64", 0x02030400, "cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16]"],
    // All six, in the order of their numbers, which is that of order 0.
    ["amd64", 0x02081800, "cfa = rsp + 64, ra = [cfa - 8], rbx = [cfa - 56], rbp = [cfa - 16], r12 = [cfa - 48], r13 = [cfa - 40], r14 = [cfa - 32], r15 = [cfa - 24]"],
    // And backwards, 719 being the last order of six.
    ["amd64", 0x02081acf, "cfa = rsp + 64, ra = [cfa - 8], rbx = [cfa - 16], rbp = [cfa - 56], r12 = [cfa - 24], r13 = [cfa - 32], r14 = [cfa - 40], r15 = [cfa - 48]"],
    // r14 then rbx of two: 3 * 5 + 0.
    ["amd64", 0x0203080f, "cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16], r14 = [cfa - 24]"],
    ["amd64", 0x04000123, "dwarf"],
    ["amd64", 0x00000000, "none"],
    ["amd64", 0x40000000, "none"],
    ["amd64", 0x05000000, "unknown"],
    // Registers above the frame record, a register without a number, more registers than room.
    ["amd64", 0x01000001, "unknown"],
    ["amd64", 0x01010007, "unknown"],
    ["amd64", 0x02010400, "unknown"],
    ["amd64", 0x02081c00, "unknown"],
    ["x86", 0x01020011, "cfa = ebp + 8, ra = [cfa - 4], ecx = [cfa - 12], ebx = [cfa - 16], ebp = [cfa - 8]"],
    ["x86", 0x02040803, "cfa = esp + 16, ra = [cfa - 4], ebx = [cfa - 12], esi = [cfa - 8]"],
    ["arm64", 0x04000000, "cfa = fp + 16, ra = [cfa - 8], fp = [cfa - 16]"],
    ["arm64", 0x04000503, "cfa = fp + 16, ra = [cfa - 8], x19 = [cfa - 24], x20 = [cfa - 32], x21 = [cfa - 40], x22 = [cfa - 48], fp = [cfa - 16]"],
    ["arm64", 0x04000012, "cfa = fp + 16, ra = [cfa - 8], x21 = [cfa - 24], x22 = [cfa - 32], x27 = [cfa - 40], x28 = [cfa - 48], fp = [cfa - 16]"],
    // Signed with the place of the call.
    ["arm64", 0x05000001, "cfa = fp + 16, ra = [cfa - 8], x19 = [cfa - 24], x20 = [cfa - 32], fp = [cfa - 16]"],
    ["arm64", 0x02000000, "cfa = sp, ra = lr"],
    ["arm64", 0x02fff000, "cfa = sp + 65520, ra = lr"],
    ["arm64", 0x02002101, "cfa = sp + 32, ra = lr, x19 = [cfa - 8], x20 = [cfa - 16]"],
    ["arm64", 0x03000010, "dwarf"],
    ["arm64", 0x01000000, "unknown"],
    ["arm64", 0x02001003, "unknown"],
  ] as const)("%s %i", (arch, encoding, text) => {
    expect(encodingText(arch, encoding)).toBe(text);
  });

  it("with its size in the code", () => {
    expect(encodingText("amd64", 0x03032800, 0x1000)).toBe("cfa = rsp + 4104, ra = [cfa - 8], rbx = [cfa - 24], r12 = [cfa - 16]");
    expect(encodingText("amd64", 0x03030000, 0)).toBe("unknown");
    expect(encodingText("amd64", 0x03030000, 0xffff_ffff)).toBe("unknown");
  });
});

const bodyRow = "entry: cfa = rbp + 16, ra = [cfa - 8], rbp = [cfa - 16]";
const frameless = "entry: cfa = rsp + 8, ra = [cfa - 8]";

describe("a table", () => {
  const frame = 0x01000000;
  it.each([
    ["regular pages", [{ entries: [[0x1000, frame], [0x1100, 0]] }, { entries: [[0x1200, 0x42010000], [0x1300, frame]] }]],
    ["compressed pages, with encodings of their own", [{ entries: [[0x1000, frame], [0x1100, 0]], compressed: true }, { entries: [[0x1200, 0x42010000], [0x1300, frame]], compressed: true }]],
  ] as const)("of %s", (_, pages) => {
    const { cache, warnings } = compactCache(compactSection(madeCompact(pages, { common: [frame], end: 0x1400 }), "amd64"));
    expect(warnings).toEqual({});
    expect([0xfff, 0x1000, 0x10ff, 0x1100, 0x1200, 0x1300, 0x13ff, 0x1400].map((rva) => rowAt(cache, rva))).toEqual([null, bodyRow, bodyRow, null, frameless, bodyRow, bodyRow, null]);
  });

  it("joins functions that are like each other; their beginnings take them apart", () => {
    const section = compactSection(madeCompact([{ entries: [[0x1000, frame]] }], { end: 0x1400 }), "amd64", { functionStarts: Uint32Array.of(0x800, 0x1000, 0x1100, 0x1080, 0x1200, 0x1400) });
    const { cache } = compactCache(section);
    expect([0x1000, 0x1010, 0x1100, 0x1200].map((rva) => cache.rowStart(cache.unwindRow(rva)))).toEqual([0x1000, 0x1000, 0x1100, 0x1200]);
  });

  it("need not say where the last function ends", () => {
    const { cache } = compactCache(compactSection(madeCompact([{ entries: [[0x1000, frame]] }], { end: 0 }), "amd64", { codeEnd: 0x1234 }));
    expect([0x1233, 0x1234].map((rva) => rowAt(cache, rva))).toEqual([bodyRow, null]);
  });

  it("takes a frame's size from the code", () => {
    const bytes = madeCompact([{ entries: [[0x1000, 0x03030000]] }], { end: 0x1400 });
    const asked: number[] = [];
    const code = (rva: number, length: number): Uint8Array => {
      asked.push(rva, length);
      return Uint8Array.of(0x18, 0x10, 0, 0);
    };
    expect(rowAt(compactCache(compactSection(bytes, "amd64", { code })).cache, 0x1200)).toBe("entry: cfa = rsp + 4120, ra = [cfa - 8]");
    expect(asked.slice(0, 2)).toEqual([0x1003, 4]);
    const without = compactCache(compactSection(bytes, "amd64"));
    expect([rowAt(without.cache, 0x1200), without.warnings]).toEqual([null, { missingCode: 1 }]);
  });

  it("leaves out what makes no sense", () => {
    const backwards = compactCache(compactSection(madeCompact([{ entries: [[0x1000, frame], [0x1200, 0x05000000], [0x1100, frame]] }], { end: 0x1400 }), "amd64"));
    expect(backwards.warnings).toEqual({ malformedUnwind: 2 });
    const version = madeCompact([{ entries: [[0x1000, frame]] }], { end: 0x1400 });
    version[0] = 2;
    expect(compactCache(compactSection(version, "amd64")).warnings).toEqual({ malformedUnwind: 1 });
  });
});

/** A CIE and an FDE for each range, for amd64: the return address on top, the frame that many bytes. */
function callFrames(ranges: readonly (readonly [start: number, end: number, frameBytes: number])[]): Buffer {
  const cie = Buffer.from([0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0]);
  let at = cie.length;
  const fdes = ranges.map(([start, end, bytes]) => {
    const fde = Buffer.alloc(28);
    fde.writeUInt32LE(24, 0);
    fde.writeUInt32LE(at + 4, 4);
    fde.writeUInt32LE(start, 8);
    fde.writeUInt32LE(end - start, 16);
    fde[24] = 0x0e;
    fde[25] = bytes;
    at += fde.length;
    return fde;
  });
  return Buffer.concat([cie, ...fdes]);
}

describe("call frame information", () => {
  it("fills what an entry sends there, what has no encoding, and what no entry has", () => {
    const frames = callFrames([[0x1000, 0x1080, 16], [0x1100, 0x1180, 32], [0x1200, 0x1280, 48], [0x1500, 0x1580, 64]]);
    const section = compactSection(madeCompact([{ entries: [[0x1000, 0x01000000], [0x1100, 0x04000014], [0x1200, 0]] }], { end: 0x1400 }), "amd64", {
      frames: { bytes: frames, rva: 0x9000, little: true, addressBytes: 8, arch: "amd64", kind: "eh_frame", toRva: (address) => address },
    });
    const { cache, warnings } = compactCache(section);
    expect(warnings).toEqual({});
    const row = (bytes: number): string => `entry: cfa = rsp + ${bytes}, ra = [cfa - 8]`;
    expect([0x1000, 0x10ff, 0x1100, 0x1190, 0x1200, 0x1290, 0x1500].map((rva) => rowAt(cache, rva))).toEqual([bodyRow, bodyRow, row(32), null, row(48), null, row(64)]);
  });
});

/** Bytes of `__unwind_info` by architecture, of a thin or universal file. */
function unwindInfo(file: string, arch: string): Buffer {
  const thin = path.join(folder, "thin");
  const archs = execFileSync("llvm-lipo-19", ["-archs", file], { encoding: "utf8" }).trim().split(" ");
  if (archs.length > 1) execFileSync("llvm-lipo-19", [file, "-thin", arch, "-output", thin]);
  const out = path.join(folder, "section");
  execFileSync("llvm-objcopy-19", [`--dump-section=__TEXT,__unwind_info=${out}`, archs.length > 1 ? thin : file, path.join(folder, "copy")]);
  return readFileSync(out);
}

/** Start and encoding of each entry as llvm-objdump prints them. */
function objdumpEntries(file: string, arch: string): [number, number][] {
  const text = execFileSync("llvm-objdump-19", ["--macho", `--arch=${arch}`, "--unwind-info", file], { encoding: "utf8" });
  return [...text.matchAll(/function offset=0x([0-9a-f]+), encoding(?:\[\d+\])?=0x([0-9a-f]+)/g)].map(([, start, encoding]) => [Number.parseInt(start!, 16), Number.parseInt(encoding!, 16)]);
}

const corpus = path.resolve(root, "../shared/corpus/microsoft+plcrashreporter/Resources/Tests/PLCrashAsyncCompactUnwindEncodingTests");

describe.skipIf(!has("llvm-objdump-19") || !has("llvm-lipo-19") || !has("llvm-objcopy-19"))("real tables have the entries that llvm-objdump prints", () => {
  const out = path.join(root, "fixtures/out/mac");
  it.each([
    [path.join(out, "x86_64/Halcyon"), "x86_64"],
    [path.join(out, "frames/Halcyon"), "x86_64"],
    [path.join(out, "frames/Halcyon"), "arm64"],
    [path.join(out, "arm64e/Halcyon"), "arm64e"],
    [path.join(corpus, "test.macosx"), "x86_64"],
    [path.join(corpus, "test.macosx"), "i386"],
    [path.join(corpus, "test.sim"), "i386"],
    [path.join(corpus, "test.ios"), "arm64"],
  ])("%s %s", (file, arch) => {
    if (!existsSync(file) || !execFileSync("llvm-lipo-19", ["-archs", file], { encoding: "utf8" }).split(/\s/).includes(arch)) return;
    const { starts, encodings, malformed } = readCompactEntries(unwindInfo(file, arch), true);
    const theirs = objdumpEntries(file, arch);
    expect([...starts].map((start, i) => [start, encodings[i]])).toEqual(theirs);
    expect([malformed, theirs.length > 2]).toEqual([0, true]);
  });
});

/** Functions whose frames differ: all numbers of saved registers, sizes up to those that only the code holds, with and without frame pointer. */
const source = `
void g(void*, int, int, int, int, int, int);
#define SAVE(name, bytes, ...) int name(int a, int b, int c) { char v[bytes]; __asm__ volatile("" :: "r"(v) : "memory" __VA_ARGS__); g(v, a, b, c, a, b, c); return v[a] + a; }
SAVE(f0, 8) SAVE(f1, 100) SAVE(f2, 5000)
#ifdef __x86_64__
SAVE(s1, 8, , "rbx") SAVE(s2, 40, , "rbx", "r12") SAVE(s3, 8, , "r12", "r14", "r15") SAVE(s4, 3000, , "r12", "r13", "r14", "r15") SAVE(s5, 8, , "rbx", "r12", "r13", "r14", "r15") SAVE(s6, 70000, , "rbx", "r13", "r15")
#else
SAVE(s1, 8, , "x19") SAVE(s2, 40, , "x19", "x20", "x21", "x22") SAVE(s3, 8, , "x19", "x23", "x27") SAVE(s4, 3000, , "x20", "d8", "d9") SAVE(s5, 8, , "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15") SAVE(s6, 70000, , "x21", "d14")
#endif
int leaf(int a) { return a * 3; }
int saves(int a) { __asm__ volatile("" ::: "memory", SAVED); return a; }
`;

describe.skipIf(!has("clang-19") || !has("llvm-objdump-19") || !has("llvm-dwarfdump-19"))("what a compiler says in both ways is the same", () => {
  const builds: readonly (readonly [name: string, arch: CompactArch, flags: readonly string[]])[] = [
    ["amd64 with frame pointers", "amd64", ["--target=x86_64-apple-macos11", "-O2", '-DSAVED="rbx"']],
    ["amd64 without", "amd64", ["--target=x86_64-apple-macos11", "-O2", "-fomit-frame-pointer", '-DSAVED="rbx","r12","r13","r14","r15","rbp"']],
    ["amd64 without, not optimised", "amd64", ["--target=x86_64-apple-macos11", "-O0", "-fomit-frame-pointer", '-DSAVED="r12","r13"']],
    ["arm64", "arm64", ["--target=arm64-apple-macos11", "-O2", '-DSAVED="x19","x20","d8","d9"']],
    ["arm64 for its size", "arm64", ["--target=arm64-apple-macos11", "-Os", "-fno-stack-protector", '-DSAVED="x25","x27","x28"']],
  ];
  it.each(builds)("%s", (_, arch, flags) => {
    const input = path.join(folder, "code.c");
    const object = path.join(folder, "code.o");
    writeFileSync(input, source);
    // .debug_frame has what the linker would throw away.
    execFileSync("clang-19", [...flags, "-g", "-fforce-dwarf-frame", "-funwind-tables", "-c", input, "-o", object]);
    const entries = [...execFileSync("llvm-objdump-19", ["--unwind-info", object], { encoding: "utf8" }).matchAll(/start:\s+0x([0-9a-f]+).*\n.*length:\s+0x([0-9a-f]+)\n\s+compact encoding:\s+0x([0-9a-f]+)/g)];
    const rows = [...execFileSync("llvm-dwarfdump-19", ["--debug-frame", "--eh-frame", object], { encoding: "utf8" }).matchAll(/^ {2}0x([0-9a-f]+): CFA=([^:\n]*)(?:: (.*))?$/gm)];
    let compared = 0;
    for (const [, start, length, encoding] of entries) {
      const first = Number.parseInt(start!, 16);
      const own = rows.filter(([, at]) => Number.parseInt(at!, 16) >= first && Number.parseInt(at!, 16) < first + Number.parseInt(length!, 16));
      const body = own.at(-1);
      const text = encodingText(arch, Number.parseInt(encoding!, 16), 0x1_0000);
      if (body === undefined || /unknown|dwarf/.test(text) || Number.parseInt(encoding!, 16) >>> 24 === 3) continue;
      compared++;
      expect([start, text]).toEqual([start, dwarfText(arch, body[2]!, body[3] ?? "")]);
    }
    expect(compared).toBeGreaterThan(5);
  });
});

/** A row of llvm-dwarfdump in the words of ours. */
function dwarfText(arch: CompactArch, cfa: string, saved: string): string {
  const { names, lr, pc } = registerFiles[arch];
  const ours = (name: string): string => name.toLowerCase().replace(/^w(\d+|sp)$/, (_, rest: string) => (rest === "sp" ? "sp" : rest === "29" ? "fp" : rest === "30" ? "lr" : `x${rest}`));
  const spaced = (text: string): string => text.replace(/([+-])(\d+)/, " $1 $2");
  const places = new Map([...saved.matchAll(/(\w+)=\[CFA([+-]\d+)\]/g)].map(([, name, offset]) => [ours(name!), `[${spaced(`cfa${offset}`)}]`]));
  const returns = names[lr >= 0 ? lr : pc]!;
  const others = names.filter((name) => name !== returns && places.has(name)).map((name) => `${name} = ${places.get(name)}`);
  return [`cfa = ${spaced(cfa.replace(/^\w+/, ours))}`, `ra = ${places.get(returns) ?? returns}`, ...others].join(", ");
}

describe("damaged tables", () => {
  it("are read or left out", { timeout: 3_600_000 }, () => {
    const frames = callFrames([[0x1100, 0x1180, 32]]);
    const whole = madeCompact(
      [
        { entries: [[0x1000, 0x01000000], [0x1100, 0x04000014], [0x1200, 0x03030000]] },
        { entries: Array.from({ length: 20 }, (_, i) => [0x2000 + i * 64, 0x01000000 + (i % 7) * 0x10000] as const), compressed: true },
        { entries: Array.from({ length: 20 }, (_, i) => [0x3000 + i * 64, 0x02080c00 + i] as const), compressed: true },
      ],
      { common: [0x01000000, 0x02080c00], end: 0x4000 },
    );
    // Bytes of prologs and epilogs.
    const likely = [0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x83, 0xec, 0x81, 0x5b, 0x5d, 0xc3, 0xc0, 0x03, 0x5f, 0xd6, 0xfd, 0x7b, 0xbf, 0xa9, 0xff, 0x43, 0x91, 0xd1];
    const functionStarts = Uint32Array.from({ length: 200 }, (_, i) => 0x1000 + i * 48);
    for (let seed = 1; seed <= mutationCount(); seed++) {
      const random = randomFrom(seed);
      let bytes = Buffer.from(whole);
      for (let changes = 1 + random(5); changes > 0 && bytes.length > 8; changes--) bytes = damageAt(bytes, random(bytes.length - 4), random);
      const arch = (["amd64", "x86", "arm64"] as const)[random(3)]!;
      const { cache } = compactCache(
        compactSection(bytes, arch, {
          functionStarts,
          code: (rva, length) => (rva + length > 0x10000 ? null : Uint8Array.from({ length }, (_, i) => likely[random(likely.length + 8)] ?? (rva + i) * 7)),
          frames: { bytes: frames, rva: 0x9000, little: true, addressBytes: 8, arch, kind: "eh_frame", toRva: (address) => address },
        }),
      );
      for (let row = 1; row < cache.meta().counts["unwindRows"]!; row++) if (cache.rowStart(row) <= cache.rowStart(row - 1)) throw new Error(`seed ${seed}: row ${row}`);
    }
  });
});
