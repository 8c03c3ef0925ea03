// Sends a crash with curl, as a shell script or a support page would.

import { type Ending, runClean } from "../../../fixtures/run-clean.ts";
import { missingPrograms } from "./programs.ts";

const curl = "/usr/bin/curl";

/** Why curl cannot be used here, or null. */
export function available(): string | null {
  return missingPrograms({ [curl]: "apt: curl" });
}

/** A crash and where it goes. */
export type CurlUpload = {
  /** The whole URL, with the key in its query. */
  readonly url: string;
  /** The path of the dump, sent as `upload_file_minidump`. */
  readonly dump?: string;
  /** Plain fields: annotations, `sentry`, `sentry[tags][host]`, ... */
  readonly fields?: Readonly<Record<string, string>>;
  /** Attachments: a path by its field name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Request headers besides curl's own. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** What curl got back. */
export type CurlAnswer = Ending & {
  /** The HTTP status, 0 when there was no answer. */
  readonly status: number;
  readonly body: string;
};

/** Posts the crash as multipart/form-data. */
export async function curlUpload({ url, dump, fields = {}, files = {}, headers = {} }: CurlUpload): Promise<CurlAnswer> {
  const args = ["--silent", "--show-error", "--globoff", "--noproxy", "*", "--max-time", "25", "--write-out", "\n%{http_code}"];
  for (const [name, value] of Object.entries(headers)) args.push("--header", `${name}: ${value}`);
  // --form-string, unlike --form, gives no meaning to a leading "@" or "<".
  for (const [name, value] of Object.entries(fields)) args.push("--form-string", `${name}=${value}`);
  for (const [name, path] of Object.entries(files)) args.push("--form", `${name}=@"${path}"`);
  if (dump !== undefined) args.push("--form", `upload_file_minidump=@"${dump}"`);
  const ending = await runClean(curl, [...args, url]);
  const at = ending.stdout.lastIndexOf("\n");
  return { ...ending, status: Number(ending.stdout.slice(at + 1)), body: ending.stdout.slice(0, Math.max(at, 0)) };
}
