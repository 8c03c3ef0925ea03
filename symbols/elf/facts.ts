// What an ELF file says of itself without its tables being read: enough for an
// upload to know whose it is, and for an engineer to see what it is good for.
//
// Programs and their debug files look alike. `objcopy --only-keep-debug` keeps
// all sections by name and takes the bytes of those that are loaded; so a file
// none of whose loaded sections has bytes, but for notes, is a debug file.
// dwz's files have no loaded sections at all, and call themselves object files.
import { ModuleBuilder } from "../cache/module-builder.ts";
import type { DebugFileFacts, DebugFileHoldings, DebugFileKind, DebugFileLack } from "../debug-file.ts";
import { hasSplitUnits } from "../dwarf/split-units.ts";
import type { Arch } from "../registers.ts";
import { fileType, machine, sectionFlag, sectionType } from "./codes.ts";
import { elfDwarf } from "./debug-sections.ts";
import { ownName, readDynamic } from "./dynamic.ts";
import { hasArmTables, hasFrames } from "./frames.ts";
import { codeIdOf, debugIdOf, debugIdOfCode } from "./ids.ts";
import type { ElfImage } from "./image.ts";
import { readNotes } from "./notes.ts";
import { readSupplement, supplementIdOf } from "./supplement.ts";
import { hasSymbols } from "./symbols.ts";

/** By machine: its name as dump_syms has it. */
const archNames: { readonly [machine: number]: string } = {
  [machine.sparc]: "sparc",
  [machine.x86]: "x86",
  [machine.mips]: "mips",
  [machine.ppc]: "ppc",
  [machine.ppc64]: "ppc64",
  [machine.s390]: "s390x",
  [machine.arm]: "arm",
  [machine.sparcV9]: "sparcv9",
  [machine.amd64]: "x86_64",
  [machine.arm64]: "arm64",
  [machine.riscv]: "riscv64",
  [machine.loongarch]: "loongarch64",
};

/** Bytes of `.comment` and of links to other files that are read. */
const textMax = 4096;
/** Bytes of a generator's name. */
const generatorMax = 100;

/** The architecture of an image; null for those that cannot be walked. */
export function elfArch({ headers }: ElfImage): Arch | null {
  const { machine: of, isWide, little } = headers;
  if (!little) return null;
  // 64-bit processors run programs with 32-bit addresses too (x32, ILP32), which no walk knows.
  if (of === machine.amd64) return isWide ? "amd64" : null;
  if (of === machine.arm64) return isWide ? "arm64" : null;
  if (of === machine.x86) return isWide ? null : "x86";
  return of === machine.arm && !isWide ? "arm" : null;
}

/** Whether a file is what dwz took out of others, or an object file without code. */
export function isSupplement({ headers }: ElfImage): boolean {
  return headers.type === fileType.relocatable && headers.sections.length > 0 && !headers.sections.some(({ flags }) => (flags & sectionFlag.alloc) !== 0);
}

/** The facts of a program, library or debug file. */
export function elfFacts(image: ElfImage): DebugFileFacts {
  const arch = elfArch(image);
  const notes = readNotes(image);
  const kind = kindOf(image);
  const supplement = isSupplement(image) ? null : readSupplement(image);
  const hasDwarf = image.section(".debug_info") !== null && !isSupplement(image);
  // What was split off may be in the file again, as a package.
  const isSplit = hasDwarf && image.section(".debug_addr") !== null && image.section(".debug_cu_index") === null && hasSplitUnits(elfDwarf(image, new ModuleBuilder()));
  const holds: DebugFileHoldings = {
    functions: hasDwarf && !isSplit,
    publics: hasSymbols(image),
    lines: hasDwarf && !isSplit && image.section(".debug_line") !== null,
    inlines: hasDwarf && !isSplit,
    unwind: arch !== null && (hasFrames(image) || (arch === "arm" && hasArmTables(image))),
  };
  const debugId = notes.buildId === null ? (isSupplement(image) ? supplementIdOf(image) : debugIdOfCode(image)) : debugIdOf(notes.buildId);
  const platform = notes.androidLevel > 0 ? { platform: `Android, API level ${notes.androidLevel}` } : {};
  return {
    kind,
    // Breakpad calls Android so too.
    os: "Linux",
    archName: archNames[image.headers.machine] ?? "unknown",
    arch,
    debugId,
    debugFile: null,
    codeId: notes.buildId === null ? null : codeIdOf(notes.buildId),
    codeFile: ownName(image, readDynamic(image)),
    generator: readGenerator(image),
    ...platform,
    ...(supplement === null ? {} : { supplement }),
    holds,
    lacks: [...generalLacks(image, debugId, notes.buildId !== null), ...(isSupplement(image) ? [] : [...nameLacks(image, kind, holds, isSplit), ...unwindLacks(kind, holds, arch)])],
  };
}

