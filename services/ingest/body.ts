// The bytes of a request, made safe to read: decompressed as Content-Encoding
// says, counted against a limit on both sides of the decompression, and always
// read to an end or destroyed, so that no connection is left hanging.
import type { IncomingMessage } from "node:http";
import { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import type { LimitName, Limits } from "../../config/limits.ts";
import { ok, type Problem, refuse, type Result } from "../../config/problem.ts";
import { sniffCompression } from "../../symbols/compression.ts";

/** Carries a problem through streams, which can only fail with an Error. */
export class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** The problem of a limit that an input has gone over. */
export function overLimit(limits: Limits, name: LimitName, what: string): Problem {
  return refuse(413, "too_large", `${what} is over the limit ${name} of ${limits[name].toLocaleString("en")} bytes.`, `Send less, or let the operator raise DEADAIR_LIMIT_${name}.`).problem;
}

/** A transform that passes bytes on until there are more than a limit allows, or more than `most`; then it fails with a Refusal that names the limit. */
export function meter(limits: Limits, name: LimitName, what: string, most = limits[name]): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > most) done(new Refusal(overLimit(limits, name, what)));
      else done(null, chunk);
    },
  });
}

type BodyLimit = "UPLOAD_BODY_BYTES" | "STACKTRACE_BODY_BYTES" | "SYMBOL_BODY_BYTES";

/** The body of a request after Content-Encoding, at most UPLOAD_BODY_BYTES (or `limit`) of it on the wire. A failure of any stage surfaces on the stream that is returned. */
export function requestBody(raw: IncomingMessage, limits: Limits, limit: BodyLimit = "UPLOAD_BODY_BYTES"): Result<Readable> {
  const length = Number(raw.headers["content-length"] ?? 0);
  if (length > limits[limit]) return { ok: false, problem: overLimit(limits, limit, "The upload") };
  const encoding = (raw.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const decoder = decoderOf(encoding);
  if (decoder === undefined) return refuse(415, "unknown_encoding", `Content-Encoding "${encoding.slice(0, 40)}" is not known.`, "Use gzip, deflate, br, zstd or none.");
  const metered = meter(limits, limit, "The upload");
  // A body as it is cannot grow: one count is enough.
  if (decoder === null) return ok(chain([raw, metered]));
  const [name, most] = inflatedLimit(limits, limit);
  return ok(chain([raw, metered, decoder, meter(limits, name, "The upload, decompressed,", most)]));
}

// What a body may inflate to, and the limit to name when it is more. A form's
// parts have limits of their own; this bounds what lies between them, which
// nobody keeps and somebody must inflate: 1 MB of brotli can hold terabytes.
function inflatedLimit(limits: Limits, limit: BodyLimit): [LimitName, number] {
  switch (limit) {
    case "UPLOAD_BODY_BYTES":
      return ["DUMP_INFLATED_BYTES", limits.DUMP_INFLATED_BYTES + limits.ATTACHMENTS_COUNT * limits.ATTACHMENT_BYTES + limits.UPLOAD_FIELDS_BYTES + limits.UPLOAD_BODY_BYTES];
    case "SYMBOL_BODY_BYTES":
      return ["SYMBOL_INFLATED_BYTES", limits.SYMBOL_INFLATED_BYTES + limits.SYMBOL_BODY_BYTES];
    case "STACKTRACE_BODY_BYTES":
      return ["STACKTRACE_BODY_BYTES", limits.STACKTRACE_BODY_BYTES];
  }
}

// What undoes an encoding; null for none, undefined for one that is not known.
function decoderOf(encoding: string): Transform | null | undefined {
  switch (encoding) {
    case "identity":
    case "":
      return null;
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    default:
      return undefined;
  }
}

/** Bytes of a part or body, decompressed when their first bytes say that they are gzip or zstd. */
export async function* inflated(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head: Buffer[] = [];
    let headBytes = 0;
    while (headBytes < 4) {
      const next = await iterator.next();
      if (next.done) break;
      head.push(next.value);
      headBytes += next.value.length;
    }
    const first = Buffer.concat(head);
    const rest = (async function* () {
      if (first.length > 0) yield first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    })();
    const compression = sniffCompression(first);
    if (compression === null) yield* rest;
    else yield* chain([Readable.from(rest), compression === "gzip" ? createGunzip() : createZstdDecompress()]);
  } finally {
    // A reader that stops early leaves a source that must be let go of: a file stays open, a client goes on
    // sending to nobody. Not waited for: a read that is under way may wait for that client.
    iterator.return?.().catch(() => {});
  }
}

// Like stream.pipeline, but returns its last stage to read from: an error of any
// stage destroys all of them and surfaces there.
function chain(stages: readonly [Readable, ...Transform[]]): Readable {
  const last = stages[stages.length - 1]!;
  let from: Readable = stages[0];
  for (const to of stages.slice(1) as Transform[]) {
    const source = from;
    source.on("error", (error) => to.destroy(error));
    // A client that went away ends no body: without this, readers would wait for ever.
    const cutOff = () => {
      if (!source.readableEnded) to.destroy(source.errored ?? new Refusal(refuse(400, "incomplete_body", "The upload ended before its end.", "Send it again.").problem));
    };
    source.on("close", cutOff);
    // It may have gone while its key was being looked up; then there is no event to come.
    if (source.destroyed) cutOff();
    to.on("close", () => {
      if (to.readableEnded) return;
      if (source !== stages[0]) source.destroy();
      else {
        // The rest of what a client sends is read and dropped: closing on it would
        // take the answer away that says why.
        source.unpipe(to);
        source.resume();
      }
    });
    source.pipe(to);
    from = to;
  }
  // Until somebody reads, an error must wait for them, not end the process.
  last.on("error", () => {});
  return last;
}

/** The problem that a failed stream stands for: a Refusal's own, or that the bytes are damaged or cut. Bugs are thrown again. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  const { code = "", message = "" } = error as NodeJS.ErrnoException;
  if (/^(Z_|ERR__?ZSTD|ERR_BROTLI|ERR_PADDING|ZSTD_)/.test(code) || /unexpected end of file|incorrect header|invalid/i.test(message)) {
    return refuse(400, "broken_compression", `The compressed data is damaged or cut off (${message.slice(0, 120)}).`, "Send it again; if it stays so, send it uncompressed.").problem;
  }
  if (["ECONNRESET", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE", "EPIPE"].includes(code)) {
    return refuse(400, "incomplete_body", "The upload ended before its end.", "Send it again.").problem;
  }
  throw error;
}
