// What is malformed in ways that the peers' own test lists name: each row
// damages one thing of a good dump and says what is still read.
import { describe, expect, it } from "vitest";
import type { Minidump } from "../../../stackwalk/minidump/model.ts";
import { buildMinidump, type SyntheticDump } from "../../support/minidump-builder.ts";
import { everything, opened } from "./everything.ts";

/** Directory entries by stream type: where the entry is, and where its stream starts and how long it is. */
function streamOf(view: DataView, type: number): { entry: number; rva: number; size: number } {
  for (let entry = 32; entry < 32 + 12 * view.getUint32(8, true); entry += 12) {
    if (view.getUint32(entry, true) === type) return { entry, rva: view.getUint32(entry + 8, true), size: view.getUint32(entry + 4, true) };
  }
  throw new Error(`no stream ${type}`);
}

/** The dump with everything after a change to the bytes of one stream. */
function damaged(type: number, change: (view: DataView, stream: ReturnType<typeof streamOf>) => void, dump: SyntheticDump = everything): Minidump {
  const bytes = buildMinidump(dump);
  const view = new DataView(bytes.buffer);
  change(view, streamOf(view, type));
  return opened(bytes);
}

const setSize = (size: (now: number) => number) => (view: DataView, { entry, size: now }: ReturnType<typeof streamOf>) => view.setUint32(entry + 4, size(now), true);
const setWord = (at: number, value: number) => (view: DataView, { rva }: ReturnType<typeof streamOf>) => view.setUint32(rva + at, value, true);
const statusOf = (dump: Minidump, type: number) => dump.streams.find((stream) => stream.type === type)?.status;

