// Looks over a whole symbol file while it streams past: is it one, is it all
// there, and what is in it? An upload passes through this on its way to the
// disk, so that "why has my crash no line numbers" is answered at upload time
// ("this file has no line records") and not after the next crash.
//
// Only line starts are looked at. A record that is malformed in the middle of
// the file is not an error here: walkers skip it, and so does `lookup.ts`.
import { type Problem, type Result, ok, refuse } from "../../config/problem.ts";
import { type SymbolHeader, headerPrefixBytes, readSymbolHeader } from "./header.ts";
import { RecordCursor, noNumber } from "./record-cursor.ts";

/** How many records of each kind a symbol file holds. */
export type RecordCounts = {
  readonly functions: number;
  readonly publics: number;
  readonly lines: number;
  readonly files: number;
  readonly inlines: number;
  readonly inlineOrigins: number;
  readonly stackCfi: number;
  readonly stackWin: number;
  /** Lines of no known kind, blank ones not counted. */
  readonly unknown: number;
};

/** What is known of a symbol file once all of it was seen. */
export type SymbolFacts = {
  readonly header: SymbolHeader;
  /** Size in bytes, uncompressed. */
  readonly bytes: number;
  readonly counts: RecordCounts;
  /** True when addresses can be given a source file and line. */
  readonly hasLines: boolean;
  /** True when it tells how to unwind, which most x64 walks depend on. */
  readonly hasUnwind: boolean;
};

/** Bytes kept of a line that crosses a chunk border, and of the last line: enough for every field but a long name. */
const keptLineBytes = 4096;

const lineFeed = 0x0a;

/** Takes a symbol file chunk by chunk. For a pipeline that also stores the bytes; `checkSymbolStream` does the rest. */
export class SymbolCheck {
  private readonly tally = { functions: 0, publics: 0, lines: 0, files: 0, inlines: 0, inlineOrigins: 0, stackCfi: 0, stackWin: 0, unknown: 0 };
  private bytes = 0;
  private prefix: Uint8Array[] = [];
  private prefixBytes = 0;
  private header: Result<SymbolHeader> | null = null;
  /** Eight more than are kept, and zero: `count` may look past a short line. */
  private readonly kept = Buffer.alloc(keptLineBytes + 8);
  private keptBytes = 0;

  /** Takes the next bytes. A problem means that nothing after them can make this a symbol file; the stream may be stopped. */
  push(chunk: Uint8Array): Problem | null {
    if (chunk.length === 0) return null;
    this.bytes += chunk.length;
    if (this.header === null) {
      const part = chunk.subarray(0, headerPrefixBytes - this.prefixBytes);
      this.prefix.push(Uint8Array.from(part));
      this.prefixBytes += part.length;
      if (this.prefixBytes === headerPrefixBytes) this.readHeader();
    }
    this.scan(chunk);
    return this.header?.ok === false ? this.header.problem : null;
  }

  /** Says what the file is once its last byte was pushed. Refuses with the header's problems or `truncated_symbol_file`. */
  finish(): Result<SymbolFacts> {
    const header = this.header ?? this.readHeader();
    if (!header.ok) return header;
    if (this.keptBytes > 0) {
      if (!isCompleteRecord(this.kept, this.keptBytes)) {
        const line = this.kept.toString("latin1", 0, Math.min(this.keptBytes, 80));
        return refuse(400, "truncated_symbol_file", `The file ends in the middle of a record, after ${this.bytes} bytes: "${line}".`, "The disk or the connection gave out while it was written; run dump_syms again and upload the whole file.");
      }
      this.count(this.kept, 0);
    }
    const counts = { ...this.tally };
    return ok({ header: header.value, bytes: this.bytes, counts, hasLines: counts.lines > 0, hasUnwind: counts.stackCfi + counts.stackWin > 0 });
  }

  private readHeader(): Result<SymbolHeader> {
    this.header = readSymbolHeader(Buffer.concat(this.prefix));
    this.prefix = [];
    return this.header;
  }

