// Symbols that come after the crash, over the whole way: real dumps of Halcyon
// under Wine go in and are walked without names, then its PDB and its DLL are
// uploaded as a build machine has them, and the crashes are named without anyone
// asking. What the frames must be is what the crashing process saw of itself
// (fixtures/out/windows/index.json).
import { readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { WindowsDump, WindowsIndex } from "../../fixtures/windows/index-schema.ts";
import { readSettings } from "../../config/settings.ts";
import { addToken } from "../../services/access/accounts.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { Database } from "../../storage/database.ts";
import { startWorkers, type Workers } from "../../workers/workers.ts";
import { addProject } from "../support/alert-rows.ts";
import { childrenOf, endEverything } from "../support/child-processes.ts";
import { expectExactCounts } from "../support/crash-rows.ts";
import { eventually } from "../support/eventually.ts";
import { databaseOf, startUp } from "../support/running-deadair.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { settled } from "./settled.ts";

const out = path.join(import.meta.dirname, "../../fixtures/out/windows");
const { dumps } = JSON.parse(readFileSync(path.join(out, "index.json"), "utf8")) as WindowsIndex;
const slow = { timeout: 240_000 };

/** As most dumps are, and as Wine writes it: without CodeView records, so that only code ids say which build it is. */
const dumpOf = (file: string): WindowsDump => dumps.find((dump) => dump.file === `dumps/${file}`)!;
const withIds = dumpOf("null-write.cv.dmp");
const withoutIds = dumpOf("null-write.dmp");

type Target = { readonly url: string; readonly project: string; readonly ingestKey: string; readonly symbolToken: string; readonly readToken: string };
type Crash = { readonly state: string; readonly revision: number; readonly signature: string | null; readonly group: string | null; readonly waitingForSymbols: boolean; readonly report: Report | null };

async function send(target: Target, dump: WindowsDump, install = "one"): Promise<string> {
  const form = new FormData();
  form.set("guid", install);
  form.set("upload_file_minidump", new Blob([new Uint8Array(readFileSync(path.join(out, dump.file)))]), "crash.dmp");
  const response = await fetch(`${target.url}/api/${target.project}/minidump/?sentry_key=${target.ingestKey}`, { method: "POST", body: form });
  expect(response.status).toBe(200);
  return response.text();
}

async function upload(target: Target, file: string): Promise<void> {
  const response = await fetch(`${target.url}/api/v1/${target.project}/symbols?name=${path.basename(file)}`, { method: "POST", headers: { authorization: `Bearer ${target.symbolToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(readFileSync(path.join(out, file))) });
  expect([response.status, (await response.json()) as unknown]).toEqual([201, expect.objectContaining({ kind: file.endsWith(".pdb") ? "pdb" : "pe" })]);
}

async function read<T>(target: Target, address: string): Promise<T> {
  const response = await fetch(`${target.url}/api/v1/${target.project}/${address}`, { headers: { authorization: `Bearer ${target.readToken}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const crashOf = (target: Target, id: string) => read<Crash>(target, `crashes/${id}`);
const framesOf = ({ report }: Crash) => report!.threads[report!.crash_info.crashing_thread!]!.frames;

/** A frame with what was inlined in it, innermost first, as `function file:line`. */
const linesOf = (crash: Crash, at: number): string[] => {
  const frame = framesOf(crash)[at]!;
  return [...(frame.inlines ?? []), frame].map(({ file, line }) => `${path.win32.basename(file ?? "")}:${line}`);
};

/** Asserts that our frames are those that the crashing process saw: place, trust, source lines. */
function expectTruth(crash: Crash, dump: WindowsDump): void {
  const frames = framesOf(crash);
  const ours = dump.frames.filter(({ module }) => module === "Halcyon.vst3" || module === "RackHost.exe");
  expect(ours.length).toBeGreaterThan(2);
  for (const [i, truth] of ours.entries()) {
    // Callers stand at their call, in the report; the truth has where they return to.
    expect([frames[i]!.module, Number(frames[i]!.module_offset) + (i === 0 ? 0 : 1), frames[i]!.trust]).toEqual([truth.module, truth.rva, i === 0 ? "context" : "cfi"]);
    if (truth.locations.length > 0) expect(linesOf(crash, i)).toEqual(truth.locations.map(({ file, line }) => `${path.win32.basename(file)}:${line}`));
  }
}

const halcyon = { pdb: "x64/Halcyon.pdb", program: "x64/Halcyon.vst3" };
const host = ["x64/RackHost.pdb", "x64/RackHost.exe"];

/** Waits until every file has healed what waited for it, and those were walked. */
async function healed(db: Database, seconds: number): Promise<void> {
  await eventually("all files are settled", async () => (await db.selectFrom("debug_files").select("id").where("settled_at", "is", null).execute()).length, (n) => n === 0, { seconds, everyMs: 50 });
  await settled(db, seconds);
}

describe("in one process", () => {
  const open: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop();
  });

  async function start(): Promise<{ target: Target; db: Database; server: TestServer }> {
    const server = await startTestServer();
    open.push({ stop: () => server.close() });
    const workers: Workers = startWorkers(server.storage, readSettings({ WALK_CONCURRENCY: "1" }, { dataDir: server.dataDir }), () => undefined, pino({ level: "silent" }));
    open.push(workers);
    return { target: { ...server, project: "default" }, db: server.storage.db, server };
  }

  const alerts = (db: Database) => db.selectFrom("alerts").select("group_id").execute();

  test.each([
    ["the PDB first, then the program", [halcyon.pdb, halcyon.program]],
    ["the program first, then the PDB", [halcyon.program, halcyon.pdb]],
  ])("%s", slow, async (_order, files) => {
    const { target, db } = await start();
    const ids = [await send(target, withIds), await send(target, withoutIds, "two")];
    await healed(db, 60);
    const before = await Promise.all(ids.map((id) => crashOf(target, id)));
    expect(before.map(({ waitingForSymbols, revision }) => [waitingForSymbols, revision])).toEqual([[true, 1], [true, 1]]);
    expect(before.map((crash) => linesOf(crash, 0))).toEqual([[":null"], [":null"]]);
    const told = await alerts(db);

    // With one file some of it is known: names by the debug id from the PDB, callers from the program.
    await upload(target, files[0]!);
    await healed(db, 60);
    const [half, unnamed] = await Promise.all(ids.map((id) => crashOf(target, id)));
    if (files[0] === halcyon.pdb) {
      expect(linesOf(half!, 0)).toEqual(["dsp.h:30", "dsp.h:61", "engine.cpp:71"]);
      expect(unnamed!.revision).toBe(1);
    } else {
      for (const crash of [half!, unnamed!]) expect([crash.revision, framesOf(crash)[1]!.trust]).toEqual([2, "cfi"]);
    }

    for (const file of [files[1]!, ...host]) await upload(target, file);
    await healed(db, 60);
    const after = await Promise.all(ids.map((id) => crashOf(target, id)));
    expectTruth(after[0]!, withIds);
    expectTruth(after[1]!, withoutIds);
    // Both are one bug, whatever the dump knows; nobody was told twice, and nothing was counted twice.
    expect(new Set(after.map(({ group }) => group)).size).toBe(1);
    expect(after[0]!.signature).toContain("halcyon::TapeLoop");
    expect(await alerts(db)).toEqual(told);
    const { id: project } = await db.selectFrom("projects").select("id").where("slug", "=", "default").executeTakeFirstOrThrow();
    await expectExactCounts(db, project);
    const { items } = await read<{ items: { count: number; installs: number }[] }>(target, "groups");
    expect(items.map(({ count, installs }) => [count, installs])).toEqual([[2, 2]]);

    const page = await read<{ items: { kind: string; lacks: unknown[]; problem: string | null; functions: number; lines: number; unwindRows: number }[]; missing: { debugFile: string | null; codeFile: string }[] }>(target, "symbols");
    expect(page.items.map(({ lacks, problem }) => [lacks, problem])).toEqual(page.items.map(() => [[], null]));
    for (const item of page.items) expect(item.kind === "pdb" ? [item.functions > 0, item.lines > 0, item.unwindRows] : [item.functions > 0, item.lines > 0, item.unwindRows > 0]).toEqual(item.kind === "pdb" ? [true, true, 0] : [false, false, true]);
    expect(page.missing.filter(({ codeFile }) => /halcyon|rackhost/i.test(codeFile))).toEqual([]);
  });

  test("what one project uploads names nothing in another", slow, async () => {
    const { target, db, server } = await start();
    const other = await addProject(db);
    const [symbols, reading] = await Promise.all((["symbols", "read"] as const).map((scope) => addToken(db, other.id, scope, [scope], "test")));
    const theirs: Target = { ...target, project: other.slug, ingestKey: other.slug, symbolToken: symbols!.token, readToken: reading!.token };
    const ours = await send(target, withIds);
    const their = await send(theirs, withIds);
    await healed(db, 60);
    for (const file of [halcyon.program, halcyon.pdb, ...host]) await upload(theirs, file);
    await healed(db, 60);
    expectTruth(await crashOf(theirs, their), withIds);
    expect(await crashOf(target, ours)).toMatchObject({ revision: 1, waitingForSymbols: true });
    expect(linesOf(await crashOf(target, ours), 0)).toEqual([":null"]);
    // The same bytes are one blob, and still two projects' files.
    await upload(target, halcyon.pdb);
    await healed(db, 60);
    expect(linesOf(await crashOf(target, ours), 0)).toEqual(["dsp.h:30", "dsp.h:61", "engine.cpp:71"]);
    expect(server.files().filter((file) => file.startsWith("spool/"))).toEqual([]);
  });
});

describe("killed in the middle", () => {
  afterAll(endEverything, 120_000);

  test("of compiling and healing, it goes on: every crash is named, counted and told of once", slow, async () => {
    const crashes = 40;
    const up = await startUp({ env: { DEADAIR_LIMIT_RECLAIM_SECONDS: "2" } });
    const target = (): Target => ({ ...up.answer, symbolToken: up.answer.symbolToken ?? "", readToken: up.answer.readToken ?? "" });
    const ids: string[] = [];
    for (let i = 0; i < crashes; i++) ids.push(await send(target(), i % 2 === 0 ? withIds : withoutIds, `install-${i}`));
    const database = databaseOf(up);
    await settled(database.db, 120);
    const told = await database.db.selectFrom("alerts").select("group_id").execute();
    const again = async () => (await database.db.selectFrom("crashes").select("id").where("revision", ">", 1).execute()).length;
    await upload(target(), halcyon.pdb);
    await upload(target(), halcyon.program);
    // The workers are a child of the server, and the server starts them again.
    for (const child of childrenOf(up.pid, "worker-process")) process.kill(child, "SIGKILL");
    await eventually("some crash is due again", again, (n) => n > 0, { seconds: 60, everyMs: 5 });
    await up.kill("SIGKILL");
    await database.close().catch(() => {});
    await up.start();
    for (const file of host) await upload(target(), file);
    const reopened = databaseOf(up);
    try {
      await healed(reopened.db, 120);
      for (const [i, id] of ids.entries()) expectTruth(await crashOf(target(), id), i % 2 === 0 ? withIds : withoutIds);
      const { id: project } = await reopened.db.selectFrom("projects").select("id").executeTakeFirstOrThrow();
      await expectExactCounts(reopened.db, project);
      expect(await reopened.db.selectFrom("alerts").select("group_id").execute()).toEqual(told);
      const { items } = await read<{ items: { count: number; installs: number }[] }>(target(), "groups");
      expect(items.map(({ count, installs }) => [count, installs])).toEqual([[crashes, crashes]]);
    } finally {
      await reopened.close();
    }
  });
});
