// Mach exceptions (osfmk/mach/exception_types.h), their codes by processor
// (osfmk/mach/{i386,arm,ppc}/exception.h, kern_return.h, ux_exception.h), and
// the flavours of resource and guard exceptions (kern/exc_resource.h,
// kern/exc_guard.h, mach/port.h, sys/guarded.h).
import type { CodeNames } from "./windows-codes.ts";

/** Exception types. */
export const machExceptions: CodeNames = {
  1: "EXC_BAD_ACCESS", 2: "EXC_BAD_INSTRUCTION", 3: "EXC_ARITHMETIC", 4: "EXC_EMULATION", 5: "EXC_SOFTWARE", 6: "EXC_BREAKPOINT", 7: "EXC_SYSCALL",
  8: "EXC_MACH_SYSCALL", 9: "EXC_RPC_ALERT", 0xa: "EXC_CRASH", 0xb: "EXC_RESOURCE", 0xc: "EXC_GUARD", 0xd: "EXC_CORPSE_NOTIFY",
};

/** What the kernel answers for a bad access, on every processor. */
export const badAccessKernel: CodeNames = {
  1: "KERN_INVALID_ADDRESS", 2: "KERN_PROTECTION_FAILURE", 5: "KERN_FAILURE", 8: "KERN_NO_ACCESS", 9: "KERN_MEMORY_FAILURE",
  0xa: "KERN_MEMORY_ERROR", 0x32: "KERN_CODESIGN_ERROR",
};

/** Codes of EXC_BAD_ACCESS by processor. */
export const badAccess: { readonly [kind: string]: CodeNames } = {
  arm: { 0x101: "EXC_ARM_DA_ALIGN", 0x102: "EXC_ARM_DA_DEBUG", 0x103: "EXC_ARM_SP_ALIGN", 0x104: "EXC_ARM_SWP", 0x105: "EXC_ARM_PAC_FAIL" },
  ppc: { 0x101: "EXC_PPC_VM_PROT_READ", 0x102: "EXC_PPC_BADSPACE", 0x103: "EXC_PPC_UNALIGNED" },
  x86: { 0xd: "EXC_I386_GPFLT" },
};

/** Codes of EXC_BAD_INSTRUCTION by processor. */
export const badInstruction: { readonly [kind: string]: CodeNames } = {
  arm: { 1: "EXC_ARM_UNDEFINED" },
  ppc: { 1: "EXC_PPC_INVALID_SYSCALL", 2: "EXC_PPC_UNIPL_INST", 3: "EXC_PPC_PRIVINST", 4: "EXC_PPC_PRIVREG", 5: "EXC_PPC_TRACE", 6: "EXC_PPC_PERFMON" },
  x86: { 1: "EXC_I386_INVOP", 0xa: "EXC_I386_INVTSSFLT", 0xb: "EXC_I386_SEGNPFLT", 0xc: "EXC_I386_STKFLT", 0xd: "EXC_I386_GPFLT", 0x11: "EXC_I386_ALIGNFLT" },
};

/** Codes of EXC_ARITHMETIC by processor. */
export const arithmetic: { readonly [kind: string]: CodeNames } = {
  arm: { 1: "EXC_ARM_FP_IO", 2: "EXC_ARM_FP_DZ", 3: "EXC_ARM_FP_OF", 4: "EXC_ARM_FP_UF", 5: "EXC_ARM_FP_IX", 6: "EXC_ARM_FP_ID" },
  ppc: {
    1: "EXC_PPC_OVERFLOW", 2: "EXC_PPC_ZERO_DIVIDE", 3: "EXC_FLT_INEXACT", 4: "EXC_PPC_FLT_ZERO_DIVIDE", 5: "EXC_PPC_FLT_UNDERFLOW",
    6: "EXC_PPC_FLT_OVERFLOW", 7: "EXC_PPC_FLT_NOT_A_NUMBER", 8: "EXC_PPC_NOEMULATION", 9: "EXC_PPC_ALTIVECASSIST",
  },
  x86: {
    1: "EXC_I386_DIV", 2: "EXC_I386_INTO", 3: "EXC_I386_NOEXT", 4: "EXC_I386_EXTOVR", 5: "EXC_I386_EXTERR", 6: "EXC_I386_EMERR", 7: "EXC_I386_BOUND",
    8: "EXC_I386_SSEEXTERR",
  },
};

/** Codes of EXC_BREAKPOINT by processor. */
export const breakpoint: { readonly [kind: string]: CodeNames } = {
  arm: { 1: "EXC_ARM_BREAKPOINT" },
  ppc: { 1: "EXC_PPC_BREAKPOINT" },
  x86: { 1: "EXC_I386_SGL", 2: "EXC_I386_BPT" },
};

/** Codes of EXC_SOFTWARE. */
export const software: CodeNames = {
  0x10002: "SIGABRT", 0xdeadc0de: "UNCAUGHT_NS_EXCEPTION", 1: "EXC_PPC_TRAP", 0x10100: "EXC_PPC_MIGRATE",
};

