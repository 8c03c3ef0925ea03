// Finds exported names that nothing uses: no other file takes them, and their own
// file does not mention them again. What only tests take is dead weight with a
// test on it: remove both, or list it here with the reason why it stays.
import { describe, expect, it } from "vitest";
import { readLinks, readSources, resolveImport, type SourceFile } from "./setup/source-files.ts";

/** `file name` (or `file *`) and the reason why nobody need import it. */
const kept: { readonly [fileAndName: string]: string } = {
  "vitest.config.ts default": "Vitest loads it",
  "web/vite.config.ts default": "Vite loads it",
  "symbols/breakpad/check.ts checkSymbolStream": "the whole-stream form of SymbolCheck, which its tests and the speed figures use",
};

const isTest = (file: string): boolean => file.startsWith("test/");

/** The dead exports of `sources`, as `file:line name`. */
function findDead(sources: readonly SourceFile[], keep: { readonly [fileAndName: string]: string }): string[] {
  const used = new Set<string>();
  for (const { file, imports } of sources.filter((source) => !isTest(source.file))) {
    for (const { specifier, names } of imports) for (const name of names) used.add(`${resolveImport(file, specifier)} ${name}`);
  }
  const isKept = (key: string, file: string) => used.has(key) || used.has(`${file} *`) || key in keep || `${file} *` in keep;
  return sources
    .filter(({ file }) => !isTest(file))
    .flatMap(({ file, names, exports }) =>
      exports
        .filter(({ name }) => !isKept(`${file} ${name}`, file) && (names.get(name) ?? 0) < 2)
        .map(({ name, line }) => `${file}:${line} ${name}`),
    );
}

const sources = readSources();

describe("exports", () => {
  it("are used somewhere but in tests", () => {
    expect(findDead(sources, kept)).toEqual([]);
  });

  it("are kept for a reason only where they exist and need one", () => {
    const files = new Map(sources.map((source) => [source.file, source]));
    const dead = new Set(findDead(sources, {}).map((line) => line.replace(/:\d+/, "")));
    const isIdle = (key: string) => {
      const [file = "", name = ""] = key.split(" ");
      return !files.has(file) || (name === "*" ? ![...dead].some((one) => one.startsWith(`${file} `)) : !dead.has(key));
    };
    expect(Object.keys(kept).filter(isIdle)).toEqual([]);
  });
});

describe("this test can fail:", () => {
  const make = (file: string, text: string): SourceFile => ({ file, text, ...readLinks(text, file) });
  const dead = (...files: SourceFile[]): string[] => findDead(files, {});

  it("a name nobody takes", () => {
    expect(dead(make("a.ts", "export const x = 1;\nexport const y = 2;"), make("b.ts", `import { x } from "./a.ts";`))).toEqual(["a.ts:2 y"]);
  });
  it("a name that only a test takes", () => {
    expect(dead(make("a.ts", "export const x = 1;"), make("test/a.test.ts", `import { x } from "../a.ts";`))).toEqual(["a.ts:1 x"]);
  });
  it("not a name that is exported again and taken there", () => {
    expect(dead(make("a.ts", "export const x = 1;"), make("b.ts", `export { x } from "./a.ts";`), make("c.ts", `import { x } from "./b.ts";`))).toEqual([]);
  });
  it("not what is taken whole", () => {
    expect(dead(make("a.ts", "export const x = 1;"), make("b.ts", `import * as a from "./a.ts";`))).toEqual([]);
  });
  it("not what its own file uses, and is exported to be tested", () => {
    expect(dead(make("a.ts", "export const x = 1;\nconst y = x;"), make("test/a.test.ts", `import { x } from "../a.ts";`))).toEqual([]);
  });
  it("what only a comment mentions again", () => {
    expect(dead(make("a.ts", "// x is one\nexport const x = 1;"))).toEqual(["a.ts:2 x"]);
  });
  it("a type that nothing mentions, but not one that a function takes", () => {
    expect(dead(make("a.ts", "export type T = string;"))).toEqual(["a.ts:1 T"]);
    expect(dead(make("a.ts", "export type T = string;\nexport const f = (t: T) => t;"), make("b.ts", `import { f } from "./a.ts";`))).toEqual([]);
  });
});
