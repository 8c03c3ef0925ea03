// The symbol folder of one walk: symlinks in the layout that Breakpad's walker
// searches, `<debug file>/<debug id>/<name>.sym`. The names come out of a dump
// that a stranger sent, so each passes `safeName` before it becomes a path.
import { mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { breakpadSpelling } from "../minidump/code-view.ts";
import { baseName } from "../minidump/module-list.ts";
import type { SymbolKey } from "../stackwalker.ts";

/** Bytes of a name; with `.sym` behind it a file system's 255 are not reached. */
const NAME_BYTES_MAX = 200;

/** The base name of a path out of a dump when it may name a file here, else null. */
export function safeName(path: string): string | null {
  const name = baseName(path);
  if (name === "" || name === "." || name === "..") return null;
  if (/[/\\\0]/.test(name) || !name.isWellFormed()) return null;
  return Buffer.byteLength(name) > NAME_BYTES_MAX ? null : name;
}

/** Where the walker looks for a module's symbols, as parts of a path; null when it must not look. */
export function symbolPath(key: { readonly debugFile: string; readonly debugId: string }): [folder: string, id: string, file: string] | null {
  const name = safeName(key.debugFile);
  const id = breakpadSpelling(key.debugId);
  if (name === null || !/^[0-9A-Fa-f]{9,40}$/.test(id)) return null;
  // Breakpad's SimpleSymbolSupplier: `.pdb` goes, any other name stays whole.
  const stem = name.length > 4 && /\.pdb$/i.test(name) ? name.slice(0, -4) : name;
  return [name, id, `${stem}.sym`];
}

/** Lays out the located files under `folder`. A module that cannot be laid out has no symbols. */
export async function layOutSymbols(folder: string, keys: readonly SymbolKey[], paths: readonly (string | null)[]): Promise<boolean[]> {
  await mkdir(folder, { recursive: true });
  const done: boolean[] = [];
  for (const [i, key] of keys.entries()) {
    const path = paths[i] ?? null;
    const parts = path === null ? null : symbolPath(key);
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
