// Crashpad's annotations: what the program noted about itself before it
// crashed. A plugin's host, sample rate and buffer size travel here.
//
// Layouts are those of Crashpad's minidump/minidump_extensions.h: the
// MinidumpCrashpadInfo stream has a dictionary of the process and a list of
// modules, each with a dictionary, a list of texts and annotation objects.
// Many modules may point at one list, so what is read is counted over all of
// them: a small file must not become a large report.
import { locationAt, record, utf8, type Dump, type Location } from "./records.ts";

/** Annotations read of one dump, over all modules; Crashpad itself holds 200 a process. */
const ANNOTATIONS_MAX = 4096;
/** Bytes of one annotation; Crashpad's own bound for a value is 20 kB. */
const TEXT_BYTES_MAX = 65_536;
/** Bytes of all annotations together. */
const TOTAL_BYTES_MAX = 1024 * 1024;
/** Annotation type of text (Annotation::Type::kString); others are the program's own bytes. */
const TYPE_STRING = 1;

/** What was found so far, and what may still be read. */
type Reading = { readonly dump: Dump; readonly found: Map<string, string>; entriesLeft: number; bytesLeft: number };

/** Reads all annotations, the process's first. A name that repeats keeps its first value; unnamed texts of modules are joined by lines under `list`. */
export function readCrashpadAnnotations(dump: Dump, stream: Location): { [key: string]: string } {
  const reading: Reading = { dump, found: new Map(), entriesLeft: ANNOTATIONS_MAX, bytesLeft: TOTAL_BYTES_MAX };
  const info = stream.size >= 52 ? record(dump, stream.rva, 52) : null;
  if (!info) return {};
  readDictionary(reading, locationAt(info, 36, dump.little));
  for (const link of entries(reading, locationAt(info, 44, dump.little), 12)) {
    const at = locationAt(link, 4, dump.little);
    const module = at.size >= 28 ? record(dump, at.rva, 28) : null;
    if (!module) continue;
    readList(reading, locationAt(module, 4, dump.little));
    readDictionary(reading, locationAt(module, 12, dump.little));
    readObjects(reading, locationAt(module, 20, dump.little));
  }
  return Object.fromEntries(reading.found);
}

/** Each entry of the list at `at`, which starts with a count, as long as the list, the file and the budget allow. */
function* entries(reading: Reading, at: Location, bytes: number): Generator<DataView> {
  const head = at.size >= 4 ? record(reading.dump, at.rva, 4) : null;
  const count = Math.min(head?.getUint32(0, reading.dump.little) ?? 0, Math.floor((at.size - 4) / bytes));
  for (let i = 0; i < count && reading.entriesLeft > 0 && reading.bytesLeft > 0; i++) {
    reading.entriesLeft--;
    const entry = record(reading.dump, at.rva + 4 + i * bytes, bytes);
    if (!entry) return;
    yield entry;
  }
}

function readDictionary(reading: Reading, at: Location): void {
  for (const entry of entries(reading, at, 8)) put(reading, entry.getUint32(0, reading.dump.little), entry.getUint32(4, reading.dump.little));
}

function readObjects(reading: Reading, at: Location): void {
  for (const entry of entries(reading, at, 12)) {
    if (entry.getUint16(4, reading.dump.little) !== TYPE_STRING) continue;
    put(reading, entry.getUint32(0, reading.dump.little), entry.getUint32(8, reading.dump.little));
  }
}

function readList(reading: Reading, at: Location): void {
  for (const entry of entries(reading, at, 4)) {
    const line = text(reading, entry.getUint32(0, reading.dump.little));
    const before = reading.found.get("list");
    if (line !== null) reading.found.set("list", before === undefined ? line : `${before}\n${line}`);
  }
}

function put(reading: Reading, keyAt: number, valueAt: number): void {
  const key = text(reading, keyAt);
  const value = text(reading, valueAt);
  if (key !== null && value !== null && !reading.found.has(key)) reading.found.set(key, value);
}

/** A MinidumpUTF8String or MinidumpByteArray: a byte count, then bytes. */
function text(reading: Reading, rva: number): string | null {
  const head = rva > 0 ? record(reading.dump, rva, 4) : null;
  if (!head) return null;
  const bytes = Math.min(head.getUint32(0, reading.dump.little), TEXT_BYTES_MAX, reading.bytesLeft);
  const body = record(reading.dump, rva + 4, bytes);
  reading.bytesLeft -= bytes;
  return body ? utf8(body, 0, bytes) : null;
}
