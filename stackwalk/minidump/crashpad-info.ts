// Crashpad's own stream: ids of report and client, and the annotations, which
// are what the program noted about itself before it crashed. A plugin's host,
// sample rate and buffer size travel here.
//
// Layouts are those of Crashpad's minidump/minidump_extensions.h: the
// MinidumpCrashpadInfo stream has a dictionary of the process and a list of
// modules, each with a list of texts, a dictionary and annotation objects.
// Many modules may point at one list, so what is read is counted over all of
// them: a small file must not become a large report.
import type { ByteSource } from "./byte-source.ts";
import { uuid } from "./code-view.ts";
import type { Location } from "./directory.ts";
import type { CrashpadInfo } from "./model.ts";

/** Annotations read of one dump, over all modules; Crashpad itself holds 200 a process. */
const ANNOTATIONS_MAX = 4096;
/** Bytes of one annotation; Crashpad's own bound for a value is 20 kB. */
const TEXT_BYTES_MAX = 65_536;
/** Bytes of all annotations together. */
const TOTAL_BYTES_MAX = 1024 * 1024;
/** Annotation type of text (Annotation::Type::kString); others are the program's own bytes. */
const TYPE_STRING = 1;

type Module = CrashpadInfo["modules"][number];
/** What may still be read. */
type Budget = { entries: number; bytes: number };

/** Reads the stream; null when it is not there in full. A name that repeats in one dictionary keeps its first value. */
export function readCrashpadInfo(source: ByteSource, { rva, size }: Location): CrashpadInfo | null {
  if (size < 52 || !source.holds(rva, size)) return null;
  const budget: Budget = { entries: ANNOTATIONS_MAX, bytes: TOTAL_BYTES_MAX };
  const simpleAnnotations = readDictionary(source, budget, locationAt(source, rva + 36));
  const modules: Module[] = [];
  // Each module links to its annotations: an index into the module list, and their place.
  eachEntry(source, budget, locationAt(source, rva + 44), 12, (at) => {
    const info = locationAt(source, at + 4);
    if (info.size >= 28 && source.holds(info.rva, 28)) modules.push(readModule(source, budget, source.u32(at), info.rva));
  });
  return { reportId: uuid(source, rva + 4), clientId: uuid(source, rva + 20), simpleAnnotations, modules };
}

/** All annotations by name: the process's, then each module's. The first of a name wins; unnamed texts of modules are joined by lines under `list`; only texts are kept of objects. */
export function flatAnnotations({ simpleAnnotations, modules }: CrashpadInfo): { [key: string]: string } {
  const found = new Map<string, string>();
  const put = (key: string, value: string): void => {
    if (!found.has(key)) found.set(key, value);
  };
  for (const [key, value] of Object.entries(simpleAnnotations)) put(key, value);
  for (const { list, simple, objects } of modules) {
    for (const line of list) {
      const before = found.get("list");
      found.set("list", before === undefined ? line : `${before}\n${line}`);
    }
    for (const [key, value] of Object.entries(simple)) put(key, value);
    for (const object of objects) if (object.type === TYPE_STRING) put(object.name, object.value);
  }
  return Object.fromEntries(found);
}

function readModule(source: ByteSource, budget: Budget, index: number, at: number): Module {
  const list: string[] = [];
  eachEntry(source, budget, locationAt(source, at + 4), 4, (entry) => {
    const line = text(source, budget, source.u32(entry));
    if (line !== null) list.push(line);
  });
  const simple = readDictionary(source, budget, locationAt(source, at + 12));
  const objects: Module["objects"][number][] = [];
  eachEntry(source, budget, locationAt(source, at + 20), 12, (entry) => {
    const name = text(source, budget, source.u32(entry));
    const type = source.u16(entry + 4);
    const value = type === TYPE_STRING ? text(source, budget, source.u32(entry + 8)) : hexBytes(source, budget, source.u32(entry + 8));
    if (name !== null && value !== null) objects.push({ name, type, value });
  });
  return { index, list, simple, objects };
}

/** Calls back for each entry of the list at `at`, which starts with a count, as long as the list, the file and the budget allow. */
function eachEntry(source: ByteSource, budget: Budget, { rva, size }: Location, bytes: number, entry: (at: number) => void): void {
  if (size < 4 || !source.holds(rva, 4)) return;
  const count = Math.min(source.u32(rva), Math.floor((size - 4) / bytes));
  for (let i = 0; i < count && budget.entries > 0 && budget.bytes > 0; i++) {
    budget.entries--;
    const at = rva + 4 + i * bytes;
    if (!source.holds(at, bytes)) return;
    entry(at);
  }
}

function readDictionary(source: ByteSource, budget: Budget, at: Location): { [key: string]: string } {
  const found = new Map<string, string>();
  eachEntry(source, budget, at, 8, (entry) => {
    const key = text(source, budget, source.u32(entry));
    const value = text(source, budget, source.u32(entry + 4));
    if (key !== null && value !== null && !found.has(key)) found.set(key, value);
  });
  return Object.fromEntries(found);
}

/** The bytes of a MinidumpUTF8String or MinidumpByteArray, which starts with their count; what is too long is cut. Null when they are not in the file. */
function body(source: ByteSource, budget: Budget, rva: number): Buffer | null {
  if (rva === 0 || !source.holds(rva, 4)) return null;
  const bytes = Math.min(source.u32(rva), TEXT_BYTES_MAX, budget.bytes);
  budget.bytes -= bytes;
  return source.holds(rva + 4, bytes) ? source.read(rva + 4, bytes) : null;
}

function text(source: ByteSource, budget: Budget, rva: number): string | null {
  const bytes = body(source, budget, rva);
  if (!bytes) return null;
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}

function hexBytes(source: ByteSource, budget: Budget, rva: number): string | null {
  return body(source, budget, rva)?.toString("hex") ?? null;
}

function locationAt(source: ByteSource, at: number): Location {
  return { size: source.u32(at), rva: source.u32(at + 4) };
}
