// A debug file comes in.
//
// It streams to the spool, and its first bytes decide what becomes of it:
//  - A Breakpad symbol file is checked while it streams past (symbols/breakpad),
//    so that what is stored is one, whole.
//  - A native file is opened where it lies on the spool once it is whole, and
//    read by a thread for what it says of itself: headers and directories, not
//    tables (fact-reader.ts). It is compiled later, by a worker's thread.
//  - A universal binary is taken apart (file-parts.ts): each architecture is a
//    file of its own from then on, with a blob and a row. All are stored or none.
//  - Anything else is refused with what it is, and nothing of it is kept.
// Which module a file belongs to is its own word, never the request's. Only the
// file name is the request's where the file does not know it (file-names.ts).
import type { Readable } from "node:stream";
import type { Limits } from "../../config/limits.ts";
import { ok, type Problem, refuse, type Result } from "../../config/problem.ts";
import { type NewDebugFile, renameDebugFiles, storeDebugFiles } from "../../storage/debug-files.ts";
import type { SpooledFile } from "../../storage/blobs/spool.ts";
import type { Storage } from "../../storage/storage.ts";
import { type SymbolFacts, SymbolCheck } from "../../symbols/breakpad/check.ts";
import { storeName } from "../../symbols/breakpad/store-path.ts";
import type { DebugFileFacts, DebugFileLack } from "../../symbols/debug-file.ts";
import { isNativeDebugFile } from "../../symbols/foreign-format.ts";
import { whyUseless } from "../../symbols/useless-file.ts";
import { inflated, overLimit, problemOf, Refusal } from "../ingest/body.ts";
import type { SymbolItem } from "../triage/schema.ts";
import type { FactReader } from "./fact-reader.ts";
import { madeNames, nameNative } from "./file-names.ts";
import { cutParts } from "./part-files.ts";
import { symbolItems } from "./symbol-lists.ts";

/** Where debug files are stored, and what reads them. */
export type SymbolStore = { readonly storage: Storage; readonly limits: Limits; readonly facts: FactReader };

/** The debug files that came in one, at least one; `created` is false when all were there already. */
export type StoredSymbols = { readonly items: readonly SymbolItem[]; readonly created: boolean };

type Inspected = Omit<NewDebugFile, "projectId" | "blob" | "bytes">;

/** Bytes that decide what a file is. */
const headBytes = 512;

/** Streams a debug file, or the parts of a universal binary, into the store, or says why not; then nothing is kept. `name` is the file's name as the request gives it, if it does. */
export async function storeSymbols({ storage, limits, facts }: SymbolStore, projectId: number, body: AsyncIterable<Buffer> | Readable, name: string | undefined): Promise<Result<StoredSymbols>> {
  const sink = await storage.spool.open();
  let check: SymbolCheck | null = null;
  let head: Buffer | null = Buffer.alloc(0);
  // Decides once there is enough to tell, or no more to come.
  const decide = (bytes: Buffer): Problem | null => {
    head = null;
    if (isNativeDebugFile(bytes)) return null;
    check = new SymbolCheck();
    return check.push(bytes);
  };
  try {
    for await (const chunk of inflated(body as AsyncIterable<Buffer>)) {
      let problem: Problem | null = null;
      if (head === null) problem = check === null ? null : (check as SymbolCheck).push(chunk);
      else {
        head = Buffer.concat([head, chunk]);
        if (head.length >= headBytes) problem = decide(head);
      }
      if (problem !== null) throw new Refusal(problem);
      if (sink.bytes + chunk.length > limits.SYMBOL_INFLATED_BYTES) throw new Refusal(overLimit(limits, "SYMBOL_INFLATED_BYTES", "The symbol file"));
      await sink.write(chunk);
    }
    const problem = head === null ? null : decide(head);
    if (problem !== null) throw new Refusal(problem);
    const file = await sink.finish();
    return ok(check === null ? await storeNative({ storage, limits, facts }, file, projectId, name) : await storeSymbolFile(storage, file, projectId, (check as SymbolCheck).finish()));
  } catch (error) {
    await sink.abort();
    return { ok: false, problem: problemOf(error) };
  }
}

