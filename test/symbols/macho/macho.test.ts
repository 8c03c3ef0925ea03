// What a Mach-O file says of itself.
import { describe, expect, it } from "vitest";
import { openDebugFile } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { buildFat, buildMachO, exportTrie, type MachCommand, type MachPart, type MachParts } from "../../support/macho-builder.ts";
import { compileMach, factsOf, refusalOf } from "./macho-answers.ts";

const text = (bytes = 0x100): MachPart => ({ name: "__text", address: 0x1000, bytes: Buffer.alloc(bytes, 0x90), isCode: true });
const dwarf = (name: string): MachPart => ({ segment: "__DWARF", name, address: 0x8000, bytes: Buffer.of(1) });
const facts = (parts: MachParts) => factsOf(buildMachO({ sections: [text()], ...parts }));
const lacks = (parts: MachParts): string[] => facts(parts).lacks.map(({ code }) => code);
const dsym = 10;

describe("the processor of a file", () => {
  it.each([
    ["x86_64", 0x0100_0007, 3, true, true, "x86_64", "amd64"],
    // What newer processors can do; a flag in the highest byte says that libraries are 64-bit.
    ["x86_64h", 0x0100_0007, 8, true, true, "x86_64h", "amd64"],
    ["x86_64 with capabilities", 0x0100_0007, 0x8000_0003, true, true, "x86_64", "amd64"],
    ["i386", 7, 3, false, true, "x86", "x86"],
    ["armv6", 12, 6, false, true, "arm", "arm"],
    ["armv7s", 12, 11, false, true, "arm", "arm"],
    ["armv7k", 12, 12, false, true, "arm", "arm"],
    ["arm64", 0x0100_000c, 0, true, true, "arm64", "arm64"],
    ["arm64v8", 0x0100_000c, 1, true, true, "arm64", "arm64"],
    ["arm64e", 0x0100_000c, 2, true, true, "arm64e", "arm64"],
    ["arm64e with its version of signed pointers", 0x0100_000c, 0x8000_0002, true, true, "arm64e", "arm64"],
    ["arm64_32", 0x0200_000c, 1, false, true, "arm64_32", null],
    ["ppc", 18, 0, false, false, "ppc", null],
    ["ppc64", 0x0100_0012, 0, true, false, "ppc64", null],
    ["one that nobody knows", 99, 0, true, true, "unknown", null],
  ] as const)("%s", (_, cpu, cpuSubtype, isWide, little, archName, arch) => {
    const found = facts({ cpu, cpuSubtype, isWide, little });
    expect(found).toMatchObject({ kind: "macho", archName, arch, debugId: "00112233445566778899AABBCCDDEEFF0", codeId: "00112233445566778899AABBCCDDEEFF" });
    expect(found.lacks.some(({ code }) => code === "unknown_arch")).toBe(arch === null);
  });
});

describe("the system of a file", () => {
  const build = (platform: number, ...rest: number[]): MachCommand => ({ kind: 0x32, words: [platform, 0x000b_0000, 0x000e_0204, rest.length / 2, ...rest] });
  it.each([
    ["nothing", [], "mac", undefined, null],
    ["macOS", [build(1)], "mac", "macOS 11.0", "SDK 14.2.4"],
    ["iOS", [build(2)], "ios", "iOS 11.0", "SDK 14.2.4"],
    ["Mac Catalyst", [build(6)], "mac", "Mac Catalyst 11.0", "SDK 14.2.4"],
    ["the simulator", [build(7)], "ios", "iOS Simulator 11.0", "SDK 14.2.4"],
    ["visionOS", [build(11)], "ios", "visionOS 11.0", "SDK 14.2.4"],
    ["a new one", [build(77)], "ios", "platform 77 11.0", "SDK 14.2.4"],
    ["both kinds of Mac", [build(1), build(6)], "mac", "macOS 11.0, Mac Catalyst 11.0", "SDK 14.2.4"],
    ["one linked by Apple", [build(1, 1, 0x0500_0000, 3, 0x0411_0700)], "mac", "macOS 11.0", "ld 1041.7, SDK 14.2.4"],
    ["one linked by lld", [build(1, 4, 0x0013_0107)], "mac", "macOS 11.0", "lld 19.1.7, SDK 14.2.4"],
    ["more tools than there are", [{ kind: 0x32, words: [1, 0x000b_0000, 0, 0xffff_ffff] }], "mac", "macOS 11.0", null],
    ["an old Mac", [{ kind: 0x24, words: [0x000a_0901, 0x000a_0c00] }], "mac", "macOS 10.9.1", "SDK 10.12"],
    ["an old iPhone", [{ kind: 0x25, words: [0x0007_0000, 0] }], "ios", "iOS 7.0", null],
    ["an old television", [{ kind: 0x2f, words: [0x0009_0000, 0] }], "ios", "tvOS 9.0", null],
    ["an old watch", [{ kind: 0x30, words: [0x0002_0000, 0] }], "ios", "watchOS 2.0", null],
  ] as const)("%s", (_, commands, os, platform, generator) => {
    const found = facts({ commands });
    expect([found.os, found.platform, found.generator]).toEqual([os, platform, generator]);
  });
});

