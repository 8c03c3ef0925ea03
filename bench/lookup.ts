// npm run bench -- lookup [--quick] [--write]
//
// 10,000 random addresses of a large real library (Debian's libjvm) named from
// its symbol cache: function, file, line, and what was inlined there. Processor
// time of a process from its start, of the same look-ups in a warm thread, and
// how far the answers agree with those of llvm-symbolizer and addr2line, which
// are asked the same. Contenders take turns; medians over the rounds.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { SourcePlace } from "../symbols/cache/module-symbols.ts";
import { compileSymbolFiles } from "../symbols/compile.ts";
import { cacheOfBytes, type SymbolCache } from "../symbols/cache/symbol-cache.ts";
import { debianLibjvm } from "./compile/debian-libjvm.ts";
import { type Agreement, agreementOf, binutilsFrames, llvmFrames } from "./lookup/agreement.ts";
import type { OneLookup } from "./lookup/one-lookup.ts";
import { median, runJson, takeTurns, timeCommand } from "./walk/rounds.ts";

const { values: flags } = parseArgs({ options: { quick: { type: "boolean" }, write: { type: "boolean" } } });
const root = path.join(import.meta.dirname, "..");
const rounds = flags.quick ? 1 : 5;
const folder = path.join(root, ".cache/bench/libjvm");
const quiet = "--disable-warning=ExperimentalWarning";
const addressCount = 10_000;

const libjvm = debianLibjvm(folder);
if ("missing" in libjvm) {
  process.stderr.write(`deadair: ${libjvm.missing}\n`);
  process.exit(1);
}
process.stderr.write("compiling libjvm\n");
const compiled = compileSymbolFiles([libjvm.library, libjvm.plain]);
if (!compiled.ok) throw new Error(compiled.problem.message);
const cacheFile = path.join(folder, "libjvm.symbols");
writeFileSync(cacheFile, compiled.value);
const cache = cacheOfBytes(cacheFile, compiled.value);
const addresses = randomAddresses(cache, libjvm.library);
const asked = path.join(folder, "addresses.txt");
writeFileSync(asked, addresses.map((rva) => `0x${rva.toString(16)}\n`).join(""));

const fromFile = (command: readonly string[]): readonly string[] => ["bash", "-c", `exec "$@" <"${asked}"`, "bash", ...command];
const ours = fromFile([process.execPath, quiet, path.join(root, "bin/deadair.ts"), "symbols", "lookup", cacheFile, "-"]);
const llvm = fromFile(["llvm-symbolizer-19", `--obj=${libjvm.plain}`, "--output-style=JSON", "--functions=linkage", "--no-demangle"]);
const binutils = fromFile(["addr2line", "-e", libjvm.plain, "-a", "-f", "-i"]);
const compileCache = { NODE_COMPILE_CACHE: path.join(folder, "code") };

process.stderr.write("asking the others\n");
const agreements = { "llvm-symbolizer": agreementOf(cache, addresses, llvmFrames(answers(llvm))), addr2line: agreementOf(cache, addresses, binutilsFrames(answers(binutils))) };

process.stderr.write("timing\n");
const warm = runJson<OneLookup>([process.execPath, quiet, path.join(root, "bench/lookup/one-lookup.ts"), cacheFile, asked]);
const [own, ...others] = takeTurns(rounds, [
  { name: "Deadair", measure: () => timeCommand(ours, compileCache) },
  { name: "llvm-symbolizer", measure: () => timeCommand(llvm) },
  { name: "addr2line", measure: () => timeCommand(binutils) },
]);

const perAddress = (ms: number): string => `${((ms * 1000) / addressCount).toFixed(1)} µs`;
const percent = ({ same, all }: Agreement): string => `${((100 * same) / all).toFixed(2)} % (${same} of ${all})`;
const table = [
  `Machine: ${os.cpus().length} × ${os.cpus()[0]?.model.replace(/ \d.*| Processor.*/, "").trim()}, Node ${process.versions.node}, load ${os.loadavg()[0]!.toFixed(1)} at the end. Commit ${answers(["git", "-C", root, "rev-parse", "--short", "HEAD"]).trim()}, ${new Date().toISOString().slice(0, 10)}. ${addressCount.toLocaleString("en")} random addresses in functions of libjvm (${(compiled.value.length / 1e6).toFixed(0)} MB of cache from 257 MB of .debug_info); processor time on one core; medians of ${rounds} round${rounds === 1 ? "" : "s"}.`,
  "",
  "| | a process from its start, an address | ratio | warm, an address | same function, file, line and inlined calls as ours |",
  "|---|---|---|---|---|",
  `| Deadair | ${perAddress(own!.median)} (${own!.median.toFixed(0)} ms in all) | 1 | ${(median(warm.nanoseconds) / 1000).toFixed(2)} µs with all names |  |`,
  ...others.map(({ name, median: ms, ratio }) => `| ${name} | ${perAddress(ms)} (${(ms / 1000).toFixed(1)} s) | ${ratio.toFixed(1)}× |  | ${percent(agreements[name as keyof typeof agreements])} |`),
].join("\n");
process.stdout.write(`${table}\n`);
for (const [name, { different }] of Object.entries(agreements)) for (const line of different.slice(0, 12)) process.stderr.write(`${name}: ${line}\n`);
if (flags.write) {
  const file = path.join(root, "docs/benchmarks.md");
  const [begin, end] = ["<!-- lookup -->", "<!-- /lookup -->"];
  const before = readFileSync(file, "utf8");
  const known = before.includes(begin) ? before : `${before.trimEnd()}\n\n## Look-ups\n\n\`npm run bench -- lookup --write\`\n\n${begin}\n${end}\n`;
  writeFileSync(file, `${known.slice(0, known.indexOf(begin) + begin.length)}\n${table}\n${known.slice(known.indexOf(end))}`);
}

/** Addresses in functions, the same in every run. */
function randomAddresses(symbols: SymbolCache, library: string): number[] {
  const [, start = "", size = ""] = / \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)/.exec(answers(["readelf", "-SW", library])) ?? [];
  let state = 1;
  const random = (): number => {
    // Lehmer's generator: good enough to spread addresses.
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
  const found: number[] = [];
  while (found.length < addressCount) {
    const rva = Number.parseInt(start, 16) + Math.floor(random() * Number.parseInt(size, 16));
    if (symbols.lookUp(rva, place) && !place.isPublic) found.push(rva);
  }
  return found;
}

/** What a command prints. */
function answers(command: readonly string[]): string {
  const done = spawnSync(command[0]!, command.slice(1), { encoding: "utf8", maxBuffer: 2 ** 30 });
  if (done.status !== 0) throw new Error(`${command.join(" ")} ended with ${done.status ?? done.signal}: ${done.stderr}`);
  return done.stdout;
}
