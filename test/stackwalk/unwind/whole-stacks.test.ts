// Stacks as a whole: deep ones, the reasons of each frame, the choice of the
// stack's memory, and any bytes at all.
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { Arch } from "../../../symbols/registers.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { ModuleMap } from "../../../stackwalk/unwind/module-map.ts";
import { planFrames } from "../../../stackwalk/unwind/recursion.ts";
import { walkThread } from "../../../stackwalk/unwind/unwind.ts";
import { makeScene, twoModules, walkScene, walkText, type Item, type Scene } from "./fake-process.ts";
import type { FakeModule } from "./fake-symbols.ts";

/** Frames by their functions; each pushes nothing but its return address. */
function deepScene(offsets: readonly number[], maxFrames: number): Scene {
  const rows = [{ start: 0, size: 0x1_0000, rule: { ".cfa": "$rsp 8 +", ".ra": ".cfa -8 + ^" } }];
  const stack: Item[] = [{ mark: "top" }, ...offsets.slice(1).map((offset) => 0x4000_0000 + offset + 1), 0, 0];
  return { arch: "amd64", registers: { rip: 0x4000_0000 + (offsets[0] ?? 0), rsp: "top" }, stack, modules: twoModules({ rows }), options: { maxFrames } };
}

describe("a deep stack", () => {
  const cycle = [0x200, 0x300, 0x200, 0x400];
  const recursive = [0x10, 0x20, ...Array.from({ length: 5000 }, () => cycle).flat(), 0x900, 0x910];

  it("keeps its top, one cycle, and who began it", () => {
    const stack = walkScene(deepScene(recursive, 100));
    expect(stack.total).toBe(20_004);
    expect(stack.recursion).toEqual({ frame: 2, cycle: 4, times: 5000 });
    expect(stack.frames.map(({ index, low }) => [index, low - 0x4000_0000])).toEqual([[0, 0x10], [1, 0x20], [2, 0x200], [3, 0x300], [4, 0x200], [5, 0x400], [20_002, 0x900], [20_003, 0x910]]);
    expect(stack.stopped).toBe("end_of_stack");
  });

  it("within the limit is left as it is", () => {
    const stack = walkScene(deepScene(recursive.slice(0, 100), 100));
    expect([stack.total, stack.frames.length, stack.recursion]).toEqual([100, 100, null]);
  });

  it("without recursion keeps its two ends", () => {
    const stack = walkScene(deepScene(Array.from({ length: 300 }, (_, i) => i * 16), 80));
    expect(stack.frames.map(({ index }) => index)).toEqual([...Array.from({ length: 70 }, (_, i) => i), ...Array.from({ length: 10 }, (_, i) => 290 + i)]);
    expect([stack.total, stack.recursion]).toEqual([300, null]);
  });

  it("with too much around its recursion keeps a share of the far end", () => {
    const addresses = Float64Array.from([...Array.from({ length: 300 }, (_, i) => 1e6 + i), ...Array.from({ length: 900 }, (_, i) => i % 3), ...Array.from({ length: 300 }, (_, i) => 2e6 + i)]);
    expect(planFrames(addresses, 1500, 100)).toEqual({ head: 88, tail: 1488, recursion: { frame: 300, cycle: 3, times: 300 } });
  });

  it.each([
    ["a cycle of one", [1, 2, 3, 3, 3, 3, 3, 3, 4], { frame: 2, cycle: 1, times: 6 }],
    ["a cut-off last cycle", [9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1], { frame: 1, cycle: 3, times: 3 }],
    ["a cycle within a cycle", [1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2], { frame: 0, cycle: 3, times: 4 }],
    ["nothing that occurs three times", [1, 2, 1, 2, 3, 4, 5, 6, 7], null],
  ])("has %s", (_, addresses, recursion) => {
    expect(planFrames(Float64Array.from(addresses), addresses.length, 4).recursion).toEqual(recursion);
  });

  it("that never ends is counted up to a limit, in bounded time", () => {
    const stack = walkScene(deepScene(Array.from({ length: 300_000 }, () => 0x100), 10));
    expect([stack.total, stack.stopped, stack.frames.length]).toEqual([262_144, "frame_limit", 1]);
  }, 10_000);

  it("that is only guessed ends sooner", () => {
    const stack = walkScene({ arch: "arm", registers: { pc: 0x4000_0100, sp: "top" }, stack: [{ mark: "top" }, { repeat: 20_000, value: 0x5000_0100 }] });
    expect([stack.total, stack.stopped]).toEqual([16_385, "frame_limit"]);
  });
});

