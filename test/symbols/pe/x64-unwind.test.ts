// Rows of x64 functions by their unwind codes and their code: what each code
// does, which hold at each instruction, and what is an epilog.
import { describe, expect, it } from "vitest";
import { code, codeRva, compilePe, reg, rowsText, unwindInfo, x64Image, xdataRva, type X64Parts } from "./x64-image.ts";

const { rbx, rbp, rsi, rdi, r12, r13, rax, rsp } = reg;
const compile = (parts: Partial<X64Parts> & { xdata: Uint8Array }) => compilePe(x64Image({ functions: [[0, 0x100, 0]], ...parts }));
/** The rows of a function of 256 bytes, without the row after it. */
const rows = (info: Parameters<typeof unwindInfo>[0], bytes?: Uint8Array): string[] => rowsText(compile({ xdata: unwindInfo(info), ...(bytes && { code: bytes }) })).slice(0, -1);
/** The rule of its body. */
const body = (...codes: number[][]): string => rows({ codes }).at(-1)!.replace(/^\w+\*? /, "");
const withFrame = (distance: number, ...codes: number[][]): string => rows({ codes, frame: [rbp, distance] }).at(-1)!.replace(/^\w+\*? /, "");

describe("a code", () => {
  it.each([
    ["nothing", [], "cfa = rsp + 8, ra = [cfa - 8]"],
    ["PUSH_NONVOL rbx", [code.push(1, rbx)], "cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]"],
    // Microsoft's numbers are the instructions' own, ours DWARF's.
    ["PUSH_NONVOL rsi, rdi", [code.push(2, rdi), code.push(1, rsi)], "cfa = rsp + 24, ra = [cfa - 8], rsi = [cfa - 16], rdi = [cfa - 24]"],
    ["PUSH_NONVOL r12, r13", [code.push(4, r13), code.push(2, r12)], "cfa = rsp + 24, ra = [cfa - 8], r12 = [cfa - 16], r13 = [cfa - 24]"],
    ["ALLOC_SMALL", [code.small(4, 40)], "cfa = rsp + 48, ra = [cfa - 8]"],
    ["ALLOC_LARGE in words", [code.large(7, 0x1000)], "cfa = rsp + 4104, ra = [cfa - 8]"],
    ["ALLOC_LARGE in bytes", [code.huge(7, 0x10_0008)], "cfa = rsp + 1048592, ra = [cfa - 8]"],
    ["ALLOC_LARGE beyond any stack", [code.huge(7, 0xffff_fff8)], "nothing"],
    ["SAVE_NONVOL, counted from rsp in the body", [code.save(0x10, rsi, 0x30), code.small(8, 0x20)], "cfa = rsp + 40, ra = [cfa - 8], rsi = [cfa + 8]"],
    ["SAVE_NONVOL_FAR", [code.saveFar(0x10, rsi, 0x8_0000), code.huge(8, 0x8_0008)], "cfa = rsp + 524304, ra = [cfa - 8], rsi = [cfa - 16]"],
    ["SAVE_XMM128, which no rule has", [code.xmm(0x10, 6, 0x10), code.small(8, 0x28)], "cfa = rsp + 48, ra = [cfa - 8]"],
    ["SAVE_XMM128_FAR", [code.xmmFar(0x10, 6, 0x10), code.small(8, 0x28)], "cfa = rsp + 48, ra = [cfa - 8]"],
    ["PUSH_MACHFRAME", [code.machine(0, false)], "cfa = [rsp + 24], ra = [rsp + 0]"],
    ["PUSH_MACHFRAME with an error code", [code.machine(0, true)], "cfa = [rsp + 32], ra = [rsp + 8]"],
    ["a frame above a machine frame", [code.save(0x10, rsi, 0x10), code.small(8, 0x20), code.push(1, rbx), code.machine(0, false)], "cfa = [rsp + 64], ra = [rsp + 40], rbx = [rsp + 32], rsi = [rsp + 16]"],
    ["a machine frame that is not below everything", [code.machine(8, false), code.push(1, rbx)], "nothing"],
    ["PUSH_NONVOL rsp, which cannot be undone", [code.push(1, rsp)], "nothing"],
    ["the register that was saved last in the list", [code.push(2, rbx), code.push(1, rbx)], "cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 24]"],
  ])("%s", (_, codes, expected) => {
    expect(body(...codes)).toBe(expected);
  });

  it.each([
    ["SET_FPREG", 0x20, [code.frame(0xb), code.small(6, 0x40), code.push(1, rbp)], "cfa = rbp + 48, ra = [cfa - 8], rbp = [cfa - 16]"],
    ["SET_FPREG before more is allocated", 0, [code.small(0xb, 0x40), code.frame(4), code.push(1, rbp)], "cfa = rbp + 16, ra = [cfa - 8], rbp = [cfa - 16]"],
    ["a push after SET_FPREG", 0, [code.push(5, rbx), code.frame(4), code.push(1, rbp)], "cfa = rbp + 16, ra = [cfa - 8], rbx = [cfa - 24], rbp = [cfa - 16]"],
    ["SAVE_NONVOL, counted from the frame's base", 0x20, [code.save(0x14, rdi, 0x38), code.frame(0xb), code.small(6, 0x40), code.push(1, rbp)], "cfa = rbp + 48, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]"],
    ["a frame register that is far from rsp", 0xf0, [code.frame(0xb), code.large(6, 0x100)], "cfa = rbp + 24, ra = [cfa - 8]"],
    ["a frame register above a machine frame", 0, [code.frame(4), code.push(1, rbp), code.machine(0, false)], "cfa = [rbp + 32], ra = [rbp + 8], rbp = [rbp + 0]"],
  ])("%s", (_, distance, codes, expected) => {
    expect(withFrame(distance, ...codes)).toBe(expected);
  });
});

