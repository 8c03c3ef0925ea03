// Storage: what services and workers stand on.
//
// Postgres is the one place of truth (database.ts, migrations/). Blobs hold what
// is too big for a row (blobs/). Queues only carry work from one process to
// another (queues.ts): what they must carry is written to the outbox first
// (outbox.ts), so that losing a queue loses no work. Everything of the product
// that reads or writes a table lives here or in a service's own module; the
// tables that several rooms share have theirs here: crashes.ts (a crash's life),
// groups.ts (which group it belongs to), counts.ts (how many).
//
// openStorage() connects one process; `up` starts Postgres first (postmaster.ts).
import path from "node:path";
import type { Logger } from "pino";
import type { Settings } from "../config/settings.ts";
import type { BlobStore } from "./blobs/blobs.ts";
import { openFolderBlobs } from "./blobs/folder.ts";
import { openS3Blobs, type S3Blobs } from "./blobs/s3.ts";
import { openSpool, type Spool } from "./blobs/spool.ts";
import { type Database, openDatabase } from "./database.ts";
import { openQueues, type Queues } from "./queues.ts";

/** Everything one process keeps open. */
export type Storage = {
  readonly db: Database;
  /** Connection string of the database, for those who LISTEN. */
  readonly databaseUrl: string;
  readonly blobs: BlobStore | S3Blobs;
  readonly spool: Spool;
  readonly queues: Queues;
  close(): Promise<void>;
};

/** Connects to Postgres, blobs and queues as the settings say. `databaseUrl` is where Postgres is, embedded or not; `connections` bounds the pool. */
export function openStorage(settings: Settings, databaseUrl: string, options: { connections: number; log: Logger }): Storage {
  const { log } = options;
  const database = openDatabase(databaseUrl, { max: options.connections, onError: (error) => log.debug({ err: error }, "database: connection lost") });
  const blobs = settings.blobUrl === undefined ? openFolderBlobs(path.join(settings.dataDir, "blobs")) : openS3Blobs(settings.blobUrl, path.join(settings.dataDir, "cache", "blobs"));
  const spool = openSpool(path.join(settings.dataDir, "spool"));
  const queues = openQueues({ databaseUrl, redisUrl: settings.redisUrl, log });
  return {
    db: database.db,
    databaseUrl,
    blobs,
    spool,
    queues,
    async close() {
      await queues.close();
      await database.close();
    },
  };
}
