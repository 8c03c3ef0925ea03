// A dump whose directory is read: each field reads its stream when it is first
// asked for, and once. A walk that needs no environment block never looks at
// it.
import type { Arch } from "../../symbols/registers.ts";
import { readAddressSpace } from "./address-space.ts";
import type { ByteSource } from "./byte-source.ts";
import { contextArch } from "./cpu-context.ts";
import { flatAnnotations, readCrashpadInfo } from "./crashpad-info.ts";
import { heldPart, type Directory, type Location } from "./directory.ts";
import { readHandles } from "./handle-data.ts";
import { linuxInfo } from "./linux-info.ts";
import { readMacBootArgs, readMacCrashInfo } from "./mac-info.ts";
import { readMemory } from "./memory.ts";
import type {
  AddressSpace, CrashpadInfo, DumpException, DumpHandle, DumpMemory, DumpModule, DumpThread, FunctionTable, LinuxInfo, MacCrashRecord, Minidump,
  StreamEntry, SystemInfo, ThreadInfo, UnloadedModule,
} from "./model.ts";
import { readModuleList, readUnloadedModules } from "./module-list.ts";
import { streamType } from "./stream-types.ts";
import { readMiscInfo, readSystemInfo } from "./system-info.ts";
import { readException, readThreadInfos, readThreadNames, readThreads, THREAD_BYTES, THREAD_EX_BYTES } from "./thread-list.ts";
import { readAssertion, readBreakpadInfo, readComment, readFunctionTables } from "./writer-notes.ts";

/** Bytes read of Mozilla's soft errors. */
const SOFT_ERRORS_BYTES_MAX = 1024 * 1024;

/** A value that is made when it is first asked for. */
class Late<T> {
  readonly #make: () => T;
  #value: T | undefined;
  #made = false;

  constructor(make: () => T) {
    this.#make = make;
  }

  get(): T {
    if (!this.#made) {
      this.#value = this.#make();
      this.#made = true;
    }
    return this.#value as T;
  }
}

/** The reader behind `readMinidump`, which checks what a directory must have first. */
export class OpenedDump implements Minidump {
  readonly size: number;
  readonly little: boolean;
  readonly writtenAt: number;
  readonly flags: number;
  readonly streams: readonly StreamEntry[];
  readonly system: SystemInfo | null;
  readonly processId: number | null;
  readonly processCreatedAt: number | null;
  readonly dumpThreadId: number | null;
  readonly requestingThreadId: number | null;
  readonly modules: readonly DumpModule[];
  readonly threads: readonly DumpThread[];
  readonly exception: DumpException | null;
  readonly notes: readonly string[];
  readonly #source: ByteSource;
  readonly #streams: Directory["streams"];
  readonly #unloaded = new Late(() => this.#read(streamType.unloadedModuleList, (at) => readUnloadedModules(this.#source, at, this.system?.platform ?? null)) ?? []);
  readonly #memory = new Late(() => this.#readMemory());
  readonly #space = new Late(() => readAddressSpace(this.#source, this.#held(streamType.memoryInfoList), this.#held(streamType.linuxMaps)));
  readonly #handles = new Late(() => this.#read(streamType.handleData, (at) => readHandles(this.#source, at)));
  readonly #assertion = new Late(() => this.#read(streamType.assertionInfo, (at) => readAssertion(this.#source, at)));
  readonly #crashpad = new Late(() => this.#read(streamType.crashpadInfo, (at) => readCrashpadInfo(this.#source, at)));
  readonly #annotations = new Late(() => (this.crashpad ? flatAnnotations(this.crashpad) : {}));
  readonly #linux = new Late(() => linuxInfo(this.#source, this.#streams, this.system?.cpu === "x86" || this.system?.cpu === "arm" ? 4 : 8));
  readonly #macCrashInfo = new Late(() => this.#read(streamType.mozMacosCrashInfo, (at) => readMacCrashInfo(this.#source, at)));
  readonly #macBootArgs = new Late(() => this.#read(streamType.mozMacosBootargs, (at) => readMacBootArgs(this.#source, at)));
  readonly #softErrors = new Late(() => this.#readSoftErrors());
  readonly #functionTables = new Late(() => this.#read(streamType.functionTable, (at) => readFunctionTables(this.#source, at)) ?? []);
  readonly #comments = new Late(() => this.#readComments());
  readonly #threadInfos = new Late(() => this.#read(streamType.threadInfoList, (at) => readThreadInfos(this.#source, at)) ?? new Map<number, ThreadInfo>());

