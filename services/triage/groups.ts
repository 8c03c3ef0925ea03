// Groups as lists and pages show them. Counts are what is folded plus what is
// not yet (storage/counts.ts), read in one snapshot, so they are exact always.
import { sql } from "kysely";
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Database } from "../../storage/database.ts";
import { isUuid } from "../../storage/uuid.ts";
import type { GroupDetail, GroupItem, GroupPage } from "./schema.ts";

/** Orders of the list of groups, highest first. */
export const groupSorts = ["last_seen", "first_seen", "count"] as const;
export type GroupSort = (typeof groupSorts)[number];

/** What a list of groups is asked for. */
export type GroupQuery = { readonly sort: GroupSort; readonly limit: number; readonly cursor: string | undefined; readonly search: string };

const trendDays = 14;
const versionsShown = 5;

type Row = { id: string; signature: string; state: string; first_seen: Date; last_seen: Date; crashes: string; installs: string; sort_key: string };

/** A page of a project's groups. Groups whose crashes have all moved elsewhere are left out. */
export async function listGroups(db: Database, projectId: number, query: GroupQuery): Promise<Result<GroupPage>> {
  const after = query.cursor === undefined ? undefined : readGroupCursor(query.cursor, query.sort);
  if (after === null) return refuse(400, "bad_cursor", "The cursor is not one that this list gave.", "Take `next` of the page before, with the same sort.");
  const key = { last_seen: sql.ref("last_seen"), first_seen: sql.ref("first_seen"), count: sql.ref("crashes") }[query.sort];
  const keyType = query.sort === "count" ? sql.raw("bigint") : sql.raw("timestamptz");
  const matches = query.search === "" ? sql`true` : sql`g.signature ilike ${`%${query.search.replace(/[\\%_]/g, (char) => `\\${char}`)}%`}`;
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => {
      const rows = await sql<Row>`
        select *, ${key}::text as sort_key from (${currentGroups(sql`g.project_id = ${projectId} and ${matches}`)}) as current
        where crashes > 0 and ${after === undefined ? sql`true` : sql`(${key}, id) < (${after.key}::${keyType}, ${after.id}::uuid)`}
        order by ${key} desc, id desc limit ${query.limit + 1}`.execute(tx);
      const total = await sql<{ n: number }>`select count(*)::int as n from (${currentGroups(sql`g.project_id = ${projectId} and ${matches}`)}) as current where crashes > 0`.execute(tx);
      const shown = rows.rows.slice(0, query.limit);
      const last = shown.at(-1);
      return ok({
        items: await withDetails(tx, shown),
        next: rows.rows.length > query.limit && last ? Buffer.from(JSON.stringify([last.sort_key, last.id])).toString("base64url") : null,
        total: total.rows[0]?.n ?? 0,
      });
    });
}

/** One group of a project; undefined when there is none such. */
export async function readGroup(db: Database, projectId: number, id: string): Promise<GroupDetail | undefined> {
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => {
      const rows = await sql<Row>`${currentGroups(sql`g.project_id = ${projectId} and g.id = ${id}`)}`.execute(tx);
      const [item] = await withDetails(tx, rows.rows);
      if (item === undefined) return undefined;
      const latest = await tx.selectFrom("crashes").select("id").where("group_id", "=", id).orderBy("id", "desc").limit(1).executeTakeFirst();
      return { ...item, facets: await facetsOf(tx, id), latestCrash: latest?.id ?? null };
    });
}

/** True when the project has this group. */
export async function hasGroup(db: Database, projectId: number, id: string): Promise<boolean> {
  return (await db.selectFrom("groups").select("id").where("id", "=", id).where("project_id", "=", projectId).executeTakeFirst()) !== undefined;
}

function currentGroups(where: ReturnType<typeof sql>) {
  return sql<Row>`
    select g.id, g.signature, g.state,
      least(g.first_seen, d.first_seen) as first_seen,
      greatest(g.last_seen, d.last_seen) as last_seen,
      g.crash_count + coalesce(d.crashes, 0) as crashes,
      g.install_count + coalesce(d.installs, 0) as installs
    from groups g
    left join (
      select group_id, sum(crashes) as crashes, sum(installs) as installs, min(seen_at) as first_seen, max(seen_at) as last_seen
      from count_deltas group by group_id
    ) d on d.group_id = g.id
    where ${where}`;
}

