// Crashes of real ARM code against the truth: each function of the program
// fixtures/arm/nest.cpp noted where it was to return to when it was entered. It
// ran under an emulator of processes (qemu-user), and was stripped, so that on
// 32 bits nothing but ARM's own unwind tables tells how to unwind it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { CpuContext, MemoryView } from "../../stackwalk/minidump/model.ts";
import { ModuleMap } from "../../stackwalk/unwind/module-map.ts";
import type { ProcessView } from "../../stackwalk/unwind/process-view.ts";
import { walkThread } from "../../stackwalk/unwind/unwind.ts";
import { cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";
import { registerFiles, registerNumber } from "../../symbols/registers.ts";

const out = path.join(import.meta.dirname, "../../fixtures/out/arm");

/** What the program said when it crashed. */
type Recording = { readonly registers: readonly (readonly [name: string, value: bigint])[]; readonly base: number; readonly stackBase: number; readonly stack: Buffer; readonly returns: readonly string[] };

function readRecording(name: string): Recording {
  const lines = readFileSync(path.join(out, `${name}.txt`), "utf8").trimEnd().split("\n").map((line) => line.split(" "));
  const rest = new Map(lines.slice(-3).map(([key, ...values]) => [key!, values]));
  const [stackBase, stack] = rest.get("stack")!;
  return {
    registers: lines.slice(0, -3).map(([register, value]) => [register!, BigInt(`0x${value}`)]),
    base: Number.parseInt(rest.get("base")![0]!, 16),
    stackBase: Number.parseInt(stackBase!, 16),
    stack: Buffer.from(stack!, "hex"),
    returns: rest.get("returns")!,
  };
}

/** The frames that a walk finds, as trust and address; callers with the address that they return to. */
function walk(name: string, arch: "arm" | "arm64"): string[] {
  const recording = readRecording(name);
  const file = registerFiles[arch];
  const words = new Uint32Array(file.names.length * 2);
  for (const [register, value] of recording.registers) {
    const number = registerNumber(file, register)!;
    words[number * 2] = Number(value & 0xffff_ffffn);
    words[number * 2 + 1] = Number(value >> 32n);
  }
  const context: CpuContext = { arch, words, valid: Uint32Array.of(0xffff_ffff, 0xffff_ffff) };
  const compiled = compileSymbolFiles([path.join(out, name)]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  const symbols = cacheOfBytes(name, compiled.value);
  const { stack, stackBase, base } = recording;
  const memory: MemoryView = { base: stackBase, size: stack.length, view: new DataView(stack.buffer, stack.byteOffset, stack.length), little: true };
  const process: ProcessView = {
    arch,
    os: "linux",
    modules: new ModuleMap([{ codeFile: `/opt/${name}`, base, size: 0x20000, timestamp: 0, checksum: 0, debugFile: name, debugId: null, codeId: null, version: null }]),
    symbols: () => symbols,
    memory: { regions: [], at: () => memory },
    addressSpace: null,
    faultAddress: 0,
    code: () => null,
  };
  const { frames } = walkThread(process, context, memory, { maxFrames: 100, why: false });
  return frames.map(({ trust, high, low }, i) => `${trust} ${(high * 2 ** 32 + low + (i === 0 ? 0 : arch === "arm" ? 2 : 4)).toString(16)}`);
}

describe("every frame is found by the file's own rules", () => {
  it.each([
    ["thumb", "arm"],
    ["thumb-frames", "arm"],
    ["arm", "arm"],
    ["arm-frames", "arm"],
    ["aarch64", "arm64"],
    // Return addresses are signed.
    ["aarch64-pac", "arm64"],
  ] as const)("%s", (name, arch) => {
    const { registers, returns } = readRecording(name);
    const pc = registers.at(-1)![1].toString(16);
    expect(new Set(returns).size).toBeGreaterThan(10);
    expect(walk(name, arch).slice(0, returns.length + 1)).toEqual([`context ${pc}`, ...returns.map((address) => `cfi ${address}`)]);
  });
});
