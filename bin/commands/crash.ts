// `deadair crash send`: posts minidumps as a crash client would. Support staff
// use it for dumps that users mailed; integrators use it to see that their
// server takes crashes at all.
import { randomBytes } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { exchange, parseJson, refusal } from "../http-exchange.ts";
import { readDsn, readSeconds, readServerUrl } from "../server-address.ts";
import { type Terminal, printable, processTerminal } from "../terminal.ts";

const help = `deadair crash send [options] FILE…

Posts each minidump FILE as a crash of its own and prints the crash's id.

  --dsn DSN            http://KEY@HOST/PROJECT, stands for the next three
                                                       (env DEADAIR_DSN)
  --url URL            address of the server           (env DEADAIR_URL)
  --key KEY            the project's public key        (env DEADAIR_KEY)
  --project PROJECT    project's short name, "default" if not given
                                                       (env DEADAIR_PROJECT)
  --product NAME       product, sent as prod
  --version VERSION    its version, sent as ver
  --annotation K=V     any other field; may be repeated
  --attachment FILE    a file to keep with the crash; may be repeated
  --timeout SECONDS    silence after which the server counts as gone, 120
  --help               print this

Exit code: 0 when every crash was taken, 1 when one was refused or could not be
sent, 2 when the command was not understood. Nothing is sent twice: a crash whose
answer got lost may have been taken.`;

type CrashCommand = {
  readonly files: readonly string[];
  readonly endpoint: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly attachments: readonly string[];
  readonly idleMs: number;
};

/** Runs the command and returns its exit code. */
export async function crash(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    terminal.out(help);
    return 0;
  }
  const command = readCommand(args, terminal.env);
  if (typeof command === "string") {
    terminal.err(command);
    terminal.err("`deadair crash send --help` lists what there is.");
    return 2;
  }
  let failed = 0;
  for (const file of command.files) {
    const outcome = await sendCrash(file, command);
    const where = command.files.length > 1 ? `\t${file}` : "";
    if (outcome.ok) terminal.out(printable(`${outcome.id}${where}`));
    else terminal.err(printable(`${file}: ${outcome.reason}`));
    if (!outcome.ok) failed++;
  }
  return failed > 0 ? 1 : 0;
}

/** What the arguments ask for; a text says what is wrong with them. */
function readCommand(args: string[], env: NodeJS.ProcessEnv): CrashCommand | string {
  const [action, ...rest] = args;
  if (action !== "send") return action === undefined ? "Say what to do: deadair crash send FILE…" : `There is no "deadair crash ${printable(action)}".`;
  const parsed = parse(rest);
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  const dsnText = values.dsn ?? env["DEADAIR_DSN"] ?? "";
  const dsn = dsnText === "" ? null : readDsn(dsnText);
  if (dsnText !== "" && dsn === null) return "The DSN must look like http://KEY@HOST/PROJECT.";
  // A DSN given as a flag beats the environment's single parts; a flag for a part beats every DSN.
  const fallback = values.dsn === undefined ? env : {};
  const url = values.url ?? (fallback["DEADAIR_URL"] || dsn?.url) ?? "";
  const server = readServerUrl(url);
  if (server === null) return url === "" ? "Say which server: --dsn, --url, DEADAIR_DSN or DEADAIR_URL." : `"${printable(url)}" is not an http address.`;
  const key = values.key ?? (fallback["DEADAIR_KEY"] || dsn?.key) ?? "";
  if (key === "") return "The project's public key is needed: --dsn, --key, DEADAIR_DSN or DEADAIR_KEY.";
  const project = values.project ?? (fallback["DEADAIR_PROJECT"] || dsn?.project) ?? "default";
  const idleMs = readSeconds(values.timeout ?? "120");
  if (idleMs === null) return "--timeout must be a number of seconds.";
  const fields: (readonly [string, string])[] = [];
  if (values.product !== undefined) fields.push(["prod", values.product]);
  if (values.version !== undefined) fields.push(["ver", values.version]);
  for (const annotation of values.annotation ?? []) {
    const at = annotation.indexOf("=");
    if (at < 1) return `--annotation ${printable(annotation)} must look like KEY=VALUE.`;
    fields.push([annotation.slice(0, at), annotation.slice(at + 1)]);
  }
  if (positionals.length === 0) return "Name at least one minidump.";
  const endpoint = `${server}/api/${encodeURIComponent(project)}/minidump/?sentry_key=${encodeURIComponent(key)}`;
  return { files: positionals, endpoint, fields, attachments: values.attachment ?? [], idleMs };
}

