// The checks that need no test: types, and lint.
import { inRoot } from "./paths.mjs";
import { runScript } from "./run.mjs";

/** @type {readonly { name: string, script: string, args: string[] }[]} */
const checks = [
  { name: "types (tsc)", script: "node_modules/typescript/bin/tsc", args: ["-p", inRoot()] },
  { name: "types of setup/ (tsc)", script: "node_modules/typescript/bin/tsc", args: ["-p", inRoot("setup")] },
  { name: "lint (oxlint)", script: "node_modules/oxlint/bin/oxlint", args: ["--deny-warnings"] },
];

/**
 * Runs all of them, one line each, with their findings when there are any.
 * @returns {Promise<{ passed: string[], failed: string[] }>}
 */
export async function runStaticChecks() {
  /** @type {{ passed: string[], failed: string[] }} */
  const result = { passed: [], failed: [] };
  for (const { name, script, args } of checks) {
    const start = performance.now();
    const code = await runScript(script, args);
    console.log(`${code === 0 ? "✓" : "✗"} ${name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
    (code === 0 ? result.passed : result.failed).push(name);
  }
  return result;
}
