// Finds debug files under the paths that a build machine names: Breakpad symbol
// files, PDBs, programs and libraries of Windows, Linux and macOS, `.debug` files,
// dSYMs, `.dwp` files. Files are told by their first bytes: dump_syms is run with
// all kinds of names, plugins end in anything or nothing, and a `.sym` may be an
// empty file of a step that failed. A universal binary is as many files as it has
// architectures.
//
// Most of what a build leaves is neither good nor bad: objects, static libraries,
// the programs that CMake tries its compiler with. None of those is spoken of.
import { createReadStream } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { Readable, pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Problem, Result } from "../config/problem.ts";
import { type Compression, sniffCompression } from "../symbols/compression.ts";
import { openDebugFile } from "../symbols/compile.ts";
import type { DebugFileFacts } from "../symbols/debug-file.ts";
import { bytesOf, openFile, partPath } from "../symbols/file-bytes.ts";
import { type FilePart, filePartsOf } from "../symbols/file-parts.ts";
import { isNativeDebugFile, recogniseForeign } from "../symbols/foreign-format.ts";
import { joinPieces, type Piece } from "../symbols/joined-bytes.ts";
import { whyUseless } from "../symbols/useless-file.ts";
import { headerPrefixBytes } from "../symbols/breakpad/header.ts";

/** A file that can be uploaded. */
export type SymbolFile = {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  readonly compression: Compression | null;
  /** Where in the file it lies, when it is a part of a universal binary. */
  readonly part: FilePart | null;
  /** What it is put together from when it is split DWARF; `path` is then that of the package, or of the program where it is in loose files. */
  readonly pieces: readonly Piece[] | null;
  /** What it says of itself. A symbol file claims to hold everything; what is in it is known when it was read through. */
  readonly facts: DebugFileFacts;
  /** Named by itself, not found in a folder. */
  readonly isGiven: boolean;
};

/** A file that holds symbols which are of no use here, or not in this form. */
export type OtherFile = { readonly path: string; readonly kind: string; readonly description: string; readonly hint: string };

/** Something that should have been looked at or uploaded and could not be. */
export type ScanFailure = { readonly path: string; readonly reason: string };

/** What lies under some paths. */
export type SymbolScanResult = {
  readonly files: readonly SymbolFile[];
  readonly others: readonly OtherFile[];
  readonly failures: readonly ScanFailure[];
  /** Files of split DWARF, which belong to programs, by the last part of their names. */
  readonly splitFiles: ReadonlyMap<string, readonly string[]>;
};

/** Looks at every path: files at once, folders with all that is in them. Never throws for what is on the disk. */
export async function scanForSymbols(paths: readonly string[]): Promise<SymbolScanResult> {
  const scan = new Scan();
  for (const given of paths) await scan.visit(given, true);
  await scan.visitBeside(paths);
  return scan;
}

/** The path of a file for `openFile`, which is of a part where it is one. */
export function sourceOf({ path: at, part }: Pick<SymbolFile, "path" | "part">): string {
  return part === null ? at : partPath(at, part.offset, part.size);
}

/** The file's path for people, with the architecture where the path alone does not say which part is meant. */
export function shownPath({ path: at, part, pieces, facts }: SymbolFile): string {
  if (pieces !== null) return `${at} (split DWARF)`;
  return part === null ? at : `${at} (${facts.archName})`;
}

/** The file's bytes as they are on the disk. */
export function readRaw({ path: at, part, pieces }: Pick<SymbolFile, "path" | "part" | "pieces">): Readable {
  if (pieces !== null) return Readable.from(chunksOf(pieces));
  return createReadStream(at, { highWaterMark: chunkBytes, ...(part === null ? {} : { start: part.offset, end: part.offset + part.size - 1 }) });
}

/** The file's bytes, decompressed. */
export function readPlain(file: Pick<SymbolFile, "path" | "part" | "pieces" | "compression">): Readable {
  const raw = readRaw(file);
  if (file.compression === null) return raw;
  // pipeline passes errors on to the returned stream; the callback is there because it must be.
  return pipeline(raw, file.compression === "gzip" ? createGunzip() : createZstdDecompress(), () => {});
}

const chunkBytes = 256 * 1024;

function* chunksOf(pieces: readonly Piece[]): Generator<Buffer> {
  const joined = joinPieces(pieces);
  try {
    for (let at = 0; at < joined.bytes.size; at += chunkBytes) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, joined.bytes.size - at));
      if (!joined.bytes.read(at, chunk)) throw Object.assign(new Error("a file of it was changed or removed meanwhile"), { code: "CHANGED" });
      yield chunk;
    }
  } finally {
    joined.close();
  }
}

