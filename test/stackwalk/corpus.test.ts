// Every minidump of the corpus, inspected and walked. What Breakpad's walker
// prints for it is the expectation: made by the peer itself, in the same run.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, globSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Result } from "../../config/problem.ts";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { machineText } from "../../stackwalk/machine-text.ts";
import { fileSource } from "../../stackwalk/minidump/byte-source.ts";
import { breakpadSpelling } from "../../stackwalk/minidump/code-view.ts";
import { inspectMinidump, type MinidumpSummary } from "../../stackwalk/minidump/minidump.ts";
import { baseName } from "../../stackwalk/minidump/module-list.ts";
import { textReport } from "../../stackwalk/text-report.ts";

const corpus = resolve(import.meta.dirname, "../../../shared/corpus");
const walker = shippedWalker();
const absent = !existsSync(corpus) || walker === null;
const dumps = absent ? [] : globSync("**/*.dmp", { cwd: corpus }).toSorted();
const work = mkdtempSync(join(tmpdir(), "deadair-corpus-"));
afterAll(() => rmSync(work, { recursive: true }));

function inspect(path: string): Result<MinidumpSummary> {
  const fd = openSync(path, "r");
  try {
    return inspectMinidump(fileSource(fd));
  } finally {
    closeSync(fd);
  }
}

/** What the peer prints with the symbols that a walk laid out. */
function peer(dump: string, symbols: string): string {
  return execFileSync(walker?.path ?? "", ["-m", dump, symbols], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1e8 }).toString();
}

const options = { timeoutMs: 20_000, outputBytes: 1e8, maxFrames: 1e6, maxThreads: 1e6 };

/** Dumps that are refused, and why. All others are walked. */
const refused: { readonly [path: string]: string } = {
  // A thread list that lies past the end of a kilobyte.
  "google+orbit/src/LinuxCaptureService/testdata/broken.core.dmp": "truncated",
  // A header and no streams.
  "rust-minidump+rust-minidump/testdata/invalid-range.dmp": "no_threads",
  // Breakpad's microdumps are text; Chrome OS wraps the dump in a form.
  "google+breakpad/src/processor/testdata/microdump-arm.dmp": "not_a_minidump",
  "google+breakpad/src/processor/testdata/microdump-mips32.dmp": "not_a_minidump",
  "google+breakpad/src/processor/testdata/microdump-multiple.dmp": "not_a_minidump",
  "nya3jp+tast/src/go.chromium.org/tast/core/cmd/tast/internal/symbolize/breakpad/testdata/chrome_crash_report.dmp": "not_a_minidump",
};

describe("the corpus", () => {
  it.skipIf(absent)("is walked whole, and its reports say what Breakpad says, byte for byte", { timeout: 120_000 }, async () => {
    const symbols = await symbolTree([corpus]);
    const failures: { [path: string]: string } = {};
    let compared = 0;
    for (const [i, path] of dumps.entries()) {
      const dump = join(corpus, path);
      const workDir = mkdtempSync(join(work, `${i}-`));
      const result = await breakpadStackwalker().walk(dump, symbols, { ...options, workDir });
      if (!result.ok) {
        failures[path] = result.failure.code;
        continue;
      }
      expect(machineText(result.report), path).toBe(peer(dump, join(workDir, "symbols")));
      expect(textReport(result.report), path).toMatch(/\nModules \(\d+\)\n/);
      compared++;
    }
    expect(failures).toEqual(refused);
    expect(compared).toBe(dumps.length - Object.keys(refused).length);
    expect(compared).toBeGreaterThanOrEqual(46);
  });

  it.skipIf(absent)("has the modules and ids that Breakpad looks symbols up by", () => {
    let modules = 0;
    for (const path of dumps) {
      const result = inspect(join(corpus, path));
      if (!result.ok || result.value.threads.length === 0) continue;
      const theirs = peer(join(corpus, path), "/nowhere").split("\n").filter((line) => line.startsWith("Module|"));
      const ours = result.value.modules.map((module) =>
        [
          "Module",
          baseName(module.codeFile),
          module.version ?? "",
          baseName(module.debugFile ?? ""),
          module.debugId === null ? "" : breakpadSpelling(module.debugId),
          `0x${module.base.toString(16).padStart(8, "0")}`,
          `0x${(module.base + module.size - 1).toString(16).padStart(8, "0")}`,
          module === result.value.modules[0] ? "1" : "0",
        ].join("|"),
      );
      expect(ours.toSorted(), path).toEqual(theirs.toSorted());
      modules += ours.length;
    }
    expect(modules).toBeGreaterThan(2000);
  });

  // What real producers write and no builder would think of.
  it.skipIf(absent).each([
    ["_extracted/crashpad.envelope.dmp", { names: 4, unloaded: 5, annotations: 0 }],
    ["google+breakpad/src/processor/testdata/thread_name_list.dmp", { names: 3, unloaded: 0, annotations: 0 }],
    ["google+breakpad/src/processor/testdata/minidump_crashpad_annotation.dmp", { names: 1, unloaded: 0, annotations: 9 }],
    ["aprilandjan+node-rs-minidump/fixtures/mac-electron-gpu.dmp", { names: 0, unloaded: 0, annotations: 23 }],
  ])("has names, unloaded modules and annotations in %s", (path, counts) => {
    const result = inspect(join(corpus, path));
    if (!result.ok) throw new Error(result.problem.message);
    const { threads, unloadedModules, annotations } = result.value;
    expect({ names: threads.filter((thread) => thread.name).length, unloaded: unloadedModules.length, annotations: Object.keys(annotations).length }).toEqual(counts);
  });

  it.skipIf(absent)("has files of all kinds, of which only dumps are taken", () => {
    const others = globSync(["**/*.pdb", "**/*.sym", "**/*.dylib", "**/*.envelope", "**/*.zip", "**/*.so", "**/*.json"], { cwd: corpus })
      .filter((path) => statSync(join(corpus, path)).isFile())
      .slice(0, 300);
    const codes = new Set(others.map((path) => {
      const result = inspect(join(corpus, path));
      return result.ok ? relative(corpus, path) : result.problem.code;
    }));
    expect([...codes]).toEqual(["not_a_minidump"]);
  });
});
