// Rounds of A B A B: on a shared machine only figures of the same minute can be
// compared, so contenders take turns, and what counts is the median over rounds
// of each round's ratio.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** The median; the lower one of an even number. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? Number.NaN;
}

/** A contender: measures itself once, in its own unit. */
export type Contender = { readonly name: string; measure(): number };

/** What came of a contender: all its figures, and the median of its ratio to the first contender. */
export type Outcome = { readonly name: string; readonly median: number; readonly values: readonly number[]; readonly ratio: number };

/** Lets the contenders take turns, after one turn each that does not count. */
export function takeTurns(rounds: number, contenders: readonly Contender[]): Outcome[] {
  for (const contender of contenders) contender.measure();
  const values = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, contender] of contenders.entries()) values[i]!.push(contender.measure());
  return contenders.map(({ name }, i) => ({ name, values: values[i]!, median: median(values[i]!), ratio: median(values[i]!.map((value, round) => value / values[0]![round]!)) }));
}

/** Prefix that keeps a process on one core, where there is taskset. */
const pinned: readonly string[] = existsSync("/usr/bin/taskset") ? ["/usr/bin/taskset", "-c", "0"] : [];

/** Milliseconds of processor time of one run of a command on one core, its output thrown away; throws when it fails. On a quiet machine that is the time it takes; beside others it is still the time it needs. */
export function timeCommand(command: readonly string[], env: NodeJS.ProcessEnv = {}): number {
  // The shell's own `time` tells of its child alone.
  const run = start(["bash", "-c", 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>/dev/null', "time", ...command], env);
  const [, user, system] = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(run.stderr.toString()) ?? [];
  if (run.status !== 0 || user === undefined) throw new Error(`${command.join(" ")} ended with ${run.status ?? run.signal}`);
  return (Number(user) + Number(system)) * 1000;
}

/** Runs a command on one core and parses what it prints as JSON. */
export function runJson<T>(command: readonly string[], env: NodeJS.ProcessEnv = {}): T {
  const run = start(command, env);
  if (run.status !== 0) throw new Error(`${command.join(" ")} ended with ${run.status ?? run.signal}: ${run.stderr.toString()}`);
  return JSON.parse(run.stdout.toString()) as T;
}

function start(command: readonly string[], env: NodeJS.ProcessEnv): SpawnSyncReturns<Buffer> {
  const [program = "", ...args] = [...pinned, ...command];
  return spawnSync(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1e9 });
}