function kindOf(image: ElfImage): DebugFileKind {
  const { sections } = image.headers;
  if (sections.length === 0) return "elf";
  const loaded = sections.filter(({ flags, size }) => (flags & sectionFlag.alloc) !== 0 && size > 0);
  const code = loaded.filter(({ flags }) => (flags & sectionFlag.executable) !== 0);
  // Libraries of data alone have no code, but other bytes.
  const telling = code.length > 0 ? code : loaded.filter(({ type }) => type !== sectionType.note);
  return telling.some(({ type }) => type !== sectionType.nobits) ? "elf" : "elf-debug";
}

function generalLacks(image: ElfImage, debugId: string | null, hasBuildId: boolean): DebugFileLack[] {
  const { missingBytes, missingHeaders, machine: of } = image.headers;
  const lacks: DebugFileLack[] = [];
  const lack = (code: string, message: string, hint: string): void => void lacks.push({ code, message, hint });
  if (elfArch(image) === null) lack("unknown_arch", `It is for a processor that Deadair cannot walk (${archNames[of] ?? "unknown"}, machine ${of}).`, "Upload the x86_64, x86, arm64 or arm build.");
  if (missingBytes > 0 || missingHeaders > 0) lack("truncated", `It is cut: ${missingBytes} bytes of its sections${missingHeaders > 0 ? ` and ${missingHeaders} of their headers` : ""} are missing.`, "Upload it again, as the linker wrote it.");
  if (hasBuildId || (debugId !== null && isSupplement(image))) return lacks;
  if (debugId === null) lack("no_id", "It has no build id, so no crash can be told to be of this build.", "Link with -Wl,--build-id.");
  else lack("no_build_id", "It has no build id: crashes find it by a sum of its first 4096 bytes of code, which other builds may have too, and its debug file does not find it at all.", "Link with -Wl,--build-id.");
  return lacks;
}

function nameLacks(image: ElfImage, kind: DebugFileKind, holds: DebugFileHoldings, isSplit: boolean): DebugFileLack[] {
  const lack = (code: string, message: string, hint: string): DebugFileLack[] => [{ code, message, hint }];
  if (isSplit) return lack("names_in_dwo", "It was compiled with -gsplit-dwarf: its functions and source lines are in .dwo files.", "Upload it with `deadair symbols upload`, which finds the .dwo files or the .dwp file beside it and sends them too.");
  if (holds.functions) return holds.lines ? [] : lack("no_lines", "It has functions but no source lines.", "Compile with -g, and keep .debug_line when you strip.");
  const debugFile = readText(image, ".gnu_debuglink");
  if (kind === "elf" && debugFile !== null) return lack("stripped", `It was stripped; its functions and source lines are in ${debugFile}.`, `Upload ${debugFile} too.`);
  const has = holds.publics ? "It has no debug information, only a symbol table: names of functions, but no source lines." : "It has neither debug information nor a symbol table.";
  return lack("no_functions", has, "Compile with -g, and upload the file before it is stripped, or what `objcopy --only-keep-debug` makes of it.");
}

function unwindLacks(kind: DebugFileKind, holds: DebugFileHoldings, arch: Arch | null): DebugFileLack[] {
  if (holds.unwind || arch === null) return [];
  if (kind === "elf-debug") return [{ code: "unwind_in_program", message: "How to unwind stands in the program itself, not in its debug file; without it callers' frames are guessed from the stack.", hint: "Upload the program too; a stripped one will do." }];
  const tables = arch === "arm" ? ".ARM.exidx, .eh_frame or .debug_frame" : ".eh_frame or .debug_frame";
  return [{ code: "no_unwind", message: `It has no call frame information (${tables}), so callers' frames are guessed from the stack.`, hint: "Compile with -fasynchronous-unwind-tables, and keep .eh_frame when you strip." }];
}

/** The first tool that left its name. */
function readGenerator(image: ElfImage): string | null {
  const text = readText(image, ".comment")?.replaceAll(/[^\x20-\x7e]/g, "") ?? "";
  return text === "" ? null : text.slice(0, generatorMax);
}

/** The text that a section begins with, without folders; null without. */
function readText(image: ElfImage, name: string): string | null {
  const section = image.section(name);
  const bytes = section === null || section.name !== name ? null : image.readSection(section, textMax);
  const end = bytes?.indexOf(0) ?? -1;
  return bytes === null || end <= 0 ? null : bytes.toString("utf8", 0, end);
}
