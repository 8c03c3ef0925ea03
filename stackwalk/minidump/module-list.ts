// The module lists: what was loaded when the process crashed, and what had
// been unloaded before.
import type { ByteSource } from "./byte-source.ts";
import { readCodeView } from "./code-view.ts";
import { countedList, extendedList, type Location } from "./directory.ts";
import type { DumpModule, UnloadedModule } from "./model.ts";
import { isElf, isMac, isWindows } from "./system-info.ts";
import { isEmpty, TextPool, type Ticket } from "./text-pool.ts";

const MODULE_BYTES = 108;
/** Modules read of one dump; Breakpad refuses more than 2048. A DAW with every plugin loaded has about 1000. */
const MODULES_MAX = 4096;
/** Bytes of a CodeView or miscellaneous record, as Breakpad bounds them. */
const DEBUG_RECORD_BYTES_MAX = 32_768;
const VERSION_SIGNATURE = 0xfeef04bd;

/** The texts of a module, which become strings with those of all others. */
type ModuleTexts = { readonly at: number; readonly codeFile: Ticket; readonly debug: DebugRecords };
type DebugRecords = { readonly file: Ticket | null; readonly id: Ticket | null; readonly buildId: Ticket | null };
const noRecords: DebugRecords = { file: null, id: null, buildId: null };

/** The base name of a path of any system: what follows the last `/` or `\`. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** Reads the module list stream. Entries that do not fit into the stream are left out. */
export function readModuleList(source: ByteSource, stream: Location, platform: number | null): DumpModule[] {
  const list = countedList(source, stream, MODULE_BYTES);
  if (!list) return [];
  const pool = new TextPool();
  const texts: ModuleTexts[] = [];
  for (let i = 0; i < Math.min(list.count, MODULES_MAX); i++) texts.push(readTexts(source, pool, list.first + i * MODULE_BYTES));
  pool.seal();
  return texts.map((module) => readModule(source, pool, module, platform));
}

// MINIDUMP_MODULE: base, size, checksum, time, name, VS_FIXEDFILEINFO (52
// bytes), then the locations of the CodeView and the miscellaneous record.
function readTexts(source: ByteSource, pool: TextPool, at: number): ModuleTexts {
  const codeFile = pool.string(source, source.u32(at + 20));
  return { at, codeFile, debug: readDebugRecords(source, pool, at, codeFile) };
}

function readModule(source: ByteSource, pool: TextPool, { at, codeFile, debug }: ModuleTexts, platform: number | null): DumpModule {
  const size = source.u32(at + 8);
  const timestamp = source.u32(at + 16);
  const debugId = debug.id === null ? null : pool.text(debug.id);
  return {
    codeFile: pool.text(codeFile),
    base: source.u64(at),
    size,
    timestamp,
    checksum: source.u32(at + 12),
    debugFile: debug.file === null ? null : pool.text(debug.file),
    debugId,
    codeId: codeId(platform, timestamp, size, debug.buildId === null ? null : pool.text(debug.buildId), debugId),
    version: readVersion(source, at + 24),
  };
}

function readDebugRecords(source: ByteSource, pool: TextPool, at: number, codeFile: Ticket): DebugRecords {
  const cvSize = source.u32(at + 76);
  let id: Ticket | null = null;
  if (cvSize > 0) {
    const cvAt = source.u32(at + 80);
    if (cvSize > DEBUG_RECORD_BYTES_MAX || !source.holds(cvAt, cvSize)) return noRecords;
    const codeView = readCodeView(source, pool, cvAt, cvSize);
    if (codeView && codeView.buildId !== null) return { file: isEmpty(codeFile) ? null : codeFile, id: codeView.debugId, buildId: codeView.buildId };
    if (codeView && codeView.debugFile !== null && !isEmpty(codeView.debugFile)) return { file: codeView.debugFile, id: codeView.debugId, buildId: null };
    id = codeView?.debugId ?? null;
  }
  // The miscellaneous record (.dbg files of before 2000) names a file and no id.
  const size = source.u32(at + 84);
  const rva = source.u32(at + 88);
  if (size < 12 || size > DEBUG_RECORD_BYTES_MAX || !source.holds(rva, size)) return id === null ? noRecords : { file: null, id, buildId: null };
  const name = source.u8(rva + 8) === 0 ? pool.utf8(source, rva + 12, size - 12) : pool.utf16(source, rva + 12, (size - 12) >>> 1);
  return { file: isEmpty(name) ? null : name, id, buildId: null };
}

function codeId(platform: number | null, timestamp: number, size: number, buildId: string | null, debugId: string | null): string | null {
  // As Breakpad and the symbol servers spell it: the time in upper case, the size in lower.
  if (isWindows(platform)) return timestamp.toString(16).toUpperCase().padStart(8, "0") + size.toString(16);
  // Breakpad's Linux writer puts zeros for a mapped file that is no ELF file.
  if (isElf(platform)) return buildId && !/^0*$/.test(buildId) ? buildId : null;
  // Breakpad prints the word "id" here; a Mach-O's code id is its UUID, which the debug id holds.
  if (isMac(platform) && debugId && debugId.length > 32) return debugId.slice(0, 32).toLowerCase();
  return null;
}

function readVersion(source: ByteSource, at: number): string | null {
  if (source.u32(at) !== VERSION_SIGNATURE || (source.u32(at + 4) & 0x00010000) === 0) return null;
  const high = source.u32(at + 8);
  const low = source.u32(at + 12);
  return `${high >>> 16}.${high & 0xffff}.${low >>> 16}.${low & 0xffff}`;
}

/** Reads the unloaded module list stream, whose entries say their own size. */
export function readUnloadedModules(source: ByteSource, stream: Location, platform: number | null): UnloadedModule[] {
  const list = extendedList(source, stream, 24);
  const modules: UnloadedModule[] = [];
  if (!list) return modules;
  const count = Math.min(list.count, MODULES_MAX);
  for (let i = 0; i < count; i++) {
    const at = list.first + i * list.stride;
    const size = source.u32(at + 8);
    const codeFile = source.string(source.u32(at + 20)) ?? "";
    modules.push({ codeFile, base: source.u64(at), size, codeId: codeId(platform, source.u32(at + 16), size, null, null) });
  }
  return modules;
}
