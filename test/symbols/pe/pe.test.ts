// What a PE file says of itself, and the names in it.
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openPe } from "../../../symbols/pe/pe.ts";
import { readImage } from "../../../symbols/pe/image.ts";
import { buildPe, debugDirectory, type PePart, type PeParts, rsds, words } from "../../support/pe-builder.ts";
import { compilePe } from "./x64-image.ts";

const open = (parts: PeParts) => facts(buildPe(parts));
const facts = (file: Uint8Array) => {
  const opened = openPe(bytesOf(file));
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value.facts;
};
const refusal = (file: Uint8Array): string => {
  const opened = openPe(bytesOf(file));
  return opened.ok ? "none" : `${opened.problem.code}: ${opened.problem.message}`;
};
const lacks = (parts: PeParts): string[] => open(parts).lacks.map(({ code }) => code);

const debugRva = 0x2000;
/** A file whose debug directory has these records. */
const withDebug = (records: Parameters<typeof debugDirectory>[1], more: PeParts = {}): PeParts => {
  const bytes = debugDirectory(debugRva, records);
  return { ...more, sections: [...(more.sections ?? []), { name: ".rdata", rva: debugRva, bytes }], directories: { ...more.directories, 6: [debugRva, records.length * 28] } };
};
const guid = "00112233445566778899aabbccddeeff";
const codeView = (path: string, age = 1) => ({ type: 2, bytes: rsds(guid, age, path) });
const text = (length = 0x100): PePart => ({ name: ".text", rva: 0x1000, bytes: Buffer.alloc(length, 0x90), isCode: true });

describe("the ids of a program", () => {
  it.each([
    ["RSDS, from a Windows machine", codeView("C:\\build\\Plugin.pdb"), "33221100554477668899AABBCCDDEEFF1", "Plugin.pdb"],
    ["RSDS, from a Linux machine", codeView("/build/Plugin.pdb", 0x1a), "33221100554477668899AABBCCDDEEFF1A", "Plugin.pdb"],
    ["RSDS without a path, as --build-id makes it", codeView(""), "33221100554477668899AABBCCDDEEFF1", null],
    ["RSDS whose path has no end", { type: 2, bytes: rsds(guid, 1, "a.pdb").subarray(0, -1) }, "33221100554477668899AABBCCDDEEFF1", "a.pdb"],
    ["NB10", { type: 2, bytes: Buffer.concat([Buffer.from("NB10"), words(0, 0x3f00_00aa, 3), Buffer.from("old.pdb\0")]) }, "3F0000AA3", "old.pdb"],
    ["RSDS of zeros", { type: 2, bytes: rsds("0".repeat(32), 1, "a.pdb") }, null, null],
    ["a record that is cut", { type: 2, bytes: rsds(guid, 1, "").subarray(0, 20) }, null, null],
    ["a record of an unknown kind", { type: 2, bytes: Buffer.from("NB11000000000000") }, null, null],
    ["no CodeView among other records", { type: 16, bytes: rsds(guid, 1, "a.pdb") }, null, null],
  ])("by %s", (_, record, debugId, debugFile) => {
    expect(open(withDebug([record]))).toMatchObject({ debugId, debugFile });
  });
  it("by the first of two CodeView records, which is that of native code", () => {
    expect(open(withDebug([{ type: 16, bytes: Buffer.alloc(4) }, codeView("a.ni.pdb"), { type: 2, bytes: rsds("ff".repeat(16), 1, "a.pdb") }])).debugFile).toBe("a.ni.pdb");
  });
  it("by a CodeView record that is not mapped, in the file alone", () => {
    const file = buildPe(withDebug([codeView("a.pdb")]));
    const record = file.indexOf("RSDS");
    file.writeUInt32LE(0, record - 8);
    file.writeUInt32LE(record, record - 4);
    expect(facts(file).debugFile).toBe("a.pdb");
  });
  it("by time and size, as dumps have them", () => {
    expect(open({ timestamp: 0x0abc_def1, imageSize: 0x2a_b000 }).codeId).toBe("0ABCDEF12AB000");
  });
});

