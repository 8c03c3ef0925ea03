// What a symbol file says, and what its cache says: a row for each kind of
// record and for what can be wrong with it.
import { describe, expect, test } from "vitest";
import { compileSymbolFiles } from "../../../symbols/compile.ts";
import { compileBreakpad } from "../cache/cached-symbols.ts";
import { answers, ask, cacheOf, compiled, emptyPlace, openBytes, scratchFile } from "../cache/cached-symbols.ts";
import { moduleLine, symbolText } from "./symbol-text.ts";

/** Records, and every address where the answer changes. */
const rows: readonly { readonly why: string; readonly records: readonly string[]; readonly says: readonly string[]; readonly warnings?: { readonly [reason: string]: number } }[] = [
  { why: "an empty file knows nothing", records: [], says: [] },
  {
    why: "a function has its range, a line its own; between lines there is none",
    records: ["FILE 0 a.cpp", "FUNC 10 20 0 f(int, char)", "10 8 5 0", "20 4 6 0"],
    says: ["10 f(int, char) a.cpp:5", "18 f(int, char)", "20 f(int, char) a.cpp:6", "24 f(int, char)", "30"],
  },
  { why: "capital digits, 0x and several blanks are numbers too", records: ["FILE 0 a.cpp", "FUNC  0xA0  10 0 f", "A0 8 5 0", "A8  0x8  6  0"], says: ["a0 f a.cpp:5", "a8 f a.cpp:6", "b0"] },
  { why: "m says that several symbols share the code", records: ["FUNC m 10 8 0 f", "PUBLIC m 20 0 p"], says: ["10 f", "18", "20 PUBLIC p"] },
  { why: "a line is cut to its function", records: ["FILE 0 a", "FUNC 10 10 0 f", "8 10 1 0", "18 20 2 0"], says: ["10 f a:1", "18 f a:2", "20"] },
  { why: "a line of another file, far away lines, many rows", records: ["FILE 0 a", "FILE 7 b", "FUNC 0 80 0 f", ...Array.from({ length: 64 }, (_, i) => `${(2 * i).toString(16)} 2 ${i % 3 === 0 ? 1_000_000 + i : i} ${i % 2 === 0 ? 0 : 7}`)], says: [...Array.from({ length: 64 }, (_, i) => `${(2 * i).toString(16)} f ${i % 2 === 0 ? "a" : "b"}:${i % 3 === 0 ? 1_000_000 + i : i}`), "80"] },
  { why: "line 0 is code with a file but no line", records: ["FILE 0 a", "FUNC 10 8 0 f", "10 8 0 0"], says: ["10 f a:0", "18"] },
  { why: "a file that no FILE names is none", records: ["FUNC 10 8 0 f", "10 8 3 9"], says: ["10 f", "18"] },
  { why: "FILE may come after its use, and the first of two counts", records: ["FUNC 10 8 0 f", "10 8 3 5", "FILE 5 late", "FILE 5 later"], says: ["10 f late:3", "18"] },
  { why: "numbers of FILE may be sparse", records: ["FILE 4294967295 far", "FILE 70000 near", "FUNC 10 8 0 f", "10 4 3 4294967295", "14 4 3 70000"], says: ["10 f far:3", "14 f near:3", "18"] },
  { why: "of functions that overlap, the one that begins first is kept, of two at one address the shorter", records: ["FUNC 20 10 0 late", "FUNC 18 10 0 early", "FUNC 40 10 0 long", "FUNC 40 8 0 short"], says: ["18 early", "28", "40 short", "48"], warnings: { overlappingFunction: 2 } },
  { why: "functions need no order", records: ["FILE 0 a", "FUNC 40 8 0 g", "40 8 2 0", "FUNC 10 8 0 f", "10 8 1 0"], says: ["10 f a:1", "18", "40 g a:2", "48"] },
  { why: "lines need no order; one that overlaps is dropped", records: ["FILE 0 a", "FUNC 10 10 0 f", "18 8 2 0", "10 8 1 0", "14 4 3 0"], says: ["10 f a:1", "18 f a:2", "20"], warnings: { overlappingLine: 1 } },
  { why: "a public symbol reaches up to the next symbol", records: ["PUBLIC 10 0 p", "FUNC 20 8 0 f", "PUBLIC 30 0 q", "PUBLIC 38 0 r"], says: ["10 PUBLIC p", "20 f", "28", "30 PUBLIC q", "38 PUBLIC r"] },
  { why: "a public symbol in a function goes on after it, one at its start does not", records: ["FUNC 20 8 0 f", "PUBLIC 20 0 same", "FUNC 40 8 0 g", "PUBLIC 44 0 inside"], says: ["20 f", "28", "40 g", "48 PUBLIC inside"] },
  { why: "a public symbol at 0 is noise, and of two at one address the first counts", records: ["PUBLIC 0 0 header", "PUBLIC 10 0 one", "PUBLIC 10 0 two"], says: ["10 PUBLIC one"], warnings: { overlappingPublic: 1 } },
  {
    why: "inlines hand the place of their call to the function around them",
    records: ["FILE 0 a", "FILE 1 b", "INLINE_ORIGIN 0 outer", "INLINE_ORIGIN 1 inner", "FUNC 10 20 0 f", "INLINE 0 7 0 0 14 10", "INLINE 1 8 1 1 18 4", "10 20 9 1"],
    says: ["10 f b:9", "14 outer b:9 < f a:7", "18 inner b:9 < outer b:8 < f a:7", "1c outer b:9 < f a:7", "24 f b:9", "30"],
  },
  {
    why: "the format before 2022: no file of the call, a file in the origin",
    records: ["FILE 0 a", "FILE 1 b", "INLINE_ORIGIN 0 1 old one", "FUNC 10 10 0 f", "INLINE 0 7 0 14 4", "10 10 9 1"],
    says: ["10 f b:9", "14 old one b:9 < f b:7", "18 f b:9", "20"],
  },
  {
    why: "several ranges, some empty; -1 for a file that there is not",
    records: ["FILE 0 a", "INLINE_ORIGIN 3 g", "FUNC 10 20 0 f", "INLINE 0 7 -1 3 10 4 18 0 20 4", "10 20 9 0"],
    says: ["10 g a:9 < f a:7", "14 f a:9", "20 g a:9 < f a:7", "24 f a:9", "30"],
  },
  { why: "an origin without a name is named as Breakpad does", records: ["FILE 0 a", "FUNC 10 8 0 f", "INLINE 0 7 0 5 10 8"], says: ["10 <name omitted> < f a:7", "18"] },
  {
    why: "depth decides who is in whom, and a range ends where its neighbour begins; one without a range above it is dropped",
    records: ["FILE 0 a", "INLINE_ORIGIN 0 x", "INLINE_ORIGIN 1 y", "FUNC 10 20 0 f", "INLINE 1 2 0 1 10 20", "INLINE 0 1 0 0 10 8", "INLINE 0 3 0 0 14 8", "INLINE 3 3 0 0 10 8"],
    says: ["10 y < x a:2 < f a:1", "14 y < x a:2 < f a:3", "1c f", "30"],
    warnings: { unplacedInline: 1 },
  },
  {
    why: "what cannot be read is skipped and counted",
    records: ["FUNC x 8 0 f", "10 8 1 0", "FUNC 10 8 0", "FUNC 10 8 0 f", "10 8", "10 8 1 0 ", "INLINE 0 1 0 0", "INLINE 0 1 0 0 10", "INLINE 0 1 0 0 x 1", "zz", "FILE x a", "PUBLIC zz 0 a", "INLINE 0 1 0 0 10 4", "INLINE_ORIGIN", "INLINE_ORIGIN x y", "STACK CFI x", "STACK CFI 10 .cfa: $rsp 8 +", "STACK WIN 4 1", "STACK WHAT", "junk", "PUBLIC 20", "1g 8 1 0"],
    says: ["10 f", "18"],
    warnings: { malformedFunction: 2, malformedLine: 2, malformedInline: 2, orphanLine: 1, orphanInline: 1, malformedFile: 1, malformedPublic: 2, malformedInlineOrigin: 1, malformedCfi: 1, orphanCfi: 1, malformedWin: 1, unknownRecord: 4 },
  },
  { why: "what lies beyond 4 GiB is left out and counted", records: ["FUNC 100000000 8 0 f", "PUBLIC 1ffffffff 0 p", "FUNC fffffffe 8 0 g", "FUNC 10 8 0 h"], says: ["10 h", "18"], warnings: { beyondRange: 3 } },
  { why: "a function without size covers nothing", records: ["FUNC 10 0 0 f", "PUBLIC 8 0 p"], says: ["8 PUBLIC p"] },
  { why: "NUL in a name becomes _, UTF-8 stays", records: ["FUNC 10 4 0 a\0b", "FUNC 14 4 0 grün::ψ"], says: ["10 a_b", "14 grün::ψ", "18"] },
];

