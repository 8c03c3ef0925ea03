// What a PDB says of itself, and what is said of one that lacks something:
// a row for each kind that people upload.
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { openDebugFile } from "../../../symbols/compile.ts";
import type { DebugFile } from "../../../symbols/debug-file.ts";
import { buildMsf, buildPdb, halves, nulText, subsectionRecord, symbolRecord, type SyntheticPdb, type SyntheticPdbModule, words } from "../../support/pdb-builder.ts";

const procedure = symbolRecord(0x1110, words(0, 0, 0, 0x20, 0, 0x20, 0, 0), halves(1), Buffer.of(0), nulText("f"));
const thunk = symbolRecord(0x1102, words(0, 0, 0, 0), halves(1, 6), Buffer.of(0), nulText("Sleep"));
const lines = subsectionRecord(0xf2, words(0, 1, 0x20, 0, 1, 20, 0, 7));
const checksums = subsectionRecord(0xf4, words(1), Buffer.of(0, 0));
const inlinees = subsectionRecord(0xf6, words(0, 0x1000, 0, 7));
const environment = symbolRecord(0x113d, Buffer.of(0), ...["cwd", "C:\\build", "pdb", "C:\\build\\out/Halcyon.pdb", "cmd", "/debug", ""].map(nulText));
const compiler = (name: string): Buffer => symbolRecord(0x113c, words(7), halves(0xd0, 0, 0, 0, 0, 14, 29, 30_133, 0), nulText(name));
const code = { rva: 0x1000, bytes: 0x200, isCode: true } as const;
const whole: SyntheticPdbModule = { name: "a.obj", symbols: [procedure], c13: Buffer.concat([checksums, lines, inlinees]) };
const linker: SyntheticPdbModule = { name: "* Linker *", symbols: [symbolRecord(0x1101, words(0), nulText("* Linker *")), compiler("Microsoft (R) LINK"), environment] };
const publics = [{ name: "f", section: 1, offset: 0 }];

function opened(pdb: SyntheticPdb): DebugFile {
  const file = openDebugFile(bytesOf(buildPdb(pdb)));
  if (!file.ok) throw new Error(file.problem.message);
  return file.value;
}

/** Holdings as the letters of functions, publics, lines, inlined calls and unwind data. */
function letters({ facts }: DebugFile): string {
  const { functions, publics: names, lines: rows, inlines, unwind } = facts.holds;
  return [functions && "f", names && "p", rows && "l", inlines && "i", unwind && "u"].filter(Boolean).join("");
}

