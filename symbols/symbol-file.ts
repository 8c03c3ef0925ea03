// The symbols of a module from the files that a person has at hand, opened for
// look-ups, each told by its first bytes.
//
// A cache is opened where it lies. Everything else is compiled into a cache in
// memory; nothing is written. Several files are taken together when they are
// of one module, such as a PDB and its DLL; files of different builds would
// give answers that are wrong for both.
//
// A universal binary has a module for each architecture, and so has its dSYM. One
// is chosen by the name of its architecture, or by its id, which another file has.
// What DWARF refers to in further files comes from beside (companion-files.ts).
import { readFileSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ok, refuse, type Result } from "../config/problem.ts";
import { cacheMagic } from "./cache/layout.ts";
import { cacheOfBytes, openCache, type SymbolCache } from "./cache/symbol-cache.ts";
import { openCompanions } from "./companion-files.ts";
import { sniffCompression } from "./compression.ts";
import { compileBytes, type CompileProgress, openDebugFile } from "./compile.ts";
import type { DebugFile } from "./debug-file.ts";
import { debugPathsOf } from "./debug-paths.ts";
import { bytesOf, fileOfPath, openFile, type OpenFile, readBytes } from "./file-bytes.ts";

/** Bytes that a cache and a compression are told by. */
const headBytes = 4;
/** Bytes of a compressed file's content, which is held in memory. */
const inflatedBytes = 2 ** 31 - 1;

/** A debug file that may be of the module. */
type Candidate = { readonly path: string; readonly file: OpenFile; readonly debugFile: DebugFile };

/** Opens the symbol files of one module, or its cache, as one; at least one path, which may be of folders such as dSYMs. Of universal binaries the part for `archName` is taken, null where the other files or their being alike say which. Refuses with `symbol_file_unreadable`, `cache_unusable`, `broken_compression`, `different_modules`, `several_architectures`, `no_such_architecture`, with what `debugPathsOf` refuses with, or what a format's reader does; where there are several paths, the message begins with the one at fault. */
export function openSymbolFiles(paths: readonly string[], archName: string | null = null, onProgress: CompileProgress | null = null): Result<SymbolCache> {
  const opened: OpenFile[] = [];
  try {
    const groups: Candidate[][] = [];
    for (const given of paths) {
      const parts = debugPathsOf(given);
      if (!parts.ok) return about(given, paths, parts);
      const group: Candidate[] = [];
      for (const path of parts.value) {
        const file = openSymbolBytes(path);
        if (!file.ok) return about(given, paths, file);
        opened.push(file.value);
        if (isCache(file.value)) return paths.length === 1 ? openStored(path) : about(given, paths, cacheAmongOthers);
        const debugFile = openDebugFile(file.value.bytes);
        if (!debugFile.ok) return about(given, paths, debugFile);
        group.push({ path, file: file.value, debugFile: debugFile.value });
      }
      groups.push(group);
    }
    const chosen = chooseModule(groups, archName);
    if (!chosen.ok) return chosen;
    const difference = differenceIn(chosen.value);
    if (difference !== null) return refuse(400, "different_modules", difference, "Name the files of one build of one module, such as a PDB and the DLL that was linked with it.");
    const companions = openCompanions(chosen.value);
    opened.push(...companions);
    const compiled = compileBytes([...chosen.value.map(({ file }) => file), ...companions].map(({ bytes }) => bytes), "", onProgress);
    return compiled.ok ? ok(cacheOfBytes(paths.map(fileOfPath).join(" + "), compiled.value)) : compiled;
  } finally {
    for (const file of opened) file.close();
  }
}

/** Opens the bytes of a debug file; those of a compressed one are what was compressed. Refuses with `symbol_file_unreadable` or `broken_compression`. */
export function openSymbolBytes(path: string): Result<OpenFile> {
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

/** Of each path the files of one module: all that it stands for, when that is of one, and else those of the architecture that is asked for or that the other files are of. */
function chooseModule(groups: readonly (readonly Candidate[])[], archName: string | null): Result<readonly Candidate[]> {
  const isAsked = ({ debugFile }: Candidate): boolean => archName === null || debugFile.facts.archName === archName;
  const asked = groups.map((group) => group.filter(isAsked));
  const lacking = asked.findIndex((group) => group.length === 0);
  if (lacking >= 0) return refuse(400, "no_such_architecture", `${fileOfPath(groups[lacking]![0]!.path)} has nothing for ${archName}: it has ${listed(architectures(groups[lacking]!))}.`, "Name one of those.");
  // What files of one module only are of decides among those of several.
  const sure = new Set(asked.filter((group) => modulesIn(group).length === 1).flatMap(modulesIn));
  const fitting = asked.map((group) => (modulesIn(group).length < 2 ? group : group.filter(({ debugFile }) => sure.has(debugFile.facts.debugId!))));
  const unsure = fitting.findIndex((group) => modulesIn(group).length !== 1);
  if (unsure < 0) return ok(fitting.flat());
  const names = architectures(asked[unsure]!);
  const path = fileOfPath(asked[unsure]![0]!.path);
  if (sure.size > 0) return refuse(400, "different_modules", `No part of ${path} is of the module that the other files are of.`, "Name the files of one build of one module.");
  if (names.length > 1) return refuse(400, "several_architectures", `${path} has a module for each of ${listed(names)}.`, `Say which: --arch ${names.at(-1)}.`);
  return refuse(400, "different_modules", `${path} holds files of several modules.`, "Name the files of one of them.");
}

/** The ids of modules that files are of; one that has none may be of any. */
function modulesIn(group: readonly Candidate[]): string[] {
  const ids = new Set(group.flatMap(({ debugFile: { facts } }) => (facts.debugId === null ? [] : [facts.debugId])));
  return ids.size === 0 && group.length > 0 ? [""] : [...ids];
}

function architectures(group: readonly Candidate[]): string[] {
  return [...new Set(group.map(({ debugFile }) => debugFile.facts.archName))].sort();
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** A sentence about two files that are not of one module; null when all may be. A file without an id may be of any. */
function differenceIn(files: readonly Candidate[]): string | null {
  const supplements = new Set(files.flatMap(({ debugFile }) => debugFile.facts.supplement?.debugId ?? []));
  const own = files.map(({ path, debugFile }) => [fileOfPath(path), debugFile.facts] as const).filter(([, facts]) => facts.debugId === null || !supplements.has(facts.debugId));
  for (const what of ["debugId", "codeId", "arch"] as const) {
    const known = own.filter(([, facts]) => facts[what] !== null);
    const [first] = known;
    const other = known.find(([, facts]) => facts[what] !== first![1][what]);
    if (first !== undefined && other !== undefined) return `${first[0]} and ${other[0]} are not of one module: ${words[what]} ${first[1][what]} and ${other[1][what]}.`;
  }
  return null;
}

const words = { debugId: "their debug ids are", codeId: "their code ids are", arch: "they are for" } as const;
