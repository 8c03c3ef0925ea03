// The contract of the queues, held by both backends. What differs (how a backend
// is made, killed and brought back) is in `backends`; everything else is one suite.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../../storage/migrate.ts";
import { type Postmaster, startPostmaster } from "../../storage/postmaster.ts";
import { type Consumer, openQueues, type Queues } from "../../storage/queues.ts";
import { endEverything, startScript, testFolder } from "../support/child-processes.ts";
import { eventually, within } from "../support/eventually.ts";
import { type RedisServer, redisServerBinary, startRedisServer } from "../support/redis-server.ts";

const log = pino({ level: "silent" });

type Backend = {
  readonly kind: "postgres" | "redis";
  /** Connection string of a queue that starts empty. */
  url(): string;
  /** Makes the backend go away without a word. */
  kill(): Promise<void>;
  /** Brings it back with what it had. */
  revive(): Promise<void>;
};

const missing = redisServerBinary() === undefined;
const backends = [
  { kind: "postgres" as const, skip: false },
  // redis-server is a program of the system; npm cannot bring it.
  { kind: "redis" as const, skip: missing },
];

afterAll(endEverything);

for (const { kind, skip } of backends) {
  describe.skipIf(skip)(`queues on ${kind}${skip ? " (redis-server is not installed)" : ""}`, () => {
    let backend: Backend & { close(): Promise<void> };
    const opened: Queues[] = [];

    beforeAll(async () => {
      backend = kind === "postgres" ? await postgresBackend() : await redisBackend();
    }, 120_000);
    afterEach(async () => {
      // Each test leaves an empty queue: what is left would run in the next one.
      await Promise.all(opened.splice(0).map((queues) => within(60, "closing the queues", queues.close())));
    });
    afterAll(() => backend.close());

    function open(): Queues {
      const queues = openQueues({ databaseUrl: kind === "postgres" ? backend.url() : "", redisUrl: kind === "redis" ? backend.url() : undefined, log });
      opened.push(queues);
      return queues;
    }

    /** Consumes `deliver`, noting what came, until the test ends. */
    function note(queues: Queues, concurrency = 1): { seen: string[]; consumer: Consumer } {
      const seen: string[] = [];
      const consumer = queues.consume("deliver", concurrency, async ({ delivery }) => {
        seen.push(delivery);
      });
      return { seen, consumer };
    }

    test("names its backend", () => {
      expect(open().backend).toBe(kind);
    });

    test("a job is consumed once, with its payload", async () => {
      const queues = open();
      await queues.add("deliver", [job("once")]);
      const { seen } = note(queues, 4);
      await eventually("the job ran", () => seen, (all) => all.length > 0);
      await eventually("the queue is empty", () => queues.depth("deliver"), (depth) => depth === 0);
      expect(seen).toEqual(["once"]);
    });

    test("jobs of one queue do not reach another", async () => {
      const queues = open();
      const crashes: string[] = [];
      queues.consume("symbolicate", 1, async ({ crash, revision }) => {
        crashes.push(`${crash}/${revision}`);
      });
      const { seen } = note(queues);
      await queues.add("symbolicate", [{ key: "crash-1", payload: { crash: "c1", revision: 3 } }]);
      await queues.add("deliver", [job("d1")]);
      await eventually("both ran", () => [...crashes, ...seen], (all) => all.length === 2);
      expect({ crashes, seen }).toEqual({ crashes: ["c1/3"], seen: ["d1"] });
    });

    test("what is urgent overtakes what is not; equals keep their order", async () => {
      const queues = open();
      await queues.add("deliver", [1, 2].map((n) => ({ ...job(`late-${n}`), priority: 10 })));
      await queues.add("deliver", [job("new-1"), { ...job("new-2"), priority: 0 }]);
      const { seen } = note(queues);
      await eventually("all ran", () => seen.length, (n) => n === 4);
      expect(seen).toEqual(["new-1", "new-2", "late-1", "late-2"]);
    });

    test("a key that waits already is ignored, and free again once its job has ended", async () => {
      const queues = open();
      await queues.add("deliver", [job("a", "same"), job("b", "same")]);
      await queues.add("deliver", [job("c", "same")]);
      expect(await queues.depth("deliver")).toBe(1);
      const { seen } = note(queues);
      await eventually("the first ran", () => queues.depth("deliver"), (depth) => depth === 0);
      expect(seen).toEqual(["a"]);
      await queues.add("deliver", [job("d", "same")]);
      await eventually("the later one ran", () => seen, (all) => all.length === 2);
      expect(seen).toEqual(["a", "d"]);
    });

    test("a key whose job is running is ignored", async () => {
      const queues = open();
      const gate = Promise.withResolvers<void>();
      const seen: string[] = [];
      queues.consume("deliver", 2, async ({ delivery }) => {
        seen.push(delivery);
        await gate.promise;
      });
      await queues.add("deliver", [job("first", "busy")]);
      await eventually("it runs", () => seen.length, (n) => n === 1);
      await queues.add("deliver", [job("second", "busy"), job("marker")]);
      await eventually("the marker runs beside it", () => seen.includes("marker"), (is) => is);
      gate.resolve();
      await eventually("all is done", () => queues.depth("deliver"), (depth) => depth === 0);
      expect(seen).toEqual(["first", "marker"]);
    });

    test("a processor that throws is tried five times; then the job is gone", { timeout: 120_000 }, async () => {
      const queues = open();
      let tries = 0;
      queues.consume("deliver", 1, async () => {
        tries++;
        throw new Error("no");
      });
      await queues.add("deliver", [job("doomed")]);
      await eventually("five tries", () => tries, (n) => n >= 5);
      await eventually("the job is gone", () => queues.depth("deliver"), (depth) => depth === 0);
      expect(tries).toBe(5);
      // Its key is free: what upkeep reclaims must be able to come back.
      await queues.add("deliver", [job("doomed")]);
      await eventually("it starts anew", () => tries, (n) => n >= 6);
      await eventually("the second one is gone too", () => queues.depth("deliver"), (depth) => depth === 0, { seconds: 100 });
    });

    test("a processor that throws once is tried again and then done", async () => {
      const queues = open();
      let tries = 0;
      queues.consume("deliver", 1, async () => {
        if (++tries === 1) throw new Error("not yet");
      });
      await queues.add("deliver", [job("shaky")]);
      await eventually("done", () => queues.depth("deliver"), (depth) => depth === 0 && tries > 0);
      expect(tries).toBe(2);
    });

    test("two processes' consumers share the jobs; none runs twice", { timeout: 120_000 }, async () => {
      const seen: string[] = [];
      const byConsumer = [0, 0];
      for (const n of [0, 1]) {
        open().consume("deliver", 2, async ({ delivery }) => {
          seen.push(delivery);
          byConsumer[n]!++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        });
      }
      const names = Array.from({ length: 60 }, (_, i) => `shared-${i}`);
      await open().add("deliver", names.map((name) => job(name)));
      await eventually("all ran", () => seen.length, (n) => n >= names.length);
      expect([...seen].sort()).toEqual([...names].sort());
      expect(Math.min(...byConsumer)).toBeGreaterThan(0);
    });

    test("concurrency is reached and not exceeded", async () => {
      const queues = open();
      let running = 0;
      let most = 0;
      let done = 0;
      const full = Promise.withResolvers<void>();
      queues.consume("deliver", 3, async () => {
        most = Math.max(most, ++running);
        if (running === 3) full.resolve();
        await full.promise;
        await new Promise((resolve) => setTimeout(resolve, 10));
        running--;
        done++;
      });
      await queues.add("deliver", Array.from({ length: 12 }, (_, i) => job(`c${i}`)));
      await eventually("all ran", () => done, (n) => n === 12);
      expect(most).toBe(3);
    });

    test("close waits for the running job and takes no other", async () => {
      const queues = open();
      const gate = Promise.withResolvers<void>();
      const seen: string[] = [];
      let ended = false;
      const consumer = queues.consume("deliver", 1, async ({ delivery }) => {
        seen.push(delivery);
        await gate.promise;
        ended = true;
      });
      await queues.add("deliver", [job("running"), job("waiting")]);
      await eventually("it runs", () => seen.length, (n) => n === 1);
      let closed = false;
      const closing = consumer.close().then(() => {
        closed = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(closed).toBe(false);
      gate.resolve();
      await within(60, "close", closing);
      expect({ ended, seen }).toEqual({ ended: true, seen: ["running"] });
      expect(await queues.depth("deliver")).toBe(1);
      const rest = note(queues);
      await eventually("the other one runs later", () => rest.seen, (all) => all.length === 1);
      await eventually("the queue is empty", () => queues.depth("deliver"), (depth) => depth === 0);
    });

    test("depth counts what waits, runs and is delayed", async () => {
      const queues = open();
      expect(await queues.depth("deliver")).toBe(0);
      const gate = Promise.withResolvers<void>();
      let failed = false;
      await queues.add("deliver", [job("one"), job("two"), job("three")]);
      expect(await queues.depth("deliver")).toBe(3);
      queues.consume("deliver", 1, async ({ delivery }) => {
        if (delivery === "one" && !failed) {
          failed = true;
          throw new Error("delayed");
        }
        await gate.promise;
      });
      await eventually("the first failed", () => failed, (is) => is);
      expect(await queues.depth("deliver")).toBe(3);
      gate.resolve();
      await eventually("the queue is empty", () => queues.depth("deliver"), (depth) => depth === 0);
    });

    test("a payload comes out as it went in, however odd and big", async () => {
      const queues = open();
      const payloads = ["", "\u{1F525}\u{10FFFF} Ünïcødé \u202E rtl", "'; drop table crashes; --", "\\u0000 \\ \" \n\r\t\u0001\u007f", "{{}}%s$1", "x".repeat(100_000), "\u00e9".repeat(50_000)];
      const seen: string[] = [];
      queues.consume("deliver", 1, async ({ delivery }) => {
        seen.push(delivery);
      });
      await queues.add("deliver", payloads.map((payload, i) => ({ key: `odd-${i}`, payload: { delivery: payload } })));
      await eventually("all came", () => seen.length, (n) => n === payloads.length);
      expect([...seen].sort()).toEqual([...payloads].sort());
    });

    test("500 jobs at once, the dispatcher's batch", { timeout: 120_000 }, async () => {
      const queues = open();
      const { seen } = note(queues, 8);
      await queues.add("deliver", Array.from({ length: 500 }, (_, i) => job(`bulk-${i}`)));
      await eventually("all ran", () => seen.length, (n) => n >= 500, { seconds: 100 });
      expect(new Set(seen).size).toBe(500);
    });

    test("adding nothing does nothing", async () => {
      const queues = open();
      await queues.add("deliver", []);
      expect(await queues.depth("deliver")).toBe(0);
    });

    test("a job whose consumer was killed runs again elsewhere", { timeout: 150_000 }, async () => {
      const queues = open();
      const folder = testFolder();
      const file = path.join(folder, "seen");
      const doomed = startScript(path.join(import.meta.dirname, "..", "support", "queue-consumer.ts"), [kind, backend.url(), file], { folder });
      await doomed.firstLine;
      await queues.add("deliver", [job("orphan")]);
      await eventually("the other process has it", () => existsSync(file) && readFileSync(file, "utf8"), (text) => text === "orphan\n");
      await doomed.kill("SIGKILL");
      const from = Date.now();
      const { seen } = note(queues);
      await eventually("it ran again", () => seen, (all) => all.length > 0, { seconds: 120 });
      console.log(`${kind}: a killed consumer's job ran again after ${((Date.now() - from) / 1000).toFixed(1)} s`);
      await eventually("the queue is empty", () => queues.depth("deliver"), (depth) => depth === 0);
      expect(seen).toEqual(["orphan"]);
    });

    test("while the backend is away adding fails in time; when it is back, everything goes on", { timeout: 240_000 }, async () => {
      const queues = open();
      const { seen } = note(queues);
      await queues.add("deliver", [job("before")]);
      await eventually("it works", () => seen.length, (n) => n === 1);
      await backend.kill();
      try {
        const failed = await within(60, "adding to a dead backend", queues.add("deliver", [job("during")]).then(() => "added", (error: unknown) => error));
        expect(failed).toBeInstanceOf(Error);
      } finally {
        await backend.revive();
      }
      await eventually("it can be added to again", () => queues.add("deliver", [job("after")]).then(() => true), (added) => added, { seconds: 100 });
      await eventually("the consumer is back by itself", () => seen.includes("after"), (is) => is, { seconds: 100 });
      // An addition that was given up may still have arrived: at least once, never lost once acknowledged.
      expect(seen.filter((name) => name === "before" || name === "after")).toEqual(["before", "after"]);
    });

    test("opened while the backend is away, it works once that is there", { timeout: 240_000 }, async () => {
      await backend.kill();
      let queues: Queues;
      let seen: string[];
      try {
        queues = open();
        ({ seen } = note(queues));
        // Given up in time, though it may arrive once there is a backend.
        const failed = await within(60, "adding to a backend that never was there", queues.add("deliver", [job("early")]).then(() => "added", (error: unknown) => error));
        expect(failed).toBeInstanceOf(Error);
      } finally {
        await backend.revive();
      }
      await eventually("it can be added to", () => queues.add("deliver", [job("late")]).then(() => true), (added) => added, { seconds: 100 });
      await eventually("the consumer came by itself", () => seen.includes("late"), (is) => is, { seconds: 100 });
    });

    test("closing ends although the backend is away", { timeout: 240_000 }, async () => {
      const queues = openQueues({ databaseUrl: kind === "postgres" ? backend.url() : "", redisUrl: kind === "redis" ? backend.url() : undefined, log });
      const { seen } = note(queues);
      await queues.add("deliver", [job("before-close")]);
      // What the test before gave up on may have arrived too.
      await eventually("it works", () => seen.includes("before-close"), (is) => is);
      await backend.kill();
      try {
        await within(60, "closing", queues.close());
      } finally {
        await backend.revive();
      }
    });
  });
}

test.skipIf(missing)("on a Redis Cluster all keys live in one slot: jobs are added, tried again, consumed and counted (needs redis-server)", { timeout: 120_000 }, async () => {
  const server = await startRedisServer({ cluster: true });
  const queues = openQueues({ databaseUrl: "", redisUrl: server.url, log });
  try {
    await queues.add("deliver", [job("one"), job("two"), job("three")]);
    expect(await queues.depth("deliver")).toBe(3);
    const seen: string[] = [];
    queues.consume("deliver", 2, async ({ delivery }) => {
      seen.push(delivery);
      if (delivery === "two" && seen.filter((name) => name === "two").length === 1) throw new Error("once more");
    });
    await eventually("all are done", () => queues.depth("deliver"), (depth) => depth === 0);
    expect([...seen].sort()).toEqual(["one", "three", "two", "two"]);
    await server.kill();
    await server.start();
    await eventually("it goes on after the node was killed", () => queues.add("deliver", [job("four")]).then(() => true), (added) => added, { seconds: 60 });
    await eventually("consumed", () => seen.includes("four"), (is) => is);
  } finally {
    await within(60, "closing the queues", queues.close());
    await server.kill();
  }
});

function job(name: string, key = `job-${name}`): { key: string; payload: { delivery: string } } {
  return { key, payload: { delivery: name } };
}

// A server of its own, since it is killed: the run's shared one must not be.
async function postgresBackend(): Promise<Backend & { close(): Promise<void> }> {
  const folder = testFolder();
  const dir = path.join(folder, "postgres");
  const options = { dir, secretFile: path.join(folder, "secret.json"), log };
  let server: Postmaster = await startPostmaster(options);
  await migrate(server.url, { queues: true });
  return {
    kind: "postgres",
    url: () => server.url,
    async kill() {
      // Stopped by its own word, so that nobody starts it before `revive`; the clients lose it all the same.
      await server.stop();
    },
    async revive() {
      server = await startPostmaster(options);
    },
    close: () => server.stop(),
  };
}

async function redisBackend(): Promise<Backend & { close(): Promise<void> }> {
  const server: RedisServer = await startRedisServer();
  return { kind: "redis", url: () => server.url, kill: () => server.kill(), revive: () => server.start(), close: () => server.kill() };
}
