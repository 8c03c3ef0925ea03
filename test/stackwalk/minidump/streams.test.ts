import { describe, expect, it } from "vitest";
import { registerFiles } from "../../../symbols/registers.ts";
import type { CpuContext, Minidump } from "../../../stackwalk/minidump/model.ts";
import { buildMinidump, type SyntheticDump } from "../../support/minidump-builder.ts";
import { everything, opened } from "./everything.ts";

/** A register of a context as a bigint. */
function register(context: CpuContext | null, name: string): bigint | null {
  if (!context) return null;
  const index = registerFiles[context.arch].names.indexOf(name);
  return (BigInt(context.words[2 * index + 1] ?? 0) << 32n) | BigInt(context.words[2 * index] ?? 0);
}

/** What the dump with everything must say, whatever its byte order. */
const rows: readonly (readonly [string, (dump: Minidump) => unknown, unknown])[] = [
  ["the system, its service pack in the version", ({ system }) => [system?.os, system?.osVersion, system?.osVersionNumber, system?.servicePack, system?.cpu], ["windows", "10.0.19045 Service Pack 1", "10.0.19045", "Service Pack 1", "amd64"]],
  ["process id and start", (dump) => [dump.processId, dump.processCreatedAt], [99, 1_699_999_900]],
  ["who wrote the dump and who asked for it", (dump) => [dump.dumpThreadId, dump.requestingThreadId], [8, 7]],
  ["names of modules, also beyond ASCII", ({ modules }) => modules.map(({ codeFile }) => codeFile), ["C:\\Live\\Live.exe", "C:\\VST3\\Gäin.vst3", "old.dll"]],
  ["addresses above 32 bits", ({ modules }) => modules.map(({ base }) => base), [0x1_4000_0000, 0x7ff8_0000_0000, 0x7ffa_0000_0000]],
  // A .dbg file has a name and no id.
  ["a debug file by the miscellaneous record", ({ modules }) => [modules[2]?.debugFile, modules[2]?.debugId], ["old.dbg", null]],
  ["unloaded modules", ({ unloadedModules }) => unloadedModules, [{ codeFile: "C:\\VST3\\Old.vst3", base: 0x7ff9_0000_0000, size: 0x2000, codeId: "600000002000" }]],
  ["threads with names and environment blocks", ({ threads }) => threads.map(({ id, name, teb }) => [id, name, teb]), [[7, "Audio ♪", 0x7ff0_0000], [8, null, 0], [9, null, 0]]],
  ["registers of a thread", ({ threads }) => [register(threads[0]!.context(), "rip"), register(threads[0]!.context(), "rax"), register(threads[0]!.context(), "r15")], [0x7ff8_0000_1234n, 0xffff_ffff_ffff_ffffn, 15n]],
  // Windows names no place for the stack in a full dump; its memory is found by address.
  ["stacks, one of which is only in the memory list", ({ threads, memory }) => [threads[1]?.stack?.size, threads[2]?.stack, threads[2]?.stackStart, memory.at(0x9000_0000)?.size], [64, null, 0x9000_0000, 32]],
  ["times of threads in milliseconds", ({ threads }) => [threads[0]?.info, threads[1]?.info], [{ createdAt: 1_655_526_400_000, exitedAt: 0, kernelMs: 2, userMs: 0.5, startAddress: 0x1_4000_5000, affinity: 15 }, null]],
  ["the exception with its parameters", ({ exception }) => [exception?.threadId, exception?.code, exception?.flags, exception?.addressHigh, exception?.addressLow, exception?.parameters], [7, 0xc0000005, 1, 0xffff_8000, 0xdead_beef, [{ low: 1, high: 0 }, { low: 0xffff_ffff, high: 0xffff_ffff }]]],
  ["the registers of the crash, which are not the thread's", ({ exception }) => register(exception?.context() ?? null, "rip"), 0x7ff8_0000_5678n],
  ["memory in the order of addresses", ({ memory }) => memory.regions.map(({ base, size }) => [base, size]), [[0x1000_0000, 28], [0x2000_0000, 100], [0x7ffe_0000, 64], [0x7fff_0000, 64], [0x9000_0000, 32], [0x7ff8_0000_1200, 256]]],
  ["memory of both lists", ({ memory }) => [0x1000_0001, 0x2000_0063, 0x7ff8_0000_1200, 0x7ffe_0005].map((address) => { const view = memory.at(address); return view?.view.getUint8(address - view.base); }), [2, 1, 0x90, 5]],
  ["no memory where there is none", ({ memory }) => [0, 0x0fff_ffff, 0x1000_001c, 0x7ff8_0000_1300].map((address) => memory.at(address)), [null, null, null, null]],
  [
    "protection of memory",
    ({ addressSpace }) => [addressSpace?.source, ...[0x7ffe_0fff, 0x7fff_0000, 0x8000_1000, 0x7ff8_0000_0000].map((address) => addressSpace?.at(address))],
    [
      "memory_info",
      { base: 0x7ffe_0000, size: 0x1000, readable: true, writable: true, executable: false, guard: true, committed: true, name: null },
      { base: 0x7fff_0000, size: 0x1000, readable: true, writable: true, executable: false, guard: false, committed: true, name: null },
      { base: 0x8000_0000, size: 0x1_0000_0000, readable: false, writable: false, executable: false, guard: true, committed: false, name: null },
      { base: 0x7ff8_0000_0000, size: 0x10_0000, readable: true, writable: false, executable: true, guard: false, committed: true, name: null },
    ],
  ],
  ["handles", ({ handles }) => handles?.map(({ handle, typeName, objectName, objectInfo }) => [handle, typeName, objectName, objectInfo.map(({ type, size }) => [type, size])]), [[4, "File", "\\Device\\Null", [[6, 8], [1, 4]]], [0x1_0000_0008, null, null, []]]],
  ["what was asserted", ({ assertion }) => assertion, "Invalid parameter passed to library function n > 0 in function render, in file engine.cpp, at line 88"],
  ["tables of code made at run time", ({ functionTables }) => functionTables.map(({ minimumAddress, maximumAddress, base, entryCount, entryBytes }) => [minimumAddress, maximumAddress, base, entryCount, entryBytes]), [[0x10, 0x20, 0x1000, 2, 12], [0x30, 0x40, 0x2000, 1, 12]]],
  ["comments", ({ comments }) => comments, ["from the lab", "von ♥"]],
  ["Crashpad's ids", ({ crashpad }) => [crashpad?.reportId, crashpad?.clientId], ["00112233-4455-6677-8899-aabbccddeeff", null]],
  [
    "annotations by module",
    ({ crashpad }) => crashpad?.modules,
    [
      { index: 1, list: ["first", "second"], simple: { host: "not this one", sample_rate: "48000" }, objects: [{ name: "preset", type: 1, value: "Lead ♪" }, { name: "raw", type: 0x8001, value: "01fe" }] },
      { index: 0, list: ["third"], simple: {}, objects: [] },
    ],
  ],
  // The process's own value wins over a module's of the same name.
  ["annotations as one text each", ({ annotations }) => annotations, { host: "Live 12", "": "unnamed", list: "first\nsecond\nthird", sample_rate: "48000", preset: "Lead ♪" }],
  ["the first processor of /proc/cpuinfo", ({ linux }) => linux?.cpuInfo, { processor: "0", vendor_id: "GenuineIntel", microcode: "0xf4" }],
  ["/proc/PID/status", ({ linux }) => linux?.procStatus, { Name: "live", Pid: "4242" }],
  ["the distribution, without quotes", ({ linux }) => linux?.lsbRelease, { DISTRIB_ID: "Ubuntu", DISTRIB_DESCRIPTION: "Ubuntu 24.04 LTS" }],
  ["command line and environment", ({ linux }) => [linux?.commandLine, linux?.environment], [["live", "--plugin", "a b"], ["HOME=/root", "EMPTY="]]],
  ["the auxiliary vector", ({ linux }) => linux?.auxv, [{ type: 33, value: 0x7fff_1000 }, { type: 6, value: 4096 }]],
  ["the linker's list", ({ linux }) => linux?.dsoDebug, everything.linux?.dsoDebug],
  ["the number of mappings", ({ linux }) => linux?.mapCount, 2],
  ["limits of the process", ({ linux }) => linux?.limits, [{ name: "Max cpu time", soft: "unlimited", hard: "unlimited", unit: "seconds" }, { name: "Max nice priority", soft: "0", hard: "0", unit: "n/a" }]],
  ["what Mac modules noted", ({ macCrashInfo }) => macCrashInfo, [{ module: "/usr/lib/dyld", message: "boom", signature: null, backtrace: "0 a\n1 b", message2: null, thread: "0x10", dialogMode: null, abortCause: "0x100000002" }]],
  ["boot arguments", ({ macBootArgs }) => macBootArgs, "-v keepsyms=1"],
  ["what Mozilla's writer could not do", ({ softErrors }) => softErrors, '[{"InitErrors":[]}]'],
  ["streams that are not read", ({ streams }) => streams.filter(({ status }) => status !== "read").map(({ type, name, status }) => [type, name, status]), [[21, "SystemMemoryInfoStream", "skipped"], [0x12345, null, "unknown"]]],
  ["one thread without a stack of its own", ({ notes }) => notes, ["1 of 3 threads have no stack in the file."]],
];

