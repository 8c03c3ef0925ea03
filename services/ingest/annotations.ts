// What the fields of a crash upload mean.
//
// Crashpad and Breakpad send prod, ver and guid beside whatever the plugin adds;
// Crashpad repeats them in the address as product, version, guid. Sentry's
// clients put JSON into `sentry`, or spell its members as sentry[tags][host].
// Everything ends up as annotations; the few that lists show get columns.

/** The fields of an upload, sorted out. */
export type Annotations = {
  readonly product: string | null;
  readonly version: string | null;
  /** Anonymous id of the installation: Crashpad's client id. */
  readonly install: string | null;
  /** The host as the plugin calls it; lists show it where the dump names no program. */
  readonly host: string | null;
  /** Every field by name; `sentry` is parsed and merged. */
  readonly all: { readonly [key: string]: unknown };
  /** What was odd, in sentences. */
  readonly notes: readonly string[];
};

/** Levels kept of JSON that a client nests into annotations. Writing it out again, and Postgres, recurse; reading it does not, so a client can send more than either can stand. */
export const maxJsonDepth = 32;

const maxDepth = 8;
const maxText = 200;

/** Sorts out fields, query parameters and what the dump itself carries; of two with one name, a field wins over a parameter, and that over the dump. */
export function readAnnotations(fields: ReadonlyMap<string, string>, query: { readonly [name: string]: unknown }, dump: { readonly [name: string]: string } = {}): Annotations {
  const notes: string[] = [];
  const all: { [key: string]: unknown } = Object.create(null) as { [key: string]: unknown };
  Object.assign(all, dump);
  for (const [name, value] of Object.entries(query)) {
    if (!ownParameters.has(name) && typeof value === "string") all[name] = value;
  }
  const sentry: { [key: string]: unknown } = Object.create(null) as { [key: string]: unknown };
  for (const [name, value] of fields) {
    if (name === "sentry") mergeJson(sentry, value, notes);
    else if (name.startsWith("sentry[")) setPath(sentry, name.slice("sentry".length), value, notes);
    else all[name] = value;
  }
  if (Object.keys(sentry).length > 0) all["sentry"] = sentry;

  const pick = (...names: string[]) => {
    for (const name of names) {
      const value = all[name];
      if (typeof value === "string" && value.trim() !== "") return value.trim().slice(0, maxText);
    }
    return null;
  };
  const release = typeof sentry["release"] === "string" ? sentry["release"] : "";
  const [releaseProduct, releaseVersion] = splitRelease(release);
  return {
    // Electron's own prod is "Electron"; what the application calls itself has an underscore.
    product: pick("_productName", "prod", "product", "ProductName") ?? releaseProduct,
    version: pick("_version", "ver", "version", "Version") ?? releaseVersion,
    install: pick("guid", "install_id", "install"),
    host: pick("host", "host_name", "daw"),
    all,
    notes,
  };
}

const ownParameters = new Set(["sentry_key", "sentry_version", "sentry_client", "key", "token"]);

// Sentry's releases read package@version+build.
function splitRelease(release: string): [string | null, string | null] {
  if (release === "") return [null, null];
  const at = release.lastIndexOf("@");
  if (at <= 0) return [null, release.slice(0, maxText)];
  return [release.slice(0, at).slice(0, maxText), release.slice(at + 1).slice(0, maxText) || null];
}

function mergeJson(into: { [key: string]: unknown }, text: string, notes: string[]): void {
  try {
    const value: unknown = JSON.parse(text);
    if (isNestedDeeper(value, maxJsonDepth)) notes.push(`The field \`sentry\` is nested more than ${maxJsonDepth} levels deep; it was left out.`);
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) Object.assign(into, Object.fromEntries(Object.entries(value).filter(([key]) => key !== "__proto__")));
    else notes.push("The field `sentry` is JSON but not an object; it was left out.");
  } catch {
    notes.push("The field `sentry` is not JSON; it was left out.");
  }
}

/** True when a parsed JSON value has more than `levels` objects or arrays within each other. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}

// `[tags][host]` with a value: makes {tags: {host: value}}.
function setPath(into: { [key: string]: unknown }, brackets: string, value: string, notes: string[]): void {
  const keys = [...brackets.matchAll(/\[([^[\]]{0,200})\]/g)].map((match) => match[1]!);
  if (keys.length === 0 || keys.length > maxDepth || keys.some((key) => key === "__proto__") || keys.map((key) => `[${key}]`).join("") !== brackets) {
    notes.push(`The field name "sentry${brackets.slice(0, 60)}" was not understood; it was left out.`);
    return;
  }
  let at = into;
  for (const key of keys.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (typeof next !== "object" || next === null || Array.isArray(next)) at[key] = Object.create(null);
    at = at[key] as { [key: string]: unknown };
  }
  at[keys[keys.length - 1]!] = value;
}
