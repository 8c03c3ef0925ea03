// Signals of Linux and Android (bits/signum.h) and why the kernel sent them
// (si_code, asm-generic/siginfo.h).
import type { CodeNames } from "./windows-codes.ts";

/** Signals. 0xffffffff is Breakpad's mark of a dump that was asked for and not caused by a signal. */
export const signals: CodeNames = {
  1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 0xa: "SIGUSR1",
  0xb: "SIGSEGV", 0xc: "SIGUSR2", 0xd: "SIGPIPE", 0xe: "SIGALRM", 0xf: "SIGTERM", 0x10: "SIGSTKFLT", 0x11: "SIGCHLD", 0x12: "SIGCONT",
  0x13: "SIGSTOP", 0x14: "SIGTSTP", 0x15: "SIGTTIN", 0x16: "SIGTTOU", 0x17: "SIGURG", 0x18: "SIGXCPU", 0x19: "SIGXFSZ", 0x1a: "SIGVTALRM",
  0x1b: "SIGPROF", 0x1c: "SIGWINCH", 0x1d: "SIGIO", 0x1e: "SIGPWR", 0x1f: "SIGSYS", 0xffffffff: "DUMP_REQUESTED",
};

/** Codes of `si_code` that any signal can have: who sent it, by number as a signed 32-bit value. */
export const senders: CodeNames = {
  0: "SI_USER", 0x80: "SI_KERNEL", "-1": "SI_QUEUE", "-2": "SI_TIMER", "-3": "SI_MESGQ", "-4": "SI_ASYNCIO", "-5": "SI_SIGIO", "-6": "SI_TKILL",
  "-7": "SI_DETHREAD", "-60": "SI_ASYNCNL",
};

/** Codes of `si_code` that a signal of the processor has, by signal. */
export const signalCodes: { readonly [signal: string]: CodeNames } = {
  SIGILL: { 1: "ILL_ILLOPC", 2: "ILL_ILLOPN", 3: "ILL_ILLADR", 4: "ILL_ILLTRP", 5: "ILL_PRVOPC", 6: "ILL_PRVREG", 7: "ILL_COPROC", 8: "ILL_BADSTK", 9: "ILL_BADIADDR" },
  SIGTRAP: { 1: "TRAP_BRKPT", 2: "TRAP_TRACE", 3: "TRAP_BRANCH", 4: "TRAP_HWBKPT", 5: "TRAP_UNK", 6: "TRAP_PERF" },
  SIGFPE: { 1: "FPE_INTDIV", 2: "FPE_INTOVF", 3: "FPE_FLTDIV", 4: "FPE_FLTOVF", 5: "FPE_FLTUND", 6: "FPE_FLTRES", 7: "FPE_FLTINV", 8: "FPE_FLTSUB" },
  SIGSEGV: { 1: "SEGV_MAPERR", 2: "SEGV_ACCERR", 3: "SEGV_BNDERR", 4: "SEGV_PKUERR" },
  SIGBUS: { 1: "BUS_ADRALN", 2: "BUS_ADRERR", 3: "BUS_OBJERR", 4: "BUS_MCEERR_AR", 5: "BUS_MCEERR_AO" },
  SIGSYS: { 1: "SYS_SECCOMP", 2: "SYS_USER_DISPATCH" },
};
