// The workers: everything that runs behind, put together.
//
//   outbox dispatcher   rows → jobs
//   symbolicate         crash → frames → signature → group
//   compile             debug files → symbol cache
//   heal                debug file → crashes that waited for it, due again
//   alert               event → rules → deliveries
//   deliver             delivery → webhook, mail, chat
//   upkeep              counts, what queues lost, partitions
// One process runs all of them; more processes share the work. Walking and
// compiling is done by threads of the engine's pool, or, where the setting says
// so, by Breakpad's walker in processes of its own.
import path from "node:path";
import type { Logger } from "pino";
import type { Settings } from "../config/settings.ts";
import { breakpadStackwalker } from "../stackwalk/breakpad/breakpad-stackwalker.ts";
import { enginePool, type EnginePool } from "../stackwalk/pool/engine-pool.ts";
import { startDispatcher } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";
import { alertProcessor } from "./alert/alert.ts";
import { compileProcessor } from "./compile/compile.ts";
import { healProcessor } from "./compile/heal.ts";
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
  const pool = openPool(settings, log);
  const consumers = [
    queues.consume("symbolicate", settings.walkConcurrency, symbolicateProcessor({ storage, settings, walker: settings.walker === "deadair" ? pool : breakpadStackwalker(), pool, log })),
    queues.consume("compile", 1, compileProcessor(storage, pool)),
    queues.consume("heal", 1, healProcessor(db)),
    queues.consume("alert", alertConcurrency, alertProcessor(db)),
    queues.consume("deliver", deliverConcurrency, deliverProcessor({ db, settings, publicUrl, log })),
  ];
  const upkeep = startUpkeep(storage, settings.limits, log);
  return {
    async stop() {
      await dispatcher.stop();
      await Promise.all(consumers.map((consumer) => consumer.close()));
      // Only now: ending a thread would end its walk as cancelled.
      await pool.close();
      await upkeep.stop();
    },
  };
}

function openPool({ limits, walkConcurrency, dataDir }: Settings, log: Logger): EnginePool {
  return enginePool({
    threads: walkConcurrency,
    cacheDir: path.join(dataDir, "cache", "symbols"),
    cacheBytes: limits.SYMBOL_CACHE_BYTES,
    openBytes: limits.OPEN_SYMBOLS_BYTES,
    memoryBytes: limits.WALK_MEMORY_BYTES,
    compileMs: limits.COMPILE_SECONDS * 1000,
    // A blob is named by the SHA-256 of its content.
    digest: (file) => path.basename(file),
    onUnusable: (file, reason) => log.warn({ blob: path.basename(file), reason }, "a symbol file cannot be compiled; its modules have no symbols"),
    onCrash: (error) => log.error({ err: error }, "a bug in the engine ended a walk"),
  });
}
