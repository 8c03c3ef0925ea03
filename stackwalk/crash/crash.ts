// Crash analysis: what a dump says of the one moment that matters. An
// exception record, the registers of that moment, the bytes at the instruction
// pointer and the list of mappings become the `crash_info` of the report.
//
// Why more than a table of codes: "SIGSEGV at 0x18" is what everybody sees
// first. That it was a read of four bytes through a null pointer, or the guard
// page below a stack that ran out, or an address with one flipped bit, is in
// the dump too, and saves the person who reads it an hour.
//
// Steps:
//   1. the reason, by the tables of the dump's system (crash-reason.ts);
//   2. the reported address (crash-address.ts);
//   3. the failing instruction, if its bytes are in the dump: text, memory
//      accesses, where it sends the program (instruction.ts and the decoders);
//   4. a better address, if the instruction shows one;
//   5. what the address space says: guard pages, bit flips, contradictions,
//      a stack that ran out.
//
// Every step answers null when it lacks a fact, and the later ones do with
// what there is. Hostile dumps are no special case: registers and addresses
// may be anything, and every lookup is bounded by lists that the reader has
// bounded before.
//
// The rules are rust-minidump's, so that reports can be compared with its own;
// where they differ, the file that differs says so at its top.
//
// To extend: a system's codes are data files; an architecture is a decoder
// that answers with an `Instruction`.
import { registerFiles } from "../../symbols/registers.ts";
import type { CpuContext, DumpThread, Minidump } from "../minidump/model.ts";
import type { BitFlip, CrashInfo, MemoryAccess } from "../report.ts";
import { arm64Instruction } from "./arm64-instruction.ts";
import { bitFlips } from "./bit-flips.ts";
import { adjustedAddress, isProtectionFault, pointerBytes, reportedAddress, type AdjustedAddress } from "./crash-address.ts";
import { crashReason, type CrashReason } from "./crash-reason.ts";
import { likelyGuardPage } from "./guard-page.ts";
import { crashInconsistencies } from "./inconsistencies.ts";
import { registerAt, registerNamed, type AddressOperand, type Instruction, type InstructionAccess, type InstructionInput } from "./instruction.ts";
import { stackOverflow } from "./stack-overflow.ts";
import { hex, hexCode, word } from "./word.ts";
import { x86Instruction } from "./x86-instruction.ts";

/** Bytes given to a decoder: no instruction is longer. */
const instructionBytes = 16;

/** What the dump says of the crash, all but the index of its thread, which depends on the threads that are kept. All null where it has no exception. */
export function analyseCrash(dump: Minidump): Omit<CrashInfo, "crashing_thread"> {
  const { exception, system, addressSpace } = dump;
  if (!exception) return withoutException(dump);
  const reason = crashReason(exception, system);
  const address = reportedAddress(exception, system);
  const context = exception.context();
  const thread = dump.threads.find(({ id }) => id === exception.threadId) ?? null;
  const instruction = context && readInstruction(dump, context, thread);
  const operands = formedAddresses(instruction);
  const adjusted = adjustedAddress(operands, reason, address, system);
  const digits = pointerBytes(system);
  return {
    type: reason.text,
    address: hex(address, digits),
    adjusted_address: adjusted && shownAdjustment(adjusted),
    instruction: instruction?.text ?? null,
    memory_accesses: instruction?.accesses?.map((access) => shownAccess(dump, access, digits)) ?? null,
    instruction_pointer_update: shownTarget(dump, instruction, digits),
    possible_bit_flips: flips(dump, reason, address, adjusted, context, instruction),
    crash_inconsistencies: crashInconsistencies({
      reason,
      address,
      protectionFault: isProtectionFault(reason, address, system),
      instruction,
      instructionPointer: context && registerAt(context, registerFiles[context.arch].pc),
      space: addressSpace,
    }),
    assertion: dump.assertion,
    stack_overflow: stackOverflow(dump, reason, address, context, thread),
    exception: {
      code: hexCode(exception.code),
      flags: hexCode(exception.flags),
      parameters: exception.parameters.map(({ low, high }) => hex(word(low, high), 8)),
    },
  };
}

function withoutException(dump: Minidump): Omit<CrashInfo, "crashing_thread"> {
  return {
    type: null,
    address: null,
    adjusted_address: null,
    instruction: null,
    memory_accesses: null,
    instruction_pointer_update: null,
    possible_bit_flips: null,
    crash_inconsistencies: [],
    assertion: dump.assertion,
    stack_overflow: null,
    exception: null,
  };
}

