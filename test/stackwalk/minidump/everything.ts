// A dump with every stream that the builder can write, and what its reading
// must answer. Used by the table of streams and as the seed of mutations.
import { bytesSource } from "../../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../../stackwalk/minidump/minidump.ts";
import type { Minidump } from "../../../stackwalk/minidump/model.ts";
import type { SyntheticDump } from "../../support/minidump-builder.ts";

const GUID = "0123456789ABCDEF0123456789ABCDEF";

/** The description. */
export const everything: SyntheticDump = {
  os: "windows",
  servicePack: "Service Pack 1",
  modules: [
    { name: "C:\\Live\\Live.exe", base: 0x1_4000_0000, debugId: `${GUID}1`, debugFile: "D:\\build\\Live.pdb", version: "12.1.0.7" },
    { name: "C:\\VST3\\Gäin.vst3", base: 0x7ff8_0000_0000, debugId: `${GUID}2A`, debugFile: "Gain.pdb" },
    { name: "old.dll", base: 0x7ffa_0000_0000, miscFile: "old.dbg" },
  ],
  unloadedModules: [{ name: "C:\\VST3\\Old.vst3", base: 0x7ff9_0000_0000, size: 0x2000 }],
  threads: [
    { id: 7, name: "Audio ♪", stackBase: 0x7ffe_0000, stack: Uint8Array.from({ length: 64 }, (_, i) => i), pc: 0x7ff8_0000_1234, fp: 0x7ffe_0010, registers: { rax: 0xffff_ffff_ffff_ffffn, r15: 15 }, teb: 0x7ff0_0000 },
    { id: 8, stackBase: 0x7fff_0000, stack: new Uint8Array(64).fill(0xaa), pc: 0x1_4000_1000 },
    { id: 9, stackBase: 0x9000_0000, stack: new Uint8Array(32).fill(0xbb), pc: 0x1_4000_2000, stackElsewhere: true },
  ],
  threadInfos: [{ id: 7, createdAt: 133_000_000_000_000_000n, kernelTime: 20_000n, userTime: 5_000n, startAddress: 0x1_4000_5000, affinity: 15 }],
  exception: { threadId: 7, code: 0xc0000005, address: 0xffff_8000_dead_beefn, flags: 1, parameters: [1, 0xffff_ffff_ffff_ffffn], context: { pc: 0x7ff8_0000_5678, sp: 0x7ffe_0008, fp: 0x7ffe_0020 } },
  memory: [{ base: 0x7ff8_0000_1200, bytes: new Uint8Array(256).fill(0x90) }],
  memory64: [{ base: 0x2000_0000, bytes: new Uint8Array(100).fill(1) }, { base: 0x1000_0000, bytes: new Uint8Array(28).fill(2) }],
  memoryInfo: [
    { base: 0x7ffe_0000, size: 0x1000, protection: 0x104 },
    { base: 0x7fff_0000, size: 0x1000 },
    { base: 0x8000_0000, size: 0x1_0000_0000, state: 0x2000, protection: 0 },
    { base: 0x7ff8_0000_0000, size: 0x10_0000, protection: 0x20 },
  ],
  processId: 99,
  processCreatedAt: 1_699_999_900,
  dumpThreadId: 8,
  requestingThreadId: 7,
  assertion: { expression: "n > 0", function: "render", file: "engine.cpp", line: 88, type: 1 },
  handles: [
    { handle: 4, typeName: "File", objectName: "\\Device\\Null", objectInfo: [{ type: 6, bytes: new Uint8Array(8) }, { type: 1, bytes: new Uint8Array(4) }] },
    { handle: 0x1_0000_0008 },
  ],
  functionTables: [
    { minimum: 0x10, maximum: 0x20, base: 0x1000, entries: [[0x10, 0x18, 1], [0x18, 0x20, 2]] },
    { minimum: 0x30, maximum: 0x40, base: 0x2000, entries: [[0x30, 0x40, 3]] },
  ],
  comment: "from the lab",
  wideComment: "von ♥",
  crashpad: {
    reportId: "00112233445566778899aabbccddeeff",
    simple: { host: "Live 12", "": "unnamed" },
    modules: [
      {
        index: 1,
        list: ["first", "second"],
        simple: { host: "not this one", sample_rate: "48000" },
        objects: [{ name: "preset", type: 1, value: "Lead ♪" }, { name: "raw", type: 0x8001, value: Uint8Array.of(1, 254) }],
      },
      { index: 0, list: ["third"] },
    ],
  },
  linux: {
    cpuInfo: "processor\t: 0\nvendor_id\t: GenuineIntel\nmicrocode\t: 0xf4\n\nprocessor\t: 1\n",
    procStatus: "Name:\tlive\nPid:\t4242\nno colon\n",
    lsbRelease: 'DISTRIB_ID=Ubuntu\nDISTRIB_DESCRIPTION="Ubuntu 24.04 LTS"\n',
    commandLine: "live\0--plugin\0a b\0",
    environment: "HOME=/root\0EMPTY=\0",
    maps: "00400000-00452000 r-xp 00000000 08:02 173521  /usr/bin/my app (deleted)\nnot a line\n7ffe0000-7ffe8000 rw-p 00000000 00:00 0  [stack]\n",
    limits: "Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax nice priority         0                    0                    \n",
    auxv: [[33, 0x7fff_1000], [6, 4096]],
    dsoDebug: { version: 1, entry: 0x7f00_0000_1000, base: 0x7f00_0000_0000, dynamic: 0x5555_0000_2000, libraries: [{ base: 0x7f11_0000_0000, name: "/lib/libc.so.6", dynamic: 0x7f11_0010_0000 }] },
  },
  macCrashInfo: [{ version: 5, numbers: [0x10, 0, 0x1_0000_0002n], texts: ["/usr/lib/dyld", "boom", "", "0 a\n1 b", ""] }],
  macBootArgs: "-v keepsyms=1",
  softErrors: '[{"InitErrors":[]}]',
  rawStreams: [{ type: 21, bytes: new Uint8Array(8) }, { type: 0x12345, bytes: new Uint8Array(4) }],
};

