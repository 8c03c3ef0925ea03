// Builds synthetic minidumps in memory, so that tests need no binary fixtures
// and can ask for exactly the dump that they are about.
//
// What it writes is valid for Breakpad's walker and small (a crash of one
// thread takes about 3 kB), but it is no dump of a real process: contexts hold
// the registers that the test names and zeros else, and stacks hold what the
// test put there. Any other stream can be asked for too, one that no reader
// knows by `rawStreams`. Its processor vendor reads
// "SyntheticDmp", so that one found in the wild can be told from a real one.
//
//   const dump = syntheticCrash({ module: "libGain.so", debugId: "…", offset: 0x1234 });
//
// Layouts are those of minidumpapiset.h and Breakpad's minidump_format.h.
import { writeContext, type SyntheticArch, type SyntheticContext } from "./minidump/contexts.ts";
import {
  writeAssertion, writeAuxv, writeCrashpad, writeDsoDebug, writeFunctionTables, writeHandles, writeMacBootArgs, writeMacCrashInfo, writeMemoryInfo, writeThreadInfos,
  type SyntheticAssertion, type SyntheticCrashpad, type SyntheticDsoDebug, type SyntheticFunctionTable, type SyntheticHandle, type SyntheticMacRecord,
  type SyntheticMapping, type SyntheticThreadInfo,
} from "./minidump/annexes.ts";
import { DumpWriter, type Place } from "./minidump/dump-writer.ts";
import { writeModules, writeUnloaded, type SyntheticModule, type SyntheticOs } from "./minidump/modules.ts";

export type { SyntheticModule };

/** A thread of a synthetic dump. */
export type SyntheticThread = Omit<SyntheticContext, "sp"> & {
  readonly id: number;
  readonly name?: string;
  /** Address of the first byte of `stack`. */
  readonly stackBase: number;
  readonly stack: Uint8Array;
  /** Defaults to `stackBase`. */
  readonly sp?: number;
  /** Address of the environment block; defaults to 0. */
  readonly teb?: number;
  /** Names no place for the stack in the thread list, as Windows does for full dumps; it is still in the memory list. */
  readonly stackElsewhere?: boolean;
  /** Writes no registers. */
  readonly withoutContext?: boolean;
};

/** Texts and records of Linux' own streams. */
export type SyntheticLinux = {
  readonly cpuInfo?: string;
  readonly procStatus?: string;
  readonly lsbRelease?: string;
  readonly commandLine?: string;
  readonly environment?: string;
  readonly maps?: string;
  /** Mozilla's /proc/PID/limits. */
  readonly limits?: string;
  readonly auxv?: readonly (readonly [type: number, value: number])[];
  readonly dsoDebug?: SyntheticDsoDebug;
};

/** Everything a synthetic dump holds; what is left out gets no stream. */
export type SyntheticDump = {
  readonly os?: SyntheticOs;
  readonly arch?: SyntheticArch;
  /** Three numbers; defaults to 10.0.19045. */
  readonly osVersion?: readonly [number, number, number];
  /** What the system adds to its version. */
  readonly servicePack?: string;
  /** The 24 bytes about the processor that end the system info. */
  readonly cpuBytes?: Uint8Array;
  readonly modules?: readonly SyntheticModule[];
  readonly unloadedModules?: readonly SyntheticModule[];
  readonly threads?: readonly SyntheticThread[];
  readonly threadInfos?: readonly SyntheticThreadInfo[];
  /** `context` is written instead of the thread's own; null writes none. */
  readonly exception?: {
    readonly threadId: number;
    readonly code: number;
    readonly address: number | bigint;
    readonly flags?: number;
    readonly parameters?: readonly (number | bigint)[];
    readonly context?: SyntheticContext | null;
  };
  /** Further memory; stacks are listed by themselves. */
  readonly memory?: readonly { readonly base: number; readonly bytes: Uint8Array }[];
  /** Memory of a full dump, in the list that has 64-bit sizes. */
  readonly memory64?: readonly { readonly base: number; readonly bytes: Uint8Array }[];
  readonly memoryInfo?: readonly SyntheticMapping[];
  readonly processId?: number;
  /** Seconds since 1970 when the process started. */
  readonly processCreatedAt?: number;
  /** Seconds since 1970. Defaults to 1700000000. */
  readonly writtenAt?: number;
  /** Thread that wrote the dump (Breakpad's stream); walkers leave it out. */
  readonly dumpThreadId?: number;
  /** Thread that asked for the dump (Breakpad's stream). */
  readonly requestingThreadId?: number;
  readonly assertion?: SyntheticAssertion;
  readonly handles?: readonly SyntheticHandle[];
  readonly functionTables?: readonly SyntheticFunctionTable[];
  readonly comment?: string;
  readonly wideComment?: string;
  /** Crashpad's annotations of the process. */
  readonly annotations?: { readonly [key: string]: string };
  /** Crashpad's stream with all it can hold, instead of `annotations`. */
  readonly crashpad?: SyntheticCrashpad;
  readonly linux?: SyntheticLinux;
  readonly macCrashInfo?: readonly SyntheticMacRecord[];
  readonly macBootArgs?: string;
  /** JSON of Mozilla's writer. */
  readonly softErrors?: string;
  /** Streams of any type and any bytes; they come last in the directory. */
  readonly rawStreams?: readonly { readonly type: number; readonly bytes: Uint8Array }[];
  /** Writes no system info; only for tests of what is missing. */
  readonly withoutSystemInfo?: boolean;
  /** Writes `PMDM`, as a big-endian machine would. */
  readonly bigEndian?: boolean;
};

