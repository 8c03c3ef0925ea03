// What is known of uploaded debug files: which are there, what they hold, and
// what crashes still miss.
//
// A file lacks by itself what another file of its module may bring: a PDB for
// x64 has no unwind data, which its program has. So what is shown as lacking is
// what the project's files of a module lack together.
//
// Files are asked for by the names that crashes call modules, or by their own:
// `halcyon.so.debug` is asked for like `halcyon.so` (symbols/module-name.ts).
import { sql } from "kysely";
import type { Database } from "../../storage/database.ts";
import type { DebugFileRow } from "../../storage/debug-files.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DebugFileHoldings, DebugFileKind, DebugFileLack } from "../../symbols/debug-file.ts";
import { moduleName } from "../../symbols/module-name.ts";
import type { MissingSymbol, SymbolItem, SymbolPage } from "../triage/schema.ts";

/** A file that a build machine may upload: ids and names as the file says them, and its SHA-256. One of the ids is there. */
export type AskedFile = {
  readonly debug_file?: string;
  readonly debug_id?: string;
  readonly code_file?: string;
  readonly code_id?: string;
  readonly kind?: DebugFileKind;
  readonly sha256?: string;
};

/** What there is for a question: `have`, `missing`, or `different` (same module and kind, other content). */
export type FileState = "have" | "missing" | "different";

/** Which of these files are there. */
export async function checkSymbols<Asked extends AskedFile>(storage: Storage, projectId: number, asked: readonly Asked[]): Promise<(Omit<Asked, "sha256"> & { readonly state: FileState })[]> {
  const debugIds = [...new Set(asked.flatMap(({ debug_id }) => (debug_id === undefined ? [] : [debug_id.toUpperCase()])))];
  const codeIds = [...new Set(asked.flatMap(({ debug_id, code_id }) => (debug_id !== undefined || code_id === undefined ? [] : [code_id.toUpperCase()])))];
  const rows =
    debugIds.length + codeIds.length === 0
      ? []
      : await storage.db
          .selectFrom("debug_files")
          .select(["kind", "debug_file", "debug_id", "code_file", "code_id", "blob"])
          .where("project_id", "=", projectId)
          .where((where) => where.or([...(debugIds.length > 0 ? [where("debug_id", "in", debugIds)] : []), ...(codeIds.length > 0 ? [where("code_id", "in", codeIds)] : [])]))
          .execute();
  const byId = Map.groupBy(rows.flatMap((row) => [[row.debug_id, row] as const, [row.code_id, row] as const]), ([id]) => id);
  return asked.map(({ sha256, ...symbol }) => {
    const named = (byId.get((symbol.debug_id ?? symbol.code_id ?? "").toUpperCase()) ?? []).map(([, row]) => row);
    const isNamed = (row: { readonly kind: DebugFileKind; readonly debug_file: string | null }) => symbol.debug_file === undefined || row.debug_file === symbol.debug_file || (moduleName(row.kind, symbol.debug_file) ?? row.debug_file) === row.debug_file;
    const same = named.filter((row) => isOrUnsaid(row.kind, symbol.kind) && isNamed(row) && isOrUnsaid(row.code_file, symbol.code_file));
    const state = same.length === 0 ? "missing" : sha256 === undefined || same.some((row) => row.blob === sha256.toLowerCase()) ? "have" : "different";
    return { ...symbol, state };
  });
}

function isOrUnsaid(value: string | null, asked: string | undefined): boolean {
  return asked === undefined || value === asked;
}

/** Missing modules of one page. */
const missingRows = 50;

