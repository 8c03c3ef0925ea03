// Runs a command of the house under Node 24 with its output passed on.
//
// The child gets pipes and not our own stdout: a server that a test forgot would
// otherwise inherit the pipe of CI and hold it open after we have gone.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { findNode24, inRoot, root } from "./paths.mjs";

/**
 * Runs a Node script; resolves with its exit code when it has ended, whatever
 * its children do.
 * @param {string} script relative to the checkout
 * @param {readonly string[]} args
 * @param {{ env?: { [name: string]: string }, onStart?: (child: import("node:child_process").ChildProcess) => void }} [options]
 * @returns {Promise<number>}
 */
export function runScript(script, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(findNode24(), [inRoot(script), ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...colours(), ...options.env },
    });
    child.stdout.on("data", (chunk) => process.stdout.write(chunk));
    child.stderr.on("data", (chunk) => process.stderr.write(chunk));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      // What the child wrote last may still be in the pipe; its own children may never close it.
      const done = () => resolve(code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 15));
      const wait = setTimeout(done, 500);
      child.once("close", () => {
        clearTimeout(wait);
        done();
      });
    });
    options.onStart?.(child);
  });
}

// The child sees a pipe; whether there is a terminal behind it is for us to say.
function colours() {
  const wanted = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  return wanted ? { FORCE_COLOR: "1" } : { NO_COLOR: "1", FORCE_COLOR: undefined };
}

/**
 * Calls `gone` when npm, which started us, has ended. Told to stop, npm tells the
 * shell between it and us, and the shell dies without passing it on: on Debian
 * `npm start` would leave the server behind. Then our parent is another one.
 * @param {() => void} gone
 */
export function whenNpmIsGone(gone) {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    gone();
  }, 250);
  watch.unref();
}
