// What people do with alerts: read what fired and what became of it, say where
// alerts go, try a destination out, and send a failed delivery again. Rules are
// evaluated and deliveries made elsewhere (workers/alert, workers/deliver);
// here rows are read and written, and jobs asked for through the outbox.
import { randomBytes, randomUUID } from "node:crypto";
import net from "node:net";
import { sql } from "kysely";
import { type Result, ok, refuse } from "../../config/problem.ts";
import type { Settings } from "../../config/settings.ts";
import { specialRange } from "../../config/special-addresses.ts";
import type { Database } from "../../storage/database.ts";
import { enqueue } from "../../storage/outbox.ts";
import type { DestinationTable } from "../../storage/tables.ts";
import { isUuid, uuidv7 } from "../../storage/uuid.ts";
import type { Alert, AlertPage, Delivery, Destination, NewDestination } from "./schema.ts";

/** Reads alerts, newest first, with their deliveries and attempts; three queries, however many alerts. Refuses a cursor that none of its pages gave. */
export async function listAlerts(db: Database, projectId: number, page: { limit: number; cursor?: string | undefined }): Promise<Result<AlertPage>> {
  const after = page.cursor === undefined ? undefined : readCursor(page.cursor);
  if (page.cursor !== undefined && after === undefined) return refuse(400, "bad_cursor", `"${page.cursor.slice(0, 100)}" is not a cursor of this list.`, "Take `next` of the page before, or leave the cursor out.");
  let query = db
    .selectFrom("alerts")
    .innerJoin("alert_rules", "alert_rules.id", "alerts.rule_id")
    .select(["alerts.id", "alert_rules.name as rule", "alerts.title", "alerts.group_id", "alerts.crash_id", "alerts.created_at"])
    // Whole microseconds: a Date would round them away and the next page would repeat or skip a row.
    .select(sql<string>`(extract(epoch from alerts.created_at) * 1000000)::bigint`.as("micros"))
    .where("alerts.project_id", "=", projectId)
    .orderBy("alerts.created_at", "desc")
    .orderBy("alerts.id", "desc")
    .limit(page.limit + 1);
  if (after) query = query.where(sql<boolean>`(alerts.created_at, alerts.id) < (timestamptz 'epoch' + ${after.micros}::float8 * interval '1 microsecond', ${after.id}::uuid)`);
  const found = await query.execute();
  const rows = found.slice(0, page.limit);
  const deliveries = await deliveriesOf(db, rows.map((row) => row.id));
  const items: Alert[] = rows.map((row) => ({
    id: row.id,
    rule: row.rule,
    title: row.title,
    group: row.group_id,
    crash: row.crash_id,
    createdAt: row.created_at.toISOString(),
    deliveries: deliveries.get(row.id) ?? [],
  }));
  const last = rows.at(-1);
  return ok({ items, next: found.length > rows.length && last ? writeCursor(last) : null });
}

/** Reads a project's destinations, oldest first, without their secrets. */
export async function listDestinations(db: Database, projectId: number): Promise<Destination[]> {
  const rows = await db.selectFrom("destinations").selectAll().where("project_id", "=", projectId).orderBy("created_at").orderBy("id").execute();
  return rows.map(toDestination);
}

/** Adds a destination. A webhook's answer carries its signing secret, this once. */
export async function addDestination(db: Database, projectId: number, input: NewDestination, settings: Settings): Promise<Result<Destination>> {
  const name = input.name.trim();
  if (name === "") return refuse(400, "bad_name", "A destination needs a name.", "Name it after whoever reads there.");
  const target = input.kind === "mail" ? readMailAddress(input.target) : readHookUrl(input.target, settings);
  if (!target.ok) return target;
  const secret = input.kind === "webhook" ? `whsec_${randomBytes(32).toString("base64")}` : null;
  const row = await db.insertInto("destinations").values({ id: uuidv7(), project_id: projectId, kind: input.kind, name, target: target.value, secret }).returningAll().executeTakeFirstOrThrow();
  return ok({ ...toDestination(row), ...(secret === null ? {} : { secret }) });
}

/** Removes a destination; its deliveries and their log go with it. */
export async function removeDestination(db: Database, projectId: number, id: string): Promise<Result<null>> {
  const removed = isUuid(id) ? await db.deleteFrom("destinations").where("project_id", "=", projectId).where("id", "=", id).returning("id").executeTakeFirst() : undefined;
  return removed === undefined ? noDestination(id) : ok(null);
}

/** Sends a test message to one destination, by the same way as any alert. It shows up in the list of alerts. */
export async function testDestination(db: Database, projectId: number, id: string): Promise<Result<{ alert: string; delivery: string }>> {
  return db.transaction().execute(async (tx) => {
    const destination = isUuid(id) ? await tx.selectFrom("destinations").select(["id", "name"]).where("project_id", "=", projectId).where("id", "=", id).executeTakeFirst() : undefined;
    if (destination === undefined) return noDestination(id);
    const found = await tx
      .selectFrom("alert_rules")
      .innerJoin("projects", "projects.id", "alert_rules.project_id")
      .select(["alert_rules.id", "projects.slug"])
      .where("alert_rules.project_id", "=", projectId)
      .where("alert_rules.kind", "=", "new-group")
      .orderBy("alert_rules.id")
      .executeTakeFirst();
    if (found === undefined) return refuse(409, "no_alert_rule", "The project has no rule for new crashes, and a test is an alert of that rule.", "Add the rule first.");
    const alert = uuidv7();
    const delivery = uuidv7();
    await tx
      .insertInto("alerts")
      // The prefix is how workers/deliver tells a test from the real thing.
      .values({ id: alert, project_id: projectId, rule_id: found.id, subject: `test:${randomUUID()}`, title: "Test alert", body: JSON.stringify({ project: found.slug }) })
      .execute();
    await tx.insertInto("deliveries").values({ id: delivery, project_id: projectId, alert_id: alert, destination_id: destination.id }).execute();
    await enqueue(tx, "deliver", `deliver-${delivery}-0`, { delivery });
    return ok({ alert, delivery });
  });
}

