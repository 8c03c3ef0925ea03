// A crash upload as multipart/form-data, read as it streams in.
//
// Crashpad sends its annotations first, the minidump last; curl sends what one
// types; nobody promises an order. So every file goes to the spool as it comes,
// and what it means is decided when all of it is there. Fields are small and
// held in memory, under limits of their own.
import type { Readable } from "node:stream";
import { Busboy, type BusboyFileStream, type BusboyHeaders } from "@fastify/busboy";
import type { Limits } from "../../config/limits.ts";
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Spool, SpooledFile } from "../../storage/blobs/spool.ts";
import { inflated, overLimit, problemOf, Refusal } from "./body.ts";

/** The field that every minidump client uses. */
export const dumpField = "upload_file_minidump";

/** One file of a form, on the spool. */
export type FormFile = { readonly field: string; readonly name: string; readonly file: SpooledFile };

/** A form, complete. A repeated field keeps its last value, as browsers and servers commonly do. */
export type Form = { readonly fields: ReadonlyMap<string, string>; readonly files: readonly FormFile[] };

/** Reads a form to its end. When it is refused, or when the client goes away, nothing of it is left on the spool. */
export async function readForm(body: Readable, contentType: string, spool: Spool, limits: Limits): Promise<Result<Form>> {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType)) {
    body.destroy();
    return refuse(415, "not_a_form", `The body is "${contentType.slice(0, 80)}", not a form.`, "Send it as multipart/form-data, as curl -F does.");
  }
  if (!/;\s*boundary=/i.test(contentType)) {
    body.destroy();
    return refuse(400, "no_boundary", "The form's Content-Type has no boundary.", "Let the HTTP library set Content-Type: multipart/form-data itself.");
  }
  const saves: Promise<FormFile>[] = [];
  let fields: Map<string, string> | undefined;
  let failure: unknown;
  try {
    fields = await parse(body, contentType, limits, (field, name, stream) => {
      const saved = save(field, name, stream, spool, limits);
      saves.push(saved);
      return saved;
    });
  } catch (error) {
    failure = error;
    body.destroy();
  }
  const settled = await Promise.allSettled(saves);
  const files = settled.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  if (fields !== undefined && files.length === saves.length) return ok({ fields, files });
  await Promise.all(files.map((kept) => kept.file.discard()));
  const rejected = settled.find((end) => end.status === "rejected");
  return { ok: false, problem: formProblem(failure ?? rejected?.reason) };
}

function formProblem(error: unknown) {
  const message = error instanceof Error ? error.message : "";
  if (/^(Unexpected end of|Malformed|Part terminated early|Multipart: Boundary not found)/.test(message)) {
    return refuse(400, "malformed_form", `The form is not well-formed or was cut off (${message}).`, "Send it again with a closing boundary.").problem;
  }
  return problemOf(error);
}

type TakeFile = (field: string, name: string, stream: BusboyFileStream) => Promise<FormFile>;

// Resolves with the fields at the form's end. Rejects at the first thing that is
// wrong, after destroying the files that are still open, so that their savers end too.
function parse(body: Readable, contentType: string, limits: Limits, take: TakeFile): Promise<Map<string, string>> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const open = new Set<BusboyFileStream>();
    const busboy = new Busboy({
      headers: { "content-type": contentType } as BusboyHeaders,
      limits: { fieldSize: limits.UPLOAD_FIELD_BYTES, fields: limits.UPLOAD_FIELDS_COUNT, files: limits.ATTACHMENTS_COUNT + 1, fieldNameSize: 400 },
    });
    let fieldBytes = 0;
    let failed = false;
    const fail = (error: unknown) => {
      if (failed) return;
      failed = true;
      body.unpipe(busboy);
      for (const stream of open) stream.destroy(error instanceof Error ? error : new Error(String(error)));
      reject(error);
    };

    // A part may come without a name, whatever busboy's types say. Names count too: busboy lets each have 80 KB.
    busboy.on("field", (given: string | undefined, value, nameCut, valueCut) => {
      const name = given ?? "";
      fieldBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
      if (nameCut || valueCut) return fail(new Refusal(overLimit(limits, "UPLOAD_FIELD_BYTES", `The field "${name.slice(0, 80)}"`)));
      if (fieldBytes > limits.UPLOAD_FIELDS_BYTES) return fail(new Refusal(overLimit(limits, "UPLOAD_FIELDS_BYTES", "All fields together")));
      fields.set(name, value);
    });
    busboy.on("file", (given: string | undefined, stream, filename) => {
      const field = given ?? "";
      // Its saver sees the error; without a listener it would end the process.
      stream.on("error", () => {});
      if (failed) return void stream.destroy();
      open.add(stream);
      take(field, filename ?? field, stream)
        .finally(() => open.delete(stream))
        .catch(fail);
    });
    busboy.on("fieldsLimit", () => fail(new Refusal(tooMany("UPLOAD_FIELDS_COUNT", "fields", limits.UPLOAD_FIELDS_COUNT))));
    busboy.on("filesLimit", () => fail(new Refusal(tooMany("ATTACHMENTS_COUNT", "attachments", limits.ATTACHMENTS_COUNT))));
    busboy.on("error", fail);
    body.on("error", fail);
    busboy.on("finish", () => resolve(fields));
    body.pipe(busboy);
  });
}

async function save(field: string, name: string, stream: BusboyFileStream, spool: Spool, limits: Limits): Promise<FormFile> {
  const isDump = field === dumpField;
  const limit = isDump ? "DUMP_INFLATED_BYTES" : "ATTACHMENT_BYTES";
  const sink = await spool.open();
  try {
    for await (const chunk of isDump ? inflated(stream) : (stream as AsyncIterable<Buffer>)) {
      if (sink.bytes + chunk.length > limits[limit]) throw new Refusal(overLimit(limits, limit, isDump ? "The minidump" : `The attachment "${name.slice(0, 80)}"`));
      await sink.write(chunk);
    }
    return { field, name, file: await sink.finish() };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

function tooMany(limit: string, what: string, count: number) {
  return refuse(413, "too_many", `The upload has more than ${count} ${what}.`, `Send fewer, or let the operator raise DEADAIR_LIMIT_${limit}.`).problem;
}
