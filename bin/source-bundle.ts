// `deadair symbols upload --sources`: a source bundle for each module whose
// debug information names source files that are here (source-choice.ts).
//
// Which those are is known when the module is compiled, as the server will: so
// a frame names its file by the very path that the bundle has it under. Bundles
// are written to a folder that is removed after the upload; the same sources
// make the same bytes, so what the server has is not sent again.
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { ok, type Result } from "../config/problem.ts";
import { CacheContents } from "../symbols/cache/cache-contents.ts";
import { cacheOfBytes } from "../symbols/cache/symbol-cache.ts";
import { compileBytes, openDebugFile } from "../symbols/compile.ts";
import { openFile, type OpenFile } from "../symbols/file-bytes.ts";
import { joinPieces } from "../symbols/joined-bytes.ts";
import { moduleName } from "../symbols/module-name.ts";
import { bundleBytesMax, bundleFilesMax, type BundledModule, writeSourceBundle } from "../symbols/sources/bundle-writer.ts";
import { openSymbolBytes } from "../symbols/symbol-file.ts";
import { type ChosenSource, chooseSource, type LeftOut, readSourceText, type SourceRoot } from "./source-choice.ts";
import { sourceOf, type SymbolFile } from "./symbol-scan.ts";
import { counted, megabytes, type Terminal } from "./terminal.ts";

/** What became of the sources of one module. */
export type ModuleSources = {
  readonly module: string;
  readonly debug_id: string;
  /** Files in its bundle, and their bytes; without any there is no bundle. */
  readonly files: number;
  readonly bytes: number;
  /** By reason: how many named files are not in it, and one of them. */
  readonly left_out: { readonly [reason in LeftOut]?: { readonly count: number; readonly example: string } };
  /** Why nothing is known of its sources; null when something is. */
  readonly problem: string | null;
};

/** Bundles, ready to be uploaded. */
export type MadeSources = {
  readonly files: readonly SymbolFile[];
  readonly modules: readonly ModuleSources[];
  /** Removes the bundles from the disk. */
  remove(): void;
};