  private scan(chunk: Uint8Array): void {
    let start = 0;
    if (this.keptBytes > 0) {
      const end = chunk.indexOf(lineFeed);
      this.keep(chunk, 0, end < 0 ? chunk.length : end);
      if (end < 0) return;
      this.count(this.kept, 0);
      this.keptBytes = 0;
      start = end + 1;
    }
    const length = chunk.length;
    for (let at = start; at < length; at++) {
      if (chunk[at] !== lineFeed) continue;
      if (at > start) this.count(chunk, start);
      start = at + 1;
    }
    this.keep(chunk, start, length);
  }

  private keep(chunk: Uint8Array, start: number, end: number): void {
    const room = Math.min(end - start, keptLineBytes - this.keptBytes);
    this.kept.set(chunk.subarray(start, start + room), this.keptBytes);
    this.keptBytes += room;
    this.kept.fill(0, this.keptBytes, this.keptBytes + 8);
  }

  /** Counts the record that begins at `at`. Compares a few letters only: the words of the format differ early. */
  private count(bytes: Uint8Array, at: number): void {
    const tally = this.tally;
    const first = bytes[at]!;
    const second = bytes[at + 1];
    if ((first >= 0x30 && first <= 0x39) || (first >= 0x61 && first <= 0x66)) tally.lines++;
    else if (first === 0x53 && second === 0x54 && bytes[at + 6] === 0x43) tally.stackCfi++;
    else if (first === 0x46 && second === 0x55) tally.functions++;
    else if (first === 0x49 && second === 0x4e && bytes[at + 2] === 0x4c) {
      if (bytes[at + 6] === 0x5f) tally.inlineOrigins++;
      else tally.inlines++;
    } else if (first === 0x46 && second === 0x49) tally.files++;
    else if (first === 0x50 && second === 0x55) tally.publics++;
    else if (first === 0x53 && second === 0x54 && bytes[at + 6] === 0x57) tally.stackWin++;
    else if (first !== 0x4d && first !== 0x0d && !(first === 0x49 && second === 0x4e)) tally.unknown++;
  }
}

/** Reads a symbol file to its end. Throws only what the stream itself throws. */
export async function checkSymbolStream(chunks: AsyncIterable<Uint8Array>): Promise<Result<SymbolFacts>> {
  const check = new SymbolCheck();
  for await (const chunk of chunks) {
    const problem = check.push(chunk);
    if (problem !== null) return { ok: false, problem };
  }
  return check.finish();
}

/** Fields each record needs, names included; a line record is the one without a word. */
const fieldCounts: { readonly [word: string]: number } = { MODULE: 4, INFO: 1, FILE: 2, INLINE_ORIGIN: 2, FUNC: 4, INLINE: 5, PUBLIC: 3 };

function isCompleteRecord(bytes: Uint8Array, length: number): boolean {
  const word = /^[A-Z_]+(?= )/.exec(Buffer.from(bytes.subarray(0, Math.min(length, 20))).toString("latin1"))?.[0];
  const cursor = new RecordCursor(bytes);
  cursor.reset(bytes, 0, length);
  if (word === undefined) return !cursor.hasMore() || (cursor.hex() !== noNumber && cursor.hex() !== noNumber && cursor.decimal() !== noNumber && cursor.decimal() !== noNumber);
  cursor.skipField();
  if (word === "STACK") return isCompleteStack(cursor);
  const needed = fieldCounts[word];
  if (needed === undefined) return false;
  return cursor.countFields() - (word !== "INFO" && cursor.skipMultiple() ? 1 : 0) >= needed;
}

function isCompleteStack(cursor: RecordCursor): boolean {
  const kind = cursor.rest();
  if (kind.startsWith("WIN ")) return /^WIN( +[0-9a-fA-F]+){9} +\S/.test(kind);
  return /^CFI +(INIT +[0-9a-fA-F]+ +)?[0-9a-fA-F]+ +\S+: +\S/.test(kind);
}
