// npm run bench -- walk [--quick] [--write] [--only NAME]
//
// The engine against the shipped Breakpad walker, and against rust-minidump
// where DEADAIR_RUST_MINIDUMP names a minidump-stackwalk (by hand, not in CI):
//   - a cold process from start to report, with 4 MB and with 48 MB of symbols
//     whose cache is there, as a user runs `deadair walk`
//   - reports a second in one warm thread: a dump's file read, parsed, walked,
//     and its whole JSON text made; a typical dump, a small one, a deep stack
//   - a `.sym` compiled into a cache, MB a second, and how large the cache is
//   - one address looked up: function, line, inlined functions and their names
//   - memory with the large cache open, and of four threads that share it
// Contenders take turns on one core, and their processor time is measured; medians
// of their ratios over the rounds.
// Symbols come from Debian's packages (walk/large-symbols.ts): as root, on Linux.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Report } from "../stackwalk/report.ts";
import { shippedWalker } from "../stackwalk/breakpad/walker-binary.ts";
import { type Input, makeInputs } from "./walk/inputs.ts";
import { type Contender, median, type Outcome, runJson, takeTurns, timeCommand } from "./walk/rounds.ts";

const { values: flags } = parseArgs({ options: { quick: { type: "boolean" }, write: { type: "boolean" }, only: { type: "string" } } });
const root = path.join(import.meta.dirname, "..");
const rounds = flags.quick ? 3 : 9;
const breakpad = shippedWalker();
const rust = process.env["DEADAIR_RUST_MINIDUMP"];
const quiet = "--disable-warning=ExperimentalWarning";
const folder = path.join(root, ".cache/bench/walk");
/** What setup/launch.mjs sets, so that code is compiled once and not at each start. */
const compiled: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: path.join(folder, "code") };

type Row = { readonly what: string; readonly ours: string; readonly peers: string; readonly aim: string };
const rows: Row[] = [];

function add(what: string, ours: string, peers: string, aim: string): void {
  rows.push({ what, ours, peers, aim });
  process.stderr.write(`${what}: ${ours}; ${peers}; aim ${aim}\n`);
}

/** One process from start to a whole report, for each walker. */
function cold(what: string, input: Input, aim: string): void {
  const { dump, symbols } = input;
  const args = ["walk", "--json", dump, "--symbols", symbols, "--cache", path.join(folder, "compiled")];
  const walk = [process.execPath, quiet, path.join(root, "bin/deadair.ts"), ...args];
  checkFrames(input, runJson<Report>(walk, compiled));
  const outcomes = takeTurns(rounds, [
    { name: "ours", measure: () => timeCommand(walk, compiled) },
    { name: "without Node's compile cache", measure: () => timeCommand(walk) },
    { name: "through the launcher", measure: () => timeCommand([process.execPath, path.join(root, "setup/launch.mjs"), ...args]) },
    { name: "bare Node", measure: () => timeCommand([process.execPath, "-e", "0"]) },
    ...peerContenders(input),
  ]);
  const [ours, uncached, launched, bare] = outcomes;
  add(what, `${ms(ours)} (${ms(uncached)} without Node's compile cache, ${ms(launched)} through the launcher; Node's own start is ${ms(bare)})`, peers(outcomes.slice(4)), aim);
}

function peerContenders({ dump, symbols }: Input): Contender[] {
  return [
    ...(breakpad === null ? [] : [{ name: "Breakpad", measure: () => timeCommand([breakpad.path, "-m", dump, symbols]) }]),
    ...(rust === undefined ? [] : [{ name: "rust-minidump", measure: () => timeCommand([rust, "--json", "--symbols-path", symbols, dump]) }]),
  ];
}

