// Signals: the exception code is the signal, the flags are its si_code. A
// si_code above zero means something else for each signal; SI_* says who sent
// it, and SI_USER, which is also what writers leave where they know nothing,
// is not worth a word.
import type { DumpException } from "../minidump/model.ts";
import type { CrashReason, ReasonKind } from "./crash-reason.ts";
import { senders, signalCodes, signals } from "./linux-codes.ts";
import { hexCode } from "./word.ts";

const siKernel = 0x80;

/** The reason of a signal; null for a number that is no signal. */
export function linuxReason(exception: DumpException): CrashReason | null {
  const signal = signals[exception.code >>> 0];
  if (signal === undefined) return null;
  const flags = exception.flags >>> 0;
  const code = signalCodes[signal]?.[flags];
  if (code !== undefined) return { text: `${signal} / ${code}`, kind: kindOf(signal, code, flags) };
  const sender = senders[exception.flags | 0];
  const kind = kindOf(signal, undefined, flags);
  if (sender === "SI_USER") return { text: signal, kind };
  return { text: `${signal} / ${sender ?? hexCode(flags)}`, kind };
}

function kindOf(signal: string, code: string | undefined, flags: number): ReasonKind {
  if (signal === "SIGSEGV" || signal === "SIGBUS") return flags === siKernel ? "protection_fault" : "access";
  return code === "FPE_INTDIV" ? "division" : "other";
}
