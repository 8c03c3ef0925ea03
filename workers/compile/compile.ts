// compile: an uploaded symbol file becomes a symbol cache, so that the first
// crash that needs it finds it ready.
//
// It only saves time. A walk compiles what it does not find (stackwalk/pool),
// so the job may be lost, run twice, or run in another process than the walk:
// each machine has a cache folder of its own. A file that cannot be compiled is
// told in the log; the upload was checked, so it is rare, and walks say of its
// modules that their symbols are corrupt.
import type { EnginePool } from "../../stackwalk/pool/engine-pool.ts";
import type { Processor } from "../../storage/queues.ts";
import type { Storage } from "../../storage/storage.ts";

/** Makes the processor of the queue `compile`; without a pool, as when Breakpad walks, there is nothing to compile. */
export function compileProcessor(storage: Storage, pool: EnginePool | null): Processor<"compile"> {
  return async ({ blob }) => {
    if (pool === null) return;
    const path = await storage.blobs.path(blob);
    if (path !== null) await pool.compile([path]);
  };
}
