import { describe, expect, it } from "vitest";

type Skip = { readonly name: string; readonly reason: string };
type Verdict = { readonly passed: number; readonly failed: readonly string[]; readonly skipped: readonly Skip[] };
type Run = {
  readonly checks: { readonly passed: readonly string[]; readonly failed: readonly string[] };
  readonly summary: Verdict | undefined;
  readonly vitestCode: number;
  readonly leftovers: readonly string[];
  readonly strict: boolean;
  readonly hasShared: boolean;
};
// Plain JavaScript, which has no types here.
const { judge, closingLines } = (await import(new URL("../../setup/verdict.mjs", import.meta.url).href)) as { judge(run: Run): Verdict; closingLines(verdict: Verdict): string[] };

const green: Run = {
  checks: { passed: ["types", "lint"], failed: [] },
  summary: { passed: 10, failed: [], skipped: [] },
  vitestCode: 0,
  leftovers: [],
  strict: false,
  hasShared: true,
};
const skip: Skip = { name: "test/queue.test.ts > on Redis", reason: "redis-server is missing" };
const noShared: Skip = { name: "test/corpus.test.ts > walks all", reason: "needs ../shared/corpus" };
const line = (run: Partial<Run>): string => closingLines(judge({ ...green, ...run })).at(-1) ?? "";

describe("the closing line", () => {
  const rows: [string, Partial<Run>, string][] = [
    ["counts tests and checks", {}, "12 passed, 0 failed, 0 skipped"],
    ["counts a failed check", { checks: { passed: ["types"], failed: ["lint"] } }, "11 passed, 1 failed, 0 skipped"],
    ["counts failed tests", { summary: { passed: 9, failed: ["a"], skipped: [] }, vitestCode: 1 }, "11 passed, 1 failed, 0 skipped"],
    ["counts skipped tests", { summary: { passed: 9, failed: [], skipped: [skip] } }, "11 passed, 0 failed, 1 skipped"],
    ["fails when nothing ran", { summary: { passed: 0, failed: [], skipped: [] }, vitestCode: 1 }, "2 passed, 1 failed, 0 skipped"],
    ["fails when Vitest died", { summary: undefined, vitestCode: 137 }, "2 passed, 1 failed, 0 skipped"],
    ["fails when Vitest fails for a reason of its own", { vitestCode: 1 }, "12 passed, 1 failed, 0 skipped"],
    ["fails for a process left running", { leftovers: ["redis-server *:0"] }, "12 passed, 1 failed, 0 skipped"],
    ["in CI, fails for a skip", { summary: { passed: 9, failed: [], skipped: [skip] }, strict: true }, "11 passed, 1 failed, 0 skipped"],
    ["in CI, lets a suite skip that needs the folder beside the checkout", { summary: { passed: 9, failed: [], skipped: [noShared] }, strict: true, hasShared: false }, "11 passed, 0 failed, 1 skipped"],
    ["but not when that folder is there", { summary: { passed: 9, failed: [], skipped: [noShared] }, strict: true, hasShared: true }, "11 passed, 1 failed, 0 skipped"],
  ];
  it.each(rows)("%s", (_, run, expected) => {
    expect(line(run)).toBe(expected);
  });

  it("comes after the skipped tests with their reasons, and the failures", () => {
    const verdict = judge({ ...green, summary: { passed: 9, failed: ["test/a.test.ts > b"], skipped: [skip] }, vitestCode: 1 });
    expect(closingLines(verdict)).toEqual(["", "Skipped (1):", "  test/queue.test.ts > on Redis (redis-server is missing)", "", "Failed (1):", "  test/a.test.ts > b", "", "11 passed, 1 failed, 1 skipped"]);
  });
});
