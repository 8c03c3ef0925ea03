// The workers: everything that runs behind, put together.
//
//   outbox dispatcher   rows → jobs
//   symbolicate         crash → frames → signature → group
//   alert               event → rules → deliveries
//   deliver             delivery → webhook, mail, chat
//   upkeep              counts, what queues lost, partitions
// One process runs all of them; more processes share the work.
import type { Logger } from "pino";
import type { Settings } from "../config/settings.ts";
import { breakpadStackwalker } from "../stackwalk/breakpad/breakpad-stackwalker.ts";
import { startDispatcher } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";
import { alertProcessor } from "./alert/alert.ts";
import { deliverProcessor } from "./deliver/deliver.ts";
import { symbolicateProcessor } from "./symbolicate/symbolicate.ts";
import { startUpkeep } from "./upkeep/upkeep.ts";

/** Running workers. */
export type Workers = {
  /** Stops taking work, waits for what is running. */
  stop(): Promise<void>;
};

const alertConcurrency = 4;
const deliverConcurrency = 8;

/** Starts the workers of this process. `publicUrl` is the page's address for links in alerts, once it is known. */
export function startWorkers(storage: Storage, settings: Settings, publicUrl: () => string | undefined, log: Logger): Workers {
  const { db, queues } = storage;
  const dispatcher = startDispatcher(db, storage.databaseUrl, queues, log);
  const consumers = [
    queues.consume("symbolicate", settings.walkConcurrency, symbolicateProcessor({ storage, settings, walker: breakpadStackwalker(), log })),
    queues.consume("alert", alertConcurrency, alertProcessor(db)),
    queues.consume("deliver", deliverConcurrency, deliverProcessor({ db, settings, publicUrl, log })),
  ];
  const upkeep = startUpkeep(storage, settings.limits, log);
  return {
    async stop() {
      await dispatcher.stop();
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await upkeep.stop();
    },
  };
}
