// The data folder: one process tree at a time owns it, and it keeps what the
// first start made, for scripts that start Deadair again.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { FirstSecrets } from "../services/access/accounts.ts";

/** Takes the folder, or throws a sentence naming who has it. The function it returns gives it back. */
export function takeDataFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const file = path.join(dir, "deadair.pid");
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw new Error(`The data folder ${dir} cannot be written: ${(error as Error).message}. Choose another with --data.`, { cause: error });
      const holder = Number(readFileSync(file, "utf8"));
      if (holder !== process.pid && isDeadair(holder)) throw new Error(`Deadair is already running on ${dir} (process ${holder}). Stop it, or choose another folder with --data.`, { cause: error });
      // Left by a process that was killed.
      rmSync(file, { force: true });
    }
  }
  throw new Error(`The data folder ${dir} is being taken by another process.`);
}

function isDeadair(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("deadair");
  } catch {
    return process.platform !== "linux";
  }
}

/** Reads what the first start on this folder made; undefined when it was made elsewhere. */
export function readFirstSecrets(dir: string): FirstSecrets | undefined {
  try {
    return JSON.parse(readFileSync(path.join(dir, "first-start.json"), "utf8")) as FirstSecrets;
  } catch {
    return undefined;
  }
}

/** Keeps what the first start made, readable by the owner only. */
export function writeFirstSecrets(dir: string, secrets: FirstSecrets): void {
  writeFileSync(path.join(dir, "first-start.json"), `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
}
