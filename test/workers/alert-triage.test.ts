// services/triage/alerts.ts: what people read and change about alerts.
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readSettings } from "../../config/settings.ts";
import { addDestination, listAlerts, listDestinations, removeDestination, retryDelivery, testDestination } from "../../services/triage/alerts.ts";
import { AlertPage } from "../../services/triage/schema.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { deliverProcessor } from "../../workers/deliver/deliver.ts";
import Value from "typebox/value";
import * as rows from "../support/alert-rows.ts";
import { testDatabase } from "../support/database.ts";
import { type WebhookReceiver, startWebhookReceiver } from "../support/webhook-receiver.ts";

let database: OpenDatabase;
let receiver: WebhookReceiver;
let project: Awaited<ReturnType<typeof rows.addProject>>;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  receiver = await startWebhookReceiver();
  project = await rows.addProject(database.db);
});
afterEach(() => receiver.close());

const settings = readSettings({});
const atHome = readSettings({ ALLOW_PRIVATE_WEBHOOKS: "1" });
const deliver = (delivery: string) => deliverProcessor({ db: database.db, settings: atHome, publicUrl: () => undefined, log: pino({ level: "silent" }) })({ delivery });
const jobs = async (delivery: string) => (await database.db.selectFrom("outbox").selectAll().orderBy("created_at").execute()).filter((job) => (job.payload as { delivery?: string }).delivery === delivery);
const list = async (page: { limit: number; cursor?: string }, id = project.id) => {
  const result = await listAlerts(database.db, id, page);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
};

describe("listAlerts", () => {
  it("shows alerts with deliveries and attempts, in the shape of the schema", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    receiver.script = [{ status: 500, body: "no" }, { status: 200, body: "yes" }];
    const made = await rows.addDelivery(database.db, project, hook);
    await deliver(made.delivery);
    const waiting = await list({ limit: 10 });
    expect(Value.Check(AlertPage, waiting)).toBe(true);
    expect(waiting).toMatchObject({
      items: [
        {
          id: made.alert,
          rule: "New crash",
          title: "New crash: Reverb::process<float>",
          group: made.group,
          deliveries: [{ id: made.delivery, destination: { id: hook, kind: "webhook", name: "webhook" }, state: "pending", nextAttemptAt: expect.stringMatching(/Z$/), attempts: [{ status: 500, error: "Answered 500.", answer: "no" }] }],
        },
      ],
      next: null,
    });
    await database.db.updateTable("deliveries").set({ next_attempt_at: new Date(0) }).where("id", "=", made.delivery).execute();
    await deliver(made.delivery);
    expect((await list({ limit: 10 })).items[0]?.deliveries[0]).toMatchObject({ state: "delivered", nextAttemptAt: null, attempts: [{ status: 500 }, { status: 200, error: null, answer: "yes" }] });
  });

  it("pages newest first without repeating or skipping, even among alerts of one microsecond", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    const made: string[] = [];
    for (let i = 0; i < 11; i++) made.push((await rows.addDelivery(database.db, project, hook)).alert);
    // Three share one time, two differ by a microsecond, which a JavaScript Date cannot tell.
    for (const [i, at] of ["2026-11-23 12:00:00.123456+00", "2026-11-23 12:00:00.123456+00", "2026-11-23 12:00:00.123456+00", "2026-11-23 12:00:00.123457+00", "2026-11-23 12:00:00.123458+00"].entries()) {
      await database.db.updateTable("alerts").set({ created_at: at }).where("id", "=", made[i]!).execute();
    }
    const expected = (await database.db.selectFrom("alerts").select("id").where("project_id", "=", project.id).orderBy("created_at", "desc").orderBy("id", "desc").execute()).map((row) => row.id);
    for (const limit of [1, 2, 3, 10, 11, 12]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ limit, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.items.map((item) => item.id));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && seen.length < 100);
      expect(seen).toEqual(expected);
    }
  });

  it("asks three times, however long the page is", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    for (let i = 0; i < 20; i++) await deliver((await rows.addDelivery(database.db, project, hook)).delivery);
    let queries = 0;
    const counted = database.db.withPlugin({ transformQuery: ({ node }) => (queries++, node), transformResult: async ({ result }) => result });
    const page = await listAlerts(counted, project.id, { limit: 20 });
    expect(page).toMatchObject({ ok: true, value: { items: expect.objectContaining({ length: 20 }) } });
    expect(queries).toBe(3);
  });

  it("shows nothing of other projects, and an empty page for none", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    await rows.addDelivery(database.db, project, hook);
    expect(await list({ limit: 10 }, (await rows.addProject(database.db)).id)).toEqual({ items: [], next: null });
  });

  it.each([
    "",
    "nonsense",
    "'; drop table alerts; --",
    Buffer.from("1.not-a-uuid").toString("base64url"),
    // A number that no time is.
    Buffer.from(`99999999999999999999.${randomUUID()}`).toString("base64url"),
    Buffer.from(`-1.${randomUUID()}`).toString("base64url"),
  ])("refuses the cursor %j", async (cursor) => {
    expect(await listAlerts(database.db, project.id, { limit: 10, cursor })).toMatchObject({ ok: false, problem: { code: "bad_cursor", status: 400 } });
  });
});