describe("a damaged stream", () => {
  it.each<[string, number, (view: DataView, stream: ReturnType<typeof streamOf>) => void, (dump: Minidump) => unknown, unknown]>([
    ["a module list that claims one more", 4, setWord(0, 4), (dump) => dump.modules.length, 3],
    ["a module list that claims four billion", 4, setWord(0, 0xffffffff), (dump) => dump.modules.length, 3],
    ["a module list whose stream ends within its last module", 4, setSize((size) => size - 1), (dump) => dump.modules.length, 2],
    ["a module list of three bytes", 4, setSize(() => 3), (dump) => [dump.modules.length, statusOf(dump, 4)], [0, "damaged"]],
    ["a module whose name lies past the end", 4, setWord(4 + 20, 0xfffffff0), (dump) => [dump.modules.map(({ codeFile }) => codeFile), dump.notes[0]], [["", "C:\\VST3\\Gäin.vst3", "old.dll"], "1 of 3 modules have no readable name."]],
    // What is kept of a name is within the file here, and its NUL ends it.
    ["a module whose name claims four gigabytes", 4, (view, { rva }) => view.setUint32(view.getUint32(rva + 4 + 20, true), 0xfffffffe, true), (dump) => dump.modules[0]?.codeFile, "C:\\Live\\Live.exe"],
    ["a module without a name", 4, setWord(4 + 20, 0), (dump) => dump.modules[0]?.codeFile, ""],
    ["a debug record past the end", 4, setWord(4 + 80, 0xfffffff0), (dump) => [dump.modules[0]?.debugId, dump.modules[0]?.debugFile], [null, null]],
    ["a debug record larger than any", 4, setWord(4 + 76, 32_769), (dump) => dump.modules[0]?.debugId, null],
    ["a debug record of four bytes", 4, setWord(4 + 76, 4), (dump) => dump.modules[0]?.debugId, null],
    ["a version record without its signature", 4, setWord(4 + 24, 0), (dump) => dump.modules[0]?.version, null],
    ["a thread list that claims four billion", 3, setWord(0, 0xffffffff), (dump) => dump.threads.length, 3],
    ["a thread list that is padded to eight bytes, as 64-bit writers do", 3, (view, { entry, rva, size }) => {
      // The count moves four bytes towards the front; what lay there is padding now.
      view.setUint32(entry + 8, rva - 4, true);
      view.setUint32(entry + 4, size + 4, true);
      view.setUint32(rva - 4, 3, true);
    }, (dump) => dump.threads.map(({ id }) => id), [7, 8, 9]],
    ["a stack past the end", 3, setWord(4 + 36, 0xfffffff0), (dump) => [dump.threads[0]?.stack, dump.threads[0]?.stackStart], [null, 0x7ffe_0000]],
    ["thread names that claim four billion", 24, setWord(0, 0xffffffff), (dump) => dump.threads[0]?.name, "Audio ♪"],
    ["a thread name past 2^32", 24, setWord(12, 1), (dump) => dump.threads[0]?.name, null],
    ["unloaded modules with a header of 8 bytes", 14, setWord(0, 8), (dump) => [dump.unloadedModules, statusOf(dump, 14), dump.notes.at(-1)], [[], "damaged", "The stream UnloadedModuleListStream is damaged and was left out."]],
    ["unloaded modules with a header past the stream", 14, setWord(0, 0xffff), (dump) => dump.unloadedModules, []],
    ["unloaded modules of zero bytes each", 14, setWord(4, 0), (dump) => dump.unloadedModules, []],
    ["unloaded modules larger than the stream", 14, setWord(4, 0xffffffff), (dump) => dump.unloadedModules, []],
    ["handles that claim four billion", 12, setWord(8, 0xffffffff), (dump) => dump.handles?.length, 2],
    ["a chain of object information that bites its tail", 12, (view, { rva }) => view.setUint32(view.getUint32(rva + 16 + 32, true), view.getUint32(rva + 16 + 32, true), true), (dump) => dump.handles?.[0]?.objectInfo.length, 16],
    ["a handle's name past the end", 12, setWord(16 + 8, 0xfffffff0), (dump) => [dump.handles?.[0]?.typeName, dump.handles?.[0]?.objectName], [null, "\\Device\\Null"]],
    ["an exception that ends before its parameters", 6, setSize(() => 32), (dump) => [dump.exception?.code, dump.exception?.parameters, dump.exception?.context()], [0xc0000005, [], null]],
    ["an exception that ends before its address", 6, setSize(() => 31), (dump) => [dump.exception, statusOf(dump, 6)], [null, "damaged"]],
    ["an exception of a thousand parameters", 6, setWord(32, 1000), (dump) => dump.exception?.parameters.length, 15],
    ["a memory list that claims four billion", 5, setWord(0, 0xffffffff), (dump) => dump.memory.regions.length, 6],
    ["64-bit memory that claims 2^64", 9, (view, { rva }) => view.setBigUint64(rva, 0xffff_ffff_ffff_ffffn, true), (dump) => dump.memory.regions.length, 6],
    ["64-bit memory that starts past 2^53", 9, (view, { rva }) => view.setBigUint64(rva + 8, 0xffff_ffff_ffff_fff0n, true), (dump) => dump.memory.regions.length, 4],
    ["64-bit memory without a first entry", 9, setSize(() => 16), (dump) => dump.memory.regions.length, 4],
    ["memory info that claims 2^64", 16, (view, { rva }) => view.setBigUint64(rva + 8, 0xffff_ffff_ffff_ffffn, true), (dump) => dump.addressSpace?.ranges.length, 4],
    ["memory info with entries of 40 bytes", 16, setWord(4, 40), (dump) => [dump.addressSpace?.ranges, statusOf(dump, 16)], [[], "damaged"]],
    ["a system info cut before its processor", 7, setSize(() => 32), (dump) => [dump.system?.os, dump.system?.cpuInfo], ["windows", ""]],
    ["a system info of 31 bytes", 7, setSize(() => 31), (dump) => [dump.system, dump.notes[0]], [null, "The dump has no system info."]],
    ["a system of the future", 7, setWord(20, 0x9999), (dump) => dump.system?.os, "0x00009999"],
    ["a processor of the future", 7, setWord(0, 0x77), (dump) => [dump.system?.arch, dump.system?.cpu, dump.threads[0]?.context()?.arch], ["0x0077", null, "amd64"]],
    ["misc info of its first version, cut", 15, setSize(() => 12), (dump) => [dump.processId, dump.processCreatedAt], [99, null]],
    ["misc info that says nothing", 15, setWord(4, 0), (dump) => [dump.processId, dump.processCreatedAt], [null, null]],
    ["function tables that claim four billion", 13, setWord(16, 0xffffffff), (dump) => dump.functionTables.length, 2],
    ["a function table longer than the stream", 13, setWord(24 + 24, 0xffffffff), (dump) => dump.functionTables, []],
    ["an assertion of 775 bytes", 0x47670002, setSize(() => 775), (dump) => [dump.assertion, statusOf(dump, 0x47670002)], [null, "damaged"]],
    ["Crashpad's stream of 51 bytes", 0x43500001, setSize(() => 51), (dump) => [dump.crashpad, dump.annotations], [null, {}]],
    ["Crashpad's module list past the end", 0x43500001, setWord(48, 0xfffffff0), (dump) => dump.crashpad?.modules, []],
    ["a linker's list past the end", 0x4767000a, setWord(4, 0xfffffff0), (dump) => dump.linux?.dsoDebug?.libraries, []],
    ["a linker's list of four billion", 0x4767000a, setWord(8, 0xffffffff), (dump) => (dump.linux?.dsoDebug?.libraries.length ?? 0) < 4097, true],
    ["crash info records past the end", 0x4d7a0001, setWord(16, 0xfffffff0), (dump) => dump.macCrashInfo, null],
    ["crash info texts before the numbers end", 0x4d7a0001, setWord(8, 8), (dump) => dump.macCrashInfo, null],
    ["boot arguments past 2^53", 0x4d7a0002, setWord(8, 0xffffffff), (dump) => dump.macBootArgs, null],
    ["soft errors that are no JSON", 0x4d7a0004, setSize((size) => size - 1), (dump) => dump.softErrors, null],
  ])("%s", (_, type, change, read, expected) => expect(read(damaged(type, change))).toEqual(expected));
});

