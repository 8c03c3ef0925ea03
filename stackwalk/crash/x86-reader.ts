// The bytes of one instruction of x86 or amd64, and what its prefixes and
// ModRM byte have said so far.

/** How the vector prefix extends an instruction: none, VEX or EVEX. */
export type Encoding = "legacy" | "vex" | "evex";

/** Reads an instruction byte by byte. Reading past the end gives zeros and marks the instruction as cut. */
export class X86Reader {
  readonly bits: 32 | 64;
  readonly #bytes: Uint8Array;
  at = 0;
  cut = false;

  operandPrefix = false;
  addressPrefix = false;
  lock = false;
  /** The last of f2 and f3, which chooses a table or repeats a string instruction. */
  repeat: 0 | 0xf2 | 0xf3 = 0;
  segment: string | null = null;
  rex = false;
  w = false;
  /** What the prefixes add to the numbers of ModRM.reg, index and ModRM.rm or base: 0, 8, and 16 or 24 for EVEX. */
  addReg = 0;
  addIndex = 0;
  addRm = 0;
  encoding: Encoding = "legacy";
  /** Bytes of a vector. */
  vector = 16;
  /** The register that VEX or EVEX names beside ModRM. */
  extra = 0;
  mask = 0;
  zeroing = false;
  broadcast = false;

  mod = 0;
  reg = 0;
  rm = 0;

  constructor(bytes: Uint8Array, bits: 32 | 64) {
    this.#bytes = bytes;
    this.bits = bits;
  }

  u8(): number {
    if (this.at >= this.#bytes.length) {
      this.cut = true;
      this.at++;
      return 0;
    }
    return this.#bytes[this.at++]!;
  }

  /** The byte to come; 0 past the end. */
  peek(): number {
    return this.#bytes[this.at] ?? 0;
  }

  /** A number of `size` bytes, with its sign or without. */
  number(size: number, signed: boolean): bigint {
    let value = 0n;
    for (let index = 0; index < size; index++) value |= BigInt(this.u8()) << BigInt(index * 8);
    return signed ? BigInt.asIntN(size * 8, value) : value;
  }

  readModRm(): void {
    const byte = this.u8();
    this.mod = byte >>> 6;
    this.reg = (byte >>> 3) & 7;
    this.rm = byte & 7;
  }

  /** Bytes of an operand that follows the operand size: 2, 4 or 8. */
  get operandSize(): 2 | 4 | 8 {
    return this.w ? 8 : this.operandPrefix ? 2 : 4;
  }

  /** Bytes of an address. */
  get addressSize(): 2 | 4 | 8 {
    if (this.bits === 64) return this.addressPrefix ? 4 : 8;
    return this.addressPrefix ? 2 : 4;
  }

  /** Column of a vector row: no prefix, 66, f3, f2. */
  get column(): 0 | 1 | 2 | 3 {
    if (this.repeat !== 0) return this.repeat === 0xf3 ? 2 : 3;
    return this.operandPrefix ? 1 : 0;
  }
}