describe("addDestination", () => {
  it("gives a webhook a secret of Standard Webhooks, and shows it this once", async () => {
    const result = await addDestination(database.db, project.id, { kind: "webhook", name: " Ops ", target: "https://hooks.example.com/x?y=1" }, settings);
    expect(result).toMatchObject({ ok: true, value: { kind: "webhook", name: "Ops", target: "https://hooks.example.com/x?y=1", enabled: true, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) } });
    const [listed, ...others] = await listDestinations(database.db, project.id);
    expect(others).toEqual([]);
    expect(listed).not.toHaveProperty("secret");
    expect(listed?.id).toBe(result.ok && result.value.id);
  });

  it.each([["slack", "https://hooks.slack.com/services/T0/B0/x"], ["mail", "team+crash@studio.example"]] as const)("gives %s no secret", async (kind, target) => {
    const result = await addDestination(database.db, project.id, { kind, name: "n", target }, settings);
    expect(result).toMatchObject({ ok: true, value: { kind, target } });
    expect(result.ok && result.value.secret).toBeUndefined();
  });

  it.each([
    ["webhook", "not a url", "bad_url"],
    ["webhook", "ftp://example.com/", "bad_url"],
    ["slack", "javascript:alert(1)", "bad_url"],
    ["webhook", "http://127.0.0.1:8088/", "private_address"],
    ["webhook", "http://2130706433/", "private_address"],
    ["webhook", "http://0x7f.1/", "private_address"],
    ["webhook", "http://x@169.254.169.254/", "private_address"],
    ["webhook", "http://[::1]/", "private_address"],
    ["webhook", "http://[::]/", "private_address"],
    ["webhook", "http://[::ffff:10.0.0.1]/", "private_address"],
    ["webhook", "http://[fd00::1]/", "private_address"],
    ["slack", "http://192.168.1.1/", "private_address"],
    ["slack", "http://localhost:3000/", "private_address"],
    ["webhook", "http://LOCALHOST./", "private_address"],
    ["webhook", "http://app.localhost/", "private_address"],
    ["mail", "nobody", "bad_mail_address"],
    ["mail", "a@b.example, c@d.example", "bad_mail_address"],
    ["mail", "A <a@b.example>", "bad_mail_address"],
    ["mail", "a@b.example\r\nBcc: c@d.example", "bad_mail_address"],
  ] as const)("refuses %s to %j: %s", async (kind, target, code) => {
    expect(await addDestination(database.db, project.id, { kind, name: "n", target }, settings)).toMatchObject({ ok: false, problem: { code, status: 400 } });
    expect(await listDestinations(database.db, project.id)).toEqual([]);
  });

  it.each([
    // Public, so no reason to refuse.
    ["http://8.8.8.8/", settings],
    ["https://[2606:4700::1111]/", settings],
    // Resolving is for the time of sending.
    ["https://intranet.example/", settings],
    // Allowed by the operator.
    ["http://127.0.0.1:9000/", atHome],
    ["http://localhost:9000/", atHome],
  ])("takes %s", async (target, how) => {
    expect(await addDestination(database.db, project.id, { kind: "webhook", name: "n", target }, how)).toMatchObject({ ok: true });
  });

  it("refuses a name of blanks", async () => {
    expect(await addDestination(database.db, project.id, { kind: "mail", name: "  ", target: "a@b.example" }, settings)).toMatchObject({ ok: false, problem: { code: "bad_name" } });
  });
});

