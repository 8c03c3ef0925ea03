// Crashes as lists and pages show them.
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import type { Selectable } from "kysely";
import type { Signature } from "../../signature/signature.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { Database } from "../../storage/database.ts";
import type { Storage } from "../../storage/storage.ts";
import type { CrashState, CrashTable } from "../../storage/tables.ts";
import type { CrashDetail, CrashItem, CrashPage } from "./schema.ts";

/** What a list of crashes is asked for. */
export type CrashQuery = { readonly limit: number; readonly cursor: string | undefined; readonly group?: string; readonly state?: CrashState };

/** What symbolicate wrote for a crash: the walk's report and why its signature is what it is. */
export type StoredReport = { readonly report: Report; readonly explanation: Signature };

const itemColumns = ["id", "received_at", "state", "state_code", "state_reason", "signature", "group_id", "product", "version", "host", "os", "os_version", "arch", "install", "crash_reason", "waiting_for_symbols"] as const;

/** A page of a project's crashes, newest first. */
export async function listCrashes(storage: Storage, projectId: number, query: CrashQuery): Promise<CrashPage> {
  const rows = await storage.db
    .selectFrom("crashes")
    .select(itemColumns)
    .where("project_id", "=", projectId)
    .$if(query.group !== undefined, (select) => select.where("group_id", "=", query.group!))
    .$if(query.state !== undefined, (select) => select.where("state", "=", query.state!))
    .$if(query.cursor !== undefined, (select) => select.where("id", "<", query.cursor!))
    .orderBy("id", "desc")
    .limit(query.limit + 1)
    .execute();
  const items = rows.slice(0, query.limit).map(crashItem);
  return { items, next: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

/** One crash of a project with its report; undefined when there is none such. */
export async function readCrash(storage: Storage, projectId: number, id: string): Promise<CrashDetail | undefined> {
  const row = await storage.db.selectFrom("crashes").selectAll().where("id", "=", id).where("project_id", "=", projectId).executeTakeFirst();
  if (row === undefined) return undefined;
  const attachments = await storage.db.selectFrom("crash_attachments").select(["name", "bytes"]).where("crash_id", "=", id).orderBy("name").execute();
  const stored = row.report_blob === null ? null : await readReport(storage, row.report_blob);
  return {
    ...crashItem(row),
    kind: row.kind,
    revision: row.revision,
    bytes: Number(row.blob_bytes),
    client: row.client,
    annotations: row.annotations,
    attachments: attachments.map((file) => ({ name: file.name, bytes: Number(file.bytes) })),
    notes: stored === null && row.report_blob !== null ? [...row.notes, "The report is missing from the blob store; run the crash again."] : row.notes,
    explanation: stored?.explanation ?? null,
    report: stored?.report ?? null,
    sources: await modulesWithSources(storage.db, projectId, stored?.report ?? null),
  };
}

/** The report of a project's crash, null when it has none; undefined when there is no such crash. */
export async function readCrashReport(storage: Storage, projectId: number, id: string): Promise<Report | null | undefined> {
  const row = await storage.db.selectFrom("crashes").select("report_blob").where("id", "=", id).where("project_id", "=", projectId).executeTakeFirst();
  if (row === undefined) return undefined;
  return row.report_blob === null ? null : ((await readReport(storage, row.report_blob))?.report ?? null);
}

/** Debug ids of the modules with named frames whose sources are in the project. */
async function modulesWithSources(db: Database, projectId: number, report: Report | null): Promise<string[]> {
  const ids = [...new Set((report?.modules ?? []).flatMap(({ debug_id, loaded_symbols }) => (loaded_symbols && debug_id !== null ? [debug_id] : [])))];
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("debug_files").select("debug_id").distinct().where("project_id", "=", projectId).where("debug_id", "in", ids).where("kind", "=", "sources").execute();
  return rows.map(({ debug_id }) => debug_id!).sort();
}

/** True when the project has this crash. */
export async function hasCrash(db: Database, projectId: number, id: string): Promise<boolean> {
  return (await db.selectFrom("crashes").select("id").where("id", "=", id).where("project_id", "=", projectId).executeTakeFirst()) !== undefined;
}

async function readReport(storage: Storage, blob: string): Promise<StoredReport | null> {
  const file = await storage.blobs.path(blob);
  if (file === null) return null;
  return JSON.parse((await promisify(zstdDecompress)(await readFile(file))).toString("utf8")) as StoredReport;
}

function crashItem(row: Pick<Selectable<CrashTable>, (typeof itemColumns)[number]>): CrashItem {
  return {
    id: row.id,
    receivedAt: row.received_at.toISOString(),
    state: row.state,
    code: row.state_code,
    reason: row.state_reason,
    signature: row.signature,
    group: row.group_id,
    product: row.product,
    version: row.version,
    host: row.host,
    os: row.os,
    osVersion: row.os_version,
    arch: row.arch,
    install: row.install,
    crashReason: row.crash_reason,
    waitingForSymbols: row.waiting_for_symbols,
  };
}
