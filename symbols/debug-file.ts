// What every debug file is to the rest of the house, whatever its format:
// facts about the module that it belongs to, and what it can add to the
// module's symbol cache.
//
// No one file has everything. On 64-bit Windows the PDB has names and lines
// and the program has the unwind data; on 32-bit Windows the PDB has both; a
// stripped program has its exports. On macOS and Linux the program has the
// unwind data and the dSYM or the .debug file the names, which may be in further
// files still (split DWARF, dwz). So a module's cache is compiled from all files
// of it that are there (compile.ts), and each format says which part it brings.
import type { Result } from "../config/problem.ts";
import type { ModuleBuilder } from "./cache/module-builder.ts";
import type { DwarfCompanions, SplitDwarf } from "./dwarf/companions.ts";
import type { DwarfSections } from "./dwarf/dwarf-sections.ts";
import type { Arch } from "./registers.ts";

/**
 * Formats of debug files, and the part that a file plays in its module, of which there is one file each:
 *  - `breakpad`: a `.sym` file.
 *  - `pdb`; `pe`: a Windows program or DLL, with or without DWARF in it.
 *  - `elf`: a program or library, with or without DWARF in it; `elf-debug`: one whose code was taken out (`objcopy --only-keep-debug`), or what dwz took out of several.
 *  - `macho`: a program, library or bundle of Apple's systems; `dsym`: its DWARF, as dsymutil gathers it.
 *  - `dwp`: split DWARF of one module, in one file.
 *  - `sources`: source files of one module. It adds nothing to a cache; its lines are shown beside frames.
 */
export type DebugFileKind = "breakpad" | "pdb" | "pe" | "elf" | "elf-debug" | "macho" | "dsym" | "dwp" | "sources";

/** All kinds, in the order in which they are believed about names: what is made for debuggers before programs, and text that was made of either last. */
export const debugFileKinds: readonly DebugFileKind[] = ["pdb", "dsym", "elf-debug", "pe", "elf", "macho", "breakpad", "dwp", "sources"];

/** What a debug file can tell of addresses. */
export type DebugFileHoldings = {
  /** Functions with their ends. */
  readonly functions: boolean;
  /** Bare linker symbols: public symbols, exports, a symbol table. */
  readonly publics: boolean;
  /** Source files and lines. */
  readonly lines: boolean;
  /** What was inlined where. */
  readonly inlines: boolean;
  /** How to unwind: `.pdata`, call frame information, compact unwind, frame programs. */
  readonly unwind: boolean;
};

/** Something that a debug file lacks: a word for programs, why it matters, what to do about it. */
export type DebugFileLack = {
  /** Such as `fastlink`, `stripped`, `no_lines`, `unwind_in_program`, `no_debug_id`. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
};

/** What a debug file says of itself, without its tables being read. */
export type DebugFileFacts = {
  readonly kind: DebugFileKind;
  /** Operating system as dump_syms names it: `windows`, `Linux`, `mac`, `ios`. */
  readonly os: string;
  /** Architecture as dump_syms names it: `x86`, `x86_64`, `arm`, `arm64`, `arm64e`. */
  readonly archName: string;
  /** Null for an architecture that cannot be walked. */
  readonly arch: Arch | null;
  /** Breakpad form; null for a program without CodeView record. */
  readonly debugId: string | null;
  /** Name of the module's debug file, without folders; null where nothing says it. */
  readonly debugFile: string | null;
  /** Upper case: time stamp in 8 hex digits and size of the image in as few as it needs (PE); the whole build id (ELF); the UUID (Mach-O); null where the file does not know it, as a PDB. */
  readonly codeId: string | null;
  /** Name of the program or library, without folders; null where nothing says it. */
  readonly codeFile: string | null;
  /** The tool that wrote it, where it says so. */
  readonly generator: string | null;
  /** System that it was built for, with its lowest version, for people: `macOS 11.0`; absent where nothing says it. */
  readonly platform?: string;
  /** Debug id and name of the file that dwz made, where parts of its DWARF are in one; absent otherwise. */
  readonly supplement?: { readonly debugId: string; readonly file: string };
  readonly holds: DebugFileHoldings;
  readonly lacks: readonly DebugFileLack[];
};

/** An open debug file. */
export type DebugFile = {
  readonly facts: DebugFileFacts;
  /** Adds functions, public symbols, lines and inlined calls; `companions` has the rest of its DWARF, where that is in other files. What cannot be read is left out and counted in `builder.warnings`; refuses when nothing can be made of the file. Throws what `fs` throws. */
  addNames(builder: ModuleBuilder, companions?: DwarfCompanions): Result<null>;
  /** Adds unwind rows and frame programs; refuses and throws like `addNames`. */
  addUnwind(builder: ModuleBuilder): Result<null>;
  /** Both in one pass, where that is cheaper. */
  addAll?(builder: ModuleBuilder): Result<null>;
  /** Its sections of DWARF, for a file whose DWARF refers to them (`facts.supplement`). */
  dwarf?(builder: ModuleBuilder): DwarfSections;
  /** Its units of split DWARF, for the file that has their skeletons (`dwp`). */
  split?(builder: ModuleBuilder): Result<SplitDwarf>;
};
