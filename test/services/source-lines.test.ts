// The lines of a frame over HTTP: whose they are, who may ask, and what is said
// where there are none.
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSettings } from "../../config/settings.ts";
import { sourceReader } from "../../services/triage/source-lines.ts";
import type { CrashDetail, SourceLines } from "../../services/triage/schema.ts";
import type { Report } from "../../stackwalk/report.ts";
import { keepBytes } from "../../storage/blobs/blobs.ts";
import { finishWalk } from "../../storage/crashes.ts";
import * as rows from "../support/crash-rows.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { buildBundle, buildZip, dashedId, debugId } from "../symbols/sources/bundle-builder.ts";
import { vaultExplanation, vaultReport } from "../web/support/canned-crash.ts";

const engine = "D:\\build\\vaultsynth\\src\\engine.cpp";
const header = "D:\\build\\vaultsynth\\src\\dsp.h";
const lines = (count: number, word: string): string => Array.from({ length: count }, (_, i) => `${word} ${i + 1}\r\n`).join("");

let server: TestServer;
let crash = "";
beforeAll(async () => {
  server = await startTestServer({ WALK_SECONDS: 5, WALK_MEMORY_BYTES: 64 * 1024 * 1024 });
  crash = await store(1, vaultReport);
}, 60_000);
afterAll(() => server?.close());

/** Stores a crash with a report. */
async function store(project: number, report: Report): Promise<string> {
  const { db, spool, blobs } = server.storage;
  const id = await rows.store(db, project);
  const reportBlob = await keepBytes(spool, blobs, await promisify(zstdCompress)(JSON.stringify({ report, explanation: vaultExplanation })));
  await finishWalk(db, await rows.due(db, id), rows.walked("x", { reportBlob }));
  return id;
}

