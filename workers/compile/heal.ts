// heal: crashes that waited for an uploaded file are walked again, batch after
// batch. All of it happens in one transaction a batch (storage/healing.ts).
import type { Database } from "../../storage/database.ts";
import { healNext } from "../../storage/healing.ts";
import type { Processor } from "../../storage/queues.ts";

/** Makes the processor of the queue `heal`. */
export function healProcessor(db: Database): Processor<"heal"> {
  return async (job) => void (await healNext(db, job));
}
