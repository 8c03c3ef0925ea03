// The life of a crash, in rows.
//
//   stored ──walk──▶ grouped        `stored`: acknowledged; the dump is safe; a walk is due
//      │  ▲            │            `grouped`: walked; counted in exactly one group
//      │  └──retry─────┤            `failed`: could not be walked; the dump is kept with the reason
//      ▼               │
//    failed ◀──────────┘ (only of a later revision)
//
// A retry, by hand or because symbols came (healing.ts), raises `revision` and
// makes the crash `stored` again. A worker acts on (id, revision) and every
// change it makes is guarded by both, so that a job that runs twice, or late,
// changes nothing. A crash that was grouped before stays counted in its old
// group until the new walk moves it.
import { sql } from "kysely";
import type { MissingSymbols } from "../stackwalk/stackwalker.ts";
import { addCounts, type CountedCrash } from "./counts.ts";
import type { Database, Tx } from "./database.ts";
import { type GroupChoice, groupOf, leaveGroup, noteInstall } from "./groups.ts";
import { cameMeanwhile, holdOffHealing, walkAgain } from "./healing.ts";
import { writeMissing } from "./missing-symbols.ts";
import { enqueue, isNotWaiting } from "./outbox.ts";
import { storable, storableJson, storableName, storableText } from "./storable.ts";
import { uuidv7 } from "./uuid.ts";

/** A crash as ingest hands it over; its blobs are kept already. */
export type NewCrash = {
  readonly projectId: number;
  readonly kind: "minidump" | "stacktrace";
  readonly blob: string;
  readonly bytes: number;
  readonly client: string | null;
  readonly install: string | null;
  readonly product: string | null;
  readonly version: string | null;
  /** The host as the client names it; a walk that finds the program's name overwrites it. */
  readonly host: string | null;
  readonly annotations: { readonly [key: string]: unknown };
  readonly notes: readonly string[];
  readonly attachments: readonly { readonly name: string; readonly blob: string; readonly bytes: number }[];
  /** Identity of the report as its client knows it, if it has one: the same key again is the same crash. */
  readonly uploadKey: Buffer | null;
};

/** Stores a crash and asks for its walk, in one transaction. A repeated upload key gives the id of the crash that is there. */
export async function storeCrash(db: Database, crash: NewCrash): Promise<{ id: string; duplicate: boolean }> {
  const id = uuidv7();
  return db.transaction().execute(async (tx) => {
    if (crash.uploadKey !== null) {
      const first = await tx
        .insertInto("upload_keys")
        .values({ project_id: crash.projectId, key: crash.uploadKey, crash_id: id })
        .onConflict((conflict) => conflict.columns(["project_id", "key"]).doNothing())
        .returning("crash_id")
        .executeTakeFirst();
      if (first === undefined) {
        const there = await tx.selectFrom("upload_keys").select("crash_id").where("project_id", "=", crash.projectId).where("key", "=", crash.uploadKey).executeTakeFirstOrThrow();
        return { id: there.crash_id, duplicate: true };
      }
    }
    await tx
      .insertInto("crashes")
      .values({
        id,
        project_id: crash.projectId,
        received_at: new Date(),
        kind: crash.kind,
        state: "stored",
        blob: crash.blob,
        blob_bytes: crash.bytes,
        client: storable(crash.client),
        install: storableName(crash.install),
        product: storableName(crash.product),
        version: storableName(crash.version),
        host: storableName(crash.host),
        annotations: storableJson(crash.annotations),
        notes: storableJson(crash.notes),
      })
      .execute();
    for (const file of crash.attachments) await tx.insertInto("crash_attachments").values({ crash_id: id, project_id: crash.projectId, ...file, name: storableText(file.name) }).execute();
    await enqueue(tx, "symbolicate", `crash-${id}-1`, { crash: id, revision: 1 });
    return { id, duplicate: false };
  });
}

/** What a worker needs to walk a crash. */
export type DueCrash = {
  readonly id: string;
  readonly revision: number;
  readonly projectId: number;
  readonly kind: "minidump" | "stacktrace";
  readonly blob: string;
  /** Times a walk of this revision has been started, this one included. */
  readonly attempts: number;
  /** When this walk began, by the database's clock. */
  readonly startedAt: Date;
};

/** Counts one more attempt at a crash and returns it; undefined when there is nothing to do: it is done, or another revision is due. */
export async function startWalk(db: Database, id: string, revision: number): Promise<DueCrash | undefined> {
  const row = await db
    .updateTable("crashes")
    .set({ attempts: sql`attempts + 1`, queued_at: sql<Date>`now()` })
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "=", "stored")
    .returning(["id", "revision", "project_id", "kind", "blob", "attempts", "queued_at"])
    .executeTakeFirst();
  return row && { id: row.id, revision: row.revision, projectId: row.project_id, kind: row.kind, blob: row.blob, attempts: row.attempts, startedAt: row.queued_at };
}

/** What a walk found out, ready to be written. */
export type WalkedCrash = {
  readonly reportBlob: string;
  readonly signature: string;
  readonly signatureVersion: number;
  /** 32 bytes. */
  readonly fingerprint: Buffer;
  readonly os: string | null;
  readonly osVersion: string | null;
  readonly arch: string | null;
  readonly host: string | null;
  readonly crashReason: string | null;
  readonly crashAddress: string | null;
  readonly crashModule: string | null;
  /** Modules whose symbols lacked something. */
  readonly missing: readonly MissingSymbols[];
};

/** How a finished walk ended: `created` is true when its group is new. */
export type Grouped = { readonly group: string; readonly created: boolean };

