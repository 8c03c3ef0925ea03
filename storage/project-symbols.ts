// Where a walk finds symbols: what was uploaded to the crash's own project, and
// nothing of any other.
import type { SymbolKey, SymbolSource } from "../stackwalk/stackwalker.ts";
import type { Storage } from "./storage.ts";

/** The symbol source of one project. Of several files for a module the newest wins. */
export function projectSymbols(storage: Storage, projectId: number): SymbolSource {
  return {
    async locate(keys: readonly SymbolKey[]) {
      const ids = [...new Set(keys.map((key) => key.debugId))];
      if (ids.length === 0) return keys.map(() => null);
      const rows = await storage.db
        .selectFrom("debug_files")
        .select(["debug_id", "debug_file", "blob"])
        .where("project_id", "=", projectId)
        .where("debug_id", "in", ids)
        .orderBy("created_at", "asc")
        .execute();
      // Later rows overwrite earlier ones. A debug id is unique by itself; the name
      // only decides when several modules share one, as stripped stubs do.
      const byName = new Map(rows.map((row) => [`${row.debug_id} ${row.debug_file}`, row.blob]));
      const byId = new Map(rows.map((row) => [row.debug_id, row.blob]));
      return Promise.all(
        keys.map((key) => {
          const blob = byName.get(`${key.debugId} ${key.debugFile}`) ?? byId.get(key.debugId);
          return blob === undefined ? null : storage.blobs.path(blob);
        }),
      );
    },
  };
}