describe.each([false, true])("the dump with everything, big-endian: %s", (bigEndian) => {
  const dump = opened(buildMinidump({ ...everything, bigEndian }));
  it.each(rows)("has %s", (_, read, expected) => expect(read(dump)).toEqual(expected));
});

it("reads nothing where nothing is", () => {
  const dump = opened(buildMinidump({}));
  expect([dump.modules, dump.unloadedModules, dump.threads, dump.memory.regions, dump.functionTables, dump.comments]).toEqual([[], [], [], [], [], []]);
  expect([dump.exception, dump.addressSpace, dump.handles, dump.assertion, dump.crashpad, dump.linux, dump.macCrashInfo, dump.macBootArgs, dump.softErrors, dump.processId, dump.processCreatedAt]).toEqual(Array(11).fill(null));
});

describe("the processor in words", () => {
  const arm = (id: number, features: number): Uint8Array => Buffer.from(Uint32Array.of(id, features, 0, 0, 0, 0).buffer);
  it.each<[string, SyntheticDump, string]>([
    ["x86 with its vendor", { arch: "x86" }, "SyntheticDmp family 6 model 1 stepping 2"],
    // The layout of amd64 has no room for a vendor.
    ["amd64", {}, "family 6 model 1 stepping 2"],
    ["arm that says nothing", { arch: "arm" }, "ARMv7"],
    ["arm with known part and features", { arch: "arm", cpuBytes: arm(0x510006f2, 0b1000_0000_0011) }, "ARMv7 Qualcomm Krait features: swp,half,thumbee"],
    ["arm of nobody", { arch: "arm", cpuBytes: arm(0x7700c051, 0) }, "ARMv7 vendor(0x77) part(0x7700c050)"],
    ["arm64", { arch: "arm64" }, ""],
  ])("is %s", (_, dump, text) => expect(opened(buildMinidump(dump)).system?.cpuInfo).toBe(text));
});

