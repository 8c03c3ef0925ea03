import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../config/limits.ts";
import { parsePostedTrace, resolveStackTrace } from "../../../stackwalk/posted/stack-trace.ts";
import type { Frame, Report } from "../../../stackwalk/report.ts";
import type { SymbolKey, SymbolSource } from "../../../stackwalk/stackwalker.ts";
import { namesHere } from "../../support/names.ts";
import { debugId, symbolText, temporaryFile } from "../../symbols/breakpad/symbol-text.ts";

const limits = { STACKTRACE_FRAMES_COUNT: 10, THREADS_COUNT: 3 };
const bounds = { maxFrames: 1024, maxThreads: 4096 };
const nothing: SymbolSource = { locate: async (keys) => keys.map(() => null) };

function parse(json: unknown) {
  const result = parsePostedTrace(json, defaultLimits);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

/** What the crash page would show of a frame. */
function shown(frame: Frame | undefined): string {
  const inlines = (frame?.inlines ?? []).map((inline) => `${inline.function} ${inline.file}:${inline.line} < `).join("");
  return `${inlines}${frame?.module}!${frame?.function} ${frame?.file}:${frame?.line} ${frame?.module_offset} +${frame?.function_offset}`;
}

describe("parsing", () => {
  test("ids are brought into one form, and offsets into numbers", () => {
    const trace = parse({ threads: [{ frames: [{ debug_id: "4c4c4420-5044-422e-443e-d91900000000-1", offset: "0x1A2b" }, { debug_id: "67E9247C-814E-392B-A027-DBDE6748FCBF", offset: 17 }] }] });
    expect(trace.threads[0]?.frames.map(({ debug_id, offset }) => [debug_id, offset])).toEqual([["4C4C44205044422E443ED919000000001", 0x1a2b], ["67E9247C814E392BA027DBDE6748FCBF0", 17]]);
  });

  // It stands in the report once a frame: half a megabyte of name and 15,000 frames were a report of 7 GB.
  test("a file's name is kept to its last 1024 characters", () => {
    const trace = parse({ frames: [{ debug_id: debugId, offset: 1, module: `${"m".repeat(5000)}.dll` }], modules: [{ code_file: `${"c".repeat(5000)}.dll`, debug_file: `${"d".repeat(5000)}.pdb`, debug_id: debugId }] });
    const names = [trace.threads[0]?.frames[0]?.module, trace.modules[0]?.code_file, trace.modules[0]?.debug_file];
    expect(names.map((name) => [name?.length, name?.slice(-5)])).toEqual([[1024, "m.dll"], [1024, "c.dll"], [1024, "d.pdb"]]);
  });

  test("frames at the top are one crashed thread", () => {
    expect(parse({ frames: [{ function: "f" }] })).toMatchObject({ crashing_thread: 0, threads: [{ crashed: true, frames: [{ function: "f" }] }] });
  });

  test("the crashed thread is the one that says so, unless the trace says otherwise", () => {
    const threads = [{ frames: [] }, { crashed: true, frames: [] }];
    expect(parse({ threads }).crashing_thread).toBe(1);
    expect(parse({ threads, crashing_thread: 0 }).crashing_thread).toBe(0);
    expect(parse({ threads: [{ frames: [] }] }).crashing_thread).toBeNull();
  });

  test("NUL, which Postgres refuses, does not get through", () => {
    expect(parse({ reason: "a\0b", frames: [] }).reason).toBe("a\ufffdb");
  });

  test.each([
    [null, "The body must be an object"],
    [[], "The body must be an object"],
    [{}, "threads must be an array of threads"],
    [{ threads: {} }, "threads must be an array"],
    [{ threads: [], frames: [] }, "frames must be left out"],
    [{ threads: [5] }, "threads[0] must be an object"],
    [{ threads: [{ frames: [{}, { offset: "1a2b" }] }] }, "threads[0].frames[1].offset must be"],
    // 2^53: a double would round it to another instruction.
    [{ frames: [{ offset: 2 ** 53 }] }, "frames[0].offset must be"],
    [{ frames: [{ offset: "0x20000000000000" }] }, "frames[0].offset must be"],
    [{ frames: [{ offset: -1 }] }, "frames[0].offset must be"],
    [{ frames: [{ debug_id: "no" }] }, "frames[0].debug_id must be a debug id"],
    [{ frames: [{ function: 1 }] }, "frames[0].function must be a string"],
    [{ frames: [{ line: 1.5 }] }, "frames[0].line must be"],
    [{ frames: [{ adjusted: "yes" }] }, "frames[0].adjusted must be true or false"],
    [{ threads: [{ frames: [] }], crashing_thread: 1 }, "crashing_thread must be an index"],
    [{ frames: [], modules: [{ base_addr: "x" }] }, "modules[0].base_addr must be"],
    [{ frames: [], address: "zz" }, "address must be"],
  ])("it says where %j is wrong", (json, expected) => {
    const result = parsePostedTrace(json, limits);
    expect(result).toMatchObject({ ok: false, problem: { code: "bad_stack_trace", status: 400 } });
    expect(result.ok ? "" : result.problem.message).toContain(expected);
  });

  test.each([
    [{ frames: Array.from({ length: 11 }, () => ({})) }, "STACKTRACE_FRAMES_COUNT"],
    [{ threads: [{ frames: Array.from({ length: 6 }, () => ({})) }, { frames: Array.from({ length: 5 }, () => ({})) }] }, "STACKTRACE_FRAMES_COUNT"],
    [{ threads: [{}, {}, {}, {}] }, "THREADS_COUNT"],
    [{ frames: [], modules: Array.from({ length: 11 }, () => ({})) }, "STACKTRACE_FRAMES_COUNT"],
  ])("a limit is named: %#", (json, name) => {
    const result = parsePostedTrace(json, limits);
    expect(result).toMatchObject({ ok: false, problem: { code: "too_many", status: 413 } });
    expect(result.ok ? "" : result.problem.hint).toContain(name);
  });
});

describe("naming", () => {
  const records = ["FILE 0 a.cpp", "FILE 1 b.h", "INLINE_ORIGIN 0 clamp", "FUNC 1000 20 0 render", "INLINE 0 70 0 0 1010 8", "1000 10 7 0", "1010 8 30 1", "1018 8 8 0", "FUNC 1020 10 0 next", "1020 10 9 0"];
  const frame = (offset: number, more = {}) => ({ module: "C:\\plugins\\VaultSynth.vst3", debug_file: "VaultSynth.pdb", debug_id: debugId, offset, ...more });

  async function resolve(json: unknown): Promise<{ report: Report; missing: readonly SymbolKey[]; asked: readonly SymbolKey[] }> {
    const file = await temporaryFile(symbolText(...records));
    let asked: readonly SymbolKey[] = [];
    const source: SymbolSource = {
      locate: async (keys) => {
        asked = keys;
        return keys.map((key) => (key.debugId === debugId ? [file] : null));
      },
    };
    return { ...(await resolveStackTrace(parse(json), source, namesHere, bounds)), asked };
  }

  test("the first frame is looked up where it stands, callers one byte before", async () => {
    const { report, missing, asked } = await resolve({ frames: [frame(0x1018), frame(0x1018), frame(0x1020), frame(0x1020, { adjusted: true })] });
    expect(report.threads[0]?.frames.map(shown)).toEqual([
      "VaultSynth.vst3!render a.cpp:8 0x1018 +0x18",
      "clamp b.h:30 < VaultSynth.vst3!render a.cpp:70 0x1018 +0x18",
      // A call at the very end of a function returns to the next one.
      "VaultSynth.vst3!render a.cpp:8 0x1020 +0x20",
      "VaultSynth.vst3!next a.cpp:9 0x1020 +0x0",
    ]);
    expect(missing).toEqual([]);
    expect(asked).toEqual([{ debugFile: "VaultSynth.pdb", debugId, codeFile: "VaultSynth.vst3", codeId: null }]);
    expect(report.modules).toMatchObject([{ filename: "VaultSynth.vst3", debug_file: "VaultSynth.pdb", symbol_state: "loaded", loaded_symbols: true }]);
  });

  test("modules may be listed once and named by the frames", async () => {
    const json = {
      modules: [{ code_file: "/opt/VaultSynth.so", debug_file: "VaultSynth.so", debug_id: debugId, base_addr: "0x7f0000000000", size: 4096 }, { code_file: "/lib/unused.so", debug_id: `${"A".repeat(32)}0` }],
      frames: [{ module: "vaultsynth.so", offset: 0x1000 }],
    };
    const { report } = await resolve(json);
    expect(report.threads[0]?.frames[0]).toMatchObject({ offset: "0x7f0000001000", module: "VaultSynth.so", function: "render", missing_symbols: false, trust: "prewalked" });
    expect(report.modules.map(({ symbol_state }) => symbol_state)).toEqual(["loaded", "unused"]);
  });

  test("without symbols the client's own names stand, and the module is missing", async () => {
    const other = { module: "host", debug_id: `${"B".repeat(32)}0`, offset: 5 };
    const { report, missing } = await resolve({ frames: [other, { ...other, function: "main", file: "main.c", line: 3 }, { function: "bare" }, { module: "noid", offset: 1 }] });
    expect(report.threads[0]?.frames.map(shown)).toEqual(["host!null null:null 0x5 +null", "host!main main.c:3 0x5 +null", "null!bare null:null null +null", "noid!null null:null 0x1 +null"]);
    expect(report.threads[0]?.frames.map(({ missing_symbols }) => missing_symbols)).toEqual([true, false, false, false]);
    expect(missing).toEqual([{ debugFile: "host", debugId: `${"B".repeat(32)}0`, codeFile: "host", codeId: null, lacks: "all" }]);
    expect(report.modules.map(({ symbol_state }) => symbol_state)).toEqual(["missing", "no_debug_id"]);
  });

  test("a corrupt symbol file is said to be one", async () => {
    const file = await temporaryFile("MZ");
    const { report, missing } = await resolveStackTrace(parse({ frames: [frame(1)] }), { locate: async () => [[file]] }, namesHere, bounds);
    expect(report.modules[0]?.symbol_state).toBe("corrupt");
    expect(missing).toEqual([]);
  });

  test("a symbol file that cannot be read stops the walk, so that it is tried again", async () => {
    await expect(resolveStackTrace(parse({ frames: [frame(1)] }), { locate: async () => [["/nonexistent/a.sym"]] }, namesHere, bounds)).rejects.toThrow("cannot be read");
  });

  test("threads and frames past the bounds are left out, and it says so", async () => {
    const trace = parse({ os: "macOS", arch: "aarch64", reason: "EXC_BAD_ACCESS", address: "0xDEAD", threads: [{ id: 7, name: "audio", frames: [{}, {}, {}] }, { crashed: true, frames: [] }] });
    const { report } = await resolveStackTrace(trace, nothing, namesHere, { maxFrames: 2, maxThreads: 1 });
    expect(report.threads).toMatchObject([{ thread_id: 7, thread_name: "audio", frame_count: 3, frames_truncated: true }]);
    expect(report.threads[0]?.frames).toHaveLength(2);
    expect([report.thread_count, report.crash_info.crashing_thread]).toEqual([2, null]);
    expect([report.system_info.os, report.system_info.cpu_arch, report.crash_info.type, report.crash_info.address]).toEqual(["Mac OS X", "arm64", "EXC_BAD_ACCESS", "0xdead"]);
  });
});

describe("any JSON", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("a.dll", "__proto__", debugId, "0x10"), fc.constant(null));
  const frame = fc.record({ module: text, debug_file: text, debug_id: fc.constantFrom(debugId, null), offset: fc.oneof(fc.nat(), fc.constant("0xff")), function: text, file: text, line: fc.nat(), adjusted: fc.boolean() }, { requiredKeys: [] });
  const trace = fc.record({ os: text, arch: text, threads: fc.array(fc.record({ id: fc.nat(), crashed: fc.boolean(), frames: fc.array(frame) }, { requiredKeys: [] })), modules: fc.array(fc.record({ code_file: text, debug_id: fc.constantFrom(debugId, null) })) }, { requiredKeys: ["threads"] });

  test("gives a trace or a problem", () => {
    fc.assert(fc.property(fc.oneof(fc.jsonValue(), trace), (json) => typeof parsePostedTrace(json, limits).ok === "boolean"));
  });

  test("a parsed trace stays the same when it is written and read again", () => {
    fc.assert(
      fc.property(trace, (json) => {
        const first = parse(json);
        expect(parse(JSON.parse(JSON.stringify(first)))).toEqual(first);
      }),
    );
  });

  test("a parsed trace makes a report with every frame", async () => {
    await fc.assert(
      fc.asyncProperty(trace, async (json) => {
        const parsed = parse(json);
        const { report } = await resolveStackTrace(parsed, nothing, namesHere, bounds);
        expect(report.threads.map((thread) => thread.frames.length)).toEqual(parsed.threads.map((thread) => thread.frames.length));
      }),
    );
  });
});
