import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { symbolsInspect } from "../../bin/commands/symbols-inspect.ts";
import { symbols } from "../../bin/commands/symbols.ts";
import { compileBreakpad } from "../symbols/cache/cached-symbols.ts";

const folder = mkdtempSync(path.join(tmpdir(), "deadair-inspect-"));
afterAll(() => rmSync(folder, { recursive: true }));
const windows = path.resolve(import.meta.dirname, "../../fixtures/out/windows");

const text = `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 gain.so
INFO CODE_ID 67452301AB89EFCD0123456789ABCDEF01020304
INFO GENERATOR mozilla/dump_syms 2.3.4
FILE 0 /src/gain.cpp
INLINE_ORIGIN 0 clamp(float)
FUNC 1000 20 0 Gain::process()
INLINE 0 42 0 0 1008 8
1000 8 41 0
1008 18 8 0
FUNC 1010 20 0 overlapping()
PUBLIC 2000 0 plugin_main
STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^
`;

function put(name: string, content: string | Uint8Array): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}

async function run(args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await symbolsInspect(args, { env: {}, out: (line) => out.push(line), err: (line) => err.push(line), retryMs: 0 });
  return { code, out: out.map((line) => line.replaceAll(`${folder}/`, "").replaceAll(`${windows}/`, "")), err: err.join("\n") };
}

