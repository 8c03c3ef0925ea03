// `deadair symbols` on what a build for Linux leaves: libraries and their `.debug`
// files, split DWARF as loose files and packed, what dwz took out, and all the
// programs that nobody wants to hear of.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import { symbolsInspect } from "../../bin/commands/symbols-inspect.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import { compileSymbolFiles, openDebugFile } from "../../symbols/compile.ts";
import { bytesOf } from "../../symbols/file-bytes.ts";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";
import { fakeServer, fakeTerminal, json } from "./fake-server.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out/elf");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "deadair elf-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function take(...files: readonly (readonly [from: string, to: string])[]): Promise<void> {
  for (const [from, to] of files) await cp(path.join(built, from), path.join(folder, to), { recursive: true });
}

async function upload(args: readonly string[] = []) {
  const server = await fakeServer((request, response) => {
    if (!request.url.endsWith("/symbols/check")) return json(response, 201, {});
    const asked = (JSON.parse(request.body.toString()) as { symbols: unknown[] }).symbols;
    json(response, 200, { symbols: asked.map(() => ({ state: "missing" })) });
  });
  const terminal = fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: "secret" });
  const code = await symbols(["upload", "--json", ...(args.some((arg) => arg.includes(path.sep)) ? args : [...args, folder])], terminal);
  const summary = JSON.parse(terminal.outLines.join("\n")) as { [list: string]: { [field: string]: unknown }[] };
  const sent = server.received.filter(({ url }) => !url.endsWith("/check")).map(({ url, body }) => ({ name: new URL(url, server.url).searchParams.get("name"), body }));
  return { code, summary, sent, names: sent.map(({ name }) => name).sort(), kinds: summary["uploaded"]!.map(({ kind }) => kind).sort(), warned: summary["warnings"]!.map((warning) => warning["code"]) };
}

