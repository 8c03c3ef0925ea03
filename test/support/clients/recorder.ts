// A server that stores what crash clients send, and answers as a crash server
// would. It knows nothing of Deadair: what arrives here is what the clients do.

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** One part of a multipart body. */
export type Part = {
  /** The file name, for files. */
  readonly filename: string | undefined;
  readonly data: Buffer;
};

/** One request, its body decoded. */
export type Recorded = {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The parts by name, when the body is multipart. */
  readonly parts: ReadonlyMap<string, Part>;
};

/** A running recorder. */
export type Recorder = {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  readonly requests: Recorded[];
  /** The status that uploads of dumps are answered with. */
  status: number;
  close(): Promise<void>;
};

/** What dumps are answered with. */
export const recordedCrashId = "01990000-1111-7222-8333-444455556666";

/** Starts a recorder on a free port. */
export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = request.url ?? "";
      const raw = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
      requests.push({ method: request.method ?? "", url, headers: request.headers, body, parts: partsOf(body, request.headers["content-type"]) });
      response.statusCode = /:|^\/put/.test(url) ? 200 : recorder.status;
      response.end(answerTo(url, recorder.base));
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const recorder: Recorder = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    status: 200,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return recorder;
}

// sym_upload finds these answers with regular expressions that want the spaces.
function answerTo(url: string, base: string): string {
  if (url.includes(":checkStatus")) return '{"status": "MISSING"}';
  if (url.includes("/uploads:create")) return `{"uploadUrl": "${base}/put/1", "uploadKey": "upload-1"}`;
  if (url.includes(":complete")) return '{"result": "OK"}';
  return recordedCrashId;
}

/** Splits a multipart body; latin1 keeps every byte. */
function partsOf(body: Buffer, contentType = ""): Map<string, Part> {
  const parts = new Map<string, Part>();
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1];
  if (boundary === undefined) return parts;
  for (const text of body.toString("latin1").split(`--${boundary}`).slice(1, -1)) {
    const end = text.indexOf("\r\n\r\n");
    const header = text.slice(0, end);
    const name = /[ ;]name="([^"]*)"/.exec(header)?.[1] ?? "";
    parts.set(name, { filename: /filename="([^"]*)"/.exec(header)?.[1], data: Buffer.from(text.slice(end + 4, -2), "latin1") });
  }
  return parts;
}
