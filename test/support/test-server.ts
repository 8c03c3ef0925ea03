// The real server on a real socket, over a database and a data folder of its own.
// Workers do not run: what is stored stays `stored`.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import pino from "pino";
import type { Limits } from "../../config/limits.ts";
import { readSettings } from "../../config/settings.ts";
import { type FirstSecrets, makeFirstProject } from "../../services/access/accounts.ts";
import { buildServer } from "../../services/server.ts";
import { openStorage, type Storage } from "../../storage/storage.ts";
import { testDatabase } from "./database.ts";

/** A server under test. */
export type TestServer = FirstSecrets & {
  readonly url: string;
  readonly port: number;
  readonly storage: Storage;
  readonly dataDir: string;
  /** Everything the server has logged. */
  readonly log: () => string;
  /** Files on the spool and in the blob store: what an upload has left behind. */
  readonly files: () => string[];
  close(): Promise<void>;
};

/** Starts a server; `limits` replace the defaults. */
export async function startTestServer(limits: Partial<Limits> = {}): Promise<TestServer> {
  const database = await testDatabase();
  const dataDir = mkdtempSync(path.join(os.tmpdir(), "deadair-server-"));
  const settings = { ...readSettings({}, { dataDir }), databaseUrl: database.url };
  let logged = "";
  const log = pino({ level: "debug" }, { write: (line: string) => void (logged += line) });
  const storage = openStorage(settings, database.url, { connections: 8, log });
  const secrets = await makeFirstProject(storage.db, () => {});
  if (secrets === undefined) throw new Error("the template database has a project already");
  let url = "";
  const app = await buildServer({ settings: { ...settings, limits: { ...settings.limits, ...limits } }, storage, log, publicUrl: () => url }, () => {});
  url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    ...secrets,
    url,
    port: (app.server.address() as AddressInfo).port,
    storage,
    dataDir,
    log: () => logged,
    files: () => ["spool", "blobs"].flatMap((dir) => readdirSync(path.join(dataDir, dir), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => `${dir}/${entry.name}`)),
    async close() {
      await app.close();
      await storage.close();
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Sends raw bytes to a server and returns all it answers; `hangUp` closes without waiting for an answer. */
export function rawRequest(port: number, chunks: readonly (string | Buffer)[], options: { hangUp?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      for (const chunk of chunks) socket.write(chunk);
      if (options.hangUp) setTimeout(() => socket.destroy(), 50);
    });
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) => (options.hangUp || error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(answer) : reject(error)));
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
  });
}
