// The less common streams of synthetic dumps: what debuggers, Crashpad,
// Breakpad on Linux and Mozilla's writers add to a dump's bare bones.
import type { DumpWriter, Place } from "./dump-writer.ts";

/** A record of the memory info list; state defaults to MEM_COMMIT, protection to PAGE_READWRITE. */
export type SyntheticMapping = { readonly base: number | bigint; readonly size: number; readonly state?: number; readonly protection?: number };

/** A handle; object information is pairs of kind and bytes. */
export type SyntheticHandle = { readonly handle: number; readonly typeName?: string; readonly objectName?: string; readonly objectInfo?: readonly { readonly type: number; readonly bytes: Uint8Array }[] };

/** A record of the thread info list; times are tenths of microseconds, since 1601 where they are moments. */
export type SyntheticThreadInfo = { readonly id: number; readonly createdAt?: bigint; readonly exitedAt?: bigint; readonly kernelTime?: bigint; readonly userTime?: bigint; readonly startAddress?: number; readonly affinity?: number };

/** A table of functions made at run time, with entries of twelve bytes. */
export type SyntheticFunctionTable = { readonly minimum: number; readonly maximum: number; readonly base: number; readonly entries: readonly (readonly [begin: number, end: number, unwind: number])[] };

/** Annotations of one module, as Crashpad writes them. */
export type SyntheticAnnotations = {
  readonly index: number;
  readonly list?: readonly string[];
  readonly simple?: { readonly [key: string]: string };
  readonly objects?: readonly { readonly name: string; readonly type: number; readonly value: Uint8Array | string }[];
};

/** Crashpad's stream; ids are 32 hex digits. */
export type SyntheticCrashpad = { readonly reportId?: string; readonly clientId?: string; readonly simple?: { readonly [key: string]: string }; readonly modules?: readonly SyntheticAnnotations[] };

/** What Breakpad's handler keeps of an assertion; type 1 is an invalid parameter, 2 a pure virtual call. */
export type SyntheticAssertion = { readonly expression?: string; readonly function?: string; readonly file?: string; readonly line?: number; readonly type?: number };

/** The run-time linker's list. */
export type SyntheticDsoDebug = { readonly version: number; readonly entry: number; readonly base: number; readonly dynamic: number; readonly libraries: readonly { readonly base: number; readonly name: string; readonly dynamic: number }[] };

/** A record of `__DATA,__crash_info`: numbers after the version, and texts (module, message, signature, backtrace, message2). */
export type SyntheticMacRecord = { readonly version: number; readonly numbers: readonly (number | bigint)[]; readonly texts: readonly string[] };

/** Writes a memory info list. */
export function writeMemoryInfo(out: DumpWriter, mappings: readonly SyntheticMapping[]): number {
  const rva = out.record([16, 48]);
  out.u64(mappings.length);
  for (const { base, size, state = 0x1000, protection = 4 } of mappings) out.u64(base).u64(base).words([protection, 0]).u64(size).words([state, protection, 0x20000, 0]);
  return rva;
}

/** Writes handles, of the longer kind if any has object information. */
export function writeHandles(out: DumpWriter, handles: readonly SyntheticHandle[]): number {
  const long = handles.some(({ objectInfo }) => objectInfo);
  const parts = handles.map(({ typeName, objectName, objectInfo = [] }) => {
    let next = 0;
    for (const { type, bytes } of objectInfo.toReversed()) {
      const at = out.record([next, type, bytes.length]);
      out.raw(bytes);
      next = at;
    }
    return [typeName === undefined ? 0 : out.string(typeName), objectName === undefined ? 0 : out.string(objectName), next] as const;
  });
  const rva = out.record([16, long ? 40 : 32, handles.length, 0]);
  for (const [i, { handle }] of handles.entries()) {
    const [typeName, objectName, info] = parts[i]!;
    out.u64(handle).words([typeName, objectName, 1, 0x1f0003, 2, 0x7fff]);
    if (long) out.words([info, 0]);
  }
  return rva;
}

/** Writes a thread info list. */
export function writeThreadInfos(out: DumpWriter, infos: readonly SyntheticThreadInfo[]): number {
  const rva = out.record([12, 64, infos.length]);
  for (const info of infos) {
    out.words([info.id, 0, 0, 0x103]);
    for (const value of [info.createdAt, info.exitedAt, info.kernelTime, info.userTime, info.startAddress, info.affinity]) out.u64(value ?? 0);
  }
  return rva;
}

