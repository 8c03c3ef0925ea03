// Which files belong together, and what they lack. A module's symbols are often
// two files with one debug id: on Windows the PDB has names and lines and the
// program has the unwind data (but on x86, where the PDB has both); elsewhere the
// `.debug` file or the dSYM has the former, and the program the latter.
//
// What is uploaded: every symbol file, and every file that is made for debuggers.
// Of programs in a folder:
//
//  - On Windows those that such a file belongs to, or that have debug information
//    inside (MinGW's). A build folder holds other people's programs too, and a
//    program without its PDB says nothing but how to unwind it.
//  - Of Linux and macOS all that have names or unwind data. There a stack cannot be
//    walked through a library without its unwind data, and its symbol table names
//    its functions; so a folder of a system's libraries is worth having. Of several
//    programs with one id, as the installed one is stripped and the built one not,
//    the one that has most goes.
//
// Files that are named by themselves always go.
import { isSplit } from "../symbols/companion-files.ts";
import type { DebugFileHoldings, DebugFileKind, DebugFileLack } from "../symbols/debug-file.ts";
import type { UploadFile } from "./upload-file.ts";
import { type OtherFile, shownPath, type SymbolFile } from "./symbol-scan.ts";

/** Something that may be a mistake, without being one for sure. */
export type ModuleWarning = {
  readonly code: "lacks_pdb" | "lacks_program" | "lacks_debug_file" | "lacks_dsym" | "lacks_split_files" | "lacks_supplement" | "no_debug_information";
  readonly path: string;
  readonly message: string;
};

/** What there is to upload, what is odd about it, and what is left out. */
export type UploadChoice = { readonly files: readonly SymbolFile[]; readonly warnings: readonly ModuleWarning[]; readonly others: readonly OtherFile[] };

/** By kind of program: what has its names. */
const namers: { readonly [kind in DebugFileKind]?: readonly DebugFileKind[] } = { pe: ["pdb", "breakpad"], elf: ["elf-debug", "breakpad"], macho: ["dsym", "breakpad"] };

/** By kind of file that is made for debuggers: what has its unwind data, and what people call that. */
const programs: { readonly [kind in DebugFileKind]?: readonly [kind: DebugFileKind, name: string] } = { pdb: ["pe", "DLL or EXE"], "elf-debug": ["elf", "program or library"], dsym: ["macho", "program or library"] };

/** Chooses from what was found. */
export function chooseUploads(found: readonly SymbolFile[]): UploadChoice {
  const byId = Map.groupBy(found, ({ facts }) => facts.debugId ?? "");
  const mates = (file: SymbolFile, ...kinds: DebugFileKind[]) => (file.facts.debugId === null ? [] : byId.get(file.facts.debugId)!.filter((other) => kinds.includes(other.facts.kind)));
  const supplements = new Set(found.flatMap(({ facts }) => facts.supplement?.debugId ?? []));
  const files: SymbolFile[] = [];
  const warnings: ModuleWarning[] = [];
  const others: OtherFile[] = [];
  for (const file of found) {
    const { facts, isGiven } = file;
    const { kind, holds } = facts;
    const richer = kind === "elf" || kind === "macho" ? mates(file, kind).find((other) => richness(other) > richness(file)) : undefined;
    if (richer !== undefined && !isGiven) {
      others.push({ path: shownPath(file), kind: "poorer_copy", description: "a copy of a program of which another one has more", hint: "It is not needed: only what has most is uploaded." });
      continue;
    }
    // Split DWARF is looked for later.
    const isNameless = namers[kind] !== undefined && !holds.functions && !isSplit(file) && mates(file, ...namers[kind]).length === 0;
    if (isNameless) warnings.push(namelessProgram(file));
    if (kind !== "pe" || !isNameless || isGiven) files.push(file);
    const program = programs[kind];
    const isStackless = program !== undefined && !holds.unwind && (kind !== "pdb" || facts.arch !== "x86") && !supplements.has(facts.debugId ?? "") && mates(file, program[0], "breakpad").length === 0;
    if (isStackless) warnings.push({ code: "lacks_program", path: shownPath(file), message: `It lacks its ${program[1]}, which says how to unwind: none with the debug id ${facts.debugId} is here.` });
  }
  return { files, warnings, others };
}

