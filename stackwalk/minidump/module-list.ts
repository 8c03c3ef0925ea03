// The module lists: what was loaded when the process crashed, and what had
// been unloaded before.
import { readCodeView } from "./code-view.ts";
import { locationAt, record, stringAt, utf16, utf8, type Dump, type Location } from "./records.ts";
import { isElf, isMac, isWindows } from "./system-info.ts";

/** A module as the dump describes it. */
export type DumpModule = {
  /** Path of the file as the crashed machine knew it; empty when it could not be read. */
  readonly codeFile: string;
  /** Address that it was loaded at. */
  readonly base: bigint;
  /** Bytes of address space that it takes. */
  readonly size: number;
  /** Link time (PE: seconds since 1970, or a hash of the content). */
  readonly timestamp: number;
  /** Path or name of its debug file; null when it names none. */
  readonly debugFile: string | null;
  /** Breakpad debug id in upper case; null when there is none. All zeros (see `identifies`) where the writer found none. */
  readonly debugId: string | null;
  /** PE: timestamp and size. ELF: build id. Mach-O: UUID. Null when unknown. */
  readonly codeId: string | null;
  /** File version `a.b.c.d` of a PE; null elsewhere. */
  readonly version: string | null;
};

/** A module that was unloaded before the crash (Windows and Crashpad write these). */
export type UnloadedModule = { readonly codeFile: string; readonly base: bigint; readonly size: number; readonly codeId: string | null };

const MODULE_BYTES = 108;
/** Modules read of one dump; Breakpad refuses more than 2048. A DAW with every plugin loaded has about 1000. */
const MODULES_MAX = 4096;
/** Bytes of a CodeView or miscellaneous record, as Breakpad bounds them. */
const DEBUG_RECORD_BYTES_MAX = 32_768;
const VERSION_SIGNATURE = 0xfeef04bd;

/** The base name of a path of any system: what follows the last `/` or `\`. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** Reads the module list stream. Entries that do not fit into the stream or the file are left out. */
export function readModuleList(dump: Dump, stream: Location, platform: number | null): DumpModule[] {
  const head = record(dump, stream.rva, 4);
  if (!head || stream.size < 4) return [];
  const count = Math.min(head.getUint32(0, dump.little), MODULES_MAX);
  const first = stream.rva + listPadding(stream.size, head.getUint32(0, dump.little), MODULE_BYTES);
  const modules: DumpModule[] = [];
  for (let i = 0; i < count; i++) {
    const at = first + i * MODULE_BYTES;
    if (at + MODULE_BYTES > stream.rva + stream.size) break;
    const view = record(dump, at, MODULE_BYTES);
    if (!view) break;
    modules.push(readModule(dump, view, platform));
  }
  return modules;
}

/** Bytes before a list's first entry: 4, or 8 where the writer aligned the entries (some 64-bit writers do). */
export function listPadding(streamSize: number, count: number, entryBytes: number): number {
  return streamSize === 8 + count * entryBytes ? 8 : 4;
}

function readModule(dump: Dump, view: DataView, platform: number | null): DumpModule {
  const { little } = dump;
  const size = view.getUint32(8, little);
  const timestamp = view.getUint32(16, little);
  const codeFile = stringAt(dump, view.getUint32(20, little)) ?? "";
  const debug = readDebugRecords(dump, view, codeFile);
  return {
    codeFile,
    base: view.getBigUint64(0, little),
    size,
    timestamp,
    debugFile: debug.file,
    debugId: debug.id,
    codeId: codeId(platform, timestamp, size, debug.buildId, debug.id),
    version: readVersion(view, little),
  };
}

function readDebugRecords(dump: Dump, view: DataView, codeFile: string): { file: string | null; id: string | null; buildId: string | null } {
  const nothing = { file: null, id: null, buildId: null };
  const cv = locationAt(view, 76, dump.little);
  let id: string | null = null;
  if (cv.size > 0) {
    const bytes = cv.size <= DEBUG_RECORD_BYTES_MAX ? record(dump, cv.rva, cv.size) : null;
    if (!bytes) return nothing;
    const codeView = readCodeView(bytes, dump.little);
    if (codeView?.buildId) return { file: codeFile || null, id: codeView.debugId, buildId: codeView.buildId };
    if (codeView?.debugFile) return { file: codeView.debugFile, id: codeView.debugId, buildId: null };
    id = codeView?.debugId ?? null;
  }
  // The miscellaneous record (.dbg files of before 2000) names a file and no id.
  const misc = locationAt(view, 84, dump.little);
  const old = misc.size >= 12 && misc.size <= DEBUG_RECORD_BYTES_MAX ? record(dump, misc.rva, misc.size) : null;
  if (!old) return { file: null, id, buildId: null };
  const name = old.getUint8(8) === 0 ? utf8(old, 12) : utf16(old, 12, (misc.size - 12) >>> 1, dump.little);
  return { file: name || null, id, buildId: null };
}

function codeId(platform: number | null, timestamp: number, size: number, buildId: string | null, debugId: string | null): string | null {
  // As Breakpad and the symbol servers spell it: the time in upper case, the size in lower.
  if (isWindows(platform)) return timestamp.toString(16).toUpperCase().padStart(8, "0") + size.toString(16);
  if (isElf(platform)) return buildId || null;
  // Breakpad prints the word "id" here; a Mach-O's code id is its UUID, which the debug id holds.
  if (isMac(platform) && debugId && debugId.length > 32) return debugId.slice(0, 32).toLowerCase();
  return null;
}

function readVersion(view: DataView, little: boolean): string | null {
  if (view.getUint32(24, little) !== VERSION_SIGNATURE || (view.getUint32(28, little) & 0x00010000) === 0) return null;
  const high = view.getUint32(32, little);
  const low = view.getUint32(36, little);
  return `${high >>> 16}.${high & 0xffff}.${low >>> 16}.${low & 0xffff}`;
}

/** Reads the unloaded module list stream, whose entries say their own size. */
export function readUnloadedModules(dump: Dump, stream: Location, platform: number | null): UnloadedModule[] {
  const head = stream.size >= 12 ? record(dump, stream.rva, 12) : null;
  if (!head) return [];
  const headerBytes = head.getUint32(0, dump.little);
  const entryBytes = head.getUint32(4, dump.little);
  const count = Math.min(head.getUint32(8, dump.little), MODULES_MAX);
  if (headerBytes < 12 || entryBytes < 24) return [];
  const modules: UnloadedModule[] = [];
  for (let i = 0; i < count; i++) {
    const at = stream.rva + headerBytes + i * entryBytes;
    if (at + entryBytes > stream.rva + stream.size) break;
    const view = record(dump, at, 24);
    if (!view) break;
    const size = view.getUint32(8, dump.little);
    const codeFile = stringAt(dump, view.getUint32(20, dump.little)) ?? "";
    modules.push({ codeFile, base: view.getBigUint64(0, dump.little), size, codeId: codeId(platform, view.getUint32(16, dump.little), size, null, null) });
  }
  return modules;
}
