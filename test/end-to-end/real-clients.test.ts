// The whole product with the clients that people have: a real Crashpad handler
// in a real host that a real plugin crashes, Breakpad's own senders, curl. What
// goes in at one end must come out at the other: a group with names, an alert.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FixtureIndex } from "../../fixtures/index-schema.ts";
import type { AlertPage, CrashDetail, GroupPage } from "../../services/triage/schema.ts";
import { endEverything } from "../support/child-processes.ts";
import * as breakpad from "../support/clients/breakpad.ts";
import { fixturesOut } from "../support/clients/crashpad-run.ts";
import * as curl from "../support/clients/curl.ts";
import * as lv2bench from "../support/clients/lv2bench.ts";
import { eventually } from "../support/eventually.ts";
import { type RunningUp, startUp } from "../support/running-deadair.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

const index = JSON.parse(readFileSync(path.join(fixturesOut, "index.json"), "utf8")) as FixtureIndex;
const minutes = 60_000;
const titled = (title: string, reason: string | null) => (reason === null ? title : `${title} (skipped: ${reason})`);

let up: RunningUp;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  up = await startUp({ env: { ALLOW_PRIVATE_WEBHOOKS: "1" } });
  const signedIn = await fetch(up.answer.signIn, { redirect: "manual" });
  const added = await fetch(`${up.url}/api/v1/default/destinations`, {
    method: "POST",
    headers: { cookie: signedIn.headers.get("set-cookie")!.split(";")[0]!, "content-type": "application/json" },
    body: JSON.stringify({ kind: "webhook", name: "test", target: receiver.url }),
  });
  receiver.secret = ((await added.json()) as { secret: string }).secret;
}, 3 * minutes);
afterAll(async () => {
  await endEverything();
  await receiver.close();
});

