// Brings symbol files to a server, in three steps:
//
// 1. inspect: each file is read once, for its sha-256 and to see that it is
//    whole; a truncated file must fail the build, not the next crash.
// 2. check: the server says which it has. A build machine uploads the same
//    system libraries every night; those cost one line of JSON each.
// 3. upload: two at a time, compressed on the way, tried again where the
//    failure can pass.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type Readable, Transform, pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import { defaultLimits } from "../config/limits.ts";
import { SymbolCheck } from "../symbols/breakpad/check.ts";
import { storeName } from "../symbols/breakpad/store-path.ts";
import { type HttpOutcome, exchangeWithRetries, parseJson, refusal } from "./http-exchange.ts";
import { Progress } from "./progress.ts";
import { type SymbolFile, readPlain } from "./symbol-scan.ts";
import { type Terminal, counted, megabytes } from "./terminal.ts";

/** Uploads at the same time: enough to hide the server's disk, too few to crowd a build machine's line. */
const uploadsAtOnce = 2;

/** Where to upload to. */
export type SymbolServer = { readonly url: string; readonly token: string; readonly project: string; readonly idleMs: number };

/** What became of one file. `reason` is there when it failed. */
export type UploadResult = {
  readonly path: string;
  readonly debug_file: string;
  readonly debug_id: string;
  readonly bytes: number;
  readonly state: "uploaded" | "present" | "failed";
  readonly reason: string | null;
};

type Inspected = { readonly file: SymbolFile; readonly debugFile: string; readonly sha256: string };

/** Uploads what the server lacks; with `force`, everything. The results are in the order of `files`. */
export async function uploadSymbols(files: readonly SymbolFile[], server: SymbolServer, force: boolean, terminal: Terminal): Promise<UploadResult[]> {
  const results = new Map<SymbolFile, UploadResult>();
  const settle = (file: SymbolFile, state: UploadResult["state"], reason: string | null = null) => {
    results.set(file, { path: file.path, debug_file: file.header.debugFile, debug_id: file.header.debugId, bytes: file.size, state, reason });
  };

  const inspected: Inspected[] = [];
  const byId = new Map<string, Inspected>();
  for (const file of files) {
    const found = await inspect(file);
    if (typeof found === "string") {
      settle(file, "failed", found);
      continue;
    }
    const twin = byId.get(idOf(found));
    if (twin === undefined) {
      byId.set(idOf(found), found);
      inspected.push(found);
    } else if (twin.sha256 !== found.sha256) {
      settle(file, "failed", `It has the same debug id as ${twin.file.path} and other contents; only one of them can belong to the module.`);
    }
  }

  let waiting = inspected;
  if (!force) {
    const checked = await checkAll(inspected, server, terminal);
    for (const entry of inspected) {
      const reason = checked.failures.get(entry);
      if (reason !== undefined) settle(entry.file, "failed", reason);
      else if (checked.present.has(entry)) settle(entry.file, "present");
    }
    waiting = inspected.filter(({ file }) => !results.has(file));
  }

  const total = waiting.reduce((sum, { file }) => sum + file.size, 0);
  const progress = new Progress(terminal, waiting.length, total);
  const queue = waiting.values();
  const work = async () => {
    for (const entry of queue) {
      const outcome = await upload(entry, server, progress, terminal);
      settle(entry.file, outcome.state, outcome.reason);
      progress.finishFile(`${outcome.state === "failed" ? "failed" : outcome.state === "present" ? "already there" : "uploaded"} ${entry.debugFile} ${entry.file.header.debugId} (${megabytes(entry.file.size)})`);
    }
  };
  await Promise.all(Array.from({ length: uploadsAtOnce }, work));
  progress.end();

  for (const file of files) {
    // What is left is a second copy of a file: it went where the first one went.
    if (results.has(file)) continue;
    const twin = byId.get(`${file.header.debugId}/${nameOf(file)}`);
    const fate = twin === undefined ? undefined : results.get(twin.file);
    settle(file, fate?.state === "failed" ? "failed" : "present", fate?.reason ?? null);
  }
  return files.map((file) => results.get(file)!);
}

