// What a caller sees when Postgres goes away in the middle.
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OpenDatabase } from "../../storage/database.ts";
import { testDatabase } from "../support/database.ts";

let database: OpenDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

// Class 08 or 57, or the socket's own end: what services/errors.ts answers with 503.
function isAway(error: unknown): boolean {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  return /^(08|57P|ECONNRESET|EPIPE)/.test(code) || message.includes("Connection terminated");
}

test("a transaction whose connection breaks says that the database is away", async () => {
  const broken = database.db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await sql`insert into projects (slug, name, ingest_key) values ('half-done', 'x', 'half-done')`.execute(tx);
    await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(database.db);
    await sql`select 1`.execute(tx);
  });
  await expect(broken).rejects.toSatisfy(isAway);
  const { rows } = await sql`select 1 from projects where slug = 'half-done'`.execute(database.db);
  expect(rows).toEqual([]);
});

test("so does one whose connection broke between two of its queries", async () => {
  const broken = database.db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(database.db);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await sql`select 1`.execute(tx);
  });
  await expect(broken).rejects.toSatisfy(isAway);
});

test("after twenty broken transactions the pool still gives whole connections", async () => {
  for (let i = 0; i < 20; i++) {
    await database.db
      .transaction()
      .execute(async (tx) => {
        await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx);
      })
      .catch(() => {});
  }
  const answers = await Promise.all(Array.from({ length: 20 }, () => sql<{ n: number }>`select 1 as n`.execute(database.db)));
  expect(answers.map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 20 }, () => 1));
});

test("an ordinary failure is still rolled back and told as it is", async () => {
  const failed = database.db.transaction().execute(async (tx) => {
    await sql`insert into projects (slug, name, ingest_key) values ('undone', 'x', 'undone')`.execute(tx);
    await sql`select 1 / 0`.execute(tx);
  });
  await expect(failed).rejects.toMatchObject({ code: "22012" });
  expect((await sql`select 1 from projects where slug = 'undone'`.execute(database.db)).rows).toEqual([]);
});
