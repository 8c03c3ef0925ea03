// One real Postgres for a whole test run (a Vitest globalSetup).
//
// It is the embedded server that people run, in a folder under the system's
// temporary one, without syncing to disk: nothing here has to survive. The
// schema is migrated once into a template database; database.ts copies it for
// each test file, which takes milliseconds and leaves no cleaning up to write.
// TEST_DATABASE_URL names a server to use instead; its user must be able to
// create databases.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { pino } from "pino";
import type { TestProject } from "vitest/node";
import { migrate } from "../../storage/migrate.ts";
import { startPostmaster } from "../../storage/postmaster.ts";

/** What a test needs to know to get a database of its own. */
export type TestServer = {
  /** Connection string of a database whose user may create others. */
  readonly url: string;
  /** Name of the migrated database to copy. */
  readonly template: string;
};

declare module "vitest" {
  // Merged into Vitest's own interface, hence not a type.
  interface ProvidedContext {
    testServer: TestServer;
  }
}

const settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"];

let stop: () => Promise<void> = async () => {};

/** Starts the server and makes the template, before the first test file. */
export async function setup(project: Pick<TestProject, "provide">): Promise<void> {
  const given = process.env["TEST_DATABASE_URL"];
  const server = given ? { url: given, stop: async () => {} } : await startServer();
  stop = server.stop;
  try {
    const template = await makeTemplate(server.url);
    stop = async () => {
      await dropTemplate(server.url, template);
      await server.stop();
    };
    project.provide("testServer", { url: server.url, template });
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Stops the server and removes its folder, after the last test file. */
export async function teardown(): Promise<void> {
  await stop();
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "deadair-test-"));
  // Postgres runs as another user when we are root, and has to pass through.
  chmodSync(folder, 0o711);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const server = await startPostmaster({ dir: path.join(folder, "postgres"), secretFile: path.join(folder, "secret.json"), log: pino({ level: "warn" }), settings });
    return {
      url: server.url,
      async stop() {
        await server.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

async function makeTemplate(url: string): Promise<string> {
  const template = `deadair_template_${randomBytes(6).toString("hex")}`;
  await runOn(url, `create database ${template}`);
  await migrate(databaseUrl(url, template), { queues: true });
  return template;
}

async function dropTemplate(url: string, template: string): Promise<void> {
  await runOn(url, `drop database if exists ${template} with (force)`);
}

/** Runs one statement that cannot be part of a transaction. */
export async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The connection string of another database on the same server. */
export function databaseUrl(url: string, database: string): string {
  const next = new URL(url);
  next.pathname = `/${database}`;
  return next.href;
}
