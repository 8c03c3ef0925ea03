// Files that a debug file's DWARF refers to, found on the disk that it lies on.
//
//  - What was split off (`-gsplit-dwarf`): a `.dwp` file beside the program, or the
//    `.dwo` files by the names that the compiler gave them, absolute or from its
//    folder on; where a build was moved since, from the program's folder on or
//    beside it. Each is believed when it has a unit with the id that is asked for.
//    Those of one module become one bundle (dwarf/dwo-bundle.ts), which is never in
//    memory as a whole.
//  - What dwz took out, by its name: beside, or in a folder `.dwz` here or above.
//    It is believed when its id is the one that is asked for.
//
// A file names others as it likes. Only regular files are opened, and never one
// of a network share, which would be told who is asking.
import { statSync } from "node:fs";
import path from "node:path";
import { ModuleBuilder } from "./cache/module-builder.ts";
import { openDebugFile } from "./compile.ts";
import type { DebugFile } from "./debug-file.ts";
import type { SplitDwarf } from "./dwarf/companions.ts";
import { writeDwoBundle } from "./dwarf/dwo-bundle.ts";
import { type SplitUnitName, splitUnitsOf } from "./dwarf/split-units.ts";
import { fileOfPath, openFile, type OpenFile } from "./file-bytes.ts";
import { joinPieces, type Piece } from "./joined-bytes.ts";

/** Folders above a file in which a folder `.dwz` is looked for. */
const foldersUp = 6;

/** A file that may be a companion, by the last part of its name; what was seen in folders that a person named. */
export type NearbyFiles = (name: string) => readonly string[];

const nothingNearby: NearbyFiles = () => [];

/** An open debug file and where it lies. */
export type PlacedFile = { readonly path: string; readonly debugFile: DebugFile };

/** Split DWARF of a module. */
export type FoundSplit = {
  /** The files, in the order of the units. */
  readonly files: readonly string[];
  /** The bundle of them, for `joinPieces`. */
  readonly pieces: readonly Piece[];
  /** How many units were split off, and those of them that are in no file that is there. */
  readonly units: number;
  readonly missing: readonly SplitUnitName[];
};

/** Whether units of a file's DWARF were split off. */
export function isSplit({ facts }: Pick<DebugFile, "facts">): boolean {
  return facts.lacks.some(({ code }) => code === "names_in_dwo");
}

/** Finds what was split off of a file; `debugFile` is the name of its module. Throws what `fs` throws of a file that is there. */
export function findSplit({ path: at, debugFile: file }: PlacedFile, debugFile: string, nearby: NearbyFiles = nothingNearby): FoundSplit {
  const units = file.dwarf === undefined ? [] : splitUnitsOf(file.dwarf(new ModuleBuilder()));
  const search = new SplitSearch(path.dirname(fileOfPath(at)), file.facts.debugId ?? "", debugFile, nearby);
  try {
    for (const candidate of packagesBeside(fileOfPath(at))) search.tryPackage(candidate, units);
    const missing = units.filter((unit) => !search.find(unit));
    const { files } = search;
    return { files, pieces: files.length === 0 ? [] : bundleOf(file.facts.debugId ?? "", debugFile, files), units: units.length, missing };
  } finally {
    search.close();
  }
}

/** Finds what dwz took out of a file's DWARF; null when there is none, or it is not there. */
export function findSupplement({ path: at, debugFile }: PlacedFile, nearby: NearbyFiles = nothingNearby): string | null {
  const { supplement } = debugFile.facts;
  if (supplement === undefined) return null;
  const folder = path.dirname(fileOfPath(at));
  const above = Array.from({ length: foldersUp }, (_, i) => path.join(folder, "../".repeat(i), ".dwz", path.basename(supplement.file)));
  return [path.resolve(folder, supplement.file), path.join(folder, path.basename(supplement.file)), ...above, ...nearby(path.basename(supplement.file))].find((candidate) => hasId(candidate, supplement.debugId)) ?? null;
}

/** Opens what the files of a module need besides; the caller closes them. */
export function openCompanions(files: readonly PlacedFile[]): OpenFile[] {
  const opened: OpenFile[] = [];
  const ids = new Set(files.map(({ debugFile }) => debugFile.facts.debugId));
  const hasPackage = files.some(({ debugFile }) => debugFile.facts.kind === "dwp");
  for (const file of files) {
    const { pieces } = hasPackage || !isSplit(file.debugFile) ? { pieces: [] } : findSplit(file, path.basename(fileOfPath(file.path)));
    if (pieces.length > 0) opened.push(joinPieces(pieces));
    const { supplement } = file.debugFile.facts;
    if (supplement === undefined || ids.has(supplement.debugId)) continue;
    ids.add(supplement.debugId);
    const found = findSupplement(file);
    const open = found === null ? null : openFile(found);
    if (open?.ok === true) opened.push(open.value);
  }
  return opened;
}

