// What a PDB says of itself without its tables being read: enough for an
// upload to know whose it is, and for an engineer to see what it is good for.
import type { DebugFileFacts, DebugFileHoldings, DebugFileLack } from "../debug-file.ts";
import type { PdbModule } from "./dbi.ts";
import { hasFrameData } from "./frame-data.ts";
import { readLinkerNotes } from "./linker-module.ts";
import type { PdbParts } from "./pdb-parts.ts";
import { subsection } from "./subsections.ts";

/** S_GPROC32 and S_LPROC32 with type or id, their DPC forms, and those of the first compilers. Thunks do not count: import libraries have them in every program. */
const procedureKinds = new Set([0x1110, 0x110f, 0x1147, 0x1146, 0x1155, 0x1156, 0x100a, 0x100b]);
/** Modules that are looked at, and bytes of each: what a PDB holds shows in the first that were compiled. */
const modulesMax = 4096;
const peekBytes = 32 * 1024;
/** Bytes that are read in all, at most. */
const peekBytesMax = 16 * 1024 * 1024;

const archNames = { x86: "x86", amd64: "x86_64", arm: "arm", arm64: "arm64" } as const;

/** The facts of a PDB. */
export function pdbFacts(parts: PdbParts): DebugFileFacts {
  const { info, dbi, arch } = parts;
  const notes = readLinkerNotes(parts);
  const holds = holdingsOf(parts);
  const age = dbi?.age ?? info.age;
  return {
    kind: "pdb",
    os: "windows",
    archName: arch === null ? "unknown" : archNames[arch],
    arch,
    debugId: info.guid + age.toString(16).toUpperCase(),
    debugFile: notes.debugFile,
    codeId: null,
    codeFile: null,
    generator: notes.generator,
    holds,
    lacks: lacksOf(parts, holds),
  };
}

function holdingsOf(parts: PdbParts): DebugFileHoldings {
  const { dbi, msf, arch } = parts;
  const found = { functions: false, lines: false, inlines: false };
  let rest = peekBytesMax;
  for (const module of dbi?.modules.slice(0, modulesMax) ?? []) {
    if (rest <= 0 || (found.functions && found.lines && found.inlines)) break;
    rest -= peekModule(parts, module, found);
  }
  return { ...found, publics: dbi !== null && msf.size(dbi.recordStream) > 0, unwind: arch === "x86" && hasFrameData(parts) };
}

/** Looks for what is not found yet; returns the bytes that were read. */
function peekModule({ msf }: PdbParts, module: PdbModule, found: { functions: boolean; lines: boolean; inlines: boolean }): number {
  const { stream, symbolBytes, c11Bytes, c13Bytes } = module;
  let read = 64;
  const symbols = found.functions ? null : msf.read(stream, 0, Math.min(symbolBytes, peekBytes, Math.max(0, msf.size(stream))));
  for (let at = 4; symbols !== null && at + 4 <= symbols.length; at += 2 + Math.max(2, symbols.readUInt16LE(at))) {
    if (procedureKinds.has(symbols.readUInt16LE(at + 2))) found.functions = true;
  }
  read += symbols?.length ?? 0;
  if (c11Bytes > 0) found.lines = true;
  if (found.lines && found.inlines) return read;
  // Each subsection is a head and data, so going from head to head reads little.
  for (let at = 0, steps = 0; at + 12 <= c13Bytes && steps < 256; steps++) {
    const head = msf.read(stream, symbolBytes + c11Bytes + at, 8);
    if (head === null) break;
    read += 64;
    const bytes = head.readUInt32LE(4);
    if (head.readUInt32LE(0) === subsection.lines && bytes > 12) found.lines = true;
    if (head.readUInt32LE(0) === subsection.inlineeLines && bytes > 4) found.inlines = true;
    at += 8 + 4 * Math.ceil(bytes / 4);
  }
  return read;
}

function lacksOf({ info, dbi, arch, addresses }: PdbParts, holds: DebugFileHoldings): DebugFileLack[] {
  const lacks: DebugFileLack[] = [];
  const lack = (code: string, message: string, hint: string): void => void lacks.push({ code, message, hint });
  if (dbi === null || (dbi.modules.length === 0 && addresses.sectionCount === 0)) {
    lack("types_only", "This PDB is what the compiler keeps types in (such as vc140.pdb); it belongs to object files and has no addresses of a program.", "Upload the PDB that the linker wrote beside the plugin's DLL.");
    return lacks;
  }
  if (addresses.sectionCount === 0) lack("no_sections", "It has no section headers, so nothing in it has an address.", "Link again with a linker that writes whole PDBs.");
  if (info.isFastlink) {
    lack("fastlink", "It was linked with /DEBUG:FASTLINK, which leaves functions and lines in the object files.", "Link with /DEBUG:FULL; for a PDB that is there, mspdbcmf.exe makes a full one while the object files still exist.");
  } else if (dbi.isStripped) {
    lack("stripped", "It was stripped (/PDBSTRIPPED): it has public names only, so that static functions get a neighbour's name and nothing has a line.", "Upload the private PDB that the linker wrote beside it.");
  } else if (!holds.functions) {
    lack("no_functions", "It has no functions, only public names: its code was compiled without debug information.", "Compile with /Zi or /Z7 (clang-cl: /Z7).");
  }
  if (!holds.lines && holds.functions) lack("no_lines", "It has functions but no source lines.", "Compile with /Zi or /Z7, and with clang without -gline-tables… options that turn lines off.");
  if (arch !== "x86" && arch !== null) {
    lack("unwind_in_program", "How to unwind stands in the DLL or EXE itself, not in its PDB; without it callers' frames are guessed from the stack.", "Upload the DLL or EXE too.");
  } else if (arch === "x86" && !holds.unwind) {
    lack("no_unwind", "It has no frame data, so that frames without frame pointer are guessed from the stack.", "Compile with /Zi or /Z7, or with /Oy-.");
  }
  return lacks;
}
