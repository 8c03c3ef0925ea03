// npm run bench -- pipeline [--quick] [--write]
//
// The whole product as a user starts it, on each queue, over loopback:
//   - uploads of 1 MB accepted a second, durably, while the workers walk them
//   - milliseconds from an upload to its group and to its alert, idle
//   - crashes a second, and a second of processor time, through the whole pipeline
//   - idle memory of all processes together (launcher, server, workers, Postgres), before and after the load
// Numbers of one run on a shared machine are worth their order of magnitude; the
// median of three rounds is printed. --write puts the table into docs/benchmarks.md.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { UpAnswer } from "../bin/commands/up.ts";
import { syntheticCrash } from "../test/support/minidump-builder.ts";
import { startWebhookReceiver } from "../test/support/webhook-receiver.ts";
import { cpuOf, memoryOf, processTree } from "./process-tree.ts";

const { values: flags } = parseArgs({ options: { quick: { type: "boolean" }, write: { type: "boolean" } } });
const root = path.join(import.meta.dirname, "..");
const rounds = flags.quick ? 1 : 3;
const uploads = flags.quick ? 100 : 400;
const walks = flags.quick ? 100 : 300;
const probes = flags.quick ? 10 : 40;
const connections = 16;

type Started = { answer: UpAnswer; child: ChildProcess; dir: string; startMs: number; stop(): Promise<void> };
type Result = { queue: string; accepted: number[]; p99: number[]; toGroup: number[]; toAlert: number[]; perSecond: number[]; perCpuSecond: number[]; idle: number; memory: number; secondStart: number };

async function start(dir: string, env: NodeJS.ProcessEnv): Promise<Started> {
  const began = performance.now();
  const child = spawn(process.execPath, [path.join(root, "setup/launch.mjs"), "up", "--data", dir, "--port", "0", "--json"], {
    env: { ...process.env, LOG_LEVEL: "warn", ALLOW_PRIVATE_WEBHOOKS: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`deadair up ended with ${code}`)));
  });
  const startMs = performance.now() - began;
  return {
    answer: JSON.parse(line) as UpAnswer,
    child,
    dir,
    startMs,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGINT");
      }),
  };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: connections });

function post(url: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent, headers: { "content-type": "application/x-dmp", "content-length": body.length } }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`))));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function ask<T>(up: UpAnswer, at: string): Promise<T> {
  const response = await fetch(`${up.url}/api/v1/${up.project}${at}`, { headers: { authorization: `Bearer ${up.readToken}` } });
  return (await response.json()) as T;
}

async function drained(up: UpAnswer): Promise<void> {
  for (;;) {
    const { items } = await ask<{ items: unknown[] }>(up, "/crashes?state=stored&limit=1");
    if (items.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function atOnce<T>(count: number, parallel: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < count) {
        const index = next++;
        results.push(await work(index));
      }
    }),
  );
  return results;
}

const quantile = (values: readonly number[], q: number) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;
const median = (values: readonly number[]) => quantile(values, 0.5);

// A dump of the wanted size: a small crash, and random bytes that nothing points to.
let serial = 0;
function dumpOf(bytes: number, module = "bench.so", offset = 0x1000): Buffer {
  const crash = Buffer.from(syntheticCrash({ module, offset }));
  return Buffer.concat([crash, randomBytes(Math.max(8, bytes - crash.length)), Buffer.from(String(serial++))]);
}

async function measure(queue: string, env: NodeJS.ProcessEnv): Promise<Result> {
  const dir = mkdtempSync(path.join(os.tmpdir(), "deadair-bench-"));
  const receiver = await startWebhookReceiver();
  await (await start(dir, env)).stop();
  const up = await start(dir, env);
  const url = `${up.answer.url}/api/${up.answer.project}/minidump/?sentry_key=${up.answer.ingestKey}`;
  const result: Result = { queue, accepted: [], p99: [], toGroup: [], toAlert: [], perSecond: [], perCpuSecond: [], idle: 0, memory: 0, secondStart: up.startMs };
  const tree = () => processTree(up.child.pid!, dir);
  try {
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    result.idle = memoryOf(tree());
    await addWebhook(up.answer, receiver.url);
    for (let round = 0; round < rounds; round++) {
      await latency(up.answer, url, receiver, result, round);

      const big = Array.from({ length: uploads }, () => dumpOf(1_000_000));
      const times: number[] = [];
      const began = performance.now();
      await atOnce(uploads, connections, async (index) => {
        const sent = performance.now();
        await post(url, big[index]!);
        times.push(performance.now() - sent);
      });
      result.accepted.push((uploads / (performance.now() - began)) * 1000);
      result.p99.push(quantile(times, 0.99));
      await drained(up.answer);

      const small = Array.from({ length: walks }, () => dumpOf(4096));
      const cpu = cpuOf(tree());
      const walked = performance.now();
      await atOnce(walks, connections, (index) => post(url, small[index]!));
      await drained(up.answer);
      result.perSecond.push((walks / (performance.now() - walked)) * 1000);
      result.perCpuSecond.push(walks / Math.max(0.01, cpuOf(tree()) - cpu));
      process.stderr.write(`${queue}: round ${round + 1} of ${rounds} done\n`);
    }
    // Idle: long enough for pools to let go of what the load needed.
    await new Promise((resolve) => setTimeout(resolve, flags.quick ? 5000 : 30_000));
    result.memory = memoryOf(tree());
  } finally {
    await up.stop();
    await receiver.close();
    rmSync(dir, { recursive: true, force: true });
  }
  return result;
}

async function addWebhook(up: UpAnswer, target: string): Promise<void> {
  const signedIn = await fetch(up.signIn, { redirect: "manual" });
  const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
  const added = await fetch(`${up.url}/api/v1/${up.project}/destinations`, { method: "POST", headers: { cookie, "content-type": "application/json" }, body: JSON.stringify({ kind: "webhook", name: "bench", target }) });
  if (added.status !== 201) throw new Error(`no webhook: ${await added.text()}`);
}

async function latency(up: UpAnswer, url: string, receiver: Awaited<ReturnType<typeof startWebhookReceiver>>, result: Result, round: number): Promise<void> {
  for (let probe = 0; probe < probes; probe++) {
    // Every probe is a new signature, so that every one alerts.
    const body = dumpOf(50_000, `probe-${round}-${probe}.so`);
    const seen = receiver.received.length;
    const sent = performance.now();
    const id = await post(url, body);
    for (;;) {
      const crash = await ask<{ state: string }>(up, `/crashes/${id}`);
      if (crash.state !== "stored") break;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    result.toGroup.push(performance.now() - sent);
    while (receiver.received.length === seen) await new Promise((resolve) => setTimeout(resolve, 1));
    result.toAlert.push(performance.now() - sent);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

async function withRedis<T>(run: (url: string) => Promise<T>): Promise<T | undefined> {
  const binary = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].find((file) => existsSync(file));
  if (binary === undefined) return undefined;
  const dir = mkdtempSync(path.join(os.tmpdir(), "deadair-redis-"));
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const child = spawn(binary, ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--appendonly", "yes", "--maxmemory-policy", "noeviction"], { stdio: "ignore" });
  try {
    return await run(`redis://127.0.0.1:${port}`);
  } finally {
    child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  }
}