/** Throws when a walk did not find what was planned. */
function checkFrames({ name, expected }: Input, { threads }: Pick<Report, "threads">): void {
  const frames = threads.flatMap((thread) => thread.frames);
  const found = { frames: frames.length, inlines: frames.reduce((sum, frame) => sum + (frame.inlines?.length ?? 0), 0) };
  if (expected && (found.frames !== expected.frames || found.inlines !== expected.inlines)) throw new Error(`${name}: found ${JSON.stringify(found)}, planned ${JSON.stringify(expected)}`);
}

/** Reports a second in one thread. */
function warm(what: string, input: Input, aim: string): void {
  type Warm = { readonly perWalkMs: number; readonly jsonBytes: number; readonly frames: number; readonly inlines: number };
  let last: Warm | undefined;
  const ours: Contender = {
    name: "ours",
    measure: () => {
      last = inProcess<Warm>("warm", input.dump, input.sym);
      return last.perWalkMs;
    },
  };
  const outcomes = takeTurns(Math.ceil(rounds / 2), [ours, ...peerContenders(input)]);
  const { frames = 0, inlines = 0, jsonBytes = 0 } = last ?? {};
  if (input.expected && (frames !== input.expected.frames || inlines !== input.expected.inlines)) throw new Error(`${input.name}: found ${frames} frames and ${inlines} inlines, planned ${JSON.stringify(input.expected)}`);
  const each = outcomes[0]!.median;
  add(`${what}: ${frames} frames, ${inlines} inlines, ${(jsonBytes / 1000).toFixed(0)} kB of JSON`, `${(1000 / each).toFixed(0)} a second (${each.toFixed(2)} ms each)`, `a process each: ${peers(outcomes.slice(1))}`, aim);
}

/** Runs one measurement of walk/in-process.ts in a process of its own. */
function inProcess<T>(name: string, ...args: string[]): T {
  return runJson<T>([process.execPath, quiet, "--expose-gc", path.join(import.meta.dirname, "walk/in-process.ts"), name, ...args]);
}

/** `.sym` to cache, and the size of both. */
function compile(what: string, { sym }: Input): void {
  type Compiled = { readonly coldMs: number; readonly warmMs: number; readonly bytes: number };
  const runs = Array.from({ length: Math.ceil(rounds / 2) }, () => inProcess<Compiled>("compile", sym));
  const megabytes = statSync(sym).size / 1e6;
  const speed = (key: "coldMs" | "warmMs"): string => (megabytes / (median(runs.map((run) => run[key])) / 1000)).toFixed(0);
  add(`${what} → cache`, `${speed("warmMs")} MB/s (${speed("coldMs")} in a new process)`, "", "≥ 150 MB/s");
  const cache = runs[0]!.bytes / 1e6;
  add(`${what}: size of the cache`, `${cache.toFixed(1)} MB = 1/${(megabytes / cache).toFixed(1)}`, `${megabytes.toFixed(1)} MB of text`, "≤ 1/3");
}

function lookUps(what: string, { sym }: Input): void {
  type LookUps = { readonly micros: number; readonly named: number; readonly inlines: number };
  const runs = Array.from({ length: rounds }, () => inProcess<LookUps>("lookups", sym));
  add(`${what}: one look-up, random addresses`, `${median(runs.map((run) => run.micros)).toFixed(2)} µs with function, line, inlines and names`, "", "≤ 0.6 µs");
}

function memory(what: string, large: Input, medium: Input): void {
  type Memory = { readonly rss: number };
  const rss = (name: string, ...args: string[]): number => median(Array.from({ length: 3 }, () => inProcess<Memory>(name, ...args).rss)) / 1e6;
  const bare = rss("bare");
  const opened = rss("open", large.dump, large.sym) - bare;
  add(`${what}: memory with its cache open, after a walk`, `${opened.toFixed(0)} MB over bare Node (${bare.toFixed(0)} MB)`, breakpad === null ? "" : `Breakpad ${peakOf([breakpad.path, "-m", large.dump, large.symbols])} in all`, "≤ 40 MB");
  const further = (input: Input): string => ((rss("threads", "4", input.dump, input.sym) - rss("threads", "1", input.dump, input.sym)) / 3).toFixed(0);
  add("each further thread that walks with the same cache", `${further(large)} MB with 48 MB of symbols, ${further(medium)} MB with 4 MB: the thread itself`, "a copy of the symbols each", "one copy");
}

