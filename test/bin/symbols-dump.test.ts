import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { symbolsDump } from "../../bin/commands/symbols-dump.ts";
import { compilerVersion } from "../../symbols/cache/layout.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";
import { type SymbolCache, cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { ask, emptyPlace } from "../symbols/cache/cached-symbols.ts";
import { rowAt } from "../symbols/dwarf/frame-sections.ts";

const folder = mkdtempSync(path.join(tmpdir(), "deadair-dump-"));
afterAll(() => rmSync(folder, { recursive: true }));
const windows = path.resolve(import.meta.dirname, "../../fixtures/out/windows");

const text = `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 gain.so
FILE 0 /src/gain.cpp
FUNC 1000 20 0 Gain::process()
1000 20 41 0
PUBLIC 2000 0 _ZN4Gain4idleEv
STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^
`;
const written = (name: string): string => text.replace("FILE 0", `INFO GENERATOR deadair ${compilerVersion}\nFILE 0`).replace("_ZN4Gain4idleEv", name);

function put(name: string, content: string | Uint8Array): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}

async function run(args: string[]) {
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = Promise.all([out, err].map(async (stream) => (await stream.toArray()).join("")));
  const code = await symbolsDump(args, { out, err });
  out.end();
  err.end();
  const [printed, told] = await texts;
  return { code, out: printed!, err: told! };
}

function compiled(...files: string[]): SymbolCache {
  const bytes = compileSymbolFiles(files);
  if (!bytes.ok) throw new Error(bytes.problem.message);
  return cacheOfBytes("dumped", bytes.value);
}

describe("deadair symbols dump", () => {
  const sym = put("gain.sym", text);

  it("writes to standard output", async () => expect(await run([sym])).toEqual({ code: 0, out: written("Gain::idle()"), err: "" }));

  it("writes names as the linker has them", async () => expect((await run(["--mangled", sym])).out).toBe(written("_ZN4Gain4idleEv")));

  it("writes to a file, and leaves nothing beside it", async () => {
    const target = path.join(folder, "out", "gain.sym");
    expect(await run([sym, "-o", target])).toMatchObject({ code: 1, err: expect.stringContaining("ENOENT") });
    const inFolder = mkdtempSync(path.join(folder, "o-"));
    expect(await run([sym, "-o", path.join(inFolder, "gain.sym")])).toEqual({ code: 0, out: "", err: "" });
    expect(readdirSync(inFolder)).toEqual(["gain.sym"]);
    expect(readFileSync(path.join(inFolder, "gain.sym"), "utf8")).toBe(written("Gain::idle()"));
  });

  it("writes to where Breakpad's walkers look", async () => {
    const { code, out } = await run([sym, "--store", path.join(folder, "store")]);
    const target = path.join(folder, "store/gain.so/0123456789ABCDEF0123456789ABCDEF0/gain.so.sym");
    expect([code, out, existsSync(target)]).toEqual([0, `${target}\n`, true]);
  });

  it("does not let a name lead out of the store", async () => {
    expect(await run([put("evil.sym", text.replace("gain.so", "..")), "--store", path.join(folder, "store")])).toMatchObject({ code: 1, err: expect.stringContaining('The module name ".."') });
  });

  // Each module's files, and the head that says whose it is.
  it.each([
    ["a PDB and its DLL", ["x64/Halcyon.pdb", "x64/Halcyon.vst3"], /^MODULE windows x86_64 [0-9A-F]{33} Halcyon\.pdb\nINFO CODE_ID [0-9A-F]+ Halcyon\.vst3\n/],
    ["the same of 32 bits", ["x86/Halcyon.vst3", "x86/Halcyon.pdb"], /^MODULE windows x86 [0-9A-F]{33} Halcyon\.pdb\nINFO CODE_ID [0-9A-F]+ Halcyon\.vst3\n/],
    ["the same for ARM", ["arm64/RackHost.pdb", "arm64/RackHost.exe"], /^MODULE windows arm64 [0-9A-F]{33} RackHost\.pdb\nINFO CODE_ID [0-9A-F]+ RackHost\.exe\n/],
    ["a program of mingw, which has no debug id", ["mingw-x86/Halcyon.vst3"], /^MODULE windows x86 0{33} Halcyon\.vst3\nINFO CODE_ID [0-9A-F]+ Halcyon\.vst3\n/],
    ["a program of mingw with an id", ["mingw-x64/Halcyon.vst3"], /^MODULE windows x86_64 [0-9A-F]{33} Halcyon\.vst3\n/],
  ])("writes %s so that it answers alike", async (_, names, head) => {
    const files = names.map((name) => path.join(windows, name));
    const { code, out } = await run(files);
    expect(code).toBe(0);
    expect(out).toMatch(head);
    const original = compiled(...files);
    const copy = compiled(put("copy.sym", out));
    expect(copy.meta().warnings).toEqual({});
    const different: string[] = [];
    let named = 0;
    let unwound = 0;
    let overreached = 0;
    const place = emptyPlace();
    for (let rva = 0; rva < 0x40000; rva++) {
      const name = `${ask(original, rva)} ${original.parameterBytes(rva)}`;
      const row = unwindAt(original, rva);
      // A PUBLIC record has no end: padding behind what an object file contributed gets its name in the copy.
      if (!original.hasName(rva) && copy.lookUp(rva, place) && place.isPublic) overreached++;
      else if (name !== `${ask(copy, rva)} ${copy.parameterBytes(rva)}`) different.push(`${rva.toString(16)} ${name}`);
      // Leaves have rows in the copy only.
      if (row !== "" && row !== unwindAt(copy, rva)) different.push(`${rva.toString(16)} ${row} | ${unwindAt(copy, rva)}`);
      if (original.hasName(rva)) named++;
      if (row !== "") unwound++;
    }
    expect(different).toEqual([]);
    expect(overreached).toBeLessThan(16);
    expect(Math.min(named, unwound)).toBeGreaterThan(1500);
  });

  it.each<[string[], number, RegExp]>([
    [[path.join(folder, "none")], 1, /^deadair symbols dump: .*none: The symbol file cannot be read: ENOENT/],
    [[folder], 1, /The folder holds no debug file/],
    [[put("some.txt", "hello")], 1, /This is not a Breakpad symbol file/],
    [[path.join(windows, "x64/Halcyon.pdb"), path.join(windows, "x86/Halcyon.vst3")], 1, /x64\/Halcyon\.pdb and .*x86\/Halcyon\.vst3 are not of one module: their debug ids are [0-9A-F]+ and [0-9A-F]+\./],
    [[path.join(windows, "x64/Halcyon.pdb"), path.join(folder, "none")], 1, /^deadair symbols dump: .*none: /],
    [[], 2, /name the files of a module/],
    [["--what"], 2, /Unknown option '--what'/],
    [[sym, "-o", "a", "--store", "b"], 2, /not both/],
  ])("%j ends with %i", async (args, code, told) => expect(await run(args)).toEqual({ code, out: "", err: expect.stringMatching(told) }));

  it("is a command, and explains itself", () => {
    const { status, stdout } = spawnSync(process.execPath, ["bin/deadair.ts", "symbols", "dump", "--help"], { cwd: path.resolve(import.meta.dirname, "../.."), encoding: "utf8" });
    expect([status, stdout.split("\n")[0]]).toEqual([0, "deadair symbols dump [options] FILE…"]);
  });
});

