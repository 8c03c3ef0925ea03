// Builds synthetic minidumps in memory, so that tests need no binary fixtures
// and can ask for exactly the dump that they are about.
//
// What it writes is valid for Breakpad's walker and small (a crash of one
// thread takes about 3 kB), but it is no dump of a real process: contexts hold
// a program counter, a stack pointer and a frame pointer and zeros else, and
// stacks hold what the test put there. Its processor vendor reads
// "SyntheticDmp", so that one found in the wild can be told from a real one.
//
//   const dump = syntheticCrash({ module: "libGain.so", debugId: "…", offset: 0x1234 });
//
// Layouts are those of minidumpapiset.h and Breakpad's minidump_format.h.

/** A module of a synthetic dump. */
export type SyntheticModule = {
  /** Path of the file, such as `C:\VST3\Gain.vst3`. */
  readonly name: string;
  readonly base: number;
  /** Defaults to 1 MiB. */
  readonly size?: number;
  /** Name of the debug file, for an RSDS record. Defaults to the module's name. An ELF build id has none of its own. */
  readonly debugFile?: string;
  /** Breakpad debug id: 32 hex digits and an age. None writes no debug record, so that no symbols can be found. */
  readonly debugId?: string;
  /** ELF build id in hex, instead of `debugId`; only sensible on Linux. */
  readonly buildId?: string;
  /** A ready-made CodeView record, for records that are wrong on purpose. */
  readonly codeView?: Uint8Array;
  /** `a.b.c.d`. */
  readonly version?: string;
  /** Link time, part of a PE's code id. Defaults to 0x60000000. */
  readonly timestamp?: number;
};

/** A thread of a synthetic dump. */
export type SyntheticThread = {
  readonly id: number;
  readonly name?: string;
  /** Address of the first byte of `stack`. */
  readonly stackBase: number;
  readonly stack: Uint8Array;
  readonly pc: number;
  /** Defaults to `stackBase`. */
  readonly sp?: number;
  /** Frame pointer; defaults to 0. */
  readonly fp?: number;
  /** Link register of arm64; defaults to 0. */
  readonly lr?: number;
};

