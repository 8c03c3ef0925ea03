// A crash's life in rows: each step happens once, however often and from however
// many sides it is tried. What must hold of the counts is in support/crash-rows.ts.
import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { foldCounts } from "../../storage/counts.ts";
import { failWalk, finishWalk, type NewCrash, reclaimCrashes, retryCrash, startWalk, storeCrash } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { reclaimNews } from "../../storage/groups.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import { addProject } from "../support/alert-rows.ts";
import * as rows from "../support/crash-rows.ts";
import { testDatabase } from "../support/database.ts";

let database: OpenDatabase;
let project: number;
beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  project = (await addProject(database.db)).id;
});
afterAll(() => database.close());

const store = (more: Partial<NewCrash> = {}) => rows.store(database.db, project, more);
const due = (id: string, revision = 1) => rows.due(database.db, id, revision);
const rowOf = (id: string) => rows.rowOf(database.db, id);
const expectExactCounts = (of = project) => rows.expectExactCounts(database.db, of);
const newCrash = (more: Partial<NewCrash> = {}) => rows.newCrash(project, more);
const { walked } = rows;
const outboxOf = (queue: string) => database.db.selectFrom("outbox").select(["job_key", "payload"]).where("queue", "=", queue).where(sql<boolean>`payload->>'crash' in (select id::text from crashes where project_id = ${project})`).orderBy("id").execute();

describe("storing", () => {
  test("a crash is there, with its walk asked for", async () => {
    const { id, duplicate } = await storeCrash(database.db, newCrash({ annotations: { a: { b: [1, null] } }, notes: ["odd"], attachments: [{ name: "log.txt", blob: "2".repeat(64), bytes: 5 }] }));
    expect(duplicate).toBe(false);
    expect(await rowOf(id)).toMatchObject({ state: "stored", revision: 1, attempts: 0, group_id: null, annotations: { a: { b: [1, null] } }, notes: ["odd"] });
    expect(await outboxOf("symbolicate")).toEqual([{ job_key: `crash-${id}-1`, payload: { crash: id, revision: 1 } }]);
  });

  test("the same upload key again is the same crash, in another project another one", async () => {
    const key = randomBytes(32);
    const first = await storeCrash(database.db, newCrash({ uploadKey: key }));
    expect(await storeCrash(database.db, newCrash({ uploadKey: key }))).toEqual({ id: first.id, duplicate: true });
    const other = (await addProject(database.db)).id;
    expect((await storeCrash(database.db, newCrash({ uploadKey: key, projectId: other }))).duplicate).toBe(false);
    expect(await outboxOf("symbolicate")).toHaveLength(1);
  });

  test("twenty at once with one upload key make one crash", async () => {
    const key = randomBytes(32);
    const stored = await Promise.all(Array.from({ length: 20 }, () => storeCrash(database.db, newCrash({ uploadKey: key }))));
    expect(new Set(stored.map((one) => one.id)).size).toBe(1);
    expect(stored.filter((one) => !one.duplicate)).toHaveLength(1);
    const { n } = await database.db.selectFrom("crashes").select(sql<number>`count(*)::int`.as("n")).where("project_id", "=", project).executeTakeFirstOrThrow();
    expect(n).toBe(1);
    expect(await outboxOf("symbolicate")).toHaveLength(1);
  });

  test("a crash that cannot be stored leaves no upload key behind", async () => {
    const key = randomBytes(32);
    const broken = newCrash({ uploadKey: key, attachments: [{ name: "same", blob: "b", bytes: 1 }, { name: "same", blob: "b", bytes: 1 }] });
    await expect(storeCrash(database.db, broken)).rejects.toThrow();
    expect((await storeCrash(database.db, newCrash({ uploadKey: key }))).duplicate).toBe(false);
  });

  // What Postgres cannot hold must not cost a crash: text and jsonb refuse NUL, jsonb refuses half a surrogate pair.
  test.each([
    ["NUL in a value", { note: "a\u0000b" }, { note: "a\ufffdb" }],
    ["NUL in a name", { "a\u0000b": 1 }, { "a\ufffdb": 1 }],
    ["a lone surrogate", { note: "a\ud800b", deep: [{ "\udfff": "x" }] }, { note: "a\ufffdb", deep: [{ "\ufffd": "x" }] }],
    ["text that only looks like an escape", { path: "C:\\u0000\\ud800", "\\u0000": "\\\\u0000" }, { path: "C:\\u0000\\ud800", "\\u0000": "\\\\u0000" }],
    ["a whole pair", { note: "\u{1F525}" }, { note: "\u{1F525}" }],
  ])("annotations with %s are kept", async (_what, annotations, kept) => {
    expect((await rowOf(await store({ annotations }))).annotations).toEqual(kept);
  });

  test("NUL in any text of an upload is kept as a replacement", async () => {
    const text = "x\u0000y";
    const id = await store({ client: text, install: text, product: text, version: text, notes: [text], attachments: [{ name: text, blob: "b", bytes: 1 }] });
    expect(await rowOf(id)).toMatchObject({ client: "x\ufffdy", install: "x\ufffdy", product: "x\ufffdy", version: "x\ufffdy", notes: ["x\ufffdy"] });
  });
});

