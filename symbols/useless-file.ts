// Debug files that are read well and are still of no use, so that nobody waits
// for what they cannot bring.
import type { DebugFileFacts, DebugFileLack } from "./debug-file.ts";

/** Why a file is of no use at all; null when it may be of some. */
export function whyUseless({ kind, holds, lacks }: DebugFileFacts): DebugFileLack | null {
  const said = (code: string): DebugFileLack | null => lacks.find((lack) => lack.code === code) ?? null;
  // A managed program that has native code too says where the names of that are.
  const isMixed = holds.functions || said("names_in_pdb") !== null || said("no_functions") !== null;
  // What dwz took out lacks nothing, and split DWARF is named as holding what it brings to others.
  const isEmpty = kind !== "pe" && kind !== "pdb" && !Object.values(holds).some(Boolean);
  return said("types_only") ?? said("no_sections") ?? said("no_id") ?? (isMixed ? null : said("managed")) ?? (isEmpty ? (said("encrypted") ?? said("stripped") ?? said("no_functions")) : null);
}
