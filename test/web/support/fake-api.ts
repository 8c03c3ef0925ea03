// A server for looking at the page: the built page, canned answers of the
// real API's types, and the strictest CSP that the real server may send.
// Alone: node test/web/support/fake-api.ts [PORT]
import { readFile } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Alert, CrashDetail, CrashItem, CrashPage, Destination, ErrorBody, GroupItem, GroupPage, SecondOpinion, SourceLines, SymbolPage } from "../../../services/triage/schema.ts";
import { failedCrash, vaultCrash } from "./canned-crash.ts";
import { cannedOpinion } from "./canned-opinion.ts";
import { before, cannedAlerts, cannedCrashes, cannedDestinations, cannedGroup, cannedGroups, cannedId, cannedMe, cannedMissing, cannedSymbols } from "./canned-lists.ts";

/** The password that signs in. */
export const fakePassword = "correct horse";

/** A running fake, with what a test may change under the page's feet. */
export type FakeApi = {
  readonly url: string;
  /** The groups as they are answered; push to add, assign to change. */
  readonly groups: GroupItem[];
  readonly failed: CrashDetail[];
  /** What a second opinion comes to: once `ready` is settled, `answer`, or `opinion_busy` without one. */
  readonly opinion: { ready: Promise<void>; answer: SecondOpinion | null };
  /** Requests so far, such as `POST /api/v1/vaultsynth/crashes/x/retry`. */
  readonly requests: string[];
  readonly close: () => Promise<void>;
};

type Token = { readonly id: string; readonly name: string; readonly scopes: readonly string[]; readonly createdAt: string };
type World = { readonly groups: GroupItem[]; readonly failed: CrashDetail[]; readonly alerts: Alert[]; destinations: Destination[]; tokens: Token[]; signedIn: boolean };
type Reply = { readonly status: number; readonly body: unknown };

const csp = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Starts the fake over a built page. */
export async function startFakeApi(options: { readonly dist: string; readonly port?: number; readonly projects?: 1 | 2; readonly signedIn?: boolean }): Promise<FakeApi> {
  const now = Date.now();
  const groups = cannedGroups(now);
  const world: World = {
    groups,
    failed: [
      failedCrash(cannedId("f000", 1), before(now, 6), "WALK_SECONDS: the walk took longer than 60 s and was stopped"),
      failedCrash(cannedId("f000", 2), before(now, 300), "not a minidump: the file starts with 3c 68 74 6d, a minidump starts with MDMP"),
    ],
    alerts: cannedAlerts(now, groups),
    destinations: cannedDestinations(now),
    tokens: [{ id: cannedId("7000", 1), name: "CI on main", scopes: ["symbols"], createdAt: before(now, 30_000) }],
    signedIn: options.signedIn ?? false,
  };
  const requests: string[] = [];
  const opinion: FakeApi["opinion"] = { ready: Promise.resolve(), answer: cannedOpinion };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const done = url.pathname.startsWith("/api/") ? answerApi(request, response, url) : answerFile(options.dist, response, url.pathname);
    void done.catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const answerApi = async (request: IncomingMessage, response: ServerResponse, url: URL) => {
    const method = request.method ?? "GET";
    requests.push(`${method} ${url.pathname}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if (method !== "GET" && request.headers["content-type"] !== "application/json") return send(response, problem(415, "wrong_content_type", "A mutation must be JSON.", "Send content-type: application/json."));
    const body: unknown = text === "" ? {} : JSON.parse(text);
    if (url.pathname.endsWith("/source")) return send(response, answerSource(url));
    if (url.pathname.endsWith("/second-opinion")) {
      await opinion.ready;
      return send(response, opinion.answer === null ? problem(503, "opinion_busy", "Another second opinion is being made; this server makes one at a time.", "Ask again in some seconds.") : { status: 200, body: opinion.answer });
    }
    send(response, answer(world, method, url, body as Readonly<Record<string, unknown>>, `http://127.0.0.1:${port()}`, options.projects ?? 1));
  };
  const port = () => (server.address() as AddressInfo).port;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port()}`, groups, failed: world.failed, opinion, requests, close };
}

function answer(world: World, method: string, url: URL, body: Readonly<Record<string, unknown>>, origin: string, projects: 1 | 2): Reply {
  const [first = "", second, id, verb] = url.pathname.slice("/api/v1/".length).split("/");
  if (first === "session" && method === "POST") {
    if (body["password"] !== fakePassword) return problem(401, "wrong_password", "The e-mail or the password is wrong.", "Try again, or open the sign-in link that `deadair up` prints.");
    world.signedIn = true;
    return { status: 204, body: null };
  }
  if (!world.signedIn) return problem(401, "not_signed_in", "Nobody is signed in.", "Sign in first.");
  if (first === "session") {
    world.signedIn = false;
    return { status: 204, body: null };
  }
  if (first === "me") return { status: 200, body: cannedMe(origin, projects) };
  if (first === "account") return { status: 204, body: null };
  const empty = first === "empty";
  if (second === "groups") return answerGroups(world, url, id, verb, empty);
  if (second === "crashes") return answerCrashes(world, method, url, id, empty);
  if (second === "symbols") return { status: 200, body: (empty ? { items: [], missing: [], next: null } : { items: cannedSymbols(Date.now()), missing: cannedMissing, next: null }) satisfies SymbolPage };
  if (second === "alerts") return { status: 200, body: { items: empty ? [] : world.alerts, next: null } };
  if (second === "destinations") return answerDestinations(world, method, id, verb, body);
  if (second === "tokens") return answerTokens(world, method, id, body);
  return problem(404, "not_found", "There is nothing at this address.", "Check the address.");
}

/** Lines around the asked one; of dsp.h those of a real file, one of them long; none of plugin.cpp. */
function answerSource({ searchParams }: URL): Reply {
  const file = searchParams.get("file") ?? "";
  const line = Number(searchParams.get("line"));
  if (file.endsWith("plugin.cpp")) return problem(404, "source_not_bundled", `The sources of VaultSynth.vst3 do not have ${file}.`, "Only files that were on the build machine, and are not the system's, are bundled.");
  const code = ["", "template <typename T, size_t N>", "struct RingBuffer {", "\tvoid push(T sample) {", "\t\tif (count == N) drop();", `\t\t// ${"A comment that goes on and on. ".repeat(9)}`, "\t\tdata[(start + count++) % N] = sample;", "\t}"];
  const first = Math.max(1, line - 7);
  const body: SourceLines = { file, line, first, lines: Array.from({ length: line + 8 - first }, (_, i) => code[(i + 2) % code.length]!) };
  return { status: 200, body };
}

