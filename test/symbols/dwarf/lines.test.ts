// Line programs written by hand: every opcode, header and machine, paths, and
// what linkers leave of them.
import { describe, expect, test } from "vitest";
import { dwarfAnswers } from "./dwarf-answers.ts";
import { type ByteWriter, type Die, DwarfWriter, type WriterShape, die, imageBase, imageBytes } from "./dwarf-writer.ts";
import { type LineOptions, op, writeLines } from "./line-writer.ts";

const code = imageBase + 0x100;
type Steps = Parameters<typeof writeLines>[2];

/** What a line program says in functions of 32 bytes from `code` on. */
function linesOf(steps: Steps, options: LineOptions = {}, shape: Partial<WriterShape> = {}, attributes: Die["attributes"] = {}, functions = 1): string[] {
  const dwarf = new DwarfWriter(shape);
  // Another program before it, so that its offset matters.
  writeLines(dwarf, {}, [op.address(code), op.copy(), op.advancePc(999), op.end()]);
  const lineProgram = writeLines(dwarf, options, steps);
  const entries = Array.from({ length: functions }, (_, i) => die("subprogram", { name: ["string", `f${i}`], lowPc: ["addr", code + 32 * i], highPc: ["data1", 32] }));
  return dwarfAnswers(dwarf.unit(die("compileUnit", { lineProgram: ["data4", lineProgram], ...attributes }, entries)).sections());
}

/** The lines of `f0`, as `address:line`, without the end of the function. */
function shortLines(steps: Steps, options: LineOptions = {}, shape: Partial<WriterShape> = {}): string {
  return linesOf(steps, options, shape)
    .filter((line) => line !== "120")
    .map((line) => line.replace(/ f0 a\.cpp:/, ":"))
    .join(" ");
}

describe("an opcode of a line program:", () => {
  const usual = [op.advancePc(4), op.advanceLine(1), op.copy(), op.advancePc(28), op.end()];
  const rows: [what: string, expected: string, steps: Steps, options?: LineOptions][] = [
    ["copy", "100:1 104:2", [op.address(code), op.copy(), ...usual]],
    // 13 is the first special opcode; lines from -3 on, 12 of them; 13 + 12·4 + 5 is 4 bytes and 2 lines on.
    ["special", "100:1 104:3 105:2", [op.address(code), op.copy(), op.special(13 + 48 + 5), op.special(13 + 12 + 2), op.advancePc(27), op.end()]],
    ["advance_line, back and forth", "100:501 104:1 108:70", [op.address(code), op.advanceLine(500), op.copy(), op.advancePc(4), op.advanceLine(-500), op.copy(), op.advancePc(4), op.advanceLine(69), op.copy(), op.advancePc(24), op.end()]],
    ["set_file, column, statements, blocks, prologue, epilogue, isa and discriminator", "100:1 104 f0 b.cpp:2", [
      op.address(code), op.column(200), op.negate(), op.basicBlock(), op.prologueEnd(), op.isa(300), op.discriminator(9), op.copy(), op.epilogueBegin(), op.file(2), ...usual,
    ]],
    // What opcode 255 adds: (255 - 13) / 12 = 20.
    ["const_add_pc", "100:1 114:2", [op.address(code), op.copy(), op.constAddPc(), op.advanceLine(1), op.copy(), op.advancePc(12), op.end()]],
    ["fixed_advance_pc", "100:1 105:2", [op.address(code), op.copy(), op.fixedAdvancePc(5), op.advanceLine(1), op.copy(), op.advancePc(27), op.end()]],
    ["set_address within a sequence", "100:1 108:2", [op.address(code), op.copy(), op.address(code + 8), op.advanceLine(1), op.copy(), op.advancePc(24), op.end()]],
    ["define_file", "100 f0 c.cpp:1", [op.address(code), op.defineFile("c.cpp", 0), op.file(3), op.copy(), op.advancePc(32), op.end()]],
    ["an extended one that nobody knows", "100:1", [op.address(code), op.raw(0, 3, 0x80, 0xff, 0xff), op.copy(), op.advancePc(32), op.end()]],
    ["an extended one without bytes", "100:1", [op.address(code), op.raw(0, 0), op.copy(), op.advancePc(32), op.end()]],
    ["a standard one that nobody knows, with its operands", "100:1 104:2", [op.address(code), op.copy(), op.raw(13, 0x80, 0x80, 1, 5), op.raw(14), ...usual], { operandCounts: [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 0] }],
    ["a special one where fewer are standard", "100:1 104:2", [op.address(code), op.copy(), op.special(10 + 48 + 4), op.advancePc(28), op.end()], { operandCounts: [0, 1, 1, 1, 1, 0, 0, 0, 1] }],
    ["one with other lines and ranges", "100:1 102:11", [op.address(code), op.copy(), op.special(13 + 2 * 20 + 15), op.advancePc(30), op.end()], { lineBase: -5, lineRange: 20 }],
    ["one on a machine of instructions of 4 bytes", "100:1 104:2 10c:3 112:4", [op.address(code), op.copy(), op.special(13 + 12 + 4), op.advancePc(2), op.advanceLine(1), op.copy(), op.fixedAdvancePc(6), op.advanceLine(1), op.copy(), op.address(code + 32), op.end()], { instructionBytes: 4 }],
    // Three operations in 16 bytes: 2 stay in the bundle, one more is the next bundle.
    ["one on a machine of bundles", "100:2 110:4", [op.address(code), op.copy(), op.special(13 + 24 + 4), op.special(13 + 12 + 5), op.advancePc(3), op.end()], { version: 4, instructionBytes: 16, operationsMax: 3 }],
    ["copy, the last at one address", "100:9 104:2", [op.address(code), op.copy(), op.advanceLine(8), op.copy(), op.advanceLine(-8), ...usual]],
    ["line 0 is code without a line, lines below it too", "100:0 104:5", [op.address(code), op.advanceLine(-1), op.copy(), op.advancePc(2), op.advanceLine(-7), op.copy(), op.advancePc(2), op.advanceLine(12), op.copy(), op.advancePc(28), op.end()]],
    ["set_file of a file that does not exist", "100 f0 104:2", [op.address(code), op.file(77), op.copy(), op.file(1), ...usual]],
    ["end_sequence makes all as it was", "100:9 110:1", [op.address(code), op.advanceLine(8), op.file(1), op.copy(), op.advancePc(16), op.end(), op.address(code + 16), op.copy(), op.advancePc(16), op.end()]],
  ];
  const files = { files: [["a.cpp", 0], ["b.cpp", 0]] } as const;
  test.each(rows)("%s", (_, expected, steps, options = {}) => {
    expect(shortLines(steps, { ...files, ...options })).toBe(expected);
    expect(shortLines(steps, { ...files, ...options }, { little: false, addressBytes: 4, offsetBytes: 8 })).toBe(expected);
    if (options.version === undefined) expect(shortLines(steps, { ...files, ...options, version: 2 })).toBe(expected);
  });
});

