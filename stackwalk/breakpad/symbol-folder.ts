// The symbol folder of one walk: `.sym` files in the layout that Breakpad's walker
// searches, `<debug file>/<debug id>/<name>.sym`. The names come out of a dump
// that a stranger sent; `storePath` refuses each that must not become a path.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { storePath } from "../../symbols/breakpad/store-path.ts";
import { fileOfPath } from "../../symbols/file-bytes.ts";
import { breakpadSpelling } from "../minidump/code-view.ts";
import type { LocatedFiles, SymbolKey } from "../stackwalker.ts";

/** Where the walker looks for a module's symbols, as parts of a path; null when nothing may be put there. */
export function symbolPath(key: { readonly debugFile: string; readonly debugId: string }): [folder: string, id: string, file: string] | null {
  const path = storePath(key.debugFile, key.debugId);
  if (!path.ok) return null;
  const [folder = "", id = "", file = ""] = path.value.split("/");
  // Stores of the house have the id in upper case; the walker has its own spelling.
  return [folder, breakpadSpelling(id), file];
}

/** Lays out the located files under `folder`; where a module has other files than a `.sym`, one is made of all that it has, so that the walker knows what the engine knows. A module that cannot be laid out has no symbols. */
export async function layOutSymbols(folder: string, keys: readonly SymbolKey[], located: readonly LocatedFiles[]): Promise<boolean[]> {
  await mkdir(folder, { recursive: true });
  const done: boolean[] = [];
  for (const [i, key] of keys.entries()) done.push(await layOut(folder, key, located[i] ?? null));
  return done;
}

async function layOut(folder: string, key: SymbolKey, paths: LocatedFiles): Promise<boolean> {
  const { debugFile, debugId } = key;
  const parts = debugFile === null || debugId === null ? null : symbolPath({ debugFile, debugId });
  if (paths === null || debugFile === null || parts === null) return false;
  const target = join(folder, ...parts);
  // The same module may be loaded twice.
  if (existsSync(target)) return true;
  await mkdir(join(folder, parts[0], parts[1]), { recursive: true });
  if (paths.every(isSymbolFile)) {
    await symlink(resolve(paths[0]!), target);
    return true;
  }
  // Loaded only here: most walks have `.sym` files, or none.
  const { makeSymbolFile } = await import("./made-symbols.ts");
  return makeSymbolFile(paths, target, { debugFile, codeFile: key.codeFile });
}

function isSymbolFile(path: string): boolean {
  if (fileOfPath(path) !== path) return false;
  const descriptor = openSync(path, "r");
  try {
    const word = Buffer.alloc(7);
    return readSync(descriptor, word, 0, word.length, 0) === word.length && word.toString("latin1") === "MODULE ";
  } finally {
    closeSync(descriptor);
  }
}