describe("the directory", () => {
  it("takes the first of a type that repeats, and lists both", () => {
    const dump = opened(buildMinidump({ linux: { lsbRelease: "ID=first\n" }, rawStreams: [{ type: 0x47670005, bytes: Buffer.from("ID=second\n") }] }));
    expect(dump.linux?.lsbRelease).toEqual({ ID: "first" });
    expect(dump.streams.filter(({ type }) => type === 0x47670005).length).toBe(2);
  });

  it("leaves out unused entries", () => {
    expect(opened(buildMinidump({ rawStreams: [{ type: 0, bytes: new Uint8Array(4) }] })).streams.map(({ type }) => type)).toEqual([7]);
  });

  it("reads a thousand entries and no more", () => {
    const rawStreams = Array.from({ length: 1100 }, () => ({ type: 0x12345, bytes: new Uint8Array(0) }));
    expect(opened(buildMinidump({ rawStreams })).streams.length).toBe(1024);
  });

  it("tells what lies past the end, and reads what is there of it", () => {
    const whole = buildMinidump({ linux: { maps: "1000-2000 r--p 0 0 0 /a\n3000-4000 r--p 0 0 0 /b\n" } });
    const dump = opened(whole.subarray(0, whole.length - 14));
    expect([statusOf(dump, 0x47670009), dump.notes[0]]).toEqual(["lost", "1 streams lie past the end of the file."]);
    expect(dump.linux?.mapCount).toBe(2);
    expect(dump.addressSpace?.ranges.map(({ name }) => name)).toEqual(["/a", null]);
  });
});

it("reads a list of Itanium's longer thread records, where there is no other", () => {
  const plain = buildMinidump({ threads: [{ id: 5, stackBase: 0x1000, stack: new Uint8Array(8), pc: 1 }] });
  const view = new DataView(plain.buffer);
  const { rva } = streamOf(view, 3);
  const record = Buffer.concat([plain.subarray(rva, rva + 4 + 48), new Uint8Array(16)]);
  expect(opened(buildMinidump({ rawStreams: [{ type: 8, bytes: record }] })).threads.map(({ id, stackStart }) => [id, stackStart])).toEqual([[5, 0x1000]]);
});

describe("annotations", () => {
  it("that many modules share are counted once too often only up to a bound", () => {
    const module = { simple: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, "v"])) };
    const bytes = buildMinidump({ crashpad: { modules: Array.from({ length: 100 }, (_, index) => ({ index, ...(index === 0 ? module : {}) })) } });
    const view = new DataView(bytes.buffer);
    const links = view.getUint32(streamOf(view, 0x43500001).rva + 48, true);
    for (let i = 1; i < 100; i++) view.setUint32(links + 4 + 12 * i + 8, view.getUint32(links + 4 + 8, true), true);
    const { crashpad, annotations } = opened(bytes);
    const read = crashpad?.modules.reduce((sum, { simple }) => sum + Object.keys(simple).length, 0) ?? 0;
    expect([read > 3900, read <= 4096, Object.keys(annotations).length]).toEqual([true, true, 100]);
  });

  it("never become more than a megabyte", () => {
    const value = "x".repeat(60_000);
    const { annotations } = opened(buildMinidump({ annotations: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, value])) }));
    expect(JSON.stringify(annotations).length).toBeLessThan(1_100_000);
  });

  it("named like a prototype stay names", () => {
    const { annotations } = opened(buildMinidump({ crashpad: { simple: JSON.parse('{"__proto__":"a","constructor":"b"}') } }));
    expect(Object.entries(annotations)).toEqual([["__proto__", "a"], ["constructor", "b"]]);
  });
});
