// The report as JSON: nothing is lost or changed by writing it by hand, and
// its keys are those of rust-minidump in its order.
import fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { BitFlip, CrashInfo, Frame, InlineFrame, MemoryAccess, Module, Report, Thread } from "../../stackwalk/report.ts";
import { reportJson } from "../../stackwalk/report-json.ts";

// Every field of a type must be named, so a field that is added to the report
// does not compile here until it has a generator, and then fails until it is written.
type All<T> = { [K in keyof Required<T>]: fc.Arbitrary<Exclude<T[K], undefined>> };

/** An object with all of `required` and any of the other fields. */
function object<T extends object>(fields: All<T>, required: readonly (keyof T)[]): fc.Arbitrary<T> {
  return fc.record(fields as { [K in keyof T]: fc.Arbitrary<T[K]> }, { requiredKeys: required as (keyof T)[] }) as unknown as fc.Arbitrary<T>;
}

/** An object that has all its fields. */
function whole<T extends object>(fields: All<T>): fc.Arbitrary<T> {
  return object<T>(fields, Object.keys(fields) as (keyof T)[]);
}

// Names come from strangers: quotes, controls, halves of surrogate pairs.
const nasty = fc.constantFrom('"', "\\", "\n", "\0", "\u001f", "\u007f", "\u2028", "\u202e", "\ud800", "\udc00", "😀", "é", "__proto__", "</script>", "");
const text = fc.oneof(fc.string(), fc.array(fc.oneof(nasty, fc.string({ unit: "binary" })), { maxLength: 4 }).map((parts) => parts.join("")));
const hex = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => `0x${value.toString(16).padStart(16, "0")}`);
const count = fc.nat();
const orNull = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { nil: null });
const few = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(some, { maxLength: 3 });

const inline = object<InlineFrame>({ function: text, file: orNull(text), line: orNull(count), line_offset: hex, function_offset: hex }, ["function", "file", "line"]);
const frame = object<Frame>(
  {
    frame: count,
    offset: hex,
    module: orNull(text),
    module_offset: orNull(hex),
    function: orNull(text),
    function_offset: orNull(hex),
    file: orNull(text),
    line: orNull(count),
    line_offset: hex,
    inlines: orNull(few(inline)),
    unloaded_modules: orNull(few(fc.record({ module: text, offsets: few(hex) }))),
    missing_symbols: fc.boolean(),
    trust: fc.constantFrom("context", "prewalked", "cfi", "frame_pointer", "cfi_scan", "scan", "leaf", "none"),
    registers: fc.dictionary(text, hex, { maxKeys: 4, noNullPrototype: true }),
  },
  ["frame", "offset", "module", "module_offset", "function", "function_offset", "file", "line", "inlines", "unloaded_modules", "missing_symbols", "trust"],
);
const thread = object<Thread>(
  {
    thread_id: orNull(count),
    thread_name: orNull(text),
    last_error_value: orNull(text),
    frame_count: count,
    frames_truncated: fc.boolean(),
    recursion: fc.record({ frame: count, cycle: count, times: count }),
    stopped: text,
    frames: few(frame),
  },
  ["thread_id", "thread_name", "last_error_value", "frame_count", "frames"],
);
const module = whole<Module>({
  filename: text,
  code_file: text,
  base_addr: hex,
  end_addr: hex,
  debug_file: orNull(text),
  debug_id: orNull(text),
  code_id: orNull(text),
  version: orNull(text),
  loaded_symbols: fc.boolean(),
  missing_symbols: fc.boolean(),
  corrupt_symbols: fc.boolean(),
  symbol_state: fc.constantFrom("loaded", "missing", "unused", "corrupt", "no_debug_id"),
});
const access = object<MemoryAccess>({ address: hex, size: orNull(count), is_likely_guard_page: fc.constant(true), access_type: fc.constantFrom("read", "write", "readwrite") }, ["address", "size"]);
const flip = whole<BitFlip>({
  address: hex,
  details: fc.record({ was_non_canonical: fc.boolean(), is_null: fc.boolean(), was_low: fc.boolean(), poison_registers: fc.boolean(), nearby_registers: count }),
  confidence: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
  source_register: orNull(text),
});
const crash = object<CrashInfo>(
  {
    type: orNull(text),
    address: orNull(hex),
    adjusted_address: orNull(fc.oneof(fc.record({ kind: fc.constant("non-canonical" as const), address: hex }), fc.record({ kind: fc.constant("null-pointer" as const), offset: hex }))),
    instruction: orNull(text),
    memory_accesses: orNull(few(access)),
    instruction_pointer_update: orNull(fc.record({ address: hex, is_likely_guard_page: fc.constant(true) }, { requiredKeys: ["address"] })),
    possible_bit_flips: orNull(few(flip)),
    crash_inconsistencies: orNull(few(fc.constantFrom("int_div_by_zero_not_possible", "access_violation_when_access_allowed"))),
    crashing_thread: orNull(fc.nat({ max: 3 })),
    assertion: orNull(text),
    stack_overflow: orNull(fc.record({ cause: fc.constantFrom("code", "guard_page", "below_stack"), detail: text })),
    exception: orNull(fc.record({ code: hex, flags: hex, parameters: few(hex) })),
  },
  ["type", "address", "crashing_thread", "assertion"],
);
const report = object<Report>(
  {
    status: fc.constant("OK"),
    walker: text,
    pid: orNull(count),
    crash_info: crash,
    system_info: object<Report["system_info"]>(
      { os: orNull(text), os_ver: orNull(text), cpu_arch: orNull(text), cpu_info: orNull(text), cpu_count: orNull(count), cpu_microcode_version: orNull(hex) },
      ["os", "os_ver", "cpu_arch", "cpu_info", "cpu_count"],
    ),
    process_uptime: orNull(count),
    main_module: orNull(count),
    modules: few(module),
    unloaded_modules: few(fc.record({ filename: text, base_addr: hex, end_addr: hex, code_id: orNull(text) })),
    thread_count: count,
    threads: few(thread),
    linux_memory_map_count: orNull(count),
    handles: orNull(few(fc.record({ handle: count, type_name: orNull(text), object_name: orNull(text) }))),
    lsb_release: orNull(fc.record({ id: orNull(text), release: orNull(text), codename: orNull(text), description: orNull(text) })),
    mac_crash_info: orNull(fc.record({ num_records: count, records: few(fc.dictionary(fc.constantFrom("thread", "module", "message", "ours"), orNull(text), { noNullPrototype: true })) })),
    mac_boot_args: orNull(text),
    proc_limits: orNull(fc.record({ limits: few(fc.record({ name: text, soft: text, hard: text, unit: text })) })),
    soft_errors: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown) as fc.Arbitrary<Exclude<Report["soft_errors"], undefined>>,
    annotations: fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true }),
    unread_streams: few(fc.record({ type: text, name: orNull(text), status: text })),
    notes: few(text),
    breakpad: fc.record({ crash_type: orNull(text), os_ver: orNull(text) }),
  },
  ["status", "walker", "pid", "crash_info", "system_info", "process_uptime", "main_module", "modules", "unloaded_modules", "thread_count", "threads", "annotations"],
);

