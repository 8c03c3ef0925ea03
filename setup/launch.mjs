#!/usr/bin/env node
// Starts Deadair: makes the checkout ready, then runs bin/deadair.ts under Node 24.
//
// It runs on any Node from 20 on, since that is what may be at hand, and from
// any folder: paths in the arguments are the caller's. npm changes into the
// checkout before it runs a script, so the folder that `npm run deadair` was
// called from is taken from INIT_CWD; `data`, the default data folder, is then
// still the one of the checkout.
//
// stdout is the command's alone: scripts read one line of JSON from it.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { prepare } from "./prepare.mjs";
import { findNode24, inRoot, root, SetupError } from "./paths.mjs";
import { whenNpmIsGone } from "./run.mjs";

// Uploads are buffers that live for milliseconds. A small young generation gives
// them back soon, and two malloc arenas keep what is left together: after a burst
// the processes hold a fifth less memory, and take uploads as fast within the
// noise (bench/pipeline.ts).
const youngMegabytes = "--max-semi-space-size=2";

/** The commands that serve the page. Building it for `symbols upload` on a build machine would be waste. */
const withPage = new Set(["up", "serve", "demo"]);

/** One Ctrl-C can come twice, from the terminal and from npm; a second one of the same person takes longer. */
const SAME_SIGNAL_MS = 500;

const args = process.argv.slice(2);
try {
  await prepare({ page: withPage.has(args[0] ?? ""), tools: false });
  run(findNode24());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`deadair: ${error.message}\n`);
  process.exitCode = 1;
}

/** @param {string} node */
function run(node) {
  const script = npmScript();
  const guard = pathToFileURL(inRoot("setup/with-launcher.mjs")).href;
  const child = spawn(node, ["--disable-warning=ExperimentalWarning", youngMegabytes, `--import=${guard}`, inRoot("bin/deadair.ts"), ...args], {
    stdio: "inherit",
    // In a session of its own it gets each signal once, from us. In ours, Ctrl-C or a signal
    // to the whole group would reach it twice, and a second one means "stop at once".
    detached: process.platform !== "win32",
    cwd: script?.calledFrom ?? process.cwd(),
    env: {
      // Compiled code is kept from one start to the next; where the checkout is read-only, Node does without.
      NODE_COMPILE_CACHE: inRoot(".cache/compile"),
      MALLOC_ARENA_MAX: "2",
      ...(script === undefined ? {} : { DEADAIR_DATA: inRoot("data") }),
      ...process.env,
    },
  });
  let last = Number.NEGATIVE_INFINITY;
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    const isSame = performance.now() - last < SAME_SIGNAL_MS;
    last = performance.now();
    // Windows gives Ctrl-C to everything in the console by itself.
    if (!isSame && process.platform !== "win32") child.kill(signal);
  };
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, forward);
  whenNpmIsGone(() => forward("SIGTERM"));
  child.once("error", (error) => {
    process.stderr.write(`deadair: ${node} cannot be started (${error.message}). It needs glibc: on Alpine, use a Debian image.\n`);
    process.exitCode = 1;
  });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 15);
  });
}

/**
 * Where this package's own npm script was called from. Other variables of npm are
 * inherited by whatever a script starts, tests above all, so all of them must fit.
 * @returns {{ calledFrom: string } | undefined}
 */
function npmScript() {
  const { INIT_CWD: calledFrom, npm_lifecycle_event: script, npm_package_json: manifest } = process.env;
  if (calledFrom === undefined || !["start", "deadair", "demo"].includes(script ?? "")) return undefined;
  if (manifest !== inRoot("package.json") || realpathSync(process.cwd()) !== realpathSync(root)) return undefined;
  return { calledFrom };
}
