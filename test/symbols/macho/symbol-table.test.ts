// Names from symbol tables and exports, and how far they reach.
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { readMachImage } from "../../../symbols/macho/image.ts";
import { buildMachO, exportTrie, type MachPart, type MachParts, type MachSymbol } from "../../support/macho-builder.ts";
import { compileMach, macFixture, namesOf, partsOf, startsOf } from "./macho-answers.ts";

const base = 0x1_0000_0000;
const sections: readonly MachPart[] = [
  { name: "__text", address: base + 0x1000, bytes: Buffer.alloc(0x100, 0x90), isCode: true },
  { name: "__stubs", address: base + 0x1100, bytes: Buffer.alloc(0x10), isCode: true },
  { segment: "__DATA", name: "__data", address: base + 0x2000, bytes: Buffer.alloc(0x10) },
];
const compile = (parts: MachParts) => compileMach(buildMachO({ base, sections, ...parts }));
const names = (parts: MachParts, ...rvas: number[]): string[] => namesOf(compile(parts).symbols, rvas);
const at = (name: string, rva: number, more: Partial<MachSymbol> = {}): MachSymbol => ({ name, value: base + rva, ...more });

describe("a symbol", () => {
  it.each([
    ["of C", at("_f", 0x1000), "f"],
    ["of C++", at("__ZN5synth4Deck4playEv", 0x1000), "synth::Deck::play()"],
    ["of Rust", at("__RNvC1a1f", 0x1000), "a::f"],
    ["of Objective-C", at("-[Deck play:]", 0x1000), "-[Deck play:]"],
    ["of assembly", at("start", 0x1000), "start"],
    ["that a programmer gave underscores", at("___f", 0x1000), "__f"],
    ["that is private to a library", at("_f", 0x1000, { type: 0x1e }), "f"],
    ["that is exported", at("_f", 0x1000, { type: 0x0f }), "f"],
    ["of a block", at("____Z1fv_block_invoke", 0x1000), "invocation function for block in f()"],
    ["of a cold part", at("__Z1fv.cold.1", 0x1000), "f() [clone .cold.1]"],
    ["of the linker's", at("l_f", 0x1000), "-"],
    ["of the assembler's", at("ltmp0", 0x1000), "-"],
    ["of the assembler's, long ago", at("Ltmp0", 0x1000), "-"],
    ["for debuggers", at("_f", 0x1000, { type: 0x24 }), "-"],
    ["that is not here", at("_f", 0x1000, { type: 0x01, section: 0 }), "-"],
    ["that is no address", at("_f", 0x1000, { type: 0x02 }), "-"],
    ["of data", at("_f", 0x1000, { section: 3 }), "-"],
    ["of a section that there is not", at("_f", 0x1000, { section: 4 }), "-"],
    ["outside of its section", at("_f", 0x1000, { section: 2 }), "-"],
    ["without a name", at("", 0x1000), "-"],
  ])("%s", (_, symbol, name) => {
    expect(names({ symbols: [symbol] }, 0x1000)).toEqual([name]);
  });
  it.each([
    ["wide and little", true, true],
    ["wide and big", true, false],
    ["narrow and little", false, true],
    ["narrow and big", false, false],
  ])("of a file that is %s", (_, isWide, little) => {
    const file = buildMachO({ isWide, little, base: 0x4000, sections: [{ name: "__text", address: 0x5000, bytes: Buffer.alloc(0x100), isCode: true }], symbols: [{ name: "_f", value: 0x5010 }, { name: "_g", value: 0x5020 }] });
    expect(namesOf(compileMach(file).symbols, [0x100f, 0x1010, 0x101f, 0x1020, 0x10ff, 0x1100])).toEqual(["-", "f", "f", "g", "g", "-"]);
  });
  it("of Thumb code, whose lowest bit is no part of the address", () => {
    const file = (cpu: number) => buildMachO({ isWide: false, cpu, sections: [{ name: "__text", address: 0x1000, bytes: Buffer.alloc(0x100), isCode: true }], symbols: [{ name: "_f", value: 0x1011, description: 8 }], functionStarts: [0x1011, 0x1021] });
    expect(namesOf(compileMach(file(12)).symbols, [0x1010, 0x101f, 0x1020, 0x1021])).toEqual(["f", "f", "-", "-"]);
    // Only there.
    expect(namesOf(compileMach(file(7)).symbols, [0x1010, 0x1011])).toEqual(["-", "f"]);
  });
  it("of two at one address is the first", () => {
    expect(names({ symbols: [at("_f", 0x1000), at("_g", 0x1000)] }, 0x1000)).toEqual(["f"]);
  });
  it("that is cut off with its table is counted", () => {
    const file = buildMachO({ base, sections, symbols: [at("_f", 0x1000)] });
    const count = file.indexOf(Buffer.of(2, 0, 0, 0, 24, 0, 0, 0)) + 12;
    file.writeUInt32LE(1_000_000, count);
    const { warnings } = compileMach(file);
    expect(warnings["missingSymbols"]).toBeGreaterThan(999_000);
  });
});

