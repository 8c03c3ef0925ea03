// Addresses of the page and what they ask for, both ways. Pure. The address
// carries the search and the sort, so that a link shows what its sender saw.

/** How the list of groups is ordered. */
export type Sort = "last_seen" | "count" | "first_seen";

/** What the address asks for. */
export type Route =
  | { readonly screen: "home" }
  /** The door; `linkOver` when a sign-in link was opened that works no more. */
  | { readonly screen: "sign-in"; readonly linkOver: boolean }
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
  if (project === "sign-in" && screen === undefined) return { screen: "sign-in", linkOver: params.get("link") === "over" };
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
  if (route.screen === "home" || route.screen === "sign-in" || route.screen === "unknown") return "/";
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
