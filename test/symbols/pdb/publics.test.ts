// Public symbols: which are code, what they are called, and what their
// spelling says of parameters.
import { describe, expect, it } from "vitest";
import { StringTable } from "../../../symbols/cache/string-table.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openParts } from "../../../symbols/pdb/pdb-parts.ts";
import { readPublics } from "../../../symbols/pdb/publics.ts";
import { buildMsf, buildPdb, halves, nulText, symbolRecord, type SyntheticPdb, type SyntheticPublic, words } from "../../support/pdb-builder.ts";

const x86 = 0x14c;
const x64 = 0x8664;
const sections = [
  { rva: 0x1000, bytes: 0x200, isCode: true },
  { rva: 0x2000, bytes: 0x200 },
];

/** Public symbols as `rva name linkage parameters`, without what is as usual. */
function publicsOf(pdb: SyntheticPdb): string[] {
  const parts = openParts(bytesOf(buildPdb({ sections, ...pdb })));
  if (!parts.ok) throw new Error(parts.problem.message);
  const strings = new StringTable();
  const publics = readPublics(parts.value, strings);
  const text = (id: number): string => Buffer.from(strings.bytesOf(id)).toString();
  return Array.from({ length: publics.count }, (_, i) => {
    const [name, linkage] = [text(publics.name[i]!), text(publics.linkage[i]!)];
    return `${publics.rva[i]!.toString(16)} ${name}${linkage === name ? "" : ` = ${linkage}`}${publics.parameterBytes[i] === 0 ? "" : ` (${publics.parameterBytes[i]})`}`;
  });
}

const at = (name: string, offset = 0, rest: Partial<SyntheticPublic> = {}): SyntheticPublic => ({ name, section: 1, offset, ...rest });

const spellings: readonly { readonly why: string; readonly machine: number; readonly name: string; readonly says: string }[] = [
  { why: "C on x64 is as it is written", machine: x64, name: "_f", says: "1000 _f" },
  { why: "an @ on x64 belongs to the name", machine: x64, name: "f@8", says: "1000 f@8" },
  { why: "vectorcall on x64", machine: x64, name: "f@@24", says: "1000 f = f@@24" },
  { why: "cdecl", machine: x86, name: "_f", says: "1000 f = _f" },
  { why: "stdcall", machine: x86, name: "_f@12", says: "1000 f = _f@12 (12)" },
  { why: "fastcall: two words come in registers", machine: x86, name: "@f@12", says: "1000 f = @f@12 (4)" },
  { why: "fastcall with less", machine: x86, name: "@f@4", says: "1000 f = @f@4" },
  { why: "vectorcall", machine: x86, name: "f@@24", says: "1000 f = f@@24 (16)" },
  { why: "C++ of Microsoft stays for the demangler, whatever it ends with", machine: x86, name: "?f@@YGXH@8", says: "1000 ?f@@YGXH@8" },
  { why: "C++ of GCC gets the underscore off that its demangler does not know", machine: x86, name: "__ZN1a1fEv", says: "1000 _ZN1a1fEv = __ZN1a1fEv" },
  { why: "C++ of GCC with stdcall", machine: x86, name: "__ZN1a1fEi@4", says: "1000 _ZN1a1fEi = __ZN1a1fEi@4 (4)" },
  { why: "assembly without decoration", machine: x86, name: "label", says: "1000 label" },
  { why: "an @ without a name before it", machine: x86, name: "_@8", says: "1000 @8 = _@8" },
  { why: "an @ at the start only", machine: x86, name: "@f", says: "1000 @f" },
  { why: "digits only", machine: x86, name: "@@8", says: "1000 @@8" },
  { why: "more bytes than any stack has", machine: x86, name: "_f@1234567", says: "1000 f@1234567 = _f@1234567" },
  { why: "a name of one sign", machine: x86, name: "_", says: "1000 _" },
  { why: "UTF-8", machine: x64, name: "größe", says: "1000 größe" },
];

