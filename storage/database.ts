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
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { db, url, close: () => db.destroy() };
}
