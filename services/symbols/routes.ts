// Where build machines bring symbol files: our own two addresses, and what
// Breakpad's sym_upload speaks (sym-upload.ts).
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { requireScope } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { requestBody } from "../ingest/body.ts";
import { readCursor, readLimit } from "../paging.ts";
import { checkSymbols, listSymbols, storeSymbols } from "./debug-files.ts";

/** Adds the address that takes a symbol file as its body. Its plugin must leave request bodies unparsed. */
export function symbolUploadRoutes(app: FastifyInstance, context: Context): void {
  app.post<{ Params: { project: string } }>("/api/v1/:project/symbols", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const { limits } = context.settings;
    const body = requestBody(request.raw, limits, "SYMBOL_BODY_BYTES");
    if (!body.ok) return answerProblem(reply, body.problem);
    const stored = await storeSymbols(context.storage, limits, caller.value.project.id, body.value);
    if (!stored.ok) return answerProblem(reply, stored.problem);
    const { item, created } = stored.value;
    return reply.code(created ? 201 : 200).send({ ...item, debug_file: item.debugFile, debug_id: item.debugId });
  });
}

/** Adds the question that lets CI skip files, and the list for the page. */
export function symbolRoutes(app: FastifyInstance, context: Context): void {
  const Question = Type.Object({
    symbols: Type.Array(Type.Object({ debug_file: Type.String({ maxLength: 1000 }), debug_id: Type.String({ maxLength: 80 }), sha256: Type.Optional(Type.String({ maxLength: 64 })) }), {
      maxItems: context.settings.limits.SYMBOL_CHECK_COUNT,
    }),
  });
  type Question = { symbols: { debug_file: string; debug_id: string; sha256?: string }[] };
  app.post<{ Params: { project: string }; Body: Question }>("/api/v1/:project/symbols/check", { schema: { body: Question } }, async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    return { symbols: await checkSymbols(context.storage, caller.value.project.id, request.body.symbols) };
  });

  app.get<{ Params: { project: string } }>("/api/v1/:project/symbols", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "read");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const limit = readLimit(request, context.settings.limits);
    const cursor = readCursor(request);
    if (!limit.ok) return answerProblem(reply, limit.problem);
    if (!cursor.ok) return answerProblem(reply, cursor.problem);
    return listSymbols(context.storage, caller.value.project.id, limit.value, cursor.value);
  });
}
