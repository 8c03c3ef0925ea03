// A server for the commands' tests: it records what comes and answers as told.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach } from "vitest";
import type { Terminal } from "../../bin/terminal.ts";

/** One request as it came; `body` is decompressed. */
export type Received = { readonly method: string; readonly url: string; readonly headers: IncomingMessage["headers"]; readonly body: Buffer };

/** Answers a request whose body was read; may also not answer. */
export type Answer = (request: Received, response: ServerResponse) => void;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Starts a server that ends with the test. */
export async function fakeServer(answer: Answer): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const raw = Buffer.concat(chunks);
      const entry = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw };
      received.push(entry);
      answer(entry, response);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown, headers: { [name: string]: string } = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A terminal that keeps what is written. */
export function fakeTerminal(env: NodeJS.ProcessEnv = {}): Terminal & { readonly outLines: string[]; readonly errLines: string[] } {
  const outLines: string[] = [];
  const errLines: string[] = [];
  return { env, outLines, errLines, out: (line) => void outLines.push(line), err: (line) => void errLines.push(line), retryMs: 5 };
}
