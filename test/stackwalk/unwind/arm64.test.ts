import { describe, expect, it } from "vitest";
import { knownRegisters, twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

const arm64 = (scene: Omit<Scene, "arch">): Scene => ({ arch: "arm64", os: "mac", ...scene });
const context = (pc: number, registers: Scene["registers"] = {}): Scene["registers"] => ({ pc, sp: "top", fp: 0x1, ...registers });

describe("a scan", () => {
  it("takes words that point into modules, and restores pc and sp alone", () => {
    const junk = [0x4000_0000_0000, 0xf000_0000];
    const stack = [{ mark: "top" }, { repeat: 2 }, ...junk, 0x5000_0100, { repeat: 2 }, ...junk, 0x5000_0900, { repeat: 4 }];
    const scene = arm64({ registers: context(0x4000_5510), stack });
    expect(walkText(scene, "sp")).toEqual(["0 context 40005510 module1 sp=80000000", "1 scan 500000fc module2 sp=80000028", "2 scan 500008fc module2 sp=80000050", "no_caller"]);
    expect(knownRegisters(walkScene(scene), 1)).toEqual(["sp", "pc"]);
  });

  it("takes no address of the first page", () => {
    const stack = [{ mark: "top" }, 0x800, { repeat: 4 }];
    expect(walkText(arm64({ registers: context(0x4000_5510), stack, modules: [{ name: "low", base: 0x400, size: 0x1000 }] }))).toEqual(["0 context 40005510 -", "no_caller"]);
  });
});

describe("a frame pointer", () => {
  const chain: Scene["stack"] = [{ mark: "top" }, { repeat: 4 }, { mark: "fp0" }, "fp1", 0x5000_0100, { mark: "sp1" }, { repeat: 4 }, { mark: "fp1" }, "fp2", 0x5000_0900, { repeat: 4 }, { mark: "fp2" }, 0, 0];

  it("leads from record to record, and tells the link register of each", () => {
    expect(walkText(arm64({ registers: context(0x4000_5510, { lr: 0x1fe0_fe10, fp: "fp0" }), stack: chain }), "sp", "fp", "lr")).toEqual([
      "0 context 40005510 module1 sp=80000000 fp=80000020 lr=1fe0fe10",
      "1 frame_pointer 500000fc module2 sp=80000030 fp=80000050 lr=50000900",
      "2 frame_pointer 500008fc module2 sp=80000060 fp=80000080 lr=0",
      "end_of_stack",
    ]);
  });

  // As rust-minidump's, which scans on from here.
  it("of zero ends the stack, unless it is the innermost frame's", () => {
    const stack = [{ mark: "top" }, { mark: "fp0" }, 0, 0x5000_0100, 0x5000_0200, { repeat: 4 }];
    expect(walkText(arm64({ registers: context(0x4000_5510, { fp: "fp0" }), stack }))).toEqual(["0 context 40005510 module1", "1 frame_pointer 500000fc module2", "end_of_stack"]);
    expect(walkText(arm64({ registers: context(0x4000_5510, { fp: "fp0" }), stack, options: { plain: true } }))[2]).toBe("2 scan 500001fc module2");
    expect(walkText(arm64({ registers: context(0x4000_5510, { fp: 0 }), stack }))[1]).toBe("1 scan 500000fc module2");
  });

  // 17 bits of signature as on Apple's systems; more are address where a module lies higher.
  it("loses the signatures of return addresses and frame pointers", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, { mark: "fp0" }, 0xbf81_0000_8000_0030n, 0xffff_8000_5000_0100n, { mark: "sp1" }, { repeat: 1 }, { mark: "fp1" }, 0, 0xffff_8000_5000_0900n, { repeat: 4 }];
    const scene = arm64({ registers: context(0x4000_5510, { fp: "fp0" }), stack });
    expect(walkText(scene, "fp", "lr")[1]).toBe("1 frame_pointer 500000fc module2 fp=80000030 lr=0");
    const high = [...twoModules(), { name: "high", base: 0x1_0000_0000_0000, size: 0x1_0000 }];
    expect(walkText({ ...scene, modules: high }, "fp")[1]).not.toContain("frame_pointer 500000fc");
    const stackHigh = [{ mark: "top" }, { repeat: 2 }, { mark: "fp0" }, 0, 0x1fe1_0000_0000_0100n, { repeat: 4 }];
    expect(walkText({ ...scene, modules: high, stack: stackHigh })[1]).toBe("1 frame_pointer 10000000000fc high");
  });

  it.each([
    ["to itself", ["fp0", 0x5000_0100], 2],
    ["backwards", ["top", 0x5000_0100], 2],
  ] as const)("that points %s does not go round", (_, record, frames) => {
    const stack = [{ mark: "top" }, 0x1234, 0x5678, { mark: "fp0" }, ...record, { repeat: 8 }];
    const result = walkScene(arm64({ registers: context(0x4000_5510, { fp: "fp0" }), stack }));
    expect([result.frames.length, result.stopped]).toEqual([frames, "stack_pointer_stuck"]);
  });

  it.each([0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fff0n, 0x8000_0000_0000_0000n, 3n])("survives fp = %d", (fp) => {
    expect(walkText(arm64({ registers: context(0x4000_5510, { fp }), stack: [{ mark: "top" }, { repeat: 20 }] }))).toEqual(["0 context 40005510 module1", "no_caller"]);
  });

  it("of a leaf leaves its caller out, and finds the rest", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, { mark: "fp1" }, "fp2", 0x5000_0900, { repeat: 2 }, { mark: "fp2" }, 0, 0];
    expect(walkText(arm64({ registers: context(0x4000_5510, { lr: 0x5000_0100, fp: "fp1" }), stack }))).toEqual(["0 context 40005510 module1", "1 frame_pointer 500008fc module2", "end_of_stack"]);
  });
});

