// An uploaded debug file is compiled before any crash needs it, once, and its row
// says how that ended.
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
const jobs = (queue: string) => server.storage.db.selectFrom("outbox").select(["job_key", "payload"]).where("queue", "=", queue).execute();
const rowOf = () => server.storage.db.selectFrom("debug_files").selectAll().executeTakeFirstOrThrow();
const caches = () => readdirSync(cacheDir).filter((name) => name.endsWith(".symcache"));

describe("an uploaded symbol file", () => {
  it("asks for its compilation, once", async () => {
    expect((await upload(sym("gain.so"))).status).toBe(201);
    expect((await upload(sym("gain.so"))).status).toBe(200);
    const { id } = await rowOf();
    expect(await jobs("compile")).toEqual([{ job_key: `compile-${id}`, payload: { file: id } }]);
  });

  it("is compiled, heals, and is left alone when the job runs twice", async () => {
    const { id, blob } = await rowOf();
    const compile = compileProcessor(server.storage, pool);
    await compile({ file: id });
    expect(caches()).toEqual([expect.stringMatching(new RegExp(`^${blob}-`))]);
    expect(await rowOf()).toMatchObject({ problem: null, attempts: 0, functions: "1" });
    await compile({ file: id });
    expect(caches()).toHaveLength(1);
    expect(await jobs("heal")).toEqual([{ job_key: `heal-${id}-all-0`, payload: { file: id, from: null, round: 0 } }]);
  });

  it("that is gone needs nothing", async () => {
    await compileProcessor(server.storage, pool)({ file: "00000000-0000-7000-8000-000000000000" });
    expect(caches()).toHaveLength(1);
  });

  it("whose content is gone, or that cannot be compiled, says so", async () => {
    const problemAfter = async (compile: Pick<EnginePool, "compile">, blob?: string) => {
      await server.storage.db.updateTable("debug_files").set({ compiled_at: null, settled_at: null, ...(blob === undefined ? {} : { blob }) }).execute();
      await compileProcessor(server.storage, compile)({ file: (await rowOf()).id });
      return (await rowOf()).problem;
    };
    expect(await problemAfter({ compile: async () => ({ refused: "It is damaged." }) })).toBe("It is damaged.");
    expect(await problemAfter(pool, "0".repeat(64))).toContain("blob store");
  });

  it("is tried again when the disk fails, however often", async () => {
    await upload(sym("again.so"));
    const { id } = await server.storage.db.selectFrom("debug_files").select("id").where("debug_file", "=", "again.so").executeTakeFirstOrThrow();
    const failing = compileProcessor(server.storage, { compile: () => Promise.reject(new Error("EIO")) });
    for (let i = 0; i < 5; i++) await expect(failing({ file: id })).rejects.toThrow("EIO");
    await compileProcessor(server.storage, pool)({ file: id });
    expect(await server.storage.db.selectFrom("debug_files").select(["problem", "compiled_at"]).where("id", "=", id).executeTakeFirstOrThrow()).toEqual({ problem: null, compiled_at: expect.any(Date) });
  });
});
