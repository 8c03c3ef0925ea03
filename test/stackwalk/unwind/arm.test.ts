import { describe, expect, it } from "vitest";
import { knownRegisters, twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

const arm = (scene: Omit<Scene, "arch">): Scene => ({ arch: "arm", os: "android", ...scene });

describe("a scan", () => {
  it("takes words that point into modules, and restores pc and sp alone", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, 0xf000_0000, 0x5000_0100, { repeat: 2 }, 0xd, 0x5000_0900, { repeat: 4 }];
    const scene = arm({ registers: { pc: 0x4000_5510, sp: "top" }, stack });
    expect(walkText(scene, "sp")).toEqual(["0 context 40005510 module1 sp=80000000", "1 scan 500000fe module2 sp=80000010", "2 scan 500008fe module2 sp=80000020", "no_caller"]);
    expect(knownRegisters(walkScene(scene), 1)).toEqual(["sp", "pc"]);
  });

  it("ends with the stack at the end of the address space", () => {
    expect(walkText(arm({ registers: { pc: 0x4000_5510, sp: "top" }, stackBase: 0xffff_fff0, stack: [{ mark: "top" }, { repeat: 4 }] }))).toEqual(["0 context 40005510 module1", "no_caller"]);
  });
});

describe("a frame pointer", () => {
  const stack: Scene["stack"] = [{ mark: "top" }, { repeat: 2 }, { mark: "fp0" }, "fp1", 0x5000_0100, { repeat: 2 }, { mark: "fp1" }, 0, 0x5000_0900, { repeat: 2 }];
  // Apple's convention for 32-bit ARM; elsewhere r7 is a register like any other.
  it("is r7, on iOS", () => {
    const scene = arm({ os: "ios", registers: { pc: 0x4000_5510, sp: "top", r7: "fp0", fp: "fp0" }, stack });
    expect(walkText(scene, "r7", "fp")).toEqual([
      "0 context 40005510 module1 r7=80000008 fp=80000008",
      "1 frame_pointer 500000fe module2 r7=80000018",
      "2 frame_pointer 500008fe module2 r7=0",
      "end_of_stack",
    ]);
    expect(walkText({ ...scene, os: "android" })[1]).toBe("1 scan 500000fe module2");
  });

  it("that points to itself does not go round", () => {
    const loop = [{ mark: "top" }, { repeat: 2 }, { mark: "fp0" }, "fp0", 0x5000_0100, { repeat: 2 }];
    expect(walkText(arm({ os: "ios", registers: { pc: 0x4000_5510, sp: "top", r7: "fp0" }, stack: loop }))).toEqual(["0 context 40005510 module1", "1 frame_pointer 500000fe module2", "stack_pointer_stuck"]);
  });

  it.each([0xffff_ffff, 0xffff_fff8, 3])("survives r7 = %d", (r7) => {
    expect(walkText(arm({ os: "ios", registers: { pc: 0x4000_5510, sp: "top", r7 }, stack: [{ mark: "top" }, { repeat: 20 }] }))).toEqual(["0 context 40005510 module1", "no_caller"]);
  });
});

describe("call frame information", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x4000, size: 1, entry: true, rule: { ".cfa": "sp 0 +", ".ra": "lr" } },
    { start: 0x4001, size: 1, rule: { ".cfa": "sp 16 +", ".ra": ".cfa -4 + ^", r4: ".cfa -16 + ^", r5: ".cfa -12 + ^", r11: ".cfa -8 + ^" } },
    { start: 0x4005, size: 1, rule: { ".cfa": "sp 12 +", ".ra": ".cfa ^", r11: ".cfa 4 - ^", sp: ".cfa 4 +" } },
    { start: 0x5000, size: 0x1000, rule: "end" },
    { start: 0x6000, size: 0x100, rule: { ".cfa": "sp 4 -", ".ra": "lr" } },
    { start: 0x7000, size: 0x100, rule: { ".cfa": "sp 0 +", ".ra": "sp ^" } },
  ];
  const at = (pc: number, stack: Scene["stack"], registers: Scene["registers"] = {}): Scene =>
    arm({ registers: { r4: 4, r5: 5, r11: 11, pc: 0x4000_0000 + pc, sp: "top", ...registers }, stack: [{ mark: "top" }, ...stack!], modules: twoModules({ rows }) });

  it.each([
    ["return address in the link register", 0x4000, [{ repeat: 8 }], { lr: 0x4000_5510 }, "sp=80000000"],
    ["registers pushed", 0x4001, [4, 5, 11, 0x4000_5510, { repeat: 8 }], { r4: 1, r5: 2, r11: 3 }, "sp=80000010"],
    ["a stack pointer of its own", 0x4005, [1, 2, 11, 0x4000_5510, { repeat: 8 }], { r11: 3 }, "sp=80000010"],
  ] as const)("with %s", (_, pc, stack, registers, expected) => {
    expect(walkText(at(pc, [...stack], registers), "sp", "r4", "r5", "r11").slice(1)).toEqual([`1 cfi 4000550e module1 ${expected} r4=4 r5=5 r11=b`, "end_of_stack"]);
  });

  it("does not go backwards, and leaves the stack pointer only once", () => {
    expect(walkText(at(0x6000, [{ repeat: 8 }], { lr: 0x4000_5510 })).at(-1)).toBe("stack_pointer_stuck");
    expect(walkText(at(0x7000, [0x4000_7010, { repeat: 8 }]))).toEqual(["0 context 40007000 module1", "1 cfi 4000700e module1", "stack_pointer_stuck"]);
  });
});
