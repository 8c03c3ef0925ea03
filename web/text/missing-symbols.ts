// What crashes lack of a module, and what to upload against it, in the fewest
// words. On Windows a module's symbols are two files, the PDB and the program;
// elsewhere they are one `.sym` file.
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
  const program = codeFile ?? "its DLL or EXE";
  const isWindows = debugFile === null || /\.(pdb|dll|exe|vst3|aaxplugin|clap)$/i.test(debugFile);
  const pdb = debugFile ?? "its PDB";
  return {
    name: debugFile ?? codeFile ?? "",
    id: debugId ?? codeId ?? "",
    lacks: { all: "all symbols", names: "source lines", unwind: "unwind data" }[lacks],
    wanted: isWindows ? { all: `${pdb} and ${program}`, names: pdb, unwind: program }[lacks] : { all: "its .sym file", names: "a .sym file with lines", unwind: "a .sym file with STACK records" }[lacks],
  };
}
