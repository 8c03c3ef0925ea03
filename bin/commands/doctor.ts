// deadair doctor: is everything here that Deadair runs on?
//
// Each check looks at one thing and says what it found; one that found something
// broken also says what to do. They run at the same time, change nothing, and
// never print a password: of a connection string only host and port are shown.
// To add one, add it to `checksFor`.
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { readSettings, type Settings } from "../../config/settings.ts";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { canEnter, findBinaries } from "../../storage/postmaster.ts";

/** What a check found: all well, not in use here, or broken with a remedy. */
type Finding = { readonly state: "ok" | "none"; readonly text: string } | { readonly state: "broken"; readonly text: string; readonly remedy: string };

type Check = { readonly name: string; run(): Finding | Promise<Finding> };

const connectMs = 5000;
/** Below this a busy day of dumps can fill the disk. */
const leastFreeBytes = 2 * 1024 ** 3;
const oldestPostgres = 15;
const root = path.resolve(import.meta.dirname, "../..");

const usage = "deadair doctor [--data DIR] [--json]";

/** Runs the command; resolves with its exit code: 1 when something is broken, 2 for wrong arguments. */
export async function doctor(args: string[]): Promise<number> {
  let flags: { data?: string | undefined; json?: boolean | undefined };
  try {
    flags = parseArgs({ args, options: { data: { type: "string" }, json: { type: "boolean" } } }).values;
  } catch (error) {
    console.error(`${messageOf(error)}\n${usage}`);
    return 2;
  }
  const findings = await Promise.all(checksFor(flags.data).map(async ({ name, run }) => ({ name, ...(await finding(run)) })));
  const healthy = findings.every(({ state }) => state !== "broken");
  if (flags.json) console.log(JSON.stringify({ healthy, checks: findings }));
  else for (const one of findings) console.log(`${{ ok: "✓", none: "–", broken: "✗" }[one.state]} ${one.name.padEnd(10)} ${one.text}${one.state === "broken" ? `\n${" ".repeat(13)}${one.remedy}` : ""}`);
  return healthy ? 0 : 1;
}

// A check that throws is a bug of the check, but the others are still of use.
async function finding(run: Check["run"]): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    return broken(`the check itself failed: ${messageOf(error)}`, "Please report this as a bug.");
  }
}

function checksFor(dataDir: string | undefined): Check[] {
  const machine: Check[] = [
    { name: "node", run: checkNode },
    { name: "walker", run: checkWalker },
    { name: "page", run: checkPage },
  ];
  let settings: Settings;
  try {
    settings = readSettings(process.env, { dataDir });
  } catch (error) {
    return [...machine, { name: "settings", run: () => broken(messageOf(error), "Correct that environment variable; docs/operating.md lists all of them.") }];
  }
  return [
    ...machine,
    { name: "postgres", run: () => (settings.databaseUrl === undefined ? checkEmbedded(settings.dataDir) : checkDatabase(settings.databaseUrl)) },
    { name: "queue", run: () => checkRedis(settings.redisUrl) },
    { name: "blobs", run: () => checkBlobs(settings.blobUrl) },
    { name: "data", run: () => checkData(settings.dataDir) },
    { name: "port", run: () => checkPort(settings.host, settings.port) },
  ];
}

// --- this machine -----------------------------------------------------------

function checkNode(): Finding {
  const where = `Node ${process.versions.node} on ${process.platform}-${process.arch}`;
  if (Number(process.versions.node.split(".")[0]) >= 24) return ok(where);
  return broken(where, "Deadair needs Node 24: start it by `npm run deadair -- doctor`, which brings its own.");
}

function checkWalker(): Finding {
  const walker = shippedWalker();
  if (walker === null) return broken(`no minidump walker for ${process.platform}-${process.arch}`, "Minidumps stay unwalked here (posted stack traces are not affected). Run a worker on linux-x64 or macOS, or the container image.");
  // Without arguments it prints how to be used.
  const run = spawnSync(walker.path, [], { encoding: "utf8", timeout: connectMs, stdio: ["ignore", "pipe", "pipe"] });
  if (/usage/i.test(run.stdout + run.stderr)) return ok(`Breakpad's minidump_stackwalk (minidump ${walker.version}) runs`);
  return broken(`${walker.path} does not run: ${run.error?.message ?? run.stderr.trim().slice(0, 200)}`, "It needs glibc and libstdc++: on Debian `apt-get install libstdc++6`; on Alpine use a Debian image.");
}