describe("each frame", () => {
  it("says why it is there", () => {
    const rows: FakeModule["rows"] = [{ start: 0x4000, size: 0x10, entry: true, rule: { ".cfa": "$rsp 16 +", ".ra": ".cfa -8 + ^", $rbx: ".cfa -16 + ^", $r12: "$rbx 8 + ^", $r13: ".undef" } }];
    const functions = [{ start: 0x4000, size: 0x100, name: "f" }];
    const stack: Item[] = [{ mark: "top" }, 0, 0x5000_0100, { mark: "sp1" }, 0x4000_0001, 0x5000_0200, { repeat: 2 }];
    const scene: Scene = { arch: "amd64", registers: { rip: 0x4000_4000, rsp: "top", rbp: "top" }, stack, modules: twoModules({ rows, functions }), code: { 0x5000_0200: [0xff, 0xd0] }, options: { why: true } };
    expect(walkScene(scene).frames.map(({ why }) => why)).toEqual([
      { technique: "context", rule: "the registers that the dump holds", row: null, rejected: [], rejectedMore: 0 },
      { technique: "cfi", rule: "cfa = rsp + 16, ra = [cfa - 8], rbx = [cfa - 16], r12 = [rbx + 8], r13 is lost", row: 0x4000, rejected: [], rejectedMore: 0 },
      {
        technique: "scan",
        rule: "rip = the word 8 bytes above rsp",
        row: null,
        rejected: [
          { technique: "frame_pointer", at: 0x8000_0000, address: 0x5000_0100, reason: "the saved rbp is below its own frame" },
          { technique: "scan", at: 0x8000_0010, address: 0x4000_0001, reason: "no symbol has the address" },
        ],
        rejectedMore: 0,
      },
    ]);
  });

  it("names the first rejections and counts the others", () => {
    const stack: Item[] = [{ mark: "top" }, { repeat: 30, value: 0x5000_0100 }, 0x5000_0200, { repeat: 2 }];
    const [, frame] = walkScene({ arch: "arm64", registers: { pc: 0x4000_0000, sp: "top", fp: 3 }, stack, code: { 0x5000_0100: [0x90] }, options: { why: true } }).frames;
    expect([frame?.why?.rejected.length, frame?.why?.rejectedMore]).toEqual([16, 15]);
  });

  it("says nothing when it is not asked", () => {
    expect(walkScene({ arch: "amd64", registers: { rip: 0x4000_0000, rsp: "top" }, stack: [{ mark: "top" }, 0x5000_0100] }).frames.map(({ why }) => why)).toEqual([null, null]);
  });
});

describe("the stack's memory", () => {
  it("is whatever holds the stack pointer, where the thread's own does not", () => {
    const scene: Scene = { arch: "amd64", registers: { rip: 0x4000_0000, rsp: "top" }, stack: [{ mark: "top" }, 0x5000_0100, 0] };
    const { process, context } = makeScene(scene);
    const wrong = { base: 0x1000, size: 16, view: new DataView(new ArrayBuffer(16)), little: true };
    for (const stack of [wrong, null]) expect(walkThread(process, context, stack, { maxFrames: 10, why: false }).total).toBe(2);
  });
});

describe("modules", () => {
  const modules = (...ranges: readonly (readonly [number, number])[]): ModuleMap =>
    new ModuleMap(ranges.map(([base, size]) => ({ codeFile: "", base, size, timestamp: 0, checksum: 0, debugFile: null, debugId: null, codeId: null, version: null })));

  it.each([
    ["in order", [[0x1000, 0x100], [0x2000, 0x100]], { 0xfff: -1, 0x1000: 0, 0x10ff: 0, 0x1100: -1, 0x2000: 1, 0x20ff: 1, 0x2100: -1 }],
    ["in any order", [[0x2000, 0x100], [0x1000, 0x100]], { 0x1000: 1, 0x2000: 0 }],
    ["that overlap: the later begun has nothing", [[0x1000, 0x100], [0x1080, 0x100]], { 0x1090: 0, 0x1110: -1 }],
    ["of one base: the smaller stays", [[0x1000, 0x200], [0x1000, 0x100]], { 0x1010: 1, 0x1110: -1 }],
    ["of no size", [[0x1000, 0]], { 0x1000: -1 }],
    ["beyond the address space", [[2 ** 64 - 4096, 4096], [0x1000, 1]], { 0x1000: 1 }],
    ["none", [], { 0: -1 }],
  ] as const)("%s", (_, ranges, expected) => {
    const map = modules(...ranges);
    for (const [address, index] of Object.entries(expected)) expect([address, map.find(Number(address))]).toEqual([address, index]);
  });
});

