// What the crash page is made from: lines of frames, folded threads, modules
// in order, verdicts on lines.
import { describe, expect, it } from "vitest";
import { orderModules } from "../../web/crash/module-order.ts";
import { linesOfStack, sourceOf } from "../../web/crash/stack-lines.ts";
import { firstMeaningfulFrame, foldThreads, frameSummary, threadTitle } from "../../web/crash/thread-folds.ts";
import { trustText } from "../../web/crash/trust.ts";
import { verdictAt } from "../../web/crash/verdicts.ts";
import { vaultExplanation, vaultReport } from "./support/canned-crash.ts";

const audio = vaultReport.threads[3]!;

describe("lines of a stack", () => {
  const lines = linesOfStack(audio.frames, vaultReport.modules);

  it("puts inlined functions above the one that holds them, the innermost first", () => {
    expect(lines.slice(0, 3).map((line) => [line.frame, line.inline, line.line])).toEqual([[0, 0, 17], [0, 1, 31], [0, null, 6]]);
  });
  it("names the debug file and id that a frame without a name waits for", () => {
    expect(lines.filter((line) => line.missing !== null).map((line) => line.missing)).toEqual([
      { file: "reaper.pdb", id: "9C1F5E0E3B0A4A7C8F24D1B7E6A5C3D21" },
      { file: "reaper.pdb", id: "9C1F5E0E3B0A4A7C8F24D1B7E6A5C3D21" },
    ]);
  });
  it("names a module by its own name and code id where the dump knows no debug id", () => {
    const wine = vaultReport.modules.map((module) => (module.debug_file === "reaper.pdb" ? { ...module, debug_file: null, debug_id: null, code_id: "66F2A1B01234000" } : module));
    expect(linesOfStack(audio.frames, wine).find((line) => line.missing !== null)?.missing).toEqual({ file: "reaper.exe", id: "66F2A1B01234000" });
  });
  it("takes the module by address where two have the same name", () => {
    const [reaper] = vaultReport.modules;
    const twin = { ...reaper!, base_addr: "0x0000000000001000", end_addr: "0x0000000000002000", debug_id: "0" };
    const missing = linesOfStack(audio.frames.slice(4, 5), [twin, ...vaultReport.modules]);
    expect(missing[0]?.missing?.id).toBe(reaper?.debug_id);
  });
  it("names the unloaded module that once held an address", () => {
    expect(lines.flatMap((line) => line.unloaded)).toEqual(["OldCompressor.vst3 + 0x1200"]);
  });
  it("shows the base name of a source file of any system", () => {
    expect(["D:\\a\\b.cpp", "/a/b.cpp", "b.cpp"].map((file) => sourceOf({ file, line: 3 }))).toEqual(["b.cpp:3", "b.cpp:3", "b.cpp:3"]);
    expect(sourceOf({ file: "/a/b.cpp", line: null })).toBe("b.cpp");
    expect(sourceOf({ file: null, line: 3 })).toBeNull();
  });
});

describe("folded threads", () => {
  const folds = foldThreads(vaultReport.threads, 3);

  it("hold each thread but the crashed one once", () => {
    expect(folds.map((fold) => fold.members)).toEqual([[0], [1, 2, 4, 5, 6, 7], [8], [9]]);
  });
  it("do not fold threads of which nothing is known", () => {
    const empty = { ...audio, frames: [] };
    expect(foldThreads([empty, empty], null)).toHaveLength(2);
  });
  it("are summed up by the first frame outside the system that has a name", () => {
    const summaries = folds.map((fold) => firstMeaningfulFrame(fold.thread.frames)).map((frame) => (frame === null ? null : frameSummary(frame)));
    expect(summaries).toEqual(["NtUserGetMessage", "ZwWaitForAlertByThreadId", "vault::content::SampleStream::fill(std::span<std::byte>)", null]);
  });
  it("are called by number and name", () => {
    expect([threadTitle(audio, 3), threadTitle({ ...audio, thread_name: null }, 1)]).toEqual(["Thread 3 REAPER audio 0", "Thread 1"]);
  });
});

describe("modules", () => {
  it("come with what needs attention first, and what nobody needed apart", () => {
    const { needed, rest } = orderModules(vaultReport.modules);
    expect(needed.map((module) => module.filename)).toEqual(["reaper.exe", "kernel32.dll", "KERNELBASE.dll", "ntdll.dll", "VaultSynth.vst3"]);
    expect(rest.map((module) => module.symbol_state)).toEqual(["unused", "no_debug_id", "unused", "unused"]);
  });
});

it("finds the verdict on a line, inlined or not", () => {
  expect(verdictAt(vaultExplanation.frames, 0, 1)?.rule).toBe("prefix.txt:22");
  expect(verdictAt(vaultExplanation.frames, 0, null)?.verdict).toBe("stop");
  expect(verdictAt(vaultExplanation.frames, 8, null)).toBeNull();
});

it("prints a trust that it does not know as it is", () => {
  expect(trustText("dwarf_guess").label).toBe("dwarf_guess");
});
