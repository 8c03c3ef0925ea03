// The outbox: how a change in the database becomes a job on a queue.
//
// The row is written in the transaction of the change, so that both happen or
// neither. A dispatcher, woken by NOTIFY and by a timer as a fallback, locks due
// rows, adds their jobs in bulk and deletes the rows in the same transaction.
// If it dies between the two, the rows are found again and the jobs are added
// again: a queue ignores a job whose key it still holds, and every processor may
// run twice anyway. Several dispatchers share the work by skipping locked rows.
// A row may be due later: that is how a retry waits, safe from a queue's loss.
import { type RawBuilder, sql } from "kysely";
import pg from "pg";
import type { Logger } from "pino";
import type { Database, Tx } from "./database.ts";
import type { Jobs, QueueName } from "./jobs.ts";
import type { QueuedJob, Queues } from "./queues.ts";
import { uuidv7 } from "./uuid.ts";

/** Rows moved in one transaction. */
const batchRows = 500;
/** How long a row can wait unnoticed when a notification is lost. */
const pollMs = 500;

/** When a job is due, at once unless told; and how urgent it is: 0, the default, runs before anything higher. */
export type JobTiming = { readonly due?: Date; readonly priority?: number };

/** Asks for a job as part of a transaction. `key` names the job on its queue. */
export async function enqueue<Q extends QueueName>(tx: Tx, queue: Q, key: string, payload: Jobs[Q], timing: JobTiming = {}): Promise<void> {
  await enqueueAll(tx, queue, [{ key, payload }], timing);
}

/** Asks for several jobs. */
export async function enqueueAll<Q extends QueueName>(tx: Tx, queue: Q, jobs: readonly { readonly key: string; readonly payload: Jobs[Q] }[], { due, priority = 0 }: JobTiming = {}): Promise<void> {
  if (jobs.length === 0) return;
  await tx
    .insertInto("outbox")
    .values(jobs.map(({ key, payload }) => ({ id: uuidv7(), queue, job_key: key, payload: JSON.stringify(payload), priority, ...(due ? { due_at: due } : {}) })))
    .execute();
}

/** True of rows whose job, named by `key`, is not in the outbox any more. Asking again for one that is would only make the outbox grow while the queue is away. */
export function isNotWaiting(queue: QueueName, key: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`not exists (select from outbox where outbox.queue = ${queue} and outbox.job_key = ${key})`;
}

/** A running dispatcher. */
export type Dispatcher = { stop(): Promise<void> };

/** Starts moving due rows to the queues until stopped. */
export function startDispatcher(db: Database, url: string, queues: Queues, log: Logger): Dispatcher {
  let stopping = false;
  let wake: () => void = () => {};
  const listener = listen(url, () => wake(), log);

  const loop = (async () => {
    let idleMs = pollMs;
    while (!stopping) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      try {
        const moved = await dispatchDue(db, queues);
        idleMs = pollMs;
        if (moved > 0) continue;
      } catch (error) {
        // Postgres or the queue is away: the rows wait where they are.
        idleMs = Math.min(idleMs * 2, 5000);
        log.warn({ err: error }, "outbox: could not hand over jobs, will try again");
      }
      await Promise.race([woken, new Promise((resolve) => setTimeout(resolve, idleMs))]);
    }
  })();

  return {
    async stop() {
      stopping = true;
      wake();
      await Promise.all([loop, listener.stop()]);
    },
  };
}

/** Moves one batch of due rows; returns how many. */
export async function dispatchDue(db: Database, queues: Queues): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx
      .selectFrom("outbox")
      .select(["id", "queue", "job_key", "payload", "priority"])
      .where("due_at", "<=", sql<Date>`now()`)
      .orderBy("due_at")
      .orderBy("id")
      .limit(batchRows)
      .forUpdate()
      .skipLocked()
      .execute();
    if (rows.length === 0) return 0;
    const byQueue = new Map<QueueName, QueuedJob[]>();
    for (const row of rows) {
      const queue = row.queue as QueueName;
      const jobs = byQueue.get(queue) ?? [];
      jobs.push({ key: row.job_key, payload: row.payload, priority: row.priority });
      byQueue.set(queue, jobs);
    }
    for (const [queue, jobs] of byQueue) await queues.add(queue, jobs);
    await tx
      .deleteFrom("outbox")
      .where(
        "id",
        "in",
        rows.map((row) => row.id),
      )
      .execute();
    return rows.length;
  });
}

function listen(url: string, onWake: () => void, log: Logger): { stop(): Promise<void> } {
  let client: pg.Client | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const connect = async () => {
    if (stopped) return;
    const next = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true });
    let lost = false;
    const retry = (error?: Error) => {
      if (lost || stopped) return;
      lost = true;
      if (error) log.debug({ err: error }, "outbox: notifications lost, polling until they are back");
      next.end().catch(() => {});
      timer = setTimeout(() => {
        connecting = connect();
      }, 1000);
    };
    next.on("error", retry);
    next.on("end", () => retry());
    next.on("notification", onWake);
    try {
      await next.connect();
      await next.query("listen deadair_outbox");
      client = next;
      onWake();
    } catch (error) {
      retry(error instanceof Error ? error : new Error(String(error)));
    }
  };
  let connecting = connect();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await connecting;
      await client?.end().catch(() => {});
    },
  };
}
