// The symbol folder of one walk: symlinks in the layout that Breakpad's walker
// searches, `<debug file>/<debug id>/<name>.sym`. The names come out of a dump
// that a stranger sent; `storePath` refuses each that must not become a path.
import { closeSync, openSync, readSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { storePath } from "../../symbols/breakpad/store-path.ts";
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

/** Lays out the located files under `folder`. A module that cannot be laid out, or has no symbol file, has no symbols. */
export async function layOutSymbols(folder: string, keys: readonly SymbolKey[], located: readonly LocatedFiles[]): Promise<boolean[]> {
  await mkdir(folder, { recursive: true });
  const done: boolean[] = [];
  for (const [i, key] of keys.entries()) {
    const parts = key.debugFile === null || key.debugId === null ? null : symbolPath({ debugFile: key.debugFile, debugId: key.debugId });
    const path = parts === null ? null : symbolFileOf(located[i] ?? null);
    if (path === null || parts === null) {
      done.push(false);
      continue;
    }
    await mkdir(join(folder, parts[0], parts[1]), { recursive: true });
    // The same module may be loaded twice.
    await symlink(resolve(path), join(folder, ...parts)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    done.push(true);
  }
  return done;
}

/** The `.sym` file among a module's files; null when there is none. */
function symbolFileOf(paths: LocatedFiles): string | null {
  return paths?.find(isSymbolFile) ?? null;
}

function isSymbolFile(path: string): boolean {
  const descriptor = openSync(path, "r");
  try {
    const word = Buffer.alloc(7);
    return readSync(descriptor, word, 0, word.length, 0) === word.length && word.toString("latin1") === "MODULE ";
  } finally {
    closeSync(descriptor);
  }
}
