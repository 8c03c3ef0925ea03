// What a Mach-O file says of itself without its tables being read: enough for
// an upload to know whose it is, and for an engineer to see what it is good for.
import type { DebugFileFacts, DebugFileHoldings, DebugFileLack } from "../debug-file.ts";
import type { Arch } from "../registers.ts";
import { cpu, cpuSubtype, fileType } from "./codes.ts";
import { findDwarf } from "./debug-sections.ts";
import { findSection, type MachImage } from "./image.ts";
import { hasObjectFiles, hasSymbols, peekNames } from "./symbol-table.ts";

/** Bytes of names that are looked at. */
const peekBytes = 64 * 1024;
/** What Apple's store puts in place of names in a dSYM that it made from bitcode, until a .bcsymbolmap gives them back. */
const hiddenName = "__hidden#";

/** The architecture as dump_syms names it, and whether it can be walked. */
export function archOf({ header }: MachImage): { readonly name: string; readonly arch: Arch | null } {
  switch (header.cpu) {
    case cpu.x86:
      return { name: "x86", arch: "x86" };
    case cpu.amd64:
      return { name: header.cpuSubtype === cpuSubtype.haswell ? "x86_64h" : "x86_64", arch: "amd64" };
    case cpu.arm:
      return { name: "arm", arch: "arm" };
    case cpu.arm64:
      return { name: header.cpuSubtype === cpuSubtype.arm64e ? "arm64e" : "arm64", arch: "arm64" };
    case cpu.arm64With32:
      return { name: "arm64_32", arch: null };
    case cpu.powerpc:
      return { name: "ppc", arch: null };
    case cpu.powerpc64:
      return { name: "ppc64", arch: null };
    default:
      return { name: "unknown", arch: null };
  }
}

/** True for a dSYM. */
export function isDsym({ header }: MachImage): boolean {
  return header.fileType === fileType.dsym;
}

/** The facts of a file. */
export function machFacts(image: MachImage): DebugFileFacts {
  const { commands } = image;
  const { name, arch } = archOf(image);
  const hasDwarf = findDwarf(image, ".debug_info") !== null;
  const holds: DebugFileHoldings = {
    functions: hasDwarf,
    publics: hasSymbols(image),
    lines: hasDwarf && findDwarf(image, ".debug_line") !== null,
    inlines: hasDwarf,
    unwind: arch !== null && hasUnwind(image),
  };
  const fileName = commands.installName?.split("/").at(-1) || null;
  const [target] = commands.targets;
  return {
    kind: isDsym(image) ? "dsym" : "macho",
    os: target?.os ?? "mac",
    archName: name,
    arch,
    debugId: commands.uuid === null ? null : `${commands.uuid}0`,
    debugFile: fileName,
    codeId: commands.uuid,
    codeFile: fileName,
    generator: generatorOf(image),
    ...(target === undefined ? {} : { platform: commands.targets.map(({ platform }) => platform).join(", ") }),
    holds,
    lacks: lacksOf(image, holds, arch),
  };
}

function hasUnwind(image: MachImage): boolean {
  // A dSYM may have a copy of __eh_frame, which is for a few functions only.
  if (isDsym(image)) return findDwarf(image, ".debug_frame") !== null;
  return findSection(image, "__TEXT", "__unwind_info") !== null || findSection(image, "__TEXT", "__eh_frame") !== null || findDwarf(image, ".debug_frame") !== null;
}

function generatorOf({ commands }: MachImage): string | null {
  const linker = commands.targets.find((target) => target.linker !== null)?.linker ?? null;
  const sdk = commands.targets.find((target) => target.sdk !== null)?.sdk ?? null;
  if (sdk === null) return linker;
  return linker === null ? `SDK ${sdk}` : `${linker}, SDK ${sdk}`;
}

function lacksOf(image: MachImage, holds: DebugFileHoldings, arch: Arch | null): DebugFileLack[] {
  const { commands, header } = image;
  const lacks: DebugFileLack[] = [];
  const lack = (code: string, message: string, hint: string): void => void lacks.push({ code, message, hint });
  if (arch === null) lack("unknown_arch", `It is for a processor that Deadair cannot walk (${archOf(image).name}, CPU type 0x${header.cpu.toString(16)}).`, "Upload the arm64, x86_64, x86 or arm build.");
  if (image.missingBytes > 0 || commands.isCut) lack("truncated", `It is cut: ${commands.isCut ? "a load command is not whole" : `${image.missingBytes} bytes of its sections and tables are missing`}.`, "Upload it again, as the linker or dsymutil wrote it.");
  if (commands.uuid === null) lack("no_id", "It has no UUID, so no crash can be told to be of this build.", "Link without -no_uuid.");
  if (commands.encrypted !== null) lack("encrypted", "Its code is encrypted, as Apple's store does to what it delivers, and with it how to unwind.", "Upload the binary as it was before it was submitted: it is in the .xcarchive.");
  if (peekNames(image, peekBytes).includes(hiddenName)) lack("hidden_names", "Its names are hidden (__hidden#…): it was made from bitcode, and its .bcsymbolmap was not applied.", "Run dsymutil --symbol-map with the .bcsymbolmap files of the .xcarchive, and upload what it makes.");
  return [...lacks, ...nameLacks(image, holds), ...unwindLacks(image, holds, arch)];
}

function nameLacks(image: MachImage, holds: DebugFileHoldings): DebugFileLack[] {
  const lack = (code: string, message: string, hint: string): DebugFileLack[] => [{ code, message, hint }];
  if (holds.functions) return holds.lines ? [] : lack("no_lines", "It has functions but no source lines.", "Compile with -g, or with -gline-tables-only at least, and run dsymutil again.");
  if (isDsym(image)) return lack("no_functions", "This dSYM has no functions: its program was compiled without debug information, or its object files were gone when dsymutil ran.", "Compile with -g, and run dsymutil before the object files are deleted.");
  if (hasObjectFiles(image)) return lack("names_in_objects", "Its functions and source lines are still in the object files that it was linked from.", "Run dsymutil on it before they are deleted, and upload the dSYM that it makes.");
  return lack("names_in_dsym", `Its functions and source lines are in its dSYM${image.commands.uuid === null ? "" : ` (UUID ${image.commands.uuid})`}, if one was made.`, "Upload the dSYM: Xcode makes one when DEBUG_INFORMATION_FORMAT is dwarf-with-dsym; elsewhere run dsymutil on what was compiled with -g, before it is stripped.");
}

function unwindLacks(image: MachImage, holds: DebugFileHoldings, arch: Arch | null): DebugFileLack[] {
  const lack = (code: string, message: string, hint: string): DebugFileLack[] => [{ code, message, hint }];
  if (holds.unwind || arch === null) return [];
  if (isDsym(image)) return arch === "arm" ? [] : lack("unwind_in_program", "How to unwind stands in the program itself, not in its dSYM; without it callers' frames are found by frame pointers, or guessed from the stack.", "Upload the plugin's binary too.");
  // What is encrypted was said above.
  if (image.commands.encrypted !== null) return [];
  if (arch === "arm") return lack("no_unwind", "Programs for 32-bit ARM say nothing of how to unwind; callers' frames are found by frame pointers.", "Upload the dSYM: it may have call frames for debuggers.");
  return lack("no_unwind", "It has neither __unwind_info nor __eh_frame, so callers' frames are found by frame pointers, or guessed from the stack.", "Compile with -funwind-tables, and upload the binary as the linker wrote it.");
}