/** One frame of a synthetic stack. */
export type SyntheticCaller = { readonly module: string; readonly debugId?: string; readonly offset: number };

/** What `syntheticCrash` is asked for. */
export type SyntheticCrash = SyntheticCaller & {
  /** Defaults to Linux. Frames and offsets come out the same. */
  readonly os?: "windows" | "linux" | "mac";
  readonly arch?: "amd64" | "x86" | "arm64";
  /** Callers, the nearest first; `offset` is the return address, so the frame's address is one call before it. */
  readonly callerModules?: readonly SyntheticCaller[];
  /** Modules that are only loaded. */
  readonly otherModules?: readonly SyntheticModule[];
  readonly threadId?: number;
  readonly threadName?: string;
  /** Exception code; defaults to SIGSEGV, EXCEPTION_ACCESS_VIOLATION or EXC_BAD_ACCESS. */
  readonly code?: number;
  /** Address that could not be accessed; defaults to 0. */
  readonly address?: number;
  readonly annotations?: { readonly [key: string]: string };
  readonly processId?: number;
};

type Stream = { readonly type: number; readonly rva: number; readonly size: number };

/** Room in the directory that every dump has; some have more kinds of streams. */
const STREAMS_LEAST = 10;
const platforms: { readonly [os in SyntheticOs]: number } = { windows: 2, mac: 0x8101, ios: 0x8102, linux: 0x8201, android: 0x8203 };
const machines: { readonly [arch in SyntheticArch]: number } = { x86: 0, arm: 5, amd64: 9, arm64: 12, "arm64-old": 0x8003 };

/** A crash of one thread whose innermost frame is at `module` + `offset`. Frames are linked by frame pointers, so no symbols are needed to walk it. */
export function syntheticCrash(crash: SyntheticCrash): Uint8Array {
  const { os = "linux", arch = "amd64", callerModules: callers = [], threadId = 1001 } = crash;
  const modules = placeModules([crash, ...callers], os);
  const addressOf = (frame: SyntheticCaller): number => (modules.get(frame.module)?.base ?? 0) + frame.offset;
  const word = arch === "x86" ? 4 : 8;
  const stackBase = arch === "x86" ? 0x0010_0000 : 0x7ffe_0000_0000;
  // Each frame is a saved frame pointer and a return address; the last ones are zero.
  const stack = new DataView(new ArrayBuffer((2 * callers.length + 4) * word));
  const put = (at: number, value: number): void => (word === 4 ? stack.setUint32(at, value, true) : stack.setBigUint64(at, BigInt(value), true));
  // On arm64 the innermost return address is in the link register, not on the stack.
  const inRegister = arch === "arm64" ? callers.slice(0, 1) : [];
  for (const [i, caller] of callers.slice(inRegister.length).entries()) {
    put(i * 2 * word, stackBase + (i + 1) * 2 * word);
    put(i * 2 * word + word, addressOf(caller));
  }
  const codes = { windows: 0xc0000005, linux: 11, mac: 1 };
  return buildMinidump({
    os,
    arch,
    modules: [...modules.values(), ...(crash.otherModules ?? [])],
    threads: [
      {
        id: threadId,
        stackBase,
        stack: new Uint8Array(stack.buffer),
        pc: addressOf(crash),
        fp: callers.length > 0 ? stackBase : 0,
        lr: inRegister.map(addressOf)[0] ?? 0,
        ...(crash.threadName === undefined ? {} : { name: crash.threadName }),
      },
    ],
    exception: { threadId, code: crash.code ?? codes[os], address: crash.address ?? 0 },
    processId: crash.processId ?? 4242,
    ...(crash.annotations ? { annotations: crash.annotations } : {}),
  });
}

