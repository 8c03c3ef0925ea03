// The real thing, as child processes: what a person starts is what is killed here.
//
//   startUp       one `deadair up` on a folder, with its own Postgres
//   startScaled   one `deadair serve` and some `deadair work`, on a Postgres and
//                 perhaps a Redis and an S3 that are theirs alone
//
// Both can be killed and started again on the same folder and the same port.
// A file that uses this says `afterAll(endEverything)` (child-processes.ts).
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import type { UpAnswer } from "../../bin/commands/up.ts";
import type { FirstSecrets } from "../../services/access/accounts.ts";
import { type OpenDatabase, openDatabase } from "../../storage/database.ts";
import { type Postmaster, startPostmaster } from "../../storage/postmaster.ts";
import { startScript, type TestProcess, testFolder } from "./child-processes.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { type S3Server, startS3Server } from "./s3-server.ts";

const program = path.join(import.meta.dirname, "..", "..", "bin", "deadair.ts");
/** What no start takes, on any machine. */
const startSeconds = 120;

/** A running `deadair up`. */
export type RunningUp = {
  readonly dataDir: string;
  /** Folder of its embedded Postgres. */
  readonly clusterDir: string;
  /** What it printed at its last start. */
  readonly answer: UpAnswer;
  /** From spawn to the line that says it listens, at the last start. */
  readonly startMs: number;
  readonly url: string;
  readonly pid: number;
  /** Everything it logged since its last start. */
  said(): string;
  /** Sends a signal and waits for its end; Postgres may live on. */
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | NodeJS.Signals>;
  /** Starts it again on its folder and port. */
  start(): Promise<void>;
};

/** Starts `deadair up`; on a folder of its own unless `dataDir` names one. */
export async function startUp(options: { dataDir?: string; env?: NodeJS.ProcessEnv } = {}): Promise<RunningUp> {
  const folder = testFolder();
  const dataDir = options.dataDir ?? path.join(folder, "data");
  const port = await freePort();
  let child: TestProcess;
  let answer: UpAnswer;
  let startMs = 0;
  const start = async () => {
    const from = performance.now();
    child = startScript(program, ["up", "--data", dataDir, "--port", String(port), "--json"], { folder, env: environment(options.env) });
    answer = JSON.parse(await lineOf(child)) as UpAnswer;
    startMs = performance.now() - from;
  };
  await start();
  return {
    dataDir,
    clusterDir: path.join(dataDir, "postgres"),
    get answer() {
      return answer;
    },
    get startMs() {
      return startMs;
    },
    get url() {
      return answer.url;
    },
    get pid() {
      return child.pid;
    },
    said: () => child.said(),
    kill: (signal) => child.kill(signal),
    stop: () => child.kill("SIGTERM"),
    start,
  };
}

/** Opens the database of a `deadair up`, whose port may be another after each start. */
export function databaseOf(up: RunningUp): OpenDatabase {
  const { password, port } = JSON.parse(readFileSync(path.join(up.dataDir, "postgres.json"), "utf8")) as { password: string; port: number };
  return openDatabase(`postgres://deadair:${password}@127.0.0.1:${port}/deadair`, { max: 4, onError: () => {} });
}

/** One process of a scaled installation, that can be started again after its end. */
export type Part = { kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>; start(): Promise<void>; said(): string };

/** A running scaled installation. */
export type RunningScaled = {
  readonly url: string;
  readonly secrets: FirstSecrets;
  readonly databaseUrl: string;
  readonly clusterDir: string;
  readonly serve: Part;
  readonly workers: readonly Part[];
  /** Its Redis, when the queues are there. */
  readonly redis: RedisServer | undefined;
  readonly s3: S3Server | undefined;
  /** Ends what runs in this process; the rest is up to endEverything. */
  close(): Promise<void>;
};

/** Starts one `serve` and some `work` on a Postgres of their own, whose watcher is this process. */
export async function startScaled(options: { queue: "postgres" | "redis"; blobs: "folder" | "s3"; workers?: number; env?: NodeJS.ProcessEnv }): Promise<RunningScaled> {
  const folder = testFolder();
  const dataDir = path.join(folder, "data");
  const clusterDir = path.join(folder, "postgres");
  const postmaster: Postmaster = await startPostmaster({ dir: clusterDir, secretFile: path.join(folder, "postgres.json"), log: pino({ level: "silent" }) });
  const redis = options.queue === "redis" ? await startRedisServer() : undefined;
  const s3 = options.blobs === "s3" ? await startS3Server() : undefined;
  const env = environment({
    ...options.env,
    DATABASE_URL: postmaster.url,
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...(s3 ? { BLOB_URL: s3.bucket("deadair-test") } : {}),
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const part = async (args: readonly string[], isReady: (child: TestProcess) => Promise<boolean>): Promise<Part> => {
    let child: TestProcess;
    const start = async () => {
      child = startScript(program, args, { folder, env });
      const died = child.ended.then((how) => {
        throw new Error(`deadair ${args[0]} ended (${how}): ${child.said()}`);
      });
      died.catch(() => {});
      await Promise.race([died, eventually(`deadair ${args[0]} is ready`, () => isReady(child), (ready) => ready, { seconds: startSeconds })]);
    };
    await start();
    return { start, kill: (signal) => child.kill(signal), said: () => child.said() };
  };
  const secretsFile = path.join(dataDir, "first-start.json");
  const serve = await part(["serve", "--data", dataDir, "--host", "127.0.0.1", "--port", String(port)], async () => existsSync(secretsFile) && (await fetch(`${url}/healthz`)).ok);
  const workers = await Promise.all(Array.from({ length: options.workers ?? 2 }, () => part(["work", "--data", dataDir], async (child) => child.said().includes("working"))));
  return {
    url,
    secrets: JSON.parse(readFileSync(secretsFile, "utf8")) as FirstSecrets,
    databaseUrl: postmaster.url,
    clusterDir,
    serve,
    workers,
    redis,
    s3,
    async close() {
      await Promise.all([serve, ...workers].map((one) => one.kill("SIGKILL")));
      await postmaster.stop();
      await s3?.close();
    },
  };
}

async function lineOf(child: TestProcess): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer after ${startSeconds} s: ${child.said()}`)), startSeconds * 1000);
  });
  return Promise.race([child.firstLine, late]).finally(() => clearTimeout(timer));
}

// What the machine's own settings say must not reach the test; the mark of a test run must.
function environment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|REDIS_URL|BLOB_URL|PUBLIC_URL|SENTRY_DSN|SMTP_URL|HOST|PORT|DEADAIR_DATA|DEADAIR_LIMIT_.*|NODE_OPTIONS)$/.test(name)));
  return { ...clean, LOG_LEVEL: "info", ...env };
}
