// A crash as text, to the letter. The golden files are what a person pastes.
import { describe, expect, it } from "vitest";
import type { CrashDetail } from "../../services/triage/schema.ts";
import { crashTitle, crashToMarkdown, crashToText } from "../../web/crash/crash-text.ts";
import { failedCrash, vaultCrash } from "./support/canned-crash.ts";

const link = "https://crashes.example.com/vaultsynth/crashes/019a3c5e-c000-7000-8000-000000000001";
const crash = vaultCrash("019a3c5e-c000-7000-8000-000000000001", "019a3c5e-9000-7000-8000-000000000001", "2026-11-23T20:14:03.512Z");
const failed = failedCrash("019a3c5e-f000-7000-8000-000000000001", "2026-11-23T20:14:03.512Z", "the walk took longer than 60 s <and> was *stopped*");

/** The crash with one thing of its report changed. */
const withFirstFrame = (change: Partial<NonNullable<CrashDetail["report"]>["threads"][number]["frames"][number]>): CrashDetail => {
  const report = crash.report!;
  const threads = report.threads.map((thread, index) => (index === 3 ? { ...thread, frames: thread.frames.map((frame, place) => (place === 0 ? { ...frame, ...change } : frame)) } : thread));
  return { ...crash, report: { ...report, threads } };
};

describe("a crash as Markdown", () => {
  it("has what a bug needs: reason, facts, link, the crashed thread", async () => {
    await expect(crashToMarkdown(crash, link)).toMatchFileSnapshot("golden/crash.md");
  });
  it("says why a crash failed, and lets no text of a client become markup", async () => {
    await expect(crashToMarkdown(failed, link)).toMatchFileSnapshot("golden/failed-crash.md");
  });
  it("keeps backticks of MSVC names inside code", () => {
    const name = "`anonymous namespace'::run";
    expect(crashToMarkdown({ ...crash, signature: name }, link)).toContain("**Signature** `` `anonymous namespace'::run ``\n".replace("\n", ""));
    const fenced = crashToMarkdown(withFirstFrame({ function: "a```b", inlines: null }), link);
    expect(fenced).toContain("\n````text\n");
    expect(fenced.trimEnd().endsWith("\n````")).toBe(true);
  });
  it("cuts a deep stack and says how much is left out", () => {
    const report = crash.report!;
    const deep = report.threads[3]!.frames.slice(1, 2).flatMap((frame) => Array.from({ length: 200 }, (_, index) => ({ ...frame, frame: index })));
    const text = crashToMarkdown({ ...crash, report: { ...report, threads: report.threads.map((thread, index) => (index === 3 ? { ...thread, frames: deep } : thread)) } }, link);
    expect(text).toContain("\n… 140 more\n");
    expect(text.split("\n").filter((line) => line.startsWith("#") && !line.startsWith("###"))).toHaveLength(60);
  });
});

describe("a crash as text", () => {
  it("has every thread, identical stacks once", async () => {
    await expect(crashToText(crash, link)).toMatchFileSnapshot("golden/crash.txt");
  });
  it("is short for a crash that could not be read", () => {
    expect(crashToText(failed, link).split("\n").slice(0, 3)).toEqual(["Crash that could not be read", "", "Product   VaultSynth 1.2.5"]);
  });
});

describe("the title of a crash", () => {
  const rows: [string, CrashDetail, string][] = [
    ["reason and address", crash, "EXCEPTION_ACCESS_VIOLATION_WRITE at 0x18"],
    // A null pointer keeps its one zero.
    ["a null pointer", { ...crash, report: { ...crash.report!, crash_info: { ...crash.report!.crash_info, address: "0x0000000000000000" } } }, "EXCEPTION_ACCESS_VIOLATION_WRITE at 0x0"],
    ["no address", { ...crash, report: { ...crash.report!, crash_info: { ...crash.report!.crash_info, address: null } } }, "EXCEPTION_ACCESS_VIOLATION_WRITE"],
    ["a crash that waits", { ...failed, state: "stored" }, "Crash waiting to be read"],
    ["a dump without a reason", { ...failed, state: "grouped" }, "Crash without a reason"],
  ];
  it.each(rows)("%s", (_, one, expected) => {
    expect(crashTitle(one)).toBe(expected);
  });
});
