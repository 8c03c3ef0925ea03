// What a minidump says, as the walker and the crash analysis read it. The
// readers beside this file fill these types; nothing here does work.
//
// Addresses are JS numbers: user space ends far below 2^53. A register can
// hold anything, so registers stay two 32-bit words until somebody asks.
import type { Arch } from "../../symbols/registers.ts";

/** A loaded module. */
export type DumpModule = {
  /** Path of the file; "" when its name cannot be read. */
  readonly codeFile: string;
  readonly base: number;
  readonly size: number;
  /** Link time of a PE file. */
  readonly timestamp: number;
  readonly checksum: number;
  /** Path of the debug file; null when no debug record names one. */
  readonly debugFile: string | null;
  /** Breakpad's debug id in upper case; null when there is no debug record. */
  readonly debugId: string | null;
  readonly codeId: string | null;
  /** `a.b.c.d` of the version record; null when it has none. */
  readonly version: string | null;
};

/** A module that was loaded once. One place may have had many. */
export type UnloadedModule = {
  readonly codeFile: string;
  readonly base: number;
  readonly size: number;
  readonly codeId: string | null;
};

/** CPU registers at one moment. */
export type CpuContext = {
  readonly arch: Arch;
  /** Low and high word of each register, in the order of `registerFiles[arch].names`. */
  readonly words: Uint32Array;
  /** Bit by register number: set when the register is known, as all of a dump's contexts are. Two words, for numbers from 32. */
  readonly valid: Uint32Array;
};

/** A piece of the dead process's memory that the dump holds. */
export type MemoryRegion = {
  readonly base: number;
  readonly size: number;
  /** Offset of its bytes in the file. */
  readonly rva: number;
};

/** A region opened for reading: `view` covers the bytes from `base`. */
export type MemoryView = {
  readonly base: number;
  readonly size: number;
  readonly view: DataView;
  readonly little: boolean;
};

/** The memory that a dump holds. */
export type DumpMemory = {
  /** Sorted by address, without overlap; of overlapping regions the first in the dump wins. */
  readonly regions: readonly MemoryRegion[];
  /** The region that holds an address, opened from its start or, where it is larger than a stack can be, from shortly before the address; null when no region does. */
  at(address: number): MemoryView | null;
};

/** Protection and state of a range of addresses: a memory info record of Windows, or a line of a Linux maps file. */
export type MappedRange = {
  readonly base: number;
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** A guard page (PAGE_GUARD), or reserved and not committed. */
  readonly guard: boolean;
  /** False for free or merely reserved addresses. */
  readonly committed: boolean;
  /** The mapped file, or a name such as `[stack]`; null when not told. */
  readonly name: string | null;
};

/** What is known of the address space; null in the dump when neither source is there. */
export type AddressSpace = {
  readonly source: "memory_info" | "linux_maps";
  /** Sorted by address. */
  readonly ranges: readonly MappedRange[];
  /** The range that holds an address; null when none does. */
  at(address: number): MappedRange | null;
};

/** A thread. */
export type DumpThread = {
  readonly id: number;
  /** Name that the program gave it; null when the dump has none. */
  readonly name: string | null;
  readonly suspendCount: number;
  readonly priorityClass: number;
  readonly priority: number;
  /** Address of its environment block (TEB on Windows, pthread elsewhere); 0 when not told. */
  readonly teb: number;
  /** Where the dump says its stack is; null when it says nothing or the bytes are not in the file. */
  readonly stack: MemoryRegion | null;
  /** First address of the stack as the thread list says it, whether or not its bytes are in the file; 0 when it says none. */
  readonly stackStart: number;
  /** Reads its registers; null when the dump has no context of a known architecture for it. */
  context(): CpuContext | null;
  /** From the thread info stream. */
  readonly info: ThreadInfo | null;
};

