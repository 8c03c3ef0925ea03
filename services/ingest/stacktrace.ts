// POST /api/v1/<project>/stacktraces — a crash without a dump: frames of module,
// debug id and offset as JSON. For plugins that may not ship a crash handler, and
// for hosts that catch a crash themselves. The JSON is kept as it came, and goes
// the same way as a dump.
import type { FastifyInstance } from "fastify";
import { refuse, type Result } from "../../config/problem.ts";
import { parsePostedTrace } from "../../stackwalk/posted/stack-trace.ts";
import { keepBytes } from "../../storage/blobs/blobs.ts";
import { storeCrash } from "../../storage/crashes.ts";
import { requireIngestKey } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { isNestedDeeper, maxJsonDepth } from "./annotations.ts";
import { overLimit, problemOf, Refusal, requestBody } from "./body.ts";
import type { FastifyRequest } from "fastify";

/** Adds the route. Its plugin must leave request bodies unparsed. */
export function stacktraceRoutes(app: FastifyInstance, context: Context): void {
  app.post<{ Params: { project: string } }>("/api/v1/:project/stacktraces", async (request, reply) => {
    const allowed = await requireIngestKey(context, request, request.params.project);
    if (!allowed.ok) return answerProblem(reply, allowed.problem);
    const read = await readJson(context, request);
    if (!read.ok) return answerProblem(reply, read.problem);
    const { bytes, json } = read.value;
    const trace = parsePostedTrace(json, context.settings.limits);
    if (!trace.ok) return answerProblem(reply, trace.problem);

    const facts = json as { [key: string]: unknown };
    const given = isRecord(facts["annotations"]) ? facts["annotations"] : {};
    const isTooDeep = isNestedDeeper(given, maxJsonDepth);
    const blob = await keepBytes(context.storage.spool, context.storage.blobs, bytes);
    const stored = await storeCrash(context.storage.db, {
      projectId: allowed.value.id,
      kind: "stacktrace",
      blob,
      bytes: bytes.length,
      client: request.headers["user-agent"]?.slice(0, 200) ?? null,
      install: text(facts["install"]),
      product: text(facts["product"]),
      version: text(facts["version"]),
      host: text(facts["host"]),
      annotations: isTooDeep ? {} : given,
      notes: isTooDeep ? [`The annotations are nested more than ${maxJsonDepth} levels deep; they were left out.`] : [],
      attachments: [],
      uploadKey: null,
    });
    return reply.code(201).send({ id: stored.id });
  });
}

async function readJson(context: Context, request: FastifyRequest): Promise<Result<{ bytes: Buffer; json: unknown }>> {
  const { limits } = context.settings;
  const body = requestBody(request.raw, limits, "STACKTRACE_BODY_BYTES");
  if (!body.ok) return body;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body.value as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limits.STACKTRACE_BODY_BYTES) throw new Refusal(overLimit(limits, "STACKTRACE_BODY_BYTES", "The stack trace"));
      chunks.push(chunk);
    }
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
  const bytes = Buffer.concat(chunks);
  try {
    return { ok: true, value: { bytes, json: JSON.parse(bytes.toString("utf8")) as unknown } };
  } catch (error) {
    return refuse(400, "not_json", `The body is not JSON: ${error instanceof Error ? error.message.slice(0, 160) : "unreadable"}.`, "See docs/api.md for the shape of a stack trace.");
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim().slice(0, 200) : null;
}

function isRecord(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
