// The failing instruction of an x86 or amd64 program: its text, what memory it
// touched and where it sends the program.
//
// Accesses are those of the operands, in their order, then the stack slot that
// call, push, pop and ret imply. rust-minidump leaves three things wrong that
// are right here: an address relative to rip counts from the next instruction;
// an address in fs or gs counts from the thread's block, and is not known
// where the block is not; reads and writes are told for every instruction and
// not for a list of common ones.
import { registerFiles, registerNumber } from "../../symbols/registers.ts";
import type { CpuContext } from "../minidump/model.ts";
import { registerAt, type AddressOperand, type Instruction, type InstructionAccess, type InstructionInput, type InstructionTarget } from "./instruction.ts";
import { decodeX86, type X86Decoded } from "./x86-decoder.ts";
import type { X86Memory } from "./x86-operands.ts";
import { x86Text } from "./x86-text.ts";

/** Instructions whose accesses, the implied ones too, are all known here. Conditional jumps, which touch none, belong to them. */
const completeOnes = /^(add|call|cmp|dec|inc|jmpf?|lea|mov|movaps|movups|pop|push|retf?|sub|ucomiss|j(o|no|b|nb|z|nz|a|na|s|ns|p|np|l|ge|g|le))$/;

/** What an operating system reports as a privileged instruction in user space. `mov` is among them for control and debug registers. */
const privilegedOnes = /^(cli|clts|hlt|in|ins|int|into|invd|iret[dq]?|mov|out|outs|rdmsr|rdpmc|rdtscp?|retf|sti|swapgs|sysexit|sysret|wbinvd|wrmsr|xsetbv)$/;

/** Instructions that only read their first operand. */
const readers = /^(cmp|test|bt|push|call|jmp|callf|jmpf|i?mul|i?div|v?u?comis[sd]|v?ptest|vtestp[sd]|fxrstor|xrstor|xrstors|v?ldmxcsr|f(add|mul|com|comp|sub|subr|div|divr|ld|ldenv|ldcw|rstor)|fi(add|mul|com|comp|sub|subr|div|divr|ld)|fbld|cmps|scas|lods|outs)$/;

/** Instructions that read and write their first operand. */
const changers = /^(add|or|adc|sbb|and|sub|xor|inc|dec|neg|not|rol|ror|rcl|rcr|shl|shr|sal|sar|shld|shrd|xchg|xadd|cmpxchg|cmpxchg8b|cmpxchg16b|bts|btr|btc)$/;

/** Instructions whose operand in memory is not touched. */
const idle = /^(lea|nop|prefetch.*|clflush|clflushopt|clwb)$/;

/** Instructions whose operands in memory are all read, whatever their place. */
const readsAll = /^(cmps|lods|outs|scas)$/;

/** Decodes and analyses the first instruction of the bytes; null when they are none, or only the beginning of one. */
export function x86Instruction(input: InstructionInput): Instruction | null {
  const decoded = decodeX86(input.bytes, input.context.arch === "x86" ? 32 : 64);
  if (!decoded) return null;
  const { name } = decoded;
  const operands = addressOperands(decoded, input);
  const complete = completeOnes.test(name);
  return {
    text: x86Text(decoded),
    accesses: operands && accessesOf(decoded, operands, input.context),
    target: targetOf(decoded, operands, input),
    addressRegisters: addressRegisters(decoded),
    complete,
    divides: name === "div" || name === "idiv",
    privileged: privilegedOnes.test(name),
    faultsOnlyWhenNonCanonical: complete && name !== "movaps",
  };
}

function wordBits(context: CpuContext): number {
  return registerFiles[context.arch].wordBytes * 8;
}

/** The address of each operand by its place; null when one of them cannot be told. */
function addressOperands(decoded: X86Decoded, input: InstructionInput): ReadonlyMap<number, AddressOperand> | null {
  const found = new Map<number, AddressOperand>();
  for (const [place, operand] of decoded.operands.entries()) {
    if (operand.kind !== "memory") continue;
    const address = addressOf(operand, decoded.length, input);
    if (!address) return null;
    found.set(place, address);
  }
  return found;
}