describe("how far a symbol reaches", () => {
  const symbols = [at("_f", 0x1010), at("_g", 0x1040)];
  it.each([
    ["to the next, and to the end of its section", [], ["-", "f", "f", "f", "g", "g", "-"]],
    ["to a function without a name", [0x1010, 0x1020, 0x1040], ["-", "f", "-", "-", "g", "g", "-"]],
    ["to a function behind the last name", [0x1010, 0x1040, 0x1050], ["-", "f", "f", "f", "g", "-", "-"]],
  ])("%s", (_, functionStarts, expected) => {
    expect(names({ symbols, functionStarts }, 0x100f, 0x101f, 0x1020, 0x103f, 0x1040, 0x10ff, 0x1100)).toEqual(expected);
  });
});

describe("the export trie", () => {
  const trie = exportTrie([["_f", 0, 0x1010], ["__ZN1A1gEv", 0, 0x1020], ["_data", 0, 0x2000], ["_elsewhere", 8, 1], ["_absolute", 2, 0x1030], ["_thread", 1, 0x1030], ["_resolved", 0x10, 0x1040]]);
  it("names functions where there is no symbol table", () => {
    expect(names({ exportTrie: trie }, 0x1010, 0x1020, 0x1030, 0x1040, 0x2000)).toEqual(["f", "A::g()", "A::g()", "resolved", "-"]);
  });
  it("does not where there is one", () => {
    expect(names({ exportTrie: trie, symbols: [at("_h", 0x1000)] }, 0x1010)).toEqual(["h"]);
  });
  it.each([
    ["leads to itself", Buffer.of(0, 1, 0x61, 0, 0)],
    ["leads out of the table", Buffer.of(0, 1, 0x61, 0, 0xff, 0x7f)],
    ["has a text without end", Buffer.of(0, 1, 0x61, 0x61)],
    ["has a number without end", Buffer.alloc(12, 0xff)],
  ])("is left where it %s", (_, exportTrieBytes) => {
    expect(compile({ exportTrie: exportTrieBytes }).warnings["malformedExports"]).toBe(1);
  });
  it("of all things that lead to each other costs little", () => {
    // Each byte begins a node of a hundred children.
    const bytes = Buffer.alloc(1_000_000, 100);
    for (let i = 3; i < bytes.length; i += 4) bytes[i] = 0;
    const started = performance.now();
    compile({ exportTrie: bytes });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("the fixtures' symbols", () => {
  const [, dsym] = partsOf(macFixture("universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon"));
  const end = 0x10000;
  it("name each function as its DWARF does", () => {
    const program = compileMach(macFixture("debug-map/Halcyon")).symbols;
    const named = compileMach(dsym!).symbols;
    const starts = startsOf(named, end);
    expect(starts.length).toBeGreaterThan(30);
    const bare = (name: string): string => name.replace(/\(.*$/, "");
    // Names of DWARF alone have no parameters where the linker's spelling was not needed, as in C.
    expect(namesOf(program, starts).map(bare)).toEqual(namesOf(named, starts).map(bare));
  });
  it("name only what is exported once they are stripped, and nothing after it", () => {
    const stripped = compileMach(macFixture("stripped/Halcyon")).symbols;
    const starts = startsOf(stripped, end);
    const all = namesOf(compileMach(dsym!).symbols, starts);
    expect(namesOf(stripped, starts)).toEqual(all);
    const functions = startsOf(compileMach(dsym!).symbols, end);
    const unnamed = functions.filter((start) => !starts.includes(start));
    expect(unnamed.length).toBeGreaterThan(20);
    expect(new Set(namesOf(stripped, unnamed))).toEqual(new Set(["-"]));
  });
});

describe("DWARF", () => {
  it("is read from sections whose names were cut, compressed as Go does it", () => {
    const [, dsym] = partsOf(macFixture("universal/Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon"));
    const file = Buffer.alloc(dsym!.size);
    dsym!.read(0, file);
    const image = readMachImage(bytesOf(file));
    if (!image.ok) throw new Error(image.problem.message);
    const dwarf = image.value.sections.filter(({ segment }) => segment === "__DWARF");
    // DWARF 5, so that names of more than 16 characters are among them.
    expect(dwarf.map(({ name }) => name)).toContain("__debug_str_offs");
    const compressed = dwarf.map(({ name, rva, offset, size }) => {
      const head = Buffer.from("ZLIB\0\0\0\0\0\0\0\0");
      head.writeUInt32BE(size, 8);
      const whole = name === "__debug_str_offs" ? "__debug_str_offsets" : name;
      return { segment: "__DWARF", name: whole.replace("__", "__z").slice(0, 16), address: rva, bytes: Buffer.concat([head, deflateSync(file.subarray(offset, offset + size))]) };
    });
    const code = image.value.sections.filter(({ segment }) => segment === "__TEXT").map(({ segment, name, rva, size, isCode }) => ({ segment, name, address: rva, bytes: Buffer.alloc(0), size, isCode }));
    const rebuilt = compileMach(buildMachO({ fileType: 10, cpu: 0x0100_000c, sections: [...code, ...compressed] }));
    const original = compileMach(file);
    expect(rebuilt.warnings).toEqual(original.warnings);
    const { functions, lines, inlines } = original.symbols.meta().counts;
    expect(functions).toBeGreaterThan(30);
    expect(rebuilt.symbols.meta().counts).toMatchObject({ functions, lines, inlines });
  });
});
