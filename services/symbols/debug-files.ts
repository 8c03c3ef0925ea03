// What is known of uploaded symbol files.
//
// A symbol file streams to the spool while it is checked (symbols/breakpad), so
// that what is stored is a symbol file, whole, and its header says which module
// it belongs to: never the request. The newest file of a module wins.
import type { Readable } from "node:stream";
import { sql } from "kysely";
import type { Limits } from "../../config/limits.ts";
import { ok, type Result } from "../../config/problem.ts";
import type { Tx } from "../../storage/database.ts";
import { enqueue } from "../../storage/outbox.ts";
import type { Storage } from "../../storage/storage.ts";
import { uuidv7 } from "../../storage/uuid.ts";
import { type SymbolFacts, SymbolCheck } from "../../symbols/breakpad/check.ts";
import { storeName } from "../../symbols/breakpad/store-path.ts";
import { inflated, overLimit, problemOf, Refusal } from "../ingest/body.ts";
import type { SymbolItem, SymbolPage } from "../triage/schema.ts";

/** A stored symbol file; `created` is false when it was there already. */
export type StoredSymbols = { readonly item: SymbolItem; readonly created: boolean };

/** Streams a symbol file into the store, or says why not; then nothing is kept. */
export async function storeSymbols(storage: Storage, limits: Limits, projectId: number, body: AsyncIterable<Buffer> | Readable): Promise<Result<StoredSymbols>> {
  const sink = await storage.spool.open();
  const check = new SymbolCheck();
  try {
    for await (const chunk of inflated(body as AsyncIterable<Buffer>)) {
      const problem = check.push(chunk);
      if (problem !== null) throw new Refusal(problem);
      if (sink.bytes + chunk.length > limits.SYMBOL_INFLATED_BYTES) throw new Refusal(overLimit(limits, "SYMBOL_INFLATED_BYTES", "The symbol file"));
      await sink.write(chunk);
    }
    const facts = check.finish();
    if (!facts.ok) throw new Refusal(facts.problem);
    const name = storeName(facts.value.header.debugFile);
    if (!name.ok) throw new Refusal(name.problem);
    const file = await sink.finish();
    await storage.blobs.keep(file);
    return ok(await insert(storage, projectId, facts.value, name.value, file.sha256));
  } catch (error) {
    await sink.abort();
    return { ok: false, problem: problemOf(error) };
  }
}

async function insert(storage: Storage, projectId: number, facts: SymbolFacts, debugFile: string, blob: string): Promise<StoredSymbols> {
  return storage.db.transaction().execute(async (tx) => {
    const stored = await insertRow(tx, projectId, facts, debugFile, blob);
    if (stored.created) await enqueue(tx, "compile", `compile-${blob}`, { blob });
    return stored;
  });
}

async function insertRow(tx: Tx, projectId: number, facts: SymbolFacts, debugFile: string, blob: string): Promise<StoredSymbols> {
  const { header, counts } = facts;
  const inserted = await tx
    .insertInto("debug_files")
    .values({
      id: uuidv7(),
      project_id: projectId,
      kind: "breakpad",
      debug_file: debugFile,
      debug_id: header.debugId,
      code_file: header.codeFile,
      code_id: header.codeId,
      os: header.os,
      arch: header.arch,
      blob,
      bytes: facts.bytes,
      functions: counts.functions,
      lines: counts.lines,
      unwind_rows: counts.stackCfi + counts.stackWin,
    })
    // The same file again becomes the newest of its module.
    .onConflict((conflict) => conflict.columns(["project_id", "debug_id", "debug_file", "blob"]).doUpdateSet({ created_at: sql`now()` }))
    .returningAll()
    .returning(sql<boolean>`xmax = 0`.as("created"))
    .executeTakeFirstOrThrow();
  return { item: symbolItem(inserted), created: inserted.created };
}

/** Which of these symbol files are there: `have`, `missing`, or `different` (same module, other content). */
export async function checkSymbols(
  storage: Storage,
  projectId: number,
  asked: readonly { readonly debug_file: string; readonly debug_id: string; readonly sha256?: string }[],
): Promise<{ debug_file: string; debug_id: string; state: "have" | "missing" | "different" }[]> {
  const rows =
    asked.length === 0
      ? []
      : await storage.db
          .selectFrom("debug_files")
          .select(["debug_file", "debug_id", "blob"])
          .where("project_id", "=", projectId)
          .where("debug_id", "in", [...new Set(asked.map((symbol) => symbol.debug_id.toUpperCase()))])
          .execute();
  return asked.map((symbol) => {
    const same = rows.filter((row) => row.debug_id === symbol.debug_id.toUpperCase() && row.debug_file === symbol.debug_file);
    const state = same.length === 0 ? "missing" : symbol.sha256 === undefined || same.some((row) => row.blob === symbol.sha256?.toLowerCase()) ? "have" : "different";
    return { debug_file: symbol.debug_file, debug_id: symbol.debug_id, state };
  });
}

/** A page of uploaded symbol files, newest first, with the modules that crashes miss most. */
export async function listSymbols(storage: Storage, projectId: number, limit: number, cursor: string | undefined): Promise<SymbolPage> {
  const rows = await storage.db
    .selectFrom("debug_files")
    .selectAll()
    .where("project_id", "=", projectId)
    .$if(cursor !== undefined, (query) => query.where("id", "<", cursor!))
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const missing = await storage.db
    .selectFrom("missing_symbols")
    .select((select) => ["debug_file", "debug_id", select.fn.countAll<string>().as("crashes")])
    .where("project_id", "=", projectId)
    .where((where) =>
      where.not(
        where.exists(
          where.selectFrom("debug_files").select("id").whereRef("debug_files.project_id", "=", "missing_symbols.project_id").whereRef("debug_files.debug_id", "=", "missing_symbols.debug_id").whereRef("debug_files.debug_file", "=", "missing_symbols.debug_file"),
        ),
      ),
    )
    .groupBy(["debug_file", "debug_id"])
    .orderBy("crashes", "desc")
    .limit(50)
    .execute();
  const items = rows.slice(0, limit).map(symbolItem);
  return {
    items,
    missing: missing.map((row) => ({ debugFile: row.debug_file, debugId: row.debug_id, crashes: Number(row.crashes) })),
    next: rows.length > limit ? (items.at(-1)?.id ?? null) : null,
  };
}

type Row = { id: string; debug_file: string; debug_id: string; code_id: string | null; os: string; arch: string; bytes: string; functions: string; lines: string; unwind_rows: string; created_at: Date };

function symbolItem(row: Row): SymbolItem {
  return {
    id: row.id,
    debugFile: row.debug_file,
    debugId: row.debug_id,
    codeId: row.code_id,
    os: row.os,
    arch: row.arch,
    bytes: Number(row.bytes),
    functions: Number(row.functions),
    lines: Number(row.lines),
    unwindRows: Number(row.unwind_rows),
    createdAt: row.created_at.toISOString(),
  };
}
