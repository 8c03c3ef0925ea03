// An ELF file as it lies on the disk: headers, sections, segments, and the
// bytes at an address of the loaded module.
//
// Two tables describe the same bytes. Segments are what the loader maps, and
// stay in every program; sections are what linkers and debuggers go by, and
// may be missing, or cut off, since they stand at the end. A file without the
// one is read by the other. Layouts are those of the gABI, for 32 and 64 bits and
// either order of bytes.
//
// Addresses in the file are the linker's. A crash counts from where the module
// was mapped, which is the page of its lowest segment: 0 for a library, 0x400000
// for an old program. Files of debug information keep the segments' addresses
// for this, but have none of their bytes.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { readFixed } from "../dwarf/section-cursor.ts";
import { gnuCompressedName, type StoredSection } from "../dwarf/stored-sections.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { compressionType, fileType, sectionFlag, sectionType, segmentExecutable, segmentType } from "./codes.ts";

/** One section. */
export type ElfSection = {
  readonly name: string;
  /** See `sectionType`. */
  readonly type: number;
  /** See `sectionFlag`. */
  readonly flags: number;
  /** The linker's address; 0 for what is not loaded. */
  readonly address: number;
  /** Bytes in memory, or of what is not loaded. */
  readonly size: number;
  /** Where its data begins in the file. */
  readonly offset: number;
  /** Bytes of data that the file has: 0 for those that debug files only name. */
  readonly stored: number;
  /** Number of another section, such as that of a table's strings. */
  readonly link: number;
};

/** One segment. */
export type ElfSegment = {
  /** See `segmentType`. */
  readonly type: number;
  readonly flags: number;
  /** The linker's address. */
  readonly address: number;
  /** Bytes in memory. */
  readonly size: number;
  readonly offset: number;
  /** Bytes of data that the file has. */
  readonly stored: number;
  /** What its address is a multiple of. */
  readonly alignment: number;
};

/** What the headers say. */
export type ElfHeaders = {
  /** True for 64 bits. */
  readonly isWide: boolean;
  /** Whether numbers have their lowest byte first. */
  readonly little: boolean;
  /** See `fileType`. */
  readonly type: number;
  /** See `machine`. */
  readonly machine: number;
  /** In the order of their headers, so that links are indexes. */
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
  /** The linker's address of the module's first page. */
  readonly base: number;
  /** The linker's address after the module's last byte. */
  readonly end: number;
  /** Sections and segments whose headers are beyond the end of the file, or too many. */
  readonly missingHeaders: number;
  /** Bytes of sections, or of segments where there are no sections, that the headers promise and the file does not have. */
  readonly missingBytes: number;
};

/** The headers of programs have 52 bytes for 32 bits, and 64. */
const headerBytes = 64;
const pageBytes = 0x1000;
/** Sections and segments that are looked at: linked files have tens of either. */
const headersMax = 8192;
/** Bytes of sections' names that are looked at. */
const namesMax = 1024 * 1024;
/** Bytes of one such name. */
const nameMax = 256;

/** An ELF file whose headers were read. */
export class ElfImage {
  readonly bytes: FileBytes;
  readonly headers: ElfHeaders;
  private readonly byName = new Map<string, ElfSection>();

  constructor(bytes: FileBytes, headers: ElfHeaders) {
    this.bytes = bytes;
    this.headers = headers;
    for (const section of headers.sections) if (section.stored > 0 && !this.byName.has(section.name)) this.byName.set(section.name, section);
  }

  /** The first section of a name with data, or its compressed form (`.zdebug_…`); null when there is none. */
  section(name: string): ElfSection | null {
    return this.byName.get(name) ?? this.byName.get(gnuCompressedName(name)) ?? null;
  }

  /** Where a section's data lies, and how it is compressed; null for a kind of compression that nobody knows. */
  stored({ name, flags, offset, stored }: ElfSection): StoredSection | null {
    const size = stored;
    if (name.startsWith(".z")) return { name, offset, size, compression: "gnu" };
    if ((flags & sectionFlag.compressed) === 0) return { name, offset, size, compression: null };
    const { little, isWide } = this.headers;
    const headBytes = isWide ? 24 : 12;
    const head = readBytes(this.bytes, offset, headBytes);
    const type = head === null ? 0 : readFixed(head, 0, 4, little);
    if (head === null || size < headBytes || (type !== compressionType.zlib && type !== compressionType.zstd)) return null;
    const inflated = isWide ? readFixed(head, 8, 8, little) : readFixed(head, 4, 4, little);
    return { name, offset, size, compression: { kind: type === compressionType.zlib ? "zlib" : "zstd", headBytes, inflated } };
  }

  /** All data of a section that is not compressed, up to a limit. */
  readSection({ offset, stored }: ElfSection, limit: number): Buffer {
    return readBytes(this.bytes, offset, Math.min(stored, limit)) ?? Buffer.alloc(0);
  }

