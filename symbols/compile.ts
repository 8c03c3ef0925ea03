// Compiles the debug files of a module, whatever their formats, into the bytes
// of its symbol cache. Whoever compiles does it here, so that names are
// spelled alike wherever they are made.
//
// Which file is asked for what:
//
//  - Names and lines come from the files in the order of `debugFileKinds`;
//    where two tell of the same function the first is believed. A `.sym` file
//    is a copy of what a PDB, a dSYM or a .debug file says better, so beside
//    one it gives none; beside a program alone it does, whose DWARF may tell of
//    some functions only. A program gives none beside a file that was made of
//    its own debug information.
//  - Unwind data comes from all native files, which do not overlap (programs
//    have tables, PDBs the frame programs of x86); from a `.sym` file only when
//    none of those has any.
//  - Split DWARF and what dwz took out add nothing by themselves: they are
//    handed to whichever file refers to them.
//
// To add a format: tell it by its first bytes in `formats`, and give its kind
// a place in `debugFileKinds`.
import { ok, type Problem, type Result } from "../config/problem.ts";
import { openBreakpad } from "./breakpad/compile.ts";
import { ModuleBuilder } from "./cache/module-builder.ts";
import type { ModuleIdentity } from "./cache/layout.ts";
import { type DebugFile, type DebugFileKind, debugFileKinds } from "./debug-file.ts";
import { demangle } from "./demangle/demangle.ts";
import type { DwarfCompanions, SplitDwarf } from "./dwarf/companions.ts";
import { isDwoBundle } from "./dwarf/dwo-bundle.ts";
import { openDwoBundle } from "./dwarf/dwp.ts";
import { isElf, openElf } from "./elf/elf.ts";
import { type FileBytes, openFile, type OpenFile, readBytes } from "./file-bytes.ts";
import { isMachO, openMachO } from "./macho/macho.ts";
import { isPdb } from "./pdb/msf.ts";
import { openPdb } from "./pdb/pdb.ts";
import { isPe, openPe } from "./pe/pe.ts";
import { isSourceBundle, openSources } from "./sources/source-bundle.ts";

/** A format of debug files. */
type Format = {
  /** Whether a file that begins like this is one. */
  recognise(head: Buffer): boolean;
  open(bytes: FileBytes): Result<DebugFile>;
};

/** Bytes that a format is told by. */
const headBytes = 512;

const formats: readonly Format[] = [
  { recognise: isPdb, open: openPdb },
  { recognise: isPe, open: openPe },
  { recognise: isElf, open: openElf },
  { recognise: isMachO, open: openMachO },
  { recognise: isSourceBundle, open: openSources },
  { recognise: isDwoBundle, open: openDwoBundle },
  // The last one, since it says best what a file is that is none of these.
  { recognise: () => true, open: openBreakpad },
];

/** Hears from time to time how much was read of what takes longest, and of how much. */
export type CompileProgress = (done: number, total: number) => void;

/** Opens a debug file. Refuses with what is wrong with it. */
export function openDebugFile(bytes: FileBytes): Result<DebugFile> {
  const head = readBytes(bytes, 0, Math.min(bytes.size, headBytes))!;
  return formats.find((format) => format.recognise(head))!.open(bytes);
}

/** Compiles the files of one module, at least one; `sourceDigest` is kept in the cache. Refuses with `symbol_file_unreadable` (status 500: the disk's fault, another try may help), or, when no file is any good, with what is wrong with the first. */
export function compileSymbolFiles(paths: readonly string[], sourceDigest = ""): Result<Uint8Array> {
  const opened: OpenFile[] = [];
  try {
    for (const path of paths) {
      const file = openFile(path);
      if (!file.ok) return file;
      opened.push(file.value);
    }
    return compileBytes(
      opened.map(({ bytes }) => bytes),
      sourceDigest,
    );
  } finally {
    for (const file of opened) file.close();
  }
}

