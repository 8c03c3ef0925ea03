// The symbol cache: everything a walk asks of one module's symbols, in one
// file that is used as it lies on the disk.
//
// What: functions, public symbols, source lines, inlined calls and unwind
// rules of a module, compiled once from whatever debug file there is. Why:
// debug files are made for linkers and debuggers; walkers that read them anew
// for each crash spend nearly all of their time on that. A cache is a third of
// a `.sym` file's size and answers an address in half a microsecond without
// reading the rest.
//
// A file is a front and a body, little-endian throughout:
//
//     header      64 bytes, below
//     directory   16 bytes a section: kind, elements, offset / 8, bytes
//     page sums   one CRC-32 for each PAGE_BYTES of the body, the last page short
//     body        the sections, each at a multiple of 8
//
// The header's own CRC covers the whole front, so every byte of the file is
// under exactly one sum. The body is read page by page when it is asked for
// (paged-file.ts), into a SharedArrayBuffer that all threads see; a section is
// a typed-array view of it. All addresses are relative to the module's base
// and 32 bits; compilers leave out, and count, what lies beyond 4 GiB.
//
// How an address is answered:
//
//  1. `rangeStart` cuts the module into ranges that do not overlap, each of a
//     FUNC, of a PUBLIC, or of nothing (symbol-ranges.ts). The rules about who
//     has an address are applied when the cache is written, so that one search
//     decides. `rangePage` shortens the search to a few steps (page-index.ts).
//  2. A symbol's name and the places of its lines and inlined calls stand
//     together; linker spelling and parameter bytes, which few ask for, in
//     arrays of their own. Functions come first, public symbols after them.
//  3. Lines and inlined calls are packed as differences, a function's own run
//     of checkpoints first (line-rows.ts, inline-tree.ts).
//  4. Unwind rows are an address and the number of a rule (unwind-rule.ts);
//     equal rules are stored once.
//
// To add a fact: give it a section of its own. A reader passes over kinds that
// it does not know, and takes a section that is missing as empty, so only a
// change of an existing section's meaning needs a new `cacheMajor`. A better
// answer from the same debug file needs a new `compilerVersion`, which makes
// the store compile afresh.
import type { Arch } from "../registers.ts";

/** The first four bytes of a cache: `DASC`. */
export const cacheMagic = 0x43534144;
/** Changes when a reader of the version before would misread. */
export const cacheMajor = 1;
/** Changes when sections were added. */
export const cacheMinor = 0;
/** Changes when compilers, or the demangler that they are given, answer differently from the same debug file. */
export const compilerVersion = 4;
/** Bytes of the header. */
export const headerBytes = 64;
/** Bytes of one entry of the directory. */
export const entryBytes = 16;
/** `pageBytes` as a power of two. */
export const pageShift = 13;
/** Bytes of the body under one checksum, and of one read. What a walk asks lies all over the file, so small pages read less of it. */
export const pageBytes = 1 << pageShift;
/** Sections that a reader looks at, at most; more are not ours. */
export const sectionLimit = 256;

/** Kinds of sections. The comment gives the element and what its index is. */
export const section = {
  /** JSON, see `CacheMeta`. */
  meta: 1,
  /** u32 by range: its first address, ascending. */
  rangeStart: 2,
  /** u32 by range: number of its symbol, or `noSymbol`. */
  rangeSymbol: 3,
  /** Page index over `rangeStart`. */
  rangePage: 4,
  /** u32 × SYMBOL_WORDS by symbol, and one more: its first address; its name, a string, with `publicFlag`; index of its first checkpoint in `lines`; in `inlines`. What one look-up reads lies together. */
  symbols: 5,
  /** u32 by symbol: the linker's spelling, a string, 0 when it is the name; empty when all are. */
  symbolLinkage: 7,
  /** u32 by symbol: bytes of its stack parameters; only on x86. */
  symbolParameters: 8,
  /** u32 × 2 by line checkpoint: its first address, the offset of its rows in `lineRows`. */
  lines: 11,
  /** Bytes, see line-rows.ts. */
  lineRows: 13,
  /** u32 × 2 by inline checkpoint: its first address, the offset of its calls in `inlineCalls`. */
  inlines: 14,
  /** Bytes, see inline-tree.ts. */
  inlineCalls: 16,
  /** u32 by file: its path, a string; file 0 is none. */
  fileName: 17,
  /** u32 by origin: name of an inlined function, a string; origin 0 is none. */
  originName: 18,
  /** u32 by string, and one more: where its bytes begin; bit 31 is set when they are not all ASCII. */
  stringOffset: 19,
  /** Bytes: UTF-8 of all strings; string 0 is empty. */
  stringBytes: 20,
  /** u32 by unwind row: its first address, ascending. */
  rowStart: 21,
  /** u16 by unwind row: low half of 2·(rule + 1) + (1 for a record's first row); 0 where a record ended and none follows. */
  rowRule: 22,
  /** u16 by unwind row: the high half; empty when all are 0. */
  rowRuleHigh: 23,
  /** Page index over `rowStart`. */
  rowPage: 24,
  /** i32, see unwind-rule.ts. */
  rules: 25,
  /** i32, see unwind-rule.ts. */
  expressions: 26,
  /** u32 × 3 by STACK WIN record with a program: first address, bytes, shape; ascending, not overlapping. */
  winPrograms: 27,
  /** The same for FPO records. */
  winFpo: 28,
  /** i32 × WIN_SHAPE_WORDS by shape: what STACK WIN records say, equal ones once. */
  winShapes: 29,
} as const;

