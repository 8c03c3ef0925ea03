// Which group a crash belongs to. A fingerprint belongs to one group at a time,
// and the first crash with a new fingerprint makes its group.
import { sql } from "kysely";
import type { Database, Tx } from "./database.ts";
import { enqueue, isNotWaiting } from "./outbox.ts";
import { uuidv7 } from "./uuid.ts";

/** The group that a fingerprint leads to; `created` is true for the one transaction that made it. */
export type GroupChoice = { readonly group: string; readonly created: boolean };

/** Finds the group of a fingerprint, or makes it. However many transactions ask at once, one makes it. */
export async function groupOf(
  tx: Tx,
  crash: {
    readonly projectId: number;
    readonly fingerprint: Buffer;
    readonly signature: string;
    readonly signatureVersion: number;
    readonly seenAt: Date;
    /** The crash to tell people about if it makes the group; null when it is no news. */
    readonly announce: string | null;
  },
): Promise<GroupChoice> {
  const known = await find(tx, crash.projectId, crash.fingerprint);
  if (known !== undefined) return { group: known, created: false };
  const group = uuidv7();
  // The fingerprint comes first: its key is what makes a second creator wait, and
  // then find ours. The group it points to follows in this transaction.
  const made = await tx
    .insertInto("fingerprints")
    .values({ project_id: crash.projectId, fingerprint: crash.fingerprint, group_id: group })
    .onConflict((conflict) => conflict.columns(["project_id", "fingerprint"]).doNothing())
    .returning("group_id")
    .executeTakeFirst();
  if (made === undefined) {
    const theirs = await find(tx, crash.projectId, crash.fingerprint);
    if (theirs === undefined) throw new Error("a fingerprint that was just in the way is gone");
    return { group: theirs, created: false };
  }
  await tx
    .insertInto("groups")
    .values({ id: group, project_id: crash.projectId, signature: crash.signature, signature_version: crash.signatureVersion, first_seen: crash.seenAt, last_seen: crash.seenAt, announce_crash: crash.announce })
    .execute();
  if (crash.announce !== null) await announce(tx, crash.projectId, group, crash.announce);
  return { group, created: true };
}

/** Asks again for rules to be told of new groups, where that was asked `seconds` ago and has not happened: the queue has lost it. Returns how many. */
export async function reclaimNews(db: Database, seconds: number, limit = 1000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lost = await tx
      .selectFrom("groups")
      .select(["id", "project_id", "announce_crash"])
      .where("announce_crash", "is not", null)
      .where("created_at", "<", new Date(Date.now() - seconds * 1000))
      .where(isNotWaiting("alert", sql`'group-created-' || groups.id`))
      .orderBy("created_at")
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const row of lost) await announce(tx, row.project_id, row.id, row.announce_crash!);
    return lost.length;
  });
}

async function announce(tx: Tx, project: number, group: string, crash: string): Promise<void> {
  await enqueue(tx, "alert", `group-created-${group}`, { event: "group-created", project, group, crash });
}

/** Counts an install's crash in a group; returns 1 when it is the install's first one there, else 0. A crash without an install counts none. */
export async function noteInstall(tx: Tx, group: string, install: string | null): Promise<number> {
  if (install === null) return 0;
  const row = await tx
    .insertInto("group_installs")
    .values({ group_id: group, install, crashes: 1 })
    .onConflict((conflict) => conflict.columns(["group_id", "install"]).doUpdateSet({ crashes: sql`group_installs.crashes + 1` }))
    .returning("crashes")
    .executeTakeFirstOrThrow();
  return row.crashes === 1 ? 1 : 0;
}

/** Takes an install's crash out of a group; returns -1 when it was the install's last one there, else 0. */
export async function leaveGroup(tx: Tx, group: string, install: string | null): Promise<number> {
  if (install === null) return 0;
  const row = await tx
    .updateTable("group_installs")
    .set({ crashes: sql`crashes - 1` })
    .where("group_id", "=", group)
    .where("install", "=", install)
    .returning("crashes")
    .executeTakeFirst();
  if (row === undefined || row.crashes > 0) return 0;
  await tx.deleteFrom("group_installs").where("group_id", "=", group).where("install", "=", install).execute();
  return -1;
}

async function find(tx: Tx, projectId: number, fingerprint: Buffer): Promise<string | undefined> {
  const row = await tx.selectFrom("fingerprints").select("group_id").where("project_id", "=", projectId).where("fingerprint", "=", fingerprint).executeTakeFirst();
  return row?.group_id;
}
