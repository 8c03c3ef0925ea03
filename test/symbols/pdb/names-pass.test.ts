// Functions, lines and inlined calls of modules made by hand: one row for each
// thing that a record can say, and what is left of those that are damaged.
import { describe, expect, it } from "vitest";
import { compileBytes } from "../../../symbols/compile.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { buildPdb, halves, namesOffsets, nulText, subsectionRecord, symbolRecord, words } from "../../support/pdb-builder.ts";
import { emptyPlace, openBytes } from "../cache/cached-symbols.ts";
import { a, answersOf, b, block, c, cacheOfModules, checksums, inlinees, lines, paths, proc, site } from "./module-records.ts";

type Module = Parameters<typeof cacheOfModules>[0][number];

const inTable = [checksums, inlinees([0x1000, c, 100], [0x1001, b, 200], [0x1002, a, 300])];

describe("functions", () => {
  const rows: readonly { readonly why: string; readonly module: Module; readonly says: readonly string[] }[] = [
    { why: "have what they take behind their name", module: { symbols: [proc("ns::f", 0, 0x10, [], { type: 0x1001 })] }, says: ["1000 ns::f()", "1010"] },
    { why: "of assembly have no type", module: { symbols: [proc("f", 0, 0x10)] }, says: ["1000 f", "1010"] },
    { why: "local ones, and those of other kinds", module: { symbols: [proc("f", 0, 0x10, [], { kind: 0x110f }), proc("g", 0x10, 0x10, [], { kind: 0x1155 })] }, says: ["1000 f", "1010 g", "1020"] },
    { why: "with the id of a function for a type", module: { symbols: [proc("f", 0, 0x10, [], { kind: 0x1147, type: 0x1000 })] }, says: ["1000 f()", "1010"] },
    { why: "in the linker's spelling say their parameters themselves", module: { symbols: [proc("?f@@YAXH@Z", 0, 0x10, [], { type: 0x1001 })] }, says: ["1000 f(int)", "1010"] },
    { why: "without name", module: { symbols: [proc("", 0, 0x10, [], { type: 0x1001 })] }, says: ["1000 <name omitted>", "1010"] },
    { why: "in a namespace without name", module: { symbols: [proc("a::`anonymous namespace'::f", 0, 0x10, [], { type: 0x1001 })] }, says: ["1000 a::(anonymous namespace)::f()", "1010"] },
    { why: "thunks", module: { symbols: [[symbolRecord(0x1102, words(0, 0, 0, 0x20), halves(1, 6), Buffer.of(0), nulText("thunk")), symbolRecord(6)]] }, says: ["1020 thunk", "1026"] },
    { why: "whose name has its length before it, of Visual C++ 7", module: { symbols: [[symbolRecord(0x100b, words(0, 0, 0, 0x10, 0, 0, 0, 0), halves(1), Buffer.of(0, 3), Buffer.from("oldrest")), symbolRecord(6)]] }, says: ["1000 old", "1010"] },
    { why: "without bytes, in no section, or in one that is not there, are not", module: { symbols: [proc("f", 0, 0), proc("g", 0, 8, [], { section: 0 }), proc("h", 0, 8, [], { section: 7 })] }, says: [] },
    { why: "that were folded: the first has the address", module: { symbols: [proc("f", 0, 0x10), proc("g", 0, 0x10)], c13: [checksums, lines(0, 0x10, [[a, [0, 1]]]), lines(0, 0x10, [[b, [0, 2]]])] }, says: ["1000 f a.cpp:1", "1010"] },
    { why: "a block in its function is nothing", module: { symbols: [proc("f", 0, 0x10, block(4, 4))] }, says: ["1000 f", "1010"] },
    { why: "a block elsewhere is the function too", module: { symbols: [proc("f", 0, 0x10, [...block(0x80, 8), ...block(0x82, 2)])], c13: [checksums, lines(0x80, 8, [[a, [0, 9]]])] }, says: ["1000 f", "1010", "1080 f a.cpp:9", "1088"] },
    { why: "managed ones are passed over", module: { symbols: [[symbolRecord(0x112a, Buffer.alloc(40)), symbolRecord(6)], proc("f", 0, 0x10)] }, says: ["1000 f", "1010"] },
    { why: "one that does not end, before one that does", module: { symbols: [proc("f", 0, 0x10).slice(0, 1), proc("g", 0x10, 0x10)] }, says: ["1000 f", "1010 g", "1020"] },
    { why: "the last one, that does not end", module: { symbols: [proc("f", 0, 0x10).slice(0, 1)] }, says: ["1000 f", "1010"] },
    { why: "one whose record is cut", module: { symbols: [[symbolRecord(0x1110, words(0, 0, 0, 0x10))], proc("g", 0x10, 0x10)] }, says: ["1010 g", "1020"] },
    { why: "records after one that is longer than what is left are lost", module: { symbols: [proc("f", 0, 0x10), [Buffer.concat([halves(0x7fff, 6)])], proc("g", 0x10, 0x10)] }, says: ["1000 f", "1010"] },
  ];
  it.each(rows)("$why", ({ module, says }) => {
    expect(answersOf(cacheOfModules([module]))).toEqual(says);
  });

  // S_SEPCODE: bytes, flags, offset, the parent's offset, section, the parent's section.
  const separated = (parent: number): Buffer => symbolRecord(0x1132, words(parent, 0, 0x10, 0, 0x80, 0), halves(1, 1));
  it.each([
    ["in its function", [proc("f", 0, 0x10, [separated(4), ...site(0x1000, [3, 2, 4, 4]), symbolRecord(6)])]],
    ["on its own, with its function's record", [proc("f", 0, 0x10), [separated(4), ...site(0x1000, [3, 2, 4, 4]), symbolRecord(6)]]],
  ] as const)("separated code %s has calls whose offsets count from its start", (_, symbols) => {
    const c13 = [...inTable, lines(0x80, 0x10, [[a, [0, 9]]])];
    expect(answersOf(cacheOfModules([{ symbols, c13 }]))).toEqual(["1000 f", "1010", "1080 f a.cpp:9", "1082 one() c.h:100 < f a.cpp:9", "1086 f a.cpp:9", "1090"]);
  });

  it("of several modules, of which one is damaged", () => {
    const cache = cacheOfModules([{ symbols: [proc("f", 0, 0x10)] }, { symbols: [proc("g", 0x20, 0x10)] }], {
      modules: [
        { name: "f.obj", symbols: proc("f", 0, 0x10) },
        { name: "no symbols", c13: Buffer.from([1, 0, 0, 0, 5, 5, 5, 5]) },
        { name: "cut.obj", symbols: [...proc("g", 0x20, 0x10), halves(200, 6)] },
      ],
    });
    expect(cache.meta().warnings).toEqual({ damagedSymbols: 1 });
    expect(answersOf(cache)).toEqual(["1000 f", "1010", "1020 g", "1030"]);
  });

  it("of a stream that two modules name are read once", () => {
    const pdb = buildPdb({ sections: [{ rva: 0x1000, bytes: 0x1000, isCode: true }], modules: [{ name: "f.obj", symbols: proc("f", 0, 0x10) }, { name: "g.obj", symbols: proc("g", 0x20, 0x10) }] });
    // The second module's record names the first one's stream.
    const [first, second] = ["f.obj", "g.obj"].map((name) => pdb.indexOf(`${name}\0`) - 64 + 34);
    pdb.copy(pdb, second!, first!, first! + 2);
    const compiled = compileBytes([bytesOf(pdb)], "digest");
    const cache = openBytes(compiled.ok ? compiled.value : Buffer.alloc(0));
    expect(cache.meta().warnings).toEqual({ damagedModule: 1 });
    expect(answersOf(cache)).toEqual(["1000 f", "1010"]);
  });

  it("folded ones are counted, and those whose section is not there", () => {
    const cache = cacheOfModules([{ symbols: [proc("f", 0, 0x10), proc("g", 0, 0x10), proc("h", 0, 8, [], { section: 7 })] }]);
    expect(cache.meta().warnings).toEqual({ foldedFunction: 1, functionWithoutAddress: 1 });
    cache.close();
  });

  it.each([
    ["ns::f", "?f@ns@@YAXXZ"],
    ["ns::g", "?g@ns@@YAXXZ"],
    ["ns::A::operator+=", "??YA@ns@@QEAAXXZ"],
    ["ns::A::~A", "??YA@ns@@QEAAXXZ"],
    ["plain", "_plain"],
    ["ns::absent", null],
  ] as const)("%s has the public symbol that has its name, of several at one address", (name, linkage) => {
    const publics = ["?f@ns@@YAXXZ", "_plain", "?g@ns@@YAXXZ", "??YA@ns@@QEAAXXZ"].map((spelling) => ({ name: spelling, section: 1, offset: 0 }));
    const cache = cacheOfModules([{ symbols: [proc(name, 0, 0x10, [], { type: 0x1001 })] }], { publics });
    const place = emptyPlace();
    cache.lookUp(0x1000, place);
    expect([place.name, place.linkageName]).toEqual([`${name}()`, linkage]);
    cache.close();
  });

  it("moved after linking have their lines and calls where they are now", () => {
    const symbols = [proc("f", 0, 0x20, site(0x1000, [3, 8, 4, 16]))];
    const c13 = [...inTable, lines(0, 0x20, [[a, [0, 1], [0x10, 2]]])];
    // The second half stands before the first now, with other code between.
    const cache = cacheOfModules([{ symbols, c13 }], { omapToSource: [[0x1000, 0x1010], [0x1010, 0x1100], [0x1040, 0x1000], [0x1050, 0]] });
    expect(answersOf(cache)).toEqual(["1000 one() c.h:100 < f a.cpp:2", "1008 f a.cpp:2", "1010", "1040 f a.cpp:1", "1048 one() c.h:100 < f a.cpp:1", "1050"]);
  });
});

