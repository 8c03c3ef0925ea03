// Which server a command talks to: flags win over the environment, and a DSN
// stands for address, project and key together, as crash SDKs write them.

/** The address of a server without a final slash; null when the text is no http address. */
export function readServerUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return null;
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** The parts of a DSN `https://KEY@HOST/PROJECT`; null when it is none. A path before the project belongs to the server's address. */
export function readDsn(text: string): { readonly url: string; readonly key: string; readonly project: string } | null {
  const url = URL.parse(text);
  const match = /^(.*)\/([^/]+)\/?$/.exec(url?.pathname ?? "");
  if (url === null || match === null || url.username === "" || (url.protocol !== "http:" && url.protocol !== "https:")) return null;
  return { url: `${url.origin}${match[1] ?? ""}`, key: decode(url.username), project: decode(match[2] ?? "") };
}

/** Seconds as milliseconds; null when the text is no positive number. */
export function readSeconds(text: string): number | null {
  const seconds = Number(text);
  return Number.isFinite(seconds) && seconds > 0 && seconds <= 86_400 ? seconds * 1000 : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
