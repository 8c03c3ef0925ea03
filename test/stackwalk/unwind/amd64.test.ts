import { describe, expect, it } from "vitest";
import { knownRegisters, twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

// Modules as they lie in 64-bit processes.
const modules = (first?: FakeModule, second?: FakeModule) => {
  const [one, two] = twoModules(first, second);
  return [
    { ...one!, base: 0x7400_c000_0000 },
    { ...two!, base: 0x7500_b000_0000 },
  ];
};
const amd64 = (scene: Omit<Scene, "arch">): Scene => ({ arch: "amd64", modules: modules(), stackBase: 0x7fff_8000_0000, ...scene });

describe("a stack without symbols", () => {
  it("is one frame where the dump holds no stack", () => {
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp: 0x7fff_8000_0000 } }))).toEqual(["0 context 7400c0000200 module1", "no_stack_memory"]);
  });

  it("is one frame where the stack holds nothing", () => {
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, stack: [{ mark: "top" }, { repeat: 8 }] }))).toEqual(["0 context 7400c0000200 module1", "no_caller"]);
  });

  it("follows pushed frame pointers", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, 0x7400_b000_0000, 0x7500_b000_0000, { mark: "bp0" }, "bp1", 0x7500_b000_0110, { mark: "sp1" }, { repeat: 4 }, { mark: "bp1" }, { repeat: 2 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack }), "rsp", "rbp")).toEqual([
      "0 context 7400c0000200 module1 rsp=7fff80000000 rbp=7fff80000020",
      "1 frame_pointer 7500b000010f module2 rsp=7fff80000030 rbp=7fff80000050",
      "no_caller",
    ]);
  });

  // Windows points rbp up to 240 bytes into a frame; each 16 bytes are tried.
  it("probes above rbp on Windows only", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, { mark: "bp0" }, { repeat: 30 }, "bp1", 0x7500_b000_0110, { mark: "sp1" }, { repeat: 2 }, { mark: "bp1" }, 10, 11, "bp2", 0x7500_b000_0120, { repeat: 1 }, { mark: "bp2" }, { repeat: 64 }];
    const scene = amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack });
    expect(walkText({ ...scene, os: "windows" }, "rbp")).toEqual([
      "0 context 7400c0000200 module1 rbp=7fff80000010",
      "1 frame_pointer 7500b000010f module2 rbp=7fff80000120",
      "2 frame_pointer 7500b000011f module2 rbp=7fff80000148",
      "no_caller",
    ]);
    expect(walkText(scene)[1]).toBe("1 scan 7500b000010f module2");
  });

  it("scans on Windows where rbp leads to an address in the first page, and ends elsewhere", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, 0x7500_b000_0110, { mark: "bp0" }, "bp1", 0x20, { mark: "bp1" }, { repeat: 40 }];
    const scene = amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack });
    expect(walkText({ ...scene, os: "windows" })[1]).toBe("1 scan 7500b000010f module2");
    expect(walkText(scene)).toEqual(["0 context 7400c0000200 module1", "low_address"]);
    expect(walkText({ ...scene, os: "windows", options: { plain: true } })).toEqual(["0 context 7400c0000200 module1", "low_address"]);
  });

  it("stops probing at the sixteenth step", () => {
    const stack = [{ mark: "top" }, { repeat: 2 }, { mark: "bp0" }, { repeat: 32 }, "bp1", 0x7500_b000_0110, { mark: "bp1" }, { repeat: 40 }];
    expect(walkText(amd64({ os: "windows", registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack }))[1]).toBe("1 scan 7500b000010f module2");
  });

  it.each([
    ["a return address that is not canonical", ["bp1", 0x0000_8000_0000_0000n, { mark: "bp1" }, { repeat: 2 }]],
    ["a frame pointer below its own frame", ["top", 0x7500_b000_0110, { mark: "bp1" }, { repeat: 2 }]],
    ["a frame pointer outside the stack", [0x7fff_9000_0000, 0x7500_b000_0110, { mark: "bp1" }, { repeat: 2 }]],
    ["a frame pointer that points to itself", ["bp0", 0x7500_b000_0110, { mark: "bp1" }, { repeat: 2 }]],
    ["nothing above the record", ["bp0", 0x7500_b000_0110]],
  ] as const)("does not believe %s", (_, record) => {
    const stack = [{ mark: "top" }, { repeat: 1 }, { mark: "bp0" }, ...record];
    const trusts = walkScene(amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack })).frames.map(({ trust }) => trust);
    expect(trusts).not.toContain("frame_pointer");
  });

  it("does not believe a frame pointer below the stack pointer", () => {
    const stack = [{ mark: "bp0" }, "bp1", 0x7500_b000_0110, { mark: "top" }, 0x7500_b000_0120, { mark: "bp1" }, { repeat: 4 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp0", rsp: "top" }, stack }))[1]).toBe("1 scan 7500b000011f module2");
  });

  it.each([0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fff0n, 0x20_0000_0000_0000n, 0x7fff_8000_0001n, 1n])("survives rbp = %d", (rbp) => {
    const stack = [{ mark: "top" }, { repeat: 100 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rbp, rsp: "top" }, stack }))).toEqual(["0 context 7400c0000200 module1", "no_caller"]);
  });

  it.each([0xffff_ffff_ffff_fff8n, 0x8000_0000_0000_0000n, 0n, 0x7fff_7fff_fffcn])("survives rsp = %d", (rsp) => {
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp }, stack: [{ repeat: 16 }] }))).toEqual(["0 context 7400c0000200 module1", "no_caller"]);
  });
});

