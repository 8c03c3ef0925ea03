// The failing instruction of an x86 or amd64 program: its text, what memory it
// touched and where it sends the program.
//
// Accesses are those of the operands, in their order, then the stack slot that
// call, push, pop and ret imply. rust-minidump leaves three things wrong that
// are right here: an address relative to rip counts from the next instruction;
// an address in fs or gs counts from the thread's block, and is not known
// where the block is not; reads and writes are told for every instruction and
// not for a list of common ones.
import type { Decoder, Instruction as IcedInstruction } from "iced-x86";
import { registerFiles, registerNumber } from "../../symbols/registers.ts";
import type { CpuContext } from "../minidump/model.ts";
import { registerAt, type AddressOperand, type Instruction, type InstructionAccess, type InstructionInput, type InstructionTarget } from "./instruction.ts";
import { wrap } from "./word.ts";
import { iced as loadIced, type Iced } from "./x86-decoder.ts";
import { impliedRegister, registerName, x86Text } from "./x86-text.ts";

/** Instructions whose accesses, the implied ones too, are all known here. */
const completeOnes = new Set(["add", "call", "cmp", "dec", "inc", "jmp", "lea", "mov", "movaps", "movups", "pop", "push", "ret", "retf", "sub", "ucomiss"]);

/** What an operating system reports as a privileged instruction in user space. `mov` is among them for control and debug registers. */
const privilegedOnes = new Set([
  "cli", "clts", "hlt", "in", "insb", "insw", "insd", "int", "int1", "int3", "into", "invd", "invept", "invlpg", "invvpid", "iret", "iretd", "iretq", "lgdt",
  "lidt", "lldt", "lmsw", "ltr", "monitor", "mov", "mwait", "out", "outsb", "outsw", "outsd", "rdmsr", "rdpmc", "rdtsc", "rdtscp", "retf", "sti", "swapgs",
  "sysexit", "sysexitq", "sysret", "sysretq", "vmcall", "vmclear", "vmlaunch", "vmptrld", "vmptrst", "vmread", "vmresume", "vmwrite", "vmxoff", "vmxon",
  "wbinvd", "wrmsr", "xsetbv",
]); // prettier-ignore

/** Decodes and analyses the first instruction of the bytes; null when they are none, or only the beginning of one. */
export function x86Instruction(input: InstructionInput): Instruction | null {
  const iced = loadIced();
  const bits = input.context.arch === "x86" ? 32 : 64;
  const decoder: Decoder = new iced.Decoder(bits, input.bytes, iced.DecoderOptions.None);
  const decoded = decoder.decode();
  try {
    return decoded.mnemonic === iced.Mnemonic.INVALID ? null : analyse(iced, decoded, input, bits);
  } finally {
    // Both live in WebAssembly's memory, where nothing is collected.
    decoded.free();
    decoder.free();
  }
}

function analyse(iced: Iced, decoded: IcedInstruction, input: InstructionInput, bits: 32 | 64): Instruction {
  const name = iced.Mnemonic[decoded.mnemonic]!.toLowerCase();
  const operands = addressOperands(iced, decoded, input, bits);
  const conditional = decoded.flowControl === iced.FlowControl.ConditionalBranch;
  const complete = completeOnes.has(name) || (conditional && /^j[a-z]+$/.test(name) && !name.endsWith("cxz"));
  return {
    text: x86Text(iced, decoded, bits),
    accesses: operands && accessesOf(iced, decoded, operands, name, input.context),
    target: targetOf(iced, decoded, operands, input, bits),
    addressRegisters: addressRegisters(iced, decoded),
    complete,
    divides: name === "div" || name === "idiv",
    privileged: privilegedOnes.has(name),
    faultsOnlyWhenNonCanonical: complete && name !== "movaps",
  };
}

/** The address of each operand by its index; null when one of them cannot be told. */
function addressOperands(iced: Iced, decoded: IcedInstruction, input: InstructionInput, bits: 32 | 64): Map<number, AddressOperand> | null {
  const found = new Map<number, AddressOperand>();
  for (let index = 0; index < decoded.opCount; index++) {
    const kind = decoded.opKind(index);
    if (kind < iced.OpKind.MemorySegSI) continue;
    const operand = addressOf(iced, decoded, kind, input, bits);
    if (!operand) return null;
    found.set(index, operand);
  }
  return found;
}

function addressOf(iced: Iced, decoded: IcedInstruction, kind: number, input: InstructionInput, bits: 32 | 64): AddressOperand | null {
  const segment = segmentBase(iced, decoded, kind, input);
  if (segment === null) return null;
  const implied = impliedRegister(iced, kind);
  if (implied !== null) {
    const value = registerValue(input.context, implied);
    return value === null ? null : { address: sized(segment + value, bits), nullBase: value === 0n };
  }
  if (decoded.isIpRelMemoryOperand) {
    // Decoded at 0, so that the displacement is relative to the start of this instruction.
    const here = registerAt(input.context, registerFiles[input.context.arch].pc);
    return here === null ? null : { address: sized(segment + here + decoded.memoryDisplacementU64, bits), nullBase: false };
  }
  return sum(iced, decoded, segment, input, bits);
}

function sum(iced: Iced, decoded: IcedInstruction, segment: bigint, input: InstructionInput, bits: 32 | 64): AddressOperand | null {
  const none = iced.Register.None;
  const base = decoded.memoryBase === none ? 0n : registerValue(input.context, registerName(iced, decoded.memoryBase));
  const index = decoded.memoryIndex === none ? 0n : registerValue(input.context, registerName(iced, decoded.memoryIndex));
  if (base === null || index === null) return null;
  const whole = base + index * BigInt(decoded.memoryIndexScale) + decoded.memoryDisplacementU64;
  const either = decoded.memoryBase === none ? decoded.memoryIndex : decoded.memoryBase;
  const narrow = either !== none && iced.RegisterExt.size(either) < 8;
  return { address: sized(segment + (narrow ? BigInt.asUintN(iced.RegisterExt.size(either) * 8, whole) : whole), bits), nullBase: decoded.memoryBase !== none && base === 0n };
}

