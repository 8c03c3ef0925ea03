// Deliveries that fell due and that no worker took: their queue has lost them,
// or the worker that had claimed one died. They are asked for again.
import { sql } from "kysely";
import type { Database } from "../../storage/database.ts";
import { enqueue, isNotWaiting } from "../../storage/outbox.ts";

/** Asks again for deliveries that have been due for `seconds`; returns how many. */
export async function reclaimDeliveries(db: Database, seconds: number, limit = 1000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lost = await tx
      .selectFrom("deliveries")
      .select("id")
      .where("state", "=", "pending")
      .where("next_attempt_at", "<", new Date(Date.now() - seconds * 1000))
      .where(isNotWaiting("deliver", sql`'deliver-' || deliveries.id || '-reclaimed'`))
      .orderBy("next_attempt_at")
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const row of lost) await enqueue(tx, "deliver", `deliver-${row.id}-reclaimed`, { delivery: row.id });
    return lost.length;
  });
}
