// How a symbol cache says "restore the caller": rules and expressions as
// rows of 32-bit integers, so that a step of a walk parses and allocates
// nothing.
//
// A file has few distinct rules (tens to thousands for hundreds of thousands
// of rows), so they are stored once and named by their index. A rule has
// RULE_WORDS words:
//
//     0   kind of the CFA (cfaKind) in bits 0..7, its register in bits 8..15, `interruptedFlag`
//     1   offset that is added to the register, or an expression's index
//     2   kind of the return address (raKind)
//     3   its offset from the CFA, or a register, or an expression's index
//     4   what happens to each saved register: 2 bits a slot (saveKind), slot 0 lowest
//     5…  one word a slot: the offset from the CFA, or an expression's index
//
// There are SLOTS slots. On x86, amd64 and arm a slot is a register's number;
// on arm64 it is the number minus 16, so x16 to x30 and sp (31) have one.
// A register without a slot cannot be restored; none of them is callee-saved.
//
// An expression is a run of (operation, operand) pairs in `expressions`, for a
// stack machine, ended by op.end; an expression's index is the index of its
// first word. Every expression that is stored leaves exactly one value.

/** Values that an expression holds at a time, at most, so that an evaluator can have a fixed stack. */
export const expressionDepth = 32;
/** Variables of one STACK WIN program, at most: those with a meaning and `$T0` and the like. */
export const winVariableCount = 64;
/** Words of one rule. */
export const RULE_WORDS = 21;
/** Registers that a rule can restore. */
export const SLOTS = 16;
/** The register number of slot 0 on arm64; elsewhere it is 0. */
export const ARM64_FIRST_SLOT = 16;
/** Index of the first word that belongs to a slot. */
export const RULE_SLOT_WORDS = 5;

/** In a rule's first word: the caller did not call but was interrupted (a trap or signal frame), so its address is that of the next instruction and not of a return. */
export const interruptedFlag = 0x10000;

/** How the canonical frame address is found. */
export const cfaKind = {
  /** There is none: the frame cannot be unwound by rule. */
  none: 0,
  /** Register plus offset. */
  register: 1,
  expression: 2,
  /** The outermost frame: nothing called it. */
  end: 3,
} as const;

/** How the return address is found. */
export const raKind = {
  none: 0,
  /** The word at CFA plus offset. */
  atCfa: 1,
  /** The value of a register. */
  register: 2,
  expression: 3,
} as const;

/** What happens to a register. */
export const saveKind = {
  /** No rule: kept if the platform says that a callee preserves it, else lost. */
  unsaid: 0,
  /** The word at CFA plus offset. */
  atCfa: 1,
  /** Said to be lost. */
  undefined: 2,
  expression: 3,
} as const;

/** Operations of expressions. All arithmetic wraps at the width of a pointer; a failing operation fails the expression. */
export const op = {
  end: 0,
  /** Push the operand, a signed number. */
  constant: 1,
  /** Push a register; fails when its value is not known. */
  register: 2,
  /** Push the CFA; fails while the CFA itself is being found. */
  cfa: 3,
  add: 4,
  subtract: 5,
  multiply: 6,
  /** Unsigned; fails on zero. */
  divide: 7,
  /** Unsigned; fails on zero. */
  modulo: 8,
  /** Round the first down to a multiple of the second, which must be a power of two. */
  align: 9,
  /** Replace an address by the word there; fails outside the stack. */
  dereference: 10,
  /** Always fails (`.undef`). */
  fail: 11,
  // The rest occurs in STACK WIN programs only.
  /** Push a variable of the program; fails when it was not set. */
  variable: 12,
  /** Pop a value into a variable. */
  assign: 13,
  /** Forget a variable. */
  forget: 14,
} as const;

/** Variables of STACK WIN programs that have a meaning outside of them; others ($T0, …) get the numbers that follow. */
export const winVariable = {
  eip: 0,
  esp: 1,
  ebp: 2,
  ebx: 3,
  esi: 4,
  edi: 5,
  raSearch: 6,
  raSearchStart: 7,
  cbParams: 8,
  cbCalleeParams: 9,
  cbSavedRegs: 10,
  cbLocals: 11,
  firstOther: 12,
} as const;