/** Everything a synthetic dump holds; what is left out gets no stream. */
export type SyntheticDump = {
  readonly os?: "windows" | "linux" | "mac";
  readonly arch?: "amd64" | "x86" | "arm64";
  readonly modules?: readonly SyntheticModule[];
  readonly unloadedModules?: readonly SyntheticModule[];
  readonly threads?: readonly SyntheticThread[];
  readonly exception?: { readonly threadId: number; readonly code: number; readonly address: number; readonly flags?: number };
  /** Further memory; stacks are listed by themselves. */
  readonly memory?: readonly { readonly base: number; readonly bytes: Uint8Array }[];
  readonly processId?: number;
  /** Seconds since 1970. Defaults to 1700000000. */
  readonly writtenAt?: number;
  /** Thread that wrote the dump (Breakpad's stream); walkers leave it out. */
  readonly dumpThreadId?: number;
  /** Crashpad's annotations of the process. */
  readonly annotations?: { readonly [key: string]: string };
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

/** Room in the directory: no synthetic dump has more kinds of streams. */
const STREAMS_MAX = 10;
const platforms = { windows: 2, mac: 0x8101, linux: 0x8201 };
const machines = { x86: 0, amd64: 9, arm64: 12 };

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
  const out = new Writer(dump.bigEndian !== true);
  const { os = "linux", arch = "amd64", modules = [], threads = [] } = dump;
  // The header, and a directory that stands first, as real writers put it.
  out.reserve(32 + 12 * STREAMS_MAX);
  const streams: Stream[] = [];
  const add = (type: number, write: () => number): void => {
    const rva = write();
    streams.push({ type, rva, size: out.size - rva });
  };
  if (!dump.withoutSystemInfo) add(7, () => writeSystemInfo(out, os, arch));
  if (dump.processId !== undefined) add(15, () => writeMiscInfo(out, dump.processId ?? 0));
  if (dump.dumpThreadId !== undefined) add(0x47670001, () => out.record([1, dump.dumpThreadId ?? 0, 0]));
  if (dump.modules) {
    const places = modules.map((module) => writeModuleParts(out, module, os));
    add(4, () => writeModules(out, modules, places));
  }
  if (dump.unloadedModules) {
    const names = dump.unloadedModules.map((module) => out.string(module.name));
    add(14, () => writeUnloaded(out, dump.unloadedModules ?? [], names));
  }
  const contexts = threads.map((thread) => writeContext(out, arch, thread));
  const stacks = threads.map((thread) => ({ base: thread.stackBase, ...out.blob(thread.stack) }));
  const memory = [...stacks, ...(dump.memory ?? []).map(({ base, bytes }) => ({ base, ...out.blob(bytes) }))];
  if (dump.threads) {
    add(3, () => writeThreads(out, threads, stacks, contexts));
    const named = threads.filter((thread) => thread.name !== undefined).map((thread) => ({ id: thread.id, rva: out.string(thread.name ?? "") }));
    if (named.length > 0) add(24, () => writeNames(out, named));
    add(5, () => writeMemory(out, memory));
  }
  const { exception } = dump;
  if (exception) {
    const context = contexts[threads.findIndex((thread) => thread.id === exception.threadId)];
    add(6, () => writeException(out, exception, context));
  }
  if (dump.annotations) {
    const dictionary = writeDictionary(out, dump.annotations);
    add(0x43500001, () => writeCrashpadInfo(out, dictionary));
  }
  out.overwrite(0, [0x504d444d, 0xa793, streams.length, 32, 0, dump.writtenAt ?? 1_700_000_000, 0, 0]);
  out.overwrite(32, streams.flatMap(({ type, size, rva }) => [type, size, rva]));
  return out.bytes();
}

type Place = { readonly rva: number; readonly size: number };

function writeSystemInfo(out: Writer, os: keyof typeof platforms, arch: keyof typeof machines): number {
  const empty = out.string("");
  const rva = out.align();
  // Architecture, level and revision, then counts of processors and kind of product.
  out.u16(machines[arch]).u16(6).u16(0x0102).u8(4).u8(1);
  out.words([10, 0, 19045, platforms[os], empty, 0]);
  if (arch === "arm64") out.reserve(24);
  else out.ascii("SyntheticDmp").words([0, 0, 0]);
  return rva;
}

function writeMiscInfo(out: Writer, processId: number): number {
  return out.record([24, 1, processId, 0, 0, 0]);
}

function writeModuleParts(out: Writer, module: SyntheticModule, os: string): { name: number; codeView: Place } {
  const name = out.string(module.name);
  const record = module.codeView ?? codeViewRecord(module, os, out.little);
  return { name, codeView: record ? out.blob(record) : { rva: 0, size: 0 } };
}

/** The CodeView record for a module's ids; null when it has none. */
function codeViewRecord(module: SyntheticModule, os: string, little: boolean): Uint8Array | null {
  const record = new Writer(little);
  if (module.buildId !== undefined) return record.ascii("LEpB").raw(Buffer.from(module.buildId, "hex")).bytes();
  if (module.debugId === undefined) return null;
  const guid = Buffer.from(module.debugId.slice(0, 32), "hex");
  const parts = new DataView(guid.buffer, guid.byteOffset, 16);
  if (os === "linux") {
    // A build id's first sixteen bytes are read as a little-endian GUID.
    const id = new Writer(true).u32(parts.getUint32(0)).u16(parts.getUint16(4)).u16(parts.getUint16(6)).raw(guid.subarray(8));
    return record.ascii("LEpB").raw(id.bytes()).bytes();
  }
  record.ascii("RSDS").u32(parts.getUint32(0)).u16(parts.getUint16(4)).u16(parts.getUint16(6)).raw(guid.subarray(8));
  record.u32(Number.parseInt(module.debugId.slice(32), 16) || 0);
  return record.raw(Buffer.from(`${module.debugFile ?? module.name}\0`)).bytes();
}

