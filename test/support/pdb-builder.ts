// Builds synthetic PDBs in memory: a container of streams (`buildMsf`), or a
// whole PDB with what a test asks for and nothing else (`buildPdb`).
//
//   const pdb = buildPdb({ sections: [{ rva: 0x1000, bytes: 0x200, isCode: true }], publics: [{ name: "_f", section: 1, offset: 0 }] });
//
// Layouts are those of microsoft-pdb and LLVM's PDB documents; the readers
// that it is for are symbols/pdb/.

/** How a container's pages lie. */
export type SyntheticMsfOptions = {
  /** Defaults to 4096. */
  readonly pageBytes?: number;
  /** Streams' pages in falling order, so that no two follow each other. */
  readonly isScattered?: boolean;
};

/** A linked object file. */
export type SyntheticPdbModule = {
  readonly name: string;
  /** Records, as `symbolRecord` makes them; the signature is put before them. */
  readonly symbols?: readonly Buffer[];
  readonly c11?: Buffer;
  readonly c13?: Buffer;
};

/** A public symbol; flags default to "function". */
export type SyntheticPublic = { readonly name: string; readonly section: number; readonly offset: number; readonly flags?: number; readonly isPascal?: boolean };

/** What a synthetic PDB holds; what is left out is absent or empty. */
export type SyntheticPdb = SyntheticMsfOptions & {
  /** 16 bytes as the file has them, in hex. */
  readonly guid?: string;
  /** Of stream 1; defaults to 1. */
  readonly age?: number;
  /** Of the DBI stream; defaults to 1. */
  readonly dbiAge?: number;
  /** Defaults to x64. */
  readonly machine?: number;
  readonly flags?: number;
  readonly features?: readonly number[];
  /** No DBI stream at all. */
  readonly withoutDbi?: boolean;
  readonly sections?: readonly { readonly rva: number; readonly bytes: number; readonly isCode?: boolean }[];
  readonly modules?: readonly SyntheticPdbModule[];
  /** What object files contributed to sections; code unless said otherwise. */
  readonly contributions?: readonly { readonly section: number; readonly offset: number; readonly bytes: number; readonly isData?: boolean }[];
  /** Version of their table: 1 or 2 as linkers write them (1 by default), or another number. */
  readonly contributionVersion?: number;
  readonly publics?: readonly SyntheticPublic[];
  /** Offset by offset in `/names`; `namesOffsets` tells where each begins. */
  readonly names?: readonly string[];
  /** Records of the type stream, without their length. */
  readonly types?: readonly Buffer[];
  /** The same of the id stream. */
  readonly ids?: readonly Buffer[];
  readonly frameData?: Buffer;
  readonly fpo?: Buffer;
  /** Pairs (address in the image, linker's address). */
  readonly omapToSource?: readonly (readonly [number, number])[];
  /** Pairs (linker's address, address in the image). */
  readonly omapFromSource?: readonly (readonly [number, number])[];
  /** Public symbols' stream without map, so that all records count. */
  readonly withoutPublicMap?: boolean;
  /** Indices of publics that the map leaves out: those that an incremental link deleted. */
  readonly deletedPublics?: readonly number[];
};

/** Little-endian numbers of 4 bytes. */
export function words(...values: readonly number[]): Buffer {
  return manyWords(values);
}

