// Rows of arm64 functions by their `.xdata`: what each code does, and which
// codes hold at each instruction.
import { describe, expect, it } from "vitest";
import { arm64Image, codeRva, compileArm64, rowsText, xdataRecord as record, xdataRva, type ImageParts } from "./arm64-image.ts";

const compile = (parts: Partial<ImageParts> & { bytes?: Uint8Array }) =>
  compileArm64(arm64Image({ pdata: [[codeRva, xdataRva]], ...(parts.bytes && { xdata: parts.bytes }), ...parts }));
const rows = (bytes: Uint8Array): string[] => rowsText(compile({ bytes }));
/** The rule of a function's body. */
const body = (...codes: number[]): string => rows(record(200, [...codes, 0xe4], [], codes.length > 120)).at(-2)!.replace(/^\w+\*? /, "");

const none = "cfa = sp, ra = lr";

describe("a code", () => {
  it.each([
    ["alloc_s", [0x1f], "cfa = sp + 496, ra = lr"],
    ["alloc_m", [0xc7, 0xff], "cfa = sp + 32752, ra = lr"],
    ["alloc_l", [0xe0, 0x01, 0x02, 0x03], "cfa = sp + 1056816, ra = lr"],
    ["save_r19r20_x", [0x22], "cfa = sp + 16, ra = lr, x19 = [cfa - 16], x20 = [cfa - 8]"],
    ["save_fplr", [0x43, 0x05], "cfa = sp + 80, ra = [cfa - 48], fp = [cfa - 56]"],
    ["save_fplr_x", [0x83], "cfa = sp + 32, ra = [cfa - 24], fp = [cfa - 32]"],
    ["save_regp x21", [0xc8, 0x82, 0x04], "cfa = sp + 64, ra = lr, x21 = [cfa - 48], x22 = [cfa - 40]"],
    ["save_regp_x x23", [0xcd, 0x05], "cfa = sp + 48, ra = lr, x23 = [cfa - 48], x24 = [cfa - 40]"],
    ["save_reg x28", [0xd2, 0x47, 0x04], "cfa = sp + 64, ra = lr, x28 = [cfa - 8]"],
    ["save_reg lr", [0xd2, 0xc1, 0x01], "cfa = sp + 16, ra = [cfa - 8]"],
    ["save_reg_x x20", [0xd4, 0x23], "cfa = sp + 32, ra = lr, x20 = [cfa - 32]"],
    ["save_reg_x lr", [0xd5, 0x61], "cfa = sp + 16, ra = [cfa - 16]"],
    ["save_lrpair x25", [0xd6, 0xc4, 0x04], "cfa = sp + 64, ra = [cfa - 24], x25 = [cfa - 32]"],
    ["save_fregp, which no rule has", [0xd8, 0x82, 0x04], "cfa = sp + 64, ra = lr"],
    ["save_fregp_x, of which only the room counts", [0xda, 0x83], "cfa = sp + 32, ra = lr"],
    ["save_freg", [0xdc, 0x82, 0x04], "cfa = sp + 64, ra = lr"],
    // Five bits; the others are the register.
    ["save_freg_x d9", [0xde, 0x23], "cfa = sp + 32, ra = lr"],
    ["set_fp", [0xe1, 0x81], "cfa = fp + 16, ra = [cfa - 8], fp = [cfa - 16]"],
    ["add_fp", [0xe2, 0x0a, 0x4a, 0x08], "cfa = fp + 48, ra = [cfa - 40], fp = [cfa - 48]"],
    ["nop", [0xe3], none],
    ["pac_sign_lr, whose signature the walk takes off", [0x81, 0xfc], "cfa = sp + 16, ra = [cfa - 8], fp = [cfa - 16]"],
    ["save_next after x19", [0xe6, 0xe6, 0xc8, 0x02, 0x08], "cfa = sp + 128, ra = lr, x19 = [cfa - 112], x20 = [cfa - 104], x21 = [cfa - 96], x22 = [cfa - 88], x23 = [cfa - 80], x24 = [cfa - 72]"],
    ["save_next after save_r19r20_x", [0xe6, 0x24], "cfa = sp + 32, ra = lr, x19 = [cfa - 32], x20 = [cfa - 24], x21 = [cfa - 16], x22 = [cfa - 8]"],
    // d8 follows x28, and not fp.
    ["save_next after x27", [0xe6, 0xca, 0x02, 0x04], "cfa = sp + 64, ra = lr, x27 = [cfa - 48], x28 = [cfa - 40]"],
    ["save_next of d registers does not reach the next save", [0xe6, 0xd8, 0x04, 0xc8, 0x00, 0x08], "cfa = sp + 128, ra = lr, x19 = [cfa - 128], x20 = [cfa - 120]"],
    ["save_any_reg x17", [0xe7, 0x11, 0x03, 0x04], "cfa = sp + 64, ra = lr, x17 = [cfa - 40]"],
    ["save_any_reg of a pair, in steps of 16", [0xe7, 0x53, 0x01, 0x04], "cfa = sp + 64, ra = lr, x19 = [cfa - 48], x20 = [cfa - 40]"],
    ["save_any_reg that makes room", [0xe7, 0x33, 0x01], "cfa = sp + 32, ra = lr, x19 = [cfa - 32]"],
    ["save_any_reg of x9, which has no slot", [0xe7, 0x09, 0x01, 0x04], "cfa = sp + 64, ra = lr"],
    ["save_any_reg of q registers that makes room", [0xe7, 0x66, 0x8a], "cfa = sp + 176, ra = lr"],
    ["save_any_reg of d registers that makes room", [0xe7, 0x68, 0x41], "cfa = sp + 32, ra = lr"],
    ["save_zreg", [0xe7, 0x02, 0xc1, 0x01], "cfa = sp + 16, ra = lr"],
    ["a save of sp's number, which is none", [0xe7, 0x1f, 0x01, 0x04], "cfa = sp + 64, ra = lr"],
    ["what is loaded last counts", [0xc8, 0x02, 0xc8, 0x04, 0x08], "cfa = sp + 128, ra = lr, x19 = [cfa - 96], x20 = [cfa - 88]"],
    ["a save below fp, counted from sp", [0xc8, 0x02, 0x04, 0xe1, 0x83], "cfa = fp + 32, ra = [cfa - 24], x19 = [sp + 16], x20 = [sp + 24], fp = [cfa - 32]"],
    ["alloc_z, whose bytes the processor knows", [0xdf, 0x01], "nothing"],
    ["alloc_z above fp", [0xe1, 0xdf, 0x01], "nothing"],
    ["trap_frame", [0xe8], "nothing"],
    ["a reserved code", [0xed], "nothing"],
    ["a reserved code of two bytes", [0xf8, 0x00], "nothing"],
    ["save_any_reg with a reserved bit", [0xe7, 0x93, 0x01], "nothing"],
    ["set_fp after fp was loaded", [0x81, 0xe1], "nothing"],
    ["room that no stack has", Array.from({ length: 12 }, () => [0xe0, 0xff, 0xff, 0xff]).flat(), "nothing"],
    ["a run without end of codes", Array.from({ length: 180 }, () => 0xe3), "nothing"],
  ])("%s", (_, codes, expected) => {
    expect(body(...codes)).toBe(expected);
  });
});