describe("records", () => {
  test.each(rows)("$why", ({ records, says, warnings }) => {
    const cache = cacheOf(symbolText(...records));
    expect(answers(cache, 0x200)).toEqual(says);
    if (warnings !== undefined) expect(cache.meta().warnings).toEqual(warnings);
    // Windows line ends, and no end of the last line, make no difference.
    expect(answers(cacheOf(symbolText(...records).replaceAll("\n", "\r\n")), 0x200)).toEqual(says);
    expect(answers(cacheOf(symbolText(...records).trimEnd()), 0x200)).toEqual(says);
  });
});

describe("a place", () => {
  test("has the starts of its function, its lines and its inlined ranges", () => {
    const cache = cacheOf(symbolText("FILE 0 a", "INLINE_ORIGIN 0 outer", "INLINE_ORIGIN 1 inner", "FUNC 10 20 0 f", "INLINE 0 7 0 0 14 10", "INLINE 1 8 0 1 18 4", "10 9 5 0", "19 17 6 0"));
    const place = emptyPlace();
    cache.lookUp(0x1a, place);
    expect(place).toEqual({
      name: "f",
      linkageName: null,
      start: 0x10,
      isPublic: false,
      file: "a",
      line: 7,
      lineStart: 0x14,
      inlines: [
        { name: "inner", file: "a", line: 6, start: 0x19 },
        { name: "outer", file: "a", line: 8, start: 0x18 },
      ],
    });
  });

  test("has the linker's spelling where names are demangled", () => {
    const demangle = (name: string): string | null => (name === "_Z1fv" ? "f()" : name === "?g@@YAXXZ" ? "void g()" : null);
    const cache = cacheOf(symbolText("FILE 0 _Z1fv", "INLINE_ORIGIN 0 _Z1fv", "FUNC 10 8 0 _Z1fv", "INLINE 0 1 0 0 10 4", "10 8 5 0", "FUNC 20 8 0 plain", "PUBLIC 30 0 ?g@@YAXXZ", "PUBLIC 38 0 _broken"), { demangle });
    const place = emptyPlace();
    const spellings = [0x10, 0x20, 0x30, 0x38].map((rva) => {
      cache.lookUp(rva, place);
      return [place.name, place.linkageName, place.file, place.inlines[0]?.name];
    });
    expect(spellings).toEqual([
      ["f()", "_Z1fv", "_Z1fv", "f()"],
      ["plain", null, null, undefined],
      ["void g()", "?g@@YAXXZ", null, undefined],
      ["_broken", null, null, undefined],
    ]);
  });

  test("has parameter bytes on x86, where they matter", () => {
    const records = "FUNC 10 8 c f\nPUBLIC 20 10 p\nFUNC 30 8 0 g\n";
    const [x86, amd64] = ["x86", "x86_64"].map((arch) => cacheOf(moduleLine.replace("x86_64", arch) + "\n" + records));
    expect([0x8, 0x10, 0x20, 0x30].map((rva) => x86!.parameterBytes(rva))).toEqual([0, 12, 16, 0]);
    expect(amd64!.parameterBytes(0x10)).toBe(0);
  });
});

