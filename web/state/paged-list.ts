// A list that grows by "more" and refreshes without jumping. Rows keep their
// places: a refresh changes what rows say, never where they are. Rows that are
// new wait behind a bar ("3 new") until the reader asks for them.
import { type Signal, computed, signal } from "@preact/signals";
import { type Problem, request } from "./api.ts";
import { type Row, mergeRows } from "./merge-rows.ts";
import { usePoll } from "./poll.ts";
import { keep } from "./resource.ts";

/** One page as the server answers it. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

/** A paged list on screen. */
export type PagedList<T extends Row> = {
  /** The rows in the order they are shown; null until the first answer. */
  readonly items: Signal<readonly T[] | null>;
  /** The first page as it came last, for what it carries besides rows. */
  readonly head: Signal<Page<T> | null>;
  /** Rows that a refresh found and that are not shown yet. */
  readonly waiting: Signal<readonly T[]>;
  readonly problem: Signal<Problem | null>;
  readonly hasMore: Signal<boolean>;
  readonly busy: Signal<boolean>;
  readonly refresh: () => Promise<void>;
  readonly more: () => Promise<void>;
  /** Shows the newest first page, waiting rows and all. */
  readonly showWaiting: () => void;
};

const pageRows = 50;
/** The most rows that one refresh asks for (the server's PAGE_ROWS limit). */
const refreshRows = 200;

/** The list at an API path (with its query, without limit and cursor), refreshed every 5 s. */
export function usePagedList<T extends Row>(path: string): PagedList<T> {
  const list = keep(`list ${path}`, () => makePagedList<T>(path));
  usePoll(path, list.refresh);
  return list;
}

function makePagedList<T extends Row>(path: string): PagedList<T> {
  const items = signal<readonly T[] | null>(null);
  const head = signal<Page<T> | null>(null);
  const waiting = signal<readonly T[]>([]);
  const problem = signal<Problem | null>(null);
  const cursor = signal<string | null>(null);
  const busy = signal(false);
  let last = "";
  const ask = (rows: number, after: string | null) =>
    request<Page<T>>("GET", `${path}${path.includes("?") ? "&" : "?"}limit=${rows}${after === null ? "" : `&cursor=${encodeURIComponent(after)}`}`);

  const refresh = async () => {
    const shown = items.value;
    const rows = Math.min(refreshRows, Math.max(pageRows, shown?.length ?? 0));
    const answer = await ask(rows, null);
    if (!answer.ok) {
      problem.value = answer.problem;
      return;
    }
    problem.value = null;
    const text = JSON.stringify(answer.value);
    if (text === last) return;
    last = text;
    head.value = answer.value;
    if (shown === null || shown.length === 0) {
      items.value = answer.value.items;
      cursor.value = answer.value.next;
      return;
    }
    const merged = mergeRows(shown, answer.value.items, answer.value.next === null);
    items.value = merged.shown;
    waiting.value = merged.waiting;
  };
  const more = async () => {
    if (busy.value || cursor.value === null) return;
    busy.value = true;
    const answer = await ask(pageRows, cursor.value);
    busy.value = false;
    if (!answer.ok) {
      problem.value = answer.problem;
      return;
    }
    const shown = items.value ?? [];
    const ids = new Set(shown.map((row) => row.id));
    items.value = [...shown, ...answer.value.items.filter((row) => !ids.has(row.id))];
    cursor.value = answer.value.next;
  };
  const showWaiting = () => {
    if (head.value === null) return;
    items.value = head.value.items;
    cursor.value = head.value.next;
    waiting.value = [];
  };
  return { items, head, waiting, problem, hasMore: computed(() => cursor.value !== null), busy, refresh, more, showWaiting };
}
