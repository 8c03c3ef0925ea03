// The registers of each architecture by number and by name: one numbering for
// CPU contexts, unwind rules and expressions, so that none has to translate.
//
// amd64, x86 and arm64 follow their DWARF numbering for the general-purpose
// registers (System V psABI, AAPCS64 DWARF); the program counter comes after.

/** Architectures that can be walked. */
export type Arch = "x86" | "amd64" | "arm" | "arm64";

/** The register file of one architecture. */
export type RegisterFile = {
  readonly arch: Arch;
  /** Bytes of a pointer. */
  readonly wordBytes: 4 | 8;
  /** Names by number, without `$`, as rust-minidump prints them. */
  readonly names: readonly string[];
  readonly pc: number;
  readonly sp: number;
  /** The frame pointer that the platform's convention names: ebp, rbp, r11 (r7 on iOS, which the unwinder knows), x29. */
  readonly fp: number;
  /** The link register; -1 where return addresses are only on the stack. */
  readonly lr: number;
  /** Registers that a callee must preserve on every platform of the architecture. */
  readonly calleeSaved: readonly number[];
};

/** Other spellings of a register's name in STACK CFI records, all without `$`. */
const aliases: { readonly [arch in Arch]: { readonly [name: string]: string } } = {
  x86: {},
  amd64: {},
  arm: { r11: "fp", r13: "sp", r14: "lr", r15: "pc" },
  arm64: { x29: "fp", x30: "lr", x31: "sp" },
};

const numbered = (prefix: string, from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`);

/** All register files. */
export const registerFiles: { readonly [arch in Arch]: RegisterFile } = {
  x86: { arch: "x86", wordBytes: 4, names: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags"], pc: 8, sp: 4, fp: 5, lr: -1, calleeSaved: [3, 5, 6, 7] },
  amd64: {
    arch: "amd64",
    wordBytes: 8,
    names: ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", ...numbered("r", 8, 15), "rip"],
    pc: 16,
    sp: 7,
    fp: 6,
    lr: -1,
    calleeSaved: [3, 6, 12, 13, 14, 15],
  },
  arm: { arch: "arm", wordBytes: 4, names: [...numbered("r", 0, 10), "fp", "r12", "sp", "lr", "pc"], pc: 15, sp: 13, fp: 11, lr: 14, calleeSaved: [4, 5, 6, 7, 8, 9, 10, 11] },
  arm64: {
    arch: "arm64",
    wordBytes: 8,
    names: [...numbered("x", 0, 28), "fp", "lr", "sp", "pc"],
    pc: 32,
    sp: 31,
    fp: 29,
    lr: 30,
    calleeSaved: [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
  },
};

/** The number of a register by its name, with or without `$`; undefined for a name that the architecture does not have. */
export function registerNumber(file: RegisterFile, name: string): number | undefined {
  const bare = name.startsWith("$") ? name.slice(1) : name;
  const number = file.names.indexOf(aliases[file.arch][bare] ?? bare);
  return number < 0 ? undefined : number;
}
