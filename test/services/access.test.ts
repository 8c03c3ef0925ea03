// Who may do what, over the real server.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSignInToken } from "../../services/access/accounts.ts";
import { defaultLimits } from "../../config/limits.ts";
import { rawRequest, startTestServer, type TestServer } from "../support/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SIGN_IN_PER_MINUTE_COUNT: 5 });
});
afterAll(() => server.close());

async function signIn(): Promise<string> {
  const token = await newSignInToken(server.storage.db, defaultLimits);
  const response = await fetch(`${server.url}/sign-in?token=${token}`, { redirect: "manual" });
  expect([response.status, response.headers.get("location")]).toEqual([302, "/"]);
  return response.headers.get("set-cookie")!.split(";")[0]!;
}
const get = (path: string, headers: { [name: string]: string } = {}) => fetch(`${server.url}${path}`, { headers, redirect: "manual" });
const send = (method: string, path: string, body: unknown, headers: { [name: string]: string } = {}) =>
  fetch(`${server.url}${path}`, { method, headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

describe("signing in", () => {
  it("by the link sets a cookie that scripts cannot read and other sites do not send", async () => {
    const token = await newSignInToken(server.storage.db, defaultLimits);
    const cookie = (await get(`/sign-in?token=${token}`)).headers.get("set-cookie")!;
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    const me = await get("/api/v1/me", { cookie: cookie.split(";")[0]! });
    expect(await me.json()).toMatchObject({ user: { email: "owner@localhost" }, projects: [{ slug: "default", role: "owner", dsn: expect.stringMatching(/^http:\/\/[a-z0-9]+@127\.0\.0\.1:\d+\/1$/) }] });
  });

  it("by a link that a newer one has replaced, or that nobody made, does not work", async () => {
    const old = await newSignInToken(server.storage.db, defaultLimits);
    await newSignInToken(server.storage.db, defaultLimits);
    for (const token of [old, "link_x", ""]) {
      const response = await get(`/sign-in?token=${token}`);
      expect([response.status, response.headers.get("location"), response.headers.get("set-cookie")]).toEqual([302, "/sign-in?link=over", null]);
    }
  });

  it("by password works once one is set, and is braked", async () => {
    const cookie = await signIn();
    expect((await send("POST", "/api/v1/session", { email: "owner@localhost", password: "" })).status).toBe(401);
    expect((await send("POST", "/api/v1/account/password", { password: "too short" }, { cookie })).status).toBe(400);
    expect((await send("POST", "/api/v1/account/password", { password: "a long enough one" }, { cookie })).status).toBe(204);
    expect((await send("POST", "/api/v1/session", { email: "Owner@localhost", password: "a long enough one" })).status).toBe(204);
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await send("POST", "/api/v1/session", { email: "owner@localhost", password: "wrong" })).status);
    expect(statuses.slice(0, 2)).toEqual([401, 401]);
    expect(statuses.at(-1)).toBe(429);
  });

  it("ends by signing out", async () => {
    const cookie = await signIn();
    expect((await send("DELETE", "/api/v1/session", undefined, { cookie })).status).toBe(204);
    expect((await get("/api/v1/me", { cookie })).status).toBe(401);
  });
});

