// Decodes one instruction of x86 or amd64: name, operands, length. The tables
// are in x86-opcodes.ts, x86-vector-opcodes.ts and x86-float.ts.
//
// Why our own: the library for it (iced-x86, WebAssembly) costs 45 ms and
// 15 MB at its first instruction, in each thread that analyses crashes, and a
// dump has one instruction to read. Both decoders, and yaxpeax-x86 beside
// them, were compared on 135,000 instructions of real libraries.
//
// Steps, as the processor does them:
//   1. prefixes, of which REX, VEX and EVEX extend registers and choose tables;
//   2. the opcode, of one to three bytes;
//   3. the row of its table, by opcode, prefix and, for groups, ModRM.reg;
//   4. operands by the letters of the row.
//
// What is not decoded (instructions of the kernel, gathers, lanes and rounding
// of AVX-512, what has no row) gives null: no text rather than a wrong one. The
// reverse is not promised: some vector encodings that the processor refuses
// get a text here; it would not have reached them.
import { floatInstruction, stringOperands } from "./x86-float.ts";
import { groupRow, isGroup, oneByte, oneByte32, oneByte64, twoByte, twoByteF3, twoBytePlain, type OpcodeRow } from "./x86-opcodes.ts";
import { operandOf, type X86Memory, type X86Operand } from "./x86-operands.ts";
import { X86Reader } from "./x86-reader.ts";
import { vectorRow, type OpcodeMap } from "./x86-vector.ts";

/** A decoded instruction. */
export type X86Decoded = {
  /** Its name without prefixes, as yaxpeax spells it. */
  readonly name: string;
  /** `lock `, `rep ` and `repnz ` where they mean something. */
  readonly prefixes: string;
  readonly operands: readonly X86Operand[];
  readonly length: number;
  /** Bytes of a stack slot that it pushes or pops. */
  readonly slot: number;
};

const longest = 15;

/** Decodes the first instruction of the bytes; null for what is none, is cut, or is not known here. */
export function decodeX86(bytes: Uint8Array, bits: 32 | 64): X86Decoded | null {
  const reader = new X86Reader(bytes, bits);
  const opcode = readPrefixes(reader);
  const found = opcode === 0xc5 || opcode === 0xc4 || opcode === 0x62 ? extended(reader, opcode) : opcode === 0x0f ? afterEscape(reader) : single(reader, opcode);
  if (!found || reader.cut || reader.at > longest) return null;
  const repeats = found.string === true;
  const prefixes = `${reader.lock ? "lock " : ""}${repeats && reader.repeat !== 0 ? (reader.repeat === 0xf3 ? "rep " : "repnz ") : ""}`;
  return { name: found.name, prefixes, operands: found.operands, length: reader.at, slot: reader.operandPrefix ? 2 : bits / 8 };
}

type Found = { readonly name: string; readonly operands: readonly X86Operand[]; readonly string?: boolean };

const segmentPrefixes: { readonly [byte: number]: string } = { 0x26: "es", 0x2e: "cs", 0x36: "ss", 0x3e: "ds", 0x64: "fs", 0x65: "gs" };

/** Reads the prefixes and answers with the byte after them. A REX that another prefix follows means nothing. */
function readPrefixes(reader: X86Reader): number {
  for (let count = 0; count < longest; count++) {
    const byte = reader.u8();
    const segment = segmentPrefixes[byte];
    if (reader.bits === 64 && byte >= 0x40 && byte < 0x50) {
      setRex(reader, byte, true);
      continue;
    }
    if (segment !== undefined) {
      if (reader.bits === 32 || segment === "fs" || segment === "gs") reader.segment = segment;
    } else if (byte === 0x66) reader.operandPrefix = true;
    else if (byte === 0x67) reader.addressPrefix = true;
    else if (byte === 0xf0) reader.lock = true;
    else if (byte === 0xf2 || byte === 0xf3) reader.repeat = byte;
    else return byte;
    setRex(reader, 0, false);
  }
  reader.cut = true;
  return 0;
}

function setRex(reader: X86Reader, byte: number, present: boolean): void {
  reader.rex = present;
  reader.w = (byte & 8) !== 0;
  reader.addReg = byte & 4 ? 8 : 0;
  reader.addIndex = byte & 2 ? 8 : 0;
  reader.addRm = byte & 1 ? 8 : 0;
}