/** How much a program says, to be compared with that of others of its module. */
function richness({ facts: { holds } }: SymbolFile): number {
  return (holds.functions ? 4 : 0) + (holds.lines ? 2 : 0) + (holds.publics ? 1 : 0) + (holds.unwind ? 8 : 0);
}

function namelessProgram(file: SymbolFile): ModuleWarning {
  const { facts, isGiven } = file;
  const path = shownPath(file);
  if (facts.kind !== "pe") {
    const known = facts.lacks.find(({ code }) => terms.names.codes.includes(code));
    const message = known === undefined ? "It has no debug information, and no file with its debug id has it." : `${known.message} ${known.hint}`;
    return { code: facts.kind === "elf" ? "lacks_debug_file" : "lacks_dsym", path, message };
  }
  const fate = isGiven ? "" : " It is left out; name the file itself to upload it as it is.";
  if (facts.debugId === null) return { code: "no_debug_information", path, message: `It names no PDB and has no debug information.${fate}` };
  return { code: "lacks_pdb", path, message: `It lacks its PDB: ${facts.debugFile ?? "none"} with the debug id ${facts.debugId} is not here.${fate}` };
}

/** What to do when split DWARF was looked for and not found. */
export const splitRemedy = "Upload where it was built, before its .dwo files are removed; or put them beside it, or what dwp makes of them.";

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
  // What dwz took out of modules is none itself.
  const supplements = new Set(files.flatMap(({ file: { facts } }) => facts.supplement?.debugId ?? []));
  const modules = Map.groupBy(
    files.filter(({ file: { facts } }) => facts.debugId === null || !supplements.has(facts.debugId)),
    ({ file: { facts } }) => facts.debugId ?? facts.codeId ?? "",
  );
  return [...modules.values()].flatMap((module) => {
    const lacks = required.filter((what) => !module.some((file) => meets(file, what))).map((what) => ({ what, ...excuseOf(module, what) }));
    const [first] = module;
    if (lacks.length === 0 || first === undefined) return [];
    const { debugId, codeId } = first.file.facts;
    return [{ module: first.name, debug_id: debugId, code_id: codeId, paths: module.map(({ file }) => shownPath(file)), lacks }];
  });
}

/** Whether a file meets a requirement. A program keeps its lines when its units are split off; what those bring are the functions that they are of. */
function meets({ file, holds }: UploadFile, what: Requirement): boolean {
  return holds[terms[what].holding] || (what === "lines" && file.facts.kind === "dwp" && holds.functions);
}

type Terms = { readonly holding: keyof DebugFileHoldings; readonly codes: readonly string[]; readonly reason: string; readonly remedy: string };

/** What files say whose names are in others. */
const elsewhere = ["names_in_pdb", "names_in_dsym", "names_in_objects", "names_in_debug_file", "names_in_dwo"];

/** For each requirement what meets it, what files say when they lack it, and what is said when they say nothing. */
const terms: { readonly [what in Requirement]: Terms } = {
  unwind: { holding: "unwind", codes: ["unwind_in_program", "no_unwind"], reason: "No file of it says how to unwind, so that stacks through it are guessed.", remedy: "Upload the program or library itself beside its PDB, dSYM or .debug file; or a .sym file with STACK records." },
  lines: { holding: "lines", codes: ["fastlink", "stripped", "no_functions", ...elsewhere, "no_lines"], reason: "No file of it has source lines.", remedy: "Compile with debug information: /Zi or /Z7, or -g." },
  names: { holding: "functions", codes: ["fastlink", "stripped", "no_functions", ...elsewhere], reason: "No file of it has functions.", remedy: "Compile with debug information: /Zi or /Z7, or -g." },
  inlines: { holding: "inlines", codes: ["fastlink", "stripped", ...elsewhere], reason: "No file of it says what was inlined where.", remedy: "Compile with optimisation and debug information; give dump_syms --inlines." },
};

function excuseOf(module: readonly UploadFile[], what: Requirement): { readonly reason: string; readonly remedy: string } {
  const { codes, reason, remedy } = terms[what];
  const said: readonly DebugFileLack[] = module.flatMap(({ lacks }) => lacks);
  const lack = said.find(({ code }) => codes.includes(code));
  if (lack?.code === "names_in_dwo") return { reason: lack.message, remedy: splitRemedy };
  return lack === undefined ? { reason, remedy } : { reason: lack.message, remedy: lack.hint };
}
