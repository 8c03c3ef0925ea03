import { afterEach, describe, expect, it } from "vitest";
import { openThreadPool, type Job, type ThreadPool } from "../../../stackwalk/pool/thread-pool.ts";
import type { Order } from "./misbehaving-thread.ts";

const pools: ThreadPool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

function open(threads = 1, more: { heapBytes?: number; idleMs?: number } = {}): ThreadPool {
  const pool = openThreadPool({ module: new URL("misbehaving-thread.ts", import.meta.url), threads, heapBytes: more.heapBytes ?? 64 * 1048576, idleMs: more.idleMs ?? 10_000, setting: "set" });
  pools.push(pool);
  return pool;
}

const job = (order: Order, more: Partial<Job> = {}): Job => ({ message: () => order, timeoutMs: 20_000, ...more });
const echo = job({ do: "echo", value: 1 });
const echoed = { ok: true, value: ["set", 1] };

describe("a pool of threads", () => {
  it("does more jobs than it has threads", async () => {
    const pool = open(2);
    const ends = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.run(job({ do: "echo", value: i }))));
    expect(ends).toEqual(Array.from({ length: 40 }, (_, i) => ({ ok: true, value: ["set", i] })));
  });

  it("uses a thread again", async () => {
    const pool = open(1);
    const remember = job({ do: "remember" });
    expect([await pool.run(remember), await pool.run(remember)]).toEqual([{ ok: true, value: 1 }, { ok: true, value: 2 }]);
  });

  it("ends a thread that has had no work for a while", async () => {
    const pool = open(1, { idleMs: 20 });
    const remember = job({ do: "remember" });
    expect(await pool.run(remember)).toEqual({ ok: true, value: 1 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await pool.run(remember)).toEqual({ ok: true, value: 1 });
  });

  it("answers what a thread asks while it works", async () => {
    const pool = open(2);
    const asking = () => job({ do: "ask" }, { answer: async (question) => (await new Promise((resolve) => setTimeout(resolve, 5)), Number(question) * 10) });
    expect(await Promise.all([pool.run(asking()), pool.run(asking()), pool.run(asking())])).toEqual(Array.from({ length: 3 }, () => ({ ok: true, value: [10, 20, 30] })));
  });

  it("does not count the time of an answer", async () => {
    const pool = open(1);
    await pool.run(echo);
    const slow = job({ do: "ask" }, { timeoutMs: 400, answer: () => new Promise((resolve) => setTimeout(resolve, 300, 0)) });
    expect(await pool.run(slow)).toEqual({ ok: true, value: [0, 0, 0] });
  });

  it("passes on what an answer fails with, and works on", async () => {
    const pool = open(1);
    await expect(pool.run(job({ do: "ask" }, { answer: () => Promise.reject(new Error("the database is away")) }))).rejects.toThrow("the database is away");
    expect(await pool.run(echo)).toEqual(echoed);
  });

  // What can happen to a job, and what its caller is told. The thread is replaced each time.
  const rows: [string, Order, Partial<Job>, { reason: string; message: string | RegExp }][] = [
    ["runs for ever", { do: "spin" }, { timeoutMs: 300 }, { reason: "timeout", message: "The work took longer than 300 ms." }],
    ["has a bug", { do: "throw" }, {}, { reason: "crashed", message: "TypeError: a bug" }],
    ["ends its thread", { do: "exit" }, {}, { reason: "crashed", message: "The thread ended with code 7." }],
    ["eats memory", { do: "eat" }, {}, { reason: "memory", message: "More than 67108864 bytes of memory were needed." }],
    ["waits for an answer that does not come, and is cancelled", { do: "ask" }, { signal: AbortSignal.timeout(1500), answer: () => new Promise(() => {}) }, { reason: "cancelled", message: "The work was cancelled." }],
  ];
  it.each(rows)("fails a job that %s, and only that", { timeout: 30_000 }, async (_, order, more, failure) => {
    const pool = open(1);
    const [end, next] = await Promise.all([pool.run(job(order, more)), pool.run(echo)]);
    expect(end).toMatchObject({ ok: false, failure });
    expect(next).toEqual(echoed);
  });

  it("blames no job for a thread that cannot start", async () => {
    const pool = openThreadPool({ module: new URL("no-such-thread.ts", import.meta.url), threads: 1, heapBytes: 64 * 1048576, idleMs: 1000 });
    pools.push(pool);
    await expect(pool.run(echo)).rejects.toThrow(/no-such-thread/);
    await expect(pool.run(echo)).rejects.toThrow(/no-such-thread/);
  });

  it("cancels a job that runs, one that waits, and one that has not begun", async () => {
    const pool = open(1);
    const stop = new AbortController();
    const cancelled = { ok: false, failure: { reason: "cancelled", message: "The work was cancelled." } };
    const spinning = pool.run(job({ do: "spin" }, { signal: stop.signal }));
    const waiting = pool.run(job({ do: "echo" }, { signal: stop.signal }));
    const other = pool.run(echo);
    stop.abort();
    expect(await Promise.all([spinning, waiting, other, pool.run(job({ do: "echo" }, { signal: stop.signal }))])).toEqual([cancelled, cancelled, echoed, cancelled]);
  });

  it("ends everything when it closes", async () => {
    const pool = open(1);
    const ends = Promise.all([pool.run(job({ do: "spin" })), pool.run(echo)]);
    await pool.close();
    expect((await ends).map((end) => end.ok)).toEqual([false, false]);
    expect(await pool.run(echo)).toMatchObject({ ok: false, failure: { reason: "cancelled" } });
  });

  it("keeps the environment of the process from its threads", async () => {
    process.env["DEADAIR_TEST_SECRET"] = "x";
    const end = await open().run(job({ do: "environment" }));
    delete process.env["DEADAIR_TEST_SECRET"];
    expect(end).toMatchObject({ ok: true });
    expect((end as { value: string[] }).value.filter((name) => !name.startsWith("NODE_") && name !== "TZ")).toEqual([]);
  });
});
