// A dead process by hand: registers, a stack of named words, modules with
// their symbols, and its walk as text.
import { registerFiles, registerNumber, type Arch } from "../../../symbols/registers.ts";
import type { ModuleSymbols } from "../../../symbols/cache/module-symbols.ts";
import type { AddressSpace, CpuContext, DumpModule, MappedRange, MemoryView } from "../../../stackwalk/minidump/model.ts";
import { ModuleMap } from "../../../stackwalk/unwind/module-map.ts";
import type { ProcessView } from "../../../stackwalk/unwind/process-view.ts";
import { frameRegister, type ThreadStack, type WalkedFrame } from "../../../stackwalk/unwind/thread-stack.ts";
import { walkThread, type WalkOptions } from "../../../stackwalk/unwind/unwind.ts";
import { fakeSymbols, type FakeModule } from "./fake-symbols.ts";

/** A value of a register or a word: a number, exact above 2^53 as bigint, or the name of a place on the stack. */
export type Value = number | bigint | string;

/** What lies on the stack: values, `{ mark }` gives the place of the next one a name, `{ repeat }` fills. */
export type Item = Value | { mark: string } | { repeat: number; value?: Value };

export type FakeModuleAt = { name: string; base: number; size: number; symbols?: FakeModule };

export type Scene = {
  arch: Arch;
  os?: string;
  registers: { [name: string]: Value };
  /** Registers that the context does not have. */
  unknown?: string[];
  stackBase?: number;
  stack?: Item[];
  bigEndian?: boolean;
  modules?: FakeModuleAt[];
  /** Memory ranges that are known. */
  ranges?: Partial<MappedRange>[];
  /** What the crash could not access. */
  faultAddress?: number;
  /** Bytes of code by the address after them. */
  code?: { [addressAfter: number]: number[] };
  options?: Partial<WalkOptions>;
};

export type MadeScene = { process: ProcessView; context: CpuContext; stack: MemoryView; marks: Map<string, number> };

/** Two modules as most tests have them. */
export const twoModules = (first?: FakeModule, second?: FakeModule): FakeModuleAt[] => [
  { name: "module1", base: 0x4000_0000, size: 0x1_0000, ...(first && { symbols: first }) },
  { name: "module2", base: 0x5000_0000, size: 0x1_0000, ...(second && { symbols: second }) },
];

/** Builds the process of a scene. */
export function makeScene(scene: Scene): MadeScene {
  const { arch, stackBase = 0x8000_0000 } = scene;
  const file = registerFiles[arch];
  const { items, marks } = layOut(scene.stack ?? [], stackBase, file.wordBytes);
  const valueOf = (value: Value): bigint => (typeof value === "string" ? BigInt(marks.get(value) ?? fail(`no mark ${value}`)) : BigInt(value));
  const view = new DataView(new ArrayBuffer(items.length * file.wordBytes));
  for (const [i, item] of items.entries()) {
    if (file.wordBytes === 8) view.setBigUint64(i * 8, BigInt.asUintN(64, valueOf(item)), !scene.bigEndian);
    else view.setUint32(i * 4, Number(BigInt.asUintN(32, valueOf(item))), !scene.bigEndian);
  }
  const stack: MemoryView = { base: stackBase, size: view.byteLength, view, little: !scene.bigEndian };
  const modules = scene.modules ?? twoModules();
  const symbols: (ModuleSymbols | null)[] = modules.map((module) => (module.symbols ? fakeSymbols(arch, module.symbols) : null));
  const ranges = (scene.ranges ?? []).map((range): MappedRange => ({ base: 0, size: 0, readable: true, writable: false, executable: false, guard: false, committed: true, name: null, ...range }));
  const addressSpace: AddressSpace | null = scene.ranges
    ? { source: "memory_info", ranges, at: (address) => ranges.find(({ base, size }) => address >= base && address < base + size) ?? null }
    : null;
  return {
    process: {
      arch,
      os: scene.os ?? "linux",
      modules: new ModuleMap(modules.map(asDumpModule)),
      symbols: (index) => symbols[index] ?? null,
      memory: { regions: [{ base: stackBase, size: view.byteLength, rva: 0 }], at: (address) => (address >= stackBase && address < stackBase + view.byteLength ? stack : null) },
      addressSpace,
      faultAddress: scene.faultAddress ?? null,
      code: (address, length) => codeBefore(scene.code ?? {}, address, length),
    },
    context: makeContext(arch, scene, valueOf),
    stack,
    marks,
  };
}

