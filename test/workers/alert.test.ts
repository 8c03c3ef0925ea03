import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenDatabase } from "../../storage/database.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import { alertProcessor } from "../../workers/alert/alert.ts";
import { addDestination, addGroup, addProject } from "../support/alert-rows.ts";
import { testDatabase } from "../support/database.ts";

let database: OpenDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.close());

const event = (project: number, made: { group: string; crash: string }) => ({ event: "group-created", project, ...made }) as const;
const alertsOf = (project: number) => database.db.selectFrom("alerts").selectAll().where("project_id", "=", project).execute();
const deliveriesOf = (project: number) => database.db.selectFrom("deliveries").selectAll().where("project_id", "=", project).execute();
const jobsOf = async (deliveries: readonly { id: string }[]) => {
  const rows = await database.db.selectFrom("outbox").selectAll().where("queue", "=", "deliver").execute();
  return rows.filter((row) => deliveries.some(({ id }) => (row.payload as { delivery: string }).delivery === id)).map((row) => row.job_key);
};

describe("alertProcessor", () => {
  it("fires once, with one delivery and one job for each enabled destination", async () => {
    const { db } = database;
    const project = await addProject(db);
    await addDestination(db, project.id, { kind: "webhook", target: "https://a.example/" });
    await addDestination(db, project.id, { kind: "slack", target: "https://b.example/" });
    await addDestination(db, project.id, { kind: "mail", target: "a@b.example", enabled: false });
    const made = await addGroup(db, project.id);
    await alertProcessor(db)(event(project.id, made));

    const [alert, ...others] = await alertsOf(project.id);
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ rule_id: project.rule, subject: made.group, time_window: "", group_id: made.group, crash_id: made.crash, title: "New crash: Reverb::process<float>" });
    expect(alert?.body).toEqual({
      project: project.slug,
      group: { id: made.group, signature: "Reverb::process<float>", firstSeen: "2026-11-23T12:00:00.000Z", count: 1 },
      crash: { id: made.crash, product: "Hall", version: "1.4.2", host: "REAPER", os: "windows", arch: "x86_64", reason: "EXCEPTION_ACCESS_VIOLATION_READ" },
    });
    const deliveries = await deliveriesOf(project.id);
    expect(deliveries.map((row) => [row.alert_id, row.state, row.attempts])).toEqual([[alert?.id, "pending", 0], [alert?.id, "pending", 0]]);
    expect((await jobsOf(deliveries)).sort()).toEqual(deliveries.map(({ id }) => `deliver-${id}-0`).sort());
  });

  it("fires once under 20 runs at the same time, and not again later", async () => {
    const { db } = database;
    const project = await addProject(db);
    await addDestination(db, project.id, { kind: "webhook", target: "https://a.example/" });
    const made = await addGroup(db, project.id);
    const run = alertProcessor(db);
    await Promise.all(Array.from({ length: 20 }, () => run(event(project.id, made))));
    await run(event(project.id, made));
    expect(await alertsOf(project.id)).toHaveLength(1);
    const deliveries = await deliveriesOf(project.id);
    expect(deliveries).toHaveLength(1);
    expect(await jobsOf(deliveries)).toHaveLength(1);
  });

  it("fires once for each enabled rule", async () => {
    const { db } = database;
    const project = await addProject(db);
    const more = [uuidv7(), uuidv7()] as const;
    await db.insertInto("alert_rules").values({ id: more[0], project_id: project.id, kind: "new-group", name: "second" }).execute();
    await db.insertInto("alert_rules").values({ id: more[1], project_id: project.id, kind: "new-group", name: "off", enabled: false }).execute();
    await alertProcessor(db)(event(project.id, await addGroup(db, project.id)));
    expect((await alertsOf(project.id)).map((row) => row.rule_id).sort()).toEqual([project.rule, more[0]].sort());
  });

  it("fires without a destination, so that the page shows it", async () => {
    const project = await addProject(database.db);
    await alertProcessor(database.db)(event(project.id, await addGroup(database.db, project.id)));
    expect(await alertsOf(project.id)).toHaveLength(1);
    expect(await deliveriesOf(project.id)).toEqual([]);
  });

  it("counts folded and unfolded crashes together", async () => {
    const { db } = database;
    const project = await addProject(db);
    const made = await addGroup(db, project.id);
    await db.updateTable("groups").set({ crash_count: 41 }).where("id", "=", made.group).execute();
    await alertProcessor(db)(event(project.id, made));
    expect((await alertsOf(project.id))[0]?.body).toMatchObject({ group: { count: 42 } });
  });

  it.each([
    // Retention or an erase can be faster than a queue that was away for a day.
    ["a group that is gone", async (project: number) => ({ project, group: uuidv7(), crash: uuidv7() })],
    // A job cannot make one project tell about another's group.
    ["a group of another project", async (project: number) => ({ project, ...(await addGroup(database.db, (await addProject(database.db)).id)) })],
  ])("tells nothing about %s", async (_, make) => {
    const project = await addProject(database.db);
    await alertProcessor(database.db)({ event: "group-created", ...(await make(project.id)) });
    expect(await alertsOf(project.id)).toEqual([]);
  });

  it("tells about a group whose first crash is gone, without the crash's facts", async () => {
    const project = await addProject(database.db);
    const made = await addGroup(database.db, project.id);
    await database.db.deleteFrom("crashes").where("id", "=", made.crash).execute();
    await alertProcessor(database.db)(event(project.id, made));
    expect((await alertsOf(project.id))[0]?.body).toMatchObject({ crash: { id: made.crash, product: null, reason: null } });
  });

  it("leaves nothing behind when a run breaks off in the middle", async () => {
    const { db } = database;
    const project = await addProject(db);
    await addDestination(db, project.id, { kind: "webhook", target: "https://a.example/" });
    const made = await addGroup(db, project.id);
    // The last write of the transaction fails once: the alert and its delivery must go with it.
    const failing = db.withPlugin({
      transformQuery({ node }) {
        if (node.kind === "InsertQueryNode" && JSON.stringify(node.into).includes('"outbox"')) throw new Error("broken off");
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    await expect(alertProcessor(failing)(event(project.id, made))).rejects.toThrow("broken off");
    expect(await alertsOf(project.id)).toEqual([]);
    await alertProcessor(db)(event(project.id, made));
    expect(await alertsOf(project.id)).toHaveLength(1);
    expect(await deliveriesOf(project.id)).toHaveLength(1);
  });
});