async function withDetails(tx: Database, rows: readonly Row[]): Promise<GroupItem[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const today = new Date().toISOString().slice(0, 10);
  const days = await sql<{ group_id: string; ago: number; n: string }>`
    select group_id, (${today}::date - day)::int as ago, sum(crashes) as n from (
      select group_id, day, crashes from group_days where group_id = any(${ids}::uuid[]) and day > ${today}::date - ${trendDays}::int
      union all
      select group_id, day, crashes from count_deltas where group_id = any(${ids}::uuid[]) and day > ${today}::date - ${trendDays}::int
    ) as both_days group by 1, 2`.execute(tx);
  const versions = await sql<{ group_id: string; version: string; n: string }>`
    select group_id, version, n from (
      select group_id, version, sum(crashes) as n, row_number() over (partition by group_id order by sum(crashes) desc, version desc) as place from (
        select group_id, version, crashes from group_versions where group_id = any(${ids}::uuid[])
        union all
        select group_id, version, crashes from count_deltas where group_id = any(${ids}::uuid[]) and version is not null
      ) as both_versions group by 1, 2 having sum(crashes) > 0
    ) as ranked where place <= ${versionsShown} order by group_id, place`.execute(tx);
  const trends = new Map<string, number[]>(ids.map((id) => [id, Array.from({ length: trendDays }, () => 0)]));
  for (const day of days.rows) {
    const trend = trends.get(day.group_id);
    const at = trendDays - 1 - day.ago;
    if (trend && at >= 0 && at < trendDays) trend[at] = Number(day.n);
  }
  return rows.map((row) => ({
    id: row.id,
    signature: row.signature,
    state: row.state,
    count: Number(row.crashes),
    installs: Number(row.installs),
    firstSeen: row.first_seen.toISOString(),
    lastSeen: row.last_seen.toISOString(),
    versions: versions.rows.filter((version) => version.group_id === row.id).map((version) => ({ version: version.version, count: Number(version.n) })),
    trend: trends.get(row.id) ?? [],
  }));
}

const facetCrashes = 5000;

// Read from the newest crashes by the group's index: a roll-up per group and
// facet would be bigger than the crashes themselves.
async function facetsOf(tx: Database, id: string): Promise<GroupDetail["facets"]> {
  const rows = await sql<{ facet: string; value: string; n: number }>`
    with newest as (select version, host, os, arch, crash_reason from crashes where group_id = ${id} order by id desc limit ${facetCrashes})
    select facet, value, n::int from (
      select facet, value, count(*) as n, row_number() over (partition by facet order by count(*) desc, value) as place
      from newest cross join lateral (values ('version', version), ('host', host), ('os', os), ('arch', arch), ('reason', crash_reason)) as facets (facet, value)
      where value is not null group by 1, 2
    ) as ranked where place <= 12 order by facet, place`.execute(tx);
  const facets: GroupDetail["facets"] = {};
  for (const row of rows.rows) (facets[row.facet] ??= []).push({ value: row.value, count: row.n });
  return facets;
}

function readGroupCursor(cursor: string, sort: GroupSort): { key: string; id: string } | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!Array.isArray(parsed)) return null;
    const [key, id] = parsed as [unknown, unknown];
    if (typeof key !== "string" || typeof id !== "string" || !isUuid(id)) return null;
    return (sort === "count" ? /^\d{1,18}$/.test(key) : isPostgresTime(key)) ? { key, id } : null;
  } catch {
    return null;
  }
}

// As Postgres prints a timestamptz, and a day that there is: anything else it would refuse.
function isPostgresTime(text: string): boolean {
  const day = text.slice(0, 10);
  return /^\d{4}-\d\d-\d\d ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?[+-](0\d|1[0-4])(:[0-5]\d)?$/.test(text) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
