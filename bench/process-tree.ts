// What a process and everything it started use, from /proc (Linux only).
import { readdirSync, readFileSync } from "node:fs";

/** Ids of a process, its descendants, and the process groups of servers in `alsoMatching` (a detached Postgres is nobody's child). */
export function processTree(root: number, alsoMatching: string): number[] {
  const parents = new Map<number, number>();
  const found = new Set<number>([root]);
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      if (alsoMatching !== "" && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(alsoMatching)) found.add(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (!found.has(pid) && found.has(parent)) {
        found.add(pid);
        grown = true;
      }
    }
  }
  return [...found];
}

/** Proportional set size of processes together, in bytes: shared pages are counted once. */
export function memoryOf(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile, or is not ours to look at.
    }
  }
  return kilobytes * 1024;
}

/** Processor seconds that processes have used, those of their ended children included. */
export function cpuOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // proc(5): utime, stime, cutime, cstime are fields 14 to 17; the slice starts at field 3.
      for (const at of [11, 12, 13, 14]) ticks += Number(fields[at]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks / 100;
}
