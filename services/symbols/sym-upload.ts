// Breakpad's sym_upload, both of its protocols, under /api/v1/<project>/sym-upload.
//
// Version 1 posts one form with the symbol file in `symbol_file`. Version 2 asks,
// creates, puts, completes. The tool reads answers by regular expressions that
// want a space after each colon, and its last body is not JSON although it says
// so: neither is ours to mend. It cannot send a header, so the token is `key` or
// `token` in the address. What it says of the file is not believed: the file's
// own header decides, as for every upload; only the name of a native file, which
// hardly one holds, is that of the form's file.
import { Readable } from "node:stream";
import { createReadStream } from "node:fs";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refuse } from "../../config/problem.ts";
import { isUuid, uuidv7 } from "../../storage/uuid.ts";
import { requireScope } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { requestBody } from "../ingest/body.ts";
import { readForm } from "../ingest/form.ts";
import { storeSymbols, type SymbolStore } from "./debug-files.ts";
import { checkSymbols } from "./symbol-lists.ts";

type InProject = { Params: { project: string } };

/** Adds both protocols. Its plugin must leave request bodies unparsed. */
export function symUploadRoutes(app: FastifyInstance, context: Context, store: SymbolStore): void {
  const base = "/api/v1/:project/sym-upload";
  const { limits } = context.settings;

  app.post<InProject>(base, async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const body = requestBody(request.raw, limits, "SYMBOL_BODY_BYTES");
    if (!body.ok) return answerProblem(reply, body.problem);
    // A symbol file is bigger than any attachment of a crash.
    const form = await readForm(body.value, request.headers["content-type"] ?? "", context.storage.spool, { ...limits, ATTACHMENT_BYTES: limits.SYMBOL_INFLATED_BYTES });
    if (!form.ok) return answerProblem(reply, form.problem);
    const symbols = form.value.files.find((kept) => kept.field === "symbol_file");
    try {
      if (symbols === undefined) return answerProblem(reply, refuse(400, "no_symbol_file", "The form has no file in the field symbol_file.", "Use sym_upload, or post the file to …/symbols.").problem);
      const stored = await storeSymbols(store, caller.value.project.id, createReadStream(symbols.file.path), symbols.name === symbols.field ? undefined : symbols.name);
      if (!stored.ok) return answerProblem(reply, stored.problem);
      const lines = stored.value.items.map(({ debugFile, debugId, codeFile, codeId }) => `${debugFile ?? codeFile} ${debugId ?? codeId}\n`);
      return reply.type("text/plain; charset=utf-8").send(lines.join(""));
    } finally {
      await Promise.all(form.value.files.map((kept) => kept.file.discard()));
    }
  });

  app.get<{ Params: { project: string; file: string; id: string } }>(`${base}/v1/symbols/:file/:id`, async (request, reply) => {
    const [, id, verb] = /^([0-9A-Fa-f]{33,40}):(checkStatus|check_status)$/.exec(request.params.id) ?? [];
    if (id === undefined || verb === undefined) return answerProblem(reply, refuse(404, "not_found", "sym-upload-v2 asks for FILE/ID:checkStatus.", "Use sym_upload -p sym-upload-v2.").problem);
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    const [found] = await checkSymbols(context.storage, caller.value.project.id, [{ debug_file: request.params.file, debug_id: id, kind: "breakpad" }]);
    return sendSpaced(reply, { status: found?.state === "have" ? "FOUND" : "MISSING" });
  });

  app.post<{ Params: { project: string; verb: string } }>(`${base}/v1/:verb`, async (request, reply) => {
    if (request.params.verb !== "uploads:create") return answerProblem(reply, unknownStep());
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    request.raw.resume();
    const key = uuidv7();
    const query = request.url.split("?")[1] ?? "";
    const uploadUrl = `${context.publicUrl()}/api/v1/${caller.value.project.slug}/sym-upload/v1/uploads/${key}?${query}`;
    return sendSpaced(reply, { uploadUrl, uploadKey: key });
  });

  app.put<{ Params: { project: string; key: string } }>(`${base}/v1/uploads/:key`, async (request, reply) => put(request, reply));
  const put = async (request: FastifyRequest<{ Params: { project: string; key: string } }>, reply: FastifyReply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    if (!isUuid(request.params.key)) return answerProblem(reply, unknownStep());
    const body = requestBody(request.raw, limits, "SYMBOL_BODY_BYTES");
    if (!body.ok) return answerProblem(reply, body.problem);
    const stored = await storeSymbols(store, caller.value.project.id, Readable.from(body.value), undefined);
    if (!stored.ok) return answerProblem(reply, stored.problem);
    return reply.send("");
  };

  // The file was stored and checked when it was put; completing only tells the tool so.
  app.post<{ Params: { project: string; key: string } }>(`${base}/v1/uploads/:key`, async (request, reply) => {
    const caller = await requireScope(context, request, request.params.project, "symbols");
    if (!caller.ok) return answerProblem(reply, caller.problem);
    request.raw.resume();
    if (!request.params.key.endsWith(":complete")) return answerProblem(reply, unknownStep());
    return sendSpaced(reply, { result: "OK" });
  });
}

function unknownStep() {
  return refuse(404, "not_found", "This is not a step of sym-upload-v2.", "Use sym_upload -p sym-upload-v2.").problem;
}

function sendSpaced(reply: FastifyReply, value: { [key: string]: string }): FastifyReply {
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(value, null, 1));
}
