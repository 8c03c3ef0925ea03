// One set-up at a time in one checkout: a lock that is a folder.
//
// A folder with its owner's name already inside is moved into place; moving onto
// a folder that is not empty fails, so exactly one of any number of starts gets
// it, and there is no moment when the lock has no owner. The owner touches it
// while it works. A lock whose owner is dead, or who has been silent for a
// minute, is taken over: the new owner first makes the folder `takeover` inside
// it, so that two starts that both found it stale cannot both have it.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";

const SILENT_MS = 60_000;
const TAKEOVER_MS = 10_000;
const POLL_MS = 100;

let serial = 0;

/**
 * Runs `work` while holding the lock, waiting for it as long as its owner lives.
 * @template T
 * @param {string} folder the lock's path; its parent exists
 * @param {() => void} onWait called once when another holds it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, onWait, work) {
  let waiting = false;
  while (!acquire(folder)) {
    if (!waiting) onWait();
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const heartbeat = setInterval(() => touch(folder), SILENT_MS / 6);
  const onExit = () => release(folder);
  process.once("exit", onExit);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener("exit", onExit);
    release(folder);
  }
}

/** @param {string} folder */
function acquire(folder) {
  const mine = `${folder}.${process.pid}.${serial++}`;
  mkdirSync(mine);
  writeFileSync(path.join(mine, "owner"), me());
  try {
    renameSync(mine, folder);
    return true;
  } catch {
    rmSync(mine, { recursive: true, force: true });
    return isStale(folder) && takeOver(folder);
  }
}

/** @param {string} folder */
function takeOver(folder) {
  const takeover = path.join(folder, "takeover");
  try {
    mkdirSync(takeover);
  } catch {
    // Someone else is at it, or the lock has gone; one who died half-way is cleared.
    if (ageMs(takeover) > TAKEOVER_MS) rmSync(takeover, { recursive: true, force: true });
    return false;
  }
  // Between the first look and now another start may have taken it over and live.
  const stale = isStale(folder);
  if (stale) {
    const owner = path.join(folder, "owner");
    writeFileSync(`${owner}.new`, me());
    renameSync(`${owner}.new`, owner);
  }
  rmSync(takeover, { recursive: true, force: true });
  return stale;
}

/** @param {string} folder */
function isStale(folder) {
  const owner = path.join(folder, "owner");
  let host;
  let pid;
  try {
    [host, pid] = readFileSync(owner, "utf8").split(" ");
  } catch {
    return false;
  }
  if (ageMs(owner) > SILENT_MS) return true;
  return host === hostname() && !isAlive(Number(pid));
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/** @param {string} file */
function ageMs(file) {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** @param {string} folder */
function touch(folder) {
  const now = new Date();
  try {
    if (isMine(folder)) utimesSync(path.join(folder, "owner"), now, now);
  } catch {
    // Gone or taken over after a long sleep of this machine: the steps are idempotent.
  }
}

/** @param {string} folder */
function release(folder) {
  if (!isMine(folder)) return;
  // Moved away whole: emptied in place, another start could move in half-way.
  const gone = `${folder}.${process.pid}.${serial++}`;
  try {
    renameSync(folder, gone);
    rmSync(gone, { recursive: true, force: true });
  } catch {
    // Taken over in this instant; it is no longer ours to remove.
  }
}

/** @param {string} folder */
function isMine(folder) {
  try {
    return readFileSync(path.join(folder, "owner"), "utf8") === me();
  } catch {
    return false;
  }
}

function me() {
  return `${hostname()} ${process.pid}`;
}
