// Requests that nobody's client makes: none of them may be a bug in our log (500),
// hold a connection, a file or the process, or cost more than it sends.
import { readdirSync } from "node:fs";
import net from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest, startTestServer, type TestServer } from "../support/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const cursor = (key: unknown, id: unknown = "00000000-0000-7000-8000-000000000000") => Buffer.from(JSON.stringify([key, id])).toString("base64url");

describe("what a query cannot mean is told so", () => {
  it.each([
    // NUL, which Postgres refuses, wherever text goes into a query.
    ["/api/v1/%00/groups", 401],
    ["/api/v1/default%00/groups", 401],
    ["/api/v1/default/groups?q=%00", 400],
    // A parameter given twice is a list.
    ["/api/v1/default/groups?q=a&q=b", 200],
    ["/api/v1/default/groups?limit=1&limit=2", 400],
    ["/api/v1/default/groups?sort=count&sort=count", 400],
    ["/api/v1/default/crashes?state=failed&state=stored", 400],
    ["/api/v1/default/alerts?cursor=a&cursor=b", 400],
    // A cursor of another order, and cursors that Postgres could not read.
    [`/api/v1/default/groups?sort=count&cursor=${cursor("2026-11-23 22:04:05.123456+00")}`, 400],
    [`/api/v1/default/groups?cursor=${cursor("5")}`, 400],
    [`/api/v1/default/groups?cursor=${cursor("2026-02-31 00:00:00+00")}`, 400],
    [`/api/v1/default/groups?cursor=${cursor("2026-11-23 24:61:00+00")}`, 400],
    [`/api/v1/default/groups?cursor=${cursor("2026-11-23 22:04:05+99")}`, 400],
    [`/api/v1/default/groups?sort=count&cursor=${cursor("9".repeat(30))}`, 400],
    [`/api/v1/default/groups?cursor=${cursor("2026-11-23 22:04:05+00", "-".repeat(36))}`, 400],
    // Those that a list gives.
    [`/api/v1/default/groups?cursor=${cursor("2026-11-23 22:04:05.123456+00")}`, 200],
    [`/api/v1/default/groups?sort=count&cursor=${cursor("12")}`, 200],
  ])("GET %s answers %i", async (address, status) => {
    const response = await fetch(server.url + address, { headers: { authorization: `Bearer ${server.readToken}` } });
    expect(response.status).toBe(status);
  });

  it.each([
    ["/api/%00/minidump/?sentry_key=k", {}, 404],
    ["/api/v1/session", { email: "a\u0000b", password: "x" }, 400],
    // Nested past what any recursion stands; refused by its shape.
    ["/api/v1/session", { email: "deep", password: "x" }, 400],
  ])("POST %s %o answers %i", async (address, body, status) => {
    const text = JSON.stringify(body).replace('"deep"', "[".repeat(200_000) + "]".repeat(200_000));
    const response = await fetch(server.url + address, { method: "POST", headers: { "content-type": "application/json" }, body: text });
    expect(response.status).toBe(status);
  });

  it("a sign-in link with two tokens is no bug of ours", async () => {
    // 404 where the page is not built.
    expect([200, 404]).toContain((await fetch(`${server.url}/sign-in?token=a&token=b`)).status);
  });

  it("a stack trace with annotations nested past all measure is kept without them", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const response = await fetch(`${server.url}/api/v1/default/stacktraces?sentry_key=${server.ingestKey}`, { method: "POST", body: `{"frames":[{"module":"a","function":"f"}],"annotations":{"a":${deep}}}` });
    const { id } = (await response.json()) as { id: string };
    expect(response.status).toBe(201);
    const row = await server.storage.db.selectFrom("crashes").select(["annotations", "notes"]).where("id", "=", id).executeTakeFirstOrThrow();
    expect(row).toEqual({ annotations: {}, notes: [expect.stringContaining("levels deep")] });
  });
});

describe("a body that is refused before its end", () => {
  const rest = Buffer.alloc(6 * 1024 * 1024, "x");
  it.each([
    // By its first bytes; the rest is still to come.
    ["no symbol file", "/api/v1/default/symbols", "", Buffer.from("junk"), 400],
    // 300 MB of nothing, over DUMP_INFLATED_BYTES.
    ["a bomb", "/api/default/minidump/?sentry_key=", "Content-Encoding: gzip\r\n", gzipSync(Buffer.alloc(300 * 1024 * 1024)), 413],
  ])("is read on, so that its connection goes on (%s)", async (_what, address, headers, first, status) => {
    const token = address.endsWith("=") ? "" : `Authorization: Bearer ${server.symbolToken}\r\n`;
    const head = `POST ${address}${address.endsWith("=") ? server.ingestKey : ""} HTTP/1.1\r\nHost: x\r\n${token}${headers}Content-Length: ${first.length + rest.length}\r\n\r\n`;
    const answers = await rawRequest(server.port, [head, first, rest, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
    expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map((answer) => Number(answer[1]))).toEqual([status, 200]);
  });

  it("is read on when there is no file to write it to, and the reason is told", async () => {
    const full = await startTestServer();
    Object.assign(full.storage.spool, { open: () => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" })) });
    const head = (type: string) => `POST /api/default/minidump/?sentry_key=${full.ingestKey} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${rest.length}\r\n\r\n`;
    const part = Buffer.from('--b\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a"\r\n\r\n');
    for (const [type, first] of [["application/x-dmp", Buffer.from("MDMP")], ["multipart/form-data; boundary=b", part]] as const) {
      const answers = await rawRequest(full.port, [head(type), first, rest.subarray(first.length), "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
      expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map((answer) => Number(answer[1]))).toEqual([503, 200]);
      expect(answers).toContain("disk_full");
    }
    await full.close();
  });

  it("leaves no file open", async () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const send = async () => {
      const body = `--b\r\nContent-Disposition: form-data; name="symbol_file"; filename="a"\r\n\r\n${"junk".repeat(50_000)}\r\n--b--\r\n`;
      const response = await fetch(`${server.url}/api/v1/default/sym-upload?key=${server.symbolToken}`, { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" }, body });
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("not_a_symbol_file")]);
    };
    await send();
    const before = open();
    for (let i = 0; i < 20; i++) await send();
    expect(open()).toBeLessThan(before + 10);
  });
});

it("a client that goes on sending after its answer is cut off", async () => {
  const short = await startTestServer({ REFUSED_BODY_SECONDS: 1, UPLOAD_BODY_BYTES: 1000 });
  const socket = net.connect(short.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => socket.once("close", () => resolve(Date.now())));
  socket.write(`POST /api/default/minidump/?sentry_key=${short.ingestKey} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-dmp\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
  const sending = setInterval(() => socket.write(chunk), 20);
  const from = Date.now();
  try {
    const took = (await closed) - from;
    // It had its answer, and some time to read it.
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(10_000);
  } finally {
    clearInterval(sending);
    socket.destroy();
    await short.close();
  }
});

it("a client that stalls does not hold a server that closes", async () => {
  const closing = await startTestServer();
  const stalled = net.connect(closing.port, "127.0.0.1", () => stalled.write(`POST /api/default/minidump/?sentry_key=${closing.ingestKey} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nMDMP`));
  stalled.on("error", () => {});
  await expect.poll(() => closing.files().length).toBe(1);
  const started = Date.now();
  await closing.close();
  expect(Date.now() - started).toBeLessThan(10_000);
  stalled.destroy();
});