/** What files are called that are of no use. */
const uselessNames: { readonly [code: string]: string } = {
  types_only: "a PDB of the compiler, without addresses",
  no_sections: "a PDB without addresses",
  no_id: "a program without any id",
  managed: "a managed assembly",
};

/** Files whose names say that they are made for us: when one is no good, the build step that made it failed. */
const meantName = /(\.sym(\.gz|\.zst)?|\.debug|\.dwp|\.dsym[\\/]contents[\\/]resources[\\/]dwarf[\\/][^\\/]+)$/i;

/** Where CMake tries what the compiler can do. */
const scratchFolder = /[\\/]CMakeFiles[\\/](?:[^\\/]+[\\/]CompilerId\w+|CMakeScratch|CMakeTmp|_CMakeLTOTest-\w+)$/;

class Scan {
  readonly files: SymbolFile[] = [];
  readonly others: OtherFile[] = [];
  readonly failures: ScanFailure[] = [];
  readonly splitFiles = new Map<string, string[]>();
  /** Real paths already seen: a link to a folder above would never end, and overlapping paths would count twice. */
  private readonly seen = new Set<string>();

  async visit(at: string, isGiven: boolean): Promise<void> {
    try {
      const real = await realpath(at);
      if (this.seen.has(real)) return;
      this.seen.add(real);
      const found = await stat(real);
      if (found.isDirectory()) await this.visitFolder(at);
      else if (found.isFile()) await this.visitFile(at, found.size, isGiven);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      // A link to nothing is common in build folders and hides no symbols; a path that was asked for must be there.
      if (error.code === "ENOENT" && !isGiven) return;
      this.failures.push({ path: at, reason: `cannot be read: ${error.message}` });
    }
  }

  /** Looks for debug files beside what was named, where toolchains put them. What is there counts when it is of a module that was found. */
  async visitBeside(given: readonly string[]): Promise<void> {
    const ids = new Set(this.files.map(({ facts }) => facts.debugId));
    const beside = new Scan();
    for (const real of this.seen) beside.seen.add(real);
    for (const at of given.map((one) => path.resolve(one))) {
      for (const place of [`${at}.dSYM`, `${at}.debug`, path.join(path.dirname(at), ".debug", `${path.basename(at)}.debug`)]) await beside.visit(place, false);
    }
    this.files.push(...beside.files.filter(({ facts }) => facts.debugId !== null && ids.has(facts.debugId)));
  }

  private async visitFolder(at: string): Promise<void> {
    if (scratchFolder.test(at)) return;
    const names = await readdir(at);
    for (const name of names.sort()) await this.visit(path.join(at, name), false);
  }

  private async visitFile(at: string, size: number, isGiven: boolean): Promise<void> {
    if (!isGiven && /\.dwo$/i.test(at)) return this.keepSplitFile(at);
    const isMeant = isGiven || meantName.test(at);
    let prefix = await readHead(at);
    const compression = sniffCompression(prefix);
    if (compression !== null) {
      const inner = await readInflatedHead(at, compression);
      if (inner === null) {
        if (isMeant) this.failures.push({ path: at, reason: `its ${compression} data is damaged` });
        return;
      }
      prefix = inner;
    }
    if (isNativeDebugFile(prefix)) {
      if (isGiven || !isObjectFile(prefix) || /\.(debug|dwz)$/i.test(at)) this.visitNative(at, size, compression, prefix, isGiven);
      return;
    }
    const opened = openDebugFile(bytesOf(prefix));
    if (opened.ok) {
      this.files.push({ path: at, size, compression, part: null, pieces: null, facts: opened.value.facts, isGiven });
      return;
    }
    const foreign = recogniseForeign(prefix);
    if (foreign?.isDebugFile === true) this.others.push({ path: at, kind: foreign.kind, description: foreign.description, hint: foreign.hint });
    else if (foreign?.kind === "zip" && /\.dsym\.zip$/i.test(at)) this.others.push({ path: at, kind: "zipped_dsym", description: "a dSYM in a zip archive", hint: "Unpack it, and upload the folder." });
    else if (isMeant) this.failures.push({ path: at, reason: size === 0 ? "It is empty. The build step that writes it may have failed." : `${opened.problem.message} ${opened.problem.hint}` });
  }

