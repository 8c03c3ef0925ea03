// Opcodes of x86 and amd64 on general registers, as Intel's manual lays them
// out (Software Developer's Manual, volume 2, appendix A), with yaxpeax's
// names. The vector instructions are in x86-vector-opcodes.ts.
//
// A row is an opcode in hexadecimal, a name, and operands in the manual's
// letters, which x86-decoder.ts reads:
//   E  register or memory by ModRM.rm; M  memory only; G  register by ModRM.reg
//   Z  register by the opcode's last three bits; I  signed number, U  unsigned
//   J  distance of a branch; O  address in the instruction; S, C, D  segment,
//   control and debug registers
// followed by a size: b, w, d, q are 1, 2, 4, 8 bytes; v is the operand's size,
// y is 8 with REX.W and else 4, z is v but 4 at most, s is one byte, extended;
//   k is v for a register and 2 bytes of memory;
// p is a stack slot, x means that the instruction does not say. What is in
// lower case is a register or a number by name, `rAX` one of the operand's
// size. A name that depends on the operand's size has its three spellings
// between bars.

/** How one opcode reads: its name and its operands. */
export type OpcodeRow = { readonly name: string; readonly operands: readonly string[] };

/** Conditions by number, as yaxpeax spells them after `j` and `cmov`. */
export const conditions: readonly string[] = ["o", "no", "b", "nb", "z", "nz", "na", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/** After `set` two of them have the other name. */
export const setConditions: readonly string[] = ["o", "no", "b", "ae", "z", "nz", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/** The row of a text: a name, then operands between commas. */
export function opcodeRow(text: string): OpcodeRow {
  const [name, operands] = text.split(" ");
  return { name: name!, operands: operands === undefined || operands === "" ? [] : operands.split(",") };
}

/**
 * Rows by opcode, from texts: an opcode (`50-57` for eight alike), a name, operands. A text is read when its opcode is first asked for,
 * since a dump has one instruction and a table has hundreds of rows.
 */
export class OpcodeTable {
  readonly #texts: readonly string[];
  readonly #known = new Map<number, OpcodeRow | null>();

  constructor(...texts: readonly string[]) {
    this.#texts = texts;
  }

  /** The row of an opcode; null when it has none. */
  get(opcode: number): OpcodeRow | null {
    const known = this.#known.get(opcode);
    if (known !== undefined) return known;
    const text = this.#texts.find((row) => isOf(row, opcode));
    const row = text === undefined ? null : opcodeRow(text.slice(text.indexOf(" ") + 1));
    this.#known.set(opcode, row);
    return row;
  }
}

/** Whether a row is of an opcode. */
function isOf(row: string, opcode: number): boolean {
  const first = Number.parseInt(row, 16);
  if (opcode === first) return true;
  const dash = row.indexOf("-");
  return opcode > first && dash > 0 && dash < row.indexOf(" ") && opcode <= Number.parseInt(row.slice(dash + 1), 16);
}

const arithmetic: readonly string[] = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"];

function arithmeticRows(): string[] {
  return arithmetic.flatMap((name, number) =>
    ["Eb,Gb", "Ev,Gv", "Gb,Eb", "Gv,Ev", "al,Ib", "rAX,Iz"].map((operands, form) => `${(number * 8 + form).toString(16)} ${name} ${operands}`),
  );
}

function conditionRows(first: number, prefix: string, names: readonly string[], operands: string): string[] {
  return names.map((name, number) => `${(first + number).toString(16)} ${prefix}${name} ${operands}`);
}

/** Opcodes of one byte, in both modes. */
export const oneByte = new OpcodeTable(
  ...arithmeticRows(), "50-57 push Zp", "58-5f pop Zp", "68 push Iz", "69 imul Gv,Ev,Iz", "6a push Is", "6b imul Gv,Ev,Is",
  ...conditionRows(0x70, "j", conditions, "Jb"), "84 test Eb,Gb", "85 test Ev,Gv", "86 xchg Eb,Gb", "87 xchg Ev,Gv", "88 mov Eb,Gb", "89 mov Ev,Gv",
  "8a mov Gb,Eb", "8b mov Gv,Ev", "8c mov Ek,Sw", "8d lea Gv,Mv", "8e mov Sw,Ew", "90-97 xchg rAX,Zv", "98 cbw|cwde|cdqe", "99 cwd|cdq|cqo", "9b wait", "9c pushf",
  "9d popf", "9e sahf", "9f lahf", "a0 mov al,Ob", "a1 mov rAX,Ov", "a2 mov Ob,al", "a3 mov Ov,rAX", "a8 test al,Ib", "a9 test rAX,Iz", "b0-b7 mov Zb,Ub",
  "b8-bf mov Zv,Iv", "c2 ret Uw", "c3 ret", "c8 enter Uw,Ub", "c9 leave", "ca retf Uw", "cb retf", "cc int 0x3", "cd int Ub", "cf iret|iretd|iretq", "e0 loopnz Jb", "e1 loopz Jb",
  "e2 loop Jb", "e3 jrcxz Jb", "e4 in al,Ub", "e5 in eax,Ub", "e6 out Ub,al", "e7 out Ub,eax", "e8 call Jz", "e9 jmp Jz", "eb jmp Jb", "ec in al,dx", "ed in eax,dx",
  "ee out dx,al", "ef out dx,eax", "f1 int 0x1", "f4 hlt", "f5 cmc", "f8 clc", "f9 stc", "fa cli", "fb sti", "fc cld", "fd std",
  "a4 movs", "a5 movs", "a6 cmps", "a7 cmps", "aa stos", "ab stos", "ac lods", "ad lods", "ae scas", "af scas", "6c ins", "6d ins", "6e outs", "6f outs",
); // prettier-ignore

/** Opcodes of one byte that are something else on a 64-bit machine. */
export const oneByte32 = new OpcodeTable(
  "6 push es", "7 pop es", "e push cs", "16 push ss", "17 pop ss", "1e push ds", "1f pop ds", "27 daa", "2f das", "37 aaa", "3f aas", "40-47 inc Zv", "48-4f dec Zv",
  "60 pusha|pushad|pushad", "61 popa|popad|popad", "62 bound Gv,Mq", "63 arpl Ew,Gw", "ce into", "d4 aam Ib", "d5 aad Ib", "d6 salc",
); // prettier-ignore

/** Opcodes of one byte that only a 64-bit machine has. */
export const oneByte64 = new OpcodeTable("63 movsxd Gv,Ed");

/** Opcodes after 0f that do not depend on a prefix. */
export const twoByte = new OpcodeTable(
  "5 syscall", "6 clts", "7 sysret", "8 invd", "9 wbinvd", "b ud2", "19-1d nop Ev", "1e nop Ev", "1f nop Ev", "20 mov Ry,Cy", "21 mov Ry,Dy", "22 mov Cy,Ry", "23 mov Dy,Ry",
  "30 wrmsr", "31 rdtsc", "32 rdmsr", "33 rdpmc", "34 sysenter", "35 sysexit", ...conditionRows(0x40, "cmov", conditions, "Gv,Ev"), ...conditionRows(0x80, "j", conditions, "Jz"),
  ...conditionRows(0x90, "set", setConditions, "Eb"), "a0 push fs", "a1 pop fs", "a2 cpuid", "a3 bt Ev,Gv", "a4 shld Ev,Gv,Ib", "a5 shld Ev,Gv,cl", "a8 push gs", "a9 pop gs",
  "ab bts Ev,Gv", "ac shrd Ev,Gv,Ib", "ad shrd Ev,Gv,cl", "af imul Gv,Ev", "b0 cmpxchg Eb,Gb", "b1 cmpxchg Ev,Gv", "b3 btr Ev,Gv", "b6 movzx Gv,Eb", "b7 movzx Gv,Ew",
  "bb btc Ev,Gv", "be movsx Gv,Eb", "bf movsx Gv,Ew", "c0 xadd Eb,Gb", "c1 xadd Ev,Gv", "c3 movnti My,Gy", "c8-cf bswap Zv", "ff ud0 Gd,Ed",
); // prettier-ignore

/** Opcodes after 0f that need the prefix f3. */
export const twoByteF3 = new OpcodeTable("9 wbnoinvd", "b8 popcnt Gv,Ev", "bc tzcnt Gv,Ev", "bd lzcnt Gv,Ev");

/** Opcodes after 0f that must not have it. */
export const twoBytePlain = new OpcodeTable("bc bsf Gv,Ev", "bd bsr Gv,Ev");

/** What ModRM.reg chooses, by opcode (0x0f.. for those after 0f): eight rows, `-` where there is none, `=` before names that all have the same operands. */
const groupTexts: { readonly [opcode: number]: string } = {
  0x80: "=Eb,Ib add or adc sbb and sub xor cmp",
  0x81: "=Ev,Iz add or adc sbb and sub xor cmp",
  0x83: "=Ev,Is add or adc sbb and sub xor cmp",
  0x8f: "=Ep pop - - - - - - -",
  0xc0: "=Eb,Ib rol ror rcl rcr shl shr sal sar",
  0xc1: "=Ev,Ib rol ror rcl rcr shl shr sal sar",
  0xc6: "=Eb,Ib mov - - - - - - -",
  0xc7: "=Ev,Iz mov - - - - - - -",
  0xd0: "=Eb,0x1 rol ror rcl rcr shl shr sal sar",
  0xd1: "=Ev,0x1 rol ror rcl rcr shl shr sal sar",
  0xd2: "=Eb,cl rol ror rcl rcr shl shr sal sar",
  0xd3: "=Ev,cl rol ror rcl rcr shl shr sal sar",
  0xfe: "=Eb inc dec - - - - - -",
  0x0fba: "=Ev,Ib - - - - bt bts btr btc",
  0x0f18: "=Mc prefetchnta prefetcht0 prefetcht1 prefetcht2 - - - -",
  0x0f0d: "=Mc prefetchw prefetchw prefetchw prefetchw prefetchw prefetchw prefetchw prefetchw",
};

/** The groups whose rows differ in their operands. */
const mixedGroups: { readonly [opcode: number]: readonly string[] } = {
  0xf6: ["test Eb,Ib", "test Eb,Ib", "not Eb", "neg Eb", "mul Eb", "imul Eb", "div Eb", "idiv Eb"],
  0xf7: ["test Ev,Iz", "test Ev,Iz", "not Ev", "neg Ev", "mul Ev", "imul Ev", "div Ev", "idiv Ev"],
  0xff: ["inc Ev", "dec Ev", "call Ep", "callf Mf", "jmp Ep", "jmpf Mf", "push Ep", "-"],
  0x0fae: ["fxsave Mx", "fxrstor Mx", "ldmxcsr Md", "stmxcsr Md", "xsave Mx", "xrstor Mx", "xsaveopt Mx", "clflush Mc"],
  0x0fc7: ["-", "cmpxchg8b Mq", "-", "xrstors Mx", "xsavec Mx", "xsaves Mx", "-", "-"],
};

/** Whether ModRM.reg chooses what an opcode is. */
export function isGroup(opcode: number): boolean {
  return opcode in groupTexts || opcode in mixedGroups;
}

/** The row that ModRM.reg chooses; null when there is none. */
export function groupRow(opcode: number, reg: number): OpcodeRow | null {
  const mixed = mixedGroups[opcode]?.[reg];
  if (mixed !== undefined) return mixed === "-" ? null : opcodeRow(mixed);
  const [operands, ...names] = groupTexts[opcode]!.split(" ");
  return names[reg] === "-" ? null : opcodeRow(`${names[reg]!} ${operands!.slice(1)}`);
}
