// Makes ELF files for tests: either width, either order of bytes, sections at
// chosen addresses, segments over them, symbol tables, notes.

/** One section. */
export type ElfPart = {
  readonly name: string;
  /** SHT_*; PROGBITS without. */
  readonly type?: number;
  /** SHF_*; none without. */
  readonly flags?: number;
  /** 0 without. */
  readonly address?: number;
  readonly bytes?: Uint8Array;
  /** What the header says; the bytes' own number without. */
  readonly size?: number;
  /** Name of the section that it is linked to. */
  readonly link?: string;
};

/** One segment, over a section. */
export type ElfSegmentPart = { readonly type: number; readonly flags?: number; readonly section: string; readonly alignment?: number };

/** What a file is made of. */
export type ElfParts = {
  readonly isWide?: boolean;
  readonly little?: boolean;
  /** ET_*; a library without. */
  readonly type?: number;
  readonly machine?: number;
  /** Where the headers are mapped; null for a file that nothing is mapped of. */
  readonly base?: number | null;
  readonly sections?: readonly ElfPart[];
  readonly segments?: readonly ElfSegmentPart[];
  /** Whether the table of sections is left out. */
  readonly isStripped?: boolean;
  /** Whether counts stand in the first section, as where they do not fit. */
  readonly isExtended?: boolean;
};

/** SHF_ALLOC, and with SHF_EXECINSTR. */
export const [allocated, executable] = [2, 6];
/** SHT_* of tests. */
export const shType = { progbits: 1, symtab: 2, strtab: 3, note: 7, nobits: 8, dynsym: 11, exidx: 0x70000001 } as const;

/** Numbers in a file's width and order. */
export class ElfNumbers {
  readonly isWide: boolean;
  readonly little: boolean;

  constructor(isWide = true, little = true) {
    this.isWide = isWide;
    this.little = little;
  }

