// Mach exceptions: the exception code is the exception's type, the flags are
// the first word of its code (for EXC_RESOURCE and EXC_GUARD the upper half of
// it), parameters 1 and 2 hold the whole code and subcode.
import type { DumpException } from "../minidump/model.ts";
import type { CrashReason, ReasonKind } from "./crash-reason.ts";
import { arithmetic, badAccess, badAccessKernel, badInstruction, breakpoint, guardFlavors, guardTypes, machExceptions, resourceFlavors, resourceTypes, software } from "./mac-codes.ts";
import { hex, hexCode, word } from "./word.ts";

/** Crashpad's dump without a crash (`CPsx`), and its mark of an Objective-C exception that nobody caught (`CPnx`). */
const crashpadCodes: { readonly [code: number]: string } = { 0x43507378: "Simulated Exception", 0x43506e78: "Uncaught NSException" };

/** Which processor's table serves an architecture. */
const families: { readonly [arch: string]: string } = { x86: "x86", amd64: "x86", arm: "arm", arm64: "arm", ppc: "ppc" };

/** The reason of a Mach exception; null for a type that is none. */
export function macReason(exception: DumpException, arch: string): CrashReason | null {
  const special = crashpadCodes[exception.code >>> 0];
  if (special !== undefined) return { text: special, kind: "other" };
  const type = machExceptions[exception.code >>> 0];
  if (type === undefined) return null;
  const flags = exception.flags >>> 0;
  const name = codeName(type, flags, families[arch] ?? "");
  if (name !== undefined) return { text: `${type} / ${name}`, kind: kindOf(type, name) };
  const long = type === "EXC_RESOURCE" ? resource(exception, flags) : type === "EXC_GUARD" ? guard(exception, flags) : undefined;
  return { text: `${type} / ${long ?? hexCode(flags)}`, kind: kindOf(type, undefined) };
}

function codeName(type: string, flags: number, family: string): string | undefined {
  switch (type) {
    case "EXC_BAD_ACCESS":
      return badAccessKernel[flags] ?? badAccess[family]?.[flags];
    case "EXC_BAD_INSTRUCTION":
      return badInstruction[family]?.[flags];
    case "EXC_ARITHMETIC":
      return arithmetic[family]?.[flags];
    case "EXC_BREAKPOINT":
      return breakpoint[family]?.[flags];
    case "EXC_SOFTWARE":
      return software[flags];
    default:
      return undefined;
  }
}

function kindOf(type: string, name: string | undefined): ReasonKind {
  if (type === "EXC_BAD_ACCESS") return name === "EXC_I386_GPFLT" ? "protection_fault" : "access";
  return name === "EXC_I386_DIV" || name === "EXC_PPC_ZERO_DIVIDE" ? "division" : "other";
}

function parameter(exception: DumpException, index: number): bigint {
  const found = exception.parameters[index];
  return found ? word(found.low, found.high) : 0n;
}

/** A field of a word: `bits` bits from bit `shift`. */
function field(value: bigint, shift: number, bits: number): bigint {
  return BigInt.asUintN(bits, value >> BigInt(shift));
}

/** What a resource was limited to and what was used, as kern/exc_resource.h packs it. */
function resource(exception: DumpException, flags: number): string | undefined {
  const type = resourceTypes[flags >>> 29];
  if (type === undefined) return undefined;
  const code = parameter(exception, 1);
  const subcode = parameter(exception, 2);
  const flavor = resourceFlavors[type]?.[Number(field(code, 58, 3))];
  if (flavor === undefined) return `${type} / ${hex(code, 8)} / ${hex(subcode, 8)}`;
  switch (type) {
    case "RESOURCE_TYPE_CPU":
      // Seven bits of a percentage, EXC_RESOURCE_CPUMONITOR_DECODE_PERCENTAGE.
      return `${type} / ${flavor} interval: ${field(code, 7, 25)}s CPU limit: ${field(code, 0, 7)}% CPU consumed: ${field(subcode, 0, 7)}%`;
    case "RESOURCE_TYPE_WAKEUPS":
      return `${type} / ${flavor} interval: ${field(code, 20, 20)}s wakeups permitted: ${field(code, 0, 12)} wakeups observed: ${field(subcode, 0, 12)}`;
    case "RESOURCE_TYPE_MEMORY":
      return `${type} / ${flavor} high watermark limit: ${field(code, 0, 13)}MiB`;
    case "RESOURCE_TYPE_IO":
      return `${type} / ${flavor} interval: ${field(code, 15, 17)}s I/O limit: ${field(code, 0, 15)}% I/O observed: ${field(subcode, 0, 15)}%`;
    default:
      return `${type} / ${flavor} high watermark limit: ${field(code, 0, 15)}`;
  }
}

/** Which guarded thing was touched and how, as kern/exc_guard.h packs it. */
function guard(exception: DumpException, flags: number): string | undefined {
  const type = guardTypes[flags >>> 29];
  if (type === undefined || type === "GUARD_TYPE_NONE") return type;
  const code = parameter(exception, 1);
  const subcode = parameter(exception, 2);
  if (type === "GUARD_TYPE_USER") return `${type} / namespace: ${field(code, 0, 32)} guard identifier: ${subcode}`;
  const flavor = guardFlavors[type]?.[Number(field(code, 32, 29))];
  if (flavor === undefined) return `${type} / ${hex(code, 8)} / ${hex(subcode, 8)}`;
  const target = field(code, 0, 28);
  switch (type) {
    case "GUARD_TYPE_MACH_PORT":
      return `${type} / ${flavor} port name: ${target}${subcode === 0n ? "" : ` subcode: ${subcode}`}`;
    case "GUARD_TYPE_FD":
      return `${type} / ${flavor} file descriptor: ${target} guard identifier: ${subcode}`;
    case "GUARD_TYPE_VN":
      return `${type} / ${flavor} pid: ${target} guard identifier: ${subcode}`;
    case "GUARD_TYPE_VIRT_MEMORY":
      return `${type} / ${flavor} offset: ${subcode}`;
    default:
      return `${type} / ${flavor} syscall: ${subcode}`;
  }
}