describe("upload", () => {
  // What lies in the folder, what goes, and what is warned of.
  test.each<[string, readonly (readonly [string, string])[], string[], string[]]>([
    ["a library with all inside", [["clang-5/halcyon.so", "halcyon.so"]], ["halcyon.so"], []],
    ["a stripped one and its .debug file, in other folders", [["gcc-5-split/halcyon.so", "lib/halcyon.so"], ["gcc-5-split/halcyon.so.debug", "debug/halcyon.so.debug"]], ["halcyon.so", "halcyon.so.debug"], []],
    ["a stripped one alone", [["gcc-5-split/halcyon.so", "halcyon.so"]], ["halcyon.so"], ["lacks_debug_file"]],
    ["a .debug file alone", [["gcc-5-split/halcyon.so.debug", "halcyon.so.debug"]], ["halcyon.so.debug"], ["lacks_program"]],
    // Its id is made of its code.
    ["one without a build id", [["no-build-id/halcyon.so", "halcyon.so"]], ["halcyon.so"], []],
    ["one with a package of split DWARF", [["clang-5-dwo/halcyon.so", "halcyon.so"], ["clang-5-dwo/halcyon.so.dwp", "halcyon.so.dwp"]], ["halcyon.so", "halcyon.so.dwp"], []],
    ["one with loose .dwo files", [["gcc-5-dwo", "."]], ["halcyon.so", "halcyon.so.dwp"], []],
    ["one with them in a folder that it does not name", [["gcc-5-dwo/halcyon.so", "a/halcyon.so"], ["gcc-5-dwo/dwo", "b"]], ["halcyon.so", "halcyon.so.dwp"], []],
    ["one with neither", [["clang-5-dwo/halcyon.so", "halcyon.so"]], ["halcyon.so"], ["lacks_split_files"]],
    ["one with the package of another", [["clang-5-dwo/halcyon.so", "halcyon.so"], ["gcc-4-dwo/halcyon.so.dwp", "halcyon.so.dwp"]], ["halcyon.so"], ["lacks_split_files"]],
    ["one that dwz was run on", [["dwz-shared-4", "."]], ["halcyon-small.so", "halcyon.dwz", "halcyon.so"], []],
    ["the same by DWARF 5's record", [["dwz-shared-5", "."]], ["halcyon.dwz", "halcyon.so"], []],
    ["what dwz took, in a folder that nothing names", [["dwz-shared-4/halcyon.so", "a/halcyon.so"], ["dwz-shared-4/halcyon.dwz", "b/halcyon.dwz"]], ["halcyon.dwz", "halcyon.so"], []],
    ["one that misses what dwz took", [["dwz-shared-4/halcyon.so", "halcyon.so"]], ["halcyon.so"], ["lacks_supplement"]],
  ])("%s", async (_, files, names, warned) => {
    await take(...files);
    const ended = await upload();
    expect([ended.code, ended.names, ended.warned]).toEqual([0, names, warned]);
    expect(ended.summary["warnings"]!.every(({ message }) => String(message).endsWith("."))).toBe(true);
  });

  test("split DWARF goes as one file that says whose it is, and has every unit", async () => {
    await take(["gcc-5-dwo", "."]);
    const { sent, summary, code } = await upload(["--require", "lines,names,unwind"]);
    const bundle = sent.find(({ name }) => name === "halcyon.so.dwp")!;
    const opened = openDebugFile(bytesOf(bundle.body));
    expect(opened).toMatchObject({ ok: true, value: { facts: { kind: "dwp", debugId: summary["uploaded"]![0]!["debug_id"] } } });
    expect([code, summary["uploaded"]!.find(({ kind }) => kind === "dwp")?.["bytes"]]).toEqual([0, bundle.body.length]);
    // The same again.
    expect((await upload()).sent.find(({ name }) => name === "halcyon.so.dwp")!.body.equals(bundle.body)).toBe(true);
  });

  test("a .dwo file that is gone is counted, with what to do", async () => {
    await take(["gcc-5-dwo", "."]);
    await rm(path.join(folder, "dwo/engine.dwo"));
    const { code, kinds, summary } = await upload();
    expect([code, kinds]).toEqual([0, ["dwp", "elf"]]);
    expect(summary["warnings"]).toEqual([{ code: "lacks_split_files", path: path.join(folder, "halcyon.so"), message: expect.stringMatching(/^It lacks split DWARF: of \d+ units, 1 is in no \.dwo or \.dwp file that is here, such as .*engine\.dwo\. Upload where it was built/) }]);
  });

  test("what is required and split off is asked for by its files", async () => {
    await take(["gcc-5-dwo/halcyon.so", "halcyon.so"]);
    const { code, summary } = await upload(["--require", "lines,unwind"]);
    expect([code, summary["lacking"]]).toEqual([1, [expect.objectContaining({ lacks: [{ what: "lines", reason: expect.stringContaining("in .dwo files"), remedy: expect.stringMatching(/^Upload where it was built/) }] })]]);
  });

  test("a named library brings what lies beside it", async () => {
    await take(["clang-5-dwo", "."]);
    expect(await upload([path.join(folder, "halcyon.so")])).toMatchObject({ code: 0, kinds: ["dwp", "elf"], warned: [] });
    await rm(path.join(folder, "halcyon.so.dwp"));
    await take(["gcc-5-split", "split"], ["gcc-5-split/halcyon.so", "hidden/halcyon.so"], ["gcc-5-split/halcyon.so.debug", "hidden/.debug/halcyon.so.debug"], ["gcc-5-split/halcyon.so", "wrong/halcyon.so"], ["clang-5/halcyon.so", "wrong/halcyon.so.debug"]);
    for (const [place, kinds] of [["split", ["elf", "elf-debug"]], ["hidden", ["elf", "elf-debug"]], ["wrong", ["elf"]]] as const) expect((await upload([path.join(folder, place, "halcyon.so")])).kinds).toEqual(kinds);
    expect(await upload([path.join(folder, "halcyon.so")])).toMatchObject({ code: 0, kinds: ["dwp", "elf"], warned: [] });
  });

  test("of a stripped program and the one it was made of, the one with names goes", async () => {
    await take(["gcc-5-split/halcyon.so", "stage/halcyon.so"], ["gcc-5/halcyon.so", "build/halcyon.so"]);
    const { code, summary, sent, warned } = await upload();
    expect([code, warned, summary["uploaded"]!.map(({ path: at }) => at)]).toEqual([0, [], [path.join(folder, "build/halcyon.so")]]);
    expect(summary["not_taken"]).toEqual([expect.objectContaining({ kind: "poorer_copy", path: path.join(folder, "stage/halcyon.so") })]);
    expect(sent[0]!.body.equals(await readFile(path.join(built, "gcc-5/halcyon.so")))).toBe(true);
    // Whoever names a file means it.
    expect((await upload([path.join(folder, "stage/halcyon.so"), path.join(folder, "build")])).names).toHaveLength(2);
  });

  test("what belongs to nobody is not spoken of, and what should be good and is not fails", async () => {
    await take(["clang-5/halcyon.so", "halcyon.so"], ["program", "build/CMakeFiles/3.25.1/CompilerIdCXX"], ["gcc-5-dwo/dwo", "objects"]);
    const object = await readFile(path.join(built, "clang-5/halcyon.so"));
    object.writeUInt16LE(1, 16);
    await writeFile(path.join(folder, "engine.o"), object);
    await writeFile(path.join(folder, "libgain.a"), "!<arch>\n");
    await mkdir(path.join(folder, "empty"));
    await writeFile(path.join(folder, "empty/halcyon.so.debug"), "");
    const { code, names, summary } = await upload();
    expect([code, names, summary["warnings"], summary["not_taken"]]).toEqual([1, ["halcyon.so"], [], []]);
    expect(summary["failed"]).toEqual([{ path: path.join(folder, "empty/halcyon.so.debug"), reason: expect.stringContaining("It is empty.") }]);
  });

  test.each(["engine.o", "engine.dwo"])("a named %s says what to name instead", async (name) => {
    await take(["gcc-5-dwo/dwo/engine.dwo", name]);
    const { code, summary } = await upload([path.join(folder, name)]);
    expect([code, summary["failed"]]).toEqual([1, [{ path: path.join(folder, name), reason: expect.any(String) }]]);
  });
});

