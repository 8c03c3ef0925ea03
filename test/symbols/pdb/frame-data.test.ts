// Frame data of 32-bit code: rows of synthetic records, and the PDBs of the
// corpus against the STACK WIN records that dump_syms made of them.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import type { WinSizes } from "../../../symbols/cache/win-records.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { addFrameData } from "../../../symbols/pdb/frame-data.ts";
import { openParts } from "../../../symbols/pdb/pdb-parts.ts";
import { unpackCabinet } from "../../support/cabinet.ts";
import { buildPdb, halves, namesOffsets, subsectionRecord, type SyntheticPdb, words } from "../../support/pdb-builder.ts";

/** The records of a PDB as STACK WIN lines without these two words, and what was counted. */
function recordsOf(bytes: Buffer): { readonly records: string[]; readonly warnings: { readonly [reason: string]: number } } {
  const parts = openParts(bytesOf(bytes));
  if (!parts.ok) throw new Error(parts.problem.message);
  const records: string[] = [];
  const note = (type: number, start: number, size: number, sizes: WinSizes, rest: string): "kept" => {
    records.push([type, ...[start, size, ...sizes].map((value) => value.toString(16)), rest].join(" "));
    return "kept";
  };
  const builder = new ModuleBuilder();
  builder.win.addProgram = (start, size, sizes, text) => note(4, start, size, sizes, `1 ${text.trim()}`);
  builder.win.addFpo = (start, size, sizes, allocatesBasePointer) => note(0, start, size, sizes, `0 ${allocatesBasePointer ? 1 : 0}`);
  addFrameData(parts.value, builder);
  return { records, warnings: Object.fromEntries(builder.warnings) };
}

const names = ["one", "$T0 $ebp = $eip $T0 4 + ^ ="];
const [one, two] = namesOffsets(names);
const sections = [{ rva: 0x1000, bytes: 0x1000, isCode: true }];

type Frame = { readonly start?: number; readonly size?: number; readonly locals?: number; readonly parameters?: number; readonly most?: number; readonly program?: number; readonly prolog?: number; readonly saved?: number };

const frame = ({ start = 0x1000, size = 0x20, locals = 0, parameters = 0, most = 0, program = one!, prolog = 0, saved = 0 }: Frame): Buffer =>
  Buffer.concat([words(start, size, locals, parameters, most, program), halves(prolog, saved), words(4)]);
const fpo = (start: number, size: number, locals: number, parameters: number, attributes: number): Buffer => Buffer.concat([words(start, size, locals), halves(parameters, attributes)]);

const rows: readonly { readonly why: string; readonly pdb: SyntheticPdb; readonly says: readonly string[]; readonly warnings?: { readonly [reason: string]: number } }[] = [
  { why: "all fields in their order", pdb: { frameData: frame({ locals: 0x14, parameters: 8, most: 0x30, prolog: 6, saved: 0xc, program: two! }) }, says: ["4 1000 20 6 0 8 c 14 30 1 $T0 $ebp = $eip $T0 4 + ^ ="] },
  { why: "records that follow an address of the object file", pdb: { frameData: Buffer.concat([words(0), frame({})]) }, says: ["4 1000 20 0 0 0 0 0 0 1 one"] },
  { why: "records that are there many times count once", pdb: { frameData: Buffer.concat([frame({}), frame({}), frame({ size: 0x21 }), frame({})]) }, says: ["4 1000 20 0 0 0 0 0 0 1 one", "4 1000 21 0 0 0 0 0 0 1 one", "4 1000 20 0 0 0 0 0 0 1 one"] },
  { why: "a record of nothing says nothing", pdb: { frameData: frame({ size: 0 }) }, says: [] },
  { why: "a record without program, and one with sizes below 0, are counted", pdb: { frameData: Buffer.concat([frame({ program: 0 }), frame({ program: 9999 }), frame({ size: 0xffffff6e }), frame({ start: 1, parameters: 0x80000000 }), frame({ start: 0xfffffff0 })]) }, says: [], warnings: { malformedWin: 5 } },
  { why: "a table that ends in a record", pdb: { frameData: Buffer.concat([frame({}), frame({}).subarray(0, 20)]) }, says: ["4 1000 20 0 0 0 0 0 0 1 one"] },
  { why: "FPO counts in words, and says when ebp is used otherwise", pdb: { fpo: Buffer.concat([fpo(0x1000, 0x20, 3, 2, 0x0205), fpo(0x1020, 8, 0, 0, 0x1000)]) }, says: ["0 1000 20 5 0 8 8 c 0 0 0", "0 1020 8 0 0 0 0 0 0 0 1"] },
  { why: "FPO of traps, task gates and standard frames says nothing", pdb: { fpo: Buffer.concat([fpo(0x1000, 8, 0, 0, 0x4000), fpo(0x1010, 8, 0, 0, 0x8000), fpo(0x1020, 8, 0, 0, 0xc000)]) }, says: [] },
  { why: "both tables", pdb: { frameData: frame({}), fpo: fpo(0x1040, 8, 0, 1, 0) }, says: ["4 1000 20 0 0 0 0 0 0 1 one", "0 1040 8 0 0 4 0 0 0 0 0"] },
  {
    why: "object files' own, where the linker made no table, relative to what stands before them",
    pdb: { modules: [{ name: "a.obj", c13: Buffer.concat([subsectionRecord(0xf1, words(1)), subsectionRecord(0xf5, words(0x1200), frame({ start: 0x10 }), frame({ start: 0x40 }))]) }] },
    says: ["4 1210 20 0 0 0 0 0 0 1 one", "4 1240 20 0 0 0 0 0 0 1 one"],
  },
  { why: "which do not count where it made one", pdb: { frameData: frame({}), modules: [{ name: "a.obj", c13: subsectionRecord(0xf5, words(0x1200), frame({ start: 0x10 })) }] }, says: ["4 1000 20 0 0 0 0 0 0 1 one"] },
  { why: "moved as a whole", pdb: { frameData: frame({ prolog: 4 }), omapToSource: [[0x2000, 0x1000], [0x2100, 0x80000000]] }, says: ["4 2000 20 4 0 0 0 0 0 1 one"] },
  { why: "prolog here, the rest there", pdb: { frameData: frame({ prolog: 4 }), omapToSource: [[0x2000, 0x1000], [0x2004, 0x80000000], [0x2104, 0x1004], [0x2200, 0x80000000], [0x2201, 0]] }, says: ["4 2000 4 4 0 0 0 0 0 1 one", "4 2104 1c 0 0 0 0 0 0 1 one"] },
  { why: "moved away", pdb: { frameData: frame({ prolog: 4 }), omapToSource: [[0x2000, 0x1800], [0x2100, 0x80000000]] }, says: [] },
];

