// A database of its own for a test file: a copy of the migrated template that
// global-postgres.ts made.
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { type OpenDatabase, openDatabase } from "../../storage/database.ts";
import { databaseUrl, runOn } from "./global-postgres.ts";

/** Time that connections get to be gone after a test has closed what it opened: a pool says it has ended a moment before its sockets have. */
const leaveMs = 5000;

/** Makes an empty, migrated database (the queues' schema included). `close` disconnects and drops it; it rejects when something else still holds a connection. */
export async function testDatabase(): Promise<OpenDatabase> {
  const server = inject("testServer");
  if (server === undefined) throw new Error("No test server: vitest.config.ts must name test/support/global-postgres.ts in globalSetup.");
  const name = `deadair_test_${randomBytes(6).toString("hex")}`;
  await runOn(server.url, `create database ${name} template ${server.template}`);
  const url = databaseUrl(server.url, name);
  const open = openDatabase(url, {
    max: 10,
    onError: (error) => {
      throw error;
    },
  });
  return {
    db: open.db,
    url,
    async close() {
      await open.close();
      await drop(server.url, name);
    },
  };
}

async function drop(url: string, name: string): Promise<void> {
  for (const until = Date.now() + leaveMs; ; ) {
    try {
      return await runOn(url, `drop database if exists ${name}`);
    } catch (error) {
      // 55006: it is being used. Dropping it by force would break a connection that is about to end by itself.
      if ((error as { code?: string }).code !== "55006" || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