describe("a program", () => {
  it.each([
    [0x8664, "amd64", "x86_64"],
    [0x014c, "x86", "x86"],
    [0xaa64, "arm64", "arm64"],
    [0xa641, "amd64", "x86_64"],
    [0xa64e, "arm64", "arm64"],
    [0x01c4, "arm", "arm"],
    // Itanium, and .NET's marks of other systems.
    [0x0200, null, "unknown"],
    [0xfd1d, null, "unknown"],
  ])("for machine %i", (machine, arch, archName) => {
    expect(open({ machine, isWide: arch !== "x86" })).toMatchObject({ kind: "pe", os: "windows", arch, archName, codeFile: null, generator: "linker 14.29" });
  });

  const exportsAt = 0x3000;
  const pdata = { name: ".pdata", rva: 0x4000, bytes: words(0x1000, 0x1010, 0x2000) };
  const dwarf: PePart[] = [".debug_info", ".debug_abbrev", ".debug_line"].map((name, i) => ({ name, rva: 0x8000 + 0x1000 * i, bytes: Buffer.alloc(4) }));
  const exported = { name: ".edata", rva: exportsAt, bytes: words(0, 0, 0, 0, 1, 1, 1, 0, 0, 0) };
  it.each([
    ["with an unwind table", { sections: [pdata], directories: { 3: [0x4000, 12] } }, ["unwind"]],
    ["with an unwind table that is not in the file", { directories: { 3: [0x4000, 12] } }, []],
    ["with exports", { sections: [exported], directories: { 0: [exportsAt, 40] } }, ["publics"]],
    ["with a symbol table", { symbols: [{ name: "f", section: 1, value: 0 }] }, ["publics"]],
    ["with DWARF", { sections: dwarf }, ["functions", "lines", "inlines"]],
    ["with DWARF and no lines", { sections: dwarf.slice(0, 2) }, ["functions", "inlines"]],
    ["with call frames, on x86", { machine: 0x14c, sections: [{ name: ".eh_frame", rva: 0x4000, bytes: words(0) }] }, ["unwind"]],
    ["with call frames beside its unwind table", { sections: [{ name: ".eh_frame", rva: 0x4000, bytes: words(0) }] }, []],
  ] as const)("%s", (_, parts, holdings) => {
    expect(Object.entries(open(parts).holds).flatMap(([what, holds]) => (holds ? [what] : []))).toEqual(holdings);
  });

  const unwind = { sections: [pdata], directories: { 3: [0x4000, 12] as const } };
  /** A .NET header with flags, and where its native code is described. */
  const managed = (flags: number, native: Uint8Array = Buffer.alloc(0)): PeParts => {
    const header = words(72, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, native.length === 0 ? 0 : 0x5000 + 72, native.length);
    return { ...unwind, sections: [pdata, { name: ".net", rva: 0x5000, bytes: Buffer.concat([header, native]) }], directories: { ...unwind.directories, 14: [0x5000, 72] } };
  };
  it.each([
    ["a PDB has its names", withDebug([codeView("a.pdb")], unwind), ["names_in_pdb"]],
    ["a PDB has its frame data too, on x86", withDebug([codeView("a.pdb")], { machine: 0x14c }), ["names_in_pdb", "no_unwind"]],
    ["no record names a PDB", unwind, ["no_debug_id", "no_functions"]],
    ["no id at all", { ...unwind, timestamp: 0 }, ["no_id", "no_functions"]],
    ["an id without a PDB, and DWARF", withDebug([codeView("")], { ...unwind, sections: [pdata, ...dwarf] }), []],
    ["DWARF without lines", withDebug([codeView("")], { ...unwind, sections: [pdata, ...dwarf.slice(0, 2)] }), ["no_lines"]],
    ["stripped", { ...unwind, sections: [pdata, { name: ".gnu_debuglink", rva: 0x6000, bytes: Buffer.from("a.debug\0") }] }, ["no_debug_id", "no_functions"]],
    ["no unwind table", withDebug([codeView("a.pdb")]), ["names_in_pdb", "no_unwind"]],
    ["an architecture that cannot be walked", { machine: 0x200 }, ["unknown_arch", "no_debug_id"]],
    [".NET", managed(1), ["managed", "no_debug_id"]],
    [".NET, compiled ahead of time", managed(1, Buffer.from("RTR\0")), ["managed", "no_debug_id"]],
    ["C++/CLI, whose native half counts", managed(0), ["managed", "no_debug_id", "no_functions"]],
    ["two architectures in one", { ...unwind, sections: [pdata, { name: ".cfg", rva: 0x7000, bytes: Buffer.concat([words(0x118), Buffer.alloc(0xc4), words(0x1000, 1)]) }], directories: { ...unwind.directories, 10: [0x7000, 0x118] } }, ["hybrid", "no_debug_id", "no_functions"]],
  ] as const)("says what it lacks: %s", (_, parts, expected) => {
    expect(lacks(parts)).toEqual(expected);
  });
  it("tells which PDB, with its id", () => {
    expect(open(withDebug([codeView("C:\\x\\Plugin.pdb")], unwind)).lacks[0]).toEqual({
      code: "names_in_pdb",
      message: "Its functions and source lines are in Plugin.pdb with the id 33221100554477668899AABBCCDDEEFF1.",
      hint: "Upload Plugin.pdb too.",
    });
  });
  it("says that it is cut", () => {
    const file = buildPe({ ...unwind, sections: [pdata, text(0x800)] });
    expect(facts(file.subarray(0, -0x300)).lacks[0]).toMatchObject({ code: "truncated", message: expect.stringContaining("768 bytes") });
    expect(facts(file.subarray(0, 0x190)).lacks[0]).toMatchObject({ code: "truncated", message: expect.stringContaining("2 section headers") });
  });
  it("is the same with a signature behind it", () => {
    const file = buildPe(withDebug([codeView("a.pdb")], unwind));
    expect(facts(Buffer.concat([file, Buffer.alloc(5000, 0xaa)]))).toEqual(facts(file));
  });
});

