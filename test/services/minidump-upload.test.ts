// What crash clients really send, and what nobody should.
import { readFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest, startTestServer, type TestServer } from "../support/test-server.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";

const dump = Buffer.from(syntheticCrash({ module: "halcyon.so", offset: 0x1234 }));
const smallLimits = { UPLOAD_BODY_BYTES: 200_000, DUMP_INFLATED_BYTES: 300_000, UPLOAD_FIELDS_COUNT: 20, UPLOAD_FIELD_BYTES: 5000, UPLOAD_FIELDS_BYTES: 20_000, ATTACHMENTS_COUNT: 3, ATTACHMENT_BYTES: 50_000 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(smallLimits);
});
afterAll(() => server.close());

const address = (more = "") => `${server.url}/api/default/minidump/?sentry_key=${server.ingestKey}${more}`;
const form = (fields: { [name: string]: string } = {}, file: Buffer = dump, name = "crash.dmp", files: { [field: string]: Buffer } = {}) => {
  const body = new FormData();
  for (const [key, value] of Object.entries(fields)) body.append(key, value);
  for (const [field, bytes] of Object.entries(files)) body.append(field, new Blob([new Uint8Array(bytes)]), `${field}.log`);
  body.append("upload_file_minidump", new Blob([new Uint8Array(file)]), name);
  return body;
};
const row = (id: string) => server.storage.db.selectFrom("crashes").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const rows = async () => Number((await server.storage.db.selectFrom("crashes").select((s) => s.fn.countAll<string>().as("n")).executeTakeFirstOrThrow()).n);
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// As Crashpad writes it: its boundary, its order, the dump last, everything gzipped and chunked.
function crashpadBody(fields: { [name: string]: string }, boundary = "---MultipartBoundary-abc---"): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`));
  parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="plugin.log"; filename="plugin.log"\r\nContent-Type: application/octet-stream\r\n\r\nloaded\n\r\n`));
  parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="0f5e2c1a-1111-4222-8333-444455556666.dmp"\r\nContent-Type: application/octet-stream\r\n\r\n`), dump, Buffer.from(`\r\n--${boundary}--\r\n`));
  return Buffer.concat(parts);
}
const crashpadHeaders = { "content-type": "multipart/form-data; boundary=---MultipartBoundary-abc---", "content-encoding": "gzip", "user-agent": "Crashpad/0.8.0 (Linux)" };

describe("a minidump upload is stored", () => {
  it("as curl sends it, and the answer is the id as text", async () => {
    const response = await fetch(address(), { method: "POST", body: form({ prod: "Halcyon", ver: "1.4.2", guid: "install-1", host: "Reaper" }) });
    const id = await response.text();
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    expect(id).toMatch(uuid);
    expect(await row(id)).toMatchObject({ state: "stored", kind: "minidump", product: "Halcyon", version: "1.4.2", install: "install-1", blob_bytes: String(dump.length) });
    const outbox = await server.storage.db.selectFrom("outbox").selectAll().where("job_key", "=", `crash-${id}-1`).execute();
    expect(outbox.map((job) => [job.queue, job.payload])).toEqual([["symbolicate", { crash: id, revision: 1 }]]);
  });

  it("as Crashpad sends it, once however often it tries", async () => {
    const body = gzipSync(crashpadBody({ prod: "Halcyon", ver: "1.4.1", guid: "g-1", sentry: '{"release":"halcyon@9","tags":{"host":"Live"}}' }));
    const send = async () => (await fetch(address("&product=Halcyon&version=1.4.1&guid=g-1"), { method: "POST", headers: crashpadHeaders, body: new Uint8Array(body) })).text();
    const first = await send();
    expect([await send(), await send()]).toEqual([first, first]);
    const stored = await row(first);
    expect(stored).toMatchObject({ product: "Halcyon", version: "1.4.1", install: "g-1", client: "Crashpad/0.8.0 (Linux)" });
    expect(stored.annotations).toMatchObject({ sentry: { release: "halcyon@9", tags: { host: "Live" } } });
    const attachments = await server.storage.db.selectFrom("crash_attachments").select(["name", "bytes"]).where("crash_id", "=", first).execute();
    expect(attachments).toEqual([{ name: "plugin.log", bytes: "7" }]);
  });

  // A user's file name is no identity: sending it twice is two crashes.
  it("twice when the same file is sent twice under an ordinary name", async () => {
    const ids = await Promise.all([1, 2].map(async () => (await fetch(address(), { method: "POST", body: form({}, dump, "crash.dmp") })).text()));
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    // The whole body is the dump.
    ["application/x-dmp", {}, dump],
    ["application/octet-stream", {}, dump],
    // A client that names no type at all.
    ["", {}, dump],
    // Every Content-Encoding there is.
    ["application/x-dmp", { "content-encoding": "gzip" }, gzipSync(dump)],
    ["application/x-dmp", { "content-encoding": "deflate" }, deflateSync(dump)],
    ["application/x-dmp", { "content-encoding": "br" }, brotliCompressSync(dump)],
    ["application/x-dmp", { "content-encoding": "zstd" }, zstdCompressSync(dump)],
    // Compressed by its first bytes, whatever the headers say.
    ["application/x-dmp", {}, gzipSync(dump)],
    ["application/octet-stream", {}, zstdCompressSync(dump)],
  ])("as a raw body: %s %o", async (type, headers, body) => {
    const response = await fetch(address("&product=P&version=2"), { method: "POST", headers: { ...(type ? { "content-type": type } : {}), ...headers }, body: new Uint8Array(body) });
    const id = await response.text();
    expect([response.status, id]).toEqual([200, expect.stringMatching(uuid)]);
    expect(await row(id)).toMatchObject({ product: "P", version: "2", blob_bytes: String(dump.length) });
  });

  it.each([
    ["gzip", gzipSync(dump)],
    ["zstd", zstdCompressSync(dump)],
  ])("compressed inside the field (%s)", async (_kind, body) => {
    const id = await (await fetch(address(), { method: "POST", body: form({}, body, "crash.dmp.gz") })).text();
    expect(await row(id)).toMatchObject({ blob_bytes: String(dump.length) });
  });

  it("with bracket fields, into nested annotations", async () => {
    const id = await (await fetch(address(), { method: "POST", body: form({ "sentry[release]": "synth@3.1", "sentry[tags][host]": "Reaper", "sentry[__proto__][x]": "1", "sentry[a": "odd" }) })).text();
    const stored = await row(id);
    expect(stored).toMatchObject({ product: "synth", version: "3.1" });
    expect(stored.annotations["sentry"]).toEqual({ release: "synth@3.1", tags: { host: "Reaper" } });
    expect(stored.notes).toHaveLength(2);
  });

  it.each([
    // The project by number, as a DSN has it.
    ["/api/1/minidump/?sentry_key="],
    // Without the slash at the end.
    ["/api/default/minidump?sentry_key="],
  ])("at %s", async (at) => {
    expect((await fetch(`${server.url}${at}${server.ingestKey}`, { method: "POST", body: form() })).status).toBe(200);
  });

  it("with the key in Sentry's header", async () => {
    const headers = { "x-sentry-auth": `Sentry sentry_version=7, sentry_key=${server.ingestKey}, sentry_client=x` };
    expect((await fetch(`${server.url}/api/1/minidump/`, { method: "POST", body: form(), headers })).status).toBe(200);
  });

  it("with the dump first, the fields after it, and text after the last boundary", async () => {
    const b = "xx";
    const body = Buffer.concat([
      Buffer.from(`--${b}\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="c:\\\\fake\\\\..\\\\x.dmp"\r\n\r\n`),
      dump,
      Buffer.from(`\r\n--${b}\r\nContent-Disposition: form-data; name="prod"\r\n\r\nLater\r\n--${b}--trailing garbage`),
    ]);
    const response = await fetch(address(), { method: "POST", headers: { "content-type": `multipart/form-data; boundary=${b}` }, body });
    expect(response.status).toBe(200);
    expect(await row(await response.text())).toMatchObject({ product: "Later" });
  });

  it.each<[string, string, object]>([
    // RFC 7578 wants a name; busboy gives undefined where there is none.
    ["a field without a name", "Content-Disposition: form-data\r\n\r\nv", { annotations: { "": "v" } }],
    ["a file without a name", "Content-Disposition: form-data\r\nContent-Type: application/octet-stream\r\n\r\nv", { annotations: {} }],
    ["a field named __proto__", 'Content-Disposition: form-data; name="__proto__"\r\n\r\nv', { annotations: JSON.parse('{"__proto__":"v"}') as object }],
    // Deeper than JSON.stringify and Postgres can go.
    ["JSON nested past all measure", `Content-Disposition: form-data; name="sentry"\r\n\r\n{"a":${"[".repeat(2000)}${"]".repeat(2000)}}`, { annotations: {}, notes: [expect.stringContaining("levels deep")] }],
  ])("with %s", async (_what, part, expected) => {
    const body = Buffer.concat([Buffer.from(`--xx\r\n${part}\r\n--xx\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\n`), dump, Buffer.from("\r\n--xx--\r\n")]);
    const response = await fetch(address(), { method: "POST", headers: { "content-type": "multipart/form-data; boundary=xx" }, body: new Uint8Array(body) });
    const id = await response.text();
    expect([response.status, id]).toEqual([200, expect.stringMatching(uuid)]);
    expect(await row(id)).toMatchObject(expected);
  });

  it("with attachments whose names would be paths, as names only", async () => {
    const body = form();
    body.append("one", new Blob(["1"]), "../../etc/passwd");
    body.append("two", new Blob(["2"]), "passwd");
    body.append("three", new Blob(["3"]), "C:\\Users\\x\\a.log");
    const id = await (await fetch(address(), { method: "POST", body })).text();
    const names = await server.storage.db.selectFrom("crash_attachments").select("name").where("crash_id", "=", id).orderBy("name").execute();
    expect(names.map((file) => file.name)).toEqual(["a.log", "passwd", "passwd (2)"]);
  });
});

describe("a minidump upload is refused, and nothing of it is kept", () => {
  const kernel = Buffer.concat([Buffer.from("PAGEDU64"), Buffer.alloc(5000)]);
  const bomb = gzipSync(Buffer.alloc(2_000_000));
  it.each<[string, number, string, () => Promise<Response>]>([
    ["no key", 401, "missing_key", () => fetch(`${server.url}/api/default/minidump/`, { method: "POST", body: form() })],
    ["an unknown key", 403, "unknown_key", () => fetch(`${server.url}/api/default/minidump/?sentry_key=nope`, { method: "POST", body: form() })],
    ["an unknown project", 404, "unknown_project", () => fetch(`${server.url}/api/other/minidump/?sentry_key=${server.ingestKey}`, { method: "POST", body: form() })],
    ["a project that is no name", 404, "unknown_project", () => fetch(`${server.url}/api/..%2f..%2fx/minidump/?sentry_key=k`, { method: "POST", body: form() })],
    ["text", 400, "not_a_minidump", () => fetch(address(), { method: "POST", body: form({}, Buffer.from("hello")) })],
    ["an empty file", 400, "not_a_minidump", () => fetch(address(), { method: "POST", body: form({}, Buffer.alloc(0)) })],
    ["an empty body", 400, "not_a_minidump", () => fetch(address(), { method: "POST", headers: { "content-type": "application/x-dmp" } })],
    ["an HTML page", 400, "not_a_minidump", () => fetch(address(), { method: "POST", body: form({}, Buffer.from("<!doctype html><html>")) })],
    ["a kernel dump", 400, "kernel_dump", () => fetch(address(), { method: "POST", body: form({}, kernel) })],
    ["half a dump", 400, "truncated_minidump", () => fetch(address(), { method: "POST", body: form({}, dump.subarray(0, 60)) })],
    ["a form without a dump", 400, "no_minidump", () => fetch(address(), { method: "POST", body: noDump() })],
    ["a form without a boundary", 400, "no_boundary", () => fetch(address(), { method: "POST", headers: { "content-type": "multipart/form-data" }, body: "x" })],
    ["a multipart body that is no form", 415, "not_a_form", () => fetch(address(), { method: "POST", headers: { "content-type": "multipart/mixed; boundary=b" }, body: "--b--" })],
    // Between the parts nothing is kept, and all of it must be inflated: a few kilobytes of brotli can hold terabytes.
    ["a bomb between the parts", 413, "too_large", () => fetch(address(), { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b", "content-encoding": "br" }, body: new Uint8Array(brotliCompressSync(Buffer.concat([Buffer.from("--b\r\nContent-Type: text/plain\r\n\r\n"), Buffer.alloc(3_000_000), Buffer.from("\r\n--b--\r\n")]))) })],
    ["a form cut off", 400, "malformed_form", () => fetch(address(), { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" }, body: '--b\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a"\r\n\r\nMDMP' })],
    ["a body said to be gzip that is not", 400, "broken_compression", () => fetch(address(), { method: "POST", headers: crashpadHeaders, body: "MDMP not gzip" })],
    ["gzip cut off", 400, "broken_compression", () => fetch(address(), { method: "POST", headers: crashpadHeaders, body: new Uint8Array(gzipSync(crashpadBody({})).subarray(0, 300)) })],
    ["an unknown encoding", 415, "unknown_encoding", () => fetch(address(), { method: "POST", headers: { "content-type": "application/x-dmp", "content-encoding": "lzw" }, body: new Uint8Array(dump) })],
    ["a raw body over the limit", 413, "too_large", () => fetch(address(), { method: "POST", headers: { "content-type": "application/x-dmp" }, body: new Uint8Array(300_000) })],
    ["a bomb as body", 413, "too_large", () => fetch(address(), { method: "POST", headers: { "content-type": "application/x-dmp", "content-encoding": "gzip" }, body: new Uint8Array(bomb) })],
    ["a bomb inside the field", 413, "too_large", () => fetch(address(), { method: "POST", body: form({}, bomb) })],
    ["a field over the limit", 413, "too_large", () => fetch(address(), { method: "POST", body: form({ log: "x".repeat(6000) }) })],
    ["fields over the limit together", 413, "too_large", () => fetch(address(), { method: "POST", body: form(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`f${i}`, "x".repeat(4000)]))) })],
    ["too many fields", 413, "too_many", () => fetch(address(), { method: "POST", body: form(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, "x"]))) })],
    ["too many attachments", 413, "too_many", () => fetch(address(), { method: "POST", body: form({}, dump, "a.dmp", { a: dump, b: dump, c: dump, d: dump }) })],
    ["an attachment over the limit", 413, "too_large", () => fetch(address(), { method: "POST", body: form({}, dump, "a.dmp", { a: Buffer.alloc(60_000) }) })],
  ])("%s", async (_name, status, code, send) => {
    const before = { rows: await rows(), files: server.files().length };
    const response = await send();
    const body = (await response.json()) as { error: string; message: string; hint: string };
    expect([response.status, body.error]).toEqual([status, code]);
    expect(body.message).toMatch(/\.$/);
    expect(body.hint).not.toBe("");
    expect({ rows: await rows(), files: server.files().length }).toEqual(before);
  });

  it("when the client hangs up half way", async () => {
    const before = { rows: await rows(), files: server.files().length };
    const head = `POST /api/default/minidump/?sentry_key=${server.ingestKey} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n`;
    const part = '--b\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\nMDMP';
    await Promise.all(Array.from({ length: 10 }, () => rawRequest(server.port, [head, part], { hangUp: true })));
    await expect.poll(() => server.files().length, { timeout: 15_000 }).toBe(before.files);
    expect(await rows()).toBe(before.rows);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it("in Content-Length already, without reading the body", async () => {
    const head = `POST /api/default/minidump/?sentry_key=${server.ingestKey} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-dmp\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n`;
    expect(await rawRequest(server.port, [head])).toMatch(/^HTTP\/1\.1 413 [\s\S]*UPLOAD_BODY_BYTES/);
  });
});

describe("the log", () => {
  it("holds no key, no address and no query", async () => {
    await fetch(address("&guid=secret-guid"), { method: "POST", body: form({ email: "someone@example.org" }) });
    for (const secret of [server.ingestKey, "secret-guid", "someone@example.org", "127.0.0.1\""]) expect(server.log()).not.toContain(secret);
    expect(server.log()).toContain("/api/:project/minidump/");
  });
});

// The recorded body of a real Crashpad handler, when it is at hand.
const recorded = path.resolve(import.meta.dirname, "../../fixtures/out/index.json");
describe("our own plugin's dumps", () => {
  it("are stored with what the index says of them", async () => {
    const index = JSON.parse(readFileSync(recorded, "utf8")) as { dumps: { file: string }[] };
    expect(index.dumps.length).toBeGreaterThan(5);
    const wide = await startTestServer();
    try {
      for (const { file } of index.dumps) {
        const bytes = readFileSync(path.join(path.dirname(recorded), file));
        const response = await fetch(`${wide.url}/api/1/minidump/?sentry_key=${wide.ingestKey}`, { method: "POST", headers: { "content-type": "application/x-dmp" }, body: new Uint8Array(bytes) });
        expect([file, response.status]).toEqual([file, 200]);
      }
    } finally {
      await wide.close();
    }
  });
});

function noDump(): FormData {
  const body = new FormData();
  body.append("prod", "x");
  body.append("file", new Blob([new Uint8Array(dump)]), "a.dmp");
  return body;
}

describe("annotations", () => {
  const named = Buffer.from(syntheticCrash({ module: "a.so", offset: 4 }));
  it.each<[string, { [name: string]: string }, object]>([
    // What Electron calls itself is "Electron"; what the application is called has an underscore.
    ["Electron", { prod: "Electron", ver: "31.0.0", _productName: "Rack", _version: "2.5" }, { product: "Rack", version: "2.5" }],
    // The host as a plugin calls it.
    ["a host", { prod: "Halcyon", host: "REAPER" }, { product: "Halcyon", host: "REAPER" }],
    // Blank ones say nothing.
    ["blanks", { prod: "  ", ver: "" }, { product: null, version: null }],
  ])("of %s", async (_name, fields, columns) => {
    const id = await (await fetch(address(), { method: "POST", body: form(fields, named) })).text();
    expect(await row(id)).toMatchObject(columns);
  });
});
