// What goes along with programs whose DWARF is not all in them: what was split off
// of it (`.dwp`, `.dwo`), as one file that says whose it is, and what dwz took out.
//
// Nothing of it is uploaded by itself, since no file of it says which program it is
// of. Units that are in no file are counted and named, with what to do: their
// functions would have no names.
import path from "node:path";
import { findSplit, findSupplement, isSplit, type FoundSplit, type NearbyFiles } from "../symbols/companion-files.ts";
import { openDebugFile } from "../symbols/compile.ts";
import type { DebugFile } from "../symbols/debug-file.ts";
import { type OpenFile, openFile } from "../symbols/file-bytes.ts";
import { joinPieces } from "../symbols/joined-bytes.ts";
import { moduleName } from "../symbols/module-name.ts";
import { type ModuleWarning, splitRemedy } from "./symbol-modules.ts";
import { shownPath, sourceOf, type SymbolFile, type SymbolScanResult } from "./symbol-scan.ts";
import { counted, type Terminal } from "./terminal.ts";

/** Files that go along, and what is missing. */
export type SplitUploads = { readonly files: readonly SymbolFile[]; readonly warnings: readonly ModuleWarning[] };

/** Finds what the chosen files refer to. */
export function findSplitUploads(chosen: readonly SymbolFile[], scan: Pick<SymbolScanResult, "splitFiles">, terminal: Terminal): SplitUploads {
  const files: SymbolFile[] = [];
  const warnings: ModuleWarning[] = [];
  const ids = new Set(chosen.map(({ facts }) => facts.debugId));
  const done = new Set<string>();
  const nearby: NearbyFiles = (name) => scan.splitFiles.get(name) ?? [];
  for (const file of chosen) {
    const { supplement, debugId } = file.facts;
    const wantsSupplement = supplement !== undefined && !ids.has(supplement.debugId);
    const wantsSplit = debugId !== null && !done.has(debugId) && isSplit(file);
    if (!wantsSupplement && !wantsSplit) continue;
    withDebugFile(file, (debugFile) => {
      const placed = { path: sourceOf(file), debugFile };
      if (wantsSplit) {
        terminal.redraw?.(`looking for split DWARF of ${path.basename(file.path)}`);
        const found = findSplit(placed, nameOf(file), nearby);
        terminal.redraw?.("");
        done.add(debugId);
        files.push(...bundlesOf(file, found));
        if (found.missing.length > 0) warnings.push(lacksSplit(file, found));
      }
      if (wantsSupplement) {
        const at = findSupplement(placed);
        ids.add(supplement.debugId);
        if (at === null) warnings.push({ code: "lacks_supplement", path: shownPath(file), message: `It lacks ${supplement.file}, into which dwz moved a part of its debug information: none with the debug id ${supplement.debugId} is here. Name that file too, or make the symbols before dwz runs.` });
        else files.push(...filesAt(at));
      }
    });
  }
  return { files, warnings };
}

/** What a program is called of which this is the file, or the debug file. */
function nameOf({ path: at, facts }: SymbolFile): string {
  const name = path.basename(at);
  return facts.codeFile ?? facts.debugFile ?? moduleName(facts.kind, name) ?? name;
}

function bundlesOf(file: SymbolFile, { files, pieces }: FoundSplit): SymbolFile[] {
  const joined = joinPieces(pieces);
  try {
    const opened = pieces.length === 0 ? null : openDebugFile(joined.bytes);
    if (opened?.ok !== true) return [];
    return [{ path: files.length === 1 ? files[0]! : file.path, size: joined.bytes.size, compression: null, part: null, pieces, facts: opened.value.facts, isGiven: file.isGiven }];
  } finally {
    joined.close();
  }
}

function filesAt(at: string): SymbolFile[] {
  const file = { path: at, compression: null, part: null, pieces: null, isGiven: false };
  const found: SymbolFile[] = [];
  withOpen(at, ({ bytes }, debugFile) => void found.push({ ...file, size: bytes.size, facts: debugFile.facts }));
  return found;
}

function lacksSplit(file: SymbolFile, { missing, units }: FoundSplit): ModuleWarning {
  const [first] = missing;
  const example = first === undefined || first.dwoName === "" ? "" : `, such as ${path.posix.join(first.compDir, first.dwoName)}`;
  const message = `It lacks split DWARF: of ${counted(units, "unit")}, ${missing.length} ${missing.length === 1 ? "is" : "are"} in no .dwo or .dwp file that is here${example}. ${splitRemedy}`;
  return { code: "lacks_split_files", path: shownPath(file), message };
}

function withDebugFile(file: SymbolFile, use: (debugFile: DebugFile) => void): void {
  withOpen(sourceOf(file), (_, debugFile) => use(debugFile));
}

/** Opens a file that could be read before; what happens to it since is found when it is read through. */
function withOpen(source: string, use: (file: OpenFile, debugFile: DebugFile) => void): void {
  const file = openFile(source);
  if (!file.ok) return;
  try {
    const opened = openDebugFile(file.value.bytes);
    if (opened.ok) use(file.value, opened.value);
  } finally {
    file.value.close();
  }
}
