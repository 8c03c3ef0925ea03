// The first walker of the house: Breakpad's minidump_stackwalk, as the npm
// package `minidump` ships it, run as a child process.
//
// Why a process: the walker is C++ that parses bytes a stranger sent. In a
// process of its own it can crash, hang or flood without taking a worker
// along, and its limits are the operating system's.
//
// Steps of one walk:
//   1. inspect the dump ourselves: the wrong file and the cut file are refused
//      here, with a sentence; ids and names of threads come from here too;
//   2. ask the symbol source for all modules in one question;
//   3. lay the answers out as symlinks in Breakpad's store layout;
//      hide streams that lie past the end of the file (safe-dump.ts);
//   4. run the walker twice, at the same time: `-m` has exact fields and whole
//      source paths, the output for people has trust, registers, inlining and
//      which symbols failed. Neither has both;
//   5. zip the two, frame by frame, and add what we read ourselves.
//
// The price is every symbol file parsed twice: twice the processor time and
// memory of one walk, and the same wall time where two cores are free.
// Correctness is worth it; an engine of our own will need neither.
//
// A refusal (exit code) costs a third run, which keeps the log; a walk that
// succeeds never pays for logging.
//
// Limits: options.timeoutMs and options.outputBytes for each run; the walker
// itself stops at 2^20 frames a thread, 2048 modules, 128 streams. Its memory
// is bounded by the sizes of the dump and the symbol files only (about six
// times a `.sym`), and a worker that is killed leaves a stuck walker behind:
// an operator bounds both by the container's limits.
//
// Left out: the start of a function is printed only for frames without a line
// (`function_offset` is null else); last error values; anything about modules
// when the walker refuses the module list as a whole.
//
// To extend: another walker is another folder beside this one that fulfils
// `Stackwalker`; nothing outside workers/symbolicate and the command line
// chooses between them.
import { closeSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Problem, Result } from "../../config/problem.ts";
import { fileSource } from "../minidump/byte-source.ts";
import { inspectMinidump, type MinidumpSummary } from "../minidump/minidump.ts";
import type { Stackwalker, SymbolKey, SymbolSource, Walk, WalkFailure, WalkOptions } from "../stackwalker.ts";
import { keyName, symbolKey } from "../symbol-key.ts";
import { makeReport } from "./breakpad-report.ts";
import { parseHumanOutput } from "./human-output.ts";
import { parseMachineOutput } from "./machine-output.ts";
import { safeDump } from "./safe-dump.ts";
import { layOutSymbols } from "./symbol-folder.ts";
import { shippedWalker, type WalkerBinary } from "./walker-binary.ts";
import { runWalker, type Run } from "./walker-process.ts";

/** Makes the walker. `binary` is the shipped one unless a test brings its own; null stands for a platform that has none. */
export function breakpadStackwalker(binary: WalkerBinary | null = shippedWalker()): Stackwalker {
  const name = binary ? `breakpad ${binary.version}` : "breakpad";
  return {
    name,
    async walk(dumpPath, symbols, options) {
      if (!binary) {
        return failure(
          "walker_missing",
          `No Breakpad walker is shipped for ${process.platform}-${process.arch}; run the workers on Linux x64 or macOS.`,
        );
      }
      const inspected = inspectFile(dumpPath);
      if (!inspected.ok) return failure(failureCode(inspected.problem), `${inspected.problem.message} ${inspected.problem.hint}`);
      const dump = inspected.value;
      if (dump.threads.length === 0) return failure("no_threads", "The minidump lists no threads, so there is no stack to walk.");
      return walkInspected({ name, binary, dumpPath, dump, symbols, options });
    },
  };
}

type Task = {
  readonly name: string;
  readonly binary: WalkerBinary;
  readonly dumpPath: string;
  readonly dump: MinidumpSummary;
  readonly symbols: SymbolSource;
  readonly options: WalkOptions;
};