describe("a frame that something else put on the stack", () => {
  it("machine_frame has sp and pc, and leaves lr as it is", () => {
    expect(body(0xd2, 0xc3, 0x04, 0xe9)).toBe("cfa = [sp + 64], ra = [sp + 72], lr = [sp + 24]");
    expect(body(0x04, 0xe9)).toBe("cfa = [sp + 64], ra = [sp + 72], lr = lr");
  });

  it("context has all registers", () => {
    expect(body(0x01, 0xea)).toBe(
      "cfa = [sp + 272], ra = [sp + 280], x16 = [sp + 152], x17 = [sp + 160], x18 = [sp + 168], x19 = [sp + 176], x20 = [sp + 184], x21 = [sp + 192], x22 = [sp + 200], x23 = [sp + 208], x24 = [sp + 216], x25 = [sp + 224], x26 = [sp + 232], x27 = [sp + 240], x28 = [sp + 248], fp = [sp + 256], lr = [sp + 264]",
    );
  });

  it("ec_context has those of x64", () => {
    expect(body(0xeb)).toBe("cfa = [sp + 152], ra = [sp + 248], x19 = [sp + 216], x20 = [sp + 224], x21 = [sp + 232], x22 = [sp + 240], x25 = [sp + 168], x26 = [sp + 176], x27 = [sp + 144], fp = [sp + 160], lr = [sp + 288]");
  });

  it.each([
    ["machine_frame", [0xe9]],
    ["context", [0xea]],
    ["ec_context", [0xeb]],
    ["clear_unwound_to_call", [0x81, 0xec]],
  ])("%s says that its caller was interrupted", (_, codes) => {
    const { symbols } = compile({ bytes: record(20, [...codes, 0xe4]) });
    expect(symbols.rules[symbols.rowRule(symbols.unwindRow(codeRva + 40)) * 21]! & 0x10000).toBe(0x10000);
  });

  it("takes no instruction: it is there at the function's first one", () => {
    expect(rows(record(6, [0x43, 0x04, 0xe9, 0xe4]))).toEqual([
      "0* cfa = [sp], ra = [sp + 8], lr = lr",
      "4 cfa = [sp + 64], ra = [sp + 72], lr = lr",
      "8 cfa = [sp + 64], ra = [sp + 72], fp = [sp + 24], lr = [sp + 32]",
      "18 -",
    ]);
  });
});

