// A real redis-server for a test file: started, killed, started again on the
// same port, with or without what it knew.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { startProcess, type TestProcess, testFolder } from "./child-processes.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** Where redis-server is on this machine; undefined when it is not installed. */
export function redisServerBinary(): string | undefined {
  return ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server", "/opt/homebrew/bin/redis-server"].find((file) => existsSync(file));
}

export type RedisServer = {
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on its port; `forget` throws its data away first. */
  start(options?: { forget?: boolean }): Promise<void>;
};

/** Starts a server that writes each command to its append-only file before it answers. With `cluster` it is a Cluster of one node, which refuses what spans slots as one of many does; its `url` then names it twice, since several nodes are what makes ours a Cluster client. */
export async function startRedisServer(options: { cluster?: boolean } = {}): Promise<RedisServer> {
  const cluster = options.cluster === true;
  const binary = redisServerBinary();
  if (binary === undefined) throw new Error("redis-server is not installed");
  const folder = testFolder();
  const data = path.join(folder, "redis");
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let running: TestProcess | undefined;
  const start = async ({ forget = false }: { forget?: boolean } = {}) => {
    if (forget) rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true });
    running = startProcess(binary, ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction", ...(cluster ? ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"] : [])], { folder });
    await answers(url, cluster);
  };
  await start();
  return {
    url: cluster ? `${url},${url}` : url,
    start,
    async kill() {
      await running?.kill("SIGKILL");
      running = undefined;
    },
  };
}

async function answers(url: string, cluster: boolean): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => {});
  try {
    await eventually("redis-server answers", () => client.ping(), (answer) => answer === "PONG");
    if (!cluster) return;
    await client.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383").catch(() => "it has them already");
    await eventually("the cluster is whole", () => client.call("CLUSTER", "INFO"), (answer) => String(answer).includes("cluster_state:ok"));
  } finally {
    client.disconnect();
  }
}