describe("frame data", () => {
  it.each(rows)("$why", ({ pdb, says, warnings = {} }) => {
    const found = recordsOf(buildPdb({ machine: 0x14c, names, sections, ...pdb }));
    expect(found.records).toEqual(says);
    expect(found.warnings).toEqual(warnings);
  });
});

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const breakpad = "google+breakpad/src/tools/windows/dump_syms/testdata";
const mozilla = "mozilla+dump_syms/test_data/windows";
const absent = !existsSync(corpus);

/** The STACK WIN records of a symbol file. */
function expected(path: string): string[] {
  return readFileSync(join(corpus, path), "utf8").split(/\r?\n/).filter((line) => line.startsWith("STACK WIN ")).map((line) => line.slice(10).trim());
}

const without = (records: readonly string[], others: readonly string[]): string[] => {
  const known = new Set(others);
  return records.filter((record) => !known.has(record));
};

describe("PDBs of the corpus have the records that dump_syms found in them", () => {
  it.skipIf(absent).each(["dump_syms_regtest", "omap_reorder_funcs"])("%s", (name) => {
    const { records } = recordsOf(readFileSync(join(corpus, breakpad, `${name}.pdb`)));
    expect(records.toSorted()).toEqual(expected(join(breakpad, `${name}.sym`)).toSorted());
    expect(records).toHaveLength(281);
  });

  it.skipIf(absent)("omap_stretched: address by address, since Breakpad ends a record where more was injected than it has bytes left", () => {
    const { records } = recordsOf(readFileSync(join(corpus, breakpad, "omap_stretched.pdb")));
    const theirs = expected(join(breakpad, "omap_stretched.sym"));
    const ours = cover(records);
    const missing = [...cover(theirs)].filter((fact) => !ours.has(fact));
    expect(missing).toEqual([]);
    expect([records.length, theirs.length]).toEqual([288, 350]);
  });

  it.skipIf(absent)("basic32: but for what mozilla's dump_syms leaves out or reads from the wrong bit", () => {
    const { records } = recordsOf(unpackCabinet(readFileSync(join(corpus, mozilla, "basic32.pd_"))));
    const theirs = expected(join(mozilla, "basic32.sym"));
    const starts = new Set(theirs.map((record) => record.split(" ")[1]));
    const more = without(records, theirs);
    // It has "ebp is used otherwise" as 0: in Breakpad's own dumps of the same memcpy it is 1.
    const otherBase = without(theirs, records);
    expect(otherBase.map((record) => record.replace(/0$/, "1")).filter((record) => !more.includes(record))).toEqual([]);
    expect(otherBase).toHaveLength(3);
    // Where the other table has a record for the same address it leaves FPO out; here a walk looks at programs first.
    const doubled = more.filter((record) => record.startsWith("0 ") && starts.has(record.split(" ")[1]));
    expect(more.length - doubled.length).toBe(0);
    expect([records.length, theirs.length]).toEqual([5058, 4993]);
  });
});

/** Each address with what a record says of it, but for how long the prolog is. */
function cover(records: readonly string[]): Set<string> {
  const facts = new Set<string>();
  for (const record of records) {
    const [type, start, size, , ...rest] = record.split(" ");
    for (let at = 0; at < Number.parseInt(size!, 16); at++) facts.add(`${(Number.parseInt(start!, 16) + at).toString(16)} ${type} ${rest.join(" ")}`);
  }
  return facts;
}
