// Makes Mach-O files for tests: thin ones of either width and byte order, with
// sections at chosen addresses, a symbol table, function starts and an export
// trie; and universal binaries of them.

/** One section; sections of one segment stand together. */
export type MachPart = {
  readonly segment?: string;
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those of the data without. */
  readonly size?: number;
  readonly isCode?: boolean;
  /** Kind of the section: 1 is zeros. */
  readonly kind?: number;
};

/** One symbol; sections count from 1. */
export type MachSymbol = { readonly name: string; readonly value: number; readonly type?: number; readonly section?: number; readonly description?: number };

/** A load command: its kind, and what follows its size. */
export type MachCommand = { readonly kind: number; readonly words?: readonly number[]; readonly text?: string };

/** What a file is made of. */
export type MachParts = {
  readonly isWide?: boolean;
  readonly little?: boolean;
  readonly cpu?: number;
  readonly cpuSubtype?: number;
  readonly fileType?: number;
  /** 32 hex digits; null for none. */
  readonly uuid?: string | null;
  readonly base?: number;
  readonly sections?: readonly MachPart[];
  readonly symbols?: readonly MachSymbol[];
  /** Relative to the base. */
  readonly functionStarts?: readonly number[];
  readonly exportTrie?: Uint8Array;
  readonly installName?: string;
  readonly commands?: readonly MachCommand[];
};

const uuidByDefault = "00112233445566778899AABBCCDDEEFF";
const dsymType = 10;

/** The file. */
export function buildMachO(parts: MachParts): Buffer {
  return new Writer(parts).file();
}

/** A universal binary; its last part is not filled up. */
export function buildFat(slices: readonly (readonly [cpu: number, subtype: number, bytes: Uint8Array])[], { isWide = false, align = 0x1000 } = {}): Buffer {
  const entryBytes = isWide ? 32 : 20;
  const head = Buffer.alloc(align * Math.ceil((8 + slices.length * entryBytes) / align));
  head.writeUInt32BE(isWide ? 0xcafebabf : 0xcafebabe, 0);
  head.writeUInt32BE(slices.length, 4);
  const parts = [head];
  let offset = head.length;
  for (const [i, [cpu, subtype, bytes]] of slices.entries()) {
    const at = 8 + i * entryBytes;
    head.writeUInt32BE(cpu, at);
    head.writeUInt32BE(subtype, at + 4);
    if (isWide) {
      head.writeBigUInt64BE(BigInt(offset), at + 8);
      head.writeBigUInt64BE(BigInt(bytes.length), at + 16);
    } else {
      head.writeUInt32BE(offset, at + 8);
      head.writeUInt32BE(bytes.length, at + 12);
    }
    const body = Buffer.alloc(Math.ceil(bytes.length / align) * align);
    body.set(bytes);
    parts.push(i + 1 < slices.length ? body : body.subarray(0, bytes.length));
    offset += body.length;
  }
  return Buffer.concat(parts);
}

/** An unsigned LEB128 number. */
export function uleb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** An export trie of one level: names, flags and addresses. */
export function exportTrie(names: readonly (readonly [name: string, flags: number, rva: number])[]): Buffer {
  const leaves = names.map(([, flags, rva]) => [...uleb(flags), ...uleb(rva)]);
  // Offsets of two bytes, so that the root's size is known before them.
  const rootBytes = 2 + names.reduce((sum, [name]) => sum + Buffer.byteLength(name) + 3, 0);
  const root: number[] = [0, names.length];
  const rest: number[] = [];
  for (const [i, [name]] of names.entries()) {
    const offset = rootBytes + rest.length;
    root.push(...Buffer.from(name), 0, (offset & 0x7f) | 0x80, offset >> 7);
    rest.push(leaves[i]!.length, ...leaves[i]!, 0);
  }
  return Buffer.from([...root, ...rest]);
}

/** Writes one thin file. */
class Writer {
  private readonly parts: MachParts;
  private readonly isWide: boolean;
  private readonly little: boolean;

  constructor(parts: MachParts) {
    this.parts = parts;
    this.isWide = parts.isWide ?? true;
    this.little = parts.little ?? true;
  }

