// What reason, instruction and memory contradict of each other. Such a crash
// is often not the program's fault: broken memory, an overclocked processor, a
// tool that rewrites code. The names and rules are rust-minidump's; a rule
// that lacks a fact says nothing.
import type { AddressSpace } from "../minidump/model.ts";
import type { CrashInconsistency } from "../report.ts";
import type { CrashReason } from "./crash-reason.ts";
import { allows, rangeAt } from "./guard-page.ts";
import type { Instruction, InstructionAccess } from "./instruction.ts";
import { isNonCanonical } from "./word.ts";

/** What is known of the crash. */
export type CrashFacts = {
  readonly reason: CrashReason;
  readonly address: bigint;
  /** Whether reason and address are the system's way to report a general protection fault. */
  readonly protectionFault: boolean;
  /** Null when its bytes are not in the dump. */
  readonly instruction: Instruction | null;
  readonly instructionPointer: bigint | null;
  readonly space: AddressSpace | null;
};

/** The contradictions, in the order of the rules. */
export function crashInconsistencies(facts: CrashFacts): CrashInconsistency[] {
  const { instruction, reason } = facts;
  switch (reason.kind) {
    case "division":
      return instruction && !instruction.divides ? ["int_div_by_zero_not_possible"] : [];
    case "privileged":
      return instruction && !instruction.privileged ? ["priv_instruction_crash_without_priv_instruction"] : [];
    case "read":
      if (!facts.protectionFault || !accessIsMissing(facts)) return badAccess(facts);
      return instruction?.faultsOnlyWhenNonCanonical && everythingIsCanonical(instruction) ? ["non_canonical_address_falsely_reported"] : [];
    case "write":
    case "execute":
    case "stack_overflow":
      return badAccess(facts);
    default:
      return [];
  }
}

function badAccess(facts: CrashFacts): CrashInconsistency[] {
  const found: CrashInconsistency[] = [];
  if (accessIsMissing(facts)) found.push("crashing_access_not_found_in_memory_accesses");
  if (accessIsAllowed(facts)) found.push("access_violation_when_access_allowed");
  return found;
}

/** Whether the instruction surely did not make the access that it is said to have failed with. */
function accessIsMissing({ reason, address, instruction, instructionPointer }: CrashFacts): boolean {
  const accesses = instruction?.accesses;
  if (!instruction || !accesses) return false;
  switch (reason.kind) {
    case "read":
    case "write": {
      const kind = reason.kind;
      return instruction.complete && !accesses.some((access) => (access.type === kind || access.type === "readwrite") && covers(access, address));
    }
    case "execute":
      return instructionPointer !== null && instructionPointer !== address;
    case "stack_overflow":
      return instruction.complete && accesses.length === 0;
    default:
      return false;
  }
}

/** Whether an access of known size holds the address, at the end of the address space too. */
function covers(access: InstructionAccess, address: bigint): boolean {
  if (access.size === null) return false;
  return BigInt.asUintN(64, address - access.address) < BigInt(access.size);
}

function accessIsAllowed({ reason, address, space }: CrashFacts): boolean {
  const range = rangeAt(space, address);
  return range !== null && (allows(range, reason.kind) ?? false);
}

/** Whether every address that the instruction formed is canonical, and all of them are known. */
function everythingIsCanonical(instruction: Instruction): boolean {
  const { accesses, target } = instruction;
  if (!instruction.complete || !accesses || target === null) return false;
  return !accesses.some((access) => isNonCanonical(access.address)) && (target === "next" || !isNonCanonical(target.address));
}