describe("call frame information", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x4000, size: 1, entry: true, rule: { ".cfa": "sp 0 +", ".ra": "x30" } },
    { start: 0x4001, size: 1, rule: { ".cfa": "sp 32 +", ".ra": ".cfa -8 + ^", x19: ".cfa -32 + ^", x20: ".cfa -24 + ^", x29: ".cfa -16 + ^" } },
    { start: 0x4002, size: 1, rule: { ".cfa": "sp 32 +", ".ra": ".cfa -8 + ^", x19: "x0", x20: "x1", x21: "x2", x22: "x3", x29: ".cfa -16 + ^" } },
    { start: 0x4005, size: 1, rule: { ".cfa": "sp 24 +", ".ra": ".cfa ^", x29: ".cfa 8 - ^", sp: ".cfa 8 +" } },
    { start: 0x5000, size: 0x1000, entry: true, rule: { ".cfa": "0", ".ra": "0" } },
    { start: 0x6000, size: 0x100, entry: true, rule: { ".cfa": "sp 8 -", ".ra": "x30" } },
    { start: 0x7000, size: 0x100, entry: true, rule: { ".cfa": "moot", ".ra": "ambiguous" } },
    { start: 0x8000, size: 0x100, entry: true, rule: { ".cfa": "sp 0 +", ".ra": "x30" } },
  ];
  const functions = [{ start: 0x4000, size: 0x1000, name: "callee" }, { start: 0x5000, size: 0x1000, name: "caller" }, { start: 0x8000, size: 0x100, name: "entered" }];
  const saved = { x19: 0x5e68_b5d5_b5d5_5e68n, x20: 0x34f3_ebd1_ebd1_34f3n, x21: 0x21n, x22: 0x22n, fp: 0x00a2_8112_e110n };
  const at = (pc: number, stack: Scene["stack"], registers: Scene["registers"] = {}): Scene =>
    arm64({ registers: { ...saved, pc: 0x4000_0000 + pc, sp: "top", ...registers }, stack: [{ mark: "top" }, ...stack!], modules: twoModules({ rows, functions }) });
  const unchanged = "x19=5e68b5d5b5d55e68 x20=34f3ebd1ebd134f3 x21=21 x22=22 fp=a28112e110";

  it.each([
    ["return address in the link register", 0x4000, [{ repeat: 15 }], { lr: 0x4000_5510 }, "sp=80000000"],
    ["registers pushed", 0x4001, [saved.x19, saved.x20, saved.fp, 0x4000_5510, { repeat: 15 }], { x19: 1, x20: 2, fp: 3 }, "sp=80000020"],
    ["registers kept in others", 0x4002, [1, 2, saved.fp, 0x4000_5510, { repeat: 15 }], { x0: saved.x19, x1: saved.x20, x2: 0x21, x3: 0x22, x19: 1, x20: 2, x21: 3, x22: 4 }, "sp=80000020"],
    ["a stack pointer of its own", 0x4005, [1, 2, saved.fp, 0x4000_5510, { repeat: 15 }], {}, "sp=80000020"],
    ["signatures", 0x4005, [1, 2, 0xae23_80a2_8112_e110n, 0xae1d_0000_4000_5510n, { repeat: 15 }], {}, "sp=80000020"],
  ] as const)("with %s", (_, pc, stack, registers, expected) => {
    expect(walkText(at(pc, [...stack], registers), "sp", "x19", "x20", "x21", "x22", "fp").slice(1)).toEqual([`1 cfi 4000550c caller ${expected} ${unchanged}`, "end_of_stack"]);
  });

  it("keeps x19 to x28 and the frame pointer", () => {
    const names = [...Array.from({ length: 10 }, (_, i) => `x${19 + i}`), "fp", "sp", "pc"];
    expect(knownRegisters(walkScene(at(0x4000, [{ repeat: 8 }], { lr: 0x4000_5510 })), 1)).toEqual(names);
  });

  it("does not go backwards", () => {
    expect(walkText(at(0x6000, [{ repeat: 8 }], { lr: 0x4000_5510 }))).toEqual(["0 context 40006000 module1", "stack_pointer_stuck"]);
  });

  it("that cannot be computed gives nothing", () => {
    expect(walkText(at(0x7000, [{ repeat: 8 }]))).toEqual(["0 context 40007000 module1", "no_caller"]);
  });

  // The frame record keeps the link register that a function was entered with: right for
  // a rule of its entry, stale for later code, where compact unwind rows say the same.
  it.each([
    ["at a function's entry", 0x4000_8004, "2 cfi 500000fc module2"],
    ["later in it", 0x4000_8044, "2 frame_pointer 500000fc module2"],
  ])("trusts a link register from a frame record %s", (_, resume, expected) => {
    const stack = [{ repeat: 4 }, { mark: "fp0" }, "fp1", resume, { mark: "sp1" }, { repeat: 2 }, { mark: "fp1" }, 0, 0x5000_0100, { repeat: 4 }];
    const lines = walkText(at(0x9000, stack, { fp: "fp0" }), "sp");
    expect(lines[1]).toContain("entered sp=80000030");
    expect(lines[2]).toBe(expected.includes("cfi") ? `${expected} sp=80000030` : `${expected} sp=80000050`);
  });

  it("may leave the stack pointer only as long as the address changes, and not for ever", () => {
    const still = at(0x8000, [{ repeat: 8 }], { lr: 0x4000_8000 });
    expect(walkText(still)).toEqual(["0 context 40008000 entered", "stack_pointer_stuck"]);
    const loop: FakeModule["rows"] = [
      { start: 0x100, size: 0x100, entry: true, rule: { ".cfa": "sp 0 +", ".ra": "sp ^" } },
      { start: 0x200, size: 0x100, entry: true, rule: { ".cfa": "sp 0 +", ".ra": "sp 8 + ^" } },
    ];
    const stack = walkScene(arm64({ registers: { pc: 0x4000_0110, sp: "top" }, stack: [{ mark: "top" }, 0x4000_0210, 0x4000_0110, { repeat: 4 }], modules: twoModules({ rows: loop }) }));
    expect([stack.stopped, stack.total]).toEqual(["stack_pointer_stuck", 17]);
  });
});
