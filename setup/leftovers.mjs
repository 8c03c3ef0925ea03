// Processes that a test run left behind.
//
// A run is marked by a variable in its environment, which every process that
// descends from it inherits, whatever process group or parent it has by then;
// and by its temporary folder, which is on the command line of what was started
// with another environment (Postgres). Only Linux lets us read either; elsewhere
// nothing is found.
import { readdirSync, readFileSync } from "node:fs";

/** The variable that marks a run. */
export const RUN_MARK = "DEADAIR_TEST_RUN";

/** How long a process has to end properly once it is told to. */
const LAST_WORDS_MS = 3000;

/**
 * @typedef {object} Run
 * @property {string} mark the value of the variable
 * @property {string} folder absolute path of the run's temporary folder
 */

/**
 * The live processes of a run, this one apart.
 * @param {Run} run
 * @returns {{ pid: number, command: string }[]}
 */
export function findLeftovers(run) {
  return listPids().flatMap((pid) => {
    if (pid === process.pid) return [];
    const command = readProc(pid, "cmdline").replaceAll("\0", " ").trim();
    if (!command.includes(run.folder) && !readProc(pid, "environ").split("\0").includes(`${RUN_MARK}=${run.mark}`)) return [];
    // A zombie has ended; it only waits for its parent.
    if (/^State:\s+Z/m.test(readProc(pid, "status"))) return [];
    return [{ pid, command: command.slice(0, 200) }];
  });
}

/**
 * Waits for the processes of a run to end by themselves, then ends the rest by their ids.
 * @param {Run} run
 * @param {number} graceMs
 * @returns {Promise<string[]>} the command lines of those that had to be ended
 */
export async function endLeftovers(run, graceMs) {
  await waitForEnd(run, graceMs);
  const left = findLeftovers(run);
  // SIGINT is Postgres's fast shutdown, and enough for most; a killed Postgres leaves shared memory.
  signal(left, "SIGINT");
  await waitForEnd(run, LAST_WORDS_MS);
  signal(findLeftovers(run), "SIGKILL");
  return left.map(({ command }) => command);
}

/**
 * @param {Run} run
 * @param {number} ms
 */
async function waitForEnd(run, ms) {
  const deadline = performance.now() + ms;
  while (findLeftovers(run).length > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
}

/**
 * @param {readonly { pid: number }[]} processes
 * @param {NodeJS.Signals} name
 */
function signal(processes, name) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended in between.
    }
  }
}

function listPids() {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

/**
 * @param {number} pid
 * @param {string} file
 */
function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
