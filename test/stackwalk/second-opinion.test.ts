import { describe, expect, it } from "vitest";
import type { Frame, Report, Thread } from "../../stackwalk/report.ts";
import { compareReports, type OpinionRow } from "../../stackwalk/second-opinion.ts";

const frame = (offset: number, more: Partial<Frame> = {}): Frame => ({
  frame: 0,
  offset: `0x${offset.toString(16)}`,
  module: "gain.so",
  module_offset: "0x0",
  function: `f${offset}`,
  function_offset: null,
  file: null,
  line: null,
  inlines: null,
  unloaded_modules: null,
  missing_symbols: false,
  trust: "cfi",
  ...more,
});

const thread = (id: number | null, frames: readonly Frame[], more: Partial<Thread> = {}): Thread => ({
  thread_id: id,
  thread_name: null,
  last_error_value: null,
  frame_count: frames.length,
  frames: frames.map((one, i) => ({ ...one, frame: more.recursion ? one.frame : i })),
  ...more,
});

const report = (threads: readonly Thread[], crashing: number | null = 0): Report => ({
  status: "OK",
  walker: "test",
  pid: null,
  crash_info: { type: "SIGSEGV", address: "0x0000000000000010", crashing_thread: crashing, assertion: null },
  system_info: { os: null, os_ver: null, cpu_arch: null, cpu_info: null, cpu_count: null },
  process_uptime: null,
  main_module: null,
  modules: [],
  unloaded_modules: [],
  thread_count: threads.length,
  threads,
  annotations: {},
});

/** A row as text: our address and theirs, and what differs. */
const shown = (row: OpinionRow): string => `${row.deadair?.offset ?? "-"} ${row.breakpad?.offset ?? "-"}${row.differs.length > 0 ? ` ${row.differs.join(",")}` : ""}`;
const one = (ours: readonly Frame[], theirs: readonly Frame[]): string[] => compareReports(report([thread(1, ours)]), report([thread(1, theirs)])).threads[0]!.rows.map(shown);

describe("two reports side by side", () => {
  it("are the same whatever the padding of addresses", () => {
    const padded = [frame(0x10, { offset: "0x0000000000000010" }), frame(0, { offset: "0x0000000000000000" })];
    const { same, totals, crash } = compareReports(report([thread(1, padded)]), report([thread(1, [frame(0x10), frame(0)])]));
    expect({ same, totals, crash }).toEqual({
      same: true,
      totals: { threads: 1, frames: 2, same: 2, different: 0, only_deadair: 0, only_breakpad: 0 },
      crash: { deadair: { type: "SIGSEGV", address: "0x10" }, breakpad: { type: "SIGSEGV", address: "0x10" } },
    });
  });

  // Addresses of our frames, theirs, and the rows.
  const f = (...offsets: number[]) => offsets.map((offset) => frame(offset));
  const rows: [string, Frame[], Frame[], string[]][] = [
    ["a frame that only we found", f(1, 2, 3), f(1, 3), ["0x1 0x1", "0x2 -", "0x3 0x3"]],
    ["frames that only they found, at the end", f(1), f(1, 2, 3), ["0x1 0x1", "- 0x2", "- 0x3"]],
    ["another frame in the middle", f(1, 2, 9), f(1, 5, 9), ["0x1 0x1", "0x2 0x5 offset,function", "0x9 0x9"]],
    ["a match between two that differ", f(1, 2, 4, 6, 9), f(1, 3, 4, 5, 9), ["0x1 0x1", "0x2 0x3 offset,function", "0x4 0x4", "0x6 0x5 offset,function", "0x9 0x9"]],
    ["nothing in common", f(1, 2), f(3), ["0x1 0x3 offset,function", "0x2 -"]],
    ["no frames of theirs", f(1), [], ["0x1 -"]],
    ["no frames at all", [], [], []],
    ["the same address twice", f(7, 7, 8), f(7, 8), ["0x7 0x7", "0x7 -", "0x8 0x8"]],
    ["another trust", f(1), [frame(1, { trust: "scan" })], ["0x1 0x1 trust"]],
    ["another place", [frame(1, { file: "a.cpp", line: 3 })], [frame(1, { file: "b.cpp", line: 4 })], ["0x1 0x1 file,line"]],
    ["other inlined calls", [frame(1, { inlines: [{ function: "g", file: null, line: 1 }] })], f(1), ["0x1 0x1 inlines"]],
  ];
  it.each(rows)("show %s", (_, ours, theirs, expected) => {
    expect(one(ours, theirs)).toEqual(expected);
  });

  it("unroll a recursion as far as the other goes", () => {
    const ours = thread(1, [frame(1), frame(2, { frame: 1 }), frame(3, { frame: 2 }), frame(9, { frame: 201 })], { recursion: { frame: 1, cycle: 2, times: 100 } });
    const theirs = thread(1, f(1, 2, 3, 2, 3, 2, 3, 9));
    const [compared] = compareReports(report([ours]), report([theirs])).threads;
    expect(compared?.rows.map(shown)).toEqual(["0x1 0x1", "0x2 0x2", "0x3 0x3", "0x2 0x2", "0x3 0x3", "0x2 0x2", "0x3 0x3", "0x9 0x9"]);
    expect(compared?.rows.map((row) => row.deadair?.frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 201]);
  });

  it("match threads by id, the crashed one first, and tell those that one walker left out", () => {
    const ours = report([thread(10, f(1)), thread(20, f(2)), thread(30, f(3))], 1);
    const theirs = report([thread(20, f(2)), thread(40, f(4)), thread(10, f(1))], null);
    const { threads, same } = compareReports(ours, theirs);
    expect(threads.map(({ thread_id, crashed, missing, rows: lines }) => [thread_id, crashed, missing, lines.map(shown).join()])).toEqual([
      [20, true, null, "0x2 0x2"],
      [10, false, null, "0x1 0x1"],
      [30, false, "breakpad", "0x3 -"],
      [40, false, "deadair", "- 0x4"],
    ]);
    expect(same).toBe(false);
  });

  it("match threads by place where ids are not known", () => {
    expect(compareReports(report([thread(1, f(1)), thread(2, f(2))]), report([thread(null, f(1)), thread(null, f(2))])).same).toBe(true);
  });

  it("stay small and quick for what is huge and has nothing in common", () => {
    const many = (from: number) => Array.from({ length: 1024 }, (_, i) => frame(from + i));
    const threads = (from: number) => Array.from({ length: 300 }, (_, i) => thread(i, many(from + i * 7)));
    const since = performance.now();
    const { totals, truncated, threads: compared } = compareReports(report(threads(0)), report(threads(5_000_000)));
    expect(performance.now() - since).toBeLessThan(5000);
    expect([totals.frames, truncated, compared.reduce((sum, { rows: lines }) => sum + lines.length, 0)]).toEqual([300 * 1024, true, 20_000]);
  });
});
