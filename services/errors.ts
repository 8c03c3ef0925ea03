// How problems become answers. Every error answers {error, message, hint}.
import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";
import type { Problem } from "../config/problem.ts";

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
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return answerProblem(reply, { status: error.statusCode, code: (error.code ?? "bad_request").toLowerCase().replace(/^fst_(err_)?/, ""), message: error.message, hint: "See docs/api.md for what this address takes." });
    }
    request.log.error({ err: error }, "a request failed");
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

// Postgres error classes 08 (connection), 57 (shutting down), 53 (out of connections), or a socket that broke.
function isDatabaseAway(error: { code?: string; message?: string }): boolean {
  const code = error.code ?? "";
  return /^(08|57P|53)/.test(code) || ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code) || /timeout exceeded when trying to connect|Connection terminated/.test(error.message ?? "");
}