describe("what is no PE is refused:", () => {
  const dos = (at: number, signature: string, relocations = 0x40): Buffer => {
    const file = Buffer.alloc(0x200);
    file.write("MZ");
    file.writeUInt16LE(relocations, 24);
    file.writeUInt32LE(at, 60);
    file.write(signature, at === 0 ? 0x80 : at);
    return file;
  };
  const pe = buildPe({});
  it.each([
    ["a program of DOS", dos(0, "", 0x1c), "not_a_pe: The file is a program of DOS, not a PE image."],
    ["a program of Windows 3", dos(0x80, "NE"), "not_a_pe: The file is a program of 16-bit Windows or OS/2 (NE), not a PE image."],
    ["a program of OS/2", dos(0x80, "LX"), "not_a_pe: The file is a program of OS/2 (LX), not a PE image."],
    ["something with another header", dos(0x80, "ZZ"), "not_a_pe: The file is a program without a PE header, not a PE image."],
    ["two letters", Buffer.from("MZ"), "malformed_pe: The Windows program cannot be read: it does not begin with a DOS header."],
    ["one that ends before its header", pe.subarray(0, 0x70), "malformed_pe: The Windows program cannot be read: it ends before its PE header."],
    ["one that ends in its header", pe.subarray(0, 0xa0), "malformed_pe: The Windows program cannot be read: its headers are cut off."],
  ])("%s", (_, file, expected) => {
    expect(refusal(file)).toBe(expected);
  });
  it("a ROM image", () => {
    const rom = Buffer.from(pe);
    rom.writeUInt16LE(0x107, 0x98);
    expect(refusal(rom)).toMatch(/^malformed_pe: .* unknown kind 0x107/);
  });
});

