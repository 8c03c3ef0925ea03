// Functions, names and inlined calls from DWARF that is written by hand: every
// form, version and order of bytes, and what linkers and compilers do to them.
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { addDwarfNames } from "../../../symbols/dwarf/dwarf.ts";
import { dwarfAnswers } from "./dwarf-answers.ts";
import { type Die, DwarfWriter, type FormValue, type WriterShape, die, imageBase } from "./dwarf-writer.ts";
import { op, writeLines } from "./line-writer.ts";

const code = imageBase + 0x100;

/** A function of 16 bytes at `code`. */
const fn = (attributes: Die["attributes"], children: readonly Die[] = [], label = ""): Die => die("subprogram", { lowPc: ["addr", code], highPc: ["data4", 16], ...attributes }, children, label);

/** The answers of one unit. */
function ofUnit(shape: Partial<WriterShape>, attributes: Die["attributes"], children: readonly Die[]): string[] {
  return dwarfAnswers(new DwarfWriter(shape).unit(die("compileUnit", attributes, children)).sections());
}

describe("a function is found", () => {
  const shapes = [2, 3, 4, 5].flatMap((version) => [true, false].flatMap((little) => ([4, 8] as const).flatMap((offsetBytes) => ([4, 8] as const).map((addressBytes): WriterShape => ({ version, little, offsetBytes, addressBytes })))));
  test.each(shapes)("in DWARF $version, little-endian $little, offsets of $offsetBytes bytes and addresses of $addressBytes", (shape) => {
    const dwarf = new DwarfWriter(shape);
    const lines = writeLines(dwarf, { folders: shape.version >= 5 ? ["/src"] : [] }, [op.address(code), op.file(shape.version >= 5 ? 0 : 1), op.advanceLine(6), op.copy(), op.special(13 + 12 * 4 + 4), op.advancePc(12), op.end()]);
    dwarf.unit(
      die("compileUnit", { compDir: ["string", "/src"], lineProgram: [shape.version >= 4 ? "secOffset" : "data4", lines], lowPc: ["addr", 0] }, [
        die("subprogram", { name: ["strp", "callee"], lowPc: ["addr", 0] }, [], "callee"),
        die("subprogram", { name: ["strp", "caller"], lowPc: ["addr", code], highPc: shape.version >= 4 ? ["udata", 16] : ["addr", code + 16] }, [
          die("inlinedSubroutine", { abstractOrigin: ["refAddr", "callee"], lowPc: ["addr", code + 4], highPc: ["addr", code + 8], callFile: ["data1", shape.version >= 5 ? 0 : 1], callLine: ["data1", 30] }),
        ]),
      ]),
    );
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 caller /src/a.cpp:7", "104 callee /src/a.cpp:8 < caller /src/a.cpp:30", "108 caller /src/a.cpp:8", "110"]);
  });

  const names: [version: number, attributes: Die["attributes"]][] = [
    [2, { name: ["string", "f"] }],
    [2, { name: ["strp", "f"] }],
    [2, { name: ["indirect", ["strp", "f"]] }],
    [5, { name: ["lineStrp", "f"] }],
    [5, { name: ["strx", "f"] }],
    [5, { name: ["strx1", "f"] }],
    [5, { name: ["strx2", "f"] }],
    [5, { name: ["strx3", "f"] }],
    [5, { name: ["strx4", "f"] }],
    [5, { name: ["indirect", ["strx", "f"]] }],
  ];
  for (const offsetBytes of [4, 8] as const) {
    test.each(names)(`by a name in DWARF %d as %j, offsets of ${offsetBytes} bytes`, (version, attributes) => {
      expect(ofUnit({ version, offsetBytes }, {}, [fn(attributes)])).toEqual(["100 f", "110"]);
    });
  }

  const ends: [version: number, low: FormValue, high: FormValue][] = [
    [2, ["addr", code], ["addr", code + 16]],
    [4, ["addr", code], ["data1", 16]],
    [4, ["addr", code], ["data2", 16]],
    [4, ["addr", code], ["data8", 16]],
    [4, ["addr", code], ["udata", 16]],
    [4, ["addr", code], ["sdata", 16]],
    [5, ["addr", code], ["implicitConst", 16]],
    [5, ["addrx", code], ["data4", 16]],
    [5, ["addrx1", code], ["addrx2", code + 16]],
    [5, ["addrx3", code], ["addrx4", code + 16]],
    [5, ["indirect", ["addrx", code]], ["indirect", ["udata", 16]]],
  ];
  test.each(ends)("by a range in DWARF %d as %j %j", (version, lowPc, highPc) => {
    expect(ofUnit({ version }, {}, [die("subprogram", { name: ["string", "f"], lowPc, highPc })])).toEqual(["100 f", "110"]);
  });

  // Each stands between the range and the name; read wrong, one of the two is lost.
  const passed: [version: number, value: FormValue][] = [
    [2, ["block1", 3]], [2, ["block2", 300]], [2, ["block4", 70000]], [2, ["block", 200]], [2, ["data1", 1]], [2, ["data2", 1]], [2, ["data4", 1]], [2, ["data8", 1]], [2, ["flag", 1]], [2, ["string", "text"]], [2, ["strp", "text"]],
    [2, ["sdata", -70000]], [2, ["udata", 70000]], [2, ["ref1", "f"]], [2, ["ref2", "f"]], [2, ["ref4", "f"]], [2, ["ref8", "f"]], [2, ["refUdata", "f"]], [2, ["refAddr", "f"]], [3, ["refAddr", "f"]], [2, ["addr", 5]],
    [4, ["exprloc", 9]], [4, ["flagPresent", 0]], [4, ["secOffset", 9]], [4, ["refSig8", 77]], [5, ["data16", 5]], [5, ["implicitConst", -9]], [5, ["strx3", "x"]], [5, ["addrx3", 8]], [5, ["rnglistx", 300]], [5, ["loclistx", 300]],
    [5, ["refSup4", 9]], [5, ["refSup8", 9]], [5, ["strpSup", 9]], [5, ["lineStrp", "x"]], [4, ["gnuRefAlt", 9]], [4, ["gnuStrpAlt", 9]], [4, ["indirect", ["block1", 5]]], [5, ["indirect", ["data16", 5]]], [5, ["strx", "y"]], [5, ["addrx", 9]],
    [4, ["gnuAddrIndex", 300]], [4, ["gnuStrIndex", "z"]],
  ];
  for (const shape of [{ offsetBytes: 4, addressBytes: 4 }, { offsetBytes: 8, addressBytes: 8 }] as const) {
    test.each(passed)(`behind what nobody wants, in DWARF %d as %j, offsets of ${shape.offsetBytes} bytes`, (version, unknown) => {
      const attributes: Die["attributes"] = { lowPc: ["addr", code], highPc: ["addr", code + 16], unknown, name: ["string", "f"] };
      // Among what is read, and in entries that are passed over.
      expect(ofUnit({ version, ...shape }, {}, [die("subprogram", attributes, [], "f")])).toEqual(["100 f", "110"]);
      expect(ofUnit({ version, ...shape }, {}, [die(0x34, { name: ["string", "variable"] }, [], "f"), die(0x34, { unknown }, [die(0x05, { unknown })]), die("subprogram", { name: ["string", "f"], lowPc: ["addr", code], highPc: ["addr", code + 16] })])).toEqual(["100 f", "110"]);
    });
  }
});

