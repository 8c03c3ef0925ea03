// Walks whose findings are of a size that only an attacker's crash has: they are
// written, counted, and in nobody's way.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepBytes } from "../../storage/blobs/blobs.ts";
import { openFolderBlobs } from "../../storage/blobs/folder.ts";
import { openSpool } from "../../storage/blobs/spool.ts";
import { foldCounts } from "../../storage/counts.ts";
import { finishWalk, startWalk, storeCrash, type WalkedCrash } from "../../storage/crashes.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { addProject } from "../support/alert-rows.ts";
import { missing } from "../support/crash-rows.ts";
import { testDatabase } from "../support/database.ts";

let database: OpenDatabase;
let project: number;
beforeAll(async () => {
  database = await testDatabase();
  project = (await addProject(database.db)).id;
});
afterAll(() => database.close());

// Random, since Postgres compresses what repeats and so takes it.
const long = () => randomBytes(20_000).toString("hex");
const plain: WalkedCrash = { reportBlob: "1".repeat(64), signature: "s", signatureVersion: 1, fingerprint: randomBytes(32), os: "Linux", osVersion: null, arch: "amd64", host: "REAPER", crashReason: null, crashAddress: null, crashModule: null, missing: [] };

test.each<[string, Partial<WalkedCrash>]>([
  // Each of these is part of an index: one entry over 2700 bytes used to stop the fold for all projects, for ever.
  ["os", { os: long() }],
  ["architecture", { arch: long() }],
  ["host", { host: long() }],
  // Two code units a letter: a cut may fall between them.
  ["host of letters beyond the BMP", { host: `x${"𝕏".repeat(5000)}` }],
  ["debug file", { missing: [missing({ debugFile: long(), debugId: "A".repeat(33) })] }],
  ["module's names and ids", { missing: [missing({ debugFile: long(), debugId: long(), codeFile: long(), codeId: long() })] }],
  // 20,000 rows of seven parameters; a statement takes 65,535.
  ["list of missing modules", { missing: Array.from({ length: 20_000 }, (_, i) => missing({ debugFile: `m${i}`, debugId: i.toString(16).padStart(33, "A").toUpperCase() })) }],
])("a walk with a huge %s is counted", async (_what, found) => {
  const { id } = await storeCrash(database.db, { projectId: project, kind: "stacktrace", blob: "0".repeat(64), bytes: 1, client: null, install: long(), product: long(), version: long(), host: null, annotations: {}, notes: [], attachments: [], uploadKey: null });
  const due = await startWalk(database.db, id, 1);
  const grouped = await finishWalk(database.db, due!, { ...plain, ...found });
  expect(grouped).toBeDefined();
  expect(await foldCounts(database.db)).toBe(1);
  const written = await database.db.selectFrom("missing_symbols").select("debug_id").where("crash_id", "=", id).execute();
  expect(written).toHaveLength(found.missing?.length ?? 0);
});

test("bytes that a store does not take are not left on the spool", async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), "deadair-keep-"));
  try {
    const spool = openSpool(path.join(dir, "spool"));
    const away = { ...openFolderBlobs(path.join(dir, "blobs")), keep: () => Promise.reject(new Error("away")) };
    await expect(keepBytes(spool, away, Buffer.from("x"))).rejects.toThrow("away");
    expect(readdirSync(spool.dir)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