describe("a section", () => {
  const image = (parts: PeParts) => {
    const read = readImage(bytesOf(buildPe(parts)));
    if (!read.ok) throw new Error(read.problem.message);
    return read.value;
  };
  const data: PePart = { name: ".data", rva: 0x1000, bytes: Buffer.from("0123456789"), size: 0x3000 };
  it("is read by address, as far as the file has it", () => {
    expect(image({ sections: [data] }).readRva(0x1003, 4)?.toString()).toBe("3456");
    expect(image({ sections: [data] }).readRva(0x11fe, 4)).toBeNull();
    expect(image({ sections: [data] }).readRva(0xfff, 4)).toBeNull();
  });
  it("is not read beyond the pages of its size in memory", () => {
    const long = { ...data, bytes: Buffer.alloc(0x1800, 1), size: 0x10 };
    expect(image({ sections: [long] }).readRva(0x1fff, 1)).not.toBeNull();
    expect(image({ sections: [long] }).readRva(0x2000, 1)).toBeNull();
  });
  it("is not needed for what the headers have", () => {
    expect(image({}).readRva(0, 2)?.toString()).toBe("MZ");
  });
  it("may have a long name", () => {
    expect(image({ sections: [{ ...data, name: ".debug_line_str" }] }).headers.sections[0]!.name).toBe(".debug_line_str");
  });
  it.each([
    ["//AAAAAE", ".a_long_name"],
    ["/4", ".a_long_name"],
    ["/999", "/999"],
    ["//****", "//****"],
    ["/x", "/x"],
  ])("named %s", (field, name) => {
    const file = buildPe({ sections: [{ ...data, name: ".a_long_name" }] });
    file.fill(0, 0x188, 0x190).write(field, 0x188);
    const read = readImage(bytesOf(file));
    expect(read.ok && read.value.headers.sections[0]!.name).toBe(name);
  });
});