describe("sequences", () => {
  const at = (offset: number, line: number, bytes = 32): Steps => [op.address(code + offset), op.advanceLine(line - 1), op.copy(), op.advancePc(bytes), op.end()];
  const rows: [what: string, expected: string[], steps: Steps][] = [
    ["come in any order", ["100 f0 a.cpp:1", "120 f1 a.cpp:2", "140 f2 a.cpp:3", "160"], [...at(64, 3), ...at(0, 1), ...at(32, 2)]],
    ["of dropped functions are dropped", ["100 f0 a.cpp:1", "120 f1", "140 f2 a.cpp:3", "160"], [
      op.address(0), op.copy(), op.advancePc(0x100), op.end(), ...at(0, 1), op.address(1), op.copy(), op.advancePc(8), op.end(), op.address(-1), op.copy(), op.advancePc(8), op.end(), op.address(-2), op.copy(), op.advancePc(8), op.end(), ...at(64, 3),
    ]],
    ["without an address are dropped", ["100 f0 a.cpp:1", "120 f1", "140 f2", "160"], [op.copy(), op.advancePc(0x400100), op.copy(), op.advancePc(32), op.end(), ...at(0, 1)]],
    ["that overlap the one before are dropped", ["100 f0 a.cpp:1", "120 f1 a.cpp:2", "140 f2 a.cpp:3", "160", "overlappingSequence 2"], [...at(64, 3), ...at(32, 2), ...at(0, 1), ...at(0, 9), ...at(16, 8, 4)]],
    ["that go back keep what is in order", ["100 f0 a.cpp:1", "110 f0", "120 f1", "140 f2", "160", "disorderedLine 1"], [
      op.address(code), op.copy(), op.advancePc(16), op.advanceLine(1), op.copy(), op.address(code + 12), op.advanceLine(1), op.copy(), op.advancePc(4), op.end(),
    ]],
    ["that leave 4 GiB end there", ["100 f0 a.cpp:1", "104 f0", "120 f1", "140 f2", "160", "disorderedLine 1"], [op.address(code), op.copy(), op.advancePc(4), op.copy(), op.advancePc(2 ** 33), op.copy(), op.end()]],
    ["that are not ended lose their last row", ["100 f0 a.cpp:1", "108 f0", "120 f1", "140 f2", "160", "malformedLines 1"], [op.address(code), op.copy(), op.advancePc(8), op.copy()]],
    ["are cut to their functions", ["100 f0 a.cpp:7", "120 f1 a.cpp:7", "140 f2 a.cpp:7", "160"], [op.address(code - 16), op.advanceLine(6), op.copy(), op.advancePc(500), op.end()]],
  ];
  test.each(rows)("%s", (_, expected, steps) => {
    expect(linesOf(steps, {}, {}, {}, 3)).toEqual(expected);
  });

  test("may end where the image does, by an address of its own", () => {
    const dwarf = new DwarfWriter();
    const last = imageBase + imageBytes - 16;
    const lineProgram = writeLines(dwarf, {}, [op.address(last), op.copy(), op.address(last + 16), op.end(), op.address(last + 16), op.copy(), op.end()]);
    dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lineProgram] }, [die("subprogram", { name: ["string", "f"], lowPc: ["addr", last], highPc: ["data1", 16] })]));
    expect(dwarfAnswers(dwarf.sections(), imageBytes + 1)).toEqual(["fff0 f a.cpp:1", "10000"]);
  });
});

