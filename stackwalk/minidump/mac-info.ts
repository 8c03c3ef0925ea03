// The streams that Mozilla's fork of Breakpad adds on macOS: what modules
// noted in `__DATA,__crash_info` before they aborted, and the boot arguments.
// Layouts as in rust-minidump's minidump-common/src/format.rs.
import type { ByteSource } from "./byte-source.ts";
import type { Location } from "./directory.ts";
import type { MacCrashRecord } from "./model.ts";

/** Records that the stream has room for. */
const RECORDS_MAX = 20;
/** Bytes of one text, the writer's own bound. */
const TEXT_BYTES_MAX = 8192;

/** Reads all records; null when the stream is damaged. Numbers are hex text, null where they are 0 or the record's version has no such field. */
export function readMacCrashInfo(source: ByteSource, { rva, size }: Location): MacCrashRecord[] | null {
  if (size < 12 || !source.holds(rva, size)) return null;
  const count = Math.min(source.u32(rva + 4), RECORDS_MAX, Math.floor((size - 12) / 8));
  // Texts follow a record's numbers, of which newer versions have more.
  const textsFrom = source.u32(rva + 8);
  const records: MacCrashRecord[] = [];
  for (let i = 0; i < count; i++) {
    const record = readRecord(source, { size: source.u32(rva + 12 + 8 * i), rva: source.u32(rva + 16 + 8 * i) }, textsFrom);
    if (!record) return null;
    records.push(record);
  }
  return records;
}

// stream type and version, 64 bits each; thread and dialog mode since version
// 4; abort cause since 5. Then five texts, each ending in a NUL.
function readRecord(source: ByteSource, { rva, size }: Location, textsFrom: number): MacCrashRecord | null {
  if (size < 16 || !source.holds(rva, size)) return null;
  const version = source.u64(rva + 8);
  const numbers = version >= 5 ? 5 : version >= 4 ? 4 : 2;
  if (textsFrom < numbers * 8 || size < numbers * 8) return null;
  const texts = version >= 4 ? readTexts(source, rva + textsFrom, rva + size) : [null, null, null, null, null];
  if (!texts) return null;
  const [module = null, message = null, signature = null, backtrace = null, message2 = null] = texts;
  const number = (index: number): string | null => (index < numbers ? hexNumber(source, rva + 8 * index) : null);
  return { module, message, signature, backtrace, message2, thread: number(2), dialogMode: number(3), abortCause: number(4) };
}

function readTexts(source: ByteSource, from: number, end: number): (string | null)[] | null {
  const texts: (string | null)[] = [];
  let at = from;
  while (texts.length < 5) {
    const bytes = source.read(at, Math.min(end - at, TEXT_BYTES_MAX + 1));
    const length = bytes.indexOf(0);
    if (length < 0) return null;
    texts.push(length === 0 ? null : bytes.toString("utf8", 0, length));
    at += length + 1;
  }
  return texts;
}

function hexNumber(source: ByteSource, at: number): string | null {
  const high = source.high(at);
  const low = source.low(at).toString(16);
  if (high === 0) return low === "0" ? null : `0x${low}`;
  return `0x${high.toString(16)}${low.padStart(8, "0")}`;
}

/** The boot arguments: the stream's type, then the 64-bit offset of a text. Null when there are none. */
export function readMacBootArgs(source: ByteSource, { rva, size }: Location): string | null {
  return size >= 12 && source.holds(rva, size) ? source.string(source.u64(rva + 4)) : null;
}
