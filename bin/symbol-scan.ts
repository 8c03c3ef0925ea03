// Finds debug files under the paths that a build machine names: Breakpad symbol
// files, PDBs, and Windows programs. Files are told by their first bytes:
// dump_syms is run with all kinds of names, plugins end in anything, and a
// `.sym` may be an empty file of a step that failed.
import { createReadStream } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { Readable, pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Result } from "../config/problem.ts";
import { type Compression, sniffCompression } from "../symbols/compression.ts";
import { openDebugFile } from "../symbols/compile.ts";
import type { DebugFileFacts } from "../symbols/debug-file.ts";
import { bytesOf, openFile } from "../symbols/file-bytes.ts";
import { isNativeDebugFile, recogniseForeign } from "../symbols/foreign-format.ts";
import { whyUseless } from "../symbols/useless-file.ts";
import { headerPrefixBytes } from "../symbols/breakpad/header.ts";

/** A file that can be uploaded. */
export type SymbolFile = {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  readonly compression: Compression | null;
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
export type SymbolScanResult = { readonly files: readonly SymbolFile[]; readonly others: readonly OtherFile[]; readonly failures: readonly ScanFailure[] };

/** Looks at every path: files at once, folders with all that is in them. Never throws for what is on the disk. */
export async function scanForSymbols(paths: readonly string[]): Promise<SymbolScanResult> {
  const scan = new Scan();
  for (const given of paths) await scan.visit(given, true);
  return scan;
}

/** The file's bytes, decompressed. */
export function readPlain(file: { readonly path: string; readonly compression: Compression | null }): Readable {
  const raw = createReadStream(file.path, { highWaterMark: 256 * 1024 });
  if (file.compression === null) return raw;
  // pipeline passes errors on to the returned stream; the callback is there because it must be.
  return pipeline(raw, file.compression === "gzip" ? createGunzip() : createZstdDecompress(), () => {});
}

/** What files are called that are of no use. */
const uselessNames: { readonly [code: string]: string } = {
  types_only: "a PDB of the compiler, without addresses",
  no_sections: "a PDB without addresses",
  no_id: "a program without any id",
  managed: "a managed assembly",
};

class Scan {
  readonly files: SymbolFile[] = [];
  readonly others: OtherFile[] = [];
  readonly failures: ScanFailure[] = [];
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

  private async visitFolder(at: string): Promise<void> {
    if (at.replace(/[\\/]+$/, "").toLowerCase().endsWith(".dsym")) {
      this.others.push({ path: at, kind: "dsym", description: "a dSYM bundle", hint: "Of this kind of file this version takes what dump_syms prints: run dump_syms on it and upload that." });
      return;
    }
    const names = await readdir(at);
    for (const name of names.sort()) await this.visit(path.join(at, name), false);
  }

  private async visitFile(at: string, size: number, isGiven: boolean): Promise<void> {
    const isNamedSym = /\.sym(\.gz|\.zst)?$/i.test(at);
    let prefix = await readHead(at);
    const compression = sniffCompression(prefix);
    if (compression !== null) {
      const inner = await readInflatedHead(at, compression);
      if (inner === null) {
        if (isGiven || isNamedSym) this.failures.push({ path: at, reason: `its ${compression} data is damaged` });
        return;
      }
      prefix = inner;
    }
    if (isNativeDebugFile(prefix)) return this.visitNative(at, size, compression, prefix, isGiven);
    const opened = openDebugFile(bytesOf(prefix));
    if (opened.ok) {
      this.files.push({ path: at, size, compression, facts: opened.value.facts, isGiven });
      return;
    }
    const foreign = recogniseForeign(prefix);
    if (foreign?.isDebugFile === true) this.others.push({ path: at, kind: foreign.kind, description: foreign.description, hint: foreign.hint });
    else if (isGiven || isNamedSym) this.failures.push({ path: at, reason: `${opened.problem.message} ${opened.problem.hint}` });
  }

  private visitNative(at: string, size: number, compression: Compression | null, prefix: Buffer, isGiven: boolean): void {
    const { kind, description } = recogniseForeign(prefix)!;
    if (compression !== null) {
      this.others.push({ path: at, kind: `packed_${kind}`, description: `${description}, compressed`, hint: "Decompress it: what it belongs to stands in all parts of it. It is compressed again on its way." });
      return;
    }
    const facts = readFacts(at);
    if (!facts.ok) {
      const { message, hint } = facts.problem;
      // Build folders hold programs and PDBs of all times and systems; a PDB of ours is always meant, and so is what is named.
      if (kind === "pdb" || (isGiven && kind === "pe")) this.failures.push({ path: at, reason: `${message} ${hint}` });
      else this.others.push({ path: at, kind, description, hint: `${message} ${hint}` });
      return;
    }
    const reason = whyUseless(facts.value);
    if (reason === null) this.files.push({ path: at, size, compression, facts: facts.value, isGiven });
    else this.others.push({ path: at, kind: reason.code, description: uselessNames[reason.code] ?? reason.code, hint: reason.hint });
  }
}

function readFacts(at: string): Result<DebugFileFacts> {
  const file = openFile(at);
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
    for await (const chunk of readPlain({ path: at, compression })) {
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
