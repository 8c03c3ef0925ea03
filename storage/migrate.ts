// Migrations are numbered SQL files, each run once, in order, in a transaction
// of its own. The row that records one is inserted before its SQL runs, under
// an advisory lock, so that two processes that start together cannot both run it.
// A file that has landed is never edited: what it did is in people's databases.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { runMigrations } from "bullmq";
import pg from "pg";

const folder = path.join(import.meta.dirname, "migrations");
const lockKey = 4_747_001;

/** Brings the database, and the queue's own schema when `queues` is set, up to date. Returns the names of the migrations it ran. */
export async function migrate(url: string, options: { queues: boolean }): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [lockKey]);
    await client.query("create table if not exists migrations (name text primary key, at timestamptz not null default now())");
    const done = new Set((await client.query<{ name: string }>("select name from migrations")).rows.map((row) => row.name));
    const ran: string[] = [];
    for (const name of readdirSync(folder).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort()) {
      if (done.has(name)) continue;
      await runOne(client, name);
      ran.push(name);
    }
    await client.query("select ensure_crash_partition(now()), ensure_crash_partition(now() + interval '1 month')");
    if (options.queues) await runMigrations(client);
    return ran;
  } finally {
    await client.end();
  }
}

async function runOne(client: pg.Client, name: string): Promise<void> {
  await client.query("begin");
  try {
    await client.query("insert into migrations (name) values ($1)", [name]);
    await client.query(readFileSync(path.join(folder, name), "utf8"));
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw new Error(`migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
