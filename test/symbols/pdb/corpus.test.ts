// The PDBs of the corpus and our own: whose they are, and how much is in them,
// against `llvm-pdbutil dump -summary -modules -publics` (LLVM 19, its numbers
// are recorded here), and the public symbols against dump_syms.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { StringTable } from "../../../symbols/cache/string-table.ts";
import { openDebugFile } from "../../../symbols/compile.ts";
import { demangle } from "../../../symbols/demangle/demangle.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { openParts, type PdbParts } from "../../../symbols/pdb/pdb-parts.ts";
import { readPublics } from "../../../symbols/pdb/publics.ts";
import { unpackCabinet } from "../../support/cabinet.ts";

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const fixtures = resolve(import.meta.dirname, "../../../fixtures/out/windows");
const breakpad = "google+breakpad/src/tools/windows/dump_syms/testdata";
const mozilla = "mozilla+dump_syms/test_data/windows";
const absent = !existsSync(corpus);

function load(path: string): Buffer {
  const bytes = readFileSync(path);
  return path.endsWith(".pd_") ? unpackCabinet(bytes) : bytes;
}

function partsOf(bytes: Buffer): PdbParts {
  const parts = openParts(bytesOf(bytes));
  if (!parts.ok) throw new Error(parts.problem.message);
  return parts.value;
}

/** Streams, modules, public symbols that the linker flagged as functions, and those that are labels in code beside them. */
const known: readonly { readonly path: string; readonly id: string; readonly streams: number; readonly modules: number; readonly flagged: number; readonly labels: number }[] = [
  { path: "google+bloaty/tests/testdata/PE/x64/msvc-15.0-foo-bar-main-cv.pdb", id: "745FDEF1C6C14BB8BD09B8A16B130AF71", streams: 61, modules: 48, flagged: 135, labels: 0 },
  { path: "google+bloaty/tests/testdata/PE/x86/msvc-16.0-foo-bar-main-cv.pdb", id: "CADC5614DBCF4B92BB4BC9A3A6B27EC01", streams: 67, modules: 51, flagged: 144, labels: 0 },
  { path: `${breakpad}/dump_syms_regtest.pdb`, id: "9214611565FA4C538FE724A797B860F71", streams: 121, modules: 106, flagged: 145, labels: 5 },
  { path: `${breakpad}/omap_reorder_funcs.pdb`, id: "11F7284EDE764667AA5234B0E7B07EEF1", streams: 124, modules: 106, flagged: 145, labels: 5 },
  { path: `${breakpad}/omap_stretched.pdb`, id: "ABDA3C53D8074326AA40F41DD53824571", streams: 125, modules: 106, flagged: 145, labels: 5 },
  { path: `${mozilla}/basic32.pd_`, id: "34060D222DBB44E5AA72243CE8326C2F2", streams: 245, modules: 229, flagged: 2434, labels: 23 },
];

const ours: readonly { readonly path: string; readonly streams: number; readonly modules: number; readonly flagged: number }[] = [
  { path: "x64/Halcyon.pdb", streams: 22, modules: 10, flagged: 55 },
  { path: "x86/Halcyon.pdb", streams: 24, modules: 10, flagged: 55 },
  { path: "arm64/Halcyon.pdb", streams: 23, modules: 10, flagged: 55 },
];

describe("PDBs of the corpus", () => {
  it.skipIf(absent).each(known)("$path", ({ path, id, streams, modules, flagged, labels }) => {
    const bytes = load(join(corpus, path));
    const parts = partsOf(bytes);
    const file = openDebugFile(bytesOf(bytes));
    expect(file.ok && file.value.facts.debugId).toBe(id);
    expect([parts.msf.streamCount, parts.dbi?.modules.length, readPublics(parts, new StringTable()).count]).toEqual([streams, modules, flagged + labels]);
  });

  it.skipIf(absent)("the catalogue has the same ids", () => {
    const catalogue = readFileSync(join(corpus, "CATALOGUE.md"), "utf8");
    const listed = known.filter(({ path }) => !path.endsWith(".pd_")).map(({ path, id }) => catalogue.includes(`| ${path} | PDB |`) && catalogue.includes(id));
    expect(listed).toEqual(listed.map(() => true));
  });

  it.skipIf(absent).each([
    "BugSplat-Git+symbol-upload/spec/support/portable.pdb",
    "dotnet+symstore/src/Microsoft.SymbolStore.UnitTests/TestBinaries/dir2/System.Threading.Thread.pdb",
    "getsentry+symbolic/symbolic-testutils/fixtures/windows/source-links-only.pdb",
  ])("portable, and refused as that: %s", (path) => {
    const file = openDebugFile(bytesOf(load(join(corpus, path))));
    expect(file.ok ? "" : file.problem.code).toBe("portable_pdb");
  });

  it.skipIf(absent).each([
    [`${breakpad}/dump_syms_regtest`, ".pdb", 4],
    [`${breakpad}/omap_reorder_funcs`, ".pdb", 4],
    [`${breakpad}/omap_stretched`, ".pdb", 4],
    [`${mozilla}/basic32`, ".pd_", 95],
  ] as const)("%s has the public symbols that dump_syms printed", (path, ending, count) => {
    const parts = partsOf(load(join(corpus, path + ending)));
    const strings = new StringTable();
    const publics = readPublics(parts, strings);
    const text = (id: number): string => Buffer.from(strings.bytesOf(id)).toString();
    const found = new Set(Array.from({ length: publics.count }, (_, i) => `${publics.rva[i]!.toString(16)} ${publics.parameterBytes[i]!.toString(16)} ${demangle(text(publics.name[i]!)) ?? text(publics.name[i]!)}`));
    // Where code ends mozilla's dump_syms puts a symbol of its own.
    const theirs = readFileSync(join(corpus, `${path}.sym`), "utf8").split(/\r?\n/).filter((line) => line.startsWith("PUBLIC ") && !line.includes("<unknown in ")).map((line) => line.replace(/^PUBLIC (m )?/, ""));
    expect(theirs.filter((line) => !found.has(line))).toEqual([]);
    expect(theirs).toHaveLength(count);
  });
});

describe("our own PDBs", () => {
  it.each(ours)("$path", ({ path, streams, modules, flagged }) => {
    const parts = partsOf(load(join(fixtures, path)));
    expect([parts.msf.streamCount, parts.dbi?.modules.length, readPublics(parts, new StringTable()).count]).toEqual([streams, modules, flagged]);
  });
});
