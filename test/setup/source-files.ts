// The house's own sources, parsed: what each file imports and exports, for the
// tests of its structure. The parser is the one that Vite brings.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseAst } from "vite";

/** One mention of another module. */
export type Import = {
  /** As written, such as `./a.ts` or `node:fs`. */
  readonly specifier: string;
  readonly line: number;
  /** True when type stripping removes it, so that nothing is loaded. */
  readonly typeOnly: boolean;
  /** The names taken from it; `*` stands for all of them. */
  readonly names: readonly string[];
};

/** One exported name. */
export type Export = { readonly name: string; readonly line: number; readonly isType: boolean };

/** What a file takes and gives, and how often each name stands in it (outside of comments and strings). */
export type Links = { readonly imports: readonly Import[]; readonly exports: readonly Export[]; readonly names: ReadonlyMap<string, number> };

/** One of our source files. */
export type SourceFile = Links & {
  /** Relative to the checkout, with forward slashes. */
  readonly file: string;
  readonly text: string;
};

/** The folder of the checkout. */
export const root = path.resolve(import.meta.dirname, "../..");

const code = /\.(ts|tsx|mjs)$/;

/** Every text or binary file that git tracks or would track, relative to the checkout. Outside of git, none. */
export function listTracked(): string[] {
  const list = execFileSync("git", ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  // A file may be deleted and not yet committed as such.
  return list.split("\0").filter((file) => file !== "" && existsSync(path.join(root, file)));
}

/** All source files, parsed. Samples for tests in a `fixtures` folder are data. */
export function readSources(tracked: readonly string[] = listTracked()): SourceFile[] {
  return tracked
    .filter((file) => code.test(file) && !file.startsWith("test/fixtures/"))
    .map((file) => {
      const text = readFileSync(path.join(root, file), "utf8");
      return { file, text, ...readLinks(text, file) };
    });
}

/** The file that an import names, relative to the checkout; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier.replace(/\?.*$/, ""))) : undefined;
}

// The few properties of syntax nodes that are looked at here (ESTree with TypeScript's nodes).
type Node = { readonly type: string; readonly start: number; readonly [property: string]: unknown };

/** Finds all imports and exports in a source text; throws when it cannot be parsed. */
export function readLinks(text: string, file: string): Links {
  const imports: Import[] = [];
  const exports: Export[] = [];
  const names = new Map<string, number>();
  const lineOf = (node: Node): number => text.slice(0, node.start).split("\n").length;
  const tree = parseAst(text, { lang: file.endsWith("x") ? "tsx" : file.endsWith(".mjs") ? "js" : "ts" }) as unknown as Node;
  visit(tree, (node) => {
    if (node.type === "Identifier" || node.type === "JSXIdentifier") names.set(String(node["name"]), (names.get(String(node["name"])) ?? 0) + 1);
    const found = readImport(node);
    if (found !== undefined) imports.push({ ...found, line: lineOf(node) });
    for (const { name, isType } of readExports(node)) exports.push({ name, isType, line: lineOf(node) });
  });
  return { imports, exports, names };
}

function readImport(node: Node): Omit<Import, "line"> | undefined {
  const source = literal(node["source"]);
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration": {
      if (source === undefined) return undefined;
      const specifiers = nodes(node["specifiers"]);
      const kindOf = node.type === "ImportDeclaration" ? "importKind" : "exportKind";
      const typeOnly = node[kindOf] === "type" || (specifiers.length > 0 && specifiers.every((one) => one[kindOf] === "type"));
      return { specifier: source, typeOnly, names: specifiers.map((one) => nameOf(one["imported"] ?? one["local"], one.type)) };
    }
    case "ExportAllDeclaration":
      return source === undefined ? undefined : { specifier: source, typeOnly: node["exportKind"] === "type", names: ["*"] };
    case "ImportExpression":
      return source === undefined ? undefined : { specifier: source, typeOnly: false, names: ["*"] };
    case "TSImportType": {
      const specifier = source ?? literal(node["argument"]);
      return specifier === undefined ? undefined : { specifier, typeOnly: true, names: ["*"] };
    }
    case "NewExpression": {
      // A worker thread's file: new URL("./worker.ts", import.meta.url).
      const [target, base] = nodes(node["arguments"]);
      const specifier = literal(target);
      const isUrl = isNode(node["callee"]) && node["callee"]["name"] === "URL" && base?.type === "MemberExpression";
      return isUrl && specifier !== undefined && code.test(specifier) ? { specifier, typeOnly: false, names: ["*"] } : undefined;
    }
    default:
      return undefined;
  }
}

function readExports(node: Node): { name: string; isType: boolean }[] {
  if (node.type === "ExportDefaultDeclaration") return [{ name: "default", isType: false }];
  if (node.type !== "ExportNamedDeclaration") return [];
  const declaration = node["declaration"];
  if (!isNode(declaration)) return nodes(node["specifiers"]).map((one) => ({ name: nameOf(one["exported"], one.type), isType: node["exportKind"] === "type" || one["exportKind"] === "type" }));
  if (declaration.type === "VariableDeclaration") return nodes(declaration["declarations"]).flatMap((one) => boundNames(one["id"]).map((name) => ({ name, isType: false })));
  return [{ name: nameOf(declaration["id"], ""), isType: declaration.type.startsWith("TS") }];
}

// The names that a pattern binds: `a`, `{ a, b: c }`, `[a, ...b]`.
function boundNames(pattern: unknown): string[] {
  const names: string[] = [];
  if (!isNode(pattern)) return names;
  visit(pattern, (node, parent) => {
    const isKey = parent?.type === "Property" && parent["key"] === node && parent["value"] !== node;
    if (node.type === "Identifier" && !isKey && !parent?.type.startsWith("TS")) names.push(String(node["name"]));
  });
  return [...new Set(names)];
}

function nameOf(node: unknown, specifierType: string): string {
  if (specifierType === "ImportNamespaceSpecifier") return "*";
  if (specifierType === "ImportDefaultSpecifier") return "default";
  return isNode(node) ? String(node["name"] ?? node["value"]) : "default";
}

function visit(node: Node, see: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  see(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, see, node);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function nodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  const inner = value.type === "TSLiteralType" ? value["literal"] : value;
  return isNode(inner) && typeof inner["value"] === "string" ? inner["value"] : undefined;
}
