// The router: addresses to screens and back. Links are plain <a href>, so that
// they open in a tab, can be copied, and work with every assistive tool; clicks
// on them are caught here. The address carries the search and the sort.
import { signal } from "@preact/signals";

/** How the list of groups is ordered. */
export type Sort = "last_seen" | "count" | "first_seen";

/** What the address asks for. */
export type Route =
  | { readonly screen: "home" }
  | { readonly screen: "groups"; readonly project: string; readonly query: string; readonly sort: Sort }
  | { readonly screen: "group"; readonly project: string; readonly id: string }
  | { readonly screen: "crash"; readonly project: string; readonly id: string }
  | { readonly screen: "ingest"; readonly project: string; readonly state: "failed" | "stored" }
  | { readonly screen: "symbols" | "alerts" | "settings"; readonly project: string }
  | { readonly screen: "unknown"; readonly project: string | null };

/** Reads a path and a query string; never throws. */
export function parseRoute(pathname: string, search: string): Route {
  const parts = pathname.split("/").filter((part) => part !== "").map(decode);
  const params = new URLSearchParams(search);
  const [project, screen, id] = parts;
  if (project === undefined) return { screen: "home" };
  if (screen === undefined) return { screen: "groups", project, query: "", sort: "last_seen" };
  if (parts.length === 2) {
    if (screen === "groups") return { screen, project, query: params.get("q") ?? "", sort: readSort(params.get("sort")) };
    if (screen === "ingest") return { screen, project, state: params.get("state") === "stored" ? "stored" : "failed" };
    if (screen === "symbols" || screen === "alerts" || screen === "settings") return { screen, project };
  }
  if (parts.length === 3 && id !== undefined) {
    if (screen === "groups") return { screen: "group", project, id };
    if (screen === "crashes") return { screen: "crash", project, id };
  }
  return { screen: "unknown", project };
}

/** The address of a route. */
export function hrefOf(route: Route): string {
  if (route.screen === "home" || route.screen === "unknown") return "/";
  const project = `/${encodeURIComponent(route.project)}`;
  if (route.screen === "group") return `${project}/groups/${encodeURIComponent(route.id)}`;
  if (route.screen === "crash") return `${project}/crashes/${encodeURIComponent(route.id)}`;
  if (route.screen === "ingest") return `${project}/ingest${route.state === "stored" ? "?state=stored" : ""}`;
  if (route.screen !== "groups") return `${project}/${route.screen}`;
  const params = new URLSearchParams();
  if (route.query !== "") params.set("q", route.query);
  if (route.sort !== "last_seen") params.set("sort", route.sort);
  return `${project}/groups${params.size > 0 ? `?${params}` : ""}`;
}

/** The route in force. */
export const route = signal<Route>({ screen: "home" });

/** Counts navigations of this visit; 0 until the first one, when focus is the browser's. */
export const navigations = signal(0);

/** Goes to an address of this page. `replace` keeps the history short while someone types. */
export function navigate(href: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", href);
  else history.replaceState(null, "", href);
  const before = route.value;
  route.value = parseRoute(location.pathname, location.search);
  if (how === "replace" && before.screen === route.value.screen) return;
  navigations.value++;
  if (how === "push") scrollTo(0, 0);
}

/** Starts the router: reads the address, then follows links and the back button. */
export function startRouter(): void {
  const read = () => (route.value = parseRoute(location.pathname, location.search));
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
    navigate(url.pathname + url.search);
  });
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function readSort(text: string | null): Sort {
  return text === "count" || text === "first_seen" ? text : "last_seen";
}
