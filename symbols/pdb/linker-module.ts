// What the linker says of itself, in the symbols of the module that it makes
// for its own code, `* Linker *`: its name and version (S_COMPILE3), and how it
// was called (S_ENVBLOCK: pairs of texts, of which `pdb` is the path that it
// wrote the PDB to). cvinfo.h has the records.
import type { PdbParts } from "./pdb-parts.ts";

/** What the linker says. */
export type LinkerNotes = {
  /** Such as `Microsoft (R) LINK 14.29.30133`; null when it does not say. */
  readonly generator: string | null;
  /** Name under which the PDB was written, without folders; null when it does not say. */
  readonly debugFile: string | null;
};

const moduleName = "* Linker *";
const kind = { compile3: 0x113c, environment: 0x113d } as const;
/** Bytes of the module's symbols that are read: what is wanted comes first. */
const notesBytesMax = 256 * 1024;
/** Offsets in S_COMPILE3, its length word counted: version of the back end, and the name. */
const [versionOffset, compilerNameOffset] = [18, 26];
const environmentOffset = 5;

/** Reads them. */
export function readLinkerNotes({ msf, dbi }: PdbParts): LinkerNotes {
  const module = dbi?.modules.findLast(({ name }) => name === moduleName);
  const stream = module?.stream ?? -1;
  const bytes = msf.read(stream, 0, Math.min(Math.max(0, msf.size(stream)), module?.symbolBytes ?? 0, notesBytesMax));
  let generator: string | null = null;
  let debugFile: string | null = null;
  if (bytes === null) return { generator, debugFile };
  for (let at = 4; at + 4 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16LE(at);
    if (end < at + 4 || end > bytes.length) break;
    const type = bytes.readUInt16LE(at + 2);
    if (type === kind.compile3) generator ??= generatorOf(bytes.subarray(at, end));
    if (type === kind.environment) debugFile ??= pdbPath(bytes.toString("utf8", at + environmentOffset, end));
    at = end;
  }
  return { generator, debugFile };
}

function generatorOf(record: Buffer): string | null {
  if (record.length <= compilerNameOffset) return null;
  const name = readable(record.toString("utf8", compilerNameOffset).split("\0")[0]!);
  const version = [0, 2, 4].map((at) => record.readUInt16LE(versionOffset + at));
  // LLVM's linker claims the version of the one that it stands in for.
  return name === "" || name.startsWith("LLVM") ? name || null : `${name} ${version.join(".")}`;
}

/** The name of the PDB among the pairs of an environment block. */
function pdbPath(text: string): string | null {
  const parts = text.split("\0");
  for (let i = 0; i + 1 < parts.length; i += 2) {
    if (parts[i] === "pdb") return readable(parts[i + 1]!.split(/[\\/]/).at(-1)!) || null;
  }
  return null;
}

/** Blanks what a terminal would obey, and cuts what is no name. */
function readable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd").slice(0, 255);
}
