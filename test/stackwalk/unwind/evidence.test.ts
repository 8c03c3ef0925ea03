// What is held against words that a scan finds, and what ends a walk, beyond
// what the peers do.
import { describe, expect, it } from "vitest";
import type { Arch } from "../../../symbols/registers.ts";
import { CALL_BYTES, endsWithCall } from "../../../stackwalk/unwind/call-instruction.ts";
import { twoModules, walkScene, walkText, type Scene } from "./fake-process.ts";
import type { FakeFunction } from "./fake-symbols.ts";

const rows: readonly (readonly [Arch, string, string, boolean])[] = [
  ["amd64", "call rel32", "e8 10 00 00 00", true],
  ["amd64", "call rax", "ff d0", true],
  ["amd64", "call r11, with a prefix", "41 ff d3", true],
  ["amd64", "call [rax]", "ff 10", true],
  ["amd64", "call [rax + 8]", "ff 50 08", true],
  ["amd64", "call [rsp + 8]", "ff 54 24 08", true],
  ["amd64", "call [rip + disp32]", "ff 15 44 33 22 11", true],
  ["amd64", "call [rax + disp32]", "ff 90 44 33 22 11", true],
  ["amd64", "call [rax * 8 + disp32]", "ff 14 c5 44 33 22 11", true],
  ["amd64", "call [rsp + disp32]", "ff 94 24 44 33 22 11", true],
  ["amd64", "call [rbp + 0]", "ff 55 00", true],
  ["amd64", "jmp rel32", "e9 10 00 00 00", false],
  ["amd64", "jmp rax", "ff e0", false],
  ["amd64", "jmp [rip + disp32]", "ff 25 44 33 22 11", false],
  ["amd64", "push [rax]", "ff 30", false],
  ["amd64", "nops", "90 90 90 90", false],
  ["amd64", "call [rax + 8], cut short", "ff 50", false],
  ["amd64", "ret", "c3", false],
  ["x86", "call far", "9a 00 00 00 40 33 00", true],
  ["x86", "call fs:[0xc0], into 64-bit code", "64 ff 15 c0 00 00 00", true],
  ["amd64", "no far call in 64 bits", "9a 00 00 00 40 33 00", false],
  ["arm64", "bl", "04 00 00 94", true],
  ["arm64", "blr x8", "00 01 3f d6", true],
  ["arm64", "blraaz x8", "1f 09 3f d6", true],
  ["arm64", "blrab x8, x9", "09 0d 3f d7", true],
  ["arm64", "br x8", "00 01 1f d6", false],
  ["arm64", "ret", "c0 03 5f d6", false],
  ["arm64", "b", "04 00 00 14", false],
  ["arm", "bl", "04 00 00 eb", true],
  ["arm", "blx by an offset", "04 00 00 fa", true],
  ["arm", "blx r3", "33 ff 2f e1", true],
  ["arm", "mov lr, pc; bx r3", "0e f0 a0 e1 13 ff 2f e1", false],
  ["arm", "mov lr, pc before a jump", "0f e0 a0 e1 13 ff 2f e1", true],
  ["arm", "b", "04 00 00 ea", false],
];

describe("before a return address", () => {
  it.each(rows)("%s: %s", (arch, _, text, expected) => {
    const bytes = text.split(" ").map((byte) => parseInt(byte, 16));
    const padded = Uint8Array.from([...Array.from({ length: CALL_BYTES - bytes.length }, () => 0x90), ...bytes]);
    expect(endsWithCall(arch, padded, 0x1000)).toBe(expected);
  });

  // Thumb code is told by the lowest bit of an address; the bytes are those before it without that bit.
  it.each([
    ["bl", "00 00 00 f0 04 f8", true],
    ["blx by an offset", "00 00 00 f0 04 e8", true],
    ["blx r3", "00 00 00 00 98 47", true],
    ["bx r3", "00 00 00 00 18 47", false],
    ["b.w", "00 00 00 f0 04 90", false],
  ])("arm in Thumb: %s", (_, text, expected) => {
    const bytes = Uint8Array.from([0, 0, ...text.split(" ").map((byte) => parseInt(byte, 16))]);
    expect(endsWithCall("arm", bytes, 0x1001)).toBe(expected);
  });

  it("an odd address of arm64 has none", () => {
    expect(endsWithCall("arm64", Uint8Array.from([0, 0, 0, 0, 4, 0, 0, 0x94]), 0x1002)).toBe(false);
  });
});

