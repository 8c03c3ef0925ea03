// Folder trees of debug files as a symbol source, for the command line and for
// tests. The layout does not matter: each file says itself what it belongs to.
//
// Programs of Linux and macOS, and what debuggers read beside them, may have any
// name, so that the first bytes tell them, of all files but those whose endings say
// that they are something else. A universal binary is a file of each architecture.
// A `.dwp` file does not say whose it is; it lies beside its program, or beside the
// program's `.debug` file. Loose `.dwo` files are not looked for: an upload, and
// `symbols dump`, make one file of them.
import { closeSync, openSync, readSync, statSync, type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { readSymbolHeader } from "../symbols/breakpad/header.ts";
import { storePath } from "../symbols/breakpad/store-path.ts";
import type { DebugFileFacts } from "../symbols/debug-file.ts";
import { moduleName } from "../symbols/module-name.ts";
import { type DebugFileRecord, symbolSource } from "./module-files.ts";
import type { SymbolSource } from "./stackwalker.ts";

/** Bytes read of a `.sym` file: its MODULE and INFO records are the first lines. */
const headBytes = 4096;
/** Bytes read of a file that may be anything. */
const magicBytes = 4;
/** Files looked at in all trees together. */
const filesMax = 100_000;
/** Names of symbol files. */
const symName = /\.syms?$/i;
/** Names of PDBs, and of what plugins and their hosts are on Windows. */
const nativeName = /\.(pdb|dll|exe|vst3|clap|aaxplugin|component|vst|ocx|sys)$/i;
/** Endings of what build folders and sources are full of, and that is no debug file. */
const otherName = /\.(c|cc|cpp|cxx|h|hh|hpp|hxx|inl|m|mm|rs|swift|go|py|js|ts|java|class|jar|cmake|make|txt|md|html?|css|xml|json|ya?ml|plist|log|d|o|obj|a|lib|dwo|exp|ilk|res|rc|png|jpe?g|svg|gif|ico|icns|wav|aiff?|flac|mp3|ogg|ttf|otf|zip|gz|xz|zst|bz2|tar|dmp|map|tmp|lock|ninja|sh|bat|ps1|pc|la|tbd|nib|strings)$/i;

/** Makes a source over folders, searched in order; the first file of a module stands. Rejects when a folder cannot be read. */
export async function symbolTree(folders: readonly string[]): Promise<SymbolSource> {
  const records: DebugFileRecord[] = [];
  let left = filesMax;
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter(isDebugFile).map((entry) => path.join(entry.parentPath, entry.name)).sort();
    // A file in the store's own place goes before a stray one of the same module.
    const found: PlacedRecord[] = [];
    const stray: PlacedRecord[] = [];
    for (const file of files.slice(0, left)) {
      for (const record of symName.test(file) ? symRecord(file) : await nativeRecords(file)) (isInPlace(folder, file, record) ? found : stray).push(record);
    }
    left -= files.length;
    const ofFolder = [...found, ...stray];
    records.push(...ofFolder.map((record) => (record.kind === "dwp" && record.debugId === null ? besideProgram(record, ofFolder) : record)));
  }
  // The best last.
  records.reverse();
  return symbolSource((debugIds, codeIds) => Promise.resolve(records.filter((record) => (record.debugId !== null && debugIds.includes(record.debugId)) || (record.codeId !== null && codeIds.includes(record.codeId)))));
}

function isDebugFile(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && !otherName.test(entry.name);
}

/** Whether a file lies where Breakpad's walker would look for it. */
function isInPlace(folder: string, file: string, { debugFile, debugId }: DebugFileRecord): boolean {
  const place = debugFile === null || debugId === null ? null : storePath(debugFile, debugId);
  return place?.ok === true && file.toLowerCase() === path.join(folder, place.value).toLowerCase();
}

function symRecord(file: string): PlacedRecord[] {
  const header = readSymbolHeader(head(file, headBytes));
  return header.ok ? [recordOf(file, file, { kind: "breakpad", ...header.value })] : [];
}

