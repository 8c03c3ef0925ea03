// Asking the server. Every call ends in a value: an answer or a problem that
// says what is wrong and what to do. Nothing here throws but an abort.
import { signal } from "@preact/signals";
import type { ErrorBody } from "../../services/triage/schema.ts";

/** Why a request failed, as the server (or, when it is silent, this page) says it. */
export type Problem = ErrorBody & {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
};

/** What a request ends in. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** Becomes true when the server says that nobody is signed in (any more). */
export const signedOut = signal(false);

type Method = "GET" | "POST" | "DELETE";

/** Sends one request to `/api/v1` + `path`. `T` is what the server's schema promises for it; null for an empty answer. */
export async function request<T>(method: Method, path: string, body?: unknown, abort?: AbortSignal): Promise<Answer<T>> {
  const headers: Record<string, string> = { accept: "application/json" };
  // The server takes a mutation only with this type: no form of another site can send it.
  if (method !== "GET") headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
      ...(abort ? { signal: abort } : {}),
    });
  } catch (error) {
    if (abort?.aborted) throw error;
    return { ok: false, problem: unreachable };
  }
  if (response.status === 401 && path !== "/session") signedOut.value = true;
  const text = await response.text().catch(() => "");
  if (!response.ok) return { ok: false, problem: readProblem(response.status, text) };
  if (text === "") return { ok: true, value: null as T };
  try {
    return { ok: true, value: JSON.parse(text) as T };
  } catch {
    return { ok: false, problem: notJson(response.status) };
  }
}

const unreachable: Problem = {
  status: 0,
  error: "unreachable",
  message: "The server does not answer.",
  hint: "Check that `deadair up` is still running. This page keeps trying.",
};

function notJson(status: number): Problem {
  return { status, error: "not_json", message: `The server answered ${status} with something that is not JSON.`, hint: "A proxy in between may have answered. Check its log, then reload." };
}

function readProblem(status: number, text: string): Problem {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string") {
      const hint = "hint" in body && typeof body.hint === "string" ? body.hint : "";
      const error = "error" in body && typeof body.error === "string" ? body.error : `http_${status}`;
      return { status, error, message: body.message, hint };
    }
  } catch {
    // Falls through: a proxy's HTML page, or nothing at all.
  }
  return notJson(status);
}
