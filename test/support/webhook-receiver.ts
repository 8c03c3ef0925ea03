// A receiver of webhooks for tests: keeps what arrives, checks the signature the
// way a stranger would (by the specification and WebCrypto, with none of our
// code), and answers by a script.
import { webcrypto } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/**
 * What the receiver does with a request.
 * `hang`: takes it and never answers. `drip`: says 200 and then a letter every
 * 20 ms, for ever. `flood`: says 200 and then as much as goes through, for ever. `cut`: closes the connection.
 */
export type Answer = number | "hang" | "drip" | "flood" | "cut" | { readonly status: number; readonly headers?: http.OutgoingHttpHeaders; readonly body?: string };

/** A request that arrived. */
export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** `unsigned` also when the receiver was given no secret. */
  readonly signature: "valid" | "wrong" | "unsigned";
};

export type WebhookReceiver = {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** What to answer, request by request; the last one stays. */
  script: Answer[];
  /** Signing secret (`whsec_…`) to check with. */
  secret: string | undefined;
  close(): Promise<void>;
};

/** Starts a receiver on a free port; answers 200 unless told otherwise. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let answered = 0;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const signature = await checkSignature(receiver.secret, request.headers, text);
    received.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, text, signature });
    const answer = receiver.script[Math.min(answered++, receiver.script.length - 1)] ?? 200;
    await reply(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    script: [],
    secret: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

async function reply(response: http.ServerResponse, answer: Answer): Promise<void> {
  if (answer === "hang") return;
  if (answer === "cut") return void response.destroy();
  if (answer === "flood") return void Readable.from(endless()).pipe(response.writeHead(200));
  if (answer === "drip") {
    response.writeHead(200);
    while (!response.destroyed) {
      response.write("d");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return;
  }
  const { status, headers = {}, body = "" } = typeof answer === "number" ? { status: answer } : answer;
  response.writeHead(status, headers).end(body);
}

function* endless(): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, "x");
  for (;;) yield chunk;
}

async function checkSignature(secret: string | undefined, headers: http.IncomingHttpHeaders, body: string): Promise<Received["signature"]> {
  const given = headers["webhook-signature"];
  if (secret === undefined || typeof given !== "string") return "unsigned";
  const age = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"]));
  const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, "")), (letter) => letter.charCodeAt(0));
  const key = await webcrypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const signed = new TextEncoder().encode([headers["webhook-id"], headers["webhook-timestamp"], body].join("."));
  for (const part of given.split(" ")) {
    const [version, base64 = ""] = part.split(",");
    const proof = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    if (version === "v1" && age < 300 && (await webcrypto.subtle.verify("HMAC", key, proof, signed))) return "valid";
  }
  return "wrong";
}