async function storeSymbolFile(storage: Storage, file: SpooledFile, projectId: number, facts: Result<SymbolFacts>): Promise<StoredSymbols> {
  const inspected = inspectSymbolFile(facts);
  if (!inspected.ok) throw new Refusal(inspected.problem);
  await storage.blobs.keep(file);
  return insert(storage, [{ ...inspected.value, projectId, blob: file.sha256, bytes: file.bytes }]);
}

async function storeNative({ storage, facts }: SymbolStore, file: SpooledFile, projectId: number, name: string | undefined): Promise<StoredSymbols> {
  const parts = await facts.read(file.path);
  if (!parts.ok) throw new Refusal(parts.problem);
  const inspected: Inspected[] = [];
  for (const part of parts.value) {
    const one = await inspectNative(storage, part.facts, projectId, name);
    if (!one.ok) throw new Refusal(parts.value.length === 1 ? one.problem : { ...one.problem, message: `Its part for ${part.facts.archName}: ${one.problem.message}` });
    inspected.push(one.value);
  }
  const files = await cutParts(storage.spool, file, parts.value);
  try {
    for (const part of files) await storage.blobs.keep(part);
  } finally {
    await Promise.all([file, ...files].map((each) => each.discard()));
  }
  return insert(storage, files.map(({ sha256, bytes }, i) => ({ ...inspected[i]!, projectId, blob: sha256, bytes })));
}

async function insert(storage: Storage, files: readonly NewDebugFile[]): Promise<StoredSymbols> {
  const stored = await storeDebugFiles(storage.db, files);
  for (const { projectId, debugId, debugFile } of files) {
    const made: readonly string[] = debugId === null ? [] : madeNames(debugId);
    if (debugId !== null && debugFile !== null && !made.includes(debugFile)) await renameDebugFiles(storage.db, projectId, debugId, made, debugFile);
  }
  return { items: await symbolItems(storage.db, stored.map(({ row }) => row)), created: stored.some(({ created }) => created) };
}

function inspectSymbolFile(facts: Result<SymbolFacts>): Result<Inspected> {
  if (!facts.ok) return facts;
  const { header, counts, hasLines, hasUnwind } = facts.value;
  const debugFile = storeName(header.debugFile);
  if (!debugFile.ok) return debugFile;
  const { os, arch, debugId, codeId, codeFile } = header;
  return ok({
    kind: "breakpad",
    os,
    arch,
    debugId,
    debugFile: debugFile.value,
    codeId,
    codeFile,
    holds: { functions: counts.functions > 0, publics: counts.publics > 0, lines: hasLines, inlines: counts.inlines > 0, unwind: hasUnwind },
    lacks: symbolFileLacks(hasLines, hasUnwind),
    counts: { functions: counts.functions, lines: counts.lines, unwindRows: counts.stackCfi + counts.stackWin },
  });
}

function symbolFileLacks(hasLines: boolean, hasUnwind: boolean): DebugFileLack[] {
  const lacks: DebugFileLack[] = [];
  if (!hasLines) lacks.push({ code: "no_lines", message: "It has no line records, so frames have no source lines.", hint: "Run dump_syms on a file that still has debug information." });
  if (!hasUnwind) lacks.push({ code: "no_unwind", message: "It has no STACK records, so stacks through this module are guessed.", hint: "Give dump_syms the program too, or upload the program beside it." });
  return lacks;
}

async function inspectNative(storage: Storage, facts: DebugFileFacts, projectId: number, name: string | undefined): Promise<Result<Inspected>> {
  const useless = whyUseless(facts);
  if (useless !== null) return refuse(400, "useless_debug_file", useless.message, useless.hint);
  const names = await nameNative(storage.db, projectId, facts, name);
  if (!names.ok) return names;
  const { archName, generator: _, ...said } = facts;
  const lacks = facts.supplement === undefined ? facts.lacks : [...facts.lacks, noSupplement(facts.supplement)];
  return ok({ ...said, lacks, arch: archName, ...names.value, counts: { functions: 0, lines: 0, unwindRows: 0 } });
}

/** What a file lacks whose DWARF dwz has thinned out, until that file is there too. */
function noSupplement({ debugId, file }: NonNullable<DebugFileFacts["supplement"]>): DebugFileLack {
  return { code: "no_supplement", message: `Some of its names are in ${file || "a file"} (debug id ${debugId}), where dwz put what several files share.`, hint: "Upload that file too; distributions have it under /usr/lib/debug/.dwz." };
}