describe("the name of a file", () => {
  it.each([
    ["@rpath/Halcyon.framework/Versions/A/Halcyon", "Halcyon"],
    ["libsynth.dylib", "libsynth.dylib"],
    ["/", null],
    [undefined, null],
  ])("%s", (installName, name) => {
    expect(facts(installName === undefined ? {} : { installName })).toMatchObject({ codeFile: name, debugFile: name });
  });
});

describe("what a file holds", () => {
  const unwindInfo: MachPart = { name: "__unwind_info", address: 0x1100, bytes: Buffer.alloc(32) };
  const frames: MachPart = { name: "__eh_frame", address: 0x1200, bytes: Buffer.alloc(32) };
  const symbols = [{ name: "_f", value: 0x1000 }];
  it.each([
    ["nothing", {}, ""],
    ["a symbol table", { symbols }, "publics"],
    ["exports", { exportTrie: exportTrie([["_f", 0, 0x1000]]) }, "publics"],
    ["compact unwind", { sections: [text(), unwindInfo] }, "unwind"],
    ["call frames", { sections: [text(), frames] }, "unwind"],
    ["DWARF in a program, as Go has it", { sections: [text(), dwarf("__zdebug_info")] }, "functions inlines"],
    ["a dSYM", { fileType: dsym, symbols, sections: [text(), unwindInfo, frames, dwarf("__debug_info"), dwarf("__debug_line")] }, "functions publics lines inlines"],
    ["a dSYM for 32-bit ARM", { fileType: dsym, cpu: 12, isWide: false, sections: [text(), dwarf("__debug_frame")] }, "unwind"],
    ["DWARF in another segment, which is data of the program's", { sections: [text(), { ...dwarf("__debug_info"), segment: "__DATA" }] }, ""],
  ])("%s", (_, parts, holds) => {
    const { holds: found, kind } = facts(parts);
    expect(
      Object.entries(found)
        .filter(([, value]) => value)
        .map(([name]) => name)
        .join(" "),
    ).toBe(holds);
    expect(kind).toBe("fileType" in parts ? "dsym" : "macho");
  });
});

