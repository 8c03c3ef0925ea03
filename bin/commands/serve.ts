// `deadair serve` and `deadair work`: the two halves of `up` for many machines.
// Both need DATABASE_URL; with more than one machine, BLOB_URL too.
import path from "node:path";
import { parseArgs } from "node:util";
import { readSettings, type Settings } from "../../config/settings.ts";
import { makeFirstProject, newSignInToken } from "../../services/access/accounts.ts";
import { buildServer } from "../../services/server.ts";
import { migrate } from "../../storage/migrate.ts";
import { openStorage } from "../../storage/storage.ts";
import { startWorkers } from "../../workers/workers.ts";
import { writeFirstSecrets } from "../data-folder.ts";
import { openErrorReports, openLog, untilStopped } from "../process.ts";
import { mkdirSync } from "node:fs";

const help = `deadair serve [--data DIR] [--host H] [--port N]     listens; any number of them
deadair work  [--data DIR]                            walks crashes, sends alerts; any number of them

Both need DATABASE_URL; REDIS_URL moves the queues to Redis or Valkey, BLOB_URL
the blobs to S3 (needed when they run on different machines). See docs/operating.md.
`;

/** Runs `deadair serve` until it is stopped. */
export async function serve(args: string[]): Promise<number> {
  const prepared = await prepare(args);
  if (typeof prepared === "number") return prepared;
  const { settings, databaseUrl, log } = prepared;
  const storage = openStorage(settings, databaseUrl, { connections: 16, log });
  storage.spool.clean(3600_000);
  const made = await makeFirstProject(storage.db, (secrets) => writeFirstSecrets(settings.dataDir, secrets));
  let url = settings.publicUrl ?? "";
  const app = await buildServer({ settings, storage, log, publicUrl: () => url }, await openErrorReports(settings, log));
  const listening = await app.listen({ host: settings.host, port: settings.port });
  url = settings.publicUrl ?? listening;
  log.info({ url }, "listening");
  if (made) {
    log.warn({ file: path.join(settings.dataDir, "first-start.json") }, "made the project `default`; its keys are in this file");
    process.stdout.write(`sign in: ${url}/sign-in?token=${await newSignInToken(storage.db, settings.limits)}\n`);
  }
  return untilStopped(log, async () => {
    await app.close();
    await storage.close();
  }).promise;
}

/** Runs `deadair work` until it is stopped. */
export async function work(args: string[]): Promise<number> {
  const prepared = await prepare(args);
  if (typeof prepared === "number") return prepared;
  const { settings, databaseUrl, log } = prepared;
  await openErrorReports(settings, log);
  const storage = openStorage(settings, databaseUrl, { connections: 8 + settings.walkConcurrency, log });
  const workers = startWorkers(storage, settings, () => settings.publicUrl, log);
  log.info("working");
  return untilStopped(log, async () => {
    await workers.stop();
    await storage.close();
  }).promise;
}

async function prepare(args: string[]): Promise<number | { settings: Settings; databaseUrl: string; log: ReturnType<typeof openLog> }> {
  const { values } = parseArgs({ args, options: { data: { type: "string" }, host: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } } });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const settings = readSettings(process.env, { dataDir: values.data, host: values.host, port: values.port });
  if (settings.databaseUrl === undefined) throw new Error("This command needs DATABASE_URL. For everything in one process, with its own database, use `deadair up`.");
  mkdirSync(settings.dataDir, { recursive: true });
  await migrate(settings.databaseUrl, { queues: settings.redisUrl === undefined });
  return { settings, databaseUrl: settings.databaseUrl, log: openLog(settings) };
}
