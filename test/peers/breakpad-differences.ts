// Where our walks and Breakpad's differ, and why. docs/differences.md explains
// the reasons by these names.
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import { CALL_BYTES, endsWithCall } from "../../stackwalk/unwind/call-instruction.ts";
import type { Difference } from "./frame-differences.ts";
import type { Reason, StackTable } from "./stack-tables.ts";

/** Reasons to refuse a word that the peers take for a return address, when they scan. */
export const scanReasons: readonly Reason[] = [
  { name: "not-executable", fits: (difference, dump) => isTheirScan(difference) && isNotExecutable(difference, dump) },
  { name: "not-after-call", fits: (difference, dump) => isTheirScan(difference) && isNotAfterCall(difference, dump) },
];

/** All reasons, each with what a difference for it looks like; the first that fits is the one. */
export const breakpadReasons: readonly Reason[] = [
  { name: "writer-thread-listed", fits: ({ kind, ours, threads }, dump) => kind === "thread-only-ours" && ours === null && threads.ours?.thread_id === dump.dumpThreadId },
  { name: "leaf-is-scan", fits: ({ kind, frame, ours, theirs }) => kind === "trust" && frame === 1 && theirs?.trust === "leaf" && ours?.trust === "scan" },
  { name: "large-context", fits: ({ kind, threads }) => kind === "only-ours" && threads.theirs?.frames.length === 0 },
  { name: "stack-elsewhere", fits: ({ kind, thread, threads }, dump) => kind === "only-ours" && threads.theirs?.frames.length === 1 && !holdsStackPointer(dump, thread, threads.ours?.frames[0]?.registers) },
  { name: "root-ends-walk", fits: ({ kind, theirs, threads }) => kind === "only-theirs" && threads.ours?.stopped === "end_of_stack" && (theirs?.frame ?? 0) >= threads.ours.frames.length },
  { name: "windows-frame-pointer", fits: ({ threads }) => threads.ours?.frames[1]?.trust !== "scan" && threads.theirs?.frames[1]?.trust === "leaf" },
  ...scanReasons,
  { name: "symbol-has-an-end", fits: (difference) => isTheirScan(difference) && isPastItsSymbol(difference) },
  { name: "wide-scan-after-cfi", fits: ({ kind, ours, threads }) => kind === "only-ours" && ours?.trust === "scan" && threads.ours?.frames[ours.frame - 1]?.trust === "cfi" },
];

function isTheirScan({ kind, theirs }: Difference): boolean {
  return kind === "only-theirs" && theirs?.trust === "scan";
}

/** Ends of symbols, as the section or the symbol table of the programs has them (readelf -sS). */
const symbolEnds: { readonly [symbol: string]: number } = { "abort _init": 0x4003ea, "crash __libc_csu_init": 0x414c95 };

function isPastItsSymbol({ theirs }: Difference): boolean {
  return Number(theirs?.offset) >= (symbolEnds[`${theirs?.module} ${theirs?.function}`] ?? Number.POSITIVE_INFINITY);
}

function isNotExecutable({ theirs }: Difference, dump: Minidump): boolean {
  return dump.addressSpace?.at(Number(theirs?.offset))?.executable === false;
}

/** `offset` is one before the return address, and the call ends there. */
function isNotAfterCall({ theirs }: Difference, dump: Minidump): boolean {
  const arch = dump.system?.cpu ?? null;
  const address = Number(theirs?.offset) + 1;
  const code = dump.memory.at(address - CALL_BYTES);
  const at = address - CALL_BYTES - (code?.base ?? 0);
  if (arch === null || code === null || at + CALL_BYTES > code.view.byteLength) return false;
  return !endsWithCall(arch, Buffer.from(code.view.buffer, code.view.byteOffset + at, CALL_BYTES), address);
}

function holdsStackPointer(dump: Minidump, thread: number, registers: { readonly [name: string]: string } | undefined): boolean {
  const sp = Number(registers?.["rsp"] ?? registers?.["esp"] ?? registers?.["sp"]);
  const stack = dump.threads[thread]?.stack ?? null;
  return stack !== null && stack.base <= sp && sp < stack.base + stack.size;
}