function checkPage(): Finding {
  if (existsSync(path.join(root, "web/dist/index.html"))) return ok("built");
  if (existsSync(path.join(root, "node_modules/vite"))) return none("not built yet; the next start builds it");
  return broken("not built, and Vite is not installed", "Run `npm ci --include=dev` and start by `npm start`.");
}

function checkEmbedded(dataDir: string): Finding {
  let postgres: string;
  try {
    postgres = findBinaries().postgres;
  } catch (error) {
    return broken(messageOf(error), "Install without --omit=optional, or set DATABASE_URL.");
  }
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? osUser("postgres") : undefined;
  const version = spawnSync(postgres, ["--version"], { encoding: "utf8", timeout: connectMs });
  if (version.status !== 0) return broken(`the embedded server does not run: ${version.error?.message ?? version.stderr.trim().slice(0, 200)}`, "Start by `npm start`, which links its libraries; on Alpine use a Debian image, or set DATABASE_URL.");
  const name = `embedded ${version.stdout.trim().replace(/^postgres \(PostgreSQL\) /, "Postgres ")}`;
  if (!isRoot) return ok(name);
  if (owner === undefined) return ok(`${name}; we are root, so the OS user postgres will be made to run it`);
  if (canEnter(postgres, owner) && canEnter(path.join(nearest(dataDir), "postgres"), owner)) return ok(`${name}, run by the OS user postgres since we are root`);
  if (existsSync("/usr/bin/setpriv") || existsSync("/bin/setpriv")) return ok(`${name}, run by the OS user postgres, whom setpriv lets into folders that are closed to it`);
  return broken(`${name} cannot be run: the OS user postgres may not enter ${postgres} or ${dataDir}`, "Move both to where it may (/opt, /srv), run Deadair as an ordinary user, or set DATABASE_URL.");
}

function osUser(name: string): { uid: number; gid: number } | undefined {
  const id = (flag: string) => Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }).toString());
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}

function checkData(dataDir: string): Finding {
  const folder = nearest(dataDir);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return broken(`${folder} cannot be written`, "Give it to the user that runs Deadair, or choose another folder by --data or DEADAIR_DATA.");
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = `${dataDir}${folder === dataDir ? "" : " (to be made)"}, ${(bavail * bsize / 1024 ** 3).toFixed(1)} GB free`;
  return bavail * bsize >= leastFreeBytes ? ok(free) : broken(free, "Free some space, shorten the retention of dumps, or move blobs to an S3 by BLOB_URL.");
}

/** The folder itself, or the nearest one above it that exists. */
function nearest(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder ? folder : nearest(path.dirname(folder));
}

