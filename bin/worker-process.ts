// The process that `deadair up` runs its workers in, one per `up`. It gets what
// it needs as its first message, and ends when it is told to or when its parent
// is gone: what it was doing is still on the queue, for the next start.
//
// It is a process and not a thread because the walker is a program of its own:
// starting one forks, and a fork of the server would stop its uploads for the
// time it takes to copy the page tables, and slow them while pages are copied after.
import process from "node:process";
import type { Settings } from "../config/settings.ts";
import { openStorage } from "../storage/storage.ts";
import { startWorkers } from "../workers/workers.ts";
import { openErrorReports, openLog } from "./process.ts";

/** What the parent sends first. */
export type WorkerOrders = { readonly settings: Settings; readonly databaseUrl: string; readonly publicUrl: string };

// A signal to the whole group, as Ctrl-C is, reaches the parent too, and it decides.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

process.once("message", (message) => {
  const { settings, databaseUrl, publicUrl } = message as WorkerOrders;
  const log = openLog(settings);
  void openErrorReports(settings, log);
  const storage = openStorage(settings, databaseUrl, { connections: 8, log });
  const workers = startWorkers(storage, settings, () => publicUrl, log);
  const stop = async () => {
    await workers.stop();
    await storage.close();
    process.exit(0);
  };
  process.once("message", stop);
  process.once("disconnect", () => process.exit(0));
});
