// Operands of x86 and amd64 instructions, by the letters of the opcode tables.
import type { X86Reader } from "./x86-reader.ts";

/** A memory operand. */
export type X86Memory = {
  readonly kind: "memory";
  readonly base: string | null;
  readonly index: string | null;
  readonly scale: number;
  readonly displacement: bigint;
  /** Whether it is relative to the next instruction; `base` is then rip. */
  readonly relative: boolean;
  /** A segment that counts; null for the usual one. */
  readonly segment: string | null;
  /** Bytes of the address. */
  readonly width: 2 | 4 | 8;
  /** Bytes touched; 0 when the instruction does not say. */
  readonly size: number;
  /** Bytes that the text names: a cache line for those that touch nothing. */
  readonly shownSize: number;
  readonly suffix: string;
};

/** An operand: a register, memory, or a number that only the text needs. */
export type X86Operand = { readonly kind: "register"; readonly name: string; readonly suffix: string } | X86Memory | { readonly kind: "number"; readonly text: string };

const low8 = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const high8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"];
const words = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const segments = ["es", "cs", "ss", "ds", "fs", "gs"];

/** A general register by number and bytes. */
export function generalRegister(number: number, size: number, rex: boolean): string {
  if (number >= 8) return `r${number}${size === 8 ? "" : size === 4 ? "d" : size === 2 ? "w" : "b"}`;
  if (size === 1) return (rex ? low8 : high8)[number]!;
  return size === 2 ? words[number]! : `${size === 4 ? "e" : "r"}${words[number]!}`;
}

function vectorRegister(number: number, size: number): string {
  return `${size === 64 ? "z" : size === 32 ? "y" : "x"}mm${number}`;
}

/** Bytes of a size letter; null for a letter that is none. */
function sizeOf(letter: string, reader: X86Reader): number | null {
  switch (letter) {
    case "b":
      return 1;
    case "w":
      return 2;
    case "d":
      return 4;
    case "q":
      return 8;
    case "o":
      return 16;
    case "t":
      return 10;
    case "x":
      return 0;
    case "c":
      return 64;
    case "y":
      return reader.w && reader.bits === 64 ? 8 : 4;
    case "g":
      return reader.vector === 16 ? 8 : reader.vector;
    case "k":
      return reader.mod === 3 ? reader.operandSize : 2;
    case "v":
      return reader.operandSize;
    case "z":
      return reader.operandSize === 2 ? 2 : 4;
    case "p":
      return reader.operandPrefix ? 2 : reader.bits / 8;
    case "h":
      return reader.vector / 2;
    case "f":
      return reader.vector / 4;
    case "e":
      return reader.vector / 8;
    case "%":
      return reader.w ? 8 : 4;
    default:
      return null;
  }
}

/** The operand that a table's letters stand for; null when there is no such operand in this instruction. */
export function operandOf(letters: string, reader: X86Reader, opcode: number): X86Operand | null {
  const size = sizeOf(letters[1] ?? "", reader);
  switch (letters[0]) {
    case "E":
      return reader.mod === 3 ? general(reader.rm + reader.addRm, size!, reader) : memory(reader, size!);
    case "M":
      if (reader.mod === 3 && reader.encoding !== "legacy") return null;
      return mayBeRegister(letters, reader) ?? (reader.mod === 3 ? null : memory(reader, letters === "Mf" ? 10 : (size ?? reader.vector)));
    case "G":
      return general(reader.reg + (reader.addReg & 8), size!, reader);
    case "R":
      return reader.mod === 3 ? general(reader.rm + reader.addRm, size!, reader) : null;
    case "Z":
      return general((opcode & 7) + reader.addRm, size!, reader);
    case "B":
      return general(reader.extra & 15, size!, reader);
    case "I":
    case "U":
      return immediate(letters, reader, size);
    case "J":
      return branch(reader, letters[1]!);
    case "O":
      return offset(reader, size!);
    case "S":
      return named(segments[reader.reg]);
    case "C":
    case "D":
      return named(`${letters[0] === "C" ? "c" : "d"}r${reader.reg + (reader.addReg & 8)}`);
    case "r":
      return general(0, reader.operandSize, reader);
    default:
      return /^[A-Z]/.test(letters) ? vectorOperand(letters, reader, size) : fixed(letters);
  }
}

/** Instructions that read a general register where the table says memory of less than 4 bytes: pinsrw and its like. */
function mayBeRegister(letters: string, reader: X86Reader): X86Operand | null {
  return reader.mod === 3 && (letters === "Mw" || letters === "Mb") ? general(reader.rm + reader.addRm, 4, reader) : null;
}

function named(name: string | undefined): X86Operand | null {
  return name === undefined ? null : { kind: "register", name, suffix: "" };
}

function fixed(text: string): X86Operand {
  return text.startsWith("0x") ? { kind: "number", text } : { kind: "register", name: text, suffix: "" };
}

function general(number: number, size: number, reader: X86Reader): X86Operand {
  return { kind: "register", name: generalRegister(number, size, reader.rex), suffix: "" };
}