describe("walking", () => {
  test("starting counts attempts, and only the due revision starts", async () => {
    const id = await store();
    expect((await due(id)).attempts).toBe(1);
    expect((await due(id)).attempts).toBe(2);
    expect(await startWalk(database.db, id, 2)).toBeUndefined();
    expect(await startWalk(database.db, uuidv7(), 1)).toBeUndefined();
    await finishWalk(database.db, await due(id), walked("a"));
    expect(await startWalk(database.db, id, 1)).toBeUndefined();
  });

  test("a finished walk groups, counts, and asks for one alert", async () => {
    const id = await store({ install: "i1" });
    const grouped = await finishWalk(database.db, await due(id), walked("first"));
    expect(grouped?.created).toBe(true);
    expect(await rowOf(id)).toMatchObject({ state: "grouped", group_id: grouped!.group, signature: "first", os: "linux", host: "REAPER", waiting_for_symbols: false });
    expect(await outboxOf("alert")).toEqual([{ job_key: `group-created-${grouped!.group}`, payload: { event: "group-created", project, group: grouped!.group, crash: id } }]);
    await expectExactCounts();
  });

  test("finished twenty times at once, it is counted once", async () => {
    const id = await store({ install: "i1" });
    const start = await due(id);
    const results = await Promise.all(Array.from({ length: 20 }, () => finishWalk(database.db, start, walked("once"))));
    expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    expect(await outboxOf("alert")).toHaveLength(1);
    await expectExactCounts();
    await foldCounts(database.db);
    await expectExactCounts();
  });

  test("fifty crashes of a new fingerprint at once make one group, once, and one alert", async () => {
    const starts = [];
    for (let i = 0; i < 50; i++) starts.push(await due(await store({ install: `i${i % 7}` })));
    const results = await Promise.all(starts.map((start) => finishWalk(database.db, start, walked("new-thing"))));
    expect(new Set(results.map((result) => result?.group)).size).toBe(1);
    expect(results.filter((result) => result?.created)).toHaveLength(1);
    expect(await outboxOf("alert")).toHaveLength(1);
    const group = await database.db.selectFrom("groups").selectAll().where("project_id", "=", project).execute();
    expect(group).toHaveLength(1);
    await foldCounts(database.db);
    await expectExactCounts();
    expect(await rows.counts(database.db, project)).toMatchObject({ counted: { groups: [{ crashes: 50, installs: 7 }] } });
  });

  test("the same fingerprint in two projects makes two groups", async () => {
    const other = (await addProject(database.db)).id;
    const here = await finishWalk(database.db, await due(await store()), walked("shared"));
    const there = await finishWalk(database.db, await due(await store({ projectId: other })), walked("shared"));
    expect(here!.group).not.toBe(there!.group);
    expect([here!.created, there!.created]).toEqual([true, true]);
  });

  test("finishing and failing at once: one of them wins, and the row tells which", async () => {
    for (let i = 0; i < 10; i++) {
      const start = await due(await store());
      const [finished, failed] = await Promise.all([finishWalk(database.db, start, walked("race")), failWalk(database.db, start, "timeout", "too slow")]);
      expect([finished !== undefined, failed].filter(Boolean)).toHaveLength(1);
      expect((await rowOf(start.id)).state).toBe(failed ? "failed" : "grouped");
    }
    await expectExactCounts();
  });

  test("a failed walk keeps its reason, asks for no alert, and can be run again", async () => {
    const id = await store();
    expect(await failWalk(database.db, await due(id), "truncated", "cut off")).toBe(true);
    expect(await rowOf(id)).toMatchObject({ state: "failed", state_code: "truncated", state_reason: "cut off", group_id: null });
    expect(await outboxOf("alert")).toEqual([]);
    expect(await retryCrash(database.db, project, id)).toBe(true);
    expect(await rowOf(id)).toMatchObject({ state: "stored", state_code: null, state_reason: null, revision: 2, attempts: 0 });
    expect((await outboxOf("symbolicate")).at(-1)).toEqual({ job_key: `crash-${id}-2`, payload: { crash: id, revision: 2 } });
    expect((await finishWalk(database.db, await due(id, 2), walked("later")))?.created).toBe(true);
    await expectExactCounts();
  });

  test("a worker that is late, of an older revision, changes nothing", async () => {
    const id = await store();
    const late = await due(id);
    await failWalk(database.db, late, "timeout", "x");
    await retryCrash(database.db, project, id);
    expect(await finishWalk(database.db, late, walked("late"))).toBeUndefined();
    expect(await failWalk(database.db, late, "timeout", "late")).toBe(false);
    expect(await rowOf(id)).toMatchObject({ state: "stored", revision: 2 });
  });

  test("only what is failed or grouped can be run again, only in its project, and at once only once", async () => {
    const id = await store();
    expect(await retryCrash(database.db, project, id)).toBe(false);
    await finishWalk(database.db, await due(id), walked("again"));
    expect(await retryCrash(database.db, (await addProject(database.db)).id, id)).toBe(false);
    const tries = await Promise.all(Array.from({ length: 10 }, () => retryCrash(database.db, project, id)));
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect((await rowOf(id)).revision).toBe(2);
    // Until the new walk is done it counts where it was.
    await expectExactCounts();
  });

  test("walked again into another group, it moves; into the same one, it stays; it is no news either way", async () => {
    const first = await store({ install: "i1" });
    const second = await store({ install: "i1" });
    for (const id of [first, second]) await finishWalk(database.db, await due(id), walked("old"));
    await retryCrash(database.db, project, first);
    const moved = await finishWalk(database.db, await due(first, 2), walked("named", { os: "windows", host: "Live" }));
    expect(moved?.created).toBe(true);
    await expectExactCounts();
    await foldCounts(database.db);
    await retryCrash(database.db, project, first);
    await finishWalk(database.db, await due(first, 3), walked("named", { os: "windows", host: "Live" }));
    await expectExactCounts();
    expect(await outboxOf("alert")).toHaveLength(1);
  });

  test("a crash that fails when walked again stays counted in its old group", async () => {
    const id = await store({ install: "i1" });
    await finishWalk(database.db, await due(id), walked("stays"));
    await retryCrash(database.db, project, id);
    await failWalk(database.db, await due(id, 2), "timeout", "x");
    await expectExactCounts();
    await retryCrash(database.db, project, id);
    await finishWalk(database.db, await due(id, 3), walked("elsewhere"));
    await foldCounts(database.db);
    await expectExactCounts();
  });

  test("missing symbols are those of the last walk", async () => {
    const missing = (...names: string[]) => names.map((name) => rows.missing({ debugFile: name, debugId: `${name}0` }));
    const listed = async (id: string) => (await database.db.selectFrom("missing_symbols").select("debug_file").where("crash_id", "=", id).orderBy("debug_file").execute()).map((row) => row.debug_file);
    const id = await store();
    await finishWalk(database.db, await due(id), walked("m", { missing: missing("a", "b", "a") }));
    expect(await listed(id)).toEqual(["a", "b"]);
    expect((await rowOf(id)).waiting_for_symbols).toBe(true);
    await retryCrash(database.db, project, id);
    await finishWalk(database.db, await due(id, 2), walked("m", { missing: missing("b") }));
    expect(await listed(id)).toEqual(["b"]);
    await retryCrash(database.db, project, id);
    await finishWalk(database.db, await due(id, 3), walked("m"));
    expect(await listed(id)).toEqual([]);
    expect((await rowOf(id)).waiting_for_symbols).toBe(false);
  });

  test("NUL in what a walk found out is kept as a replacement", async () => {
    const id = await store();
    const text = "a\u0000b";
    await finishWalk(database.db, await due(id), walked(text, { fingerprint: randomBytes(32), host: text, os: text, osVersion: text, arch: text, crashReason: text, crashAddress: text, crashModule: text, missing: [rows.missing({ debugFile: text, debugId: text, codeFile: text, codeId: text })] }));
    expect(await rowOf(id)).toMatchObject({ signature: "a\ufffdb", host: "a\ufffdb", crash_module: "a\ufffdb" });
    await expectExactCounts();
    const other = await store();
    expect(await failWalk(database.db, await due(other), "walker_refused", `said ${text}`)).toBe(true);
  });

  test("two groups swapping crashes of one install do not lock each other out", async () => {
    const ids = { a: [] as string[], b: [] as string[] };
    for (const name of ["a", "b"] as const) {
      for (let i = 0; i < 8; i++) {
        const id = await store({ install: "same" });
        await finishWalk(database.db, await due(id), walked(`swap-${name}`));
        await retryCrash(database.db, project, id);
        ids[name].push(id);
      }
    }
    const moves = await Promise.all(
      [...ids.a.map((id) => [id, "swap-b"] as const), ...ids.b.map((id) => [id, "swap-a"] as const)].map(async ([id, to]) => finishWalk(database.db, await due(id, 2), walked(to))),
    );
    expect(moves.every((move) => move !== undefined)).toBe(true);
    await expectExactCounts();
  });
});

