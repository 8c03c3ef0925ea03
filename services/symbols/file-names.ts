// What native debug files are called. A PDB does not hold its own name, nor does
// a program; both matter, since crashes name modules and people look for names.
// A PDB's name comes from, in this order, the request, the program with the same
// debug id, and its own id. A program's comes from the request or its export
// table; without either it has none, and can only be found by its debug id.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Database } from "../../storage/database.ts";
import { storeName } from "../../symbols/breakpad/store-path.ts";
import type { DebugFileFacts } from "../../symbols/debug-file.ts";

/** Names of a file's module: of its debug file and of its program. */
export type FileNames = { readonly debugFile: string | null; readonly codeFile: string | null };

/** What a PDB is called that nobody names. */
export function pdbNameOf(debugId: string): string {
  return `${debugId}.pdb`;
}

/** Names a native file. Refuses with `bad_module_name`, or with `no_file_name` when the file could not be found by anything. */
export async function nameNative(db: Database, projectId: number, facts: DebugFileFacts, given: string | undefined): Promise<Result<FileNames>> {
  const own = nameOrNone(given ?? null);
  const debugFile = nameOrNone(facts.debugFile);
  const codeFile = nameOrNone(facts.codeFile);
  if (!own.ok) return own;
  if (!debugFile.ok) return debugFile;
  if (!codeFile.ok) return codeFile;
  if (facts.kind === "pe") {
    const name = own.value ?? codeFile.value;
    if (facts.debugId === null && name === null) return refuse(400, "no_file_name", "The program has no CodeView record, and nothing says its name, so no crash could find it.", "Give its file name in the address: ?name=Plugin.dll.");
    return ok({ debugFile: debugFile.value, codeFile: name });
  }
  const made = facts.debugId === null ? null : pdbNameOf(facts.debugId);
  return ok({ debugFile: own.value ?? debugFile.value ?? (await nameInProgram(db, projectId, facts.debugId)) ?? made, codeFile: codeFile.value });
}

function nameOrNone(name: string | null): Result<string | null> {
  return name === null || name === "" ? ok(null) : storeName(name);
}

/** What the newest program with a debug id calls its PDB. */
async function nameInProgram(db: Database, projectId: number, debugId: string | null): Promise<string | null> {
  if (debugId === null) return null;
  const row = await db.selectFrom("debug_files").select("debug_file").where("project_id", "=", projectId).where("debug_id", "=", debugId).where("kind", "=", "pe").where("debug_file", "is not", null).orderBy("created_at", "desc").limit(1).executeTakeFirst();
  return row?.debug_file ?? null;
}
