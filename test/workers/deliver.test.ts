import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readSettings } from "../../config/settings.ts";
import type { OpenDatabase } from "../../storage/database.ts";
import { startDispatcher } from "../../storage/outbox.ts";
import { openQueues } from "../../storage/queues.ts";
import { alertProcessor } from "../../workers/alert/alert.ts";
import { type DeliverOptions, deliverProcessor } from "../../workers/deliver/deliver.ts";
import { addDelivery, addDestination, addGroup, addProject, secret } from "../support/alert-rows.ts";
import { testDatabase } from "../support/database.ts";
import { type WebhookReceiver, startWebhookReceiver } from "../support/webhook-receiver.ts";

let database: OpenDatabase;
let receiver: WebhookReceiver;
let project: Awaited<ReturnType<typeof addProject>>;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  receiver = await startWebhookReceiver();
  receiver.secret = secret;
  project = await addProject(database.db);
});
afterEach(() => receiver.close());

const log = pino({ level: "silent" });
const run = (delivery: string, env: NodeJS.ProcessEnv = {}, more: Partial<DeliverOptions> = {}) =>
  deliverProcessor({
    db: database.db,
    settings: readSettings({ ALLOW_PRIVATE_WEBHOOKS: "1", DEADAIR_LIMIT_DELIVERY_SECONDS: "1", ...env }),
    publicUrl: () => "https://deadair.example",
    log,
    random: () => 0.5,
    ...more,
  })({ delivery });
const toWebhook = async (target = `${receiver.url}/hook`) => addDelivery(database.db, project, await addDestination(database.db, project.id, { kind: "webhook", target }));
const row = (id: string) => database.db.selectFrom("deliveries").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const attempts = (id: string) => database.db.selectFrom("delivery_attempts").selectAll().where("delivery_id", "=", id).orderBy("at").orderBy("id").execute();
const jobs = async (id: string) => (await database.db.selectFrom("outbox").selectAll().orderBy("due_at").execute()).filter((job) => (job.payload as { delivery?: string }).delivery === id);
// What the dispatcher does when the time has come.
const makeDue = (id: string) => database.db.updateTable("deliveries").set({ next_attempt_at: new Date(Date.now() - 1000) }).where("id", "=", id).execute();

describe("a delivery that works", () => {
  it("arrives signed, with everything in it, and is written down", async () => {
    receiver.script = [{ status: 202, body: "thank you" }];
    const { alert, delivery, group } = await toWebhook();
    await run(delivery);

    const { destination_id, ...done } = await row(delivery);
    expect(done).toMatchObject({ state: "delivered", attempts: 1, last_status: 202, last_error: null });
    expect(done.finished_at).toBeInstanceOf(Date);
    const [request] = receiver.received;
    expect(request).toMatchObject({ method: "POST", path: "/hook", signature: "valid" });
    expect(request?.headers).toMatchObject({ "content-type": "application/json", "webhook-id": `${alert}-${destination_id}`, "user-agent": expect.stringMatching(/^Deadair\/\d+\.\d+\.\d+$/) });
    expect(JSON.parse(request?.text ?? "")).toEqual({
      type: "group.created",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: {
        title: "New crash: Reverb::process<float>",
        project: project.slug,
        group: { id: group, signature: "Reverb::process<float>", firstSeen: "2026-11-23T12:00:00.000Z", count: 1 },
        crash: { id: expect.any(String), product: "Hall", version: "1.4.2", host: "REAPER", os: "windows", arch: "x86_64", reason: "EXCEPTION_ACCESS_VIOLATION_READ" },
        url: `https://deadair.example/${project.slug}/groups/${group}`,
      },
    });
    expect(await attempts(delivery)).toMatchObject([{ status: 202, error: null, answer: "thank you", milliseconds: expect.any(Number) }]);
    expect(await jobs(delivery)).toEqual([]);
  });

  it("says null where it does not know its own address", async () => {
    const { delivery } = await toWebhook();
    await run(delivery, {}, { publicUrl: () => undefined });
    expect(JSON.parse(receiver.received[0]?.text ?? "")).toMatchObject({ data: { url: null } });
  });

  it("calls a test a test, and leads to the list of alerts", async () => {
    const { alert, delivery } = await toWebhook();
    await database.db.updateTable("alerts").set({ subject: `test:${randomUUID()}`, group_id: null, body: JSON.stringify({ project: project.slug }) }).where("id", "=", alert).execute();
    await run(delivery);
    expect(JSON.parse(receiver.received[0]?.text ?? "")).toMatchObject({ type: "test", data: { url: `https://deadair.example/${project.slug}/alerts` } });
  });

  it("goes to Slack as its JSON, unsigned", async () => {
    const { delivery } = await addDelivery(database.db, project, await addDestination(database.db, project.id, { kind: "slack", target: `${receiver.url}/services/T/B/x` }));
    await run(delivery);
    expect(receiver.received[0]).toMatchObject({ path: "/services/T/B/x", signature: "unsigned" });
    expect(JSON.parse(receiver.received[0]?.text ?? "").text).toContain("New crash: `Reverb::process&lt;float&gt;`");
    expect((await row(delivery)).state).toBe("delivered");
  });
});