describe("a path", () => {
  const steps = [op.address(code), op.file(1), op.copy(), op.advancePc(32), op.end()];
  const rows: [expected: string, compDir: string, folder: string, file: string][] = [
    ["/b/src/a.cpp", "/b", "src", "a.cpp"],
    ["/usr/include/a.h", "/b", "/usr/include", "a.h"],
    ["/a.cpp", "/b", "src", "/a.cpp"],
    ["/b/src/a.cpp", "/b", "./src", "a.cpp"],
    ["/b/src/a.cpp", "/b/", "src/", "./a.cpp"],
    ["/b/src/a.cpp", "/b/./.", "././src", "././a.cpp"],
    ["/b/../src/.x/a.cpp", "/b", "../src/.x", "a.cpp"],
    ["src/a.cpp", "", "src", "a.cpp"],
    ["C:\\b\\src\\a.cpp", "C:\\b", "src", "a.cpp"],
    ["C:\\b\\src\\a.cpp", "C:\\b", "src", ".\\a.cpp"],
    ["C:/b/src/a.cpp", "C:/b", "src", "a.cpp"],
    ["D:\\x\\a.cpp", "C:\\b", "src", "D:\\x\\a.cpp"],
    ["d:/x/a.cpp", "C:\\b", "d:/x", "a.cpp"],
    ["\\\\host\\x\\a.cpp", "C:\\b", "\\\\host\\x", "a.cpp"],
    ["/b/src/Grüße.cpp", "/b", "src", "Grüße.cpp"],
  ];
  for (const version of [4, 5]) {
    test.each(rows)(`in DWARF ${version} is %s for %j, %j and %j`, (expected, compDir, folder, file) => {
      const attributes: Die["attributes"] = compDir === "" ? {} : { compDir: ["string", compDir] };
      const lists = version === 5 ? { folders: [compDir, folder], files: [["other.cpp", 0], [file, 1]] } as const : { folders: [folder], files: [[file, 1]] } as const;
      expect(linesOf(steps, lists, { version }, attributes)[0]).toBe(`100 f0 ${expected}:1`);
    });
  }

  test("without a folder is in the unit's", () => {
    expect(linesOf(steps, { folders: ["/other"], files: [["a.cpp", 0]] }, {}, { compDir: ["strp", "/b"] })[0]).toBe("100 f0 /b/a.cpp:1");
    expect(linesOf(steps, { folders: ["/b", "/other"], files: [["x.cpp", 1], ["a.cpp", 0]] }, { version: 5 }, { compDir: ["strp", "/c"] })[0]).toBe("100 f0 /b/a.cpp:1");
  });
  test("whose folder does not exist is its name", () => {
    expect(linesOf(steps, { files: [["a.cpp", 9]] }, {}, { compDir: ["strp", "/b"] })[0]).toBe("100 f0 a.cpp:1");
  });

  // Fields that compilers add, in whatever form: content 5 is an MD5 sum, 3 a time, 4 a size, 0x2001 LLVM's source.
  const string = (writer: ByteWriter, [name]: readonly [string, number]): void => void writer.string(name);
  const number = (size: number) => (writer: ByteWriter): void => void writer.fixed(7, size);
  const folder = (size: number) => (writer: ByteWriter, [, index]: readonly [string, number]): void => void writer.fixed(index, size);
  const fields: [what: string, fileFields: NonNullable<LineOptions["fileFields"]>][] = [
    ["an MD5 sum", [[1, 0x08, string], [2, 0x0b, folder(1)], [5, 0x1e, number(16)]]],
    ["the folder first, in two bytes", [[2, 0x05, folder(2)], [1, 0x08, string]]],
    ["the folder as LEB128", [[1, 0x08, string], [2, 0x0f, (writer, [, index]) => writer.uleb(index)]]],
    ["times and sizes", [[3, 0x06, number(4)], [4, 0x07, number(8)], [3, 0x0f, (writer) => writer.uleb(70_000)], [1, 0x08, string], [3, 0x0a, (writer) => writer.fixed(3, 1).fixed(0, 3)], [3, 0x09, (writer) => writer.uleb(2).fixed(0, 2)], [2, 0x0b, folder(1)]]],
    ["LLVM's source", [[1, 0x08, string], [2, 0x0b, folder(1)], [0x2001, 0x08, (writer) => writer.string("int main() {}")]]],
  ];
  test.each(fields)("in DWARF 5 may have %s beside it", (_, fileFields) => {
    expect(linesOf(steps, { folders: ["/b", "/b/src"], files: [["x.cpp", 0], ["a.cpp", 1]], fileFields, slack: 5 }, { version: 5 })[0]).toBe("100 f0 /b/src/a.cpp:1");
  });

  test.each([["strp", 0x0e], ["line_strp", 0x1f]] as const)("in DWARF 5 may be elsewhere: %s", (_, form) => {
    for (const offsetBytes of [4, 8] as const) {
      const fileFields = [[1, form, (writer: ByteWriter) => writer.fixed(0, offsetBytes)], [2, 0x0b, folder(1)]] as const;
      const expected = form === 0x0e ? "<offset 0 of .debug_str>" : "<offset 0 of .debug_line_str>";
      expect(linesOf(steps, { folders: ["/b"], files: [["x.cpp", 0], ["a.cpp", 0]], fileFields }, { version: 5, offsetBytes })[0]).toBe(`100 f0 /b/${expected}:1`);
    }
  });

  test("in DWARF 5 may be behind an index", () => {
    const dwarf = new DwarfWriter({ version: 5 });
    const fileFields = [[1, 0x25, (writer: ByteWriter) => writer.fixed(1, 1)], [2, 0x0b, folder(1)]] as const;
    const lineProgram = writeLines(dwarf, { folders: ["/b"], files: [["x.cpp", 0], ["a.cpp", 0]], fileFields }, steps);
    dwarf.unit(die("compileUnit", { name: ["strx", "unit.cpp"], lineProgram: ["secOffset", lineProgram] }, [die("subprogram", { name: ["strx", "f"], lowPc: ["addr", code], highPc: ["data1", 32] })]));
    expect(dwarfAnswers(dwarf.sections())[0]).toBe("100 f /b/f:1");
  });
});

