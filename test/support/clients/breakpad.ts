// Breakpad's own senders, built from the sources in the npm package `minidump`
// by fixtures/breakpad.sh: minidump_upload for dumps, sym_upload for symbol
// files. The first use builds them, in about 15 s; later ones find them built.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { type Ending, runClean } from "../../../fixtures/run-clean.ts";
import { missingPrograms } from "./programs.ts";

const script = join(import.meta.dirname, "../../../fixtures/breakpad.sh");
const builtSender = join(import.meta.dirname, "../../../.cache/breakpad/bin/minidump_upload");
const buildTimeoutMs = 10 * 60_000;
let built: Promise<string> | undefined;

/** Why Breakpad's senders cannot be had here, or null. */
export function available(): string | null {
  if (existsSync(builtSender)) return null;
  return missingPrograms({ "/usr/bin/g++": "apt: g++", "/usr/bin/make": "apt: make", "/usr/bin/flock": "apt: util-linux" });
}

/** Builds the senders unless they are built, and returns the folder of their programs. */
export function buildBreakpad(): Promise<string> {
  built ??= runClean("/bin/sh", [script], { env: { PATH: "/usr/bin:/bin" }, timeoutMs: buildTimeoutMs }).then((ending) => {
    if (ending.exitCode !== 0) throw new Error(`fixtures/breakpad.sh failed: ${ending.stderr}`);
    return join(ending.stdout.trim(), "bin");
  });
  return built;
}

/** A dump and where it goes. */
export type BreakpadUpload = {
  /** The whole URL, with the key in its query. */
  readonly url: string;
  /** The path of the dump. */
  readonly dump: string;
  /** What it sends as `prod` and `ver`. */
  readonly product: string;
  readonly version: string;
};

/** Sends a dump with minidump_upload. Its exit status is 0 when the server took it; the answer is in `stdout`. */
export async function breakpadUpload({ url, dump, product, version }: BreakpadUpload): Promise<Ending> {
  const programs = await buildBreakpad();
  return runClean(join(programs, "minidump_upload"), ["-p", product, "-v", version, dump, url]);
}

/** A symbol file and where it goes. */
export type SymUpload = {
  /** v1: the whole URL that is posted to. v2: the base that /v1/symbols and /v1/uploads are below. */
  readonly url: string;
  /** The path of the .sym file. */
  readonly sym: string;
  readonly protocol: "v1" | "v2";
  /** The API key; v2 only. */
  readonly key?: string;
  /** v2 only: upload even when the server has the file. False by default. */
  readonly force?: boolean;
};

/** Sends a symbol file with sym_upload. Its exit status is 0 when the server took it. */
export async function symUpload({ url, sym, protocol, key = "", force = false }: SymUpload): Promise<Ending> {
  const programs = await buildBreakpad();
  const options = protocol === "v1" ? ["-p", "sym-upload-v1"] : ["-p", "sym-upload-v2", "-k", key, ...(force ? ["-f"] : [])];
  return runClean(join(programs, "sym_upload"), [...options, sym, url]);
}
