// Numbers and texts of headers, which are in the byte order of the machine that
// the file is for.

/** A stretch of headers. */
export class HeaderBytes {
  readonly bytes: Buffer;
  readonly little: boolean;

  constructor(bytes: Buffer, little: boolean) {
    this.bytes = bytes;
    this.little = little;
  }

  /** How many bytes there are; reading beyond throws. */
  get size(): number {
    return this.bytes.length;
  }

  /** A number of 32 bits. */
  u32(at: number): number {
    return this.little ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at);
  }

  /** A number of 64 bits; above 2^53 it is not exact. */
  u64(at: number): number {
    return this.little ? this.u32(at) + this.u32(at + 4) * 2 ** 32 : this.u32(at) * 2 ** 32 + this.u32(at + 4);
  }

  /** A number as wide as an address. */
  word(at: number, isWide: boolean): number {
    return isWide ? this.u64(at) : this.u32(at);
  }

  /** A text up to its NUL, or as long as it may be. */
  text(at: number, bytesMax: number): string {
    const field = this.bytes.subarray(at, at + bytesMax);
    const end = field.indexOf(0);
    return field.toString("utf8", 0, end < 0 ? field.length : end);
  }

  /** A part of it, which must be there. */
  part(at: number, bytes: number): HeaderBytes {
    return new HeaderBytes(this.bytes.subarray(at, at + bytes), this.little);
  }
}
