// Upkeep: what must happen now and then, in some process, not in each.
//
// Every task may run in several processes at once and at any time: each locks
// what it touches, or does in one statement what it does. A task that fails is
// logged and comes again.
import { sql } from "kysely";
import type { Logger } from "pino";
import type { Limits } from "../../config/limits.ts";
import { foldCounts } from "../../storage/counts.ts";
import { reclaimCrashes } from "../../storage/crashes.ts";
import { reclaimFiles } from "../../storage/debug-files.ts";
import { reclaimNews } from "../../storage/groups.ts";
import type { Storage } from "../../storage/storage.ts";
import { reclaimDeliveries } from "../deliver/reclaim.ts";

type Task = { readonly name: string; readonly everyMs: number; run(): Promise<unknown> };

const cacheBytes = 5 * 1024 ** 3;
const uploadKeyDays = 30;

/** Running upkeep. */
export type Upkeep = { stop(): Promise<void> };

/** Starts all tasks of upkeep on their timers. */
export function startUpkeep(storage: Storage, limits: Limits, log: Logger): Upkeep {
  const { db, blobs } = storage;
  const reclaimMs = Math.max(500, (limits.RECLAIM_SECONDS * 1000) / 4);
  const tasks: Task[] = [
    {
      name: "fold counts",
      everyMs: 500,
      async run() {
        // A full batch means that more is waiting.
        for (let more = true; more; ) more = (await foldCounts(db)) >= 20_000;
      },
    },
    { name: "reclaim crashes", everyMs: reclaimMs, run: () => reclaimCrashes(db, limits.RECLAIM_SECONDS) },
    { name: "reclaim debug files", everyMs: reclaimMs, run: () => reclaimFiles(db, limits.RECLAIM_SECONDS) },
    { name: "reclaim news", everyMs: reclaimMs, run: () => reclaimNews(db, limits.RECLAIM_SECONDS) },
    { name: "reclaim deliveries", everyMs: reclaimMs, run: () => reclaimDeliveries(db, limits.RECLAIM_SECONDS) },
    { name: "make next month's partition", everyMs: 6 * 3600_000, run: () => sql`select ensure_crash_partition(now()), ensure_crash_partition(now() + interval '1 month')`.execute(db) },
    { name: "forget old upload keys", everyMs: 3600_000, run: () => sql`delete from upload_keys where created_at < now() - ${`${uploadKeyDays} days`}::interval`.execute(db) },
    { name: "forget old logins", everyMs: 3600_000, run: () => sql`delete from logins where expires_at < now()`.execute(db) },
    { name: "prune the blob cache", everyMs: 600_000, run: async () => ("prune" in blobs ? blobs.prune(cacheBytes) : undefined) },
  ];
  const loops = tasks.map((task) => repeat(task, log));
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

// Never two runs of a task at once in one process; the pause counts from its end.
function repeat(task: Task, log: Logger): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout;
  let running: Promise<void> = Promise.resolve();
  const round = () => {
    running = task
      .run()
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error, task: task.name }, "upkeep failed, will try again"),
      )
      .then(() => {
        if (!stopped) timer = setTimeout(round, task.everyMs);
      });
  };
  timer = setTimeout(round, Math.min(task.everyMs, 1000) * Math.random());
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
