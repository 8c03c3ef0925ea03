// A process that compiles the files of one module, some times, and prints as
// JSON what it took: a helper of bench/compile.ts, in a process of its own so
// that its memory is its own.
import { compileSymbolFiles } from "../../symbols/compile.ts";

/** What a run printed. */
export type OneCompile = {
  /** Milliseconds of processor time of each compile. */
  readonly times: readonly number[];
  readonly cacheBytes: number;
  /** Most memory that the process had, in kilobytes; and before it compiled. */
  readonly peakKb: number;
  readonly startKb: number;
};

const [times = "1", ...paths] = process.argv.slice(2);
const startKb = process.resourceUsage().maxRSS;
const spent: number[] = [];
let cacheBytes = 0;
let peakKb = 0;
for (let i = 0; i < Number(times); i++) {
  const before = process.cpuUsage();
  const compiled = compileSymbolFiles(paths);
  const { user, system } = process.cpuUsage(before);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  spent.push((user + system) / 1000);
  cacheBytes = compiled.value.length;
  // The first one's: later ones add what was not collected yet.
  if (i === 0) peakKb = process.resourceUsage().maxRSS;
}
process.stdout.write(`${JSON.stringify({ times: spent, cacheBytes, peakKb, startKb } satisfies OneCompile)}\n`);