const rows: readonly { readonly why: string; readonly pdb: SyntheticPdb; readonly holds: string; readonly lacks: readonly string[] }[] = [
  { why: "a whole one of x64 has all but the unwind data", pdb: { sections: [code], publics, modules: [whole] }, holds: "fpli", lacks: ["unwind_in_program"] },
  { why: "so has one of arm64", pdb: { machine: 0xaa64, sections: [code], publics, modules: [whole] }, holds: "fpli", lacks: ["unwind_in_program"] },
  { why: "one of x86 has frame data itself", pdb: { machine: 0x14c, sections: [code], publics, modules: [whole], frameData: Buffer.alloc(32) }, holds: "fpliu", lacks: [] },
  { why: "or old FPO data", pdb: { machine: 0x14c, sections: [code], publics, modules: [whole], fpo: Buffer.alloc(16) }, holds: "fpliu", lacks: [] },
  { why: "or, in a bad case, none", pdb: { machine: 0x14c, sections: [code], publics, modules: [whole] }, holds: "fpli", lacks: ["no_unwind"] },
  { why: "frame data on x64 is none", pdb: { sections: [code], publics, modules: [whole], frameData: Buffer.alloc(32) }, holds: "fpli", lacks: ["unwind_in_program"] },
  { why: "functions without lines", pdb: { sections: [code], publics, modules: [{ name: "a.obj", symbols: [procedure] }] }, holds: "fp", lacks: ["no_lines", "unwind_in_program"] },
  { why: "lines of the compilers before 2005 are lines", pdb: { sections: [code], publics, modules: [{ name: "a.obj", symbols: [procedure], c11: words(1, 2) }] }, holds: "fpl", lacks: ["unwind_in_program"] },
  { why: "what only the last module has is found", pdb: { sections: [code], publics, modules: [linker, { name: "b.obj" }, whole] }, holds: "fpli", lacks: ["unwind_in_program"] },
  { why: "stripped: public names only", pdb: { flags: 2, sections: [code], publics, modules: [linker] }, holds: "p", lacks: ["stripped", "unwind_in_program"] },
  { why: "fastlink: the rest is in the object files", pdb: { features: [20140508, 0x494e494d], sections: [code], publics, modules: [linker] }, holds: "p", lacks: ["fastlink", "unwind_in_program"] },
  { why: "thunks of an import library are no functions of the plugin", pdb: { sections: [code], publics, modules: [{ name: "Import:KERNEL32.dll", symbols: [thunk] }] }, holds: "p", lacks: ["no_functions", "unwind_in_program"] },
  { why: "compiled without /Z7", pdb: { sections: [code], publics, modules: [linker] }, holds: "p", lacks: ["no_functions", "unwind_in_program"] },
  { why: "no section headers: no addresses", pdb: { publics, modules: [whole] }, holds: "fpli", lacks: ["no_sections", "unwind_in_program"] },
  { why: "a compiler's vc140.pdb", pdb: { withoutDbi: true }, holds: "", lacks: ["types_only"] },
  { why: "the same with an empty list of modules", pdb: {}, holds: "", lacks: ["types_only"] },
  { why: "a machine that nobody walks", pdb: { machine: 0x200, sections: [code], publics, modules: [whole] }, holds: "fpli", lacks: [] },
];

describe("what a PDB holds and lacks", () => {
  it.each(rows)("$why", ({ pdb, holds, lacks }) => {
    const file = opened(pdb);
    expect(letters(file)).toBe(holds);
    expect(file.facts.lacks.map((lack) => lack.code)).toEqual(lacks);
  });

  it("is said in whole sentences", () => {
    for (const { pdb } of rows) {
      for (const { message, hint } of opened(pdb).facts.lacks) {
        expect(message).toMatch(/^[A-Z].*\.$/);
        expect(hint).toMatch(/^[A-Z].*\.$/);
      }
    }
  });
});

describe("whose a PDB is", () => {
  it("is GUID and the age of the DBI stream, not that of stream 1, which tools count up", () => {
    expect(opened({ guid: "9287f4da5e2a0b4c8899aabbccddeeff", age: 31, dbiAge: 10, sections: [code], modules: [whole] }).facts.debugId).toBe("DAF487922A5E4C0B8899AABBCCDDEEFFA");
  });
  it("is the age of stream 1 only where there is no DBI stream", () => {
    expect(opened({ age: 31, withoutDbi: true }).facts.debugId).toBe("33221100554477668899AABBCCDDEEFF1F");
  });
  it("is not known by name, unless the linker says what it was called with", () => {
    expect(opened({ sections: [code], modules: [whole] }).facts).toMatchObject({ debugFile: null, generator: null, codeId: null, codeFile: null, os: "windows", archName: "x86_64", arch: "amd64" });
    expect(opened({ sections: [code], modules: [whole, linker] }).facts).toMatchObject({ debugFile: "Halcyon.pdb", generator: "Microsoft (R) LINK 14.29.30133" });
  });
  it("LLVM's linker claims to be another version, so none is said", () => {
    const module = { name: "* Linker *", symbols: [compiler("LLVM Linker")] };
    expect(opened({ sections: [code], modules: [module] }).facts.generator).toBe("LLVM Linker");
  });
  it("a linker's notes that are damaged say nothing, and what a terminal would obey is blanked", () => {
    const module = (...symbols: Buffer[]): SyntheticPdb => ({ sections: [code], modules: [{ name: "* Linker *", symbols }] });
    expect(opened(module(Buffer.from("ffff3d11", "hex"))).facts).toMatchObject({ debugFile: null, generator: null });
    expect(opened(module(Buffer.from("00003d11", "hex"))).facts).toMatchObject({ debugFile: null, generator: null });
    expect(opened(module(symbolRecord(0x113c, words(7)), symbolRecord(0x113d))).facts).toMatchObject({ debugFile: null, generator: null });
    expect(opened(module(symbolRecord(0x113d, Buffer.of(0), nulText("pdb"), nulText("a\u001b[31m.pdb")))).facts.debugFile).toBe("a\ufffd[31m.pdb");
  });
});

