// The tables as TypeScript sees them; migrations/ is what makes them.
import type { ColumnType, Generated } from "kysely";
import type { MissingSymbols } from "../stackwalk/stackwalker.ts";
import type { DebugFileHoldings, DebugFileKind, DebugFileLack } from "../symbols/debug-file.ts";

type Time = ColumnType<Date, Date | string, Date | string>;
type DefaultTime = ColumnType<Date, Date | string | undefined, Date | string>;
type DefaultBigint = ColumnType<string, number | bigint | undefined, number | bigint>;
type Bigint = ColumnType<string, number | bigint, number | bigint>;
type Json<T> = ColumnType<T, string, string>;

/** Where a crash stands. `stored`: acknowledged, waits for its walk; `grouped`: walked and in a group; `failed`: kept with its reason, can be run again. */
export type CrashState = "stored" | "grouped" | "failed";

export type ProjectTable = { id: Generated<number>; slug: string; name: string; ingest_key: string; created_at: DefaultTime };
export type UserTable = { id: string; email: string; name: string; password_hash: string | null; created_at: DefaultTime };
export type MembershipTable = { user_id: string; project_id: number; role: "owner" | "member" };
export type LoginTable = { token_hash: Buffer; user_id: string; created_at: DefaultTime; expires_at: Time };
export type TokenTable = { id: string; project_id: number; name: string; token_hash: Buffer; scopes: string[]; created_at: DefaultTime; revoked_at: Time | null };
export type AuditTable = { id: string; project_id: number | null; at: DefaultTime; actor: string; action: string; subject: string; detail: Json<unknown> };

export type GroupTable = {
  id: string;
  project_id: number;
  signature: string;
  signature_version: number;
  state: Generated<string>;
  first_seen: Time;
  last_seen: Time;
  crash_count: DefaultBigint;
  install_count: DefaultBigint;
  announce_crash: string | null;
  created_at: DefaultTime;
};
export type FingerprintTable = { project_id: number; fingerprint: Buffer; group_id: string; created_at: DefaultTime };
export type GroupInstallTable = { group_id: string; install: string; crashes: number };

export type CrashTable = {
  id: string;
  project_id: number;
  received_at: Time;
  kind: "minidump" | "stacktrace";
  state: CrashState;
  state_code: string | null;
  state_reason: string | null;
  revision: Generated<number>;
  attempts: Generated<number>;
  queued_at: DefaultTime;
  finished_at: Time | null;
  blob: string;
  blob_bytes: Bigint;
  report_blob: string | null;
  client: string | null;
  install: string | null;
  product: string | null;
  version: string | null;
  host: string | null;
  os: string | null;
  os_version: string | null;
  arch: string | null;
  crash_reason: string | null;
  crash_address: string | null;
  crash_module: string | null;
  signature: string | null;
  signature_version: number | null;
  fingerprint: Buffer | null;
  group_id: string | null;
  waiting_for_symbols: Generated<boolean>;
  annotations: Json<{ [key: string]: unknown }>;
  notes: ColumnType<string[], string | undefined, string>;
};
export type AttachmentTable = { crash_id: string; project_id: number; name: string; blob: string; bytes: Bigint };
export type UploadKeyTable = { project_id: number; key: Buffer; crash_id: string; created_at: DefaultTime };

export type DebugFileTable = {
  id: string;
  project_id: number;
  kind: DebugFileKind;
  debug_file: string | null;
  debug_id: string | null;
  code_file: string | null;
  code_id: string | null;
  os: string;
  arch: string;
  blob: string;
  bytes: Bigint;
  functions: Bigint;
  lines: Bigint;
  unwind_rows: Bigint;
  created_at: DefaultTime;
  holds: Json<DebugFileHoldings>;
  lacks: Json<readonly DebugFileLack[]>;
  problem: string | null;
  attempts: Generated<number>;
  queued_at: DefaultTime;
  compiled_at: Time | null;
  healed_to: string | null;
  settled_at: Time | null;
  supplement_id: string | null;
  platform: string | null;
};
export type MissingSymbolTable = { project_id: number; debug_id: string; debug_file: string; crash_id: string; code_id: string; code_file: string; lacks: MissingSymbols["lacks"] };

export type CountDeltaTable = {
  seq: DefaultBigint;
  project_id: number;
  group_id: string;
  day: string;
  seen_at: Time;
  crashes: number;
  installs: number;
  version: string | null;
  os: string | null;
  arch: string | null;
  host: string | null;
};
export type GroupDayTable = { group_id: string; day: string; crashes: Bigint };
export type GroupVersionTable = { group_id: string; version: string; crashes: Bigint };
export type CounterTable = { project_id: number; day: string; facet: string; value: string; n: Bigint };

export type OutboxTable = { id: string; queue: string; job_key: string; payload: Json<unknown>; due_at: DefaultTime; created_at: DefaultTime; priority: Generated<number> };
export type AlertRuleTable = { id: string; project_id: number; kind: "new-group"; name: string; enabled: Generated<boolean>; created_at: DefaultTime };
export type AlertTable = {
  id: string;
  project_id: number;
  rule_id: string;
  subject: string;
  time_window: Generated<string>;
  group_id: string | null;
  crash_id: string | null;
  title: string;
  body: Json<{ [key: string]: unknown }>;
  created_at: DefaultTime;
};
export type DestinationTable = {
  id: string;
  project_id: number;
  kind: "webhook" | "slack" | "mail";
  name: string;
  target: string;
  secret: string | null;
  enabled: Generated<boolean>;
  created_at: DefaultTime;
};
export type DeliveryTable = {
  id: string;
  project_id: number;
  alert_id: string;
  destination_id: string;
  state: Generated<"pending" | "delivered" | "failed">;
  attempts: Generated<number>;
  next_attempt_at: DefaultTime;
  last_status: number | null;
  last_error: string | null;
  created_at: DefaultTime;
  finished_at: Time | null;
};
export type DeliveryAttemptTable = { id: string; delivery_id: string; at: DefaultTime; milliseconds: number; status: number | null; error: string | null; answer: string | null };

/** Every table, by name. */
export type Tables = {
  projects: ProjectTable;
  users: UserTable;
  memberships: MembershipTable;
  logins: LoginTable;
  sign_in_links: LoginTable;
  tokens: TokenTable;
  audit: AuditTable;
  groups: GroupTable;
  fingerprints: FingerprintTable;
  group_installs: GroupInstallTable;
  crashes: CrashTable;
  crash_attachments: AttachmentTable;
  upload_keys: UploadKeyTable;
  debug_files: DebugFileTable;
  missing_symbols: MissingSymbolTable;
  count_deltas: CountDeltaTable;
  group_days: GroupDayTable;
  group_versions: GroupVersionTable;
  counters: CounterTable;
  outbox: OutboxTable;
  alert_rules: AlertRuleTable;
  alerts: AlertTable;
  destinations: DestinationTable;
  deliveries: DeliveryTable;
  delivery_attempts: DeliveryAttemptTable;
};
