// Webhooks after the Standard Webhooks specification (standardwebhooks.com,
// spec version 1.0): what the request looks like and how it is signed. Its
// libraries, in a dozen languages, verify what is made here.
//
//   webhook-id: <alert>-<destination>     the same for every attempt: drop copies by it
//   webhook-timestamp: <seconds>          of the attempt: refuse old ones by it
//   webhook-signature: v1,<base64 of HMAC-SHA-256(secret, "<id>.<timestamp>.<body>")>
//
//   {"type": "group.created", "timestamp": "<when the alert fired>",
//    "data": {"title": …, "project": …, "group": {…}, "crash": {…}, "url": …}}
//
// `type` is `test` for a message that only tries out the destination.
import { createHmac } from "node:crypto";
import packageJson from "../../package.json" with { type: "json" };
import type { Message } from "./message.ts";

/** What Deadair calls itself to those it talks to. */
export const userAgent = `Deadair/${packageJson.version}`;

/** A request ready to be posted. */
export type WebhookRequest = { readonly headers: { readonly [name: string]: string }; readonly body: string };

/** Makes the signed request of one attempt; undefined when the secret is not one of Standard Webhooks. */
export function webhookRequest(message: Message, now: Date): WebhookRequest | undefined {
  const timestamp = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({ type: message.type, timestamp: message.firedAt.toISOString(), data: { title: message.title, ...message.body, url: message.url } });
  const signature = signatureOf(message.secret, message.id, timestamp, body);
  if (signature === undefined) return undefined;
  return {
    headers: {
      "content-type": "application/json",
      "user-agent": userAgent,
      "webhook-id": message.id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signature,
    },
    body,
  };
}

/** The `webhook-signature` of one attempt; undefined when the secret is not one of Standard Webhooks. `timestamp` is in seconds. */
export function signatureOf(secret: string | null, id: string, timestamp: number, body: string): string | undefined {
  const key = readSecret(secret);
  return key && `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

// The specification asks for 24 to 64 bytes.
function readSecret(secret: string | null): Buffer | undefined {
  if (secret === null || !secret.startsWith("whsec_")) return undefined;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}
