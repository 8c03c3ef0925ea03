// The crash reason as Breakpad's `minidump_stackwalk` spells it, for output
// that has to equal its `-m` text (minidump_processor.cc, GetCrashReason). It
// differs from rust-minidump's in blanks (`SIGSEGV /SEGV_MAPERR`), in what it
// leaves out (no SI_*, no code after SIGABRT or SIGTRAP), in codes that only
// one of the two names, and in what it does with a code that it does not know:
// both numbers, without a word.
import type { DumpException, Minidump } from "../minidump/model.ts";
import { ntStatusName } from "./code-list.ts";
import { signalCodes, signals } from "./linux-codes.ts";
import { arithmetic, badAccess, badAccessKernel, badInstruction, breakpoint, machExceptions, software } from "./mac-codes.ts";
import { fastFailCodes, windowsExceptions, type CodeNames } from "./windows-codes.ts";
import { hexCode } from "./word.ts";

/** The crash reason in Breakpad's words; null when the dump has no exception. */
export function breakpadReason(dump: Minidump): string | null {
  const exception = dump.exception;
  if (!exception) return null;
  return byTable(exception, dump.system?.os, dump.system?.arch ?? "") ?? `${hexCode(exception.code)} / ${hexCode(exception.flags)}`;
}

function byTable(exception: DumpException, os: string | undefined, arch: string): string | undefined {
  switch (os) {
    case "windows":
      return windows(exception);
    case "mac":
    case "ios":
      return mac(exception.code >>> 0, exception.flags >>> 0, arch);
    case "linux":
    case "android":
      return linux(exception.code >>> 0, exception.flags >>> 0);
    default:
      return undefined;
  }
}

/** What follows the signal's name, for the signals whose code Breakpad prints, and the last code that it knows. */
const printedSignals: { readonly [signal: string]: readonly [string, number] } = { SIGILL: [" / ", 8], SIGBUS: [" / ", 5], SIGFPE: [" / ", 8], SIGSEGV: [" /", 4] };

function linux(code: number, flags: number): string | undefined {
  const signal = signals[code];
  const printed = signal === undefined ? undefined : printedSignals[signal];
  if (signal === undefined || !printed) return signal;
  const [gap, last] = printed;
  return `${signal}${gap}${(flags <= last ? signalCodes[signal]?.[flags] : undefined) ?? hexCode(flags)}`;
}

/** Codes of rust-minidump's tables that Breakpad does not have. */
const unknownToBreakpad = new Set(["KERN_FAILURE", "EXC_ARM_SP_ALIGN", "EXC_ARM_SWP", "EXC_ARM_PAC_FAIL", "EXC_CRASH", "EXC_CORPSE_NOTIFY"]);

const armBreakpoint: CodeNames = { 0x101: "EXC_ARM_DA_ALIGN", 0x102: "EXC_ARM_DA_DEBUG", 1: "EXC_ARM_BREAKPOINT" };

function mac(code: number, flags: number, arch: string): string | undefined {
  if (code === 0x43507378) return "Simulated Exception";
  if (code === 0x43506e78) return "Uncaught NSException";
  const type = machExceptions[code];
  if (type === undefined || unknownToBreakpad.has(type)) return undefined;
  const name = macCode(type, flags, arch);
  return `${type} / ${name === undefined || unknownToBreakpad.has(name) ? hexCode(flags) : name}`;
}

function macCode(type: string, flags: number, arch: string): string | undefined {
  const family = arch === "x86" || arch === "amd64" ? "x86" : arch === "arm64" || arch === "arm" ? "arm" : arch;
  switch (type) {
    case "EXC_BAD_ACCESS":
      return badAccessKernel[flags] ?? badAccess[family]?.[flags];
    case "EXC_BAD_INSTRUCTION":
      return badInstruction[family]?.[flags];
    case "EXC_ARITHMETIC":
      return family === "arm" ? undefined : arithmetic[family]?.[flags];
    case "EXC_SOFTWARE":
      return software[flags];
    case "EXC_BREAKPOINT":
      return family === "arm" ? armBreakpoint[flags] : breakpoint[family]?.[flags];
    default:
      return undefined;
  }
}

/** Exceptions whose name in Breakpad is not the one of the common table; null where it has none. */
const windowsNames: { readonly [code: number]: string | null } = {
  0x40010005: "DBG_CONTROL_C",
  0xc00000ff: "EXCEPTION_BAD_FUNCTION_TABLE",
  0xc0000374: "EXCEPTION_HEAP_CORRUPTION",
  0xe0434352: null,
};

const accessNames: CodeNames = { 0: "_READ", 1: "_WRITE", 8: "_EXEC" };

function windows(exception: DumpException): string | undefined {
  const code = exception.code >>> 0;
  const [first, , third] = exception.parameters;
  // Breakpad casts parameter 0 to 32 bits before it compares.
  const access = first ? (accessNames[first.low] ?? "") : "";
  if (code === 0xc0000005) return `EXCEPTION_ACCESS_VIOLATION${access}`;
  if (code === 0xc0000006) return `EXCEPTION_IN_PAGE_ERROR${access}${third ? ` / ${ntStatusName(third.low) ?? hexCode(third.low)}` : ""}`;
  if (code === 0xc0000409) return (first ? fastFailCodes[first.low] : undefined) ?? "EXCEPTION_STACK_BUFFER_OVERRUN";
  const own = windowsNames[code];
  return own === undefined ? windowsExceptions[code] : (own ?? undefined);
}