function writeModules(out: Writer, modules: readonly SyntheticModule[], places: readonly { name: number; codeView: Place }[]): number {
  const rva = out.record([modules.length]);
  for (const [i, module] of modules.entries()) {
    const place = places[i];
    out.u64(module.base).words([module.size ?? 0x10_0000, 0, module.timestamp ?? 0x6000_0000, place?.name ?? 0]);
    out.words(versionInfo(module.version));
    out.words([place?.codeView.size ?? 0, place?.codeView.rva ?? 0, 0, 0, 0, 0, 0, 0]);
  }
  return rva;
}

/** VS_FIXEDFILEINFO: thirteen words. */
function versionInfo(version: string | undefined): number[] {
  const words = Array.from({ length: 13 }, () => 0);
  if (version === undefined) return words;
  const [a = 0, b = 0, c = 0, d = 0] = version.split(".").map(Number);
  words.splice(0, 4, 0xfeef04bd, 0x0001_0000, a * 0x1_0000 + b, c * 0x1_0000 + d);
  return words;
}

function writeUnloaded(out: Writer, modules: readonly SyntheticModule[], names: readonly number[]): number {
  const rva = out.record([12, 24, modules.length]);
  for (const [i, module] of modules.entries()) out.u64(module.base).words([module.size ?? 0x10_0000, 0, module.timestamp ?? 0x6000_0000, names[i] ?? 0]);
  return rva;
}

function writeContext(out: Writer, arch: keyof typeof machines, { pc, sp, fp = 0, lr = 0, stackBase }: SyntheticThread): Place {
  const top = sp ?? stackBase;
  const rva = out.align();
  if (arch === "x86") {
    // MDRawContextX86: flags first, then ebp, eip, cs, eflags, esp at 0xb4.
    out.words([0x0001_003f]).reserve(0xb0).words([fp, pc, 0x23, 0x246, top, 0x2b]).reserve(512);
  } else if (arch === "arm64") {
    // MDRawContextARM64: flags, cpsr, x0 to x28, fp, lr, sp, pc, then vectors.
    out.words([0x0040_0007, 0]).reserve(29 * 8).u64(fp).u64(lr).u64(top).u64(pc).reserve(912 - 8 - 33 * 8);
  } else {
    // MDRawContextAMD64: six homes, flags, segments; rsp at 0x98, rbp at 0xa0, rip at 0xf8.
    out.reserve(48).words([0x0010_001f, 0]).u16(0x33).reserve(10).words([0x246]).reserve(0x98 - 0x48);
    out.u64(top).u64(fp).reserve(0xf8 - 0xa8).u64(pc).reserve(1232 - 0x100);
  }
  return { rva, size: out.size - rva };
}

function writeThreads(out: Writer, threads: readonly SyntheticThread[], stacks: readonly (Place & { base: number })[], contexts: readonly Place[]): number {
  const rva = out.record([threads.length]);
  for (const [i, thread] of threads.entries()) {
    const stack = stacks[i];
    out.words([thread.id, 0, 0, 0]).u64(0).u64(thread.stackBase).words([stack?.size ?? 0, stack?.rva ?? 0]);
    out.words([contexts[i]?.size ?? 0, contexts[i]?.rva ?? 0]);
  }
  return rva;
}

function writeNames(out: Writer, names: readonly { id: number; rva: number }[]): number {
  const rva = out.record([names.length]);
  for (const name of names) out.words([name.id]).u64(name.rva);
  return rva;
}

