// A consumer as a process of its own, for tests that kill one in the middle of a
// job. Arguments: backend URL kind (`postgres` or `redis`), URL, file to note
// jobs in. It starts each job, notes it, and never ends it.
import { appendFileSync } from "node:fs";
import { pino } from "pino";
import { openQueues } from "../../storage/queues.ts";

const [kind = "", url = "", file = ""] = process.argv.slice(2);
const queues = openQueues({ databaseUrl: kind === "postgres" ? url : "", redisUrl: kind === "redis" ? url : undefined, log: pino({ level: "silent" }) });
queues.consume("deliver", 1, async ({ delivery }) => {
  appendFileSync(file, `${delivery}\n`);
  await new Promise(() => {});
});
process.stdout.write("consuming\n");
setInterval(() => {}, 60_000);