function answerGroups(world: World, url: URL, id: string | undefined, verb: string | undefined, empty: boolean): Reply {
  if (id === undefined) {
    const query = (url.searchParams.get("q") ?? "").toLowerCase();
    const sort = url.searchParams.get("sort");
    const found = empty ? [] : world.groups.filter((group) => group.signature.toLowerCase().includes(query));
    const by = (a: GroupItem, b: GroupItem) => (sort === "count" ? b.count - a.count : sort === "first_seen" ? b.firstSeen.localeCompare(a.firstSeen) : b.lastSeen.localeCompare(a.lastSeen));
    const page: GroupPage = { items: found.toSorted(by), next: null, total: found.length };
    return { status: 200, body: page };
  }
  const item = world.groups.find((group) => group.id === id);
  if (!item) return problem(404, "no_group", `There is no group ${id}.`, "It may have been merged or erased. Search for its signature.");
  if (verb === undefined) return { status: 200, body: cannedGroup(item, cannedId("c000", 1)) };
  const crashes = cannedCrashes(Date.now(), item, 120);
  return { status: 200, body: pageOf(crashes, url) };
}

function pageOf(items: readonly CrashItem[], url: URL): CrashPage {
  const limit = Number(url.searchParams.get("limit") ?? 50);
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: items.slice(from, from + limit), next };
}

function answerCrashes(world: World, method: string, url: URL, id: string | undefined, empty: boolean): Reply {
  if (id === undefined) return { status: 200, body: pageOf(empty || url.searchParams.get("state") === "stored" ? [] : world.failed, url) };
  const failed = world.failed.findIndex((crash) => crash.id === id);
  const found = world.failed[failed];
  if (method === "POST") {
    if (found) world.failed[failed] = { ...found, state: "stored", reason: null };
    return { status: 202, body: null };
  }
  return { status: 200, body: found ?? vaultCrash(id, world.groups[0]?.id ?? "", "2026-11-23T20:14:03.512Z") };
}

function answerDestinations(world: World, method: string, id: string | undefined, verb: string | undefined, body: Readonly<Record<string, unknown>>): Reply {
  if (method === "GET") return { status: 200, body: { items: world.destinations } };
  if (verb === "test") return { status: 202, body: null };
  if (method === "DELETE") {
    world.destinations = world.destinations.filter((one) => one.id !== id);
    return { status: 204, body: null };
  }
  const target = String(body["target"]);
  if (body["kind"] !== "mail" && !target.startsWith("https://")) return problem(422, "bad_target", `“${target}” is not an https address.`, "Give the whole address, starting with https://.");
  const made: Destination = { id: cannedId("d000", world.destinations.length + 10), kind: body["kind"] === "slack" ? "slack" : body["kind"] === "mail" ? "mail" : "webhook", name: String(body["name"]), target, enabled: true, createdAt: new Date().toISOString() };
  world.destinations = [...world.destinations, made];
  return { status: 201, body: made.kind === "webhook" ? { ...made, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } : made };
}

function answerTokens(world: World, method: string, id: string | undefined, body: Readonly<Record<string, unknown>>): Reply {
  if (method === "GET") return { status: 200, body: { items: world.tokens } };
  if (method === "DELETE") {
    world.tokens = world.tokens.filter((one) => one.id !== id);
    return { status: 204, body: null };
  }
  const scopes = Array.isArray(body["scopes"]) ? body["scopes"].map(String) : [];
  const made: Token = { id: cannedId("7000", world.tokens.length + 10), name: String(body["name"]), scopes, createdAt: new Date().toISOString() };
  world.tokens = [...world.tokens, made];
  return { status: 201, body: { ...made, token: "dt_Zr4vK1mQ8yXc2bN7sT5wL9pE3aU6hJ0d" } };
}

function problem(status: number, error: string, message: string, hint: string): Reply {
  return { status, body: { error, message, hint } satisfies ErrorBody };
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { "content-type": "application/json" }).end(reply.body === null ? undefined : JSON.stringify(reply.body));
}

const types: { readonly [extension: string]: string } = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

async function answerFile(dist: string, response: ServerResponse, pathname: string): Promise<void> {
  const extension = path.extname(pathname);
  const file = extension in types && extension !== ".html" ? pathname : "/index.html";
  const bytes = await readFile(path.join(dist, path.normalize(file))).catch(() => null);
  if (bytes === null) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[path.extname(file)] ?? "application/octet-stream", "content-security-policy": csp, "x-content-type-options": "nosniff" }).end(bytes);
}

if (import.meta.main) {
  const fake = await startFakeApi({ dist: path.join(import.meta.dirname, "../../../web/dist"), port: Number(process.argv[2] ?? 4100), projects: 2, signedIn: true });
  console.log(`${fake.url} (password: ${fakePassword})`);
}
