// Names of places by symbol tables alone.
import { deflateSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheOfBytes } from "../../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { buildElf, ElfNumbers, type ElfParts, executable, allocated, type SymbolPart, symbolSections } from "../../support/elf-builder.ts";

const place = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };

/** Names at some addresses, "" where there is none. */
function namesAt(file: Uint8Array, addresses: readonly number[]): string[] {
  const compiled = compileBytes([bytesOf(file)]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  const cache = cacheOfBytes("test", compiled.value);
  return addresses.map((address) => {
    cache.lookUp(address, place);
    return place.name;
  });
}

const text = { name: ".text", flags: executable, address: 0x1000, bytes: Buffer.alloc(0x100, 0x90) };
const data = { name: ".data", flags: allocated, address: 0x2000, bytes: Buffer.alloc(0x100) };
const withSymbols = (symbols: readonly SymbolPart[], more: ElfParts = {}): Buffer =>
  buildElf({ ...more, sections: [{ ...text, address: (more.base ?? 0) + 0x1000 }, { ...data, address: (more.base ?? 0) + 0x2000 }, ...symbolSections(new ElfNumbers(more.isWide ?? true, more.little ?? true), symbols)] });
const [local, global, weak] = [0, 1, 2];
const [untyped, object, fn, indirect, tls] = [0, 1, 2, 10, 6];

describe("a symbol table names", () => {
  it.each([
    ["a function up to its end", [{ name: "f", value: 0x1010, size: 0x10 }], { 0x100f: "", 0x1010: "f", 0x101f: "f", 0x1020: "" }],
    ["neighbours", [{ name: "g", value: 0x1020, size: 0x10 }, { name: "f", value: 0x1010, size: 0x10 }], { 0x101f: "f", 0x1020: "g", 0x1030: "" }],
    ["one without size up to the next", [{ name: "f", value: 0x1010 }, { name: "g", value: 0x1020, size: 1 }], { 0x101f: "f", 0x1020: "g", 0x1021: "" }],
    ["the last one without size up to the section's end", [{ name: "f", value: 0x1010 }], { 0x1010: "f", 0x10ff: "f", 0x1100: "" }],
    ["an inner one, and the outer one again after it", [{ name: "out", value: 0x1010, size: 0x30 }, { name: "in", value: 0x1020, size: 8 }], { 0x101f: "out", 0x1020: "in", 0x1027: "in", 0x1028: "out", 0x103f: "out", 0x1040: "" }],
    ["one that begins in another and goes on after it", [{ name: "f", value: 0x1010, size: 0x10 }, { name: "g", value: 0x1018, size: 0x10 }], { 0x1017: "f", 0x1018: "g", 0x1020: "g", 0x1027: "g", 0x1028: "" }],
    ["no label within a function", [{ name: "f", value: 0x1010, size: 0x10 }, { name: "loop", value: 0x1018, type: untyped }], { 0x1018: "f", 0x1020: "" }],
    ["a label that is seen from outside", [{ name: "asm", value: 0x1010, type: untyped }], { 0x1010: "asm" }],
    ["no label of its file", [{ name: "asm", value: 0x1010, type: untyped, binding: local }], { 0x1010: "" }],
    ["a function chosen at load time", [{ name: "f", value: 0x1010, size: 4, type: indirect }], { 0x1010: "f" }],
    ["no data, no thread's data", [{ name: "d", value: 0x1010, size: 4, type: object }, { name: "t", value: 0x1020, size: 4, type: tls }], { 0x1010: "", 0x1020: "" }],
    ["nothing outside code", [{ name: "descriptor", value: 0x2010, size: 24 }, { name: "away", value: 0x9000, size: 4 }], { 0x2010: "", 0x9000: "" }],
    ["nothing of other modules, and no constants", [{ name: "puts", value: 0x1010, section: 0 }, { name: "abs", value: 0x1020, section: 0xfff1 }], { 0x1010: "", 0x1020: "" }],
    ["no more than its section", [{ name: "f", value: 0x10f0, size: 0x1000 }], { 0x10ff: "f", 0x1100: "" }],
    ["no mark of code or data", [{ name: "$x", value: 0x1010, type: untyped }, { name: "$d.1", value: 0x1020, size: 4 }, { name: "$a", value: 0x1030, size: 4 }], { 0x1010: "", 0x1020: "", 0x1030: "" }],
    ["what only looks like a mark", [{ name: "$xyz", value: 0x1010, size: 4 }], { 0x1010: "$xyz" }],
    ["without versions", [{ name: "f@@V_1.2", value: 0x1010, size: 4 }, { name: "g@V", value: 0x1020, size: 4 }, { name: "@odd", value: 0x1030, size: 4 }], { 0x1010: "f", 0x1020: "g", 0x1030: "@odd" }],
    ["by its demangled name", [{ name: "_ZN7halcyon4fuseEi", value: 0x1010, size: 4 }], { 0x1010: "halcyon::fuse(int)" }],
  ] as const)("%s", (_, symbols, wanted) => {
    const addresses = Object.keys(wanted).map(Number);
    expect(namesAt(withSymbols(symbols), addresses)).toEqual(Object.values(wanted));
  });

  it.each([
    ["the one seen from outside", [["helper", local], ["exported", weak]], "exported"],
    ["the one with fewer underscores", [["__write", global], ["write", weak]], "write"],
    ["a mangled one, whose underscore is no decoration", [["_Z1fv", global], ["_f", global]], "f()"],
    ["the defined one", [["second", weak], ["first_longer", global]], "first_longer"],
    ["the shortest", [["longer", global], ["short", global]], "short"],
    ["the first of the alphabet", [["bbb", global], ["aaa", global]], "aaa"],
  ] as const)("of several names %s, in whatever order they stand", (_, names, wanted) => {
    const symbols = names.map(([name, binding]) => ({ name, binding, value: 0x1010, size: 8 }));
    expect(namesAt(withSymbols(symbols), [0x1010])).toEqual([wanted]);
    expect(namesAt(withSymbols(symbols.toReversed()), [0x1010])).toEqual([wanted]);
  });

  it("of several sizes the largest", () => {
    const symbols = [{ name: "f", value: 0x1010, size: 4 }, { name: "ff", value: 0x1010, size: 8 }];
    expect(namesAt(withSymbols(symbols), [0x1017, 0x1018])).toEqual(["f", ""]);
  });

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])("in files of 64 bits %s, little-endian %s, that are not mapped at 0", (isWide, little) => {
    const file = withSymbols([{ name: "f", value: 0x401010, size: 0x10, type: fn }], { isWide, little, base: 0x400000, type: 2 });
    expect(namesAt(file, [0x1010, 0x101f, 0x1020])).toEqual(["f", "f", ""]);
  });

  it("Thumb functions, whose addresses are odd", () => {
    expect(namesAt(withSymbols([{ name: "f", value: 0x1011, size: 8 }], { isWide: false, machine: 40 }), [0x1010, 0x1017, 0x1018])).toEqual(["f", "f", ""]);
    // Elsewhere an odd address is one.
    expect(namesAt(withSymbols([{ name: "f", value: 0x1011, size: 8 }]), [0x1010, 0x1018])).toEqual(["", "f"]);
  });

  it("nothing where names have no end or are not there", () => {
    const [table, strings] = symbolSections(new ElfNumbers(), [{ name: "first", value: 0x1010, size: 4 }, { name: "last", value: 0x1020, size: 4 }]);
    const cut = buildElf({ sections: [text, table, { ...strings, bytes: strings.bytes!.subarray(0, -1) }] });
    expect(namesAt(cut, [0x1010, 0x1020])).toEqual(["first", ""]);
    expect(namesAt(buildElf({ sections: [text, { ...table, link: ".none" }] }), [0x1010])).toEqual([""]);
  });
});

