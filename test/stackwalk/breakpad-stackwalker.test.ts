import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { layOutSymbols, symbolPath } from "../../stackwalk/breakpad/symbol-folder.ts";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { SymbolKey, SymbolSource, WalkOptions } from "../../stackwalk/stackwalker.ts";
import { textReport } from "../../stackwalk/text-report.ts";
import { buildMinidump, syntheticCrash } from "../support/minidump-builder.ts";

const root = mkdtempSync(join(tmpdir(), "deadair-test-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = (): string => {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  return folder;
};
const file = (content: string | Uint8Array, name = "file"): string => {
  const path = join(newFolder(), name);
  writeFileSync(path, content);
  return path;
};

const none: SymbolSource = { locate: (keys) => Promise.resolve(keys.map(() => null)) };
const plenty = { timeoutMs: 20_000, outputBytes: 1e8, maxFrames: 1000, maxThreads: 1000 };

/** Walks with the shipped walker or a stand-in for it. */
function walk(dump: Uint8Array, symbols: SymbolSource = none, options: Partial<WalkOptions> = {}, walker = breakpadStackwalker()) {
  return walker.walk(file(dump), symbols, { ...plenty, ...options, workDir: options.workDir ?? newFolder() });
}

async function reportOf(dump: Uint8Array, symbols: SymbolSource = none, options: Partial<WalkOptions> = {}): Promise<{ report: Report; missing: readonly SymbolKey[] }> {
  const result = await walk(dump, symbols, options);
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result;
}

/** Symbols by name of the debug file. */
function source(symbols: { readonly [debugFile: string]: string }): SymbolSource {
  const paths = new Map(Object.entries(symbols).map(([name, content]) => [name, file(content)]));
  return { locate: (keys) => Promise.resolve(keys.map((key) => (paths.has(key.debugFile!) ? [paths.get(key.debugFile!)!] : null))) };
}

const gain = { module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0" };
const host = { module: "host", debugId: "1123456789ABCDEF0123456789ABCDEF0" };
// Two functions inlined into one, a name with bars, and a name without lines.
const gainSym = `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 libGain.so
FILE 0 /src/gain.cpp
FILE 1 /src/ramp.h
FILE 2 /src/simd.h
INLINE_ORIGIN 0 Ramp::next()
INLINE_ORIGIN 1 simd::mul(float*, float*)
FUNC 1200 100 0 Gain::process(Buffer&)
INLINE 0 44 0 0 1220 40
INLINE 1 12 1 1 1230 10
1200 20 40 0
1220 10 11 1
1230 10 7 2
1240 20 12 1
1260 a0 45 0
FUNC 1400 10 0 operator||(Flag, Flag)
1400 10 80 0
PUBLIC 1500 0 operator|(Flag, Flag)
`;
const crash = syntheticCrash({
  ...gain,
  offset: 0x1234,
  threadName: "Audio",
  callerModules: [{ ...gain, offset: 0x1405 }, { ...gain, offset: 0x1510 }, { ...host, offset: 0x99 }],
});

// Where no walker is shipped (Windows, Linux on ARM) these are counted as skipped.
describe.skipIf(shippedWalker() === null)("the shipped walker", () => {
  it("prints a stack that a person can read", async () => {
    const { report } = await reportOf(crash, source({ "libGain.so": gainSym }));
    expect(textReport({ ...report, walker: "breakpad" })).toBe(`SIGSEGV /0x00000000 at 0x0
Linux 10.0.19045 amd64
walked by breakpad

Thread 1001 "Audio" crashed
   0  simd::mul(float*, float*)  /src/simd.h:7  inlined
      Ramp::next()  /src/ramp.h:12  inlined
      libGain.so!Gain::process(Buffer&)  /src/gain.cpp:44
   1  libGain.so!operator||(Flag, Flag)  /src/gain.cpp:80  by frame pointer
   2  libGain.so!operator|(Flag, Flag)  by frame pointer
   3  host + 0x98  no symbols  by frame pointer

Modules (2)
  loaded       0x10000000  libGain.so  0123456789ABCDEF0123456789ABCDEF0
  missing      0x14000000  host  1123456789ABCDEF0123456789ABCDEF0
`);
  });

  it("gives frames in the report's schema", async () => {
    const { report, missing } = await reportOf(crash, source({ "libGain.so": gainSym }));
    const [first, second, third, fourth] = report.threads[0]?.frames ?? [];
    expect(first).toMatchObject({
      frame: 0,
      offset: "0x10001234",
      module: "libGain.so",
      module_offset: "0x1234",
      function: "Gain::process(Buffer&)",
      // Inlined functions moved the frame's line to the call in it.
      file: "/src/gain.cpp",
      line: 44,
      inlines: [
        { function: "simd::mul(float*, float*)", file: "/src/simd.h", line: 7 },
        { function: "Ramp::next()", file: "/src/ramp.h", line: 12 },
      ],
      trust: "context",
      missing_symbols: false,
      registers: { rip: "0x0000000010001234" },
    });
    // Callers: the address of the call, one byte before the return address 0x1405.
    expect(second).toMatchObject({ offset: "0x10001404", function: "operator||(Flag, Flag)", line: 80, inlines: null, trust: "frame_pointer" });
    expect(second).not.toHaveProperty("registers");
    // A function without lines: its offset is known.
    expect(third).toMatchObject({ function: "operator|(Flag, Flag)", function_offset: "0xf", file: null, line: null });
    expect(fourth).toMatchObject({ module: "host", module_offset: "0x98", function: null, missing_symbols: true });
    expect(missing).toEqual([{ debugFile: "host", debugId: host.debugId, codeFile: "host", codeId: "67452311ab89efcd0123456789abcdef", lacks: "all" }]);
    expect(report).toMatchObject({ pid: 4242, main_module: 0, thread_count: 1, crash_info: { type: "SIGSEGV /0x00000000", address: "0x0", crashing_thread: 0 } });
  });

  it.each([
    ["amd64", 1],
    ["x86", 1],
    // Instructions of ARM have four bytes.
    ["arm64", 4],
  ] as const)("finds the calls of callers on %s", async (arch, callBytes) => {
    const { report } = await reportOf(syntheticCrash({ ...gain, arch, offset: 0x1234, callerModules: [{ ...host, offset: 0x4000 }, { ...gain, offset: 0x8000 }] }));
    expect(report.threads[0]?.frames.map((frame) => frame.module_offset)).toEqual(["0x1234", `0x${(0x4000 - callBytes).toString(16)}`, `0x${(0x8000 - callBytes).toString(16)}`]);
  });

  it.each(["linux", "windows", "mac"] as const)("walks a crash of %s", async (os) => {
    const { report } = await reportOf(syntheticCrash({ ...gain, os, offset: 0x4321, annotations: { host: "Live" } }));
    expect(report.threads[0]?.frames[0]).toMatchObject({ module: "libGain.so", module_offset: "0x4321" });
    expect(report.annotations).toEqual({ host: "Live" });
  });

  it("says of every module how its symbols fared", async () => {
    const dump = syntheticCrash({
      ...gain,
      offset: 0x1234,
      callerModules: [{ ...host, offset: 0x99 }, { module: "libbroken.so", debugId: `2${host.debugId.slice(1)}`, offset: 0x99 }, { module: "[heap]", offset: 0x99 }],
      otherModules: [
        { name: "libother.so", base: 0x7000_0000, debugId: `3${host.debugId.slice(1)}` },
        // Mapped files that are no ELF files get an id of zeros from Breakpad's writer.
        { name: "font.ttf", base: 0x7100_0000, debugId: "0".repeat(33) },
      ],
    });
    const { report, missing } = await reportOf(dump, source({ "libGain.so": gainSym, "libbroken.so": "MODULE Linux x86_64 2 libbroken.so\nFUNC zz\nthis is no record\n" }));
    expect(report.modules.map((module) => [module.filename, module.symbol_state])).toEqual([
      ["libGain.so", "loaded"],
      ["host", "missing"],
      ["libbroken.so", "corrupt"],
      ["[heap]", "no_debug_id"],
      ["libother.so", "unused"],
      ["font.ttf", "no_debug_id"],
    ]);
    expect(missing.map((key) => key.debugFile)).toEqual(["host"]);
  });

  it("asks once for all modules, and only for those that can have symbols", async () => {
    const asked: string[][] = [];
    const asking: SymbolSource = {
      locate(keys) {
        asked.push(keys.map((key) => `${key.debugFile} ${key.debugId}`));
        return Promise.resolve(keys.map(() => null));
      },
    };
    await reportOf(syntheticCrash({ ...gain, offset: 1, callerModules: [{ module: "plain", offset: 9 }] }), asking);
    expect(asked).toEqual([[`libGain.so ${gain.debugId}`]]);
  });

  it("finds symbols of a PDB whose age has letters", async () => {
    const debugId = "0123456789ABCDEF0123456789ABCDEF1AF";
    const { report } = await reportOf(
      syntheticCrash({ module: "Gain.vst3", os: "windows", debugId, offset: 0x1405 }),
      source({ "Gain.pdb": gainSym.replace(gain.debugId, debugId).replace("libGain.so", "Gain.pdb") }),
    );
    expect(report.threads[0]?.frames[0]?.function).toBe("operator||(Flag, Flag)");
    expect(report.modules[0]).toMatchObject({ debug_id: debugId, symbol_state: "loaded" });
  });

  it("leaves out the thread that wrote the dump and still names the others right", async () => {
    const thread = (id: number, name: string) => ({ id, name, stackBase: 0x7000_0000 + id * 4096, stack: new Uint8Array(64), pc: 0x1000_0100 });
    const dump = buildMinidump({
      os: "windows",
      modules: [{ name: "Live.exe", base: 0x1000_0000 }],
      threads: [thread(1, "UI"), thread(2, "crash handler"), thread(3, "Audio")],
      exception: { threadId: 3, code: 0xc0000005, address: 0 },
      dumpThreadId: 2,
    });
    const { report } = await reportOf(dump);
    expect(report.threads.map((one) => [one.thread_id, one.thread_name])).toEqual([[1, "UI"], [3, "Audio"]]);
    expect(report.crash_info.crashing_thread).toBe(1);
  });

  it("walks a dump that was asked for", async () => {
    const dump = buildMinidump({ modules: [], threads: [{ id: 1, stackBase: 0x7000_0000, stack: new Uint8Array(64), pc: 0x1000 }] });
    const { report } = await reportOf(dump);
    expect(report.crash_info).toEqual({ type: null, address: null, crashing_thread: null, assertion: null });
    expect(textReport(report)).toContain("No crash: the dump was asked for.");
  });

  it("keeps the threads and frames that the limits allow, and the thread that crashed", async () => {
    const threads = Array.from({ length: 5 }, (_, i) => ({ id: i + 1, stackBase: 0x7000_0000 + i * 4096, stack: new Uint8Array(64), pc: 0x1000_0100 }));
    const dump = buildMinidump({ modules: [{ name: "a", base: 0x1000_0000 }], threads, exception: { threadId: 5, code: 11, address: 0 } });
    const few = await reportOf(dump, none, { maxThreads: 2 });
    expect(few.report.threads.map((thread) => thread.thread_id)).toEqual([1, 5]);
    expect(few.report).toMatchObject({ thread_count: 5, crash_info: { crashing_thread: 1 } });
    const short = await reportOf(crash, none, { maxFrames: 2 });
    expect(short.report.threads[0]).toMatchObject({ frame_count: 4, frames_truncated: true, frames: [{ frame: 0 }, { frame: 1 }] });
    expect(textReport(short.report)).toContain("  … and 2 more frames\n");
  });

  it("names a frame in a module that was unloaded", async () => {
    const dump = buildMinidump({
      os: "windows",
      modules: [{ name: "Live.exe", base: 0x1000_0000 }],
      unloadedModules: [{ name: "C:\\VST3\\Old.vst3", base: 0x2000_0000, size: 0x10_0000 }],
      threads: [{ id: 1, stackBase: 0x7000_0000, stack: new Uint8Array(64), pc: 0x2000_1234 }],
      exception: { threadId: 1, code: 0xc0000005, address: 0 },
    });
    const { report } = await reportOf(dump);
    expect(report.threads[0]?.frames[0]).toMatchObject({ module: null, module_offset: null, unloaded_modules: [{ module: "Old.vst3", offsets: ["0x1234"] }] });
    expect(report.unloaded_modules).toMatchObject([{ filename: "Old.vst3", base_addr: "0x20000000" }]);
  });

  it.each([
    // A frame's block inside the name of its module.
    "a\n    Found by: inline record",
    // A whole thread.
    "a\n    Found by: call frame info\n\nThread 1\n 0  b",
    // A bar would be a field of the machine format.
    "a|b|c|d",
    "Loaded modules:\n0x10000000 - 0x10000fff  x  ???  (WARNING: Corrupt symbols, x, y)",
  ])("is not fooled by a module called %j", async (name) => {
    const result = await walk(syntheticCrash({ ...gain, module: name, offset: 0x1234 }));
    if (result.ok) {
      expect(result.report.threads).toMatchObject([{ frames: [{ module: name, module_offset: "0x1234", trust: "context" }] }]);
      // Names with line ends are never looked up.
      expect(result.report.modules).toMatchObject([{ filename: name, symbol_state: name.includes("\n") ? "no_debug_id" : "missing" }]);
    } else expect(result.failure.code).toBe("unreadable_output");
  });

  it.each([
    // A dump without threads has nothing to walk.
    ["no_threads", buildMinidump({ modules: [], threads: [] })],
    ["no_threads", buildMinidump({ modules: [] })],
    ["truncated", crash.subarray(0, 500)],
    ["not_a_minidump", Buffer.from("PK\x03\x04")],
    // Two threads of one id: our reader takes that, the walker does not.
    ["no_threads", buildMinidump({ modules: [], threads: [1, 1].map((id) => ({ id, stackBase: 4096, stack: new Uint8Array(8), pc: 1 })) })],
    // A version that is not the minidump version.
    ["walker_refused", Uint8Array.from(crash, (byte, i) => (i === 4 ? 0 : byte))],
  ])("fails with %s", async (code, dump) => {
    expect(await walk(dump)).toMatchObject({ ok: false, failure: { code, message: expect.stringMatching(/\.$/) } });
  });

  it("writes nothing outside its folder, whatever modules are called", async () => {
    const names = ["../../../evil", "..", ".", "a/../../b", "x\0y", "..\\..\\c", "%n%s", "-m", "a\nThread 0 (crashed)\n    Found by: inline record", "n".repeat(300), "/etc/passwd"];
    const dump = buildMinidump({
      os: "windows",
      modules: names.map((name, i) => ({ name: `C:\\${name}`, debugFile: name, base: 0x1000_0000 + i * 0x10_0000, debugId: gain.debugId })),
      threads: [{ id: 1, stackBase: 0x7000_0000, stack: new Uint8Array(64), pc: 0x1000_0100 }],
      exception: { threadId: 1, code: 0xc0000005, address: 0 },
    });
    const workDir = newFolder();
    const before = readdirSync(root).length;
    const symbols = file(gainSym);
    const result = await walk(dump, { locate: (keys) => Promise.resolve(keys.map(() => [symbols])) }, { workDir });
    expect(result.ok).toBe(true);
    // The symbol file's folder and the dump's are the only new ones.
    expect(readdirSync(root).length - before).toBe(2);
    expect(readdirSync(workDir)).toEqual(["symbols"]);
    expect(readdirSync(join(workDir, "symbols")).toSorted()).toEqual(["%n%s", "-m", "b", "c", "evil", "passwd", "x"]);
    if (result.ok) expect(textReport(result.report)).not.toMatch(/\n {4}Found by/);
  });

  it("is not handed streams that lie past the end: a list of thread names that claims 360 MB", async () => {
    const bytes = Uint8Array.from(crash);
    const view = new DataView(bytes.buffer);
    const entry = 32 + 12 * Array.from({ length: view.getUint32(8, true) }, (_, i) => view.getUint32(32 + 12 * i, true)).indexOf(24);
    view.setUint32(view.getUint32(entry + 8, true), 30_000_000, true);
    view.setUint32(entry + 4, 4 + 12 * 30_000_000, true);
    const workDir = newFolder();
    const { report } = await reportOf(bytes, none, { workDir });
    // The walker had a copy without that stream; with it, it fills 1.4 GB.
    const copy = readFileSync(join(workDir, "dump.dmp"));
    expect(copy.readUInt32LE(entry)).toBe(0);
    expect(Buffer.compare(copy.subarray(entry + 4), Buffer.from(bytes.subarray(entry + 4)))).toBe(0);
    expect(report).toEqual((await reportOf(crash)).report);
  });

  it("survives flipped bytes: an answer every time", async () => {
    const flips = fc.array(fc.tuple(fc.nat(crash.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(flips, async (changes) => {
        const bytes = Uint8Array.from(crash);
        for (const [at, value] of changes) bytes[at] = value;
        const result = await walk(bytes);
        if (!result.ok) expect(result.failure.code).toMatch(/^(not_a_minidump|truncated|no_threads|walker_refused|walker_crashed|unreadable_output)$/);
      }),
      { numRuns: 60 },
    );
  });
});

// The stand-ins are shell scripts.
describe.skipIf(process.platform === "win32")("a walker that misbehaves", () => {
  /** A stand-in: a shell script. */
  const script = (body: string) => {
    const path = file(`#!/bin/sh\n${body}\n`, "walker");
    chmodSync(path, 0o700);
    return breakpadStackwalker({ path, version: "fake" });
  };

  it.each([
    // A parser in an endless loop.
    ["timeout", "exec sleep 60", { timeoutMs: 200 }],
    // One that leaves a child with the pipe open.
    ["timeout", "sleep 3 & sleep 3", { timeoutMs: 200 }],
    ["output_limit", "exec yes", { outputBytes: 100_000 }],
    ["walker_crashed", "kill -SEGV $$", {}],
    ["walker_crashed", "kill -ABRT $$", {}],
    ["walker_refused", "exit 1", {}],
    ["unreadable_output", "echo hello", {}],
    // Nothing of our environment reaches it.
    ["unreadable_output", '[ -z "$HOME$DATABASE_URL" ] && echo clean || exit 1', {}],
    // Standard input is closed to it.
    ["unreadable_output", "cat", {}],
  ])("fails with %s: %s", async (code, body, options) => {
    const start = performance.now();
    expect(await walk(crash, none, options, script(body))).toMatchObject({ ok: false, failure: { code } });
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it("tells the last error of its log when it refuses", async () => {
    const walker = script("echo 'x.cc:1: ERROR: thread list too long' >&2; exit 1");
    expect(await walk(crash, none, {}, walker)).toMatchObject({ failure: { message: "The walker refused the minidump with exit code 1: thread list too long." } });
  });

  it("names the signal and the limit", async () => {
    expect(await walk(crash, none, {}, script("kill -SEGV $$"))).toMatchObject({ failure: { message: "The walker crashed with SIGSEGV." } });
    expect(await walk(crash, none, { timeoutMs: 100 }, script("exec sleep 60"))).toMatchObject({ failure: { message: expect.stringContaining("WALK_SECONDS") } });
    expect(await walk(crash, none, { outputBytes: 10 }, script("exec yes"))).toMatchObject({ failure: { message: expect.stringContaining("WALK_OUTPUT_BYTES") } });
  });

  it("stops when the caller does not want it any more", async () => {
    expect(await walk(crash, none, { signal: AbortSignal.timeout(150) }, script("exec sleep 60"))).toMatchObject({ failure: { code: "cancelled" } });
    expect(await walk(crash, none, { signal: AbortSignal.abort() }, script("exec sleep 60"))).toMatchObject({ failure: { code: "cancelled" } });
  });

  it("is missing on a platform that none is shipped for", async () => {
    expect(shippedWalker("linux", "arm64")).toBeNull();
    expect(shippedWalker("win32", "x64")).toBeNull();
    expect(await walk(crash, none, {}, breakpadStackwalker(null))).toMatchObject({ failure: { code: "walker_missing" } });
    expect(await walk(crash, none, {}, breakpadStackwalker({ path: join(root, "nowhere"), version: "0" }))).toMatchObject({ failure: { code: "walker_missing" } });
  });
});

describe("names that become paths", () => {
  it.each([
    ["C:\\build\\Gain.pdb", "Gain.pdb"],
    ["/usr/lib/x.so", "x.so"],
    // Nothing is left of these that may name a file.
    ["", null],
    [".", null],
    ["..", null],
    ["a/..", null],
    ["a\\..", null],
    ["a/", null],
    ["a\0b", null],
    ["a\nb", null],
    ["\ud800", null],
    ["n".repeat(200), "n".repeat(200)],
    ["n".repeat(201), null],
    // 67 characters of three bytes.
    ["が".repeat(67), null],
  ])("of %j: %j", (debugFile, name) => expect(symbolPath({ debugFile, debugId: gain.debugId })?.[0] ?? null).toBe(name));

  it("have Breakpad's layout", () => {
    const debugId = "0123456789ABCDEF0123456789ABCDEF1AF";
    const id = "0123456789ABCDEF0123456789ABCDEF1af";
    expect(symbolPath({ debugFile: "Gain.PDB", debugId })).toEqual(["Gain.PDB", id, "Gain.sym"]);
    expect(symbolPath({ debugFile: ".pdb", debugId })).toEqual([".pdb", id, ".pdb.sym"]);
    expect(symbolPath({ debugFile: "libGain.so", debugId })).toEqual(["libGain.so", id, "libGain.so.sym"]);
    expect(symbolPath({ debugFile: "x", debugId: "../../../../etc" })).toBeNull();
  });

  it("are links that stay in their folder, whatever they are", async () => {
    const symFile = file(gainSym);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.oneof(fc.string(), fc.constant(gain.debugId)), async (debugFile, debugId) => {
        const folder = newFolder();
        const key = { debugFile, debugId, codeFile: "", codeId: null };
        const [done] = await layOutSymbols(join(folder, "inner"), [key], [[symFile]]);
        expect(readdirSync(folder)).toEqual(["inner"]);
        const made = readdirSync(join(folder, "inner"), { recursive: true }).map((path) => lstatSync(join(folder, "inner", String(path))).isSymbolicLink());
        expect(made.filter(Boolean).length).toBe(done ? 1 : 0);
        rmSync(folder, { recursive: true });
      }),
      { numRuns: 100 },
    );
    expect(existsSync(root)).toBe(true);
  });
});

describe("a tree of symbol files", () => {
  const key = (debugFile: string, debugId = gain.debugId): SymbolKey => ({ debugFile, debugId, codeFile: "", codeId: null });

  it("is found by its first lines, in any layout, the folders in order", async () => {
    const [first, second] = [newFolder(), newFolder()];
    writeFileSync(join(first, "a.sym"), `MODULE Linux x86_64 ${gain.debugId.toLowerCase()} libGain.so\nFILE 0 a`);
    // Names may hold blanks; Windows tools end lines with CR LF.
    writeFileSync(join(first, "b.syms"), `MODULE mac arm64 ${gain.debugId} Ableton Live (beta)\r\nINFO x`);
    writeFileSync(join(first, "c.sym"), "FUNC 1 2 3 x\n");
    writeFileSync(join(first, "d.txt"), `MODULE Linux x86_64 ${gain.debugId} wrong-ending\n`);
    mkdirSync(join(first, "folder.sym"));
    writeFileSync(join(second, "a.sym"), `MODULE Linux x86_64 ${gain.debugId} libGain.so\n`);
    const tree = await symbolTree([first, second]);
    // An id is unique by itself; the name decides where several files have it.
    const keys = [key("libGain.so"), key("Ableton Live (beta)"), key("renamed.so"), key("libGain.so", host.debugId)];
    expect(await tree.locate(keys)).toEqual([[join(first, "a.sym")], [join(first, "b.syms")], [join(first, "a.sym")], null]);
  });

  it("takes the file in Breakpad's place before a stray one of the same module", async () => {
    const folder = newFolder();
    const place = join(folder, "libGain.so", gain.debugId);
    mkdirSync(place, { recursive: true });
    for (const path of [join(folder, "a.sym"), join(place, "libGain.so.sym")]) writeFileSync(path, `MODULE Linux x86_64 ${gain.debugId} libGain.so\n`);
    expect(await (await symbolTree([folder])).locate([key("libGain.so")])).toEqual([[join(place, "libGain.so.sym")]]);
  });
});
