// Which debug files belong to a module of a crash. The files may lie in a
// project's store or in folders on a disk; both are asked for what has certain
// ids, and the choice among it is made here.
//
//  - A module that knows its debug id takes what has it: of each format the
//    newest, but none that was stripped where one was not. Where several modules share an id, as stripped stubs do, the
//    name decides; and of several programs the code id.
//  - A module that does not (Wine writes no CodeView record, nor do some crash
//    handlers) is found by its code id and its name: the program has them, and
//    names its PDB.
//  - What dwz took out of several files has an id of its own, which the files
//    that refer to it say. It comes along for whichever of those is chosen.
//  - Split DWARF says nothing without the program that has its skeletons; alone
//    it counts as nothing.
import { type DebugFileKind, debugFileKinds } from "../symbols/debug-file.ts";
import type { LocatedFiles, SymbolKey, SymbolSource } from "./stackwalker.ts";

/** A debug file that is at hand. */
export type DebugFileRecord = {
  readonly kind: DebugFileKind;
  readonly debugId: string | null;
  readonly debugFile: string | null;
  /** Upper case. */
  readonly codeId: string | null;
  readonly codeFile: string | null;
  /** Debug id of the file that dwz made of what it shares with others; null where it shares nothing. */
  readonly supplementId: string | null;
  /** Whether it has functions, and not the symbols alone that are left of a stripped file. */
  readonly hasFunctions: boolean;
  /** Where it lies; null when its content is gone. */
  path(): Promise<string | null>;
};

/** Finds the files that have one of these debug ids or (in upper case) code ids, the best last. */
export type FindDebugFiles = (debugIds: readonly string[], codeIds: readonly string[]) => Promise<readonly DebugFileRecord[]>;

/** What a cache is made of. */
const kinds = debugFileKinds.filter((kind) => kind !== "sources");

/** The symbol source over some debug files. */
export function symbolSource(find: FindDebugFiles): SymbolSource {
  return {
    async locate(keys) {
      const direct = await find(unique(keys.map(({ debugId }) => debugId)), unique(keys.map(({ codeId }) => codeId?.toUpperCase() ?? null)));
      // What a program names that was found by its code id.
      const programs = keys.map((key) => (key.debugId === null ? (direct.findLast((file) => isProgramOf(file, key)) ?? null) : null));
      const named = unique(programs.map((program) => program?.debugId ?? null));
      const files = named.length === 0 ? direct : [...direct, ...(await find(named, []))];
      const chosen = keys.map((key, i) => chooseFiles(key, programs[i] ?? null, files));
      const supplements = await findSupplements(find, chosen.flat());
      return Promise.all(chosen.map((own) => pathsOf([...own, ...supplementsOf(own, supplements)])));
    },
  };
}

/** The supplements of some files by their debug ids, the newest of each. */
async function findSupplements(find: FindDebugFiles, files: readonly DebugFileRecord[]): Promise<ReadonlyMap<string, DebugFileRecord>> {
  const ids = unique(files.map(({ supplementId }) => supplementId));
  const found = ids.length === 0 ? [] : await find(ids, []);
  return new Map(found.filter(({ kind }) => kind === "elf-debug" || kind === "elf").map((file) => [file.debugId!, file]));
}

/** What the files of a module refer to and are not themselves. */
function supplementsOf(files: readonly DebugFileRecord[], supplements: ReadonlyMap<string, DebugFileRecord>): DebugFileRecord[] {
  const others = unique(files.map(({ supplementId }) => supplementId)).filter((id) => files.every(({ debugId }) => debugId !== id));
  return others.flatMap((id) => supplements.get(id) ?? []);
}

function chooseFiles(key: SymbolKey, program: DebugFileRecord | null, files: readonly DebugFileRecord[]): DebugFileRecord[] {
  const debugId = key.debugId ?? program?.debugId ?? null;
  const codeId = key.codeId?.toUpperCase() ?? null;
  const chosen: DebugFileRecord[] = [];
  for (const kind of kinds) {
    const fitting = files.filter((file) => file.kind === kind && (debugId !== null && file.debugId !== null ? file.debugId === debugId : isProgramOf(file, key)));
    const own = fitting.filter((file) => (kind === "pe" ? file.codeId === codeId : key.debugFile === null || file.debugFile === key.debugFile));
    const best = bestOf(own.length > 0 ? own : fitting);
    if (best !== undefined) chosen.push(best);
  }
  if (chosen.every(({ kind }) => kind === "dwp")) return [];
  const isOwn = ({ debugFile }: DebugFileRecord) => debugFile === key.debugFile;
  return chosen.some((file) => isHashed(file) && isOwn(file)) ? chosen.filter(isOwn) : chosen;
}

/** Of files that can stand for each other the newest that has functions, or the newest. */
function bestOf(files: readonly DebugFileRecord[]): DebugFileRecord | undefined {
  return files.findLast(({ hasFunctions }) => hasFunctions) ?? files.at(-1);
}

/** Whether a file's id is made of its first code, for want of a build id: files that begin alike share it, so another's name is another's file. */
function isHashed({ kind, codeId }: DebugFileRecord): boolean {
  return (kind === "elf" || kind === "elf-debug") && codeId === null;
}

/** Whether a file says that it is, or was made of, the program with the key's code id and name. */
function isProgramOf(file: DebugFileRecord, key: SymbolKey): boolean {
  return file.codeId !== null && file.codeId === key.codeId?.toUpperCase() && file.codeFile?.toLowerCase() === key.codeFile.toLowerCase();
}

async function pathsOf(files: readonly DebugFileRecord[]): Promise<LocatedFiles> {
  const paths = (await Promise.all(files.map((file) => file.path()))).filter((path) => path !== null);
  return paths.length === 0 ? null : paths;
}

function unique(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}
