// The thread that `deadair up` runs its workers in.
import { parentPort, workerData } from "node:worker_threads";
import type { Settings } from "../config/settings.ts";
import { openStorage } from "../storage/storage.ts";
import { startWorkers } from "../workers/workers.ts";
import { openErrorReports, openLog } from "./process.ts";

const { settings, databaseUrl, publicUrl } = workerData as { settings: Settings; databaseUrl: string; publicUrl: string };
const log = openLog(settings);
await openErrorReports(settings, log);
const storage = openStorage(settings, databaseUrl, { connections: 8, log });
const workers = startWorkers(storage, settings, () => publicUrl, log);

parentPort?.once("message", () => {
  void workers
    .stop()
    .then(() => storage.close())
    .then(() => process.exit(0));
});