function parse(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const texts = { type: "string", multiple: true } as const;
    const options = { dsn: text, url: text, key: text, project: text, product: text, version: text, timeout: text, annotation: texts, attachment: texts };
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return error.message;
  }
}

/** A part of the form: text, or an open file of known size. */
type Part = { readonly head: Buffer; readonly content: Buffer | { readonly file: FileHandle; readonly size: number } };

async function sendCrash(dump: string, command: CrashCommand): Promise<{ ok: true; id: string } | { ok: false; reason: string }> {
  const boundary = `deadair-${randomBytes(16).toString("hex")}`;
  const parts: Part[] = command.fields.map(([name, value]) => ({ head: partHead(boundary, name, null), content: Buffer.from(value) }));
  try {
    for (const attachment of command.attachments) parts.push(await filePart(boundary, path.basename(attachment), attachment));
    // Last, as Crashpad sends it: a server knows all fields before the large part comes.
    parts.push(await filePart(boundary, "upload_file_minidump", dump));
    const tail = Buffer.from(`--${boundary}--\r\n`);
    const length = parts.reduce((sum, { head, content }) => sum + head.length + (Buffer.isBuffer(content) ? content.length : content.size) + 2, tail.length);
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}`, "content-length": length };
    const outcome = await exchange({ url: command.endpoint, method: "POST", headers, body: () => Readable.from(formBytes(parts, tail), { objectMode: false }), idleMs: command.idleMs });
    if (!outcome.ok) return { ok: false, reason: outcome.reason };
    if (outcome.status < 200 || outcome.status > 299) return { ok: false, reason: refusal(outcome.status, outcome.text) };
    return readAnswer(outcome.status, outcome.text);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return { ok: false, reason: error.message };
  } finally {
    for (const { content } of parts) if (!Buffer.isBuffer(content)) await content.file.close().catch(() => {});
  }
}

async function filePart(boundary: string, name: string, at: string): Promise<Part> {
  const file = await open(at, "r");
  const { size } = await file.stat();
  return { head: partHead(boundary, name, path.basename(at)), content: { file, size } };
}

function partHead(boundary: string, name: string, filename: string | null): Buffer {
  const file = filename === null ? "" : `; filename="${quoted(filename)}"\r\nContent-Type: application/octet-stream`;
  return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\n\r\n`);
}

/** A name inside quotes, as browsers write it (HTML, multipart/form-data encoding). */
function quoted(text: string): string {
  return text.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

async function* formBytes(parts: readonly Part[], tail: Buffer): AsyncGenerator<Buffer> {
  for (const { head, content } of parts) {
    yield head;
    if (Buffer.isBuffer(content)) yield content;
    else yield* fileBytes(content.file, content.size);
    yield Buffer.from("\r\n");
  }
  yield tail;
}

/** Exactly `size` bytes, which the request has promised; throws when the file shrank meanwhile. */
async function* fileBytes(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  let position = 0;
  while (position < size) {
    const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, size - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw Object.assign(new Error("the file became shorter while it was sent"), { code: "ETRUNCATED" });
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The crash's id: as JSON, or as plain text like Sentry and Breakpad's servers say it. A discarded crash is answered with 200 as well. */
function readAnswer(status: number, text: string): { ok: true; id: string } | { ok: false; reason: string } {
  const json = parseJson(text);
  if (json !== null && typeof json === "object") {
    const { id, crash_id, discarded, reason, message } = json as { readonly [key: string]: unknown };
    const said = [discarded, reason, message].find((value) => typeof value === "string");
    if (discarded !== undefined && discarded !== false && discarded !== null) return { ok: false, reason: `The server discarded the crash: ${said ?? "it gives no reason"}` };
    const found = id ?? crash_id;
    if (typeof found === "string") return { ok: true, id: found };
    return { ok: false, reason: refusal(status, text) };
  }
  const line = text.trim();
  return line !== "" && line.length <= 200 && !line.includes("<") ? { ok: true, id: line } : { ok: false, reason: refusal(status, text) };
}