/** Makes the bundles of the modules that some files are of. Throws what `fs` throws where bundles are written. */
export function makeSourceBundles(files: readonly SymbolFile[], roots: readonly SourceRoot[], terminal: Terminal): MadeSources {
  const folder = mkdtempSync(path.join(os.tmpdir(), "deadair-sources-"));
  const made: SymbolFile[] = [];
  const modules: ModuleSources[] = [];
  try {
    const byId = Map.groupBy(files, ({ facts }) => facts.debugId ?? "");
    // What dwz took out is no module of its own.
    const supplements = new Set(files.flatMap(({ facts }) => facts.supplement?.debugId ?? []));
    for (const [debugId, module] of byId) {
      if (debugId === "" || supplements.has(debugId) || !module.some(hasLines)) continue;
      terminal.redraw?.(`looking for the sources of ${nameOf(module)}`);
      const others = module.flatMap(({ facts }) => byId.get(facts.supplement?.debugId ?? "?") ?? []);
      const found = bundleModule(debugId, module, others, roots, folder);
      terminal.redraw?.("");
      modules.push(found.module);
      if (found.file !== null) made.push(found.file);
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return { files: made, modules, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What was taken, and what was not, for people. */
export function describeSources(modules: readonly ModuleSources[]): string[] {
  return modules.flatMap(({ module, debug_id, files, bytes, left_out, problem }) => {
    const reasons = Object.entries(left_out).map(([reason, { count, example }]) => `    left out: ${counted(count, "file")} ${words[reason as LeftOut]}, such as ${example}`);
    const hint = files === 0 && left_out.absent !== undefined ? ["    Where the build maps its paths, say where the sources lie: --source-root FROM=TO."] : [];
    return [`sources        ${module} ${debug_id}: ${problem ?? `${counted(files, "file")}, ${megabytes(bytes)}`}`, ...reasons, ...hint];
  });
}

const words: { readonly [reason in LeftOut]: string } = {
  system: "of the system or a toolchain",
  absent: "not on this machine",
  not_source: "not called as source files are",
  too_large: "larger than 1 MiB",
  not_text: "without text",
  too_many: "more than a bundle holds",
};

function hasLines({ facts }: SymbolFile): boolean {
  return facts.holds.lines || facts.kind === "dwp";
}

/** What the module is called, as its bundle shall be. */
function nameOf(module: readonly SymbolFile[]): string {
  const said = module.find(({ facts }) => facts.debugFile !== null)?.facts.debugFile ?? module.find(({ facts }) => facts.codeFile !== null)?.facts.codeFile;
  const { facts, path: at } = module[0]!;
  return said ?? moduleName(facts.kind, path.basename(at)) ?? path.basename(at);
}

function bundleModule(debugId: string, module: readonly SymbolFile[], others: readonly SymbolFile[], roots: readonly SourceRoot[], folder: string): { readonly module: ModuleSources; readonly file: SymbolFile | null } {
  const name = nameOf(module);
  const nothing = (problem: string | null, left_out: ModuleSources["left_out"]) => ({ module: { module: name, debug_id: debugId, files: 0, bytes: 0, left_out, problem }, file: null });
  const cache = compile([...module, ...others]);
  if (!cache.ok) return nothing(cache.problem.message, {});
  const leftOut = new Tally();
  const chosen = chooseAll(new CacheContents(cacheOfBytes(name, cache.value)).files, roots, leftOut);
  if (chosen.length === 0) return nothing(null, leftOut.reasons);
  mkdirSync(path.join(folder, debugId));
  const at = path.join(folder, debugId, `${path.basename(name)}.src.zip`);
  const bundled: BundledModule = { debugId, debugFile: name, codeId: module.find(({ facts }) => facts.codeId !== null)?.facts.codeId ?? null, arch: module[0]!.facts.archName };
  const sources = chosen.map((source) => ({
    path: source.path,
    read() {
      const text = readSourceText(source);
      if (text === null) leftOut.add("not_text", source.path);
      return text;
    },
  }));
  const written = writeSourceBundle(at, bundled, sources);
  if (written.files === 0) return nothing(null, leftOut.reasons);
  return { module: { module: name, debug_id: debugId, ...written, left_out: leftOut.reasons, problem: null }, file: symbolFileAt(at) };
}

/** Compiles files as the server will, once it has them. */
function compile(files: readonly SymbolFile[]): Result<Uint8Array> {
  const opened: OpenFile[] = [];
  try {
    for (const file of files) {
      const one = file.pieces === null ? openSymbolBytes(sourceOf(file)) : ok(joinPieces(file.pieces));
      if (!one.ok) return one;
      opened.push(one.value);
    }
    return compileBytes(opened.map(({ bytes }) => bytes));
  } finally {
    for (const one of opened) one.close();
  }
}

function chooseAll(named: readonly string[], roots: readonly SourceRoot[], leftOut: Tally): ChosenSource[] {
  const chosen: ChosenSource[] = [];
  let bytes = 0;
  for (const name of new Set(named)) {
    if (name === "") continue;
    const source = chooseSource(name, roots);
    if (typeof source === "string") leftOut.add(source, name);
    else if (chosen.length === bundleFilesMax || bytes + source.bytes > bundleBytesMax) leftOut.add("too_many", name);
    else {
      chosen.push(source);
      bytes += source.bytes;
    }
  }
  return chosen;
}

/** A bundle as if it had been found. */
function symbolFileAt(at: string): SymbolFile {
  const file = openFile(at);
  if (!file.ok) throw new Error(file.problem.message);
  try {
    const opened = openDebugFile(file.value.bytes);
    if (!opened.ok) throw new Error(opened.problem.message);
    return { path: at, size: statSync(at).size, compression: null, part: null, pieces: null, facts: opened.value.facts, isGiven: true };
  } finally {
    file.value.close();
  }
}

/** Counts what is left out. */
class Tally {
  readonly reasons: { [reason in LeftOut]?: { count: number; readonly example: string } } = {};

  add(reason: LeftOut, example: string): void {
    this.reasons[reason] ??= { count: 0, example };
    this.reasons[reason].count++;
  }
}
