// Where a walk finds symbols: what was uploaded to the crash's own project, and
// nothing of any other.
import type { FindDebugFiles } from "../stackwalk/module-files.ts";
import type { Storage } from "./storage.ts";

/** Finds the debug files of one project, the newest good one last. */
export function projectDebugFiles(storage: Storage, projectId: number): FindDebugFiles {
  return async (debugIds, codeIds) => {
    if (debugIds.length + codeIds.length === 0) return [];
    const rows = await storage.db
      .selectFrom("debug_files")
      .select(["kind", "debug_id", "debug_file", "code_id", "code_file", "supplement_id", "holds", "problem", "blob"])
      .where("project_id", "=", projectId)
      .where((where) => where.or([...(debugIds.length > 0 ? [where("debug_id", "in", debugIds)] : []), ...(codeIds.length > 0 ? [where("code_id", "in", codeIds)] : [])]))
      // One that could not be compiled stands back behind those that could.
      .orderBy((order) => order("problem", "is", null), "asc")
      .orderBy("created_at", "asc")
      .execute();
    return rows.map((row) => ({
      kind: row.kind,
      debugId: row.debug_id,
      debugFile: row.debug_file,
      codeId: row.code_id?.toUpperCase() ?? null,
      codeFile: row.code_file,
      supplementId: row.supplement_id,
      hasFunctions: row.holds.functions && row.problem === null,
      path: () => storage.blobs.path(row.blob),
    }));
  };
}
