// One HTTP request with a streamed body, and its repetition. node:http rather
// than fetch: a server that refuses an upload answers before the body is
// through, and that answer, not a broken pipe, is what people need to see.
import http, { type OutgoingHttpHeaders } from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { printable } from "./terminal.ts";

/** Bytes kept of an answer; ours are far smaller. */
const answerBytes = 4 * 1024 * 1024;

/** Times a request is sent before it is given up. */
const tries = 5;

/** Longest pause before the next try, whatever the server asks for. */
const pauseMsMax = 60_000;

/** What to send. */
export type HttpRequest = {
  readonly url: string;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  /** Makes the body; called anew for each try. */
  readonly body: () => Readable | Buffer;
  /** Time without any byte in either direction after which the server counts as gone. */
  readonly idleMs: number;
};

/** What came of it: the server's answer, or why there is none. */
export type HttpOutcome = { readonly ok: true; readonly status: number; readonly text: string; readonly retryAfter: string | null } | { readonly ok: false; readonly reason: string };

/** Sends a request once. */
export function exchange(request: HttpRequest): Promise<HttpOutcome> {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  const url = new URL(request.url);
  const outgoing = (url.protocol === "https:" ? https : http).request(url, { method: request.method, headers: request.headers });
  const body = request.body();
  const fail = (error: Error) => {
    resolve({ ok: false, reason: `${url.origin} cannot be reached: ${describe(error)}` });
    outgoing.destroy();
    if (!Buffer.isBuffer(body)) body.destroy();
  };
  outgoing.setTimeout(request.idleMs, () => fail(new Error(`nothing was heard for ${request.idleMs / 1000} s`)));
  outgoing.on("error", fail);
  outgoing.on("response", (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= answerBytes) chunks.push(chunk);
    });
    response.on("error", fail);
    response.on("end", () => {
      resolve({ ok: true, status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8"), retryAfter: response.headers["retry-after"] ?? null });
      // An answer before the body's end is final; the rest need not be sent.
      if (!outgoing.writableFinished) outgoing.destroy();
      if (!Buffer.isBuffer(body)) body.destroy();
    });
  });
  if (Buffer.isBuffer(body)) outgoing.end(body);
  else body.on("error", (error) => fail(error)).pipe(outgoing);
  return promise;
}

/** Sends a request until it is answered with something that will not pass by itself: not 429, not 5xx, not silence. */
export async function exchangeWithRetries(request: HttpRequest, retryMs: number, onRetry: (why: string, waitMs: number) => void): Promise<HttpOutcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await exchange(request);
    const passing = !outcome.ok || outcome.status === 429 || outcome.status >= 500;
    if (!passing || attempt === tries) return outcome;
    // Half of it random, so that build machines that failed together do not come back together.
    const backoff = retryMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
    const waitMs = Math.min(pauseMsMax, Math.max(backoff, outcome.ok ? afterMs(outcome.retryAfter) : 0));
    onRetry(outcome.ok ? `the server answered ${outcome.status}` : outcome.reason, waitMs);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** The server's `{error, message, hint}` as lines for people; what it said otherwise, in one line. */
export function refusal(status: number, text: string): string {
  const json = parseJson(text);
  if (json !== null && typeof json === "object") {
    const { error, message, hint, detail } = json as { readonly [key: string]: unknown };
    const said = [message ?? detail, hint].filter((part) => typeof part === "string");
    if (said.length > 0) return printable(`${said.join("\n")} (${typeof error === "string" ? `${error}, ` : ""}HTTP ${status})`);
  }
  const line = printable(text).replaceAll(/\s+/g, " ").trim().slice(0, 300);
  return `The server answered ${status}${line === "" ? "" : `: ${line}`}`;
}

/** Parsed JSON, or null when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Milliseconds of a Retry-After header: seconds or a date (RFC 9110, 10.2.3). */
function afterMs(value: string | null): number {
  if (value === null) return 0;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

/** node reports a name with several addresses as an AggregateError without a message. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error.message;
}