// stp fp, lr, [sp, -32]!; mov fp, sp; stp x19, x20, [sp, 16]
const prolog = [0xc8, 0x02, 0xe1, 0x83, 0xe4];
const half = "cfa = sp + 32, ra = [cfa - 24], fp = [cfa - 32]";
const framed = "cfa = fp + 32, ra = [cfa - 24], fp = [cfa - 32]";
const full = "cfa = fp + 32, ra = [cfa - 24], x19 = [sp + 16], x20 = [sp + 24], fp = [cfa - 32]";
const inProlog = [`0* ${none}`, `4 ${half}`, `8 ${framed}`, `c ${full}`];

describe("a function", () => {
  it("has a row for each instruction of its prolog, and of a prolog alone no other", () => {
    expect(rows(record(16, prolog))).toEqual([...inProlog, "40 -"]);
  });

  it("has rows for the epilog at its end, in the order of its codes", () => {
    expect(rows(record(16, prolog, { last: 0 }))).toEqual([...inProlog, `34 ${framed}`, `38 ${half}`, `3c ${none}`, "40 -"]);
  });

  it("has an epilog that needs fewer codes, or others", () => {
    expect(rows(record(16, prolog, { last: 3 }))).toEqual([...inProlog, `38 ${half}`, `3c ${none}`, "40 -"]);
    const others = [...prolog, 0xe1, 0xc8, 0x02, 0x83, 0xe4];
    expect(rows(record(16, others, { last: 5 }))).toEqual([...inProlog, `30 cfa = fp + 32, ra = [cfa - 24], x19 = [cfa - 16], x20 = [cfa - 8], fp = [cfa - 32]`, `34 cfa = sp + 32, ra = [cfa - 24], x19 = [cfa - 16], x20 = [cfa - 8], fp = [cfa - 32]`, `38 ${half}`, `3c ${none}`, "40 -"]);
  });

  it("is body again after each of its epilogs", () => {
    const epilogs: [number, number][] = [[6, 0], [12, 3]];
    const expected = [...inProlog, `1c ${framed}`, `20 ${half}`, `24 ${none}`, `28 ${full}`, `30 ${half}`, `34 ${none}`, `38 ${full}`, "40 -"];
    expect(rows(record(16, prolog, epilogs))).toEqual(expected);
    expect(rows(record(16, prolog, epilogs, true))).toEqual(expected);
  });

  it("may jump where it would return, and be followed by the next", () => {
    const first = record(6, [0x81, 0xe4], { last: 0 });
    const image = arm64Image({ pdata: [[codeRva, xdataRva], [codeRva + 24, xdataRva + first.length]], xdata: Buffer.concat([first, record(4, [0x02, 0xe4])]) });
    const frame = "cfa = sp + 16, ra = [cfa - 8], fp = [cfa - 16]";
    expect(rowsText(compileArm64(image))).toEqual([`0* ${none}`, `4 ${frame}`, `14 ${none}`, `18* ${none}`, "1c cfa = sp + 32, ra = lr", "28 -"]);
  });

  it("has no row twice where prolog and epilogs overlap: the first one counts", () => {
    expect(rows(record(4, prolog, { last: 0 }))).toEqual([`0* ${none}`, `4 ${half}`, `8 ${framed}`, `c ${none}`, "10 -"]);
    expect(rows(record(16, prolog, [[8, 0], [10, 0], [4, 0]]))).toEqual([...inProlog, `24 ${framed}`, `28 ${half}`, `2c ${none}`, `30 ${half}`, `34 ${none}`, `38 ${full}`, "40 -"]);
  });

  it("cut from another has that one's codes in its body, and no prolog", () => {
    expect(rows(record(8, [0xe5, ...prolog]))).toEqual([`0* ${full}`, "20 -"]);
    // An epilog that points to end_c is none.
    expect(rows(record(8, [0xe5, ...prolog], { last: 0 }))).toEqual([`0* ${full}`, "20 -"]);
    // One that points behind it is the parent's epilog.
    expect(rows(record(8, [0xe5, ...prolog], { last: 1 }))).toEqual([`0* ${full}`, `14 ${framed}`, `18 ${half}`, `1c ${none}`, "20 -"]);
  });

  it("that saves more in a part of its own undoes that, and then what its parent did", () => {
    const codes = [0xc8, 0x84, 0xe5, 0xe1, 0x87, 0xe4];
    const parent = "cfa = fp + 64, ra = [cfa - 56], fp = [cfa - 64]";
    const whole = "cfa = fp + 64, ra = [cfa - 56], x21 = [sp + 32], x22 = [sp + 40], fp = [cfa - 64]";
    expect(rows(record(8, codes, { last: 0 }))).toEqual([`0* ${parent}`, `4 ${whole}`, `1c ${parent}`, "20 -"]);
  });

  it("ends where its codes end, without a word for it", () => {
    expect(rows(record(4, [0x81, 0x81, 0x81, 0x81])).at(-2)).toMatch(/^c cfa = sp \+ 48/);
  });
});

