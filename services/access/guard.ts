// Who is asking: the checks that routes put before their work. Each returns what
// it found or a problem; none of them says whether a project exists to somebody
// who may not see it.
import type { FastifyRequest } from "fastify";
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Context } from "../context.ts";
import { findProject, type Project, roleOf, type Scope, scopesOf, userOfLogin } from "./accounts.ts";

/** Name of the cookie that keeps a browser signed in. */
export const loginCookie = "deadair_login";

/** A project and who is asking: a user's id, or `token`. */
export type Caller = { readonly project: Project; readonly actor: string; readonly role: "owner" | "member" | "token" };

/** Lets a crash client in: the public key in the query, in Sentry's header, or as a bearer, must be the project's. */
export async function requireIngestKey(context: Context, request: FastifyRequest, reference: string): Promise<Result<Project>> {
  const project = await findProject(context.storage.db, reference);
  if (project === undefined) return refuse(404, "unknown_project", `There is no project "${reference.slice(0, 80)}".`, "Use the project's slug or number, as the DSN under Settings has it.");
  const key = ingestKeyOf(request);
  if (key === undefined) return refuse(401, "missing_key", "The upload carries no key.", "Add ?sentry_key=KEY to the address; the key is under Settings.");
  if (key !== project.ingestKey) return refuse(403, "unknown_key", `The key does not belong to project "${project.slug}".`, "Copy the key again from Settings; `deadair up` prints it too.");
  return ok(project);
}

function ingestKeyOf(request: FastifyRequest): string | undefined {
  const query = request.query as { [name: string]: string | string[] | undefined };
  const fromQuery = query["sentry_key"] ?? query["key"];
  if (typeof fromQuery === "string" && fromQuery !== "") return fromQuery;
  const header = request.headers["x-sentry-auth"];
  const fromHeader = typeof header === "string" ? /(?:^|[\s,])sentry_key=([A-Za-z0-9]+)/.exec(header)?.[1] : undefined;
  return fromHeader ?? bearerOf(request);
}

/** Lets in who holds a token of the project with the scope, or who is signed in and a member. */
export async function requireScope(context: Context, request: FastifyRequest, reference: string, scope: Scope): Promise<Result<Caller>> {
  const { db } = context.storage;
  const project = await findProject(db, reference);
  const token = bearerOf(request) ?? tokenInAddress(request);
  if (token !== undefined) {
    const scopes = project && (await scopesOf(db, project.id, token));
    if (project === undefined || scopes === undefined) return refuse(401, "unknown_token", `The token is not one of project "${reference.slice(0, 80)}", or it was revoked.`, "Make a token under Settings and check the project's name.");
    if (!scopes.includes(scope)) return refuse(403, "missing_scope", `The token has the scopes ${scopes.join(", ")}; this needs ${scope}.`, `Make a token with the scope ${scope} under Settings.`);
    return ok({ project, actor: "token", role: "token" });
  }
  return requireMember(context, request, reference);
}

/** Lets in who is signed in and a member of the project. */
export async function requireMember(context: Context, request: FastifyRequest, reference: string): Promise<Result<Caller>> {
  const { db } = context.storage;
  const user = await requireUser(context, request);
  if (!user.ok) return user;
  const project = await findProject(db, reference);
  const role = project && (await roleOf(db, user.value, project.id));
  if (project === undefined || role === undefined) return refuse(404, "unknown_project", `There is no project "${reference.slice(0, 80)}" that you can see.`, "Ask an owner of the project to add you.");
  return ok({ project, actor: user.value, role });
}

/** Lets in who is signed in. A request that changes something must come from our own page. */
export async function requireUser(context: Context, request: FastifyRequest): Promise<Result<string>> {
  const cookie = request.cookies[loginCookie];
  const user = cookie === undefined ? undefined : await userOfLogin(context.storage.db, cookie);
  if (user === undefined) return refuse(401, "not_signed_in", "You are not signed in.", "Open the sign-in link that `deadair up` printed, or, where a token will do, send it as `Authorization: Bearer …`.");
  if (request.method !== "GET" && request.method !== "HEAD" && !isSameOrigin(request)) {
    return refuse(403, "foreign_origin", "The request comes from another site.", "Use Deadair's own page, or a token.");
  }
  return ok(user);
}

// Browsers always say where a changing request comes from; SameSite=Lax is the first fence, this the second.
function isSameOrigin(request: FastifyRequest): boolean {
  const site = request.headers["sec-fetch-site"];
  if (typeof site === "string") return site === "same-origin" || site === "none";
  const origin = request.headers.origin;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

// Breakpad's sym_upload can send no header, only an address.
function tokenInAddress(request: FastifyRequest): string | undefined {
  if (!request.routeOptions.url?.includes("/sym-upload")) return undefined;
  const query = request.query as { [name: string]: string | string[] | undefined };
  const token = query["token"] ?? query["key"];
  return typeof token === "string" && token !== "" ? token : undefined;
}