/** Kinds of EXC_RESOURCE. */
export const resourceTypes: CodeNames = {
  1: "RESOURCE_TYPE_CPU", 2: "RESOURCE_TYPE_WAKEUPS", 3: "RESOURCE_TYPE_MEMORY", 4: "RESOURCE_TYPE_IO", 5: "RESOURCE_TYPE_THREADS",
};

/** Flavours of EXC_RESOURCE by kind. */
export const resourceFlavors: { readonly [kind: string]: CodeNames } = {
  RESOURCE_TYPE_CPU: { 1: "FLAVOR_CPU_MONITOR", 2: "FLAVOR_CPU_MONITOR_FATAL" },
  RESOURCE_TYPE_WAKEUPS: { 1: "FLAVOR_WAKEUPS_MONITOR" },
  RESOURCE_TYPE_MEMORY: { 1: "FLAVOR_HIGH_WATERMARK" },
  RESOURCE_TYPE_IO: { 1: "FLAVOR_IO_PHYSICAL_WRITES", 2: "FLAVOR_IO_LOGICAL_WRITES" },
  RESOURCE_TYPE_THREADS: { 1: "FLAVOR_THREADS_HIGH_WATERMARK" },
};

/** Kinds of EXC_GUARD. */
export const guardTypes: CodeNames = {
  0: "GUARD_TYPE_NONE", 1: "GUARD_TYPE_MACH_PORT", 2: "GUARD_TYPE_FD", 3: "GUARD_TYPE_USER", 4: "GUARD_TYPE_VN", 5: "GUARD_TYPE_VIRT_MEMORY",
  6: "GUARD_TYPE_REJECTED_SC",
};

/** Flavours of EXC_GUARD by kind. */
export const guardFlavors: { readonly [kind: string]: CodeNames } = {
  GUARD_TYPE_MACH_PORT: {
    1: "GUARD_EXC_DESTROY", 2: "GUARD_EXC_MOD_REFS", 3: "GUARD_EXC_INVALID_OPTIONS", 4: "GUARD_EXC_SET_CONTEXT", 5: "GUARD_EXC_THREAD_SET_STATE",
    8: "GUARD_EXC_UNGUARDED", 0x10: "GUARD_EXC_INCORRECT_GUARD", 0x20: "GUARD_EXC_IMMOVABLE", 0x40: "GUARD_EXC_STRICT_REPLY",
    0x80: "GUARD_EXC_MSG_FILTERED", 0x100: "GUARD_EXC_INVALID_RIGHT", 0x200: "GUARD_EXC_INVALID_NAME", 0x400: "GUARD_EXC_INVALID_VALUE",
    0x800: "GUARD_EXC_INVALID_ARGUMENT", 0x1000: "GUARD_EXC_RIGHT_EXISTS", 0x2000: "GUARD_EXC_KERN_NO_SPACE", 0x4000: "GUARD_EXC_KERN_FAILURE",
    0x8000: "GUARD_EXC_KERN_RESOURCE", 0x10000: "GUARD_EXC_SEND_INVALID_REPLY", 0x20000: "GUARD_EXC_SEND_INVALID_VOUCHER",
    0x40000: "GUARD_EXC_SEND_INVALID_RIGHT", 0x80000: "GUARD_EXC_RCV_INVALID_NAME", 0x100000: "GUARD_EXC_RCV_GUARDED_DESC",
    0x200000: "GUARD_EXC_MOD_REFS_NON_FATAL", 0x400000: "GUARD_EXC_IMMOVABLE_NON_FATAL", 0x800000: "GUARD_EXC_REQUIRE_REPLY_PORT_SEMANTICS",
    0x1000000: "GUARD_EXC_EXCEPTION_BEHAVIOR_ENFORCE",
  },
  GUARD_TYPE_FD: {
    1: "GUARD_EXC_CLOSE", 2: "GUARD_EXC_DUP", 4: "GUARD_EXC_NOCLOEXEC", 8: "GUARD_EXC_SOCKET_IPC", 0x10: "GUARD_EXC_FILEPORT",
    0x20: "GUARD_EXC_MISMATCH", 0x40: "GUARD_EXC_WRITE",
  },
  GUARD_TYPE_VN: {
    1: "GUARD_EXC_RENAME_TO", 2: "GUARD_EXC_RENAME_FROM", 4: "GUARD_EXC_UNLINK", 8: "GUARD_EXC_WRITE_OTHER", 0x10: "GUARD_EXC_TRUNC_OTHER",
    0x20: "GUARD_EXC_LINK", 0x40: "GUARD_EXC_EXCHDATA",
  },
  GUARD_TYPE_VIRT_MEMORY: { 1: "GUARD_EXC_DEALLOC_GAP" },
  GUARD_TYPE_REJECTED_SC: { 0: "GUARD_EXC_MACH_TRAP" },
};
