// A second opinion over HTTP: real dumps, walked by both walkers in a process of their own.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecondOpinion } from "../../services/triage/schema.ts";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { root } from "../setup/source-files.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";
import { childrenOf } from "../support/child-processes.ts";
import { eventually } from "../support/eventually.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const out = path.join(root, "fixtures/out");
const slow = { timeout: 60_000 };

let server: TestServer;
let crash = "";
beforeAll(async () => {
  server = await startTestServer();
  for (const name of readdirSync(path.join(out, "sym"))) {
    for (const id of readdirSync(path.join(out, "sym", name))) {
      const file = path.join(out, "sym", name, id, `${name}.sym`);
      const sent = await fetch(`${server.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${server.symbolToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(readFileSync(file)) });
      expect(sent.status).toBe(201);
    }
  }
  crash = await upload(readFileSync(path.join(out, "dumps/1.4.2/crashpad-null-write.dmp")));
}, 60_000);
afterAll(() => server?.close());

async function upload(dump: Uint8Array): Promise<string> {
  const form = new FormData();
  form.set("upload_file_minidump", new Blob([new Uint8Array(dump)]), "crash.dmp");
  const answer = await fetch(`${server.url}/api/default/minidump/?sentry_key=${server.ingestKey}`, { method: "POST", body: form });
  return answer.text();
}

const ask = (id: string, token = server.readToken): Promise<Response> => fetch(`${server.url}/api/v1/default/crashes/${id}/second-opinion`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
const opinionProcesses = (): number[] => childrenOf(process.pid, "second-opinion-process");

describe.skipIf(shippedWalker() === null)("a second opinion", () => {
  it("lays both walks side by side, with the project's symbols", slow, async () => {
    const answer = await ask(crash);
    expect(answer.status).toBe(200);
    const { walkers, comparison } = (await answer.json()) as SecondOpinion;
    expect(walkers).toEqual({
      deadair: { name: expect.stringMatching(/^deadair \d/), milliseconds: expect.any(Number), failure: null },
      breakpad: { name: expect.stringMatching(/^breakpad \d/), milliseconds: expect.any(Number), failure: null },
    });
    const [crashed] = comparison!.threads;
    expect(crashed).toMatchObject({ thread_name: "audio", crashed: true, missing: null });
    // Of our own modules, for which there are symbols, both say the same.
    const named = crashed!.rows.filter((row) => ["halcyon.so", "rackhost"].includes(row.deadair?.module ?? ""));
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((row) => !row.same)).toEqual([]);
    expect(named[0]?.deadair).toMatchObject({ function: "halcyon::Engine::process(float*, unsigned int)", line: 47, inlines: [{ line: 25 }, { line: 54 }] });
    expect(comparison!.totals.frames).toBeGreaterThanOrEqual(comparison!.totals.same);
  });

  it("leaves nothing behind but compiled symbols", slow, async () => {
    const before = server.files();
    expect((await ask(crash)).status).toBe(200);
    await eventually("the process has ended", opinionProcesses, (running) => running.length === 0, { seconds: 10 });
    expect(server.files()).toEqual(before);
    expect(readdirSync(path.join(server.dataDir, "spool"))).toEqual([]);
    expect(readdirSync(path.join(server.dataDir, "cache", "symbols")).length).toBeGreaterThan(0);
    expect(await server.storage.db.selectFrom("crashes").select(["state", "attempts"]).where("id", "=", crash).executeTakeFirst()).toEqual({ state: "stored", attempts: 0 });
  });

  it("is made for one asker at a time", slow, async () => {
    const answers = await Promise.all([ask(crash), ask(crash), ask(crash)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503, 503]);
    const busy = answers.find(({ status }) => status === 503)!;
    expect(busy.headers.get("retry-after")).toBe("5");
    expect(await busy.json()).toMatchObject({ error: "opinion_busy" });
    expect((await ask(crash)).status).toBe(200);
  });

  it("tells when its process is killed, and can be asked again", slow, async () => {
    // The process may be done before the signal comes: on a busy machine it takes a few tries to hit it.
    const killOne = async (): Promise<SecondOpinion> => {
      const asked = ask(crash);
      const [pid] = await eventually("the process runs", opinionProcesses, (running) => running.length > 0, { seconds: 10, everyMs: 2 });
      try {
        process.kill(pid!, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
      return (await (await asked).json()) as SecondOpinion;
    };
    const { walkers, comparison } = await eventually("a process is killed in time", killOne, (opinion) => opinion.comparison === null, { seconds: 20, everyMs: 10 });
    expect(comparison).toBeNull();
    expect(walkers.deadair.failure).toMatchObject({ code: "walker_crashed", message: expect.stringContaining("SIGKILL") });
    expect((await ask(crash)).status).toBe(200);
  });

  it("is not given when it would be longer than a report may be", slow, async () => {
    // Either walk says it once, and is within the limit; the comparison says it twice.
    const frames = 4;
    const name = "N".repeat(30_000);
    const small = await startTestServer({ WALK_OUTPUT_BYTES: 1.5 * frames * name.length });
    const main = server;
    try {
      server = small;
      const gain = { module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0" };
      const sym = `MODULE Linux x86_64 ${gain.debugId} ${gain.module}\nFUNC 1400 10 0 ${name}\n`;
      expect((await fetch(`${small.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${small.symbolToken}`, "content-type": "application/octet-stream" }, body: sym })).status).toBe(201);
      const id = await upload(syntheticCrash({ ...gain, offset: 0x1405, callerModules: Array.from({ length: frames - 1 }, () => ({ module: gain.module, offset: 0x1405 })) }));
      const { walkers, comparison } = (await (await ask(id)).json()) as SecondOpinion;
      expect([comparison, walkers.breakpad.failure, walkers.deadair.failure?.code]).toEqual([null, null, "output_limit"]);
    } finally {
      server = main;
      await small.close();
    }
  });

  it("ends with its server, and so do Breakpad's walkers", slow, async () => {
    const ending = await startTestServer();
    const main = server;
    try {
      server = ending;
      const gain = { module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0" };
      // So much that Breakpad is at it for some seconds.
      const sym = `MODULE Linux x86_64 ${gain.debugId} ${gain.module}\n${Array.from({ length: 2_000_000 }, (_, i) => `PUBLIC ${(0x1000 + i * 16).toString(16)} 0 f${i}\n`).join("")}`;
      expect((await fetch(`${ending.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${ending.symbolToken}`, "content-type": "application/octet-stream" }, body: sym })).status).toBe(201);
      const id = await upload(syntheticCrash({ ...gain, offset: 0x1405 }));
      const asked = ask(id).catch(() => null);
      const [pid] = await eventually("the process runs", opinionProcesses, (running) => running.length > 0, { seconds: 10, everyMs: 2 });
      const walkers = await eventually("Breakpad walks", () => childrenOf(pid!, "minidump_stackwalk"), (running) => running.length > 0, { seconds: 10, everyMs: 2 });
      const closed = ending.close();
      await eventually("the process has ended", opinionProcesses, (running) => running.length === 0, { seconds: 3, everyMs: 5 });
      const runs = (walker: number): boolean => existsSync(`/proc/${walker}`) && readFileSync(`/proc/${walker}/cmdline`, "utf8") !== "";
      await eventually("the walkers are gone", () => walkers.filter(runs), (left) => left.length === 0, { seconds: 0.3, everyMs: 5 });
      await asked;
      await closed;
    } finally {
      server = main;
    }
  });

  it("has no answer for what is no dump, is not there, or is not the asker's", slow, async () => {
    const trace = { threads: [{ crashed: true, frames: [{ module: "a.so", offset: "0x10" }] }], modules: [{ name: "a.so" }] };
    const posted = await fetch(`${server.url}/api/v1/default/stacktraces?sentry_key=${server.ingestKey}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(trace) });
    const { id } = (await posted.json()) as { id: string };
    const { db } = server.storage;
    const lost = await upload(readFileSync(path.join(out, "dumps/1.4.2/crashpad-host-null.dmp")));
    const { blob } = await db.selectFrom("crashes").select("blob").where("id", "=", lost).executeTakeFirstOrThrow();
    await server.storage.blobs.remove(blob);
    const rows: [string, string, number, string][] = [
      [id, server.readToken, 409, "not_a_dump"],
      [lost, server.readToken, 409, "dump_missing"],
      ["01a20a6d-8675-73f7-97f7-b96f1e6faad8", server.readToken, 404, "unknown_crash"],
      ["nonsense", server.readToken, 404, "unknown_crash"],
      [crash, server.symbolToken, 403, "missing_scope"],
      [crash, "daread_no", 401, "unknown_token"],
    ];
    for (const [of, token, status, error] of rows) {
      const answer = await ask(of, token);
      expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
    }
  });
});
