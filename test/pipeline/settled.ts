// What must be true of a pipeline once everything has settled, asked of its
// tables by plain SQL and of the receiver of its alerts.
import { sql } from "kysely";
import { expect } from "vitest";
import type { Database } from "../../storage/database.ts";
import { eventually } from "../support/eventually.ts";
import type { Received } from "../support/webhook-receiver.ts";

type Progress = { stored: number; grouped: number; failed: number; outbox: number; deltas: number; pending: number; untold: number };

/** Where the pipeline stands. */
export async function progress(db: Database): Promise<Progress> {
  const found = await sql<Progress>`select
    (select count(*)::int from crashes where state = 'stored') as stored,
    (select count(*)::int from crashes where state = 'grouped') as grouped,
    (select count(*)::int from crashes where state = 'failed') as failed,
    (select count(*)::int from outbox) as outbox,
    (select count(*)::int from count_deltas) as deltas,
    (select count(*)::int from deliveries where state = 'pending') as pending,
    (select count(*)::int from groups where announce_crash is not null) as untold`.execute(db);
  return found.rows[0]!;
}

/** Waits until nothing is left to do. */
export async function settled(db: Database, seconds: number): Promise<Progress> {
  return eventually("everything settles", () => progress(db), (now) => now.stored + now.outbox + now.deltas + now.pending + now.untold === 0, { seconds, everyMs: 500 });
}

/** Asserts that nothing acknowledged was lost or counted twice, and that each group was told of once. `acked` is upload name → crash id. */
export async function expectNothingLost(db: Database, acked: ReadonlyMap<string, string>, expected: { groups: number; received: readonly Received[]; destinations?: number }): Promise<void> {
  const crashes = await db.selectFrom("crashes").select(["id", "state", "state_code", "state_reason", "group_id", "install"]).execute();
  const byId = new Map(crashes.map((crash) => [crash.id, crash]));

  // Every acknowledged id is grouped, in one group; no upload became two crashes.
  expect(crashes.filter((crash) => crash.state !== "grouped").map(({ state, state_code, state_reason }) => ({ state, state_code, state_reason }))).toEqual([]);
  expect([...acked.values()].filter((id) => byId.get(id)?.group_id == null)).toEqual([]);
  expect(new Set(acked.values()).size).toBe(acked.size);
  expect(crashes.length).toBe(acked.size);

  // Counts are those of the rows.
  const groups = (
    await sql<{ id: string; counted: number; installs: number; rows: number; row_installs: number }>`
      select g.id,
        (g.crash_count + coalesce((select sum(crashes) from count_deltas d where d.group_id = g.id), 0))::int as counted,
        (g.install_count + coalesce((select sum(installs) from count_deltas d where d.group_id = g.id), 0))::int as installs,
        (select count(*) from crashes c where c.group_id = g.id)::int as rows,
        (select count(distinct install) from crashes c where c.group_id = g.id)::int as row_installs
      from groups g order by g.id`.execute(db)
  ).rows;
  expect(groups.map(({ id, counted, installs }) => ({ id, counted, installs }))).toEqual(groups.map(({ id, rows, row_installs }) => ({ id, counted: rows, installs: row_installs })));
  expect(groups.reduce((sum, group) => sum + group.counted, 0)).toBe(crashes.length);
  expect(groups).toHaveLength(expected.groups);

  // One alert a group, delivered, and told under one name however often it was sent.
  const alerts = await db.selectFrom("alerts").select(["id", "group_id"]).execute();
  expect(alerts.map((alert) => alert.group_id).sort()).toEqual(groups.map((group) => group.id).sort());
  if (expected.destinations === 0) return;
  const deliveries = await db.selectFrom("deliveries").select(["alert_id", "state"]).execute();
  expect(deliveries.map((delivery) => delivery.state)).toEqual(alerts.map(() => "delivered"));
  const namesByGroup = new Map<string, Set<string>>();
  for (const request of expected.received) {
    expect(request.signature).toBe("valid");
    const { data } = JSON.parse(request.text) as { data: { group: { id: string } } };
    namesByGroup.set(data.group.id, (namesByGroup.get(data.group.id) ?? new Set()).add(String(request.headers["webhook-id"])));
  }
  expect([...namesByGroup.keys()].sort()).toEqual(groups.map((group) => group.id).sort());
  expect([...namesByGroup.values()].filter((names) => names.size !== 1)).toEqual([]);
}