describe("a header", () => {
  const steps = [op.address(code), op.copy(), op.advancePc(32), op.end()];
  const named: [what: string, options: LineOptions, shape?: Partial<WriterShape>][] = [
    ["of an unknown version", { version: 6 }],
    ["of version 1", { version: 1 }],
    ["without a line range", { lineRange: 0 }],
  ];
  test.each(named)("%s is not read, and functions stay", (_, options, shape = {}) => {
    expect(linesOf(steps, options, shape)).toEqual(["100 f0", "120", "malformedLines 1"]);
  });
  test("outside of .debug_line is not read, and functions stay", () => {
    for (const at of [0x7fffffff, 0xfffffffe]) expect(linesOf(steps, {}, {}, { lineProgram: ["data4", at] })).toEqual(["100 f0", "120", "malformedLines 1"]);
  });
  test("with more after its lists than we know is read", () => {
    for (const version of [2, 3, 4]) expect(linesOf(steps, { slack: 9 }, { version })).toEqual(["100 f0 a.cpp:1", "120"]);
  });
  test("with a count of files that have no bytes is read in no time", () => {
    const fileFields = [] as const;
    const started = performance.now();
    const dwarf = new DwarfWriter({ version: 5 });
    const lineProgram = writeLines(dwarf, { fileFields, files: [] }, steps);
    // The count of files is the last byte of the header.
    const at = Buffer.from(dwarf.line.bytes).indexOf(Buffer.from([0, 0, 0, 9, 2]));
    dwarf.line.bytes[at + 1] = 0x7f;
    dwarf.unit(die("compileUnit", { lineProgram: ["secOffset", lineProgram] }, [die("subprogram", { name: ["string", "f"], lowPc: ["addr", code], highPc: ["data1", 32] })]));
    expect(dwarfAnswers(dwarf.sections())).toEqual(["100 f", "120"]);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