/** Writes function tables, with four bytes of padding before each table's entries. */
export function writeFunctionTables(out: DumpWriter, tables: readonly SyntheticFunctionTable[]): number {
  const nativeBytes = 24;
  const rva = out.record([24, 32, nativeBytes, 12, tables.length, 0]);
  for (const { minimum, maximum, base, entries } of tables) {
    out.u64(minimum).u64(maximum).u64(base).words([entries.length, 4]).reserve(nativeBytes + 4);
    for (const entry of entries) out.words(entry);
  }
  return rva;
}

/** Writes Crashpad's stream. */
export function writeCrashpad(out: DumpWriter, { reportId, clientId, simple = {}, modules = [] }: SyntheticCrashpad): number {
  const dictionary = writeDictionary(out, simple);
  const infos = modules.map((module) => writeAnnotations(out, module));
  const links: Place = { rva: out.record([modules.length]), size: 4 + 12 * modules.length };
  for (const [i, { index }] of modules.entries()) out.words([index, infos[i]!.size, infos[i]!.rva]);
  const rva = out.record([1]);
  out.guid(reportId).guid(clientId).words([dictionary.size, dictionary.rva, ...(modules.length > 0 ? [links.size, links.rva] : [0, 0])]);
  return rva;
}

function writeAnnotations(out: DumpWriter, { list = [], simple = {}, objects = [] }: SyntheticAnnotations): Place {
  const lines = list.map((line) => out.utf8(line));
  const lineList: Place = { rva: out.record([lines.length, ...lines]), size: 4 + 4 * lines.length };
  const dictionary = writeDictionary(out, simple);
  const parts = objects.map(({ name, value }) => [out.utf8(name), out.utf8(value)] as const);
  const objectList: Place = { rva: out.record([objects.length]), size: 4 + 12 * objects.length };
  for (const [i, { type }] of objects.entries()) out.u32(parts[i]![0]).u16(type).u16(0).u32(parts[i]![1]);
  const rva = out.record([1]);
  for (const { size, rva: at } of [lineList, dictionary, objectList]) out.words([size, at]);
  return { rva, size: 28 };
}

function writeDictionary(out: DumpWriter, entries: { readonly [key: string]: string }): Place {
  const places = Object.entries(entries).map((pair) => pair.map((text) => out.utf8(text)));
  const rva = out.record([places.length]);
  for (const pair of places) out.words(pair);
  return { rva, size: out.size - rva };
}

/** Writes Breakpad's assertion record. */
export function writeAssertion(out: DumpWriter, { expression = "", function: inFunction = "", file = "", line = 0, type = 0 }: SyntheticAssertion): number {
  const rva = out.align();
  for (const text of [expression, inFunction, file]) for (let i = 0; i < 128; i++) out.u16(i < 127 && i < text.length ? text.charCodeAt(i) : 0);
  out.words([line, type]);
  return rva;
}

/** Writes the auxiliary vector, which ends with a pair of zeros. */
export function writeAuxv(out: DumpWriter, pairs: readonly (readonly [type: number, value: number])[], wordBytes: 4 | 8): number {
  const rva = out.align();
  for (const pair of [...pairs, [0, 0]]) for (const value of pair) out.word(value, wordBytes);
  return rva;
}

/** Writes the run-time linker's list. */
export function writeDsoDebug(out: DumpWriter, dso: SyntheticDsoDebug, wordBytes: 4 | 8): number {
  const names = dso.libraries.map(({ name }) => out.string(name));
  const map = out.align();
  for (const [i, { base, dynamic }] of dso.libraries.entries()) out.word(base, wordBytes).u32(names[i]!).word(dynamic, wordBytes);
  const rva = out.record([dso.version, map, dso.libraries.length]);
  for (const value of [dso.entry, dso.base, dso.dynamic]) out.word(value, wordBytes);
  return rva;
}

/** Writes Mozilla's stream of what Mac modules noted; all records must have the same number of numbers. */
export function writeMacCrashInfo(out: DumpWriter, records: readonly SyntheticMacRecord[]): number {
  const places = records.map(({ version, numbers, texts }) => {
    const at = out.align();
    for (const value of [0x4d7a0001, version, ...numbers]) out.u64(value);
    for (const text of texts) out.raw(Buffer.from(`${text}\0`));
    return { rva: at, size: out.size - at };
  });
  const rva = out.record([0x4d7a0001, records.length, 16 + 8 * (records[0]?.numbers.length ?? 0)]);
  for (const { size, rva: at } of places) out.words([size, at]);
  out.reserve(8 * (20 - places.length));
  return rva;
}

/** Writes Mozilla's stream of boot arguments. */
export function writeMacBootArgs(out: DumpWriter, text: string): number {
  const at = out.string(text);
  const rva = out.record([0x4d7a0002]);
  out.u64(at);
  return rva;
}