/** What programs of Linux and macOS, and their debug files, begin with, as a little-endian number: ELF; Mach-O of 32 and 64 bits; universal binaries with either header. */
const unnamedMagics: readonly number[] = [0x464c457f, 0xfeedface, 0xfeedfacf, 0xbebafeca, 0xbfbafeca];

async function nativeRecords(file: string): Promise<PlacedRecord[]> {
  if (!nativeName.test(file) && !startsLikeProgram(head(file, magicBytes))) return [];
  // Readers of native formats are loaded only where there are such files.
  const [{ openDebugFile }, { openFile, partOf, partPath }, { filePartsOf }] = await Promise.all([import("../symbols/compile.ts"), import("../symbols/file-bytes.ts"), import("../symbols/file-parts.ts")]);
  const opened = openFile(file);
  if (!opened.ok) return [];
  try {
    const { bytes } = opened.value;
    const parts = filePartsOf(bytes);
    return (parts.ok ? parts.value : []).flatMap(({ offset, size }) => {
      const isWhole = offset === 0 && size === bytes.size;
      const debugFile = openDebugFile(isWhole ? bytes : partOf(bytes, offset, size)!);
      return debugFile.ok ? [recordOf(file, isWhole ? file : partPath(file, offset, size), debugFile.value.facts)] : [];
    });
  } finally {
    opened.value.close();
  }
}

function startsLikeProgram(bytes: Buffer): boolean {
  return bytes.length === magicBytes && unnamedMagics.includes(bytes.readUInt32LE(0));
}

/** A record of a file in a folder. */
type PlacedRecord = DebugFileRecord & { readonly file: string };

type RecordFacts = Pick<DebugFileFacts, "kind" | "debugId" | "debugFile" | "codeId" | "codeFile" | "supplement"> & { readonly holds?: DebugFileFacts["holds"] };

/** What look-ups need to know of a file; `source` is its path, or that of the part of it. */
function recordOf(file: string, source: string, { kind, debugId, debugFile, codeId, codeFile, supplement, holds }: RecordFacts): PlacedRecord {
  const name = path.basename(file);
  return {
    kind,
    debugId,
    // A Windows program's own name is none of its PDB.
    debugFile: debugFile ?? (kind === "pe" ? null : moduleName(kind, name)),
    codeId: codeId?.toUpperCase() ?? null,
    codeFile: codeFile ?? (kind === "pe" ? name : kind === "elf" || kind === "macho" ? moduleName(kind, name) : null),
    supplementId: supplement?.debugId ?? null,
    // What a symbol file has is not known from its first lines.
    hasFunctions: holds?.functions ?? true,
    file,
    path: () => Promise.resolve(source),
  };
}

/** A package of split DWARF as that of the program beside which it lies, whose name it has and `.dwp`. */
function besideProgram(record: PlacedRecord, others: readonly PlacedRecord[]): PlacedRecord {
  const name = record.file.replace(/\.dwp$/i, "");
  const isBeside = ({ kind, debugId, file }: PlacedRecord): boolean => (kind === "elf" || kind === "elf-debug") && debugId !== null && (file === name || file === `${name}.debug` || file.replace(/(\.debug|\.[^./\\]+)$/, "") === name);
  const program = others.find(isBeside);
  return program === undefined ? record : { ...record, debugId: program.debugId, debugFile: program.debugFile, codeId: program.codeId };
}

/** The first bytes of a file; none of what cannot be read: a broken link or a file without rights is no symbol file for us. */
function head(file: string, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let descriptor: number;
  try {
    // To open a pipe, to which a link may lead, waits for its writer.
    if (!statSync(file).isFile()) return bytes.subarray(0, 0);
    descriptor = openSync(file, "r");
  } catch {
    return bytes.subarray(0, 0);
  }
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, count, 0));
  } catch {
    return bytes.subarray(0, 0);
  } finally {
    closeSync(descriptor);
  }
}