describe("names", () => {
  /** An export directory: names in order with the indexes of their functions. */
  const exportsOf = (functions: readonly number[], names: readonly (readonly [name: string, index: number])[]): PePart => {
    const rva = 0x3000;
    const functionsAt = rva + 40;
    const namesAt = functionsAt + functions.length * 4;
    const ordinalsAt = namesAt + names.length * 4;
    const textsAt = ordinalsAt + names.length * 4;
    let at = textsAt;
    const texts = names.map(([name]) => {
      const here = at;
      at += name.length + 1;
      return here;
    });
    const ordinals = Buffer.alloc(names.length * 4);
    for (const [i, [, index]] of names.entries()) ordinals.writeUInt16LE(index, i * 2);
    const head = words(0, 0, 0, 0, 1, functions.length, names.length, functionsAt, namesAt, ordinalsAt);
    return { name: ".edata", rva, bytes: Buffer.concat([head, words(...functions, ...texts), ordinals, Buffer.from(names.map(([name]) => `${name}\0`).join(""))]) };
  };
  const publics = (parts: PeParts) => {
    const { symbols, warnings } = compilePe(buildPe(parts));
    const place = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
    const found: string[] = [];
    for (let rva = 0x1000; rva < 0x1100; rva++) if (symbols.lookUp(rva, place) && place.start === rva) found.push(`${rva.toString(16)} ${place.name}`);
    return { found, warnings };
  };
  const withExports = (part: PePart): PeParts => ({ sections: [text(), part, { name: ".data", rva: 0x5000, bytes: Buffer.alloc(16) }], directories: { 0: [part.rva, part.bytes.length] } });

  it("of exports: functions by name, and no data, forwarders, or numbers", () => {
    const part = exportsOf([0x1000, 0x5000, 0x3000 + 60, 0x1020, 0x1040], [["GetPluginFactory", 0], ["data", 1], ["forwarded", 2], ["?method@Plugin@@QEAAXXZ", 4]]);
    expect(publics(withExports(part))).toEqual({ found: ["1000 GetPluginFactory", "1040 Plugin::method()"], warnings: {} });
  });
  it("of exports whose index is beyond the functions are left out", () => {
    expect(publics(withExports(exportsOf([0x1000], [["a", 0], ["b", 7]]))).found).toEqual(["1000 a"]);
  });
  it("of exports beyond the file are counted", () => {
    const part = exportsOf([0x1000], [["a", 0]]);
    const bytes = Buffer.from(part.bytes);
    bytes.writeUInt32LE(0x4000_0000, 24);
    expect(publics(withExports({ ...part, bytes })).warnings).toEqual({ malformedExports: 1 });
  });

  const symbols = [
    { name: ".text", section: 1, value: 0, type: 0, storageClass: 3, auxiliary: 1 },
    { name: "short", section: 1, value: 0 },
    { name: "_ZN7halcyon6Engine6renderEv", section: 1, value: 0x10 },
    { name: "local", section: 1, value: 0x20, storageClass: 3 },
    { name: "label", section: 1, value: 0x30, type: 0, storageClass: 6 },
    { name: "written_in_assembly", section: 1, value: 0x40, type: 0 },
    { name: "eightchr", section: 1, value: 0x50 },
    { name: "absolute", section: -1, value: 0x60 },
    { name: "undefined", section: 0, value: 0x60 },
    { name: "data", section: 2, value: 0 },
    { name: "beyond", section: 1, value: 0x4000 },
  ];
  it("of the symbol table: functions, and what else is global in code", () => {
    expect(publics({ sections: [text(), { name: ".data", rva: 0x5000, bytes: Buffer.alloc(16) }], symbols }).found).toEqual(["1000 short", "1010 halcyon::Engine::render()", "1020 local", "1040 written_in_assembly", "1050 eightchr"]);
  });
  it("of the symbol table lose their underscore on x86", () => {
    expect(publics({ machine: 0x14c, sections: [text()], symbols: [{ name: "_main", section: 1, value: 0 }, { name: "__ZN1a1bEv", section: 1, value: 16 }, { name: "@fast@8", section: 1, value: 32 }] }).found).toEqual(["1000 main", "1010 a::b()", "1020 @fast@8"]);
  });
  it("of a symbol table that is cut are counted", () => {
    const file = buildPe({ sections: [text()], symbols: [{ name: "one", section: 1, value: 0 }, { name: "two", section: 1, value: 16 }] });
    file.writeUInt32LE(1000, 0x90);
    expect(compilePe(file).warnings["missingSymbols"]).toBeGreaterThan(900);
  });
  it("of DWARF that makes no sense do not cost the other names", () => {
    const broken = [".debug_info", ".debug_abbrev"].map((name, i) => ({ name, rva: 0x8000 + 0x1000 * i, bytes: Buffer.alloc(64, 0xff) }));
    expect(publics({ sections: [text(), ...broken], symbols: [{ name: "kept", section: 1, value: 0 }] }).found).toEqual(["1000 kept"]);
  });
  it.each([
    ["is compressed", (bytes: Buffer) => Buffer.concat([Buffer.from("ZLIB"), Buffer.of(0, 0, 0, 0, 0, 0, 0, bytes.length), deflateSync(bytes)]), undefined],
    ["says a wrong size", (bytes: Buffer) => Buffer.concat([Buffer.from("ZLIB"), Buffer.of(0, 0, 0, 0, 0, 0, 0, 3), deflateSync(bytes)]), 1],
    ["is no compressed data", (bytes: Buffer) => bytes, 1],
  ])("of a section that %s", (_, pack, unreadable) => {
    const { warnings } = compilePe(buildPe({ sections: [text(), { name: ".zdebug_info", rva: 0x8000, bytes: pack(Buffer.alloc(64)) }, { name: ".debug_abbrev", rva: 0x9000, bytes: Buffer.alloc(4) }] }));
    expect(warnings["unreadableSection"]).toBe(unreadable);
  });
});
