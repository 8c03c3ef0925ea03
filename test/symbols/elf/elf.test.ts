// What an ELF file says of itself.
import { describe, expect, it } from "vitest";
import { openElf } from "../../../symbols/elf/elf.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { allocated, buildElf, ElfNumbers, type ElfPart, type ElfParts, executable, shType, symbolSections } from "../../support/elf-builder.ts";

const facts = (file: Uint8Array) => {
  const opened = openElf(bytesOf(file));
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value.facts;
};
const open = (parts: ElfParts) => facts(buildElf(parts));
const refusal = (file: Uint8Array): string => {
  const opened = openElf(bytesOf(file));
  return opened.ok ? "none" : opened.problem.code;
};
const lacks = (parts: ElfParts): string[] => open(parts).lacks.map(({ code }) => code);

const numbers = new ElfNumbers();
const id = Buffer.from("00112233445566778899aabbccddeeff01234567", "hex");
const buildId = (content: Uint8Array = id, of = numbers): ElfPart => ({ name: ".note.gnu.build-id", type: shType.note, flags: allocated, address: 0x200, bytes: of.note("GNU", 3, content) });
const text = (bytes: Uint8Array = Buffer.from("90".repeat(63) + "c3", "hex")): ElfPart => ({ name: ".text", flags: executable, address: 0x1000, bytes });
const noText: ElfPart = { name: ".text", type: shType.nobits, flags: executable, address: 0x1000, size: 0x40 };
const frames: ElfPart = { name: ".eh_frame", flags: allocated, address: 0x2000, bytes: Buffer.alloc(32, 1) };
const dwarf: ElfPart[] = [".debug_info", ".debug_abbrev", ".debug_line"].map((name) => ({ name, bytes: Buffer.alloc(4) }));
const link: ElfPart = { name: ".gnu_debuglink", bytes: Buffer.from("halcyon.so.debug\0\0\0\0\x01\x02\x03\x04") };

describe("the ids of an ELF file", () => {
  it.each([
    ["a build id of 20 bytes", [buildId()], "33221100554477668899AABBCCDDEEFF0", "00112233445566778899AABBCCDDEEFF01234567"],
    // lld's quick one.
    ["a build id of 8 bytes, filled up", [buildId(id.subarray(0, 8))], "332211005544776600000000000000000", "0011223344556677"],
    ["a build id of one byte", [buildId(Buffer.of(0xab))], "000000AB0000000000000000000000000", "AB"],
    ["a build id of zeros, which stands for none", [buildId(Buffer.alloc(20))], null, "0".repeat(40)],
    ["a build id behind another note", [{ ...buildId(), bytes: Buffer.concat([numbers.note("GNU", 1, Buffer.alloc(16)), numbers.note("GNU", 3, id)]) }], "33221100554477668899AABBCCDDEEFF0", id.toString("hex").toUpperCase()],
    // Go has its own note of another owner, and of another kind.
    ["Go's build id, which is another thing", [{ ...buildId(), bytes: numbers.note("Go", 4, Buffer.from("abcdefgh")) }], null, null],
    ["a note that is cut off", [{ ...buildId(), bytes: numbers.note("GNU", 3, id).subarray(0, -4) }], null, null],
    ["code alone, of which the first page is folded", [text(Buffer.concat([Buffer.from("01".repeat(16), "hex"), Buffer.from("04".repeat(16), "hex"), Buffer.alloc(8192)]))], "050505050505050505050505050505050", null],
    ["code of zeros", [text(Buffer.alloc(64))], null, null],
    ["code that is not in the file", [noText], null, null],
    ["nothing", [], null, null],
  ] as const)("%s", (_, sections, debugId, codeId) => {
    expect(open({ sections })).toMatchObject({ debugId, codeId });
  });
  it("are folded from code as Breakpad folds it: no more than a page, and what lies behind a short section", () => {
    const page = Buffer.alloc(4096);
    page.set([1, 2, 3, 4], 16);
    expect(open({ sections: [text(Buffer.concat([page, Buffer.alloc(16, 0xff)]))] }).debugId).toBe("040302010000000000000000000000000");
    // The 16 bytes after the 8 of code are those of the next section.
    expect(open({ sections: [text(Buffer.from("0102030405060708", "hex")), { name: ".more", bytes: Buffer.alloc(16, 7) }] }).debugId).toBe("040302010605080700000000000000000");
  });
  it("are found by a segment where there are no sections", () => {
    const parts = { sections: [buildId()], segments: [{ type: 4, section: ".note.gnu.build-id" }], isStripped: true };
    expect(open(parts)).toMatchObject({ kind: "elf", debugId: "33221100554477668899AABBCCDDEEFF0" });
  });
  it("are found behind a note that is padded to 8 bytes", () => {
    const notes = Buffer.concat([numbers.note("GNU", 5, Buffer.alloc(12), 8), numbers.note("GNU", 3, id, 8)]);
    expect(open({ sections: [{ name: ".notes", flags: allocated, bytes: notes }], segments: [{ type: 4, section: ".notes", alignment: 8 }], isStripped: true }).debugId).toBe("33221100554477668899AABBCCDDEEFF0");
  });
});

