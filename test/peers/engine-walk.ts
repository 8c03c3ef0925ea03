// Our engine over a dump and folders of symbols, for comparison: nothing is
// cached on the disk, and the files of each module are compiled once a process.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import { openDump } from "../../stackwalk/pool/dump-walk.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { SymbolSource } from "../../stackwalk/stackwalker.ts";
import type { ModuleSymbols } from "../../symbols/cache/module-symbols.ts";
import { openSymbolFiles } from "../../symbols/symbol-file.ts";

const trees = new Map<string, Promise<SymbolSource>>();
const compiled = new Map<string, ModuleSymbols | null>();

/** The report of a dump, a file or its bytes, with all frames and threads. */
export async function walkWithEngine(dump: string | Uint8Array, folders: readonly string[]): Promise<Report> {
  if (typeof dump === "string") return walkFile(dump, folders);
  const work = mkdtempSync(join(tmpdir(), "deadair-peer-"));
  try {
    writeFileSync(join(work, "built.dmp"), dump);
    return await walkFile(join(work, "built.dmp"), folders);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A `.sym` as the engine sees it; throws where it is none. */
export function compiledSymbols(path: string): ModuleSymbols {
  const symbols = compile([path]);
  if (symbols === null) throw new Error(`${path} is no symbol file`);
  return symbols;
}

async function walkFile(path: string, folders: readonly string[]): Promise<Report> {
  const opened = openDump(path);
  if (!opened.ok) throw new Error(`${path}: ${opened.failure.code}: ${opened.failure.message}`);
  try {
    const name = folders.join("\n");
    const tree = trees.get(name) ?? symbolTree(folders);
    trees.set(name, tree);
    const paths = await (await tree).locate(opened.dump.keys);
    return opened.dump.walk({ maxFrames: 1e6, maxThreads: 1e6, why: false }, (key) => {
      const located = paths[key] ?? null;
      return located === null ? "missing" : (compile(located) ?? "corrupt");
    }).report;
  } finally {
    opened.dump.close();
  }
}

function compile(paths: readonly string[]): ModuleSymbols | null {
  const name = paths.join("\n");
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const opened = openSymbolFiles(paths);
  const symbols = opened.ok ? opened.value : null;
  compiled.set(name, symbols);
  return symbols;
}
