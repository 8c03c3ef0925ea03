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
  if (!/;\s*boundary=/i.test(contentType)) {
    body.resume();
    return refuse(400, "no_boundary", "The form's Content-Type has no boundary.", "Let the HTTP library set Content-Type: multipart/form-data itself.");
  }
  const files: FormFile[] = [];
  try {
    const fields = await parse(body, contentType, spool, limits, files);
    return ok({ fields, files });
  } catch (error) {
    body.destroy();
    await Promise.all(files.map((kept) => kept.file.discard()));
    return { ok: false, problem: formProblem(error) };
  }
}

function formProblem(error: unknown) {
  const message = error instanceof Error ? error.message : "";
  if (/^(Unexpected end of|Malformed|Part terminated early|Multipart: Boundary not found)/i.test(message)) {
    return refuse(400, "malformed_form", `The form is not well-formed or was cut off (${message}).`, "Send it again with a closing boundary.").problem;
  }
  return problemOf(error);
}

function parse(body: Readable, contentType: string, spool: Spool, limits: Limits, files: FormFile[]): Promise<Map<string, string>> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const busboy = new Busboy({
      headers: { "content-type": contentType } as BusboyHeaders,
      limits: { fieldSize: limits.UPLOAD_FIELD_BYTES, fields: limits.UPLOAD_FIELDS_COUNT, files: limits.ATTACHMENTS_COUNT + 1, fieldNameSize: 400 },
    });
    let fieldBytes = 0;
    let saving: Promise<void> = Promise.resolve();
    let failed = false;
    const fail = (error: unknown) => {
      if (failed) return;
      failed = true;
      body.unpipe(busboy);
      // Files that are still being written must be finished before they can be removed.
      void saving.catch(() => {}).then(() => reject(error));
    };

    busboy.on("field", (name, value, nameCut, valueCut) => {
      fieldBytes += Buffer.byteLength(value);
      if (nameCut || valueCut) return fail(new Refusal(overLimit(limits, "UPLOAD_FIELD_BYTES", `The field "${name.slice(0, 80)}"`)));
      if (fieldBytes > limits.UPLOAD_FIELDS_BYTES) return fail(new Refusal(overLimit(limits, "UPLOAD_FIELDS_BYTES", "All fields together")));
      fields.set(name, value);
    });
    busboy.on("file", (field, stream, filename) => {
      stream.on("error", fail);
      const saved = save(field, stream, filename ?? field, spool, limits).then((file) => {
        files.push(file);
      });
      saving = Promise.all([saving, saved]).then(() => {});
      saved.catch(fail);
    });
    busboy.on("fieldsLimit", () => fail(new Refusal(tooMany("UPLOAD_FIELDS_COUNT", "fields", limits.UPLOAD_FIELDS_COUNT))));
    busboy.on("filesLimit", () => fail(new Refusal(tooMany("ATTACHMENTS_COUNT", "attachments", limits.ATTACHMENTS_COUNT))));
    busboy.on("error", fail);
    body.on("error", fail);
    busboy.on("finish", () => {
      saving.then(() => !failed && resolve(fields), fail);
    });
    body.pipe(busboy);
  });
}

async function save(field: string, stream: BusboyFileStream, filename: string, spool: Spool, limits: Limits): Promise<FormFile> {
  const isDump = field === dumpField;
  const limit = isDump ? "DUMP_INFLATED_BYTES" : "ATTACHMENT_BYTES";
  const sink = await spool.open();
  try {
    for await (const chunk of isDump ? inflated(stream) : (stream as AsyncIterable<Buffer>)) {
      if (sink.bytes + chunk.length > limits[limit]) throw new Refusal(overLimit(limits, limit, isDump ? "The minidump" : `The attachment "${filename.slice(0, 80)}"`));
      await sink.write(chunk);
    }
    return { field, name: filename, file: await sink.finish() };
  } catch (error) {
    stream.resume();
    await sink.abort();
    throw error;
  }
}

function tooMany(limit: string, what: string, count: number) {
  return refuse(413, "too_many", `The upload has more than ${count} ${what}.`, `Send fewer, or let the operator raise DEADAIR_LIMIT_${limit}.`).problem;
}
