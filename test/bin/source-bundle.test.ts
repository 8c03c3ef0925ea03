// Sources from a build machine to a frame: what leaves the machine, what does
// not, and that the lines a crash shows are those of the files.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import { chooseSource, readSourceRoots, readSourceText } from "../../bin/source-choice.ts";
import { makeSourceBundles } from "../../bin/source-bundle.ts";
import { findSplitUploads } from "../../bin/split-uploads.ts";
import { chooseUploads } from "../../bin/symbol-modules.ts";
import { scanForSymbols } from "../../bin/symbol-scan.ts";
import type { Terminal } from "../../bin/terminal.ts";
import { readSettings } from "../../config/settings.ts";
import type { CrashDetail, SourceLines, SymbolPage } from "../../services/triage/schema.ts";
import { symbolicateProcessor } from "../../workers/symbolicate/symbolicate.ts";
import { root } from "../setup/source-files.ts";
import { namesHere } from "../support/names.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "deadair-choice-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => path.join(folder, name);

describe("which files leave the build machine", () => {
  beforeAll(() => {
    for (const name of ["src", "src/deep", "out", "X.sdk/usr"]) mkdirSync(at(name), { recursive: true });
    for (const name of ["src/a.cpp", "src/deep/b.h", "X.sdk/usr/c.h", "src/id_rsa", "src/Makefile", "src/d.HPP"]) writeFileSync(at(name), "int a;\n");
    writeFileSync(at("src/large.inc"), Buffer.alloc(1024 * 1024 + 1, 0x20));
    writeFileSync(at("src/full.inc"), Buffer.alloc(1024 * 1024, 0x20));
    symlinkSync(at("src/id_rsa"), at("src/key.cpp"));
    symlinkSync(at("src/a.cpp"), at("src/link.cpp"));
    symlinkSync(at("nowhere.cpp"), at("src/broken.cpp"));
    symlinkSync(at("X.sdk"), at("sdk"));
    mkdirSync(at("src/folder.cpp"));
  });

  const here = (name: string, bytes = 7) => ({ path: at(name), here: at(name), bytes });
  const rows: [string, string, ReturnType<typeof chooseSource>][] = [
    ["a source", at("src/a.cpp"), here("src/a.cpp")],
    ["one whose name is in capitals", at("src/d.HPP"), here("src/d.HPP")],
    ["one with a detour", at("src/x/../a.cpp"), { ...here("src/a.cpp"), path: at("src/x/../a.cpp") }],
    ["a link to one", at("src/link.cpp"), { ...here("src/a.cpp"), path: at("src/link.cpp") }],
    ["one as large as may be", at("src/full.inc"), here("src/full.inc", 1024 * 1024)],
    ["a larger one", at("src/large.inc"), "too_large"],
    // Whatever debug information names, a key is no source.
    ["a key", at("src/id_rsa"), "not_source"],
    ["a key by another name", at("src/key.cpp"), "not_source"],
    ["a make file", at("src/Makefile"), "not_source"],
    ["what is not there", at("src/none.cpp"), "absent"],
    ["a broken link", at("src/broken.cpp"), "absent"],
    ["a folder", at("src/folder.cpp"), "absent"],
    ["a path through a file", at("src/a.cpp/b.cpp"), "absent"],
    ["a path that no disk has", `/${"x".repeat(5000)}.cpp`, "absent"],
    // It resolves to one that is there, and no archive has room for its name.
    ["a path longer than any that is opened", `${at("src")}${"/.".repeat(40_000)}/a.cpp`, "absent"],
    ["a path of a network's share", `/${at("src/a.cpp")}`, "absent"],
    ["a path of a network's share, on Windows", "\\\\host\\share\\a.cpp", "absent"],
    ["a path with a NUL", "/a\0b.cpp", "absent"],
    ["a path of Windows, elsewhere", "D:\\build\\a.cpp", "absent"],
    ["a file of an SDK", at("X.sdk/usr/c.h"), "system"],
    ["one through a link", at("sdk/usr/c.h"), "system"],
    ["a compiler's word for what is in no file", "<built-in>", "not_source"],
    // Systems and toolchains, wherever a module was built.
    ...["/usr/include/stdio.h", "/usr/lib/gcc/x86_64-linux-gnu/12/../../../../include/c++/12/atomic", "/usr/include/../include/c.h", "/usr/local/include/juce.h", "/Applications/Xcode_15.app/Contents/x.h", "C:\\Program Files (x86)\\Windows Kits\\10\\Include\\x.h", "c:/Program Files/Microsoft Visual Studio/2022/VC/Tools/MSVC/14.3/include/vector.h", "/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/panic.rs", "/home/ann/.cargo/registry/src/index/x-1.0/lib.rs", "/nix/store/abc-gcc/include/x.h"].map((name): [string, string, "system"] => [name, name, "system"]),
  ];
  it.each(rows)("%s", (_what, named, expected) => {
    expect(chooseSource(named, [])).toEqual(expected);
  });

  const mapped: [string, string[], string, string | null][] = [
    ["a mapped folder", ["/build/halcyon=src"], "/build/halcyon/a.cpp", "src/a.cpp"],
    ["with slashes at its end", ["/build/halcyon/=src/"], "/build/halcyon//deep/./b.h", "src/deep/b.h"],
    ["a folder that only begins alike", ["/build/hal=src"], "/build/halcyon/a.cpp", null],
    ["mapped to a dot", [".=src"], "./a.cpp", "src/a.cpp"],
    ["mapped to nothing, as a dot", [".=src"], "deep/b.h", "src/deep/b.h"],
    ["a dot maps no whole path", [".=src"], "/deep/b.h", null],
    ["the longest that fits", ["/b=out", "/b/c=src"], "/b/c/a.cpp", "src/a.cpp"],
    ["a drive, in any case", ["D:\\Build=src"], "d:\\build\\deep\\b.h", "src/deep/b.h"],
    ["the root of all", ["/=src"], "/a.cpp", "src/a.cpp"],
    // It is named so, and still a source of this machine.
    ["out of the folder", ["/b=src/deep"], "/b/../b/b.h", "src/deep/b.h"],
  ];
  it.each(mapped)("by --source-root: %s", (_what, given, named, found) => {
    const roots = readSourceRoots(given.map((one) => one.replace("=", `=${folder}/`)));
    if (typeof roots === "string") throw new Error(roots);
    const chosen = chooseSource(named, roots);
    expect(typeof chosen === "string" ? [chosen, null] : [chosen.here, chosen.path]).toEqual(found === null ? ["absent", null] : [at(found), named]);
  });

  it.each([["src"], ["=src"], ["a="], ["a=/no/such/folder"], [`a=${root}/package.json`]])("%s is no --source-root", (given) => {
    expect(readSourceRoots([given])).toMatch(/^--source-root "/);
  });

  it("reads text of any age as UTF-8, and nothing else", () => {
    const rowsOf: [Buffer, string | null][] = [
      [Buffer.from("// é\n"), "// é\n"],
      [Buffer.from("// \xe9 \x93q\x94\n", "latin1"), "// é “q”\n"],
      [Buffer.from("a\0b"), null],
      [Buffer.from("\ufeffint a;", "utf16le"), null],
      [Buffer.alloc(0), ""],
    ];
    for (const [bytes, text] of rowsOf) {
      writeFileSync(at("out/t.c"), bytes);
      const read = readSourceText({ path: "t.c", here: at("out/t.c"), bytes: 0 });
      expect(read === null ? null : Buffer.from(read).toString()).toBe(text);
    }
    expect(readSourceText({ path: "t.c", here: at("out/none.c"), bytes: 0 })).toBeNull();
  });
});

describe("the sources of a module are those of all its files together:", () => {
  it.each([
    ["DWARF in the program", "elf/gcc-5", "halcyon.so", "elf"],
    ["DWARF beside the stripped program", "elf/gcc-5-split", "halcyon.so", "elf"],
    ["DWARF in .dwo files", "elf/gcc-5-dwo", "halcyon.so", "elf"],
    ["DWARF in a .dwp file", "elf/clang-5-dwo", "halcyon.so", "elf"],
    ["DWARF of which dwz took a part out", "elf/dwz-shared-5", "halcyon.so", "elf"],
    ["a PDB and its program", "windows/x64", "Halcyon.pdb", "windows"],
  ])("%s", (_what, built, name, sources) => {
    const silent: Terminal = { env: {}, out: () => {}, err: () => {}, retryMs: 1 };
    const roots = readSourceRoots([`/build/halcyon=${root}/fixtures/${sources}`, `C:\\build\\halcyon=${root}/fixtures/${sources}`]);
    if (typeof roots === "string") throw new Error(roots);
    return scanForSymbols([path.join(root, "fixtures/out", built)]).then((scan) => {
      const { files } = chooseUploads(scan.files);
      const made = makeSourceBundles([...files, ...findSplitUploads(files, scan, silent).files], roots, silent);
      try {
        const module = made.modules.find((one) => one.module === name);
        expect(module?.problem).toBeNull();
        expect(module!.files).toBeGreaterThan(2);
        // What it is made of is the same in each form; a part of it lies in other folders.
        expect(module!.files + (module!.left_out.absent?.count ?? 0)).toBe(sources === "elf" ? 14 : 12);
        expect(made.files.map(({ facts }) => [facts.kind, facts.debugFile, facts.debugId])).toContainEqual(["sources", name, module!.debug_id]);
        expect(new Set(made.modules.map((one) => one.debug_id)).size).toBe(made.modules.length);
      } finally {
        made.remove();
      }
    });
  });
});

describe("deadair symbols upload --sources", () => {
  const id = "05815560876A036BAF11B45370798C070";
  const sym = path.join(root, "fixtures/out/sym/halcyon.so", id, "halcyon.so.sym");
  const sourceRoot = `/build/halcyon=${path.join(root, "fixtures")}`;
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  }, 60_000);
  afterAll(() => server?.close());

  async function run(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
    const out: string[] = [];
    const err: string[] = [];
    const terminal: Terminal = { env: { DEADAIR_URL: server.url, DEADAIR_TOKEN: server.symbolToken }, out: (line) => out.push(line), err: (line) => err.push(line), retryMs: 1 };
    return { code: await symbols(["upload", ...args], terminal), out: out.flatMap((line) => line.split("\n")), err };
  }
  const read = async <T>(address: string): Promise<T> => (await (await fetch(`${server.url}/api/v1/default${address}`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as T;

  it("takes no sources unless it is told to", async () => {
    expect((await run(sym)).code).toBe(0);
    expect((await read<SymbolPage>("/symbols")).items.map(({ kind }) => kind)).toEqual(["breakpad"]);
  });

  it("says what it takes, and what it leaves out and why", async () => {
    const { code, out } = await run("--sources", "--source-root", sourceRoot, sym);
    expect(code).toBe(0);
    expect(out).toContainEqual(expect.stringMatching(`^sources {8}halcyon.so ${id}: 1\\d files, \\d+\\.\\d kB$`));
    expect(out).toContainEqual(expect.stringMatching(/^ {4}left out: \d+ files of the system or a toolchain, such as \/usr\//));
    expect(out.some((line) => line.includes(os.tmpdir()))).toBe(false);
    expect((await read<SymbolPage>("/symbols")).items.map(({ kind, debugFile, debugId, problem }) => [kind, debugFile, debugId, problem])).toEqual([
      ["sources", "halcyon.so", id, null],
      ["breakpad", "halcyon.so", id, null],
    ]);
  });

  it("sends the same sources once only", async () => {
    const { code, out } = await run("--json", "--sources", "--source-root", sourceRoot, sym);
    const summary = JSON.parse(out.join("\n")) as { uploaded: unknown[]; present: unknown[]; sources: unknown[] };
    expect([code, summary.uploaded]).toEqual([0, []]);
    expect(summary.present).toMatchObject([{ kind: "breakpad" }, { kind: "sources", path: "halcyon.so.src.zip", debug_file: "halcyon.so", debug_id: id }]);
    expect(summary.sources).toEqual([{ module: "halcyon.so", debug_id: id, files: expect.any(Number), bytes: expect.any(Number), left_out: { system: { count: expect.any(Number), example: expect.any(String) } }, problem: null }]);
  });

  it("says what to do when the sources are elsewhere", async () => {
    const { code, out } = await run("--sources", sym);
    expect(code).toBe(0);
    expect(out).toContain(`sources        halcyon.so ${id}: 0 files, 0.0 kB`);
    expect(out).toContain("    Where the build maps its paths, say where the sources lie: --source-root FROM=TO.");
  });

  it("understands nothing by halves", async () => {
    expect((await run("--source-root", sourceRoot, sym)).code).toBe(2);
    expect((await run("--sources", "--source-root", "x", sym)).code).toBe(2);
  });

  it("leaves nothing on the build machine", async () => {
    const mine = mkdtempSync(at("tmp-"));
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = mine;
    try {
      await run("--sources", "--source-root", sourceRoot, sym);
      // Nor when the server is not there.
      await symbols(["upload", "--sources", "--source-root", sourceRoot, "--url", "http://127.0.0.1:1", "--token", "x", sym], { env: {}, out: () => {}, err: () => {}, retryMs: 1 });
      expect(readdirSync(mine)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });

  it("brings a frame its lines", { timeout: 60_000 }, async () => {
    const trace = { threads: [{ crashed: true, frames: [{ module: "halcyon.so", offset: "0x4a42" }, { module: "halcyon.so", offset: "0x7055" }] }], modules: [{ code_file: "halcyon.so", debug_file: "halcyon.so", debug_id: id }] };
    const posted = await fetch(`${server.url}/api/v1/default/stacktraces?sentry_key=${server.ingestKey}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(trace) });
    const { id: crash } = (await posted.json()) as { id: string };
    const settings = readSettings({}, { dataDir: server.dataDir });
    const walker = { name: "none", walk: () => Promise.reject(new Error("a posted stack trace needs no walker")) };
    await symbolicateProcessor({ storage: server.storage, settings, walker, pool: { nameAddresses: namesHere }, log: pino({ level: "silent" }) })({ crash, revision: 1 });
    const { report, sources } = await read<CrashDetail>(`/crashes/${crash}`);
    expect(sources).toEqual([id]);
    const frames = report!.threads[0]!.frames.flatMap((frame) => [...(frame.inlines ?? []), frame]).filter(({ file }) => file?.startsWith("/build/halcyon/plugin/"));
    expect(frames.length).toBeGreaterThan(1);
    for (const { file, line } of frames) {
      const real = readFileSync(path.join(root, "fixtures", file!.slice("/build/halcyon/".length)), "utf8").split("\n");
      const answer = await read<SourceLines>(`/crashes/${crash}/source?module=${id}&file=${encodeURIComponent(file!)}&line=${line}`);
      const first = Math.max(1, line! - 7);
      expect(answer).toEqual({ file, line, first, lines: real.slice(first - 1, Math.min(line! + 7, real.length - 1)) });
    }
  });
});
