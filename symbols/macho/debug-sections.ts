// DWARF in a Mach-O file: whole sections of the segment __DWARF. The names of
// sections have no room for more than 16 characters, so that .debug_str_offsets
// is __debug_str_offs here. Go compresses them in the old way of GNU tools.
import type { Result } from "../../config/problem.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DwarfCompanions } from "../dwarf/companions.ts";
import { addDwarfNames } from "../dwarf/dwarf.ts";
import type { FrameSection } from "../dwarf/frame-section.ts";
import { addFrames } from "../dwarf/frames.ts";
import { gnuCompressedName, StoredSections } from "../dwarf/stored-sections.ts";
import type { Arch } from "../registers.ts";
import { findSection, type MachImage, type MachSection, toRva } from "./image.ts";

const nameCharactersMax = 16;

/** The section that has DWARF of a name, such as `.debug_info`, compressed or not; null when there is none with data. */
export function findDwarf(image: MachImage, name: string): { readonly section: MachSection; readonly isCompressed: boolean } | null {
  for (const isCompressed of [false, true]) {
    const section = findSection(image, "__DWARF", shortName(isCompressed ? gnuCompressedName(name) : name));
    if (section !== null) return { section, isCompressed };
  }
  return null;
}

/** `.debug_str_offsets` as a section's name. */
function shortName(name: string): string {
  return `__${name.slice(1)}`.slice(0, nameCharactersMax);
}

/** Adds functions, lines and inlined calls of the file's DWARF. */
export function addMachDwarf(image: MachImage, builder: ModuleBuilder, companions?: DwarfCompanions): Result<null> {
  const stored = new StoredSections(image.bytes, builder);
  return addDwarfNames(
    {
      little: image.header.little,
      addressBytes: image.header.isWide ? 8 : 4,
      section: (name) => readDwarf(image, name, stored),
      toRva: (address) => toRva(image, address),
    },
    builder,
    companions,
  );
}

/** Adds call frame information made for debuggers; compilers for Apple's systems make it for 32-bit ARM alone. */
export function addDebugFrames(image: MachImage, arch: Arch, builder: ModuleBuilder): void {
  const bytes = readDwarf(image, ".debug_frame", new StoredSections(image.bytes, builder));
  if (bytes !== null) addFrames({ ...frameForm(image, arch), bytes, rva: 0, kind: "debug_frame" }, builder);
}

/** Call frame information made for exceptions; null when there is none. */
export function exceptionFrames(image: MachImage, arch: Arch, builder: ModuleBuilder): FrameSection | null {
  const bytes = readSection(image, "__TEXT", "__eh_frame", builder);
  if (bytes === null) return null;
  // For i386, Apple's numbers of esp and ebp are those of other systems exchanged, but only here.
  return { ...frameForm(image, arch), bytes, rva: findSection(image, "__TEXT", "__eh_frame")!.rva, kind: "eh_frame", swapsStackRegisters: arch === "x86" };
}

/** All that the file has of a section; null when there is none, or it is too big. */
export function readSection(image: MachImage, segment: string, name: string, builder: ModuleBuilder): Uint8Array | null {
  const section = findSection(image, segment, name);
  return section === null ? null : new StoredSections(image.bytes, builder).read({ name, offset: section.offset, size: section.stored, compression: null });
}

function frameForm(image: MachImage, arch: Arch): Pick<FrameSection, "little" | "addressBytes" | "arch" | "toRva"> {
  return { little: image.header.little, addressBytes: image.header.isWide ? 8 : 4, arch, toRva: (address) => toRva(image, address) };
}

function readDwarf(image: MachImage, name: string, stored: StoredSections): Uint8Array | null {
  const found = findDwarf(image, name);
  if (found === null) return null;
  const { section, isCompressed } = found;
  return stored.read({ name: section.name, offset: section.offset, size: section.stored, compression: isCompressed ? "gnu" : null });
}
