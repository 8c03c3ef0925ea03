// `deadair symbols` on what a build for macOS leaves: bundles, dSYMs, universal
// binaries; which parts belong together, and what is said of those that lack theirs.
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import { symbolsInspect } from "../../bin/commands/symbols-inspect.ts";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";
import { fakeServer, fakeTerminal, json } from "./fake-server.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out/mac");
const bundle = "universal/Halcyon.vst3";
const dsym = "universal/Halcyon.vst3.dSYM";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "deadair mäc-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** Copies built files or folders into the folder. */
async function take(...files: readonly (readonly [from: string, to: string])[]): Promise<void> {
  for (const [from, to] of files) await cp(path.join(built, from), path.join(folder, to), { recursive: true });
}

async function upload(args: readonly string[] = [], state = "missing") {
  const server = await fakeServer((request, response) => {
    if (!request.url.endsWith("/symbols/check")) return json(response, 201, {});
    const asked = (JSON.parse(request.body.toString()) as { symbols: unknown[] }).symbols;
    json(response, 200, { symbols: asked.map(() => ({ state })) });
  });
  const terminal = fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: "secret" });
  const code = await symbols(["upload", "--json", ...(args.some((arg) => arg.includes(path.sep)) ? args : [...args, folder])], terminal);
  const summary = JSON.parse(terminal.outLines.join("\n")) as { [list: string]: { [field: string]: unknown }[] };
  return { code, summary, bodies: server.received.filter(({ url }) => !url.endsWith("/check")).map(({ body }) => body), kinds: [...summary["uploaded"]!, ...summary["present"]!].map(({ kind, arch }) => `${kind} ${arch}`).sort() };
}

const codes = (list: readonly { [field: string]: unknown }[] | undefined) => list!.map(({ code, kind }) => code ?? kind);
const four = ["dsym arm64", "dsym x86_64", "macho arm64", "macho x86_64"];

describe("upload", () => {
  test("a bundle and its dSYM go part by part, as they lie in the universal files", async () => {
    await take([bundle, "My Plug-ins/Halcyon ünï.vst3"], [dsym, "My Plug-ins/Halcyon.vst3.dSYM"]);
    const { code, summary, kinds, bodies } = await upload(["--require", "unwind,lines,names,inlines"]);
    expect([code, kinds, summary["warnings"], summary["not_taken"]]).toEqual([0, four, [], []]);
    const whole = await readFile(path.join(built, bundle, "Contents/MacOS/Halcyon"));
    const programs = bodies.filter((body) => whole.includes(body));
    expect(programs).toHaveLength(2);
    // Magic numbers of thin files, and no header of a universal one.
    expect(bodies.map((body) => body.readUInt32LE(0))).toEqual(bodies.map(() => 0xfeedfacf));
  });

  test("a bundle that is named brings the dSYM beside it", async () => {
    await take([bundle, "Halcyon.vst3"], [dsym, "Halcyon.vst3.dSYM"], ["arm64e/Halcyon", "other"], ["arm64e/Halcyon.dSYM", "other.dSYM"]);
    expect(await upload([path.join(folder, "Halcyon.vst3") + path.sep])).toMatchObject({ code: 0, kinds: four, summary: { warnings: [] } });
  });

  test("what the server has is not sent", async () => {
    await take([bundle, "Halcyon.vst3"], [dsym, "Halcyon.vst3.dSYM"]);
    const { code, bodies, kinds } = await upload([], "have");
    expect([code, bodies.length, kinds]).toEqual([0, 0, four]);
  });

  // What lies there, and what is warned of and left out.
  test.each<[string, readonly (readonly [string, string])[], string[], string[]]>([
    ["a program without its dSYM", [["x86_64/Halcyon", "Halcyon"]], ["macho x86_64"], ["lacks_dsym"]],
    ["a dSYM without its program", [["x86_64/Halcyon.dSYM", "Halcyon.dSYM"]], ["dsym x86_64"], ["lacks_program"]],
    ["a dSYM of which one part has no program", [["x86_64/Halcyon", "Halcyon"], [dsym, "Halcyon.dSYM"]], ["dsym arm64", "dsym x86_64", "macho x86_64"], ["lacks_program"]],
    ["a program that dsymutil was not run on", [["debug-map/Halcyon", "Halcyon"]], ["macho arm64"], ["lacks_dsym"]],
  ])("%s", async (_, files, kinds, warned) => {
    await take(...files);
    const { code, summary, kinds: sent } = await upload();
    expect([code, sent, codes(summary["warnings"])]).toEqual([0, kinds, warned]);
    expect(summary["warnings"]!.every(({ message }) => String(message).endsWith("."))).toBe(true);
  });

  test("a framework's links count once, and a loop of links ends", async () => {
    await take(["x86_64/Halcyon", "Gain.framework/Versions/A/Gain"]);
    await symlink("A", path.join(folder, "Gain.framework/Versions/Current"));
    await symlink("Versions/Current/Gain", path.join(folder, "Gain.framework/Gain"));
    await symlink("../..", path.join(folder, "Gain.framework/Versions/A/up"));
    expect((await upload()).kinds).toEqual(["macho x86_64"]);
  });

  test("objects, archives and Java classes are not spoken of; a cut universal binary and an empty dSYM are", async () => {
    await take([bundle, "Halcyon.vst3"]);
    const object = Buffer.alloc(64);
    object.writeUInt32LE(0xfeedfacf, 0);
    object.writeUInt32LE(1, 12);
    await writeFile(path.join(folder, "engine.o"), object);
    await writeFile(path.join(folder, "engine.a"), "!<arch>\n");
    await writeFile(path.join(folder, "Main.class"), Buffer.from("cafebabe0000003400", "hex"));
    await writeFile(path.join(folder, "cut"), (await readFile(path.join(built, bundle, "Contents/MacOS/Halcyon"))).subarray(0, 30_000));
    await mkdir(path.join(folder, "Gone.dSYM/Contents/Resources/DWARF"), { recursive: true });
    await writeFile(path.join(folder, "Gone.dSYM/Contents/Resources/DWARF/Gone"), "");
    const { code, summary } = await upload();
    expect(code).toBe(1);
    expect(summary["failed"]).toEqual([{ path: path.join(folder, "Gone.dSYM/Contents/Resources/DWARF/Gone"), reason: expect.stringContaining("It is empty.") }]);
    expect(summary["not_taken"]).toEqual([expect.objectContaining({ path: path.join(folder, "cut"), hint: expect.any(String) })]);
  });

  test("a module is judged by all its files, each part for itself", async () => {
    await take(["x86_64/Halcyon", "Halcyon"], [dsym, "Halcyon.dSYM"]);
    const { code, summary } = await upload(["--require", "lines,unwind"]);
    expect([code, summary["lacking"]]).toEqual([1, [expect.objectContaining({ paths: [path.join(folder, "Halcyon.dSYM/Contents/Resources/DWARF/Halcyon (arm64)")], lacks: [expect.objectContaining({ what: "unwind" })] })]]);
  });
});

