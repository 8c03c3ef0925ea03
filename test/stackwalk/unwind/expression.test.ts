import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { op } from "../../../symbols/cache/unwind-rule.ts";
import { evaluate, runProgram, VARIABLES } from "../../../stackwalk/unwind/expression.ts";
import { newWalk, type Walk } from "../../../stackwalk/unwind/walk-state.ts";
import { makeScene, type Value } from "./fake-process.ts";
import { compileExpression } from "./fake-symbols.ts";

function walkOf(arch: "amd64" | "x86", registers: { [name: string]: Value } = {}, stack: Value[] = [0x1111, 0x2222]): Walk {
  const scene = makeScene({ arch, registers, stack });
  const walk = newWalk(scene.process, scene.stack, 0xffff_ffff, false, null);
  walk.callee.words.set(scene.context.words);
  walk.readable = scene.context.valid[0]!;
  return walk;
}

function run(arch: "amd64" | "x86", text: string, registers: { [name: string]: Value } = {}, cfa?: bigint): bigint | null {
  const walk = walkOf(arch, registers);
  const done = evaluate(walk, Int32Array.from(compileExpression(arch, text)), 0, cfa !== undefined, Number(BigInt.asUintN(32, cfa ?? 0n)), Number((cfa ?? 0n) >> 32n));
  return done ? (BigInt(walk.high) << 32n) | BigInt(walk.low) : null;
}

describe("an expression", () => {
  it.each([
    ["5", 5n],
    ["-5", 0xffff_ffff_ffff_fffbn],
    ["2 3 +", 5n],
    ["2 3 -", 0xffff_ffff_ffff_ffffn],
    ["7 3 * 4 +", 25n],
    ["-1 -1 *", 1n],
    ["17 5 /", 3n],
    ["17 5 %", 2n],
    // Unsigned: a negative number is a large one.
    ["-1 16 /", 0x0fff_ffff_ffff_ffffn],
    ["1023 256 @", 768n],
    ["$rsp ^", 0x1111n],
    ["$rsp 8 + ^", 0x2222n],
    [".cfa 8 -", 0x7fff_fff8n],
    ["$rax", 0x1234_5678_9abc_def0n],
    ["$rax 2147483647 +", 0x1234_5679_1abc_deefn],
  ])("%s", (text, expected) => {
    expect(run("amd64", text, { rsp: 0x8000_0000, rax: 0x1234_5678_9abc_def0n }, 0x8000_0000n)).toBe(expected);
  });

  it.each(["", "+", "1 +", "1 2", "1 0 /", "1 0 %", "1 0 @", "1 3 @", "7 ^", "$rsp 16 + ^", "$rsp 9 + ^", ".undef", "nonsense", "-1 ^", "1 ^ ^"])("fails: %s", (text) => {
    expect(run("amd64", text, { rsp: 0x8000_0000 }, 1n)).toBeNull();
  });

  it("cannot use the CFA while that is computed", () => {
    expect(run("amd64", ".cfa 8 +")).toBeNull();
  });

  it("cannot use a register that is not known", () => {
    const walk = walkOf("amd64");
    walk.readable = ~(1 << 3);
    expect(evaluate(walk, Int32Array.from(compileExpression("amd64", "$rbx")), 0, false, 0, 0)).toBe(false);
    expect(evaluate(walk, Int32Array.from(compileExpression("amd64", "$rax")), 0, false, 0, 0)).toBe(true);
  });

  it("wraps at 32 bits where pointers have them", () => {
    expect(run("x86", "$eax 1 +", { eax: 0xffff_ffff })).toBe(0n);
    expect(run("x86", "0 1 -")).toBe(0xffff_ffffn);
    expect(run("x86", "65536 65536 *")).toBe(0n);
  });

  // The same by BigInt, which is not used there because it is slow.
  it("computes 64-bit words as BigInt does", () => {
    const word = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n }), fc.nat({ max: 63 }).map((bit) => 2n ** BigInt(bit)));
    const binary: readonly (readonly [string, (a: bigint, b: bigint) => bigint | null])[] = [
      ["+", (a, b) => a + b],
      ["-", (a, b) => a - b],
      ["*", (a, b) => a * b],
      ["/", (a, b) => (b === 0n ? null : a / b)],
      ["%", (a, b) => (b === 0n ? null : a % b)],
      ["@", (a, b) => (b === 0n || (b & (b - 1n)) !== 0n ? null : a & ~(b - 1n))],
    ];
    fc.assert(
      fc.property(word, word, fc.constantFrom(...binary), (a, b, [operator, compute]) => {
        const expected = compute(a, b);
        expect(run("amd64", `$rax $rbx ${operator}`, { rax: a, rbx: b })).toBe(expected === null ? null : BigInt.asUintN(64, expected));
      }),
      { numRuns: 2000 },
    );
  });

  it("of any numbers ends, and never throws", () => {
    const walk = walkOf("amd64", { rsp: 0x8000_0000 });
    const variables = { values: new Uint32Array(VARIABLES), isSet: new Uint8Array(VARIABLES) };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(fc.nat({ max: 15 }), fc.integer()), fc.oneof(fc.integer({ min: -2, max: 70 }), fc.integer()))), fc.integer({ min: -3, max: 20 }), (steps, start) => {
        const code = Int32Array.from(steps.flat());
        expect(typeof evaluate(walk, code, start, true, 1, 2)).toBe("boolean");
        expect(typeof runProgram(walk, code, start, variables)).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });

  it("without an end stops at the end of the code, and at a limit", () => {
    expect(evaluate(walkOf("amd64"), Int32Array.from([op.constant, 1]), 0, false, 0, 0)).toBe(false);
    const long = Int32Array.from({ length: 100_000 }, (_, i) => (i % 4 === 0 ? op.constant : i % 4 === 2 ? op.add : 0));
    expect(evaluate(walkOf("amd64"), long, 0, false, 0, 0)).toBe(false);
  });
});