describe("lines", () => {
  const rows: readonly { readonly why: string; readonly c13: readonly Buffer[]; readonly says: readonly string[] }[] = [
    { why: "hold up to the next one, the last up to the contribution's end", c13: [checksums, lines(0, 0x18, [[a, [0, 1], [8, 2]]])], says: ["1000 f a.cpp:1", "1008 f a.cpp:2", "1018 f", "1020"] },
    { why: "with columns", c13: [checksums, lines(0, 0x20, [[a, [0, 1], [8, 2]], [b, [0x10, 3]]], { hasColumns: true })], says: ["1000 f a.cpp:1", "1008 f a.cpp:2", "1010 f b.cpp:3", "1020"] },
    { why: "of several files in turn, and out of order", c13: [lines(0, 0x20, [[b, [8, 5], [0x18, 6]], [a, [0, 1], [0x10, 2]]]), checksums], says: ["1000 f a.cpp:1", "1008 f b.cpp:5", "1010 f a.cpp:2", "1018 f b.cpp:6", "1020"] },
    { why: "the last of those at one address", c13: [checksums, lines(0, 0x20, [[a, [0, 1], [0, 2], [8, 3]]])], says: ["1000 f a.cpp:2", "1008 f a.cpp:3", "1020"] },
    { why: "that debuggers shall pass over, where the one before goes on", c13: [checksums, lines(0, 0x20, [[a, [0, 1], [8, 0xf00f00], [0x10, 0xfeefee], [0x18, 4]]])], says: ["1000 f a.cpp:1", "1018 f a.cpp:4", "1020"] },
    { why: "with an end line and a flag above bit 23", c13: [checksums, lines(0, 0x20, [[a, [0, 0x85000007]]])], says: ["1000 f a.cpp:7", "1020"] },
    { why: "beyond the contribution's end are nobody's", c13: [checksums, lines(0, 0x10, [[a, [0, 1], [0x10, 2]]])], says: ["1000 f a.cpp:1", "1010 f", "1020"] },
    { why: "of a contribution that has several functions", c13: [checksums, lines(0, 0x40, [[a, [0, 1], [0x18, 2], [0x30, 3]]])], says: ["1000 f a.cpp:1", "1018 f a.cpp:2", "1020"] },
    { why: "of several contributions, not in order", c13: [checksums, lines(0x10, 0x10, [[a, [0, 2]]]), lines(0, 0x10, [[a, [0, 1]]])], says: ["1000 f a.cpp:1", "1010 f a.cpp:2", "1020"] },
    { why: "of a file without checksum have no file, and so no line", c13: [lines(0, 0x20, [[a, [0, 1]]])], says: ["1000 f", "1020"] },
    { why: "of code that was thrown away", c13: [checksums, lines(0, 0x20, [[a, [0, 1]]], { section: 0 })], says: ["1000 f", "1020"] },
    { why: "a subsection that shall be ignored", c13: [checksums, subsectionRecord(0x800000f2, lines(0, 0x20, [[a, [0, 1]]]).subarray(8))], says: ["1000 f", "1020"] },
    { why: "before a block that says it has more lines than bytes", c13: [checksums, subsectionRecord(0xf2, words(0), halves(1, 0), words(0x20), words(a, 1, 20, 0, 1), words(a, 100, 20, 8, 2))], says: ["1000 f a.cpp:1", "1020"] },
  ];
  it.each(rows)("$why", ({ c13, says }) => {
    expect(answersOf(cacheOfModules([{ symbols: [proc("f", 0, 0x20)], c13 }]))).toEqual(says);
  });

  it("damaged ones, and older ones, are counted", () => {
    const damaged = [checksums, subsectionRecord(0xf2, words(0), halves(1, 0), words(0x20), words(a, 100, 20, 8, 2)), words(0xf2, 5000)];
    const cache = cacheOfModules([], { modules: [{ name: "f.obj", symbols: proc("f", 0, 0x20), c11: words(1, 2, 3), c13: Buffer.concat(damaged) }] });
    expect(cache.meta().warnings).toEqual({ damagedLines: 1, damagedSubsections: 1, oldLines: 1 });
    cache.close();
  });
});

