// How problems become answers. Every error answers {error, message, hint}.
import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";
import type { Problem } from "../config/problem.ts";
import { BlobStoreAway } from "../storage/blobs/blobs.ts";

/** Answers a problem. */
export function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type("application/json; charset=utf-8").send(JSON.stringify({ error: problem.code, message: problem.message, hint: problem.hint }));
}

/** Maps what routes throw, and what Fastify itself refuses, to the same shape. A bug is logged with its stack and answered without it. */
export function installErrorHandler(app: FastifyInstance, report: (error: unknown) => void): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (isDatabaseAway(error)) {
      reply.header("retry-after", "5");
      return answerProblem(reply, { status: 503, code: "storage_unavailable", message: "The database cannot be reached at the moment.", hint: "Nothing was stored. Send it again in a few seconds." });
    }
    if (isUnstorableText(error)) return answerProblem(reply, { status: 400, code: "bad_text", message: "A text in the request holds a NUL character.", hint: "Leave it out." });
    if (error instanceof BlobStoreAway) {
      request.log.error({ err: error }, "the blob store is away");
      reply.header("retry-after", "5");
      return answerProblem(reply, { status: 503, code: "blob_store_unavailable", message: "The blob store cannot be reached at the moment.", hint: "Nothing was stored. Send it again in a few seconds." });
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return answerProblem(reply, { status: error.statusCode, code: codeOf(error), message: error.message, hint: "See docs/api.md for what this address takes." });
    }
    request.log.error({ err: error }, "a request failed");
    // For the operator, who must see it in the log; no bug of ours to report.
    if (isDiskFull(error)) return answerProblem(reply, { status: 503, code: "disk_full", message: "The server's disk is full.", hint: "Nothing was stored. The operator has to make room." });
    report(error);
    return answerProblem(reply, { status: 500, code: "internal", message: "Deadair failed to do this; the reason is in its log.", hint: `Look for the request ${request.id} in the log.` });
  });
  app.setNotFoundHandler((request, reply) => {
    const wantsPage = request.method === "GET" && !request.url.startsWith("/api/") && (request.headers.accept ?? "").includes("text/html");
    if (wantsPage) return reply.sendFile("index.html");
    return answerProblem(reply, { status: 404, code: "not_found", message: `There is nothing at ${request.method} ${request.url.split("?")[0]!.slice(0, 200)}.`, hint: "See docs/api.md for the addresses." });
  });
}

// Postgres refuses NUL in what it is asked to look for (character_not_in_repertoire), so nothing can be there.
function isUnstorableText(error: { code?: string }): boolean {
  return error.code === "22021";
}

/** What Fastify itself refuses before there is a route, as a problem. */
export function frameworkProblem(error: FastifyError): Problem {
  return { status: error.statusCode ?? 400, code: codeOf(error), message: error.message, hint: "See docs/api.md for what this address takes." };
}

/** Answers a request that never became one: too slow, too long a header, not HTTP. */
export function answerOnSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const problem = socketProblems[error.code ?? ""] ?? { status: 400, title: "Bad Request", code: "bad_request", message: "This is not an HTTP request.", hint: "See docs/api.md." };
  const body = JSON.stringify({ error: problem.code, message: problem.message, hint: problem.hint });
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

const socketProblems: { readonly [code: string]: Problem & { readonly title: string } } = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, title: "Request Timeout", code: "too_slow", message: "The request was not complete within the limit UPLOAD_SECONDS.", hint: "Send it over a faster line, or let the operator raise DEADAIR_LIMIT_UPLOAD_SECONDS." },
  HPE_HEADER_OVERFLOW: { status: 431, title: "Request Header Fields Too Large", code: "headers_too_large", message: "The request's headers are too large.", hint: "Send fewer or shorter headers." },
};

function codeOf(error: FastifyError): string {
  return (error.code ?? "bad_request").toLowerCase().replace(/^fst_(err_)?/, "");
}

function isDiskFull(error: { code?: string }): boolean {
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}

// Postgres error classes 08 (connection), 57 (shutting down), 53 (out of connections), or a socket that broke.
function isDatabaseAway(error: { code?: string; message?: string }): boolean {
  const code = error.code ?? "";
  return /^(08|57P|53)/.test(code) || ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code) || /timeout exceeded when trying to connect|Connection terminated|connection error and is not queryable/.test(error.message ?? "");
}
