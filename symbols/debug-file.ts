// What every debug file is to the rest of the house, whatever its format:
// facts about the module that it belongs to, and what it can add to the
// module's symbol cache.
//
// No one file has everything. On 64-bit Windows the PDB has names and lines
// and the program has the unwind data; on 32-bit Windows the PDB has both; a
// stripped program has its exports. So a module's cache is compiled from all
// files of it that are there (compile.ts), and each format says which part it
// brings.
import type { Result } from "../config/problem.ts";
import type { ModuleBuilder } from "./cache/module-builder.ts";
import type { Arch } from "./registers.ts";

/** Formats of debug files. `pe` is a Windows program or DLL, with or without DWARF in it. */
export type DebugFileKind = "breakpad" | "pdb" | "pe";

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
  /** How to unwind: `.pdata`, call frame information, frame programs. */
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
  /** Operating system as dump_syms names it. */
  readonly os: string;
  /** Architecture as dump_syms names it: `x86`, `x86_64`, `arm64`. */
  readonly archName: string;
  /** Null for an architecture that cannot be walked. */
  readonly arch: Arch | null;
  /** Breakpad form; null for a program without CodeView record. */
  readonly debugId: string | null;
  /** Name of the module's debug file, without folders; null where nothing says it. */
  readonly debugFile: string | null;
  /** Upper case: time stamp in 8 hex digits and size of the image in as few as it needs (PE); null where the file does not know it, as a PDB. */
  readonly codeId: string | null;
  /** Name of the program or library, without folders; null where nothing says it. */
  readonly codeFile: string | null;
  /** The tool that wrote it, where it says so. */
  readonly generator: string | null;
  readonly holds: DebugFileHoldings;
  readonly lacks: readonly DebugFileLack[];
};

/** An open debug file. */
export type DebugFile = {
  readonly facts: DebugFileFacts;
  /** Adds functions, public symbols, lines and inlined calls. What cannot be read is left out and counted in `builder.warnings`; refuses when nothing can be made of the file. Throws what `fs` throws. */
  addNames(builder: ModuleBuilder): Result<null>;
  /** Adds unwind rows and frame programs; refuses and throws like `addNames`. */
  addUnwind(builder: ModuleBuilder): Result<null>;
  /** Both in one pass, where that is cheaper. */
  addAll?(builder: ModuleBuilder): Result<null>;
};
