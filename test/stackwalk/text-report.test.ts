// The report for people, to the letter where it is golden.
import { describe, expect, it } from "vitest";
import type { CrashInfo, Frame, Module, Report, Thread } from "../../stackwalk/report.ts";
import { textReport } from "../../stackwalk/text-report.ts";

const module = (filename: string, state: Module["symbol_state"]): Module => ({
  filename,
  code_file: `C:\\Plugins\\${filename}`,
  base_addr: "0x00007ff8a1b20000",
  end_addr: "0x00007ff8a1c40000",
  debug_file: filename.replace(/\.\w+$/, ".pdb"),
  debug_id: "3FA85F6457174562B3FC2C963F66AFA61",
  code_id: "65a1b2c31f000",
  version: "1.2.5.0",
  loaded_symbols: state === "loaded",
  missing_symbols: state === "missing",
  corrupt_symbols: state === "corrupt",
  symbol_state: state,
});

const frame = (index: number, more: Partial<Frame> = {}): Frame => ({
  frame: index,
  offset: "0x00007ff8a1b2114c",
  module: "Halcyon.vst3",
  module_offset: "0x000000000000114c",
  function: "vault::Engine::render(int)",
  function_offset: "0x000000000000004c",
  file: "D:\\src\\engine.cpp",
  line: 88,
  inlines: null,
  unloaded_modules: null,
  missing_symbols: false,
  trust: index === 0 ? "context" : "cfi",
  ...more,
});

const thread = (more: Partial<Thread>): Thread => ({ thread_id: 9168, thread_name: null, last_error_value: null, frame_count: more.frames?.length ?? 0, frames: [], ...more });

const crash: CrashInfo = {
  type: "EXCEPTION_ACCESS_VIOLATION_WRITE",
  address: "0x0000000000000018",
  adjusted_address: { kind: "null-pointer", offset: "0x0000000000000018" },
  instruction: "mov dword [rax + 0x18], ecx",
  memory_accesses: [{ address: "0x0000000000000018", size: 4, access_type: "write" }],
  instruction_pointer_update: null,
  possible_bit_flips: null,
  crash_inconsistencies: [],
  crashing_thread: 1,
  assertion: null,
  stack_overflow: null,
  exception: null,
};

const report: Report = {
  status: "OK",
  walker: "deadair 1",
  pid: 9120,
  crash_info: crash,
  system_info: { os: "Windows NT", os_ver: "10.0.22631", cpu_arch: "amd64", cpu_info: "family 25 model 97 stepping 2", cpu_count: 16 },
  process_uptime: 1843,
  main_module: 0,
  modules: [module("reaper.exe", "missing"), module("Halcyon.vst3", "loaded"), module("user32.dll", "unused")],
  unloaded_modules: [],
  thread_count: 5,
  threads: [
    thread({ thread_id: 9124, thread_name: "reaper main", stopped: "no_context" }),
    thread({
      thread_name: "REAPER audio 0",
      last_error_value: "ERROR_FILE_NOT_FOUND",
      stopped: "no_caller",
      frame_count: 951,
      frames_truncated: true,
      recursion: { frame: 12, cycle: 2, times: 312 },
      frames: [
        frame(0, { inlines: [{ function: "vault::Ramp::next()", file: "D:\\src\\ramp.h", line: 12 }] }),
        frame(1, { function: null, file: null, line: null, function_offset: null, missing_symbols: true, module: "reaper.exe", trust: "scan" }),
        frame(12, { function: "vault::Node::visit()" }),
        frame(13, { function: "vault::Graph::walk()" }),
        frame(636, { function: "vault::Graph::run()" }),
        frame(700),
      ],
    }),
    thread({ thread_id: 9201, stopped: "end_of_stack", frames: [frame(0, { module: null, function: null, file: null, line: null })] }),
  ],
  annotations: {},
  unread_streams: [
    { type: "0x00000015", name: "SystemMemoryInfoStream", status: "skipped" },
    { type: "0x53790001", name: null, status: "unknown" },
  ],
  notes: ["The list of handles was cut at 65536."],
};

/** The lines about the crash, above the machine. */
function head(change: Partial<CrashInfo>, more: Partial<Report> = {}): string[] {
  const text = textReport({ ...report, ...more, crash_info: { ...crash, ...change } });
  return text.slice(0, text.indexOf("\nWindows NT")).split("\n");
}

/** The lines of the crashed thread below its name. */
function stack(more: Partial<Thread>): string[] {
  const text = textReport({ ...report, thread_count: 1, threads: [thread(more)], crash_info: { ...crash, crashing_thread: 0 } });
  return (text.split("\n\n")[1] ?? "").split("\n").slice(1).map((line) => line.trim());
}