  file(): Buffer {
    const { parts } = this;
    const { sections = [], base = 0, fileType = 6, uuid = uuidByDefault } = parts;
    const segments = [...new Set(sections.map(({ segment = "__TEXT" }) => segment))];
    if (!segments.includes("__TEXT")) segments.unshift("__TEXT");
    const symbols = this.symbolTable();
    const tables = [symbols.entries, symbols.names, Buffer.from(this.starts()), Buffer.from(parts.exportTrie ?? [])];
    const others = (parts.commands ?? []).map((command) => this.command(command));
    if (uuid !== null) others.push(this.command({ kind: 0x1b }, Buffer.from(uuid, "hex")));
    if (parts.installName !== undefined) others.push(this.command({ kind: 0xd, words: [24, 0, 0, 0] }, Buffer.from(`${parts.installName}\0`)));
    const segmentBytes = this.isWide ? 72 : 56;
    const sectionBytes = this.isWide ? 80 : 68;
    const ownSections = (segment: string): MachPart[] => sections.filter((section) => (section.segment ?? "__TEXT") === segment);
    const segmentsBytes = segments.reduce((sum, segment) => sum + Math.ceil((segmentBytes + ownSections(segment).length * sectionBytes) / 8) * 8, 0);
    const commandBytes = others.reduce((sum, one) => sum + one.length, 0) + segmentsBytes + 24 + 32 + 16 + 16;
    const front = (this.isWide ? 32 : 28) + commandBytes;
    let offset = Math.ceil(front / 16) * 16;
    const bodies: Buffer[] = [];
    const place = (bytes: Uint8Array): number => {
      const at = offset;
      const body = Buffer.alloc(Math.ceil(bytes.length / 8) * 8);
      body.set(bytes);
      bodies.push(body);
      offset += body.length;
      return at;
    };
    const segmentCommands = segments.map((segment) => {
      const own = ownSections(segment);
      const isEmpty = fileType === dsymType && segment !== "__DWARF";
      const first = offset;
      const headers = own.map((section) => this.sectionHeader(section, segment, isEmpty || section.bytes.length === 0 ? 0 : place(section.bytes)));
      const low = segment === "__TEXT" ? base : Math.min(base, ...own.map(({ address }) => address));
      const high = Math.max(base + 0x1000, ...own.map(({ address, bytes, size = bytes.length }) => address + size));
      const words = [low, high - low, isEmpty ? 0 : first, offset - first];
      return this.command({ kind: this.isWide ? 0x19 : 1 }, Buffer.concat([this.name(segment), ...words.map((word) => this.word(word)), this.u32(5, 5, own.length, 0), ...headers]));
    });
    const [entriesAt, namesAt, startsAt, trieAt] = tables.map((table) => place(table));
    const tableCommands = [
      this.command({ kind: 2, words: [entriesAt!, parts.symbols?.length ?? 0, namesAt!, symbols.names.length] }),
      this.command({ kind: 0xb, words: [0, parts.symbols?.length ?? 0, 0, 0, 0, 0] }),
      this.command({ kind: 0x26, words: [startsAt!, tables[2]!.length] }),
      this.command({ kind: 0x8000_0033, words: [trieAt!, tables[3]!.length] }),
    ];
    const all = [...others, ...segmentCommands, ...tableCommands];
    const magic = this.isWide ? 0xfeedfacf : 0xfeedface;
    const head = this.u32(magic, parts.cpu ?? (this.isWide ? 0x0100_0007 : 7), parts.cpuSubtype ?? 3, fileType, all.length, commandBytes, 0, ...(this.isWide ? [0] : []));
    const whole = Buffer.concat([head, ...all]);
    return Buffer.concat([whole, Buffer.alloc(Math.ceil(front / 16) * 16 - whole.length), ...bodies]);
  }

  private u32(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) {
      if (this.little) bytes.writeUInt32LE(value >>> 0, i * 4);
      else bytes.writeUInt32BE(value >>> 0, i * 4);
    }
    return bytes;
  }

  private word(value: number): Buffer {
    if (!this.isWide) return this.u32(value);
    const high = Math.floor(value / 2 ** 32);
    return this.little ? this.u32(value, high) : this.u32(high, value);
  }

  private name(text: string): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.write(text);
    return bytes;
  }

  private command({ kind, words = [], text }: MachCommand, rest: Uint8Array = text === undefined ? Buffer.alloc(0) : Buffer.from(`${text}\0`)): Buffer {
    const body = Buffer.concat([this.u32(...words), rest]);
    const size = 8 + Math.ceil(body.length / 8) * 8;
    return Buffer.concat([this.u32(kind, size), body, Buffer.alloc(size - 8 - body.length)]);
  }

  private sectionHeader({ name, address, bytes, size = bytes.length, isCode = false, kind = 0 }: MachPart, segment: string, offset: number): Buffer {
    const flags = kind + (isCode ? 0x8000_0400 : 0);
    return Buffer.concat([this.name(name), this.name(segment), this.word(address), this.word(size), this.u32(offset, 0, 0, 0, flags, 0, 0, ...(this.isWide ? [0] : []))]);
  }

  private symbolTable(): { readonly entries: Buffer; readonly names: Buffer } {
    const names: Buffer[] = [Buffer.from(" \0")];
    let at = 2;
    const entries = (this.parts.symbols ?? []).map(({ name, value, type = 0x0e, section = 1, description = 0 }) => {
      const bytes = Buffer.from(`${name}\0`);
      const half = this.little ? Buffer.of(description & 0xff, description >> 8) : Buffer.of(description >> 8, description & 0xff);
      const entry = Buffer.concat([this.u32(at), Buffer.of(type, section), half, this.word(value)]);
      names.push(bytes);
      at += bytes.length;
      return entry;
    });
    return { entries: Buffer.concat(entries), names: Buffer.concat(names) };
  }

  private starts(): number[] {
    let last = 0;
    const bytes: number[] = [];
    for (const start of this.parts.functionStarts ?? []) {
      bytes.push(...uleb(start - last));
      last = start;
    }
    return bytes.length === 0 ? [] : [...bytes, 0];
  }
}
