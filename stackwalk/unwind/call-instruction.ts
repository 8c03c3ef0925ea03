// Whether a call ends right before an address, by the bytes before it. A word
// on the stack that points into code is a return address only then; others are
// function pointers, jump targets or leftovers. No peer looks.
import type { Arch } from "../../symbols/registers.ts";

/** Bytes before a return address that are looked at: the longest call is 7 long, a prefix changes nothing. */
export const CALL_BYTES = 8;

/** Whether `bytes`, the CALL_BYTES before `address` (of Thumb code: without its lowest bit), can end with a call. */
export function endsWithCall(arch: Arch, bytes: Uint8Array, address: number): boolean {
  switch (arch) {
    case "x86":
      return isIntelCall(bytes) || bytes[1] === 0x9a;
    case "amd64":
      return isIntelCall(bytes);
    case "arm64":
      return address % 4 === 0 && isArm64Call(word(bytes, 4));
    case "arm":
      return address % 2 === 1 ? isThumbCall(bytes) : address % 4 === 0 && isArmCall(bytes);
  }
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

// E8 rel32, or FF /2 with any memory or register operand. Instructions cannot
// be decoded backwards, so this is "may end with a call", which is all that a
// return address can be asked for.
function isIntelCall(bytes: Uint8Array): boolean {
  if (bytes[CALL_BYTES - 5] === 0xe8) return true;
  for (let length = 2; length <= 7; length++) {
    const at = CALL_BYTES - length;
    const modrm = bytes[at + 1]!;
    if (bytes[at] === 0xff && ((modrm >>> 3) & 7) === 2 && operandBytes(modrm, bytes[at + 2]) === length - 2) return true;
  }
  return false;
}

/** Bytes that follow a ModRM byte (Intel SDM, volume 2, tables 2-2 and 2-3). */
function operandBytes(modrm: number, sib: number | undefined): number {
  const mode = modrm >>> 6;
  const base = modrm & 7;
  if (mode === 3) return 0;
  const hasSib = base === 4;
  const displacement = mode === 1 ? 1 : mode === 2 || base === 5 || (hasSib && ((sib ?? 0) & 7) === 5) ? 4 : 0;
  return (hasSib ? 1 : 0) + displacement;
}

/** BL, BLR, and BLRAA to BLRABZ with authentication (Arm ARM, C6). */
function isArm64Call(instruction: number): boolean {
  return (
    (instruction & 0xfc00_0000) >>> 0 === 0x9400_0000 ||
    (instruction & 0xffff_fc1f) >>> 0 === 0xd63f_0000 ||
    (instruction & 0xfeff_f800) >>> 0 === 0xd63f_0800
  );
}

/** BL and BLX of Thumb, by an offset (two halves) or a register. */
function isThumbCall(bytes: Uint8Array): boolean {
  const first = bytes[4]! | (bytes[5]! << 8);
  const second = bytes[6]! | (bytes[7]! << 8);
  return (second & 0xff87) === 0x4780 || ((first & 0xf800) === 0xf000 && ((second & 0xd000) === 0xd000 || (second & 0xd001) === 0xc000));
}

/** BL, BLX by an offset or a register; and before ARMv5 `mov lr, pc` with a jump after it. */
function isArmCall(bytes: Uint8Array): boolean {
  const last = word(bytes, 4);
  return (
    ((last & 0x0f00_0000) === 0x0b00_0000 && last >>> 28 !== 15) ||
    (last & 0xfe00_0000) >>> 0 === 0xfa00_0000 ||
    (last & 0x0fff_fff0) === 0x012f_ff30 ||
    word(bytes, 0) === 0xe1a0_e00f
  );
}
