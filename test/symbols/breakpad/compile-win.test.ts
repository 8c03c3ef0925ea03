// STACK WIN, compiled: programs, and the mending of records that overlap.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { op, winVariable } from "../../../symbols/cache/unwind-rule.ts";
import { cacheOf } from "../cache/cached-symbols.ts";
import { debugId } from "./symbol-text.ts";

function win(...records: string[]): SymbolCache {
  return cacheOf(`MODULE windows x86 ${debugId} a.pdb\n${records.map((record) => `STACK WIN ${record}\n`).join("")}`);
}

const operationNames = Object.fromEntries(Object.entries(op).map(([name, code]) => [code, name]));
const variableNames = Object.fromEntries(Object.entries(winVariable).map(([name, number]) => [number, name]));

/** The program at an address as text: `value … variable=`. */
function programText(cache: SymbolCache, rva: number): string | null {
  const frame = cache.winFrame(rva);
  if (frame === null) return null;
  if (frame.program < 0) return "none";
  const words: string[] = [];
  for (let at = frame.program; cache.expressions[at] !== op.end; at += 2) {
    const code = cache.expressions[at]!;
    const operand = cache.expressions[at + 1]!;
    const variable = operand < winVariable.firstOther ? variableNames[operand]! : `t${operand - winVariable.firstOther}`;
    if (code === op.constant) words.push(`${operand}`);
    else if (code === op.variable) words.push(variable);
    else if (code === op.assign) words.push(`${variable}=`);
    else if (code === op.forget) words.push(`${variable}!`);
    else words.push(operationNames[code]!);
  }
  return words.join(" ");
}

describe("programs", () => {
  test.each([
    ["the usual", "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =", "ebp t0= t0 4 add dereference eip= t0 dereference ebp= t0 8 add esp="],
    ["an operator without a blank after it", "$T0 .raSearch =$eip $T0 ^ =$esp $T0 4 + =", "raSearch t0= t0 dereference eip= t0 4 add esp="],
    ["constants of the record", "$T0 .raSearchStart .cbSavedRegs - .cbLocals - .cbParams + .cbCalleeParams @ =", "raSearchStart cbSavedRegs subtract cbLocals subtract cbParams add cbCalleeParams align t0="],
    ["forgetting", "$ebx .undef =", "ebx!"],
    ["other names are numbered as they come", "$L 1 = $P $L = $T0 $P =", "1 t0= t0 t1= t1 t2="],
    ["what is left over is ignored", "$eip 1 = 5", "1 eip="],
    ["assigning to a number", "1 2 =", "none"],
    ["nothing to add", "$eip +", "none"],
    ["no assignment", "$eip $esp +", "none"],
    ["assigning while something is pending", "$eip $esp 4 + $ebp 1 = =", "none"],
    ["words that are none", "$eip what =", "none"],
  ])("%s", (_, program, text) => {
    expect(programText(win(`4 10 8 0 0 0 0 0 0 1 ${program}`), 0x10)).toBe(text);
  });

  test("more variables than there is room for", () => {
    expect(programText(win(`4 10 8 0 0 0 0 0 0 1 ${Array.from({ length: 60 }, (_, i) => `$v${i} 1 =`).join(" ")}`), 0x10)).toBe("none");
  });
});

describe("records", () => {
  test("have their sizes; a program goes before FPO", () => {
    const cache = win("0 10 20 1 2 4 8 10 20 0 1", "4 18 8 a1 b2 c3 d4 e5 f6 1 $T0 $esp 8 @ = $eip $T0 ^ =");
    expect(cache.winFrame(0x10)).toEqual({ kind: "fpo", start: 0x10, size: 0x20, prologBytes: 1, epilogBytes: 2, parameterBytes: 4, savedRegisterBytes: 8, localBytes: 0x10, maxStackBytes: 0x20, allocatesBasePointer: true, program: -1, programAligns: false });
    expect(cache.winFrame(0x18)).toMatchObject({ kind: "program", start: 0x18, prologBytes: 0xa1, epilogBytes: 0xb2, parameterBytes: 0xc3, savedRegisterBytes: 0xd4, localBytes: 0xe5, maxStackBytes: 0xf6, allocatesBasePointer: false, programAligns: true });
    expect([0xf, 0x17, 0x1f, 0x20, 0x2f, 0x30].map((rva) => cache.winFrame(rva)?.kind)).toEqual([undefined, "fpo", "program", "fpo", "fpo", undefined]);
  });

  const p = "0 0 0 0 0 0 1 $eip 1 =";
  test.each<[why: string, records: readonly string[], starts: readonly (string | null)[], warnings: object]>([
    ["one that begins in the one before ends it", [`4 10 10 ${p}`, `4 14 c ${p}`, `4 18 8 ${p}`], ["10+4", "14+4", "18+8", null], { mendedWin: 2 }],
    ["of two equal ranges the first is kept", [`4 10 10 ${p}`, `4 10 10 ${p}`], ["10+10", "10+10", "10+10", null], { overlappingWin: 1 }],
    ["one that begins before is dropped", [`4 14 c ${p}`, `4 10 10 ${p}`], [null, "14+c", "14+c", null], { overlappingWin: 1 }],
    ["order does not matter to those that do not touch", [`4 18 8 ${p}`, `4 10 8 ${p}`], ["10+8", "10+8", "18+8", null], {}],
    ["one that overlaps one that is not its neighbour in the file", [`4 10 8 ${p}`, `4 40 8 ${p}`, `4 14 8 ${p}`], ["10+8", "10+8", null, null], { overlappingWin: 1 }],
    ["type and flag that disagree, no size, no program", [`4 10 8 0 0 0 0 0 0 0 1`, `0 18 8 ${p}`, `4 14 0 ${p}`, "4 10 8 0 0 0 0 0 0 1"], [null, null, null, null], { malformedWin: 4 }],
    ["other types say nothing", [`1 10 10 0 0 0 0 0 0 0 0`], [null, null, null, null], {}],
  ])("%s", (_, records, starts, warnings) => {
    const cache = win(...records);
    const found = [0x10, 0x14, 0x18, 0x20].map((rva) => {
      const frame = cache.winFrame(rva);
      return frame === null ? null : `${frame.start.toString(16)}+${frame.size.toString(16)}`;
    });
    expect(found).toEqual(starts);
    expect(cache.meta().warnings).toEqual(warnings);
  });
});

const testApp = path.resolve(import.meta.dirname, "../../../../shared/corpus/rust-minidump+rust-minidump/breakpad-symbols/testdata/symbols/test_app.pdb/5A9832E5287241C1838ED98914E9B7FF1/test_app.sym");

test.skipIf(!existsSync(testApp))("a real PDB's records: as many as rust-minidump counts, every program compiled", () => {
  const cache = cacheOf(readFileSync(testApp));
  // Its own test has these numbers.
  expect(cache.meta().counts).toMatchObject({ winPrograms: 1556, winFpo: 259 });
  expect(cache.winFrame(0x41b0)?.start).toBe(0x41b0);
  const programs = new Set<number>();
  for (let rva = 0x1000; rva < 0x30000; rva++) {
    const frame = cache.winFrame(rva);
    if (frame?.kind === "program") programs.add(frame.program);
  }
  expect(programs.size).toBeGreaterThan(5);
  expect(programs.has(-1)).toBe(false);
});
