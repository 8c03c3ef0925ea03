// Carrying an alert to a destination, until it is there or there is no hope.
//
// A delivery is a row, not a job: the job on the queue `deliver` only says that
// it is worth looking at the row. One run:
//   1. claim: one UPDATE takes the delivery if it is pending and due, counts
//      the attempt, and moves `next_attempt_at` past the time limit of a send.
//      Of any number of runs at the same time one gets the row; the others do
//      nothing. A run that dies after this leaves a delivery that falls due by
//      itself, and upkeep puts overdue deliveries on the queue again.
//   2. send, by the destination's kind: webhook.ts, slack.ts, mail.ts. The
//      HTTP ones go through address-guard.ts and post.ts.
//   3. settle, in one transaction: a row in the log (delivery_attempts), and
//      either `delivered`, or `failed` with its reason, or the time of the next
//      attempt together with the outbox row that will be due then.
//
// Promise to receivers: at least once. A receiver may have taken a message
// whose answer never reached us (it took longer than DELIVERY_SECONDS, the
// connection broke, this process was killed between 2 and 3); it gets the same
// message again, with the same webhook-id, and drops it by that.
//
// Limits: DELIVERY_SECONDS for a send, DELIVERY_ATTEMPTS_COUNT attempts over
// about 16 hours (retry-schedule.ts), 4 KB of an answer read, 500 characters of
// it kept. Given up at once: an address that is refused, a URL that is none, a
// destination switched off, 410 Gone, a recipient that the mail server refuses.
//
// A new kind of destination is a function from Message to Outcome, a case in
// `send` and its name in the table's check.
import { sql } from "kysely";
import type { Logger } from "pino";
import type { Settings } from "../../config/settings.ts";
import type { Database, Tx } from "../../storage/database.ts";
import { enqueue } from "../../storage/outbox.ts";
import type { Processor } from "../../storage/queues.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import { type Resolver, systemResolver } from "./address-guard.ts";
import { sendMail } from "./mail.ts";
import { type Failed, type Message, type Outcome, failed, impossible } from "./message.ts";
import { post } from "./post.ts";
import { retryWaitMs } from "./retry-schedule.ts";
import { slackBody } from "./slack.ts";
import { userAgent, webhookRequest } from "./webhook.ts";

/** What the processor works with. */
export type DeliverOptions = {
  readonly db: Database;
  readonly settings: Settings;
  /** The address people reach this server at, without a slash at its end; undefined when it is not known. */
  readonly publicUrl: () => string | undefined;
  readonly log: Logger;
  /** How host names are resolved. Defaults to the machine's resolver. */
  readonly resolve?: Resolver;
  /** In [0, 1), for the jitter of waits. Defaults to Math.random. */
  readonly random?: () => number;
};

/** A job may come this much before its delivery is due: the clocks of two machines, or of a timer, differ by little. */
const earlySeconds = 1;
/** How long a claim lasts beyond the time limit of the send: what reading the row and settling may take. */
const claimMarginSeconds = 15;
/** Waits between tries to write an outcome down; together less than the margin. */
const settleWaitsMs = [200, 1000, 4000];
/** Characters of an answer kept in the log. */
const answerChars = 500;

/** Tries to deliver one alert to one destination; does nothing unless the delivery is pending and due. */
export function deliverProcessor(options: DeliverOptions): Processor<"deliver"> {
  return async ({ delivery }) => {
    const attempt = await claim(options, delivery);
    if (attempt === undefined) return;
    const loaded = await load(options, delivery);
    // Its destination was removed a moment ago.
    if (loaded === undefined) return;
    const started = performance.now();
    const outcome = await send(options, loaded, attempt);
    const milliseconds = Math.round(performance.now() - started);
    await patiently(() => options.db.transaction().execute((tx) => settle(tx, options, { delivery, attempt, milliseconds, outcome })));
    if (!outcome.delivered) options.log.info({ delivery, attempt, error: outcome.error, permanent: outcome.permanent }, "delivery failed");
  };
}

// Returns the number of the attempt that now is ours, counted from 1.
async function claim({ db, settings }: DeliverOptions, delivery: string): Promise<number | undefined> {
  const seconds = settings.limits.DELIVERY_SECONDS + claimMarginSeconds;
  const row = await db
    .updateTable("deliveries")
    .set((eb) => ({ attempts: eb("attempts", "+", 1), next_attempt_at: sql<Date>`now() + make_interval(secs => ${seconds})` }))
    .where("id", "=", delivery)
    .where("state", "=", "pending")
    .where("next_attempt_at", "<=", sql<Date>`now() + make_interval(secs => ${earlySeconds})`)
    .returning("attempts")
    .executeTakeFirst();
  return row?.attempts;
}

type Loaded = { readonly kind: "webhook" | "slack" | "mail"; readonly enabled: boolean; readonly message: Message };

