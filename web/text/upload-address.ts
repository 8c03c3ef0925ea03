// Where clients send crashes, read from a project's DSN:
// `https://KEY@host/ID`, as Sentry's SDKs take it.

/** A DSN, taken apart. */
export type UploadAddress = {
  /** The project's public key. */
  readonly key: string;
  /** Where Crashpad, Breakpad and curl post a minidump. */
  readonly minidumpUrl: string;
};

/** Takes a DSN apart; null when it is not one. */
export function readDsn(dsn: string): UploadAddress | null {
  try {
    const url = new URL(dsn);
    const id = url.pathname.split("/").at(-1) ?? "";
    const before = url.pathname.slice(0, url.pathname.length - id.length - 1);
    if (url.username === "" || id === "") return null;
    return { key: url.username, minidumpUrl: `${url.protocol}//${url.host}${before}/api/${id}/minidump/?sentry_key=${url.username}` };
  } catch {
    return null;
  }
}

/** The command that uploads one minidump. */
export function curlCommand(address: UploadAddress): string {
  return `curl -F prod=MyPlugin -F ver=1.0.0 -F upload_file_minidump=@crash.dmp '${address.minidumpUrl}'`;
}

/** The command that uploads a folder of symbols; it takes its token from DEADAIR_TOKEN, since others can see a command line. */
export function symbolUploadCommand(origin: string, project: string, path: string): string {
  return `deadair symbols upload --url ${origin} --project ${project} ${path}`;
}