/** One record of the thread info list (MINIDUMP_THREAD_INFO). Times are milliseconds since 1970 or, for kernel and user time, of work. */
export type ThreadInfo = {
  readonly createdAt: number;
  readonly exitedAt: number;
  readonly kernelMs: number;
  readonly userMs: number;
  readonly startAddress: number;
  readonly affinity: number;
};

/** The exception stream. */
export type DumpException = {
  readonly threadId: number;
  /** Exception code of Windows, Mach exception type, or signal number. */
  readonly code: number;
  /** Flags of Windows, Mach code, or si_code. */
  readonly flags: number;
  /** Low and high word of the address, as written. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** The address as a number (rounded above 2^53). */
  readonly address: number;
  /** ExceptionInformation as low and high words, as many as the record claims (15 at most). */
  readonly parameters: readonly { readonly low: number; readonly high: number }[];
  context(): CpuContext | null;
};

/** One open handle. */
export type DumpHandle = {
  readonly handle: number;
  readonly typeName: string | null;
  readonly objectName: string | null;
  readonly attributes: number;
  readonly grantedAccess: number;
  readonly handleCount: number;
  readonly pointerCount: number;
  /** What the writer kept of the object, by kind (MINIDUMP_HANDLE_OBJECT_INFORMATION_TYPE), as places in the file; empty when it kept nothing. */
  readonly objectInfo: readonly { readonly type: number; readonly rva: number; readonly size: number }[];
};

/** One record of `__DATA,__crash_info` of a Mac module. Texts are null when empty. */
export type MacCrashRecord = {
  readonly module: string | null;
  readonly message: string | null;
  readonly signature: string | null;
  readonly backtrace: string | null;
  readonly message2: string | null;
  /** Hex text of 64 bits; null when the record's version has no such field. */
  readonly thread: string | null;
  readonly dialogMode: string | null;
  readonly abortCause: string | null;
};

/** A crash-time function table for code made at run time (FunctionTableStream of Windows). */
export type FunctionTable = {
  readonly minimumAddress: number;
  readonly maximumAddress: number;
  readonly base: number;
  readonly entryCount: number;
  /** Offset in the file of the entries and bytes of each. */
  readonly rva: number;
  readonly entryBytes: number;
};

/** One stream of the directory, for listings. */
export type StreamEntry = {
  readonly type: number;
  /** Its name, such as `ThreadListStream`; null for a type that is not known. */
  readonly name: string | null;
  readonly rva: number;
  readonly size: number;
  /** Offset in the file of its directory entry. */
  readonly entryAt: number;
  /** `read` into the report; `skipped` known by name only; `unknown`; `lost` when it lies past the end of the file; `damaged` when it is there and cannot be read. */
  readonly status: "read" | "skipped" | "unknown" | "lost" | "damaged";
};

/** What Crashpad's own stream says of the report. Ids are UUID texts; null when all zeros. */
export type CrashpadInfo = {
  readonly reportId: string | null;
  readonly clientId: string | null;
  readonly simpleAnnotations: { readonly [key: string]: string };
  readonly modules: readonly {
    /** Index into the module list. */
    readonly index: number;
    readonly list: readonly string[];
    readonly simple: { readonly [key: string]: string };
    /** Text for type 1 (string), hex of the bytes for any other. */
    readonly objects: readonly { readonly name: string; readonly type: number; readonly value: string }[];
  }[];
};

