// Which crashes wait for what. A walk notes the modules whose symbols lacked
// something; a file that comes later finds, by the same ids that a walk would
// find it by (stackwalk/module-files.ts), the crashes that it may help.
import { type RawBuilder, sql } from "kysely";
import type { MissingSymbols } from "../stackwalk/stackwalker.ts";
import type { DebugFileHoldings } from "../symbols/debug-file.ts";
import type { Tx } from "./database.ts";
import { storableName } from "./storable.ts";

/** The ids that crashes may know a module by. */
export type ModuleIds = { readonly debugIds: readonly string[]; readonly programs: readonly { readonly codeId: string; readonly codeFile: string }[] };

/** What a missing module can be helped with. */
export type Lacks = MissingSymbols["lacks"];

/** A statement takes 65,535 parameters, and a posted stack trace may miss 20,000 modules. */
const rowsAtOnce = 1000;

/** Notes what a walk of a crash missed, instead of what the walk before did. */
export async function writeMissing(tx: Tx, crash: { readonly id: string; readonly projectId: number; readonly revision: number }, missing: readonly MissingSymbols[]): Promise<void> {
  if (crash.revision > 1) await tx.deleteFrom("missing_symbols").where("crash_id", "=", crash.id).execute();
  for (let done = 0; done < missing.length; done += rowsAtOnce) {
    const rows = missing.slice(done, done + rowsAtOnce).map((key) => ({
      project_id: crash.projectId,
      crash_id: crash.id,
      debug_id: storableName(key.debugId ?? ""),
      debug_file: storableName(key.debugFile ?? ""),
      code_id: storableName((key.codeId ?? "").toUpperCase()),
      code_file: storableName(key.codeFile),
      lacks: key.lacks,
    }));
    await tx
      .insertInto("missing_symbols")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** What a file that holds this helps with. Any may bring names, if only together with others, as split DWARF does. */
export function helpsWith({ unwind }: DebugFileHoldings): Lacks[] {
  return unwind ? ["all", "names", "unwind"] : ["all", "names"];
}

/** Modules that one file of dwz is shared by, as far as they are healed by it. */
const sharersMax = 200;

/** The ids of the modules that a debug file belongs to: its own, and those of files that refer to what dwz took out of them. A PDB does not know its program's code id; a program that names the PDB does. */
export async function moduleIds(tx: Tx, file: { readonly project_id: number; readonly debug_id: string | null; readonly code_id: string | null; readonly code_file: string | null }): Promise<ModuleIds> {
  const programs = file.code_id === null || file.code_file === null ? [] : [{ codeId: file.code_id, codeFile: file.code_file }];
  if (file.debug_id === null) return { debugIds: [], programs };
  const others = await tx
    .selectFrom("debug_files")
    .select(["code_id", "code_file"])
    .distinct()
    .where("project_id", "=", file.project_id)
    .where("debug_id", "=", file.debug_id)
    .where("kind", "=", "pe")
    .where("code_id", "is not", null)
    .where("code_file", "is not", null)
    .limit(20)
    .execute();
  const sharers = await tx
    .selectFrom("debug_files")
    .select("debug_id")
    .distinct()
    .where("project_id", "=", file.project_id)
    .where("supplement_id", "=", file.debug_id)
    .where("debug_id", "is not", null)
    .where("debug_id", "<>", file.debug_id)
    .limit(sharersMax)
    .execute();
  return { debugIds: [file.debug_id, ...sharers.map((row) => row.debug_id!)], programs: [...programs, ...others.map((row) => ({ codeId: row.code_id!, codeFile: row.code_file! }))] };
}

/** True when a crash lacks one of `lacks` of a module. */
export async function crashLacks(tx: Tx, crash: string, ids: ModuleIds, lacks: readonly Lacks[]): Promise<boolean> {
  const asked = matches(ids);
  if (asked.length === 0) return false;
  const found = await sql`select from missing_symbols where crash_id = ${crash} and lacks = any(${lacks as Lacks[]}::text[]) and (${sql.join(asked, sql` or `)}) limit 1`.execute(tx);
  return found.rows.length > 0;
}

/** Crashes that lack one of `lacks` of a module, the newest first: at most `limit`, and only those before `before`. */
export async function crashesLacking(tx: Tx, projectId: number, ids: ModuleIds, lacks: readonly Lacks[], before: string | null, limit: number): Promise<string[]> {
  const asked = matches(ids);
  if (asked.length === 0) return [];
  const older = before === null ? sql`true` : sql`crash_id < ${before}`;
  const parts = asked.map((match) => sql`(select distinct crash_id from missing_symbols where project_id = ${projectId} and (${match}) and lacks = any(${lacks as Lacks[]}::text[]) and ${older} order by crash_id desc limit ${limit})`);
  const found = await sql<{ crash_id: string }>`select crash_id from (${sql.join(parts, sql` union `)}) as waiting order by crash_id desc limit ${limit}`.execute(tx);
  return found.rows.map((row) => row.crash_id);
}

/** Conditions of the rows that are of a module, one of which holds. */
function matches({ debugIds, programs }: ModuleIds): RawBuilder<unknown>[] {
  // A crash that knows a debug id is found by that; if the file has none, by its code id.
  const nameless = debugIds.length === 0 ? sql`true` : sql`debug_id = ''`;
  return [
    ...debugIds.map((debugId) => sql`debug_id = ${debugId}`),
    ...programs.map(({ codeId, codeFile }) => sql`code_id = ${codeId.toUpperCase()} and code_id <> '' and lower(code_file) = ${codeFile.toLowerCase()} and ${nameless}`),
  ];
}
