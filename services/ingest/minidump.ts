// POST /api/<project>/minidump/ — a crash comes in.
//
//   1. the key is checked before a byte of the body is read
//   2. the body streams to the spool, under limits, decompressed (body.ts, form.ts)
//   3. the dump is looked at: is it one, is it whole? (stackwalk/minidump)
//   4. its blobs are kept: fsync, rename
//   5. one transaction inserts the crash and asks for its walk (storage/crashes.ts)
//   6. only then the client gets its answer: the crash id, as text
// Whatever is refused leaves nothing behind. A crash client is never told 429:
// it would come back, with everybody else's, at once.
import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ok, refuse, type Result } from "../../config/problem.ts";
import { inspectMinidump, type MinidumpSummary } from "../../stackwalk/minidump/minidump.ts";
import { fileSource } from "../../stackwalk/minidump/byte-source.ts";
import type { SpooledFile } from "../../storage/blobs/spool.ts";
import { storeCrash } from "../../storage/crashes.ts";
import { requireIngestKey } from "../access/guard.ts";
import type { Context } from "../context.ts";
import { answerProblem } from "../errors.ts";
import { readAnnotations } from "./annotations.ts";
import { inflated, overLimit, problemOf, Refusal, requestBody } from "./body.ts";
import { dumpField, type Form, type FormFile, readForm } from "./form.ts";

/** Adds the route. Its plugin must leave request bodies unparsed. */
export function minidumpRoutes(app: FastifyInstance, context: Context): void {
  const handler = async (request: FastifyRequest, project: string): Promise<Result<string>> => {
    const allowed = await requireIngestKey(context, request, project);
    if (!allowed.ok) return allowed;
    const form = await readUpload(context, request);
    if (!form.ok) return form;
    try {
      return await storeUpload(context, allowed.value.id, request, form.value);
    } finally {
      // What became a blob has moved away by now; discarding it again does nothing.
      await Promise.all(form.value.files.map((kept) => kept.file.discard()));
    }
  };
  for (const url of ["/api/:project/minidump", "/api/:project/minidump/"]) {
    app.post<{ Params: { project: string } }>(url, async (request, reply) => {
      const stored = await handler(request, request.params.project);
      if (stored.ok) return reply.type("text/plain; charset=utf-8").send(stored.value);
      return answerProblem(reply, stored.problem);
    });
  }
}

/** Reads a multipart form, or takes the whole body as the dump. */
async function readUpload(context: Context, request: FastifyRequest): Promise<Result<Form>> {
  const { limits } = context.settings;
  const body = requestBody(request.raw, limits);
  if (!body.ok) return body;
  const contentType = request.headers["content-type"] ?? "";
  if (/^multipart\//i.test(contentType)) return readForm(body.value, contentType, context.storage.spool, limits);
  const sink = await context.storage.spool.open();
  try {
    for await (const chunk of inflated(body.value)) {
      if (sink.bytes + chunk.length > limits.DUMP_INFLATED_BYTES) throw new Refusal(overLimit(limits, "DUMP_INFLATED_BYTES", "The minidump"));
      await sink.write(chunk);
    }
    return ok({ fields: new Map(), files: [{ field: dumpField, name: "", file: await sink.finish() }] });
  } catch (error) {
    await sink.abort();
    return { ok: false, problem: problemOf(error) };
  }
}

async function storeUpload(context: Context, projectId: number, request: FastifyRequest, form: Form): Promise<Result<string>> {
  const dump = form.files.find((kept) => kept.field === dumpField);
  if (dump === undefined) {
    return refuse(400, "no_minidump", `The form has no file in the field ${dumpField}.`, `Send the dump as curl -F ${dumpField}=@file.dmp does, or as the whole body with Content-Type: application/x-dmp.`);
  }
  const looked = inspect(dump.file);
  if (!looked.ok) return looked;

  const annotations = readAnnotations(form.fields, request.query as { [name: string]: unknown }, looked.value.annotations);
  const attachments = nameAttachments(form.files.filter((kept) => kept !== dump));
  const { blobs, db } = context.storage;
  for (const kept of [dump, ...attachments.map((attachment) => attachment.kept)]) await blobs.keep(kept.file);
  const stored = await storeCrash(db, {
    projectId,
    kind: "minidump",
    blob: dump.file.sha256,
    bytes: dump.file.bytes,
    client: request.headers["user-agent"]?.slice(0, 200) ?? null,
    install: annotations.install,
    product: annotations.product,
    version: annotations.version,
    host: annotations.host,
    annotations: annotations.all,
    notes: [...annotations.notes, ...looked.value.notes],
    attachments: attachments.map(({ name, kept }) => ({ name, blob: kept.file.sha256, bytes: kept.file.bytes })),
    uploadKey: uploadKeyOf(dump),
  });
  return ok(stored.id);
}

function inspect(file: SpooledFile): Result<MinidumpSummary> {
  const fd = openSync(file.path, "r");
  try {
    return inspectMinidump(fileSource(fd));
  } finally {
    closeSync(fd);
  }
}

// Crashpad and Breakpad name a dump by a UUID of its own. The same name with the
// same bytes is a client trying again because our answer was lost on the way.
function uploadKeyOf(dump: FormFile): Buffer | null {
  const uuid = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.dmp$/i.exec(dump.name)?.[1];
  return uuid === undefined ? null : createHash("sha256").update(`${uuid.toLowerCase()} ${dump.file.sha256}`).digest();
}

// A file name is shown and stored as text, never used as a path.
function nameAttachments(files: readonly FormFile[]): { name: string; kept: FormFile }[] {
  const taken = new Set<string>();
  return files.map((kept) => {
    const base = [...path.posix.basename((kept.name || kept.field).replaceAll("\\", "/"))].filter((char) => char >= " " && char !== "\u007f").join("").slice(0, 200) || "attachment";
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base} (${n})`;
    taken.add(name);
    return { name, kept };
  });
}
