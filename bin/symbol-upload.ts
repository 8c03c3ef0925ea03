// Brings debug files to a server, in two steps:
//
// 1. check: the server says which it has. A build machine uploads the same
//    system libraries every night; those cost one line of JSON each.
// 2. upload: two at a time, compressed on the way, tried again where the
//    failure can pass.
import path from "node:path";
import { type Readable, Transform, pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import { defaultLimits } from "../config/limits.ts";
import type { DebugFileKind } from "../symbols/debug-file.ts";
import { type HttpOutcome, exchangeWithRetries, parseJson, refusal } from "./http-exchange.ts";
import { Progress } from "./progress.ts";
import type { UploadFile, UploadFiles } from "./upload-file.ts";
import { type SymbolFile, readPlain, readRaw, shownPath } from "./symbol-scan.ts";
import { type Terminal, counted, megabytes } from "./terminal.ts";

/** Uploads at the same time: enough to hide the server's disk, too few to crowd a build machine's line. */
const uploadsAtOnce = 2;

/** Where to upload to. */
export type SymbolServer = { readonly url: string; readonly token: string; readonly project: string; readonly idleMs: number };

/** What became of one file. `reason` is there when it failed. */
export type UploadResult = {
  readonly path: string;
  /** The path with what it takes to know which part of the file is meant. */
  readonly shown: string;
  readonly kind: DebugFileKind;
  /** Name of the module's debug file; null where a program names none. */
  readonly debug_file: string | null;
  readonly debug_id: string | null;
  /** As dump_syms names it; tells the parts of a universal binary apart. */
  readonly arch: string;
  readonly bytes: number;
  readonly state: "uploaded" | "present" | "failed";
  readonly reason: string | null;
};

/** Uploads what the server lacks; with `force`, everything. The results are in the order of `files`. */
export async function uploadSymbols(files: readonly SymbolFile[], read: UploadFiles, server: SymbolServer, force: boolean, terminal: Terminal): Promise<UploadResult[]> {
  const results = new Map<SymbolFile, UploadResult>();
  const settle = (file: SymbolFile, state: UploadResult["state"], reason: string | null = null) => {
    const { kind, debugFile, debugId, archName } = file.facts;
    results.set(file, { path: file.path, shown: shownPath(file), kind, debug_file: kind === "pdb" ? path.basename(file.path) : debugFile, debug_id: debugId, arch: archName, bytes: file.size, state, reason });
  };
  for (const [file, reason] of read.bad) settle(file, "failed", reason);

  const { firsts, copies } = sortCopies(read.good, (file, reason) => settle(file, "failed", reason));
  let waiting = firsts;
  if (!force) {
    const checked = await checkAll(firsts, server, terminal);
    for (const entry of firsts) {
      const reason = checked.failures.get(entry);
      if (reason !== undefined) settle(entry.file, "failed", reason);
      else if (checked.present.has(entry)) settle(entry.file, "present");
    }
    waiting = firsts.filter(({ file }) => !results.has(file));
  }

  const total = waiting.reduce((sum, { file }) => sum + file.size, 0);
  const progress = new Progress(terminal, waiting.length, total);
  const queue = waiting.values();
  const work = async () => {
    for (const entry of queue) {
      const outcome = await upload(entry, server, progress, terminal);
      settle(entry.file, outcome.state, outcome.reason);
      progress.finishFile(`${outcome.state === "failed" ? "failed" : outcome.state === "present" ? "already there" : "uploaded"} ${entry.name} ${idOf(entry)} (${megabytes(entry.file.size)})`);
    }
  };
  await Promise.all(Array.from({ length: uploadsAtOnce }, work));
  progress.end();

  for (const [file, first] of copies) {
    const fate = results.get(first.file);
    settle(file, fate?.state === "failed" ? "failed" : "present", fate?.reason ?? null);
  }
  return files.map((file) => results.get(file)!);
}

/** Tells files from their copies. Two symbol files or PDBs of one module with other contents are a mistake; programs may be signed and unsigned, and their debug files compressed. */
function sortCopies(good: readonly UploadFile[], onMistake: (file: SymbolFile, reason: string) => void): { firsts: UploadFile[]; copies: Map<SymbolFile, UploadFile> } {
  const firsts: UploadFile[] = [];
  const copies = new Map<SymbolFile, UploadFile>();
  const byContent = new Map<string, UploadFile>();
  const byModule = new Map<string, UploadFile>();
  for (const entry of good) {
    const { kind } = entry.file.facts;
    const module = `${kind}/${idOf(entry)}/${kind === "breakpad" ? entry.name : ""}`;
    const same = byContent.get(entry.sha256);
    const other = byModule.get(module);
    if (same !== undefined) copies.set(entry.file, same);
    else if (other !== undefined && (kind === "pdb" || kind === "breakpad")) onMistake(entry.file, `It has the same debug id as ${shownPath(other.file)} and other contents; only one of them can belong to the module.`);
    else {
      byContent.set(entry.sha256, entry);
      byModule.set(module, entry);
      firsts.push(entry);
    }
  }
  return { firsts, copies };
}

/** Asks which files the server has already. */
async function checkAll(inspected: readonly UploadFile[], server: SymbolServer, terminal: Terminal): Promise<{ present: Set<UploadFile>; failures: Map<UploadFile, string> }> {
  const present = new Set<UploadFile>();
  const failures = new Map<UploadFile, string>();
  for (let start = 0; start < inspected.length; start += defaultLimits.SYMBOL_CHECK_COUNT) {
    const part = inspected.slice(start, start + defaultLimits.SYMBOL_CHECK_COUNT);
    const body = Buffer.from(JSON.stringify({ symbols: part.map(questionOf) }));
    const outcome = await send(server, "/symbols/check", { "content-type": "application/json", "content-length": body.length }, () => body, terminal);
    const states = outcome.ok && outcome.status === 200 ? readStates(outcome.text, part.length) : null;
    if (states === null) {
      const reason = outcome.ok ? refusal(outcome.status, outcome.text) : outcome.reason;
      // What refused one question refuses the next; saying so once per file is enough.
      for (const entry of inspected.slice(start)) failures.set(entry, reason);
      break;
    }
    for (const [i, entry] of part.entries()) if (states[i] === "have") present.add(entry);
  }
  return { present, failures };
}

/** How the server is asked for a file: by kind, ids and content, and by the name that it is to have where that is not the server's to choose. */
function questionOf({ file: { facts }, name, sha256 }: UploadFile): { readonly [field: string]: string } {
  const { kind, debugId, codeId } = facts;
  const names = kind === "pe" ? { code_file: name } : kind === "pdb" || kind === "breakpad" ? { debug_file: name } : {};
  return { kind, ...(debugId === null ? {} : { debug_id: debugId }), ...(debugId === null && codeId !== null ? { code_id: codeId } : {}), ...names, sha256 };
}

/** States in the order of the question; null when the answer is not what a Deadair server says. */
function readStates(text: string, count: number): string[] | null {
  const json = parseJson(text);
  const list = json !== null && typeof json === "object" && "symbols" in json ? json.symbols : null;
  if (!Array.isArray(list) || list.length !== count) return null;
  const states: string[] = [];
  for (const item of list as unknown[]) {
    if (item === null || typeof item !== "object" || !("state" in item)) return null;
    states.push(String(item.state));
  }
  return states;
}

async function upload(entry: UploadFile, server: SymbolServer, progress: Progress, terminal: Terminal): Promise<{ state: UploadResult["state"]; reason: string | null }> {
  let sent = 0;
  const body = () => {
    progress.add(-sent);
    sent = 0;
    return openCompressed(entry.file, (bytes) => {
      sent += bytes;
      progress.add(bytes);
    });
  };
  // A symbol file says its own name.
  const route = entry.file.facts.kind === "breakpad" ? "/symbols" : `/symbols?name=${encodeURIComponent(entry.name)}`;
  const outcome = await send(server, route, { "content-type": "application/octet-stream", "content-encoding": "gzip" }, body, terminal);
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
  if (file.compression === "gzip") return pipeline(readRaw(file), counter, () => {});
  return pipeline(readPlain(file), counter, createGzip(), () => {});
}

async function send(server: SymbolServer, route: string, headers: { readonly [name: string]: string | number }, body: () => Readable | Buffer, terminal: Terminal): Promise<HttpOutcome> {
  const url = `${server.url}/api/v1/${encodeURIComponent(server.project)}${route}`;
  return await exchangeWithRetries({ url, method: "POST", headers: { ...headers, authorization: `Bearer ${server.token}`, accept: "application/json" }, body, idleMs: server.idleMs }, terminal.retryMs, (why, waitMs) => {
    terminal.redraw?.("");
    terminal.err(`${why}; trying again in ${(waitMs / 1000).toFixed(1)} s`);
  });
}

function idOf({ file: { facts } }: UploadFile): string {
  return facts.debugId ?? facts.codeId ?? "";
}

/** The results as a table for people. */
export function describeResults(results: readonly UploadResult[]): string[] {
  const lines: string[] = [];
  for (const [state, title] of [["uploaded", "uploaded     "], ["present", "already there"], ["failed", "failed       "]] as const) {
    const some = results.filter((result) => result.state === state);
    if (some.length === 0) continue;
    lines.push(`${title}  ${counted(some.length, "file")}, ${megabytes(some.reduce((sum, { bytes }) => sum + bytes, 0))}`);
    if (state === "failed") for (const { shown, reason } of some) lines.push(`  ${shown}`, ...(reason ?? "").split("\n").map((line) => `    ${line}`));
  }
  return lines;
}