describe("deadair symbols inspect", () => {
  it("says all of a symbol file", async () => {
    const { code, out, err } = await run([put("gain.sym", text)]);
    expect([code, err]).toEqual([0, ""]);
    expect(out.join("\n")).toBe(`gain.sym
  format         Breakpad symbol file, 0.4 kB, written by mozilla/dump_syms 2.3.4
  for            Linux, x86_64
  debug id       0123456789ABCDEF0123456789ABCDEF0, gain.so
  code id        67452301AB89EFCD0123456789ABCDEF01020304
  functions      1
  linker symbols 1
  source lines   2
  inlined calls  1
  unwind data    2 rows
  missing        nothing
  notes          overlapping function: 1`);
  });

  it.each([
    ["gzip", put("gain.sym.gz", gzipSync(text)), "Breakpad symbol file"],
    ["a cache", put("gain.cache", cacheBytes()), "symbol cache"],
  ])("reads %s", async (_, file, format) => {
    const { code, out } = await run([file]);
    expect([code, out[1]]).toEqual([0, expect.stringContaining(format)]);
    expect(out).toEqual(expect.arrayContaining(["  functions      1", "  missing        nothing"]));
  });

  // What a symbol file lacks, it does not say itself.
  it.each([
    ["functions", text.replaceAll(/^(?:FUNC|INLINE |100).*\n/gm, ""), ["no_functions"]],
    ["lines", text.replaceAll(/^100.*\n/gm, ""), ["no_lines"]],
    ["unwind data", text.replaceAll(/^STACK.*\n/gm, ""), ["no_unwind"]],
    ["all", text.split("\n")[0]!, ["no_functions", "no_unwind"]],
  ])("misses %s", async (_, content, codes) => {
    const { out } = await run(["--json", put("less.sym", content)]);
    const { files } = JSON.parse(out.join("\n")) as { files: { lacks: { code: string; message: string; hint: string }[] }[] };
    expect(files[0]!.lacks.map(({ code }) => code)).toEqual(codes);
    expect(files[0]!.lacks.every(({ message, hint }) => message.endsWith(".") && hint.endsWith("."))).toBe(true);
  });

  it("says what a PDB and its DLL lack alone, and that nothing is missing together", async () => {
    const { code, out } = await run([path.join(windows, "x64/Halcyon.pdb"), path.join(windows, "x64/Halcyon.vst3")]);
    expect(code).toBe(0);
    const blocks = out.join("\n").split("\n\n");
    expect(blocks).toHaveLength(3);
    expect(blocks[0]).toMatch(/^x64\/Halcyon\.pdb\n {2}format {9}PDB, /);
    expect(blocks[0]).toMatch(/\n {2}unwind data {4}none\n {2}missing {8}How to unwind stands in the DLL or EXE itself/);
    expect(blocks[1]).toMatch(/\n {2}functions {6}none\n/);
    expect(blocks[1]).toMatch(/\n {2}missing {8}Its functions and source lines are in Halcyon\.pdb/);
    expect(blocks[1]).toMatch(/\n {17}→ Upload Halcyon\.pdb too\./);
    expect(blocks[2]).toMatch(/^Halcyon\.pdb \+ Halcyon\.vst3, together\n {2}debug id {7}[0-9A-F]{33}\n {2}functions {6}\d+\n/);
    expect(blocks[2]).toMatch(/\n {2}unwind data {4}\d+ rows\n {2}missing {8}nothing$/);
  });

  it("does not take files of two builds together", async () => {
    const { out } = await run(["--json", path.join(windows, "x64/Halcyon.pdb"), path.join(windows, "x86/Halcyon.vst3")]);
    expect(JSON.parse(out.join("\n"))).toMatchObject({ modules: [] });
  });

  it("names the 32-bit frame programs", async () => {
    const { out } = await run([path.join(windows, "x86/Halcyon.pdb")]);
    expect(out).toEqual(expect.arrayContaining([expect.stringMatching(/^ {2}unwind data {4}\d+ frame programs$/), "  missing        nothing"]));
  });

  it("prints JSON for programs", async () => {
    const { code, out } = await run(["--json", put("gain.sym", text), path.join(folder, "none")]);
    expect(code).toBe(1);
    expect(JSON.parse(out.join("\n"))).toEqual({
      files: [
        {
          path: "gain.sym",
          bytes: text.length,
          format: "breakpad",
          os: "Linux",
          arch: "x86_64",
          debug_id: "0123456789ABCDEF0123456789ABCDEF0",
          debug_file: "gain.so",
          code_id: "67452301AB89EFCD0123456789ABCDEF01020304",
          code_file: null,
          generator: "mozilla/dump_syms 2.3.4",
          holds: { functions: 1, publics: 1, lines: 2, inlines: 1, unwind_rows: 2, frame_programs: 0 },
          lacks: [],
          warnings: { overlappingFunction: 1 },
        },
        { path: "none", error: "symbol_file_unreadable", message: expect.stringContaining("ENOENT"), hint: expect.any(String) },
      ],
      modules: [],
    });
  });

  it("goes on after a file that cannot be used, and says why", async () => {
    const { code, out } = await run([put("read.me", "hello"), folder, put("gain.sym", text)]);
    expect(code).toBe(1);
    expect(out).toEqual(expect.arrayContaining(["read.me", '  cannot be used This is not a Breakpad symbol file; it begins with "hello".', expect.stringMatching(/^  cannot be used (The folder holds no debug file|.*gain)/), "gain.sym"]));
  });

  it("prints nothing that a terminal would obey", async () => {
    const { out } = await run([put("evil.sym", text.replace("gain.so", "g\u009b31m").replace("mozilla", "\u009b2J"))]);
    expect(out.join("\n")).not.toMatch(/[\u0080-\u009f]/);
  });

  it.each([
    [[], /name at least one symbol file/],
    [["--what"], /Unknown option '--what'/],
  ])("%j ends with 2", async (args, told) => {
    expect(await run(args)).toEqual({ code: 2, out: [], err: expect.stringMatching(told) });
  });

  it("explains itself, and is a command of symbols", async () => {
    const out: string[] = [];
    expect(await symbols(["inspect", "--help"], { env: {}, out: (line) => out.push(line), err: () => undefined, retryMs: 0 })).toBe(0);
    expect(out[0]).toMatch(/^deadair symbols inspect/);
  });
});

function cacheBytes(): Uint8Array {
  const compiled = compileBreakpad(Buffer.from(text));
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return compiled.value;
}