describe("the symbols that the loader needs name", () => {
  const numbers = new ElfNumbers();
  const [table, strings] = symbolSections(numbers, [{ name: "exported", value: 0x1010, size: 8 }], [".dynsym", ".dynstr"]);
  const mapped = [text, { ...table, flags: allocated, address: 0x3000 }, { ...strings, flags: allocated, address: 0x4000 }];
  it("what was left after strip", () => {
    expect(namesAt(buildElf({ sections: mapped }), [0x1010, 0x1018])).toEqual(["exported", ""]);
  });
  it("nothing where the whole table is there", () => {
    expect(namesAt(buildElf({ sections: [...mapped, ...symbolSections(numbers, [{ name: "other", value: 0x1020, size: 8 }])] }), [0x1010, 0x1020])).toEqual(["", "other"]);
  });
  it.each([
    ["the old hash table", numbers.words(1, 2, 1, 0, 0), 4],
    // One bucket, symbols from 1 on, one word of filter; the bucket; the chain's end.
    ["GNU's hash table", Buffer.concat([numbers.words(1, 1, 1, 0), numbers.wide(0), numbers.words(1, 1)]), 0x6ffffef5],
  ])("functions of a file without sections, counted by %s", (_, hash, tag) => {
    const dynamic = numbers.wide(6, 0x3000, 5, 0x4000, 10, strings.bytes!.length, tag, 0x6000, 0, 0);
    const sections = [...mapped, { name: ".hash", flags: allocated, address: 0x6000, bytes: hash }, { name: ".dynamic", type: 6, flags: allocated, address: 0x7000, bytes: dynamic }];
    expect(namesAt(buildElf({ sections, segments: [{ type: 2, section: ".dynamic" }], isStripped: true }), [0x1010, 0x1018])).toEqual(["exported", ""]);
  });
});