/** Writes a finished walk: state, signature, group, counts and the event, in one transaction. Undefined when somebody else has done it. */
export async function finishWalk(db: Database, due: DueCrash, found: WalkedCrash): Promise<Grouped | undefined> {
  const walked = storableWalk(found);
  return db.transaction().execute(async (tx) => {
    // Before any row is locked: healing takes both in this order.
    if (walked.missing.length > 0) await holdOffHealing(tx, due.projectId);
    const row = await lockDue(tx, due);
    if (row === undefined) return undefined;
    const choice: GroupChoice = await groupOf(tx, {
      projectId: due.projectId,
      fingerprint: walked.fingerprint,
      signature: walked.signature,
      signatureVersion: walked.signatureVersion,
      seenAt: row.received_at,
      // A crash that was grouped before brings no news when it is walked again.
      announce: row.group_id === null ? due.id : null,
    });
    const before = row.group_id === null ? undefined : counted(row, row.group_id);
    const after = counted({ ...row, os: walked.os, arch: walked.arch, host: walked.host ?? row.host }, choice.group);
    const leave = async () => {
      if (before) await addCounts(tx, before, -1, await leaveGroup(tx, before.group, row.install));
    };
    const join = async () => addCounts(tx, after, 1, await noteInstall(tx, choice.group, row.install));
    // In the order of the groups' ids: two walks that swap crashes of one install would else wait for each other.
    for (const step of before && before.group > choice.group ? [join, leave] : [leave, join]) await step();
    await tx
      .updateTable("crashes")
      .set({
        state: "grouped",
        state_code: null,
        state_reason: null,
        finished_at: new Date(),
        report_blob: walked.reportBlob,
        os: walked.os,
        os_version: walked.osVersion,
        arch: walked.arch,
        host: walked.host ?? row.host,
        crash_reason: walked.crashReason,
        crash_address: walked.crashAddress,
        crash_module: walked.crashModule,
        signature: walked.signature,
        signature_version: walked.signatureVersion,
        fingerprint: walked.fingerprint,
        group_id: choice.group,
        waiting_for_symbols: walked.missing.length > 0,
      })
      .where("id", "=", due.id)
      .execute();
    await writeMissing(tx, due, walked.missing);
    if (walked.missing.length > 0 && (await cameMeanwhile(tx, due))) await walkAgain(tx, [due.id]);
    return choice;
  });
}

/** Writes that a crash cannot be walked, and why. It keeps its dump, and its old group if it had one. False when somebody else has ended it. */
export async function failWalk(db: Database, due: DueCrash, code: string, reason: string): Promise<boolean> {
  const done = await db
    .updateTable("crashes")
    .set({ state: "failed", state_code: code, state_reason: storableText(reason.slice(0, 2000)), finished_at: new Date() })
    .where("id", "=", due.id)
    .where("revision", "=", due.revision)
    .where("state", "=", "stored")
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** Makes a failed or grouped crash due again; false when there is none such in the project. */
export async function retryCrash(db: Database, projectId: number, id: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable("crashes")
      .set({ state: "stored", revision: sql`revision + 1`, attempts: 0, queued_at: new Date(), state_code: null, state_reason: null })
      .where("id", "=", id)
      .where("project_id", "=", projectId)
      .where("state", "in", ["failed", "grouped"])
      .returning("revision")
      .executeTakeFirst();
    if (row === undefined) return false;
    await enqueue(tx, "symbolicate", `crash-${id}-${row.revision}`, { crash: id, revision: row.revision });
    return true;
  });
}

/** Asks again for walks that have been due for `seconds` without a worker starting on them: their queue has lost them. Returns how many. */
export async function reclaimCrashes(db: Database, seconds: number, limit = 1000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lost = await tx
      .selectFrom("crashes")
      .select(["id", "revision"])
      .where("state", "=", "stored")
      .where("queued_at", "<", new Date(Date.now() - seconds * 1000))
      .where(isNotWaiting("symbolicate", sql`'crash-' || crashes.id || '-' || crashes.revision`))
      .orderBy("queued_at")
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    if (lost.length === 0) return 0;
    await tx
      .updateTable("crashes")
      .set({ queued_at: new Date() })
      .where("id", "in", lost.map((row) => row.id))
      .execute();
    for (const row of lost) await enqueue(tx, "symbolicate", `crash-${row.id}-${row.revision}`, { crash: row.id, revision: row.revision });
    return lost.length;
  });
}

// What the walker printed comes out of a stranger's dump.
function storableWalk(walked: WalkedCrash): WalkedCrash {
  return {
    ...walked,
    signature: storableText(walked.signature),
    os: storableName(walked.os),
    osVersion: storableName(walked.osVersion),
    arch: storableName(walked.arch),
    host: storableName(walked.host),
    crashReason: storableName(walked.crashReason),
    crashAddress: storableName(walked.crashAddress),
    crashModule: storableName(walked.crashModule),
  };
}

type LockedCrash = {
  received_at: Date;
  project_id: number;
  group_id: string | null;
  install: string | null;
  version: string | null;
  os: string | null;
  arch: string | null;
  host: string | null;
};

function lockDue(tx: Tx, due: DueCrash): Promise<LockedCrash | undefined> {
  return tx
    .selectFrom("crashes")
    .select(["received_at", "project_id", "group_id", "install", "version", "os", "arch", "host"])
    .where("id", "=", due.id)
    .where("revision", "=", due.revision)
    .where("state", "=", "stored")
    .forUpdate()
    .executeTakeFirst();
}

function counted(row: LockedCrash, group: string): CountedCrash {
  return { projectId: row.project_id, group, seenAt: row.received_at, version: row.version, os: row.os, arch: row.arch, host: row.host };
}
