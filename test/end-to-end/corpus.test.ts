// Every dump of the corpus, posted to the running product: each ends grouped, or
// failed with its reason, or is refused with one. None crashes or hangs anything.
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CrashDetail } from "../../services/triage/schema.ts";
import { endEverything } from "../support/child-processes.ts";
import { eventually } from "../support/eventually.ts";
import { type RunningUp, startUp } from "../support/running-deadair.ts";

const corpus = path.resolve(import.meta.dirname, "../../../shared/corpus");
const files = existsSync(corpus) ? globSync("**/*.{dmp,mdmp,minidump}", { cwd: corpus }).sort() : [];

let up: RunningUp;
beforeAll(async () => {
  if (files.length > 0) up = await startUp({ env: { WALK_CONCURRENCY: "3" } });
}, 180_000);
afterAll(endEverything);

describe.skipIf(files.length === 0)(files.length === 0 ? "the corpus (skipped: ../shared/corpus is not here)" : "the corpus", () => {
  it("is taken whole, or refused with reasons", async () => {
    const ends: { [end: string]: number } = {};
    const wrong: string[] = [];
    const posted: { file: string; id: string }[] = [];
    for (const file of files) {
      const body = new Uint8Array(readFileSync(path.join(corpus, file)));
      const response = await fetch(`${up.url}/api/1/minidump/?sentry_key=${up.answer.ingestKey}`, { method: "POST", headers: { "content-type": "application/x-dmp" }, body });
      const text = await response.text();
      if (response.status === 200) posted.push({ file, id: text });
      else {
        const { error, message, hint } = JSON.parse(text) as { error: string; message: string; hint: string };
        if (response.status !== 400 || message === "" || hint === "") wrong.push(`${file}: ${response.status} ${text}`);
        ends[`refused: ${error}`] = (ends[`refused: ${error}`] ?? 0) + 1;
      }
    }
    for (const { file, id } of posted) {
      const crash = await eventually(
        `${file} is walked`,
        async () => (await (await fetch(`${up.url}/api/v1/1/crashes/${id}`, { headers: { authorization: `Bearer ${up.answer.readToken}` } })).json()) as CrashDetail,
        (answer) => answer.state !== "stored",
        { seconds: 120 },
      );
      if (crash.state === "failed" ? !crash.reason : !crash.signature || crash.report === null) wrong.push(`${file}: ${crash.state} ${crash.reason}`);
      ends[crash.state] = (ends[crash.state] ?? 0) + 1;
    }
    console.log(`  corpus: ${files.length} dumps, ${JSON.stringify(ends)}`);
    expect(wrong).toEqual([]);
    expect(Object.values(ends).reduce((sum, n) => sum + n, 0)).toBe(files.length);
    expect((await fetch(`${up.url}/healthz`)).status).toBe(200);
  }, 600_000);
});
