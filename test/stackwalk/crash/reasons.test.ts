// The crash reason, in the spelling of both peers. Each row was printed by
// rust-minidump 0.27 and Breakpad's minidump_stackwalk for a dump whose
// exception record had these numbers; where our first column differs from
// rust-minidump's, the comment says why.
import { describe, expect, it } from "vitest";
import { breakpadReason } from "../../../stackwalk/crash/breakpad-reason.ts";
import { ntStatusName, winErrorName } from "../../../stackwalk/crash/code-list.ts";
import { crashReason } from "../../../stackwalk/crash/crash-reason.ts";
import { windowsErrorName } from "../../../stackwalk/crash/windows-reason.ts";
import { fakeDump } from "./fake-dump.ts";

type Row = readonly [code: number, flags: number, parameters: readonly bigint[], ours: string, breakpad: string];

const highWatermark = (3n << 61n) | (1n << 58n) | 100n;
const cpuMonitor = (1n << 61n) | (2n << 58n) | (180n << 7n) | 90n;

const mac: readonly Row[] = [
  [1, 1, [], "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS", "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS"],
  [1, 5, [], "EXC_BAD_ACCESS / KERN_FAILURE", "EXC_BAD_ACCESS / 0x00000005"],
  [1, 13, [], "EXC_BAD_ACCESS / EXC_I386_GPFLT", "EXC_BAD_ACCESS / EXC_I386_GPFLT"],
  [1, 0x103, [], "EXC_BAD_ACCESS / 0x00000103", "EXC_BAD_ACCESS / 0x00000103"], // a code of arm, on amd64
  [2, 1, [], "EXC_BAD_INSTRUCTION / EXC_I386_INVOP", "EXC_BAD_INSTRUCTION / EXC_I386_INVOP"],
  [2, 2, [], "EXC_BAD_INSTRUCTION / 0x00000002", "EXC_BAD_INSTRUCTION / 0x00000002"],
  [3, 1, [], "EXC_ARITHMETIC / EXC_I386_DIV", "EXC_ARITHMETIC / EXC_I386_DIV"],
  [4, 3, [], "EXC_EMULATION / 0x00000003", "EXC_EMULATION / 0x00000003"],
  [5, 0x10002, [], "EXC_SOFTWARE / SIGABRT", "EXC_SOFTWARE / SIGABRT"],
  [5, 0xdeadc0de, [], "EXC_SOFTWARE / UNCAUGHT_NS_EXCEPTION", "EXC_SOFTWARE / UNCAUGHT_NS_EXCEPTION"],
  [5, 7, [], "EXC_SOFTWARE / 0x00000007", "EXC_SOFTWARE / 0x00000007"],
  [6, 2, [], "EXC_BREAKPOINT / EXC_I386_BPT", "EXC_BREAKPOINT / EXC_I386_BPT"],
  [7, 1, [], "EXC_SYSCALL / 0x00000001", "EXC_SYSCALL / 0x00000001"],
  [10, 4, [], "EXC_CRASH / 0x00000004", "0x0000000a / 0x00000004"], // rust-minidump does not know type 10
  [11, 0x60000000, [11n, highWatermark, 5n], "EXC_RESOURCE / RESOURCE_TYPE_MEMORY / FLAVOR_HIGH_WATERMARK high watermark limit: 100MiB", "EXC_RESOURCE / 0x60000000"],
  // rust-minidump takes three bits of the percentages where exc_resource.h has seven, and says 2% and 4%
  [11, 0x20000000, [11n, cpuMonitor, 100n], "EXC_RESOURCE / RESOURCE_TYPE_CPU / FLAVOR_CPU_MONITOR_FATAL interval: 180s CPU limit: 90% CPU consumed: 100%", "EXC_RESOURCE / 0x20000000"],
  [12, 0x40000000, [12n, (2n << 61n) | (1n << 32n) | 7n, 55n], "EXC_GUARD / GUARD_TYPE_FD / GUARD_EXC_CLOSE file descriptor: 7 guard identifier: 55", "EXC_GUARD / 0x40000000"],
  [12, 0x60000000, [12n, 7n, 55n], "EXC_GUARD / GUARD_TYPE_USER / namespace: 7 guard identifier: 55", "EXC_GUARD / 0x60000000"], // rust-minidump forgets the blank
  [12, 0, [], "EXC_GUARD / GUARD_TYPE_NONE", "EXC_GUARD / 0x00000000"],
  [12, 0x20000000, [], "EXC_GUARD / GUARD_TYPE_MACH_PORT / 0x0000000000000000 / 0x0000000000000000", "EXC_GUARD / 0x20000000"], // parameters are missing
  [0x43507378, 0, [], "Simulated Exception", "Simulated Exception"],
  [0x43506e78, 0, [], "Uncaught NSException", "Uncaught NSException"], // rust-minidump: unknown 0x43506e78 / 0x00000000
  [0, 0, [], "unknown 0x00000000 / 0x00000000", "0x00000000 / 0x00000000"],
];