describe("an ELF file", () => {
  it.each([
    [62, true, true, "amd64", "x86_64"],
    [3, false, true, "x86", "x86"],
    [183, true, true, "arm64", "arm64"],
    [40, false, true, "arm", "arm"],
    // x32; big-endian ARM; others.
    [62, false, true, null, "x86_64"],
    [40, false, false, null, "arm"],
    [8, false, false, null, "mips"],
    [22, true, false, null, "s390x"],
    [0x1234, true, true, null, "unknown"],
  ] as const)("for machine %i, 64-bit %s, little-endian %s", (machine, isWide, little, arch, archName) => {
    const found = open({ machine, isWide, little, sections: [buildId(id, new ElfNumbers(isWide, little)), text()] });
    expect(found).toMatchObject({ kind: "elf", os: "Linux", arch, archName, debugId: "33221100554477668899AABBCCDDEEFF0" });
    expect(found.lacks.some(({ code }) => code === "unknown_arch")).toBe(arch === null);
  });
  it("has more sections than its header can count", () => {
    expect(open({ sections: [text(), buildId(), ...dwarf], isExtended: true })).toMatchObject({ codeId: id.toString("hex").toUpperCase(), holds: { functions: true } });
  });
  it("is Android's by a note", () => {
    const android = { name: ".note.android.ident", type: shType.note, bytes: numbers.note("Android", 1, numbers.words(29)) };
    expect(open({ sections: [text(), android] })).toMatchObject({ os: "Linux", platform: "Android, API level 29" });
    expect(open({ sections: [text()] }).platform).toBeUndefined();
  });
  it.each([
    ["halcyon.so", "halcyon.so"],
    ["/usr/lib/halcyon.so", "halcyon.so"],
  ])("calls itself %s", (name, wanted) => {
    const strings = { name: ".dynstr", type: shType.strtab, flags: allocated, address: 0x3000, bytes: Buffer.from(`\0${name}\0`) };
    const dynamic = { name: ".dynamic", type: 6, flags: allocated, address: 0x4000, bytes: numbers.wide(14, 1, 5, 0x3000, 0, 0) };
    expect(open({ sections: [text(), strings, dynamic] }).codeFile).toBe(wanted);
    expect(open({ sections: [text(), strings, dynamic], segments: [{ type: 2, section: ".dynamic" }], isStripped: true }).codeFile).toBe(wanted);
  });
  it("names the tool that made it", () => {
    expect(open({ sections: [text(), { name: ".comment", bytes: Buffer.from("GCC: (Debian) 12.2\0clang\0") }] }).generator).toBe("GCC: (Debian) 12.2");
  });
  it.each([
    ["by .gnu_debugaltlink", { name: ".gnu_debugaltlink", bytes: Buffer.concat([Buffer.from("../.dwz/halcyon.dwz\0"), id]) }],
    ["by .debug_sup", { name: ".debug_sup", bytes: Buffer.concat([numbers.fixed(5, 2), Buffer.from("\0../.dwz/halcyon.dwz\0"), Buffer.of(20), id]) }],
  ])("refers to what dwz took out %s", (_, record) => {
    expect(open({ sections: [text(), ...dwarf, record] }).supplement).toEqual({ debugId: "33221100554477668899AABBCCDDEEFF0", file: "halcyon.dwz" });
  });
});

describe("the kind of an ELF file", () => {
  const sup = { name: ".debug_sup", bytes: Buffer.concat([numbers.fixed(5, 2), Buffer.from("\x01\0"), Buffer.of(20), id]) };
  const dwo = { name: ".debug_info.dwo", bytes: Buffer.alloc(4) };
  it.each([
    ["code", { sections: [text()] }, "elf"],
    ["code that is named and not there", { sections: [buildId(), noText, ...dwarf] }, "elf-debug"],
    // Such as ICU's.
    ["data alone", { sections: [buildId(), { name: ".rodata", flags: allocated, address: 0x1000, bytes: Buffer.alloc(8) }] }, "elf"],
    ["no sections", { sections: [text()], isStripped: true }, "elf"],
    ["what dwz took out, as an object file", { type: 1, base: null, sections: [{ ...buildId(), flags: 0 }, ...dwarf] }, "elf-debug"],
    ["what dwz took out, in DWARF 5", { type: 1, base: null, sections: [sup, ...dwarf] }, "elf-debug"],
  ] as const)("%s", (_, parts, kind) => {
    expect(open(parts).kind).toBe(kind);
  });
  it.each([
    ["an object file", { type: 1, base: null, sections: [text()] }, "object_file"],
    ["an object file of nothing", { type: 1, base: null }, "object_file"],
    ["a core dump", { type: 4 }, "core_file"],
    ["one unit of split DWARF", { type: 1, base: null, sections: [dwo] }, "split_dwarf"],
  ] as const)("%s is refused", (_, parts, code) => {
    expect(refusal(buildElf(parts))).toBe(code);
  });
  it.each([
    ["of another class", (file: Buffer) => file.fill(3, 4, 5)],
    ["of another order", (file: Buffer) => file.fill(0, 5, 6)],
    ["that is cut in its header", (file: Buffer) => file.subarray(0, 63)],
    ["that is no ELF file", (file: Buffer) => file.fill(0, 0, 1)],
  ] as const)("one %s is refused", (_, change) => {
    expect(refusal(change(buildElf({ sections: [text()] })))).toBe("malformed_elf");
  });
});