describe("ranges", () => {
  const pairs = (dwarf: DwarfWriter, ...numbers: number[]): number => {
    const at = dwarf.ranges.bytes.length;
    for (const number of numbers) dwarf.ranges.fixed(number, dwarf.shape.addressBytes);
    return at;
  };
  const ofPairs = (addressBytes: 4 | 8, lowPc: number, ...numbers: number[]): string[] => {
    const dwarf = new DwarfWriter({ version: 4, addressBytes });
    // A list before it, so that offset 0 is another's.
    pairs(dwarf, 1, 2, 0, 0);
    const at = pairs(dwarf, ...numbers);
    return dwarfAnswers(dwarf.unit(die("compileUnit", { lowPc: ["addr", lowPc] }, [die("subprogram", { name: ["string", "f"], ranges: ["secOffset", at] })])).sections());
  };
  for (const addressBytes of [4, 8] as const) {
    const highest = addressBytes === 4 ? 0xffffffff : -1;
    const lists: [what: string, lowPc: number, numbers: number[], expected: string[]][] = [
      ["a hot and a cold part", 0, [code, code + 16, code + 64, code + 80, 0, 0], ["100 f", "110", "140 f", "150"]],
      ["offsets from the unit's lowest address", code, [0, 16, 64, 80, 0, 0], ["100 f", "110", "140 f", "150"]],
      ["offsets from a base that the list has", 0x1234, [highest, code, 0, 16, highest, code + 64, 0, 16, 0, 0], ["100 f", "110", "140 f", "150"]],
      ["an empty range among others", 0, [code + 8, code + 8, code, code + 16, 0, 0], ["100 f", "110"]],
      ["a range that the linker dropped, as 1", 0, [1, 1, code, code + 16, 0, 0], ["100 f", "110"]],
      ["offsets from a base that the linker dropped", 0, [highest, 1, code, code + 16, highest, code, 0, 16, 0, 0], ["100 f", "110"]],
      ["a range outside the image", 0, [imageBase - 16, imageBase, code, code + 16, 0, 0], ["100 f", "110", "outsideImage 1"]],
      ["a range that leaves the image", 0, [code, code + 16, code + 32, code + 0x20000, 0, 0], ["100 f", "110", "outsideImage 1"]],
      ["a list without an end", 0, [code, code + 16], ["100 f", "110", "malformedRanges 1"]],
    ];
    test.each(lists)(`of version 4, addresses of ${addressBytes} bytes: %s`, (_, lowPc, numbers, expected) => {
      expect(ofPairs(addressBytes, lowPc, ...numbers)).toEqual(expected);
    });
  }

  test("outside of .debug_ranges are none", () => {
    const dwarf = new DwarfWriter({ version: 4 });
    expect(dwarfAnswers(dwarf.unit(die("compileUnit", {}, [die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 0x7fffffff] })])).sections())).toEqual(["malformedRanges 1"]);
  });

  for (const [offsetBytes, addressBytes] of [[4, 4], [4, 8], [8, 8]] as const) {
    const wide = `addresses of ${addressBytes} bytes, offsets of ${offsetBytes}`;
    test(`of version 5 in every kind of entry, ${wide}`, () => {
      const dwarf = new DwarfWriter({ version: 5, offsetBytes, addressBytes });
      const [base, at, end] = [dwarf.addressIndex(code), dwarf.addressIndex(code + 0x20), dwarf.addressIndex(code + 0x24)];
      const list = dwarf.rangeLists;
      for (let i = 0; i < 20; i++) list.fixed(0xee, 1);
      list.fixed(4, 1).uleb(0).uleb(4); // From the unit's lowest address.
      list.fixed(1, 1).uleb(base).fixed(4, 1).uleb(0x10).uleb(0x14);
      list.fixed(2, 1).uleb(at).uleb(end);
      list.fixed(3, 1).uleb(at).uleb(2); // Overlaps the one before, as the same function.
      list.fixed(5, 1).fixed(code + 0x40, addressBytes).fixed(4, 1).uleb(0).uleb(4);
      list.fixed(6, 1).fixed(code + 0x50, addressBytes).fixed(code + 0x54, addressBytes);
      list.fixed(7, 1).fixed(code + 0x60, addressBytes).uleb(4);
      list.fixed(5, 1).fixed(0, addressBytes).fixed(4, 1).uleb(0x70).uleb(0x74); // The linker dropped its base.
      list.fixed(0, 1).fixed(7, 1).fixed(code + 0x90, addressBytes).uleb(4);
      const unit = die("compileUnit", { lowPc: ["addr", code] }, [die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 20] })]);
      expect(dwarfAnswers(dwarf.unit(unit).sections())).toEqual(["100 f", "104", "110 f", "114", "120 f", "122", "140 f", "144", "150 f", "154", "160 f", "164", "overlappingFunction 1"]);
    });

    test(`of version 5 by index, ${wide}`, () => {
      const dwarf = new DwarfWriter({ version: 5, offsetBytes, addressBytes });
      const list = dwarf.rangeLists;
      for (let i = 0; i < 20; i++) list.fixed(0xee, 1);
      list.fixed(2 * offsetBytes, offsetBytes).fixed(2 * offsetBytes + addressBytes + 3, offsetBytes);
      list.fixed(7, 1).fixed(code + 0x60, addressBytes).uleb(4).fixed(0, 1);
      list.fixed(7, 1).fixed(code + 0x70, addressBytes).uleb(4).fixed(0, 1);
      const unit = die("compileUnit", { rangeListsBase: ["secOffset", 20] }, [die("subprogram", { name: ["string", "f"], ranges: ["rnglistx", 1] }), die("subprogram", { name: ["string", "g"], ranges: ["rnglistx", 9999] })]);
      expect(dwarfAnswers(dwarf.unit(unit).sections())).toEqual(["170 f", "174", "malformedRanges 1"]);
    });
  }

  test("of unknown kinds end a list", () => {
    const dwarf = new DwarfWriter({ version: 5 });
    dwarf.rangeLists.fixed(7, 1).fixed(code, 8).uleb(4).fixed(9, 1).fixed(7, 1).fixed(code + 16, 8).uleb(4).fixed(0, 1);
    expect(dwarfAnswers(dwarf.unit(die("compileUnit", {}, [die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 0] })])).sections())).toEqual(["100 f", "104", "malformedRanges 1"]);
  });

  // What linkers write where a function was.
  test.each([0, 1, 0xfffffffe, 0xffffffff])("of 32 bits at %d are gone", (address) => {
    expect(ofUnit({ addressBytes: 4 }, {}, [fn({ name: ["string", "f"] }), fn({ name: ["string", "gone"], lowPc: ["addr", address] })])).toEqual(["100 f", "110"]);
  });
  test.each([0, 1, -2, -1])("of 64 bits at %d are gone", (address) => {
    expect(ofUnit({ addressBytes: 8 }, {}, [fn({ name: ["string", "f"] }), fn({ name: ["string", "gone"], lowPc: ["addr", address] })])).toEqual(["100 f", "110"]);
  });
  test("elsewhere are counted", () => {
    expect(ofUnit({}, {}, [fn({ name: ["string", "f"], lowPc: ["addr", 0x7000_0000_0000] })])).toEqual(["outsideImage 1"]);
  });
});

