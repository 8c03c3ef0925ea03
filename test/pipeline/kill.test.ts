// Everything is killed, in the middle of everything, and nothing acknowledged may
// be lost, doubled or told twice.
//
//   queue on Postgres   `deadair up`: the process, its workers' process, its database
//   queue on Redis      `serve`, two `work`, Redis (kept and lost), Postgres
//
// KILL_UPLOADS is how many crashes are sent to each: 2,000 in CI, 500 elsewhere.
// A kill comes when so much of the work (half of it taking crashes, half of it
// walking them) is done, so the test is the same on a fast and on a slow machine.
import { afterAll, describe, expect, test } from "vitest";
import { type OpenDatabase, openDatabase } from "../../storage/database.ts";
import { childrenOf, endEverything, killPostmaster, postmasterPid } from "../support/child-processes.ts";
import { eventually, sleep, within } from "../support/eventually.ts";
import { redisServerBinary } from "../support/redis-server.ts";
import { databaseOf, startScaled, startUp } from "../support/running-deadair.ts";
import { addDestination, secret } from "../support/alert-rows.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";
import { signatures, uploadAll } from "./crashpad-like.ts";
import { expectNothingLost, progress, settled } from "./settled.ts";

const uploads = Number(process.env["KILL_UPLOADS"] ?? (process.env["CI"] === "true" ? 2000 : 500));
const lanes = 8;
const settleSeconds = 240;
const timeout = 600_000;

const env = {
  ALLOW_PRIVATE_WEBHOOKS: "1",
  // What a queue has lost is asked for again after this.
  DEADAIR_LIMIT_RECLAIM_SECONDS: "5",
  DEADAIR_LIMIT_DELIVERY_SECONDS: "5",
  LOG_LEVEL: "info",
};

afterAll(endEverything, 120_000);

type Kill = { readonly what: string; readonly at: number; run(): Promise<void> };

/** Runs each kill when its share of the work is done: acknowledged and walked crashes, of twice the uploads. */
async function killAlong(kills: readonly Kill[], done: () => Promise<number>): Promise<void> {
  for (const kill of kills) {
    await eventually(`${Math.round(kill.at * 100)}% of the work`, done, (share) => share >= kill.at, { seconds: 300, everyMs: 100 });
    await kill.run();
  }
}

async function sendAndKill(target: { url: string; ingestKey: string }, kills: readonly Kill[], open: () => OpenDatabase, said: () => string): Promise<Map<string, string>> {
  let acks = 0;
  const from = performance.now();
  const sending = uploadAll(target, uploads, lanes, (n) => {
    acks = n;
  });
  let sentMs = 0;
  void sending.then(() => (sentMs = performance.now() - from), () => {});
  const database = open();
  const done = async () => {
    const { grouped, failed } = await progress(database.db);
    return (acks + grouped + failed) / (2 * uploads);
  };
  try {
    const [{ acked, again }] = await Promise.all([sending, killAlong(kills, done)]);
    await settled(database.db, settleSeconds);
    console.log(`${uploads} uploads (${again} sent again) in ${(sentMs / 1000).toFixed(1)} s, ${kills.length} kills, settled after ${((performance.now() - from) / 1000).toFixed(1)} s`);
    return acked;
  } catch (error) {
    const lines = said().split("\n").filter((line) => !line.includes('"msg":"request"'));
    console.log(lines.slice(-40).join("\n"));
    throw error;
  } finally {
    await database.close().catch(() => {});
  }
}

async function addReceiver(open: OpenDatabase): Promise<WebhookReceiver> {
  const receiver = await startWebhookReceiver();
  receiver.secret = secret;
  const project = await open.db.selectFrom("projects").select("id").executeTakeFirstOrThrow();
  await addDestination(open.db, project.id, { kind: "webhook", target: `${receiver.url}/hook` });
  return receiver;
}

