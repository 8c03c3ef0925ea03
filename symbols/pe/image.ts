// A PE image as it lies in its file: headers, sections, data directories, and
// the bytes at an address of the loaded module (rva).
//
// Layouts and the loader's rules are those of Microsoft's "PE Format" page. Two
// things are as the loader does them and not as the fields say: a section's
// data begins at a multiple of 512 whatever its header names, and of its data
// no more is mapped than the pages of its size in memory. What the file does
// not hold, because the loader fills it with zeros or because the file was
// cut, cannot be read; nothing that a compiler asks for is there.
import { ok, refuse, type Result } from "../../config/problem.ts";
import { type FileBytes, readBytes } from "../file-bytes.ts";
import { CoffStrings } from "./coff-strings.ts";

/** Machines of COFF headers that are told apart. */
export const machine = {
  x86: 0x014c,
  amd64: 0x8664,
  arm: 0x01c0,
  thumb: 0x01c2,
  armnt: 0x01c4,
  arm64: 0xaa64,
  /** Code for x64 processes on arm64. Linkers write it into object files, and `amd64` into images. */
  arm64ec: 0xa641,
  arm64x: 0xa64e,
} as const;

/** Numbers of data directories. */
export const directory = { exports: 0, exceptions: 3, debug: 6, loadConfig: 10, clr: 14 } as const;

/** A place in the loaded module and its bytes, both 0 when there is none. */
export type DataDirectory = { readonly rva: number; readonly size: number };

/** One section. */
export type PeSection = {
  /** Its name, a long one too. */
  readonly name: string;
  /** First address. */
  readonly rva: number;
  /** Bytes in memory. */
  readonly size: number;
  /** Where its data begins in the file. */
  readonly offset: number;
  /** Bytes of data that are mapped and that the file has. */
  readonly stored: number;
  readonly executable: boolean;
};

/** What the headers say. */
export type PeHeaders = {
  /** See `machine`. */
  readonly machine: number;
  /** The linker's time in seconds since 1970, or a hash of the image when the build is reproducible; dumps have the same number. */
  readonly timestamp: number;
  /** Bytes of the loaded module. */
  readonly imageSize: number;
  /** The address that the linker put the module at; above 2^53 it is not exact. */
  readonly imageBase: number;
  /** True for PE32+. */
  readonly isWide: boolean;
  /** The linker's own, such as `14.29`. */
  readonly linkerVersion: string;
  /** In the order of their headers. */
  readonly sections: readonly PeSection[];
  /** Sections whose headers lie beyond the end of the file, or that are too many. */
  readonly missingSections: number;
  /** Bytes of sections that the headers promise and the file does not have. */
  readonly missingBytes: number;
  /** By number, see `directory`. */
  readonly directories: readonly DataDirectory[];
  /** Where the COFF symbols begin in the file; 0 when there are none. */
  readonly symbolOffset: number;
  /** How many COFF symbols the header claims. */
  readonly symbolCount: number;
};

const coffHeaderBytes = 24;
const sectionHeaderBytes = 40;
const pageBytes = 0x1000;
/** `IMAGE_SCN_CNT_CODE` and `IMAGE_SCN_MEM_EXECUTE`. */
const executeFlags = 0x2000_0020;
const directoryCountMax = 16;
/** Sections that are looked at; images have about ten, and Windows took no more than 96 for long. */
const sectionsMax = 256;

const malformed = (what: string): Result<never> =>
  refuse(400, "malformed_pe", `The Windows program cannot be read: ${what}.`, "Upload the DLL or EXE as the linker wrote it; a copy that was cut or packed has not what crashes need.");

/** An image whose headers were read. */
export class PeImage {
  readonly bytes: FileBytes;
  readonly headers: PeHeaders;
  /** Names behind the COFF symbols. */
  readonly coffStrings: CoffStrings;
  /** What the loader maps of the headers. */
  private readonly front: PeSection;
  /** The section of the read before: most reads are near it. */
  private last: PeSection;

  constructor(bytes: FileBytes, headers: PeHeaders, coffStrings: CoffStrings, frontBytes: number) {
    this.bytes = bytes;
    this.headers = headers;
    this.coffStrings = coffStrings;
    this.front = { name: "", rva: 0, size: frontBytes, offset: 0, stored: frontBytes, executable: false };
    this.last = this.front;
  }

  /** A data directory by its number; zeros when the image has none such. */
  directory(number: number): DataDirectory {
    return this.headers.directories[number] ?? { rva: 0, size: 0 };
  }

  /** The section whose data in the file has all `length` bytes at `rva`, the mapped headers as a nameless one; null when none has. */
  sectionAt(rva: number, length: number): PeSection | null {
    if (holds(this.last, rva, length)) return this.last;
    const found = holds(this.front, rva, length) ? this.front : this.headers.sections.find((section) => holds(section, rva, length));
    if (found === undefined) return null;
    this.last = found;
    return found;
  }

  /** Bytes of the loaded module, as a buffer of their own; null when the file does not hold them all. For many small reads, `RvaWindow` is faster. */
  readRva(rva: number, length: number): Buffer | null {
    const section = this.sectionAt(rva, length);
    return section === null ? null : readBytes(this.bytes, section.offset + rva - section.rva, length);
  }

  /** Whether code lies at an address. */
  isExecutable(rva: number): boolean {
    return this.headers.sections.some((section) => section.executable && rva >= section.rva && rva - section.rva < section.size);
  }
}

function holds(section: PeSection, rva: number, length: number): boolean {
  return rva >= section.rva && rva - section.rva + length <= section.stored;
}

