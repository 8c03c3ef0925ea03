// Records of a module's symbols and lines for synthetic PDBs, and how a test
// reads what a cache made of them.
import { type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { buildPdb, halves, namesOffsets, nulText, type SyntheticPdb, subsectionRecord, symbolRecord, words } from "../../support/pdb-builder.ts";
import { answers, openBytes } from "../cache/cached-symbols.ts";

/** Paths in `/names`, `a.cpp` to `c.h`. */
export const paths = ["a.cpp", "b.cpp", "c.h"];
/** Places of their entries in a module's checksums. */
export const [a, b, c] = [0, 8, 16] as const;

/** A function's record and what is in it; offsets are in section 1, which begins at 0x1000. */
export function proc(name: string, offset: number, bytes: number, inner: readonly Buffer[] = [], { kind = 0x1110, type = 0, section = 1 } = {}): Buffer[] {
  return [symbolRecord(kind, words(0, 0, 0, bytes, 0, bytes, type, offset), halves(section), Buffer.of(0), nulText(name)), ...inner, symbolRecord(6)];
}

/** An inlined call: the id of what is called, its program, and what was inlined into it. */
export function site(id: number, program: readonly number[], inner: readonly Buffer[] = []): Buffer[] {
  return [symbolRecord(0x114d, words(0, 0, id), Buffer.from(program)), ...inner, symbolRecord(0x114e)];
}

/** A block in a function. */
export function block(offset: number, bytes: number): Buffer[] {
  return [symbolRecord(0x1103, words(0, 0, bytes, offset), halves(1), nulText("")), symbolRecord(6)];
}

/** The checksums of `paths`. */
export const checksums = subsectionRecord(0xf4, ...namesOffsets(paths).map((offset) => Buffer.concat([words(offset), Buffer.of(0, 0, 0, 0)])));

/** Lines of a contribution: blocks of a file and pairs (offset, line). */
export function lines(offset: number, bytes: number, blocks: readonly (readonly [file: number, ...rows: readonly (readonly [number, number])[]])[], { section = 1, hasColumns = false } = {}): Buffer {
  const parts = blocks.map(([file, ...rows]) => {
    const columns = hasColumns ? Buffer.alloc(rows.length * 4, 7) : Buffer.alloc(0);
    const body = Buffer.concat([words(...rows.flat()), columns]);
    return Buffer.concat([words(file, rows.length, body.length + 12), body]);
  });
  return subsectionRecord(0xf2, words(offset), halves(section, hasColumns ? 1 : 0), words(bytes), ...parts);
}

/** What inlined functions say of their place: id, file, line. */
export function inlinees(...entries: readonly (readonly [id: number, file: number, line: number])[]): Buffer {
  return subsectionRecord(0xf6, words(0, ...entries.flat()));
}

/** Ids of functions `one`, `two`, …, which take no parameters, from 0x1000 on. */
export const ids = ["one", "two", "three"].map((name) => Buffer.concat([halves(0x1601), words(0, 0x1001), nulText(name)]));
/** Types: no parameters, and a function without any. */
export const types = [Buffer.concat([halves(0x1201), words(0)]), Buffer.concat([halves(0x1008), words(3), halves(0, 0), words(0x1000)])];

/** The cache of a PDB of some modules, each of symbols and subsections. */
export function cacheOfModules(modules: readonly { readonly symbols: readonly (readonly Buffer[])[]; readonly c13?: readonly Buffer[] }[], rest: SyntheticPdb = {}): SymbolCache {
  const pdb = buildPdb({
    names: paths,
    types,
    ids,
    sections: [{ rva: 0x1000, bytes: 0x1000, isCode: true }, { rva: 0x3000, bytes: 0x100, isCode: true }],
    modules: modules.map(({ symbols, c13 = [] }, index) => ({ name: `${index}.obj`, symbols: symbols.flat(), c13: Buffer.concat(c13) })),
    ...rest,
  });
  const compiled = compileBytes([bytesOf(pdb)], "digest");
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

/** Where in a section of code the answer changes, and what it is from there on. */
export function answersOf(cache: SymbolCache, end = 0x1200): string[] {
  const found = answers(cache, end);
  cache.close();
  return found;
}
