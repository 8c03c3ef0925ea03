// What symbol files are and hold, alone and together: the facts that their
// readers give, and counts from a compile, since only that shows what is used.
//
// A file says what it lacks (symbols/debug-file.ts). Of files of one module,
// told by their debug ids, one often has what the other lacks: a PDB the names,
// its DLL how to unwind. What is still missing then is what counts.
//
// A universal binary is a file of each architecture, a folder such as a dSYM what
// is in it. Split DWARF is looked for where a walk would find it.
import { basename } from "node:path";
import type { Problem } from "../config/problem.ts";
import type { CacheMeta } from "../symbols/cache/layout.ts";
import { compileBytes, type CompileProgress, openDebugFile } from "../symbols/compile.ts";
import type { DebugFileFacts, DebugFileLack } from "../symbols/debug-file.ts";
import { cacheOfBytes, type SymbolCache } from "../symbols/cache/symbol-cache.ts";
import { findSplit, findSupplement, isSplit, openCompanions, type PlacedFile } from "../symbols/companion-files.ts";
import { debugPathsOf } from "../symbols/debug-paths.ts";
import { fileOfPath } from "../symbols/file-bytes.ts";
import { openSymbolBytes, openSymbolFiles } from "../symbols/symbol-file.ts";

/** How much a file or a module holds. */
export type Holdings = {
  readonly functions: number;
  readonly publics: number;
  readonly lines: number;
  readonly inlines: number;
  readonly unwindRows: number;
  /** Frame programs and FPO records, of 32-bit Windows. */
  readonly framePrograms: number;
};

/** What was split off of a file's DWARF. */
export type SplitState = {
  readonly units: number;
  /** How many files the units that were found are in. */
  readonly files: number;
  readonly missing: number;
};

/** A file that could be read. */
export type InspectedFile = {
  readonly ok: true;
  readonly path: string;
  /** The path for `openFile`, which may be of a part of the file. */
  readonly source: string;
  /** Whether it is one of several in its file. */
  readonly isPart: boolean;
  readonly bytes: number;
  readonly format: DebugFileFacts["kind"] | "cache";
  readonly facts: Pick<DebugFileFacts, "os" | "archName" | "debugId" | "debugFile" | "codeId" | "codeFile" | "generator" | "platform" | "supplement">;
  /** Null when nothing was split off. */
  readonly split: SplitState | null;
  readonly holds: Holdings;
  readonly lacks: readonly DebugFileLack[];
  /** What its compile left out or mended: a reason, and how often. */
  readonly warnings: { readonly [reason: string]: number };
};

/** A file that could not be read, and why. */
export type UnreadableFile = { readonly ok: false; readonly path: string; readonly problem: Problem };

/** Several files of one module, taken together. */
export type InspectedModule = {
  readonly debugId: string;
  readonly paths: readonly string[];
  readonly holds: Holdings;
  readonly lacks: readonly DebugFileLack[];
};

/** What the named files are, in their order, and the modules that several of them are of. */
export type Inspection = { readonly files: readonly (InspectedFile | UnreadableFile)[]; readonly modules: readonly InspectedModule[] };

/** Reads and compiles the files. */
export function inspectFiles(paths: readonly string[], onProgress: CompileProgress | null = null): Inspection {
  const files = paths.flatMap((path) => inspectPath(path, onProgress));
  const good = files.filter((file) => file.ok);
  const supplements = new Map(good.map((file) => [file.facts.debugId, file]));
  const byId = Map.groupBy(
    good.filter((file) => file.format !== "cache" && file.facts.debugId !== null),
    (file) => file.facts.debugId!,
  );
  const modules = [...byId].flatMap(([debugId, own]) => {
    const taken = own.flatMap(({ facts: { supplement } }) => supplements.get(supplement?.debugId ?? "") ?? []);
    const together = [...own, ...new Set(taken)];
    return together.length > 1 ? inspectModule(debugId, together) : [];
  });
  return { files, modules };
}

function inspectPath(path: string, onProgress: CompileProgress | null): (InspectedFile | UnreadableFile)[] {
  const sources = debugPathsOf(path);
  return sources.ok ? sources.value.map((source) => inspectFile(source, onProgress)) : [{ ok: false, path, problem: sources.problem }];
}

function inspectFile(source: string, onProgress: CompileProgress | null): InspectedFile | UnreadableFile {
  const path = fileOfPath(source);
  const refused = (problem: Problem): UnreadableFile => ({ ok: false, path, problem });
  const whole = openSymbolBytes(source);
  if (!whole.ok) return refused(whole.problem);
  const opens = [whole.value];
  try {
    const { bytes } = whole.value;
    const opened = openDebugFile(bytes);
    if (!opened.ok) return inspectCache(path, bytes.size) ?? refused(opened.problem);
    const { facts } = opened.value;
    const placed = { path: source, debugFile: opened.value };
    const companions = openCompanions([placed]);
    opens.push(...companions);
    const compiled = compileBytes([bytes, ...companions.map((file) => file.bytes)], "", onProgress);
    // What adds nothing by itself is no worse for that.
    if (!compiled.ok && !isAddition(facts)) return refused(compiled.problem);
    const { counts, warnings } = compiled.ok ? cacheOfBytes(path, compiled.value).meta() : nothing;
    const holds = holdingsOf(counts);
    const found = isSplit(opened.value) ? findSplit(placed, basename(path)) : null;
    const split = found === null ? null : { units: found.units, files: found.files.length, missing: found.missing.length };
    const lacks = facts.kind === "breakpad" ? textLacks(holds) : [...facts.lacks.filter(({ code }) => code !== "names_in_dwo" || split?.missing !== 0), ...supplementLacks(placed)];
    return { ok: true, path, source, isPart: source !== path, bytes: bytes.size, format: facts.kind, facts, split, holds, lacks, warnings };
  } finally {
    for (const file of opens) file.close();
  }
}