/** Reads the headers. Refuses with `malformed_pe`, or `not_a_pe` for programs of DOS, OS/2 and Windows 3. */
export function readImage(bytes: FileBytes): Result<PeImage> {
  const dos = readBytes(bytes, 0, 64);
  if (dos === null || dos.toString("latin1", 0, 2) !== "MZ") return malformed("it does not begin with a DOS header");
  const at = dos.readUInt32LE(60);
  const coff = readBytes(bytes, at, coffHeaderBytes);
  if (coff === null || coff.readUInt32LE(0) !== 0x4550) return refuseOther(bytes, dos, at);
  const optionalBytes = coff.readUInt16LE(20);
  const optional = readBytes(bytes, at + coffHeaderBytes, optionalBytes);
  const magic = optional !== null && optionalBytes >= 2 ? optional.readUInt16LE(0) : 0;
  if (optional === null || optionalBytes < 68) return malformed("its headers are cut off");
  if (magic !== 0x10b && magic !== 0x20b) return malformed(`its optional header is of the unknown kind 0x${magic.toString(16)}`);

  const symbolOffset = coff.readUInt32LE(12);
  const symbolCount = symbolOffset === 0 ? 0 : coff.readUInt32LE(16);
  const coffStrings = new CoffStrings(bytes, symbolOffset, symbolCount);
  const isWide = magic === 0x20b;
  const imageSize = optional.readUInt32LE(56);
  const sections = readSections(bytes, at + coffHeaderBytes + optionalBytes, coff.readUInt16LE(6), optional.readUInt32LE(32) >= pageBytes, coffStrings);
  const headers: PeHeaders = {
    machine: coff.readUInt16LE(4),
    timestamp: coff.readUInt32LE(8),
    imageSize,
    imageBase: isWide ? optional.readUInt32LE(24) + optional.readUInt32LE(28) * 2 ** 32 : optional.readUInt32LE(28),
    isWide,
    linkerVersion: `${optional[2]}.${optional[3]}`,
    ...sections,
    directories: readDirectories(optional, isWide ? 112 : 96),
    symbolOffset,
    symbolCount,
  };
  return ok(new PeImage(bytes, headers, coffStrings, Math.min(optional.readUInt32LE(60), bytes.size, imageSize)));
}

/** Says what begins with MZ and is not a PE. */
function refuseOther(bytes: FileBytes, dos: Buffer, at: number): Result<never> {
  const signature = readBytes(bytes, at, 2)?.toString("latin1") ?? "";
  const kind = { NE: "of 16-bit Windows or OS/2 (NE)", LE: "of OS/2 or a Windows 9x driver (LE)", LX: "of OS/2 (LX)" }[signature];
  if (kind === undefined && at >= 64 && at + 4 > bytes.size) return malformed("it ends before its PE header");
  // Programs of DOS have their relocations, or code, where others name a new header.
  const what = kind ?? (dos.readUInt16LE(24) < 64 || at === 0 ? "of DOS" : "without a PE header");
  return refuse(400, "not_a_pe", `The file is a program ${what}, not a PE image.`, "Upload the DLL or EXE that Windows loads.");
}

function readDirectories(optional: Buffer, at: number): DataDirectory[] {
  const claimed = at <= optional.length ? optional.readUInt32LE(at - 4) : 0;
  const count = Math.min(claimed, directoryCountMax, Math.floor((optional.length - at) / 8));
  return Array.from({ length: Math.max(count, 0) }, (_, i) => ({ rva: optional.readUInt32LE(at + i * 8), size: optional.readUInt32LE(at + i * 8 + 4) }));
}

function readSections(bytes: FileBytes, at: number, claimed: number, isPaged: boolean, strings: CoffStrings): Pick<PeHeaders, "sections" | "missingSections" | "missingBytes"> {
  const count = Math.max(0, Math.min(claimed, sectionsMax, Math.floor((bytes.size - at) / sectionHeaderBytes)));
  const table = readBytes(bytes, at, count * sectionHeaderBytes) ?? Buffer.alloc(0);
  let missingBytes = 0;
  const sections: PeSection[] = [];
  for (let i = 0; i < table.length; i += sectionHeaderBytes) {
    const virtualSize = table.readUInt32LE(i + 8);
    const rawSize = table.readUInt32LE(i + 16);
    const rawOffset = table.readUInt32LE(i + 20);
    const size = virtualSize || rawSize;
    const mapped = Math.min(rawSize, isPaged ? Math.ceil(size / pageBytes) * pageBytes : size);
    const offset = isPaged ? rawOffset - (rawOffset % 512) : rawOffset;
    const stored = rawOffset === 0 ? 0 : Math.max(0, Math.min(mapped, bytes.size - offset));
    if (rawOffset !== 0) missingBytes += Math.max(0, Math.min(mapped, size) - stored);
    sections.push({ name: sectionName(table.subarray(i, i + 8), strings), rva: table.readUInt32LE(i + 12), size, offset, stored, executable: (table.readUInt32LE(i + 36) & executeFlags) !== 0 });
  }
  return { sections, missingSections: claimed - sections.length, missingBytes };
}

/** A name of eight bytes, or where in the string table a longer one is: `/` and a decimal number, `//` and six digits of base 64 (LLVM's, for tables above 10 MB). */
function sectionName(field: Buffer, strings: CoffStrings): string {
  const end = field.indexOf(0);
  const name = field.toString("latin1", 0, end < 0 ? 8 : end);
  if (!name.startsWith("/")) return name;
  if (!name.startsWith("//")) return (/^\/\d+$/.test(name) && strings.text(Number(name.slice(1)))) || name;
  let offset = 0;
  for (const digit of name.slice(2)) {
    const value = base64Digits.indexOf(digit);
    if (value < 0) return name;
    offset = offset * 64 + value;
  }
  return strings.text(offset) ?? name;
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