function table(results: readonly Result[]): string {
  const rows: [string, (result: Result) => string][] = [
    ["1 MB uploads accepted a second, durable, workers busy", (r) => `${median(r.accepted).toFixed(0)} (${r.accepted.map((n) => n.toFixed(0)).join(", ")})`],
    ["upload answered, p99 at 16 connections", (r) => `${median(r.p99).toFixed(0)} ms`],
    ["upload → group, idle, p50 / p99", (r) => `${median(r.toGroup).toFixed(0)} / ${quantile(r.toGroup, 0.99).toFixed(0)} ms`],
    ["upload → alert received, idle, p50 / p99", (r) => `${median(r.toAlert).toFixed(0)} / ${quantile(r.toAlert, 0.99).toFixed(0)} ms`],
    ["crashes a second, whole pipeline", (r) => `${median(r.perSecond).toFixed(0)} (${r.perSecond.map((n) => n.toFixed(0)).join(", ")})`],
    ["crashes a second of processor time", (r) => median(r.perCpuSecond).toFixed(1)],
    ["idle memory of all processes (PSS), after a start", (r) => `${(r.idle / 1024 / 1024).toFixed(0)} MB`],
    ["the same, half a minute after the load above", (r) => `${(r.memory / 1024 / 1024).toFixed(0)} MB`],
    ["second start, spawn to listening", (r) => `${(r.secondStart / 1000).toFixed(2)} s`],
  ];
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? "?"}, ${Math.round(os.totalmem() / 1024 ** 3)} GiB, ${os.type()} ${os.release().split("-")[0]}, Node ${process.versions.node}, load ${os.loadavg()[0]!.toFixed(1)} at the end`;
  const commit = execFileSync("git", ["-C", root, "rev-parse", "--short", "HEAD"]).toString().trim();
  return [
    `Machine: ${machine}. Commit ${commit}, ${new Date().toISOString().slice(0, 10)}. Client and server share the machine. Median of ${rounds} round(s) (each round in brackets): ${uploads} uploads of 1 MB and ${walks} of 4 kB at ${connections} connections, ${probes} probes of a new signature.`,
    "",
    `| | ${results.map((r) => r.queue).join(" | ")} |`,
    `|---|${results.map(() => "---").join("|")}|`,
    ...rows.map(([name, cell]) => `| ${name} | ${results.map(cell).join(" | ")} |`),
  ].join("\n");
}

const results = [await measure("queue on Postgres", {})];
const onRedis = await withRedis((url) => measure("queue on Redis", { REDIS_URL: url }));
if (onRedis) results.push(onRedis);
const text = table(results);
process.stdout.write(`${text}\n`);
if (flags.write) {
  const file = path.join(root, "docs/benchmarks.md");
  const marks = ["<!-- pipeline -->", "<!-- /pipeline -->"] as const;
  const before = existsSync(file) ? readFileSync(file, "utf8") : `# Benchmarks\n\n## Pipeline\n\n\`npm run bench -- pipeline --write\`\n\n${marks[0]}\n${marks[1]}\n`;
  writeFileSync(file, `${before.slice(0, before.indexOf(marks[0]) + marks[0].length)}\n${text}\n${before.slice(before.indexOf(marks[1]))}`);
}
process.exit(0);