describe("what an ELF file holds and lacks", () => {
  const symbols = symbolSections(numbers, [{ name: "f", value: 0x1000, size: 16 }]);
  it.each([
    ["DWARF", { sections: [buildId(), text(), ...dwarf] }, ["functions", "lines", "inlines"], ["no_unwind"]],
    ["DWARF without lines", { sections: [buildId(), text(), frames, ...dwarf.slice(0, 2)] }, ["functions", "inlines", "unwind"], ["no_lines"]],
    ["compressed DWARF", { sections: [buildId(), text(), frames, ...dwarf.map((part) => ({ ...part, name: `.z${part.name.slice(1)}` }))] }, ["functions", "lines", "inlines", "unwind"], []],
    ["a symbol table", { sections: [buildId(), text(), frames, ...symbols] }, ["publics", "unwind"], ["no_functions"]],
    ["a link to its debug file", { sections: [buildId(), text(), frames, link] }, ["unwind"], ["stripped"]],
    ["call frames for debuggers", { sections: [buildId(), text(), { name: ".debug_frame", bytes: Buffer.alloc(32) }, ...dwarf] }, ["functions", "lines", "inlines", "unwind"], []],
    ["a list of call frames that is only its end", { sections: [buildId(), text(), { ...frames, bytes: Buffer.alloc(4) }, ...dwarf] }, ["functions", "lines", "inlines"], ["no_unwind"]],
    ["a debug file", { sections: [buildId(), noText, ...dwarf, ...symbols] }, ["functions", "publics", "lines", "inlines"], ["unwind_in_program"]],
    ["an architecture that cannot be walked", { machine: 8, isWide: false, little: false, sections: [text()] }, [], ["unknown_arch", "no_build_id", "no_functions"]],
    ["nothing to find it by", { sections: [noText, ...dwarf] }, ["functions", "lines", "inlines"], ["no_id", "unwind_in_program"]],
    ["no build id", { sections: [text(), frames, ...dwarf] }, ["functions", "lines", "inlines", "unwind"], ["no_build_id"]],
    ["what dwz took out", { type: 1, base: null, sections: [{ ...buildId(), flags: 0 }, ...dwarf] }, [], []],
  ] as const)("%s", (_, parts, holdings, missing) => {
    expect(Object.entries(open(parts).holds).flatMap(([what, holds]) => (holds ? [what] : []))).toEqual(holdings);
    expect(lacks(parts)).toEqual(missing);
  });
  it("32-bit ARM's tables are how to unwind, and nobody else's", () => {
    const tables: ElfPart = { name: ".ARM.exidx", type: shType.exidx, flags: allocated, address: 0x2000, bytes: Buffer.alloc(16) };
    expect(open({ isWide: false, machine: 40, sections: [text(), tables] }).holds.unwind).toBe(true);
    expect(open({ isWide: false, machine: 3, sections: [text(), tables] }).holds.unwind).toBe(false);
    expect(open({ isWide: false, machine: 40, sections: [text(), tables], segments: [{ type: 0x70000001, section: ".ARM.exidx" }], isStripped: true }).holds.unwind).toBe(true);
  });
  it("names are in .dwo files where units say so", () => {
    // Abbreviation 1: a skeleton unit without children, whose DW_AT_dwo_name is a text.
    const abbrev = { name: ".debug_abbrev", bytes: Buffer.of(1, 0x4a, 0, 0x76, 0x08, 0, 0, 0) };
    const sections = [buildId(), text(), frames, dwarf[0]!, abbrev, { name: ".debug_addr", bytes: Buffer.alloc(8) }];
    expect(lacks({ sections })).toEqual(["names_in_dwo"]);
    expect(open({ sections }).holds.functions).toBe(false);
  });
  it("a file that is cut says so", () => {
    const file = buildElf({ sections: [buildId(), text(), ...dwarf] });
    // Sections' headers are at the end.
    const cut = facts(file.subarray(0, -200));
    expect(cut.lacks.map(({ code }) => code)).toContain("truncated");
    expect(facts(file).lacks.map(({ code }) => code)).not.toContain("truncated");
  });
});
