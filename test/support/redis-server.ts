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

/** Starts a server that writes each command to its append-only file before it answers. */
export async function startRedisServer(): Promise<RedisServer> {
  const binary = redisServerBinary();
  if (binary === undefined) throw new Error("redis-server is not installed");
  const folder = testFolder();
  const data = path.join(folder, "redis");
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let running: TestProcess | undefined;
  const start = async (options: { forget?: boolean } = {}) => {
    if (options.forget) rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true });
    running = startProcess(binary, ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"], { folder });
    await answers(url);
  };
  await start();
  return {
    url,
    start,
    async kill() {
      await running?.kill("SIGKILL");
      running = undefined;
    },
  };
}

async function answers(url: string): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => {});
  try {
    await eventually("redis-server answers", () => client.ping(), (answer) => answer === "PONG");
  } finally {
    client.disconnect();
  }
}
