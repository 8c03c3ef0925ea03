// Counts a Vitest run for setup/test.mjs, which prints the closing line after
// adding its own checks; and says which files are still running when a run is
// silent for long, since CI shows nothing else.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from "vitest/node";

/** How a run ended, as setup/verdict.mjs reads it. */
export type Summary = {
  readonly passed: number;
  /** Names of tests, suites and files that failed, and errors outside of tests. */
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
};

const SILENCE_MS = 30_000;

/** Writes the summary of a run as JSON to `file`. */
export class SummaryReporter implements Reporter {
  readonly #file: string;
  readonly #running = new Map<string, number>();
  #clock: NodeJS.Timeout | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  onTestRunStart(): void {
    this.#clock = setInterval(() => {
      const running = [...this.#running].map(([name, start]) => `${name} (${Math.round((performance.now() - start) / 1000)} s)`);
      if (running.length > 0) process.stdout.write(` … still running: ${running.join(", ")}\n`);
    }, SILENCE_MS);
    this.#clock.unref();
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.set(module.relativeModuleId, performance.now());
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    clearInterval(this.#clock);
    writeFileSync(this.#file, JSON.stringify(summarise(modules, unhandled)));
  }
}

/** Counts tests. A file or suite that failed outside of its tests (at loading, in a hook) is one failure of its own. */
export function summarise(modules: readonly TestModule[], unhandled: readonly { readonly message: string }[]): Summary {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]).filter((suite) => suite.errors().length > 0);
  const named = (state: string) => tests.filter((test) => test.result().state === state);
  return {
    passed: named("passed").length,
    failed: [
      ...suites.map((suite) => `${nameOf(suite)}: ${suite.errors()[0]?.message.split("\n")[0] ?? "failed"}`),
      ...named("failed").map(nameOf),
      // A test that never ended was waiting when its worker died.
      ...named("pending").map((test) => `${nameOf(test)}: did not end`),
      ...unhandled.map((error) => `outside of tests: ${error.message.split("\n")[0] ?? ""}`),
    ],
    skipped: named("skipped").map((test) => ({ name: nameOf(test), reason: reasonOf(test) })),
  };
}

function nameOf(entity: TestCase | TestSuite | TestModule): string {
  return entity.type === "module" ? entity.relativeModuleId : `${entity.module.relativeModuleId} > ${entity.fullName}`;
}

// A reason given at run time, else one in a title, as `curl (skipped: not installed)`. A suite that
// reads the folder beside the checkout by a path, where there is none, has that for its reason.
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === "skipped" && result.note !== undefined) return result.note;
  const titled = /\(skipped: ([^()]*(?:\([^()]*\)[^()]*)*)\)/.exec(test.fullName)?.[1];
  if (titled !== undefined) return titled;
  if (test.options.mode === "todo") return "to be written";
  const readsShared = /\.\.\/shared\b/.test(readFileSync(test.module.moduleId, "utf8"));
  return readsShared && !existsSync(path.join(test.project.config.root, "../shared")) ? "needs ../shared, which is not there" : "no reason given";
}
