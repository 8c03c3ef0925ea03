// `deadair demo`: shows the product on something true. Our own plugin Halcyon
// (fixtures/) really crashed, in these ways, under Crashpad and Breakpad; the
// demo sends its symbol files and its dumps as a vendor's build machine and
// users would. The symbols of Tidewater, the plugin of "somebody else" in the
// same host, are left out: a vendor would not have them either.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs, styleText } from "node:util";
import { readSettings } from "../../config/settings.ts";
import type { GroupPage } from "../../services/triage/schema.ts";
import { readFirstSecrets } from "../data-folder.ts";
import { processTerminal, type Terminal } from "../terminal.ts";
import { crash } from "./crash.ts";
import { symbols } from "./symbols.ts";
import { up, type UpAnswer } from "./up.ts";

const help = `deadair demo [--data DIR] [--port N]

Sends our own plugin's symbol files and crashes to the Deadair that runs on DIR;
starts one first if none does, and leaves it running until Ctrl-C.
`;

const fixtures = path.join(import.meta.dirname, "..", "..", "fixtures", "out");

type Index = {
  readonly clientId: string;
  readonly modules: readonly { readonly name: string; readonly sym: string }[];
  readonly dumps: readonly { readonly file: string; readonly version: string; readonly client: string; readonly role: string; readonly phase: string }[];
};

/** Runs `deadair demo`. */
export async function demo(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { data: { type: "string" }, host: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } } });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const settings = readSettings(process.env, { dataDir: values.data, host: values.host, port: values.port });
  const url = settings.publicUrl ?? `http://${settings.host}:${settings.port}`;
  const secrets = readFirstSecrets(settings.dataDir);
  const running = secrets !== undefined && (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then((response) => response.ok, () => false));
  if (running) return send({ url, ...secrets });
  const flags = Object.entries(values).flatMap(([name, value]) => (typeof value === "string" ? [`--${name}`, value] : []));
  return up(flags, async (answer) => {
    await send(answer);
    process.stdout.write(`\n  Look at ${styleText("cyan", answer.signIn)}\n\n`);
  });
}

// The ids of 32 crashes are no news to anybody here; complaints are.
const quiet: Terminal = { ...processTerminal, out: () => {} };

type Target = Pick<UpAnswer, "url" | "project" | "ingestKey" | "symbolToken" | "readToken">;

async function send(target: Target): Promise<number> {
  if (target.symbolToken === null || target.readToken === null) throw new Error("The tokens of this project are not in the data folder; make new ones on the page and use `deadair symbols upload` and `deadair crash send`.");
  const index = JSON.parse(readFileSync(path.join(fixtures, "index.json"), "utf8")) as Index;
  const before = await groups(target);
  const files = index.modules.filter((module) => module.name !== "tidewater.so").map((module) => path.join(fixtures, module.sym));
  const system = path.join(fixtures, "sym-system");
  const sent = await symbols(["upload", "--url", target.url, "--token", target.symbolToken, "--project", target.project, ...files, ...(existsSync(system) ? [system] : [])]);
  if (sent !== 0) return sent;
  for (const dump of index.dumps) {
    const annotations = { guid: index.clientId, plugin_format: "LV2", thread_role: dump.role, phase: dump.phase };
    const fields = Object.entries(annotations).flatMap(([name, value]) => ["--annotation", `${name}=${value}`]);
    const code = await crash(["send", path.join(fixtures, dump.file), "--url", target.url, "--key", target.ingestKey, "--project", target.project, "--product", "Halcyon", "--version", dump.version, ...fields], quiet);
    if (code !== 0) return code;
  }
  await settled(target, before.items.reduce((sum, group) => sum + group.count, 0) + index.dumps.length);
  const after = await groups(target);
  const alerts = await ask<{ items: unknown[] }>(target, "/alerts?limit=200");
  process.stdout.write(`\n  ${styleText("bold", "crashes  signature")}\n`);
  for (const group of after.items) process.stdout.write(`  ${String(group.count).padStart(7)}  ${group.signature}\n`);
  process.stdout.write(`\n  ${index.dumps.length} crashes sent, ${after.items.length} groups (${after.items.length - before.items.length} new), ${alerts.items.length} alerts\n`);
  return 0;
}

function groups(target: Target): Promise<GroupPage> {
  return ask<GroupPage>(target, "/groups?sort=count&limit=200");
}

async function ask<T>(target: Target, at: string): Promise<T> {
  const response = await fetch(`${target.url}/api/v1/${target.project}${at}`, { headers: { authorization: `Bearer ${target.readToken}` } });
  if (!response.ok) throw new Error(`${target.url} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return (await response.json()) as T;
}

const settleMs = 60_000;

// Until the crashes are counted and nothing waits, so that what is printed is the whole truth.
async function settled(target: Target, count: number): Promise<void> {
  for (const until = Date.now() + settleMs; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const waiting = await ask<{ items: unknown[] }>(target, "/crashes?state=stored&limit=1");
    const page = await groups(target);
    const alerts = await ask<{ items: unknown[] }>(target, "/alerts?limit=200");
    if (waiting.items.length === 0 && page.items.reduce((sum, group) => sum + group.count, 0) >= count && alerts.items.length >= Math.min(200, page.items.length)) return;
  }
  process.stderr.write("deadair: the crashes are stored, but not all of them are walked yet; the page shows the rest as it comes.\n");
}
