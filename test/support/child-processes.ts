// Processes and folders of tests that kill: whatever happens to a test, nothing
// of it outlives the file. A file that uses this says `afterAll(endEverything)`.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { eventually, sleep } from "./eventually.ts";

/** A process that a test started. */
export type TestProcess = {
  readonly pid: number;
  /** What it said on stderr, and the end of what it said on stdout. */
  said(): string;
  /** Resolves with the exit code, or the signal's name, once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Resolves with the first line of stdout; rejects with what was said when it ends before. */
  readonly firstLine: Promise<string>;
};

const children = new Set<ChildProcess>();
const folders = new Set<string>();
let files = 0;

// Even when the test runner itself is ended.
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Makes a folder that is removed at the end. The user that Postgres runs as may pass through it. */
export function testFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "deadair-kill-"));
  chmodSync(folder, 0o711);
  folders.add(folder);
  return folder;
}

/** Starts a process. Its pipes are always read, its stderr goes to a file of `folder`. */
export function startProcess(command: string, args: readonly string[], options: { folder: string; env?: NodeJS.ProcessEnv }): TestProcess {
  mkdirSync(options.folder, { recursive: true });
  const logFile = path.join(options.folder, `process-${files++}.log`);
  const log = openSync(logFile, "a");
  const child = spawn(command, args, { stdio: ["ignore", "pipe", log], env: options.env ?? process.env, cwd: options.folder });
  closeSync(log);
  children.add(child);
  let out = "";
  const said = () => `${existsSync(logFile) ? readFileSync(logFile, "utf8").slice(-20_000) : ""}${out.slice(-2000)}`;
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      children.delete(child);
      resolve(signal ?? code ?? -1);
    });
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf("\n");
      if (end >= 0) resolve(out.slice(0, end));
      if (out.length > 100_000) out = out.slice(-50_000);
    });
    ended.then((how) => reject(new Error(`${[command, ...args].join(" ")} ended (${how}) before it said anything: ${said()}`)), reject);
  });
  firstLine.catch(() => {});
  return {
    get pid() {
      return child.pid ?? -1;
    },
    said,
    ended,
    firstLine,
    kill(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Starts a script of ours with the Node that runs the tests. */
export function startScript(script: string, args: readonly string[], options: { folder: string; env?: NodeJS.ProcessEnv }): TestProcess {
  return startProcess(process.execPath, [script, ...args], options);
}

/** The living children of a process whose command line holds `command` (Linux only; elsewhere none). */
export function childrenOf(pid: number, command: string): number[] {
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
    return pids.filter((child) => isRunning(child) && readFileSync(`/proc/${child}/cmdline`, "utf8").includes(command));
  } catch {
    return [];
  }
}

/** The process id in a cluster's postmaster.pid, while that process lives. */
export function postmasterPid(clusterDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(path.join(clusterDir, "postmaster.pid"), "utf8").split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 && isRunning(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** True while a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Sends SIGKILL to the Postgres server of a cluster; returns its process id. */
export function killPostmaster(clusterDir: string): number {
  const pid = postmasterPid(clusterDir);
  if (pid === undefined) throw new Error(`no server runs in ${clusterDir}`);
  process.kill(pid, "SIGKILL");
  return pid;
}

/** Ends every process, also servers and children whose parent was killed, and removes the folders. */
export async function endEverything(): Promise<void> {
  const left = [...children];
  const grandchildren = left.flatMap((child) => (child.pid === undefined ? [] : childrenOf(child.pid, "worker-process")));
  await Promise.all(left.map((child) => new Promise<void>((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.once("exit", () => resolve()).kill("SIGKILL")))));
  // They end by themselves when their parent is gone; one that was only just starting would make its folder anew first.
  await eventually("the children of what was killed have ended", () => grandchildren.filter(isRunning), (pids) => pids.length === 0);
  for (const folder of folders) {
    for (const cluster of ["postgres", "data/postgres"]) await endPostmaster(path.join(folder, cluster));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  folders.clear();
}

async function endPostmaster(clusterDir: string): Promise<void> {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    for (let waited = 0; waited < 10_000; waited += 50) {
      const pid = postmasterPid(clusterDir);
      if (pid === undefined) return;
      if (waited === 0) process.kill(pid, signal);
      await sleep(50);
    }
  }
}
