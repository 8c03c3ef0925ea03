// A crash's life in rows, and the counts that must hold after anything:
//
//   for each group: folded count + deltas = crash rows that point to it,
//   and the same for installs, days, versions and the project's facets.
import { randomBytes, randomInt } from "node:crypto";
import fc from "fast-check";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { foldCounts } from "../../storage/counts.ts";
import { type DueCrash, failWalk, finishWalk, type NewCrash, reclaimCrashes, retryCrash, startWalk, storeCrash, type WalkedCrash } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { reclaimNews } from "../../storage/groups.ts";
import { migrate } from "../../storage/migrate.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import { addProject } from "../support/alert-rows.ts";
import { testDatabase } from "../support/database.ts";
import { databaseUrl, runOn } from "../support/global-postgres.ts";

let database: OpenDatabase;
let project: number;
beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  project = (await addProject(database.db)).id;
});
afterAll(() => database.close());

function newCrash(more: Partial<NewCrash> = {}): NewCrash {
  return { projectId: project, kind: "minidump", blob: "0".repeat(64), bytes: 100, client: "test", install: null, product: "Hall", version: "1.0", annotations: {}, notes: [], attachments: [], uploadKey: null, ...more };
}

function walked(name: string, more: Partial<WalkedCrash> = {}): WalkedCrash {
  return {
    reportBlob: "1".repeat(64),
    signature: name,
    signatureVersion: 1,
    fingerprint: Buffer.from(name.padEnd(32, ".").slice(0, 32)),
    os: "linux",
    osVersion: "6.1",
    arch: "amd64",
    host: "REAPER",
    crashReason: "SIGSEGV",
    crashAddress: "0x0",
    crashModule: "hall.so",
    missing: [],
    ...more,
  };
}

const store = async (more: Partial<NewCrash> = {}) => (await storeCrash(database.db, newCrash(more))).id;
async function due(id: string, revision = 1): Promise<DueCrash> {
  const found = await startWalk(database.db, id, revision);
  if (found === undefined) throw new Error("nothing is due");
  return found;
}
const rowOf = (id: string) => database.db.selectFrom("crashes").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const outboxOf = (queue: string) => database.db.selectFrom("outbox").select(["job_key", "payload"]).where("queue", "=", queue).where(sql<boolean>`payload->>'crash' in (select id::text from crashes where project_id = ${project})`).orderBy("id").execute();

/** Everything that is counted, told by the sums and deltas, and told by the rows themselves. */
async function counts(of: number): Promise<{ counted: unknown; actual: unknown }> {
  const ask = async (query: ReturnType<typeof sql>) => (await query.execute(database.db)).rows;
  const counted = {
    groups: await ask(sql`
      select g.id, (g.crash_count + coalesce(sum(d.crashes), 0))::int as crashes, (g.install_count + coalesce(sum(d.installs), 0))::int as installs
      from groups g left join count_deltas d on d.group_id = g.id where g.project_id = ${of} group by g.id order by g.id`),
    days: await ask(sql`
      select group_id, day, sum(crashes)::int as n from (
        select group_id, day, crashes from group_days union all select group_id, day, crashes from count_deltas
      ) as all_days where group_id in (select id from groups where project_id = ${of}) group by 1, 2 having sum(crashes) <> 0 order by 1, 2`),
    versions: await ask(sql`
      select group_id, version, sum(crashes)::int as n from (
        select group_id, version, crashes from group_versions union all select group_id, version, crashes from count_deltas where version is not null
      ) as all_versions where group_id in (select id from groups where project_id = ${of}) group by 1, 2 having sum(crashes) <> 0 order by 1, 2`),
    facets: await ask(sql`
      select facet, value, sum(n)::int as n from (
        select facet, value, n from counters where project_id = ${of}
        union all
        select facet, value, crashes from count_deltas cross join lateral (values ('crash', ''), ('version', version), ('os', os), ('arch', arch), ('host', host)) as f (facet, value)
        where project_id = ${of} and value is not null
      ) as all_facets group by 1, 2 having sum(n) <> 0 order by 1, 2`),
  };
  const actual = {
    groups: await ask(sql`
      select g.id, count(c.id)::int as crashes, count(distinct c.install)::int as installs
      from groups g left join crashes c on c.group_id = g.id where g.project_id = ${of} group by g.id order by g.id`),
    days: await ask(sql`select group_id, (received_at at time zone 'UTC')::date as day, count(*)::int as n from crashes where project_id = ${of} and group_id is not null group by 1, 2 order by 1, 2`),
    versions: await ask(sql`select group_id, version, count(*)::int as n from crashes where project_id = ${of} and group_id is not null and version is not null group by 1, 2 order by 1, 2`),
    facets: await ask(sql`
      select facet, value, count(*)::int as n from crashes
      cross join lateral (values ('crash', ''), ('version', version), ('os', os), ('arch', arch), ('host', host)) as f (facet, value)
      where project_id = ${of} and group_id is not null and value is not null group by 1, 2 order by 1, 2`),
  };
  return { counted, actual };
}