describe("what is not one's own is closed", () => {
  it.each([
    ["/api/v1/me"],
    ["/api/v1/default/groups"],
    ["/api/v1/default/groups/01a20a55-5ec6-71d7-89d7-8dd99305ec50"],
    ["/api/v1/default/crashes"],
    ["/api/v1/default/crashes/01a20a55-5ec6-71d7-89d7-8dd99305ec50"],
    ["/api/v1/default/symbols"],
    ["/api/v1/default/alerts"],
    ["/api/v1/default/destinations"],
    ["/api/v1/default/tokens"],
  ])("%s asks who is there", async (path) => {
    expect((await get(path)).status).toBe(401);
    expect((await get(path, { authorization: "Bearer nope" })).status).toBe(401);
    expect((await get(path, { cookie: "deadair_login=nope" })).status).toBe(401);
  });

  it("a read token reads, and does nothing else", async () => {
    const authorization = `Bearer ${server.readToken}`;
    expect(await (await get("/api/v1/default/groups", { authorization })).json()).toEqual({ items: [], next: null, total: 0 });
    expect((await get("/api/v1/1/crashes", { authorization })).status).toBe(200);
    expect((await get("/api/v1/default/tokens", { authorization })).status).toBe(401);
    expect((await send("POST", "/api/v1/default/tokens", { name: "x", scopes: ["read"] }, { authorization })).status).toBe(401);
    expect((await get("/api/v1/default/groups", { authorization: `Bearer ${server.symbolToken}` })).status).toBe(403);
  });

  it("another project's token and crashes stay closed", async () => {
    await server.storage.db.insertInto("projects").values({ slug: "other", name: "Other", ingest_key: "otherkey" }).execute();
    expect((await get("/api/v1/other/groups", { authorization: `Bearer ${server.readToken}` })).status).toBe(401);
    expect((await get("/api/v1/other/groups", { cookie: await signIn() })).status).toBe(404);
  });

  it("another site cannot change anything with one's cookie", async () => {
    const cookie = await signIn();
    const body = { name: "x", scopes: ["read"] };
    expect((await send("POST", "/api/v1/default/tokens", body, { cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await send("POST", "/api/v1/default/tokens", body, { cookie, origin: "https://evil.example" })).status).toBe(403);
    expect((await send("POST", "/api/v1/default/tokens", body, { cookie, "sec-fetch-site": "same-origin" })).status).toBe(201);
  });
});

describe("tokens", () => {
  it("are shown once, kept as a hash, and end when they are revoked", async () => {
    const cookie = await signIn();
    const made = (await (await send("POST", "/api/v1/default/tokens", { name: "CI", scopes: ["symbols"] }, { cookie })).json()) as { id: string; token: string };
    const dumped = JSON.stringify(await server.storage.db.selectFrom("tokens").selectAll().execute());
    expect(dumped).not.toContain(made.token);
    expect(JSON.stringify(await (await get("/api/v1/default/tokens", { cookie })).json())).not.toContain(made.token);
    const use = () => send("POST", "/api/v1/default/symbols/check", { symbols: [] }, { authorization: `Bearer ${made.token}` });
    expect((await use()).status).toBe(200);
    expect((await send("DELETE", `/api/v1/default/tokens/${made.id}`, undefined, { cookie })).status).toBe(204);
    expect((await use()).status).toBe(401);
    expect((await send("DELETE", `/api/v1/default/tokens/${made.id}`, undefined, { cookie })).status).toBe(404);
  });
});

describe("odd requests get a clear answer", () => {
  it.each<[string, number, string]>([
    ["/api/v1/default/groups?limit=0", 400, "bad_limit"],
    ["/api/v1/default/groups?limit=abc", 400, "bad_limit"],
    ["/api/v1/default/groups?cursor=%00", 400, "bad_cursor"],
    ["/api/v1/default/groups?cursor=WyJ4IiwiMSJd", 400, "bad_cursor"],
    ["/api/v1/default/groups?sort=;drop", 400, "bad_sort"],
    ["/api/v1/default/groups/nope", 404, "unknown_group"],
    ["/api/v1/default/groups/nope/crashes", 404, "unknown_group"],
    ["/api/v1/default/crashes?state=lost", 400, "bad_state"],
    ["/api/v1/default/crashes?cursor=1", 400, "bad_cursor"],
    ["/api/v1/default/crashes/..%2f..", 404, "unknown_crash"],
    ["/api/nothing", 404, "not_found"],
  ])("%s", async (path, status, code) => {
    const response = await get(path, { authorization: `Bearer ${server.readToken}` });
    expect([response.status, await response.json()]).toEqual([status, { error: code, message: expect.any(String), hint: expect.any(String) }]);
  });

  it("the search takes wildcards as text", async () => {
    expect((await get("/api/v1/default/groups?q=%25_%5C", { authorization: `Bearer ${server.readToken}` })).status).toBe(200);
  });
});

// What Fastify or Node refuses before a route is known has our shape too.
describe("a request that never becomes one", () => {
  it.each<[string, number, string]>([
    // A broken percent escape.
    ["GET /api/v1/%zz/groups HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400, "bad_url"],
    // A part of the path longer than any name.
    [`GET /api/v1/${"x".repeat(400)}/groups HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 414, "max_param_length"],
    // Not HTTP at all.
    ["hello\r\n\r\n", 400, "bad_request"],
    // Headers without end.
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`, 431, "headers_too_large"],
  ])("%j", async (request, status, code) => {
    const answer = await rawRequest(server.port, [request]);
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4))).toEqual({ error: code, message: expect.any(String), hint: expect.any(String) });
  });

  it("because it is too slow", async () => {
    const slow = await startTestServer({ UPLOAD_SECONDS: 2 });
    try {
      const answer = await rawRequest(slow.port, ["POST /api/default/minidump/ HTTP/1.1\r\nHost: x\r\nContent-Le"]);
      expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"too_slow"/);
    } finally {
      await slow.close();
    }
  });
});