describe("sections of DWARF are read", () => {
  // A unit of DWARF 4 without children: its function is the abbreviation's name only, so that what counts is whether it was read at all.
  const warningsOf = (parts: ElfParts): { readonly [reason: string]: number } => {
    const compiled = compileBytes([bytesOf(buildElf(parts))]);
    if (!compiled.ok) throw new Error(compiled.problem.message);
    return cacheOfBytes("test", compiled.value).meta().warnings;
  };
  const plain = Buffer.alloc(3000, 7);
  const zipped = deflateSync(plain);
  const gnu = Buffer.concat([Buffer.from("ZLIB"), Buffer.from("0000000000000bb8", "hex"), zipped]);
  it.each([
    ["plain", { name: ".debug_line", bytes: plain }, 0],
    ["packed by GNU's tools of old", { name: ".zdebug_line", bytes: gnu }, 0],
    ["packed with zlib", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(1, 3000), zipped]) }, 0],
    ["packed with zstd", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(2, 3000), zstdCompressSync(plain)]) }, 0],
    ["packed otherwise", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(3, 3000), zipped]) }, 1],
    ["packed, and longer than said", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(1, 2999), zipped]) }, 1],
    ["packed, and cut", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(1, 3000), zipped.subarray(0, -6)]) }, 1],
    ["packed to more than can be", { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([new ElfNumbers().compressed(1, 2 ** 40), zipped]) }, 1],
    ["without the head that says how it is packed", { name: ".debug_line", flags: 0x800, bytes: Buffer.alloc(8) }, 1],
    ["without the mark of GNU's tools", { name: ".zdebug_line", bytes: zipped }, 1],
  ])("%s", (_, section, unreadable) => {
    const sections = [text, { name: ".debug_info", bytes: Buffer.alloc(4) }, { name: ".debug_abbrev", bytes: Buffer.alloc(1) }, section];
    expect(warningsOf({ sections })["unreadableSection"] ?? 0).toBe(unreadable);
  });
  it("of 32 bits and with the highest byte first", () => {
    const numbers = new ElfNumbers(false, false);
    const section = { name: ".debug_line", flags: 0x800, bytes: Buffer.concat([numbers.compressed(1, 3000), zipped]) };
    const sections = [text, { name: ".debug_info", bytes: Buffer.alloc(4) }, { name: ".debug_abbrev", bytes: Buffer.alloc(1) }, section];
    expect(warningsOf({ isWide: false, little: false, sections })["unreadableSection"] ?? 0).toBe(0);
  });
});