/** The Linux-only streams. */
export type LinuxInfo = {
  /** `ID`, `RELEASE` and so on of /etc/lsb-release, or of os-release under its own names. */
  readonly lsbRelease: { readonly [key: string]: string } | null;
  /** Lines of /proc/cpuinfo up to the first blank one. */
  readonly cpuInfo: { readonly [key: string]: string } | null;
  /** Fields of /proc/PID/status. */
  readonly procStatus: { readonly [key: string]: string } | null;
  /** Arguments of the command line. */
  readonly commandLine: readonly string[] | null;
  /** Environment, `NAME=VALUE`; never part of a report. */
  readonly environment: readonly string[] | null;
  /** Auxiliary vector: type and value. */
  readonly auxv: readonly { readonly type: number; readonly value: number }[] | null;
  /** The run-time linker's list. */
  readonly dsoDebug: { readonly version: number; readonly entry: number; readonly base: number; readonly dynamic: number; readonly libraries: readonly { readonly base: number; readonly name: string; readonly dynamic: number }[] } | null;
  /** Number of mappings in the maps stream; null without one. */
  readonly mapCount: number | null;
  /** /proc/PID/limits as Mozilla's writer keeps it: rows of name, soft, hard, unit. */
  readonly limits: readonly { readonly name: string; readonly soft: string; readonly hard: string; readonly unit: string }[] | null;
};

/** What the dump says of the machine. */
export type SystemInfo = {
  /** MINIDUMP_SYSTEM_INFO.PlatformId, with Breakpad's values for systems other than Windows. */
  readonly platform: number;
  /** `windows`, `mac`, `ios`, `linux`, `android` and so on; `0x…` where the number is unknown. */
  readonly os: string;
  /** `10.0.22631`, and what the system adds to it. */
  readonly osVersion: string;
  /** `a.b.c` alone. */
  readonly osVersionNumber: string;
  /** What the system adds to its version (CSDVersion): often "", null when the dump has no such text. */
  readonly servicePack: string | null;
  /** `x86`, `amd64`, `arm`, `arm64` and so on; `0x…` where the number is unknown. */
  readonly arch: string;
  /** The architecture if it is one that can be walked. */
  readonly cpu: Arch | null;
  /** `GenuineIntel family 6 model 13 stepping 8` and the like, spelled as Breakpad does; "" when it says nothing. */
  readonly cpuInfo: string;
  readonly cpuCount: number;
};

/** A minidump, opened. Lists that hostile files could make long are bounded where they are read. */
export type Minidump = {
  /** Bytes of the file. */
  readonly size: number;
  readonly little: boolean;
  /** Seconds since 1970; 0 when the writer did not say. */
  readonly writtenAt: number;
  readonly flags: number;
  readonly streams: readonly StreamEntry[];
  readonly system: SystemInfo | null;
  readonly processId: number | null;
  /** Seconds since 1970 when the process started; null when not told. */
  readonly processCreatedAt: number | null;
  /** In the order of the dump: the first is the program itself. */
  readonly modules: readonly DumpModule[];
  readonly unloadedModules: readonly UnloadedModule[];
  readonly threads: readonly DumpThread[];
  readonly exception: DumpException | null;
  /** Thread that wrote the dump (Breakpad's stream); null when unknown. */
  readonly dumpThreadId: number | null;
  /** Thread that asked for the dump (Breakpad's stream); null when unknown. */
  readonly requestingThreadId: number | null;
  readonly memory: DumpMemory;
  readonly addressSpace: AddressSpace | null;
  readonly handles: readonly DumpHandle[] | null;
  /** What was asserted, as Breakpad's handler kept it: `expression`, `function`, file and line in one text; null when none. */
  readonly assertion: string | null;
  readonly crashpad: CrashpadInfo | null;
  /** Crashpad's annotations of process and modules, flattened to text, by name; the first of a name wins. */
  readonly annotations: { readonly [key: string]: string };
  readonly linux: LinuxInfo | null;
  readonly macCrashInfo: readonly MacCrashRecord[] | null;
  readonly macBootArgs: string | null;
  /** What Mozilla's writer could not do, as JSON text; null when the stream is not there or is no JSON. */
  readonly softErrors: string | null;
  readonly functionTables: readonly FunctionTable[];
  /** Comments that somebody put into the dump. */
  readonly comments: readonly string[];
  /** What was left out and why, in sentences. */
  readonly notes: readonly string[];
};
