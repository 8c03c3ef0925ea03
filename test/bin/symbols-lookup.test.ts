import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { symbolsLookup } from "../../bin/commands/symbols-lookup.ts";
import { readAddress } from "../../bin/symbol-answer.ts";
import { compileBreakpad } from "../symbols/cache/cached-symbols.ts";

const folder = mkdtempSync(path.join(tmpdir(), "deadair-lookup-"));
afterAll(() => rmSync(folder, { recursive: true }));

const text = `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 gain.so
FILE 0 /src/gain.cpp
FILE 1 /src/"dsp".h
INLINE_ORIGIN 0 clamp(float)
INLINE_ORIGIN 1 soften(float)
FUNC 1000 20 0 Gain::process()
INLINE 0 42 0 1 1008 8
INLINE 1 7 1 0 100a 4
1000 8 41 0
1008 2 8 1
100a 4 3 1
100e 12 43 0
PUBLIC 2000 0 plugin_main
`;

function put(name: string, content: string | Uint8Array): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}

const compiled = compileBreakpad(Buffer.from(text));
if (!compiled.ok) throw new Error(compiled.problem.message);
const sym = put("gain.sym", text);

async function run(args: string[], input: Iterable<string | Buffer> = []) {
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = Promise.all([out, err].map(async (stream) => (await stream.toArray()).join("")));
  const code = await symbolsLookup(args, { in: Readable.from(input), out, err });
  out.end();
  err.end();
  const [printed, told] = await texts;
  return { code, lines: printed!.split("\n").slice(0, -1), err: told! };
}

const frame = (FunctionName: string, FileName: string, Line: number, StartAddress = "") => ({ Column: 0, Discriminator: 0, FileName, FunctionName, Line, StartAddress, StartFileName: "", StartLine: 0 });
const unknown = [frame("", "", 0)];

