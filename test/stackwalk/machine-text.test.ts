// Breakpad's -m text from a report that is spelled rust-minidump's way, as our
// engine's are: padded addresses, modules in the order of the dump, offsets
// from functions. What it must equal to the byte is held over the corpus
// (corpus.test.ts, and the peers' tests for the engine).
import { describe, expect, it } from "vitest";
import { machineText } from "../../stackwalk/machine-text.ts";
import type { Frame, Module, Report } from "../../stackwalk/report.ts";

function module(filename: string, base: number, size: number, more: Partial<Module> = {}): Module {
  const hex = (value: number): string => `0x${value.toString(16).padStart(16, "0")}`;
  return {
    filename,
    code_file: `/usr/lib/${filename}`,
    base_addr: hex(base),
    end_addr: hex(base + size),
    debug_file: filename,
    debug_id: "0123456789ABCDEF0123456789ABCDEFA",
    code_id: null,
    version: null,
    loaded_symbols: false,
    missing_symbols: false,
    corrupt_symbols: false,
    symbol_state: "unused",
    ...more,
  };
}

function frame(more: Partial<Frame>): Frame {
  return {
    frame: 0,
    offset: "0x0000000010001234",
    module: "libGain.so",
    module_offset: "0x0000000000001234",
    function: null,
    function_offset: null,
    file: null,
    line: null,
    inlines: null,
    unloaded_modules: null,
    missing_symbols: false,
    trust: "cfi",
    ...more,
  };
}

const report: Report = {
  status: "OK",
  walker: "deadair 1",
  pid: 1,
  crash_info: { type: "SIGSEGV / SEGV_MAPERR", address: "0x0000000000000018", crashing_thread: 1, assertion: null },
  system_info: { os: "Linux", os_ver: "6.1.0 #1 SMP", cpu_arch: "amd64", cpu_info: "family 6 model 1 stepping 2", cpu_count: 8 },
  process_uptime: null,
  main_module: 0,
  modules: [],
  unloaded_modules: [],
  thread_count: 2,
  threads: [
    { thread_id: 1, thread_name: null, last_error_value: null, frame_count: 0, frames: [] },
    {
      thread_id: 2,
      thread_name: null,
      last_error_value: null,
      frame_count: 1,
      frames: [
        frame({
          trust: "context",
          function: "Gain::process(Buffer&)",
          function_offset: "0x0000000000000034",
          file: "/src/gain.cpp",
          line: 44,
          line_offset: "0x14",
          inlines: [
            { function: "simd::mul(float*)", file: "/src/simd.h", line: 7, line_offset: "0x4" },
            { function: "Ramp::next()", file: null, line: null, function_offset: "0x10" },
          ],
        }),
        // Callers print the return address, one byte past the call.
        frame({ frame: 1, function: "main", function_offset: "0x00000000000000ff" }),
        frame({ frame: 2, missing_symbols: true }),
        frame({ frame: 3, module: null, module_offset: null, unloaded_modules: [{ module: "Old.so", offsets: ["0x0000000000000100"] }] }),
        frame({ frame: 4, module: null, module_offset: null, offset: "0x00007fff00000000" }),
      ],
    },
  ],
  annotations: {},
  breakpad: { crash_type: "SIGSEGV /SEGV_MAPERR", os_ver: "0.0.0 Linux 6.1.0 #1 SMP x86_64" },
};

/** The rows of modules, without what all of them share. */
function moduleRows(modules: readonly Module[], main: number | null = 0): string[] {
  const rows = machineText({ ...report, modules, main_module: main }).split("\n").filter((line) => line.startsWith("Module|"));
  return rows.map((line) => line.split("|").filter((_, i) => i === 1 || i > 4).join(" "));
}

describe("the -m text of a report in rust-minidump's spelling", () => {
  it("has Breakpad's spelling, its order and its offsets", () => {
    expect(machineText(report)).toBe(`OS|Linux|0.0.0 Linux 6.1.0 #1 SMP x86_64
CPU|amd64|family 6 model 1 stepping 2|8
GPU|||
Crash|SIGSEGV /SEGV_MAPERR|0x18|1

1|0|libGain.so|simd::mul(float*)|/src/simd.h|7|0x4
1|1|libGain.so|Ramp::next()|||0x10
1|2|libGain.so|Gain::process(Buffer&)|/src/gain.cpp|44|0x14
1|3|libGain.so|main|||0x100
1|4|libGain.so||||0x1235
1|5|Old.so||||0x101
1|6|||||0x7fff00000001
`);
  });

  it("prints instructions, not return addresses, on ARM", () => {
    expect(machineText({ ...report, system_info: { ...report.system_info, cpu_arch: "arm64" } })).toContain("|main|||0xff\n");
  });

  it("says what it has where nothing is spelled for Breakpad", () => {
    const { breakpad: _, ...plain } = report;
    expect(machineText(plain)).toMatch(/^OS\|Linux\|6\.1\.0 #1 SMP\n[^]*\nCrash\|SIGSEGV \/ SEGV_MAPERR\|0x18\|1\n/);
  });

  it("has modules by address, and marks the program", () => {
    expect(moduleRows([module("host", 0x5000, 0x1000), module("b.so", 0x8000, 0x1000), module("a.so", 0x1000, 0x1000)])).toEqual([
      "a.so 0x00001000 0x00001fff 0",
      "host 0x00005000 0x00005fff 1",
      "b.so 0x00008000 0x00008fff 0",
    ]);
  });

  it.each([
    ["the same module twice", [module("host", 0x5000, 0x1000), module("host", 0x5000, 0x1000)]],
    ["one that begins in another", [module("host", 0x5000, 0x1000), module("late.so", 0x5800, 0x1000)]],
    ["one that ends in another", [module("host", 0x5000, 0x1000), module("late.so", 0x4800, 0x1000)]],
    ["one that holds another", [module("host", 0x5000, 0x1000), module("late.so", 0x4000, 0x4000)]],
    ["one without bytes", [module("host", 0x5000, 0x1000), module("late.so", 0x9000, 0)]],
  ])("leaves out %s, as Breakpad's map of ranges does", (_, modules) => {
    expect(moduleRows(modules)).toEqual(["host 0x00005000 0x00005fff 1"]);
  });
});
