// The outbox: a job asked for in a transaction reaches its queue if and only if
// the transaction commits, whatever happens to the queue or the notifications.
import { sql } from "kysely";
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { OpenDatabase } from "../../storage/database.ts";
import type { QueueName } from "../../storage/jobs.ts";
import { type Dispatcher, dispatchDue, enqueue, startDispatcher } from "../../storage/outbox.ts";
import type { QueuedJob, Queues } from "../../storage/queues.ts";
import { testDatabase } from "../support/database.ts";
import { eventually, sleep, within } from "../support/eventually.ts";

const log = pino({ level: "silent" });

let database: OpenDatabase;
const running: Dispatcher[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((dispatcher) => within(60, "stopping a dispatcher", dispatcher.stop())));
  await database.db.deleteFrom("outbox").execute();
});
afterAll(() => database.close());

/** Queues that note what is added, and fail when told to. */
function notingQueues(): Queues & { added: (QueuedJob & { queue: QueueName })[]; down: boolean; slowMs: number } {
  const queues = {
    backend: "postgres" as const,
    added: [] as (QueuedJob & { queue: QueueName })[],
    down: false,
    slowMs: 0,
    async add(queue: QueueName, jobs: readonly QueuedJob[]) {
      if (queues.slowMs > 0) await sleep(queues.slowMs);
      if (queues.down) throw new Error("the queue is away");
      queues.added.push(...jobs.map((job) => ({ ...job, queue })));
    },
    consume(): never {
      throw new Error("not here");
    },
    depth: async () => 0,
    close: async () => {},
  };
  return queues;
}

function start(queues: Queues, url = database.url): Dispatcher {
  const dispatcher = startDispatcher(database.db, url, queues, log);
  running.push(dispatcher);
  return dispatcher;
}

const ask = (key: string, due?: Date) => database.db.transaction().execute((tx) => enqueue(tx, "deliver", key, { delivery: key }, due ? { due } : {}));
const rows = async () => (await database.db.selectFrom("outbox").select("job_key").orderBy("id").execute()).map((row) => row.job_key);

describe("dispatchDue", () => {
  test("moves a committed row with its queue, key and payload, once", async () => {
    const queues = notingQueues();
    await ask("one");
    expect(await dispatchDue(database.db, queues)).toBe(1);
    expect(await dispatchDue(database.db, queues)).toBe(0);
    expect(queues.added).toEqual([{ queue: "deliver", key: "one", payload: { delivery: "one" }, priority: 0 }]);
    expect(await rows()).toEqual([]);
  });

  test("a transaction that is rolled back asks for nothing", async () => {
    const queues = notingQueues();
    await database.db
      .transaction()
      .execute(async (tx) => {
        await enqueue(tx, "deliver", "undone", { delivery: "undone" });
        throw new Error("rolled back");
      })
      .catch(() => {});
    expect(await dispatchDue(database.db, queues)).toBe(0);
    expect(queues.added).toEqual([]);
  });

  test("a row that is not committed yet is not seen, and is moved afterwards", async () => {
    const queues = notingQueues();
    const gate = Promise.withResolvers<void>();
    const inserted = Promise.withResolvers<void>();
    const open = database.db.transaction().execute(async (tx) => {
      await enqueue(tx, "deliver", "pending", { delivery: "pending" });
      inserted.resolve();
      await gate.promise;
    });
    await inserted.promise;
    expect(await dispatchDue(database.db, queues)).toBe(0);
    gate.resolve();
    await open;
    expect(await dispatchDue(database.db, queues)).toBe(1);
  });

  test("a row that is due later waits until then", async () => {
    const queues = notingQueues();
    await ask("later", new Date(Date.now() + 3600_000));
    await ask("past", new Date(Date.now() - 3600_000));
    expect(await dispatchDue(database.db, queues)).toBe(1);
    expect(queues.added.map((job) => job.key)).toEqual(["past"]);
    await database.db.updateTable("outbox").set({ due_at: sql<Date>`now()` }).execute();
    expect(await dispatchDue(database.db, queues)).toBe(1);
  });

  test("more rows than a batch are moved in several, the oldest first", async () => {
    const queues = notingQueues();
    await database.db.transaction().execute(async (tx) => {
      for (let i = 0; i < 520; i++) await enqueue(tx, "deliver", `many-${i}`, { delivery: `many-${i}` });
    });
    const first = await dispatchDue(database.db, queues);
    expect(first).toBeLessThan(520);
    let all = first;
    for (let n = first; n > 0; all += n) n = await dispatchDue(database.db, queues);
    expect(all).toBe(520);
    expect(queues.added.map((job) => job.key)).toEqual(Array.from({ length: 520 }, (_, i) => `many-${i}`));
  });

  test("when the queue does not take jobs, every row stays; then they move", async () => {
    const queues = notingQueues();
    await ask("a");
    await ask("b");
    queues.down = true;
    await expect(dispatchDue(database.db, queues)).rejects.toThrow("the queue is away");
    expect(await rows()).toEqual(["a", "b"]);
    queues.down = false;
    expect(await dispatchDue(database.db, queues)).toBe(2);
  });

  test("two at the same time move each row once", async () => {
    const [left, right] = [notingQueues(), notingQueues()];
    left.slowMs = right.slowMs = 20;
    await database.db.transaction().execute(async (tx) => {
      for (let i = 0; i < 1200; i++) await enqueue(tx, "deliver", `shared-${i}`, { delivery: `shared-${i}` });
    });
    const drain = async (queues: Queues) => {
      for (let idle = 0; idle < 3; ) idle = (await dispatchDue(database.db, queues)) === 0 ? idle + 1 : 0;
    };
    await Promise.all([drain(left), drain(right)]);
    const keys = [...left.added, ...right.added].map((job) => job.key);
    expect(keys).toHaveLength(1200);
    expect(new Set(keys).size).toBe(1200);
    expect(await rows()).toEqual([]);
  });
});

