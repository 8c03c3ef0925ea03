// Why frames are where they are, to the letter.
import { describe, expect, it } from "vitest";
import type { Frame, Report } from "../../stackwalk/report.ts";
import type { FrameWhy, ThreadStack, WalkedFrame } from "../../stackwalk/unwind/thread-stack.ts";
import { whyText } from "../../stackwalk/why-text.ts";

const reasons: FrameWhy[] = [
  { technique: "context", rule: "the registers that the dump holds", row: null, rejected: [], rejectedMore: 0 },
  { technique: "cfi", rule: "cfa = rsp + 48, ra = [cfa - 8]", row: 0x1a40, rejected: [], rejectedMore: 0 },
  {
    technique: "scan",
    rule: "rip = the word 24 bytes above rsp",
    row: null,
    rejected: [
      { technique: "cfi", at: null, address: null, reason: "no unwind row has the address" },
      { technique: "frame_pointer", at: 0x6399dac0e0, address: null, reason: "rbp points outside the stack" },
      { technique: "scan", at: 0x6399dac0f8, address: 0x7ff8a1b21310, reason: "no call is before it" },
    ],
    rejectedMore: 12,
  },
  { technique: "stack_win_scan", rule: "the record's program", row: 0x88, rejected: [], rejectedMore: 0 },
];

const frames = reasons.map((_, index): Frame => ({
  // The last one is far below: what called it was left out.
  frame: index === 3 ? 40 : index,
  offset: `0x00007ff8a1b2${index}14c`,
  module: index === 2 ? "reaper.exe" : "Halcyon.vst3",
  module_offset: `0x000000000000${index}14c`,
  function: index === 2 ? null : `vault::step${index}(int)`,
  function_offset: index === 2 ? null : "0x000000000000000c",
  file: null,
  line: null,
  inlines: null,
  unloaded_modules: null,
  missing_symbols: index === 2,
  trust: index === 0 ? "context" : index === 2 ? "scan" : "cfi",
}));

const report: Report = {
  status: "OK",
  walker: "deadair 1",
  pid: 1,
  crash_info: { type: "EXCEPTION_ACCESS_VIOLATION_READ", address: "0x0000000000000018", crashing_thread: 1, assertion: null },
  system_info: { os: "Windows NT", os_ver: null, cpu_arch: "amd64", cpu_info: null, cpu_count: null },
  process_uptime: null,
  main_module: null,
  modules: [],
  unloaded_modules: [],
  thread_count: 2,
  threads: [
    { thread_id: 1, thread_name: null, last_error_value: null, frame_count: 0, stopped: "no_context", frames: [] },
    { thread_id: 2, thread_name: "audio\u001b", last_error_value: null, frame_count: 41, stopped: "end_of_stack", frames },
  ],
  annotations: {},
};

const walked = frames.map(({ frame, trust }, position): WalkedFrame => ({ index: frame, trust, instruction: 0, low: 0, high: 0, moduleIndex: 0, hasSymbols: true, place: null, why: reasons[position]! }));
const stack: ThreadStack = { arch: "amd64", frames: walked, total: 41, recursion: null, stopped: "end_of_stack", registers: new Uint32Array(0) };

describe("the reasons of a walk", () => {
  it("stand under their frames", () => {
    expect(whyText(report, [null, stack])).toBe(String.raw`EXCEPTION_ACCESS_VIOLATION_READ at 0x18

Thread 2 "audio\u{1b}" crashed
   0  Halcyon.vst3!vault::step0(int)
           context: the registers that the dump holds
   1  Halcyon.vst3!vault::step1(int)
           cfi: cfa = rsp + 48, ra = [cfa - 8]
           by the unwind row at 0x1a40 of Halcyon.vst3
   2  reaper.exe + 0x214c  no symbols  by scan
           scan: rip = the word 24 bytes above rsp
           not by cfi: no unwind row has the address
           not by frame pointer at 0x6399dac0e0: rbp points outside the stack
           not by scan, 0x7ff8a1b21310 at 0x6399dac0f8: no call is before it
           and 12 more turned down
  … 37 frames left out
  40  Halcyon.vst3!vault::step3(int)
           STACK WIN record, then scan: the record's program
           by the record at 0x88

Thread 1
  no frames: the dump holds no registers of this thread
`);
  });

  it("are left out where the walk kept none", () => {
    const bare: ThreadStack = { ...stack, frames: walked.map((frame) => ({ ...frame, why: null })) };
    expect(whyText(report, [null, bare])).not.toMatch(/ {11}/);
    expect(whyText(report, [])).toBe(whyText(report, [null, bare]));
  });
});
