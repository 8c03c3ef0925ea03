// `deadair up`: everything in one process tree. Postgres is started (or adopted)
// in the data folder unless DATABASE_URL names one; the server listens in this
// process, the workers run in a child of it (worker-process.ts says why), at a
// lower priority: an upload that waits is a crash that may be lost, a walk that
// waits is only late.
import { type ChildProcess, fork } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { parseArgs, styleText } from "node:util";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { readSettings, type Settings } from "../../config/settings.ts";
import { type FirstSecrets, makeFirstProject, newSignInToken } from "../../services/access/accounts.ts";
import { dsnOf } from "../../services/access/routes.ts";
import { buildServer } from "../../services/server.ts";
import { migrate } from "../../storage/migrate.ts";
import { startPostmaster } from "../../storage/postmaster.ts";
import { openStorage, type Storage } from "../../storage/storage.ts";
import { readFirstSecrets, takeDataFolder, writeFirstSecrets } from "../data-folder.ts";
import { openErrorReports, openLog, untilStopped } from "../process.ts";
import type { WorkerOrders } from "../worker-process.ts";

const help = `deadair up [--data DIR] [--host H] [--port N] [--json]

Starts everything: database, server, workers. The first start makes the project
"default" and prints its keys; each start prints a new sign-in link.

  --data DIR   folder that holds everything (default: data; env DEADAIR_DATA)
  --host H     address to listen on (default: 127.0.0.1; env HOST)
  --port N     port to listen on, 0 for a free one (default: 8088; env PORT)
  --json       print one line of JSON once it listens, for scripts
`;

/** What `up` says once it listens. */
export type UpAnswer = { url: string; signIn: string; dsn: string; project: string; ingestKey: string; symbolToken: string | null; readToken: string | null };

/** Runs `deadair up` until it is stopped; returns the exit code. `onListening` is called once it listens. */
export async function up(args: string[], onListening: (answer: UpAnswer) => Promise<void> = async () => {}): Promise<number> {
  const { values } = parseArgs({ args, options: { data: { type: "string" }, host: { type: "string" }, port: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } } });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const settings = readSettings(process.env, { dataDir: values.data, host: values.host, port: values.port });
  const log = openLog(values.json || process.env["LOG_LEVEL"] !== undefined ? settings : { ...settings, logLevel: "warn" });
  const release = takeDataFolder(settings.dataDir);
  try {
    const running = await startAll(settings, log);
    const ended = untilStopped(log, running.stop);
    running.onWorkersLost(() => ended.stop(1));
    if (values.json) process.stdout.write(`${JSON.stringify(running.answer)}\n`);
    else printWelcome(running.answer, running.first);
    onListening(running.answer).catch((error: unknown) => log.error({ err: error }, "what was to follow the start failed"));
    return await ended.promise;
  } finally {
    release();
  }
}

type Running = { answer: UpAnswer; first: boolean; onWorkersLost(give: () => void): void; stop(): Promise<void> };

async function startAll(settings: Settings, log: Logger): Promise<Running> {
  const closing: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closing.reverse()) await close();
  };
  try {
    let databaseUrl = settings.databaseUrl;
    if (databaseUrl === undefined) {
      const postmaster = await startPostmaster({ dir: path.join(settings.dataDir, "postgres"), secretFile: path.join(settings.dataDir, "postgres.json"), log });
      closing.push(postmaster.stop);
      databaseUrl = postmaster.url;
    }
    const migrations = await migrate(databaseUrl, { queues: settings.redisUrl === undefined });
    if (migrations.length > 0) log.info({ migrations }, "the database is up to date");
    const storage = openStorage(settings, databaseUrl, { connections: 12, log });
    closing.push(storage.close);
    storage.spool.clean(3600_000);
    const made = await makeFirstProject(storage.db, (secrets) => writeFirstSecrets(settings.dataDir, secrets));

    let url = settings.publicUrl ?? "";
    const app = await buildServer({ settings, storage, log, publicUrl: () => url }, await openErrorReports(settings, log));
    closing.push(() => app.close());
    url = settings.publicUrl ?? listenUrl(app, await app.listen({ host: settings.host, port: settings.port }).catch(explainListen(settings)));

    const workers = startWorkerProcess({ settings, databaseUrl, publicUrl: url }, log);
    closing.push(workers.stop);
    return { answer: await answerOf(storage, settings, url, made), first: made !== undefined, onWorkersLost: workers.onLost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

// What `listen` returns names an address nobody can open when it is 0.0.0.0.
function listenUrl(app: FastifyInstance, fallback: string): string {
  const address = app.server.address();
  if (address === null || typeof address === "string") return fallback;
  const host = ["0.0.0.0", "::"].includes(address.address) ? "localhost" : address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function explainListen(settings: Settings): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === "EADDRINUSE") throw new Error(`Port ${settings.port} on ${settings.host} is taken. Choose another with --port, or 0 for a free one.`);
    if (error.code === "EACCES") throw new Error(`Port ${settings.port} needs more rights than this user has. Choose one above 1023 with --port.`);
    throw error;
  };
}