describe("a scan", () => {
  const scene: Scene = { arch: "amd64", registers: { rip: 0x4000_0200, rsp: "top", rbp: 1 }, stack: [{ mark: "top" }, 0x5000_0100, 0x5000_0200, { repeat: 4 }] };

  it("takes no word before which the code has no call", () => {
    expect(walkText({ ...scene, code: { 0x5000_0100: [0x90], 0x5000_0200: [0xff, 0xd0] } })).toEqual(["0 context 40000200 module1", "1 scan 500001ff module2", "no_caller"]);
    expect(walkText({ ...scene, code: { 0x5000_0100: [0x90] }, options: { plain: true } })[1]).toBe("1 scan 500000ff module2");
  });

  it("takes no word that points to memory which cannot be run", () => {
    const ranges = [{ base: 0x5000_0000, size: 0x180 }, { base: 0x5000_0180, size: 0x1000, executable: true }];
    expect(walkText({ ...scene, ranges })[1]).toBe("1 scan 500001ff module2");
  });

  it("takes what is in no known range: lists of ranges are not complete", () => {
    expect(walkText({ ...scene, ranges: [] })[1]).toBe("1 scan 500000ff module2");
  });

  it("counts its words anew behind one that it refused for what memory says, and behind no other", () => {
    // The second frame scans 40 words: 30 lie between it and the refused word, 20 between that and the true one.
    const far: Scene = { ...scene, stack: [{ mark: "top" }, 0x5000_0200, { repeat: 30 }, 0x5000_0100, { repeat: 20 }, 0x5000_0300, { repeat: 4 }] };
    const code = { 0x5000_0100: [0x90], 0x5000_0200: [0xff, 0xd0], 0x5000_0300: [0xff, 0xd0] };
    expect(walkText({ ...far, code })).toEqual(["0 context 40000200 module1", "1 scan 500001ff module2", "2 scan 500002ff module2", "no_caller"]);
    const named = twoModules(undefined, { functions: [{ start: 0x180, size: 0x200, name: "f" }] });
    expect(walkText({ ...far, code, modules: named })).toEqual(["0 context 40000200 module1", "1 scan 500001ff f", "no_caller"]);
  });

  it("asks unwind rows where symbols have no names", () => {
    const modules = twoModules(undefined, { rows: [{ start: 0x180, size: 0x100, rule: "end" }] });
    expect(walkText({ ...scene, modules })).toEqual(["0 context 40000200 module1", "1 scan 500001ff module2", "end_of_stack"]);
  });
});

describe("a call to no code", () => {
  const stack: Scene["stack"] = [{ mark: "top" }, 0x5000_0100, { repeat: 2 }, { mark: "bp" }, "bp1", 0x5000_0200, { mark: "bp1" }, 0, 0];

  it("shows its caller, which a frame pointer would skip", () => {
    const scene: Scene = { arch: "amd64", registers: { rip: 0, rsp: "top", rbp: "bp", rax: 7 }, stack };
    expect(walkText(scene, "rbp").slice(0, 3)).toEqual(["0 context 0 - rbp=80000018", "1 scan 500000ff module2 rbp=80000018", "2 frame_pointer 500001ff module2 rbp=80000028"]);
    expect(walkText({ ...scene, options: { plain: true } })[1]).toBe("1 frame_pointer 500001ff module2");
  });

  it("is one only where memory says that the address cannot be run", () => {
    const scene: Scene = { arch: "amd64", registers: { rip: 0x1234_5678, rsp: "top", rbp: "bp" }, stack };
    expect(walkText(scene)[1]).toBe("1 frame_pointer 500001ff module2");
    expect(walkText({ ...scene, ranges: [{ base: 0x1234_0000, size: 0x1_0000, executable: true }] })[1]).toBe("1 frame_pointer 500001ff module2");
    const code = { base: 0x5000_0000, size: 0x1_0000, executable: true };
    expect(walkText({ ...scene, ranges: [{ base: 0x1234_0000, size: 0x1_0000 }, code] })[1]).toBe("1 scan 500000ff module2");
  });

  it("is one where it was that address that could not be accessed", () => {
    const scene: Scene = { arch: "amd64", registers: { rip: 0x1234_5678, rsp: "top", rbp: "bp" }, stack };
    expect(walkText({ ...scene, faultAddress: 0x1234_5678 })[1]).toBe("1 scan 500000ff module2");
    // Another address: the code there ran until it touched it.
    expect(walkText({ ...scene, faultAddress: 0x1234_5679 })[1]).toBe("1 frame_pointer 500001ff module2");
  });

  it("leaves the caller's address in the link register", () => {
    const scene: Scene = { arch: "arm64", registers: { pc: 0, sp: "top", lr: 0x5000_0104, fp: "bp" }, stack };
    expect(walkText(scene, "sp", "lr")[1]).toBe("1 scan 50000100 module2 sp=80000000");
  });
});