/** The instruction at the instruction pointer; null when its bytes are not in the dump or are no instruction. */
function readInstruction(dump: Minidump, context: CpuContext, thread: DumpThread | null): Instruction | null {
  const pointer = registerAt(context, registerFiles[context.arch].pc);
  const bytes = pointer === null ? null : bytesAt(dump, pointer, instructionBytes);
  if (!bytes) return null;
  const block = thread && thread.teb !== 0 ? BigInt(thread.teb) : null;
  const windows = dump.system?.os === "windows";
  const input: InstructionInput = {
    bytes,
    context,
    readPointer: (address) => readPointer(dump, address, registerFiles[context.arch].wordBytes),
    // Windows keeps the thread's block in gs on amd64 and in fs on x86; Linux keeps the thread pointer in fs on amd64 and in gs on x86.
    segments: windows === (context.arch === "amd64") ? { fs: null, gs: block } : { fs: block, gs: null },
  };
  switch (context.arch) {
    case "x86":
    case "amd64":
      return x86Instruction(input);
    case "arm64":
      return arm64Instruction(input);
    default:
      return null;
  }
}

/** Bytes of the dead process's memory, fewer than asked for at the end of a region; null when the dump does not have the first. */
function bytesAt(dump: Minidump, address: bigint, count: number): Uint8Array | null {
  const memory = address > BigInt(Number.MAX_SAFE_INTEGER) ? null : dump.memory.at(Number(address));
  if (!memory) return null;
  const offset = Number(address) - memory.base;
  return new Uint8Array(memory.view.buffer, memory.view.byteOffset + offset, Math.min(count, memory.view.byteLength - offset));
}

function readPointer(dump: Minidump, address: bigint, size: 4 | 8): bigint | null {
  const bytes = bytesAt(dump, address, size);
  if (!bytes || bytes.length < size) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  return size === 4 ? BigInt(view.getUint32(0, dump.little)) : view.getBigUint64(0, dump.little);
}

/** All addresses that the instruction formed: those of its accesses, then where it sends the program. */
function formedAddresses(instruction: Instruction | null): readonly AddressOperand[] {
  if (!instruction?.accesses) return [];
  const { accesses, target } = instruction;
  return target === null || target === "next" ? accesses : [...accesses, target];
}

function shownAdjustment(adjusted: AdjustedAddress): NonNullable<CrashInfo["adjusted_address"]> {
  return adjusted.kind === "null-pointer" ? { kind: "null-pointer", offset: hex(adjusted.offset, 8) } : { kind: "non-canonical", address: hex(adjusted.address, 8) };
}

function shownAccess(dump: Minidump, access: InstructionAccess, digits: number): MemoryAccess {
  const guard = likelyGuardPage(dump.addressSpace, access.address) ? { is_likely_guard_page: true } : {};
  return { address: hex(access.address, digits), size: access.size, ...guard, access_type: access.type };
}

function shownTarget(dump: Minidump, instruction: Instruction | null, digits: number): NonNullable<CrashInfo["instruction_pointer_update"]> | null {
  const target = instruction?.target ?? null;
  if (target === null || target === "next") return null;
  const guard = likelyGuardPage(dump.addressSpace, target.address) ? { is_likely_guard_page: true } : {};
  return { address: hex(target.address, digits), ...guard };
}

/** Bit flips of the crash's address and of the registers that formed it. 32-bit address spaces are too full for a guess, and a null pointer explains itself. */
function flips(dump: Minidump, reason: CrashReason, address: bigint, adjusted: AdjustedAddress | null, context: CpuContext | null, instruction: Instruction | null): readonly BitFlip[] | null {
  const { system, addressSpace } = dump;
  if (pointerBytes(system) === 4 || adjusted?.kind === "null-pointer") return null;
  if (system?.arch === "arm64" && !instruction?.accesses) return null;
  const failed = instruction?.accesses?.find((access) => address >= access.address && address < access.address + BigInt(access.size ?? 0));
  const question = { nonCanonical: adjusted !== null, kind: reason.kind, size: failed?.size ?? null };
  const start = failed?.address ?? adjusted?.address ?? address;
  const found = bitFlips({ ...question, address: start, register: null }, addressSpace, context);
  for (const register of instruction?.addressRegisters ?? []) {
    const value = context && registerNamed(context, register);
    if (value !== null) found.push(...bitFlips({ ...question, address: value, register }, addressSpace, context));
  }
  return found.length === 0 ? null : found;
}