/** Opens bytes that must be a minidump. */
export function opened(bytes: Uint8Array): Minidump {
  const result = readMinidump(bytesSource(bytes));
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

/** Reads all that a dump can be asked for, as plain values; what is worked out per address is asked for at the ends of each region. */
export function drained(dump: Minidump): object {
  const views = dump.memory.regions.flatMap(({ base, size }) => [base - 1, base, base + size - 1, base + size].map((address) => dump.memory.at(address)?.view.byteLength ?? null));
  const ranges = dump.addressSpace?.ranges.map(({ base, size }) => dump.addressSpace?.at(base + size - 1)?.base) ?? null;
  const { linux } = dump;
  return {
    plain: [dump.size, dump.little, dump.writtenAt, dump.flags, dump.streams, dump.system, dump.processId, dump.processCreatedAt, dump.dumpThreadId, dump.requestingThreadId],
    modules: dump.modules,
    unloaded: dump.unloadedModules,
    threads: dump.threads.map((thread) => [thread.id, thread.name, thread.suspendCount, thread.priorityClass, thread.priority, thread.teb, thread.stack, thread.stackStart, thread.context(), thread.info]),
    exception: dump.exception && [dump.exception.code, dump.exception.parameters, dump.exception.context()],
    memory: [dump.memory.regions, views],
    space: [dump.addressSpace?.ranges, ranges],
    notes: [dump.handles, dump.assertion, dump.functionTables, dump.comments, dump.notes],
    crashpad: [dump.crashpad, dump.annotations],
    linux: linux && [linux.cpuInfo, linux.procStatus, linux.lsbRelease, linux.commandLine, linux.environment, linux.auxv, linux.dsoDebug, linux.mapCount, linux.limits],
    mac: [dump.macCrashInfo, dump.macBootArgs, dump.softErrors],
  };
}
