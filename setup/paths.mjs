// Where the house stands and which commands it runs: shared by the set-up scripts.
import { existsSync } from "node:fs";
import path from "node:path";

/** The folder of this checkout. */
export const root = path.resolve(import.meta.dirname, "..");

/**
 * An absolute path inside the checkout.
 * @param {...string} parts
 */
export function inRoot(...parts) {
  return path.join(root, ...parts);
}

/**
 * A failure that the person at the terminal can do something about.
 */
export class SetupError extends Error {
  /**
   * @param {string} cause what went wrong, one sentence without its full stop
   * @param {string} remedy what to do about it, one sentence
   */
  constructor(cause, remedy) {
    super(`${cause}. ${remedy}`);
    this.name = "SetupError";
  }
}

/**
 * The Node that runs TypeScript here: the pinned one that npm installed for this
 * platform, else the running one if it is new enough. npm has no package of the
 * pinned version for macOS, and ignore-scripts keeps the `node` package from
 * linking one, hence the platform packages by name.
 * @returns {string}
 */
export function findNode24() {
  const pinned = inRoot("node_modules", `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  throw new SetupError(
    `Deadair runs on Node 24, this is Node ${process.versions.node}, and no Node 24 came with the packages for ${process.platform}-${process.arch}`,
    process.platform === "darwin" ? "Run `brew install node@24` (or get it from nodejs.org) and start again." : "Install Node 24 from nodejs.org and start again, or delete node_modules if npm left optional packages out.",
  );
}

/**
 * The command line of npm: the one that is running us if there is one, since its
 * script runs under any Node; else the one beside this Node or in PATH.
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function findNpm() {
  const running = process.env["npm_execpath"];
  if (running !== undefined && path.basename(running) === "npm-cli.js" && existsSync(running)) return { command: process.execPath, args: [running], shell: false };
  // npm is npm.cmd on Windows, which only a shell can start.
  return { command: "npm", args: [], shell: process.platform === "win32" };
}
