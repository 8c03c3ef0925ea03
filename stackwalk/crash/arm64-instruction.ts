// The failing instruction of an arm64 program. The decoder knows what can fail
// by an address or by itself: loads and stores (arm64-load-store.ts), branches,
// and the instructions that stop a program. Anything else has no text, rather
// than a wrong one. No peer of ours reads arm64 at all.
import { registerFiles } from "../../symbols/registers.ts";
import type { CpuContext } from "../minidump/model.ts";
import { field, general, immediate, loadStore, signedField, type Arm64Address, type LoadStore } from "./arm64-load-store.ts";
import { registerAt, type AddressOperand, type Instruction, type InstructionInput, type InstructionTarget } from "./instruction.ts";
import { wrap } from "./word.ts";

const plain = { addressRegisters: [], complete: true, divides: false, privileged: false, faultsOnlyWhenNonCanonical: false };

/** Decodes and analyses the first instruction of the bytes; null for one that is not known here and for less than four bytes. */
export function arm64Instruction(input: InstructionInput): Instruction | null {
  const { bytes, context } = input;
  if (bytes.length < 4) return null;
  const code = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  const memory = loadStore(code);
  if (memory) return fromLoadStore(memory, context);
  return stop(code) ?? branch(code, context);
}

function fromLoadStore(memory: LoadStore, context: CpuContext): Instruction {
  const operand = addressOf(memory.address, context);
  const { base, index } = memory.address;
  const names = registerFiles.arm64.names;
  const used = [base, index?.register ?? null].flatMap((number) => (number === null || (number === 31 && number !== base) ? [] : [names[number]!]));
  const accesses = memory.type === null ? [] : operand && [{ ...operand, size: memory.size, type: memory.type }];
  return { ...plain, text: memory.text, accesses, target: "next", addressRegisters: [...new Set(used)].toSorted() };
}

function addressOf(address: Arm64Address, context: CpuContext): AddressOperand | null {
  const base = registerAt(context, address.base ?? registerFiles.arm64.pc);
  if (base === null) return null;
  const nullBase = address.base !== null && base === 0n;
  if (!address.index) return { address: wrap(base + BigInt(address.offset)), nullBase };
  const { register, extend, shift } = address.index;
  const index = register === 31 ? 0n : registerAt(context, register);
  if (index === null) return null;
  const widened = extend === "uxtw" ? BigInt.asUintN(32, index) : extend === "sxtw" ? BigInt.asIntN(32, index) : index;
  return { address: wrap(base + (widened << BigInt(shift))), nullBase };
}

/** Instructions that stop the program or ask the system: brk, svc, hvc, smc, hlt, udf. */
const stops: { readonly [opcode: number]: string } = { 0x01: "svc", 0x02: "hvc", 0x03: "smc", 0x20: "brk", 0x40: "hlt" };

function stop(code: number): Instruction | null {
  // Compilers put a brk where an integer was divided by zero, which the processor itself does not mind.
  const facts = { ...plain, accesses: [], target: "next", divides: true, privileged: true } as const;
  if (code >>> 16 === 0) return { ...facts, text: `udf ${immediate(code)}` };
  if (code >>> 24 !== 0xd4 || field(code, 2, 3) !== 0) return null;
  const name = stops[(field(code, 21, 3) << 5) | field(code, 0, 2)];
  return name === undefined ? null : { ...facts, text: `${name} ${immediate(field(code, 5, 16))}` };
}

const conditions = ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"];

function branch(code: number, context: CpuContext): Instruction | null {
  const direct = directBranch(code);
  if (direct !== null) return { ...plain, text: direct, accesses: [], target: null };
  if (code === 0xd503201f) return { ...plain, text: "nop", accesses: [], target: "next" };
  return code >>> 25 === 0b1101011 ? registerBranch(code, context) : null;
}

function directBranch(code: number): string | null {
  const wide = code >>> 31 === 1;
  if (field(code, 26, 5) === 0b00101) return `${wide ? "bl" : "b"} ${immediate(signedField(code, 0, 26) * 4)}`;
  const register = field(code, 0, 5);
  const inverted = field(code, 24, 1) === 1 ? "nz" : "z";
  if (field(code, 25, 6) === 0b011010) return `cb${inverted} ${general(register, wide)}, ${immediate(signedField(code, 5, 19) * 4)}`;
  if (field(code, 25, 6) === 0b011011) {
    const bit = (field(code, 31, 1) << 5) | field(code, 19, 5);
    return `tb${inverted} ${general(register, wide)}, ${immediate(bit)}, ${immediate(signedField(code, 5, 14) * 4)}`;
  }
  return code >>> 24 === 0x54 && field(code, 4, 1) === 0 ? `b.${conditions[field(code, 0, 4)]!} ${immediate(signedField(code, 5, 19) * 4)}` : null;
}

const registerBranches = ["br", "blr", "ret"];

/** br, blr, ret, and their forms that check a signed pointer with key A or B. */
function registerBranch(code: number, context: CpuContext): Instruction | null {
  const kind = field(code, 21, 4);
  const name = registerBranches[kind & 7];
  const number = field(code, 5, 5);
  const [check, modifier] = [field(code, 10, 6), field(code, 0, 5)];
  if (name === undefined || field(code, 16, 5) !== 31) return null;
  if (kind < 8 && check === 0 && modifier === 0) {
    const shown = name === "ret" && number === 30 ? "ret" : `${name} ${general(number, true)}`;
    return { ...plain, text: shown, accesses: [], target: pointTo(context, number, false) };
  }
  if (check !== 2 && check !== 3) return null;
  const key = check === 2 ? "aa" : "ab";
  if (kind === 2 && number === 31 && modifier === 31) return { ...plain, text: `ret${key}`, accesses: [], target: pointTo(context, 30, true) };
  if (kind < 2 && modifier === 31) return { ...plain, text: `${name}${key}z ${general(number, true)}`, accesses: [], target: pointTo(context, number, true) };
  if (kind !== 8 && kind !== 9) return null;
  const salt = modifier === 31 ? "sp" : general(modifier, true);
  return { ...plain, text: `${name}${key} ${general(number, true)}, ${salt}`, accesses: [], target: pointTo(context, number, true) };
}

/** Where a register points; the signature of a signed pointer, in its upper bits, is no part of that. */
function pointTo(context: CpuContext, number: number, signed: boolean): InstructionTarget {
  const value = number === 31 ? 0n : registerAt(context, number);
  if (value === null) return null;
  const address = signed ? BigInt.asUintN(48, value) : value;
  return { address, nullBase: address === 0n };
}