async function expectExactCounts(of = project): Promise<void> {
  const { counted, actual } = await counts(of);
  expect(counted).toEqual(actual);
}

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
    expect(await counts(project)).toMatchObject({ counted: { groups: [{ crashes: 50, installs: 7 }] } });
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
    const missing = (...names: string[]) => names.map((name) => ({ debugFile: name, debugId: `${name}0` }));
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
    await finishWalk(database.db, await due(id), walked(text, { fingerprint: randomBytes(32), host: text, os: text, osVersion: text, arch: text, crashReason: text, crashAddress: text, crashModule: text, missing: [{ debugFile: text, debugId: text }] }));
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

describe("counts", () => {
  test("are exact at any moment, while crashes come, move and are folded from several sides", { timeout: 120_000 }, async () => {
    const stop = { now: false };
    const folding = [0, 1].map(async () => {
      while (!stop.now) await foldCounts(database.db, randomInt(1, 30));
    });
    const snapshots: unknown[] = [];
    const reading = (async () => {
      while (!stop.now) {
        const seen = await database.db
          .transaction()
          .setIsolationLevel("repeatable read")
          .execute(async (tx) => {
            const sums = await sql<{ n: number }>`select (coalesce((select sum(crash_count) from groups where project_id = ${project}), 0) + coalesce((select sum(crashes) from count_deltas where project_id = ${project}), 0))::int as n`.execute(tx);
            const rows = await sql<{ n: number }>`select count(*)::int as n from crashes where project_id = ${project} and group_id is not null`.execute(tx);
            return { sums: sums.rows[0]!.n, rows: rows.rows[0]!.n };
          });
        if (seen.sums !== seen.rows) snapshots.push(seen);
      }
    })();
    await Promise.all(
      Array.from({ length: 6 }, async (_, lane) => {
        for (let i = 0; i < 12; i++) {
          const id = await store({ install: `i${(i + lane) % 4}`, version: `1.${i % 3}` });
          await finishWalk(database.db, await due(id), walked(`g${i % 3}`));
          if (i % 2 === 0) {
            await retryCrash(database.db, project, id);
            await finishWalk(database.db, await due(id, 2), walked(`g${(i + 1) % 3}`));
          }
        }
      }),
    );
    stop.now = true;
    await Promise.all([...folding, reading]);
    expect(snapshots).toEqual([]);
    await expectExactCounts();
    while ((await foldCounts(database.db, 1000)) > 0);
    await expectExactCounts();
  });

  test("hold after any sequence of storing, finishing, failing, running again and folding", { timeout: 240_000 }, async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("store" as const), install: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }), version: fc.option(fc.constantFrom("1.0", "1.1"), { nil: null }) }) },
      { weight: 6, arbitrary: fc.record({ do: fc.constant("finish" as const), crash: fc.nat(20), to: fc.integer({ min: 0, max: 3 }), os: fc.constantFrom("linux", "windows", null), late: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("fail" as const), crash: fc.nat(20) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("retry" as const), crash: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("fold" as const), limit: fc.integer({ min: 1, max: 20 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { id: of } = await addProject(database.db);
        const ids: string[] = [];
        const starts = new Map<string, DueCrash>();
        for (const one of steps) {
          if (one.do === "store") ids.push(await store({ projectId: of, install: one.install === null ? null : `install-${one.install}`, version: one.version }));
          else if (one.do === "fold") await foldCounts(database.db, one.limit);
          else {
            const id = ids[one.crash % Math.max(1, ids.length)];
            if (id === undefined) continue;
            if (one.do === "retry") {
              await retryCrash(database.db, of, id);
              continue;
            }
            const { revision } = await rowOf(id);
            // A late worker still holds the start of an older revision.
            const start = (one.do === "finish" && one.late ? starts.get(id) : undefined) ?? (await startWalk(database.db, id, revision));
            if (start === undefined) continue;
            starts.set(id, start);
            if (one.do === "fail") await failWalk(database.db, start, "timeout", "x");
            else await finishWalk(database.db, start, walked(`p${one.to}`, { os: one.os }));
          }
        }
        await expectExactCounts(of);
        while ((await foldCounts(database.db, 7)) > 0);
        await expectExactCounts(of);
        const left = await database.db.selectFrom("group_installs").innerJoin("groups", "groups.id", "group_installs.group_id").select("crashes").where("groups.project_id", "=", of).where("crashes", "<=", 0).execute();
        expect(left).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("an empty fold folds nothing, and its answer is how many were folded", async () => {
    while ((await foldCounts(database.db)) > 0);
    expect(await foldCounts(database.db)).toBe(0);
    for (let i = 0; i < 5; i++) await finishWalk(database.db, await due(await store()), walked("five"));
    expect(await foldCounts(database.db, 3)).toBe(3);
    expect(await foldCounts(database.db, 3)).toBe(2);
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

describe("partitions and migrations", () => {
  const partitionOf = async (id: string) => (await sql<{ name: string }>`select tableoid::regclass::text as name from crashes where id = ${id}`.execute(database.db)).rows[0]?.name;
  const idAt = (moment: Date) => {
    const time = moment.getTime().toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${randomBytes(6).toString("hex")}`;
  };
  const insertAt = async (moment: Date) => {
    const id = idAt(moment);
    await database.db.insertInto("crashes").values({ id, project_id: project, received_at: moment, kind: "minidump", state: "stored", blob: "b", blob_bytes: 1, annotations: "{}" }).execute();
    return id;
  };
  const ensure = (moment: Date) => sql`select ensure_crash_partition(${moment})`.execute(database.db);

  test("a crash lands in the partition of its month, exactly at the edges", async () => {
    await ensure(new Date("2031-02-10T00:00:00Z"));
    await ensure(new Date("2031-03-10T00:00:00Z"));
    expect(await partitionOf(await insertAt(new Date("2031-02-01T00:00:00.000Z")))).toBe("crashes_203102");
    expect(await partitionOf(await insertAt(new Date("2031-02-28T23:59:59.999Z")))).toBe("crashes_203102");
    expect(await partitionOf(await insertAt(new Date("2031-03-01T00:00:00.000Z")))).toBe("crashes_203103");
    expect(await partitionOf(await insertAt(new Date("2031-04-01T00:00:00.000Z")))).toBe("crashes_default");
    expect(await partitionOf(await insertAt(new Date("1999-01-01T00:00:00.000Z")))).toBe("crashes_default");
  });

  test("this month's and next month's are there", async () => {
    const next = new Date();
    next.setUTCMonth(next.getUTCMonth() + 1, 1);
    for (const moment of [new Date(), next]) {
      const name = `crashes_${moment.toISOString().slice(0, 7).replace("-", "")}`;
      expect((await sql<{ there: boolean }>`select to_regclass(${name}) is not null as there`.execute(database.db)).rows[0]?.there).toBe(true);
    }
    expect(await partitionOf(await store())).toBe(`crashes_${new Date().toISOString().slice(0, 7).replace("-", "")}`);
  });

  test("making one again, or ten at once, is no error", async () => {
    const moment = new Date("2032-05-05T00:00:00Z");
    await Promise.all(Array.from({ length: 10 }, () => ensure(moment)));
    await ensure(moment);
    expect(await partitionOf(await insertAt(moment))).toBe("crashes_203205");
  });

  // A machine that slept over the end of a month takes its first crash before upkeep makes the partition.
  test("crashes that came before their partition move into it", async () => {
    const moment = new Date("2033-07-07T12:00:00Z");
    const early = await insertAt(moment);
    const other = await insertAt(new Date("2033-09-01T00:00:00Z"));
    expect(await partitionOf(early)).toBe("crashes_default");
    await ensure(moment);
    expect(await partitionOf(early)).toBe("crashes_203307");
    expect(await partitionOf(other)).toBe("crashes_default");
    expect(await partitionOf(await insertAt(new Date("2033-07-08T00:00:00Z")))).toBe("crashes_203307");
    // It is a partition like any other, so a crash in it can be walked.
    await finishWalk(database.db, await due(early), walked("early"));
    expect((await rowOf(early)).state).toBe("grouped");
  });

  test("migrating again runs nothing; ten processes that migrate a new database at once run each once", async () => {
    expect(await migrate(database.url, { queues: true })).toEqual([]);
    const server = inject("testServer");
    const name = `deadair_test_${randomBytes(6).toString("hex")}`;
    await runOn(server.url, `create database ${name}`);
    const url = databaseUrl(server.url, name);
    try {
      const ran = await Promise.all(Array.from({ length: 10 }, () => migrate(url, { queues: true })));
      const names = ran.flat();
      expect(names.length).toBeGreaterThan(0);
      expect(new Set(names).size).toBe(names.length);
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const done = await client.query<{ name: string }>("select name from migrations order by name");
      await client.end();
      expect(done.rows.map((row) => row.name)).toEqual([...names].sort());
    } finally {
      await runOn(server.url, `drop database if exists ${name} with (force)`);
    }
  });
});