describe("a thread's root", () => {
  /** A stack of frame pointers whose functions have these names, the innermost first. */
  const chain = (os: string, arch: "amd64" | "x86", names: readonly string[], moduleName = "module1", isPublic?: true): Scene => {
    const functions = names.map((name, i): FakeFunction => ({ start: (i + 1) * 0x1000, size: 0x1000, name, ...(isPublic && { isPublic }) }));
    const stack = names.flatMap((_, i): NonNullable<Scene["stack"]> => [{ mark: `bp${i}` }, `bp${i + 1}`, 0x4000_0000 + (i + 2) * 0x1000 + 0x20]);
    const registers = arch === "amd64" ? { rip: 0x4000_1010, rsp: "top", rbp: "bp0" } : { eip: 0x4000_1010, esp: "top", ebp: "bp0" };
    return { arch, os, registers, stack: [{ mark: "top" }, 0, ...stack, { mark: `bp${names.length}` }, 0, 0, 0], modules: [{ name: moduleName, base: 0x4000_0000, size: 0x10_0000, symbols: { functions } }] };
  };
  const names = (scene: Scene): string => {
    const stack = walkScene(scene);
    return [...stack.frames.map(({ place }) => place?.name ?? "?"), stack.stopped].join(" ");
  };

  it.each([
    ["windows", "amd64", ["f", "BaseThreadInitThunk", "RtlUserThreadStart", "junk"], "f BaseThreadInitThunk RtlUserThreadStart end_of_stack"],
    // Without ntdll's names two frames may follow; 32-bit Windows has that many.
    ["windows", "amd64", ["f", "BaseThreadInitThunk", "", "", "junk"], "f BaseThreadInitThunk   end_of_stack"],
    ["windows", "x86", ["f", "@BaseThreadInitThunk@12", "__RtlUserThreadStart@8", "_RtlUserThreadStart@8", "junk"], "f @BaseThreadInitThunk@12 __RtlUserThreadStart@8 end_of_stack"],
    ["mac", "amd64", ["f", "_pthread_start", "thread_start", "junk"], "f _pthread_start thread_start end_of_stack"],
    ["linux", "amd64", ["f", "start_thread", "clone3", "junk"], "f start_thread clone3 end_of_stack"],
    ["linux", "amd64", ["main", "__libc_start_call_main", "__libc_start_main_impl", "_start", "junk"], "main __libc_start_call_main __libc_start_main_impl _start end_of_stack"],
    // A parent that starts a thread is in clone as well.
    ["linux", "amd64", ["clone", "pthread_create", "main", "_start", "junk"], "clone pthread_create main _start end_of_stack"],
    ["linux", "amd64", ["handler", "__restore_rt", "clone", "pthread_create", "_start"], "handler __restore_rt clone pthread_create _start end_of_stack"],
    // Another system's name says nothing.
    ["linux", "amd64", ["f", "RtlUserThreadStart", "g", "_start"], "f RtlUserThreadStart g _start end_of_stack"],
  ] as const)("of %s %s: %s", (os, arch, functions, expected) => {
    expect(names(chain(os, arch, functions))).toBe(expected);
  });

  it("by a name that anybody may use must be in its module", () => {
    expect(names(chain("mac", "amd64", ["main", "start", "junk"], "dyld"))).toBe("main start end_of_stack");
    expect(names(chain("mac", "amd64", ["main", "start", "junk"], "game"))).toContain("start junk");
  });

  it("by a bare linker symbol must be near it", () => {
    const near = chain("linux", "amd64", ["f", "_start", "junk"], "module1", true);
    expect(names(near)).toBe("f _start end_of_stack");
    const far = { ...near, stack: near.stack!.map((item) => (item === 0x4000_2020 ? 0x4000_2f00 : item)) };
    expect(names(far)).toContain("_start junk");
  });
});
