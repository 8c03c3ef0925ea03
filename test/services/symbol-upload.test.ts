// Symbol files in, by our own address and by both protocols of sym_upload.
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest, startTestServer, type TestServer } from "../support/test-server.ts";

const id = "5207B09D8B63FDD6D817A8510E2D0E4E0";
const sym = (debugId = id, name = "halcyon.so", more = "") => Buffer.from(`MODULE Linux x86_64 ${debugId} ${name}\nFILE 0 /build/dsp.h\nFUNC 1000 20 0 halcyon::process\n1000 20 25 0\nSTACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n${more}`);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SYMBOL_BODY_BYTES: 100_000, SYMBOL_INFLATED_BYTES: 200_000 });
});
afterAll(() => server.close());

const post = (body: Buffer | string, headers: { [name: string]: string } = {}, token = server.symbolToken) =>
  fetch(`${server.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream", ...headers }, body: typeof body === "string" ? body : new Uint8Array(body) });
const check = async (symbols: object[]) => {
  const response = await fetch(`${server.url}/api/v1/default/symbols/check`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/json" }, body: JSON.stringify({ symbols }) });
  return (await response.json()) as { symbols: { state: string }[] };
};
const count = async () => Number((await server.storage.db.selectFrom("debug_files").select((s) => s.fn.countAll<string>().as("n")).executeTakeFirstOrThrow()).n);

describe("a symbol file", () => {
  it("is stored once, with what is in it", async () => {
    const first = await post(sym());
    expect([first.status, await first.json()]).toEqual([201, expect.objectContaining({ debug_file: "halcyon.so", debug_id: id, os: "Linux", arch: "x86_64", functions: 1, lines: 1, unwindRows: 1 })]);
    expect((await post(sym())).status).toBe(200);
    expect(await count()).toBe(1);
  });

  it("is asked for before it is sent", async () => {
    const answer = await check([
      { debug_file: "halcyon.so", debug_id: id.toLowerCase() },
      { debug_file: "halcyon.so", debug_id: id, sha256: "0".repeat(64) },
      { debug_file: "other.so", debug_id: id },
    ]);
    expect(answer.symbols.map((symbol) => symbol.state)).toEqual(["have", "different", "missing"]);
  });

  it.each([
    // As CI sends it.
    ["Content-Encoding: gzip", gzipSync(sym("A".repeat(32) + "1")), { "content-encoding": "gzip" }],
    // As a file that was compressed on disk.
    ["a .sym.gz", gzipSync(sym("B".repeat(32) + "1")), {}],
    ["a .sym.zst", zstdCompressSync(sym("C".repeat(32) + "1")), {}],
  ])("may come as %s", async (_how, body, headers) => {
    expect((await post(body, headers)).status).toBe(201);
  });

  it("never becomes a path, whatever its module is called", async () => {
    const response = await post(sym("D".repeat(32) + "1", "../../../../tmp/evil.so"));
    expect([response.status, ((await response.json()) as { debug_file: string }).debug_file]).toEqual([201, "evil.so"]);
    expect(server.files().every((file) => /^(blobs\/[0-9a-f]{64}|spool\/[^/]+)$/.test(file))).toBe(true);
  });
});

describe("what is no symbol file is refused, and nothing of it is kept", () => {
  it.each<[string, number, string, Buffer | string]>([
    ["text", 400, "not_a_symbol_file", "hello"],
    ["nothing", 400, "not_a_symbol_file", ""],
    ["the beginning of a PDB", 400, "malformed_pdb", "Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"],
    ["an old PDB", 400, "pdb_2", "Microsoft C/C++ program database 2.00\r\n\x1aJG\0"],
    ["a compressed PDB", 400, "compressed_pdb", "Microsoft MSFZ Container\r\n\x1aALD\0\0"],
    ["a portable PDB", 400, "portable_pdb", "BSJB\x01\0\x01\0"],
    ["a program of DOS", 400, "", Buffer.from(`MZ${"\0".repeat(600)}`)],
    ["the beginning of an ELF file", 400, "malformed_elf", Buffer.from("\x7fELF\x02\x01\x01", "latin1")],
    ["UTF-16", 400, "not_a_symbol_file", Buffer.from("\ufeffMODULE Linux x86_64 0 x\n", "utf16le")],
    ["a module record without an id", 400, "bad_module_record", "MODULE Linux x86_64\n"],
    ["a name that is only dots", 400, "", sym("E".repeat(32) + "1", "..")],
    ["a file cut off", 400, "truncated_symbol_file", sym().subarray(0, sym().indexOf("FUNC") + 8)],
    ["a file over the limit", 413, "too_large", Buffer.alloc(150_000, "x")],
    ["a bomb", 413, "too_large", gzipSync(sym("F".repeat(32) + "1", "x", "# \n".repeat(400_000)))],
  ])("%s", async (_name, status, code, body) => {
    const before = [await count(), server.files().length];
    const response = await post(body);
    const answer = (await response.json()) as { error: string; hint: string };
    expect(response.status).toBe(status);
    if (code !== "") expect(answer.error).toBe(code);
    expect(answer.hint).not.toBe("");
    expect([await count(), server.files().length]).toEqual(before);
  });

  it.each<[string, number, () => string]>([
    ["without a token", 401, () => ""],
    ["with a token that is none", 401, () => "dasym_nope"],
    ["with a token that may only read", 403, () => server.readToken],
    ["with the public key", 401, () => server.ingestKey],
  ])("%s", async (_name, status, token) => {
    expect((await post(sym(), {}, token())).status).toBe(status);
  });
});

// The exact requests of Breakpad's sym_upload; the tool itself runs in test/end-to-end.
describe("sym_upload", () => {
  it("version 1 posts a form", async () => {
    const body = new FormData();
    for (const [key, value] of Object.entries({ code_file: "x", cpu: "x86_64", debug_file: "lies.so", debug_identifier: "0", os: "Linux" })) body.append(key, value);
    body.append("symbol_file", new Blob([new Uint8Array(sym("1".repeat(32) + "0", "v1.so"))]), "v1.so.sym");
    const response = await fetch(`${server.url}/api/v1/default/sym-upload?token=${server.symbolToken}`, { method: "POST", body });
    expect([response.status, await response.text()]).toEqual([200, `v1.so ${"1".repeat(32)}0\n`]);
  });

  it("version 2 asks, creates, puts and completes", async () => {
    const base = `${server.url}/api/v1/default/sym-upload/v1`;
    const key = `key=${server.symbolToken}`;
    const v2 = "2".repeat(32) + "0";
    const asked = await (await fetch(`${base}/symbols/v2.so/${v2}:checkStatus?${key}`)).text();
    // The tool's regular expression wants the space.
    expect(asked).toMatch(/"status": "MISSING"/);
    const created = await (await fetch(`${base}/uploads:create?${key}`, { method: "POST", headers: { "content-type": "application/son" }, body: "" })).text();
    const [, uploadUrl = "", uploadKey = ""] = /"uploadUrl": "([^"]+)",\s*"uploadKey": "([^"]+)"/.exec(created) ?? [];
    expect((await fetch(uploadUrl, { method: "PUT", body: new Uint8Array(sym(v2, "v2.so")) })).status).toBe(200);
    const done = await fetch(`${base}/uploads/${uploadKey}:complete?${key}`, { method: "POST", headers: { "content-type": "application/son" }, body: '{ symbol_id: {debug_file: "v2.so"}, symbol_upload_type: "BREAKPAD" }' });
    expect(await done.text()).toMatch(/"result": "OK"/);
    expect(await (await fetch(`${base}/symbols/v2.so/${v2}:checkStatus?${key}`)).text()).toMatch(/"status": "FOUND"/);
  });

  it("is refused with a wrong key at every step", async () => {
    const base = `${server.url}/api/v1/default/sym-upload/v1`;
    const statuses = await Promise.all([fetch(`${base}/symbols/a/${id}:checkStatus?key=x`), fetch(`${base}/uploads:create?key=x`, { method: "POST" }), fetch(`${base}/uploads/${"0".repeat(8)}:complete?key=x`, { method: "POST" })].map(async (sent) => (await sent).status));
    expect(statuses).toEqual([401, 401, 401]);
  });
});

it("a client that hangs up leaves nothing", async () => {
  const before = server.files().length;
  const head = `POST /api/v1/default/symbols HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.symbolToken}\r\nContent-Type: application/octet-stream\r\nContent-Length: 90000\r\n\r\n`;
  await Promise.all(Array.from({ length: 5 }, () => rawRequest(server.port, [head, sym("3".repeat(32) + "0")], { hangUp: true })));
  await expect.poll(() => server.files().length, { timeout: 15_000 }).toBe(before);
});