test("META says what the cache was made from, and what is in it", () => {
  const text = `MODULE mac arm64 ${"A".repeat(32)}0 My Plug In.dylib\nINFO CODE_ID 0123\nINFO GENERATOR dump_syms 2\nFILE 0 a\nFUNC 10 8 0 f\n10 8 1 0\nPUBLIC 20 0 p\n`;
  const meta = cacheOf(text, { sourceDigest: "d1" }).meta();
  expect(meta).toMatchObject({ source: "breakpad", sourceDigest: "d1", debugFile: "My Plug In.dylib", debugId: `${"A".repeat(32)}0`, codeId: "0123", generator: "dump_syms 2", os: "mac", arch: "arm64" });
  expect(meta.counts).toMatchObject({ functions: 1, publics: 1, lines: 1 });
});

describe("what is no symbol file is refused with what it is", () => {
  test.each([
    ["UTF-16 by mistake", Buffer.from(`\uFEFF${symbolText()}`, "utf16le"), "not_a_symbol_file", /UTF-16/],
    ["UTF-16 without a mark", Buffer.from(symbolText(), "utf16le"), "not_a_symbol_file", /UTF-16/],
    ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), "not_a_symbol_file", /gzip/],
    ["nothing", Buffer.alloc(0), "not_a_symbol_file", /empty file/],
    ["a bad id", Buffer.from("MODULE Linux x86 XYZ a\n"), "bad_module_record", /debug id/],
  ] as const)("%s", (_, bytes, code, message) => {
    for (const result of [compileBreakpad(bytes), compileSymbolFiles([scratchFile(bytes)])]) {
      expect(result).toMatchObject({ ok: false, problem: { code, status: 400 } });
      if (!result.ok) expect(result.problem.message).toMatch(message);
    }
  });

  test("a file that is not there", () => {
    expect(compileSymbolFiles(["/nowhere/a.sym"])).toMatchObject({ ok: false, problem: { code: "symbol_file_unreadable", status: 500 } });
  });
});

