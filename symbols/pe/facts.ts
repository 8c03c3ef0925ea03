// What a Windows program says of itself without its tables being read: enough
// for an upload to know whose it is, and for an engineer to see what it is good
// for.
import type { DebugFileFacts, DebugFileHoldings, DebugFileLack } from "../debug-file.ts";
import type { Arch } from "../registers.ts";
import { type PeCodeView, readPeCodeView } from "./code-view.ts";
import { hasCoffSymbols } from "./coff-symbols.ts";
import { findSection } from "./debug-sections.ts";
import { hasExports } from "./exports.ts";
import { directory, machine, type PeImage } from "./image.ts";

/** Names of architectures as dump_syms has them. */
const archNames = { x86: "x86", amd64: "x86_64", arm: "arm", arm64: "arm64" } as const;
/** In a .NET header's flags: there is no native code. */
const ilOnly = 1;
const mixed = "mixed with native code";
/** In an image's 64-bit load configuration: where an image with code of two architectures describes it. */
const hybridOffset = 0xc8;

/** The architecture of an image; null for those that cannot be walked. */
export function archOf({ headers }: PeImage): Arch | null {
  switch (headers.machine) {
    case machine.x86:
      return "x86";
    case machine.amd64:
    case machine.arm64ec:
      return "amd64";
    case machine.arm64:
    case machine.arm64x:
      return "arm64";
    case machine.arm:
    case machine.thumb:
    case machine.armnt:
      return "arm";
    default:
      return null;
  }
}

/** True when the exception directory has entries of an architecture whose entries are read. */
export function hasUnwindTable(image: PeImage): boolean {
  const { rva, size } = image.directory(directory.exceptions);
  const arch = archOf(image);
  return (arch === "amd64" || arch === "arm64") && rva !== 0 && size > 0 && image.sectionAt(rva, 1) !== null;
}

/** True when the image has DWARF call frames, and no other kind. */
export function hasFrames(image: PeImage): boolean {
  return archOf(image) === "x86" && (findSection(image, ".eh_frame") !== null || findSection(image, ".debug_frame") !== null);
}

/** The facts of an image. */
export function peFacts(image: PeImage): DebugFileFacts {
  const { headers } = image;
  const arch = archOf(image);
  const codeView = readPeCodeView(image);
  const hasDwarf = findSection(image, ".debug_info") !== null;
  const holds: DebugFileHoldings = {
    functions: hasDwarf,
    publics: hasExports(image) || hasCoffSymbols(image),
    lines: hasDwarf && findSection(image, ".debug_line") !== null,
    inlines: hasDwarf,
    unwind: hasUnwindTable(image) || hasFrames(image),
  };
  return {
    kind: "pe",
    os: "windows",
    archName: arch === null ? "unknown" : archNames[arch],
    arch,
    debugId: codeView?.debugId ?? null,
    debugFile: codeView?.debugFile ?? null,
    codeId: headers.timestamp.toString(16).padStart(8, "0").toUpperCase() + headers.imageSize.toString(16).toUpperCase(),
    // The export directory has a name too, but it is the linker's, and plugins are renamed after it.
    codeFile: null,
    generator: `linker ${headers.linkerVersion}`,
    holds,
    lacks: [...generalLacks(image, codeView), ...(isNative(image) ? [...nameLacks(image, holds, codeView), ...unwindLacks(image, holds, codeView)] : [])],
  };
}

function generalLacks(image: PeImage, codeView: PeCodeView | null): DebugFileLack[] {
  const { headers } = image;
  const lacks: DebugFileLack[] = [];
  const lack = (code: string, message: string, hint: string): void => void lacks.push({ code, message, hint });
  const managed = managedKind(image);
  if (managed !== null) lack("managed", `It is a .NET program (${managed}); crashes in managed code have no native frames to name.`, "Upload native plugins and their PDBs; .NET has its own crash reports.");
  if (archOf(image) === null) lack("unknown_arch", `It is for a processor that Deadair cannot walk (machine 0x${headers.machine.toString(16)}).`, "Upload the x64, x86 or arm64 build.");
  if (isHybrid(image)) lack("hybrid", "It has code for two architectures (ARM64EC or ARM64X); only one of its two unwind tables is read.", "Nothing: frames in the other half are found by the stack.");
  if (headers.missingBytes > 0 || headers.missingSections > 0) lack("truncated", `It is cut: ${headers.missingBytes} bytes of its sections${headers.missingSections > 0 ? ` and ${headers.missingSections} section headers` : ""} are missing.`, "Upload it again, as the linker wrote it.");
  if (codeView !== null) return lacks;
  if (headers.timestamp === 0) lack("no_id", "It has neither a CodeView record nor a time stamp, so no crash can be told to be of this build.", "Link with -Wl,--build-id or -Wl,--insert-timestamp (MinGW), or with /DEBUG.");
  else lack("no_debug_id", "It has no CodeView record: crashes find it by its name, time stamp and size alone.", "Link with /DEBUG, or with -Wl,--pdb= or -Wl,--build-id (MinGW).");
  return lacks;
}

