// A process that starts an embedded server and holds it, for tests that kill the
// parent. Arguments: the cluster's folder, its secret file, and `once` to stop
// at once. Prints the server's address.
import { pino } from "pino";
import { startPostmaster } from "../../storage/postmaster.ts";

const [dir = "", secretFile = "", mode] = process.argv.slice(2);
const server = await startPostmaster({ dir, secretFile, log: pino({ level: "silent" }) });
process.stdout.write(`${server.url}\n`);
if (mode === "once") await server.stop();
else setInterval(() => {}, 60_000);