/** Most memory that a process used, where Python is there to ask the system. */
function peakOf(command: readonly string[]): string {
  if (!existsSync("/usr/bin/python3")) return "?";
  const script = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL);print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
  return `${(Number(execFileSync("/usr/bin/python3", ["-c", script, ...command]).toString()) / 1000).toFixed(0)} MB`;
}

const ms = (outcome: Outcome | undefined): string => (outcome === undefined ? "?" : `${outcome.median.toFixed(outcome.median < 20 ? 1 : 0)} ms`);
const peers = (outcomes: readonly Outcome[]): string => outcomes.map((outcome) => `${outcome.name} ${ms(outcome)} = ${outcome.ratio.toFixed(1)}×`).join(", ");

function table(missing: string | null): string {
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? "?"}, ${Math.round(os.totalmem() / 1024 ** 3)} GiB, ${os.type()} ${os.release().split("-")[0]}, Node ${process.versions.node}, load ${os.loadavg()[0]!.toFixed(1)} at the end`;
  const commit = execFileSync("git", ["-C", root, "rev-parse", "--short", "HEAD"]).toString().trim();
  return [
    `Machine: ${machine}. Commit ${commit}, ${new Date().toISOString().slice(0, 10)}. Processor time on one core; contenders take turns; medians of ${rounds} rounds, ratios are medians of each round's.${missing === null ? "" : ` Left out: ${missing}.`}`,
    "",
    "| | Deadair | others | aim |",
    "|---|---|---|---|",
    ...rows.map(({ what, ours, peers: theirs, aim }) => `| ${what} | ${ours} | ${theirs} | ${aim} |`),
  ].join("\n");
}

const inputs = makeInputs();
// Compiled by the compiler of today, even if its version did not change.
rmSync(path.join(folder, "compiled"), { recursive: true, force: true });
const isWanted = (name: string): boolean => flags.only === undefined || flags.only === name;
if (inputs.missing !== null) process.stderr.write(`deadair: ${inputs.missing}\n`);
if (isWanted("cold")) cold("cold process, small dump of our plugin", inputs.small, "");
if (isWanted("warm")) warm("warm thread, small dump of our plugin", inputs.small, "");
if (inputs.large) {
  const { medium, large, deep } = inputs.large;
  if (isWanted("cold")) cold("cold process, 4 MB of symbols, cache present", medium, "");
  if (isWanted("cold")) cold("cold process, 48 MB of symbols, cache present", large, "≥ 10× Breakpad");
  if (isWanted("warm")) warm("warm thread, 48 MB of symbols", large, "≥ 1,500 a second");
  if (isWanted("warm")) warm("warm thread, 4 MB of symbols", medium, "");
  if (isWanted("warm")) warm("warm thread, deep stack of 1 MB", deep, "");
  if (isWanted("compile")) compile("48 MB .sym", large);
  if (isWanted("lookups")) lookUps("48 MB .sym", large);
  if (isWanted("memory")) memory("48 MB .sym", large, medium);
}
const text = table(inputs.missing);
process.stdout.write(`${text}\n`);
if (flags.write) {
  const file = path.join(root, "docs/benchmarks.md");
  const marks = ["<!-- walk -->", "<!-- /walk -->"] as const;
  const before = readFileSync(file, "utf8");
  const known = before.includes(marks[0]) ? before : `${before.trimEnd()}\n\n## The engine\n\n\`npm run bench -- walk --write\`\n\n${marks[0]}\n${marks[1]}\n`;
  writeFileSync(file, `${known.slice(0, known.indexOf(marks[0]) + marks[0].length)}\n${text}\n${known.slice(known.indexOf(marks[1]))}`);
}