/** All differences. */
export const breakpadTable: StackTable = {
  "_extracted/crashpad.envelope.dmp": { "leaf-is-scan": "0-13:1", "not-executable": "0:2-3,6,11,15,21,24,26-28,33 10:2,4" },
  "_extracted/unreal_crash.dmp": { "leaf-is-scan": "0-3,5-58:1", "stack-elsewhere": "4:1-6" },
  "dumps/1.4.2/breakpad-bad-jump.dmp": { "root-ends-walk": "0:9-10" },
  "dumps/1.4.2/breakpad-bad-memcpy.dmp": { "root-ends-walk": "0:11-12" },
  "dumps/1.4.2/breakpad-failed-assert.dmp": { "root-ends-walk": "0:15-16" },
  "dumps/1.4.2/breakpad-neighbour-null.dmp": { "root-ends-walk": "0:9-10" },
  "dumps/1.4.2/breakpad-null-write.dmp": { "root-ends-walk": "0:9-10" },
  "dumps/1.4.2/breakpad-stack-overflow.dmp": { "root-ends-walk": "0:12-13" },
  "dumps/1.4.2/breakpad-worker-terminate.dmp": { "root-ends-walk": "0:11-12" },
  "electron+node-minidump/test/fixtures/windows.dmp": { "leaf-is-scan": "1-13:1", "windows-frame-pointer": "0:1-3" },
  "getsentry+rust-breakpad/tests/fixtures/crash_macos.dmp": { "wide-scan-after-cfi": "0:3" },
  "getsentry+sentry-desktop-crash-reporter/tests/data/minidump.dmp": { "leaf-is-scan": "0-3:1", "writer-thread-listed": "4:0" },
  "getsentry+sentry-native/tests/fixtures/minidump.dmp": { "leaf-is-scan": "0-3:1", "writer-thread-listed": "4:0" },
  "google+breakpad/src/processor/testdata/ascii_read_av_clobber_write.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/ascii_read_av_conditional.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/ascii_read_av_then_jmp.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/ascii_read_av_xchg_write.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/ascii_write_av_arg_to_call.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/linux_inside_module_exe_region1.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_inside_module_exe_region2.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_stack_pointer_in_module.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_write_to_nonwritable_module.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_write_to_nonwritable_region_math.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_write_to_outside_module.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_write_to_outside_module_via_math.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/linux_write_to_under_4k.dmp": { "not-after-call": "0:3,6" },
  "google+breakpad/src/processor/testdata/minidump2.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/minidump_32bit_crash_addr.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/null_write_av.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/read_av_clobber_write.dmp": { "writer-thread-listed": "1:0" },
  "google+breakpad/src/processor/testdata/tiny-exe-with-cet-xsave-x86.dmp": { "large-context": "0:0 1-2:0-3" },
  "llvm-mirror+lldb/unittests/Process/minidump/Inputs/linux-x86_64.dmp": { "not-after-call": "0:3,6" },
  "nya3jp+tast/src/go.chromium.org/tast/core/cmd/tast/internal/symbolize/breakpad/testdata/abort.20180103.145440.12345.20827.dmp": { "symbol-has-an-end": "0:5" },
  "rust-minidump+rust-minidump/testdata/invalid-parameter.dmp": { "leaf-is-scan": "2-5:1", "writer-thread-listed": "1:0" },
  "rust-minidump+rust-minidump/testdata/linux-mini.dmp": { "symbol-has-an-end": "0:2" },
  "rust-minidump+rust-minidump/testdata/test.dmp": { "writer-thread-listed": "1:0" },
  "windows/dumps/both-x64-many-registers.cv.dmp": { "leaf-is-scan": "0:1" },
  "windows/dumps/divide-by-zero.cv.dmp": { "leaf-is-scan": "0:1" },
  "windows/dumps/in-prolog.cv.dmp": { "leaf-is-scan": "0:1" },
  "windows/dumps/null-write.cv.dmp": { "leaf-is-scan": "0:1" },
  "windows/dumps/thrown.cv.dmp": { "leaf-is-scan": "0:1" },
};
