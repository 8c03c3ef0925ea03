// 64-bit words of registers, addresses and exception parameters. They are
// bigints here: one crash is analysed per dump, with a few hundred operations,
// and non-canonical addresses do not fit a number.

const mask64 = 0xffff_ffff_ffff_ffffn;

/** A word from its halves. */
export function word(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** A word cut to 64 bits, as registers wrap. */
export function wrap(value: bigint): bigint {
  return value & mask64;
}

/** `0x` and exactly as many digits as `bytes` has, or more where the value needs them. */
export function hex(value: bigint | number, bytes: number): string {
  return `0x${value.toString(16).padStart(bytes * 2, "0")}`;
}

/** `0x` and eight digits: how codes are printed. */
export function hexCode(code: number): string {
  return hex(code >>> 0, 4);
}

/** Whether amd64 hardware refuses the address because bits 48 to 63 are not copies of bit 47. */
export function isNonCanonical(address: bigint): boolean {
  return address >= 0x0000_8000_0000_0000n && address <= 0xffff_7fff_ffff_ffffn;
}