const walker = path.resolve(import.meta.dirname, "../../node_modules/minidump/bin", `${process.platform}-${process.arch}`, "minidump_stackwalk");

describe.skipIf(!existsSync(walker))("Breakpad's walker", () => {
  const builds = ["x64", "both-x64"].map((name) => path.join(windows, name));
  const dumps = globSync("dumps/*.cv.dmp", { cwd: windows }).filter((name) => !/mingw|x86-/.test(name)).sort();
  const store = path.join(folder, "windows");

  it("finds in real crashes with what we wrote what our engine finds with the originals", async () => {
    for (const build of builds) {
      for (const pdb of globSync("*.pdb", { cwd: build })) {
        const program = readdirSync(build).find((name) => name !== pdb && name.startsWith(path.parse(pdb).name))!;
        expect(await run([path.join(build, pdb), path.join(build, program), "--store", store])).toMatchObject({ code: 0, err: "" });
      }
    }
    expect(dumps.length).toBeGreaterThan(3);
    for (const dump of dumps) {
      const file = path.join(windows, dump);
      // Thread, frame, module, function, file, line; from which instruction of the line is counted differs where calls are inlined.
      const frames = (printed: string): string[] => printed.split("\n").flatMap((line) => (/^\d+\|/.test(line) ? [line.split("|").slice(0, 6).join("|")] : []));
      const theirs = frames(spawnSync(walker, ["-m", file, store], { encoding: "utf8", maxBuffer: 1 << 28 }).stdout);
      const ours = frames(spawnSync(process.execPath, ["bin/deadair.ts", "walk", file, "--machine", "--cache", path.join(folder, "cache"), ...builds.flatMap((build) => ["--symbols", build])], { cwd: path.resolve(import.meta.dirname, "../.."), encoding: "utf8", maxBuffer: 1 << 28 }).stdout);
      expect(theirs.filter((line) => line.includes("halcyon::")).length, dump).toBeGreaterThan(2);
      expect([dump, theirs]).toEqual([dump, ours]);
    }
  }, 60_000);
});

/** How to unwind from an address; "" where nothing says it. A text has no words for who was interrupted, and says of a register what has become of it where a rule is silent. */
function unwindAt(cache: SymbolCache, rva: number): string {
  const win = cache.winFrame(rva);
  const rule = cache.unwindRow(rva) < 0 ? "" : rowAt(cache, rva)!.replaceAll(/, (\w+) = \1\b/g, "");
  return rule + (win === null ? "" : JSON.stringify({ ...win, program: win.program >= 0 }));
}