describe("a prolog", () => {
  it("has a row for each operation, from the end of its instruction on", () => {
    expect(rows({ codes: [code.save(0x14, rsi, 0x30), code.small(0xa, 0x20), code.push(6, rdi), code.push(5, rbx)] })).toEqual([
      "0* cfa = rsp + 8, ra = [cfa - 8]",
      "5 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]",
      "6 cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]",
      "a cfa = rsp + 56, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]",
      "14 cfa = rsp + 56, ra = [cfa - 8], rbx = [cfa - 16], rsi = [cfa - 8], rdi = [cfa - 24]",
    ]);
  });
  it("moves the CFA to the frame register where that is set, and not before", () => {
    expect(rows({ codes: [code.frame(9), code.small(5, 0x20), code.push(1, rbp)], frame: [rbp, 0x20] })).toEqual([
      "0* cfa = rsp + 8, ra = [cfa - 8]",
      "1 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]",
      "5 cfa = rsp + 48, ra = [cfa - 8], rbp = [cfa - 16]",
      "9 cfa = rbp + 16, ra = [cfa - 8], rbp = [cfa - 16]",
    ]);
  });
  it("is over where its size says so, whatever the codes say", () => {
    expect(rows({ codes: [code.small(0x20, 0x20), code.push(1, rbx)], prolog: 8 })).toEqual([
      "0* cfa = rsp + 8, ra = [cfa - 8]",
      "1 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]",
      "8 cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16]",
    ]);
  });
  it("may be longer than its function", () => {
    const xdata = unwindInfo({ codes: [code.small(0x20, 0x20), code.push(1, rbx)] });
    expect(rowsText(compile({ functions: [[0, 0x10, 0]], xdata }))).toEqual(["0* cfa = rsp + 8, ra = [cfa - 8]", "1 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "10 -"]);
  });
  it("that has nothing has one row", () => {
    expect(rows({})).toEqual(["0* cfa = rsp + 8, ra = [cfa - 8]"]);
  });
});

/** A frame of 32 bytes with two pushed registers, and one in the caller's room. */
const frame = { codes: [code.save(0xa, rsi, 0x40), code.small(6, 0x20), code.push(2, rdi), code.push(1, rbx)], prolog: 0xa };
const saved = "rbx = [cfa - 16], rsi = [cfa + 8], rdi = [cfa - 24]";
const inBody = `cfa = rsp + 56, ra = [cfa - 8], ${saved}`;
const framed = { codes: [code.frame(0xb), code.small(6, 0x20), code.push(2, rdi), code.push(1, rbp)], frame: [rbp, 0x20] as const, prolog: 0xb };
const inFramed = "cfa = rbp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]";

/** The rows from 0x20 on of a function that has these bytes there and nops around them. */
function epilog(info: Parameters<typeof unwindInfo>[0], ...bytes: number[]): string[] {
  const text = Buffer.alloc(0x1000, 0x90);
  text.set(bytes, 0x20);
  return rows(info, text).filter((row) => parseInt(row, 16) >= 0x20);
}

const pops = [0x5f, 0x5b];
const ret = 0xc3;
const popRows = (at: number): string[] => [
  `${at.toString(16)} cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]`,
  `${(at + 1).toString(16)} cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]`,
  `${(at + 2).toString(16)} cfa = rsp + 8, ra = [cfa - 8]`,
];
const moved = "20 cfa = rsp + 56, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]";

describe("an epilog", () => {
  it.each([
    ["add rsp, imm8", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, ret], [moved, ...popRows(0x24), `27 ${inBody}`]],
    ["add rsp, imm32", frame, [0x48, 0x81, 0xc4, 0x20, 0, 0, 0, ...pops, ret], [moved, ...popRows(0x27), `2a ${inBody}`]],
    ["a return that removes arguments", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xc2, 0x10, 0x00], [moved, "24 cfa = rsp + 40, ra = [cfa - 24], rbx = [cfa - 32], rdi = [cfa - 40]", "25 cfa = rsp + 32, ra = [cfa - 24], rbx = [cfa - 32]", "26 cfa = rsp + 24, ra = [cfa - 24]", `29 ${inBody}`]],
    ["rep ret", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xf3, ret], [moved, ...popRows(0x24), `28 ${inBody}`]],
    ["a jump to another function", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xe9, 0, 1, 0, 0], [moved, ...popRows(0x24), `2b ${inBody}`]],
    ["a jump to where no code is, which is none", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xe9, 0, 0, 0, 1], []],
    ["a jump to the function's own start", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xe9, ...[-0x2b, -1, -1, -1].map((byte) => byte & 0xff)], [moved, ...popRows(0x24), `2b ${inBody}`]],
    ["a jump within the function, which is none", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xeb, 0x10], []],
    ["jmp [rip + …]", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xff, 0x25, 0, 0, 0, 0], [moved, ...popRows(0x24), `2c ${inBody}`]],
    ["rex.W jmp rax", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0x48, 0xff, 0xe0], [moved, ...popRows(0x24), `29 ${inBody}`]],
    ["rex.W jmp [rax + 0x10]", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0x48, 0xff, 0x60, 0x10], [moved, ...popRows(0x24), `2a ${inBody}`]],
    ["jmp [r11 + r12·8 + …]", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0x43, 0xff, 0xa4, 0xe3, 0, 0, 0, 0], [moved, ...popRows(0x24), `2e ${inBody}`]],
    ["call [rax], which is none", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xff, 0x10], []],
    ["vzeroupper before the return", frame, [0x48, 0x83, 0xc4, 0x20, ...pops, 0xc5, 0xf8, 0x77, ret], [moved, ...popRows(0x24), `2a ${inBody}`]],
    // Microsoft's compiler keeps the frame's end in r11; rsi was restored from there.
    ["mov rsp, r11", frame, [0x49, 0x8b, 0xe3, ...pops, ret], [...popRows(0x23), `26 ${inBody}`]],
    ["lea rsp, [r11 + 8]", frame, [0x49, 0x8d, 0x63, 0x08, ...pops, ret], [...popRows(0x24), `27 ${inBody}`]],
    ["mov rsp, r11 and a jump, which is not believed", frame, [0x49, 0x8b, 0xe3, ...pops, 0xe9, 0, 1, 0, 0], []],
    ["a jump to the pops from where rsp was moved", frame, [0x90, 0x90, ...pops, ret], [...popRows(0x22), `25 ${inBody}`]],
    ["lea rsp, [rbp + imm8]", framed, [0x48, 0x8d, 0x65, 0x00, 0x5f, 0x5d, ret], ["24 cfa = rsp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "25 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]", "26 cfa = rsp + 8, ra = [cfa - 8]", `27 ${inFramed}`]],
    ["lea rsp, [rbp + imm32]", framed, [0x48, 0x8d, 0xa5, 0, 0, 0, 0, 0x5f, 0x5d, ret], ["27 cfa = rsp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "28 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]", "29 cfa = rsp + 8, ra = [cfa - 8]", `2a ${inFramed}`]],
    ["mov rsp, rbp, as one compiler encodes it", framed, [0x48, 0x8b, 0xe5, 0x5f, 0x5d, ret], ["23 cfa = rsp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "24 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]", "25 cfa = rsp + 8, ra = [cfa - 8]", `26 ${inFramed}`]],
    ["mov rsp, rbp, as another does", framed, [0x48, 0x89, 0xec, 0x5f, 0x5d, ret], ["23 cfa = rsp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "24 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]", "25 cfa = rsp + 8, ra = [cfa - 8]", `26 ${inFramed}`]],
    ["add rsp in a function with a frame register", framed, [0x48, 0x83, 0xc4, 0x20, 0x5f, 0x5d, ret], ["20 cfa = rsp + 56, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "24 cfa = rsp + 24, ra = [cfa - 8], rdi = [cfa - 24], rbp = [cfa - 16]", "25 cfa = rsp + 16, ra = [cfa - 8], rbp = [cfa - 16]", "26 cfa = rsp + 8, ra = [cfa - 8]", `27 ${inFramed}`]],
    ["lea rsp of another distance", framed, [0x48, 0x8d, 0x65, 0x08, 0x5f, 0x90, ret], []],
    // What follows may still be one: of a frame of which a part was undone elsewhere.
    ["add rsp of too little", frame, [0x48, 0x83, 0xc4, 0x18, 0x90, ret], []],
    ["pops in the wrong order", frame, [0x48, 0x83, 0xc4, 0x20, 0x5b, 0x5f, ret], []],
    ["add ebp, which is another register", frame, [0x48, 0x83, 0xc5, 0x20, 0x90, ret], []],
    ["a return alone", frame, [ret], []],
  ] as const)("%s", (_, info, bytes, expected) => {
    expect(epilog(info, ...bytes)).toEqual(expected);
  });

  it("with pops alone, of a function that only pushed", () => {
    const info = { codes: [code.push(2, rdi), code.push(1, rbx)] };
    const end = "cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]";
    expect(epilog(info, ...pops, 0xe9, 0, 1, 0, 0)).toEqual(["21 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "22 cfa = rsp + 8, ra = [cfa - 8]", `27 ${end}`]);
  });
  it("with a short jump to another function", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([...pops, 0xeb, 0x20], 0x20);
    const found = rowsText(compile({ functions: [[0, 0x30, 0]], xdata: unwindInfo({ codes: [code.push(2, rdi), code.push(1, rbx)] }), code: text }));
    expect(found.map((row) => row.split(" ")[0])).toEqual(["0*", "1", "2", "21", "22", "24", "30"]);
  });
  it("that is only a return, of a function that stored in its caller's room", () => {
    expect(epilog({ codes: [code.save(5, rbx, 8)] }, ret)).toEqual(["20 cfa = rsp + 8, ra = [cfa - 8]", "21 cfa = rsp + 8, ra = [cfa - 8], rbx = [cfa]"]);
  });
  it("that is only a return, at the start of a part of a function", () => {
    const parent = unwindInfo({ codes: [code.push(1, rbx)] });
    const xdata = Buffer.concat([parent, unwindInfo({ chain: [codeRva, codeRva + 0x40, xdataRva] })]);
    expect(rowsText(compile({ functions: [[0x80, 0x81, parent.length]], xdata, code: Buffer.alloc(0x1000, ret) }))).toEqual(["80* cfa = rsp + 8, ra = [cfa - 8]", "81 -"]);
  });
  it("does not begin with what another instruction ends with", () => {
    // addss xmm0, xmm2; addss …: pop rax and a return of 0x0ff3 bytes to who begins at the second byte.
    const text = [0xf3, 0x0f, 0x58, 0xc2, 0xf3, 0x0f, 0x58, 0xc1];
    expect(epilog(frame, ...text)).toEqual([]);
  });
  it("that frees eight bytes by a pop", () => {
    expect(epilog({ codes: [code.small(2, 8), code.push(1, rbx)] }, 0x58 + rax, 0x5b, ret)).toEqual(["21 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "22 cfa = rsp + 8, ra = [cfa - 8]", "23 cfa = rsp + 24, ra = [cfa - 8], rbx = [cfa - 16]"]);
  });
  it("that pops r12 and r13", () => {
    expect(epilog({ codes: [code.push(4, r13), code.push(2, r12)] }, 0x41, 0x5d, 0x41, 0x5c, ret).slice(0, 2)).toEqual(["22 cfa = rsp + 16, ra = [cfa - 8], r12 = [cfa - 16]", "24 cfa = rsp + 8, ra = [cfa - 8]"]);
  });
  it("at the function's end is followed by nothing", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([0x5b, ret], 0xe);
    expect(rowsText(compile({ functions: [[0, 0x10, 0]], xdata: unwindInfo({ codes: [code.push(1, rbx)] }), code: text })).slice(2)).toEqual(["f cfa = rsp + 8, ra = [cfa - 8]", "10 -"]);
  });
  it("is not looked for in the prolog", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([0x5b, ret], 1);
    expect(rowsText(compile({ xdata: unwindInfo({ codes: [code.push(1, rbx)], prolog: 4 }), code: text }))).toHaveLength(3);
  });
  it("of each return of a function", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    for (const at of [0x10, 0x20, 0x30]) text.set([0x48, 0x83, 0xc4, 0x28, ret], at);
    expect(rowsText(compile({ xdata: unwindInfo({ codes: [code.small(4, 0x28)] }), code: text })).map((row) => row.split(" ")[0])).toEqual(["0*", "4", "14", "15", "24", "25", "34", "35", "100"]);
  });
  it("hurts nobody by long runs of what it begins with", () => {
    const text = Buffer.alloc(0x7_0000, 0x58);
    const started = performance.now();
    compile({ functions: [[0, text.length, 0]], xdata: unwindInfo({ codes: [code.push(1, rbx)] }), code: text });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("version 2", () => {
  const withEpilog = (codes: number[][]): ReturnType<typeof compile> => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([0x5b, ret], 0xfe);
    text.set([0x5b, ret], 0x20);
    return compile({ xdata: unwindInfo({ version: 2, codes: [...codes, code.push(1, rbx)], prolog: 1 }), code: text });
  };
  it("lists epilogs, which change nothing where the code shows them", () => {
    const found = withEpilog([code.epilogs(2, true, 0x100 - 0x20)]);
    expect(rowsText(found).map((row) => row.split(" ")[0])).toEqual(["0*", "1", "21", "22", "ff", "100"]);
    expect(found.warnings).toEqual({});
  });
  it("counts those that the code does not show", () => {
    expect(withEpilog([code.epilogs(2, true, 0x100 - 0x40)]).warnings).toEqual({ unreadEpilog: 1 });
  });
  it("fills the last pair with a zero", () => {
    expect(withEpilog([code.epilogs(2, true, 0)]).warnings).toEqual({});
  });
  it("has distances of more than 8 bits", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([0x5b, ret], 0x20);
    const xdata = unwindInfo({ version: 2, codes: [code.epilogs(2, false, 0x800 - 0x20), code.push(1, rbx)], prolog: 1 });
    expect(compile({ functions: [[0, 0x800, 0]], xdata, code: text }).warnings).toEqual({});
  });
  it("is not version 1, where the same number is a save of old", () => {
    expect(rows({ codes: [[4, 0x66, 0, 0], [8, 0x67, 0, 0, 0, 0], code.push(1, rbx)] }).at(-1)).toBe("1 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]");
  });
});

describe("a chain", () => {
  const parent = unwindInfo({ codes: [code.small(5, 0x20), code.push(1, rbx)] });
  const child = unwindInfo({ codes: [code.save(4, rdi, 0x18)], chain: [codeRva, codeRva + 0x40, xdataRva] });
  const xdata = Buffer.concat([parent, child]);
  const first = ["0* cfa = rsp + 8, ra = [cfa - 8]", "1 cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16]", "5 cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16]"];

  it("holds wholly, below the codes of its own", () => {
    expect(rowsText(compile({ functions: [[0, 0x40, 0], [0x40, 0x80, parent.length]], xdata }))).toEqual([
      ...first,
      "40* cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16]",
      "44 cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]",
      "80 -",
    ]);
  });
  it("may be named by an odd address", () => {
    const odd = Buffer.concat([parent, Buffer.from(new Uint32Array([codeRva, codeRva + 0x40, xdataRva]).buffer)]);
    expect(rowsText(compile({ functions: [[0, 0x40, 0], [0x60, 0x80, parent.length + 1]], xdata: odd })).slice(3)).toEqual(["40 -", "60* cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16]", "80 -"]);
  });
  it("of a part within its function holds there", () => {
    expect(rowsText(compile({ functions: [[0, 0x80, 0], [0x20, 0x40, parent.length]], xdata }))).toEqual([
      ...first,
      "24 cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16], rdi = [cfa - 24]",
      "40 cfa = rsp + 48, ra = [cfa - 8], rbx = [cfa - 16]",
      "80 -",
    ]);
  });
  it("goes back to what held around the part, epilogs too", () => {
    const text = Buffer.alloc(0x1000, 0x90);
    text.set([0x48, 0x83, 0xc4, 0x20, 0x5b, ret], 0x3e);
    const found = rowsText(compile({ functions: [[0, 0x80, 0], [0x20, 0x43, parent.length]], xdata, code: text })).map((row) => row.split(" ")[0]);
    // pop rbx is at 42, in the part; the return at 43 is beyond it.
    expect(found).toEqual(["0*", "1", "5", "24", "43", "44", "80"]);
  });
  it("that has no end is left out", () => {
    const loop = unwindInfo({ chain: [codeRva, codeRva + 0x40, xdataRva] });
    expect(compile({ xdata: loop }).warnings).toEqual({ malformedUnwind: 1 });
  });
  it("of odd addresses that has no end is left out", () => {
    expect(compile({ functions: [[0, 0x40, 1]], xdata: Buffer.from(new Uint32Array([0, 0, xdataRva + 1]).buffer) }).warnings).toEqual({ malformedUnwind: 1 });
  });
});

describe("what makes no sense is left out:", () => {
  const push = code.push(1, rbx);
  it.each([
    ["an operation that there is not", unwindInfo({ codes: [[1, 11], push] })],
    ["an unknown version", unwindInfo({ codes: [push], version: 3 })],
    ["version 0", unwindInfo({ codes: [push], version: 0 })],
    ["a code whose number is beyond the codes", unwindInfo({ codes: [[4, 0x11]] })],
    ["codes beyond the section", unwindInfo({ slots: 255 })],
    ["a frame register that is not named", unwindInfo({ codes: [code.frame(4)] })],
    ["a machine frame of an unknown kind", unwindInfo({ codes: [[0, 0x2a]] })],
    ["a chain to nowhere", unwindInfo({ codes: [push], chain: [0, 0, 0x7fff_0000] })],
  ])("%s", (_, info) => {
    const found = compile({ xdata: info });
    expect(rowsText(found)).toEqual([]);
    expect(found.warnings).toEqual({ malformedUnwind: 1 });
  });

  const good = unwindInfo({ codes: [push] });
  it.each([
    ["an entry that ends before it begins", [[0x20, 0x10, 0]], { malformedUnwind: 1 }],
    ["unwind data outside of every section", [[0, 0x10, 0x7000_0000]], { malformedUnwind: 1 }],
    ["entries across each other's end", [[0, 0x20, 0], [0x10, 0x30, 0]], { overlappingCfi: 1 }],
    ["entries in the wrong order", [[0x20, 0x30, 0], [0, 0x10, 0]], { overlappingCfi: 1 }],
    ["code that is not there", [[0x7_0000, 0x7_0010, 0]], { missingCode: 1 }],
  ] as const)("%s", (_, functions, warnings) => {
    expect(compile({ functions, xdata: good }).warnings).toEqual(warnings);
  });
  it("all entries after the end of the table", () => {
    expect(rowsText(compile({ functions: [[-codeRva, -codeRva, -xdataRva], [0, 0x10, 0]], xdata: good }))).toHaveLength(3);
  });
});
