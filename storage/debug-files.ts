// The life of an uploaded debug file, in rows.
//
//   uploaded ──compile──▶ compiled ──heal──▶ settled
//       │                                      ▲
//       └──────no good, with its problem───────┘
//
// The content is a blob; the row says whose module it is and what it holds. A
// file that is sent again is the same row: it becomes the newest of its module,
// takes the name that it is given now, and is compiled again if it was no good
// or is known by another name. Source files have nothing to compile and nobody
// waits for them: their rows are settled from the start.
import { type Selectable, sql } from "kysely";
import type { DebugFileFacts } from "../symbols/debug-file.ts";
import type { Database, Tx } from "./database.ts";
import { askHealing } from "./healing.ts";
import { enqueue, isNotWaiting } from "./outbox.ts";
import { storable, storableJson, storableName, storableText } from "./storable.ts";
import type { DebugFileTable } from "./tables.ts";
import { uuidv7 } from "./uuid.ts";

/** The row of a debug file. */
export type DebugFileRow = Selectable<DebugFileTable>;

/** A debug file as an upload hands it over; its blob is kept already. Its names can be file names. */
export type NewDebugFile = Pick<DebugFileFacts, "kind" | "os" | "debugId" | "debugFile" | "codeId" | "codeFile" | "holds" | "lacks" | "platform" | "supplement"> & {
  readonly projectId: number;
  readonly arch: string;
  readonly blob: string;
  readonly bytes: number;
  /** What is counted already; the compilation counts the rest. */
  readonly counts: FileCounts;
};

/** What a debug file holds, in numbers. */
export type FileCounts = { readonly functions: number; readonly lines: number; readonly unwindRows: number };

/** Times that a compilation may begin and not end: each may have taken its worker along. */
const attemptsMax = 3;

/** A stored row; `created` is false when the project had the file. */
export type StoredRow = { readonly row: DebugFileRow; readonly created: boolean };

/** Stores the rows of files that came together, all or none, and asks for their compilations. */
export async function storeDebugFiles(db: Database, files: readonly NewDebugFile[]): Promise<StoredRow[]> {
  return db.transaction().execute(async (tx) => {
    const stored = new Map<NewDebugFile, StoredRow>();
    // In one order, so that two who bring the same files do not wait for each other.
    for (const file of files.toSorted((a, b) => (a.blob < b.blob ? -1 : 1))) stored.set(file, await storeRow(tx, file));
    return files.map((file) => stored.get(file)!);
  });
}

