// Counting without a queue on one row.
//
// Whoever groups a crash inserts a delta in the same transaction: +1 for the
// group it joins, -1 for one it leaves. A fold moves deltas into the sums
// (groups, group_days, group_versions, counters) in one statement. A reader adds
// what is not folded yet, in one snapshot, and so always sees exact counts: the
// sums and the deltas change together or not at all.
import { sql } from "kysely";
import type { Database, Tx } from "./database.ts";

/** What of a crash is counted. */
export type CountedCrash = {
  readonly projectId: number;
  readonly group: string;
  readonly seenAt: Date;
  readonly version: string | null;
  readonly os: string | null;
  readonly arch: string | null;
  readonly host: string | null;
};

/** Adds a crash to its group's counts (`sign` 1) or takes it away (-1); `installs` is the change in distinct installs. */
export async function addCounts(tx: Tx, crash: CountedCrash, sign: 1 | -1, installs: number): Promise<void> {
  await tx
    .insertInto("count_deltas")
    .values({
      project_id: crash.projectId,
      group_id: crash.group,
      day: crash.seenAt.toISOString().slice(0, 10),
      seen_at: crash.seenAt,
      crashes: sign,
      installs,
      version: crash.version,
      os: crash.os,
      arch: crash.arch,
      host: crash.host,
    })
    .execute();
}

const foldLock = 4_747_002;

/** Folds up to `limit` deltas into the sums; returns how many. One fold runs at a time, over all processes. */
export async function foldCounts(db: Database, limit = 20_000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lock = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${foldLock}) as mine`.execute(tx);
    if (!lock.rows[0]?.mine) return 0;
    const folded = await sql<{ n: number }>`
      with taken as (
        delete from count_deltas where seq in (select seq from count_deltas order by seq limit ${limit}) returning *
      ), by_day as (
        insert into group_days select group_id, day, sum(crashes) from taken group by 1, 2
        on conflict (group_id, day) do update set crashes = group_days.crashes + excluded.crashes
      ), by_version as (
        insert into group_versions select group_id, version, sum(crashes) from taken where version is not null group by 1, 2
        on conflict (group_id, version) do update set crashes = group_versions.crashes + excluded.crashes
      ), by_facet as (
        insert into counters
        select project_id, day, facet, value, sum(crashes)
        from taken cross join lateral (values ('crash', ''), ('version', version), ('os', os), ('arch', arch), ('host', host)) as facets (facet, value)
        where value is not null
        group by 1, 2, 3, 4
        on conflict (project_id, day, facet, value) do update set n = counters.n + excluded.n
      ), by_group as (
        update groups set
          crash_count = crash_count + sums.crashes,
          install_count = install_count + sums.installs,
          first_seen = least(groups.first_seen, sums.first_seen),
          last_seen = greatest(groups.last_seen, sums.last_seen)
        from (
          select group_id, sum(crashes) as crashes, sum(installs) as installs, min(seen_at) as first_seen, max(seen_at) filter (where crashes > 0) as last_seen
          from taken group by 1
        ) as sums
        where groups.id = sums.group_id
      )
      select count(*)::int as n from taken`.execute(tx);
    return folded.rows[0]?.n ?? 0;
  });
}