const linux: readonly Row[] = [
  [4, 0x80, [], "SIGILL / SI_KERNEL", "SIGILL / 0x00000080"],
  [4, 9, [], "SIGILL / ILL_BADIADDR", "SIGILL / 0x00000009"],
  [4, 1, [], "SIGILL / ILL_ILLOPC", "SIGILL / ILL_ILLOPC"],
  [5, 1, [], "SIGTRAP / TRAP_BRKPT", "SIGTRAP"],
  [6, -6, [], "SIGABRT / SI_TKILL", "SIGABRT"],
  [7, 2, [], "SIGBUS / BUS_ADRERR", "SIGBUS / BUS_ADRERR"],
  [8, 1, [], "SIGFPE / FPE_INTDIV", "SIGFPE / FPE_INTDIV"],
  [8, 9, [], "SIGFPE / 0x00000009", "SIGFPE / 0x00000009"],
  [11, 0, [], "SIGSEGV", "SIGSEGV /0x00000000"],
  [11, 1, [], "SIGSEGV / SEGV_MAPERR", "SIGSEGV /SEGV_MAPERR"],
  [11, 0x80, [], "SIGSEGV / SI_KERNEL", "SIGSEGV /0x00000080"],
  [11, -6, [], "SIGSEGV / SI_TKILL", "SIGSEGV /0xfffffffa"],
  [31, 1, [], "SIGSYS / SYS_SECCOMP", "SIGSYS"],
  [0xffffffff, 0, [], "DUMP_REQUESTED", "DUMP_REQUESTED"],
  [32, 0, [], "unknown 0x00000020 / 0x00000000", "0x00000020 / 0x00000000"],
];