/** The same of more numbers than a call takes. */
export function manyWords(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

/** Little-endian numbers of 2 bytes. */
export function halves(...values: readonly number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}

/** A text and the NUL that ends it. */
export function nulText(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}

/** A record of a symbol stream: its length, its kind, its body, and zeros up to a multiple of 4. */
export function symbolRecord(kind: number, ...body: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([halves(0, kind), ...body]);
  const record = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  record.writeUInt16LE(record.length - 2, 0);
  return record;
}

/** A subsection of a module's lines. */
export function subsectionRecord(kind: number, ...body: readonly Buffer[]): Buffer {
  const data = Buffer.concat(body);
  return Buffer.concat([words(kind, data.length), data, Buffer.alloc(-data.length & 3)]);
}

/** Where each text of `names` begins in `/names`; an empty one is at 0. */
export function namesOffsets(names: readonly string[]): number[] {
  let next = 1;
  return names.map((name) => {
    const offset = next;
    next += Buffer.byteLength(name) + 1;
    return offset;
  });
}

/** A container of streams; null is an absent one. */
export function buildMsf(streams: readonly (Buffer | null)[], { pageBytes = 4096, isScattered = false }: SyntheticMsfOptions = {}): Buffer {
  const pagesOf = (bytes: number): number => Math.ceil(bytes / pageBytes);
  // Page 0 is the superblock, 1 and 2 are the free page maps.
  let next = 3;
  const allot = (bytes: number): number[] => {
    const pages = Array.from({ length: pagesOf(bytes) }, () => next++);
    return isScattered ? pages.toReversed() : pages;
  };
  const contents: { readonly pages: readonly number[]; readonly bytes: Buffer }[] = [];
  const put = (bytes: Buffer): number[] => {
    const pages = allot(bytes.length);
    contents.push({ pages, bytes });
    return pages;
  };
  const lists = streams.map((stream) => (stream === null ? [] : put(stream)));
  const directory = manyWords([streams.length, ...streams.map((stream) => stream?.length ?? 0xffffffff), lists].flat(2));
  const directoryPages = put(directory);
  const mapPages = put(manyWords(directoryPages));
  const file = Buffer.alloc(next * pageBytes);
  for (const { pages, bytes } of contents) {
    for (const [index, page] of pages.entries()) bytes.copy(file, page * pageBytes, index * pageBytes, (index + 1) * pageBytes);
  }
  file.write("Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", 0, "latin1");
  words(pageBytes, 1, next, directory.length, 0, ...mapPages).copy(file, 32);
  return file;
}

/** The public symbols' hash table with nothing in it. */
const emptyHash = words(0xffffffff, 0xeffe0000 + 19990810, 0, 0);

/** A whole PDB. */
export function buildPdb(pdb: SyntheticPdb): Buffer {
  const streams: (Buffer | null)[] = [null, null, typeStreamBytes(pdb.types ?? []), null, typeStreamBytes(pdb.ids ?? [])];
  const add = (bytes: Buffer | null | undefined): number => (bytes === null || bytes === undefined ? 0xffff : streams.push(bytes) - 1);
  const named: [string, number][] = pdb.names === undefined ? [] : [["/names", add(namesBytes(pdb.names))]];
  streams[1] = infoBytes(pdb, named);
  if (pdb.withoutDbi === true) return buildMsf(streams, pdb);

  const modules = (pdb.modules ?? []).map((module) => {
    const symbols = module.symbols === undefined ? Buffer.alloc(0) : Buffer.concat([words(4), ...module.symbols]);
    const { c11 = Buffer.alloc(0), c13 = Buffer.alloc(0) } = module;
    const bytes = Buffer.concat([symbols, c11, c13]);
    const stream = bytes.length === 0 ? 0xffff : add(Buffer.concat([bytes, words(0)]));
    const head = Buffer.concat([Buffer.alloc(34), halves(stream), words(symbols.length, c11.length, c13.length), Buffer.alloc(16), nulText(module.name), nulText(module.name)]);
    return Buffer.concat([head, Buffer.alloc(-head.length & 3)]);
  });
  const { records, map } = publicRecords(pdb);
  const recordStream = pdb.publics === undefined ? 0xffff : add(records);
  const publicStream = pdb.publics === undefined || pdb.withoutPublicMap === true ? 0xffff : add(Buffer.concat([words(16, map.length), Buffer.alloc(20), emptyHash, map]));
  const pairs = (list: readonly (readonly [number, number])[] | undefined): Buffer | null => (list === undefined ? null : words(...list.flat()));
  // FPO, exception, fix-up, OMAP to and from source, section headers, token map, xdata, pdata, new FPO, original section headers.
  const [fpo, toSource, fromSource, sections, frames] = [pdb.fpo, pairs(pdb.omapToSource), pairs(pdb.omapFromSource), sectionBytes(pdb.sections ?? []), pdb.frameData].map(add);
  const debug = halves(fpo!, 0xffff, 0xffff, toSource!, fromSource!, sections!, 0xffff, 0xffff, 0xffff, frames!, 0xffff);
  const list = Buffer.concat(modules);
  const numbers = [words(0xffffffff, 19990903, pdb.dbiAge ?? 1), halves(0xffff, 0x8e1d, publicStream, 0, recordStream, 0)];
  const contributions = contributionBytes(pdb);
  const sizes = [words(list.length, contributions.length, 0, 0, 0, 0, debug.length, 0), halves(pdb.flags ?? 0, pdb.machine ?? 0x8664), words(0)];
  streams[3] = Buffer.concat([...numbers, ...sizes, list, contributions, debug]);
  return buildMsf(streams, pdb);
}

function infoBytes(pdb: SyntheticPdb, named: readonly (readonly [string, number])[]): Buffer {
  const guid = Buffer.from(pdb.guid ?? "00112233445566778899aabbccddeeff", "hex");
  const offsets = namesOffsets(named.map(([name]) => name)).map((offset) => offset - 1);
  const texts = Buffer.concat(named.map(([name]) => nulText(name)));
  const table = words(named.length, Math.max(1, named.length), 1, (1 << named.length) - 1, 0, ...named.flatMap(([, stream], index) => [offsets[index]!, stream]));
  return Buffer.concat([words(20000404, 1, pdb.age ?? 1), guid, words(texts.length), texts, table, words(0, ...(pdb.features ?? [20140508]))]);
}

function namesBytes(names: readonly string[]): Buffer {
  const texts = Buffer.concat([nulText(""), ...names.map(nulText)]);
  return Buffer.concat([words(0xeffeeffe, 1, texts.length), texts, words(0, names.length)]);
}

function typeStreamBytes(records: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(
    records.map((record) => {
      const padded = Buffer.concat([record, Buffer.alloc(-(record.length + 2) & 3, 0xf1)]);
      return Buffer.concat([halves(padded.length), padded]);
    }),
  );
  const firstType = 0x1000;
  return Buffer.concat([words(20040203, 56, firstType, firstType + records.length, bytes.length), halves(0xffff, 0xffff), words(4, 0x3ffff, 0, 0, 0, 0, 0, 0), bytes]);
}

function publicRecords(pdb: SyntheticPdb): { readonly records: Buffer; readonly map: Buffer } {
  const parts: Buffer[] = [];
  const offsets: number[] = [];
  let length = 0;
  for (const [index, { name, section, offset, flags = 2, isPascal = false }] of (pdb.publics ?? []).entries()) {
    const text = isPascal ? Buffer.concat([Buffer.of(name.length), Buffer.from(name)]) : nulText(name);
    const record = symbolRecord(isPascal ? 0x1009 : 0x110e, words(flags, offset), halves(section), text);
    if (!(pdb.deletedPublics ?? []).includes(index)) offsets.push(length);
    parts.push(record);
    length += record.length;
  }
  return { records: Buffer.concat(parts), map: manyWords(offsets) };
}

function contributionBytes({ contributions, contributionVersion = 1 }: SyntheticPdb): Buffer {
  if (contributions === undefined) return Buffer.alloc(0);
  const version = contributionVersion === 1 ? 0xeffe0000 + 19970605 : contributionVersion === 2 ? 0xeffe0000 + 20140516 : contributionVersion;
  const rows = contributions.map(({ section, offset, bytes, isData = false }) => Buffer.concat([halves(section, 0), words(offset, bytes, isData ? 0x40000040 : 0x60000020), halves(0, 0), words(0, 0), Buffer.alloc(contributionVersion === 2 ? 4 : 0)]));
  return Buffer.concat([words(version), ...rows]);
}

function sectionBytes(sections: readonly { readonly rva: number; readonly bytes: number; readonly isCode?: boolean }[]): Buffer {
  return Buffer.concat(
    sections.map(({ rva, bytes, isCode = false }) => Buffer.concat([Buffer.alloc(8), words(bytes, rva, bytes, 0, 0, 0, 0), words(isCode ? 0x60000020 : 0x40000040)])),
  );
}