/** Compiles the files of one module from their bytes; see `compileSymbolFiles`. */
export function compileBytes(all: readonly FileBytes[], sourceDigest = "", onProgress: CompileProgress | null = null): Result<Uint8Array> {
  const builder = new ModuleBuilder();
  builder.onProgress = onProgress;
  let problem: Problem | null = null;
  const note = (result: Result<unknown>): boolean => {
    if (!result.ok) {
      problem ??= result.problem;
      builder.warn(result.problem.code);
    }
    return result.ok;
  };
  const files: DebugFile[] = [];
  for (const bytes of all) {
    const file = openDebugFile(bytes);
    if (file.ok) files.push(file.value);
    else note(file);
  }
  files.sort((a, b) => debugFileKinds.indexOf(a.facts.kind) - debugFileKinds.indexOf(b.facts.kind));
  const split = files.flatMap((file) => splitOf(file, builder, note));
  const own = files.filter((file) => !isSupplement(file, files));
  const used = own.filter((file) => addFile(builder, file, own, { split, supplement: supplementOf(file, files, builder) }, note));
  if (used.length === 0) return { ok: false, problem: problem! };
  builder.lacksCompanion = lacksCompanion(builder, files, split.length > 0);
  const arch = files.find(({ facts }) => facts.arch !== null)?.facts.arch ?? null;
  return ok(builder.finish(identityOf(used, sourceDigest), arch, demangle));
}

/** Adds what a file is asked for; false when none of it could be had. */
function addFile(builder: ModuleBuilder, file: DebugFile, files: readonly DebugFile[], companions: DwarfCompanions, note: (result: Result<unknown>) => boolean): boolean {
  const { kind } = file.facts;
  const isCopy = kind === "breakpad";
  const isNamed = files.some(({ facts }) => facts.holds.functions && namers[kind]?.includes(facts.kind) === true);
  const wantsUnwind = !isCopy || !files.some(({ facts }) => facts.kind !== "breakpad" && facts.holds.unwind);
  builder.beginSource();
  if (!isNamed && wantsUnwind && file.addAll !== undefined) return note(file.addAll(builder));
  const named = !isNamed && note(file.addNames(builder, companions));
  const unwound = wantsUnwind && note(file.addUnwind(builder));
  return named || unwound || !(!isNamed || wantsUnwind);
}

/** By kind: files that have said its names already, and better, if they hold functions. */
const namers: { readonly [kind in DebugFileKind]?: readonly DebugFileKind[] } = { breakpad: ["pdb", "dsym", "elf-debug"], elf: ["elf-debug"], macho: ["dsym"] };

/** The units of split DWARF that a file has; one that cannot be read is counted. */
function splitOf(file: DebugFile, builder: ModuleBuilder, note: (result: Result<unknown>) => boolean): SplitDwarf[] {
  const split = file.split?.(builder);
  return split === undefined || !note(split) || !split.ok ? [] : [split.value];
}

/** Whether another file's DWARF refers to this one's. One that refers to others itself is none, whatever two files say of each other. */
function isSupplement({ facts }: DebugFile, files: readonly DebugFile[]): boolean {
  return facts.debugId !== null && facts.supplement === undefined && files.some((other) => other.facts.supplement?.debugId === facts.debugId);
}

function supplementOf({ facts }: DebugFile, files: readonly DebugFile[], builder: ModuleBuilder): DwarfCompanions["supplement"] {
  const { supplement } = facts;
  if (supplement === undefined) return null;
  return files.find((other) => other.facts.debugId === supplement.debugId && isSupplement(other, files))?.dwarf?.(builder) ?? null;
}

/** Whether names are in files that are not there. Of split units that no file has, where there is split DWARF, nobody may have more. */
function lacksCompanion(builder: ModuleBuilder, files: readonly DebugFile[], hasSplit: boolean): boolean {
  if (!hasSplit && builder.warnings.has("splitUnit")) return true;
  return files.some(({ facts: { supplement } }) => supplement !== undefined && !files.some((other) => other.facts.debugId === supplement.debugId && isSupplement(other, files)));
}

/** What the files together say of their module; of each fact the first that says it. */
function identityOf(files: readonly DebugFile[], sourceDigest: string): ModuleIdentity {
  const first = <T>(pick: (facts: DebugFile["facts"]) => T | null): T | null => {
    for (const { facts } of files) {
      const value = pick(facts);
      if (value !== null) return value;
    }
    return null;
  };
  return {
    source: files.map(({ facts }) => facts.kind).join("+"),
    sourceDigest,
    debugFile: first(({ debugFile }) => debugFile) ?? first(({ codeFile }) => codeFile) ?? "",
    debugId: first(({ debugId }) => debugId) ?? "",
    codeId: first(({ codeId }) => codeId),
    codeFile: first(({ codeFile }) => codeFile),
    generator: first(({ generator }) => generator),
    os: first(({ os }) => os) ?? "",
    arch: first(({ archName }) => archName) ?? "",
  };
}
