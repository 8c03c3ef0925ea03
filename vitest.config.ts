import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./test/setup/summary-reporter.ts";

// Set by setup/test.mjs, which prints the closing line.
const summaryFile = process.env["DEADAIR_TEST_SUMMARY"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // One Postgres for the whole run.
    globalSetup: ["test/support/global-postgres.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Suites start real servers; on two cores more than two at once only adds noise.
    maxWorkers: 2,
    // A connection that a test forgot must not hold the run for long; what is left is found and named after it.
    teardownTimeout: 10_000,
    reporters: ["default", ...(summaryFile === undefined ? [] : [new SummaryReporter(summaryFile)])],
  },
});
