// What clang made of Halcyon for arm64: each function's instructions are run
// in their order, and a walk from every one of them must find the caller. The
// rows come from the tables and the truth from the code, so each is held
// against the other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { readImage, type PeImage } from "../../../symbols/pe/image.ts";
import { compileArm64 } from "./arm64-image.ts";
import { callerAtEntry, callerOf, entered, type Machine } from "./arm64-machine.ts";

const folder = join(import.meta.dirname, "../../../fixtures/out/windows/arm64");
const SP = 31;
const FP = 29;
const LR = 30;

const copy = ({ registers, sp, memory }: Machine): Machine => ({ registers: [...registers], sp, memory: new Map(memory) });
const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** A load or store of registers that callees preserve, by sp or fp; null for any other instruction (Arm ARM, C4.1.94). */
function transfer(word: number): { readonly isLoad: boolean; readonly registers: number[]; readonly base: number; readonly before: number; readonly at: number; readonly after: number } | null {
  const base = (word >>> 5) & 31;
  const isFloat = ((word >>> 26) & 1) === 1;
  const number = (field: number): number => (isFloat ? 100 + field : field);
  const isPreserved = (register: number): boolean => (register >= 19 && register <= LR) || (register >= 108 && register <= 115);
  let registers: number[];
  let distance: number;
  let mode: "offset" | "before" | "after";
  let isLoad: boolean;
  if ((word & 0x3a00_0000) === 0x2800_0000 && word >>> 30 === (isFloat ? 1 : 2)) {
    registers = [number(word & 31), number((word >>> 10) & 31)];
    distance = signed((word >>> 15) & 0x7f, 7) * 8;
    mode = (["offset", "after", "offset", "before"] as const)[(word >>> 23) & 3]!;
    isLoad = ((word >>> 22) & 1) === 1;
  } else if ((word & 0xfb00_0000) >>> 0 === 0xf900_0000 || (word & 0xfb20_0400) >>> 0 === 0xf800_0400) {
    const isWide = (word & 0x0100_0000) !== 0;
    registers = [number(word & 31)];
    distance = isWide ? ((word >>> 10) & 0xfff) * 8 : signed((word >>> 12) & 0x1ff, 9);
    mode = isWide ? "offset" : (word & 0x800) !== 0 ? "before" : "after";
    isLoad = ((word >>> 22) & 3) === 1;
  } else return null;
  if ((base !== SP && base !== FP) || !registers.every(isPreserved)) return null;
  return { isLoad, registers, base, before: mode === "before" ? distance : 0, at: mode === "offset" ? distance : 0, after: mode === "after" ? distance : 0 };
}

/** Runs an instruction as far as it concerns frames. */
function step(machine: Machine, word: number): void {
  const { registers, memory } = machine;
  const moved = transfer(word);
  if (moved !== null) {
    const start = (moved.base === SP ? machine.sp : registers[FP]!) + moved.before;
    for (const [i, register] of moved.registers.entries()) {
      if (moved.isLoad) registers[register] = memory.get(start + moved.at + i * 8) ?? 0x4444_0000;
      else memory.set(start + moved.at + i * 8, registers[register]!);
    }
    if (moved.base === SP) machine.sp = start + moved.after;
    return;
  }
  const to = word & 31;
  const from = (word >>> 5) & 31;
  if ((word & 0xbf80_0000) >>> 0 === 0x9100_0000 && (to === SP || to === FP)) {
    const amount = ((word >>> 10) & 0xfff) * ((word & 0x40_0000) === 0 ? 1 : 4096) * ((word & 0x4000_0000) === 0 ? 1 : -1);
    if (from !== SP && from !== FP) machine.sp -= 96;
    else if (to === SP) machine.sp = (from === SP ? machine.sp : registers[FP]!) + amount;
    else registers[FP] = (from === SP ? machine.sp : registers[FP]!) + amount;
  } else if ((word & 0xbfe0_0000) >>> 0 === 0x8b20_0000 && to === SP) machine.sp -= takenRoom(registers, word);
  else if ((word & 0xffe0_0000) >>> 0 === 0xd280_0000) registers[to] = (word >>> 5) & 0xffff;
  else if ((word & 0xfc00_0000) >>> 0 === 0x9400_0000 || (word & 0xffff_fc1f) >>> 0 === 0xd63f_0000) registers[LR] = 0x3333_0000;
  else if (to >= 19 && to < FP && [...memory.values()].includes(0x1111_0000 + to)) registers[to] = 0x2222_0000 + to;
}

/** Bytes that `sub sp, sp, register` takes: of a large frame they are in x15, of a dynamic one only the running function knows them. */
function takenRoom(registers: readonly number[], word: number): number {
  return ((word >>> 16) & 31) === 15 ? registers[15]! * 2 ** ((word >>> 10) & 7) : 96;
}

const leaves = (word: number): boolean => (word & 0xfc00_0000) >>> 0 === 0x1400_0000 || (word & 0xffff_fc1f) >>> 0 === 0xd65f_0000 || (word & 0xffff_fc1f) >>> 0 === 0xd61f_0000;

/** First addresses and instructions of the functions that the exception directory lists. */
function functionsOf(image: PeImage): { readonly start: number; readonly code: Buffer }[] {
  const { rva, size } = image.directory(3);
  const table = image.readRva(rva, size)!;
  return Array.from({ length: size / 8 }, (_, i) => {
    const word = table.readUInt32LE(i * 8 + 4);
    const length = (word & 3) === 0 ? image.readRva(word, 4)!.readUInt32LE(0) & 0x3ffff : (word >>> 2) & 0x7ff;
    const start = table.readUInt32LE(i * 8);
    return { start, code: image.readRva(start, length * 4)! };
  });
}

describe.each(["Halcyon.vst3", "RackHost.exe"])("%s for arm64", (name) => {
  const file = readFileSync(join(folder, name));
  const image = readImage(bytesOf(file));
  if (!image.ok) throw new Error(image.problem.message);
  const { symbols, warnings } = compileArm64(file);
  const functions = functionsOf(image.value);

  it("has rows that lead from every instruction to the caller", () => {
    expect(warnings).toEqual({});
    const wrong: string[] = [];
    let epilogs = 0;
    for (const { start, code } of functions) {
      let machine = entered();
      const expected = callerAtEntry(machine);
      const entrySp = machine.sp;
      /** The state before the epilog that is running. */
      let body: Machine | null = null;
      for (let at = 0; at < code.length; at += 4) {
        const found = callerOf(symbols, machine, start + at);
        if (found !== expected) wrong.push(`${(start + at).toString(16)}: ${found} and not ${expected}`);
        const word = code.readUInt32LE(at);
        const moved = transfer(word);
        const isUndoing = (moved?.isLoad === true && machine.memory.has((moved.base === SP ? machine.sp : machine.registers[FP]!) + moved.before + moved.at)) || (word & 0xff80_03ff) >>> 0 === 0x9100_03ff;
        if (body === null && isUndoing) body = copy(machine);
        step(machine, word);
        if (leaves(word) && body !== null && machine.sp === entrySp) {
          machine = body;
          body = null;
          epilogs++;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(functions.length).toBeGreaterThan(5);
    expect(epilogs).toBeGreaterThan(functions.length / 2);
  });
});