async function storeRow(tx: Tx, file: NewDebugFile): Promise<StoredRow> {
  const names = { debug_file: storable(file.debugFile), code_file: storable(file.codeFile) };
  const isInert = file.kind === "sources";
  const inserted = await tx
    .insertInto("debug_files")
    .values({
      id: uuidv7(),
      project_id: file.projectId,
      kind: file.kind,
      ...names,
      debug_id: file.debugId,
      code_id: storableName(file.codeId?.toUpperCase() ?? null),
      os: storableName(file.os),
      arch: storableName(file.arch),
      blob: file.blob,
      bytes: file.bytes,
      functions: file.counts.functions,
      lines: file.counts.lines,
      unwind_rows: file.counts.unwindRows,
      holds: storableJson(file.holds),
      lacks: storableJson(file.lacks),
      supplement_id: file.supplement?.debugId ?? null,
      platform: storableName(file.platform ?? null),
      ...(isInert ? { compiled_at: sql<Date>`now()`, settled_at: sql<Date>`now()` } : {}),
    })
    .onConflict((conflict) => conflict.columns(["project_id", "blob"]).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (inserted !== undefined) {
    if (!isInert) await enqueue(tx, "compile", `compile-${inserted.id}`, { file: inserted.id });
    return { row: inserted, created: true };
  }
  const there = await tx.selectFrom("debug_files").selectAll().where("project_id", "=", file.projectId).where("blob", "=", file.blob).forUpdate().executeTakeFirstOrThrow();
  const again = !isInert && (there.problem !== null || there.code_file !== names.code_file);
  const row = await tx
    .updateTable("debug_files")
    .set({ ...names, created_at: sql<Date>`now()`, ...(again ? { queued_at: sql<Date>`now()`, problem: null, attempts: 0, compiled_at: null, healed_to: null, settled_at: null } : {}) })
    .where("id", "=", there.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (again) await enqueue(tx, "compile", `compile-${row.id}`, { file: row.id });
  return { row, created: false };
}

/** Gives the files of a module that nobody could name the name that one of them has. `made` are what they were called until now. */
export async function renameDebugFiles(db: Database, projectId: number, debugId: string, made: readonly string[], name: string): Promise<void> {
  await db.updateTable("debug_files").set({ debug_file: name }).where("project_id", "=", projectId).where("debug_id", "=", debugId).where("debug_file", "in", made).execute();
}

/** Counts one more attempt at a compilation and returns the file; undefined when there is nothing to do, or when it has been given up now. */
export async function startCompile(db: Database, id: string): Promise<DebugFileRow | undefined> {
  const row = await db
    .updateTable("debug_files")
    .set({ attempts: sql`attempts + 1`, queued_at: sql<Date>`now()` })
    .where("id", "=", id)
    .where("compiled_at", "is", null)
    .where("settled_at", "is", null)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined || row.attempts <= attemptsMax) return row;
  await finishCompile(db, row, { problem: `Its compilation was started ${row.attempts - 1} times and never ended: each time the worker died or was stopped.` });
  return undefined;
}

/** Forgets the attempts at a compilation that ended, if not well: it took no worker along. */
export async function forgiveCompile(db: Database, id: string): Promise<void> {
  await db.updateTable("debug_files").set({ attempts: 0 }).where("id", "=", id).execute();
}

/** Writes how a compilation ended. A good file then heals crashes; a second end changes nothing. */
export async function finishCompile(db: Database, file: DebugFileRow, end: { readonly counts: FileCounts | null } | { readonly problem: string }): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const counts = "counts" in end && end.counts !== null ? { functions: end.counts.functions, lines: end.counts.lines, unwind_rows: end.counts.unwindRows } : {};
    const problem = "problem" in end ? storableText(end.problem.slice(0, 2000)) : null;
    const done = await tx
      .updateTable("debug_files")
      .set({ ...counts, problem, attempts: 0, compiled_at: sql<Date>`now()`, ...(problem === null ? {} : { settled_at: sql<Date>`now()` }) })
      .where("id", "=", file.id)
      .where("compiled_at", "is", null)
      .executeTakeFirst();
    if (done.numUpdatedRows > 0n && problem === null) await askHealing(tx, { file: file.id, from: null, round: 0 });
  });
}

/** Writes what a program's split DWARF holds, which can only be counted together with the program, and that may have come later. */
export async function recountSplitDwarf(db: Database, program: DebugFileRow, { functions, lines }: FileCounts): Promise<void> {
  await db.updateTable("debug_files").set({ functions, lines }).where("project_id", "=", program.project_id).where("debug_id", "=", program.debug_id).where("kind", "=", "dwp").where("problem", "is", null).execute();
}

/** Asks again for what was asked `seconds` ago of files and has not happened: the queue has lost it. Returns how many. */
export async function reclaimFiles(db: Database, seconds: number, limit = 200): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const lost = await tx
      .selectFrom("debug_files")
      .select(["id", "compiled_at", "healed_to"])
      .where("settled_at", "is", null)
      .where("queued_at", "<", sql<Date>`now() - make_interval(secs => ${seconds})`)
      .where(isNotWaiting("compile", sql`'compile-' || debug_files.id`))
      .where(sql<boolean>`not exists (select from outbox where outbox.queue = 'heal' and outbox.payload->>'file' = debug_files.id::text)`)
      .orderBy("queued_at")
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    if (lost.length === 0) return 0;
    await tx
      .updateTable("debug_files")
      .set({ queued_at: sql<Date>`now()` })
      .where("id", "in", lost.map((row) => row.id))
      .execute();
    for (const row of lost) {
      if (row.compiled_at === null) await enqueue(tx, "compile", `compile-${row.id}`, { file: row.id });
      else await askHealing(tx, { file: row.id, from: row.healed_to, round: 0 });
    }
    return lost.length;
  });
}
