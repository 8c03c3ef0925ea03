// What rows say that are exact for each instruction: leaves, which have none,
// frames that were interrupted, and calls at the edge of a row.
import { describe, expect, it } from "vitest";
import { knownRegisters, twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

const functions = [
  { start: 0x1000, size: 0x100, name: "leaf" },
  { start: 0x2000, size: 0x100, name: "caller" },
  { start: 0x3000, size: 0x100, name: "outer" },
];
const end = { start: 0x3000, size: 0x100, rule: "end" } as const;

describe("amd64 code of a program whose functions without row are leaves", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x2000, size: 0x100, entry: true, rule: { ".cfa": "$rsp 24 +", ".ra": ".cfa -8 + ^" } },
    end,
  ];
  const module: FakeModule = { functions, rows, leafWithoutRow: true };
  const usual: Scene["stack"] = [{ mark: "top" }, 0x4000_2050, 0, 0, 0x4000_3010, { repeat: 8 }];
  const scene = (more: Partial<Scene> = {}, symbols: FakeModule = module): Scene => ({
    arch: "amd64",
    os: "windows",
    registers: { rip: 0x4000_1020, rsp: "top", rbp: 0x1234, rbx: 7, r12: 9 },
    stack: usual,
    modules: twoModules(symbols),
    ...more,
  });

  it("returns to the word on top of the stack, and its caller has all that callees preserve", () => {
    expect(walkText(scene(), "rsp", "rbx", "rbp", "r12")).toEqual([
      "0 context 40001020 leaf rsp=80000000 rbx=7 rbp=1234 r12=9",
      "1 cfi 4000204f caller rsp=80000008 rbx=7 rbp=1234 r12=9",
      "2 cfi 4000300f outer rsp=80000020 rbx=7 rbp=1234 r12=9",
      "end_of_stack",
    ]);
    expect(knownRegisters(walkScene(scene()), 1)).toEqual(["rbx", "rsi", "rdi", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip"]);
  });

  it("says so", () => {
    const why = walkScene(scene({ options: { why: true } })).frames[1]!.why!;
    expect(why).toEqual({ technique: "leaf", rule: "rip = [rsp], rsp = rsp + 8", row: null, rejected: [{ technique: "cfi", at: null, address: null, reason: "no unwind row has the address" }], rejectedMore: 0 });
  });

  it.each([
    ["a plain walk", scene({ options: { plain: true } }), "scan"],
    ["a module that promises nothing", scene({}, { functions, rows }), "scan"],
    ["a module without rows, whose table could not be read", scene({}, { functions, leafWithoutRow: true }), "scan"],
  ])("is not taken for a leaf in %s", (_, walked, trust) => {
    expect(walkScene(walked).frames[1]!.trust).toBe(trust);
  });

  // Protected code keeps no promises: what is on top of its stack need not be a return address.
  it.each([
    ["points into no module", 0x1234_5678, "it is in no module"],
    ["points into a leaf, which calls nobody", 0x4000_1050, "a function without unwind row calls nobody"],
    ["points to what has no name", 0x4000_5000, "no symbol has the address"],
  ])("is scanned from where the word on top %s", (_, word, reason) => {
    const stack = [{ mark: "top" }, word, 0, 0x4000_2050, 0, 0, 0x4000_3010, { repeat: 8 }];
    expect(walkText(scene({ stack }))).toEqual(["0 context 40001020 leaf", "1 scan 4000204f caller", "2 cfi 4000300f outer", "end_of_stack"]);
    expect(walkScene(scene({ stack, options: { why: true } })).frames[1]!.why!.rejected).toContainEqual({ technique: "leaf", at: 0x8000_0000, address: word, reason });
  });

  it("returns to code that was made at run time, which is in no module", () => {
    const ranges = [{ base: 0x1200_0000, size: 0x100_0000, executable: true }, { base: 0x4000_0000, size: 0x1_0000, executable: true }];
    const stack = [{ mark: "top" }, 0x1234_5678, 0x4000_2050, 0, 0, 0x4000_3010, { repeat: 8 }];
    expect(walkText(scene({ stack, ranges }))).toEqual(["0 context 40001020 leaf", "1 cfi 12345677 -", "2 scan 4000204f caller", "3 cfi 4000300f outer", "end_of_stack"]);
  });

  it("is no caller: where a caller has no row the stack is scanned", () => {
    const stack = [{ mark: "top" }, 0x4000_2050, 0, 0, 0x4000_1050, 0x4000_2060, 0, 0, 0x4000_3010, { repeat: 8 }];
    expect(walkText(scene({ stack }))).toEqual(["0 context 40001020 leaf", "1 cfi 4000204f caller", "2 cfi 4000104f leaf", "3 scan 4000205f caller", "4 cfi 4000300f outer", "end_of_stack"]);
  });

  it("is passed over by a scan, which looks on from there", () => {
    // 71 words from the scanned frame: more than the 40 that are looked at.
    const stack = [{ mark: "top" }, 0x5000_0100, { repeat: 30, value: 0x9000_0000 }, 0x4000_1050, { repeat: 39, value: 0x9000_0000 }, 0x4000_3010, { repeat: 8 }];
    expect(walkText(scene({ registers: { rip: 0x5000_5000, rsp: "top" }, stack })).slice(1)).toEqual(["1 scan 500000ff module2", "2 scan 4000300f outer", "end_of_stack"]);
  });

  it("is left alone without a stack to read", () => {
    expect(walkText(scene({ registers: { rip: 0x4000_1020, rsp: 0x9000_0000 } }))).toEqual(["0 context 40001020 leaf", "no_caller"]);
  });
});

