// The schema: migrations run once each, and months have partitions in time.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { finishWalk } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { addProject } from "../support/alert-rows.ts";
import * as rows from "../support/crash-rows.ts";
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

const store = () => rows.store(database.db, project);
const due = (id: string) => rows.due(database.db, id);
const rowOf = (id: string) => rows.rowOf(database.db, id);
const { walked } = rows;

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

  // Symbols of a version that healed nothing: what waited for them is healed after the update.
  test("what was uploaded and missed before native symbols is kept, and unsettled", async () => {
    const server = inject("testServer");
    const name = `deadair_test_${randomBytes(6).toString("hex")}`;
    await runOn(server.url, `create database ${name}`);
    const url = databaseUrl(server.url, name);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query("create table migrations (name text primary key, at timestamptz not null default now())");
      await client.query(readFileSync(path.join(import.meta.dirname, "../../storage/migrations/0001-foundations.sql"), "utf8"));
      await client.query("insert into migrations (name) values ('0001-foundations.sql')");
      await client.query("insert into projects (slug, name, ingest_key) values ('p', 'p', 'k')");
      await client.query(`insert into debug_files (id, project_id, kind, debug_file, debug_id, os, arch, blob, bytes, functions, lines, unwind_rows)
        values (gen_random_uuid(), 1, 'breakpad', 'a.so', 'A0', 'Linux', 'x86_64', 'blob', 1, 2, 3, 0)`);
      await client.query("insert into missing_symbols (project_id, debug_id, debug_file, crash_id) values (1, 'A0', 'a.so', gen_random_uuid())");
      expect(await migrate(url, { queues: false })).toContain("0002-native-symbols.sql");
      expect((await client.query("select kind, debug_id, holds, lacks, problem, compiled_at, settled_at from debug_files")).rows).toEqual([
        { kind: "breakpad", debug_id: "A0", holds: { functions: true, publics: false, lines: true, inlines: false, unwind: false }, lacks: [], problem: null, compiled_at: null, settled_at: null },
      ]);
      expect((await client.query("select debug_id, code_id, code_file, lacks from missing_symbols")).rows).toEqual([{ debug_id: "A0", code_id: "", code_file: "", lacks: "all" }]);
    } finally {
      await client.end();
      await runOn(server.url, `drop database if exists ${name} with (force)`);
    }
  });
});
