// The reference that compiled symbols are held against: names addresses with
// the text of a Breakpad symbol file, by code of its own. One pass over the file, in
// memory that does not depend on the file's size.
//
// A posted stack trace has a few dozen addresses per module, and the symbol
// file of a plugin is 50 MB of text. Loading it, as a walker does, costs
// seconds and a gigabyte; here the file streams past once, every record is
// held against the asked addresses (`text-lookup-match.ts`), and at the end only
// the names that are needed are read, by their offset.
//
// What one address says, with A inlined into B inlined into the function F:
// the line record belongs to the innermost, so A has the line record's file
// and line, B has the place where it calls A, and F the place where it calls
// B. This is what minidump_stackwalk prints; tests hold the two together.
//
// Malformed records are skipped. (minidump_stackwalk gives up on a file after
// a hundred of them; here the rest is still used.)
import { type FileHandle, open } from "node:fs/promises";
import { type Result, ok, refuse } from "../../../config/problem.ts";
import { AddressMatch, type Cover } from "./text-lookup-match.ts";
import { headerPrefixBytes, readSymbolHeader } from "../../../symbols/breakpad/header.ts";
import { RecordCursor, noNumber } from "../../../symbols/breakpad/record-cursor.ts";
import { RecordOffsets } from "./text-lookup-offsets.ts";

/** Bytes read at a time; also the longest record that is looked at. */
const bufferBytes = 1024 * 1024;

/** A function that was inlined at an address. */
export type InlineName = { readonly function: string; readonly file: string | null; readonly line: number | null };

/** What a symbol file says of one address. */
export type AddressName = {
  /** Which record named it; a PUBLIC is a linker symbol without lines. */
  readonly record: "FUNC" | "PUBLIC";
  readonly function: string;
  /** Bytes from the function's start. */
  readonly functionOffset: number;
  /** True when the linker folded several functions into this code, so that another name may be meant. */
  readonly multiple: boolean;
  /** Where the physical function stands: with inlines, at its outermost inlined call. */
  readonly file: string | null;
  readonly line: number | null;
  /** Functions inlined at the address, innermost first. */
  readonly inlines: readonly InlineName[];
};

/** Names module-relative addresses; null for those nothing covers, and for what is no address. Refuses with `symbol_file_unreadable` or the header's problems. */
export async function lookUpAddresses(path: string, addresses: readonly number[]): Promise<Result<readonly (AddressName | null)[]>> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const head = Buffer.alloc(headerPrefixBytes);
    const { bytesRead } = await file.read(head, 0, headerPrefixBytes, 0);
    const header = readSymbolHeader(head.subarray(0, bytesRead));
    if (!header.ok) return header;
    const scan = new SymbolScan(addresses.filter((address) => Number.isSafeInteger(address) && address >= 0));
    await scan.read(file);
    const covers = scan.match.finish();
    const names = new NameReader(file, scan);
    const byAddress = new Map<number, AddressName | null>();
    for (const [i, address] of scan.match.addresses.entries()) byAddress.set(address, await names.name(address, covers[i] ?? null));
    return ok(addresses.map((address) => byAddress.get(address) ?? null));
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return refuse(500, "symbol_file_unreadable", `The symbol file cannot be read: ${error.message}.`, "Look at the disk and at the file's permissions.");
  } finally {
    await file?.close();
  }
}

/** One pass over a file's records. */
class SymbolScan {
  readonly match: AddressMatch;
  readonly files = new RecordOffsets();
  readonly origins = new RecordOffsets();
  private readonly cursor = new RecordCursor(new Uint8Array(0));

  constructor(addresses: readonly number[]) {
    this.match = new AddressMatch(addresses);
  }

