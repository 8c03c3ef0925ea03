// Socorro's own test cases, where the corpus is beside the repository: what its
// signature generator expects, against what ours makes. Every difference is
// meant, and stands in `differences` with its reason; every group of cases that
// is not run stands in `left` with its reason. Its tests without a table are
// stated anew at the end.
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { collapse, dropPrefixAndReturnType } from "../../signature/brackets.ts";
import { frameName } from "../../signature/frame-name.ts";
import { type Lists, ownLists, type PatternList } from "../../signature/list-file.ts";
import { sign } from "../../signature/signature.ts";
import { crash, type Facts, frameOf, inlineOf } from "./crash.ts";

const folder = path.resolve(import.meta.dirname, "../../../shared/corpus/mozilla-services+socorro-siggen/extracted");
const files = fs.existsSync(folder) ? fs.readdirSync(folder).filter((file) => file.endsWith(".json")) : [];

type Json = { readonly [key: string]: unknown };
const object = (value: unknown): Json => (typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {});
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** One case: Socorro's parameters in their order, the expected value last. */
type Case = readonly unknown[];

/** All tables of cases, by the test's name and its line. */
const tables = new Map<string, readonly Case[]>();
for (const file of files) {
  const json = object(JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")));
  for (const tests of Object.values(json)) {
    for (const [name, table] of Object.entries(object(tests))) {
      const cases = object(table)["cases"];
      if (Array.isArray(cases)) tables.set(name, cases.map((one): Case => (Array.isArray(one) ? one : [one])));
    }
  }
}

/** Where we differ on purpose: the table, the input, what we make of it, and why. */
const differences: readonly { readonly table: RegExp; readonly input: unknown; readonly ours: unknown; readonly why: string }[] = [
  {
    table: /^test_drop_bad_characters/,
    input: "1\u018a23",
    ours: "1\u018a23",
    why: "letters of every language stay: a plugin called in Japanese or with an umlaut must not vanish from its own signature",
  },
  ...[
    { table: /^test_normalize_cpp_function/, input: "f<3>(s,t,u)", ours: "f" },
    { table: /^test_normalize_cpp_function/, input: "class JSObject* DoCallback<JSObject*>(class JS::CallbackTracer*, class JSObject**, const char*)", ours: "DoCallback" },
    { table: /^test_normalize_rust_function/, input: "static void servo_arc::Arc<style::gecko_properties::ComputedValues>::drop_slow<style::gecko_properties::ComputedValues>()", ours: "servo_arc::Arc<T>::drop_slow" },
  ].map((difference) => ({ ...difference, why: "PDBs of clang record inlined template functions without their arguments: with them a bug would have two signatures, by whether its function was inlined" })),
];

/** Tables that are not run, and why. */
const left: readonly { readonly table: RegExp; readonly why: string }[] = [
  { table: /^test_(bad_data@|generate@|normalize_frame@L832)/, why: "Java stack traces; no audio plugin has them" },
  { table: /^test_predicate_js_large_allocation_failure/, why: "an annotation of Firefox's JavaScript engine" },
  { table: /^test_(int_or_none|override_values|parse_crashid)/, why: "Python plumbing, not signatures" },
];

const rustFiles = "lib.rs";
const module = (name: string): string => sign(crash([{ module: name }])).signature;
const pattern = (lines: readonly string[]): PatternList => ({
  file: "test",
  lines: [],
  match: (name) => (lines.some((line) => new RegExp(`^(?:${line})`).test(name)) ? "test:1" : null),
});
const withLists = (irrelevant: string[], prefix: string[], sentinels: Lists["sentinels"] = new Map()): Lists => ({
  sentinels,
  irrelevant: pattern(irrelevant),
  prefix: pattern(prefix),
  lineNumbers: pattern(["fnNeedNumber"]),
});
const named = (name: unknown, line: unknown, file: string | null): string =>
  sign(crash([{ function: text(name), file, line: Number(line) }]), withLists([], [])).signature;

/** Whether a rule speaks, told by what it puts before the signature. */
const speaks = (facts: Facts, label: string): boolean => sign(crash(["hello"], facts)).signature.startsWith(label);

/** How we answer each table's question. */
const answers: readonly { readonly table: RegExp; readonly answer: (input: Case) => unknown }[] = [
  { table: /^test_normalize_cpp_function/, answer: ([name, line]) => named(name, line, null) },
  { table: /^test_normalize_rust_function/, answer: ([name, line]) => named(name, line, rustFiles) },
  {
    table: /^test_normalize_frame@L305/,
    answer: ([args]) => {
      const [moduleName, name, file, line, offset] = (Array.isArray(args) ? args : []).map(text);
      return frameName(frameOf({ module: moduleName ?? "", function: name ?? "", file: file || null, line: line === "" ? null : Number(line), offset: offset ?? "" }), false).text;
    },
  },
  // Without a function Socorro's helper answers None; a frame of ours has no name then.
  {
    table: /^test_fix_missing_module/,
    answer: ([frame]) => frameName(frameOf({ function: textOrNull(object(frame)["function"]), file: textOrNull(object(frame)["file"]) }), false).text || null,
  },
  // The helpers by themselves, with the exceptions that its tests give.
  { table: /^test_collapse/, answer: ([name]) => collapse(text(name), "<", "<T>", { after: ["IPC::ParamTraits"], token: (token) => token.includes("name omitted") || token.includes(" as ") }) },
  { table: /^test_drop_prefix_and_return_type/, answer: ([name]) => dropPrefixAndReturnType(text(name)) },
  // Only the base name of a path is ever in a signature.
  {
    table: /^test_parse_source_file/,
    answer: ([file]) => frameName(frameOf({ file: textOrNull(file), line: 1 }), false).text.replace(/#1$/, "") || null,
  },
  // Numbers cannot stand in a report for an address; text can.
  { table: /^test_strip_leading_zeros/, answer: ([address]) => (typeof address === "string" ? frameName(frameOf({ offset: address }), false).text.slice(1) : address) },
  { table: /^test_(whitespace_fixing|drop_bad_characters)/, answer: ([name]) => (name === "" ? "" : module(text(name))) },
  { table: /^test_predicate_reason@L1423/, answer: ([type]) => speaks({ type: text(type) }, "stackoverflow | ") },
  { table: /^test_predicate_reason@L1530/, answer: ([type]) => speaks({ type: text(type) }, "OOM | ") },
  { table: /^test_predicate_reason@L1605/, answer: ([type]) => speaks({ type: text(type) }, "bad hardware | ") },
  {
    table: /^test_predicate_error_commitment_limit/,
    answer: ([data]) => {
      const threads = object(data)["threads"];
      const first = object(Array.isArray(threads) ? threads[0] : undefined);
      return speaks({ lastError: textOrNull(first["last_error_value"]) }, "OOM | ");
    },
  },
  { table: /^test_action_success_remove_unwanted_parts/, answer: ([message]) => sign(crash(["hello"], { assertion: text(message) })).signature },
  // Which thread is looked at: only that one has a frame.
  {
    table: /^test_get_crashing_thread/,
    answer: ([data]) => {
      const given = text(object(data)["crashing_thread"]);
      const report = crash([], { thread: given === "" ? null : Number(given) });
      const threads = Array.from({ length: 10 }, (_, index) => ({ ...report.threads[0]!, frames: [frameOf(`thread${index}`)] }));
      return Number(/\d+/.exec(sign({ ...report, threads }).signature)?.[0]);
    },
  },
];

const expectedOf = (name: string, one: Case): unknown => {
  const expected = one.at(-1);
  // See the answer: only base names.
  if (name.startsWith("test_parse_source_file") && typeof expected === "string") return expected.split(/[\\/]/).at(-1);
  return expected;
};

const run = [...tables].filter(([name]) => answers.some(({ table }) => table.test(name)));

describe.skipIf(files.length === 0)("Socorro's tables", () => {
  it("are each run, or left with a reason", () => {
    const known = [...answers, ...left];
    expect([...tables.keys()].filter((name) => known.filter(({ table }) => table.test(name)).length !== 1)).toEqual([]);
  });

  it("are there in number", () => {
    expect(run.reduce((sum, [, cases]) => sum + cases.length, 0)).toBeGreaterThan(80);
  });

  for (const [name, cases] of run) {
    it.each(cases.map((one, index) => ({ one, index })))(`${name} case $index`, ({ one }) => {
      const answer = answers.find(({ table }) => table.test(name))?.answer(one.slice(0, -1));
      const difference = differences.find(({ table, input }) => table.test(name) && input === one[0]);
      if (difference !== undefined) expect(expectedOf(name, one), "the difference is no more").not.toEqual(difference.ours);
      expect(answer).toEqual(difference === undefined ? expectedOf(name, one) : difference.ours);
    });
  }

  it("differ only where a case says so", () => {
    const inputs = run.flatMap(([name, cases]) => cases.map((one) => ({ name, input: one[0] })));
    expect(differences.filter(({ table, input }) => !inputs.some((one) => table.test(one.name) && one.input === input))).toEqual([]);
  });
});

// The tests that Socorro writes out, with their own lists. Facts of its behaviour, stated anew.
describe("Socorro's assembly", () => {
  const letters = [..."abcdefghabcfaeabdijklmnopqrstuvwxyz"];
  const put = (at: number, name: string): string[] => letters.with(at, name);
  const when = (name: string, other: string | null): Lists["sentinels"] => new Map([[name, [{ name, when: other, rule: "test:1" }]]]);
  const rows: [string, string[], Lists, string][] = [
    ["skips the irrelevant and goes on past prefixes", letters, withLists(["a", "b", "c"], ["d", "e", "f"]), "d | e | f | g"],
    ["starts at a sentinel", put(7, "sentinel"), withLists(["a", "b", "c"], ["d", "e", "f"], when("sentinel", null)), "sentinel"],
    ["starts below an irrelevant sentinel", put(7, "sentinel"), withLists(["a", "b", "c", "sentinel"], ["d", "e", "f"], when("sentinel", null)), "f | e | d | i"],
    ["ignores a sentinel whose condition is not met", put(7, "sentinel2"), withLists(["a", "b", "c"], ["d", "e", "f"], when("sentinel2", "ff")), "d | e | f | g"],
    ["heeds it where it is met", put(7, "sentinel2").with(8, "ff"), withLists(["a", "b", "c"], ["d", "e", "f"], when("sentinel2", "ff")), "sentinel2"],
    ["heeds it where it is met, and irrelevant", put(7, "sentinel2").with(24, "ff"), withLists(["a", "b", "c", "sentinel2"], ["d", "e", "f"], when("sentinel2", "ff")), "f | e | d | i"],
    ["merges a module's frames", ["a", "d", "foo32.dll!", "foo32.dll!", "g"], withLists(["a", "b", "c"], ["d", "e", "f"]), "d | foo32.dll | g"],
    ["merges a module's frames at the top", ["foo32.dll!", "foo32.dll!", "g"], withLists(["a", "b", "c"], ["d", "e", "f"]), "foo32.dll | g"],
  ];
  it.each(rows)("%s", (_, frames, lists, expected) => {
    expect(sign(crash(frames), lists).signature).toBe(expected);
  });

  const wait = ["NtWaitForMultipleObjects", "WaitForMultipleObjectsEx", "WaitForMultipleObjectsExImplementation", "RealMsgWaitForMultipleObjectsEx", "MsgWaitForMultipleObjects"];

  it("lists inlined functions before their frame", () => {
    const frames = [frameOf("NtWaitForMultipleObjects"), { ...frameOf("WaitForMultipleObjectsEx"), inlines: [inlineOf("inline_a", "some_file.rs", 59), inlineOf("inline_b", "some_file.rs", 299)] }];
    expect(sign(crash(frames)).protoSignature).toBe("NtWaitForMultipleObjects | inline_a | inline_b | WaitForMultipleObjectsEx");
  });

  it("with our lists comes to the same for a Windows wait", () => {
    const frames = [...wait, "F_1152915508_____", "F2166389_____", "F_917831355_____"];
    expect(sign(crash(frames, { os: "Windows NT" }), ownLists).signature).toBe("MsgWaitForMultipleObjects | F_1152915508_____");
  });

  // Deliberate: Socorro says "no frame data available" here as well.
  it("says that no thread is known, where neither a thread nor a frame is", () => {
    expect(sign(crash([], { thread: null })).signature).toBe("EMPTY: no crashing thread identified");
  });
});

// Differences that none of its published cases shows, each with its reason.
describe("beyond Socorro", () => {
  it.each([
    ["bool Foo::operator==(Foo const&)", "Foo::operator==", "Socorro keeps the return type of operators; PDB names have none, so the group would split"],
    ["operator new(unsigned long)", "operator new", "Socorro's last word is `new`"],
    ["Foo::operator<<(int)", "Foo::operator<<", "Socorro takes the second < for a template"],
    ["Foo::<lambda_1>::operator()", "Foo::$::operator()", "Socorro: Foo::<T>::operator(); one spelling for the lambdas of all compilers"],
    ["foo(int) [clone .isra.0]", "foo", "Socorro drops .cold only; all clones are parts of one function"],
    ["std::__1::mutex::lock()", "std::mutex::lock", "Socorro keeps the versions of standard libraries"],
    ["f((anonymous namespace)::Bar*)", "f", "Socorro keeps argument lists that mention an anonymous namespace"],
    ["[thunk]:A::release`adjustor{16}' (void)", "A::release", "Socorro keeps the thunk apart from the function it leads to"],
    ["Foo::size() const noexcept", "Foo::size", "Socorro knows const and & only"],
  ])("%s is %s: %s", (name, expected) => {
    expect(named(name, 1, null)).toBe(expected);
  });
});