describe("what a file lacks", () => {
  const stab = { name: "/build/engine.o", value: 0, type: 0x66, section: 0 };
  const whole: MachParts = { fileType: dsym, cpu: 12, isWide: false, sections: [text(), dwarf("__debug_info"), dwarf("__debug_line"), dwarf("__debug_frame")] };
  it.each([
    ["nothing", whole, []],
    ["an id", { ...whole, uuid: null }, ["no_id"]],
    ["an id that is more than zeros", { ...whole, uuid: "0".repeat(32) }, ["no_id"]],
    ["lines", { ...whole, sections: whole.sections!.filter(({ name }) => name !== "__debug_line") }, ["no_lines"]],
    ["functions, in a dSYM", { fileType: dsym }, ["no_functions", "unwind_in_program"]],
    ["names, which are in its dSYM", {}, ["names_in_dsym", "no_unwind"]],
    ["names, which are in its object files", { symbols: [stab, { name: "_f", value: 0x1000 }] }, ["names_in_objects", "no_unwind"]],
    ["names, which were taken out", { ...whole, symbols: [{ name: "__hidden#12_", value: 0x1000 }] }, ["hidden_names"]],
    ["plain code", { commands: [{ kind: 0x2c, words: [0, 0xffff_ffff, 1] }] }, ["encrypted", "names_in_dsym"]],
    ["nothing for being prepared for encryption", { ...whole, commands: [{ kind: 0x21, words: [0, 0xffff_ffff, 0] }] }, []],
  ])("%s", (_, parts, codes) => {
    expect(lacks(parts)).toEqual(codes);
  });
  it("the end of a section", () => {
    const file = buildMachO({ ...whole, symbols: [] });
    expect(factsOf(file.subarray(0, -40)).lacks.map(({ code }) => code)).toContain("truncated");
  });
  it("all after a load command that is not whole", () => {
    const file = buildMachO({ sections: [text()], symbols: [] });
    // The last load command claims to be longer than all of them.
    file.writeUInt32LE(0x1000, file.indexOf(Buffer.of(0x33, 0, 0, 0x80, 16, 0, 0, 0)) + 4);
    expect(factsOf(file).lacks.map(({ code }) => code)).toContain("truncated");
  });
  it("bytes of what is encrypted, so that nothing is read there", () => {
    const unwindInfo: MachPart = { name: "__unwind_info", address: 0x1100, bytes: Buffer.alloc(32) };
    expect(facts({ sections: [text(), unwindInfo], commands: [{ kind: 0x2c, words: [0, 0xffff_ffff, 1] }] }).holds.unwind).toBe(false);
    expect(facts({ sections: [text(), unwindInfo] }).holds.unwind).toBe(true);
  });
  it("something that is said with what to do about it", () => {
    expect(facts({}).lacks[0]).toMatchInlineSnapshot(`
      {
        "code": "names_in_dsym",
        "hint": "Upload the dSYM: Xcode makes one when DEBUG_INFORMATION_FORMAT is dwarf-with-dsym; elsewhere run dsymutil on what was compiled with -g, before it is stripped.",
        "message": "Its functions and source lines are in its dSYM (UUID 00112233445566778899AABBCCDDEEFF), if one was made.",
      }
    `);
  });
});

describe("a file that is refused", () => {
  it.each([
    ["an object file", buildMachO({ fileType: 1 }), "object_file"],
    ["a core dump", buildMachO({ fileType: 4 }), "core_file"],
    ["kernel extensions in one", buildMachO({ fileType: 12 }), "not_a_module"],
    ["of an unknown kind", buildMachO({ fileType: 13 }), "malformed_macho: The Mach-O file cannot be read: it is of the unknown kind 13."],
    ["with its magic alone", Buffer.of(0xcf, 0xfa, 0xed, 0xfe), "malformed_macho: The Mach-O file cannot be read: it ends within its header."],
    ["with a header alone", buildMachO({}).subarray(0, 28), "malformed_macho: The Mach-O file cannot be read: it ends within its header."],
    ["without load commands", buildMachO({}).subarray(0, 40), "malformed_macho: The Mach-O file cannot be read: it ends within its load commands."],
    ["of two architectures", buildFat([[7, 3, buildMachO({})], [12, 0, buildMachO({})]]), "fat_macho: The file is a universal binary of 2 architectures, each of which is a module of its own."],
  ])("%s", (_, file, problem) => {
    expect(refusalOf(file).slice(0, problem.length)).toBe(problem);
  });
  it("a class file of Java, which begins like a universal binary", () => {
    const opened = openDebugFile(bytesOf(Buffer.from("cafebabe00000041", "hex")));
    expect(opened.ok ? "none" : opened.problem.code).not.toMatch(/macho/);
  });
});

describe("a file without DWARF", () => {
  it("compiles for what else it has", () => {
    const { symbols } = compileMach(buildMachO({ sections: [text()], symbols: [{ name: "_f", value: 0x1000 }] }));
    expect(symbols.meta()).toMatchObject({ debugId: "00112233445566778899AABBCCDDEEFF0", codeId: "00112233445566778899AABBCCDDEEFF", os: "mac", arch: "x86_64", source: "macho" });
  });
});
