// Folder trees of debug files as a symbol source, for the command line and for
// tests. The layout does not matter: each file says itself what it belongs to.
import { closeSync, openSync, readSync, type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { readSymbolHeader } from "../symbols/breakpad/header.ts";
import { storePath } from "../symbols/breakpad/store-path.ts";
import type { DebugFileFacts } from "../symbols/debug-file.ts";
import { type DebugFileRecord, symbolSource } from "./module-files.ts";
import type { SymbolSource } from "./stackwalker.ts";

/** Bytes read of a `.sym` file: its MODULE and INFO records are the first lines. */
const headBytes = 4096;
/** Files looked at in all trees together. */
const filesMax = 100_000;
/** Names of symbol files. */
const symName = /\.syms?$/i;
/** Names of PDBs, and of what plugins and their hosts are on Windows. */
const nativeName = /\.(pdb|dll|exe|vst3|clap|aaxplugin|component|vst|ocx|sys)$/i;

/** Makes a source over folders, searched in order; the first file of a module stands. Rejects when a folder cannot be read. */
export async function symbolTree(folders: readonly string[]): Promise<SymbolSource> {
  const records: DebugFileRecord[] = [];
  let left = filesMax;
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter(isDebugFile).map((entry) => path.join(entry.parentPath, entry.name)).sort();
    // A file in the store's own place goes before a stray one of the same module.
    const stray: DebugFileRecord[] = [];
    for (const file of files.slice(0, left)) {
      const found = symName.test(file) ? symRecord(file) : await nativeRecord(file);
      if (found !== null) (isInPlace(folder, file, found) ? records : stray).push(found);
    }
    left -= files.length;
    records.push(...stray);
  }
  // The best last.
  records.reverse();
  return symbolSource((debugIds, codeIds) => Promise.resolve(records.filter((record) => (record.debugId !== null && debugIds.includes(record.debugId)) || (record.codeId !== null && codeIds.includes(record.codeId)))));
}

function isDebugFile(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && (symName.test(entry.name) || nativeName.test(entry.name));
}

/** Whether a file lies where Breakpad's walker would look for it. */
function isInPlace(folder: string, file: string, { debugFile, debugId }: DebugFileRecord): boolean {
  const place = debugFile === null || debugId === null ? null : storePath(debugFile, debugId);
  return place?.ok === true && file.toLowerCase() === path.join(folder, place.value).toLowerCase();
}

function symRecord(file: string): DebugFileRecord | null {
  const header = readSymbolHeader(head(file));
  return header.ok ? recordOf(file, { kind: "breakpad", ...header.value }) : null;
}

async function nativeRecord(file: string): Promise<DebugFileRecord | null> {
  // Readers of native formats are loaded only where there are such files.
  const [{ openDebugFile }, { openFile }] = await Promise.all([import("../symbols/compile.ts"), import("../symbols/file-bytes.ts")]);
  const opened = openFile(file);
  if (!opened.ok) return null;
  try {
    const debugFile = openDebugFile(opened.value.bytes);
    return debugFile.ok ? recordOf(file, debugFile.value.facts) : null;
  } finally {
    opened.value.close();
  }
}

function recordOf(file: string, { kind, debugId, debugFile, codeId, codeFile }: Pick<DebugFileFacts, "kind" | "debugId" | "debugFile" | "codeId" | "codeFile">): DebugFileRecord {
  const name = path.basename(file);
  return {
    kind,
    debugId,
    debugFile: debugFile ?? (kind === "pdb" ? name : null),
    codeId: codeId?.toUpperCase() ?? null,
    codeFile: codeFile ?? (kind === "pe" ? name : null),
    path: () => Promise.resolve(file),
  };
}

/** The first bytes of a file; none of what cannot be read: a broken link or a file without rights is no symbol file for us. */
function head(file: string): Uint8Array {
  const bytes = Buffer.alloc(headBytes);
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return bytes.subarray(0, 0);
  }
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, headBytes, 0));
  } catch {
    return bytes.subarray(0, 0);
  } finally {
    closeSync(descriptor);
  }
}
