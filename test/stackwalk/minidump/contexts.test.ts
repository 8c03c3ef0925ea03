import { describe, expect, it } from "vitest";
import { registerFiles, type Arch } from "../../../symbols/registers.ts";
import type { CpuContext } from "../../../stackwalk/minidump/model.ts";
import { buildMinidump, type SyntheticDump, type SyntheticThread } from "../../support/minidump-builder.ts";
import type { SyntheticArch } from "../../support/minidump/contexts.ts";
import { opened } from "./everything.ts";

const thread: SyntheticThread = { id: 1, stackBase: 0x1000, stack: new Uint8Array(16), pc: 0x4000, sp: 0x1008, fp: 0x100c, lr: 0x4444 };
const stranger = (found: string, said: string): string => `Some registers are those of ${found}, although the system info says ${said}; they are left out.`;

/** The context of a dump's only thread. */
function contextOf(dump: SyntheticDump, changes: Partial<SyntheticThread> = {}): CpuContext | null {
  return opened(buildMinidump({ ...dump, threads: [{ ...thread, ...changes }] })).threads[0]!.context();
}

/** Registers by name that are not 0, as hex. */
function registers(context: CpuContext | null): { [name: string]: string } | null {
  if (!context) return null;
  const { words } = context;
  const all = registerFiles[context.arch].names.map((name, i): [string, string] => [name, ((BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]!)).toString(16)]);
  return Object.fromEntries(all.filter(([, value]) => value !== "0"));
}

/** Every register of an architecture with a value of its own. */
function distinct(arch: Arch): { [name: string]: bigint } {
  const { names, wordBytes } = registerFiles[arch];
  return Object.fromEntries(names.map((name, i) => [name, (wordBytes === 8 ? 0xabcd_0000_0000_0000n : 0n) + 0x1111_0000n + BigInt(i)]));
}

describe.each([false, true])("contexts, big-endian: %s", (bigEndian) => {
  it.each<[SyntheticArch, Arch]>([
    ["x86", "x86"],
    ["amd64", "amd64"],
    ["arm", "arm"],
    ["arm64", "arm64"],
    // Breakpad's layout of before Windows had one: other flags, other size, same registers.
    ["arm64-old", "arm64"],
  ])("hold every register of %s", (arch, read) => {
    const values = distinct(read);
    const context = contextOf({ arch, bigEndian }, { registers: values });
    expect(context?.arch).toBe(read);
    expect(registers(context)).toEqual(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.toString(16)])));
    const count = registerFiles[read].names.length;
    expect(Array.from({ length: 64 }, (_, i) => (context!.valid[i >>> 5]! >>> (i & 31)) & 1)).toEqual(Array.from({ length: 64 }, (_, i) => (i < count ? 1 : 0)));
  });
});

describe("whose context it is", () => {
  const amd64 = { rip: "4000", rsp: "1008", rbp: "100c" };
  it.each<[string, SyntheticDump, Partial<SyntheticThread>, object | null]>([
    ["with the flags of all parts", {}, { contextFlags: 0x0010_005f }, amd64],
    // Windows sets its highest bits while an exception is dispatched; one of them is ARM's, another SPARC's.
    ["with Windows' own flags", { os: "windows" }, { contextFlags: 0xd810_001f }, amd64],
    ["without flags", {}, { contextFlags: 0 }, null],
    ["with flags of another architecture", {}, { contextFlags: 0x0001_003f }, null],
    ["with flags of two", {}, { contextFlags: 0x0011_001f }, null],
    ["without one", {}, { withoutContext: true }, null],
    // A dump whose system info was lost is still walked.
    ["without a system info", { withoutSystemInfo: true }, {}, amd64],
    ["of arm without a system info", { arch: "arm", withoutSystemInfo: true }, {}, { pc: "4000", sp: "1008", fp: "100c", lr: "4444" }],
    ["of old arm64 without a system info", { arch: "arm64-old", withoutSystemInfo: true }, {}, { pc: "4000", sp: "1008", fp: "100c", lr: "4444" }],
  ])("is told %s", (_, dump, changes, expected) => {
    expect(registers(contextOf(dump, changes))).toEqual(expected);
  });

  it("is noted where system info and registers disagree", () => {
    const bytes = buildMinidump({ arch: "x86", threads: [thread, { ...thread, id: 2 }], exception: { threadId: 1, code: 11, address: 0 } });
    // The architecture of the system info, which is the first stream.
    new DataView(bytes.buffer).setUint16(new DataView(bytes.buffer).getUint32(32 + 8, true), 9, true);
    const dump = opened(bytes);
    expect(dump.threads.map((one) => one.context())).toEqual([null, null]);
    expect(dump.exception?.context()).toBeNull();
    expect(dump.notes).toEqual(["The dump lists no modules.", stranger("x86", "amd64")]);
  });

  it.each([
    ["shorter than its layout", (view: DataView, at: number) => view.setUint32(at + 40, 1231, true)],
    ["past the end of the file", (view: DataView, at: number) => view.setUint32(at + 44, view.byteLength - 1000, true)],
    ["longer than the file", (view: DataView, at: number) => view.setUint32(at + 40, 0xffff_ffff, true)],
  ])("is not told by one that is %s", (_, damage) => {
    const bytes = buildMinidump({ threads: [thread] });
    const view = new DataView(bytes.buffer);
    // System info is the first stream, threads the second.
    damage(view, view.getUint32(32 + 12 + 8, true) + 4);
    const dump = opened(bytes);
    expect(dump.threads[0]!.context()).toBeNull();
    expect(dump.threads[0]!.stack?.size).toBe(16);
  });

  it("is told where a writer appended to it, as Windows does for AVX", () => {
    const bytes = buildMinidump({ threads: [thread] });
    const view = new DataView(bytes.buffer);
    const at = view.getUint32(32 + 12 + 8, true) + 4;
    view.setUint32(at + 40, 1232 + 16, true);
    expect(registers(opened(bytes).threads[0]!.context())).toEqual({ rip: "4000", rsp: "1008", rbp: "100c" });
  });
});