describe("openSymbolFiles", () => {
  const lines = (...files: string[]) => {
    const opened = openSymbolFiles(files.map((file) => path.join(built, file)));
    return opened.ok ? (opened.value.meta().counts["lines"] ?? 0) : opened.problem.code;
  };

  test.each(["clang-5-dwo/halcyon.so", "gcc-5-dwo/halcyon.so", "gcc-4-dwo/halcyon.so", "dwz-shared-4/halcyon.so"])("%s finds what lies beside it", (file) => {
    const alone = compileSymbolFiles([path.join(built, file)]);
    expect(alone.ok).toBe(true);
    expect(lines(file)).toBeGreaterThan(100);
    expect(counts(path.join(built, file), "functions")).toBeGreaterThan(20);
  });

  test("two files of one module give what each has, and of two modules nothing", () => {
    expect(lines("gcc-5-split/halcyon.so", "gcc-5-split/halcyon.so.debug")).toBeGreaterThan(100);
    expect(lines("gcc-5-split/halcyon.so")).toBe(0);
    expect(lines("gcc-5-split/halcyon.so", "clang-5/halcyon.so")).toBe("different_modules");
  });
});

test("a tree of files finds programs and what belongs to them, whatever they are called", async () => {
  await take(["gcc-5-split/halcyon.so", "x/plugin"], ["gcc-5-split/halcyon.so.debug", "y/0a"], ["clang-5-dwo/halcyon.so", "z/halcyon.so"], ["clang-5-dwo/halcyon.so.dwp", "z/halcyon.so.dwp"], ["dwz-shared-4", "w"]);
  await writeFile(path.join(folder, "x/notes"), "no debug file");
  const tree = await symbolTree([folder]);
  const idOf = async (file: string) => {
    const opened = openDebugFile(bytesOf(await readFile(path.join(built, file))));
    if (!opened.ok) throw new Error(opened.problem.message);
    return { debugFile: "halcyon.so", debugId: opened.value.facts.debugId, codeFile: "halcyon.so", codeId: opened.value.facts.codeId };
  };
  const keys = await Promise.all(["gcc-5-split/halcyon.so", "clang-5-dwo/halcyon.so", "dwz-shared-4/halcyon.so"].map(idOf));
  const found = await tree.locate(keys);
  expect(found.map((paths) => (paths ?? []).map((at) => path.relative(folder, at)).sort())).toEqual([
    ["x/plugin", "y/0a"],
    ["z/halcyon.so", "z/halcyon.so.dwp"],
    ["w/halcyon.dwz", "w/halcyon.so"],
  ]);
});

test("inspect says what is in other files, and whether they are there", async () => {
  const terminal = fakeTerminal();
  await take(["clang-5-dwo/halcyon.so", "halcyon.so"], ["dwz-shared-4/halcyon.so", "dwz/halcyon.so"]);
  const [split, splitAlone, shared, sharedAlone] = [path.join(built, "clang-5-dwo/halcyon.so"), path.join(folder, "halcyon.so"), path.join(built, "dwz-shared-4/halcyon.so"), path.join(folder, "dwz/halcyon.so")];
  expect(await symbolsInspect([split, splitAlone, shared, sharedAlone], terminal)).toBe(0);
  const blocks = terminal.outLines.join("\n").split("\n\n");
  expect(blocks[0]).toMatch(/\n {2}split DWARF {4}\d+ units, found in 1 file\n {2}functions {6}\d+\n/);
  expect(blocks[0]).toMatch(/\n {2}inlined calls {2}\d+\n/);
  expect(blocks[0]).toMatch(/\n {2}missing {8}nothing/);
  expect(blocks[1]).toMatch(/\n {2}split DWARF {4}\d+ units, whose \.dwo or \.dwp files are not here\n/);
  expect(blocks[1]).toContain("\n  inlined calls  none\n");
  expect(blocks[1]).toMatch(/\n {2}missing {8}It was compiled with -gsplit-dwarf/);
  expect(blocks[2]).toMatch(/\n {2}dwz {12}a part of its debug information is in halcyon\.dwz, debug id\n +[0-9A-F]{33}\n/);
  expect(blocks[2]).toMatch(/\n {2}missing {8}nothing(\n|$)/);
  expect(blocks[3]).toMatch(/\n {2}missing {8}Some of its names are in halcyon\.dwz/);
});

function counts(file: string, what: string): number {
  const opened = openSymbolFiles([file]);
  return opened.ok ? (opened.value.meta().counts[what] ?? 0) : -1;
}