const macRecord = { abort_cause: null, backtrace: null, dialog_mode: null, message: null, message2: null, module: null, signature_string: null, thread: null };

/** What a report's JSON must say: the report, what the schema always has, and the copy of the crashed thread. */
function expected(one: Report): unknown {
  const { crash_info: info } = one;
  const crashed = info.crashing_thread === null ? undefined : one.threads[info.crashing_thread];
  const [first, ...rest] = crashed?.frames ?? [];
  return {
    ...one,
    crash_info: { adjusted_address: null, crash_inconsistencies: null, instruction: null, instruction_pointer_update: null, memory_accesses: null, possible_bit_flips: null, ...info },
    ...(crashed && first ? { crashing_thread: { ...crashed, frames: [{ ...first, registers: first.registers ?? {} }, ...rest], threads_index: info.crashing_thread } } : {}),
    system_info: { cpu_microcode_version: null, ...one.system_info },
    modules: one.modules.map((each) => ({ ...each, cert_subject: null, symbol_url: null })),
    unloaded_modules: one.unloaded_modules.map((each) => ({ ...each, cert_subject: null })),
    modules_contains_cert_info: false,
    handles: one.handles ?? null,
    linux_memory_map_count: one.linux_memory_map_count ?? null,
    lsb_release: one.lsb_release ?? null,
    mac_boot_args: one.mac_boot_args ?? null,
    mac_crash_info: one.mac_crash_info ? { ...one.mac_crash_info, records: one.mac_crash_info.records.map((record) => ({ ...macRecord, ...record })) } : null,
    proc_limits: one.proc_limits ?? null,
    soft_errors: one.soft_errors ?? null,
  };
}