describe("a scan", () => {
  it("takes words that point into modules, and keeps rbp where it can", () => {
    const junk = [0x7400_b000_0000, 0x7500_d000_0000];
    const stack = [{ mark: "top" }, { repeat: 2 }, ...junk, 0x7500_b000_0100, { mark: "sp1" }, { repeat: 2 }, ...junk, { mark: "bp1" }, "top", 0x7500_b000_0900, { mark: "sp2" }, { repeat: 4 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rbp: "bp1", rsp: "top" }, stack }), "rsp", "rbp")).toEqual([
      "0 context 7400c0000200 module1 rsp=7fff80000000 rbp=7fff80000048",
      "1 scan 7500b00000ff module2 rsp=7fff80000028 rbp=7fff80000048",
      "2 scan 7500b00008ff module2 rsp=7fff80000058",
      "no_caller",
    ]);
  });

  it("takes the word before a return address for rbp only where the callee's rbp points to it", () => {
    const stack = [{ mark: "top" }, { mark: "saved" }, "bp1", 0x7500_b000_0100, { repeat: 2 }, { mark: "bp1" }, { repeat: 2 }];
    const scene = (rbp: string | number) => amd64({ os: "linux", registers: { rip: 0x7400_c000_0200, rbp, rsp: "top" }, stack });
    expect(walkText(scene(3), "rbp")[1]).toBe("1 scan 7500b00000ff module2");
    // Where it does, the frame pointer is found without a scan.
    expect(walkText(scene("saved"), "rbp")[1]).toBe("1 frame_pointer 7500b00000ff module2 rbp=7fff80000020");
  });

  it("takes no word that no symbol names", () => {
    const symbols = { functions: [{ start: 0x100, size: 0x400, name: "marsupial" }, { start: 0x9000, size: 0x10, name: "" }] };
    const stack = [{ mark: "top" }, 0x7500_b000_aaaa, 0x7500_b000_9008, 0x7500_b000_0100, 0x7500_b000_0110, { repeat: 4 }];
    // 0x9008 is in a function without a name, and the call before 0x100 would be in none.
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, stack, modules: modules(undefined, symbols) }))).toEqual([
      "0 context 7400c0000200 module1",
      "1 scan 7500b000010f marsupial",
      "no_caller",
    ]);
  });

  it("takes the end of a function that calls what never returns", () => {
    const symbols = { functions: [{ start: 0x100, size: 0x10, name: "leaves" }] };
    const stack = [{ mark: "top" }, 0x7500_b000_0110, { repeat: 4 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, stack, modules: modules(undefined, symbols) }))[1]).toBe("1 scan 7500b000010f leaves");
  });

  it.each([
    [159, 1],
    [160, 0],
  ])("from the context sees a return address after %d words: %d", (words, found) => {
    const stack = [{ mark: "top" }, { repeat: words }, 0x7500_b000_0110, { repeat: 400 }];
    expect(walkScene(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, stack })).total).toBe(1 + found);
  });

  it.each([
    [39, 1],
    [40, 0],
  ])("from a scanned frame sees a return address after %d words: %d", (words, found) => {
    const stack = [{ mark: "top" }, 0x7500_b000_0110, { repeat: words }, 0x7500_b000_0120, { repeat: 400 }];
    expect(walkScene(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, stack })).total).toBe(2 + found);
  });

  it("begins at address 0 without looking below it", () => {
    const stack = [{ mark: "top" }, 0x7500_b000_0100, { repeat: 16 }];
    expect(walkText(amd64({ stackBase: 0, registers: { rip: 0x7400_c000_0200, rbp: 0x90, rsp: "top" }, stack }), "rbp")).toEqual(["0 context 7400c0000200 module1 rbp=90", "1 scan 7500b00000ff module2", "no_caller"]);
  });

  it("needs a stack pointer", () => {
    const stack = [{ mark: "top" }, 0x7500_b000_0100, { repeat: 16 }];
    expect(walkText(amd64({ registers: { rip: 0x7400_c000_0200, rsp: "top" }, unknown: ["rsp"], stack }))).toEqual(["0 context 7400c0000200 module1", "no_caller"]);
  });
});