  /** A number of some bytes. */
  fixed(value: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    let rest = value;
    for (let i = 0; i < size; i++) {
      bytes[this.little ? i : size - 1 - i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytes;
  }

  /** Numbers of four bytes. */
  words(...values: readonly number[]): Buffer {
    return Buffer.concat(values.map((value) => this.fixed(value, 4)));
  }

  /** Numbers as wide as an address. */
  wide(...values: readonly number[]): Buffer {
    return Buffer.concat(values.map((value) => this.fixed(value, this.isWide ? 8 : 4)));
  }

  /** One note, padded. */
  note(name: string, kind: number, content: Uint8Array, alignment = 4): Buffer {
    const head = Buffer.concat([this.words(name.length + 1, content.length, kind), Buffer.from(`${name}\0`)]);
    return Buffer.concat([padded(head, alignment), padded(content, alignment)]);
  }

  /** The header of a compressed section. */
  compressed(kind: number, size: number): Buffer {
    return this.isWide ? Buffer.concat([this.words(kind, 0), this.wide(size, 1)]) : this.words(kind, size, 1);
  }
}

/** One symbol. */
export type SymbolPart = { readonly name: string; readonly value: number; readonly size?: number; readonly type?: number; readonly binding?: number; readonly section?: number };

/** A symbol table and its strings, as two sections. */
export function symbolSections(numbers: ElfNumbers, symbols: readonly SymbolPart[], names: readonly [table: string, strings: string] = [".symtab", ".strtab"]): readonly [ElfPart, ElfPart] {
  const texts: Buffer[] = [Buffer.from("\0")];
  let length = 1;
  const entries = [Buffer.alloc(numbers.isWide ? 24 : 16)];
  for (const { name, value, size = 0, type = 2, binding = 1, section = 1 } of symbols) {
    const text = Buffer.from(`${name}\0`);
    const place = Buffer.concat([Buffer.of(binding * 16 + type, 0), numbers.fixed(section, 2)]);
    entries.push(Buffer.concat(numbers.isWide ? [numbers.words(length), place, numbers.wide(value, size)] : [numbers.words(length, value, size), place]));
    texts.push(text);
    length += text.length;
  }
  return [
    { name: names[0], type: names[0] === ".dynsym" ? shType.dynsym : shType.symtab, bytes: Buffer.concat(entries), link: names[1] },
    { name: names[1], type: shType.strtab, bytes: Buffer.concat(texts) },
  ];
}

/** The file. */
export function buildElf({ isWide = true, little = true, type = 3, machine = isWide ? 62 : 3, base = 0, sections = [], segments = [], isStripped = false, isExtended = false }: ElfParts): Buffer {
  const numbers = new ElfNumbers(isWide, little);
  const all: ElfPart[] = [{ name: "", type: 0 }, ...sections, { name: ".shstrtab", type: shType.strtab, bytes: Buffer.from(["", ...sections.map(({ name }) => name), ".shstrtab", ""].join("\0")) }];
  const loads: (ElfSegmentPart | null)[] = base === null ? [] : [null, ...sections.filter(({ flags = 0 }) => (flags & allocated) !== 0).map(({ name, flags = 0 }) => ({ type: 1, flags: (flags & 4) === 0 ? 4 : 5, section: name }))];
  const every = [...loads, ...segments];
  const headerBytes = isWide ? 64 : 52;
  const segmentBytes = isWide ? 56 : 32;
  const sectionBytes = isWide ? 64 : 40;
  let at = headerBytes + every.length * segmentBytes;
  const placed = all.map((part) => {
    const { bytes = Buffer.alloc(0) } = part;
    at = Math.ceil(at / 16) * 16;
    const offset = part.type === 0 ? 0 : at;
    at += bytes.length;
    return { ...part, offset, bytes, memory: part.size ?? bytes.length };
  });
  const tableAt = Math.ceil(at / 16) * 16;
  const file = Buffer.alloc(isStripped ? at : tableAt + placed.length * sectionBytes);
  const put = (where: number, ...parts: readonly Buffer[]): void => void file.set(Buffer.concat(parts), where);
  for (const { offset, bytes } of placed) file.set(bytes, offset);
  const half = (value: number): Buffer => numbers.fixed(value, 2);
  put(0, Buffer.from([0x7f, 0x45, 0x4c, 0x46, isWide ? 2 : 1, little ? 1 : 2, 1]));
  put(16, half(type), half(machine), numbers.words(1), numbers.wide(0, every.length === 0 ? 0 : headerBytes, isStripped ? 0 : tableAt), numbers.words(0));
  const counts = isStripped ? [0, 0, 0] : isExtended ? [sectionBytes, 0, 0xffff] : [sectionBytes, placed.length, placed.length - 1];
  put(headerBytes - 12, half(headerBytes), half(segmentBytes), half(isExtended && !isStripped ? 0xffff : every.length), ...counts.map(half));
  for (const [i, segment] of every.entries()) {
    const section = placed.find(({ name }) => name === segment?.section);
    const flags = segment?.flags ?? 4;
    const [offset, address, size, memory] = segment === null ? [0, base ?? 0, headerBytes, headerBytes] : [section!.offset, section!.address ?? 0, section!.bytes.length, section!.memory];
    const kind = segment?.type ?? 1;
    const alignment = segment?.alignment ?? 4;
    const where = headerBytes + i * segmentBytes;
    if (isWide) put(where, numbers.words(kind, flags), numbers.wide(offset, address, address, size, memory, alignment));
    else put(where, numbers.words(kind, offset, address, address, size, memory, flags, alignment));
  }
  if (isStripped) return file;
  let nameAt = 0;
  for (const [i, { name, type: kind = shType.progbits, flags = 0, address = 0, offset, memory, link }] of placed.entries()) {
    const linked = isExtended && i === 0 ? placed.length - 1 : Math.max(0, placed.findIndex((part) => link !== undefined && part.name === link));
    const size = isExtended && i === 0 ? placed.length : memory;
    put(tableAt + i * sectionBytes, numbers.words(nameAt, kind), numbers.wide(flags, address, offset, size), numbers.words(linked, isExtended && i === 0 ? every.length : 0), numbers.wide(1, 0));
    nameAt += name.length + 1;
  }
  return file;
}

/** A little-endian file of 64 bits without its table of sections. Changes the bytes, and returns them. */
export function stripSections(file: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  file.fill(0, 40, 48);
  file.fill(0, 60, 64);
  return file;
}

function padded(bytes: Uint8Array, alignment: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((alignment - (bytes.length % alignment)) % alignment)]);
}