/** The binary annotations' operations. */
const op = { codeOffset: 1, base: 2, step: 3, length: 4, file: 5, line: 6, lineEnd: 7, kind: 8, column: 9, columnDelta: 10, both: 11, lengthAndStep: 12, columnEnd: 13 };
const up = (value: number): number => value << 1;
const down = (value: number): number => (value << 1) | 1;

describe("inlined calls", () => {
  const own = lines(0, 0x40, [[a, [0, 1], [0x20, 2]]]);
  const rows: readonly { readonly why: string; readonly sites: readonly Buffer[]; readonly says: readonly string[] }[] = [
    { why: "a step, and a length", sites: site(0x1000, [op.step, 4, op.length, 8]), says: ["1004 one() c.h:100 < f a.cpp:1", "100c f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "a row ends where the next begins", sites: site(0x1000, [op.step, 4, op.line, up(3), op.step, 4, op.line, down(1), op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 one() c.h:103 < f a.cpp:1", "100c one() c.h:102 < f a.cpp:1", "1010 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "line and step in one", sites: site(0x1000, [op.both, (up(2) << 4) | 4, op.both, (down(1) << 4) | 8, op.length, 4]), says: ["1004 one() c.h:102 < f a.cpp:1", "100c one() c.h:101 < f a.cpp:1", "1010 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "length and step in one, the offset stays at the row", sites: site(0x1000, [op.lengthAndStep, 2, 4, op.lengthAndStep, 2, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1006 f a.cpp:1", "1008 one() c.h:100 < f a.cpp:1", "100a f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "after a length the offset is there, so that a step leaves a gap", sites: site(0x1000, [op.step, 4, op.length, 4, op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "100c one() c.h:100 < f a.cpp:1", "1010 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "an offset from the function's start", sites: site(0x1000, [op.codeOffset, 8, op.step, 0, op.length, 4]), says: ["1008 one() c.h:100 < f a.cpp:1", "100c f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "numbers of two and of four bytes", sites: site(0x1000, [op.step, 0x80, 4, op.line, 0xc0, 0, 0x10, 0, op.step, 0x80, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 one() c.h:2148 < f a.cpp:1", "100c f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "another file", sites: site(0x1000, [op.file, b, op.step, 4, op.length, 4]), says: ["1004 one() b.cpp:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "ends of lines, kinds and columns change nothing", sites: site(0x1000, [op.lineEnd, 2, op.kind, 0, op.column, 3, op.columnDelta, 2, op.columnEnd, 9, op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "padding ends the program", sites: site(0x1000, [op.step, 4, op.length, 4, 0, op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "a row without end goes on to the function's", sites: site(0x1000, [op.step, 0x30]), says: ["1020 f a.cpp:2", "1030 one() c.h:100 < f a.cpp:2"] },
    { why: "the call's line is what is below at each address", sites: site(0x1000, [op.step, 0x1c, op.length, 8]), says: ["101c one() c.h:100 < f a.cpp:1", "1020 one() c.h:100 < f a.cpp:2", "1024 f a.cpp:2"] },
    { why: "in each other", sites: site(0x1000, [op.step, 4, op.line, up(5), op.step, 4, op.length, 8], site(0x1001, [op.step, 6, op.length, 4])), says: ["1004 one() c.h:100 < f a.cpp:1", "1006 two() b.cpp:200 < one() c.h:100 < f a.cpp:1", "1008 two() b.cpp:200 < one() c.h:105 < f a.cpp:1", "100a one() c.h:105 < f a.cpp:1", "1010 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "what lies outside of what it was inlined into is not there", sites: site(0x1000, [op.step, 4, op.length, 8], site(0x1001, [op.step, 8, op.length, 0x10])), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 two() b.cpp:200 < one() c.h:100 < f a.cpp:1", "100c f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "beside each other, not in order", sites: [...site(0x1001, [op.step, 0x10, op.length, 4]), ...site(0x1000, [op.step, 4, op.length, 4])], says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1010 two() b.cpp:200 < f a.cpp:1", "1014 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "of which the later one cuts the one before", sites: [...site(0x1000, [op.step, 4, op.length, 8]), ...site(0x1001, [op.step, 8, op.length, 8])], says: ["1004 one() c.h:100 < f a.cpp:1", "1008 two() b.cpp:200 < f a.cpp:1", "1010 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "with a count of calls", sites: [symbolRecord(0x115d, words(0, 0, 0x1000, 77), Buffer.of(op.step, 4, op.length, 4)), symbolRecord(0x114e)], says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "of what has no line of its own", sites: site(0x1003, [op.step, 4, op.length, 4]), says: ["1004 <name omitted> < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "up to an operation that there is not", sites: site(0x1000, [op.step, 4, op.length, 4, 14, 1, op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
    { why: "up to code of another part", sites: site(0x1000, [op.step, 4, op.length, 4, op.base, 1, op.step, 4, op.length, 4]), says: ["1004 one() c.h:100 < f a.cpp:1", "1008 f a.cpp:1", "1020 f a.cpp:2"] },
  ];
  it.each(rows)("$why", ({ sites, says }) => {
    const found = answersOf(cacheOfModules([{ symbols: [proc("f", 0, 0x40, sites)], c13: [...inTable, own] }]));
    expect(found).toEqual(["1000 f a.cpp:1", ...says, "1040"]);
  });

  it("of a subsection that names further files", () => {
    const c13 = [checksums, subsectionRecord(0xf6, words(1, 0x1000, c, 100, 2, a, b, 0x1001, b, 200, 0)), own];
    const symbols = [proc("f", 0, 0x40, [...site(0x1000, [3, 4, 4, 4]), ...site(0x1001, [3, 8, 4, 4])])];
    expect(answersOf(cacheOfModules([{ symbols, c13 }])).slice(1, 3)).toEqual(["1004 one() c.h:100 < f a.cpp:1", "1008 two() b.cpp:200 < f a.cpp:1"]);
  });

  it("of another module's functions are found through imports and exports", () => {
    const names = [...paths, "1.obj"];
    const imports = subsectionRecord(0xf7, words(namesOffsets(names)[3]!, 2, 0x80000007, 0x80000009));
    const exports = subsectionRecord(0xf8, words(0x80000007, 0x1000, 0x80000009, 0x1001));
    // The second import of the first module in the list.
    const symbols = [proc("f", 0, 0x40, site(0x80000001, [3, 4, 4, 4]))];
    const cache = cacheOfModules([{ symbols, c13: [checksums, imports, inlinees([0x80000001, b, 50]), own] }, { symbols: [proc("g", 0x80, 8)], c13: [exports] }], { names });
    expect(answersOf(cache)[1]).toBe("1004 two() b.cpp:50 < f a.cpp:1");
  });

  it("deeper than any compiler goes are cut", () => {
    let sites: Buffer[] = [];
    for (let i = 0; i < 300; i++) sites = site(0x1000, [3, 4, 4, 4], sites);
    const cache = cacheOfModules([{ symbols: [proc("f", 0, 0x40, sites)], c13: [...inTable, own] }]);
    expect(cache.meta().counts["inlines"]).toBe(128);
    expect(cache.meta().warnings).toEqual({ damagedInline: 172 });
    cache.close();
  });
});

describe("work is in proportion to the file", () => {
  const sections = [{ rva: 0x1000, bytes: 0x1000_000, isCode: true }];
  // Each function covers all of the code, whose lines it would copy.
  const symbols = Array.from({ length: 4000 }, (_, i) => proc(`f${i}`, i, 0xf00_000 - i));
  it.each([
    ["lines of a long contribution", [lines(0, 0xf00_000, [[a, ...Array.from({ length: 20_000 }, (_, i) => [i, i % 1000] as const)]])]],
    ["contributions at one address", Array.from({ length: 20_000 }, () => lines(0x8000, 1, [[a, [0, 1]]]))],
  ] as const)("%s", (_, c13) => {
    const start = performance.now();
    const cache = cacheOfModules([{ symbols, c13: [checksums, ...c13] }], { sections });
    expect(performance.now() - start).toBeLessThan(4000);
    expect(cache.meta().warnings["linesBeyondLimit"]).toBeGreaterThan(1000);
    cache.close();
  });
});
