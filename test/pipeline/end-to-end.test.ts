// One `deadair up` from its first start on: symbols and real dumps go in, named
// groups and alerts come out, and a second start finds everything again.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FixtureIndex } from "../../fixtures/index-schema.ts";
import { endEverything } from "../support/child-processes.ts";
import { eventually } from "../support/eventually.ts";
import { buildMinidump, syntheticCrash } from "../support/minidump-builder.ts";
import { databaseOf, type RunningUp, startUp } from "../support/running-deadair.ts";
import { expectNothingLost, settled } from "./settled.ts";

const fixtures = path.join(import.meta.dirname, "..", "..", "fixtures", "out");
const index = JSON.parse(readFileSync(path.join(fixtures, "index.json"), "utf8")) as FixtureIndex;
const slow = { timeout: 240_000 };

/** A second start, on a folder that has everything, listens within this on an idle machine. */
const startLimitMs = 3000;

let up: RunningUp;
beforeAll(async () => {
  up = await startUp();
}, 180_000);
afterAll(endEverything, 120_000);

type Page<T> = { items: T[]; next: string | null };
type GroupItem = { id: string; signature: string; count: number; installs: number };
type Crash = { id: string; state: string; reason: string | null; group: string | null; signature: string | null; revision: number; waitingForSymbols: boolean; report: { crash_info: { crashing_thread: number | null }; threads: { frames: { function: string | null; file: string | null; line: number | null; module: string | null }[] }[] } | null };

