// What an operator can set, read once at start from flags and environment.
// Anything that bounds an input is a limit instead: see limits.ts.
import path from "node:path";
import { type Limits, readLimits } from "./limits.ts";

/** How this process is set up. */
export type Settings = {
  /** The folder that holds everything Deadair keeps on this machine. */
  readonly dataDir: string;
  /** Connection string of an own Postgres; undefined starts the embedded one in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Connection string of Redis or Valkey for the queues; undefined keeps them on Postgres. Several nodes, comma-separated, make a Cluster. */
  readonly redisUrl: string | undefined;
  /** Where blobs go, as `s3://KEY:SECRET@HOST[:PORT]/BUCKET[?region=R&tls=false]`; undefined keeps them in `dataDir`. */
  readonly blobUrl: string | undefined;
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The address that people and clients use to reach this server, when it stands behind a proxy. */
  readonly publicUrl: string | undefined;
  /** Trust X-Forwarded-* headers (a proxy in front sets them). */
  readonly trustProxy: boolean;
  /** Let webhooks go to private and loopback addresses. */
  readonly allowPrivateWebhooks: boolean;
  /** SMTP server for alert mails, as `smtp://USER:PASS@HOST:PORT`. */
  readonly smtpUrl: string | undefined;
  /** Sender of alert mails. */
  readonly mailFrom: string;
  /** Crashes walked at the same time by one worker process. */
  readonly walkConcurrency: number;
  /** Which walker makes the reports: our own engine, or Breakpad's minidump_stackwalk. */
  readonly walker: "deadair" | "breakpad";
  /** Where our own errors are reported; undefined reports nothing to anybody. */
  readonly sentryDsn: string | undefined;
  readonly logLevel: string;
  readonly limits: Limits;
};

/** Reads the settings; `flags` win over the environment. Throws with the name of the setting that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv, flags: { dataDir?: string | undefined; host?: string | undefined; port?: string | undefined } = {}): Settings {
  return {
    dataDir: path.resolve(flags.dataDir ?? text(env, "DEADAIR_DATA") ?? "data"),
    databaseUrl: text(env, "DATABASE_URL"),
    redisUrl: text(env, "REDIS_URL"),
    blobUrl: text(env, "BLOB_URL"),
    host: flags.host ?? text(env, "HOST") ?? "127.0.0.1",
    port: number("PORT", flags.port ?? text(env, "PORT") ?? "8088", 0, 65535),
    publicUrl: text(env, "PUBLIC_URL")?.replace(/\/+$/, ""),
    trustProxy: flag(env, "TRUST_PROXY"),
    allowPrivateWebhooks: flag(env, "ALLOW_PRIVATE_WEBHOOKS"),
    smtpUrl: text(env, "SMTP_URL"),
    mailFrom: text(env, "MAIL_FROM") ?? "deadair@localhost",
    walkConcurrency: number("WALK_CONCURRENCY", text(env, "WALK_CONCURRENCY") ?? "2", 1, 256),
    walker: choice(env, "DEADAIR_WALKER", ["deadair", "breakpad"]),
    sentryDsn: text(env, "SENTRY_DSN"),
    logLevel: text(env, "LOG_LEVEL") ?? "info",
    limits: readLimits(env),
  };
}

function text(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === "" ? undefined : value;
}

function flag(env: NodeJS.ProcessEnv, name: string): boolean {
  const value = text(env, name);
  if (value === undefined || value === "0" || value === "false") return false;
  if (value === "1" || value === "true") return true;
  throw new Error(`${name} is "${value}"; it must be 1 or 0`);
}

/** One of several words; the first is the default. */
function choice<Word extends string>(env: NodeJS.ProcessEnv, name: string, words: readonly [Word, ...Word[]]): Word {
  const value = text(env, name);
  if (value === undefined) return words[0];
  const word = words.find((one) => one === value);
  if (word === undefined) throw new Error(`${name} is "${value}"; it must be ${words.join(" or ")}`);
  return word;
}

function number(name: string, value: string, min: number, max: number): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < min || n > max) throw new Error(`${name} is "${value}"; it must be a whole number from ${min} to ${max}`);
  return n;
}
