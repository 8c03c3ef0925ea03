// Many processes on shared Postgres, Redis and S3: each pair of backends carries
// crashes through, and each process can be stopped in good order while its
// surroundings are away.
import { afterAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../storage/database.ts";
import { endEverything } from "../support/child-processes.ts";
import { eventually, within } from "../support/eventually.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";
import { redisServerBinary } from "../support/redis-server.ts";
import { startScaled } from "../support/running-deadair.ts";
import { signatures, uploadAll } from "./crashpad-like.ts";
import { expectNothingLost, progress, settled } from "./settled.ts";

afterAll(endEverything, 120_000);

const slow = { timeout: 300_000 };
const env = { DEADAIR_LIMIT_RECLAIM_SECONDS: "5" };

for (const queue of ["postgres", "redis"] as const) {
  for (const blobs of ["folder", "s3"] as const) {
    test.skipIf(queue === "redis" && redisServerBinary() === undefined)(`queue on ${queue}, blobs in ${blobs}, two workers`, slow, async () => {
      const deadair = await startScaled({ queue, blobs, workers: 2, env });
      const database = openDatabase(deadair.databaseUrl, { max: 2, onError: () => {} });
      const { acked } = await uploadAll({ url: deadair.url, ingestKey: deadair.secrets.ingestKey }, 60, 8, () => {});
      await settled(database.db, 120);
      await expectNothingLost(database.db, acked, { groups: signatures, received: [], destinations: 0 });
      // The reports, written by the workers, are read by the server.
      const [id] = acked.values();
      const response = await fetch(`${deadair.url}/api/v1/default/crashes/${id}`, { headers: { authorization: `Bearer ${deadair.secrets.readToken}` } });
      expect(await response.json()).toMatchObject({ id, state: "grouped", report: { threads: expect.any(Array) }, explanation: { signature: expect.any(String) } });
      await database.close();
      const ends = await within(60, "the stop", Promise.all([deadair.serve, ...deadair.workers].map((part) => part.kill("SIGTERM"))));
      expect(ends).toEqual([0, 0, 0]);
      await deadair.close();
    });
  }
}

describe.skipIf(redisServerBinary() === undefined)("Redis is away (needs redis-server)", () => {
  test("a worker started then works once it is back; one stopped then ends", slow, async () => {
    const deadair = await startScaled({ queue: "redis", blobs: "folder", workers: 1, env });
    const database = openDatabase(deadair.databaseUrl, { max: 2, onError: () => {} });
    const target = { url: deadair.url, ingestKey: deadair.secrets.ingestKey };
    const [worker] = deadair.workers;

    await deadair.redis!.kill();
    expect(await within(60, "a worker's stop without Redis", worker!.kill("SIGTERM"))).toBe(0);
    await worker!.start();
    // Crashes are taken meanwhile: the queue is not needed for that.
    const { acked } = await uploadAll(target, 10, 4, () => {});
    expect((await progress(database.db)).stored).toBe(10);
    await deadair.redis!.start();
    await settled(database.db, 120);
    await expectNothingLost(database.db, acked, { groups: 10, received: [], destinations: 0 });

    await database.close();
    await deadair.redis!.kill();
    expect(await within(60, "the server's stop without Redis", deadair.serve.kill("SIGTERM"))).toBe(0);
    await deadair.close();
  });
});

describe("S3 is away", () => {
  test("an upload is refused with a code that says `later`, and nothing of it is left behind", slow, async () => {
    const deadair = await startScaled({ queue: "postgres", blobs: "s3", workers: 1, env });
    const target = { url: deadair.url, ingestKey: deadair.secrets.ingestKey };
    await uploadAll(target, 1, 1, () => {});
    await deadair.s3!.close();
    const form = new FormData();
    form.set("upload_file_minidump", new Blob([new Uint8Array(syntheticCrash({ module: "late.so", offset: 16 }))]), "late.dmp");
    const response = await fetch(`${target.url}/api/default/minidump/?sentry_key=${target.ingestKey}`, { method: "POST", body: form, signal: AbortSignal.timeout(120_000) });
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(await response.json()).toMatchObject({ error: expect.any(String), message: expect.any(String), hint: expect.any(String) });
    const database = openDatabase(deadair.databaseUrl, { max: 2, onError: () => {} });
    await eventually("the first one is done or waits, the second is not there", () => progress(database.db), ({ stored, grouped, failed }) => stored + grouped + failed === 1);
    await database.close();
    await deadair.close();
  });
});
