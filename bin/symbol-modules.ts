// Which files belong together, and what they lack. On Windows a module's symbols
// are two files with one debug id: the PDB has names and lines, the program has
// the unwind data (but on x86, where the PDB has both).
//
// What is uploaded: every symbol file, every PDB, and every program that one of
// those belongs to, that has debug information inside (MinGW's), or that is named
// by itself. A build folder holds other people's programs too; those are left
// where they are, and named, since one of them may be the plugin whose PDB was
// written elsewhere.
import type { DebugFileHoldings, DebugFileKind, DebugFileLack } from "../symbols/debug-file.ts";
import type { UploadFile } from "./upload-file.ts";
import type { SymbolFile } from "./symbol-scan.ts";

/** Something that may be a mistake, without being one for sure. */
export type ModuleWarning = { readonly code: "lacks_pdb" | "lacks_program" | "no_debug_information"; readonly path: string; readonly message: string };

/** What there is to upload, and what is odd about it. */
export type UploadChoice = { readonly files: readonly SymbolFile[]; readonly warnings: readonly ModuleWarning[] };

/** Chooses from what was found. */
export function chooseUploads(found: readonly SymbolFile[]): UploadChoice {
  const byId = Map.groupBy(found, ({ facts }) => facts.debugId ?? "");
  const mates = (file: SymbolFile, ...kinds: DebugFileKind[]) => (file.facts.debugId === null ? [] : byId.get(file.facts.debugId)!.filter((other) => kinds.includes(other.facts.kind)));
  const files: SymbolFile[] = [];
  const warnings: ModuleWarning[] = [];
  for (const file of found) {
    const { facts, path, isGiven } = file;
    const isLonely = facts.kind === "pe" && !facts.holds.functions && mates(file, "pdb", "breakpad").length === 0;
    if (!isLonely || isGiven) files.push(file);
    if (isLonely) warnings.push(lonelyProgram(file));
    const isStackless = facts.kind === "pdb" && !facts.holds.unwind && facts.arch !== "x86" && mates(file, "pe", "breakpad").length === 0;
    if (isStackless) warnings.push({ code: "lacks_program", path, message: `It lacks its DLL or EXE, which says how to unwind: none with the debug id ${facts.debugId} is here.` });
  }
  return { files, warnings };
}

function lonelyProgram({ facts, path, isGiven }: SymbolFile): ModuleWarning {
  const fate = isGiven ? "" : " It is left out; name the file itself to upload it as it is.";
  if (facts.debugId === null) return { code: "no_debug_information", path, message: `It names no PDB and has no debug information.${fate}` };
  return { code: "lacks_pdb", path, message: `It lacks its PDB: ${facts.debugFile ?? "none"} with the debug id ${facts.debugId} is not here.${fate}` };
}

/** What a module can be required to have, by the words of `--require`. */
export const requirements = ["unwind", "lines", "names", "inlines"] as const;
export type Requirement = (typeof requirements)[number];

/** A module that lacks what is required. */
export type UnmetModule = {
  readonly module: string;
  readonly debug_id: string | null;
  readonly code_id: string | null;
  readonly paths: readonly string[];
  readonly lacks: readonly { readonly what: Requirement; readonly reason: string; readonly remedy: string }[];
};

/** Finds the modules whose files together lack what is required. */
export function unmetModules(files: readonly UploadFile[], required: readonly Requirement[]): UnmetModule[] {
  const modules = Map.groupBy(files, ({ file: { facts } }) => facts.debugId ?? facts.codeId ?? "");
  return [...modules.values()].flatMap((module) => {
    const lacks = required.filter((what) => !module.some(({ holds }) => holds[terms[what].holding])).map((what) => ({ what, ...excuseOf(module, what) }));
    const [first] = module;
    if (lacks.length === 0 || first === undefined) return [];
    const { debugId, codeId } = first.file.facts;
    return [{ module: first.name, debug_id: debugId, code_id: codeId, paths: module.map(({ file }) => file.path), lacks }];
  });
}

type Terms = { readonly holding: keyof DebugFileHoldings; readonly codes: readonly string[]; readonly reason: string; readonly remedy: string };

/** For each requirement what meets it, what files say when they lack it, and what is said when they say nothing. */
const terms: { readonly [what in Requirement]: Terms } = {
  unwind: { holding: "unwind", codes: ["unwind_in_program", "no_unwind"], reason: "No file of it says how to unwind, so that stacks through it are guessed.", remedy: "Upload the DLL or EXE beside its PDB; of other systems, a .sym file with STACK records." },
  lines: { holding: "lines", codes: ["fastlink", "stripped", "no_functions", "no_lines", "names_in_pdb"], reason: "No file of it has source lines.", remedy: "Compile with debug information: /Zi or /Z7, or -g." },
  names: { holding: "functions", codes: ["fastlink", "stripped", "no_functions", "names_in_pdb"], reason: "No file of it has functions.", remedy: "Compile with debug information: /Zi or /Z7, or -g." },
  inlines: { holding: "inlines", codes: ["fastlink", "stripped", "names_in_pdb"], reason: "No file of it says what was inlined where.", remedy: "Compile with optimisation and debug information; give dump_syms --inlines." },
};

function excuseOf(module: readonly UploadFile[], what: Requirement): { readonly reason: string; readonly remedy: string } {
  const { codes, reason, remedy } = terms[what];
  const said: readonly DebugFileLack[] = module.flatMap(({ lacks }) => lacks);
  const lack = said.find(({ code }) => codes.includes(code));
  return lack === undefined ? { reason, remedy } : { reason: lack.message, remedy: lack.hint };
}