describe("inlined calls", () => {
  const inlined = (origin: string, from: number, to: number, line: number, children: readonly Die[] = []): Die =>
    die("inlinedSubroutine", { abstractOrigin: ["ref4", origin], lowPc: ["addr", code + from], highPc: ["data1", to - from], callFile: ["data1", 1], callLine: ["data1", line] }, children);
  const abstracts = ["a", "b", "c"].map((name) => die("subprogram", { name: ["string", name] }, [], name));

  /** The answers of a unit with one source file and no lines. */
  const inUnit = (children: readonly Die[], dwarf = new DwarfWriter()): string[] => {
    const lines = writeLines(dwarf, {}, []);
    return dwarfAnswers(dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lines] }, [...abstracts, ...children])).sections());
  };

  test("nest, in blocks and out of them", () => {
    const block = (...children: Die[]): Die => die(0x0b, {}, children);
    const root = fn({ name: ["string", "f"] }, [inlined("a", 2, 10, 1, [block(inlined("b", 4, 8, 2, [inlined("c", 5, 6, 3)]), inlined("c", 8, 9, 4))]), block(block(inlined("b", 12, 14, 5)))]);
    expect(inUnit([root])).toEqual(["100 f", "102 a < f a.cpp:1", "104 b < a a.cpp:2 < f a.cpp:1", "105 c < b a.cpp:3 < a a.cpp:2 < f a.cpp:1", "106 b < a a.cpp:2 < f a.cpp:1", "108 c < a a.cpp:4 < f a.cpp:1", "109 a < f a.cpp:1", "10a f", "10c b < f a.cpp:5", "10e f", "110"]);
  });

  test("with several ranges are several", () => {
    const dwarf = new DwarfWriter();
    for (const at of [2, 4, 8, 10]) dwarf.ranges.fixed(code + at, 8);
    dwarf.ranges.fixed(0, 8).fixed(0, 8);
    const root = fn({ name: ["string", "f"] }, [die("inlinedSubroutine", { abstractOrigin: ["ref4", "a"], ranges: ["secOffset", 0], callFile: ["udata", 1], callLine: ["udata", 700] })]);
    expect(inUnit([root], dwarf)).toEqual(["100 f", "102 a < f a.cpp:700", "104 f", "108 a < f a.cpp:700", "10a f", "110"]);
  });

  test("belong to the part of their function that they lie in", () => {
    const dwarf = new DwarfWriter();
    for (const at of [0, 16, 64, 80]) dwarf.ranges.fixed(code + at, 8);
    dwarf.ranges.fixed(0, 8).fixed(0, 8);
    const root = die("subprogram", { name: ["string", "f"], ranges: ["secOffset", 0] }, [inlined("a", 2, 4, 1), inlined("b", 70, 74, 2)]);
    expect(inUnit([root], dwarf)).toEqual(["100 f", "102 a < f a.cpp:1", "104 f", "110", "140 f", "146 b < f a.cpp:2", "14a f", "150"]);
  });

  test("in a function within a function belong to the inner one", () => {
    const inner = die("subprogram", { name: ["string", "g"], lowPc: ["addr", code + 32], highPc: ["data1", 16] }, [inlined("b", 34, 36, 2)]);
    expect(inUnit([fn({ name: ["string", "f"] }, [inlined("a", 2, 4, 1, [inner]), inlined("c", 6, 8, 3)])])).toEqual(["100 f", "102 a < f a.cpp:1", "104 f", "106 c < f a.cpp:3", "108 f", "110", "120 f::g", "122 b < f::g a.cpp:2", "124 f::g", "130"]);
  });

  test("of a function that the linker dropped are dropped", () => {
    expect(inUnit([fn({ name: ["string", "gone"], lowPc: ["addr", 0] }, [inlined("a", 2, 4, 1)]), fn({ name: ["string", "f"] })])).toEqual(["100 f", "110"]);
  });

  test("without a code range leave what is in them where it is", () => {
    expect(inUnit([fn({ name: ["string", "f"] }, [die("inlinedSubroutine", { abstractOrigin: ["ref4", "a"] }, [inlined("b", 2, 4, 1)])])])).toEqual(["100 f", "102 b < f a.cpp:1", "104 f", "110"]);
  });
});

