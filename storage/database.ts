// The connection to Postgres: one pool per process, typed by kysely.
//
// int8 columns arrive as text and are turned into numbers by those who read
// them (`Number(row.crash_count)`): a count stays below 2^53. A `date` stays
// the text that Postgres prints, since a JavaScript Date would move it by the
// zone of the machine.
import { type DatabaseConnection, Kysely, PostgresDialect, type PostgresDialectConfig, PostgresDriver, type Transaction } from "kysely";
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
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Tables>({ dialect: new Dialect({ pool }) });
  return { db, url, close: () => db.destroy() };
}

// A transaction whose connection breaks cannot be rolled back either, and by
// itself kysely would tell of that, hiding what happened first: the code by which
// a caller knows that the database is away. Postgres has rolled it back by then,
// and the pool does not take a broken connection back.
class Driver extends PostgresDriver {
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch((error: unknown) => {
      if (!(error instanceof Error) || !/not queryable|terminated|closed/i.test(error.message)) throw error;
    });
  }
}

class Dialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;
  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }
  override createDriver(): Driver {
    return new Driver(this.#config);
  }
}