describe("which part of a universal binary", () => {
  const at = (...files: string[]) => files.map((file) => path.join(built, file));
  // Files, the architecture asked for, and what comes of it.
  test.each<[string, string[], string | null, string]>([
    ["several", at(bundle, dsym), null, "several_architectures"],
    ["one that is named", at(bundle, dsym), "arm64", "arm64"],
    ["one that another file is of", at("x86_64/Halcyon", dsym), null, "x86_64"],
    ["one that it does not have", at(bundle), "arm64e", "no_such_architecture"],
    ["of a thin file the other one", at("x86_64/Halcyon"), "arm64", "no_such_architecture"],
    ["none of the other file's module", at("arm64e/Halcyon", dsym), null, "different_modules"],
    ["a thin one in its folder", at("x86_64"), null, "x86_64"],
    ["a folder without any", at("x86_64/Halcyon.dSYM/Contents/Resources/.."), "ppc", "no_such_architecture"],
  ])("%s", (_, files, arch, expected) => {
    const opened = openSymbolFiles(files, arch);
    expect(opened.ok ? opened.value.meta().arch : opened.problem.code).toBe(expected);
  });
});

test("inspect shows every part, its platform, and each module's parts together", async () => {
  const terminal = fakeTerminal();
  expect(await symbolsInspect([path.join(built, bundle), path.join(built, dsym)], terminal)).toBe(0);
  const blocks = terminal.outLines.join("\n").replaceAll(`${built}/`, "").split("\n\n");
  expect(blocks.map((block) => block.split("\n")[0])).toEqual([
    `${bundle}/Contents/MacOS/Halcyon (x86_64)`,
    `${bundle}/Contents/MacOS/Halcyon (arm64)`,
    `${dsym}/Contents/Resources/DWARF/Halcyon (x86_64)`,
    `${dsym}/Contents/Resources/DWARF/Halcyon (arm64)`,
    "Halcyon.vst3/Contents/MacOS/Halcyon + Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon, together",
    "Halcyon.vst3/Contents/MacOS/Halcyon + Halcyon.vst3.dSYM/Contents/Resources/DWARF/Halcyon, together",
  ]);
  expect(blocks[1]).toContain("\n  for            macOS 11.0, arm64\n");
  expect(blocks.slice(4).every((block) => block.endsWith("missing        nothing"))).toBe(true);
});
