// `deadair symbols upload` on a build folder of Windows: which files belong
// together, what is odd about the rest, and what `--require` fails a build for.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import { fakeServer, fakeTerminal, json } from "./fake-server.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out/windows");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "deadair-windows-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** Puts built files into the folder. */
async function take(...files: readonly (readonly [from: string, to: string])[]): Promise<void> {
  for (const [from, to] of files) {
    await mkdir(path.dirname(path.join(folder, to)), { recursive: true });
    await copyFile(path.join(built, from), path.join(folder, to));
  }
}

/** Uploads to a server that lacks everything, or has what `state` says. */
async function run(args: readonly string[] = [], state: (asked: { [field: string]: string }) => string = () => "missing") {
  const questions: { [field: string]: string }[] = [];
  const server = await fakeServer((request, response) => {
    if (!request.url.endsWith("/symbols/check")) return json(response, 201, {});
    const asked = (JSON.parse(request.body.toString()) as { symbols: { [field: string]: string }[] }).symbols;
    questions.push(...asked);
    json(response, 200, { symbols: asked.map((one) => ({ state: state(one) })) });
  });
  const terminal = fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: "secret" });
  const code = await symbols(["upload", ...(args.some((arg) => !arg.startsWith("--") && arg.includes(path.sep)) ? args : [...args, folder])], terminal);
  const uploads = server.received.filter((request) => !request.url.endsWith("/check"));
  return { code, out: terminal.outLines.join("\n"), uploads, names: uploads.map(({ url }) => new URL(url, server.url).searchParams.get("name")).sort(), questions };
}

describe("what belongs together", () => {
  test("a PDB and its program go, by their own names and as they are", async () => {
    await take(["x64/Halcyon.pdb", "Halcyon.pdb"], ["x64/Halcyon.vst3", "bundle/Halcyon x64.vst3"]);
    const { code, out, names, uploads, questions } = await run();
    expect([code, names]).toEqual([0, ["Halcyon x64.vst3", "Halcyon.pdb"]]);
    expect(out).toMatch(/^uploaded +2 files/);
    expect(out).not.toContain("warning");
    const pdb = uploads.find(({ url }) => url.endsWith("name=Halcyon.pdb"));
    expect(pdb?.body.equals(await readFile(path.join(built, "x64/Halcyon.pdb")))).toBe(true);
    expect(questions).toEqual(
      expect.arrayContaining([
        { kind: "pdb", debug_id: expect.stringMatching(/^[0-9A-F]{33}/), debug_file: "Halcyon.pdb", sha256: expect.any(String) },
        { kind: "pe", debug_id: expect.stringMatching(/^[0-9A-F]{33}/), code_file: "Halcyon x64.vst3", sha256: expect.any(String) },
      ]),
    );
    expect(new Set(questions.map(({ debug_id }) => debug_id)).size).toBe(1);
  });

  test("what the server has is not sent", async () => {
    await take(["x64/Halcyon.pdb", "Halcyon.pdb"], ["x64/Halcyon.vst3", "Halcyon.vst3"]);
    const { code, names } = await run([], ({ kind }) => (kind === "pdb" ? "have" : "missing"));
    expect([code, names]).toEqual([0, ["Halcyon.vst3"]]);
  });

  test("a program whose PDB is not there is named and left out, unless it is named by itself", async () => {
    await take(["x64/Halcyon.pdb", "Halcyon.pdb"], ["x64/Halcyon.vst3", "Halcyon.vst3"], ["x64/RackHost.exe", "tools/RackHost.exe"]);
    const first = await run();
    expect([first.code, first.names]).toEqual([0, ["Halcyon.pdb", "Halcyon.vst3"]]);
    expect(first.out).toMatch(/warning +.*RackHost\.exe\n +It lacks its PDB: RackHost\.pdb with the debug id [0-9A-F]{33,} is not here\. It is left out/);
    const second = await run([path.join(folder, "tools/RackHost.exe")]);
    expect([second.code, second.names]).toEqual([0, ["RackHost.exe"]]);
    expect(second.out).toContain("It lacks its PDB");
  });

  test("a PDB without its program goes with a warning, where the program has the unwind data", async () => {
    await take(["x64/Halcyon.pdb", "x64/Halcyon.pdb"], ["x86/Halcyon.pdb", "x86/Halcyon.pdb"]);
    const { code, out, names } = await run();
    expect([code, names]).toEqual([0, ["Halcyon.pdb", "Halcyon.pdb"]]);
    expect(out.match(/It lacks its DLL or EXE/g)).toHaveLength(1);
    expect(out).toMatch(/warning +.*x64.Halcyon\.pdb/);
  });

  test("a program with DWARF inside needs no PDB", async () => {
    await take(["mingw-x64/Halcyon.vst3", "Halcyon.vst3"]);
    const { code, out, names } = await run(["--require", "unwind,lines,names"]);
    expect([code, names]).toEqual([0, ["Halcyon.vst3"]]);
    expect(out).not.toContain("warning");
  });

  test("copies of one file go once; two builds of one module are a mistake only as PDBs", async () => {
    await take(["x64/Halcyon.pdb", "a/Halcyon.pdb"], ["x64/Halcyon.pdb", "b/Copy.pdb"], ["x64/Halcyon.vst3", "Halcyon.vst3"]);
    // A signature is appended to the file, and is no part of the image.
    await writeFile(path.join(folder, "Signed.vst3"), Buffer.concat([await readFile(path.join(built, "x64/Halcyon.vst3")), Buffer.alloc(64)]));
    const { code, names } = await run();
    expect([code, names]).toEqual([0, ["Halcyon.pdb", "Halcyon.vst3", "Signed.vst3"]]);
  });
});

