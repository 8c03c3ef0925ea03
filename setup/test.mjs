// npm test [-- FILTER…]: types, lint, then all tests (or the files whose path
// holds a FILTER). The last line is `N passed, N failed, N skipped`.
//
// As root on Debian it first installs the packages that suites need; elsewhere
// it names what is missing and the suites skip. With CI=true, a skip is a
// failure, except for want of the folder ../shared.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { missingPackages } from "./debian-packages.mjs";
import { endLeftovers, RUN_MARK } from "./leftovers.mjs";
import { inRoot, SetupError } from "./paths.mjs";
import { prepare } from "./prepare.mjs";
import { runScript, whenNpmIsGone } from "./run.mjs";
import { runStaticChecks } from "./static-checks.mjs";
import { closingLines, judge } from "./verdict.mjs";

const GRACE_MS = 5000;
const strict = process.env["CI"] === "true" || process.env["CI"] === "1";

try {
  const verdict = await test(process.argv.slice(2));
  // One write, and the end of the process only after it is out: stdout may be a pipe.
  process.stdout.write(`${closingLines(verdict).join("\n")}\n`, () => process.exit(verdict.failed.length === 0 ? 0 : 1));
} catch (error) {
  process.stderr.write(`deadair: ${error instanceof SetupError ? error.message : /** @type {Error} */ (error).stack}\n`);
  process.stdout.write("0 passed, 1 failed, 0 skipped\n", () => process.exit(1));
}

/** @param {string[]} filters */
async function test(filters) {
  await prepare({ page: false, tools: true });
  providePackages();
  const checks = await runStaticChecks();
  await buildPage(checks);
  return judge({ checks, ...(await runVitest(filters)), strict, hasShared: existsSync(inRoot("../shared")) });
}

/**
 * A page that cannot be built is one failed check; the suites that need no page still say something.
 * @param {{ passed: string[], failed: string[] }} checks
 */
async function buildPage(checks) {
  try {
    await prepare({ page: true, tools: true });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`✗ ${error.message}`);
    checks.failed.push("the page (vite build)");
  }
}

/** @param {string[]} filters */
async function runVitest(filters) {
  // Everything temporary of the run is below one folder. Postgres, started by root, runs as another user and must get in.
  const temporary = mkdtempSync(path.join(realpathSync(tmpdir()), "deadair-test-"));
  chmodSync(temporary, 0o755);
  const summaryFile = path.join(temporary, "summary.json");
  const run = { mark: randomUUID(), folder: temporary };
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    // Ended from outside: take everything along that the tests started.
    void endLeftovers(run, 0).then(() => {
      rmSync(temporary, { recursive: true, force: true });
      process.stdout.write(`\nstopped by ${signal}\n0 passed, 1 failed, 0 skipped\n`, () => process.exit(1));
    });
  };
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, stop);
  whenNpmIsGone(() => stop("SIGTERM"));
  try {
    const vitestCode = await runScript("node_modules/vitest/vitest.mjs", ["run", ...filters], {
      env: { [RUN_MARK]: run.mark, DEADAIR_TEST_SUMMARY: summaryFile, TMPDIR: temporary, NODE_ENV: "test" },
    });
    const leftovers = await endLeftovers(run, GRACE_MS);
    const summary = existsSync(summaryFile) ? /** @type {import("./verdict.mjs").Summary} */ (JSON.parse(readFileSync(summaryFile, "utf8"))) : undefined;
    return { vitestCode, leftovers, summary };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Installs what suites need where that is ours to do, and says what is missing where it is not. */
function providePackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log(`installing ${missing.map(({ name }) => name).join(" ")} (apt-get)`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    /** @type {import("node:child_process").SpawnSyncOptionsWithStringEncoding} */
    const options = { env, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", timeout: 600_000 };
    spawnSync("apt-get", ["update", "-qq"], options);
    const installed = spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing.map(({ name }) => name)], options);
    if (installed.status !== 0) console.log(`apt-get install failed:\n${installed.stderr.trim().split("\n").slice(-5).join("\n")}`);
  }
  for (const { name, reason } of missingPackages()) console.log(`missing: ${name}; its suites will skip: ${reason}`);
}
