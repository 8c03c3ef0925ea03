// Numbers of Mach-O files, from Apple's <mach-o/loader.h>, <mach-o/fat.h>,
// <mach-o/nlist.h> and <mach/machine.h>.

/** First bytes as a big-endian number; the swapped ones are of little-endian files. */
export const magic = {
  thin32: 0xfeedface,
  thin64: 0xfeedfacf,
  swapped32: 0xcefaedfe,
  swapped64: 0xcffaedfe,
  fat32: 0xcafebabe,
  fat64: 0xcafebabf,
} as const;

/** Processors. */
export const cpu = { x86: 0x7, amd64: 0x0100_0007, arm: 0xc, arm64: 0x0100_000c, arm64With32: 0x0200_000c, powerpc: 0x12, powerpc64: 0x0100_0012 } as const;
/** Subtypes that are told apart, without capability bits. */
export const cpuSubtype = { haswell: 8, arm64e: 2 } as const;
/** What of a subtype is the subtype; the rest says what it is capable of, such as signed pointers. */
export const subtypeMask = 0x00ff_ffff;

/** What a file is. */
export const fileType = { object: 1, program: 2, core: 4, library: 6, linker: 7, bundle: 8, stub: 9, dsym: 10, kext: 11, set: 12 } as const;

/** Load commands that are read. */
export const command = {
  segment32: 0x1,
  symbols: 0x2,
  dynamicSymbols: 0xb,
  installName: 0xd,
  segment64: 0x19,
  uuid: 0x1b,
  encryption32: 0x21,
  dyldInfo: 0x22,
  minimumMac: 0x24,
  minimumIphone: 0x25,
  functionStarts: 0x26,
  encryption64: 0x2c,
  minimumTv: 0x2f,
  minimumWatch: 0x30,
  buildVersion: 0x32,
  /** Those with this bit stop loaders that do not know them. */
  dyldInfoOnly: 0x8000_0022,
  exportTrie: 0x8000_0033,
} as const;

/** In a section's flags: its kind, of which these have no bytes in the file, and whether it has instructions. */
export const sectionFlags = { kind: 0xff, zeros: [0x1, 0xc, 0x12] as readonly number[], code: 0x8000_0400 } as const;

/** In a symbol's type: it is for debuggers; its kind, of which one lies in a section. */
export const symbolType = { debugger: 0xe0, kind: 0x0e, inSection: 0x0e } as const;