/** Walks a scene. */
export function walkScene(scene: Scene): ThreadStack {
  const { process, context, stack } = makeScene(scene);
  return walkThread(process, context, scene.stack ? stack : null, { maxFrames: 1024, why: false, ...scene.options });
}

/** A walk as lines: position, trust, address, function or module, known registers that were asked for; then why it ended. */
export function walkText(scene: Scene, ...registers: string[]): string[] {
  const stack = walkScene(scene);
  const lines = stack.frames.map((frame, position) => [frameText(frame, scene), ...registers.flatMap((name) => registerText(stack, position, name))].join(" "));
  return [...lines, stack.stopped];
}

function frameText(frame: WalkedFrame, scene: Scene): string {
  const modules = scene.modules ?? twoModules();
  const address = ((BigInt(frame.high) << 32n) | BigInt(frame.low)).toString(16);
  const name = frame.place?.name ?? modules[frame.moduleIndex]?.name ?? "-";
  return `${frame.index} ${frame.trust} ${address} ${name}`;
}

function registerText(stack: ThreadStack, position: number, name: string): string[] {
  const value = frameRegister(stack, position, registerNumber(registerFiles[stack.arch], name)!);
  return value === null ? [] : [`${name}=${((BigInt(value.high) << 32n) | BigInt(value.low)).toString(16)}`];
}

/** Names of the registers that a frame knows. */
export function knownRegisters(stack: ThreadStack, position: number): string[] {
  return registerFiles[stack.arch].names.filter((_, number) => frameRegister(stack, position, number) !== null);
}

function layOut(stack: readonly Item[], base: number, width: number): { items: Value[]; marks: Map<string, number> } {
  const items: Value[] = [];
  const marks = new Map<string, number>();
  for (const item of stack) {
    if (typeof item !== "object") items.push(item);
    else if ("mark" in item) marks.set(item.mark, base + items.length * width);
    else items.push(...Array.from({ length: item.repeat }, () => item.value ?? 0));
  }
  return { items, marks };
}

function makeContext(arch: Arch, scene: Scene, valueOf: (value: Value) => bigint): CpuContext {
  const file = registerFiles[arch];
  const words = new Uint32Array(file.names.length * 2);
  const valid = new Uint32Array(2);
  for (const [number, name] of file.names.entries()) {
    if (!scene.unknown?.includes(name)) valid[number >>> 5]! |= 1 << (number & 31);
  }
  for (const [name, value] of Object.entries(scene.registers)) {
    const number = registerNumber(file, name) ?? fail(`no register ${name}`);
    words[number * 2] = Number(BigInt.asUintN(32, valueOf(value)));
    words[number * 2 + 1] = Number(BigInt.asUintN(32, valueOf(value) >> 32n));
  }
  return { arch, words, valid };
}

function asDumpModule({ name, base, size }: FakeModuleAt): DumpModule {
  return { codeFile: `/lib/${name}`, base, size, timestamp: 0, checksum: 0, debugFile: name, debugId: null, codeId: null, version: null };
}

function codeBefore(code: { [addressAfter: number]: number[] }, address: number, length: number): Uint8Array | null {
  const bytes = code[address + length];
  return bytes === undefined ? null : Uint8Array.from([...Array.from({ length }, () => 0x90), ...bytes].slice(-length));
}

function fail(message: string): never {
  throw new Error(message);
}
