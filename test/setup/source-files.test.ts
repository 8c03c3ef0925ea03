// The structure tests are only as good as what they see: each way to name another module, and to export.
import { describe, expect, it } from "vitest";
import { type Export, type Import, readLinks, resolveImport } from "./source-files.ts";

const imports = (text: string): Import[] => readLinks(text, "a.ts").imports.map((one) => ({ ...one }));
const names = (text: string): Export[] => [...readLinks(text, "a.ts").exports];

describe("imports", () => {
  const rows: [string, string, Omit<Import, "line">[]][] = [
    ["names", `import { a, b as c } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: ["a", "b"] }]],
    ["everything", `import * as x from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: ["*"] }]],
    ["the default", `import x from "pg";`, [{ specifier: "pg", typeOnly: false, names: ["default"] }]],
    ["nothing, for the effect", `import "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: [] }]],
    ["types", `import type { A } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: true, names: ["A"] }]],
    ["types one by one", `import { type A, type B } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: true, names: ["A", "B"] }]],
    ["a type and a value", `import { type A, b } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: ["A", "b"] }]],
    ["names exported again", `export { a as b } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: ["a"] }]],
    ["types exported again", `export type { A } from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: true, names: ["A"] }]],
    ["everything exported again", `export * from "./x.ts";`, [{ specifier: "./x.ts", typeOnly: false, names: ["*"] }]],
    ["later, by a promise", `const x = async () => import("./x.ts");`, [{ specifier: "./x.ts", typeOnly: false, names: ["*"] }]],
    ["as the type of a module", `type X = import("./x.ts").A;`, [{ specifier: "./x.ts", typeOnly: true, names: ["*"] }]],
    ["as a worker's file", `new Worker(new URL("./x.ts", import.meta.url));`, [{ specifier: "./x.ts", typeOnly: false, names: ["*"] }]],
    // Data beside a module is not a module.
    ["not as data", `readFileSync(new URL("./x.txt", import.meta.url));`, []],
    ["not in a comment", `// import { a } from "./x.ts";\n/* import("./y.ts") */`, []],
    ["not in a string", `const s = 'import { a } from "./x.ts"', r = /import("x")/, t = \`export * from "./x.ts"\`;`, []],
  ];
  it.each(rows)("sees %s", (_, text, expected) => {
    expect(imports(text)).toEqual(expected.map((one) => ({ ...one, line: 1 })));
  });

  it("counts lines", () => {
    expect(imports(`// a\n\nimport "./x.ts";`)[0]?.line).toBe(3);
  });

  it("reads JSX", () => {
    expect(readLinks(`import { A } from "./x.tsx"; export const b = <A c="d" />;`, "a.tsx").imports).toHaveLength(1);
  });

  it("throws for what it cannot read", () => {
    expect(() => readLinks("import {", "a.ts")).toThrow(/./);
  });
});

describe("exports", () => {
  it("sees declarations, patterns, lists, types and the default", () => {
    const text = `export function f() {}\nexport class C {}\nexport const a = 1, { b, c: [d], ...e } = x;\nconst g = 2;\nexport { g, g as h };\nexport type T = { u: string };\nexport interface I {}\nexport default g;`;
    expect(names(text).map(({ name, isType, line }) => `${line} ${name}${isType ? " (type)" : ""}`)).toEqual([
      "1 f", "2 C", "3 a", "3 b", "3 d", "3 e", "5 g", "5 h", "6 T (type)", "7 I (type)", "8 default",
    ]);
  });
});

it("counts names, but not in comments and strings", () => {
  const { names: counts } = readLinks(`const b = a + a; // a\nconst c = <d e={a}>a</d>, s = "a";`, "a.tsx");
  expect([counts.get("a"), counts.get("b"), counts.get("d")]).toEqual([3, 1, 2]);
});

it("resolves against the file that imports", () => {
  expect(resolveImport("web/screens/groups.tsx", "../../services/triage/schema.ts")).toBe("services/triage/schema.ts");
  expect(resolveImport("a.ts", "./b.svg?url")).toBe("b.svg");
  expect(resolveImport("a.ts", "pg")).toBeUndefined();
});