/** What a file lacks whose DWARF refers to one that is not at hand. */
function supplementLacks(file: PlacedFile): DebugFileLack[] {
  const { supplement } = file.debugFile.facts;
  if (supplement === undefined || findSupplement(file) !== null) return [];
  return [{ code: "no_supplement", message: `Some of its names are in ${supplement.file}, into which dwz moved them, and which is not beside it.`, hint: "Name that file too." }];
}

const nothing: Pick<CacheMeta, "counts" | "warnings"> = { counts: {}, warnings: {} };

/** Whether a file is of use beside others only. */
function isAddition({ kind }: DebugFileFacts): boolean {
  return kind === "dwp" || kind === "sources" || kind === "elf-debug";
}

/** A file that is a cache; null for one that is not, or is of no use. */
function inspectCache(path: string, bytes: number): InspectedFile | null {
  const opened = openSymbolFiles([path]);
  if (!opened.ok) return null;
  const cache: SymbolCache = opened.value;
  const meta: CacheMeta = cache.meta();
  cache.close();
  const { debugFile, debugId, codeId, codeFile, os, arch, source } = meta;
  const facts = { os, archName: arch, debugId: debugId || null, debugFile: debugFile || null, codeId, codeFile, generator: `Deadair, from ${source}` };
  const holds = holdingsOf(meta.counts);
  return { ok: true, path, source: path, isPart: false, bytes, format: "cache", facts, split: null, holds, lacks: textLacks(holds), warnings: meta.warnings };
}

function inspectModule(debugId: string, files: readonly InspectedFile[]): InspectedModule[] {
  const paths = files.map(({ path }) => path);
  const opened = openSymbolFiles(files.map(({ source }) => source));
  if (!opened.ok) return [];
  const holds = holdingsOf(opened.value.meta().counts);
  const ids = new Set(files.map(({ facts }) => facts.debugId));
  const hasSplit = files.some(({ format }) => format === "dwp");
  const isThere = ({ facts: { supplement } }: InspectedFile, code: string): boolean => (code === "no_supplement" && ids.has(supplement?.debugId ?? "")) || (code === "names_in_dwo" && hasSplit);
  const lacks = new Map(files.flatMap((file) => file.lacks.filter(({ code }) => !isAnswered(code, holds) && !isThere(file, code)).map((lack) => [lack.code, lack])));
  return [{ debugId, paths, holds, lacks: [...lacks.values()] }];
}

function holdingsOf(counts: CacheMeta["counts"]): Holdings {
  const count = (what: string): number => counts[what] ?? 0;
  return { functions: count("functions"), publics: count("publics"), lines: count("lines"), inlines: count("inlines"), unwindRows: count("unwindRows"), framePrograms: count("winPrograms") + count("winFpo") };
}

/** Whether what a file lacks is there once all files of the module are. */
function isAnswered(code: string, holds: Holdings): boolean {
  switch (code) {
    case "unwind_in_program":
    case "no_unwind":
      return holds.unwindRows + holds.framePrograms > 0;
    case "names_in_pdb":
    case "names_in_dsym":
    case "names_in_objects":
    case "names_in_debug_file":
    case "no_functions":
    case "stripped":
    case "fastlink":
      return holds.functions > 0;
    case "no_lines":
      return holds.lines > 0;
    default:
      return false;
  }
}

/** What text, or a cache of it, lacks: it does not say itself. */
function textLacks(holds: Holdings): DebugFileLack[] {
  const lacks: DebugFileLack[] = [];
  if (holds.functions === 0) lacks.push({ code: "no_functions", message: "It has no functions, so that frames get the name of the nearest linker symbol, or none.", hint: "Make it from a build with debug information." });
  else if (holds.lines === 0) lacks.push({ code: "no_lines", message: "It has functions but no source lines.", hint: "Make it from a build with debug information (-g, /Zi)." });
  if (holds.unwindRows + holds.framePrograms === 0) lacks.push({ code: "no_unwind", message: "It does not say how to unwind, so callers' frames are guessed from the stack.", hint: "Make it from the program as well as from its debug information, or upload the program too." });
  return lacks;
}

/** Names of files for people: without the folders, where that tells them apart, else without those that all lie in. */
export function shortNames(paths: readonly string[]): readonly string[] {
  const names = paths.map((path) => basename(path));
  if (new Set(names).size === names.length) return names;
  const parts = paths.map((path) => path.split("/"));
  const shared = parts[0]!.findIndex((part, i) => parts.some((other) => i === other.length - 1 || other[i] !== part));
  return parts.map((part) => part.slice(Math.max(0, shared)).join("/"));
}
