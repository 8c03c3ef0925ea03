// A folder tree of `.sym` files as a symbol source, for the command line and
// for tests. The layout does not matter: each file's first line, its MODULE
// record, says what it is.
import { closeSync, openSync, readSync, type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SymbolSource } from "../stackwalker.ts";
import { keyName } from "./breakpad-report.ts";
import { symbolPath } from "./symbol-folder.ts";

/** Bytes read of a file to find its MODULE record. */
const HEAD_BYTES = 1024;
/** Files looked at in all trees together. */
const FILES_MAX = 100_000;

/** What a MODULE record says. */
export type ModuleRecord = { readonly os: string; readonly arch: string; readonly debugId: string; readonly debugFile: string };

/** Parses `MODULE <os> <arch> <id> <name>`; null when the text does not start with one. */
export function parseModuleRecord(text: string): ModuleRecord | null {
  const match = /^MODULE (\S+) (\S+) ([0-9A-Fa-f]+) ([^\r\n]+)/.exec(text);
  if (!match) return null;
  const [, os = "", arch = "", id = "", name = ""] = match;
  return { os, arch, debugId: id.toUpperCase(), debugFile: name.trimEnd() };
}

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
      const record = parseModuleRecord(head(path));
      if (!record) continue;
      const place = symbolPath(record);
      if (place && path === join(folder, ...place)) put(paths, keyName(record), path);
      else stray.push([keyName(record), path]);
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

function head(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    // A broken link or a file without rights is no symbol file for us.
    return "";
  }
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, HEAD_BYTES, 0));
  } catch {
    return "";
  } finally {
    closeSync(fd);
  }
}