function vectorOperand(letters: string, reader: X86Reader, size: number | null): X86Operand | null {
  const whole = size ?? reader.vector;
  const width = whole < 16 ? 16 : whole;
  switch (letters[0]) {
    case "V":
      return named(vectorRegister(reader.reg + reader.addReg, width));
    case "H":
      return named(vectorRegister(reader.extra, width));
    case "N":
      return reader.mod === 3 ? named(vectorRegister(reader.rm + vectorRm(reader), width)) : null;
    case "W":
      return reader.mod === 3 ? named(vectorRegister(reader.rm + vectorRm(reader), width)) : memory(reader, whole);
    case "A":
      return named(vectorRegister(reader.u8() >>> 4, width));
    case "P":
      return named(`mm${reader.reg}`);
    case "Q":
      if (reader.mod === 3) return named(`mm${reader.rm}`);
      return letters === "Qr" ? null : memory(reader, 8);
    case "K":
      return named(`k${reader.reg}`);
    case "L":
      if (reader.mod === 3) return named(`k${reader.rm}`);
      return letters === "Lr" ? null : memory(reader, maskBytes(reader));
    default:
      return null;
  }
}

/** EVEX has a fifth bit for a vector in ModRM.rm where the index would have its own. */
function vectorRm(reader: X86Reader): number {
  return reader.addRm + (reader.encoding === "evex" ? reader.addIndex * 2 : 0);
}

function maskBytes(reader: X86Reader): number {
  const narrow = reader.column === 1;
  return reader.w ? (narrow ? 4 : 8) : narrow ? 1 : 2;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function immediate(letters: string, reader: X86Reader, size: number | null): X86Operand {
  const bytes = letters[1] === "s" ? 1 : size!;
  const value = reader.number(bytes, letters[0] === "I");
  return { kind: "number", text: `${value < 0n ? "-" : ""}0x${magnitude(value).toString(16)}` };
}

function branch(reader: X86Reader, letter: string): X86Operand {
  const size = letter === "b" ? 1 : reader.bits === 32 && reader.operandPrefix ? 2 : 4;
  const distance = reader.number(size, true);
  return { kind: "number", text: `$${distance < 0n ? "-" : "+"}0x${magnitude(distance).toString(16)}` };
}

function offset(reader: X86Reader, size: number): X86Operand {
  return plainMemory(reader, size, { displacement: reader.number(reader.addressSize, false) });
}

/** A segment that counts: on amd64 only fs and gs have a base. */
export function countingSegment(reader: X86Reader): string | null {
  const { segment } = reader;
  if (segment === null || (reader.bits === 64 && segment !== "fs" && segment !== "gs")) return null;
  return segment === "ds" ? null : segment;
}

/** A memory operand with the usual values for what `parts` leaves out. */
export function plainMemory(reader: X86Reader, size: number, parts: Partial<X86Memory>): X86Memory {
  return { kind: "memory", base: null, index: null, scale: 1, displacement: 0n, relative: false, segment: countingSegment(reader), width: reader.addressSize, size, shownSize: size, suffix: "", ...parts };
}

/** What a broadcast element is repeated to, and its bytes. */
function broadcastOf(reader: X86Reader, size: number): { readonly size: number; readonly suffix: string } {
  if (!reader.broadcast) return { size, suffix: "" };
  const element = reader.w ? 8 : 4;
  return { size: element, suffix: `{1to${size / element}}` };
}

/** The operand in memory that ModRM describes. Its displacement of one byte counts whole operands under EVEX. */
function memory(reader: X86Reader, whole: number): X86Operand | null {
  const { size, suffix } = broadcastOf(reader, whole);
  const width = reader.addressSize;
  if (width === 2) return memory16(reader, size);
  let base: number | null = reader.rm + reader.addRm;
  let index: number | null = null;
  let scale = 1;
  if (reader.rm === 4) {
    const byte = reader.u8();
    scale = 1 << (byte >>> 6);
    index = ((byte >>> 3) & 7) + reader.addIndex;
    if (index === 4) index = null;
    base = (byte & 7) + reader.addRm;
    if ((byte & 7) === 5 && reader.mod === 0) base = null;
  } else if (reader.rm === 5 && reader.mod === 0) base = null;
  const near = base === null && index === null && reader.rm === 5 && reader.bits === 64;
  const displacement = reader.mod === 1 ? reader.number(1, true) * BigInt(reader.encoding === "evex" ? size || 1 : 1) : reader.mod === 2 || base === null ? reader.number(4, true) : 0n;
  const name = (number: number | null): string | null => (number === null ? null : generalRegister(number, width, true));
  return plainMemory(reader, size, { base: near ? (width === 4 ? "eip" : "rip") : name(base), index: name(index), scale, displacement, relative: near, suffix });
}

const bases16 = ["bx", "bx", "bp", "bp", "si", "di", "bp", "bx"];
const indexes16 = ["si", "di", "si", "di"];

function memory16(reader: X86Reader, size: number): X86Operand {
  const alone = reader.rm === 6 && reader.mod === 0;
  const displacement = reader.mod === 1 ? reader.number(1, true) : reader.mod === 2 || alone ? reader.number(2, true) : 0n;
  return plainMemory(reader, size, alone ? { displacement } : { base: bases16[reader.rm]!, index: indexes16[reader.rm] ?? null, displacement });
}
