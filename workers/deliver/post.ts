// One guarded HTTP POST: to a judged address, once, in bounded time, reading a
// bounded answer. Webhooks and Slack hooks are both sent by it.
import http from "node:http";
import https from "node:https";
import { guardUrl, pinnedLookup, type GuardedUrl, type Resolver } from "./address-guard.ts";
import { type Outcome, failed, impossible } from "./message.ts";
import { readRetryAfter } from "./retry-schedule.ts";

/** Bytes read of an answer. Who says more has said enough for a log. */
const answerBytesMax = 4096;

/** What to post, and under which rules. */
export type Post = {
  readonly target: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
  /** Let the target be a private or loopback address. */
  readonly allowPrivate: boolean;
  readonly resolve: Resolver;
  /** Time for all of it: resolving, connecting, sending, being answered. The limit DELIVERY_SECONDS. */
  readonly timeLimitMs: number;
};

/** Posts; any 2xx is a delivery. Every failure, of the network or of the destination, is a value. */
export async function post(request: Post): Promise<Outcome> {
  const deadline = AbortSignal.timeout(request.timeLimitMs);
  const late = () => failed(`No answer within ${request.timeLimitMs / 1000} s (limit DELIVERY_SECONDS).`);
  const guarded = await beforeAbort(guardUrl(request.target, { allowPrivate: request.allowPrivate, resolve: request.resolve }), deadline);
  if (guarded === undefined) return late();
  if (!guarded.ok) {
    const { code, message, hint } = guarded.problem;
    const error = `${code}: ${message} ${hint}`;
    return code === "unresolvable" ? failed(error) : impossible(error);
  }
  try {
    const response = await send(guarded.value, request, deadline);
    return judge(response.statusCode ?? 0, response.headers, await readAnswer(response));
  } catch (error) {
    return deadline.aborted ? late() : failed(describeError(error));
  }
}

function send(to: GuardedUrl, request: Post, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const make = to.url.protocol === "https:" ? https.request : http.request;
    const call = make(to.url, {
      method: "POST",
      headers: { ...request.headers, "content-length": Buffer.byteLength(request.body), connection: "close" },
      lookup: pinnedLookup(to.addresses),
      // No pool: a kept connection would be one that nobody judged for this name, and no proxy from the environment either.
      agent: false,
      signal,
    });
    call.on("response", resolve);
    // Stays on: a request that fails while its answer is read must not become an uncaught error.
    call.on("error", reject);
    call.end(request.body);
  });
}

// The status has been said already, so an answer that breaks off or drips past the deadline is kept as far as it came.
async function readAnswer(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= answerBytesMax) break;
    }
  } catch {
    // See above.
  }
  response.destroy();
  return Buffer.concat(chunks).subarray(0, answerBytesMax).toString("utf8");
}

function judge(status: number, headers: http.IncomingHttpHeaders, answer: string): Outcome {
  if (status >= 200 && status < 300) return { delivered: true, status, answer };
  if (status >= 300 && status < 400) {
    const to = headers.location === undefined ? "" : ` to ${headers.location.slice(0, 200)}`;
    return failed(`Answered ${status}, a redirect${to}. Redirects are not followed: add a destination with the final address.`, { status, answer });
  }
  // Standard Webhooks: "410 Gone" is how a receiver says that it wants no more.
  if (status === 410) return impossible("Answered 410 Gone: the receiver wants no more of this.", { status, answer });
  return failed(`Answered ${status}.`, { status, answer, waitMs: status === 429 || status === 503 ? readRetryAfter(headers["retry-after"], Date.now()) : undefined });
}

/** The words of a network error. Node wraps those of several addresses into one without a message. */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(describeError).join("; ");
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code !== undefined && !error.message.includes(code) ? `${code}: ${error.message}` : error.message;
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return Promise.race([work, new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }))]);
}