describe("killed in the middle of everything", () => {
  test("on the Postgres queue: `up`, its workers, its database, and all at once", { timeout }, async () => {
    const up = await startUp({ env });
    const first = databaseOf(up);
    const receiver = await addReceiver(first);
    const restart = async (how: () => Promise<unknown>) => {
      await how();
      await up.start();
    };
    const postmaster = async () => {
      const pid = killPostmaster(up.clusterDir);
      await eventually("its watcher starts another", () => postmasterPid(up.clusterDir), (now) => now !== undefined && now !== pid);
    };
    const workers = async () => {
      const [pid] = childrenOf(up.pid, "worker-process");
      if (pid === undefined) throw new Error("`up` has no process for its workers");
      process.kill(pid, "SIGKILL");
      await eventually("another one takes over", () => childrenOf(up.pid, "worker-process"), (now) => now.length === 1 && now[0] !== pid);
    };
    const acked = await sendAndKill(
      up.answer,
      [
        { what: "up", at: 0.08, run: () => restart(() => up.kill("SIGKILL")) },
        { what: "database", at: 0.2, run: postmaster },
        {
          what: "both",
          at: 0.35,
          run: () =>
            restart(() => {
              const dead = up.kill("SIGKILL");
              killPostmaster(up.clusterDir);
              return dead;
            }),
        },
        { what: "its workers", at: 0.45, run: workers },
        { what: "up", at: 0.55, run: () => restart(() => up.kill("SIGKILL")) },
        { what: "database", at: 0.7, run: postmaster },
        { what: "up, in good order", at: 0.8, run: () => restart(() => up.stop()) },
        { what: "up", at: 0.92, run: () => restart(() => up.kill("SIGKILL")) },
      ],
      () => databaseOf(up),
      () => up.said(),
    );
    const last = databaseOf(up);
    await expectNothingLost(last.db, acked, { groups: signatures, received: receiver.received });
    await Promise.all([first.close(), last.close()]);
    expect(await within(60, "the last stop", up.stop())).toBe(0);
    await receiver.close();
  });

  test.skipIf(redisServerBinary() === undefined)("on the Redis queue: `serve`, `work`, Redis kept and lost, the database (needs redis-server)", { timeout }, async () => {
    const deadair = await startScaled({ queue: "redis", blobs: "folder", workers: 2, env });
    const open = () => openDatabase(deadair.databaseUrl, { max: 4, onError: () => {} });
    const first = open();
    const receiver = await addReceiver(first);
    const again = async (part: { kill(signal: NodeJS.Signals): Promise<unknown>; start(): Promise<void> }) => {
      await part.kill("SIGKILL");
      await part.start();
    };
    const redis = async (forget: boolean) => {
      await deadair.redis!.kill();
      await sleep(500);
      await deadair.redis!.start({ forget });
    };
    const [left, right] = deadair.workers;
    const acked = await sendAndKill(
      { url: deadair.url, ingestKey: deadair.secrets.ingestKey },
      [
        { what: "serve", at: 0.08, run: () => again(deadair.serve) },
        { what: "a worker", at: 0.15, run: () => again(left!) },
        { what: "Redis, kept", at: 0.25, run: () => redis(false) },
        {
          what: "the database",
          at: 0.35,
          async run() {
            const pid = killPostmaster(deadair.clusterDir);
            await eventually("its watcher starts another", () => postmasterPid(deadair.clusterDir), (now) => now !== undefined && now !== pid);
          },
        },
        { what: "Redis, lost", at: 0.5, run: () => redis(true) },
        { what: "both workers", at: 0.65, run: async () => void (await Promise.all([again(left!), again(right!)])) },
        { what: "Redis, lost, and a worker", at: 0.8, run: async () => void (await Promise.all([redis(true), again(right!)])) },
        { what: "serve", at: 0.9, run: () => again(deadair.serve) },
      ],
      open,
      () => [deadair.serve, ...deadair.workers].map((part) => part.said().slice(-6000)).join("\n"),
    );
    await expectNothingLost(first.db, acked, { groups: signatures, received: receiver.received });
    const ends = await within(90, "the last stop", Promise.all([deadair.serve, ...deadair.workers].map((part) => part.kill("SIGTERM"))));
    expect(ends).toEqual([0, 0, 0]);
    await first.close();
    await receiver.close();
    await deadair.close();
  });
});
