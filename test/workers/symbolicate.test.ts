// What a crash says of itself when its walk did not end well.
import { afterAll, beforeAll, expect, it } from "vitest";
import { pino } from "pino";
import { readSettings } from "../../config/settings.ts";
import type { Stackwalker } from "../../stackwalk/stackwalker.ts";
import { syntheticCrash } from "../support/minidump-builder.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { symbolicateProcessor } from "../../workers/symbolicate/symbolicate.ts";
import { namesHere } from "../support/names.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

async function upload(): Promise<string> {
  const form = new FormData();
  const dump = new Uint8Array(syntheticCrash({ module: "libGain.so", debugId: "0123456789ABCDEF0123456789ABCDEF0", offset: 0x1405 }));
  form.set("upload_file_minidump", new Blob([dump]), "crash.dmp");
  return (await fetch(`${server.url}/api/default/minidump/?sentry_key=${server.ingestKey}`, { method: "POST", body: form })).text();
}

function processor(walk: Stackwalker["walk"], log: string[]) {
  return symbolicateProcessor({
    storage: server.storage,
    settings: readSettings({ DEADAIR_LIMIT_CRASH_ATTEMPTS_COUNT: "2" }, { dataDir: server.dataDir }),
    walker: { name: "a test's", walk },
    pool: { nameAddresses: namesHere },
    log: pino({ level: "debug" }, { write: (line: string) => void log.push(line) }),
  });
}

const stateOf = (id: string) => server.storage.db.selectFrom("crashes").select(["state", "state_code", "state_reason", "attempts"]).where("id", "=", id).executeTakeFirstOrThrow();

it("what is wrong with us is tried again, ends in `failed`, and its words stay in the log", async () => {
  const crash = await upload();
  const log: string[] = [];
  const process = processor(() => Promise.reject(new Error("EIO: read /var/lib/secret-place")), log);
  await expect(process({ crash, revision: 1 })).rejects.toThrow("EIO");
  expect(await stateOf(crash)).toMatchObject({ state: "stored", attempts: 1 });
  await process({ crash, revision: 1 });
  const state = await stateOf(crash);
  expect(state).toMatchObject({ state: "failed", state_code: "internal", state_reason: expect.stringContaining("CRASH_ATTEMPTS_COUNT") });
  expect(state.state_reason).not.toContain("secret-place");
  expect(log.join("")).toContain("secret-place");
});

it("a walk that was cancelled, since its worker ends, leaves the crash to the next one", async () => {
  const crash = await upload();
  const process = processor(async () => ({ ok: false, failure: { code: "cancelled", message: "The walk was cancelled." } }), []);
  await expect(process({ crash, revision: 1 })).rejects.toThrow("cancelled");
  expect(await stateOf(crash)).toMatchObject({ state: "stored", state_code: null });
});