describe("a report as JSON", () => {
  it("says all that the report says, whatever its names are", () => {
    fc.assert(
      fc.property(report, (one) => {
        const json = reportJson(one);
        expect(JSON.parse(json)).toEqual(expected(one));
        // It is written as UTF-8, which has no half of a surrogate pair.
        expect(json.isWellFormed()).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("is the same with line breaks", () => {
    fc.assert(
      fc.property(report, (one) => {
        const pretty = reportJson(one, { pretty: true });
        expect(JSON.parse(pretty)).toEqual(JSON.parse(reportJson(one)));
        expect(pretty.startsWith('{\n  "crash_info": {\n    "address"')).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("leaves out what is nested too deep to be written", () => {
    let deep: unknown = null;
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(JSON.parse(reportJson({ ...bare, soft_errors: deep }))).toMatchObject({ soft_errors: null });
  });

  it("remembers no module that has changed", () => {
    // Rows are kept by path: whichever field is another the next time must show.
    const plugin: Module = {
      filename: "Gain.vst3",
      code_file: "C:\\Gain.vst3",
      base_addr: "0x1000",
      end_addr: "0x2000",
      debug_file: "Gain.pdb",
      debug_id: "AA1",
      code_id: "bb",
      version: "1.0",
      loaded_symbols: false,
      missing_symbols: false,
      corrupt_symbols: false,
      symbol_state: "unused",
    };
    const changes: Partial<Module>[] = [
      { filename: "gain" }, { base_addr: "0x3000" }, { end_addr: "0x4000" }, { debug_file: null }, { debug_id: "AA2" }, { code_id: null }, { version: "2.0" },
      { loaded_symbols: true }, { missing_symbols: true }, { corrupt_symbols: true }, { symbol_state: "missing" }, { code_file: "x".repeat(5000) }, {},
    ];
    const twice = [...changes, ...changes].map((change): Module => ({ ...plugin, ...change }));
    for (const one of twice) expect(JSON.parse(reportJson({ ...bare, modules: [one] }))).toMatchObject({ modules: [one] });
    expect(JSON.parse(reportJson({ ...bare, modules: twice }))).toMatchObject({ modules: twice });
  });

  it("forgets modules when it has seen too many, and says the same", () => {
    const many = Array.from({ length: 5000 }, (_, i): Module => ({ ...manyTemplate, code_file: `/lib/${i}.so`, filename: `${i}.so` }));
    for (let round = 0; round < 2; round++) expect((JSON.parse(reportJson({ ...bare, modules: many })) as Report).modules.map((one) => one.filename)).toEqual(many.map((one) => one.filename));
  });

  it("has no number that JSON cannot say", () => {
    const json = JSON.parse(reportJson({ ...bare, process_uptime: Number.NaN, pid: Number.POSITIVE_INFINITY })) as Report;
    expect([json.process_uptime, json.pid]).toEqual([null, null]);
  });
});

const bare: Report = {
  status: "OK",
  walker: "deadair 1",
  pid: null,
  crash_info: { type: null, address: null, crashing_thread: null, assertion: null },
  system_info: { os: null, os_ver: null, cpu_arch: null, cpu_info: null, cpu_count: null },
  process_uptime: null,
  main_module: null,
  modules: [],
  unloaded_modules: [],
  thread_count: 0,
  threads: [],
  annotations: {},
};

const manyTemplate: Module = { filename: "", code_file: "", base_addr: "0x1000", end_addr: "0x2000", debug_file: null, debug_id: null, code_id: null, version: null, loaded_symbols: false, missing_symbols: false, corrupt_symbols: false, symbol_state: "unused" };

// Fields that are ours: without them the JSON is rust-minidump's.
const ours = new Set(["walker", "annotations", "unread_streams", "notes", "breakpad", "exception", "stack_overflow", "code_file", "symbol_state", "line_offset", "recursion", "stopped", "frames_truncated"]);

/** The JSON without our fields, keys in the order that they have. */
function theirs(json: string): string {
  return JSON.stringify(JSON.parse(json, (key, value: unknown) => (ours.has(key) ? undefined : value)));
}

const snapshots = resolve(import.meta.dirname, "../../../shared/corpus/rust-minidump+rust-minidump/minidump-stackwalk/tests/snapshots");

/** Reads the body of an insta snapshot. */
function snapshot(name: string): string {
  return readFileSync(resolve(snapshots, `test_minidump_stackwalk__${name}.snap`), "utf8").replace(/^---\n[^]*?\n---\n/, "").trim();
}

/** The report that holds what a JSON of rust-minidump says, with our fields made up where the type asks for them. */
function reportFrom(json: string): Report {
  type Rust = Report & { crashing_thread?: Thread; modules: Module[] };
  const rust = JSON.parse(json) as Rust;
  const registers = rust.crashing_thread?.frames[0]?.registers;
  return {
    ...rust,
    walker: "deadair 1",
    annotations: {},
    notes: ["ours"],
    modules: rust.modules.map((each) => ({ ...each, code_file: each.filename, symbol_state: "unused" as const })),
    threads: rust.threads.map((each, i) => (i === rust.crash_info.crashing_thread && registers ? { ...each, frames: each.frames.map((one, k) => (k === 0 ? { ...one, registers } : one)) } : each)),
  };
}

describe("the JSON next to rust-minidump's", () => {
  // Windows with and without symbols, unloaded modules, and Linux.
  it.skipIf(!existsSync(snapshots)).each(["json", "json-pretty", "json-pretty-symbols", "json-pretty-unloaded", "linux_json_pretty"])("has the same keys, values and order: %s", (name) => {
    const body = snapshot(name);
    const ourJson = reportJson(reportFrom(body));
    // Registers are ours everywhere but in the copy of the crashed thread.
    const parsed = JSON.parse(theirs(ourJson)) as { threads: { frames: { registers?: unknown }[] }[] };
    for (const one of parsed.threads) for (const each of one.frames) delete each.registers;
    expect(JSON.stringify(parsed, null, 2)).toBe(JSON.stringify(JSON.parse(body), null, 2));
  });
});