async function load({ db, publicUrl }: DeliverOptions, delivery: string): Promise<Loaded | undefined> {
  const row = await db
    .selectFrom("deliveries")
    .innerJoin("alerts", "alerts.id", "deliveries.alert_id")
    .innerJoin("destinations", "destinations.id", "deliveries.destination_id")
    .innerJoin("projects", "projects.id", "deliveries.project_id")
    .select(["alerts.id as alert", "alerts.subject", "alerts.group_id", "alerts.title", "alerts.body", "alerts.created_at", "projects.slug"])
    .select(["destinations.id as destination", "destinations.kind", "destinations.target", "destinations.secret", "destinations.enabled"])
    .where("deliveries.id", "=", delivery)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const home = publicUrl();
  return {
    kind: row.kind,
    enabled: row.enabled,
    message: {
      delivery,
      id: `${row.alert}-${row.destination}`,
      // services/triage writes this subject for a message that tries out a destination.
      type: row.subject.startsWith("test:") ? "test" : "group.created",
      title: row.title,
      firedAt: row.created_at,
      project: row.slug,
      body: row.body,
      url: home === undefined ? null : `${home}/${row.slug}/${row.group_id === null ? "alerts" : `groups/${row.group_id}`}`,
      target: row.target,
      secret: row.secret,
    },
  };
}

async function send(options: DeliverOptions, { kind, enabled, message }: Loaded, attempt: number): Promise<Outcome> {
  const { settings } = options;
  const timeLimitMs = Math.ceil(settings.limits.DELIVERY_SECONDS * 1000);
  // Attempts are counted when they start, so one that never ended (it killed its worker) counts too.
  if (attempt > settings.limits.DELIVERY_ATTEMPTS_COUNT) return failed("The last attempt began and never ended.");
  if (!enabled) return impossible("The destination is switched off. Switch it on, then retry.");
  if (kind === "mail") return sendMail(message, { smtpUrl: settings.smtpUrl, from: settings.mailFrom, timeLimitMs });
  const rules = { target: message.target, allowPrivate: settings.allowPrivateWebhooks, resolve: options.resolve ?? systemResolver, timeLimitMs };
  if (kind === "slack") return post({ ...rules, headers: { "content-type": "application/json", "user-agent": userAgent }, body: slackBody(message) });
  const request = webhookRequest(message, new Date());
  if (request === undefined) return impossible("The destination has no usable signing secret. Remove it and add it again.");
  return post({ ...rules, ...request });
}

type Attempt = { readonly delivery: string; readonly attempt: number; readonly milliseconds: number; readonly outcome: Outcome };

async function settle(tx: Tx, options: DeliverOptions, { delivery, attempt, milliseconds, outcome }: Attempt): Promise<void> {
  const error = outcome.delivered ? null : clean(outcome.error);
  // The destination was removed while we were sending: with it went the delivery, and its log.
  const row = await tx.selectFrom("deliveries").select(["state", "attempts"]).where("id", "=", delivery).forUpdate().executeTakeFirst();
  if (row === undefined) return;
  await tx
    .insertInto("delivery_attempts")
    .values({ id: uuidv7(), delivery_id: delivery, milliseconds, status: outcome.status, error, answer: outcome.answer === null ? null : clean(outcome.answer).slice(0, answerChars) })
    .execute();
  // Our claim ran out and somebody else has the delivery: a failure is theirs to judge, a success is a success.
  if (row.state !== "pending" || (row.attempts !== attempt && !outcome.delivered)) return;
  const said = { last_status: outcome.status, last_error: error };
  const update = tx.updateTable("deliveries").where("id", "=", delivery);
  if (outcome.delivered) {
    await update.set({ ...said, state: "delivered", finished_at: sql<Date>`now()` }).execute();
  } else if (outcome.permanent || attempt >= options.settings.limits.DELIVERY_ATTEMPTS_COUNT) {
    await update.set({ ...said, state: "failed", finished_at: sql<Date>`now()` }).execute();
  } else {
    const due = nextAttemptAt(outcome, attempt, options.random ?? Math.random);
    await update.set({ ...said, next_attempt_at: due }).execute();
    await enqueue(tx, "deliver", `deliver-${delivery}-${attempt}`, { delivery }, { due });
  }
}

// A message that was sent and not written down is sent again: a database that
// restarts just now is worth a few seconds, within the margin of our claim.
async function patiently(write: () => Promise<void>): Promise<void> {
  for (const waitMs of settleWaitsMs) {
    try {
      return await write();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return write();
}

function nextAttemptAt(outcome: Failed, attempt: number, random: () => number): Date {
  return new Date(Date.now() + retryWaitMs(attempt, random(), outcome.waitMs));
}

// Postgres has no NUL in text, and a destination may well answer one.
function clean(text: string): string {
  return text.replaceAll("\u0000", "\ufffd");
}
