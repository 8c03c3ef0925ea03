// docs/operating.md lists every setting and every limit with its default, and none that is not there.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../config/limits.ts";
import { readSettings } from "../../config/settings.ts";
import { root } from "./source-files.ts";

const doc = readFileSync(path.join(root, "docs/operating.md"), "utf8");

/** The rows of the tables of variables: name and default. */
const rows = new Map([...doc.matchAll(/^\| `([A-Z][A-Z_]+)` \| ([^|]+?) \|/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]));

/** The variables that readSettings looks at, found by watching it. */
function settingNames(): string[] {
  const asked = new Set<string>();
  const env = new Proxy<NodeJS.ProcessEnv>({}, {
    get: (_, name) => {
      asked.add(String(name));
      return undefined;
    },
  });
  readSettings(env);
  return [...asked];
}

describe("docs/operating.md", () => {
  it("lists the variables that are read, and no others", () => {
    expect([...rows.keys()].sort()).toEqual(settingNames().sort());
  });

  it("gives the defaults of the limits", () => {
    const expected = Object.entries(defaultLimits).map(([name, value]) => [`DEADAIR_LIMIT_${name}`, String(value)]);
    expect(expected.map(([name = ""]) => [name, rows.get(name)?.split(" ")[0]])).toEqual(expected);
  });

  it("gives the defaults of the settings that are values", () => {
    const { host, port, mailFrom, walkConcurrency, logLevel } = readSettings({});
    expect({ HOST: rows.get("HOST"), PORT: rows.get("PORT"), MAIL_FROM: rows.get("MAIL_FROM"), WALK_CONCURRENCY: rows.get("WALK_CONCURRENCY"), LOG_LEVEL: rows.get("LOG_LEVEL") }).toEqual({
      HOST: host,
      PORT: String(port),
      MAIL_FROM: mailFrom,
      WALK_CONCURRENCY: String(walkConcurrency),
      LOG_LEVEL: logLevel,
    });
  });
});
