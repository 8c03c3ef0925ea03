// What crashes lack of a module, and what to upload against it, in the fewest
// words. A module's symbols are two files: the program, and beside it a PDB, a
// .debug file or a dSYM. Of which system a module is, only its name tells.
import type { MissingSymbol } from "../../services/triage/schema.ts";

/** A missing module in words. */
export type MissingText = {
  /** The module's name, as crashes know it. */
  readonly name: string;
  readonly id: string;
  /** `all symbols`, `source lines`, `unwind data`. */
  readonly lacks: string;
  /** Names of what to upload. */
  readonly wanted: string;
};

/** Says what is missing of a module. */
export function missingText(missing: MissingSymbol): MissingText {
  const { debugFile, debugId, codeFile, codeId, lacks } = missing;
  const { program, names } = filesOf(missing);
  return {
    name: debugFile ?? codeFile ?? "",
    id: debugId ?? codeId ?? "",
    lacks: { all: "all symbols", names: "source lines", unwind: "unwind data" }[lacks],
    wanted: { all: `${names} and ${program}`, names, unwind: program }[lacks],
  };
}

/** The files of a module: what unwinds it, and what names its lines. */
function filesOf({ debugFile, codeFile }: MissingSymbol): { readonly program: string; readonly names: string } {
  if (debugFile === null || /\.(pdb|dll|exe|aaxplugin)$/i.test(debugFile)) return { program: codeFile ?? "its DLL or EXE", names: debugFile ?? "its PDB" };
  if (/\.so(\.|$)/i.test(debugFile)) return { program: debugFile, names: "its .debug file" };
  if (/\.dylib$/i.test(debugFile)) return { program: debugFile, names: "its dSYM" };
  return { program: debugFile, names: "its dSYM or .debug file" };
}