  /** Bytes of the loaded module at the linker's address, as a buffer of their own; null when the file does not hold them all. */
  readAddress(address: number, length: number): Buffer | null {
    const offset = this.offsetOf(address, length);
    return offset < 0 ? null : readBytes(this.bytes, offset, length);
  }

  /** Where in the file the bytes at the linker's address are; -1 when it does not hold them all. */
  offsetOf(address: number, length: number): number {
    for (const { type, address: first, offset, stored } of this.headers.segments) {
      if (type === segmentType.load && address >= first && address - first + length <= stored) return offset + address - first;
    }
    return -1;
  }

  /** How many bytes the file has of the loaded module from the linker's address on, up to the end of its segment. */
  bytesFrom(address: number): number {
    const segment = this.headers.segments.find(({ type, address: first, stored }) => type === segmentType.load && address >= first && address - first < stored);
    return segment === undefined ? 0 : segment.address + segment.stored - address;
  }

  /** The linker's address as one relative to the module's base; -1 when it is outside the module. */
  toRva(address: number): number {
    const { base, end } = this.headers;
    return address >= base && address < end ? address - base : -1;
  }
}

const malformed = (what: string): Result<never> =>
  refuse(400, "malformed_elf", `The ELF file cannot be read: ${what}.`, "Upload the program, library or .debug file as the linker or objcopy wrote it; a copy that was cut or sent as text has not what crashes need.");

/** Reads the headers of any ELF file. Refuses with `malformed_elf`. */
export function readElfImage(bytes: FileBytes): Result<ElfImage> {
  const head = Buffer.alloc(headerBytes);
  head.set(readBytes(bytes, 0, Math.min(bytes.size, headerBytes)) ?? []);
  if (head.toString("latin1", 0, 4) !== "\x7fELF") return malformed("it does not begin with an ELF header");
  if (head[4] !== 1 && head[4] !== 2) return malformed(`its class is the unknown ${head[4]}`);
  if (head[5] !== 1 && head[5] !== 2) return malformed(`its order of bytes is the unknown ${head[5]}`);
  const isWide = head[4] === 2;
  const little = head[5] === 1;
  if (bytes.size < (isWide ? 64 : 52)) return malformed("its header is cut off");
  const half = (at: number): number => readFixed(head, at, 2, little);
  const word = (at: number): number => readFixed(head, at, isWide ? 8 : 4, little);
  const [segmentsAt, sectionsAt, counts] = isWide ? [word(32), word(40), 54] : [word(28), word(32), 42];

  const sections = readSections(bytes, sectionsAt, half(counts + 6), half(counts + 8), isWide, little);
  // More than a field of 16 bits can say are counted in the first section (gABI, "ELF Header").
  const segmentCount = half(counts + 2) === 0xffff && sections.extraSegments > 0 ? sections.extraSegments : half(counts + 2);
  const segments = readSegments(bytes, segmentsAt, half(counts), segmentCount, isWide, little);
  const type = half(16);
  const headers: ElfHeaders = {
    isWide,
    little,
    type,
    machine: half(18),
    sections: sections.sections,
    segments: segments.segments,
    ...extentOf(type, sections.sections, segments.segments),
    missingHeaders: sections.missing + segments.missing,
    missingBytes: sections.sections.length > 0 ? sections.missingBytes : segments.missingBytes,
  };
  return ok(new ElfImage(bytes, headers));
}

/** From where to where the module is mapped. Without segments that are loaded, sections say it. */
function extentOf(type: number, sections: readonly ElfSection[], segments: readonly ElfSegment[]): { readonly base: number; readonly end: number } {
  let lowest = Infinity;
  let end = 0;
  const loaded = segments.filter((segment) => segment.type === segmentType.load);
  for (const { address, size } of loaded.length > 0 ? loaded : sections.filter(({ flags }) => (flags & sectionFlag.alloc) !== 0)) {
    lowest = Math.min(lowest, address);
    end = Math.max(end, address + size);
  }
  // A library's headers are at 0, and before its first section.
  if (lowest === Infinity || (loaded.length === 0 && type !== fileType.executable)) lowest = 0;
  return { base: lowest - (lowest % pageBytes), end };
}

type SectionTable = { readonly sections: readonly ElfSection[]; readonly missing: number; readonly missingBytes: number; readonly extraSegments: number };

const noSections: SectionTable = { sections: [], missing: 0, missingBytes: 0, extraSegments: 0 };

