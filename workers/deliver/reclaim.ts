// Deliveries that fell due and that no worker took: their queue has lost them,
// or the worker that had claimed one died. They are asked for again.
import type { Database } from "../../storage/database.ts";
import { enqueue } from "../../storage/outbox.ts";

/** Asks again for deliveries that have been due for `seconds`; returns how many. The key holds the minute, so that asking twice in one adds one job. */
export async function reclaimDeliveries(db: Database, seconds: number, limit = 1000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lost = await tx
      .selectFrom("deliveries")
      .select("id")
      .where("state", "=", "pending")
      .where("next_attempt_at", "<", new Date(Date.now() - seconds * 1000))
      .orderBy("next_attempt_at")
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    const minute = Math.floor(Date.now() / 60_000);
    for (const row of lost) await enqueue(tx, "deliver", `deliver-${row.id}-reclaimed-${minute}`, { delivery: row.id });
    return lost.length;
  });
}