function addressOf(memory: X86Memory, length: number, input: InstructionInput): AddressOperand | null {
  const { context, segments } = input;
  const segment = memory.segment === "fs" ? segments.fs : memory.segment === "gs" ? segments.gs : 0n;
  const base = memory.base === null ? 0n : registerValue(context, memory.base);
  const index = memory.index === null ? 0n : registerValue(context, memory.index);
  if (segment === null || base === null || index === null) return null;
  const sum = base + index * BigInt(memory.scale) + memory.displacement + (memory.relative ? BigInt(length) : 0n);
  const nullBase = memory.base !== null && base === 0n && !memory.relative;
  return { address: BigInt.asUintN(wordBits(context), segment + BigInt.asUintN(memory.width * 8, sum)), nullBase };
}

/** A register of 64, 32 or 16 bits by the name that addresses use; null for any other, and where the context does not hold it. */
function registerValue(context: CpuContext, name: string): bigint | null {
  const file = registerFiles[context.arch];
  const exact = registerNumber(file, name);
  if (exact !== undefined) return registerAt(context, exact);
  const long = context.arch === "x86" ? "e" : "r";
  const [bits, whole] = /^r\d+d$/.test(name) ? [32, name.slice(0, -1)] : name.startsWith("e") ? [32, `r${name.slice(1)}`] : [16, `${long}${name}`];
  const number = registerNumber(file, whole);
  const value = number === undefined ? null : registerAt(context, number);
  return value === null ? null : BigInt.asUintN(bits, value);
}

function addressRegisters(decoded: X86Decoded): string[] {
  const names = decoded.operands.flatMap((operand) => (operand.kind === "memory" && !operand.relative ? [operand.base, operand.index] : []));
  return [...new Set(names.filter((name) => name !== null))].toSorted();
}

function accessesOf(decoded: X86Decoded, operands: ReadonlyMap<number, AddressOperand>, context: CpuContext): InstructionAccess[] {
  const accesses: InstructionAccess[] = [];
  for (const [place, address] of operands) {
    if (idle.test(decoded.name)) continue;
    const { size } = decoded.operands[place] as X86Memory;
    accesses.push({ ...address, size: size || null, type: accessType(decoded.name, place) });
  }
  const stack = stackAccess(decoded, context);
  return stack ? [...accesses, stack] : accesses;
}

/** What is done to the memory of an operand: the first is written unless the instruction is known to do something else, the others are read. */
function accessType(name: string, place: number): InstructionAccess["type"] {
  if (changers.test(name) && (place === 0 || name === "xchg")) return "readwrite";
  return place > 0 || readers.test(name) || readsAll.test(name) ? "read" : "write";
}

/** The slot that a call or push writes, or that a pop or ret reads. */
function stackAccess({ name, slot }: X86Decoded, context: CpuContext): InstructionAccess | null {
  const pushes = name === "call" || name === "push";
  if (!pushes && name !== "pop" && name !== "ret" && name !== "retf") return null;
  const file = registerFiles[context.arch];
  const pointer = registerAt(context, file.sp);
  if (pointer === null) return null;
  const size = name === "push" || name === "pop" ? slot : name === "retf" ? file.wordBytes + 2 : file.wordBytes;
  const address = BigInt.asUintN(wordBits(context), pushes ? pointer - BigInt(size) : pointer);
  return { address, size, type: pushes ? "write" : "read", nullBase: address === 0n };
}

const branches = /^(jmpf?|callf?|j[a-z]+|loop[nz]*|xbegin)$/;

/** Where call, jmp and ret send the program. Direct branches are not worth an address: they are right. */
function targetOf(decoded: X86Decoded, operands: ReadonlyMap<number, AddressOperand> | null, input: InstructionInput): InstructionTarget {
  const { name } = decoded;
  const { context } = input;
  if (/^(retf?|iret[dq]?)$/.test(name)) {
    const pointer = registerAt(context, registerFiles[context.arch].sp);
    return pointer === null ? null : pointTo(input.readPointer(pointer), context);
  }
  if (!branches.test(name)) return "next";
  const operand = decoded.operands[0];
  if (operand?.kind === "register") return pointTo(registerValue(context, operand.name), context);
  const memory = operands?.get(0);
  return memory ? pointTo(input.readPointer(memory.address), context) : null;
}

function pointTo(address: bigint | null, context: CpuContext): InstructionTarget {
  return address === null ? null : { address: BigInt.asUintN(wordBits(context), address), nullBase: address === 0n };
}