/** Kind of a section. */
export type SectionKind = (typeof section)[keyof typeof section];

/** Words of one entry of `symbols`. */
export const SYMBOL_WORDS = 4;
/** In the name's word of `symbols`: it is a public symbol, which has no lines. */
export const publicFlag = 0x80000000;
/** In `rangeSymbol`: no symbol has the range. */
export const noSymbol = 0xffffffff;
/** Words of a shape: bytes of prolog, epilog, parameters, saved registers, locals and stack, then the program (-1 none), then bit 0 allocates a base pointer, bit 1 the program aligns. */
export const WIN_SHAPE_WORDS = 8;

/** What a cache says of itself, in its `meta` section. */
export type CacheMeta = {
  /** Formats that it was compiled from, such as `breakpad` or `pdb+pe`. */
  readonly source: string;
  /** Digest of the original files, as the caller of the compiler gave it; "" when not given. */
  readonly sourceDigest: string;
  readonly debugFile: string;
  /** Breakpad form. */
  readonly debugId: string;
  readonly codeId: string | null;
  readonly codeFile: string | null;
  readonly generator: string | null;
  /** Operating system and architecture in the original's own words. */
  readonly os: string;
  readonly arch: string;
  /** What the cache holds. */
  readonly counts: { readonly [what: string]: number };
  /** What of the original was left out or mended: a reason, and how often. */
  readonly warnings: { readonly [reason: string]: number };
};

/** What a compiler knows of a module beside its tables. */
export type ModuleIdentity = Omit<CacheMeta, "counts" | "warnings">;

const archNumbers: { readonly [arch in Arch]: number } = { x86: 1, amd64: 2, arm: 3, arm64: 4 };

/** The number that stands for an architecture in the header; 0 for those that cannot be walked. */
export function archNumber(arch: Arch | null): number {
  return arch === null ? 0 : archNumbers[arch];
}

/** The architecture of a number; null for 0 and for unknown ones. */
export function archOfNumber(number: number): Arch | null {
  for (const arch of ["x86", "amd64", "arm", "arm64"] as const) if (archNumbers[arch] === number) return arch;
  return null;
}

/** Bits of the header's flags. */
export const headerFlag = {
  /** A function without unwind row is a leaf: it saved nothing, and its return address is where the call put it. Microsoft's rule for x64 and arm64. */
  leafWithoutRow: 1,
  /** Names are missing that stand in files that were not there: split DWARF, or what dwz took out. */
  lacksCompanion: 2,
} as const;

/** Byte offsets of the header's fields. */
export const headerField = {
  magic: 0,
  major: 4,
  minor: 6,
  compiler: 8,
  /** CRC-32 of the front with this field as 0. */
  frontSum: 12,
  /** Bytes of the file, low and high word. */
  fileBytes: 16,
  /** u16, see `archNumber`. */
  arch: 24,
  /** u16, see `headerFlag`. */
  flags: 26,
  sections: 28,
  bodyOffset: 32,
  /** 16 bytes of GUID in the order of the text, then the age. */
  debugId: 36,
  age: 52,
} as const;
