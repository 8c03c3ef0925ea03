import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Suites start real servers; on two cores more than two at once only adds noise.
    maxWorkers: 2,
  },
});
