// Late symbols: a debug file that comes after a crash names it without anyone
// asking.
//
//   uploaded ──compile──▶ compiled ──heal, batch after batch──▶ settled
//
//  1. When a file was compiled, the job `heal` begins. One run takes the next
//     crashes that lack what the file brings, the newest first, makes them due
//     again (as a retry by hand does) below new crashes, notes how far it has
//     come, and asks for the next run: all in one transaction. Killed anywhere,
//     it goes on from there; run twice, the second run finds that healing has
//     gone on and does nothing.
//  2. A run that finds more than `backlogMax` crashes waiting for walks comes
//     again later: healing a project's year must not fill the queue.
//  3. A walk that was under way while a file was compiled may have missed both
//     the file and the run that would have healed it. So whoever writes what a
//     crash lacks asks `cameMeanwhile`, and has the crash walked again if so.
//     Both sides hold a lock of the project (a walk shared, healing alone), so
//     that one of them always sees the other.
//
// A crash that was counted stays counted in its group until its new walk moves
// it, and a group that healing makes is no news (finishWalk). Only grouped
// crashes are healed: one that waits for its walk will find the file anyhow.
import { sql } from "kysely";
import type { Database, Tx } from "./database.ts";
import type { Jobs } from "./jobs.ts";
import { crashesLacking, crashLacks, helpsWith, moduleIds } from "./missing-symbols.ts";
import { enqueue, enqueueAll } from "./outbox.ts";

/** Crashes that one run makes due. */
const batchCrashes = 200;
/** Crashes that wait for walks at which healing waits too. */
const backlogMax = 500;
const backlogPauseMs = 5000;
/** New crashes have 0. */
const healPriority = 10;
const projectLock = 4_747_003;

/** Heals the next crashes that lacked what a file brings. Returns how many were made due; undefined when there is nothing for this run to do. */
export async function healNext(db: Database, job: Jobs["heal"], batch = batchCrashes): Promise<number | undefined> {
  return db.transaction().execute(async (tx) => {
    const file = await tx
      .selectFrom("debug_files")
      .select(["id", "project_id", "debug_id", "code_id", "code_file", "holds", "healed_to"])
      .where("id", "=", job.file)
      .where("compiled_at", "is not", null)
      .where("settled_at", "is", null)
      .forUpdate()
      .executeTakeFirst();
    if (file === undefined || file.healed_to !== job.from) return undefined;
    const touched = tx.updateTable("debug_files").where("id", "=", file.id);
    if (await isBusy(tx)) {
      await touched.set({ queued_at: sql<Date>`now()` }).execute();
      await askHealing(tx, { ...job, round: job.round + 1 }, new Date(Date.now() + backlogPauseMs));
      return 0;
    }
    await sql`select pg_advisory_xact_lock(${projectLock}, ${file.project_id})`.execute(tx);
    const waiting = await crashesLacking(tx, file.project_id, await moduleIds(tx, file), helpsWith(file.holds), job.from, batch);
    const due = await walkAgain(tx, waiting);
    if (waiting.length < batch) {
      await touched.set({ settled_at: sql<Date>`now()` }).execute();
    } else {
      const from = waiting.at(-1)!;
      await touched.set({ healed_to: from, queued_at: sql<Date>`now()` }).execute();
      await askHealing(tx, { file: file.id, from, round: 0 });
    }
    return due;
  });
}

/** Asks for a run of healing. */
export async function askHealing(tx: Tx, job: Jobs["heal"], due?: Date): Promise<void> {
  await enqueue(tx, "heal", `heal-${job.file}-${job.from ?? "all"}-${job.round}`, job, due ? { due } : {});
}

/** Keeps healing away from a project until the transaction of a finished walk is over. */
export async function holdOffHealing(tx: Tx, projectId: number): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${projectLock}, ${projectId})`.execute(tx);
}

/** True when a file was compiled since a walk of a crash began that brings something of what the crash lacks. The crash's lacks are written, and healing is held off. */
export async function cameMeanwhile(tx: Tx, crash: { readonly id: string; readonly projectId: number; readonly startedAt: Date }): Promise<boolean> {
  const files = await tx
    .selectFrom("debug_files")
    .select(["project_id", "debug_id", "code_id", "code_file", "holds"])
    .where("project_id", "=", crash.projectId)
    .where("compiled_at", ">=", crash.startedAt)
    .where("problem", "is", null)
    .execute();
  for (const file of files) if (await crashLacks(tx, crash.id, await moduleIds(tx, file), helpsWith(file.holds))) return true;
  return false;
}

/** Makes those of some crashes due again, below new ones, that are grouped. Returns how many. */
export async function walkAgain(tx: Tx, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  // In one order, so that two that heal the same crashes do not wait for each other.
  const grouped = await tx.selectFrom("crashes").select("id").where("id", "in", ids).where("state", "=", "grouped").orderBy("id").forUpdate().execute();
  if (grouped.length === 0) return 0;
  const due = await tx
    .updateTable("crashes")
    .set({ state: "stored", revision: sql`revision + 1`, attempts: 0, queued_at: sql<Date>`now()`, state_code: null, state_reason: null })
    .where("id", "in", grouped.map((row) => row.id))
    .returning(["id", "revision"])
    .execute();
  const jobs = due.map(({ id, revision }) => ({ key: `crash-${id}-${revision}`, payload: { crash: id, revision } }));
  await enqueueAll(tx, "symbolicate", jobs, { priority: healPriority });
  return due.length;
}

async function isBusy(tx: Tx): Promise<boolean> {
  const found = await sql<{ n: number }>`select count(*)::int as n from (select from crashes where state = 'stored' limit ${backlogMax}) as waiting`.execute(tx);
  return (found.rows[0]?.n ?? 0) >= backlogMax;
}
