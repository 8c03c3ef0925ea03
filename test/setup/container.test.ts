// The image cannot be built in a test run (no Docker there). What can go wrong
// with it by changes elsewhere is checked here: a floor that is not copied, a
// command that is not there, a password that got a default.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readSources, resolveImport, root } from "./source-files.ts";

const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** The top folders that a file needs to run, with all that it imports. */
function floorsOf(entries: readonly string[]): string[] {
  const sources = new Map(readSources().map((source) => [source.file, source]));
  const seen = new Set<string>();
  const walk = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, typeOnly } of sources.get(file)?.imports ?? []) {
      const to = typeOnly ? undefined : resolveImport(file, specifier);
      if (to !== undefined) walk(to);
    }
  };
  for (const entry of entries) walk(entry);
  return [...new Set([...seen].map((file) => file.split("/")[0] ?? ""))].sort();
}

describe("the image", () => {
  const dockerfile = read("Dockerfile");
  const runtime = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  const copied = [...runtime.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => (match[1] ?? "").split(" "));

  it("holds every floor that runs in it", () => {
    // `demo` sends the fixtures' crashes; it belongs to a checkout.
    const entries = ["bin/deadair.ts", "bin/worker-thread.ts"];
    const needed = floorsOf(entries).filter((floor) => floor !== "fixtures");
    expect(needed.filter((floor) => !copied.includes(floor))).toEqual([]);
    expect(needed).toEqual(expect.arrayContaining(["bin", "services", "storage", "workers"]));
  });

  it("can copy what it copies", () => {
    const allowed = read(".dockerignore").split("\n");
    const wanted = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => (match[1] ?? "").split(" "));
    expect(wanted.filter((file) => !allowed.includes(`!${file}`))).toEqual([]);
  });

  it("does not run as root", () => {
    expect(runtime).toMatch(/^USER node$/m);
  });
});

describe("compose.yaml", () => {
  const compose = read("compose.yaml");

  it("gives no password a default", () => {
    const variables = [...compose.matchAll(/\$\{([A-Z0-9_]+)([^}]*)\}/g)];
    const secrets = variables.filter((match) => /PASSWORD|KEY/.test(match[1] ?? ""));
    expect(secrets.length).toBeGreaterThan(4);
    expect(secrets.filter((match) => match[2] !== ":?set it in .env").map((match) => match[0])).toEqual([]);
  });

  it("runs commands that there are", () => {
    const commands = [...compose.matchAll(/^ {4}command: \[(serve|work)\]$/gm)].map((match) => match[1]);
    expect(commands).toEqual(["serve", "work"]);
    for (const command of commands) expect(read("bin/deadair.ts")).toContain(`case "${command}":`);
  });
});
