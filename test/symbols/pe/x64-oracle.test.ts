// Every instruction of real programs, unwound by rows and by two others: Wine's
// RtlVirtualUnwind, whose answers are recorded beside the fixtures, and the
// machine in x64-machine.ts, which needs no record.
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readUnwind, type UnwindAnswer } from "../../../fixtures/windows/expected-files.ts";
import { decodeX86 } from "../../../stackwalk/crash/x86-decoder.ts";
import { cfaKind, interruptedFlag, op, raKind, RULE_SLOT_WORDS, RULE_WORDS, saveKind } from "../../../symbols/cache/unwind-rule.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { type PeImage, readImage } from "../../../symbols/pe/image.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { randomFrom } from "../../support/minidump/mutation.ts";
import { code as operation, codeRva, type CompiledPe, compilePe, reg, unwindInfo, x64Image, xdataRva } from "./x64-image.ts";
import { type Entry, entriesOf, seed, unwind, type Unwound } from "./x64-machine.ts";

const root = resolve(import.meta.dirname, "../../..");
const fixtures = resolve(root, "fixtures/out/windows");
const corpus = resolve(root, "../shared/corpus");
const { names } = registerFiles.amd64;
/** Names in Microsoft's order. */
const order = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const preserved = ["rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15"];
const seedOf = (name: string): number => seed(order.indexOf(name));

/** What the rows say at an address, by the registers and the memory of the machine; null where there is no row. */
function byRows({ symbols }: CompiledPe, rva: number): Unwound | null {
  const row = symbols.unwindRow(rva);
  if (row < 0) return null;
  const { rules, expressions } = symbols;
  const at = symbols.rowRule(row) * RULE_WORDS;
  const run = (start: number): number => {
    const stack: number[] = [];
    for (let i = start; expressions[i] !== op.end; i += 2) {
      if (expressions[i] === op.register) stack.push(seedOf(names[expressions[i + 1]!]!));
      else if (expressions[i] === op.constant) stack.push(expressions[i + 1]!);
      else if (expressions[i] === op.add) stack.push(stack.pop()! + stack.pop()!);
      // A word of memory holds its own address.
      else if (expressions[i] !== op.dereference) throw new Error(`operation ${expressions[i]}`);
    }
    return stack[0]!;
  };
  const head = rules[at]!;
  const cfa = (head & 0xff) === cfaKind.expression ? run(rules[at + 1]!) : seedOf(names[(head >>> 8) & 0xff]!) + rules[at + 1]!;
  const rip = rules[at + 2] === raKind.expression ? run(rules[at + 3]!) : cfa + rules[at + 3]!;
  const registers = order.map((name) => {
    const slot = names.indexOf(name);
    const operand = rules[at + RULE_SLOT_WORDS + slot]!;
    const save = (rules[at + 4]! >>> (slot * 2)) & 3;
    return name === "rsp" ? cfa : save === saveKind.atCfa ? cfa + operand : save === saveKind.expression ? run(operand) : seedOf(name);
  });
  return { rip, registers, isInterrupted: (head & interruptedFlag) !== 0 };
}

const textOf = (unwound: Unwound | null): string => {
  if (unwound === null) return "leaf";
  const cfa = unwound.registers[4]!;
  const from = order.find((name) => Math.abs(cfa - seedOf(name)) < 2 ** 32) ?? "?";
  const saved = preserved.flatMap((name) => {
    const value = unwound.registers[order.indexOf(name)]!;
    return value === seedOf(name) ? [] : [`${name} ${value - cfa}`];
  });
  return [`${from} ${cfa - seedOf(from)}`, `rip ${unwound.rip - cfa}`, ...(unwound.isInterrupted ? ["interrupted"] : []), ...saved].join(", ");
};

const textOfWine = (answer: UnwindAnswer): string => {
  if (answer === null || answer === "leaf") return answer ?? "nothing";
  const saved = preserved.flatMap((name) => (answer.saved.has(name) ? [`${name} ${answer.saved.get(name)!}`] : []));
  const [[from, distance]] = [...answer.from] as [[string, number]];
  return [`${from} ${distance}`, `rip ${answer.saved.get("rip")}`, ...saved].join(", ");
};

const imageOf = (bytes: Buffer): PeImage => {
  const image = readImage(bytesOf(bytes));
  if (!image.ok) throw new Error(image.problem.message);
  return image.value;
};

