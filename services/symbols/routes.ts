// Where build machines bring debug files: our own two addresses, and what
// Breakpad's sym_upload speaks (sym-upload.ts).
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { requireScope } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { requestBody } from "../ingest/body.ts";
import { readCursor, readLimit } from "../paging.ts";
import { FileKind } from "../triage/schema.ts";
import { storeSymbols, type SymbolStore } from "./debug-files.ts";
import { type AskedFile, checkSymbols, listSymbols } from "./symbol-lists.ts";

/** Adds the address that takes a debug file as its body. Its plugin must leave request bodies unparsed. */
export function symbolUploadRoutes(app: FastifyInstance, context: Context, store: SymbolStore): void {
  app.post<{ Params: { project: string }; Querystring: { name?: string | string[] } }>("/api/v1/:project/symbols", async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const { limits } = context.settings;
    const body = requestBody(request.raw, limits, "SYMBOL_BODY_BYTES");
    if (!body.ok) return answerProblem(reply, body.problem);
    const stored = await storeSymbols(store, caller.value.project.id, body.value, [request.query.name].flat()[0]);
    if (!stored.ok) return answerProblem(reply, stored.problem);
    const { items, created } = stored.value;
    const [item] = items;
    return reply.code(created ? 201 : 200).send({ ...item!, debug_file: item!.debugFile, debug_id: item!.debugId, ...(items.length > 1 ? { parts: items } : {}) });
  });
}

/** Adds the question that lets CI skip files, and the list for the page. */
export function symbolRoutes(app: FastifyInstance, context: Context): void {
  const name = Type.String({ maxLength: 1000 });
  const id = Type.String({ maxLength: 80 });
  const more = { debug_file: Type.Optional(name), code_file: Type.Optional(name), kind: Type.Optional(FileKind), sha256: Type.Optional(Type.String({ maxLength: 64 })) };
  const Question = Type.Object({
    symbols: Type.Array(Type.Union([Type.Object({ ...more, debug_id: id, code_id: Type.Optional(id) }), Type.Object({ ...more, code_id: id })]), { maxItems: context.settings.limits.SYMBOL_CHECK_COUNT }),
  });
  type Question = { symbols: AskedFile[] };
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