/** VEX and EVEX. On a 32-bit machine the same bytes are les, lds and bound where ModRM names memory. */
function extended(reader: X86Reader, opcode: number): Found | null {
  if (reader.bits === 32 && reader.peek() < 0xc0) return single(reader, opcode);
  if (reader.rex || reader.operandPrefix || reader.repeat !== 0 || reader.lock) return null;
  const map = opcode === 0x62 ? readEvex(reader) : readVex(reader, opcode === 0xc5);
  if (map < 1 || map > 3) return null;
  if (reader.bits === 32) forgetUpperRegisters(reader);
  const code = reader.u8();
  if (map === 1 && code === 0x77 && reader.encoding === "vex" && reader.extra === 0) return { name: reader.vector === 32 ? "vzeroall" : "vzeroupper", operands: [] };
  reader.readModRm();
  if (map === 2 && code === 0xf3 && reader.encoding === "vex") return bitGroup(reader);
  if (map === 1 && code === 0xae) return reader.reg === 2 || reader.reg === 3 ? fill({ name: reader.reg === 2 ? "vldmxcsr" : "vstmxcsr", operands: ["Md"] }, reader, code) : null;
  const row = vectorRow(map as OpcodeMap, code, reader);
  return row && fill(row, reader, code);
}

/** A 32-bit machine has eight registers of a kind, whatever the prefix says. */
function forgetUpperRegisters(reader: X86Reader): void {
  reader.addReg = 0;
  reader.addIndex = 0;
  reader.addRm = 0;
  reader.extra &= 7;
}

function bitGroup(reader: X86Reader): Found | null {
  const name = ["", "blsr", "blsmsk", "blsi"][reader.reg];
  return name === undefined || name === "" ? null : fill({ name, operands: ["By", "Ey"] }, reader, 0);
}

function setPrefix(reader: X86Reader, bits: number): void {
  reader.operandPrefix = bits === 1;
  reader.repeat = bits === 2 ? 0xf3 : bits === 3 ? 0xf2 : 0;
}

function readVex(reader: X86Reader, short: boolean): number {
  const first = reader.u8();
  const second = short ? first : reader.u8();
  reader.encoding = "vex";
  reader.addReg = first & 0x80 ? 0 : 8;
  reader.addIndex = short || first & 0x40 ? 0 : 8;
  reader.addRm = short || first & 0x20 ? 0 : 8;
  reader.w = !short && (second & 0x80) !== 0;
  reader.extra = ~(second >>> 3) & 15;
  reader.vector = second & 4 ? 32 : 16;
  setPrefix(reader, second & 3);
  return short ? 1 : first & 31;
}

function readEvex(reader: X86Reader): number {
  const [first, second, third] = [reader.u8(), reader.u8(), reader.u8()];
  reader.encoding = "evex";
  reader.addReg = (first & 0x80 ? 0 : 8) + (first & 0x10 ? 0 : 16);
  reader.addIndex = first & 0x40 ? 0 : 8;
  reader.addRm = first & 0x20 ? 0 : 8;
  reader.w = (second & 0x80) !== 0;
  reader.extra = (~(second >>> 3) & 15) + (third & 8 ? 0 : 16);
  setPrefix(reader, second & 3);
  reader.vector = 16 << ((third >>> 5) & 3);
  reader.mask = third & 7;
  reader.zeroing = (third & 0x80) !== 0;
  reader.broadcast = (third & 0x10) !== 0;
  return (first & 8) !== 0 || reader.vector === 128 || (second & 4) === 0 ? 0 : first & 7;
}

/** Instructions of one opcode byte. */
function single(reader: X86Reader, opcode: number): Found | null {
  if (opcode === 0x90 && reader.addRm === 0) return { name: reader.repeat === 0xf3 ? "pause" : "nop", operands: [] };
  if (opcode >= 0xd8 && opcode <= 0xdf) {
    reader.readModRm();
    return floatInstruction(opcode, reader);
  }
  if (isGroup(opcode)) {
    reader.readModRm();
    const row = groupRow(opcode, reader.reg);
    return row ? fill(row, reader, opcode) : null;
  }
  const row = oneByte.get(opcode) ?? (reader.bits === 32 ? oneByte32 : oneByte64).get(opcode);
  if (!row) return null;
  if (isString(opcode)) return { name: row.name, operands: stringOperands(row.name, opcode, reader), string: true };
  return withModRm(row, reader, opcode);
}

