// Text of x86 and amd64 instructions in the spelling of yaxpeax-x86, which
// rust-minidump prints: `mov dword [rax + rcx * 4 - 0x10], 0x5`. The decoder
// (iced) has formatters of its own, none of them in this style.
//
// Where yaxpeax is wrong about the instruction itself (it widens `movd` and
// `pinsrd`, mixes up operands of `vfmadd…sd`, names the 64-bit register for
// `bswap eax`), the decoder's right answer stands.
import type { Instruction as IcedInstruction } from "iced-x86";
import type { Iced } from "./x86-decoder.ts";

/** Labels by bytes of the access. */
const sizeLabels: { readonly [bytes: number]: string } = { 1: "byte", 2: "word", 4: "dword", 6: "far", 8: "qword", 10: "mword", 16: "xmmword", 32: "ymmword", 64: "zmmword" };

/** Mnemonics that the two name differently. */
const spellings: { readonly [mnemonic: string]: string } = {
  je: "jz", jne: "jnz", jae: "jnb", jbe: "jna", sete: "setz", setne: "setnz", cmove: "cmovz", cmovne: "cmovnz", cmovae: "cmovnb", cmovbe: "cmovna",
  loope: "loopz", loopne: "loopnz", pushfq: "pushf", popfq: "popf", pushfd: "pushf", popfd: "popf",
}; // prettier-ignore

/** Instructions on strings, whose size yaxpeax says at the operand and not in the name. */
const stringInstruction = /^(movs|cmps|scas|stos|lods|ins|outs)[bwdq]$/;

/** x87 instructions with one operand that do not use st(0). */
const withoutStack = /^f(ldcw|n?stcw|ldenv|n?stenv|rstor|n?save|n?stsw|x.*)$/;
const storesStack = /^f(st|stp|ist|istp|isttp|bstp)$/;

/** Instructions whose 8-bit immediate is a number without sign. */
const unsignedImmediates = /^(int|in|out|enter|ret|retf|aeskeygenassist|v.*)$/;

/** The text of an instruction that was decoded with the instruction pointer 0. */
export function x86Text(iced: Iced, instruction: IcedInstruction, bits: 32 | 64): string {
  const name = iced.Mnemonic[instruction.mnemonic]!.toLowerCase();
  if (name === "int3" || name === "int1") return `int 0x${name[3]}`;
  const operands: string[] = [];
  for (let index = 0; index < instruction.opCount; index++) operands.push(operand(iced, instruction, index, name, bits));
  const string = isString(iced, instruction, name);
  const far = (name === "call" || name === "jmp") && isFar(iced, instruction) ? "f" : "";
  const mnemonic = string ? name.slice(0, -1) : `${spellings[name] ?? name}${far}`;
  const shown = `${prefixes(instruction, string)}${mnemonic}`;
  return operands.length === 0 ? shown : `${shown} ${arranged(iced, instruction, name, operands).join(", ")}`;
}

function isFar(iced: Iced, instruction: IcedInstruction): boolean {
  const sizes = iced.MemorySize;
  return [sizes.SegPtr16, sizes.SegPtr32, sizes.SegPtr64].includes(instruction.memorySize);
}

/** `movsd` and `cmpsd` are also the names of instructions on xmm registers. */
function isString(iced: Iced, instruction: IcedInstruction, name: string): boolean {
  if (!stringInstruction.test(name)) return false;
  const [first, second] = [instruction.opKind(0), instruction.opKind(1)];
  return [first, second].some((kind) => kind >= iced.OpKind.MemorySegSI && kind <= iced.OpKind.MemoryESRDI);
}

function prefixes(instruction: IcedInstruction, string: boolean): string {
  const lock = instruction.hasLockPrefix ? "lock " : "";
  if (string && instruction.hasRepePrefix) return `${lock}rep `;
  return string && instruction.hasRepnePrefix ? `${lock}repnz ` : lock;
}

/** Operands in yaxpeax's order, and with the st(0) that it spells out. */
function arranged(iced: Iced, instruction: IcedInstruction, name: string, operands: readonly string[]): readonly string[] {
  const [first, second] = operands;
  if (operands.length === 2 && (name.startsWith("scas") || isShortExchange(iced, instruction))) return [second!, first!];
  if (operands.length !== 1 || !name.startsWith("f") || withoutStack.test(name)) return operands;
  if (storesStack.test(name)) return [first!, "st(0)"];
  return name === "fld" || instruction.opKind(0) === iced.OpKind.Memory ? ["st(0)", first!] : operands;
}

function isShortExchange(iced: Iced, instruction: IcedInstruction): boolean {
  if (instruction.mnemonic !== iced.Mnemonic.Xchg || instruction.opKind(0) !== iced.OpKind.Register) return false;
  const code = instruction.code;
  return code === iced.Code.Xchg_r16_AX || code === iced.Code.Xchg_r32_EAX || code === iced.Code.Xchg_r64_RAX;
}