describe("call frame information", () => {
  // One function whose rules change as it runs, as in Breakpad's tests.
  const rows: FakeModule["rows"] = [
    { start: 0x4000, size: 1, entry: true, rule: { ".cfa": "$rsp 8 +", ".ra": ".cfa -8 + ^" } },
    { start: 0x4001, size: 1, rule: { ".cfa": "$rsp 16 +", ".ra": ".cfa 8 - ^", $rbx: ".cfa -16 + ^" } },
    { start: 0x4002, size: 1, rule: { ".cfa": "$rsp 16 +", ".ra": ".cfa -8 + ^", $rbx: ".cfa -16 + ^", $r12: "$rbx" } },
    { start: 0x4003, size: 2, rule: { ".cfa": "$rsp 40 +", ".ra": ".cfa -8 + ^", $rbx: ".cfa -16 + ^", $r12: "$rbx", $r13: ".cfa -32 + ^" } },
    { start: 0x4005, size: 1, rule: { ".cfa": "$rsp 40 +", ".ra": "$r13", $rbx: ".cfa -16 + ^", $r12: "$rbx", $r13: ".cfa -32 + ^" } },
    { start: 0x4006, size: 1, rule: { ".cfa": "$rbp 16 +", ".ra": "$r13", $rbx: ".cfa -16 + ^", $r12: "$rbx", $r13: ".cfa -32 + ^", $rbp: ".cfa -24 + ^" } },
    { start: 0x5000, size: 0x1000, rule: "end" },
    { start: 0x6000, size: 1, rule: { ".cfa": "$rsp 16 -", ".ra": "0x" } },
    { start: 0x6100, size: 1, rule: { ".cfa": "$rsp 8 -", ".ra": ".cfa 8 + ^" } },
    { start: 0x6200, size: 1, rule: { ".cfa": "$rsp 16 +", ".ra": ".cfa -8 + ^", $rbx: ".undef", $rbp: "$rax 0 /", $rsp: ".cfa -16 + ^" } },
  ];
  const symbols = { rows, functions: [{ start: 0x4000, size: 0x1000, name: "callee" }, { start: 0x5000, size: 0x1000, name: "caller" }] };
  const saved = { rbp: 0x1111_2222_3333_4444n, rbx: 0x5a5b_eeb3_8de2_3be8n, r12: 0xed1b_02e8_cc0f_c79cn, r13: 0x7400_c000_5510n, r14: 0xe94c_ffc2_f7ad_aa28n, r15: 0xb638_d17d_8da4_13b5n };
  const ra = 0x7400_c000_5510;
  const walkAt = (offset: number, stack: Scene["stack"], registers: Scene["registers"] = {}, os = "linux") =>
    amd64({ os, registers: { ...saved, rsi: 51, rdi: 52, rip: 0x7400_c000_0000 + offset, rsp: "top", ...registers }, stack: [{ mark: "top" }, ...stack!], modules: modules(symbols) });
  const names = ["rsp", "rbx", "rbp", "r12", "r13"];
  const unchanged = "rbx=5a5beeb38de23be8 rbp=1111222233334444 r12=ed1b02e8cc0fc79c r13=7400c0005510";

  it.each([
    ["nothing pushed", 0x4000, [ra, { repeat: 4 }], {}, `rsp=7fff80000008 ${unchanged}`],
    ["rbx pushed", 0x4001, [saved.rbx, ra, { repeat: 4 }], { rbx: 7 }, `rsp=7fff80000010 ${unchanged}`],
    ["r12 kept in rbx", 0x4002, [saved.rbx, ra, { repeat: 4 }], { rbx: saved.r12, r12: 8 }, `rsp=7fff80000010 ${unchanged}`],
    ["space, and r13 pushed", 0x4003, [0, saved.r13, 0, saved.rbx, ra, { repeat: 4 }], { rbx: saved.r12, r12: 8, r13: 9 }, `rsp=7fff80000028 ${unchanged}`],
    ["return address in r13", 0x4005, [0, saved.r13, 0, saved.rbx, 0, { repeat: 4 }], { rbx: saved.r12, r12: 8, r13: ra }, `rsp=7fff80000028 ${unchanged}`],
    ["frame pointer", 0x4006, [0, saved.r13, saved.rbp, { mark: "bp" }, saved.rbx, 0, { repeat: 4 }], { rbp: "bp", rbx: saved.r12, r12: 8, r13: ra }, `rsp=7fff80000028 ${unchanged}`],
  ] as const)("with %s", (_, offset, stack, registers, expected) => {
    const lines = walkText(walkAt(offset, [...stack], registers), ...names);
    expect(lines.slice(1)).toEqual([`1 cfi 7400c000550f caller ${expected}`, "end_of_stack"]);
  });

  it("keeps only what callees preserve, which on Windows includes rsi and rdi", () => {
    const stack = [ra, { repeat: 4 }];
    expect(knownRegisters(walkScene(walkAt(0x4000, stack)), 1)).toEqual(["rbx", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip"]);
    expect(knownRegisters(walkScene(walkAt(0x4000, stack, {}, "windows")), 1)).toEqual(["rbx", "rsi", "rdi", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip"]);
  });

  it("lets a rule of its own set the stack pointer, and loses registers whose rules fail", () => {
    const stack = walkScene(walkAt(0x6200, ["later", ra, { repeat: 8 }, { mark: "later" }, { repeat: 4 }]));
    expect(stack.frames).toHaveLength(2);
    expect(knownRegisters(stack, 1)).toEqual(["rsp", "r12", "r13", "r14", "r15", "rip"]);
  });

  it("does not go backwards", () => {
    expect(walkText(walkAt(0x6100, [ra, { repeat: 4 }]))).toEqual(["0 context 7400c0006100 module1", "stack_pointer_stuck"]);
  });

  it("falls back where a rule fails", () => {
    expect(walkText(walkAt(0x6000, [{ repeat: 2 }, ra, { repeat: 4 }]))[1]).toBe("1 scan 7400c000550f caller");
  });

  it("passes through code that no module has", () => {
    const stack = [0x1234_5678, 0x7500_b000_0110, { repeat: 4 }];
    expect(walkText(walkAt(0x4000, stack))).toEqual(["0 context 7400c0004000 callee", "1 cfi 12345677 -", "2 scan 7500b000010f module2", "no_caller"]);
  });

  it("scans widely beyond a frame that it found", () => {
    const stack = [0x1234_5678, { repeat: 150, value: 0x9000_0000_0000 }, 0x7500_b000_0110, { repeat: 200 }];
    expect(walkText(walkAt(0x4000, stack))[2]).toBe("2 scan 7500b000010f module2");
  });

  it("reads dumps of big-endian writers", () => {
    expect(walkText({ ...walkAt(0x4000, [ra, { repeat: 4 }]), bigEndian: true })[1]).toBe("1 cfi 7400c000550f caller");
  });
});
