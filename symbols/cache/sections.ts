// The sections of an open cache, as typed arrays over its shared bytes.
import { type SectionKind, entryBytes, headerBytes, headerField } from "./layout.ts";
import { DamagedCache, type PagedFile } from "./paged-file.ts";

/** A section of 32-bit elements: the elements, and where they begin in the file. */
export type WordSection = { readonly words: Uint32Array; readonly offset: number };

/** Where the sections of one cache lie. */
export class SectionTable {
  private readonly file: PagedFile;
  private readonly entries = new Map<number, { readonly offset: number; readonly bytes: number }>();

  /** Reads the directory. Throws `DamagedCache` for sections that lie outside of the file. */
  constructor(file: PagedFile) {
    this.file = file;
    const { bytes } = file;
    const count = bytes.readUInt32LE(headerField.sections);
    for (let i = 0; i < count; i++) {
      const entry = headerBytes + i * entryBytes;
      const offset = bytes.readUInt32LE(entry + 8) * 8;
      const length = bytes.readUInt32LE(entry + 12);
      if (offset + length > bytes.length) throw new DamagedCache(file.handle.path, { reason: "damaged", message: `Section ${i} lies outside of the file.` });
      this.entries.set(bytes.readUInt32LE(entry), { offset, bytes: length });
    }
  }

  /** A section of u32; empty when the cache has none. */
  words(kind: SectionKind): WordSection {
    const { offset, bytes } = this.at(kind);
    return { words: new Uint32Array(this.file.handle.bytes, offset, bytes >>> 2), offset };
  }

  /** A section of u16. */
  halves(kind: SectionKind): { readonly halves: Uint16Array; readonly offset: number } {
    const { offset, bytes } = this.at(kind);
    return { halves: new Uint16Array(this.file.handle.bytes, offset, bytes >>> 1), offset };
  }

  /** A section of i32. */
  integers(kind: SectionKind): Int32Array {
    const { offset, bytes } = this.at(kind);
    return new Int32Array(this.file.handle.bytes, offset, bytes >>> 2);
  }

  /** Where a section lies in the file; of no length when the cache has none. */
  at(kind: SectionKind): { readonly offset: number; readonly bytes: number } {
    return this.entries.get(kind) ?? { offset: 0, bytes: 0 };
  }

  /** Reads a whole section. Throws `DamagedCache`. */
  load(kind: SectionKind): void {
    const { offset, bytes } = this.at(kind);
    if (bytes > 0) this.file.need(offset, offset + bytes);
  }
}