async function checkPort(host: string, port: number): Promise<Finding> {
  const at = `${host}:${port}`;
  if (port === 0) return none("any free port is taken");
  const code = await tryToListen(host, port);
  if (code === undefined) return ok(`${at} is free`);
  if (code === "EACCES") return broken(`${at} may not be listened on by this user`, "Choose a port above 1023 by --port or PORT, with a proxy in front.");
  if (code !== "EADDRINUSE") return broken(`${at} cannot be listened on (${code})`, "HOST must be an address of this machine, such as 127.0.0.1 or 0.0.0.0.");
  const owner = portOwner(port);
  // Asking a server whether it is well is the commonest reason to come here.
  if (await isDeadair(host, port)) return ok(`${at}: Deadair is running there${owner === undefined ? "" : ` (${owner})`}`);
  return broken(`${at} is taken by ${owner ?? "another process"}`, "Stop it, or choose another port by --port or PORT.");
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function isDeadair(host: string, port: number): Promise<boolean> {
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  try {
    const answer = await fetch(`http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}/healthz`, { signal: AbortSignal.timeout(connectMs), redirect: "manual" });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/** The process that listens on a port, as `pid 12 (name)`. Linux alone tells, and only of processes that we may look into. */
function portOwner(port: number): string | undefined {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  // proc(5): local address, remote address and state (0A is LISTEN) are columns 1 to 3, the socket's inode is column 9.
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").slice(1) : [])).map((row) => row.trim().split(/\s+/));
  const sockets = new Set(rows.filter((row) => row[1]?.endsWith(wanted) && row[3] === "0A").map((row) => `socket:[${row[9]}]`));
  for (const pid of sockets.size === 0 ? [] : readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const holds = readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
      if (holds) return `pid ${pid} (${readFileSync(`/proc/${pid}/comm`, "utf8").trim()})`;
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
  return undefined;
}

// --- other servers ----------------------------------------------------------

async function checkDatabase(url: string): Promise<Finding> {
  const where = `DATABASE_URL (${hostOf(url)})`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectMs, query_timeout: connectMs });
  // A connection that breaks after the answer has no one else to tell.
  client.on("error", () => {});
  try {
    await client.connect();
    const version = Number((await client.query<{ version: string }>("select current_setting('server_version_num') as version")).rows[0]?.version) / 10_000;
    if (version < oldestPostgres) return broken(`${where} is Postgres ${Math.floor(version)}`, `Deadair needs Postgres ${oldestPostgres} or later.`);
    return ok(`${where} answers: Postgres ${Math.floor(version)}`);
  } catch (error) {
    return broken(`${where} cannot be used: ${messageOf(error)}`, "Check host, port, user, password and database of DATABASE_URL, and the server's pg_hba.conf.");
  } finally {
    await client.end().catch(() => {});
  }
}

async function checkRedis(urls: string | undefined): Promise<Finding> {
  if (urls === undefined) return none("on Postgres (REDIS_URL is not set)");
  const found = await Promise.all(urls.split(",").map((url) => checkRedisNode(url.trim())));
  return found.find(({ state }) => state === "broken") ?? { state: "ok", text: found.map(({ text }) => text).join("; ") };
}

async function checkRedisNode(url: string): Promise<Finding> {
  const where = `REDIS_URL (${hostOf(url)})`;
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: connectMs, commandTimeout: connectMs, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let why = "";
  redis.on("error", (error) => (why = error.message));
  try {
    await redis.connect();
    await redis.ping();
    const policy = /maxmemory_policy:(\S+)/.exec(await redis.info("memory"))?.[1];
    // An evicted key is a lost or half-lost job (BullMQ's production notes).
    if (policy !== undefined && policy !== "noeviction") return broken(`${where} may throw away jobs: its maxmemory-policy is ${policy}`, "Set maxmemory-policy to noeviction.");
    return ok(`${where} answers`);
  } catch (error) {
    return broken(`${where} cannot be used: ${why || messageOf(error)}`, "Check host, port and password of REDIS_URL.");
  } finally {
    redis.disconnect();
  }
}

async function checkBlobs(url: string | undefined): Promise<Finding> {
  if (url === undefined) return none("in the data folder (BLOB_URL is not set)");
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== "s3:") return broken("BLOB_URL is not an s3:// address", "It is written s3://KEY:SECRET@HOST[:PORT]/BUCKET[?region=R&tls=false].");
  const port = Number(parsed.port) || (parsed.searchParams.get("tls") === "false" ? 80 : 443);
  // Whether key and bucket are right shows at the first upload; here only whether anybody is there.
  const why = await tryToConnect(parsed.hostname, port);
  if (why === undefined) return ok(`BLOB_URL (${parsed.hostname}:${port}) can be connected to`);
  return broken(`BLOB_URL (${parsed.hostname}:${port}) cannot be connected to: ${why}`, "Check host and port of BLOB_URL, and that the S3 server runs.");
}

function tryToConnect(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: connectMs });
    const end = (why: string | undefined) => {
      socket.destroy();
      resolve(why);
    };
    socket.once("connect", () => end(undefined));
    socket.once("timeout", () => end(`no answer in ${connectMs / 1000} s`));
    socket.once("error", (error) => end(messageOf(error)));
  });
}

function hostOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? "unreadable address" : parsed.host || "local socket";
}

const ok = (text: string): Finding => ({ state: "ok", text });
const none = (text: string): Finding => ({ state: "none", text });
const broken = (text: string, remedy: string): Finding => ({ state: "broken", text, remedy });

// Connecting by a name with several addresses fails with an AggregateError, whose own message is empty.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
