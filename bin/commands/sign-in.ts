// `deadair sign-in`: a new link for the owner, for whoever has the machine. It
// ends older links; logins stay.
import path from "node:path";
import { parseArgs } from "node:util";
import { readSettings } from "../../config/settings.ts";
import { newSignInToken } from "../../services/access/accounts.ts";
import { openDatabase } from "../../storage/database.ts";
import { runningUrl } from "../../storage/postmaster.ts";

const help = `deadair sign-in [--data DIR] [--host H] [--port N]

Prints a new sign-in link for the server that runs on DIR, or on DATABASE_URL.
--host and --port, or PUBLIC_URL, say where people reach it.
`;

/** Runs `deadair sign-in`. */
export async function signIn(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { data: { type: "string" }, host: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } } });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const settings = readSettings(process.env, { dataDir: values.data, host: values.host, port: values.port });
  const folder = { dir: path.join(settings.dataDir, "postgres"), secretFile: path.join(settings.dataDir, "postgres.json") };
  const url = settings.databaseUrl ?? runningUrl(folder);
  if (url === undefined) throw new Error(`No Deadair runs on ${settings.dataDir}. Start it with \`deadair up\`, which prints a link, or name its folder with --data.`);
  const database = openDatabase(url, { max: 1, onError: () => {} });
  try {
    const base = settings.publicUrl ?? `http://${settings.host}:${settings.port}`;
    process.stdout.write(`${base}/sign-in?token=${await newSignInToken(database.db, settings.limits)}\n`);
    return 0;
  } finally {
    await database.close();
  }
}