function readSections(bytes: FileBytes, at: number, claimed: number, namesIndex: number, isWide: boolean, little: boolean): SectionTable {
  const entryBytes = isWide ? 64 : 40;
  if (at === 0) return noSections;
  const first = readBytes(bytes, at, entryBytes);
  if (first === null) return { ...noSections, missing: Math.max(claimed, 1) };
  const word = (entry: Buffer, field: number): number => (isWide ? readFixed(entry, field * 8 - 8, 8, little) : readFixed(entry, field * 4, 4, little));
  // Numbers that do not fit into the header are in the section that stands for none.
  const total = claimed === 0 ? word(first, 5) : claimed;
  const names = namesIndex === 0xffff ? readFixed(first, isWide ? 40 : 24, 4, little) : namesIndex;
  const extraSegments = readFixed(first, isWide ? 44 : 28, 4, little);
  const count = Math.min(total, headersMax, Math.floor((bytes.size - at) / entryBytes));
  const table = readBytes(bytes, at, count * entryBytes) ?? Buffer.alloc(0);
  const texts = namesOf(bytes, table, names, entryBytes, word);
  const sections: ElfSection[] = [];
  let missingBytes = 0;
  for (let i = 0; i < table.length; i += entryBytes) {
    const entry = table.subarray(i, i + entryBytes);
    const type = readFixed(entry, 4, 4, little);
    const offset = word(entry, 4);
    const size = word(entry, 5);
    const hasData = type !== sectionType.nobits && type !== sectionType.none;
    const stored = hasData ? Math.max(0, Math.min(size, bytes.size - offset)) : 0;
    if (hasData) missingBytes += size - stored;
    sections.push({ name: textAt(texts, readFixed(entry, 0, 4, little)), type, flags: word(entry, 2), address: word(entry, 3), size, offset, stored, link: readFixed(entry, isWide ? 40 : 24, 4, little) });
  }
  return { sections, missing: total - count, missingBytes, extraSegments };
}

/** The names of sections. */
function namesOf(bytes: FileBytes, table: Buffer, index: number, entryBytes: number, word: (entry: Buffer, field: number) => number): Buffer {
  const entry = table.subarray(index * entryBytes, (index + 1) * entryBytes);
  if (entry.length < entryBytes) return Buffer.alloc(0);
  const offset = word(entry, 4);
  return readBytes(bytes, offset, Math.max(0, Math.min(word(entry, 5), namesMax, bytes.size - offset))) ?? Buffer.alloc(0);
}

function textAt(texts: Buffer, at: number): string {
  if (at >= texts.length) return "";
  const head = texts.subarray(at, at + nameMax);
  const end = head.indexOf(0);
  return head.toString("latin1", 0, end < 0 ? head.length : end);
}

function readSegments(bytes: FileBytes, at: number, entryBytes: number, claimed: number, isWide: boolean, little: boolean): { readonly segments: readonly ElfSegment[]; readonly missing: number; readonly missingBytes: number } {
  const wanted = isWide ? 56 : 32;
  if (at === 0 || claimed === 0) return { segments: [], missing: 0, missingBytes: 0 };
  const count = entryBytes < wanted ? 0 : Math.max(0, Math.min(claimed, headersMax, Math.floor((bytes.size - at) / entryBytes)));
  const table = readBytes(bytes, at, count * entryBytes) ?? Buffer.alloc(0);
  const word = (entry: Buffer, field: number): number => readFixed(entry, isWide ? field * 8 : field * 4, isWide ? 8 : 4, little);
  const segments: ElfSegment[] = [];
  let missingBytes = 0;
  for (let i = 0; i < table.length; i += entryBytes) {
    const entry = table.subarray(i, i + entryBytes);
    const offset = word(entry, 1);
    const size = word(entry, 4);
    const stored = Math.max(0, Math.min(size, bytes.size - offset));
    const type = readFixed(entry, 0, 4, little);
    if (type === segmentType.load) missingBytes += size - stored;
    segments.push({ type, flags: readFixed(entry, isWide ? 4 : 24, 4, little), address: word(entry, 2), size: word(entry, 5), offset, stored, alignment: word(entry, isWide ? 6 : 7) });
  }
  return { segments, missing: claimed - count, missingBytes };
}

/** Addresses that a symbol cache can hold. */
const rvaEnd = 0xffffffff;

/** Stretches of code, relative to the module's base and in order: those of sections, or, without them, of segments. */
export function codeRanges({ sections, segments, base }: ElfHeaders): readonly (readonly [start: number, end: number])[] {
  const isCode = (flags: number, mask: number): boolean => (flags & mask) === mask;
  const found =
    sections.length > 0
      ? sections.filter(({ flags }) => isCode(flags, sectionFlag.alloc | sectionFlag.executable))
      : segments.filter(({ type, flags }) => type === segmentType.load && isCode(flags, segmentExecutable));
  return found
    .map(({ address, size }): readonly [number, number] => [Math.max(0, address - base), Math.min(address - base + size, rvaEnd)])
    .filter(([start, end]) => end > start)
    .toSorted((a, b) => a[0] - b[0]);
}