describe("removeDestination", () => {
  it("removes it with its deliveries, and only from its own project", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    await rows.addDelivery(database.db, project, hook);
    const other = await rows.addProject(database.db);
    expect(await removeDestination(database.db, other.id, hook)).toMatchObject({ ok: false, problem: { code: "unknown_destination", status: 404 } });
    expect(await removeDestination(database.db, project.id, hook)).toEqual({ ok: true, value: null });
    expect(await listDestinations(database.db, project.id)).toEqual([]);
    expect((await list({ limit: 10 })).items[0]?.deliveries).toEqual([]);
    expect(await removeDestination(database.db, project.id, hook)).toMatchObject({ ok: false });
  });

  it("finds no destination under something that is no id", async () => {
    expect(await removeDestination(database.db, project.id, "1 or 1=1")).toMatchObject({ ok: false, problem: { status: 404 } });
  });
});

describe("testDestination", () => {
  it("delivers a test to one destination, each time anew", async () => {
    const added = await addDestination(database.db, project.id, { kind: "webhook", name: "n", target: receiver.url }, atHome);
    if (!added.ok) throw new Error(added.problem.message);
    await rows.addDestination(database.db, project.id, { kind: "slack", target: "https://other.example/" });
    receiver.secret = added.value.secret;
    for (let i = 0; i < 2; i++) {
      const tested = await testDestination(database.db, project.id, added.value.id);
      if (!tested.ok) throw new Error(tested.problem.message);
      expect(await jobs(tested.value.delivery)).toMatchObject([{ queue: "deliver", job_key: `deliver-${tested.value.delivery}-0` }]);
      await deliver(tested.value.delivery);
    }
    expect(receiver.received.map((request) => [request.signature, JSON.parse(request.text).type])).toEqual([["valid", "test"], ["valid", "test"]]);
    expect(new Set(receiver.received.map((request) => request.headers["webhook-id"])).size).toBe(2);
    expect((await list({ limit: 10 })).items).toMatchObject([{ title: "Test alert", group: null, crash: null, deliveries: [{ state: "delivered" }] }, { title: "Test alert" }]);
  });

  it("refuses what is not there", async () => {
    expect(await testDestination(database.db, project.id, randomUUID())).toMatchObject({ ok: false, problem: { code: "unknown_destination" } });
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    expect(await testDestination(database.db, (await rows.addProject(database.db)).id, hook)).toMatchObject({ ok: false, problem: { code: "unknown_destination" } });
    await database.db.deleteFrom("alert_rules").where("project_id", "=", project.id).execute();
    expect(await testDestination(database.db, project.id, hook)).toMatchObject({ ok: false, problem: { code: "no_alert_rule", status: 409 } });
  });
});

describe("retryDelivery", () => {
  it("gives a failed delivery all its attempts again and keeps its log", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    const { delivery } = await rows.addDelivery(database.db, project, hook);
    receiver.script = [410, 200];
    await deliver(delivery);
    expect(await retryDelivery(database.db, (await rows.addProject(database.db)).id, delivery)).toMatchObject({ ok: false, problem: { code: "unknown_delivery" } });
    expect(await retryDelivery(database.db, project.id, delivery)).toEqual({ ok: true, value: null });
    // Asked for twice, it is pending already.
    expect(await retryDelivery(database.db, project.id, delivery)).toMatchObject({ ok: false, problem: { code: "not_failed", status: 409 } });
    expect(await jobs(delivery)).toMatchObject([{ job_key: expect.stringMatching(`^deliver-${delivery}-again-`) }]);
    await deliver(delivery);
    expect((await list({ limit: 1 })).items[0]?.deliveries[0]).toMatchObject({ state: "delivered", attempts: [{ status: 410 }, { status: 200 }] });
    expect(await retryDelivery(database.db, project.id, delivery)).toMatchObject({ ok: false, problem: { code: "not_failed" } });
  });

  it("is done once when it is asked for 20 times at once", async () => {
    const hook = await rows.addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
    const { delivery } = await rows.addDelivery(database.db, project, hook);
    await database.db.updateTable("deliveries").set({ state: "failed" }).where("id", "=", delivery).execute();
    // Open all connections first, or the one that is there does the work of all, one by one.
    await Promise.all(Array.from({ length: 10 }, () => sql`select pg_sleep(0.1)`.execute(database.db)));
    const results = await Promise.all(Array.from({ length: 20 }, () => retryDelivery(database.db, project.id, delivery)));
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(await jobs(delivery)).toHaveLength(1);
  });
});
