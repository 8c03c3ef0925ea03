// Dumps made by hand, as objects: the analysis is a function of the model, so
// that a test says exactly the registers, bytes and mappings that it is about.
import type { AddressSpace, CpuContext, DumpException, DumpThread, MappedRange, Minidump } from "../../../stackwalk/minidump/model.ts";
import { registerFiles, type Arch } from "../../../symbols/registers.ts";

/** A mapping: base, size, and permissions such as `rw-`; `g` in the fourth place makes it a guard. */
export type FakeMapping = readonly [base: number, size: number, permissions: string, name?: string];

/** What a fake dump holds. */
export type FakeCrash = {
  readonly os?: string;
  readonly arch?: string;
  readonly code?: number;
  readonly flags?: number;
  readonly address?: bigint;
  readonly parameters?: readonly bigint[];
  /** Registers by name; those left out are zero. Null writes no context. */
  readonly registers?: { readonly [name: string]: bigint } | null;
  /** Names of registers that the context does not hold. */
  readonly lost?: readonly string[];
  /** Bytes of memory by address, as hex text. */
  readonly memory?: { readonly [address: string]: string };
  readonly mappings?: readonly FakeMapping[] | null;
  readonly teb?: number;
  /** Base and size of the stack memory that the dump kept. */
  readonly stack?: readonly [base: number, size: number];
};

const none = { threads: [], modules: [], unloadedModules: [], streams: [], functionTables: [], notes: [], annotations: {}, comments: [] };

/** A dump with one thread, number 7, and an exception in it. */
export function fakeDump(crash: FakeCrash): Minidump {
  const arch = crash.arch ?? "amd64";
  const cpu = arch in registerFiles ? (arch as Arch) : null;
  const context = cpu && crash.registers !== null ? fakeContext(cpu, crash.registers ?? {}, crash.lost ?? []) : null;
  const thread: DumpThread = {
    id: 7, name: null, suspendCount: 0, priorityClass: 0, priority: 0, teb: crash.teb ?? 0, stackStart: crash.stack?.[0] ?? 0, info: null,
    stack: crash.stack ? { base: crash.stack[0], size: crash.stack[1], rva: 0 } : null,
    context: () => context,
  }; // prettier-ignore
  const exception = crash.code === undefined ? null : fakeException(crash, context);
  return {
    ...none, size: 0, little: true, writtenAt: 0, flags: 0, processId: null, processCreatedAt: null, threads: [thread], exception, dumpThreadId: null, requestingThreadId: null,
    system: { platform: 0, os: crash.os ?? "linux", osVersion: "", osVersionNumber: "", servicePack: "", arch, cpu, cpuInfo: "", cpuCount: 1 },
    memory: fakeMemory(crash.memory ?? {}),
    addressSpace: crash.mappings ? fakeSpace(crash.mappings) : null,
    handles: null, assertion: null, crashpad: null, linux: null, macCrashInfo: null, macBootArgs: null, softErrors: null,
  }; // prettier-ignore
}

function halves(value: bigint): { low: number; high: number } {
  return { low: Number(BigInt.asUintN(32, value)), high: Number(BigInt.asUintN(32, value >> 32n)) };
}

function fakeException(crash: FakeCrash, context: CpuContext | null): DumpException {
  const address = halves(crash.address ?? 0n);
  return {
    threadId: 7, code: crash.code!, flags: crash.flags ?? 0, addressLow: address.low, addressHigh: address.high, address: Number(crash.address ?? 0n),
    parameters: (crash.parameters ?? []).map(halves),
    context: () => context,
  }; // prettier-ignore
}

/** A context that holds all registers but the lost ones. */
export function fakeContext(arch: Arch, values: { readonly [name: string]: bigint }, lost: readonly string[] = []): CpuContext {
  const names = registerFiles[arch].names;
  const words = new Uint32Array(names.length * 2);
  const valid = new Uint32Array(2);
  for (const [number, name] of names.entries()) {
    const { low, high } = halves(values[name] ?? 0n);
    words[number * 2] = low;
    words[number * 2 + 1] = high;
    if (!lost.includes(name)) valid[number >>> 5]! |= 1 << (number & 31);
  }
  for (const name of [...Object.keys(values), ...lost]) if (!names.includes(name)) throw new Error(`${arch} has no register ${name}`);
  return { arch, words, valid };
}

function fakeMemory(pieces: { readonly [address: string]: string }): Minidump["memory"] {
  const regions = Object.entries(pieces).map(([base, text]) => ({ base: Number(base), bytes: Buffer.from(text.replaceAll(" ", ""), "hex") }));
  return {
    regions: regions.map(({ base, bytes }) => ({ base, size: bytes.length, rva: 0 })),
    at(address) {
      const found = regions.find(({ base, bytes }) => address >= base && address < base + bytes.length);
      return found ? { base: found.base, size: found.bytes.length, view: new DataView(found.bytes.buffer, found.bytes.byteOffset, found.bytes.length), little: true } : null;
    },
  };
}

/** An address space of these mappings, which must be sorted. */
export function fakeSpace(mappings: readonly FakeMapping[]): AddressSpace {
  const ranges: MappedRange[] = mappings.map(([base, size, permissions, name]) => ({
    base, size, readable: permissions[0] === "r", writable: permissions[1] === "w", executable: permissions[2] === "x", guard: permissions[3] === "g", committed: true, name: name ?? null,
  })); // prettier-ignore
  return { source: "linux_maps", ranges, at: (address) => ranges.find(({ base, size }) => address >= base && address < base + size) ?? null };
}
