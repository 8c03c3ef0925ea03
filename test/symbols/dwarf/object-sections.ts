// Finds the DWARF of ELF and PE files, for tests: just enough of both formats to
// hand their sections to the reader.
import { inflateSync, zstdDecompressSync } from "node:zlib";
import type { DwarfSections } from "../../../symbols/dwarf/dwarf-sections.ts";

/** A file's sections, and where its image begins and ends. */
export type ObjectFile = DwarfSections & {
  readonly base: number;
  /** Ranges of code relative to the base: start and end. */
  readonly code: readonly (readonly [start: number, end: number])[];
};

/** Opens an ELF or PE file. Throws when it is neither. */
export function openObject(file: Buffer): ObjectFile {
  return file.readUInt16LE(0) === 0x5a4d ? openPe(file) : openElf(file);
}

function openPe(file: Buffer): ObjectFile {
  const coff = file.readUInt32LE(0x3c) + 4;
  const optional = coff + 20;
  const isWide = file.readUInt16LE(optional) === 0x20b;
  const base = isWide ? Number(file.readBigUInt64LE(optional + 24)) : file.readUInt32LE(optional + 28);
  const imageBytes = file.readUInt32LE(optional + 56);
  const strings = file.readUInt32LE(coff + 8) + 18 * file.readUInt32LE(coff + 12);
  const found = new Map<string, Buffer>();
  const code: [number, number][] = [];
  for (let i = 0; i < file.readUInt16LE(coff + 2); i++) {
    const at = optional + file.readUInt16LE(coff + 16) + 40 * i;
    let name = cString(file, at, at + 8);
    if (name.startsWith("/")) name = cString(file, strings + Number(name.slice(1)));
    const size = Math.min(file.readUInt32LE(at + 8), file.readUInt32LE(at + 16));
    const start = file.readUInt32LE(at + 12);
    found.set(name, file.subarray(file.readUInt32LE(at + 20), file.readUInt32LE(at + 20) + size));
    if ((file.readUInt32LE(at + 36) & 0x20) !== 0) code.push([start, start + size]);
  }
  return {
    little: true,
    addressBytes: isWide ? 8 : 4,
    section: (name) => found.get(name) ?? null,
    toRva: (address) => (address >= base && address < base + imageBytes ? address - base : -1),
    base,
    code,
  };
}

function openElf(file: Buffer): ObjectFile {
  if (file.readUInt32BE(0) !== 0x7f454c46) throw new Error("neither ELF nor PE");
  const isWide = file[4] === 2;
  const little = file[5] === 1;
  const number = (at: number, size: number): number => {
    if (size === 8) return little ? Number(file.readBigUInt64LE(at)) : Number(file.readBigUInt64BE(at));
    return little ? file.readUIntLE(at, size) : file.readUIntBE(at, size);
  };
  const word = isWide ? 8 : 4;
  const headers = number(isWide ? 0x28 : 0x20, word);
  const entry = number(isWide ? 0x3a : 0x2e, 2);
  const sections = Array.from({ length: number(isWide ? 0x3c : 0x30, 2) }, (_, i) => {
    const at = headers + i * entry;
    const fields = at + 8;
    return { name: number(at, 4), type: number(at + 4, 4), flags: number(fields, word), address: number(fields + word, word), offset: number(fields + 2 * word, word), size: number(fields + 3 * word, word) };
  });
  const names = sections[number(isWide ? 0x3e : 0x32, 2)]!.offset;
  const found = new Map<string, Uint8Array>();
  const code: [number, number][] = [];
  let end = 0;
  for (const section of sections) {
    const bytes = file.subarray(section.offset, section.offset + (section.type === 8 ? 0 : section.size));
    found.set(cString(file, names + section.name), (section.flags & 0x800) === 0 ? bytes : decompress(bytes, number(section.offset, 4), isWide ? 24 : 12));
    if ((section.flags & 2) !== 0) end = Math.max(end, section.address + section.size);
    if ((section.flags & 4) !== 0) code.push([section.address, section.address + section.size]);
  }
  const allocated = sections.filter(({ flags, address }) => (flags & 2) !== 0 && address > 0).map(({ address }) => address);
  // Images of programs begin at their first segment; a page's start is near enough here.
  const base = Math.floor(Math.min(...allocated, Number.MAX_SAFE_INTEGER) / 0x10000) * 0x10000;
  return {
    little,
    addressBytes: word,
    section: (name) => found.get(name) ?? null,
    toRva: (address) => (address >= base && address < end ? address - base : -1),
    base,
    code: code.map(([from, to]) => [from - base, to - base] as const),
  };
}

/** The contents of a section with SHF_COMPRESSED, whose header says how: 1 zlib, 2 zstd. */
function decompress(section: Uint8Array, how: number, headerBytes: number): Uint8Array {
  return how === 2 ? zstdDecompressSync(section.subarray(headerBytes)) : inflateSync(section.subarray(headerBytes));
}

function cString(file: Buffer, at: number, limit = file.length): string {
  const end = file.indexOf(0, at);
  return file.toString("latin1", at, end < 0 ? limit : Math.min(end, limit));
}