function nameLacks(image: PeImage, holds: DebugFileHoldings, codeView: PeCodeView | null): DebugFileLack[] {
  if (holds.functions) return holds.lines ? [] : [{ code: "no_lines", message: "It has functions but no source lines.", hint: "Compile with -g, and keep .debug_line when you strip." }];
  if (codeView !== null && codeView.debugFile !== null) {
    return [{ code: "names_in_pdb", message: `Its functions and source lines are in ${codeView.debugFile} with the id ${codeView.debugId}.`, hint: `Upload ${codeView.debugFile} too.` }];
  }
  const isSplit = findSection(image, ".gnu_debuglink") !== null;
  return [
    {
      code: "no_functions",
      message: isSplit ? "It was stripped; its debug information went to a file beside it." : "It has no debug information, and names no PDB that has it.",
      hint: isSplit ? "Upload the program as it was before it was stripped." : "Compile with -g (MinGW), or link with /DEBUG.",
    },
  ];
}

function unwindLacks(image: PeImage, holds: DebugFileHoldings, codeView: PeCodeView | null): DebugFileLack[] {
  const arch = archOf(image);
  if (holds.unwind || arch === null) return [];
  const lack = (message: string, hint: string): DebugFileLack[] => [{ code: "no_unwind", message, hint }];
  if (arch === "x86") {
    const pdb = codeView?.debugFile ?? null;
    return lack(`32-bit programs have no unwind tables; their PDBs have frame data${pdb === null ? "" : `, here ${pdb}`}.`, pdb === null ? "Compile with -g (MinGW), or link with /DEBUG and upload the PDB." : `Upload ${pdb} too.`);
  }
  if (arch === "arm") return lack("How to unwind 32-bit ARM programs for Windows is not read.", "Upload a .sym file made by dump_syms.");
  return lack("It has no unwind table (.pdata), so callers' frames are guessed from the stack.", "Upload the program as the linker wrote it; one without the table cannot even catch exceptions.");
}

/** False where native names and unwind data would help nobody. */
function isNative(image: PeImage): boolean {
  const managed = managedKind(image);
  return archOf(image) !== null && (managed === null || managed === mixed);
}

/** Which kind of .NET program it is; null for none. */
function managedKind(image: PeImage): string | null {
  const { rva, size } = image.directory(directory.clr);
  const header = rva === 0 || size < 72 ? null : image.readRva(rva, 72);
  if (header === null) return null;
  if (header.readUInt32LE(64) !== 0) {
    const isReady = image.readRva(header.readUInt32LE(64), 4)?.toString("latin1") === "RTR\0";
    return isReady ? "compiled ahead of time, ReadyToRun" : "compiled ahead of time by NGEN";
  }
  return (header.readUInt32LE(16) & ilOnly) !== 0 ? "intermediate code" : mixed;
}

function isHybrid(image: PeImage): boolean {
  const { headers } = image;
  if (headers.machine === machine.arm64ec || headers.machine === machine.arm64x) return true;
  if (headers.machine !== machine.amd64 && headers.machine !== machine.arm64) return false;
  const { rva } = image.directory(directory.loadConfig);
  const config = rva === 0 ? null : image.readRva(rva, hybridOffset + 8);
  return config !== null && config.readUInt32LE(0) >= hybridOffset + 8 && (config.readUInt32LE(hybridOffset) | config.readUInt32LE(hybridOffset + 4)) !== 0;
}