describe("arm64 code of a program whose functions without row are leaves", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x2000, size: 0x100, entry: true, rule: { ".cfa": "$sp 32 +", ".ra": ".cfa -8 + ^", $x29: ".cfa -16 + ^" } },
    end,
  ];
  const scene = (registers: Scene["registers"], more: Partial<Scene> = {}): Scene => ({
    arch: "arm64",
    os: "windows",
    registers: { pc: 0x4000_1020, sp: "top", fp: 0x8000_0000, x19: 5, ...registers },
    stack: [{ mark: "top" }, 0, 0, 0x8000_0000, 0x4000_3010, { repeat: 8 }],
    modules: twoModules({ functions, rows, leafWithoutRow: true }),
    ...more,
  });

  it("returns to the link register, signed or not", () => {
    for (const lr of [0x4000_2050, 0x00f3_0000_4000_2050n]) {
      expect(walkText(scene({ lr }), "sp", "x19", "lr").slice(1)).toEqual(["1 cfi 4000204c caller sp=80000000 x19=5", "2 cfi 4000300c outer sp=80000020 x19=5", "end_of_stack"]);
    }
  });

  it("does not return to itself", () => {
    const { frames } = walkScene(scene({ lr: 0x4000_1020 }, { options: { why: true } }));
    expect(frames[1]!.trust).toBe("scan");
    expect(frames[1]!.why!.rejected).toContainEqual({ technique: "leaf", at: null, address: 0x4000_1020, reason: "it would return to itself" });
  });

  it("is not taken for a leaf where the link register is not known", () => {
    expect(walkText(scene({}, { unknown: ["lr", "fp"] }))[1]).toBe("1 scan 4000300c outer");
  });
});