describe("the report for people", () => {
  it("says what happened, where, and what is not in it", async () => {
    await expect(textReport(report)).toMatchFileSnapshot("golden/text-report.txt");
  });

  it("has the facts that the memory and the registers add", () => {
    expect(
      head({
        address: "0xffffffffffffffff",
        adjusted_address: { kind: "non-canonical", address: "0x8000000000000010" },
        memory_accesses: [
          { address: "0x00007ff8a1b20000", size: 1, access_type: "read", is_likely_guard_page: true },
          { address: "0x0000000000000020", size: null },
        ],
        possible_bit_flips: [0.4375, 0.625, 0.5].map((confidence, bit) => ({
          address: `0x00007ff8a1b2000${bit}`,
          details: { was_non_canonical: false, is_null: false, was_low: false, poison_registers: false, nearby_registers: 1 },
          confidence,
          source_register: bit === 1 ? "rcx" : null,
        })),
        crash_inconsistencies: ["access_violation_when_access_allowed"],
        stack_overflow: { cause: "guard_page", detail: "The program touched the guard below its stack." },
        assertion: "size > 0",
      }),
    ).toEqual([
      "EXCEPTION_ACCESS_VIOLATION_WRITE at 0xffffffffffffffff, really 0x8000000000000010, which no memory can have",
      "  mov dword [rax + 0x18], ecx  reads 1 byte at 0x7ff8a1b20000, a guard page  touches at 0x20",
      "The stack ran out. The program touched the guard below its stack.",
      "Perhaps a memory error: with one bit flipped, rcx would be 0x7ff8a1b20001 (63 %).",
      "The dump contradicts itself: access violation when access allowed.",
      "assertion: size > 0",
    ]);
  });

  it("repeats what a Mac library said before it aborted", () => {
    const mac = { num_records: 2, records: [{ module: "/usr/lib/libsystem_c.dylib", message: "abort() called", message2: null }, { module: null, message: "" }] };
    expect(head({ address: "0x0000000000000000", adjusted_address: { kind: "null-pointer", offset: "0x0000000000000000" }, instruction: null }, { mac_crash_info: mac })).toEqual([
      "EXCEPTION_ACCESS_VIOLATION_WRITE at 0x0, a null pointer",
      "/usr/lib/libsystem_c.dylib said: abort() called",
    ]);
  });

  it("keeps doubtful bit flips to itself", () => {
    const details = { was_non_canonical: false, is_null: true, was_low: true, poison_registers: false, nearby_registers: 0 };
    expect(head({ instruction: null, possible_bit_flips: [{ address: "0x0", details, confidence: 0.4375, source_register: null }] })).toHaveLength(1);
  });

  it("lets no name steer the terminal", () => {
    const text = textReport({ ...report, notes: ["\u001b[2J\u202egpj.exe\u2066", "a\nb\u2028c"] });
    expect(text).toContain("  \\u{1b}[2J\\u{202e}gpj.exe\\u{2066}\n  a\\u{a}b\\u{2028}c\n");
  });
});

describe("a frame without a name", () => {
  const nameless: Partial<Frame> = { function: null, file: null, line: null, function_offset: null, missing_symbols: true };
  it.each([
    ["in a module without symbols", { module: "reaper.exe" }, "0  reaper.exe + 0x114c  no symbols"],
    ["in a module whose symbols do not have it", { module: "Halcyon.vst3" }, "0  Halcyon.vst3 + 0x114c"],
    ["in a module that was unloaded", { module: null, module_offset: null, unloaded_modules: [{ module: "Old.dll", offsets: ["0x0000000000001200"] }] }, "0  Old.dll (unloaded) + 0x1200  no symbols"],
    ["in no module", { module: null, module_offset: null }, "0  0x00007ff8a1b2114c"],
  ])("%s", (_, more, line) => {
    expect(stack({ frames: [frame(0, { ...nameless, ...more })] })).toEqual([line]);
  });
});

describe("frames that were left out", () => {
  const rows: [string, Partial<Thread>, string[]][] = [
    ["the far end", { frame_count: 5, frames: [frame(0), frame(1)] }, ["… and 3 more frames"]],
    ["the middle", { frame_count: 11, frames: [frame(0), frame(10)] }, ["… 9 frames left out"]],
    ["one", { frame_count: 3, frames: [frame(0), frame(2)] }, ["… 1 frame left out"]],
    ["repeats", { frame_count: 21, recursion: { frame: 0, cycle: 1, times: 20 }, frames: [frame(0), frame(20)] }, ["… frame 0 repeats 20 times"]],
    ["repeats up to the end", { frame_count: 20, recursion: { frame: 0, cycle: 2, times: 10 }, frames: [frame(0), frame(1)] }, ["… frames 0–1 repeat 10 times"]],
    ["repeats and then some", { frame_count: 31, recursion: { frame: 0, cycle: 1, times: 20 }, frames: [frame(0), frame(30)] }, ["… frame 0 repeats 20 times", "… 10 frames left out"]],
    ["part of a cycle", { frame_count: 900, recursion: { frame: 0, cycle: 300, times: 3 }, frames: [frame(0), frame(899)] }, ["… 898 frames left out, where frames 0–299 repeat 3 times"]],
  ];
  it.each(rows)("are told: %s", (_, more, lines) => {
    expect(stack(more).filter((line) => line.startsWith("…"))).toEqual(lines);
  });

  it("are told for a whole stack never", () => {
    expect(stack({ frames: [frame(0), frame(1)] })).toHaveLength(2);
  });
});
