// DWARF in an ELF file: whole sections by their names, decompressed.
import type { ModuleBuilder } from "../cache/module-builder.ts";
import type { DwarfSections } from "../dwarf/dwarf-sections.ts";
import { StoredSections } from "../dwarf/stored-sections.ts";
import type { ElfImage, ElfSection } from "./image.ts";

/** The sections of a file for one pass over them; what cannot be read is counted in the builder's warnings. */
export function elfDwarf(image: ElfImage, builder: ModuleBuilder): DwarfSections {
  const stored = new StoredSections(image.bytes, builder);
  return {
    little: image.headers.little,
    addressBytes: image.headers.isWide ? 8 : 4,
    section(name) {
      const section = image.section(name);
      return section === null ? null : sectionBytes(image, section, stored, builder);
    },
    toRva: (address) => image.toRva(address),
  };
}

/** All bytes of a section, decompressed; null, and counted, when they cannot be had. */
export function sectionBytes(image: ElfImage, section: ElfSection, stored: StoredSections, builder: ModuleBuilder): Uint8Array | null {
  const place = image.stored(section);
  if (place !== null) return stored.read(place);
  builder.warn("unreadableSection");
  return null;
}
