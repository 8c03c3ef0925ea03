// The symbols of a module from the files that a person has at hand, opened for
// look-ups, each told by its first bytes.
//
// A cache is opened where it lies. Everything else is compiled into a cache in
// memory; nothing is written. Several files are taken together when they are
// of one module, such as a PDB and its DLL; files of different builds would
// give answers that are wrong for both.
import { readFileSync, statSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ok, refuse, type Result } from "../config/problem.ts";
import { cacheMagic } from "./cache/layout.ts";
import { cacheOfBytes, openCache, type SymbolCache } from "./cache/symbol-cache.ts";
import { sniffCompression } from "./compression.ts";
import { compileBytes, openDebugFile } from "./compile.ts";
import type { DebugFileFacts } from "./debug-file.ts";
import { bytesOf, openFile, type OpenFile, readBytes, unreadable } from "./file-bytes.ts";

/** Bytes that a cache and a compression are told by. */
const headBytes = 4;
/** Bytes of a compressed file's content, which is held in memory. */
const inflatedBytes = 2 ** 31 - 1;

/** Opens the symbol files of one module, or its cache, as one; at least one path. Refuses with `symbol_file_unreadable`, `cache_unusable`, `broken_compression`, `different_modules`, or what a format's reader refuses with; where there are several paths, the message begins with the one at fault. */
export function openSymbolFiles(paths: readonly string[]): Result<SymbolCache> {
  const opened: OpenFile[] = [];
  const facts: (readonly [path: string, DebugFileFacts])[] = [];
  try {
    for (const path of paths) {
      const file = openSymbolBytes(path);
      if (!file.ok) return about(path, paths, file);
      opened.push(file.value);
      if (isCache(file.value)) return paths.length === 1 ? openStored(path) : about(path, paths, cacheAmongOthers);
      const debugFile = openDebugFile(file.value.bytes);
      if (!debugFile.ok) return about(path, paths, debugFile);
      facts.push([path, debugFile.value.facts]);
    }
    const difference = differenceIn(facts);
    if (difference !== null) return refuse(400, "different_modules", difference, "Name the files of one build of one module, such as a PDB and the DLL that was linked with it.");
    const compiled = compileBytes(opened.map(({ bytes }) => bytes));
    return compiled.ok ? ok(cacheOfBytes(paths.join(" + "), compiled.value)) : compiled;
  } finally {
    for (const file of opened) file.close();
  }
}

/** Opens the bytes of a debug file; those of a compressed one are what was compressed. Refuses with `symbol_file_unreadable` or `broken_compression`. */
export function openSymbolBytes(path: string): Result<OpenFile> {
  try {
    // To open a pipe waits for its writer, and readers go back and forth.
    if (!statSync(path).isFile()) return refuse(500, "symbol_file_unreadable", "It is no file, but a folder, a pipe or a device.", "Name the symbol files themselves.");
  } catch (error) {
    return unreadable(error);
  }
  const file = openFile(path);
  if (!file.ok) return file;
  const head = readBytes(file.value.bytes, 0, headBytes);
  const compression = head === null ? null : sniffCompression(head);
  if (compression === null) return file;
  file.value.close();
  try {
    const bytes = (compression === "gzip" ? gunzipSync : zstdDecompressSync)(readFileSync(path), { maxOutputLength: inflatedBytes });
    return ok({ bytes: bytesOf(bytes), close: () => undefined });
  } catch (error) {
    return refuse(400, "broken_compression", `The file cannot be decompressed: ${error instanceof Error ? error.message : String(error)}.`, "Decompress it first, or make it again.");
  }
}

const cacheAmongOthers = refuse(400, "cache_unusable", "A symbol cache is complete; other files cannot be added to it.", "Name it alone, or name the symbol files that it was made from.");

/** Whether a file is a symbol cache. */
function isCache({ bytes }: OpenFile): boolean {
  return readBytes(bytes, 0, headBytes)?.readUInt32LE(0) === cacheMagic;
}

function openStored(path: string): Result<SymbolCache> {
  const opened = openCache(path);
  return opened.ok ? ok(opened.value) : refuse(400, "cache_unusable", `The symbol cache cannot be used: ${opened.fault.message}`, "Name the symbol file that it was made from.");
}

/** A refusal that says which of several files it is about. */
function about(path: string, paths: readonly string[], refused: Result<unknown> & { readonly ok: false }): Result<never> {
  const { problem } = refused;
  return paths.length === 1 ? refused : { ok: false, problem: { ...problem, message: `${path}: ${problem.message}` } };
}

/** A sentence about two files that are not of one module; null when all may be. A file without an id may be of any. */
function differenceIn(files: readonly (readonly [path: string, DebugFileFacts])[]): string | null {
  for (const what of ["debugId", "codeId", "arch"] as const) {
    const known = files.filter(([, facts]) => facts[what] !== null);
    const [first] = known;
    const other = known.find(([, facts]) => facts[what] !== first![1][what]);
    if (first !== undefined && other !== undefined) return `${first[0]} and ${other[0]} are not of one module: ${words[what]} ${first[1][what]} and ${other[1][what]}.`;
  }
  return null;
}

const words = { debugId: "their debug ids are", codeId: "their code ids are", arch: "they are for" } as const;