describe("units", () => {
  test("of every kind stand beside each other", () => {
    const dwarf = new DwarfWriter({ version: 5 });
    const at = (name: string, offset: number): Die => fn({ name: ["string", name], lowPc: ["addr", code + offset] });
    dwarf.unit(die("compileUnit", {}, [at("first", 0)]));
    dwarf.unit(die("typeUnit", {}, [at("inType", 16)]), { type: 2 });
    dwarf.unit(die("compileUnit", {}, [at("later", 32)]), { version: 6 });
    dwarf.unit(die("partialUnit", {}, [at("partial", 48)]), { type: 3 });
    dwarf.unit(die("skeletonUnit", { dwoName: ["string", "a.dwo"] }, [at("skeleton", 64)]), { type: 4 });
    dwarf.unit(die("compileUnit", {}, [at("narrow", 80)]), { addressBytes: 2 });
    dwarf.unit(die("compileUnit", {}));
    dwarf.info.fixed(0, 4);
    dwarf.unit(die("compileUnit", {}, [at("last", 96)]));
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 first", "110", "130 partial", "140 skeleton", "150", "160 last", "170", "unknownDwarfVersion 1", "splitUnit 1", "malformedUnit 1"]);
  });

  test("with a form that nobody knows are read up to it", () => {
    const dwarf = new DwarfWriter();
    dwarf.unit(die("compileUnit", {}, [fn({ name: ["string", "f"] }), die(0x34, { unknown: ["string", "?"] }), fn({ name: ["string", "g"], lowPc: ["addr", code + 16] })]));
    dwarf.unit(die("compileUnit", {}, [fn({ name: ["string", "h"], lowPc: ["addr", code + 32] })]));
    const at = Buffer.from(dwarf.abbrev.bytes).indexOf(Buffer.from([0xff, 0x7f, 0x08]));
    dwarf.abbrev.bytes[at + 2] = 0x77;
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 f", "110", "120 h", "130", "malformedUnit 1"]);
  });

  test("that end in the middle give what they have", () => {
    const dwarf = new DwarfWriter().unit(die("compileUnit", {}, [fn({ name: ["string", "f"] }), fn({ name: ["string", "g"], lowPc: ["addr", code + 16] })]));
    dwarf.info.bytes.length -= 6;
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 f", "110", "malformedUnit 2"]);
  });

  test("in a file without DWARF are missing", () => {
    const result = addDwarfNames(new DwarfWriter().sections(), new ModuleBuilder());
    expect(result).toMatchObject({ ok: false, problem: { code: "no_dwarf", status: 400 } });
  });

  test("in a section of more than 2 GiB are refused", () => {
    const huge = Object.defineProperty(new Uint8Array(1), "length", { value: 2 ** 31 });
    const result = addDwarfNames({ ...new DwarfWriter().sections(), section: () => huge }, new ModuleBuilder());
    expect(result).toMatchObject({ ok: false, problem: { code: "dwarf_too_large" } });
  });
});