describe("reclaiming", () => {
  const age = (id: string, seconds: number) => database.db.updateTable("crashes").set({ queued_at: new Date(Date.now() - seconds * 1000) }).where("id", "=", id).execute();

  test("asks again for what has waited too long, under the key it had, and not twice", async () => {
    const old = await store();
    const young = await store();
    await database.db.deleteFrom("outbox").execute();
    await age(old, 300);
    expect(await reclaimCrashes(database.db, 120)).toBe(1);
    expect(await reclaimCrashes(database.db, 120)).toBe(0);
    expect(await outboxOf("symbolicate")).toEqual([{ job_key: `crash-${old}-1`, payload: { crash: old, revision: 1 } }]);
    expect((await rowOf(young)).state).toBe("stored");
  });

  test("leaves alone what has ended, and what a worker has just begun", async () => {
    const grouped = await store();
    await finishWalk(database.db, await due(grouped), walked("done"));
    const failed = await store();
    await failWalk(database.db, await due(failed), "timeout", "x");
    const begun = await store();
    for (const id of [grouped, failed, begun]) await age(id, 300);
    await due(begun);
    expect(await reclaimCrashes(database.db, 120)).toBe(0);
  });

  test("several at once share, and each crash is asked for once", async () => {
    for (let i = 0; i < 30; i++) await age(await store(), 300);
    await database.db.deleteFrom("outbox").execute();
    const found = await Promise.all(Array.from({ length: 4 }, () => reclaimCrashes(database.db, 120, 10)));
    let total = found.reduce((sum, n) => sum + n, 0);
    for (let n = 1; n > 0; total += n) n = await reclaimCrashes(database.db, 120, 10);
    expect(total).toBe(30);
    expect(await outboxOf("symbolicate")).toHaveLength(30);
  });

  test("news of a new group that nobody was told of is asked for again, until it is told", async () => {
    const grouped = await finishWalk(database.db, await due(await store()), walked("untold"));
    await database.db.deleteFrom("outbox").execute();
    expect(await outboxOf("alert")).toEqual([]);
    await database.db.updateTable("groups").set({ created_at: new Date(Date.now() - 300_000) }).where("id", "=", grouped!.group).execute();
    await reclaimNews(database.db, 120);
    expect((await outboxOf("alert")).map((row) => row.job_key)).toEqual([`group-created-${grouped!.group}`]);
  });
});
