// Text of x86 and amd64 instructions in the spelling of yaxpeax-x86, which
// rust-minidump prints: `mov dword [rax + rcx * 4 - 0x10], 0x5`.
//
// Where yaxpeax is wrong about the instruction itself (it widens `movd` and
// `pinsrd`, mixes up the orders of `vfmadd…sd`, names the 64-bit register for
// `bswap eax`), the right answer stands.
import type { X86Decoded } from "./x86-decoder.ts";
import type { X86Memory, X86Operand } from "./x86-operands.ts";

/** Labels by bytes of the access. */
const sizeLabels: { readonly [bytes: number]: string } = { 1: "byte", 2: "word", 4: "dword", 8: "qword", 10: "mword", 16: "xmmword", 32: "ymmword", 64: "zmmword" };

/** The text of an instruction. */
export function x86Text(decoded: X86Decoded): string {
  const name = `${decoded.prefixes}${decoded.name}`;
  return decoded.operands.length === 0 ? name : `${name} ${decoded.operands.map(operandText).join(", ")}`;
}

function operandText(operand: X86Operand): string {
  switch (operand.kind) {
    case "register":
      return `${operand.name}${operand.suffix}`;
    case "number":
      return operand.text;
    default:
      return `${sizeLabels[operand.shownSize] ?? "ptr"} ${operand.segment === null ? "" : `${operand.segment}:`}[${addressText(operand)}]${operand.suffix}`;
  }
}

function addressText(memory: X86Memory): string {
  const { base, index, displacement } = memory;
  const parts = [...(base === null ? [] : [base]), ...(index === null ? [] : [`${index} * ${memory.scale}`])];
  // A number alone is an address; the ones of four bytes are shown so even where the processor extends their sign.
  if (parts.length === 0) return `0x${(displacement < 0n ? BigInt.asUintN(32, displacement) : displacement).toString(16)}`;
  const sum = parts.join(" + ");
  if (displacement === 0n) return sum;
  return `${sum} ${displacement < 0n ? "-" : "+"} 0x${(displacement < 0n ? -displacement : displacement).toString(16)}`;
}