describe("a file is read piece by piece", () => {
  const functions = Array.from({ length: 90_000 }, (_, i) => `FUNC ${(i * 16).toString(16)} 10 0 a function with quite a long name, number ${i}\n${(i * 16).toString(16)} 8 ${i} 0`);

  test("a file of several pieces gives the same cache as one that is in memory", () => {
    const text = symbolText("FILE 0 a", ...functions);
    const pieces = compileSymbolFiles([scratchFile(text, "pieces.sym")]);
    if (!pieces.ok) throw new Error(pieces.problem.message);
    expect(text.length).toBeGreaterThan(1.5 * 4 * 1024 * 1024);
    expect(Buffer.compare(pieces.value, compiled(text))).toBe(0);
  });

  test.each([
    ["within the file", 50_000],
    ["at its end", 90_000],
  ])("a record that is longer than a piece is left out, %s", (_, place) => {
    const text = symbolText("FILE 0 a", ...functions.toSpliced(place, 0, `PUBLIC f0000000 0 ${"x".repeat(9_000_000)}`));
    const pieces = compileSymbolFiles([scratchFile(text, "overlong.sym")]);
    if (!pieces.ok) throw new Error(pieces.problem.message);
    const cache = openBytes(pieces.value);
    try {
      expect(cache.meta()).toMatchObject({ counts: { functions: 90_000, publics: 0, lines: 90_000 }, warnings: { overlongRecord: 1 } });
      expect(ask(cache, 16 * 89_999)).toBe("a function with quite a long name, number 89999+0 a:89999");
    } finally {
      cache.close();
    }
  });
});
