import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Message } from "../../workers/deliver/message.ts";
import { post } from "../../workers/deliver/post.ts";
import { readRetryAfter, retryWaitMs } from "../../workers/deliver/retry-schedule.ts";
import { signatureOf, webhookRequest } from "../../workers/deliver/webhook.ts";
import { type WebhookReceiver, startWebhookReceiver } from "../support/webhook-receiver.ts";

let receiver: WebhookReceiver;
beforeEach(async () => {
  receiver = await startWebhookReceiver();
});
afterEach(() => receiver.close());

const postTo = (target: string, timeLimitMs = 5000) => post({ target, headers: { "content-type": "text/plain" }, body: "hello", allowPrivate: true, resolve: async () => [{ address: "127.0.0.1", family: 4 }], timeLimitMs });

describe("signatureOf", () => {
  it("agrees with the example of the Standard Webhooks libraries", () => {
    const signed = signatureOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}');
    expect(signed).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it.each([
    // Not of the kind at all.
    [null],
    [""],
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    // 23 bytes, 65 bytes: the specification asks for 24 to 64.
    [`whsec_${Buffer.alloc(23).toString("base64")}`],
    [`whsec_${Buffer.alloc(65).toString("base64")}`],
  ])("refuses the secret %j", (secret) => {
    expect(signatureOf(secret, "id", 0, "")).toBeUndefined();
  });

  it("signs the bytes that are sent, whatever letters they are", async () => {
    receiver.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const message: Message = { delivery: "d", id: "a-b", type: "test", title: "Größe 🎛 \u2028", firedAt: new Date(), project: "p", body: {}, url: null, target: "", secret: receiver.secret };
    const request = webhookRequest(message, new Date());
    await post({ ...request!, target: receiver.url, allowPrivate: true, resolve: async () => [], timeLimitMs: 5000 });
    expect(receiver.received[0]?.signature).toBe("valid");
    expect(JSON.parse(receiver.received[0]?.text ?? "").data.title).toBe(message.title);
  });
});

describe("post", () => {
  it.each([200, 201, 202, 204, 299])("takes %i as delivered", async (status) => {
    receiver.script = [status];
    expect(await postTo(receiver.url)).toMatchObject({ delivered: true, status });
  });

  it.each([
    [301, /Answered 301, a redirect to http:\/\/169\.254\.169\.254\/.*not followed/],
    [302, /a redirect/],
    [303, /a redirect/],
    // These two would repeat the POST with its body at the new place.
    [307, /a redirect/],
    [308, /a redirect/],
    [304, /Answered 304/],
  ])("does not follow a %i", async (status, error) => {
    const trap = await startWebhookReceiver();
    try {
      const location = status === 301 ? "http://169.254.169.254/latest/meta-data/" : `${trap.url}/inside`;
      receiver.script = [{ status, headers: { location } }];
      expect(await postTo(receiver.url)).toMatchObject({ delivered: false, permanent: false, status, error: expect.stringMatching(error) });
      expect(trap.received).toEqual([]);
    } finally {
      await trap.close();
    }
  });

  it.each([400, 401, 403, 404, 413, 429, 500, 502])("takes %i as a failure that may pass", async (status) => {
    receiver.script = [status];
    expect(await postTo(receiver.url)).toMatchObject({ delivered: false, permanent: false, status });
  });

  it("reads 4 KB of an answer without an end and lets go", async () => {
    receiver.script = ["flood"];
    const started = performance.now();
    const outcome = await postTo(receiver.url);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(outcome).toMatchObject({ delivered: true, status: 200 });
    expect(outcome.answer).toHaveLength(4096);
  });

  it("gives up on a receiver that hangs, naming the limit", async () => {
    receiver.script = ["hang"];
    const started = performance.now();
    expect(await postTo(receiver.url, 300)).toMatchObject({ delivered: false, permanent: false, status: null, error: "No answer within 0.3 s (limit DELIVERY_SECONDS)." });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("believes the status of a receiver whose answer drips for ever, within the limit", async () => {
    receiver.script = ["drip"];
    const started = performance.now();
    expect(await postTo(receiver.url, 300)).toMatchObject({ delivered: true, status: 200, answer: expect.stringMatching(/^d+$/) });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("gives up on a name server that hangs", async () => {
    const outcome = await post({ target: "http://slow.example/", headers: {}, body: "", allowPrivate: true, resolve: () => new Promise(() => {}), timeLimitMs: 200 });
    expect(outcome).toMatchObject({ delivered: false, permanent: false, error: expect.stringContaining("DELIVERY_SECONDS") });
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["closes the connection", async () => ((receiver.script = ["cut"]), receiver.url), /ECONNRESET|socket hang up/],
    ["is not there", async () => (await receiver.close(), (receiver = await startWebhookReceiver()), closedPort()), /ECONNREFUSED/],
    ["speaks no TLS", async () => receiver.url.replace("http:", "https:"), /EPROTO|wrong version number|packet length/],
  ])("says what happened when the receiver %s", async (_, target, error) => {
    expect(await postTo(await target())).toMatchObject({ delivered: false, permanent: false, status: null, error: expect.stringMatching(error) });
  });

  it("sends a user and password as basic authentication", async () => {
    await postTo(receiver.url.replace("//", "//user:pass@"));
    expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${btoa("user:pass")}`);
  });
});

async function closedPort(): Promise<string> {
  const gone = await startWebhookReceiver();
  await gone.close();
  return gone.url;
}

describe("retryWaitMs", () => {
  const schedule = (random: number) => Array.from({ length: 12 }, (_, i) => retryWaitMs(i + 1, random) / 1000);

  it("grows from seconds to hours", () => {
    expect(schedule(0.5)).toEqual([5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800, 28_800, 28_800]);
  });

  it("spreads by a fifth either way", () => {
    expect(schedule(0).slice(0, 3)).toEqual([4, 24, 96]);
    expect(schedule(0.999999).slice(0, 3).map(Math.round)).toEqual([6, 36, 144]);
  });

  it.each([
    // What is asked lengthens the wait, never shortens it, and never beyond an hour.
    [1, 60_000, 60_000],
    [1, 100, 5000],
    [1, 1e12, 3600_000],
    [8, 60_000, 14_400_000],
  ])("attempt %i asked for %i ms waits %i ms", (attempt, asked, wait) => {
    expect(retryWaitMs(attempt, 0.5, asked)).toBe(wait);
  });
});

describe("readRetryAfter", () => {
  const now = Date.parse("Mon, 23 Nov 2026 12:00:00 GMT");
  it.each([
    ["120", 120_000],
    [" 7 ", 7000],
    ["Mon, 23 Nov 2026 12:01:00 GMT", 60_000],
    // A date that has passed.
    ["Mon, 23 Nov 2026 11:00:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
    ["-5", 0],
    [undefined, undefined],
  ])("reads %j as %j", (header, ms) => {
    // "-5" is a date to V8 (May 2001); it has passed, which is as good an answer as any.
    expect(readRetryAfter(header, now)).toBe(ms);
  });
});
