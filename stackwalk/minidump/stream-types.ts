// The kinds of streams by number and name, and what is done with each.
// Numbers are those of MINIDUMP_STREAM_TYPE (minidumpapiset.h), Breakpad's
// minidump_format.h, Crashpad's and Mozilla's minidump extensions.

/** Stream types that have a reader in this folder. */
export const streamType = {
  threadList: 3,
  moduleList: 4,
  memoryList: 5,
  exception: 6,
  systemInfo: 7,
  threadExList: 8,
  memory64List: 9,
  commentA: 10,
  commentW: 11,
  handleData: 12,
  functionTable: 13,
  unloadedModuleList: 14,
  miscInfo: 15,
  memoryInfoList: 16,
  threadInfoList: 17,
  threadNames: 24,
  breakpadInfo: 0x47670001,
  assertionInfo: 0x47670002,
  linuxCpuInfo: 0x47670003,
  linuxProcStatus: 0x47670004,
  linuxLsbRelease: 0x47670005,
  linuxCmdLine: 0x47670006,
  linuxEnviron: 0x47670007,
  linuxAuxv: 0x47670008,
  linuxMaps: 0x47670009,
  linuxDsoDebug: 0x4767000a,
  crashpadInfo: 0x43500001,
  mozMacosCrashInfo: 0x4d7a0001,
  mozMacosBootargs: 0x4d7a0002,
  mozLinuxLimits: 0x4d7a0003,
  mozSoftErrors: 0x4d7a0004,
} as const;

/** How a stream starts, by which damage is told: a record of at least so many bytes; a count and entries; a header that says its own size and its entries' size. */
export type StreamShape = { readonly kind: "record" | "list" | "extended"; readonly bytes: number };

/** A kind of stream. One without a shape is known by name only. */
export type StreamKind = { readonly name: string; readonly shape: StreamShape | null };

const record = (name: string, bytes: number): StreamKind => ({ name, shape: { kind: "record", bytes } });
const list = (name: string, bytes: number): StreamKind => ({ name, shape: { kind: "list", bytes } });
const extended = (name: string, bytes: number): StreamKind => ({ name, shape: { kind: "extended", bytes } });
const named = (name: string): StreamKind => ({ name, shape: null });

/** Every kind that has a name. */
export const streamKinds: ReadonlyMap<number, StreamKind> = new Map([
  [1, named("ReservedStream0")],
  [2, named("ReservedStream1")],
  [streamType.threadList, list("ThreadListStream", 48)],
  [streamType.moduleList, list("ModuleListStream", 108)],
  [streamType.memoryList, list("MemoryListStream", 16)],
  [streamType.exception, record("ExceptionStream", 32)],
  [streamType.systemInfo, record("SystemInfoStream", 32)],
  [streamType.threadExList, list("ThreadExListStream", 64)],
  [streamType.memory64List, record("Memory64ListStream", 16)],
  [streamType.commentA, record("CommentStreamA", 0)],
  [streamType.commentW, record("CommentStreamW", 0)],
  [streamType.handleData, extended("HandleDataStream", 32)],
  [streamType.functionTable, extended("FunctionTableStream", 32)],
  [streamType.unloadedModuleList, extended("UnloadedModuleListStream", 24)],
  [streamType.miscInfo, record("MiscInfoStream", 12)],
  [streamType.memoryInfoList, extended("MemoryInfoListStream", 48)],
  [streamType.threadInfoList, extended("ThreadInfoListStream", 64)],
  [18, named("HandleOperationListStream")],
  [19, named("TokenStream")],
  [20, named("JavaScriptDataStream")],
  [21, named("SystemMemoryInfoStream")],
  [22, named("ProcessVmCountersStream")],
  [23, named("IptTraceStream")],
  [streamType.threadNames, list("ThreadNamesStream", 12)],
  [0x8000, named("ceStreamNull")],
  [0x8001, named("ceStreamSystemInfo")],
  [0x8002, named("ceStreamException")],
  [0x8003, named("ceStreamModuleList")],
  [0x8004, named("ceStreamProcessList")],
  [0x8005, named("ceStreamThreadList")],
  [0x8006, named("ceStreamThreadContextList")],
  [0x8007, named("ceStreamThreadCallStackList")],
  [0x8008, named("ceStreamMemoryVirtualList")],
  [0x8009, named("ceStreamMemoryPhysicalList")],
  [0x800a, named("ceStreamBucketParameters")],
  [0x800b, named("ceStreamProcessModuleMap")],
  [0x800c, named("ceStreamDiagnosisList")],
  [0xffff, named("LastReservedStream")],
  [streamType.breakpadInfo, record("BreakpadInfoStream", 12)],
  [streamType.assertionInfo, record("AssertionInfoStream", 776)],
  [streamType.linuxCpuInfo, record("LinuxCpuInfo", 0)],
  [streamType.linuxProcStatus, record("LinuxProcStatus", 0)],
  [streamType.linuxLsbRelease, record("LinuxLsbRelease", 0)],
  [streamType.linuxCmdLine, record("LinuxCmdLine", 0)],
  [streamType.linuxEnviron, record("LinuxEnviron", 0)],
  [streamType.linuxAuxv, record("LinuxAuxv", 0)],
  [streamType.linuxMaps, record("LinuxMaps", 0)],
  [streamType.linuxDsoDebug, record("LinuxDsoDebug", 24)],
  [streamType.crashpadInfo, record("CrashpadInfoStream", 52)],
  [0x4b6b0002, named("StabilityReportStream")],
  [streamType.mozMacosCrashInfo, record("MozMacosCrashInfoStream", 12)],
  [streamType.mozMacosBootargs, record("MozMacosBootargsStream", 12)],
  [streamType.mozLinuxLimits, record("MozLinuxLimits", 0)],
  [streamType.mozSoftErrors, record("MozSoftErrors", 0)],
]);
