// The strings of an open cache. A crash names the same few functions and files
// in all of its threads, so the last ones that were decoded are kept.
import { section } from "./layout.ts";
import type { PagedFile } from "./paged-file.ts";
import type { SectionTable, WordSection } from "./sections.ts";
import { notAscii } from "./string-table.ts";

/** Strings that are kept, by the low bits of their number. */
const memoSize = 2048;

/** Node's own decoders of a part of a buffer: half the price of `toString`, which looks at its arguments first. */
type SlicedBuffer = { latin1Slice(start: number, end: number): string; utf8Slice(start: number, end: number): string };

/** Decodes strings by number. */
export class CachedStrings {
  private readonly file: PagedFile;
  private readonly bytes: SlicedBuffer;
  private readonly offsets: WordSection;
  private readonly base: number;
  private memoIds = new Int32Array(0);
  private memo: string[] = [];

  constructor(file: PagedFile, sections: SectionTable) {
    this.file = file;
    this.bytes = file.bytes as unknown as SlicedBuffer;
    this.offsets = sections.words(section.stringOffset);
    this.base = sections.at(section.stringBytes).offset;
  }

  /** The string with a number; "" for 0 and for numbers that there are not. */
  text(id: number): string {
    const slot = id & (memoSize - 1);
    if (this.memoIds[slot] === id) return this.memo[slot]!;
    const { words, offset } = this.offsets;
    if (id <= 0 || id + 1 >= words.length) return "";
    this.file.need(offset + id * 4, offset + id * 4 + 8);
    const from = words[id]!;
    const start = this.base + (from & ~notAscii);
    const end = this.base + (words[id + 1]! & ~notAscii);
    let text = "";
    if (end > start) {
      this.file.need(start, end);
      text = from < notAscii ? this.bytes.latin1Slice(start, end) : this.bytes.utf8Slice(start, end);
    }
    if (this.memo.length === 0) {
      this.memoIds = new Int32Array(memoSize);
      this.memo = Array.from<string>({ length: memoSize }).fill("");
    }
    this.memoIds[slot] = id;
    this.memo[slot] = text;
    return text;
  }
}
