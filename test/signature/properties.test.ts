// What holds for every name and every report, hostile ones first.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameName } from "../../signature/frame-name.ts";
import { sign } from "../../signature/signature.ts";
import type { Frame, Report } from "../../stackwalk/report.ts";
import { crash, frameOf } from "./crash.ts";

const normalise = (name: string, file: string | null): string => {
  const { text, kind } = frameName(frameOf({ function: name, file }), false);
  return kind === "function" ? text : "";
};

/** Text that looks like a name at every point, and is none as a whole. */
const pieces = [
  "foo", "Bar", "std", "T", "operator", "const", "lambda", "anonymous namespace", "clone .cold.3", "name omitted", "impl", "closure", "h0123456789abcdef", "int", "as", "in",
  "::", "<", ">", "(", ")", "[", "]", "{", "}", "`", "'", "&", "*", ",", " ", "  ", "->", "<<", "==", "$_1", "$", "#1", ".cold", ".isra.0", ".", "-", "+", "~", "\u0000", "\n", "é", "e\u0301", "\ud800",
  "{lambda(", "<lambda_1>", "'lambda'", "(anonymous namespace)", "`anonymous namespace'", "std::__1::", "[abi:cxx11]", "[clone ", "`2'::", "?A0x12", "[thunk]:", " as ", " in ", " -> ", "0x1f", "std::__1", "::__1::",
];
const namelike = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(""));
const name = fc.oneof(namelike, fc.string({ unit: "binary" }), fc.string());
const file = fc.constantFrom(null, "a.cpp", "a.rs", "git:github.com/rust-lang/rust:src/libcore/a.rs:1");

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 2 });
const frame: fc.Arbitrary<Frame> = fc
  .record({
    offset: fc.oneof(fc.constant("0x0000000000001000"), fc.string()),
    module: maybe(name),
    function: maybe(fc.oneof(name, fc.constantFrom("memcpy", "raise", "abort", "_sigtramp", "std::terminate()", "__cxa_throw", "operator new(unsigned long)"))),
    file: maybe(fc.oneof(file.map((text) => text ?? ""), fc.string())),
    line: maybe(fc.integer()),
    inlines: maybe(fc.array(fc.record({ function: name, file: maybe(fc.string()), line: maybe(fc.integer()) }), { maxLength: 3 })),
    unloaded_modules: maybe(fc.array(fc.record({ module: name, offsets: fc.constant([]) }), { maxLength: 2 })),
  })
  .map((fields) => frameOf(fields));
const report: fc.Arbitrary<Report> = fc
  .record({
    frames: fc.array(frame, { maxLength: 60 }),
    type: maybe(fc.oneof(fc.string(), fc.constantFrom("EXCEPTION_STACK_OVERFLOW", "STATUS_NO_MEMORY", "STATUS_DEVICE_DATA_ERROR"))),
    os: fc.constantFrom("Windows NT", "Linux", null),
    thread: maybe(fc.constantFrom(0, 0, 0, 1, -1, 1.5, Number.NaN)),
    assertion: maybe(name),
    host: name,
    annotations: fc.dictionary(fc.constantFrom("oom_allocation_size", "abort_message", "__proto__", "x"), fc.string()),
  })
  .map(({ frames, ...facts }) => ({ ...crash([], facts), threads: [{ ...crash([]).threads[0]!, frames, frame_count: frames.length }] }));