function writeMemory(out: Writer, regions: readonly (Place & { base: number })[]): number {
  const rva = out.record([regions.length]);
  for (const { base, size, rva: at } of regions) out.u64(base).words([size, at]);
  return rva;
}

function writeException(out: Writer, exception: NonNullable<SyntheticDump["exception"]>, context: Place | undefined): number {
  const rva = out.record([exception.threadId, 0, exception.code, exception.flags ?? 0]);
  out.u64(0).u64(exception.address).words([0, 0]).reserve(15 * 8);
  out.words([context?.size ?? 0, context?.rva ?? 0]);
  return rva;
}

function writeDictionary(out: Writer, entries: { readonly [key: string]: string }): Place {
  const places = Object.entries(entries).map((pair) => pair.map((text) => out.utf8(text)));
  const rva = out.record([places.length]);
  for (const pair of places) out.words(pair);
  return { rva, size: out.size - rva };
}

function writeCrashpadInfo(out: Writer, dictionary: Place): number {
  const rva = out.record([1]);
  out.reserve(32).words([dictionary.size, dictionary.rva, 0, 0]);
  return rva;
}

/** Bytes that grow, in one byte order. */
class Writer {
  readonly little: boolean;
  #bytes = Buffer.alloc(4096);
  size = 0;

  constructor(little: boolean) {
    this.little = little;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.size));
  }

  /** Moves to a multiple of four; answers the offset there. */
  align(): number {
    if (this.size % 4 !== 0) this.reserve(4 - (this.size % 4));
    return this.size;
  }

  reserve(count: number): this {
    while (this.size + count > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    this.size += count;
    return this;
  }

  u8(value: number): this {
    this.reserve(1);
    this.#bytes.writeUInt8(value, this.size - 1);
    return this;
  }

  u16(value: number): this {
    this.reserve(2);
    if (this.little) this.#bytes.writeUInt16LE(value, this.size - 2);
    else this.#bytes.writeUInt16BE(value, this.size - 2);
    return this;
  }

  u32(value: number): this {
    this.reserve(4);
    this.#put32(value, this.size - 4);
    return this;
  }

  u64(value: number): this {
    this.reserve(8);
    if (this.little) this.#bytes.writeBigUInt64LE(BigInt(value), this.size - 8);
    else this.#bytes.writeBigUInt64BE(BigInt(value), this.size - 8);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.size - bytes.length);
    return this;
  }

  /** Four-letter signatures are numbers, so they turn with the byte order; longer ones are text. */
  ascii(text: string): this {
    const bytes = Buffer.from(text, "latin1");
    return text.length === 4 ? this.u32(bytes.readUInt32LE(0)) : this.raw(bytes);
  }

  /** Writes 32-bit words, as most records are. */
  words(values: readonly number[]): this {
    for (const value of values) this.u32(value);
    return this;
  }

  /** Starts a record of words; answers where. */
  record(values: readonly number[]): number {
    const rva = this.align();
    this.words(values);
    return rva;
  }

  blob(bytes: Uint8Array): Place {
    const rva = this.align();
    this.raw(bytes);
    return { rva, size: bytes.length };
  }

  /** A MINIDUMP_STRING. */
  string(text: string): number {
    const rva = this.align();
    this.u32(text.length * 2);
    for (const unit of `${text}\0`) for (let i = 0; i < unit.length; i++) this.u16(unit.charCodeAt(i));
    return rva;
  }

  /** Crashpad's UTF-8 string. */
  utf8(text: string): number {
    const bytes = Buffer.from(text);
    const rva = this.align();
    this.u32(bytes.length).raw(bytes).u8(0);
    return rva;
  }

  overwrite(at: number, values: readonly number[]): void {
    for (const [i, value] of values.entries()) this.#put32(value, at + i * 4);
  }

  #put32(value: number, at: number): void {
    if (this.little) this.#bytes.writeUInt32LE(value, at);
    else this.#bytes.writeUInt32BE(value, at);
  }
}
