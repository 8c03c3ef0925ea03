// What native debug files are called. Crashes name modules and people look for
// names, and hardly a debug file holds its own:
//
//  - A Windows program is called as the request says, or its export table;
//    without either it has no name, and can only be found by its debug id.
//  - A PDB is called as the request says, its linker's note, the program with the
//    same debug id, or its own id.
//  - A program of other systems is called as the request says, or as it calls
//    itself for linkers (SONAME, install name). That is its module's name too.
//  - Everything beside such a program, `halcyon.so.debug` or a dSYM, takes the
//    module's name, `halcyon.so`: as the request says it, without the ending
//    (symbols/module-name.ts), or as the file itself does.
//  - What none of this names, program or not, is called like the newest other
//    file of its debug id, or by that id.
//
// Names choose among files only where several modules share an id
// (stackwalk/module-files.ts). A file that was called by its id takes the name of
// the next one of its module that has one.
import { ok, refuse, type Result } from "../../config/problem.ts";
import type { Database } from "../../storage/database.ts";
import { storeName } from "../../symbols/breakpad/store-path.ts";
import type { DebugFileFacts, DebugFileKind } from "../../symbols/debug-file.ts";
import { moduleName } from "../../symbols/module-name.ts";

/** Names of a file's module: of its debug file and of its program. */
export type FileNames = { readonly debugFile: string | null; readonly codeFile: string | null };

/** What files are called that nobody names: PDBs, and others. */
export function madeNames(debugId: string): readonly [pdb: string, other: string] {
  return [`${debugId}.pdb`, debugId];
}

/** Names a native file. Refuses with `bad_module_name`, or with `no_file_name` when the file could not be found by anything. */
export async function nameNative(db: Database, projectId: number, facts: DebugFileFacts, given: string | undefined): Promise<Result<FileNames>> {
  const own = nameOrNone(given ?? null);
  const debugFile = nameOrNone(facts.debugFile);
  const codeFile = nameOrNone(facts.codeFile);
  if (!own.ok) return own;
  if (!debugFile.ok) return debugFile;
  if (!codeFile.ok) return codeFile;
  const { kind, debugId } = facts;
  if (kind === "pe") {
    const name = own.value ?? codeFile.value;
    if (debugId === null && name === null) return refuse(400, "no_file_name", "The program has no CodeView record, and nothing says its name, so no crash could find it.", "Give its file name in the address: ?name=Plugin.dll.");
    return ok({ debugFile: debugFile.value, codeFile: name });
  }
  if (kind === "pdb") return ok({ debugFile: own.value ?? debugFile.value ?? (await nameOfOther(db, projectId, kind, debugId)), codeFile: codeFile.value });
  const said = (own.value === null ? null : moduleName(kind, own.value)) ?? debugFile.value ?? codeFile.value;
  const name = said ?? (await nameOfOther(db, projectId, kind, debugId));
  return ok(kind === "elf" || kind === "macho" ? { debugFile: name, codeFile: said } : { debugFile: name, codeFile: codeFile.value });
}

function nameOrNone(name: string | null): Result<string | null> {
  return name === null || name === "" ? ok(null) : storeName(name);
}

/** What the newest other file of a module calls it; else the name that is made of the id. */
async function nameOfOther(db: Database, projectId: number, kind: DebugFileKind, debugId: string | null): Promise<string | null> {
  if (debugId === null) return null;
  const made = madeNames(debugId);
  const row = await db
    .selectFrom("debug_files")
    .select("debug_file")
    .where("project_id", "=", projectId)
    .where("debug_id", "=", debugId)
    .where("debug_file", "is not", null)
    .where("debug_file", "not in", made)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.debug_file ?? made[kind === "pdb" ? 0 : 1];
}
