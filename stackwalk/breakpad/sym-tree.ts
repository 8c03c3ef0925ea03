// A folder tree of `.sym` files as a symbol source, for the command line and
// for tests. The layout does not matter: each file's first line, its MODULE
// record, says what it is.
import { closeSync, openSync, readSync, type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readSymbolHeader } from "../../symbols/breakpad/header.ts";
import type { SymbolSource } from "../stackwalker.ts";
import { keyName } from "../symbol-key.ts";
import { symbolPath } from "./symbol-folder.ts";

/** Bytes read of a file: its MODULE record is the first line, and nothing else is asked. */
const HEAD_BYTES = 4096;
/** Files looked at in all trees together. */
const FILES_MAX = 100_000;

/** Makes a source over folders, searched in order; the first file of a module stands. Rejects when a folder cannot be read. */
export async function symTree(folders: readonly string[]): Promise<SymbolSource> {
  const paths = new Map<string, string>();
  let left = FILES_MAX;
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    // A file in the store's own place goes before a stray one of the same module.
    const files = entries.filter(isSym).map((entry) => join(entry.parentPath, entry.name)).sort();
    const stray: [string, string][] = [];
    for (const path of files.slice(0, left)) {
      const header = readSymbolHeader(head(path));
      const place = header.ok ? symbolPath(header.value) : null;
      if (!header.ok || !place) continue;
      const name = keyName({ debugFile: place[0], debugId: header.value.debugId });
      if (path === join(folder, ...place)) put(paths, name, path);
      else stray.push([name, path]);
    }
    left -= files.length;
    for (const [name, path] of stray) put(paths, name, path);
  }
  return {
    locate: (keys) => Promise.resolve(keys.map((key) => paths.get(keyName(key)) ?? null)),
  };
}

function isSym(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && /\.syms?$/i.test(entry.name);
}

function put(paths: Map<string, string>, name: string, path: string): void {
  if (!paths.has(name)) paths.set(name, path);
}

/** The first bytes of a file; none of what cannot be read: a broken link or a file without rights is no symbol file for us. */
function head(path: string): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return bytes.subarray(0, 0);
  }
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, HEAD_BYTES, 0));
  } catch {
    return bytes.subarray(0, 0);
  } finally {
    closeSync(fd);
  }
}
