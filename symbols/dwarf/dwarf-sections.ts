// The sections of one file that has DWARF, whatever its format.

/** Names of sections that names and lines are in. */
export type DwarfSectionName = ".debug_info" | ".debug_abbrev" | ".debug_line" | ".debug_str" | ".debug_line_str" | ".debug_str_offsets" | ".debug_addr" | ".debug_ranges" | ".debug_rnglists";

/** What a file's format gives to read its DWARF. */
export type DwarfSections = {
  /** Whether numbers have their lowest byte first. */
  readonly little: boolean;
  /** Bytes of an address where nothing in the DWARF says it; units do. */
  readonly addressBytes: 4 | 8;
  /** All bytes of a section, decompressed; null when the file does not have it. */
  section(name: DwarfSectionName): Uint8Array | null;
  /** The address relative to the module's base; -1 when it is outside the image. */
  toRva(address: number): number;
};

/** Bytes of one section, at most: offsets into it are 32-bit integers everywhere, and it is in memory as a whole. */
export const sectionBytesMax = 2 ** 31 - 1;

/** The sections at hand; those that are missing are empty. */
export type LoadedSections = {
  readonly little: boolean;
  readonly toRva: (address: number) => number;
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
  readonly line: Uint8Array;
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
  readonly strOffsets: Uint8Array;
  readonly addr: Uint8Array;
  readonly ranges: Uint8Array;
  readonly rangeLists: Uint8Array;
  /** Bytes of all together. */
  readonly bytes: number;
};

/** Takes the sections; null when one is too big. */
export function loadSections(sections: DwarfSections): LoadedSections | null {
  const none = new Uint8Array(0);
  let bytes = 0;
  let isTooBig = false;
  const take = (name: DwarfSectionName): Uint8Array => {
    const section = sections.section(name) ?? none;
    bytes += section.length;
    if (section.length > sectionBytesMax) isTooBig = true;
    return section;
  };
  const loaded = {
    little: sections.little,
    toRva: (address: number) => sections.toRva(address),
    info: take(".debug_info"),
    abbrev: take(".debug_abbrev"),
    line: take(".debug_line"),
    str: take(".debug_str"),
    lineStr: take(".debug_line_str"),
    strOffsets: take(".debug_str_offsets"),
    addr: take(".debug_addr"),
    ranges: take(".debug_ranges"),
    rangeLists: take(".debug_rnglists"),
  };
  return isTooBig ? null : { ...loaded, bytes };
}
