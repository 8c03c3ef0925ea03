// An uploaded symbol file is compiled before any crash needs it, once.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enginePool, type EnginePool } from "../../stackwalk/pool/engine-pool.ts";
import { compileProcessor } from "../../workers/compile/compile.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const sym = (name: string) => `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 ${name}\nFUNC 1000 10 0 f\n`;

let server: TestServer;
let pool: EnginePool;
const cacheDir = mkdtempSync(path.join(tmpdir(), "deadair-compile-"));
beforeAll(async () => {
  server = await startTestServer();
  pool = enginePool({ threads: 1, cacheDir, cacheBytes: 1e9, openBytes: 1e8, memoryBytes: 256e6, compileMs: 20_000, digest: (file) => path.basename(file), onUnusable: () => {}, onCrash: () => {} });
});
afterAll(async () => {
  await pool?.close();
  await server?.close();
  rmSync(cacheDir, { recursive: true });
});

const upload = (text: string): Promise<Response> => fetch(`${server.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream" }, body: text });
const jobs = () => server.storage.db.selectFrom("outbox").select(["queue", "job_key", "payload"]).where("queue", "=", "compile").execute();
const caches = () => readdirSync(cacheDir).filter((name) => name.endsWith(".symcache"));

describe("an uploaded symbol file", () => {
  it("asks for its compilation, once", async () => {
    expect((await upload(sym("gain.so"))).status).toBe(201);
    expect((await upload(sym("gain.so"))).status).toBe(200);
    const { blob } = await server.storage.db.selectFrom("debug_files").select("blob").executeTakeFirstOrThrow();
    expect(await jobs()).toEqual([{ queue: "compile", job_key: `compile-${blob}`, payload: { blob } }]);
  });

  it("is compiled, and left alone when the job runs twice", async () => {
    const { blob } = await server.storage.db.selectFrom("debug_files").select("blob").executeTakeFirstOrThrow();
    const compile = compileProcessor(server.storage, pool);
    await compile({ blob });
    expect(caches()).toEqual([expect.stringMatching(new RegExp(`^${blob}-`))]);
    await compile({ blob });
    expect(caches()).toHaveLength(1);
  });

  it("that is gone from the store needs nothing", async () => {
    await compileProcessor(server.storage, pool)({ blob: "0".repeat(64) });
    expect(caches()).toHaveLength(1);
  });

  it("needs nothing where Breakpad walks", async () => {
    await compileProcessor(server.storage, null)({ blob: "1".repeat(64) });
    expect(caches()).toHaveLength(1);
  });
});
