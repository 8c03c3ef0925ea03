// The connection to Postgres: one pool per process, typed by kysely.
//
// int8 columns arrive as text and are turned into numbers by those who read
// them (`Number(row.crash_count)`): a count stays below 2^53. A `date` stays
// the text that Postgres prints, since a JavaScript Date would move it by the
// zone of the machine.
import { Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import type { Tables } from "./tables.ts";

const dateOid = 1082;
pg.types.setTypeParser(dateOid, (text) => text);

/** The database, or a transaction in it. */
export type Database = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** An open database with what is needed beside queries. */
export type OpenDatabase = {
  readonly db: Database;
  readonly url: string;
  close(): Promise<void>;
};

/** Connects lazily; nothing is reached before the first query. Errors of idle connections go to `onError`: the pool replaces them by itself. */
export function openDatabase(url: string, options: { max: number; onError: (error: Error) => void }): OpenDatabase {
  const pool = new pg.Pool({ connectionString: url, max: options.max, idleTimeoutMillis: 20_000, connectionTimeoutMillis: 10_000, keepAlive: true });
  pool.on("error", options.onError);
  // The pool listens to idle connections only. One that breaks while it is lent out says so to whoever
  // uses it, by the query that fails; without a listener its `error` would also end the process.
  pool.on("connect", (client) => client.on("error", (error) => failFrom(client, error)));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { db, url, close: () => db.destroy() };
}

// The query that was running when a connection broke fails with a code; a later
// one of the same transaction, its rollback included, fails without one, and hides
// the first. They get the code connection_failure (Postgres, appendix A), by which
// a caller knows that the database is away.
function failFrom(client: pg.PoolClient, error: Error): void {
  const fail = () => Promise.reject(Object.assign(new Error(`the connection to Postgres broke: ${error.message}`, { cause: error }), { code: "08006" }));
  client.query = fail as typeof client.query;
}