const windows: readonly Row[] = [
  [0xc0000005, 0, [0n, 5n], "EXCEPTION_ACCESS_VIOLATION_READ", "EXCEPTION_ACCESS_VIOLATION_READ"],
  [0xc0000005, 0, [1n, 5n], "EXCEPTION_ACCESS_VIOLATION_WRITE", "EXCEPTION_ACCESS_VIOLATION_WRITE"],
  [0xc0000005, 0, [8n, 5n], "EXCEPTION_ACCESS_VIOLATION_EXEC", "EXCEPTION_ACCESS_VIOLATION_EXEC"],
  [0xc0000005, 0, [3n, 5n], "EXCEPTION_ACCESS_VIOLATION", "EXCEPTION_ACCESS_VIOLATION"],
  [0xc0000005, 0, [], "EXCEPTION_ACCESS_VIOLATION", "EXCEPTION_ACCESS_VIOLATION"], // the record has no parameters
  [0xc0000006, 0, [0n, 5n, 0xc0000185n], "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_IO_DEVICE_ERROR", "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_IO_DEVICE_ERROR"],
  [0xc0000006, 0, [0n, 5n], "EXCEPTION_IN_PAGE_ERROR", "EXCEPTION_IN_PAGE_ERROR_READ"],
  [0xc0000006, 0, [8n, 5n, 0x1234n], "EXCEPTION_IN_PAGE_ERROR_EXEC / 0x00001234", "EXCEPTION_IN_PAGE_ERROR_EXEC / 0x00001234"],
  [0xc0000409, 0, [7n], "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_FATAL_APP_EXIT", "FAST_FAIL_FATAL_APP_EXIT"],
  [0xc0000409, 0, [777n], "EXCEPTION_STACK_BUFFER_OVERRUN / 0x00000309", "EXCEPTION_STACK_BUFFER_OVERRUN"],
  [0xc0000409, 0, [], "STATUS_STACK_BUFFER_OVERRUN", "EXCEPTION_STACK_BUFFER_OVERRUN"],
  [0xc0000374, 0, [], "STATUS_HEAP_CORRUPTION", "EXCEPTION_HEAP_CORRUPTION"],
  [0xe06d7363, 0, [], "Unhandled C++ Exception", "Unhandled C++ Exception"],
  [0xe0434352, 0, [], "MANAGED_EXCEPTION_CODE_V4", "0xe0434352 / 0x00000000"],
  [0xe0000008, 0, [], "Out of Memory", "Out of Memory"],
  [0x0517a7ed, 0, [], "Simulated Exception", "Simulated Exception"],
  [0xc00000fd, 0, [], "EXCEPTION_STACK_OVERFLOW", "EXCEPTION_STACK_OVERFLOW"],
  [0xc06d007e, 0, [], "FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND", "0xc06d007e / 0x00000000"], // a DLL of delay loading is not there
  [0x80070005, 0, [], "FACILITY_WIN32 / ERROR_ACCESS_DENIED", "0x80070005 / 0x00000000"], // rust-minidump: unknown 0x80070005
  [0x40010005, 0, [], "DBG_CONTROL_C", "DBG_CONTROL_C"],
  [0xc00000ff, 0, [], "STATUS_BAD_FUNCTION_TABLE", "EXCEPTION_BAD_FUNCTION_TABLE"],
  [0xc000000d, 0, [], "STATUS_INVALID_PARAMETER", "0xc000000d / 0x00000000"],
  [5, 0, [], "ERROR_ACCESS_DENIED", "0x00000005 / 0x00000000"],
  [0x1234abcd, 7, [], "unknown 0x1234abcd", "0x1234abcd / 0x00000007"],
];

describe("the crash reason", () => {
  for (const [os, rows] of Object.entries({ mac, linux, windows })) {
    it.each(rows)(`${os}: %s, %s, %s`, (code, flags, parameters, ours, breakpad) => {
      const dump = fakeDump({ os, code, flags, parameters });
      expect(crashReason(dump.exception!, dump.system).text).toBe(ours);
      expect(breakpadReason(dump)).toBe(breakpad);
    });
  }

  it("has codes of its own for arm on a Mac", () => {
    const dump = fakeDump({ os: "mac", arch: "arm64", code: 1, flags: 0x105 });
    expect(crashReason(dump.exception!, dump.system).text).toBe("EXC_BAD_ACCESS / EXC_ARM_PAC_FAIL");
  });

  it.each(["0x8205", "ps3", "fuchsia"])("keeps the numbers of a system without tables: %s", (os) => {
    const dump = fakeDump({ os, code: 11, flags: 1 });
    expect(crashReason(dump.exception!, dump.system)).toEqual({ text: "unknown 0x0000000b / 0x00000001", kind: "other" });
  });

  it("keeps the numbers where the dump names no system", () => {
    expect(crashReason(fakeDump({ code: 11 }).exception!, null).text).toBe("unknown 0x0000000b / 0x00000000");
  });

  it("is null in Breakpad's words for a dump without an exception", () => {
    expect(breakpadReason(fakeDump({}))).toBeNull();
  });
});

describe("the long lists", () => {
  it.each([
    [0, "ERROR_SUCCESS"],
    [2, "ERROR_FILE_NOT_FOUND"],
    [122, "ERROR_INSUFFICIENT_BUFFER"],
    [1722, "RPC_S_SERVER_UNAVAILABLE"],
    [0x102, "STATUS_TIMEOUT"], // no error of winerror.h, so an NTSTATUS
    [0xc0000034, "STATUS_OBJECT_NAME_NOT_FOUND"],
    [0xffffffff, "unknown 0xffffffff"],
  ])("%s is %s", (code, name) => {
    expect(windowsErrorName(code)).toBe(name);
  });

  it("answers nothing for a number that they do not have", () => {
    expect([ntStatusName(0xc000ffff), winErrorName(0xc0000005)]).toEqual([undefined, undefined]);
  });
});