  constructor(directory: Directory) {
    const { source, streams } = directory;
    this.#source = source;
    this.#streams = streams;
    this.size = source.size;
    this.little = source.little;
    this.writtenAt = directory.writtenAt;
    this.flags = directory.flags;
    this.streams = directory.entries;
    this.system = this.#read(streamType.systemInfo, (at) => readSystemInfo(source, at));
    const misc = this.#read(streamType.miscInfo, (at) => readMiscInfo(source, at));
    this.processId = misc?.processId ?? null;
    this.processCreatedAt = misc?.createdAt ?? null;
    const breakpad = this.#read(streamType.breakpadInfo, (at) => readBreakpadInfo(source, at));
    this.dumpThreadId = breakpad?.dumpThreadId ?? null;
    this.requestingThreadId = breakpad?.requestingThreadId ?? null;
    this.modules = this.#read(streamType.moduleList, (at) => readModuleList(source, at, this.system?.platform ?? null)) ?? [];
    const arch = this.system?.cpu ?? null;
    const threads = this.#readThreads(arch);
    const exception = this.#read(streamType.exception, (at) => readException(source, at, arch));
    this.threads = threads;
    this.exception = exception;
    const contexts = [...threads, ...(exception ? [exception] : [])].map(({ contextAt }) => contextArch(source, contextAt, arch));
    this.notes = this.#notes(arch, contexts);
  }

  get unloadedModules(): readonly UnloadedModule[] {
    return this.#unloaded.get();
  }

  get memory(): DumpMemory {
    return this.#memory.get();
  }

  get addressSpace(): AddressSpace | null {
    return this.#space.get();
  }

  get handles(): readonly DumpHandle[] | null {
    return this.#handles.get();
  }

  get assertion(): string | null {
    return this.#assertion.get();
  }

  get crashpad(): CrashpadInfo | null {
    return this.#crashpad.get();
  }

  get annotations(): { readonly [key: string]: string } {
    return this.#annotations.get();
  }

  get linux(): LinuxInfo | null {
    return this.#linux.get();
  }

  get macCrashInfo(): readonly MacCrashRecord[] | null {
    return this.#macCrashInfo.get();
  }

  get macBootArgs(): string | null {
    return this.#macBootArgs.get();
  }

  get softErrors(): string | null {
    return this.#softErrors.get();
  }

  get functionTables(): readonly FunctionTable[] {
    return this.#functionTables.get();
  }

  get comments(): readonly string[] {
    return this.#comments.get();
  }

  /** Reads what the file has of a stream; null when the dump has none. */
  #read<T>(type: number, read: (at: Location) => T): T | null {
    const at = this.#held(type);
    return at ? read(at) : null;
  }

  #held(type: number): Location | undefined {
    const at = this.#streams.get(type);
    return at && (at.status === "lost" ? heldPart(this.#source, at) : at);
  }

  #readThreads(arch: Arch | null): ReturnType<typeof readThreads> {
    const names = this.#read(streamType.threadNames, (at) => readThreadNames(this.#source, at)) ?? new Map<number, string>();
    const around = { source: this.#source, names, arch, infos: () => this.#threadInfos.get() };
    const threads = this.#read(streamType.threadList, (at) => readThreads(around, at, THREAD_BYTES)) ?? [];
    // Itanium's writers had a list of their own, of longer records.
    return threads.length > 0 ? threads : (this.#read(streamType.threadExList, (at) => readThreads(around, at, THREAD_EX_BYTES)) ?? []);
  }

  #readMemory(): DumpMemory {
    return readMemory(this.#source, { list: this.#held(streamType.memoryList), list64: this.#held(streamType.memory64List), stacks: this.threads.map(({ stack }) => stack) });
  }

  #readSoftErrors(): string | null {
    const text = this.#read(streamType.mozSoftErrors, ({ rva, size }) => this.#source.read(rva, Math.min(size, SOFT_ERRORS_BYTES_MAX)).toString("utf8"));
    try {
      if (text !== null) JSON.parse(text);
      return text;
    } catch {
      return null;
    }
  }

  #readComments(): string[] {
    const narrow = this.#read(streamType.commentA, (at) => readComment(this.#source, at, false));
    const wide = this.#read(streamType.commentW, (at) => readComment(this.#source, at, true));
    return [narrow, wide].filter((comment) => comment !== null);
  }

  #notes(arch: Arch | null, contexts: readonly (Arch | null)[]): string[] {
    const notes: string[] = [];
    const lost = this.streams.filter(({ status }) => status === "lost").length;
    if (lost > 0) notes.push(`${lost} streams lie past the end of the file.`);
    if (!this.system) notes.push("The dump has no system info.");
    if (this.modules.length === 0) notes.push("The dump lists no modules.");
    const nameless = this.modules.filter((module) => module.codeFile === "").length;
    if (nameless > 0) notes.push(`${nameless} of ${this.modules.length} modules have no readable name.`);
    if (this.threads.length === 0) notes.push("The dump lists no threads.");
    const stackless = this.threads.filter((thread) => thread.stack === null).length;
    if (stackless > 0) notes.push(`${stackless} of ${this.threads.length} threads have no stack in the file.`);
    const strangers = new Set(contexts.filter((found) => found !== null && arch !== null && found !== arch));
    for (const stranger of strangers) notes.push(`Some registers are those of ${stranger}, although the system info says ${arch}; they are left out.`);
    for (const { name, status } of this.streams) if (status === "damaged") notes.push(`The stream ${name} is damaged and was left out.`);
    return notes;
  }
}