/** Addresses of all instructions of a program's functions, and the innermost entry of each. */
function instructions(image: PeImage): { readonly rva: number; readonly entry: Entry; readonly bytes: Buffer }[] {
  const all: { rva: number; entry: Entry; bytes: Buffer }[] = [];
  const entries = entriesOf(image).filter(({ end }) => end > 0);
  let covered = 0;
  for (const [i, outer] of entries.entries()) {
    if (outer.start < covered) continue;
    covered = outer.end;
    const inner = entries.slice(i, i + 8).filter(({ end }) => end <= outer.end);
    const code = image.readRva(outer.start, outer.end - outer.start)!;
    for (let at = 0; at < code.length; ) {
      const rva = outer.start + at;
      const bytes = code.subarray(at, at + 15);
      all.push({ rva, entry: inner.findLast(({ start, end }) => rva >= start && rva < end)!, bytes });
      const decoded = decodeX86(bytes, 64);
      // What is data, or unknown to the decoder, ends the function.
      if (decoded === null) break;
      at += decoded.length;
    }
  }
  return all;
}

/** Why Wine 8 may differ from the rows; null when it may not. */
function excuse(entries: readonly Entry[], code: Buffer, rva: number): string | null {
  // Where an entry lies within another, the search finds either, or neither.
  const outer = entries.find(({ start, end }) => rva >= start && rva < end);
  if (outer !== undefined && entries.some(({ start, end }) => start > outer.start && end <= outer.end)) return "an entry within another";
  let at = 0;
  while ((code[at]! >= 0x58 && code[at]! <= 0x5f) || (code[at] === 0x41 && code[at + 1]! >= 0x58 && code[at + 1]! <= 0x5f)) at += code[at] === 0x41 ? 2 : 1;
  return code[at] === 0xe9 || code[at] === 0xeb ? "an epilog that ends in a jump" : null;
}

describe("Wine's RtlVirtualUnwind", () => {
  it.each([
    ["x64", "Halcyon.vst3"],
    ["x64", "RackHost.exe"],
    ["mingw-x64", "Halcyon.vst3"],
    ["both-x64", "Halcyon.vst3"],
  ])("leaves each instruction of %s/%s as the rows do", (folder, name) => {
    const bytes = readFileSync(resolve(fixtures, folder, name));
    const compiled = compilePe(bytes);
    const runs = readUnwind(readFileSync(resolve(fixtures, "expected", `${folder}-${name}.unwind.txt`), "utf8"));
    const image = imageOf(bytes);
    const entries = entriesOf(image);
    const all = instructions(image);
    const different: string[] = [];
    let excused = 0;
    let run = 0;
    for (const { rva, bytes: code, entry } of all) {
      while (run + 1 < runs.length && runs[run + 1]!.rva <= rva) run++;
      const wine = textOfWine(runs[run]!.answer);
      const rows = textOf(byRows(compiled, rva));
      if (rows === wine) continue;
      // Whatever the excuse, Windows' way must be the rows'.
      if (excuse(entries, code, rva) !== null && rows === textOf(unwind(image, entries, entry, rva))) excused++;
      else different.push(`${rva.toString(16)} Wine ${wine}; rows ${rows}`);
    }
    expect(different).toEqual([]);
    expect(excused).toBeLessThan(all.length / 50);
    expect(all.length).toBeGreaterThan(500);
    // Between functions there are leaves.
    for (const { rva, answer } of runs.filter(({ answer: one }) => one === "leaf")) {
      if (entries.every(({ start, end }) => rva < start || rva >= end)) expect([rva, answer, byRows(compiled, rva)]).toEqual([rva, "leaf", null]);
    }
  });
});

/** Why the machine, which does as Windows, may differ from the rows, which are right. */
const explanation = (image: PeImage, entries: readonly Entry[], bytes: Buffer, rva: number): string | null => {
  // Windows knows the prefix of an old processor only.
  if (bytes[0] === 0xf2 && bytes[1] === 0xc3) return "bnd ret";
  // GCC's cold parts have entries of their own that are chained to nothing, so a jump back looks like a tail call.
  const to = bytes[0] === 0xe9 ? rva + 5 + bytes.readInt32LE(1) : -1;
  const target = entries.find(({ start, end }) => to > start && to < end);
  return target !== undefined && image.headers.linkerVersion.startsWith("2.") ? "a jump out of a cold part" : null;
};

