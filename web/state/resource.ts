// One thing the page shows, by its address in the API. The last things seen are
// kept, so that going back shows them at once (and the browser can put the
// scroll position back) while a fresh copy is on its way.
import { type Signal, signal } from "@preact/signals";
import { type Problem, request } from "./api.ts";
import { usePoll } from "./poll.ts";

/** A thing that is asked for: not here yet, here, or refused. */
export type Loaded<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "failed"; readonly problem: Problem }
  /** `stale` says why the newest refresh failed, when it did: the value is the last good one. */
  | { readonly kind: "ready"; readonly value: T; readonly stale: Problem | null };

/** A thing and how to ask for it again. */
export type Resource<T> = { readonly state: Signal<Loaded<T>>; readonly refresh: () => Promise<void> };

/** How many things are kept for going back. */
const keptCount = 40;
const kept = new Map<string, unknown>();

/** Finds what was made for `key` before, or makes it; the longest unused is forgotten. */
export function keep<T>(key: string, make: () => T): T {
  const found = kept.get(key);
  const value = found === undefined ? make() : (found as T);
  kept.delete(key);
  kept.set(key, value);
  if (kept.size > keptCount) {
    const oldest = kept.keys().next();
    if (!oldest.done) kept.delete(oldest.value);
  }
  return value;
}

/** Forgets everything kept, so that a next user sees nothing of the last one. */
export function forgetAll(): void {
  kept.clear();
}

/** The resource at an API path, asked for once and then every 5 s while it is on screen. */
export function useResource<T>(path: string): Resource<T> {
  const resource = keep(path, () => makeResource<T>(path));
  usePoll(path, resource.refresh);
  return resource;
}

function makeResource<T>(path: string): Resource<T> {
  const state = signal<Loaded<T>>({ kind: "loading" });
  let last = "";
  const refresh = async () => {
    const answer = await request<T>("GET", path);
    const before = state.value;
    if (!answer.ok) {
      state.value = before.kind === "ready" ? { ...before, stale: answer.problem } : { kind: "failed", problem: answer.problem };
      return;
    }
    // The same text again must not paint anything again.
    const text = JSON.stringify(answer.value);
    if (before.kind === "ready" && before.stale === null && text === last) return;
    last = text;
    state.value = { kind: "ready", value: answer.value, stale: null };
  };
  return { state, refresh };
}