function operand(iced: Iced, instruction: IcedInstruction, index: number, name: string, bits: 32 | 64): string {
  const kind = instruction.opKind(index);
  const kinds = iced.OpKind;
  switch (kind) {
    case kinds.Register:
      return registerName(iced, instruction.opRegister(index)) + mask(iced, instruction, index);
    case kinds.NearBranch16:
    case kinds.NearBranch32:
    case kinds.NearBranch64: {
      const distance = BigInt.asIntN(bits, instruction.nearBranchTarget - BigInt(instruction.length));
      return `$${distance < 0n ? "-" : "+"}0x${magnitude(distance).toString(16)}`;
    }
    case kinds.FarBranch16:
    case kinds.FarBranch32:
      return `0x${instruction.farBranchSelector.toString(16)}:0x${instruction.farBranch32.toString(16)}`;
    case kinds.Immediate8:
    case kinds.Immediate8_2nd:
    case kinds.Immediate16:
    case kinds.Immediate32:
    case kinds.Immediate64:
    case kinds.Immediate8to16:
    case kinds.Immediate8to32:
    case kinds.Immediate8to64:
    case kinds.Immediate32to64:
      return immediate(iced, instruction, index, name);
    default:
      return memory(iced, instruction, kind, name, bits) + mask(iced, instruction, index);
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function immediate(iced: Iced, instruction: IcedInstruction, index: number, name: string): string {
  const kinds = iced.OpKind;
  const kind = instruction.opKind(index);
  const raw = instruction.immediate(index);
  const width = kind === kinds.Immediate8 || kind === kinds.Immediate8_2nd ? 8 : kind === kinds.Immediate16 ? 16 : kind === kinds.Immediate32 ? 32 : 64;
  const unsigned = unsignedImmediates.test(name) || (name === "mov" && width === 8 && instruction.opKind(0) === kinds.Register);
  const value = unsigned ? BigInt.asUintN(width, raw) : BigInt.asIntN(width, raw);
  return `${value < 0n ? "-" : ""}0x${magnitude(value).toString(16)}`;
}

/** A register's name as yaxpeax spells it. */
export function registerName(iced: Iced, number: number): string {
  const name = iced.Register[number]!.toLowerCase();
  if (/^st\d$/.test(name)) return `st(${name[2]})`;
  return /^r\d+l$/.test(name) ? `${name.slice(0, -1)}b` : name;
}

function mask(iced: Iced, instruction: IcedInstruction, index: number): string {
  if (index !== 0 || !instruction.hasOpMask) return "";
  return `{${registerName(iced, instruction.opMask)}}${instruction.zeroingMasking ? "{z}" : ""}`;
}

function memory(iced: Iced, instruction: IcedInstruction, kind: number, name: string, bits: 32 | 64): string {
  const broadcast = instruction.isBroadcast ? `{1to${iced.MemorySizeExt.size(instruction.memorySize) / iced.MemorySizeExt.elementSize(instruction.memorySize)}}` : "";
  return `${label(iced, instruction, name)} ${segment(iced, instruction, kind, name, bits)}[${address(iced, instruction, kind, bits)}]${broadcast}`;
}

function label(iced: Iced, instruction: IcedInstruction, name: string): string {
  if (name === "lea") return sizeLabels[iced.RegisterExt.size(instruction.op0Register)] ?? "ptr";
  if (name.startsWith("prefetch") || name.startsWith("clflush") || name === "clwb") return "zmmword";
  if (isFar(iced, instruction)) return "mword";
  const sizes = iced.MemorySizeExt;
  return sizeLabels[instruction.isBroadcast ? sizes.elementSize(instruction.memorySize) : sizes.size(instruction.memorySize)] ?? "ptr";
}

function segment(iced: Iced, instruction: IcedInstruction, kind: number, name: string, bits: 32 | 64): string {
  const kinds = iced.OpKind;
  const registers = iced.Register;
  if (kind >= kinds.MemoryESDI && kind <= kinds.MemoryESRDI && !name.startsWith("ins")) return "es:";
  const prefix = instruction.segmentPrefix;
  const counts = bits === 32 ? prefix !== registers.DS : prefix === registers.FS || prefix === registers.GS;
  if (prefix !== registers.None && counts) return `${registerName(iced, prefix)}:`;
  return kind !== kinds.Memory && (name.startsWith("movs") || name.startsWith("cmps")) ? "ds:" : "";
}

/** Where the implied operands of string instructions are. */
export function impliedRegister(iced: Iced, kind: number): string | null {
  const kinds = iced.OpKind;
  switch (kind) {
    case kinds.MemorySegRSI:
      return "rsi";
    case kinds.MemorySegESI:
      return "esi";
    case kinds.MemorySegSI:
      return "si";
    case kinds.MemorySegRDI:
    case kinds.MemoryESRDI:
      return "rdi";
    case kinds.MemorySegEDI:
    case kinds.MemoryESEDI:
      return "edi";
    case kinds.MemorySegDI:
    case kinds.MemoryESDI:
      return "di";
    default:
      return null;
  }
}

function address(iced: Iced, instruction: IcedInstruction, kind: number, bits: 32 | 64): string {
  const implied = impliedRegister(iced, kind);
  if (implied !== null) return implied;
  const none = iced.Register.None;
  const parts: string[] = [];
  if (instruction.memoryBase !== none) parts.push(registerName(iced, instruction.memoryBase));
  if (instruction.memoryIndex !== none) parts.push(`${registerName(iced, instruction.memoryIndex)} * ${instruction.memoryIndexScale}`);
  const written = instruction.memoryDisplacementU64;
  if (parts.length === 0) return `0x${BigInt.asUintN(instruction.memoryDisplSize === 8 ? 64 : 32, written).toString(16)}`;
  const fromHere = instruction.isIpRelMemoryOperand ? BigInt(instruction.length) : 0n;
  const wide = bits === 64 && iced.RegisterExt.size(instruction.memoryBase === none ? instruction.memoryIndex : instruction.memoryBase) !== 4;
  const displacement = BigInt.asIntN(wide ? 64 : 32, written - fromHere);
  const sum = parts.join(" + ");
  return displacement === 0n ? sum : `${sum} ${displacement < 0n ? "-" : "+"} 0x${magnitude(displacement).toString(16)}`;
}
