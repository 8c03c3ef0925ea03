// The router: which screen is on. Links are plain <a href>, so that they open in
// a tab, can be copied, and work with every assistive tool; clicks on them are
// caught here.
import { signal } from "@preact/signals";
import { type Route, hrefOf, parseRoute } from "./route.ts";

/** The route in force. */
export const route = signal<Route>({ screen: "home" });

/** Counts navigations of this visit; 0 until the first one, when focus is the browser's. */
export const navigations = signal(0);

// Where the reader was: the row last opened on each address, and the list of
// groups last seen, so that going back lands on the same row of the same search.
const openedRows = new Map<string, string>();
let lastGroups: { readonly project: string; readonly href: string } | null = null;

/** The id of the row that was opened from the present address; null when none was. */
export function openedRow(): string | null {
  return openedRows.get(location.pathname + location.search) ?? null;
}

/** The list of groups as it was last seen in this project, search and sort included. */
export function groupsHref(project: string): string {
  return lastGroups?.project === project ? lastGroups.href : hrefOf({ screen: "groups", project, query: "", sort: "last_seen" });
}

function read(): void {
  const found = parseRoute(location.pathname, location.search);
  route.value = found;
  if (found.screen === "groups") lastGroups = { project: found.project, href: hrefOf(found) };
}

/** Goes to an address of this page. `replace` corrects the present one instead, as while someone types. */
export function navigate(href: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", href);
  else history.replaceState(null, "", href);
  read();
  if (how === "replace") return;
  navigations.value++;
  scrollTo(0, 0);
}

/** Starts the router: reads the address, then follows links and the back button. */
export function startRouter(): void {
  read();
  addEventListener("popstate", () => {
    read();
    navigations.value++;
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith("/api/") || (url.hash !== "" && url.pathname === location.pathname)) return;
    event.preventDefault();
    const row = link.closest("[data-row]")?.getAttribute("data-row");
    if (row) openedRows.set(location.pathname + location.search, row);
    navigate(url.pathname + url.search);
  });
}