const upload = (bundle: Uint8Array, token = server.symbolToken) => fetch(`${server.url}/api/v1/default/symbols?name=Vault.src.zip`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" }, body: new Uint8Array(bundle) });
const ask = (question: { [name: string]: string | number }, { token = server.readToken, id = crash, project = "default" } = {}) =>
  fetch(`${server.url}/api/v1/${project}/crashes/${id}/source?${new URLSearchParams(Object.entries(question).map(([name, value]) => [name, String(value)]))}`, { headers: { authorization: `Bearer ${token}` } });
const answer = async (response: Response): Promise<[number, unknown]> => [response.status, ((await response.json()) as { error?: string }).error ?? "ok"];
const asked = { module: debugId, file: engine, line: 6 };
const sourcesOf = async (): Promise<readonly string[]> => ((await (await fetch(`${server.url}/api/v1/default/crashes/${crash}`, { headers: { authorization: `Bearer ${server.readToken}` } })).json()) as CrashDetail).sources;
const forget = () => server.storage.db.deleteFrom("debug_files").execute();

describe("the lines of a frame", () => {
  it("are not there before their sources are", async () => {
    await forget();
    expect(await sourcesOf()).toEqual([]);
    expect(await answer(await ask(asked))).toEqual([404, "no_sources"]);
  });

  it("come with seven on either side, from the newest bundle", async () => {
    await forget();
    expect((await upload(buildBundle({ [engine]: "old\n".repeat(20) }))).status).toBe(201);
    expect((await upload(buildBundle({ [engine]: lines(14, "engine"), [header]: lines(100, "dsp") }))).status).toBe(201);
    expect(await sourcesOf()).toEqual([debugId]);
    const response = await ask(asked);
    expect([response.status, await response.json()]).toEqual([200, { file: engine, line: 6, first: 1, lines: Array.from({ length: 13 }, (_, i) => `engine ${i + 1}`) } satisfies SourceLines]);
    // Of a function that was inlined there, and by an id in another spelling.
    expect(await (await ask({ module: debugId.toLowerCase(), file: header, line: 31 })).json()).toMatchObject({ first: 24, lines: Array.from({ length: 15 }, (_, i) => `dsp ${i + 24}`) });
  });

  it.each<[string, object, number, string]>([
    // Only what stands together in a frame of this crash.
    ["another line of a file", { line: 7 }, 404, "not_in_crash"],
    ["a file of the bundle that no frame names", { file: "D:\\build\\vaultsynth\\src\\secret.h", line: 1 }, 404, "not_in_crash"],
    ["another module that was loaded", { module: "180BF1B90AA75697D0EFEA5E5630AC4B1" }, 404, "not_in_crash"],
    ["no module at all", { module: "x" }, 404, "not_in_crash"],
    ["a name in the bundle", { file: "files/D/build/vaultsynth/src/engine.cpp" }, 404, "not_in_crash"],
    ["a file that the bundle lacks", { file: "D:\\build\\vaultsynth\\src\\voices.cpp", line: 11 }, 404, "source_not_bundled"],
    ["a line that is beyond the file", { file: "D:\\build\\vaultsynth\\src\\plugin.cpp", line: 8 }, 404, "source_line_beyond"],
    ["no line", { line: "x" }, 400, "validation"],
    ["a line before the first", { line: 0 }, 400, "validation"],
    ["an endless path", { file: "a".repeat(5000) }, 400, "validation"],
  ])("are refused for %s", async (_what, change, status, error) => {
    await forget();
    expect((await upload(buildBundle({ [engine]: lines(14, "engine"), "D:\\build\\vaultsynth\\src\\plugin.cpp": "a\nb\n", "D:\\build\\vaultsynth\\src\\secret.h": "secret\n" }))).status).toBe(201);
    expect(await answer(await ask({ ...asked, ...change }))).toEqual([status, error]);
  });

  it("are only for those who may read the project", async () => {
    await forget();
    await upload(buildBundle({ [engine]: lines(14, "engine") }));
    expect(await answer(await ask(asked, { token: server.symbolToken }))).toEqual([403, "missing_scope"]);
    expect(await answer(await ask(asked, { token: "daread_no" }))).toEqual([401, "unknown_token"]);
    expect(await answer(await ask(asked, { id: "01a20a6d-8675-73f7-97f7-b96f1e6faad8" }))).toEqual([404, "unknown_crash"]);
    expect(await answer(await ask(asked, { id: "nonsense" }))).toEqual([404, "unknown_crash"]);
    // Another project's sources of the very same build are not shown, nor is its crash.
    const { db } = server.storage;
    const { id: other } = await db.insertInto("projects").values({ slug: "other", name: "Other", ingest_key: "other" }).returning("id").executeTakeFirstOrThrow();
    const theirs = await store(other, vaultReport);
    expect(await answer(await ask(asked, { id: theirs }))).toEqual([404, "unknown_crash"]);
    await db.updateTable("debug_files").set({ project_id: other }).execute();
    expect(await sourcesOf()).toEqual([]);
    expect(await answer(await ask(asked))).toEqual([404, "no_sources"]);
  });

  it("are none of a crash without a report", async () => {
    const waiting = await rows.store(server.storage.db, 1);
    expect(await answer(await ask(asked, { id: waiting }))).toEqual([404, "not_in_crash"]);
  });
});

describe("a bundle that is no good", () => {
  it("is refused when it comes", async () => {
    await forget();
    const before = server.files();
    expect(await answer(await upload(buildBundle({ [engine]: "x" }).subarray(0, 60)))).toEqual([400, "malformed_source_bundle"]);
    expect(await answer(await upload(buildBundle({ [engine]: "x" }, { debug_id: "" })))).toEqual([400, "foreign_source_bundle"]);
    expect(server.files()).toEqual(before);
  });

  it("in one of its files is told when that is asked for", async () => {
    await forget();
    const bundle = buildBundle({ [engine]: "x".repeat(50) }, {}, { method: 0 });
    bundle.write("y", bundle.indexOf("xxxx"));
    expect((await upload(bundle)).status).toBe(201);
    expect(await answer(await ask(asked))).toEqual([409, "malformed_source_bundle"]);
  });

  it("and would need much memory is refused before it does", async () => {
    await forget();
    const manifest = JSON.stringify({ files: { f: { path: engine } }, debug_id: dashedId });
    const costly = buildZip([{ name: "f", content: "x\n" }, { name: "manifest.json", content: `${manifest.slice(0, -1)},"more":[${"{},".repeat(5_000_000)}0]}` }]);
    expect(await answer(await upload(costly))).toEqual([400, "malformed_source_bundle"]);
  });

  it("and takes too long takes nobody along", async () => {
    await forget();
    await upload(buildBundle({ [engine]: lines(14, "engine") }));
    const settings = readSettings({ DEADAIR_LIMIT_WALK_SECONDS: "0.0001" }, { dataDir: server.dataDir });
    const hasty = sourceReader({ settings, storage: server.storage });
    expect(await hasty.linesAt(1, crash, asked)).toMatchObject({ ok: false, problem: { status: 409, code: "source_bundle_too_costly" } });
    await hasty.close();
    expect(await answer(await ask(asked))).toEqual([200, "ok"]);
  });

  it("and is gone from the disk is nobody's sources", async () => {
    await forget();
    await upload(buildBundle({ [engine]: lines(15, "engine") }));
    const { blob } = await server.storage.db.selectFrom("debug_files").select("blob").executeTakeFirstOrThrow();
    await server.storage.blobs.remove(blob);
    expect(await answer(await ask(asked))).toEqual([404, "no_sources"]);
  });
});
