// compile: an uploaded debug file becomes a symbol cache, together with the
// other files of its module, and then heals the crashes that waited for it.
//
// The cache only saves time: a walk compiles what it does not find
// (stackwalk/pool), and each machine has a cache folder of its own. What the job
// is there for is the file's row: how much it holds, or why it is no good, and
// the healing that follows (storage/healing.ts). Both are asked for again by
// upkeep until the row says that they are done, so the queue may lose the job or
// run it twice.
//
// Limits: COMPILE_SECONDS and WALK_MEMORY_BYTES, past which the file is no good;
// a file that ends its worker is given up after some attempts.
import { symbolSource } from "../../stackwalk/module-files.ts";
import type { EnginePool } from "../../stackwalk/pool/engine-pool.ts";
import { type DebugFileRow, type FileCounts, finishCompile, forgiveCompile, recountSplitDwarf, startCompile } from "../../storage/debug-files.ts";
import { projectDebugFiles } from "../../storage/project-symbols.ts";
import type { Processor } from "../../storage/queues.ts";
import type { Storage } from "../../storage/storage.ts";
import type { CacheMeta } from "../../symbols/cache/layout.ts";

type Compiler = Pick<EnginePool, "compile">;

/** Makes the processor of the queue `compile`. */
export function compileProcessor(storage: Storage, pool: Compiler): Processor<"compile"> {
  return async ({ file }) => {
    const row = await startCompile(storage.db, file);
    if (row === undefined) return;
    try {
      await finishCompile(storage.db, row, await compileRow(storage, pool, row));
    } catch (error) {
      // A disk or a store that is away says nothing of the file.
      await forgiveCompile(storage.db, file);
      throw error;
    }
  };
}

async function compileRow(storage: Storage, pool: Compiler, row: DebugFileRow): Promise<{ counts: FileCounts | null } | { problem: string }> {
  const own = await storage.blobs.path(row.blob);
  if (own === null) return { problem: "Its content is not in the blob store any more." };
  const key = { debugFile: row.debug_file, debugId: row.debug_id, codeFile: row.code_file ?? "", codeId: row.code_id };
  const [module] = await symbolSource(projectDebugFiles(storage, row.project_id)).locate([key]);
  // A newer file of the same kind may stand for the module; then this one only has to be some good.
  const paths = module?.includes(own) === true ? module : [own];
  const meta = await pool.compile(paths);
  if (!("refused" in meta) && meta.source.split("+").includes(row.kind)) {
    if (row.kind !== "dwp" && meta.source.split("+").includes("dwp")) await recountSplitDwarf(storage.db, row, sumsOf(meta));
    return { counts: countsOf(row, meta) };
  }
  const alone = paths.length === 1 ? meta : await pool.compile([own]);
  return "refused" in alone ? { problem: alone.refused } : { counts: countsOf(row, alone) };
}

/** What of a module's counts is this file's; a symbol file was counted when it was uploaded. */
function countsOf({ kind, holds }: DebugFileRow, meta: CacheMeta): FileCounts | null {
  if (kind === "breakpad") return null;
  const sums = sumsOf(meta);
  // The lines of split DWARF are in its program, and count for nothing without it.
  return { functions: holds.functions ? sums.functions : 0, lines: holds.lines || kind === "dwp" ? sums.lines : 0, unwindRows: holds.unwind ? sums.unwindRows : 0 };
}

/** The counts of a module. */
function sumsOf({ counts }: CacheMeta): FileCounts {
  const sum = (...names: string[]) => names.reduce((all, name) => all + (counts[name] ?? 0), 0);
  return { functions: sum("functions"), lines: sum("lines"), unwindRows: sum("unwindRows", "winPrograms", "winFpo") };
}
