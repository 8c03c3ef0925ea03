// Outputs that other peers keep beside their dumps: Breakpad's stackwalk texts,
// rust-breakpad's snapshots of Breakpad's library, and what lldb's tests say of
// the symbols of a module.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseHumanOutput } from "../../stackwalk/breakpad/human-output.ts";
import { machineText } from "../../stackwalk/machine-text.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";
import { compiledSymbols, walkWithEngine } from "./engine-walk.ts";
import { corpus, corpusAbsent, ofCorpus } from "./peer-dumps.ts";

const breakpad = join(corpus, "google+breakpad/src/processor/testdata");
const minidump2 = join(breakpad, "minidump2.dmp");
const symbols = [join(breakpad, "symbols")];
const rustBreakpad = join(corpus, "getsentry+rust-breakpad/tests");

const work = mkdtempSync(join(tmpdir(), "deadair-kept-"));
afterAll(() => rmSync(work, { recursive: true }));

describe(`Breakpad's own outputs${ofCorpus}`, () => {
  it.skipIf(corpusAbsent)("minidump2.stackwalk.machine_readable.out is our machine text", async () => {
    expect(machineText(await walkWithEngine(minidump2, symbols))).toBe(readFileSync(join(breakpad, "minidump2.stackwalk.machine_readable.out"), "latin1"));
  });

  it.skipIf(corpusAbsent)("minidump2.stackwalk.out has our crash, and our frames with their trust and registers", async () => {
    const report = await walkWithEngine(minidump2, symbols);
    const text = parseHumanOutput(readFileSync(join(breakpad, "minidump2.stackwalk.out"), "latin1"));
    expect(report.crash_info.type).toBe(text.crashReason);
    const frames = report.threads[0]?.frames ?? [];
    expect(frames.map((frame) => frame.trust)).toEqual(text.threads.get(0)?.map((frame) => frame.trust));
    const { efl, ...registers } = text.threads.get(0)?.[0]?.registers ?? {};
    expect(frames[0]?.registers).toEqual({ ...registers, eflags: efl });
  });
});

describe(`rust-breakpad's snapshots${ofCorpus}`, () => {
  it.skipIf(corpusAbsent).each([
    ["process_state.txt", "no symbols", null],
    ["process_state_cfi.txt", "unwind rows alone", "crash_macos_cfi.sym"],
  ])("%s has our addresses and trust, with %s", async (file, _, sym) => {
    const text = readFileSync(join(rustBreakpad, "snapshots", file), "utf8");
    const trusts: { readonly [name: string]: string } = { Context: "context", Scan: "scan", CFI: "cfi", FP: "frame_pointer", CFIScan: "cfi_scan" };
    const theirs = [...text.matchAll(/instruction: (\d+),\s+trust: (\w+)/g)].map(([, address, trust = ""]) => [Number(address), trusts[trust]]);
    const report = await walkWithEngine(join(rustBreakpad, "fixtures/crash_macos.dmp"), sym === null ? [] : [folderWith(sym)]);
    const ours = ourFrames(report);
    // wide-scan-after-cfi: below a frame that unwind rows gave, a longer stretch of stack is scanned.
    if (sym !== null) expect(ours.splice(theirs.length)).toEqual([[0x7fff8e739234, "scan"]]);
    expect(ours).toEqual(theirs);
  });

  it.skipIf(corpusAbsent)("resolved_frame.txt names our first frame", async () => {
    const text = readFileSync(join(rustBreakpad, "snapshots/resolved_frame.txt"), "utf8");
    const field = (name: string): string => new RegExp(`^ {4}${name}: "?(.*?)"?,$`, "m").exec(text)?.[1] ?? "";
    const report = await walkWithEngine(join(rustBreakpad, "fixtures/crash_macos.dmp"), [folderWith("crash_macos_func.sym")]);
    const frame = report.threads[0]?.frames[0];
    expect([Number(frame?.offset), frame?.function, frame?.file, frame?.line]).toEqual([Number(field("instruction")), field("function_name"), field("source_file_name"), Number(field("source_line"))]);
  });
});

/** A folder with one of the symbol files alone: both are of one module. */
function folderWith(sym: string): string {
  const folder = mkdtempSync(join(work, "symbols-"));
  symlinkSync(join(rustBreakpad, "fixtures", sym), join(folder, sym));
  return folder;
}

const ourFrames = (report: Report) => (report.threads[0]?.frames ?? []).map(({ offset, trust }) => [Number(offset), trust]);

describe(`lldb's breakpad-symbols.test${ofCorpus}`, () => {
  const sym = join(corpus, "llvm-mirror+lldb/test/Shell/Minidump/Inputs/linux-x86_64.syms");
  it.skipIf(corpusAbsent).each([
    // The module is loaded at 0x400000.
    [0x3f3, "_start", 3],
    [0x3d0, "crash()", 0],
    [0x3e7, "crash()", 0x17],
  ])("names %i as lldb does", (rva, name, offset) => {
    const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
    expect(compiledSymbols(sym).lookUp(rva, place)).toBe(true);
    expect([place.name, rva - place.start]).toEqual([name, offset]);
  });
});
