// Counts are exact at any moment, in any order of events, from any number of sides.
import { randomInt } from "node:crypto";
import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { foldCounts } from "../../storage/counts.ts";
import { type DueCrash, failWalk, finishWalk, type NewCrash, retryCrash, startWalk } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
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
const { walked } = rows;

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
            const found = await sql<{ n: number }>`select count(*)::int as n from crashes where project_id = ${project} and group_id is not null`.execute(tx);
            return { sums: sums.rows[0]!.n, rows: found.rows[0]!.n };
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
