import { describe, expect, it } from "vitest";
import { knownRegisters, twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

const x86 = (scene: Omit<Scene, "arch">): Scene => ({ arch: "x86", os: "windows", ...scene });

describe("a frame pointer", () => {
  it("leads from frame to frame, up to one of zero", () => {
    const stack = [{ mark: "top" }, { repeat: 3 }, { mark: "bp0" }, "bp1", 0x4000_9b01, { mark: "sp1" }, { repeat: 2 }, { mark: "bp1" }, 0, 0];
    expect(walkText(x86({ registers: { eip: 0x4000_c7a5, esp: "top", ebp: "bp0" }, stack }), "esp", "ebp")).toEqual([
      "0 context 4000c7a5 module1 esp=80000000 ebp=8000000c",
      "1 frame_pointer 40009b00 module1 esp=80000014 ebp=8000001c",
      "end_of_stack",
    ]);
  });

  it("may lead into code of no module, which a scan may not", () => {
    const stack = [{ mark: "top" }, { mark: "bp0" }, 0, 0x1234_5678, { repeat: 4 }];
    expect(walkText(x86({ registers: { eip: 0x4000_c7a5, esp: "top", ebp: "bp0" }, stack }))[1]).toBe("1 frame_pointer 12345677 -");
  });

  it.each([
    [0xffff_ffff, "no_caller"],
    [0xffff_fff8, "no_caller"],
    // The last two words that can be read: a return address of zero.
    [0xffff_fff4, "end_of_stack"],
  ])("survives ebp = %d at the end of the address space", (ebp, stopped) => {
    const scene = x86({ registers: { eip: 0x4000_c7a5, esp: "top", ebp }, stackBase: 0xffff_ff00, stack: [{ mark: "top" }, { repeat: 63 }] });
    expect(walkText(scene)).toEqual(["0 context 4000c7a5 module1", stopped]);
  });

  it("works up to the last word of the address space", () => {
    const stack = [{ mark: "bp0" }, "bp1", 0x4000_9b01, { mark: "bp1" }, 0];
    expect(walkText(x86({ registers: { eip: 0x4000_c7a5, esp: "bp0", ebp: "bp0" }, stackBase: 0xffff_fff0, stack }))[1]).toBe("1 frame_pointer 40009b00 module1");
  });
});

describe("a scan", () => {
  it("finds the frame pointer before the return address", () => {
    const stack = [{ mark: "top" }, 0xf065_dc76, 0x46ee_2167, "bp1", 0x4000_129d, { mark: "sp1" }, { repeat: 4 }, { mark: "bp1" }, 0, 0];
    expect(walkText(x86({ registers: { eip: 0x4000_0f49, esp: "top", ebp: 0xd43e_ed6e }, stack }), "esp", "ebp")).toEqual([
      "0 context 40000f49 module1 esp=80000000 ebp=d43eed6e",
      "1 scan 4000129c module1 esp=80000010 ebp=80000020",
      "end_of_stack",
    ]);
  });

  it("keeps ebp where it still points above the return address", () => {
    const stack = [{ mark: "top" }, 1, 0x4000_129d, { repeat: 2 }, { mark: "bp" }, { repeat: 1 }];
    expect(walkText(x86({ registers: { eip: 0x4000_0f49, esp: "top", ebp: "bp" }, stack }), "ebp")[1]).toBe("1 scan 4000129c module1 ebp=80000010");
  });

  it("goes a long way from the context", () => {
    const stack = [{ mark: "top" }, { repeat: 100, value: 3 }, 0x4000_129d, { repeat: 4 }];
    expect(walkText(x86({ registers: { eip: 0x4000_0f49, esp: "top", ebp: 1 }, stack }))[1]).toBe("1 scan 4000129c module1");
  });
});

describe("call frame information", () => {
  const rows: FakeModule["rows"] = [
    { start: 0x4000, size: 1, entry: true, rule: { ".cfa": "$esp 4 +", ".ra": ".cfa -4 + ^" } },
    { start: 0x4001, size: 1, rule: { ".cfa": "$esp 8 +", ".ra": ".cfa -4 + ^", $ebx: ".cfa -8 + ^", $esi: "$ebx" } },
    { start: 0x5000, size: 0x100, rule: "end" },
  ];
  const at = (pc: number, stack: Scene["stack"]): Scene =>
    x86({ registers: { eip: 0x4000_0000 + pc, esp: "top", ebp: 0xff, ebx: 0xbb, esi: 0x51, edi: 0xd1, eax: 1 }, stack: [{ mark: "top" }, ...stack!], modules: twoModules({ rows }) });

  it("keeps ebx, ebp, esi and edi", () => {
    expect(walkText(at(0x4000, [0x4000_5010, { repeat: 4 }]), "esp", "ebx", "esi", "edi", "ebp")).toEqual([
      "0 context 40004000 module1 esp=80000000 ebx=bb esi=51 edi=d1 ebp=ff",
      "1 cfi 4000500f module1 esp=80000004 ebx=bb esi=51 edi=d1 ebp=ff",
      "end_of_stack",
    ]);
    expect(knownRegisters(walkScene(at(0x4000, [0x4000_5010, { repeat: 4 }])), 1)).toEqual(["ebx", "esp", "ebp", "esi", "edi", "eip"]);
  });

  it("reads what was pushed, and computes with the callee's registers", () => {
    expect(walkText(at(0x4001, [0x77, 0x4000_5010, { repeat: 4 }]), "ebx", "esi")[1]).toBe("1 cfi 4000500f module1 ebx=77 esi=bb");
  });
});

describe("a STACK WIN program", () => {
  const standard = "$T2 $esp .cbSavedRegs + = $T0 .raSearchStart = $eip $T0 ^ = $esp $T0 4 + = $ebx $T2 4 - ^ = $edi $T2 8 - ^ = $esi $T2 12 - ^ = $ebp $T2 16 - ^ =";
  const record = { start: 0xaa85, size: 0x176, parameterBytes: 4, savedRegisterBytes: 0x10, localBytes: 4 };
  const scene = (stack: Scene["stack"], first: FakeModule, second?: FakeModule, registers: Scene["registers"] = {}): Scene =>
    x86({ registers: { eip: 0x4000_aa85, esp: "top", ebp: 0xf052_c1de, ...registers }, stack: [{ mark: "top" }, ...stack!], modules: twoModules(first, second) });

  it("computes the caller's registers", () => {
    const stack = ["bp1", 0xa712_0d1a, 0x6308_91be, 0x9068_a878, 0xa08e_a45f, 0x4000_1350, { mark: "sp1" }, { repeat: 3 }, { mark: "bp1" }, 0, 0];
    expect(walkText(scene(stack, { win: [{ ...record, program: standard }] }), "esp", "ebp", "ebx", "esi", "edi")).toEqual([
      "0 context 4000aa85 module1 esp=80000000 ebp=f052c1de ebx=0 esi=0 edi=0",
      "1 cfi 4000134f module1 esp=80000018 ebp=80000024 ebx=9068a878 esi=a7120d1a edi=630891be",
      "end_of_stack",
    ]);
  });

  // The called function's parameters lie in this frame: 3 of them; its FUNC record says so.
  it("counts the parameters of the function that was called", () => {
    const functions = [{ start: 0x1000, size: 0x100, name: "wheedle", parameterBytes: 12 }];
    const whine = { functions: [{ start: 0xaa85, size: 0x176, name: "whine", parameterBytes: 0xbeef }], win: [{ ...record, program: "$T0 .raSearchStart = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 20 - ^ = $ebx $T0 8 - ^ =" }] };
    const stack = [{ repeat: 4 }, { mark: "bp0" }, 0x6fa9_02e0, 0x5000_aa95, 1, 2, 3, "bp2", 4, 5, 0x2558_c7f3, 6, 0x2a17_9e38, { mark: "sp2" }, { repeat: 3 }, { mark: "bp2" }, 0, 0];
    expect(walkText(scene(stack, { functions }, whine, { eip: 0x4000_1004, ebp: "bp0" }), "esp", "ebp", "ebx")).toEqual([
      "0 context 40001004 wheedle esp=80000000 ebp=80000010 ebx=0",
      "1 frame_pointer 5000aa94 whine esp=80000018 ebp=6fa902e0",
      "2 cfi 2a179e37 - esp=8000003c ebp=80000048 ebx=2558c7f3",
      "end_of_stack",
    ]);
  });

  it("counts the parameters that a bare linker symbol gives, whatever record lies there", () => {
    const functions = [{ start: 0x1000, size: 0x100, name: "wheedle", parameterBytes: 4, isPublic: true as const }];
    const win = [{ start: 0x1000, size: 0x100, parameterBytes: 12, program: "$eip $ebp 4 + ^ = $esp $ebp 8 + = $ebp $ebp ^ =" }];
    const whine = { win: [{ ...record, localBytes: 0, savedRegisterBytes: 0, program: "$eip .raSearch ^ = $esp .raSearch 4 + =" }] };
    const stack = [{ repeat: 2 }, { mark: "bp0" }, 0x6fa9_02e0, 0x5000_aa95, 1, 0x4000_2222, 2, 0x4000_3333, { repeat: 2 }];
    expect(walkText(scene(stack, { functions, win }, whine, { eip: 0x4000_1004, ebp: "bp0" }))[2]).toBe("2 cfi 40002221 module1");
  });

  // LLVM stores parameters into room that the prolog made, and counts that room among the locals.
  describe("of a function that may have counted the called function's parameters already", () => {
    const called: FakeModule = { functions: [{ start: 0x1000, size: 0x100, name: "called" }, { start: 0x1300, size: 0x100, name: "outer" }], win: [{ start: 0x1000, size: 0x100, parameterBytes: 8, program: "$eip .raSearch ^ = $esp .raSearch 4 + =" }] };
    const caller: FakeModule = { win: [{ ...record, parameterBytes: 0, localBytes: 12, savedRegisterBytes: 4, program: "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $esi $T0 4 - ^ =" }] };
    const at = (counted: number, pushed: number, options: Scene["options"] = {}): Scene => ({
      ...scene([0x5000_aa95, 1, 2, 3, 0x51, counted, 0x52, pushed, { repeat: 4 }], called, caller, { eip: 0x4000_1004 }),
      options,
    });

    const elsewhere = 0x7777_0078;
    it.each([
      ["the place without them, where only that holds a return address", at(0x4000_1350, elsewhere), "2 cfi 4000134f outer esp=80000018 esi=51"],
      ["the place above them, where only that does", at(elsewhere, 0x4000_1360), "2 cfi 4000135f outer esp=80000020 esi=52"],
      ["the place above them, as Microsoft's compiler means it, where both do", at(0x4000_1350, 0x4000_1360), "2 cfi 4000135f outer esp=80000020 esi=52"],
      ["the place above them, where neither does", at(0x7777_0000, elsewhere), "2 cfi 77770077 - esp=80000020 esi=52"],
      ["the place above them in a plain walk", at(0x4000_1350, elsewhere, { plain: true }), "2 cfi 77770077 - esp=80000020 esi=52"],
    ])("takes %s", (_, walked, expected) => {
      expect(walkText(walked, "esp", "esi")[2]).toBe(expected);
    });

    it("says which", () => {
      const { frames } = walkScene(at(0x4000_1350, elsewhere, { why: true }));
      expect(frames[2]!.why!.rule).toBe("program, with 12 bytes of locals, 4 of saved registers, 8 of the called function's parameters among the locals");
    });
  });

  it("that aligns its stack searches from ebp", () => {
    const program = "$T1 .raSearch = $T0 $T1 4 - 8 @ = $ebp $T1 4 - ^ = $eip $T1 ^ = $esp $T1 4 + =";
    const stack = [{ repeat: 5 }, { mark: "bp0" }, "bp1", 0x4000_1350, { repeat: 2 }, { mark: "bp1" }, 0, 0];
    expect(walkText(scene(stack, { win: [{ ...record, program }] }, undefined, { ebp: "bp0" }), "esp", "ebp")[1]).toBe("1 cfi 4000134f module1 esp=8000001c ebp=80000024");
  });

  it.each([
    ["divides by zero", "$eip 1 0 / = $esp 4 ="],
    ["reads outside the stack", "$eip 4 ^ = $esp 4 ="],
    ["uses what was never set", "$eip $T5 = $esp 4 ="],
    ["aligns to no power of two", "$eip 7 3 @ = $esp 4 ="],
    ["gives no return address", "$esp .raSearch ="],
  ])("that %s is left for other techniques", (_, program) => {
    const stack = [{ repeat: 2 }, 0x4000_1350, { repeat: 8 }];
    expect(walkText(scene(stack, { win: [{ ...record, program }], functions: [{ start: 0x1300, size: 0x100, name: "caller" }] }))[1]).toBe("1 scan 4000134f caller");
  });

  it("is given a second chance where its return address is in no module: a word that alignment moved", () => {
    const stack = ["bp1", 2, 3, 4, 5, 0x7777_7777, 0x4000_1350, { mark: "sp1" }, { repeat: 3 }, { mark: "bp1" }, 0, 0];
    const made = scene(stack, { win: [{ ...record, program: "$T0 .raSearchStart = $eip $T0 ^ = $esp $T0 4 + =" }] });
    expect(walkText(made, "esp")[1]).toBe("1 cfi_scan 4000134f module1 esp=8000001c");
    expect(walkText({ ...made, options: { plain: true } })[1]).toBe("1 cfi 77777776 -");
  });

  it("is given a third: a frame that was skipped, whose ebp is among the saved registers", () => {
    const stack = ["bp2", 2, 3, 4, 5, 0x7777_7777, { repeat: 8, value: 0x7777_0000 }, 0x4000_1350, { mark: "sp2" }, { repeat: 3 }, { mark: "bp2" }, 0, 0];
    const made = scene(stack, { win: [{ ...record, program: "$T0 .raSearchStart = $eip $T0 ^ = $esp $T0 4 + =" }] });
    expect(walkText(made, "esp", "ebp")[1]).toBe("1 cfi_scan 4000134f module1 esp=8000003c ebp=80000048");
  });
});

describe("an FPO record", () => {
  const scene = (stack: Scene["stack"], allocatesBasePointer: boolean, registers: Scene["registers"] = {}): Scene =>
    x86({
      registers: { eip: 0x4000_aa85, esp: "top", ebp: "bp", ebx: 0xbb, ...registers },
      stack: [{ mark: "top" }, ...stack!],
      modules: twoModules({ win: [{ start: 0xaa85, size: 0x176, savedRegisterBytes: 8, localBytes: 4, allocatesBasePointer }] }),
    });

  it("leaves ebp and ebx where it does not use them", () => {
    const stack = [1, 2, 3, 0x4000_1350, { repeat: 2 }, { mark: "bp" }, 0, 0];
    expect(walkText(scene(stack, false), "esp", "ebp", "ebx")[1]).toBe("1 cfi 4000134f module1 esp=80000010 ebp=80000018 ebx=bb");
  });

  it("restores ebp where it uses it for something else", () => {
    const stack = [{ mark: "bp" }, "bp1", 2, 3, 0x4000_1350, { repeat: 2 }, { mark: "bp1" }, 0, 0];
    expect(walkText({ ...scene(stack, true), unknown: ["ebp"] }, "ebp")[1]).toBe("1 cfi 4000134f module1 ebp=80000018");
  });

  it("skips a return address that a system call left behind", () => {
    const stack = [1, 2, 3, 0x4000_aa85, 0x4000_1350, { repeat: 2 }, { mark: "bp" }, 0, 0];
    expect(walkText(scene(stack, false), "esp")[1]).toBe("1 cfi 4000134f module1 esp=80000014");
    // Below the innermost frame it is a recursion.
    const recursive = [1, 2, 3, 0x4000_aa90, 1, 2, 3, 0x4000_aa90, 1, 2, 3, 0x4000_1350, { repeat: 2 }, { mark: "bp" }, 0, 0];
    expect(walkText(scene(recursive, false)).slice(1, 4)).toEqual(["1 cfi 4000aa8f module1", "2 cfi 4000aa8f module1", "3 cfi 4000134f module1"]);
  });
});
