// What a walk asks of one module's symbols. The symbol cache (symbol-cache.ts)
// answers; tests may answer by hand. Every address is relative to the module's
// base (rva), and every answer is given without parsing text.

/** The name of what debug information has no name for, as Breakpad's walker has it, and the demangler. */
export const nameless = "<name omitted>";

/** A place in the source, as the caller's own object that is filled anew by each look-up. */
export type SourcePlace = {
  /** The name of the function (demangled where it was mangled); "" when the address belongs to none. */
  name: string;
  /** The linker's spelling, where it differs from `name`; null where it does not or is not known. */
  linkageName: string | null;
  /** First address of the function. */
  start: number;
  /** True when the name is a bare linker symbol (PUBLIC): the address may be past its function's end. */
  isPublic: boolean;
  /** Path of the source file; null when no line record has the address. */
  file: string | null;
  /** Line in `file`, from 1; 0 when the address has no line, and in code that the compiler gave a file but no line. */
  line: number;
  /** First address of the line's run of instructions; 0 when the address has no line. */
  lineStart: number;
  /** What was inlined here, innermost first; the last one was called by `name`. The innermost has the line of the address, each further one, and `file`/`line` above, the line of a call. */
  inlines: readonly InlinePlace[];
};

/** One inlined function at an address. */
export type InlinePlace = {
  readonly name: string;
  /** Null when not known. */
  readonly file: string | null;
  /** 0 when not known. */
  readonly line: number;
  /** First address of the run of instructions that `file` and `line` hold for: of the line record for the innermost, of the inlined range for the others. */
  readonly start: number;
};

/** A STACK WIN record: how 32-bit Windows code sets up its frame. */
export type WinFrame = {
  /** `program` runs `program`; `fpo` follows the fixed rules for omitted frame pointers. */
  readonly kind: "program" | "fpo";
  /** First address of the record's range. */
  readonly start: number;
  /** Bytes the range has. */
  readonly size: number;
  readonly prologBytes: number;
  readonly epilogBytes: number;
  readonly parameterBytes: number;
  readonly savedRegisterBytes: number;
  readonly localBytes: number;
  readonly maxStackBytes: number;
  /** FPO only: the function uses ebp for something else and saved it. */
  readonly allocatesBasePointer: boolean;
  /** Index into `expressions` of the program; -1 for FPO, and for a program that cannot be compiled. */
  readonly program: number;
  /** The program aligns the stack (`@`), so its return address is looked for from ebp. */
  readonly programAligns: boolean;
};

/** The symbols of one module. */
export type ModuleSymbols = {
  /** True when it holds rows of call frame information: then a scanned address without a row is suspicious. */
  readonly hasUnwindRows: boolean;
  /** True when a function that no unwind row has is a leaf, which saved nothing: Microsoft's rule for x64 and arm64. */
  readonly leafWithoutRow: boolean;
  /** True when names are missing that stand in files that were not there when it was compiled. */
  readonly lacksCompanion: boolean;
  /** True when it has functions or public symbols. */
  readonly hasNames: boolean;
  /** Fills `place` for an address; false (and `name` "") when no function and no public symbol has it. */
  lookUp(rva: number, place: SourcePlace): boolean;
  /** Whether a function or a public symbol with a name has the address: `lookUp` without its cost. */
  hasName(rva: number): boolean;
  /** Bytes of stack parameters that the function or public symbol at an address says it takes; 0 when it does not say. x86 only. */
  parameterBytes(rva: number): number;
  /** Index of the unwind row that holds an address; -1 when none does. */
  unwindRow(rva: number): number;
  /** First address of a row, or 0xffffffff for a row that does not exist. */
  rowStart(row: number): number;
  /** True when a row is the first of its function's record (STACK CFI INIT, FDE): nothing was pushed yet. */
  rowIsEntry(row: number): boolean;
  /** Index of a row's rule; times RULE_WORDS it is an offset into `rules`. */
  rowRule(row: number): number;
  /** See unwind-rule.ts. */
  readonly rules: Int32Array;
  /** See unwind-rule.ts. */
  readonly expressions: Int32Array;
  /** True when it has STACK WIN records. */
  readonly hasWinFrames: boolean;
  /** True when it has source lines. */
  readonly hasLines: boolean;
  /** The STACK WIN record for an address, a program before an FPO record; null when there is none. x86 only. */
  winFrame(rva: number): WinFrame | null;
};
