// Makes PE files for tests: headers, sections at chosen addresses, data
// directories, and a COFF symbol table with long names.

/** One section. */
export type PePart = {
  readonly name: string;
  readonly rva: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those of the data without. */
  readonly size?: number;
  readonly isCode?: boolean;
};

/** One COFF symbol; a section's number counts from 1. */
export type PeSymbol = { readonly name: string; readonly section: number; readonly value: number; readonly type?: number; readonly storageClass?: number; readonly auxiliary?: number };

/** What a file is made of. */
export type PeParts = {
  readonly machine?: number;
  readonly isWide?: boolean;
  readonly timestamp?: number;
  readonly imageBase?: number;
  readonly imageSize?: number;
  readonly sections?: readonly PePart[];
  /** Address and bytes by the number of the directory. */
  readonly directories?: { readonly [number: number]: readonly [rva: number, size: number] };
  readonly symbols?: readonly PeSymbol[];
};

const headerAt = 0x80;
const frontBytes = 0x600;
const fileAlignment = 0x200;

/** The flags of code, and of data that is read. */
const codeFlags = 0x6000_0020;
const dataFlags = 0x4000_0040;

/** The file. */
export function buildPe({ machine = 0x8664, isWide = machine !== 0x14c, timestamp = 0x5f00_0001, imageBase = 0x1_8000_0000, imageSize = 0x100_0000, sections = [], directories = {}, symbols = [] }: PeParts): Buffer {
  const strings = new Strings();
  const front = Buffer.alloc(frontBytes);
  const optionalBytes = isWide ? 240 : 224;
  const optional = headerAt + 24;
  front.write("MZ", 0, "latin1");
  front.writeUInt32LE(headerAt, 60);
  front.write("PE\0\0", headerAt, "latin1");
  front.writeUInt16LE(machine, headerAt + 4);
  front.writeUInt16LE(sections.length, headerAt + 6);
  front.writeUInt32LE(timestamp, headerAt + 8);
  front.writeUInt16LE(optionalBytes, headerAt + 20);
  front.writeUInt16LE(0x2022, headerAt + 22);
  front.writeUInt16LE(isWide ? 0x20b : 0x10b, optional);
  front.set([14, 29], optional + 2);
  if (isWide) front.writeBigUInt64LE(BigInt(imageBase), optional + 24);
  else front.writeUInt32LE(imageBase % 2 ** 32, optional + 28);
  front.writeUInt32LE(0x1000, optional + 32);
  front.writeUInt32LE(fileAlignment, optional + 36);
  front.writeUInt32LE(imageSize, optional + 56);
  front.writeUInt32LE(frontBytes, optional + 60);
  const directoriesAt = optional + (isWide ? 112 : 96);
  front.writeUInt32LE(16, directoriesAt - 4);
  for (const [number, [rva, size]] of Object.entries(directories)) {
    front.writeUInt32LE(rva, directoriesAt + Number(number) * 8);
    front.writeUInt32LE(size, directoriesAt + Number(number) * 8 + 4);
  }

  const parts: Buffer[] = [front];
  let offset = frontBytes;
  for (const [i, { name, rva, bytes, size = bytes.length, isCode = false }] of sections.entries()) {
    const at = optional + optionalBytes + i * 40;
    const body = Buffer.alloc(Math.ceil(bytes.length / fileAlignment) * fileAlignment);
    body.set(bytes);
    front.write(name.length > 8 ? `/${strings.add(name)}` : name, at, "latin1");
    front.writeUInt32LE(size, at + 8);
    front.writeUInt32LE(rva, at + 12);
    front.writeUInt32LE(body.length, at + 16);
    front.writeUInt32LE(body.length === 0 ? 0 : offset, at + 20);
    front.writeUInt32LE(isCode ? codeFlags : dataFlags, at + 36);
    parts.push(body);
    offset += body.length;
  }
  const table = symbols.flatMap((symbol) => coffRecords(symbol, strings));
  if (table.length > 0 || strings.isUsed) {
    front.writeUInt32LE(offset, headerAt + 12);
    front.writeUInt32LE(table.length, headerAt + 16);
    parts.push(...table, strings.bytes());
  }
  return Buffer.concat(parts);
}

function coffRecords({ name, section, value, type = 0x20, storageClass = 2, auxiliary = 0 }: PeSymbol, strings: Strings): Buffer[] {
  const record = Buffer.alloc(18);
  if (name.length > 8) record.writeUInt32LE(strings.add(name), 4);
  else record.write(name, 0, "latin1");
  record.writeUInt32LE(value, 8);
  record.writeInt16LE(section, 12);
  record.writeUInt16LE(type, 14);
  record.set([storageClass, auxiliary], 16);
  // What an auxiliary record says would be a symbol in code if it were read as one.
  const more = Array.from({ length: auxiliary }, () => Buffer.concat([Buffer.from("wrong\0\0\0"), Buffer.of(0, 0, 0, 0, 1, 0, 0x20, 0, 2, 0)]));
  return [record, ...more];
}

/** A COFF string table. */
class Strings {
  private readonly texts: string[] = [];
  private length = 4;

  get isUsed(): boolean {
    return this.texts.length > 0;
  }

  /** Adds a text and returns its offset. */
  add(text: string): number {
    const offset = this.length;
    this.texts.push(text);
    this.length += Buffer.byteLength(text) + 1;
    return offset;
  }

  bytes(): Buffer {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(this.length);
    return Buffer.concat([head, ...this.texts.map((text) => Buffer.from(`${text}\0`))]);
  }
}

/** Bytes of numbers of 32 bits. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, i * 4);
  return bytes;
}

/** A debug directory at an address, and the CodeView record behind it. */
export function debugDirectory(rva: number, records: readonly { readonly type: number; readonly bytes: Uint8Array }[]): Buffer {
  let at = rva + records.length * 28;
  const entries = records.map(({ type, bytes }) => {
    const entry = words(0, 0, 0, type, bytes.length, at, 0);
    at += bytes.length;
    return entry;
  });
  return Buffer.concat([...entries, ...records.map(({ bytes }) => bytes)]);
}

/** An RSDS record. */
export function rsds(guid: string, age: number, path: string): Buffer {
  return Buffer.concat([Buffer.from("RSDS"), Buffer.from(guid, "hex"), words(age), Buffer.from(`${path}\0`)]);
}
