// Runs Vitest for real on files that go wrong in each way there is.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "./source-files.ts";
import type { Summary } from "./summary-reporter.ts";

const samples = {
  "mixed.test.ts": `import { describe, expect, it } from "vitest";
it("passes", () => {});
it("fails", () => { expect(1).toBe(2); });
it("skips at run time", ({ skip }) => skip("needs a microphone"));
it.skip("skips always", () => {});
it.todo("is not there yet");
describe("a suite", () => { it("passes too", () => {}); });`,
  "shared.test.ts": `import { it } from "vitest";
const corpus = "../../shared/corpus";
it.skip("walks " + corpus.slice(-6), () => {});
it.skip("titled (skipped: curl is missing (apt-get install curl))", () => {});`,
  "hook.test.ts": `import { beforeAll, describe, it } from "vitest";
describe("a suite", () => { beforeAll(() => { throw new Error("no database"); }); it("never runs", () => {}); });`,
  "load.test.ts": `import "./missing.ts";`,
  "unhandled.test.ts": `import { it } from "vitest"; it("passes", () => { void Promise.reject(new Error("nobody waits")); });`,
};

let dir: string;
let summary: Summary;

beforeAll(() => {
  dir = realpathSync(mkdtempSync(path.join(tmpdir(), "deadair-reporter-")));
  mkdirSync(path.join(dir, "test"));
  symlinkSync(path.join(root, "node_modules"), path.join(dir, "node_modules"));
  for (const [name, text] of Object.entries(samples)) writeFileSync(path.join(dir, "test", name), text);
  const file = path.join(dir, "summary.json");
  const reporter = JSON.stringify(path.join(root, "test/setup/summary-reporter.ts"));
  writeFileSync(path.join(dir, "vitest.config.ts"), `import { SummaryReporter } from ${reporter};\nexport default { test: { reporters: [new SummaryReporter(${JSON.stringify(file)})] } };`);
  spawnSync(process.execPath, [path.join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", dir], { stdio: "ignore", timeout: 50_000 });
  summary = JSON.parse(readFileSync(file, "utf8")) as Summary;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it("counts what passed", () => {
  expect(summary.passed).toBe(3);
});

it("names what failed: a test, a hook, a file, an error outside of tests", () => {
  expect([...summary.failed].sort()).toEqual([
    "outside of tests: nobody waits",
    expect.stringMatching(/^test\/hook\.test\.ts > a suite: no database$/),
    expect.stringMatching(/^test\/load\.test\.ts: .*missing\.ts/),
    "test/mixed.test.ts > fails",
  ]);
});

it("gives the reasons of what skipped", () => {
  expect([...summary.skipped].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: "test/hook.test.ts > a suite > never runs", reason: "no reason given" },
    { name: "test/mixed.test.ts > is not there yet", reason: "to be written" },
    { name: "test/mixed.test.ts > skips always", reason: "no reason given" },
    { name: "test/mixed.test.ts > skips at run time", reason: "needs a microphone" },
    { name: "test/shared.test.ts > titled (skipped: curl is missing (apt-get install curl))", reason: "curl is missing (apt-get install curl)" },
    { name: "test/shared.test.ts > walks corpus", reason: "needs ../shared, which is not there" },
  ]);
});