describe("the dispatcher", () => {
  test("is woken by a commit, well before it would have looked", async () => {
    const queues = notingQueues();
    start(queues);
    await ask("warm");
    await eventually("it runs", () => queues.added.length, (n) => n === 1);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const from = performance.now();
      await ask(`woken-${i}`);
      await eventually("it moved", () => queues.added.length, (n) => n === i + 2, { everyMs: 2 });
      waits.push(performance.now() - from);
    }
    // A poll alone would take a quarter of a second on average.
    expect(waits.sort((a, b) => a - b)[4]).toBeLessThan(200);
  });

  test("finds rows by itself when notifications are lost", async () => {
    const queues = notingQueues();
    // The listener cannot connect; the pool can.
    start(queues, "postgres://deadair:wrong@127.0.0.1:1/nowhere");
    await ask("unheard");
    await eventually("polling finds it", () => queues.added.map((job) => job.key), (keys) => keys.includes("unheard"));
  });

  test("listens again after its connection was cut", async () => {
    const queues = notingQueues();
    start(queues);
    await ask("before");
    await eventually("it runs", () => queues.added.length, (n) => n === 1);
    const listeners = async () => {
      const found = await sql<{ pid: number }>`select pid from pg_stat_activity where datname = current_database() and query = 'listen deadair_outbox'`.execute(database.db);
      return found.rows.map((row) => row.pid);
    };
    const [pid] = await eventually("it listens", listeners, (pids) => pids.length === 1);
    await sql`select pg_terminate_backend(${pid!})`.execute(database.db);
    await eventually("it listens again", listeners, (pids) => pids.length === 1 && pids[0] !== pid);
    await ask("after");
    await eventually("it works", () => queues.added.length, (n) => n === 2);
  });

  test("goes on by itself after the queue was away", async () => {
    const queues = notingQueues();
    queues.down = true;
    start(queues);
    await ask("patience");
    await sleep(300);
    expect(await rows()).toEqual(["patience"]);
    queues.down = false;
    await eventually("it moved", () => queues.added.length, (n) => n === 1);
    // Its row goes when the transaction that moved it commits, a moment after the queue has the job.
    await eventually("its row is gone", rows, (left) => left.length === 0);
  });

  test("a row due in a moment is moved without anybody waking it", async () => {
    const queues = notingQueues();
    start(queues);
    await ask("soon", new Date(Date.now() + 1500));
    await sleep(200);
    expect(queues.added).toEqual([]);
    await eventually("it moved", () => queues.added.length, (n) => n === 1);
  });

  test("stop ends it: nothing moves afterwards and no connection is left", async () => {
    const queues = notingQueues();
    const dispatcher = start(queues);
    await ask("first");
    await eventually("it runs", () => queues.added.length, (n) => n === 1);
    await within(30, "stop", dispatcher.stop());
    running.length = 0;
    await ask("second");
    await sleep(800);
    expect(queues.added).toHaveLength(1);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const found = await client.query("select 1 from pg_stat_activity where datname = current_database() and query = 'listen deadair_outbox'");
      expect(found.rowCount).toBe(0);
    } finally {
      await client.end();
    }
  });

  test("stopped at once after its start, it ends too", async () => {
    for (let i = 0; i < 5; i++) await within(30, "stop", startDispatcher(database.db, database.url, notingQueues(), log).stop());
  });
});