describe("a frame that was interrupted", () => {
  // The first word of `leaf` and of `outer`: one byte before them is another function.
  const exact = [
    { start: 0x0f00, size: 0x100, name: "before the leaf" },
    ...functions,
    { start: 0x2f00, size: 0x100, name: "before outer" },
  ];
  const rows: FakeModule["rows"] = [
    // What a dispatcher of exceptions has on its stack: rip, cs, flags, rsp, ss.
    { start: 0x4000, size: 0x100, interrupted: true, rule: { ".cfa": "$rsp 24 + ^", ".ra": "$rsp ^", $rbx: "$rsp 40 + ^" } },
    { start: 0x2000, size: 0x100, rule: { ".cfa": "$rsp 24 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x2f00, size: 0x100, rule: { ".cfa": "$rsp 512 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x3000, size: 0x80, rule: { ".cfa": "$rsp 16 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x3080, size: 0x80, rule: "end" },
  ];
  const scene = (rip: number, above: Scene["stack"], more: Partial<Scene> = {}): Scene => ({
    arch: "amd64",
    os: "windows",
    registers: { rip: 0x4000_4010, rsp: "top", rbx: 1 },
    stack: [{ mark: "top" }, rip, 0x33, 0x246, "interrupted", 0x2b, 0xbb, { repeat: 3 }, { mark: "interrupted" }, ...above!, { repeat: 8 }],
    modules: twoModules({ functions: exact, rows, leafWithoutRow: true }),
    ...more,
  });

  it("is looked up by its own address, and its row too", () => {
    const lines = walkText(scene(0x4000_3000, [0, 0x4000_3090]), "rsp", "rbx");
    expect(lines.slice(1)).toEqual(["1 cfi 40003000 outer rsp=80000048 rbx=bb", "2 cfi 4000308f outer rsp=80000058 rbx=bb", "end_of_stack"]);
  });

  it("may be in a leaf", () => {
    expect(walkText(scene(0x4000_1000, [0x4000_2050, 0, 0, 0x4000_3090]), "rsp").slice(1)).toEqual([
      "1 cfi 40001000 leaf rsp=80000048",
      "2 cfi 4000204f caller rsp=80000050",
      "3 cfi 4000308f outer rsp=80000068",
      "end_of_stack",
    ]);
  });

  it("may have called no code", () => {
    expect(walkText(scene(0x30, [0x4000_2050, 0, 0, 0x4000_3090])).slice(1)).toEqual(["low_address"]);
    const ranges = [{ base: 0x4000_0000, size: 0x1_0000, executable: true }];
    const nowhere = scene(0x6000_0000, [0x4000_2050, 0, 0, 0x4000_3090], { ranges });
    expect(walkText(nowhere).slice(1)).toEqual(["1 cfi 60000000 -", "2 scan 4000204f caller", "3 cfi 4000308f outer", "end_of_stack"]);
  });

  it("is behind a call for rust-minidump", () => {
    expect(walkText(scene(0x4000_3000, [0, 0x4000_3090], { options: { plain: true } }))[1]).toBe("1 cfi 40002fff before outer");
  });

  it("keeps its address where frames are left out", () => {
    const stack = walkScene(scene(0x4000_3000, [0, 0x4000_3090], { options: { maxFrames: 2 } }));
    expect(stack.frames.map(({ index, low }) => [index, low])).toEqual([[0, 0x4000_4010], [1, 0x4000_3000]]);
  });

  it("of arm64 has a link register that counts", () => {
    const armRows: FakeModule["rows"] = [
      { start: 0x4000, size: 0x100, interrupted: true, rule: { ".cfa": "$sp 0 + ^", ".ra": "$sp 8 + ^", $lr: "$sp 16 + ^", $fp: "$sp 24 + ^" } },
      { start: 0x2000, size: 0x40, entry: true, rule: { ".cfa": "$sp", ".ra": "$lr" } },
      { start: 0x2040, size: 0xc0, rule: { ".cfa": "$sp 32 +", ".ra": ".cfa -8 + ^" } },
      end,
    ];
    const at = (pc: number, lr: number): Scene => ({
      arch: "arm64",
      os: "windows",
      registers: { pc: 0x4000_4010, sp: "top", fp: 1, lr: 2 },
      stack: [{ mark: "top" }, "above", pc, lr, 0, { mark: "above" }, 0, 0, 0, 0x4000_3010, { repeat: 8 }],
      modules: twoModules({ functions, rows: armRows, leafWithoutRow: true }),
    });
    // At a function's entry, whose row says that lr has the return address.
    expect(walkText(at(0x4000_2000, 0x4000_2050), "sp").slice(1)).toEqual(["1 cfi 40002000 caller sp=80000020", "2 cfi 4000204c caller sp=80000020", "3 cfi 4000300c outer sp=80000040", "end_of_stack"]);
    // In a leaf.
    expect(walkText(at(0x4000_1000, 0x4000_2050), "sp").slice(1)).toEqual(["1 cfi 40001000 leaf sp=80000020", "2 cfi 4000204c caller sp=80000020", "3 cfi 4000300c outer sp=80000040", "end_of_stack"]);
  });
});

describe("a call at the edge of a row", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x2000, size: 0x50, entry: true, rule: { ".cfa": "$rsp 24 +", ".ra": ".cfa -8 + ^" } },
    // An epilog's second instruction; no caller is there.
    { start: 0x2050, size: 0x10, rule: { ".cfa": "$rsp 8 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x2060, size: 0xa0, rule: { ".cfa": "$rsp 24 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x2100, size: 0x10, entry: true, rule: { ".cfa": "$rsp 8 +", ".ra": ".cfa -8 + ^" } },
    end,
  ];

  it.each([
    ["before an epilog", 0x4000_2050],
    ["that never returns, at the end of a function", 0x4000_2100],
  ])("%s has the body's row", (_, address) => {
    const stack = [{ mark: "top" }, address, 0, 0, 0x4000_3010, { repeat: 8 }];
    const lines = walkText({ arch: "amd64", os: "windows", registers: { rip: 0x4000_1020, rsp: "top" }, stack, modules: twoModules({ functions, rows, leafWithoutRow: true }) }, "rsp");
    expect(lines.slice(1)).toEqual([`1 cfi ${(address - 1).toString(16)} caller rsp=80000008`, "2 cfi 4000300f outer rsp=80000020", "end_of_stack"]);
  });
});
