// Puts sections together into the bytes of a cache file. layout.ts says what
// they look like.
import { crc32 } from "node:zlib";
import type { Arch } from "../registers.ts";
import { type CacheMeta, type SectionKind, archNumber, cacheMagic, cacheMajor, cacheMinor, compilerVersion, entryBytes, headerBytes, headerField, pageBytes, section } from "./layout.ts";

/** The elements of one section. */
export type SectionData = Uint8Array | Uint16Array | Uint32Array | Int32Array;

/** Makes a cache of its sections, with the bits of `headerFlag`; those that are empty are left out. Throws a RangeError when the file would pass 4 GiB. */
export function writeCache(meta: CacheMeta, arch: Arch | null, sections: ReadonlyMap<SectionKind, SectionData>, flags = 0): Uint8Array {
  const all: (readonly [SectionKind, SectionData])[] = [[section.meta, Buffer.from(JSON.stringify(meta))]];
  for (const [kind, data] of sections) if (data.length > 0) all.push([kind, data]);
  const bodyBytes = all.reduce((sum, [, data]) => sum + align8(data.byteLength), 0);
  const pages = Math.ceil(bodyBytes / pageBytes);
  const bodyOffset = align8(headerBytes + all.length * entryBytes + pages * 4);
  const file = Buffer.alloc(bodyOffset + bodyBytes);

  file.writeUInt32LE(cacheMagic, headerField.magic);
  file.writeUInt16LE(cacheMajor, headerField.major);
  file.writeUInt16LE(cacheMinor, headerField.minor);
  file.writeUInt32LE(compilerVersion, headerField.compiler);
  file.writeUInt32LE(file.length >>> 0, headerField.fileBytes);
  file.writeUInt32LE(Math.floor(file.length / 2 ** 32), headerField.fileBytes + 4);
  file.writeUInt16LE(archNumber(arch), headerField.arch);
  file.writeUInt16LE(flags, headerField.flags);
  file.writeUInt32LE(all.length, headerField.sections);
  file.writeUInt32LE(bodyOffset, headerField.bodyOffset);
  file.write(meta.debugId.slice(0, 32), headerField.debugId, 16, "hex");
  file.writeUInt32LE(Number.parseInt(meta.debugId.slice(32), 16) >>> 0 || 0, headerField.age);

  let offset = bodyOffset;
  for (const [i, [kind, data]] of all.entries()) {
    const entry = headerBytes + i * entryBytes;
    file.writeUInt32LE(kind, entry);
    file.writeUInt32LE(data.length, entry + 4);
    file.writeUInt32LE(offset / 8, entry + 8);
    file.writeUInt32LE(data.byteLength, entry + 12);
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += align8(data.byteLength);
  }
  const sums = headerBytes + all.length * entryBytes;
  for (let page = 0; page < pages; page++) {
    const start = bodyOffset + page * pageBytes;
    file.writeUInt32LE(crc32(file.subarray(start, Math.min(start + pageBytes, file.length))), sums + page * 4);
  }
  file.writeUInt32LE(crc32(file.subarray(0, bodyOffset)), headerField.frontSum);
  return file;
}

function align8(value: number): number {
  return Math.ceil(value / 8) * 8;
}