/** Where the `.dwp` file of a program or of its debug file may lie. */
export function packagesBeside(file: string): string[] {
  const plain = file.replace(/\.debug$/, "");
  const { dir, name } = path.parse(plain);
  return [...new Set([`${file}.dwp`, `${plain}.dwp`, path.join(dir, `${name}.dwp`)])];
}

/** A file that may have units, while it is looked at. */
type Looked = { readonly file: string; readonly joined: OpenFile; readonly units: SplitDwarf | null };

class SplitSearch {
  readonly files: string[] = [];
  private readonly folder: string;
  private readonly debugId: string;
  private readonly debugFile: string;
  private readonly nearby: NearbyFiles;
  private readonly taken = new Set<string>();
  private package: Looked | null = null;
  /** Units of one file lie behind each other, and thousands of files are too many to be held. */
  private last: Looked | null = null;

  constructor(folder: string, debugId: string, debugFile: string, nearby: NearbyFiles) {
    this.folder = folder;
    this.debugId = debugId;
    this.debugFile = debugFile;
    this.nearby = nearby;
  }

  /** Takes a `.dwp` file when it has a unit of those. */
  tryPackage(file: string, units: readonly SplitUnitName[]): void {
    if (this.package !== null) return;
    const looked = this.look(file);
    if (!units.some(({ id }) => looked.units?.has(id) === true)) return looked.joined.close();
    this.package = looked;
    this.files.push(file);
  }

  /** Whether a unit is in the package or a file, which then is taken. */
  find(unit: SplitUnitName): boolean {
    if (unit.id === "") return false;
    if (this.package?.units?.has(unit.id) === true) return true;
    const file = this.candidates(unit).find((candidate) => this.has(candidate, unit.id));
    if (file === undefined) return false;
    if (!this.taken.has(file)) this.files.push(file);
    this.taken.add(file);
    return true;
  }

  close(): void {
    this.package?.joined.close();
    this.last?.joined.close();
  }

  private candidates({ dwoName, compDir }: SplitUnitName): string[] {
    if (dwoName === "") return [];
    const parts = dwoName.split(/[\\/]/);
    const base = parts.at(-1)!;
    // Of files with one name, those first that lie in folders with the names of its folders.
    const likeness = (file: string): number => {
      const others = file.split(/[\\/]/);
      const same = parts.findIndex((_, i) => parts.at(-1 - i) !== others.at(-1 - i));
      return same < 0 ? parts.length : same;
    };
    const near = [...this.nearby(base)].sort((a, b) => likeness(b) - likeness(a));
    return [...new Set([path.resolve(this.folder, compDir, dwoName), path.resolve(this.folder, dwoName), path.join(this.folder, base), ...near])];
  }

  private has(file: string, id: string): boolean {
    if (this.last?.file !== file) {
      this.last?.joined.close();
      this.last = this.look(file);
    }
    return this.last.units?.has(id) === true;
  }

  private look(file: string): Looked {
    const joined = joinPieces(sizeOf(file) <= 0 ? [] : bundleOf(this.debugId, this.debugFile, [file]));
    const opened = joined.bytes.size === 0 ? null : openDebugFile(joined.bytes);
    const split = opened?.ok === true ? opened.value.split?.(new ModuleBuilder()) : undefined;
    return { file, joined, units: split?.ok === true ? split.value : null };
  }
}

/** The bundle of some files of a module. */
function bundleOf(debugId: string, debugFile: string, files: readonly string[]): Piece[] {
  const members = files.map((file) => ({ path: file, name: path.basename(file), size: sizeOf(file) }));
  return writeDwoBundle(debugId, debugFile, members).pieces.map((piece) => (typeof piece === "number" ? members[piece]! : piece));
}

function hasId(file: string, debugId: string): boolean {
  const opened = sizeOf(file) > 0 ? openFile(file) : null;
  if (opened?.ok !== true) return false;
  try {
    const debugFile = openDebugFile(opened.value.bytes);
    return debugFile.ok && debugFile.value.facts.debugId === debugId;
  } finally {
    opened.value.close();
  }
}

/** Bytes of a regular file; -1 for what is none, cannot be reached, or is on a share. */
function sizeOf(file: string): number {
  if (/^(\\\\|\/\/)/.test(file) || file.includes("\0")) return -1;
  try {
    const found = statSync(file);
    return found.isFile() ? found.size : -1;
  } catch {
    return -1;
  }
}
