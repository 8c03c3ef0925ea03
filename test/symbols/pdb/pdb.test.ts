// A whole PDB compiled: who has which address when functions and public
// symbols meet, and what is counted when something is left out.
import { expect, it } from "vitest";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { buildPdb, halves, namesOffsets, nulText, symbolRecord, type SyntheticPdb, words } from "../../support/pdb-builder.ts";
import { answers, emptyPlace, openBytes } from "../cache/cached-symbols.ts";

const sections = [
  { rva: 0x1000, bytes: 0x100, isCode: true },
  { rva: 0x1200, bytes: 0x100 },
];
const text = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =";
const [program] = namesOffsets([text]);

const procedure = (name: string, offset: number, bytes: number): Buffer[] => [symbolRecord(0x1110, words(0, 0, 0, bytes, 0, bytes, 0, offset), halves(1), Buffer.of(0), nulText(name)), symbolRecord(6)];

function cacheOf(pdb: SyntheticPdb): SymbolCache {
  const compiled = compileBytes([bytesOf(buildPdb({ sections, ...pdb }))], "digest");
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

/** Address, then what is there. */
const rows: readonly { readonly why: string; readonly pdb: SyntheticPdb; readonly says: readonly string[] }[] = [
  {
    why: "a public symbol reaches up to the next one, but not past its section into data",
    pdb: { publics: [{ name: "f", section: 1, offset: 0x10 }, { name: "g", section: 1, offset: 0x80 }] },
    says: ["1010 PUBLIC f", "1080 PUBLIC g", "1100"],
  },
  ...[1, 2].map((contributionVersion) => ({
    why: `a public symbol does not reach past what its object file contributed: what follows is another's (version ${contributionVersion} of the table)`,
    pdb: { contributionVersion, publics: [{ name: "f", section: 1, offset: 0x10 }, { name: "g", section: 1, offset: 0x80 }], contributions: [{ section: 1, offset: 0x80, bytes: 0x10 }, { section: 1, offset: 0x10, bytes: 0x30 }, { section: 1, offset: 0x40, bytes: 0x40 }, { section: 1, offset: 0x84, bytes: 4, isData: true }, { section: 9, offset: 0, bytes: 4 }] },
    says: ["1010 PUBLIC f", "1040", "1080 PUBLIC g", "1090"],
  })),
  {
    why: "where that is not known, or the table is of another version, it does",
    pdb: { contributionVersion: 7, publics: [{ name: "f", section: 1, offset: 0x10 }], contributions: [{ section: 1, offset: 0x10, bytes: 0x30 }] },
    says: ["1010 PUBLIC f", "1100"],
  },
  {
    why: "a function has its range, and a public symbol what is left",
    pdb: { publics: [{ name: "before", section: 1, offset: 0 }, { name: "f", section: 1, offset: 0x20 }, { name: "after", section: 1, offset: 0x60 }], modules: [{ name: "a.obj", symbols: procedure("f", 0x20, 0x20) }] },
    says: ["1000 PUBLIC before", "1020 f", "1040", "1060 PUBLIC after", "1100"],
  },
  {
    why: "public symbols of C++ are demangled",
    pdb: { publics: [{ name: "?run@Engine@halcyon@@QEAAXH@Z", section: 1, offset: 0 }] },
    says: ["1000 PUBLIC halcyon::Engine::run(int)", "1100"],
  },
  {
    why: "of several at one address the first is the one",
    pdb: { publics: [{ name: "one", section: 1, offset: 0 }, { name: "two", section: 1, offset: 0 }] },
    says: ["1000 PUBLIC one", "1100"],
  },
  {
    why: "functions go where their code was moved, in pieces if need be",
    pdb: {
      publics: [{ name: "f", section: 1, offset: 0 }],
      modules: [{ name: "a.obj", symbols: procedure("f", 0, 0x20) }],
      omapToSource: [[0x1000, 0x1010], [0x1010, 0x1080], [0x1040, 0x1000], [0x1050, 0x1020], [0x1100, 0]],
    },
    says: ["1000 f", "1010", "1040 f", "1050"],
  },
];

it.each(rows)("$why", ({ pdb, says }) => expect(answers(cacheOf(pdb), 0x1300)).toEqual(says));

it("a function has the linker's spelling and the parameters of its public symbol", () => {
  const cache = cacheOf({ machine: 0x14c, publics: [{ name: "_f@8", section: 1, offset: 0x20 }], modules: [{ name: "a.obj", symbols: procedure("f", 0x20, 0x20) }] });
  const place = emptyPlace();
  expect([cache.lookUp(0x1025, place), place.name, place.linkageName, place.isPublic, cache.parameterBytes(0x1025)]).toEqual([true, "f", "_f@8", false, 8]);
});

it("32-bit code has its frame programs, and nothing else does", () => {
  const frameData = Buffer.concat([words(0x1020, 0x20, 0, 8, 0, program!), halves(0, 0), words(4)]);
  const fpo = Buffer.concat([words(0x1060, 0x10, 0), halves(1, 0)]);
  const x86 = cacheOf({ machine: 0x14c, names: [text], frameData, fpo });
  expect(x86.winFrame(0x1025)).toMatchObject({ kind: "program", start: 0x1020, size: 0x20, parameterBytes: 8 });
  expect(x86.winFrame(0x1065)).toMatchObject({ kind: "fpo", parameterBytes: 4 });
  expect(x86.winFrame(0x1045)).toBeNull();
  expect(cacheOf({ names: [text], frameData, fpo }).hasWinFrames).toBe(false);
});

it("the cache says whose it is and what it came from", () => {
  expect(cacheOf({ machine: 0xaa64, dbiAge: 12, publics: [{ name: "f", section: 1, offset: 0 }] }).meta()).toMatchObject({
    source: "pdb",
    sourceDigest: "digest",
    debugId: "33221100554477668899AABBCCDDEEFFC",
    debugFile: "",
    os: "windows",
    arch: "arm64",
    counts: { functions: 0, publics: 1 },
  });
});

it("a damaged module costs itself only", () => {
  const cache = cacheOf({
    publics: [{ name: "g", section: 1, offset: 0x40 }],
    modules: [{ name: "a.obj", symbols: procedure("f", 0, 0x20) }, { name: "b.obj", symbols: [Buffer.from("ffff1011", "hex")] }, { name: "c.obj", symbols: procedure("h", 0x80, 0x20) }],
  });
  expect(answers(cache, 0x1300)).toEqual(["1000 f", "1020", "1040 PUBLIC g", "1080 h", "10a0"]);
  expect(Object.values(cache.meta().warnings)).toEqual([1]);
});
