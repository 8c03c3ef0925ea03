// Bytes of a synthetic dump as they grow, in one byte order.

/** Where something was written. */
export type Place = { readonly rva: number; readonly size: number };

/** Bytes that grow, in one byte order. */
export class DumpWriter {
  readonly little: boolean;
  #bytes = Buffer.alloc(4096);
  size = 0;

  constructor(little: boolean) {
    this.little = little;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.size));
  }

  /** Moves to a multiple of four; answers the offset there. */
  align(): number {
    if (this.size % 4 !== 0) this.reserve(4 - (this.size % 4));
    return this.size;
  }

  reserve(count: number): this {
    while (this.size + count > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    this.size += count;
    return this;
  }

  u8(value: number): this {
    this.reserve(1);
    this.#bytes.writeUInt8(value, this.size - 1);
    return this;
  }

  u16(value: number): this {
    this.reserve(2);
    if (this.little) this.#bytes.writeUInt16LE(value, this.size - 2);
    else this.#bytes.writeUInt16BE(value, this.size - 2);
    return this;
  }

  u32(value: number): this {
    this.reserve(4);
    this.#put32(value, this.size - 4);
    return this;
  }

  /** A register may hold anything, so that a bigint is taken as well. */
  u64(value: number | bigint): this {
    this.reserve(8);
    const bits = BigInt.asUintN(64, BigInt(value));
    if (this.little) this.#bytes.writeBigUInt64LE(bits, this.size - 8);
    else this.#bytes.writeBigUInt64BE(bits, this.size - 8);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.size - bytes.length);
    return this;
  }

  /** Four-letter signatures are numbers, so they turn with the byte order; longer ones are text. */
  ascii(text: string): this {
    const bytes = Buffer.from(text, "latin1");
    return text.length === 4 ? this.u32(bytes.readUInt32LE(0)) : this.raw(bytes);
  }

  /** Writes 32-bit words, as most records are. */
  words(values: readonly number[]): this {
    for (const value of values) this.u32(value);
    return this;
  }

  /** Starts a record of words; answers where. */
  record(values: readonly number[]): number {
    const rva = this.align();
    this.words(values);
    return rva;
  }

  blob(bytes: Uint8Array): Place {
    const rva = this.align();
    this.raw(bytes);
    return { rva, size: bytes.length };
  }

  /** A MINIDUMP_STRING. */
  string(text: string): number {
    const rva = this.align();
    this.u32(text.length * 2);
    for (const unit of `${text}\0`) for (let i = 0; i < unit.length; i++) this.u16(unit.charCodeAt(i));
    return rva;
  }

  /** A number of the size of a pointer. */
  word(value: number | bigint, bytes: 4 | 8): this {
    return bytes === 8 ? this.u64(value) : this.u32(Number(value));
  }

  /** A GUID by its 32 hex digits; zeros when there is none. */
  guid(digits = "0".repeat(32)): this {
    const bytes = Buffer.from(digits, "hex");
    return this.u32(bytes.readUInt32BE(0)).u16(bytes.readUInt16BE(4)).u16(bytes.readUInt16BE(6)).raw(bytes.subarray(8));
  }

  /** Crashpad's UTF-8 string, or bytes in the same form. */
  utf8(text: string | Uint8Array): number {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    const rva = this.align();
    this.u32(bytes.length).raw(bytes).u8(0);
    return rva;
  }

  overwrite(at: number, values: readonly number[]): void {
    for (const [i, value] of values.entries()) this.#put32(value, at + i * 4);
  }

  #put32(value: number, at: number): void {
    if (this.little) this.#bytes.writeUInt32LE(value, at);
    else this.#bytes.writeUInt32BE(value, at);
  }
}