/** The streams of a small PDB, with one changed. */
function withStream(index: number, change: (stream: Buffer) => Buffer): Buffer {
  const info = Buffer.concat([words(20000404, 1, 1), Buffer.alloc(16, 0x11), words(0, 0, 1, 0, 0, 0)]);
  const dbi = Buffer.concat([words(0xffffffff, 19990903, 1), halves(0xffff, 0, 0xffff, 0, 0xffff, 0), words(0, 0, 0, 0, 0, 0, 0, 0), halves(0, 0x8664), words(0)]);
  const streams: Buffer[] = [Buffer.alloc(0), info, Buffer.alloc(0), dbi, Buffer.alloc(0)];
  streams[index] = change(streams[index]!);
  return buildMsf(streams);
}

const refusals: readonly { readonly why: string; readonly bytes: Buffer; readonly says: string }[] = [
  { why: "no information", bytes: withStream(1, () => Buffer.alloc(20)), says: "its information (stream 1) has 20 bytes, where at least 28 were expected" },
  { why: "a version without GUID", bytes: withStream(1, (info) => Buffer.concat([words(19970604), info.subarray(4)])), says: "version 19970604 at the start of its information (stream 1) has no GUID" },
  { why: "a DBI stream of few bytes", bytes: withStream(3, () => Buffer.alloc(12)), says: "its debug information (stream 3) has 12 bytes, where a header of 64 was expected" },
  { why: "a DBI stream of Visual C++ 4", bytes: withStream(3, (dbi) => Buffer.concat([words(7), dbi.subarray(4)])), says: "does not begin with -1" },
  { why: "parts that are larger than all", bytes: withStream(3, (dbi) => Buffer.concat([dbi.subarray(0, 28), words(0xfffffff0), dbi.subarray(32)])), says: "add up to 4294967344 bytes, but it has 64" },
  { why: "a list of modules that ends in one", bytes: withStream(3, (dbi) => Buffer.concat([dbi.subarray(0, 24), words(70), dbi.subarray(28), Buffer.alloc(64), Buffer.from("name\0x")])), says: "70 bytes at offset 64 of stream 3, does not end where a module does" },
];

describe("what makes a PDB useless is refused", () => {
  it.each(refusals)("$why", ({ bytes, says }) => {
    const file = openDebugFile(bytesOf(bytes));
    expect(file.ok ? "" : file.problem.code).toBe("malformed_pdb");
    expect(file.ok ? "" : file.problem.message).toContain(says);
  });

  it("a PDB of types, and one without sections, has no names to add", () => {
    const codeOf = (pdb: SyntheticPdb): string => {
      const added = opened(pdb).addNames(new ModuleBuilder());
      return added.ok ? "" : added.problem.code;
    };
    expect(codeOf({ withoutDbi: true })).toBe("pdb_without_program");
    expect(codeOf({ publics, modules: [whole] })).toBe("malformed_pdb");
    expect(codeOf({ publics, modules: [whole], sections: [code] })).toBe("");
  });

  it("damaged names of streams cost only what needs them", () => {
    const bytes = withStream(1, (info) => Buffer.concat([info.subarray(0, 28), words(0xfffffff0, 1, 1, 0xffffffff)]));
    expect(openDebugFile(bytesOf(bytes))).toMatchObject({ ok: true, value: { facts: { debugId: "111111111111111111111111111111111" } } });
  });
});