describe("--require", () => {
  test.each<[string, readonly (readonly [string, string])[], string, number]>([
    ["both files have all", [["x64/Halcyon.pdb", "a.pdb"], ["x64/Halcyon.vst3", "a.vst3"]], "unwind,lines,names,inlines", 0],
    ["a PDB for x64 alone has lines", [["x64/Halcyon.pdb", "a.pdb"]], "lines,names", 0],
    ["a PDB for x64 alone has no unwind data", [["x64/Halcyon.pdb", "a.pdb"]], "unwind", 1],
    ["a PDB for arm64 alone has no unwind data", [["arm64/Halcyon.pdb", "a.pdb"]], "lines,unwind", 1],
    ["a PDB for x86 alone has it", [["x86/Halcyon.pdb", "a.pdb"]], "unwind,lines", 0],
    // Whoever names a program means it.
    ["a program of others in a folder is not asked", [["x64/Halcyon.pdb", "a.pdb"], ["x64/Halcyon.vst3", "a.vst3"], ["x64/RackHost.exe", "b.exe"]], "lines", 0],
  ])("%s", async (_what, files, what, code) => {
    await take(...files);
    const ended = await run(["--require", what]);
    expect([ended.code, ended.uploads.length > 0]).toEqual([code, code === 0]);
  });

  test("says which module lacks what, why, and what to do, before anything is sent", async () => {
    await take(["x64/Halcyon.pdb", "Halcyon.pdb"], ["x86/Halcyon.pdb", "x86/Halcyon.pdb"]);
    const { code, out, uploads, questions } = await run(["--require", "unwind", "--require", "lines"]);
    expect([code, uploads.length, questions.length]).toEqual([1, 0, 0]);
    expect(out).toMatch(/lacking +Halcyon\.pdb [0-9A-F]{33,} \(.*Halcyon\.pdb\)\n +unwind: How to unwind stands in the DLL or EXE itself.*\n +Upload the DLL or EXE too\./);
    expect(out).not.toContain("lines:");
    expect(out).toContain("Nothing was uploaded: 1 module lacks what --require asks for.");
  });

  test("--json has it too", async () => {
    await take(["x64/Halcyon.pdb", "Halcyon.pdb"]);
    const { code, out } = await run(["--json", "--require", "unwind"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      uploaded: [],
      lacking: [{ module: "Halcyon.pdb", debug_id: expect.any(String), paths: [path.join(folder, "Halcyon.pdb")], lacks: [{ what: "unwind", reason: expect.any(String), remedy: expect.any(String) }] }],
      warnings: [{ code: "lacks_program", path: path.join(folder, "Halcyon.pdb") }],
    });
  });

  test("a .sym file is read through for what it has", async () => {
    const sym = "MODULE windows x86_64 4C4C44205044422E443ED919000000001 Vault.pdb\nFUNC 1000 10 0 f\n1000 10 1 0\n";
    await writeFile(path.join(folder, "Vault.sym"), sym);
    expect((await run(["--require", "lines,names"])).code).toBe(0);
    const { code, out } = await run(["--require", "lines,unwind,inlines"]);
    expect(code).toBe(1);
    expect(out).toContain("unwind: No file of it says how to unwind");
    expect(out).toContain("inlines: ");
    expect(out).not.toContain("lines: No file of it has source lines");
  });
});
