// What the test suites need from the machine, and why. Nothing here is needed to
// run Deadair. A suite whose program is missing skips and says so.
import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";

/**
 * @typedef {object} DebianPackage
 * @property {string} name of the Debian package
 * @property {string} probe a program in PATH, or an absolute path, that is there when it is installed
 * @property {string} reason which suites need it, and for what
 */

/** @type {readonly DebianPackage[]} */
export const debianPackages = [
  { name: "redis-server", probe: "redis-server", reason: "the queue's contract suite on BullMQ's Redis backend" },
  { name: "chromium", probe: "chromium", reason: "browser tests of the engineers' page, by playwright-core" },
  { name: "curl", probe: "curl", reason: "crash uploads by a client that is not ours" },
  { name: "g++", probe: "g++", reason: "building Breakpad's own senders, and compiling the examples of docs/clients.md" },
  { name: "make", probe: "make", reason: "building Breakpad's own senders" },
  { name: "python3", probe: "python3", reason: "running the signature check that docs/api.md gives in Python" },
  { name: "lilv-utils", probe: "lv2info", reason: "loading the fixture plugin in an LV2 host that is not ours" },
];

/** The packages that are missing on this machine. */
export function missingPackages() {
  return debianPackages.filter(({ probe }) => (path.isAbsolute(probe) ? !existsSync(probe) : !isInPath(probe)));
}

/** @param {string} program */
function isInPath(program) {
  return (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