describe("a public symbol's name", () => {
  it.each(spellings)("$why: $name", ({ machine, name, says }) => {
    expect(publicsOf({ machine, publics: [at(name)] })).toEqual([says]);
  });
});

const rows: readonly { readonly why: string; readonly pdb: SyntheticPdb; readonly says: readonly string[] }[] = [
  { why: "are in order of address, at one address in order of their records", pdb: { publics: [at("c", 8), at("b"), at("a")] }, says: ["1000 b", "1000 a", "1008 c"] },
  { why: "of data are left out", pdb: { publics: [at("data", 0, { section: 2, flags: 0 })] }, says: [] },
  { why: "that are flagged as code count in any section", pdb: { publics: [at("f", 0, { section: 2, flags: 1 }), at("g", 4, { section: 2, flags: 2 })] }, says: ["2000 f", "2004 g"] },
  { why: "without flag in a section of code are labels of assembly", pdb: { publics: [at("label", 4, { flags: 0 })] }, says: ["1004 label"] },
  {
    why: "without flag but named as constants are none of these, as when .rdata was merged into .text",
    pdb: { publics: ["??_C@_02ABC@a@", "__real@3f800000", "__xmm@00", "??_7A@@6B@", "??_R4A@@6B@", "__reality", "??1A@@QAE@XZ"].map((name, i) => at(name, i, { flags: 0 })) },
    says: ["1005 __reality", "1006 ??1A@@QAE@XZ"],
  },
  { why: "of absolute addresses, or past their section, have no place", pdb: { publics: [at("a", 0, { section: 0 }), at("b", 0, { section: 3 }), at("c", 0x201), at("end", 0x200)] }, says: ["1200 end"] },
  { why: "of the first compilers have their length before the name", pdb: { publics: [at("pascal", 4, { flags: 0, isPascal: true })] }, says: ["1004 pascal"] },
  { why: "that an incremental link deleted are still among the records, but not in the map", pdb: { publics: [at("old"), at("new", 0x10)], deletedPublics: [0] }, says: ["1010 new"] },
  { why: "without map are all that are there", pdb: { publics: [at("old"), at("new", 0x10)], deletedPublics: [0], withoutPublicMap: true }, says: ["1000 old", "1010 new"] },
  { why: "without name are none", pdb: { publics: [at("")] }, says: [] },
];

describe("public symbols", () => {
  it.each(rows)("$why", ({ pdb, says }) => expect(publicsOf(pdb)).toEqual(says));

  it("that overlap are none, so that names do not take the square of the file", () => {
    // Within the first record's name there is another record, which the map names too.
    const inner = symbolRecord(0x110e, words(2, 8), halves(1), nulText("inner")).toString("latin1");
    const bytes = buildPdb({ machine: x64, sections, publics: [{ name: "", section: 1, offset: 0 }] });
    const parts = openParts(bytesOf(bytes));
    if (!parts.ok) throw new Error(parts.problem.message);
    const { msf, dbi } = parts.value;
    const outer = symbolRecord(0x110e, words(2, 0), halves(1), Buffer.from(`out${"r".repeat(15)}`), Buffer.from(inner, "latin1"));
    const streams = Array.from({ length: msf.streamCount }, (_, i) => msf.read(i, 0, Math.max(0, msf.size(i))));
    streams[dbi!.recordStream] = Buffer.concat([outer, Buffer.alloc(64)]);
    streams[dbi!.publicStream] = Buffer.concat([words(0, 8), Buffer.alloc(20), words(0, 32)]);
    const changed = openParts(bytesOf(buildMsf(streams)));
    expect(changed.ok && readPublics(changed.value, new StringTable()).count).toBe(1);
  });

  it("that take more than one window of the stream are all there", () => {
    const publics = Array.from({ length: 30_000 }, (_, i) => at(`?f${i}@a_namespace_of_some_length@@YAXXZ`, i % 0x200));
    const names = publicsOf({ publics });
    expect(names).toHaveLength(publics.length);
    expect(names.slice(0, 3)).toEqual([0, 512, 1024].map((i) => `1000 ?f${i}@a_namespace_of_some_length@@YAXXZ`));
  });
});