function sized(address: bigint, bits: 32 | 64): bigint {
  return BigInt.asUintN(bits, address);
}

/** What the operand's segment adds: nothing for all but fs and gs, and null where those are not known. */
function segmentBase(iced: Iced, decoded: IcedInstruction, kind: number, input: InstructionInput): bigint | null {
  if (kind >= iced.OpKind.MemoryESDI && kind <= iced.OpKind.MemoryESRDI) return 0n;
  if (decoded.segmentPrefix === iced.Register.FS) return input.segments.fs;
  return decoded.segmentPrefix === iced.Register.GS ? input.segments.gs : 0n;
}

/** A register of 64, 32 or 16 bits by the name that addresses use; null for any other, and where the context does not hold it. */
function registerValue(context: CpuContext, name: string): bigint | null {
  const file = registerFiles[context.arch];
  const exact = registerNumber(file, name);
  if (exact !== undefined) return registerAt(context, exact);
  const [bytes, whole] = /^r\d+d$/.test(name) ? [4, name.slice(0, -1)] : name.startsWith("e") ? [4, `r${name.slice(1)}`] : [2, `${context.arch === "x86" ? "e" : "r"}${name}`];
  const number = registerNumber(file, whole);
  const value = number === undefined ? null : registerAt(context, number);
  return value === null ? null : BigInt.asUintN(bytes * 8, value);
}

function addressRegisters(iced: Iced, decoded: IcedInstruction): string[] {
  const names = new Set<string>();
  for (let index = 0; index < decoded.opCount; index++) {
    const kind = decoded.opKind(index);
    const implied = impliedRegister(iced, kind);
    if (implied !== null) names.add(implied);
    if (kind !== iced.OpKind.Memory || decoded.isIpRelMemoryOperand) continue;
    for (const register of [decoded.memoryBase, decoded.memoryIndex]) if (register !== iced.Register.None) names.add(registerName(iced, register));
  }
  return [...names].toSorted();
}

function accessesOf(iced: Iced, decoded: IcedInstruction, operands: ReadonlyMap<number, AddressOperand>, name: string, context: CpuContext): InstructionAccess[] {
  const size = iced.MemorySizeExt.size(decoded.memorySize) || null;
  const accesses: InstructionAccess[] = [];
  const factory = new iced.InstructionInfoFactory();
  const info = factory.info(decoded);
  for (const [index, operand] of operands) {
    const type = accessType(iced, info.opAccess(index));
    if (type) accesses.push({ ...operand, size, type });
  }
  info.free();
  factory.free();
  const stack = stackAccess(decoded, name, context);
  if (stack) accesses.push(stack);
  return accesses;
}

/** What is done to memory; null for an operand whose address is only computed, as `lea` does. */
function accessType(iced: Iced, access: number): InstructionAccess["type"] | null {
  const kinds = iced.OpAccess;
  switch (access) {
    case kinds.Read:
    case kinds.CondRead:
      return "read";
    case kinds.Write:
    case kinds.CondWrite:
      return "write";
    case kinds.ReadWrite:
    case kinds.ReadCondWrite:
      return "readwrite";
    default:
      return null;
  }
}

/** The slot that a call or push writes, or that a pop or ret reads. */
function stackAccess(decoded: IcedInstruction, name: string, context: CpuContext): InstructionAccess | null {
  const pushes = name === "call" || name === "push";
  if (!pushes && name !== "pop" && name !== "ret" && name !== "retf") return null;
  const file = registerFiles[context.arch];
  const pointer = registerAt(context, file.sp);
  if (pointer === null) return null;
  const moved = Math.abs(decoded.stackPointerIncrement);
  const size = name === "push" || name === "pop" ? moved || file.wordBytes : name === "retf" ? file.wordBytes + 2 : file.wordBytes;
  const address = wrap(pushes ? pointer - BigInt(size) : pointer);
  return { address: sized(address, file.wordBytes === 4 ? 32 : 64), size, type: pushes ? "write" : "read", nullBase: address === 0n };
}

/** Where call, jmp and ret send the program. Direct branches are not worth an address: they are right. */
function targetOf(iced: Iced, decoded: IcedInstruction, operands: ReadonlyMap<number, AddressOperand> | null, input: InstructionInput, bits: 32 | 64): InstructionTarget {
  const flow = iced.FlowControl;
  switch (decoded.flowControl) {
    case flow.IndirectBranch:
    case flow.IndirectCall: {
      const operand = operands?.get(0);
      const address = decoded.opKind(0) === iced.OpKind.Register ? registerValue(input.context, registerName(iced, decoded.op0Register)) : operand ? input.readPointer(operand.address) : null;
      return pointTo(address, bits);
    }
    case flow.Return: {
      const pointer = registerAt(input.context, registerFiles[input.context.arch].sp);
      return pointer === null ? null : pointTo(input.readPointer(pointer), bits);
    }
    case flow.UnconditionalBranch:
    case flow.ConditionalBranch:
    case flow.Call:
    case flow.XbeginXabortXend:
      return null;
    default:
      return "next";
  }
}

function pointTo(address: bigint | null, bits: 32 | 64): InstructionTarget {
  return address === null ? null : { address: sized(address, bits), nullBase: address === 0n };
}
