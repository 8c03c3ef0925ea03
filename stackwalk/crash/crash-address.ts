// The address of a crash: what was touched where the system says so, otherwise
// the instruction that failed.
//
// Windows puts the touched address of an access violation and of an in-page
// error in parameter 1; Mach and Linux writers put it (code[1], si_addr) in
// the record itself. On 32-bit systems writers have extended the sign, so the
// upper half is cut.
//
// Two addresses are not what they seem. A null pointer shows as a small
// number when the program read a field or an element through it; and the
// processor reports no address at all for a non-canonical one, so that the
// systems write a fixed value in its place. Both are found by reading the
// failing instruction.
import type { DumpException, SystemInfo } from "../minidump/model.ts";
import type { CrashReason } from "./crash-reason.ts";
import type { AddressOperand } from "./instruction.ts";
import { isNonCanonical, word } from "./word.ts";

const accessViolation = 0xc0000005;
const inPageError = 0xc0000006;
/** EXC_BAD_ACCESS of Mach. */
const badAccess = 1;
/** Of Linux, on all architectures that are walked. */
const [sigbus, sigsegv] = [7, 11];
const lastAddress = 0xffff_ffff_ffff_ffffn;

/** A better address than the reported one. */
export type AdjustedAddress = { readonly kind: "non-canonical"; readonly address: bigint } | { readonly kind: "null-pointer"; readonly offset: bigint };

/** Bytes of a pointer on the dump's machine; 8 where the dump does not say. */
export function pointerBytes(system: SystemInfo | null): 4 | 8 {
  const arch = system?.arch;
  return arch === "x86" || arch === "arm" || arch === "ppc" || arch === "mips" || arch === "sparc" ? 4 : 8;
}

/** The address that the exception record gives. */
export function reportedAddress(exception: DumpException, system: SystemInfo | null): bigint {
  const code = exception.code >>> 0;
  const touched = exception.parameters[1];
  const own = system?.os === "windows" && (code === accessViolation || code === inPageError) && touched ? touched : { low: exception.addressLow, high: exception.addressHigh };
  return pointerBytes(system) === 4 ? word(own.low, 0) : word(own.low, own.high);
}

/** The address that the crashing thread could not access; null for a crash of another kind. SIGSEGV and SIGBUS, EXC_BAD_ACCESS, access violations: for other signals the address is that of the instruction. */
export function faultAddress(exception: DumpException | null, system: SystemInfo | null): number | null {
  if (exception === null || system === null) return null;
  const { os } = system;
  const code = exception.code >>> 0;
  const isAccess = os === "windows" ? code === accessViolation || code === inPageError : os === "mac" || os === "ios" ? code === badAccess : code === sigbus || code === sigsegv;
  return isAccess ? Number(reportedAddress(exception, system)) : null;
}

/**
 * Whether reason and address are how the system reports that the processor refused an address without saying which (a general
 * protection fault of amd64): an access violation reading 2^64-1 on Windows; EXC_I386_GPFLT, or SIGSEGV or SIGBUS with SI_KERNEL,
 * at 0 elsewhere. It may still be a real access there, or a misaligned one.
 */
export function isProtectionFault(reason: CrashReason, address: bigint, system: SystemInfo | null): boolean {
  if (system?.os === "windows") return reason.kind === "read" && address === lastAddress;
  return reason.kind === "protection_fault" && address === 0n;
}

/** The address behind the reported one: a null pointer plus an offset, or a non-canonical address; null when the reported one is right or the instruction does not tell. `operands` are all addresses that the failing instruction formed. */
export function adjustedAddress(operands: readonly AddressOperand[], reason: CrashReason, address: bigint, system: SystemInfo | null): AdjustedAddress | null {
  const throughNull = operands.find((operand) => operand.nullBase);
  if (throughNull) return { kind: "null-pointer", offset: throughNull.address };
  if (system?.arch !== "amd64" || !isProtectionFault(reason, address, system)) return null;
  const wild = operands.find((operand) => isNonCanonical(operand.address));
  return wild ? { kind: "non-canonical", address: wild.address } : null;
}
