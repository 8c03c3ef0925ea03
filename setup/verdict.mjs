// What a test run comes to: the counts, the reasons, the closing line.

/**
 * What test/setup/summary-reporter.ts writes at the end of Vitest's run.
 * @typedef {object} Summary
 * @property {number} passed tests
 * @property {string[]} failed names of tests, suites and files that failed, and errors outside of tests
 * @property {{ name: string, reason: string }[]} skipped
 */

/**
 * @typedef {object} Verdict
 * @property {number} passed
 * @property {string[]} failed
 * @property {{ name: string, reason: string }[]} skipped
 */

/** A skip for want of the folder beside the checkout says so with these characters in its reason or its name. */
const SHARED = "../shared";

/**
 * Puts the parts of a run together.
 * @param {object} run
 * @param {{ passed: string[], failed: string[] }} run.checks
 * @param {Summary | undefined} run.summary undefined when Vitest ended without one
 * @param {number} run.vitestCode
 * @param {string[]} run.leftovers command lines of processes that had to be ended
 * @param {boolean} run.strict a skip is a failure
 * @param {boolean} run.hasShared the folder beside the checkout is there
 * @returns {Verdict}
 */
export function judge({ checks, summary, vitestCode, leftovers, strict, hasShared }) {
  const failed = [...checks.failed, ...(summary?.failed ?? []), ...leftovers.map((command) => `left running: ${command}`)];
  let skipped = summary?.skipped ?? [];
  if (strict) {
    const isAllowed = (/** @type {{ name: string, reason: string }} */ skip) => !hasShared && `${skip.name} ${skip.reason}`.includes(SHARED);
    failed.push(...skipped.filter((skip) => !isAllowed(skip)).map(({ name, reason }) => `skipped, which CI does not allow: ${name} (${reason})`));
    skipped = skipped.filter(isAllowed);
  }
  const passed = summary?.passed ?? 0;
  if (summary === undefined) failed.push(`vitest ended with code ${vitestCode} and no summary`);
  else if (passed + summary.failed.length + summary.skipped.length === 0) failed.push("no test ran");
  else if (vitestCode !== 0 && summary.failed.length === 0) failed.push(`vitest ended with code ${vitestCode}`);
  return { passed: passed + checks.passed.length, failed, skipped };
}

/**
 * The lines that end a run; the last is the closing line that CI reads.
 * @param {Verdict} verdict
 * @returns {string[]}
 */
export function closingLines({ passed, failed, skipped }) {
  return [
    ...(skipped.length === 0 ? [] : ["", `Skipped (${skipped.length}):`, ...skipped.slice(0, 100).map(({ name, reason }) => `  ${name} (${reason})`)]),
    ...(skipped.length > 100 ? [`  and ${skipped.length - 100} more`] : []),
    ...(failed.length === 0 ? [] : ["", `Failed (${failed.length}):`, ...failed.map((name) => `  ${name}`)]),
    "",
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ];
}