/** Reads the file through; a text says why it cannot be uploaded. */
async function inspect(file: SymbolFile): Promise<Inspected | string> {
  const name = storeName(file.header.debugFile);
  if (!name.ok) return `${name.problem.message} ${name.problem.hint}`;
  const hash = createHash("sha256");
  const check = new SymbolCheck();
  try {
    for await (const chunk of readPlain(file)) {
      hash.update(chunk as Buffer);
      const problem = check.push(chunk as Buffer);
      if (problem !== null) return `${problem.message} ${problem.hint}`;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return `It cannot be read to its end: ${error.message}.`;
  }
  const facts = check.finish();
  if (!facts.ok) return `${facts.problem.message} ${facts.problem.hint}`;
  return { file, debugFile: name.value, sha256: hash.digest("hex") };
}

/** Asks which files the server has already. */
async function checkAll(inspected: readonly Inspected[], server: SymbolServer, terminal: Terminal): Promise<{ present: Set<Inspected>; failures: Map<Inspected, string> }> {
  const present = new Set<Inspected>();
  const failures = new Map<Inspected, string>();
  for (let start = 0; start < inspected.length; start += defaultLimits.SYMBOL_CHECK_COUNT) {
    const part = inspected.slice(start, start + defaultLimits.SYMBOL_CHECK_COUNT);
    const body = Buffer.from(JSON.stringify({ symbols: part.map((entry) => ({ debug_file: entry.debugFile, debug_id: entry.file.header.debugId, sha256: entry.sha256 })) }));
    const outcome = await send(server, "/symbols/check", { "content-type": "application/json", "content-length": body.length }, () => body, terminal);
    const states = outcome.ok && outcome.status === 200 ? readStates(outcome.text) : null;
    if (states === null) {
      const reason = outcome.ok ? refusal(outcome.status, outcome.text) : outcome.reason;
      // What refused one question refuses the next; saying so once per file is enough.
      for (const entry of inspected.slice(start)) failures.set(entry, reason);
      break;
    }
    for (const entry of part) if (states.get(idOf(entry)) === "have") present.add(entry);
  }
  return { present, failures };
}

/** States by debug id and name; null when the answer is not what a Deadair server says. */
function readStates(text: string): Map<string, string> | null {
  const json = parseJson(text);
  const list = json !== null && typeof json === "object" && "symbols" in json ? json.symbols : null;
  if (!Array.isArray(list)) return null;
  const states = new Map<string, string>();
  for (const item of list as unknown[]) {
    if (item === null || typeof item !== "object" || !("debug_id" in item) || !("debug_file" in item) || !("state" in item)) return null;
    states.set(`${String(item.debug_id)}/${String(item.debug_file)}`, String(item.state));
  }
  return states;
}

async function upload(entry: Inspected, server: SymbolServer, progress: Progress, terminal: Terminal): Promise<{ state: UploadResult["state"]; reason: string | null }> {
  let sent = 0;
  const body = () => {
    progress.add(-sent);
    sent = 0;
    return openCompressed(entry.file, (bytes) => {
      sent += bytes;
      progress.add(bytes);
    });
  };
  const outcome = await send(server, "/symbols", { "content-type": "application/octet-stream", "content-encoding": "gzip" }, body, terminal);
  if (!outcome.ok) return { state: "failed", reason: outcome.reason };
  if (outcome.status === 201) return { state: "uploaded", reason: null };
  if (outcome.status === 200) return { state: "present", reason: null };
  return { state: "failed", reason: refusal(outcome.status, outcome.text) };
}

/** The file as gzip; one that is gzip already goes as it is. `onBytes` counts what is read from the disk. */
function openCompressed(file: SymbolFile, onBytes: (bytes: number) => void): Readable {
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  if (file.compression === "gzip") return pipeline(createReadStream(file.path), counter, () => {});
  return pipeline(readPlain(file), counter, createGzip(), () => {});
}

async function send(server: SymbolServer, route: string, headers: { readonly [name: string]: string | number }, body: () => Readable | Buffer, terminal: Terminal): Promise<HttpOutcome> {
  const url = `${server.url}/api/v1/${encodeURIComponent(server.project)}${route}`;
  return await exchangeWithRetries({ url, method: "POST", headers: { ...headers, authorization: `Bearer ${server.token}`, accept: "application/json" }, body, idleMs: server.idleMs }, terminal.retryMs, (why, waitMs) => {
    terminal.redraw?.("");
    terminal.err(`${why}; trying again in ${(waitMs / 1000).toFixed(1)} s`);
  });
}

function nameOf(file: SymbolFile): string {
  const name = storeName(file.header.debugFile);
  return name.ok ? name.value : "";
}

function idOf(entry: Inspected): string {
  return `${entry.file.header.debugId}/${entry.debugFile}`;
}

/** The results as a table for people. */
export function describeResults(results: readonly UploadResult[]): string[] {
  const lines: string[] = [];
  for (const [state, title] of [["uploaded", "uploaded     "], ["present", "already there"], ["failed", "failed       "]] as const) {
    const some = results.filter((result) => result.state === state);
    if (some.length === 0) continue;
    lines.push(`${title}  ${counted(some.length, "file")}, ${megabytes(some.reduce((sum, { bytes }) => sum + bytes, 0))}`);
    if (state === "failed") for (const { path, reason } of some) lines.push(`  ${path}`, ...(reason ?? "").split("\n").map((line) => `    ${line}`));
  }
  return lines;
}