function isString(opcode: number): boolean {
  return (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
}

/** Instructions after 0f. */
function afterEscape(reader: X86Reader): Found | null {
  const opcode = reader.u8();
  if (opcode === 0x38 || opcode === 0x3a) return threeBytes(reader, opcode);
  if (opcode === 0x01) return system(reader);
  if (opcode === 0x1e && reader.repeat === 0xf3 && (reader.peek() === 0xfa || reader.peek() === 0xfb)) return { name: reader.u8() === 0xfa ? "endbr64" : "endbr32", operands: [] };
  const plain = (reader.repeat === 0xf3 ? twoByteF3 : twoBytePlain).get(opcode) ?? twoByte.get(opcode);
  if (plain) return withModRm(plain, reader, opcode);
  if (opcode === 0x77) return reader.column === 0 ? { name: "emms", operands: [] } : null;
  reader.readModRm();
  const row = isGroup(0x0f00 | opcode) ? grouped(opcode, reader) : vectorRow(1, opcode, reader);
  return row ? fill(row, reader, opcode) : null;
}

const fences = ["", "", "", "", "", "lfence", "mfence", "sfence"];
const bases = ["rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase"];

function grouped(opcode: number, reader: X86Reader): OpcodeRow | null {
  const register = reader.mod === 3;
  if (opcode === 0xae && register) {
    const name = reader.repeat === 0xf3 ? bases[reader.reg] : fences[reader.reg];
    return name === undefined || name === "" ? null : { name, operands: reader.repeat === 0xf3 ? ["Ey"] : [] };
  }
  if (opcode === 0xae && reader.operandPrefix) return reader.reg === 7 ? { name: "clflushopt", operands: ["Mc"] } : reader.reg === 6 ? { name: "clwb", operands: ["Mc"] } : null;
  if (opcode === 0xc7 && register) return reader.reg >= 6 ? { name: reader.reg === 6 ? "rdrand" : "rdseed", operands: ["Ev"] } : null;
  if (opcode === 0xc7 && reader.reg === 1 && reader.w) return { name: "cmpxchg16b", operands: ["Mo"] };
  return groupRow(0x0f00 | opcode, reader.reg);
}

/** The few instructions of 0f 01 that programs use. */
function system(reader: X86Reader): Found | null {
  const name = { 0xd0: "xgetbv", 0xd5: "xend", 0xd6: "xtest", 0xf9: "rdtscp" }[reader.u8()];
  return name === undefined ? null : { name, operands: [] };
}

function threeBytes(reader: X86Reader, escape: number): Found | null {
  const opcode = reader.u8();
  reader.readModRm();
  if (escape === 0x38 && (opcode === 0xf0 || opcode === 0xf1)) return swapped(reader, opcode);
  const row = vectorRow(escape === 0x38 ? 2 : 3, opcode, reader);
  return row && fill(row, reader, opcode);
}

/** movbe, and crc32 behind f2. */
function swapped(reader: X86Reader, opcode: number): Found | null {
  if (reader.repeat === 0xf2) return fill({ name: "crc32", operands: [reader.w ? "Gq" : "Gd", opcode === 0xf0 ? "Eb" : "Ev"] }, reader, opcode);
  return reader.mod === 3 ? null : fill({ name: "movbe", operands: opcode === 0xf0 ? ["Gv", "Mv"] : ["Mv", "Gv"] }, reader, opcode);
}

function withModRm(row: OpcodeRow, reader: X86Reader, opcode: number): Found | null {
  if (row.operands.some((letters) => "EMGSCDR".includes(letters[0]!))) reader.readModRm();
  return fill(row, reader, opcode);
}

/** The row with its operands; null when one of them cannot be in this instruction. */
function fill(row: OpcodeRow, reader: X86Reader, opcode: number): Found | null {
  const operands: X86Operand[] = [];
  for (const letters of row.operands) {
    const operand = operandOf(letters, reader, opcode);
    if (!operand) return null;
    operands.push(operand);
  }
  const memory = operands.find((operand) => operand.kind === "memory");
  if ((reader.broadcast && !memory) || !mayBeMasked(operands[0], reader)) return null;
  return { name: bySize(row.name, reader, memory), operands: reader.mask === 0 && !reader.zeroing ? operands : masked(operands, reader) };
}

/** A mask belongs to a vector or another mask; zeroing needs one and a register. */
function mayBeMasked(first: X86Operand | undefined, reader: X86Reader): boolean {
  if (reader.mask === 0) return !reader.zeroing;
  return first?.kind === "register" ? /^([xyz]mm|k)/.test(first.name) : first?.kind === "memory" && !reader.zeroing;
}

function bySize(name: string, reader: X86Reader, memory: X86Memory | undefined): string {
  const wide = reader.w && reader.bits === 64;
  if (wide && (name === "movd" || name === "vmovd")) return name.replace(/d$/, "q");
  if (name === "jrcxz") return `j${reader.addressSize === 8 ? "r" : reader.addressSize === 4 ? "e" : ""}cxz`;
  if (reader.mod === 3 && !memory) {
    if (name === "movlps") return "movhlps";
    if (name === "vmovlps") return "vmovhlps";
    if (name === "movhps") return "movlhps";
    if (name === "vmovhps") return "vmovlhps";
  }
  const names = name.split("|");
  return names.length === 1 ? name : names[reader.operandSize === 2 ? 0 : reader.operandSize === 4 ? 1 : 2]!;
}

function masked(operands: readonly X86Operand[], reader: X86Reader): X86Operand[] {
  return operands.map((operand, index) => {
    if (index > 0 || operand.kind === "number") return operand;
    return { ...operand, suffix: `${operand.suffix}{k${reader.mask}}${reader.zeroing ? "{z}" : ""}` };
  });
}