describe("assertions", () => {
  it.each([
    ["a pure virtual call", { type: 2 }, "Pure virtual function called"],
    ["a kind of the future, with a line", { type: 9, line: 3 }, "Unknown assertion type 0x00000009, at line 3"],
    // Breakpad's Windows handler writes an empty record with every dump.
    ["nothing", {}, null],
  ])("read %s", (_, assertion, text) => expect(opened(buildMinidump({ assertion })).assertion).toBe(text));
});

it("takes version 4 of what Mac modules note, and refuses a record whose texts do not end", () => {
  const record = { version: 4, numbers: [1, 2], texts: ["a", "b", "c", "d", "e"] };
  expect(opened(buildMinidump({ macCrashInfo: [record] })).macCrashInfo).toEqual([{ module: "a", message: "b", signature: "c", backtrace: "d", message2: "e", thread: "0x1", dialogMode: "0x2", abortCause: null }]);
  expect(opened(buildMinidump({ macCrashInfo: [{ ...record, texts: ["a"] }] })).macCrashInfo).toBeNull();
});

it("reads the auxiliary vector and the linker's list of a 32-bit process", () => {
  const dsoDebug = { version: 1, entry: 0x1000, base: 0x2000, dynamic: 0x3000, libraries: [{ base: 0x4000, name: "/lib/libc.so", dynamic: 0x5000 }] };
  const { linux } = opened(buildMinidump({ arch: "arm", linux: { auxv: [[16, 5]], dsoDebug } }));
  expect([linux?.auxv, linux?.dsoDebug]).toEqual([[{ type: 16, value: 5 }], dsoDebug]);
});

it("keeps each text of a long list: names of all lengths, some of them not ASCII", () => {
  const name = (i: number): string => `C:\\${"p".repeat((i * 37) % 900)}${i % 7 === 0 ? "ü♪" : ""}\\${i}.dll`;
  const modules = Array.from({ length: 700 }, (_, i) => ({ name: name(i), base: 0x10_0000 * (i + 1), debugFile: i % 5 === 0 ? `é${i}.pdb` : `${i}.pdb`, debugId: `${i.toString(16).toUpperCase().padStart(32, "0")}${i.toString(16).toUpperCase()}` }));
  const read = opened(buildMinidump({ os: "windows", modules })).modules;
  expect(read.map(({ codeFile, debugFile, debugId }) => [codeFile, debugFile, debugId])).toEqual(modules.map((module) => [module.name, module.debugFile, module.debugId]));
});