  private keepSplitFile(at: string): void {
    const name = path.basename(at);
    const known = this.splitFiles.get(name);
    if (known === undefined) this.splitFiles.set(name, [at]);
    else known.push(at);
  }

  private visitNative(at: string, size: number, compression: Compression | null, prefix: Buffer, isGiven: boolean): void {
    const foreign = recogniseForeign(prefix);
    const kind = foreign?.kind ?? "native";
    const description = foreign?.description ?? "a debug file";
    if (compression !== null) {
      this.others.push({ path: at, kind: `packed_${kind}`, description: `${description}, compressed`, hint: "Decompress it: what it belongs to stands in all parts of it. It is compressed again on its way." });
      return;
    }
    const refused = ({ code, message, hint }: Problem): void => {
      // Debug files of kernel modules are objects.
      if (code === "object_file" && !isGiven) return;
      // Build folders hold programs and PDBs of all times and systems; a PDB of ours is always meant, and so is what is named.
      if (kind === "pdb" || meantName.test(at) || (isGiven && !/^(portable_|compressed_)?pdb/.test(kind))) this.failures.push({ path: at, reason: `${message} ${hint}` });
      else if (kind !== "fat" || !at.endsWith(".class")) this.others.push({ path: at, kind, description, hint: `${message} ${hint}` });
    };
    const parts = readParts(at);
    if (!parts.ok) return refused(parts.problem);
    for (const part of parts.value) {
      const own = part.offset === 0 && part.size === size ? null : part;
      const facts = readFacts(sourceOf({ path: at, part: own }));
      if (facts.ok) this.keepNative({ path: at, size: part.size, compression, part: own, pieces: null, facts: facts.value, isGiven });
      else refused(facts.problem);
    }
  }

  private keepNative(file: SymbolFile): void {
    // Whose a .dwp file is, its program says.
    if (file.facts.kind === "dwp" && file.facts.debugId === null) {
      if (file.isGiven) this.failures.push({ path: file.path, reason: "It does not say whose it is. Name the program too, beside which it lies: they are uploaded together." });
      return;
    }
    const reason = whyUseless(file.facts);
    if (reason === null) this.files.push(file);
    else this.others.push({ path: file.path, kind: reason.code, description: uselessNames[reason.code] ?? reason.code, hint: reason.hint });
  }
}

/** Whether a file is an object, which becomes a part of a program, or what a crash left of one (ELF's e_type, Mach-O's filetype, in either byte order). */
function isObjectFile(prefix: Buffer): boolean {
  const isElf = prefix.toString("latin1", 0, 4) === "\x7fELF" && prefix.length >= 18;
  if (isElf) return [1, 4].includes(prefix[16]! | prefix[17]!);
  const isMachO = prefix.length >= 16 && [0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe].includes(prefix.readUInt32LE(0));
  return isMachO && [1, 4].includes(prefix[12]! | prefix[15]!);
}

function readParts(at: string): Result<readonly FilePart[]> {
  const file = openFile(at);
  if (!file.ok) return file;
  try {
    return filePartsOf(file.value.bytes);
  } finally {
    file.value.close();
  }
}

function readFacts(source: string): Result<DebugFileFacts> {
  const file = openFile(source);
  if (!file.ok) return file;
  try {
    const opened = openDebugFile(file.value.bytes);
    return opened.ok ? { ok: true, value: opened.value.facts } : opened;
  } finally {
    file.value.close();
  }
}

async function readHead(at: string): Promise<Buffer> {
  const file = await open(at, "r");
  try {
    // Most files of a build folder are told from their first page.
    const page = Buffer.alloc(4096);
    const { bytesRead } = await file.read(page, 0, page.length, 0);
    if (bytesRead < page.length || page.toString("latin1", 0, 7) !== "MODULE ") return page.subarray(0, bytesRead);
    const head = Buffer.alloc(headerPrefixBytes);
    const whole = await file.read(head, 0, head.length, 0);
    return head.subarray(0, whole.bytesRead);
  } finally {
    await file.close();
  }
}

/** The first decompressed bytes; null when they cannot be decompressed. */
async function readInflatedHead(at: string, compression: Compression): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of readPlain({ path: at, part: null, pieces: null, compression })) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= headerPrefixBytes) break;
    }
  } catch (error) {
    // zlib's and the disk's errors carry a code. Damage further on is found when the whole file is read.
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
  return Buffer.concat(chunks);
}