/** Gives each module that frames name a place of its own, in the order of the frames. */
function placeModules(frames: readonly SyntheticCaller[], os: string): Map<string, SyntheticModule> {
  const placed = new Map<string, SyntheticModule>();
  for (const frame of frames) {
    const known = placed.get(frame.module);
    const size = Math.max(0x10_0000, known?.size ?? 0, (Math.floor(frame.offset / 0x1000) + 1) * 0x1000);
    const base = known?.base ?? 0x1000_0000 + placed.size * 0x0400_0000;
    const debugId = frame.debugId ?? known?.debugId;
    const debugFile = os === "windows" ? frame.module.replace(/\.[^.]*$/, "") + ".pdb" : frame.module;
    placed.set(frame.module, { name: frame.module, base, size, debugFile, ...(debugId === undefined ? {} : { debugId }) });
  }
  return placed;
}

/** Writes a dump. */
export function buildMinidump(dump: SyntheticDump): Uint8Array {
  const out = new DumpWriter(dump.bigEndian !== true);
  const parts = streamsOf(dump, out);
  // The header, and a directory that stands first, as real writers put it.
  out.reserve(32 + 12 * Math.max(STREAMS_LEAST, parts.length));
  const streams: Stream[] = parts.map(([type, write]) => {
    const rva = write();
    return { type, rva, size: out.size - rva };
  });
  out.overwrite(0, [0x504d444d, 0xa793, streams.length, 32, 0, dump.writtenAt ?? 1_700_000_000, 0, 0]);
  out.overwrite(32, streams.flatMap(({ type, size, rva }) => [type, size, rva]));
  return out.bytes();
}

/** A stream's type, and what writes it and answers where it starts; it ends where the writing ended. */
type Part = readonly [type: number, write: () => number];

/** All streams in the order of the file. */
function streamsOf(dump: SyntheticDump, out: DumpWriter): Part[] {
  const { os = "linux", arch = "amd64", threads = [] } = dump;
  const parts: Part[] = [];
  // Adds a stream for what the dump has.
  const add = <T>(type: number, value: T | undefined, write: (value: T) => number): void => {
    if (value !== undefined) parts.push([type, () => write(value)]);
  };
  const bytes = (value: Uint8Array): number => out.blob(value).rva;
  const text = (value: string): number => bytes(Buffer.from(value));
  const wordBytes = arch === "x86" || arch === "arm" ? 4 : 8;

  add(7, dump.withoutSystemInfo ? undefined : dump, () => writeSystemInfo(out, os, arch, dump));
  const times = dump.processCreatedAt;
  if (dump.processId !== undefined || times !== undefined) add(15, dump, () => out.record([24, (dump.processId === undefined ? 0 : 1) | (times === undefined ? 0 : 2), dump.processId ?? 0, times ?? 0, 0, 0]));
  if (dump.dumpThreadId !== undefined || dump.requestingThreadId !== undefined) {
    const valid = (dump.dumpThreadId === undefined ? 0 : 1) | (dump.requestingThreadId === undefined ? 0 : 2);
    add(0x47670001, dump, () => out.record([valid, dump.dumpThreadId ?? 0, dump.requestingThreadId ?? 0]));
  }
  add(4, dump.modules, (modules) => writeModules(out, modules, os));
  add(14, dump.unloadedModules, (modules) => writeUnloaded(out, modules));
  // What the thread list points at is written before it, and the memory list and the exception point at it too.
  let contexts: (Place | undefined)[] = [];
  let memory: (Place & { readonly base: number })[] = [];
  add(3, dump.threads, () => {
    contexts = threads.map((thread) => (thread.withoutContext ? undefined : writeContext(out, arch, { ...thread, sp: thread.sp ?? thread.stackBase })));
    const stacks = threads.map((thread) => ({ base: thread.stackBase, ...out.blob(thread.stack) }));
    memory = [...stacks, ...(dump.memory ?? []).map((region) => ({ base: region.base, ...out.blob(region.bytes) }))];
    return writeThreads(out, threads, stacks, contexts);
  });
  const named = threads.filter((thread) => thread.name !== undefined);
  add(24, named.length > 0 ? named : undefined, (list) => writeNames(out, list));
  add(5, dump.threads, () => writeMemory(out, memory));
  add(6, dump.exception, (exception) => writeException(out, exception, exceptionContext(out, arch, exception, contexts[threads.findIndex((thread) => thread.id === exception.threadId)])));
  add(0x43500001, dump.crashpad ?? (dump.annotations && { simple: dump.annotations }), (crashpad) => writeCrashpad(out, crashpad));

  add(17, dump.threadInfos, (infos) => writeThreadInfos(out, infos));
  add(16, dump.memoryInfo, (mappings) => writeMemoryInfo(out, mappings));
  add(12, dump.handles, (handles) => writeHandles(out, handles));
  add(13, dump.functionTables, (tables) => writeFunctionTables(out, tables));
  add(10, dump.comment, text);
  add(11, dump.wideComment, (comment) => out.string(comment) + 4);
  add(0x47670002, dump.assertion, (assertion) => writeAssertion(out, assertion));
  const { linux = {} } = dump;
  add(0x47670003, linux.cpuInfo, text);
  add(0x47670004, linux.procStatus, text);
  add(0x47670005, linux.lsbRelease, text);
  add(0x47670006, linux.commandLine, text);
  add(0x47670007, linux.environment, text);
  add(0x47670008, linux.auxv, (pairs) => writeAuxv(out, pairs, wordBytes));
  add(0x47670009, linux.maps, text);
  add(0x4767000a, linux.dsoDebug, (dso) => writeDsoDebug(out, dso, wordBytes));
  add(0x4d7a0003, linux.limits, text);
  add(0x4d7a0001, dump.macCrashInfo, (records) => writeMacCrashInfo(out, records));
  add(0x4d7a0002, dump.macBootArgs, (args) => writeMacBootArgs(out, args));
  add(0x4d7a0004, dump.softErrors, text);
  add(9, dump.memory64, (regions) => writeMemory64(out, regions));
  for (const stream of dump.rawStreams ?? []) add(stream.type, stream.bytes, bytes);
  return parts;
}

