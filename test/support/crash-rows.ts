// Crashes as ingest and workers make them, for tests of what becomes of them, and
// the counts that must hold after anything:
//
//   for each group: folded count + deltas = crash rows that point to it,
//   and the same for installs, days, versions and the project's facets.
import { sql } from "kysely";
import { expect } from "vitest";
import type { MissingSymbols } from "../../stackwalk/stackwalker.ts";
import { type DueCrash, type NewCrash, startWalk, storeCrash, type WalkedCrash } from "../../storage/crashes.ts";
import type { Database } from "../../storage/database.ts";

/** A crash as ingest hands it over. */
export function newCrash(project: number, more: Partial<NewCrash> = {}): NewCrash {
  return { projectId: project, kind: "minidump", blob: "0".repeat(64), bytes: 100, client: "test", install: null, product: "Hall", version: "1.0", host: null, annotations: {}, notes: [], attachments: [], uploadKey: null, ...more };
}

/** What a walk found out about a crash whose signature is `name`. */
export function walked(name: string, more: Partial<WalkedCrash> = {}): WalkedCrash {
  return {
    reportBlob: "1".repeat(64),
    signature: name,
    signatureVersion: 1,
    fingerprint: Buffer.from(name.padEnd(32, ".").slice(0, 32)),
    os: "linux",
    osVersion: "6.1",
    arch: "amd64",
    host: "REAPER",
    crashReason: "SIGSEGV",
    crashAddress: "0x0",
    crashModule: "hall.so",
    missing: [],
    ...more,
  };
}

/** A module that a walk lacked everything of. */
export function missing(more: Partial<MissingSymbols> = {}): MissingSymbols {
  return { debugFile: "hall.pdb", debugId: "0123456789ABCDEF0123456789ABCDEF1", codeFile: "hall.dll", codeId: null, lacks: "all", ...more };
}

/** Stores a crash; returns its id. */
export async function store(db: Database, project: number, more: Partial<NewCrash> = {}): Promise<string> {
  return (await storeCrash(db, newCrash(project, more))).id;
}

/** Starts the walk that is due. */
export async function due(db: Database, id: string, revision = 1): Promise<DueCrash> {
  const found = await startWalk(db, id, revision);
  if (found === undefined) throw new Error("nothing is due");
  return found;
}

/** The row of a crash. */
export function rowOf(db: Database, id: string) {
  return db.selectFrom("crashes").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

/** Everything that is counted, told by the sums and deltas, and told by the rows themselves. */
export async function counts(db: Database, of: number): Promise<{ counted: unknown; actual: unknown }> {
  const ask = async (query: ReturnType<typeof sql>) => (await query.execute(db)).rows;
  const counted = {
    groups: await ask(sql`
      select g.id, (g.crash_count + coalesce(sum(d.crashes), 0))::int as crashes, (g.install_count + coalesce(sum(d.installs), 0))::int as installs
      from groups g left join count_deltas d on d.group_id = g.id where g.project_id = ${of} group by g.id order by g.id`),
    days: await ask(sql`
      select group_id, day, sum(crashes)::int as n from (
        select group_id, day, crashes from group_days union all select group_id, day, crashes from count_deltas
      ) as all_days where group_id in (select id from groups where project_id = ${of}) group by 1, 2 having sum(crashes) <> 0 order by 1, 2`),
    versions: await ask(sql`
      select group_id, version, sum(crashes)::int as n from (
        select group_id, version, crashes from group_versions union all select group_id, version, crashes from count_deltas where version is not null
      ) as all_versions where group_id in (select id from groups where project_id = ${of}) group by 1, 2 having sum(crashes) <> 0 order by 1, 2`),
    facets: await ask(sql`
      select facet, value, sum(n)::int as n from (
        select facet, value, n from counters where project_id = ${of}
        union all
        select facet, value, crashes from count_deltas cross join lateral (values ('crash', ''), ('version', version), ('os', os), ('arch', arch), ('host', host)) as f (facet, value)
        where project_id = ${of} and value is not null
      ) as all_facets group by 1, 2 having sum(n) <> 0 order by 1, 2`),
  };
  const actual = {
    groups: await ask(sql`
      select g.id, count(c.id)::int as crashes, count(distinct c.install)::int as installs
      from groups g left join crashes c on c.group_id = g.id where g.project_id = ${of} group by g.id order by g.id`),
    days: await ask(sql`select group_id, (received_at at time zone 'UTC')::date as day, count(*)::int as n from crashes where project_id = ${of} and group_id is not null group by 1, 2 order by 1, 2`),
    versions: await ask(sql`select group_id, version, count(*)::int as n from crashes where project_id = ${of} and group_id is not null and version is not null group by 1, 2 order by 1, 2`),
    facets: await ask(sql`
      select facet, value, count(*)::int as n from crashes
      cross join lateral (values ('crash', ''), ('version', version), ('os', os), ('arch', arch), ('host', host)) as f (facet, value)
      where project_id = ${of} and group_id is not null and value is not null group by 1, 2 order by 1, 2`),
  };
  return { counted, actual };
}

/** Asserts that everything counted is what the rows say. */
export async function expectExactCounts(db: Database, of: number): Promise<void> {
  const { counted, actual } = await counts(db, of);
  expect(counted).toEqual(actual);
}
