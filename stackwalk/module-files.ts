// Which debug files belong to a module of a crash. The files may lie in a
// project's store or in folders on a disk; both are asked for what has certain
// ids, and the choice among it is made here.
//
//  - A module that knows its debug id takes what has it: of each format the
//    newest. Where several modules share an id, as stripped stubs do, the
//    name decides; and of several programs the code id.
//  - A module that does not (Wine writes no CodeView record, nor do some crash
//    handlers) is found by its code id and its name: the program has them, and
//    names its PDB.
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
      return Promise.all(keys.map((key, i) => pathsOf(chooseFiles(key, programs[i] ?? null, files))));
    },
  };
}

function chooseFiles(key: SymbolKey, program: DebugFileRecord | null, files: readonly DebugFileRecord[]): DebugFileRecord[] {
  const debugId = key.debugId ?? program?.debugId ?? null;
  const codeId = key.codeId?.toUpperCase() ?? null;
  const chosen: DebugFileRecord[] = [];
  for (const kind of kinds) {
    const fitting = files.filter((file) => file.kind === kind && (debugId !== null && file.debugId !== null ? file.debugId === debugId : isProgramOf(file, key)));
    const best = fitting.findLast((file) => (kind === "pe" ? file.codeId === codeId : key.debugFile === null || file.debugFile === key.debugFile)) ?? fitting.at(-1);
    if (best !== undefined) chosen.push(best);
  }
  return chosen;
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