describe("running more than once", () => {
  it("sends once under 20 runs at the same time", async () => {
    const { delivery } = await toWebhook();
    await Promise.all(Array.from({ length: 20 }, () => run(delivery)));
    expect(receiver.received).toHaveLength(1);
    expect(await attempts(delivery)).toHaveLength(1);
  });

  it("schedules one retry under 20 runs at the same time", async () => {
    receiver.script = [500];
    const { delivery } = await toWebhook();
    await Promise.all(Array.from({ length: 20 }, () => run(delivery)));
    expect(receiver.received).toHaveLength(1);
    expect(await jobs(delivery)).toHaveLength(1);
  });

  it("does nothing once it is delivered, or before it is due, or for a delivery that is gone", async () => {
    const { delivery } = await toWebhook();
    await run(delivery);
    await makeDue(delivery);
    await run(delivery);
    const later = await toWebhook();
    await database.db.updateTable("deliveries").set({ next_attempt_at: new Date(Date.now() + 60_000) }).where("id", "=", later.delivery).execute();
    await run(later.delivery);
    await run(randomUUID());
    expect(receiver.received).toHaveLength(1);
  });

  it("forgives a job that comes a little early", async () => {
    const { delivery } = await toWebhook();
    await database.db.updateTable("deliveries").set({ next_attempt_at: new Date(Date.now() + 500) }).where("id", "=", delivery).execute();
    await run(delivery);
    expect(receiver.received).toHaveLength(1);
  });

  it("repeats the webhook-id, and not the timestamp, when a run was killed after it had sent", async () => {
    receiver.script = ["hang", 200];
    const { delivery } = await toWebhook();
    // A worker that dies leaves its claim behind: the attempt counted, the delivery due once the claim has run out.
    await database.db.updateTable("deliveries").set({ attempts: 1, next_attempt_at: new Date(Date.now() + 16_000) }).where("id", "=", delivery).execute();
    await run(delivery);
    expect(receiver.received).toHaveLength(0);
    await makeDue(delivery);
    await run(delivery);
    await makeDue(delivery);
    await run(delivery);
    const ids = receiver.received.map((request) => request.headers["webhook-id"]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect(receiver.received.map((request) => request.signature)).toEqual(["valid", "valid"]);
    expect(await row(delivery)).toMatchObject({ state: "delivered", attempts: 3 });
  });

  it("claims for longer than a send may take", async () => {
    receiver.script = ["hang"];
    const { delivery } = await toWebhook();
    const running = run(delivery);
    await expect.poll(() => receiver.received.length).toBe(1);
    expect((await row(delivery)).next_attempt_at.getTime() - Date.now()).toBeGreaterThan(10_000);
    await running;
  });

  it.each([
    // Its receiver has it, so nobody has to send it again.
    [200, "delivered"],
    // Whoever claimed it after us is sending it now, and will say when to try again.
    [500, "pending"],
  ] as const)("ends a run whose claim had run out, answered %i, as %s and without a job", async (status, state) => {
    receiver.script = [status];
    const { delivery } = await toWebhook(`http://slow.test:${receiver.port}/`);
    let proceed = () => {};
    const held = new Promise<void>((resolve) => (proceed = resolve));
    const overtaken = run(delivery, {}, { resolve: () => held.then(() => [{ address: "127.0.0.1", family: 4 }]) });
    await expect.poll(async () => (await row(delivery)).attempts).toBe(1);
    await database.db.updateTable("deliveries").set({ attempts: 2 }).where("id", "=", delivery).execute();
    proceed();
    await overtaken;
    expect(await row(delivery)).toMatchObject({ state, attempts: 2 });
    expect(await attempts(delivery)).toMatchObject([{ status }]);
    expect(await jobs(delivery)).toEqual([]);
  });

  it("does not send again because the database was away for a moment after it had sent", async () => {
    const { delivery } = await toWebhook();
    let failures = 0;
    const db = database.db.withPlugin({
      transformQuery({ node }) {
        if (node.kind === "InsertQueryNode" && JSON.stringify(node.into).includes('"delivery_attempts"') && failures++ === 0) throw new Error("away");
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    await run(delivery, {}, { db });
    expect(failures).toBe(2);
    expect(receiver.received).toHaveLength(1);
    expect(await row(delivery)).toMatchObject({ state: "delivered" });
    expect(await attempts(delivery)).toHaveLength(1);
  });

  it("does not mind a destination that is removed while it sends", async () => {
    receiver.script = ["hang"];
    const { delivery } = await toWebhook();
    const running = run(delivery);
    await expect.poll(() => receiver.received.length).toBe(1);
    await database.db.deleteFrom("destinations").where("project_id", "=", project.id).execute();
    await running;
    expect(await attempts(delivery)).toEqual([]);
  });
});

describe("a delivery that fails", () => {
  it("waits longer each time, and arrives at last", async () => {
    receiver.script = [500, { status: 503, body: "restarting" }, 200];
    const { delivery } = await toWebhook();
    // With the jitter in its middle the waits are exactly those of the schedule.
    for (const [attempt, seconds] of [[1, 5], [2, 30]] as const) {
      const before = Date.now();
      await run(delivery);
      const { state, attempts: counted, next_attempt_at } = await row(delivery);
      expect([state, counted]).toEqual(["pending", attempt]);
      expect(next_attempt_at.getTime() - before).toBeGreaterThanOrEqual(seconds * 1000);
      expect(next_attempt_at.getTime() - before).toBeLessThan(seconds * 1000 + 2000);
      const [job] = (await jobs(delivery)).filter((each) => each.job_key === `deliver-${delivery}-${attempt}`);
      expect(job).toMatchObject({ queue: "deliver", due_at: next_attempt_at, payload: { delivery } });
      await makeDue(delivery);
    }
    await run(delivery);
    expect(await row(delivery)).toMatchObject({ state: "delivered", attempts: 3, last_status: 200, last_error: null });
    expect(await attempts(delivery)).toMatchObject([
      { status: 500, error: "Answered 500.", answer: "" },
      { status: 503, error: "Answered 503.", answer: "restarting" },
      { status: 200, error: null },
    ]);
  });

  it("is given up after DELIVERY_ATTEMPTS_COUNT attempts", async () => {
    receiver.script = [500];
    const { delivery } = await toWebhook();
    for (let attempt = 1; attempt <= 5; attempt++) {
      await run(delivery, { DEADAIR_LIMIT_DELIVERY_ATTEMPTS_COUNT: "3" });
      await makeDue(delivery);
    }
    expect(receiver.received).toHaveLength(3);
    expect(await row(delivery)).toMatchObject({ state: "failed", attempts: 3, last_status: 500, last_error: "Answered 500." });
    expect((await jobs(delivery)).map((job) => job.job_key)).toEqual([`deliver-${delivery}-1`, `deliver-${delivery}-2`]);
  });

  it("is given up without another send when its attempts never ended", async () => {
    const { delivery } = await toWebhook();
    await database.db.updateTable("deliveries").set({ attempts: 10 }).where("id", "=", delivery).execute();
    await run(delivery);
    expect(receiver.received).toHaveLength(0);
    expect(await row(delivery)).toMatchObject({ state: "failed", last_error: "The last attempt began and never ended." });
  });

  it("waits as long as the receiver asks, up to an hour", async () => {
    for (const [asked, seconds] of [["120", 120], ["999999", 3600], ["1", 5], ["soon", 5]] as const) {
      receiver.script = [{ status: 429, headers: { "retry-after": asked } }];
      const { delivery } = await toWebhook();
      const before = Date.now();
      await run(delivery);
      const wait = (await row(delivery)).next_attempt_at.getTime() - before;
      expect(wait).toBeGreaterThanOrEqual(seconds * 1000);
      expect(wait).toBeLessThan(seconds * 1000 + 2000);
    }
  });

  it("keeps the first 500 characters of an answer, and can keep a NUL", async () => {
    receiver.script = [{ status: 500, body: `a\u0000${"ü".repeat(600)}` }];
    const { delivery } = await toWebhook();
    await run(delivery);
    const [attempt] = await attempts(delivery);
    expect(attempt?.answer).toBe(`a\ufffd${"ü".repeat(498)}`);
  });

  it.each<[string, (state: { delivery: string }) => Promise<unknown>, NodeJS.ProcessEnv, RegExp, number]>([
    ["410 Gone", async () => (receiver.script = [410]), {}, /^Answered 410 Gone/, 1],
    // The rows below never reach the receiver.
    ["an address that is refused", async () => {}, { ALLOW_PRIVATE_WEBHOOKS: "0" }, /^private_address: 127\.0\.0\.1 is not a public address \(loopback\)\. Set ALLOW_PRIVATE_WEBHOOKS=1/, 0],
    ["a URL that is none", () => setDestination({ target: "not a url" }), {}, /^bad_url/, 0],
    ["a protocol that is not HTTP", () => setDestination({ target: "file:///etc/passwd" }), {}, /^bad_url: file: is not/, 0],
    ["a destination that is switched off", () => setDestination({ enabled: false }), {}, /switched off/, 0],
    ["a secret that is none", () => setDestination({ secret: "hunter2" }), {}, /no usable signing secret/, 0],
    ["mail without a mail server", () => setDestination({ kind: "mail", target: "a@b.example" }), {}, /Set SMTP_URL to smtp:/, 0],
  ])("is given up at once for %s", async (_, prepare, env, error, requests) => {
    const made = await toWebhook();
    await prepare(made);
    await run(made.delivery, env);
    const failed = await row(made.delivery);
    expect(failed).toMatchObject({ state: "failed", attempts: 1, last_error: expect.stringMatching(error) });
    expect(failed.finished_at).toBeInstanceOf(Date);
    expect(await attempts(made.delivery)).toMatchObject([{ error: expect.stringMatching(error) }]);
    expect(await jobs(made.delivery)).toEqual([]);
    expect(receiver.received).toHaveLength(requests);
  });
});

function setDestination(change: { target?: string; enabled?: boolean; secret?: string; kind?: "mail" }): Promise<unknown> {
  return database.db.updateTable("destinations").set(change).where("project_id", "=", project.id).execute();
}

describe("from the event to the receiver", () => {
  it("goes through the outbox and the queues by itself", async () => {
    const queues = openQueues({ databaseUrl: database.url, redisUrl: undefined, log });
    const settings = readSettings({ ALLOW_PRIVATE_WEBHOOKS: "1" });
    queues.consume("alert", 2, alertProcessor(database.db));
    queues.consume("deliver", 2, deliverProcessor({ db: database.db, settings, publicUrl: () => undefined, log }));
    const dispatcher = startDispatcher(database.db, database.url, queues, log);
    try {
      const destination = await addDestination(database.db, project.id, { kind: "webhook", target: receiver.url });
      const made = await addGroup(database.db, project.id);
      const payload = JSON.stringify({ event: "group-created", project: project.id, ...made });
      for (const key of ["first", "again"]) await database.db.insertInto("outbox").values({ id: randomUUID(), queue: "alert", job_key: `alert-${made.group}-${key}`, payload }).execute();
      const state = () => database.db.selectFrom("deliveries").select("state").where("destination_id", "=", destination).executeTakeFirst();
      await expect.poll(state, { timeout: 15_000 }).toEqual({ state: "delivered" });
      expect(receiver.received.map((request) => request.signature)).toEqual(["valid"]);
    } finally {
      await dispatcher.stop();
      await queues.close();
    }
  });
});