async function get<T>(address: string): Promise<T> {
  const response = await fetch(`${up.url}/api/v1/default/${address}`, { headers: { authorization: `Bearer ${up.answer.readToken}` } });
  if (!response.ok) throw new Error(`GET ${address}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function all<T>(address: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ""; ; ) {
    const page = await get<Page<T>>(`${address}?limit=${limit}${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

async function send(dump: Uint8Array, fields: { [name: string]: string } = {}, name = "crash.dmp"): Promise<string> {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  form.set("upload_file_minidump", new Blob([new Uint8Array(dump)]), name);
  const response = await fetch(`${up.url}/api/default/minidump/?sentry_key=${up.answer.ingestKey}`, { method: "POST", body: form });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`an upload was answered ${response.status}: ${text}`);
  return text;
}

const ended = (id: string) => eventually(`crash ${id} has ended`, () => get<Crash>(`crashes/${id}`), (crash) => crash.state !== "stored", { seconds: 120, everyMs: 100 });

describe("from the first start on", () => {
  const sent = new Map<string, string>();

  test("it prints what a client needs, and the page's files are there", async () => {
    expect(up.answer).toMatchObject({ project: "default", ingestKey: expect.stringMatching(/^[a-z0-9]{32}$/), symbolToken: expect.stringMatching(/^dasym_/), readToken: expect.stringMatching(/^daread_/) });
    expect(new URL(up.answer.dsn).username).toBe(up.answer.ingestKey);
    expect(await (await fetch(`${up.url}/healthz`)).json()).toEqual({ status: "ok" });
    expect(await get("groups")).toMatchObject({ items: [], next: null });
    expect(await get("crashes")).toEqual({ items: [], next: null });
  });

  test("symbols are taken once each", slow, async () => {
    const post = (file: string) => fetch(`${up.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${up.answer.symbolToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(readFileSync(path.join(fixtures, file))) });
    for (const module of index.modules) {
      expect((await post(module.sym)).status).toBe(201);
      expect((await post(module.sym)).status).toBe(200);
    }
    const listed = await all<{ debugId: string }>("symbols", 2);
    expect(listed.map((item) => item.debugId).sort()).toEqual(index.modules.map((module) => module.debugId).sort());
  });

  test("every dump of our own plugin ends in a group, its frames named with function, file and line", slow, async () => {
    for (const dump of index.dumps) {
      sent.set(dump.file, await send(readFileSync(path.join(fixtures, dump.file)), { prod: "Halcyon", ver: dump.version, guid: index.clientId }, path.basename(dump.file)));
    }
    for (const dump of index.dumps) {
      const crash = await ended(sent.get(dump.file)!);
      expect(crash, dump.file).toMatchObject({ state: "grouped", signature: expect.any(String), group: expect.any(String) });
      // The oracle's innermost frame of ours is named in the report, with its line.
      const ours = dump.frames.find((frame) => frame.file !== null && !frame.inline);
      const thread = crash.report!.threads[crash.report!.crash_info.crashing_thread!]!;
      const lines = thread.frames.map((frame) => `${path.posix.basename(frame.file ?? "")}:${frame.line}`);
      if (ours) expect(lines, dump.file).toContain(`${path.posix.basename(ours.file!)}:${ours.line}`);
      expect(thread.frames.some((frame) => frame.function !== null && frame.file !== null && frame.line !== null), dump.file).toBe(true);
    }
  });

  test("groups, counts and alerts agree with the rows", slow, async () => {
    const database = databaseOf(up);
    try {
      await settled(database.db, 120);
      const alerts = await database.db.selectFrom("alerts").select("group_id").execute();
      const groups = await all<GroupItem>("groups", 5);
      expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(index.dumps.length);
      expect(groups.every((group) => group.installs === 1)).toBe(true);
      expect(alerts.map((alert) => alert.group_id).sort()).toEqual(groups.map((group) => group.id).sort());
      expect((await all<{ group: string }>("alerts", 3)).map((alert) => alert.group).sort()).toEqual(groups.map((group) => group.id).sort());
      for (const group of groups) expect(await all(`groups/${group.id}/crashes`, 2)).toHaveLength(group.count);
      expect(new Set((await all<Crash>("crashes", 7)).map((crash) => crash.id))).toEqual(new Set(sent.values()));
      expect(await all<Crash>("crashes", 200)).toHaveLength(index.dumps.length);
      // No destination was added, so there is nothing to deliver.
      await expectNothingLost(database.db, sent, { groups: groups.length, received: [], destinations: 0 });
    } finally {
      await database.close();
    }
  });

  test("the same crash of another install counts in the same group", slow, async () => {
    const dump = index.dumps.find((one) => one.kind === "null-write")!;
    const before = (await get<Crash>(`crashes/${sent.get(dump.file)}`)).group;
    const crash = await ended(await send(readFileSync(path.join(fixtures, dump.file)), { prod: "Halcyon", ver: dump.version, guid: "another-install" }));
    expect(crash.group).toBe(before);
    expect((await get<GroupItem>(`groups/${before}`)).installs).toBe(2);
  });

  test("an upload whose text Postgres cannot hold is kept all the same", slow, async () => {
    const id = await send(syntheticCrash({ module: "odd.so", offset: 0x10 }), { "no\u0000te": "a\u0000b", guid: "in\u0000stall", sentry: '{"tags":{"x":"\\u0000 \\ud800"}}' });
    expect((await ended(id)).state).toBe("grouped");
  });

  test("a dump that cannot be walked ends failed with its reason, and can be run again", slow, async () => {
    const id = await send(buildMinidump({ os: "linux", modules: [], threads: [] }));
    const failed = await ended(id);
    expect(failed).toMatchObject({ state: "failed", reason: expect.stringMatching(/thread/), group: null, revision: 1 });
    expect((await get<Page<Crash>>("crashes?state=failed")).items.map((crash) => crash.id)).toEqual([id]);

    const cookie = await signIn();
    const retry = () => fetch(`${up.url}/api/v1/default/crashes/${id}/retry`, { method: "POST", headers: { cookie, "sec-fetch-site": "same-origin" } });
    expect((await retry()).status).toBe(202);
    const again = await eventually("it has been run again", () => get<Crash>(`crashes/${id}`), (crash) => crash.revision === 2 && crash.state !== "stored", { seconds: 120 });
    expect(again).toMatchObject({ state: "failed", reason: failed.reason });
  });

  test("errors have a code, a message and a hint", async () => {
    const response = await fetch(`${up.url}/api/v1/default/groups?limit=0`, { headers: { authorization: `Bearer ${up.answer.readToken}` } });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: "bad_limit", message: expect.any(String), hint: expect.any(String) });
  });
});

describe("the second start", () => {
  test("listens in time, with the same keys and everything that was there", slow, async () => {
    const before = up.answer;
    const crashes = (await all<Crash>("crashes", 200)).length;
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect(await up.stop()).toBe(0);
      await up.start();
      times.push(Math.round(up.startMs));
    }
    console.log(`a second start listens after ${times.join(", ")} ms`);
    expect(Math.min(...times)).toBeLessThan(startLimitMs);
    expect(up.answer).toEqual({ ...before, signIn: expect.stringContaining("/sign-in?token=") });
    expect(up.answer.signIn).not.toBe(before.signIn);
    expect(await all<Crash>("crashes", 200)).toHaveLength(crashes);
  });

  test("after SIGKILL it adopts its database and finds the same keys", slow, async () => {
    const before = up.answer;
    await up.kill("SIGKILL");
    await up.start();
    console.log(`a start after SIGKILL listens after ${Math.round(up.startMs)} ms`);
    expect(up.answer).toEqual({ ...before, signIn: expect.any(String) });
    expect((await ended(await send(syntheticCrash({ module: "after.so", offset: 0x10 })))).state).toBe("grouped");
  });

  test("a second one on the same folder is refused, and the first one goes on", slow, async () => {
    await expect(startUp({ dataDir: up.dataDir })).rejects.toThrow(/already running on/);
    expect((await fetch(`${up.url}/healthz`)).status).toBe(200);
  });

  test("what a killed process left on the spool is removed at a start, when it is old; what is kept is whole", slow, async () => {
    const spool = path.join(up.dataDir, "spool");
    await up.stop();
    for (const name of ["young.part", "old.part"]) writeFileSync(path.join(spool, name), "x");
    mkdirSync(path.join(spool, "walk-old"));
    const longAgo = new Date(Date.now() - 7200_000);
    for (const name of ["old.part", "walk-old"]) utimesSync(path.join(spool, name), longAgo, longAgo);
    await up.start();
    expect(readdirSync(spool)).toContain("young.part");
    expect(readdirSync(spool)).not.toContain("old.part");
    expect(readdirSync(spool)).not.toContain("walk-old");
    // Blobs are whole: each has the hash it is named by.
    const blobs = path.join(up.dataDir, "blobs");
    for (const folder of readdirSync(blobs)) for (const name of readdirSync(path.join(blobs, folder))) expect(createHash("sha256").update(readFileSync(path.join(blobs, folder, name))).digest("hex")).toBe(name);
  });
});

async function signIn(): Promise<string> {
  const response = await fetch(up.answer.signIn, { redirect: "manual" });
  const cookie = response.headers.getSetCookie().find((one) => one.startsWith("deadair_login="));
  if (cookie === undefined) throw new Error(`signing in gave no cookie: ${response.status}`);
  return cookie.split(";")[0]!;
}
