// Numbers of ELF: those of the generic ABI (gABI 4.1 and its drafts), of the
// GNU extensions, and of processors' supplements.

/** What a file is (`e_type`). */
export const fileType = { relocatable: 1, executable: 2, shared: 3, core: 4 } as const;

/** Processors (`e_machine`) that are told apart. */
export const machine = { sparc: 2, x86: 3, mips: 8, ppc: 20, ppc64: 21, s390: 22, arm: 40, sparcV9: 43, amd64: 62, arm64: 183, riscv: 243, loongarch: 258 } as const;

/** Kinds of sections (`sh_type`). */
export const sectionType = { none: 0, progbits: 1, symbols: 2, note: 7, nobits: 8, dynamicSymbols: 11, armIndex: 0x70000001 } as const;

/** Flags of sections (`sh_flags`). */
export const sectionFlag = { alloc: 2, executable: 4, compressed: 0x800 } as const;

/** Kinds of segments (`p_type`). */
export const segmentType = { load: 1, dynamic: 2, note: 4, frameHeader: 0x6474e550, armIndex: 0x70000001 } as const;

/** Flag of a segment with code (`p_flags`). */
export const segmentExecutable = 1;

/** Entries of the dynamic section (`d_tag`). */
export const dynamicTag = { end: 0, hash: 4, strings: 5, symbols: 6, stringBytes: 10, soName: 14, gnuHash: 0x6ffffef5 } as const;

/** Kinds of compression (`ch_type`). */
export const compressionType = { zlib: 1, zstd: 2 } as const;