const minidumpUrl = () => `${up.url}/api/default/minidump/?sentry_key=${up.answer.ingestKey}`;
async function ask<T>(at: string): Promise<T> {
  const response = await fetch(`${up.url}/api/v1/default${at}`, { headers: { authorization: `Bearer ${up.answer.readToken}` } });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
const walked = (id: string) => eventually(`crash ${id} is walked`, () => ask<CrashDetail>(`/crashes/${id}`), (crash) => crash.state !== "stored");
const topOfOurs = (crash: CrashDetail) => {
  const { report } = crash;
  const frames = report?.threads[report.crash_info.crashing_thread ?? -1]?.frames ?? [];
  const names = frames.flatMap((frame) => [...(frame.inlines ?? []), frame]);
  return names.find((frame) => frame.function?.startsWith("halcyon::"));
};
const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

// The symbols go in first, by the two protocols of Breakpad's own tool.
describe.skipIf(breakpad.available() !== null)(titled("Breakpad's sym_upload", breakpad.available()), () => {
  it.each(["v1", "v2"] as const)("protocol %s brings our symbols in", async (protocol) => {
    const version = protocol === "v1" ? "1.4.1" : "1.4.2";
    const module = index.modules.find((one) => one.name === "halcyon.so" && one.version === version)!;
    const base = `${up.url}/api/v1/default/sym-upload`;
    const url = protocol === "v1" ? `${base}?token=${up.answer.symbolToken}` : base;
    const sent = await breakpad.symUpload({ url, sym: path.join(fixturesOut, module.sym), protocol, key: up.answer.symbolToken! });
    expect([sent.exitCode, sent.stderr]).toEqual([0, expect.any(String)]);
    const { items } = await ask<{ items: { debugId: string; functions: number }[] }>("/symbols");
    expect(items.find((item) => item.debugId === module.debugId)?.functions).toBeGreaterThan(50);
  }, 10 * minutes);
});

describe.skipIf(lv2bench.available() !== null)(titled("a plugin that crashes in lv2bench under Crashpad", lv2bench.available()), () => {
  it("becomes a named crash in a group, and one alert, however often it crashes", async () => {
    const crashes: CrashDetail[] = [];
    for (let n = 0; n < 3; n++) {
      const outcome = await lv2bench.crashInLv2bench({ url: minidumpUrl(), kind: "null-write", version: "1.4.1" });
      expect(outcome).toMatchObject({ signal: "SIGSEGV", uploaded: true });
      crashes.push(await walked(id.exec(outcome.answer ?? "")![0]));
    }
    const [first] = crashes as [CrashDetail];
    expect(first).toMatchObject({ state: "grouped", product: "Halcyon", version: "1.4.1", host: expect.stringContaining("lv2bench"), os: "Linux", crashReason: expect.stringContaining("SIGSEGV") });
    // What gdb said of the same crash when the fixture was made.
    expect(topOfOurs(first)).toMatchObject({ function: expect.stringMatching(/^halcyon::TapeLoop<float, 2048u?l?>::record/), file: expect.stringMatching(/dsp\.h$/), line: 25 });
    expect(first.signature).toMatch(/halcyon::TapeLoop<T>::record/);
    expect(first.attachments.map((file) => file.name)).toEqual(["plugin.log"]);
    expect(new Set(crashes.map((crash) => crash.group)).size).toBe(1);

    const groups = await ask<GroupPage>("/groups");
    expect(groups.items.find((group) => group.id === first.group)).toMatchObject({ count: 3, versions: [{ version: "1.4.1", count: 3 }] });
    await eventually("the alert is there", () => receiver.received.length, (count) => count >= 1);
    const alerts = await ask<AlertPage>("/alerts");
    expect(alerts.items.filter((alert) => alert.group === first.group)).toHaveLength(1);
    const heard = receiver.received.filter((one) => one.text.includes(first.group!));
    expect(new Set(heard.map((one) => one.headers["webhook-id"])).size).toBe(1);
    expect(heard[0]).toMatchObject({ signature: "valid" });
    expect(JSON.parse(heard[0]!.text)).toMatchObject({ type: "group.created", data: { group: { signature: first.signature } } });
  }, 3 * minutes);
});

describe.skipIf(breakpad.available() !== null)(titled("Breakpad's minidump_upload", breakpad.available()), () => {
  it("sends a dump that gets its names", async () => {
    const dump = index.dumps.find((one) => one.client === "breakpad" && one.kind === "null-write")!;
    const sent = await breakpad.breakpadUpload({ url: minidumpUrl(), dump: path.join(fixturesOut, dump.file), product: "Halcyon", version: dump.version });
    expect([sent.exitCode, sent.stdout]).toEqual([0, expect.stringMatching(id)]);
    const crash = await walked(id.exec(sent.stdout)![0]);
    expect(crash).toMatchObject({ state: "grouped", product: "Halcyon", version: dump.version });
    expect(topOfOurs(crash)?.function).toMatch(/^halcyon::TapeLoop</);
  }, 5 * minutes);

  it("says so when the server refuses", async () => {
    const sent = await breakpad.breakpadUpload({ url: minidumpUrl(), dump: path.join(fixturesOut, "index.json"), product: "x", version: "1" });
    expect(sent.stdout + sent.stderr).not.toMatch(id);
  }, 5 * minutes);
});

describe.skipIf(curl.available() !== null)(titled("curl", curl.available()), () => {
  it("sends every dump that we have, and each ends where gdb says it should", async () => {
    // Without the C library's unwind data a walk through abort() ends in guesses.
    const system = globSync("sym-system/**/*.sym", { cwd: fixturesOut });
    expect(system.length).toBeGreaterThan(0);
    for (const sym of [...index.modules.map((module) => module.sym), ...system]) {
      const sent = await fetch(`${up.url}/api/v1/default/symbols`, { method: "POST", headers: { authorization: `Bearer ${up.answer.symbolToken}`, "content-type": "application/octet-stream" }, body: readFileSync(path.join(fixturesOut, sym)) });
      expect([200, 201]).toContain(sent.status);
    }
    const groupsOfKind = new Map<string, Set<string>>();
    for (const dump of index.dumps) {
      const sent = await curl.curlUpload({ url: minidumpUrl(), dump: path.join(fixturesOut, dump.file), fields: { prod: "Halcyon", ver: dump.version, "sentry[tags][kind]": dump.kind } });
      expect(sent.status).toBe(200);
      const crash = await walked(id.exec(sent.body)![0]);
      expect([dump.file, crash.state, crash.reason]).toEqual([dump.file, "grouped", null]);
      const kinds = groupsOfKind.get(crash.group!) ?? new Set();
      groupsOfKind.set(crash.group!, kinds.add(dump.kind));
    }
    // Two kinds of crash never share a group.
    expect([...groupsOfKind.values()].filter((kinds) => kinds.size > 1)).toEqual([]);
  }, 10 * minutes);
});

describe("a stack trace without a dump", () => {
  it("gets its names from the same symbols", async () => {
    const module = index.modules.find((one) => one.name === "halcyon.so" && one.version === "1.4.2")!;
    const functionRecord = /^FUNC (?:m )?([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ (halcyon::PresetParser::parse_group.*)$/m.exec(readFileSync(path.join(fixturesOut, module.sym), "utf8"))!;
    const trace = { product: "Halcyon", version: "1.4.2", install: "i-1", reason: "SIGSEGV", os: "Linux", arch: "amd64", frames: [{ module: "halcyon.so", debug_id: module.debugId, offset: `0x${functionRecord[1]}` }] };
    const sent = await fetch(`${up.url}/api/v1/default/stacktraces?sentry_key=${up.answer.ingestKey}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(trace) });
    expect(sent.status).toBe(201);
    const crash = await walked(((await sent.json()) as { id: string }).id);
    expect(crash).toMatchObject({ kind: "stacktrace", state: "grouped", install: "i-1", signature: "halcyon::PresetParser::parse_group" });
  }, minutes);
});
