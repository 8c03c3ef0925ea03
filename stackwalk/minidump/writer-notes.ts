// Small streams in which a crash handler or a debugger leaves notes: which
// thread wrote the dump, what was asserted, comments, code made at run time.
import type { ByteSource } from "./byte-source.ts";
import { extendedList, type Location } from "./directory.ts";
import type { FunctionTable } from "./model.ts";

/** Bytes kept of a comment. */
const COMMENT_BYTES_MAX = 4096;
/** Tables read of one dump. */
const TABLES_MAX = 16_384;
/** Units of each text of an assertion: MDRawAssertionInfo's arrays. */
const ASSERTION_UNITS = 128;

/** Threads by Breakpad's own stream: the one that wrote the dump, which walkers leave out, and the one that asked for it. Null when unknown. */
export function readBreakpadInfo(source: ByteSource, { rva, size }: Location): { readonly dumpThreadId: number | null; readonly requestingThreadId: number | null } {
  if (size < 12 || !source.holds(rva, size)) return { dumpThreadId: null, requestingThreadId: null };
  const valid = source.u32(rva);
  return { dumpThreadId: (valid & 1) === 0 ? null : source.u32(rva + 4), requestingThreadId: (valid & 2) === 0 ? null : source.u32(rva + 8) };
}

/** What was asserted, in Breakpad's words; null when the stream is damaged, or empty, as its Windows handler always writes one. */
export function readAssertion(source: ByteSource, { rva, size }: Location): string | null {
  const texts = 3 * ASSERTION_UNITS * 2;
  if (size < texts + 8 || !source.holds(rva, size)) return null;
  const text = (index: number): string => source.utf16(rva + index * ASSERTION_UNITS * 2, ASSERTION_UNITS);
  const [expression, inFunction, file] = [text(0), text(1), text(2)];
  const line = source.u32(rva + texts);
  const type = source.u32(rva + texts + 4);
  if (type === 0 && line === 0 && !expression && !inFunction && !file) return null;
  return (
    assertionKind(type) +
    (expression ? ` ${expression}` : "") +
    (inFunction ? ` in function ${inFunction}` : "") +
    (file ? `, in file ${file}` : "") +
    (line !== 0 ? `, at line ${line}` : "")
  );
}

function assertionKind(type: number): string {
  if (type === 1) return "Invalid parameter passed to library function";
  if (type === 2) return "Pure virtual function called";
  return `Unknown assertion type 0x${type.toString(16).padStart(8, "0")}`;
}

/** A comment that somebody put into the dump, in 8-bit or 16-bit characters; null when it is empty. */
export function readComment(source: ByteSource, { rva, size }: Location, wide: boolean): string | null {
  if (!source.holds(rva, size)) return null;
  const bytes = Math.min(size, COMMENT_BYTES_MAX);
  return (wide ? source.utf16(rva, bytes >>> 1) : source.utf8(rva, bytes)) || null;
}

/** Tables of functions made at run time (MINIDUMP_FUNCTION_TABLE_STREAM): each has a descriptor, Windows' own one, padding, and the entries. */
export function readFunctionTables(source: ByteSource, { rva, size }: Location): FunctionTable[] {
  const tables: FunctionTable[] = [];
  if (size < 24 || !source.holds(rva, size)) return tables;
  const list = extendedList(source, { rva, size }, 32);
  if (!list) return tables;
  const nativeBytes = source.u32(rva + 8);
  const entryBytes = source.u32(rva + 12);
  const count = Math.min(source.u32(rva + 16), TABLES_MAX);
  let at = list.first + source.u32(rva + 20);
  for (let i = 0; i < count && at + list.stride <= rva + size; i++) {
    const entryCount = source.u32(at + 24);
    const entries = at + list.stride + nativeBytes + source.u32(at + 28);
    const end = entries + entryCount * entryBytes;
    if (end > rva + size) break;
    tables.push({ minimumAddress: source.u64(at), maximumAddress: source.u64(at + 8), base: source.u64(at + 16), entryCount, rva: entries, entryBytes });
    at = end;
  }
  return tables;
}