describe("any bytes", () => {
  const word = fc.oneof(
    fc.nat({ max: 0x1_0000 }).map((offset) => 0x4000_0000 + offset),
    fc.nat({ max: 0x1_0000 }).map((offset) => 0x5000_0000 + offset),
    fc.nat({ max: 700 }).map((offset) => 0x8000_0000 + offset),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constant(0),
  );
  const expression = (arch: Arch) => fc.array(fc.oneof(fc.constantFrom("+", "-", "*", "/", "%", "@", "^", ".cfa", ".undef", "8", "-8", "16"), fc.constantFrom(...registerFiles[arch].names)), { maxLength: 5 }).map((tokens) => tokens.join(" "));
  const slots = (arch: Arch) => registerFiles[arch].names.filter((_, number) => (arch === "arm64" ? number >= 16 && number < 32 : number < 16));
  const rows = (arch: Arch) =>
    fc.array(
      fc.record({
        start: fc.nat({ max: 0xffff }),
        size: fc.nat({ max: 0x4000 }),
        entry: fc.boolean(),
        rule: fc.oneof(fc.constant("end" as const), fc.record({ ".cfa": fc.oneof(expression(arch), fc.constant(`${registerFiles[arch].names[registerFiles[arch].sp]} 8 +`)), ".ra": fc.oneof(expression(arch), fc.constant(".cfa -8 + ^")) }).chain((base) =>
          fc.dictionary(fc.constantFrom(...slots(arch)), expression(arch), { maxKeys: 4 }).map((registers) => ({ ...registers, ...base })))),
      }),
      { maxLength: 8 },
    );
  const win = fc.array(fc.record({ start: fc.nat({ max: 0xffff }), size: fc.nat({ max: 0x4000 }), parameterBytes: fc.nat({ max: 64 }), savedRegisterBytes: fc.nat(), localBytes: fc.nat({ max: 64 }), allocatesBasePointer: fc.boolean() }), { maxLength: 4 });

  it.each(["x86", "amd64", "arm", "arm64"] as const)("of %s end, and never throw", (arch) => {
    const names = registerFiles[arch].names;
    const scene = fc.record({
      arch: fc.constant(arch),
      os: fc.constantFrom("windows", "linux", "mac", "ios"),
      registers: fc.dictionary(fc.constantFrom(...names), word, { maxKeys: 12 }),
      unknown: fc.subarray([...names], { maxLength: 3 }),
      stack: fc.array(word, { minLength: 1, maxLength: 80 }),
      bigEndian: fc.boolean(),
      modules: fc.tuple(rows(arch), win, fc.boolean()).map(([first, records, named]) => twoModules({ rows: first, win: arch === "x86" ? records : [], functions: named ? [{ start: 0x100, size: 0x8000, name: "f" }] : [] })),
    });
    fc.assert(
      fc.property(scene, fc.boolean(), (made, why) => {
        const started = performance.now();
        const stack = walkScene({ ...made, options: { why, maxFrames: 20 } });
        expect(stack.frames.length).toBeGreaterThan(0);
        expect(stack.frames.length).toBeLessThanOrEqual(20);
        // Stack pointers rise, so words bound frames, but for a few at one height.
        expect(stack.total).toBeLessThanOrEqual(17 * 660);
        expect(performance.now() - started).toBeLessThan(1000);
        if (!why) expect(walkText({ ...made, options: { maxFrames: 20 } })).toEqual(walkText({ ...made, options: { maxFrames: 20 } }));
      }),
      { numRuns: 700 },
    );
  });
});
