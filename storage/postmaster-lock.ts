// Which server works in a cluster's folder, told by its lock file.
//
// The file, postmaster.pid, outlives a killed server, travels with a copied
// folder and can be cut off, and the process id in it can be somebody else's by
// now; so what it says is checked against the process itself where the system
// lets us look (/proc).
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";

/** What the file says: line 1 is the process id, line 2 the folder, line 4 the port (PostgreSQL, miscinit.h). The port comes late: a server that starts has none yet. */
export type LockFile = { readonly pid: number; readonly folder: string; readonly port: number | undefined };

function readLock(dir: string): LockFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(path.join(dir, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return undefined;
  }
  const port = Number(lines[3]);
  return { pid: Number(lines[0]), folder: lines[1] ?? "", port: Number.isInteger(port) && port > 0 ? port : undefined };
}

/** The live server of a folder; undefined when there is none. */
export function runningServer(dir: string): LockFile | undefined {
  const lock = readLock(dir);
  return lock !== undefined && isProcessId(lock.pid) && isAlive(lock.pid) && isServerOf(dir, lock) ? lock : undefined;
}

function isProcessId(pid: number): boolean {
  return Number.isInteger(pid) && pid > 1;
}

// A stale file can name a process id that something else has by now. In a folder
// that was copied it names the live server of the original, which is not ours
// to adopt, let alone to stop. A server's working folder is its cluster.
function isServerOf(dir: string, lock: LockFile): boolean {
  if (process.platform !== "linux") return path.resolve(lock.folder) === path.resolve(dir);
  return workingFolder(lock.pid) === realpathSync(dir) && isPostgres(lock.pid);
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    return false;
  }
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** Removes a lock file that would keep a server from starting for no reason. */
// Postgres clears a stale file away by itself, unless the file is unreadable or
// names a live process. Then we do, once it is sure that no process works in
// the folder: the children of a killed server do for a moment, and the file is
// what keeps a new server from starting beside them.
export function removeStaleLock(dir: string): void {
  const lock = readLock(dir);
  if (process.platform !== "linux" || lock === undefined || (isProcessId(lock.pid) && !isAlive(lock.pid))) return;
  const here = realpathSync(dir);
  const works = readdirSync("/proc").some((name) => /^\d+$/.test(name) && workingFolder(Number(name)) === here);
  if (!works) rmSync(path.join(dir, "postmaster.pid"), { force: true });
}

/** True while there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
