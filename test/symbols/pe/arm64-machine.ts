// An arm64 that runs prologs and epilogs: the truth that unwind rows are held
// against. It knows instructions and nothing of unwinding. Before each
// instruction the state is kept; whoever unwinds from it must find the state
// that the function was entered with.
import { registerFiles } from "../../../symbols/registers.ts";
import type { ModuleSymbols } from "../../../symbols/cache/module-symbols.ts";
import { ModuleMap } from "../../../stackwalk/unwind/module-map.ts";
import { frameRegister } from "../../../stackwalk/unwind/thread-stack.ts";
import { walkThread } from "../../../stackwalk/unwind/unwind.ts";

/** One instruction. Registers are x0 to x30 by number, d0 and on from 100. */
export type Step =
  | { readonly kind: "nop" }
  /** sub sp, sp, bytes */
  | { readonly kind: "room"; readonly bytes: number }
  /** add fp, sp, above */
  | { readonly kind: "fp"; readonly above: number }
  /** stp or str at sp + at; with room, after sp was lowered by it. */
  | { readonly kind: "save"; readonly registers: readonly number[]; readonly at: number; readonly room: number };

/** Registers and memory. */
export type Machine = { readonly registers: number[]; sp: number; readonly memory: Map<number, number> };

const FP = 29;
const LR = 30;
const moduleBase = 0x7ff6_1000_0000;
const hostBase = 0x7ff7_2000_0000;
const stackBase = 0x0010_0000;
const stackBytes = 0x1_0000;

/** A machine that was called: each register has a value of its own. */
export function entered(): Machine {
  const registers = Array.from({ length: 132 }, (_, i) => 0x1111_0000 + i);
  registers[LR] = hostBase + 0x1234;
  registers[FP] = stackBase + stackBytes - 64;
  return { registers, sp: stackBase + stackBytes - 256, memory: new Map() };
}

/** Runs an instruction of a prolog. */
export function run(machine: Machine, step: Step): void {
  const { registers, memory } = machine;
  if (step.kind === "room") machine.sp -= step.bytes;
  if (step.kind === "fp") registers[FP] = machine.sp + step.above;
  if (step.kind === "save") {
    machine.sp -= step.room;
    for (const [i, register] of step.registers.entries()) memory.set(machine.sp + step.at + i * 8, registers[register]!);
  }
}

/** Runs the instruction of an epilog that undoes one of a prolog. */
export function runBack(machine: Machine, step: Step): void {
  const { registers, memory } = machine;
  if (step.kind === "room") machine.sp += step.bytes;
  if (step.kind === "fp") machine.sp = registers[FP]! - step.above;
  if (step.kind === "save") {
    for (const [i, register] of step.registers.entries()) registers[register] = memory.get(machine.sp + step.at + i * 8)!;
    machine.sp += step.room;
  }
}

/** Overwrites what a function has saved, as a body does. */
export function clobber(machine: Machine, steps: readonly Step[]): void {
  const saved = steps.flatMap((step) => (step.kind === "save" ? step.registers : []));
  const isChained = steps.some(({ kind }) => kind === "fp");
  for (const register of saved) if (register !== FP || !isChained) machine.registers[register] = 0x2222_0000 + register;
}

/** What a walk says of the caller from the machine's state at `rva`: registers that callees preserve, sp and pc; and the trust. */
export function callerOf(symbols: ModuleSymbols, machine: Machine, rva: number): string {
  const words = new Uint32Array(33 * 2);
  const put = (register: number, value: number): void => {
    words[register * 2] = value >>> 0;
    words[register * 2 + 1] = Math.floor(value / 2 ** 32);
  };
  for (let register = 0; register <= LR; register++) put(register, machine.registers[register]!);
  put(31, machine.sp);
  put(32, moduleBase + rva);
  const view = new DataView(new ArrayBuffer(stackBytes));
  for (const [address, value] of machine.memory) {
    view.setUint32(address - stackBase, value >>> 0, true);
    view.setUint32(address - stackBase + 4, Math.floor(value / 2 ** 32), true);
  }
  const stack = { base: stackBase, size: stackBytes, view, little: true, rva: 0 };
  const modules = [moduleBase, hostBase].map((base, i) => ({ codeFile: `module${i}`, base, size: 0x400_0000, timestamp: 0, checksum: 0, debugFile: null, debugId: null, codeId: null, version: null }));
  const process = {
    arch: "arm64" as const,
    os: "windows",
    modules: new ModuleMap(modules),
    symbols: (index: number) => (index === 0 ? symbols : null),
    memory: { regions: [], at: () => stack },
    addressSpace: null,
    faultAddress: null,
    code: () => null,
  };
  const walked = walkThread(process, { arch: "arm64", words, valid: Uint32Array.of(0xffff_ffff, 1) }, stack, { maxFrames: 2, why: false });
  if (walked.frames.length < 2) return walked.stopped;
  const values = [...registerFiles.arm64.calleeSaved, 31, 32].map((register) => {
    const value = frameRegister(walked, 1, register);
    return value === null ? "?" : (value.high * 2 ** 32 + value.low).toString(16);
  });
  return `${walked.frames[1]!.trust} ${values.join(" ")}`;
}

/** What `callerOf` must say of a function that was entered with this state. */
export function callerAtEntry({ registers, sp }: Machine): string {
  const values = [...registerFiles.arm64.calleeSaved.map((register) => registers[register]!), sp, registers[LR]!];
  return `cfi ${values.map((value) => value.toString(16)).join(" ")}`;
}

/** Runs a function and says where a walk does not find the state that it was entered with: lines, none when all is right. `back` are the steps that its epilog undoes, which it begins `bodyLength` instructions behind the prolog; null without epilog. */
export function wrongPlaces(symbols: ModuleSymbols, start: number, prolog: readonly Step[], bodyLength: number, back: readonly Step[] | null, lowered = 0): string[] {
  const machine = entered();
  const expected = callerAtEntry(machine);
  const wrong: string[] = [];
  let rva = start;
  const look = (what: string): void => {
    const found = callerOf(symbols, machine, rva);
    if (found !== expected) wrong.push(`${what} at +${rva - start}: ${found} and not ${expected}`);
    rva += 4;
  };
  for (const step of prolog) {
    look(`before ${JSON.stringify(step)}`);
    run(machine, step);
  }
  clobber(machine, prolog);
  machine.sp -= lowered;
  for (let i = 0; i < bodyLength; i++) look("in the body");
  for (const step of (back ?? []).toReversed()) {
    look(`before undoing ${JSON.stringify(step)}`);
    runBack(machine, step);
  }
  if (back !== null) look("before returning");
  return wrong;
}