const programs: readonly (readonly [file: string, instructions: number, explained: { readonly [reason: string]: number }])[] = [
  [resolve(fixtures, "x64/Halcyon.vst3"), 1000, {}],
  [resolve(fixtures, "mingw-x64/Halcyon.vst3"), 2000, { "a jump out of a cold part": 1 }],
  [resolve(fixtures, "both-x64/Halcyon.vst3"), 2000, {}],
  [resolve(corpus, "mozilla+dump_syms/test_data/windows/basic64.dll"), 74_000, { "bnd ret": 1 }],
  [resolve(corpus, "mozilla+fix-stacks/tests/example-windows.exe"), 75_000, { "bnd ret": 1 }],
  [resolve(corpus, "google+orbit/src/ObjectUtils/testdata/exports_one_by_ordinal.dll"), 34_000, {}],
  [resolve(corpus, "google+orbit/src/ObjectUtils/testdata/libtest.dll"), 1_200, {}],
  [resolve(corpus, "dotnet+symstore/src/Microsoft.SymbolStore.UnitTests/TestBinaries/dir2/System.Threading.Thread.dll"), 1_500, {}],
];

describe("a machine that unwinds by codes and code", () => {
  for (const [file, count, explained] of programs) {
    it.skipIf(!existsSync(file))(`leaves each instruction of ${basename(file)} as the rows do`, { timeout: 120_000 }, () => {
      const bytes = readFileSync(file);
      const image = imageOf(bytes);
      const entries = entriesOf(image);
      const compiled = compilePe(bytes);
      const all = instructions(image);
      const different: string[] = [];
      const reasons: { [reason: string]: number } = {};
      for (const { rva, entry, bytes: code } of all) {
        const machine = textOf(unwind(image, entries, entry, rva));
        const rows = textOf(byRows(compiled, rva));
        if (machine === rows) continue;
        const reason = explanation(image, entries, code, rva);
        if (reason === null) different.push(`${rva.toString(16)} machine ${machine}; rows ${rows}`);
        else reasons[reason] = (reasons[reason] ?? 0) + 1;
      }
      expect(different).toEqual([]);
      expect(reasons).toEqual(explained);
      expect(all.length).toBeGreaterThan(count);
    });
  }
});

/** A function of 64 bytes with a random frame, as compilers make them, and a part of it elsewhere that stores more. */
function randomProgram(seedNumber: number): Buffer {
  const random = randomFrom(seedNumber);
  const codes: number[][] = [];
  let at = 0;
  const step = (): number => (at += 1 + random(4));
  const registers = [reg.rbx, reg.rbp, reg.rsi, reg.rdi, reg.r12, reg.r13, reg.r14, reg.r15].filter(() => random(3) > 0);
  const isInterrupted = random(8) === 0;
  if (isInterrupted) codes.unshift(operation.machine(0, random(2) === 0));
  const pushed = registers.splice(0, random(registers.length + 1));
  for (const register of pushed) codes.unshift(operation.push(step(), register));
  const bytes = (1 + random(60)) * 8;
  if (random(4) > 0) codes.unshift(random(3) === 0 ? operation.huge(step(), bytes * 100) : bytes <= 128 ? operation.small(step(), bytes) : operation.large(step(), bytes));
  // A frame register must have been saved before it is one.
  const frame = random(2) === 0 ? pushed.find((register) => register === reg.rbp || register === reg.r13) : undefined;
  if (frame !== undefined) codes.unshift(operation.frame(step()));
  const distance = random(16) * 16;
  for (const register of registers.splice(0, 2)) codes.unshift(random(3) === 0 ? operation.saveFar(step(), register, bytes + random(8) * 8) : operation.save(step(), register, bytes + random(8) * 8));
  if (random(3) === 0) codes.unshift(operation.xmm(step(), 6, 16));
  const parent = unwindInfo({ codes, prolog: at + random(2), frame: [frame ?? 0, frame === undefined ? 0 : distance] });
  const more = registers.map((register, i) => operation.save(2 + i, register, bytes + 0x100 + i * 8)).toReversed();
  const part = unwindInfo({ codes: more, chain: [codeRva, codeRva + 0x40, xdataRva], frame: [frame ?? 0, frame === undefined ? 0 : distance] });
  return x64Image({ functions: [[0, 0x40, 0], [0x80, 0xa0, parent.length]], xdata: Buffer.concat([parent, part]) });
}

it("unwinds random frames as the machine does, at each byte", () => {
  for (let number = 0; number < 2000; number++) {
    const file = randomProgram(number);
    const compiled = compilePe(file);
    const image = imageOf(file);
    const entries = entriesOf(image);
    const different = entries.flatMap((entry) =>
      Array.from({ length: entry.end - entry.start }, (_, i) => entry.start + i).flatMap((rva) => {
        const machine = textOf(unwind(image, entries, entry, rva));
        const rows = textOf(byRows(compiled, rva));
        return machine === rows ? [] : [`${number}: ${rva.toString(16)} machine ${machine}; rows ${rows}`];
      }),
    );
    expect(different).toEqual([]);
  }
});