describe("deadair symbols lookup", () => {
  // What is asked, and what is said of it.
  const rows: [string, string, unknown[]][] = [
    // A line of the function's own.
    ["0x1004", "0x1004", [frame("Gain::process()", "/src/gain.cpp", 41, "0x1000")]],
    // Decimal, as llvm-symbolizer reads it.
    ["4100", "0x1004", [frame("Gain::process()", "/src/gain.cpp", 41, "0x1000")]],
    // Inlined calls, innermost first; each has the line where the next one was called.
    ["0x100b", "0x100b", [frame("clamp(float)", '/src/"dsp".h', 3), frame("soften(float)", '/src/"dsp".h', 7), frame("Gain::process()", "/src/gain.cpp", 42, "0x1000")]],
    // A linker symbol has no lines.
    ["0x2001", "0x2001", [frame("plugin_main", "", 0, "0x2000")]],
    // Before everything, and where no module ends.
    ["0x0", "0x0", unknown],
    ["0xffffffffffffffff", "0xffffffffffffffff", unknown],
  ];
  it.each(rows)("%s", async (asked, Address, Symbol) => {
    const { code, lines } = await run([sym, asked]);
    expect([code, lines.length]).toEqual([0, 1]);
    expect(JSON.parse(lines[0]!)).toEqual({ Address, ModuleName: sym, Symbol });
  });

  it("keeps LLVM's order of fields, for diff", async () => {
    const name = put("a.sym", "MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 a\nFUNC 10 4 0 f\n");
    expect((await run([name, "0x10", "x"])).lines).toEqual([
      `{"Address":"0x10","ModuleName":"${name}","Symbol":[{"Column":0,"Discriminator":0,"FileName":"","FunctionName":"f","Line":0,"StartAddress":"0x10","StartFileName":"","StartLine":0}]}`,
      `{"Error":{"Message":"unable to parse arguments: x"},"ModuleName":"${name}"}`,
    ]);
  });

  it.each([
    ["a cache", put("gain.cache", compiled.value)],
    ["gzip", put("gain.sym.gz", gzipSync(text))],
    ["zstd", put("gain.any", zstdCompressSync(Buffer.from(text)))],
  ])("reads %s", async (_, file) => {
    const answers = async (name: string) => (await run([name, ...rows.map(([asked]) => asked)])).lines.map((line) => (JSON.parse(line) as { Symbol: unknown }).Symbol);
    expect(await answers(file)).toEqual(await answers(sym));
  });

  it("reads addresses from its input, however they are cut, with either line end, and the last without one", async () => {
    const { lines } = await run([sym], ["0x10", "04\n0x20", "01\r\n\n", Buffer.from("4100")]);
    expect(lines.map((line) => (JSON.parse(line) as { Address?: string }).Address)).toEqual(["0x1004", "0x2001", undefined, "0x1004"]);
    expect((await run([sym, "-"], ["0x1004\n"])).lines).toHaveLength(1);
  });

  it("answers while its input is still open", async () => {
    const input = new PassThrough();
    const out = new PassThrough();
    const done = symbolsLookup([sym], { in: input, out, err: new PassThrough() });
    input.write("0x1004\n");
    const [first] = await new Promise<string[]>((resolve) => out.once("data", (chunk: Buffer) => resolve([chunk.toString()])));
    expect(first).toContain("Gain::process()");
    input.end();
    expect(await done).toBe(0);
  });

  it("holds neither a line without end nor many lines", async () => {
    function* lines() {
      for (let i = 0; i < 200; i++) yield "9".repeat(100_000);
      yield "\n";
      for (let i = 0; i < 100; i++) yield "0x1004\n".repeat(1000);
    }
    const err = new PassThrough();
    const out = new PassThrough({ highWaterMark: 1024 });
    let bytes = 0;
    let most = 0;
    const counting = (async () => {
      for await (const chunk of out) {
        bytes += (chunk as Buffer).length;
        most = Math.max(most, out.readableLength);
      }
    })();
    await symbolsLookup([sym], { in: Readable.from(lines()), out, err });
    out.end();
    await counting;
    expect(bytes).toBeGreaterThan(10_000_000);
    expect(most).toBeLessThan(500_000);
  });

  it.each([
    [["no-such-file"], 1, /^deadair symbols lookup: no-such-file: The symbol file cannot be read: ENOENT/],
    [[put("empty", "")], 1, /not a Breakpad symbol file|empty file/],
    [[put("broken.gz", gzipSync(text).subarray(0, 40))], 1, /cannot be decompressed/],
    [[put("cut.cache", compiled.value.subarray(0, 100))], 1, /The symbol cache cannot be used: It /],
    [[], 2, /^deadair symbols lookup: name a symbol file\.\n\ndeadair symbols lookup FILE/],
    [[sym, "-", "0x10"], 2, /give addresses, or - to read them; not both/],
    [[sym, "--bogus"], 2, /--bogus/],
  ])("%j ends with %i", async (args, code, told) => {
    expect(await run(args)).toMatchObject({ code, lines: [], err: expect.stringMatching(told) });
  });

  it("takes several files of one module", async () => {
    const build = path.resolve(import.meta.dirname, "../../fixtures/out/windows/x64");
    const [pdb, program] = [path.join(build, "Halcyon.pdb"), path.join(build, "Halcyon.vst3")];
    const { code, lines } = await run([program, "--with", pdb, "0x1030"]);
    expect([code, lines[0]]).toEqual([0, expect.stringMatching(/"FileName":"C:[^"]+","FunctionName":"[^"]+"/)]);
    expect(await run([program, "--with", sym, "0x1030"])).toMatchObject({ code: 1, err: expect.stringContaining("are not of one module") });
  });

  it("explains itself", async () => {
    expect(await run(["--help"])).toMatchObject({ code: 0, lines: expect.arrayContaining([expect.stringMatching(/FILE \[--with FILE\]… \[--arch ARCH\] \[ADDRESS/)]), err: "" });
  });
});

// Each spelling with what LLVM's tool makes of it; null where it says that it cannot.
const spellings: [string, string | null][] = [
  ["0x1129", "0x1129"],
  ["0X1129", "0x1129"],
  ["  0x1129 \r", "0x1129"],
  ["CODE 0x1129", "0x1129"],
  ["0x1129 junk", "0x1129"],
  ["010", "0x8"],
  ["0b11", "0x3"],
  ["0", "0x0"],
  ["0xffffffffffffffff", "0xffffffffffffffff"],
  ["18446744073709551616", null],
  ["0000000000001129", null],
  ["-1", null],
  ["zz", null],
  ["", null],
  ['"a.out" 0x1129', null],
];
const llvm = spawnSync("llvm-symbolizer", ["--version"]).status === 0;

describe("an address", () => {
  it.each(spellings)("%j is %s", (asked, expected) => {
    expect(readAddress(asked)?.text ?? null).toBe(expected);
  });

  it.skipIf(!llvm)("is read as llvm-symbolizer reads it (needs llvm-symbolizer)", () => {
    // Any file that it can open: what it knows of the addresses does not matter here.
    const { stdout } = spawnSync("llvm-symbolizer", ["--relative-address", "--output-style=JSON", `--obj=${process.execPath}`], { input: `${spellings.map(([asked]) => asked).join("\n")}\n`, encoding: "utf8" });
    const answers = stdout.trim().split("\n").map((line) => (JSON.parse(line) as { Address?: string }).Address ?? null);
    expect(answers).toEqual(spellings.map(([, expected]) => expected));
  });
});
