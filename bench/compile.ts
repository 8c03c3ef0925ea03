// npm run bench -- compile [--quick] [--write] [--only NAME]
//
// Debug files compiled into symbol caches, a row a format: MB of files a second
// of one core's processor time, in a process that has compiled a few times before
// and in a new one, which V8 compiles our code in meanwhile; the most memory, and
// how large the cache is. Beside it what others
// take who read the same file: llvm-pdbutil and llvm-dwarfdump, which print it,
// and mozilla's dump_syms where DEADAIR_DUMP_SYMS names one (by hand, not in CI).
// Contenders take turns; medians of their ratios over the rounds.
// The Windows program is made by clang (compile/large-program.ts); the large library
// with DWARF is Debian's libjvm (compile/debian-libjvm.ts), against Breakpad's own
// dump_syms, with its sections inflated, which dump_syms needs, and as Debian has it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { OneCompile } from "./compile/one-compile.ts";
import { debianLibjvm, type Libjvm } from "./compile/debian-libjvm.ts";
import { largeProgram } from "./compile/large-program.ts";
import { unpackCabinet } from "../test/support/cabinet.ts";
import { median, runJson, takeTurns, timeCommand } from "./walk/rounds.ts";

const { values: flags } = parseArgs({ options: { quick: { type: "boolean" }, write: { type: "boolean" }, only: { type: "string" } } });
const root = path.join(import.meta.dirname, "..");
const rounds = flags.quick ? 3 : 7;
const folder = path.join(root, ".cache/bench/compile");
/** Compiles in one process, and those at its start that do not count: V8 goes on optimising for some. */
const warmTimes = 10;
const warmUp = 5;
const units = 12;

type Peer = { readonly name: string; readonly command: readonly string[] };
/** `isLarge` for files that take seconds, in which V8 has compiled our code: only new processes are measured. */
type Row = { readonly what: string; readonly files: readonly string[]; readonly peers: readonly Peer[]; readonly aim: string; readonly isLarge?: boolean };

const made = largeProgram(folder, units);
if (typeof made === "string") {
  process.stderr.write(`deadair: ${made}\n`);
  process.exit(1);
}
const dumpSyms = process.env["DEADAIR_DUMP_SYMS"];
const sym = path.join(folder, "large.sym");
writeSym([made.pdb, made.program], sym);

/** One that Microsoft's linker wrote, in a cabinet. */
const cabinet = path.join(root, "../shared/corpus/mozilla+dump_syms/test_data/windows/basic32.pd_");
const microsoft = path.join(folder, "basic32.pdb");
if (existsSync(cabinet) && !existsSync(microsoft)) writeFileSync(microsoft, unpackCabinet(readFileSync(cabinet)));

const libjvm = debianLibjvm(path.join(root, ".cache/bench/libjvm"));
if ("missing" in libjvm) process.stderr.write(`deadair: without libjvm: ${libjvm.missing}\n`);

const rows: readonly Row[] = [
  {
    what: "PDB, with its program",
    files: [made.pdb, made.program],
    peers: [{ name: "llvm-pdbutil dump", command: ["llvm-pdbutil-19", "dump", "--symbols", "--l", "--il", "--publics", made.pdb] }, ...(dumpSyms === undefined ? [] : [{ name: "mozilla dump_syms", command: [dumpSyms, "--inlines", made.program, "-o", path.join(folder, "dump_syms.sym")] }])],
    aim: "≥ 150 MB/s of PDB",
  },
  { what: "PDB alone", files: [made.pdb], peers: [], aim: "≥ 150 MB/s" },
  { what: "x64 program: unwind data and exports", files: [made.program], peers: [{ name: "llvm-readobj --unwind", command: ["llvm-readobj-19", "--unwind", made.program] }], aim: "" },
  { what: "x64 program with DWARF", files: [made.dwarf], peers: [{ name: "llvm-dwarfdump", command: ["llvm-dwarfdump-19", "--debug-info", "--debug-line", made.dwarf] }], aim: "" },
  ...(existsSync(microsoft) ? [{ what: "PDB by Visual C++ 2017 (../shared)", files: [microsoft], peers: [], aim: "≥ 150 MB/s" }] : []),
  ...("missing" in libjvm ? [] : libjvmRows(libjvm)),
  { what: ".sym of the PDB", files: [sym], peers: [], aim: "≥ 150 MB/s" },
];

const lines: string[] = [];
for (const row of rows) {
  if (flags.only !== undefined && !row.what.includes(flags.only)) continue;
  const line = measure(row);
  lines.push(line);
  process.stderr.write(`${line}\n`);
}

