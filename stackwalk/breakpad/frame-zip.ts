// Zips the two outputs of one thread into frames.
//
// Both are printed from the same list, so the n-th line of `-m` and the n-th
// block of the other are the same frame; a count that differs means that a
// name in the dump forged a line, and the caller gives the walk up.
//
// Addresses: `-m` prints only offsets (from the line, the function or the
// module), so the address comes from the program counter among the registers.
// For callers that register is the return address, while Breakpad looks names
// up one instruction earlier, in the call (StackFrame::instruction). Reports
// carry the address of the call, as rust-minidump's do. What `-m` prints for
// a caller is the return address on x86 and amd64 (they override
// StackFrame::ReturnAddress) and the address of the call elsewhere; offsets
// here are corrected to the call.
import type { Frame, InlineFrame } from "../report.ts";
import type { UnloadedModule } from "../minidump/model.ts";
import { baseName } from "../minidump/module-list.ts";
import type { HumanFrame } from "./human-output.ts";
import { stripSeparators, type MachineFrame, type MachineModule } from "./machine-output.ts";

/** What is known of a processor: its program counter, how far before a return address the call is taken to be, and whether `-m` prints return addresses. */
type Processor = { readonly counter: string; readonly callBytes: bigint; readonly printsReturn: boolean };

const processors: { readonly [cpu: string]: Processor } = {
  x86: { counter: "eip", callBytes: 1n, printsReturn: true },
  amd64: { counter: "rip", callBytes: 1n, printsReturn: true },
  arm: { counter: "pc", callBytes: 2n, printsReturn: false },
  arm64: { counter: "pc", callBytes: 4n, printsReturn: false },
  riscv: { counter: "pc", callBytes: 4n, printsReturn: false },
  riscv64: { counter: "pc", callBytes: 4n, printsReturn: false },
};

/** How much more than the offset from the call Breakpad's `-m` prints for a frame. */
export function printedExcess(cpu: string | null, trust: string): bigint {
  const processor = processors[cpu ?? ""];
  return processor?.printsReturn && trust !== "context" ? processor.callBytes : 0n;
}

/** What frames of every thread are made with. */
export type Surroundings = {
  readonly cpu: string;
  /** The walker's modules; frames refer to them by index. */
  readonly modules: readonly MachineModule[];
  /** Whole base names of `modules`, which the walker prints without bars. */
  readonly names: readonly string[];
  readonly unloaded: readonly UnloadedModule[];
};

/** A frame with the index of its module among the walker's, or -1. */
export type ZippedFrame = { readonly frame: Frame; readonly moduleIndex: number };

/** The frames of a thread, or null when the outputs are not about the same frames. */
export function zipFrames(machine: readonly MachineFrame[], human: readonly HumanFrame[], around: Surroundings): ZippedFrame[] | null {
  if (machine.length !== human.length) return null;
  const zipped: ZippedFrame[] = [];
  let inlines: InlineFrame[] = [];
  for (const [i, line] of machine.entries()) {
    const block = human[i];
    if (!block) return null;
    const name = wholeFunctionName(i, line, block.heading);
    if (block.trust === "inline") {
      inlines.push(inlineFrame(name, line));
      continue;
    }
    const frame = physicalFrame(zipped.length, name, line, block, inlines, around);
    if (!frame) return null;
    zipped.push(frame);
    inlines = [];
  }
  return inlines.length === 0 ? zipped : null;
}

function inlineFrame(name: string, line: MachineFrame): InlineFrame {
  const offset = hex(line.offset);
  const place = { function: name, file: line.file || null, line: lineNumber(line) };
  return line.file === "" ? { ...place, function_offset: offset } : { ...place, line_offset: offset };
}

function physicalFrame(
  index: number,
  name: string,
  line: MachineFrame,
  block: HumanFrame,
  inlines: readonly InlineFrame[],
  around: Surroundings,
): ZippedFrame | null {
  const trust = block.trust === "inline" ? "none" : block.trust;
  const offset = line.offset - printedExcess(around.cpu, trust);
  const address = instruction(line, block, trust, offset, around.cpu);
  if (address === null) return null;
  const named = line.function !== "";
  const moduleIndex = loadedModule(line, address, named ? null : address - offset, around);
  const base = around.modules[moduleIndex]?.base;
  const gone = line.module !== "" && moduleIndex < 0 ? unloadedModule(line.module, address, around.unloaded) : null;
  const frame: Frame = {
    frame: index,
    offset: hex(address),
    module: gone || line.module === "" ? null : (around.names[moduleIndex] ?? line.module),
    module_offset: base === undefined ? null : hex(address - base),
    function: named ? name : null,
    function_offset: named && line.file === "" ? hex(offset) : null,
    file: line.file || null,
    line: lineNumber(line),
    ...(line.file === "" ? {} : { line_offset: hex(offset) }),
    inlines: inlines.length > 0 ? inlines : null,
    unloaded_modules: gone ? [{ module: baseName(gone.codeFile), offsets: [hex(address - BigInt(gone.base))] }] : null,
    // The caller knows which modules had symbols.
    missing_symbols: false,
    trust,
    ...(trust === "context" ? { registers: block.registers } : {}),
  };
  return { frame, moduleIndex };
}

/** The address of the frame's instruction; null when neither output tells it. */
function instruction(line: MachineFrame, block: HumanFrame, trust: string, offset: bigint, cpu: string): bigint | null {
  const processor = processors[cpu];
  const counter = block.registers[processor?.counter ?? "pc"];
  if (counter !== undefined) return BigInt(counter) - (trust === "context" ? 0n : (processor?.callBytes ?? 0n));
  // Without a module the printed offset is the address itself.
  return line.module === "" ? offset : null;
}

/** The index of the loaded module of that name that holds the address; `base`, where known, tells apart modules that overlap. */
function loadedModule(line: MachineFrame, address: bigint, base: bigint | null, { modules }: Surroundings): number {
  if (line.module === "") return -1;
  let found = -1;
  for (const [i, module] of modules.entries()) {
    if (module.name !== line.module || address < module.base || address > module.last) continue;
    if (base === null || module.base === base) found = i;
  }
  return found;
}

function unloadedModule(name: string, address: bigint, unloaded: readonly UnloadedModule[]): UnloadedModule | null {
  const holds = (module: UnloadedModule): boolean => BigInt(module.base) <= address && address < BigInt(module.base + module.size);
  return unloaded.find((module) => stripSeparators(baseName(module.codeFile)) === name && holds(module)) ?? null;
}

/** The function's name with its bars: `-m` prints `operator||` as `operator`, the other output whole. */
function wholeFunctionName(index: number, line: MachineFrame, heading: string): string {
  const start = `${String(index).padStart(2)}  ${line.module}!`;
  const offset = ` + ${hex(line.offset)}`;
  const end = line.file === "" ? offset : ` [${baseName(line.file)} : ${line.line}${offset}]`;
  if (!heading.startsWith(start) || !heading.endsWith(end)) return line.function;
  const name = heading.slice(start.length, heading.length - end.length);
  return stripSeparators(name) === line.function ? name : line.function;
}

function lineNumber(line: MachineFrame): number | null {
  return line.file === "" ? null : Number(line.line);
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