  async read(file: FileHandle): Promise<void> {
    const buffer = Buffer.alloc(bufferBytes);
    /** Offset in the file of the buffer's first byte, and how many bytes of it are filled. */
    let offset = 0;
    let filled = 0;
    let inLongLine = false;
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, bufferBytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
      let start = 0;
      if (inLongLine) {
        start = buffer.subarray(0, filled).indexOf(0x0a) + 1;
        inLongLine = start === 0;
        if (inLongLine) start = filled;
      }
      start = this.takeLines(buffer, start, filled, offset);
      if (start === 0 && filled === bufferBytes) {
        inLongLine = true;
        start = filled;
      }
      buffer.copyWithin(0, start, filled);
      offset += start;
      filled -= start;
    }
    if (filled > 0) this.take(buffer, 0, filled, offset);
  }

  /** Takes all whole lines and returns where the first incomplete one begins. */
  private takeLines(buffer: Uint8Array, from: number, filled: number, offset: number): number {
    let start = from;
    let at = from;
    while (at < filled) {
      const first = buffer[at]!;
      while (at < filled && buffer[at] !== 0x0a) at++;
      if (at === filled) break;
      // Lines of functions nobody asked for are nine tenths of a file.
      if (first > 0x39 || this.match.wantsLines()) this.take(buffer, start, at, offset + start);
      start = ++at;
    }
    return start;
  }

  private take(buffer: Uint8Array, start: number, end: number, recordOffset: number): void {
    const { cursor, match } = this;
    const first = buffer[start];
    if (first === 0x46 && isWord(buffer, start, "FUNC ")) {
      cursor.reset(buffer, start + 5, end);
      cursor.skipMultiple();
      const base = cursor.hex();
      const size = cursor.hex();
      const isNamed = cursor.hex() !== noNumber && cursor.hasMore();
      if (base !== noNumber && size !== noNumber && isNamed) match.addFunction(base, size, recordOffset);
      else match.endFunction();
    } else if (first === 0x46 && isWord(buffer, start, "FILE ")) {
      this.takeNumbered(this.files, buffer, start + 5, end, recordOffset);
    } else if (first === 0x49 && isWord(buffer, start, "INLINE_ORIGIN ")) {
      this.takeNumbered(this.origins, buffer, start + 14, end, recordOffset);
    } else if (first === 0x49 && isWord(buffer, start, "INLINE ")) {
      if (match.wantsLines()) this.takeInline(buffer, start + 7, end);
    } else if (first === 0x50 && isWord(buffer, start, "PUBLIC ")) {
      cursor.reset(buffer, start + 7, end);
      cursor.skipMultiple();
      const address = cursor.hex();
      const isNamed = cursor.hex() !== noNumber && cursor.hasMore();
      if (address !== noNumber && isNamed) match.addPublic(address, recordOffset);
      else match.endFunction();
    } else if (match.wantsLines() && first !== 0x53) {
      cursor.reset(buffer, start, end);
      const address = cursor.hex();
      const size = cursor.hex();
      const line = cursor.decimal();
      const file = cursor.decimal();
      if (address !== noNumber && size !== noNumber && line !== noNumber && file !== noNumber) match.addLine(address, size, line, file);
    }
  }

  private takeNumbered(table: RecordOffsets, buffer: Uint8Array, start: number, end: number, recordOffset: number): void {
    this.cursor.reset(buffer, start, end);
    const id = this.cursor.decimal();
    if (id !== noNumber && this.cursor.hasMore()) table.add(id, recordOffset);
  }

  /** Level, call line, file of the call (since 2022), origin, then pairs of address and size: the parity tells the two formats apart. */
  private takeInline(buffer: Uint8Array, start: number, end: number): void {
    const { cursor, match } = this;
    cursor.reset(buffer, start, end);
    const fields = cursor.countFields();
    if (fields < 5) return;
    const level = cursor.decimal();
    const callLine = cursor.decimal();
    const hasFile = fields % 2 === 0;
    // An artificial function has the file -1, which `decimal` reads as none.
    const callFile = hasFile ? cursor.decimal() : -1;
    if (hasFile && callFile === noNumber) cursor.skipField();
    const origin = cursor.decimal();
    if (level === noNumber || callLine === noNumber || origin === noNumber || !match.enterInline(level)) return;
    while (cursor.hasMore()) {
      const address = cursor.hex();
      const size = cursor.hex();
      if (address === noNumber || size === noNumber) return;
      match.addInlineRange({ address, size, callLine, callFile, origin });
    }
  }
}

/** Reads the names that covers point to. */
class NameReader {
  private readonly file: FileHandle;
  private readonly scan: SymbolScan;
  /** Text of records by offset: the frames of one module share functions and files. */
  private readonly records = new Map<number, Buffer>();

  constructor(file: FileHandle, scan: SymbolScan) {
    this.file = file;
    this.scan = scan;
  }

  async name(address: number, cover: Cover | null): Promise<AddressName | null> {
    if (cover === null) return null;
    const record = await this.record(cover.recordOffset);
    const cursor = new RecordCursor(record);
    cursor.reset(record, cover.kind === "FUNC" ? 5 : 7, record.length);
    const multiple = cursor.skipMultiple();
    for (let skipped = cover.kind === "FUNC" ? 3 : 2; skipped > 0; skipped--) cursor.skipField();
    const lineFile = cover.source === null ? null : await this.fileName(cover.source.file);
    // Walks from the innermost outwards; each function leaves the place of its call to the one around it.
    let file = lineFile;
    let line = cover.source?.line ?? null;
    const inlines: InlineName[] = [];
    for (const inline of cover.inlines.toReversed()) {
      inlines.push({ function: await this.originName(inline.origin), file, line });
      // Without a file of its own the call is taken to stand in the line record's file, as Breakpad does.
      file = (await this.fileName(inline.callFile)) ?? lineFile;
      line = inline.callLine;
    }
    return { record: cover.kind, function: cursor.rest(), functionOffset: address - cover.base, multiple, file, line, inlines };
  }

  private async fileName(id: number): Promise<string | null> {
    const offset = this.scan.files.get(id);
    if (offset === undefined) return null;
    return (await this.numbered(offset, 5)) || null;
  }

  /** The format before 2022 puts the number of a FILE between the origin's number and name. */
  private async originName(id: number): Promise<string> {
    const offset = this.scan.origins.get(id);
    if (offset === undefined) return "<name omitted>";
    const name = await this.numbered(offset, 14);
    return name.replace(/^-?\d+ +(?=\S)/, "");
  }

  private async numbered(offset: number, wordLength: number): Promise<string> {
    const record = await this.record(offset);
    const cursor = new RecordCursor(record);
    cursor.reset(record, wordLength, record.length);
    cursor.skipField();
    return cursor.rest();
  }

  private async record(offset: number): Promise<Buffer> {
    const known = this.records.get(offset);
    if (known !== undefined) return known;
    let record = Buffer.alloc(0);
    for (let size = 1024; ; size *= 4) {
      const buffer = Buffer.alloc(Math.min(size, bufferBytes));
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, offset);
      const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
      record = buffer.subarray(0, end < 0 ? bytesRead : end);
      if (end >= 0 || bytesRead < buffer.length || buffer.length === bufferBytes) break;
    }
    this.records.set(offset, record);
    return record;
  }
}

function isWord(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}
