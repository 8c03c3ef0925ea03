// While the queue is away, rows wait in the outbox; reclaiming must not add to them each time it runs.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finishWalk, reclaimCrashes, startWalk, storeCrash } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { reclaimNews } from "../../storage/groups.ts";
import { addProject } from "../support/alert-rows.ts";
import { testDatabase } from "../support/database.ts";

let database: OpenDatabase;
let project: number;
beforeAll(async () => {
  database = await testDatabase();
  project = (await addProject(database.db)).id;
});
afterAll(() => database.close());

const store = async () => (await storeCrash(database.db, { projectId: project, kind: "stacktrace", blob: "0".repeat(64), bytes: 1, client: null, install: null, product: null, version: null, host: null, annotations: {}, notes: [], attachments: [], uploadKey: null })).id;
const waiting = async (queue: string) => (await database.db.selectFrom("outbox").select("id").where("queue", "=", queue).execute()).length;
const longAgo = new Date(Date.now() - 3600_000);

test("a crash whose job is in the outbox still is not asked for again", async () => {
  await store();
  for (let round = 0; round < 3; round++) {
    await database.db.updateTable("crashes").set({ queued_at: longAgo }).execute();
    expect(await reclaimCrashes(database.db, 120)).toBe(0);
  }
  expect(await waiting("symbolicate")).toBe(1);
});

test("nor is a new group that nobody was told of", async () => {
  const due = await startWalk(database.db, await store(), 1);
  await finishWalk(database.db, due!, { reportBlob: "1".repeat(64), signature: "s", signatureVersion: 1, fingerprint: randomBytes(32), os: null, osVersion: null, arch: null, host: null, crashReason: null, crashAddress: null, crashModule: null, missing: [] });
  await database.db.updateTable("groups").set({ created_at: longAgo }).execute();
  for (let round = 0; round < 3; round++) expect(await reclaimNews(database.db, 120)).toBe(0);
  expect(await waiting("alert")).toBe(1);
});
