// `deadair symbols upload` of a whole build folder to a real server: what the server
// then has, that the second night sends nothing, and that `--force` does no harm.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { symbols } from "../../bin/commands/symbols.ts";
import type { SymbolPage } from "../../services/triage/schema.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { fakeTerminal } from "./fake-server.ts";

const built = path.join(import.meta.dirname, "../../fixtures/out");

let server: TestServer;
let folder = "";
beforeAll(async () => {
  server = await startTestServer();
  folder = await mkdtemp(path.join(tmpdir(), "deadair build-"));
  const files = [
    ["elf/gcc-5-split", "linux/split"],
    ["elf/clang-5-dwo", "linux/package"],
    ["elf/gcc-5-dwo", "linux/loose"],
    ["elf/dwz-shared-4", "linux/shared"],
    ["elf/no-build-id", "linux/no id"],
    ["mac/universal/Halcyon.vst3", "mac/Halcyon.vst3"],
    ["mac/universal/Halcyon.vst3.dSYM", "mac/Halcyon.vst3.dSYM"],
    ["windows/x64/Halcyon.pdb", "windows/Halcyon.pdb"],
    ["windows/x64/Halcyon.vst3", "windows/Halcyon.vst3"],
  ] as const;
  for (const [from, to] of files) await cp(path.join(built, from), path.join(folder, to), { recursive: true });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

type Summary = { readonly [list in "uploaded" | "present" | "failed" | "warnings" | "lacking"]: readonly { readonly kind?: string; readonly debug_id?: string; readonly reason?: string }[] };

async function upload(...args: string[]): Promise<{ code: number; summary: Summary }> {
  const terminal = fakeTerminal({ DEADAIR_URL: server.url, DEADAIR_TOKEN: server.symbolToken });
  const code = await symbols(["upload", "--json", ...args, folder], terminal);
  return { code, summary: JSON.parse(terminal.outLines.join("\n")) as Summary };
}

const kinds = [...Array<string>(2).fill("dsym"), ...Array<string>(2).fill("dwp"), ...Array<string>(6).fill("elf"), ...Array<string>(2).fill("elf-debug"), ...Array<string>(2).fill("macho"), "pdb", "pe"];
const kindsOf = (list: Summary["uploaded"]) => list.map(({ kind }) => kind).sort();

test("a build folder is on the server, whole, and once", async () => {
  const first = await upload("--require", "unwind,lines,names");
  expect([first.code, first.summary.failed, first.summary.lacking, first.summary.warnings, kindsOf(first.summary.uploaded)]).toEqual([0, [], [], [], kinds]);
  const page = (await (await fetch(`${server.url}/api/v1/default/symbols?limit=100`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as SymbolPage;
  expect(page.items.map(({ kind }) => kind).sort()).toEqual(kinds);
  // Names of modules, not of files.
  expect([...new Set(page.items.map(({ debugFile }) => debugFile))].sort()).toEqual(["Halcyon", "Halcyon.pdb", "halcyon-small.so", "halcyon.dwz", "halcyon.so"]);
  // Nothing of any module is missing once all its files are there.
  expect(page.items.flatMap(({ kind, lacks }) => lacks.map(({ code }) => `${kind} ${code}`))).toEqual(["elf no_build_id"]);
  const second = await upload();
  expect([second.code, second.summary.uploaded, kindsOf(second.summary.present)]).toEqual([0, [], kinds]);
  const forced = await upload("--force");
  expect([forced.code, forced.summary.uploaded, kindsOf(forced.summary.present)]).toEqual([0, [], kinds]);
});
