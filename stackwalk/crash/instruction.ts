// What the failing instruction was and what it tried to touch, in terms that
// serve every architecture. The decoders beside this file answer in them.
import type { CpuContext } from "../minidump/model.ts";
import { registerFiles, registerNumber } from "../../symbols/registers.ts";
import { word } from "./word.ts";

/** An address that an instruction formed. */
export type AddressOperand = {
  readonly address: bigint;
  /** True when the register that it started from held zero: the address is an offset from a null pointer. */
  readonly nullBase: boolean;
};

/** A memory access of an instruction. */
export type InstructionAccess = AddressOperand & {
  /** Bytes; null when the instruction does not say. */
  readonly size: number | null;
  readonly type: "read" | "write" | "readwrite";
};

/** Where an instruction sends the program: an address, `next` for the instruction after it, or null when that cannot be told. */
export type InstructionTarget = AddressOperand | "next" | null;

/** A decoded instruction, with the addresses that it formed from the registers of the crash. */
export type Instruction = {
  /** Its text, in the spelling of yaxpeax-x86 (x86) or of Arm's manual (arm64). */
  readonly text: string;
  /** Null when a register or segment that it needs is not known; empty when it touches no memory. */
  readonly accesses: readonly InstructionAccess[] | null;
  readonly target: InstructionTarget;
  /** Registers that addresses were formed from, sorted. */
  readonly addressRegisters: readonly string[];
  /** Whether `accesses` is known to be complete, implied ones too, so that a missing access contradicts the report. */
  readonly complete: boolean;
  readonly divides: boolean;
  readonly privileged: boolean;
  /** Whether only a non-canonical address can make it fail with a general protection fault. */
  readonly faultsOnlyWhenNonCanonical: boolean;
};

/** Reads a pointer of the dead process; null when its bytes are not in the dump. */
export type PointerReader = (address: bigint) => bigint | null;

/** What a decoder is given. */
export type InstructionInput = {
  /** Bytes from the instruction pointer on, as many as the dump has, 16 at most. */
  readonly bytes: Uint8Array;
  readonly context: CpuContext;
  readonly readPointer: PointerReader;
  /** Bases of the segments fs and gs; null where they are not known. */
  readonly segments: { readonly fs: bigint | null; readonly gs: bigint | null };
};

/** A register by number; null when the context does not hold it. */
export function registerAt(context: CpuContext, number: number): bigint | null {
  const valid = (context.valid[number >>> 5]! >>> (number & 31)) & 1;
  return valid ? word(context.words[number * 2]!, context.words[number * 2 + 1]!) : null;
}

/** A register by its full name; null when the context does not hold it or there is none of that name. */
export function registerNamed(context: CpuContext, name: string): bigint | null {
  const number = registerNumber(registerFiles[context.arch], name);
  return number === undefined ? null : registerAt(context, number);
}