function libjvmRows({ library, plain, compressed }: Libjvm): Row[] {
  // -d: with inlined calls. It finds the debug file beside the library.
  const breakpad = { name: "Breakpad dump_syms", command: [path.join(root, "node_modules/minidump/bin/linux-x64/dump_syms"), "-d", library, path.dirname(library)] };
  const mozilla = dumpSyms === undefined ? [] : [{ name: "mozilla dump_syms", command: [dumpSyms, "--inlines", plain, "-o", path.join(folder, "dump_syms.sym")] }];
  return [
    { what: "libjvm with its debug file, 257 MB of .debug_info", files: [plain, library], peers: [breakpad, ...mozilla], aim: "≥ 4× Breakpad's dump_syms; memory ≤ 2× the debug information", isLarge: true },
    { what: "the same, sections compressed as Debian ships them", files: [compressed, library], peers: [], aim: "", isLarge: true },
  ];
}

function measure({ what, files, peers, aim, isLarge = false }: Row): string {
  const bytes = statSync(files[0]!).size;
  const compile = (times: number): OneCompile => runJson<OneCompile>([process.execPath, "--disable-warning=ExperimentalWarning", path.join(root, "bench/compile/one-compile.ts"), String(times), ...files]);
  const cold: OneCompile[] = [];
  const outcomes = takeTurns(rounds, [
    ...(isLarge ? [] : [{ name: "warm", measure: () => median(compile(warmTimes).times.slice(warmUp)) }]),
    {
      name: "cold",
      measure() {
        const one = compile(1);
        cold.push(one);
        return one.times[0]!;
      },
    },
    ...peers.map(({ name, command }) => ({ name, measure: () => timeCommand(command) })),
  ]);
  const first = outcomes[isLarge ? 0 : 1]!;
  const others = outcomes.slice(isLarge ? 1 : 2);
  const speed = (ms: number): string => (bytes / 1e6 / (ms / 1000)).toFixed(0);
  const peak = median(cold.map(({ peakKb, startKb }) => peakKb - startKb));
  const waited = isLarge ? `elapsed on both cores ${elapsed(files, peers)}` : "";
  const said = others.map(({ name, median: ms, ratio }) => `${name} ${(ms / 1000).toFixed(1)} s = ${ratio.toFixed(1)}×`).join(", ");
  const own = isLarge ? `${speed(first.median)} MB/s (${(first.median / 1000).toFixed(1)} s) in a new process` : `${speed(outcomes[0]!.median)} MB/s (${speed(first.median)} in a new process)`;
  return `| ${what}, ${(bytes / 1e6).toFixed(1)} MB | ${own} | ${(peak / 1024).toFixed(0)} MB over the loaded compiler | ${(cold[0]!.cacheBytes / 1e6).toFixed(1)} MB | ${[said, waited].filter((part) => part !== "").join("; ")} | ${aim} |`;
}

/** How long one waits for a new process, ours and each peer's, with all cores: V8 compiles our code on another one meanwhile. */
function elapsed(files: readonly string[], peers: readonly Peer[]): string {
  const seconds = (command: readonly string[]): number => {
    const started = performance.now();
    const done = spawnSync(command[0]!, command.slice(1), { stdio: "ignore" });
    if (done.status !== 0) throw new Error(`${command.join(" ")} ended with ${done.status ?? done.signal}`);
    return (performance.now() - started) / 1000;
  };
  const ours = [process.execPath, "--disable-warning=ExperimentalWarning", path.join(root, "bench/compile/one-compile.ts"), "1", ...files];
  const [own, ...others] = takeTurns(Math.min(rounds, 5), [{ name: "Deadair", measure: () => seconds(ours) }, ...peers.map(({ name, command }) => ({ name, measure: () => seconds(command) }))]);
  return [`${own!.median.toFixed(1)} s`, ...others.map(({ name, median: time, ratio }) => `${name} ${time.toFixed(1)} s = ${ratio.toFixed(1)}×`)].join(", ");
}

/** Writes a module's symbols as a `.sym` file, by the command that users have. */
function writeSym(files: readonly string[], target: string): void {
  const done = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", path.join(root, "bin/deadair.ts"), "symbols", "dump", ...files, "-o", target], { stdio: ["ignore", "inherit", "inherit"] });
  if (done.status !== 0) throw new Error("deadair symbols dump failed");
}

const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
const text = [
  `Machine: ${os.cpus().length} × ${os.cpus()[0]?.model.replace(/ \d.*| Processor.*/, "").trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}, Node ${process.versions.node}, load ${os.loadavg()[0]!.toFixed(1)} at the end. Commit ${commit}, ${new Date().toISOString().slice(0, 10)}. Processor time on one core; contenders take turns; medians of ${rounds} rounds. MB are those of the first file.`,
  "",
  "| | Deadair | memory | cache | others | aim |",
  "|---|---|---|---|---|---|",
  ...lines,
].join("\n");
process.stdout.write(`${text}\n`);
if (flags.write) {
  const file = path.join(root, "docs/benchmarks.md");
  const [begin, end] = ["<!-- compile -->", "<!-- /compile -->"];
  const before = readFileSync(file, "utf8");
  const known = before.includes(begin) ? before : `${before.trimEnd()}\n\n## Debug files\n\n\`npm run bench -- compile --write\`\n\n${begin}\n${end}\n`;
  writeFileSync(file, `${known.slice(0, known.indexOf(begin) + begin.length)}\n${text}\n${known.slice(known.indexOf(end))}`);
}
