// Real crashes under Wine against the truth: what RtlVirtualUnwind, the
// system's own unwinder, saw of the crashing thread when it crashed. Frames,
// stack pointers and every register that a function must restore have to be
// the same, from the debug files as a build machine has them.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { WindowsDump, WindowsFrame, WindowsIndex } from "../../fixtures/windows/index-schema.ts";
import { frameName } from "../../signature/frame-name.ts";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { openDump } from "../../stackwalk/pool/dump-walk.ts";
import type { Frame, Report } from "../../stackwalk/report.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import type { MissingSymbols } from "../../stackwalk/stackwalker.ts";
import { frameRegister, type ThreadStack } from "../../stackwalk/unwind/thread-stack.ts";
import { registerFiles } from "../../symbols/registers.ts";
import { cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";

const out = path.join(import.meta.dirname, "../../fixtures/out/windows");
const { dumps } = JSON.parse(readFileSync(path.join(out, "index.json"), "utf8")) as WindowsIndex;
const compiled = new Map<string, SymbolCache>();

function cacheOf(paths: readonly string[]): SymbolCache {
  const key = paths.join();
  const result = compiled.has(key) ? null : compileSymbolFiles(paths);
  if (result?.ok === false) throw new Error(result.problem.message);
  const cache = compiled.get(key) ?? cacheOfBytes(key, (result as { value: Uint8Array }).value);
  compiled.set(key, cache);
  return cache;
}

type Walked = { readonly report: Report; readonly stack: ThreadStack; readonly frames: readonly Frame[]; readonly missing: readonly MissingSymbols[] };

/** The crashing thread, with the debug files in these folders. */
async function walk(dump: WindowsDump, folders: readonly string[]): Promise<Walked> {
  const opened = openDump(path.join(out, dump.file));
  if (!opened.ok) throw new Error(opened.failure.message);
  try {
    const located = await (await symbolTree(folders.map((folder) => path.join(out, folder)))).locate(opened.dump.keys);
    const { report, stacks, missing } = opened.dump.walk({ maxFrames: 5000, maxThreads: 100, why: false }, (key) => (located[key] == null ? "missing" : cacheOf(located[key]!)));
    const thread = report.crash_info.crashing_thread!;
    return { report, stack: stacks[thread]!, frames: report.threads[thread]!.frames, missing };
  } finally {
    opened.dump.close();
  }
}

const valueOf = (stack: ThreadStack, frame: number, name: string): string | null => {
  const value = frameRegister(stack, frame, registerFiles[stack.arch].names.indexOf(name));
  return value === null ? null : (BigInt(value.high) * 0x1_0000_0000n + BigInt(value.low)).toString(16);
};

/** A frame as one line: where it is, and the registers that are named. */
const lineOf = (module: string | null, rva: string, values: readonly string[]): string => `${module}+${rva} ${values.join(" ")}`;
const truthOf = ({ module, rva, rsp, registers }: WindowsFrame, names: readonly string[]): string => lineOf(module, rva.toString(16), names.map((name) => `${name}=${/^[re]sp$/.test(name) ? rsp : (registers as { readonly [name: string]: string })[name]}`));
const foundOf = ({ stack, frames }: Walked, i: number, names: readonly string[]): string => {
  const frame = frames[i]!;
  const rva = frame.module_offset === null ? frame.offset : frame.module_offset;
  // The report has callers' addresses at their call; the truth has them where they return to.
  const returns = BigInt(rva) + (i === 0 || frame.module_offset === null ? 0n : 1n);
  return lineOf(frame.module, returns.toString(16), names.map((name) => `${name}=${valueOf(stack, i, name)}`));
};
/** The stack pointer and the registers that a function must restore. */
const kept = ["rsp", "rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15"];
const ours = new Set(["Halcyon.vst3", "RackHost.exe"]);

/** Frames of the truth that our files speak of: up to the first return into the system, whose files nobody has. */
const told = (dump: WindowsDump): number => dump.frames.findIndex(({ module }, i) => module !== null && !ours.has(module) && i > 0);

/** Halcyon by MinGW has no time stamp, as reproducible builds have, so without a CodeView record nothing says which build it is. */
const isUnknown = (dump: WindowsDump): boolean => dump.build === "mingw-x64" && dump.edits.every((edit) => edit !== "CodeView records added");
/** The innermost frame is the system's, or the address is nobody's: it can only be guessed through, and registers are lost with it. */
const isGuess = ({ frames: [first] }: WindowsDump): boolean => !ours.has(first!.module ?? "");

const is32 = (dump: WindowsDump): boolean => dump.build === "x86";
const known = dumps.filter((dump) => !isUnknown(dump));

describe("what RtlVirtualUnwind saw", () => {
  it.each(known.filter((dump) => !isGuess(dump) && !is32(dump)).map((dump) => [dump.file, dump] as const))("%s", async (_, dump) => {
    const walked = await walk(dump, [dump.build, "x64"]);
    // A deep stack is kept at its two ends: its first ten frames are compared.
    const count = dump.depth > dump.frames.length ? 10 : told(dump);
    const truth = dump.frames.slice(0, count);
    expect(truth.map((_frame, i) => foundOf(walked, i, kept))).toEqual(truth.map((frame) => truthOf(frame, kept)));
    expect(walked.frames.slice(1, count).map(({ trust }) => trust)).toEqual(truth.slice(1).map(() => "cfi"));
    expect(walked.missing.filter(({ codeFile }) => ours.has(codeFile))).toEqual([]);
  });

  // RaiseException's own frame, and an address of no module: from the first frame that is found again on, all are the same.
  it.each(known.filter((dump) => isGuess(dump) && !is32(dump)).map((dump) => [dump.file, dump] as const))("%s, but for what no table tells", async (_, dump) => {
    const walked = await walk(dump, [dump.build, "x64"]);
    const truth = dump.frames.slice(0, dump.frames.findLastIndex(({ module }) => ours.has(module ?? "")) + 1).map((frame) => truthOf(frame, []));
    const found = walked.frames.map((_frame, i) => foundOf(walked, i, []));
    const first = truth.findIndex((frame, i) => i > 0 && found.includes(frame));
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(3);
    const at = found.indexOf(truth[first]!);
    expect(found.slice(at, at + truth.length - first)).toEqual(truth.slice(first));
  });

  it("are not walked by the files of another build, where nothing says which it is", async () => {
    const unknown = dumps.filter(isUnknown);
    expect(unknown.length).toBeGreaterThan(0);
    for (const dump of unknown) {
      const { report } = await walk(dump, [dump.build, "x64"]);
      expect(report.modules.find(({ filename }) => filename === "Halcyon.vst3")).toMatchObject({ symbol_state: "no_debug_id" });
    }
  });
});

describe("what a tracer saw of 32-bit code, up to the program that loaded the plugin", () => {
  it.each(known.filter(is32).map((dump) => [dump.file, dump] as const))("%s", async (_, dump) => {
    const walked = await walk(dump, ["x86"]);
    const last = dump.depth > dump.frames.length ? 9 : dump.frames.findIndex(({ module }) => module === "Loader.exe");
    const truth = dump.frames.slice(0, last + 1);
    expect(truth.map((_frame, i) => foundOf(walked, i, []))).toEqual(truth.map((frame) => truthOf(frame, [])));
    // Frame programs restore what they say they restore, and that is right.
    for (const [i, frame] of truth.slice(0, -1).entries()) for (const name of ["ebx", "ebp", "esi", "edi"]) expect([(frame.registers as { readonly [name: string]: string })[name], null], `${name} of frame ${i}`).toContain(valueOf(walked.stack, i, name));
  });
});

describe("names", () => {
  it.each(known.map((dump) => [dump.file, dump] as const))("%s", async (_, dump) => {
    const walked = await walk(dump, is32(dump) ? ["x86"] : [dump.build, "x64"]);
    // Of frames that both found: functions as signatures compare them, files and lines as they are.
    const named = dump.frames.filter(({ locations }) => locations.length > 0);
    const places = new Map(walked.frames.map((frame, i) => [foundOf(walked, i, []), frame]));
    const shared = named.filter((frame) => places.has(truthOf(frame, [])));
    expect(shared.length).toBeGreaterThanOrEqual(Math.min(named.length, isGuess(dump) ? 1 : 10));
    for (const frame of shared) {
      const { function: name, file, line, inlines } = places.get(truthOf(frame, []))!;
      const found = [...(inlines ?? []), { function: name, file, line }];
      expect(found.map((place) => `${normal(place.function)} ${place.file ?? ""}:${place.line ?? 0}`)).toEqual(frame.locations.map((place) => `${normal(place.function)} ${place.file}:${place.line}`));
    }
  });
});

function normal(name: string | null): string {
  return frameName({ function: name, file: null, line: null } as Frame, true).text;
}

describe("which files there are", () => {
  const dump = known.find(({ file }) => file === "dumps/null-write.dmp")!;
  const crash = known.find(({ file }) => file === "dumps/null-write.cv.dmp")!;

  it("a dump without CodeView records is walked as one with them: the program's code id leads to the PDB", async () => {
    const [without, withRecords] = [await walk(dump, ["x64"]), await walk(crash, ["x64"])];
    expect(without.report.modules.find(({ filename }) => filename === "Halcyon.vst3")).toMatchObject({ debug_id: null, symbol_state: "loaded" });
    expect(without.frames.map((frame) => frame.function).slice(0, 3)).toEqual(withRecords.frames.map((frame) => frame.function).slice(0, 3));
  });

  it("Breakpad's walker gets a symbol file made of them, and finds the same frames", { timeout: 30_000 }, async () => {
    const workDir = mkdtempSync(path.join(tmpdir(), "deadair-truth-"));
    try {
      const symbols = await symbolTree([path.join(out, "x64")]);
      const theirs = await breakpadStackwalker().walk(path.join(out, crash.file), symbols, { timeoutMs: 20_000, outputBytes: 1e7, maxFrames: 100, maxThreads: 100, workDir });
      if (!theirs.ok) throw new Error(theirs.failure.message);
      const { frames: walked } = await walk(crash, ["x64"]);
      const frames = theirs.report.threads[theirs.report.crash_info.crashing_thread!]!.frames;
      const shown = (frame: Frame): string => `${frame.function} ${frame.file}:${frame.line} ${(frame.inlines ?? []).map((inlined) => `${inlined.function}:${inlined.line}`).join()} ${frame.trust}`;
      expect(frames.slice(0, 3).map(shown)).toEqual(walked.slice(0, 3).map(shown));
    } finally {
      rmSync(workDir, { recursive: true });
    }
  });
});