function writeSystemInfo(out: DumpWriter, os: SyntheticOs, arch: SyntheticArch, { osVersion = [10, 0, 19045], servicePack = "", cpuBytes }: SyntheticDump): number {
  const pack = out.string(servicePack);
  const rva = out.align();
  // Architecture, level and revision, then counts of processors and kind of product.
  out.u16(machines[arch]).u16(arch === "arm" ? 7 : 6).u16(0x0102).u8(4).u8(1);
  out.words([...osVersion, platforms[os], pack, 0]);
  if (cpuBytes) out.raw(cpuBytes);
  else if (arch === "x86" || arch === "amd64") out.ascii("SyntheticDmp").words([0, 0, 0]);
  else out.reserve(24);
  return rva;
}

function writeThreads(out: DumpWriter, threads: readonly SyntheticThread[], stacks: readonly Place[], contexts: readonly (Place | undefined)[]): number {
  const rva = out.record([threads.length]);
  for (const [i, thread] of threads.entries()) {
    const stack = thread.stackElsewhere ? undefined : stacks[i];
    out.words([thread.id, 0, 0, 0]).u64(thread.teb ?? 0).u64(thread.stackBase).words([stack?.size ?? 0, stack?.rva ?? 0]);
    out.words([contexts[i]?.size ?? 0, contexts[i]?.rva ?? 0]);
  }
  return rva;
}

function writeNames(out: DumpWriter, threads: readonly SyntheticThread[]): number {
  const names = threads.map((thread) => out.string(thread.name ?? ""));
  const rva = out.record([threads.length]);
  for (const [i, thread] of threads.entries()) out.words([thread.id]).u64(names[i] ?? 0);
  return rva;
}

function writeMemory(out: DumpWriter, regions: readonly (Place & { readonly base: number })[]): number {
  const rva = out.record([regions.length]);
  for (const { base, size, rva: at } of regions) out.u64(base).words([size, at]);
  return rva;
}

/** The list, behind the bytes that it says the start of. */
function writeMemory64(out: DumpWriter, regions: NonNullable<SyntheticDump["memory64"]>): number {
  const first = out.align();
  for (const { bytes } of regions) out.raw(bytes);
  const rva = out.align();
  out.u64(regions.length).u64(first);
  for (const { base, bytes } of regions) out.u64(base).u64(bytes.length);
  return rva;
}

type Exception = NonNullable<SyntheticDump["exception"]>;

function exceptionContext(out: DumpWriter, arch: SyntheticArch, { context }: Exception, threads: Place | undefined): Place | undefined {
  if (context === undefined) return threads;
  return context === null ? undefined : writeContext(out, arch, context);
}

function writeException(out: DumpWriter, { threadId, code, address, flags = 0, parameters = [] }: Exception, context: Place | undefined): number {
  const rva = out.record([threadId, 0, code, flags]);
  out.u64(0).u64(address).words([parameters.length, 0]);
  for (let i = 0; i < 15; i++) out.u64(parameters[i] ?? 0);
  out.words([context?.size ?? 0, context?.rva ?? 0]);
  return rva;
}