describe("what makes no sense is left out and counted", () => {
  const good = record(8, prolog);
  const goodRows = [...inProlog, "20 -"];

  it.each([
    ["a record that is not there", [[codeRva + 0x100, 0x1234_5678]], "malformedUnwind"],
    ["a record of another version", [[codeRva + 0x100, xdataRva + 0x20]], "malformedUnwind"],
    ["a record that is cut off", [[codeRva + 0x100, xdataRva + 0x28]], "malformedUnwind"],
    ["more epilogs than instructions", [[codeRva + 0x100, xdataRva + 0x30]], "malformedUnwind"],
    ["a function without length", [[codeRva + 0x100, xdataRva + 0x40]], "malformedUnwind"],
    ["a function outside of the code", [[0x1234_5678, xdataRva]], "malformedUnwind"],
    ["a function in a section of data", [[xdataRva, xdataRva]], "malformedUnwind"],
    ["an address between instructions", [[codeRva + 0x102, xdataRva]], "malformedUnwind"],
    ["the reserved packed form", [[codeRva + 0x100, 3 | (8 << 2)]], "malformedUnwind"],
    ["a function within the one before", [[codeRva + 4, xdataRva]], "overlappingCfi"],
  ] as const)("%s", (_, entries, reason) => {
    const bytes = Buffer.alloc(0x44);
    bytes.set(good);
    bytes.writeUInt32LE(8 | (1 << 18) | (1 << 27), 0x20);
    bytes.writeUInt32LE((8 | (31 << 27)) >>> 0, 0x28);
    bytes.writeUInt32LE(8, 0x30);
    bytes.writeUInt32LE(9, 0x34);
    bytes.writeUInt32LE(1 << 27, 0x40);
    const compiled = compileArm64(arm64Image({ pdata: [[codeRva, xdataRva], ...entries], xdata: bytes }));
    expect(rowsText(compiled)).toEqual(goodRows);
    expect(compiled.warnings).toEqual({ [reason]: 1 });
  });

  it("fill at the table's end is no function", () => {
    expect(compile({ bytes: good, pdata: [[codeRva, xdataRva], [0, 0], [0, 0]] }).warnings).toEqual({});
  });

  it("functions are read as far as the table is there", () => {
    const compiled = compile({ bytes: good, claimed: 0x8000_0000 });
    expect([rowsText(compiled), compiled.warnings]).toEqual([goodRows, { malformedUnwind: 1 }]);
  });

  it("a function counts as far as its section has bytes", () => {
    expect(rowsText(compile({ bytes: record(0x3ffff, prolog, { last: 0 }), codeBytes: 0x18 }))).toEqual([...inProlog, "18 -"]);
  });

  it("an epilog whose codes are not there is none", () => {
    expect(rows(record(8, prolog, [[5, 1000]]))).toEqual(goodRows);
    expect(rows(record(8, prolog, { last: 31 }))).toEqual(goodRows);
  });

  it("an epilog beyond the end is none", () => {
    expect(rows(record(8, prolog, [[8, 0], [0x3ffff, 0]]))).toEqual(goodRows);
  });
});