const quickDeathMs = 5000;
const workerPriority = 5;
const workerStopMs = 15_000;

// The workers' process. If it dies, of memory or of a bug, a new one takes over:
// what it was doing is still on the queue. One that dies at once, again and
// again, ends everything, so that whoever supervises us notices.
function startWorkerProcess(orders: WorkerOrders, log: Logger): { stop(): Promise<void>; onLost(give: () => void): void } {
  let lost = () => {};
  let stopping = false;
  let quickDeaths = 0;
  let child: ChildProcess;
  let exited: Promise<unknown>;
  const start = () => {
    const startedAt = Date.now();
    // Its stdout is ours to keep clean; what it logs goes to stderr.
    child = fork(path.join(import.meta.dirname, "..", "worker-process.ts"), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child.on("error", (error) => log.error({ err: error }, "the workers' process failed"));
    child.once("spawn", () => lowerPriority(child.pid));
    child.send(orders);
    exited = new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        resolve(code);
        if (stopping) return;
        quickDeaths = Date.now() - startedAt < quickDeathMs ? quickDeaths + 1 : 0;
        if (quickDeaths >= 3) return lost();
        log.warn({ code, signal }, "the workers' process has ended; starting it again");
        start();
      }),
    );
  };
  start();
  return {
    onLost(give) {
      lost = give;
    },
    async stop() {
      stopping = true;
      if (child.connected) child.send("stop");
      const timer = setTimeout(() => child.kill("SIGKILL"), workerStopMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) os.setPriority(pid, workerPriority);
  } catch {
    // Where that is not allowed, uploads and walks share as they may.
  }
}

async function answerOf(storage: Storage, settings: Settings, url: string, made: FirstSecrets | undefined): Promise<UpAnswer> {
  const project = await storage.db.selectFrom("projects").select(["id", "slug", "ingest_key"]).orderBy("id").limit(1).executeTakeFirstOrThrow();
  const secrets = made ?? readFirstSecrets(settings.dataDir);
  return {
    url,
    signIn: `${url}/sign-in?token=${await newSignInToken(storage.db, settings.limits)}`,
    dsn: dsnOf(url, project.ingest_key, project.id),
    project: project.slug,
    ingestKey: project.ingest_key,
    symbolToken: secrets?.symbolToken ?? null,
    readToken: secrets?.readToken ?? null,
  };
}

function printWelcome(answer: UpAnswer, first: boolean): void {
  const line = (label: string, value: string) => `  ${styleText("dim", label.padEnd(14))}${value}\n`;
  process.stdout.write(
    `\n${styleText("bold", "Deadair is on.")}\n\n` +
      line("page", answer.url) +
      line("sign in", styleText("cyan", answer.signIn)) +
      line("project", answer.project) +
      line("upload key", answer.ingestKey) +
      (first && answer.symbolToken && answer.readToken ? line("symbol token", answer.symbolToken) + line("read token", answer.readToken) : "") +
      `\n  send a crash:  curl -F upload_file_minidump=@crash.dmp '${answer.url}/api/${answer.project}/minidump/?sentry_key=${answer.ingestKey}'\n` +
      `  see a demo:    npm run demo\n  stop:          Ctrl-C\n\n`,
  );
}