describe("a normalised name", () => {
  it("is made of any text, and is its own", () => {
    fc.assert(
      fc.property(name, file, (text, source) => {
        const once = normalise(text, source);
        expect(once.length).toBeLessThanOrEqual(1024);
        if (once !== "") expect(normalise(once, source)).toBe(once);
      }),
      { numRuns: 20_000 },
    );
  });

  it("never holds a line break or a control character", () => {
    fc.assert(
      fc.property(name, file, (text, source) => {
        expect(normalise(text, source)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it("does not depend on spaces around commas and template arguments", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/).filter((text) => text !== "operator" && text !== "in" && text !== "as");
    fc.assert(
      fc.property(word, word, fc.array(word, { minLength: 1, maxLength: 4 }), (scope, method, args) => {
        const spellings = [`${scope}<${args.join(",")}>::${method}(${args.join(",")})`, `void ${scope}<${args.join(", ")} >::${method}(${args.join(", ")}) const`, `static int* __cdecl ${scope}<${args.join(" , ")}>::${method}(void)`];
        expect(new Set(spellings.map((text) => normalise(text, null)))).toEqual(new Set([`${scope}<T>::${method}`]));
      }),
    );
  });

  const hostile: [string, string][] = [
    // 100 kB each.
    ["round brackets", "(".repeat(100_000)],
    ["angle brackets", "<".repeat(100_000)],
    ["back ticks", "`".repeat(100_000)],
    ["pairs", "<>".repeat(50_000)],
    ["mixed brackets", "(<[{`".repeat(20_000)],
    ["angles, then rounds to close", "<".repeat(50_000) + ")".repeat(50_000)],
    ["open lambdas", "{lambda(".repeat(12_500)],
    ["quoted lambdas", "'lambda".repeat(14_000)],
    ["open clones", "[clone ".repeat(14_000)],
    ["clones", "[clone .cold.1]".repeat(6_600)],
    ["suffixes", `f${".cold".repeat(20_000)}`],
    ["numbered suffixes", `f${".isra.0".repeat(14_000)}`],
    ["operators", "operator".repeat(12_500)],
    ["operator words", "operator ".repeat(11_000)],
    ["operator signs", "operator<".repeat(11_000)],
    ["qualifiers", `f()${" const".repeat(16_000)}`],
    ["ampersands", `f()${"&".repeat(100_000)}`],
    ["spaces", `f${" ".repeat(100_000)}g`],
    ["words", "a ".repeat(50_000)],
    ["rounds in words", "(a) ".repeat(25_000)],
    ["arrows", " -> ".repeat(25_000)],
    ["arrow words", "a -> ".repeat(20_000)],
    ["anonymous namespaces", "`anonymous namespace'::".repeat(4_300)],
    ["numbered scopes", "`1".repeat(50_000)],
    ["hashes", "::h0123456789abcdef".repeat(5_000)],
    ["ABI tags", "[abi:".repeat(20_000)],
    ["commas", ",".repeat(100_000)],
    ["real depth", `${"A<".repeat(20_000)}int${" >".repeat(20_000)}::f()`],
    ["zeros", "\u0000".repeat(100_000)],
    ["accents", "e\u0301".repeat(50_000)],
  ];
  it.each(hostile)("takes little time with 100 kB of %s", (_, text) => {
    const started = process.cpuUsage();
    for (const source of [null, "a.rs"]) {
      const once = normalise(text, source);
      if (once !== "") expect(normalise(once, source)).toBe(once);
    }
    // Far above what it takes, far below what anything quadratic does. Processor time, since other things run too.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1_000);
  });
});

describe("a signature", () => {
  it("is made of any report, has 1 to 255 characters, and is always the same", () => {
    fc.assert(
      fc.property(report, (any) => {
        const signature = sign(any);
        expect(signature.signature.length).toBeLessThanOrEqual(255);
        expect(signature.signature).toBe(signature.signature.trim());
        expect(signature.fingerprint).toMatch(/^[0-9a-f]{64}$/);
        expect(signature.frames.length).toBeLessThanOrEqual(40);
        expect(signature.notes.filter((note) => note.includes("failed and was skipped"))).toEqual([]);
        expect(sign(structuredClone(any))).toEqual(signature);
      }),
      { numRuns: 3_000 },
    );
  });

  it("stops once, and uses nothing after", () => {
    fc.assert(
      fc.property(report, (any) => {
        const frames = sign(any).frames;
        const stop = frames.findIndex((one) => one.verdict === "stop");
        if (stop >= 0 && !sign(any).notes.some((note) => note.startsWith("every frame is irrelevant"))) expect(frames.slice(stop + 1).every((one) => one.verdict === "unused")).toBe(true);
        const sentinel = frames.findIndex((one) => one.verdict === "sentinel");
        expect(frames.filter((one) => one.verdict === "before-sentinel")).toHaveLength(Math.max(0, frames.some((one) => one.verdict === "before-sentinel") ? (sentinel >= 0 ? sentinel : frames.findIndex((one) => one.verdict !== "before-sentinel")) : 0));
      }),
    );
  });

  it("is readable, whatever the frames", () => {
    fc.assert(
      fc.property(report, (any) => {
        expect(sign(any).signature).not.toMatch(/[^\x20-\x7e\p{L}\p{M}\p{N}]/u);
      }),
    );
  });
});
