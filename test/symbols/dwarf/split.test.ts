// Units in two files, and names in what dwz took out, written by hand: every
// version, width and order of bytes, and what is wrong with them.
import { describe, expect, test } from "vitest";
import type { DwarfCompanions, SplitDwarf } from "../../../symbols/dwarf/companions.ts";
import type { DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";
import { hasSplitUnits, splitUnitsOf } from "../../../symbols/dwarf/split-units.ts";
import { dwarfAnswers } from "./dwarf-answers.ts";
import { type Die, DwarfWriter, type FormValue, type WriterShape, die, imageBase } from "./dwarf-writer.ts";
import { op, writeLines } from "./line-writer.ts";

const code = imageBase + 0x100;
/** What the writer gives to units that have an id in their header. */
const id = "0000000000001234";

/** The units of a file that has `.dwo` sections, all under one id. */
function splitUnits(sections: DwarfSections, unit = 0): SplitDwarf {
  const of = (name: Parameters<DwarfSections["section"]>[0]): Uint8Array => sections.section(name) ?? new Uint8Array(0);
  return {
    bytes: 4096,
    has: (asked) => asked === id,
    find: (asked) => (asked === id ? { unit, info: of(".debug_info"), abbrev: of(".debug_abbrev"), str: of(".debug_str"), strOffsets: of(".debug_str_offsets"), rangeLists: of(".debug_rnglists") } : null),
  };
}

const beside = (...split: SplitDwarf[]): DwarfCompanions => ({ split, supplement: null });
const shapes = [true, false].flatMap((little) => ([4, 8] as const).flatMap((offsetBytes) => ([4, 8] as const).map((addressBytes) => ({ little, offsetBytes, addressBytes }))));
const expected = ["100 callee /src/b.h:7 < caller /src/a.cpp:30", "108 caller /src/a.cpp:8", "110", "140 callee /src/a.cpp:8", "150"];

describe("a unit in two files is told of as one", () => {
  /** A line program over both functions, whose second file is what the inlined call is in. */
  const lines = (dwarf: DwarfWriter): number => {
    const first = dwarf.shape.version >= 5 ? 0 : 1;
    return writeLines(dwarf, { folders: dwarf.shape.version >= 5 ? ["/src"] : [], files: [["a.cpp", 0], ["b.h", 0]] }, [
      op.address(code), op.file(first + 1), op.advanceLine(6), op.copy(), op.advancePc(8), op.file(first), op.advanceLine(1), op.copy(), op.advancePc(8), op.end(),
      op.address(code + 64), op.file(first), op.advanceLine(7), op.copy(), op.advancePc(16), op.end(),
    ]);
  };
  /** Each address that the writer meets gets the next index, of a table that nobody reads. */
  const entries = (shape: WriterShape, address: FormValue, ranges: FormValue): Die[] => [
    die("subprogram", { name: [shape.version >= 5 ? "strx1" : "gnuStrIndex", "callee"], ranges }, [], "callee"),
    die("subprogram", { name: ["string", "caller"], lowPc: address, highPc: ["data1", 16] }, [
      die("inlinedSubroutine", { abstractOrigin: ["ref4", "callee"], lowPc: address, highPc: ["data1", 8], callFile: ["data1", shape.version >= 5 ? 0 : 1], callLine: ["data1", 30] }),
    ]),
  ];

  test.each(shapes)("in DWARF 5, little-endian $little, offsets of $offsetBytes bytes and addresses of $addressBytes", (size) => {
    const shape: WriterShape = { ...size, version: 5 };
    const head = 2 * shape.offsetBytes;
    const main = new DwarfWriter(shape);
    // A table before it, so that it matters which one is meant.
    for (const at of [1, code, code]) main.addressIndex(at);
    const other = new DwarfWriter(shape);
    for (let i = 0; i < (shape.offsetBytes === 8 ? 20 : 12); i++) other.rangeLists.fixed(0, 1);
    other.rangeLists.fixed(shape.offsetBytes, shape.offsetBytes);
    // Offsets count from the unit's lowest address, which the skeleton has.
    other.rangeLists.fixed(4, 1).uleb(64).uleb(80).fixed(0, 1);
    other.unit(die("compileUnit", {}, entries(shape, ["addrx", 0], ["rnglistx", 0])), { type: 5 });
    const attributes: Die["attributes"] = { dwoName: ["string", "a.dwo"], compDir: ["lineStrp", "/src"], lineProgram: ["secOffset", lines(main)], addrBase: ["secOffset", head + shape.addressBytes], lowPc: ["addr", code] };
    main.unit(die("skeletonUnit", attributes), { type: 4 });
    const sections = main.sections();
    expect(dwarfAnswers(sections, 0x200, beside(splitUnits(other.sections())))).toEqual(expected);
    expect(splitUnitsOf(sections)).toEqual([{ id, dwoName: "a.dwo", compDir: "/src" }]);
    expect(hasSplitUnits(sections)).toBe(true);
  });

  test.each(shapes)("in GNU's form of DWARF 4, little-endian $little, offsets of $offsetBytes bytes and addresses of $addressBytes", (size) => {
    const shape: WriterShape = { ...size, version: 4 };
    const main = new DwarfWriter(shape);
    for (const at of [1, code, code]) main.addr.fixed(at, shape.addressBytes);
    const pair = (low: number, high: number): void => void main.ranges.fixed(low, shape.addressBytes).fixed(high, shape.addressBytes);
    pair(1, 2);
    pair(0, 0);
    pair(64, 80);
    pair(0, 0);
    const other = new DwarfWriter(shape);
    other.unit(die("compileUnit", { gnuDwoId: ["data8", 0x1234] }, entries(shape, ["gnuAddrIndex", 0], ["secOffset", 0])));
    // There is no header in this form's table.
    const bare: DwarfSections = { ...other.sections(), section: (name) => (name === ".debug_str_offsets" ? other.sections().section(name)!.slice(2 * shape.offsetBytes) : other.sections().section(name)) };
    const attributes: Die["attributes"] = {
      gnuDwoId: ["data8", 0x1234], gnuDwoName: ["strp", "a.dwo"], compDir: ["string", "/src"], lineProgram: ["secOffset", lines(main)],
      gnuAddrBase: ["secOffset", shape.addressBytes], gnuRangesBase: ["secOffset", 4 * shape.addressBytes], lowPc: ["addr", code],
    };
    const sections = main.unit(die("compileUnit", attributes)).sections();
    expect(dwarfAnswers(sections, 0x200, beside(splitUnits(bare)))).toEqual(expected);
    expect(splitUnitsOf(sections)).toEqual([{ id, dwoName: "a.dwo", compDir: "/src" }]);
  });

  const fn = (name: string): Die => die("subprogram", { name: ["string", name], lowPc: ["addr", code], highPc: ["data1", 16] });
  const skeleton = (children: readonly Die[] = []): DwarfSections => new DwarfWriter({ version: 5 }).unit(die("skeletonUnit", { dwoName: ["string", "a.dwo"] }, children), { type: 4 }).sections();

  test("when it is one of several in its .dwo file", () => {
    const other = new DwarfWriter({ version: 5 }).unit(die("compileUnit", {}, [fn("first")]), { type: 5 });
    const second = other.info.bytes.length;
    other.unit(die("compileUnit", {}, [fn("second")]), { type: 5 });
    expect(dwarfAnswers(skeleton(), 0x200, beside(splitUnits(other.sections(), second)))).toEqual(["100 second", "110"]);
    expect(dwarfAnswers(skeleton(), 0x200, beside(splitUnits(other.sections(), second + 1)))).toEqual(["malformedUnit 1"]);
  });

  test("from the first file that has it", () => {
    const of = (name: string): SplitDwarf => splitUnits(new DwarfWriter({ version: 5 }).unit(die("compileUnit", {}, [fn(name)]), { type: 5 }).sections());
    expect(dwarfAnswers(skeleton([fn("left")]), 0x200, beside({ bytes: 0, has: () => false, find: () => null }, of("one"), of("two")))).toEqual(["100 one", "110"]);
  });

  test("but for what its skeleton has, when the other part is not at hand", () => {
    expect(dwarfAnswers(skeleton([fn("left")]))).toEqual(["100 left", "110", "splitUnit 1"]);
  });

  test("not when it has no id", () => {
    const sections = new DwarfWriter({ version: 4 }).unit(die("compileUnit", { gnuDwoName: ["string", "a.dwo"] })).sections();
    expect(dwarfAnswers(sections, 0x200, beside(splitUnits(sections)))).toEqual(["splitUnit 1"]);
    expect(splitUnitsOf(sections)).toEqual([{ id: "", dwoName: "a.dwo", compDir: "" }]);
  });

  test("and no unit of a usual file is taken for one", () => {
    const sections = new DwarfWriter({ version: 5 }).unit(die("compileUnit", {}, [fn("f")])).sections();
    expect(hasSplitUnits(sections)).toBe(false);
    expect(splitUnitsOf(sections)).toEqual([]);
  });
});

describe("names are found in what dwz took out", () => {
  test.each([
    [4, "gnuRefAlt", "gnuStrpAlt"],
    [5, "refSup4", "strpSup"],
    [5, "refSup8", "strpSup"],
  ] as const)("in DWARF %d by %s and %s", (version, reference, text) => {
    for (const shape of shapes) {
      const supplement = new DwarfWriter({ ...shape, version });
      const before = 200;
      supplement.unit(die("partialUnit", { name: ["string", "x".repeat(before)] }, [
        die("namespace", { name: ["strp", "space"] }, [die("subprogram", { name: ["strp", "inlined"] }, [], "inlined"), die("classType", { name: ["strp", "C"] }, [die("subprogram", { name: ["strp", "method"] }, [], "method")])]),
        // References within the file, to another unit of it.
        die("subprogram", { abstractOrigin: ["refAddr", "method"] }, [], "copy"),
      ]), { type: 3 });
      const sections = supplement.sections();
      const name = Buffer.from(sections.section(".debug_str")!).indexOf("space\0");
      const main = new DwarfWriter({ ...shape, version });
      main.unit(die("compileUnit", { lowPc: ["addr", 0] }, [
        die("subprogram", { abstractOrigin: [reference, supplement.offsetOf("copy")], lowPc: ["addr", code], highPc: ["data1", 16] }, [
          die("inlinedSubroutine", { abstractOrigin: [reference, supplement.offsetOf("inlined")], lowPc: ["addr", code], highPc: ["data1", 4] }),
        ]),
        die("subprogram", { name: [text, name], lowPc: ["addr", code + 16], highPc: ["data1", 16] }),
      ]));
      expect(dwarfAnswers(main.sections(), 0x200, { split: [], supplement: sections })).toEqual(["100 space::inlined < space::C::method", "104 space::C::method", "110 space", "120"]);
      expect(dwarfAnswers(main.sections()).at(-1)).toMatch(/^missingString 1$/);
    }
  });

  test("not when references lead in circles or out of it", () => {
    const supplement = new DwarfWriter({ version: 4 }).unit(die("partialUnit", {}, [die("subprogram", { abstractOrigin: ["ref4", "b"] }, [], "a"), die("subprogram", { specification: ["ref4", "a"] }, [], "b")]));
    const sections = supplement.sections();
    for (const target of [supplement.offsetOf("a"), 0, 0x7fffffff, 0xffffffff]) {
      const main = new DwarfWriter({ version: 4 }).unit(die("compileUnit", {}, [die("subprogram", { abstractOrigin: ["gnuRefAlt", target], lowPc: ["addr", code], highPc: ["data1", 16] })]));
      expect(dwarfAnswers(main.sections(), 0x200, { split: [], supplement: sections })).toEqual(["100 <name omitted>", "110", "brokenReference 1"]);
    }
  });
});
