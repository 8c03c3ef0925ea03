// Rows that alert and delivery tests stand on: a project with its rule, a group
// with its first crash, a destination, an alert.
import { randomBytes } from "node:crypto";
import type { Insertable } from "kysely";
import type { Database } from "../../storage/database.ts";
import type { CrashTable, DestinationTable } from "../../storage/tables.ts";
import { uuidv7 } from "../../storage/uuid.ts";

/** A signing secret for tests. */
export const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** Makes a project with an enabled rule for new groups. */
export async function addProject(db: Database): Promise<{ id: number; slug: string; rule: string }> {
  const slug = `p${randomBytes(6).toString("hex")}`;
  const { id } = await db.insertInto("projects").values({ slug, name: slug, ingest_key: slug }).returning("id").executeTakeFirstOrThrow();
  const rule = uuidv7();
  await db.insertInto("alert_rules").values({ id: rule, project_id: id, kind: "new-group", name: "New crash" }).execute();
  return { id, slug, rule };
}

/** Makes a group with one crash, counted by a delta that no fold has seen yet. */
export async function addGroup(db: Database, project: number, crash: Partial<Insertable<CrashTable>> = {}): Promise<{ group: string; crash: string }> {
  const group = uuidv7();
  const id = uuidv7();
  const at = new Date("2026-11-23T12:00:00Z");
  await db.insertInto("groups").values({ id: group, project_id: project, signature: "Reverb::process<float>", signature_version: 1, first_seen: at, last_seen: at }).execute();
  await db
    .insertInto("crashes")
    .values({ id, project_id: project, received_at: at, kind: "minidump", state: "grouped", blob: "b", blob_bytes: 1, annotations: "{}", group_id: group, product: "Hall", version: "1.4.2", host: "REAPER", os: "windows", arch: "x86_64", crash_reason: "EXCEPTION_ACCESS_VIOLATION_READ", ...crash })
    .execute();
  await db.insertInto("count_deltas").values({ project_id: project, group_id: group, day: "2026-11-23", seen_at: at, crashes: 1, installs: 1, version: null, os: null, arch: null, host: null }).execute();
  return { group, crash: id };
}

/** Makes a destination; webhooks get `secret`. */
export async function addDestination(db: Database, project: number, row: Pick<Insertable<DestinationTable>, "kind" | "target"> & { enabled?: boolean }): Promise<string> {
  const id = uuidv7();
  await db.insertInto("destinations").values({ id, project_id: project, name: row.kind, secret: row.kind === "webhook" ? secret : null, ...row }).execute();
  return id;
}

/** Makes a fired alert with one pending delivery, due now, to a destination. */
export async function addDelivery(db: Database, project: { id: number; slug: string; rule: string }, destination: string): Promise<{ alert: string; delivery: string; group: string }> {
  const alert = uuidv7();
  const delivery = uuidv7();
  const group = uuidv7();
  const body = {
    project: project.slug,
    group: { id: group, signature: "Reverb::process<float>", firstSeen: "2026-11-23T12:00:00.000Z", count: 1 },
    crash: { id: uuidv7(), product: "Hall", version: "1.4.2", host: "REAPER", os: "windows", arch: "x86_64", reason: "EXCEPTION_ACCESS_VIOLATION_READ" },
  };
  await db.insertInto("alerts").values({ id: alert, project_id: project.id, rule_id: project.rule, subject: group, group_id: group, crash_id: body.crash.id, title: "New crash: Reverb::process<float>", body: JSON.stringify(body) }).execute();
  await db.insertInto("deliveries").values({ id: delivery, project_id: project.id, alert_id: alert, destination_id: destination }).execute();
  return { alert, delivery, group };
}