/** A page of uploaded debug files, newest first, with the modules that crashes miss most. */
export async function listSymbols(storage: Storage, projectId: number, limit: number, cursor: string | undefined): Promise<SymbolPage> {
  const rows = await storage.db
    .selectFrom("debug_files")
    .selectAll()
    .where("project_id", "=", projectId)
    .$if(cursor !== undefined, (query) => query.where("id", "<", cursor!))
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const items = await symbolItems(storage.db, rows.slice(0, limit));
  return { items, missing: await missingModules(storage.db, projectId), next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Modules that most crashes lack something of, but for those whose crashes are being healed just now. */
async function missingModules(db: Database, projectId: number): Promise<MissingSymbol[]> {
  const found = await sql<{ debug_file: string; debug_id: string; code_file: string; code_id: string; lacks: MissingSymbol["lacks"]; crashes: number }>`
    with modules as materialized (
      select debug_file, debug_id, code_file, code_id, min(lacks) as lacks, count(*)::int as crashes
      from missing_symbols where project_id = ${projectId} group by debug_file, debug_id, code_file, code_id
    )
    select max(debug_file) as debug_file, debug_id, max(code_file) as code_file, max(code_id) as code_id, min(lacks) as lacks, sum(crashes)::int as crashes
    from modules
    where not exists (
      select from debug_files where debug_files.project_id = ${projectId} and debug_files.settled_at is null
        and (debug_files.debug_id = modules.debug_id or (debug_files.code_id = modules.code_id and lower(debug_files.code_file) = lower(modules.code_file)))
    )
    -- Names decide where an id is shared, as by stripped stubs.
    group by debug_id, case when debug_id = '' then code_id else debug_file end, case when debug_id = '' then lower(code_file) else '' end
    order by crashes desc, debug_id desc, debug_file limit ${missingRows}`.execute(db);
  return found.rows.map((row) => ({ debugFile: row.debug_file || null, debugId: row.debug_id || null, codeFile: row.code_file || null, codeId: row.code_id || null, lacks: row.lacks, crashes: row.crashes }));
}

/** Rows as the API shows them. They are of one project. */
export async function symbolItems(db: Database, rows: readonly DebugFileRow[]): Promise<SymbolItem[]> {
  const project = rows[0]?.project_id;
  const ids = [...new Set(rows.flatMap(({ debug_id, supplement_id }) => [debug_id, supplement_id].filter((id) => id !== null)))];
  const mates = project === undefined || ids.length === 0 ? [] : await db.selectFrom("debug_files").select(["debug_id", "holds"]).where("project_id", "=", project).where("debug_id", "in", ids).where("problem", "is", null).execute();
  const together = Map.groupBy(mates, (mate) => mate.debug_id);
  return rows.map((row) => {
    const module = row.debug_id === null ? [] : (together.get(row.debug_id) ?? []);
    const hasSupplement = row.supplement_id !== null && together.has(row.supplement_id);
    return symbolItem(row, row.lacks.filter(({ code }) => (code === "no_supplement" ? !hasSupplement : isOpen(code, module.map(({ holds }) => holds)))));
  });
}

/** What settles a lack when another file of the module has it; other lacks nothing does. */
const settledBy: { readonly [code: string]: keyof DebugFileHoldings } = {
  unwind_in_program: "unwind",
  no_unwind: "unwind",
  names_in_pdb: "functions",
  names_in_dwo: "functions",
  names_in_dsym: "functions",
  names_in_objects: "functions",
  stripped: "functions",
  no_functions: "functions",
  fastlink: "lines",
  no_lines: "lines",
};

function isOpen(code: string, module: readonly DebugFileHoldings[]): boolean {
  const holding = settledBy[code];
  return holding === undefined || !module.some((holds) => holds[holding]);
}

function symbolItem(row: DebugFileRow, lacks: readonly DebugFileLack[]): SymbolItem {
  return {
    id: row.id,
    kind: row.kind,
    debugFile: row.debug_file,
    debugId: row.debug_id,
    codeFile: row.code_file,
    codeId: row.code_id,
    os: row.os,
    arch: row.arch,
    platform: row.platform,
    bytes: Number(row.bytes),
    holds: row.holds,
    lacks: [...lacks],
    problem: row.problem,
    compiled: row.compiled_at !== null,
    functions: Number(row.functions),
    lines: Number(row.lines),
    unwindRows: Number(row.unwind_rows),
    createdAt: row.created_at.toISOString(),
  };
}
