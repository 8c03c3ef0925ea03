// One crash with Crashpad's real handler: a scratch folder with a database that
// allows uploads, a host that crashes in it, and what the database says after.
//
// The crashed process waits for the handler, and the handler uploads before it
// ends; so when the host has ended, the upload has been tried, and nothing of
// it runs any more.

import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Version } from "../../../fixtures/cases.ts";
import { dumpsIn, makeCrashpadDatabase } from "../../../fixtures/crashpad-database.ts";
import { crashpadHandler, type RackSettings } from "../../../fixtures/rack.ts";
import type { Ending } from "../../../fixtures/run-clean.ts";

/** The folder of built fixtures. */
export const fixturesOut = join(dirname(fileURLToPath(import.meta.url)), "../../../fixtures/out");

/** The crash that is wanted. */
export type CrashRequest = {
  /** Where Crashpad uploads to, with the key in its query. */
  readonly url: string;
  /** A kind of fixtures/cases.ts. */
  readonly kind: string;
  /** The version of Halcyon; 1.4.2 by default. */
  readonly version?: Version;
  /** Annotations besides those that Halcyon sends by itself (prod, ver, host, plugin_format, ...). */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Whether Halcyon's plugin.log is sent along. True by default. */
  readonly attachLog?: boolean;
  /** Whether the user agreed to uploads, as settings.dat says it. True by default. */
  readonly uploads?: boolean;
  /** Crashpad's client id; a new one by default. */
  readonly clientId?: string;
  /** Wall time the host and the handler may take together, in milliseconds. 60 s by default. */
  readonly timeoutMs?: number;
};

/** What came of it. */
export type CrashOutcome = Ending & {
  /** The client id that the handler sent as `guid`. */
  readonly clientId: string;
  /** The dump that the handler wrote, or undefined when there is none. */
  readonly dump: Buffer | undefined;
  /** Crashpad's own id of the report; the uploaded file is called REPORTID.dmp. */
  readonly reportId: string | undefined;
  /** Whether the server took the upload, as far as the handler knows. */
  readonly uploaded: boolean;
  /** What the server answered, which Crashpad keeps as the report's id there. */
  readonly answer: string;
  /** What Halcyon logged. */
  readonly log: string;
};

/** Makes a scratch folder and a database in it, lets `crash` happen there, and reads what is left. */
export async function withCrashpad(
  request: CrashRequest,
  crash: (scratch: string, settings: RackSettings) => Promise<Ending>,
): Promise<CrashOutcome> {
  const scratch = await mkdtemp(join(tmpdir(), "deadair-crash-"));
  try {
    const clientId = request.clientId ?? randomUUID();
    const database = join(scratch, "database");
    const log = join(scratch, "plugin.log");
    await makeCrashpadDatabase(database, { uploads: request.uploads ?? true, clientId });
    const ending = await crash(scratch, {
      kind: request.kind,
      handler: crashpadHandler,
      database,
      url: request.url,
      log: request.attachLog === false ? undefined : log,
      annotations: request.annotations,
    });
    const [path] = await dumpsIn(database);
    return {
      ...ending,
      clientId,
      dump: path === undefined ? undefined : await readFile(path),
      reportId: path === undefined ? undefined : basename(path, ".dmp"),
      ...(await uploadState(database)),
      log: await readFile(log, "utf8").catch(() => ""),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Reads the one .meta file of a database, a C struct: u32 version, u32 attempts,
 * i64 last attempt, i64 creation, u8 attributes (bit 0: uploaded) and padding to
 * 32 bytes; then the answer of the server as text. Crashpad's
 * client/crash_report_database_generic.cc.
 */
async function uploadState(database: string): Promise<{ uploaded: boolean; answer: string }> {
  const names = await readdir(database, { recursive: true });
  const meta = names.find((name) => name.endsWith(".meta"));
  if (meta === undefined) return { uploaded: false, answer: "" };
  const bytes = await readFile(join(database, meta));
  return { uploaded: ((bytes[24] ?? 0) & 1) === 1, answer: bytes.subarray(32).toString() };
}
