// What our own walker finds out beyond what every walker says, as the page and
// the texts show it.
import { describe, expect, it } from "vitest";
import type { CrashInfo, Frame, Report, Thread } from "../../stackwalk/report.ts";
import { addressNote, crashFindings, lastError } from "../../web/crash/crash-findings.ts";
import { crashToText } from "../../web/crash/crash-text.ts";
import { earlyEnd, stackGaps } from "../../web/crash/stack-gaps.ts";
import { linesOfStack } from "../../web/crash/stack-lines.ts";
import { vaultCrash, vaultReport } from "./support/canned-crash.ts";

const audio = vaultReport.threads[3]!;

const info: CrashInfo = {
  ...vaultReport.crash_info,
  adjusted_address: { kind: "null-pointer", offset: "0x0000000000000018" },
  instruction: "mov dword [rax + 0x18], ecx",
  memory_accesses: [{ address: "0x0000000000000018", size: 4, access_type: "write" }],
};

/** The audio thread with its frames at these numbers. */
function stackAt(numbers: readonly number[], more: Partial<Thread>): Thread {
  const frames = numbers.map((frame, index): Frame => ({ ...audio.frames[index]!, frame }));
  return { ...audio, frames, frame_count: frames.length, ...more };
}

describe("findings", () => {
  it("are none where the walker does not say", () => {
    expect(crashFindings(vaultReport.crash_info)).toEqual([]);
    expect(addressNote(vaultReport.crash_info)).toBeNull();
  });

  it("are what the instruction did, a stack that ran out, a likely memory error, and contradictions", () => {
    const details = { was_non_canonical: false, is_null: false, was_low: false, poison_registers: false, nearby_registers: 0 };
    const flips = [0.3, 0.9].map((confidence) => ({ address: "0x00007ff8a1b20000", details, confidence, source_register: "rcx" }));
    expect(
      crashFindings({
        ...info,
        memory_accesses: [...(info.memory_accesses ?? []), { address: "0x0000000000001000", size: null, is_likely_guard_page: true }],
        stack_overflow: { cause: "code", detail: "The program touched 0x00007fab34c7bff8." },
        possible_bit_flips: flips,
        crash_inconsistencies: ["int_div_by_zero_not_possible", "access_violation_when_access_allowed"],
      }),
    ).toEqual([
      { name: "Instruction", code: "mov dword [rax + 0x18], ecx", text: "writes 4 bytes at 0x18, touches at 0x1000, a guard page" },
      { name: "Stack", code: null, text: "It ran out. The program touched 0x7fab34c7bff8." },
      { name: "Memory error?", code: null, text: "With one bit flipped, rcx would be 0x7ff8a1b20000 (90 %)" },
      { name: "Contradiction", code: null, text: "int div by zero not possible, access violation when access allowed" },
    ]);
  });

  it.each([
    ["a null pointer + 0x18", info.adjusted_address],
    ["a null pointer", { kind: "null-pointer", offset: "0x0000000000000000" }],
    ["really 0x8000000000000010, which no memory can have", { kind: "non-canonical", address: "0x8000000000000010" }],
  ] as const)("say of an address: %s", (note, adjusted) => {
    expect(addressNote({ ...info, adjusted_address: adjusted ?? null })).toBe(note);
  });

  it("have a last error only where it is one", () => {
    const of = (error: string | null) => lastError({ ...audio, last_error_value: error });
    expect([of("ERROR_FILE_NOT_FOUND"), of("ERROR_SUCCESS"), of(null), lastError(undefined)]).toEqual(["ERROR_FILE_NOT_FOUND", null, null, null]);
  });
});

describe("frames that were left out", () => {
  const rows: [string, Thread, [number, string][]][] = [
    ["none", stackAt([0, 1], {}), []],
    ["the far end", stackAt([0, 1], { frame_count: 3 }), [[Infinity, "and 1 more frame"]]],
    ["the middle", stackAt([0, 9], { frame_count: 10 }), [[9, "8 frames left out"]]],
    ["repeats", stackAt([0, 1, 2, 43], { frame_count: 44, recursion: { frame: 1, cycle: 2, times: 21 } }), [[43, "frames 1–2 repeat 21 times"]]],
    ["repeats up to the end", stackAt([0], { frame_count: 20, recursion: { frame: 0, cycle: 1, times: 20 } }), [[Infinity, "frame 0 repeats 20 times"]]],
    ["repeats and then some", stackAt([0, 30], { frame_count: 31, recursion: { frame: 0, cycle: 1, times: 20 } }), [[30, "frame 0 repeats 20 times, 10 frames left out"]]],
    ["part of a cycle", stackAt([0, 899], { frame_count: 900, recursion: { frame: 0, cycle: 300, times: 3 } }), [[899, "898 frames left out, where frames 0–299 repeat 3 times"]]],
    ["what comes after a recursion", stackAt([0, 1, 9], { frame_count: 10, recursion: { frame: 0, cycle: 1, times: 2 } }), [[9, "7 frames left out"]]],
  ];
  it.each(rows)("are told: %s", (_, thread, gaps) => {
    expect([...stackGaps(thread)]).toEqual(gaps);
  });

  it("stand in the text where they are, and below it why it ends", () => {
    const thread = stackAt([0, 12, 80], { frame_count: 90, frames_truncated: true, recursion: { frame: 12, cycle: 1, times: 68 }, stopped: "no_caller" });
    const report: Report = { ...vaultReport, crash_info: info, threads: vaultReport.threads.map((one, index) => (index === 3 ? thread : one)) };
    const text = crashToText({ ...vaultCrash("1", "2", "2026-11-23T20:14:03.512Z"), report }, "link");
    expect(text).toContain("\nAddress      a null pointer + 0x18\nInstruction  mov dword [rax + 0x18], ecx  writes 4 bytes at 0x18\n");
    const stack = text.slice(text.indexOf("crashed\n")).split("\n\n")[0]?.split("\n").slice(1);
    expect(stack?.map((line) => line.trim().split("  ")[0])).toEqual(["VaultSynth.vst3!vault::dsp::RingBuffer<float, 64>::push(float)", "VaultSynth.vst3!vault::dsp::LowPass::tick(float, vault::dsp::RingBuffer<float, 64>*)", "#0", "… 11 frames left out", "#12", "… frame 12 repeats 68 times", "#80", "… and 9 more frames", "ends here: no caller could be found"]);
  });
});

describe("the end of a stack", () => {
  it.each([
    [undefined, null],
    ["end_of_stack", null],
    ["no_context", "the dump holds no registers of this thread"],
    // A reason that a later walker gives.
    ["sun_burnt_out", "sun burnt out"],
  ])("is told where it is early: %s", (stopped, text) => {
    const { stopped: _, ...rest } = audio;
    expect(earlyEnd(stopped === undefined ? rest : { ...rest, stopped })).toBe(text);
  });
});

it("asks for no symbols of a module whose symbols are here", () => {
  const frame: Frame = { ...audio.frames[0]!, function: null, inlines: null, missing_symbols: true };
  expect(linesOfStack([frame], vaultReport.modules)[0]?.missing).toBeNull();
  const bare = vaultReport.modules.map((module) => ({ ...module, loaded_symbols: false }));
  expect(linesOfStack([frame], bare)[0]?.missing?.file).toBe("VaultSynth.pdb");
});