async function walkInspected({ name, binary, dumpPath, dump, symbols, options }: Task): Promise<Walk> {
  const keys = symbolKeys(dump);
  const paths = await symbols.locate(keys);
  // One level below the work folder, so that even a walker that follows ".."
  // out of a hostile name stays within it.
  const folder = join(resolve(options.workDir), "symbols");
  const laidOut = await layOutSymbols(folder, keys, paths);
  const located = new Set(keys.filter((_, i) => laidOut[i]).map(keyName));

  const args = [resolve(await safeDump(dumpPath, dump, options.workDir)), folder];
  const [machineRun, humanRun] = await runBoth(binary.path, [["-m", ...args], args], options);
  for (const run of [machineRun, humanRun]) {
    if (run.kind === "failed") return { ok: false, failure: run.failure };
    if (run.kind === "refused") return refusal(binary.path, args, run.exitCode, options);
  }
  if (machineRun.kind !== "done" || humanRun.kind !== "done") throw new Error("a run is done, refused or failed");

  const machine = parseMachineOutput(machineRun.stdout);
  if (!machine) return failure("unreadable_output", "The walker printed something that is not its machine format.");
  const human = parseHumanOutput(humanRun.stdout);
  const made = makeReport({ walker: name, machine, human, dump, located, maxFrames: options.maxFrames, maxThreads: options.maxThreads });
  if (!made) return failure("unreadable_output", "The walker's two outputs disagree about the frames of a thread.");
  return { ok: true, ...made };
}

/** Keys of all modules that can be looked up, each once. */
function symbolKeys(dump: MinidumpSummary): SymbolKey[] {
  const keys = new Map<string, SymbolKey>();
  for (const module of dump.modules) {
    const key = symbolKey(module);
    if (key && !keys.has(keyName(key))) keys.set(keyName(key), key);
  }
  return [...keys.values()];
}

/** Runs the walker twice at once; when one run fails, the other is ended too and the first failure is the answer of both. */
async function runBoth(path: string, argLists: readonly [readonly string[], readonly string[]], options: WalkOptions): Promise<[Run, Run]> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  let first: Run | null = null;
  const run = async (args: readonly string[]): Promise<Run> => {
    const result = await runWalker(path, args, { timeoutMs: options.timeoutMs, outputBytes: options.outputBytes, cwd: options.workDir, keepLog: false, signal });
    if (result.kind !== "done") {
      first ??= result;
      stop.abort();
      return first;
    }
    return result;
  };
  return Promise.all([run(argLists[0]), run(argLists[1])]);
}

function inspectFile(path: string): Result<MinidumpSummary> {
  const fd = openSync(path, "r");
  try {
    return inspectMinidump(fileSource(fd));
  } finally {
    closeSync(fd);
  }
}

function failureCode(problem: Problem): string {
  return problem.code === "truncated_minidump" ? "truncated" : "not_a_minidump";
}

/** Asks the walker once more, now for its log: the last error line says what it did not like. */
async function refusal(path: string, args: readonly string[], exitCode: number, options: WalkOptions): Promise<Walk> {
  const { timeoutMs, outputBytes, workDir: cwd, signal } = options;
  const run = await runWalker(path, args, { timeoutMs, outputBytes, cwd, keepLog: true, signal });
  const log = run.kind === "refused" ? run.log : "";
  if (log.includes("has no thread list")) return failure("no_threads", "The minidump's thread list is missing or malformed, so there is no stack to walk.");
  const reason = log.split("\n").findLast((line) => line.includes("ERROR: ") && !line.includes("Process failed"));
  const told = reason ? `: ${reason.slice(reason.indexOf("ERROR: ") + 7)}` : "";
  return failure("walker_refused", `The walker refused the minidump with exit code ${exitCode}${told}.`);
}

function failure(code: WalkFailure["code"], message: string): Walk {
  return { ok: false, failure: { code, message } };
}