/** Gives a failed delivery all its attempts again, the first one now. Its log stays. */
export async function retryDelivery(db: Database, projectId: number, id: string): Promise<Result<null>> {
  const missing = refuse(404, "unknown_delivery", `There is no delivery ${id.slice(0, 40)} in this project.`, "Its destination may have been removed.");
  if (!isUuid(id)) return missing;
  return db.transaction().execute(async (tx) => {
    // Changed only if it is failed still: of two people who press the button one does it.
    const changed = await tx
      .updateTable("deliveries")
      .set({ state: "pending", attempts: 0, next_attempt_at: sql<Date>`now()`, finished_at: null })
      .where("project_id", "=", projectId)
      .where("id", "=", id)
      .where("state", "=", "failed")
      .returning("id")
      .executeTakeFirst();
    if (changed === undefined) {
      const row = await tx.selectFrom("deliveries").select("state").where("project_id", "=", projectId).where("id", "=", id).executeTakeFirst();
      if (row === undefined) return missing;
      return refuse(409, "not_failed", `The delivery is ${row.state}; only a failed one can be sent again.`, row.state === "delivered" ? "Send a test to the destination instead." : "It is tried again by itself.");
    }
    // A key of its own: the queue may still hold a job of the attempts before.
    await enqueue(tx, "deliver", `deliver-${id}-again-${uuidv7()}`, { delivery: id });
    return ok(null);
  });
}

async function deliveriesOf(db: Database, alerts: readonly string[]): Promise<Map<string, Delivery[]>> {
  const byAlert = new Map<string, Delivery[]>();
  if (alerts.length === 0) return byAlert;
  const rows = await db
    .selectFrom("deliveries")
    .innerJoin("destinations", "destinations.id", "deliveries.destination_id")
    .select(["deliveries.id", "deliveries.alert_id", "deliveries.state", "deliveries.next_attempt_at", "destinations.id as destination_id", "destinations.kind", "destinations.name"])
    .where("deliveries.alert_id", "in", alerts)
    .orderBy("deliveries.id")
    .execute();
  const attempts = new Map<string, Delivery["attempts"]>(rows.map((row) => [row.id, []]));
  if (rows.length > 0) {
    const tried = await db.selectFrom("delivery_attempts").selectAll().where("delivery_id", "in", [...attempts.keys()]).orderBy("at").orderBy("id").execute();
    for (const { delivery_id, at, milliseconds, status, error, answer } of tried) attempts.get(delivery_id)?.push({ at: at.toISOString(), milliseconds, status, error, answer });
  }
  for (const row of rows) {
    const list = byAlert.get(row.alert_id) ?? [];
    list.push({
      id: row.id,
      destination: { id: row.destination_id, kind: row.kind, name: row.name },
      state: row.state,
      attempts: attempts.get(row.id) ?? [],
      nextAttemptAt: row.state === "pending" ? row.next_attempt_at.toISOString() : null,
    });
    byAlert.set(row.alert_id, list);
  }
  return byAlert;
}

function toDestination(row: Pick<DestinationTable, "id" | "kind" | "name" | "target"> & { enabled: boolean; created_at: Date }): Destination {
  return { id: row.id, kind: row.kind, name: row.name, target: row.target, enabled: row.enabled, createdAt: row.created_at.toISOString() };
}

function noDestination(id: string): { readonly ok: false; readonly problem: ReturnType<typeof refuse>["problem"] } {
  return refuse(404, "unknown_destination", `There is no destination ${id.slice(0, 40)} in this project.`, "It may have been removed meanwhile.");
}

// A cursor is the microseconds and the id of the last row, in base64url so that nobody reads meaning into it.
function writeCursor(row: { micros: string; id: string }): string {
  return Buffer.from(`${row.micros}.${row.id}`).toString("base64url");
}

function readCursor(text: string): { micros: number; id: string } | undefined {
  const [, micros, id = ""] = Buffer.from(text, "base64url").toString("latin1").match(/^(\d{1,16})\.([0-9a-f-]{36})$/) ?? [];
  return micros !== undefined && isUuid(id) ? { micros: Number(micros), id } : undefined;
}

// One address, of the plain kind: no display name, no list, no quoting (RFC 5321 allows more than any mail server does).
function readMailAddress(text: string): Result<string> {
  const address = text.trim();
  const plain = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;
  return plain.test(address) ? ok(address) : refuse(400, "bad_mail_address", `"${address.slice(0, 200)}" is not one mail address.`, "Give one address such as crashes@example.com.");
}

function readHookUrl(text: string, settings: Settings): Result<string> {
  const target = text.trim();
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return refuse(400, "bad_url", `"${target.slice(0, 200)}" is not an http or https URL.`, "Give the whole address, such as https://hooks.example.com/deadair.");
  if (!settings.allowPrivateWebhooks && isPlainlyPrivate(url.hostname)) {
    return refuse(400, "private_address", `${url.hostname} is not a public address.`, "Set ALLOW_PRIVATE_WEBHOOKS=1 to let webhooks go to private and loopback addresses.");
  }
  return ok(url.href);
}

// Only what can be said without asking a name server, so that the person who
// typed it hears it at once. What keeps requests inside out is the guard in
// workers/deliver, which judges every address at the time it is used.
function isPlainlyPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (net.isIP(host) !== 0) return specialRange(host) !== undefined;
  return host === "localhost" || host.endsWith(".localhost");
}
