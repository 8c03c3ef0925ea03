// DWARF in an image: whole sections by their names, decompressed. GCC and
// Clang for MinGW write it, with the same section names as everywhere.
import { addDwarfNames } from "../dwarf/dwarf.ts";
import { addFrames } from "../dwarf/frames.ts";
import { gnuCompressedName, StoredSections } from "../dwarf/stored-sections.ts";
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { Result } from "../../config/problem.ts";
import type { PeImage, PeSection } from "./image.ts";

/** The section of a name, or its compressed form (`.zdebug_…`); null when there is none with data. */
export function findSection({ headers }: PeImage, name: string): PeSection | null {
  const compressed = gnuCompressedName(name);
  return headers.sections.find((section) => section.stored > 0 && (section.name === name || section.name === compressed)) ?? null;
}

/** Adds functions, lines and inlined calls of the image's DWARF. */
export function addPeDwarf(image: PeImage, builder: ModuleBuilder): Result<null> {
  const stored = new StoredSections(image.bytes, builder);
  return addDwarfNames(
    {
      little: true,
      addressBytes: image.headers.isWide ? 8 : 4,
      section: (name) => sectionBytes(image, name, stored),
      toRva: (address) => toRva(image, address),
    },
    builder,
  );
}

/** Adds the call frame information of an x86 image. */
export function addPeFrames(image: PeImage, builder: ModuleBuilder): void {
  const stored = new StoredSections(image.bytes, builder);
  for (const kind of ["eh_frame", "debug_frame"] as const) {
    const section = findSection(image, `.${kind}`);
    const bytes = section === null ? null : sectionBytes(image, `.${kind}`, stored);
    if (section === null || bytes === null) continue;
    addFrames({ bytes, rva: section.rva, little: true, addressBytes: 4, arch: "x86", kind, toRva: (address) => toRva(image, address) }, builder);
  }
}

function toRva({ headers }: PeImage, address: number): number {
  const rva = address - headers.imageBase;
  return rva >= 0 && rva < headers.imageSize ? rva : -1;
}

function sectionBytes(image: PeImage, name: string, stored: StoredSections): Uint8Array | null {
  const section = findSection(image, name);
  if (section === null) return null;
  return stored.read({ name: section.name, offset: section.offset, size: Math.min(section.size, section.stored), compression: section.name === name ? null : "gnu" });
}
