// From something that happened to an alert that fires once.
//
// A walk that opens a new group writes an outbox row for the queue `alert` in
// the transaction that made the group. That job lands here, at least once:
//   1. The project's enabled rules for this kind of event are read, and what
//      the alert will say is read from the group and its first crash.
//   2. For each rule one transaction inserts the alert. The table is unique by
//      (rule, subject, window), so of any number of runs, at the same time or
//      years later, one inserts and the others find it done.
//   3. The run that inserted also inserts, in the same transaction, a delivery
//      for each enabled destination and an outbox row for each delivery. From
//      there on workers/deliver has them.
// The alert keeps a copy of what it says: a group that is renamed, merged or
// erased later does not change an alert that has been sent, nor break a retry.
//
// A new kind of rule needs its kind in the table's check, an event in
// storage/jobs.ts, and a function like `describeNewGroup`. A rule that may fire
// again for one subject writes the window it fired in (`2026-11-23T14`) into
// `time_window`; a new group happens once, so its window is empty.
import { sql } from "kysely";
import type { Database, Tx } from "../../storage/database.ts";
import type { Jobs } from "../../storage/jobs.ts";
import { enqueue } from "../../storage/outbox.ts";
import type { Processor } from "../../storage/queues.ts";
import { uuidv7 } from "../../storage/uuid.ts";

type AlertEvent = Jobs["alert"];

/** What an alert about a new group tells every destination. Times are UTC, ISO 8601; what the client did not say is null. */
export type NewGroupBody = {
  /** The project's slug. */
  readonly project: string;
  readonly group: { readonly id: string; readonly signature: string; readonly firstSeen: string; readonly count: number };
  readonly crash: {
    readonly id: string;
    readonly product: string | null;
    readonly version: string | null;
    readonly host: string | null;
    readonly os: string | null;
    readonly arch: string | null;
    readonly reason: string | null;
  };
};

/** Evaluates the rules of a project for one event; running it again changes nothing. */
export function alertProcessor(db: Database): Processor<"alert"> {
  return async (event) => {
    const told = () => db.updateTable("groups").set({ announce_crash: null }).where("id", "=", event.group).where("project_id", "=", event.project).execute();
    const rules = await db.selectFrom("alert_rules").select("id").where("project_id", "=", event.project).where("kind", "=", "new-group").where("enabled", "=", true).orderBy("id").execute();
    if (rules.length === 0) return void (await told());
    const body = await describeNewGroup(db, event);
    // Erased between the event and this job: there is nothing left to tell about.
    if (body === undefined) return;
    for (const rule of rules) await db.transaction().execute((tx) => fire(tx, rule.id, event, body));
    await told();
  };
}

async function fire(tx: Tx, rule: string, event: AlertEvent, body: NewGroupBody): Promise<void> {
  const inserted = await tx
    .insertInto("alerts")
    .values({
      id: uuidv7(),
      project_id: event.project,
      rule_id: rule,
      subject: event.group,
      time_window: "",
      group_id: event.group,
      crash_id: event.crash,
      title: `New crash: ${body.group.signature}`,
      body: JSON.stringify(body),
    })
    .onConflict((conflict) => conflict.columns(["rule_id", "subject", "time_window"]).doNothing())
    .returning("id")
    .executeTakeFirst();
  if (inserted === undefined) return;
  const destinations = await tx.selectFrom("destinations").select("id").where("project_id", "=", event.project).where("enabled", "=", true).orderBy("id").execute();
  for (const destination of destinations) {
    const delivery = uuidv7();
    await tx.insertInto("deliveries").values({ id: delivery, project_id: event.project, alert_id: inserted.id, destination_id: destination.id }).execute();
    await enqueue(tx, "deliver", `deliver-${delivery}-0`, { delivery });
  }
}

async function describeNewGroup(db: Database, event: AlertEvent): Promise<NewGroupBody | undefined> {
  const row = await db
    .selectFrom("groups")
    .innerJoin("projects", "projects.id", "groups.project_id")
    // A crash of another project must not be told about, whatever the job says.
    .leftJoin("crashes", (join) => join.on("crashes.id", "=", event.crash).onRef("crashes.project_id", "=", "groups.project_id"))
    .select(["projects.slug", "groups.signature", "groups.first_seen", "crashes.product", "crashes.version", "crashes.host", "crashes.os", "crashes.arch", "crashes.crash_reason"])
    // The group's sum plus what has not been folded into it yet.
    .select(sql<string>`groups.crash_count + coalesce((select sum(d.crashes) from count_deltas d where d.group_id = groups.id), 0)`.as("count"))
    .where("groups.id", "=", event.group)
    .where("groups.project_id", "=", event.project)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    project: row.slug,
    group: { id: event.group, signature: row.signature, firstSeen: row.first_seen.toISOString(), count: Number(row.count) },
    crash: { id: event.crash, product: row.product, version: row.version, host: row.host, os: row.os, arch: row.arch, reason: row.crash_reason },
  };
}
