// Why the process ended, in the spelling of rust-minidump: `SIGSEGV /
// SEGV_MAPERR`, `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`,
// `EXCEPTION_ACCESS_VIOLATION_READ`, and `unknown 0x… / 0x…` for a code that no
// table knows.
//
// Beside the text a reason says what the rest of the analysis has to know of
// it, so that nobody takes a sentence apart again.
import type { DumpException, SystemInfo } from "../minidump/model.ts";
import { linuxReason } from "./linux-reason.ts";
import { macReason } from "./mac-reason.ts";
import { windowsReason } from "./windows-reason.ts";
import { hexCode } from "./word.ts";

/**
 * What kind of fault a reason stands for:
 * - `read`, `write`, `execute`: an access that Windows names; `access`: an access of a kind that the system does not tell (Mach, Linux);
 * - `protection_fault`: the processor refused without saying an address, which a non-canonical address does (EXC_I386_GPFLT, SI_KERNEL);
 * - `division`: of an integer by zero; `privileged`: an instruction of the kernel's;
 * - `stack_overflow`: the code itself says that the stack ran out.
 */
export type ReasonKind = "read" | "write" | "execute" | "access" | "protection_fault" | "division" | "privileged" | "stack_overflow" | "other";

/** A crash reason. */
export type CrashReason = {
  readonly text: string;
  readonly kind: ReasonKind;
};

/** The reason of an exception record. A record of a system without tables, or of an unknown one, keeps its numbers. */
export function crashReason(exception: DumpException, system: SystemInfo | null): CrashReason {
  return byTable(exception, system) ?? { text: `unknown ${hexCode(exception.code)} / ${hexCode(exception.flags)}`, kind: "other" };
}

function byTable(exception: DumpException, system: SystemInfo | null): CrashReason | null {
  switch (system?.os) {
    case "windows":
      return windowsReason(exception);
    case "mac":
    case "ios":
      return macReason(exception, system.arch);
    case "linux":
    case "android":
      return linuxReason(exception);
    default:
      return null;
  }
}
