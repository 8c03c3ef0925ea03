// Writes source bundles (source-bundle.ts says what they are). The same files
// make the same bytes: entries are sorted, their dates are the format's first
// day, and nothing tells of the machine but the paths that are bundled.
//
// Files are read one by one when their turn comes, so that memory holds one.
// Sizes stay below what needs numbers of 64 bits; what is beyond that is no
// module's source.
import { closeSync, openSync, writeSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { bundleHeadBytes, bundleVersion, manifestName } from "./source-bundle.ts";

/** Files that a bundle is written of at most. */
export const bundleFilesMax = 60_000;
/** Bytes that the files of a written bundle have at most, together. */
export const bundleBytesMax = 1024 * 1024 * 1024;

/** Whose sources they are. */
export type BundledModule = {
  /** Breakpad form. */
  readonly debugId: string;
  /** Name of the module's debug file. */
  readonly debugFile: string;
  readonly codeId: string | null;
  /** As dump_syms names it. */
  readonly arch: string;
};

/** A file to bundle, by the path in the debug information. */
export type BundleSource = { readonly path: string; /** Its text; null when there is none after all. */ read(): Uint8Array | null };

/** What was written. */
export type WrittenBundle = { readonly files: number; readonly bytes: number };

/** 1 January 1980, as DOS has it. */
const firstDay = 0x0021;
/** Names are UTF-8. */
const utf8Flag = 0x0800;
/** Version that is needed to extract: deflate. */
const deflateVersion = 20;

/** Writes a bundle to a new file; `bundleFilesMax` and `bundleBytesMax` are for the caller to hold. Throws what `fs` throws. */
export function writeSourceBundle(path: string, module: BundledModule, sources: readonly BundleSource[]): WrittenBundle {
  const zip = new ZipFile(path);
  try {
    const files: { [name: string]: { readonly type: "source"; readonly path: string } } = {};
    let bytes = 0;
    for (const [name, source] of namedSources(sources)) {
      const content = source.read();
      if (content === null) continue;
      zip.add(name, content);
      files[name] = { type: "source", path: source.path };
      bytes += content.length;
    }
    const { debugId, debugFile, codeId, arch } = module;
    const manifest = { files, arch, ...(codeId === null ? {} : { code_id: codeId.toLowerCase() }), debug_id: dashedId(debugId), object_name: debugFile };
    zip.add(manifestName, Buffer.from(JSON.stringify(manifest)));
    zip.finish();
    return { files: Object.keys(files).length, bytes };
  } finally {
    zip.close();
  }
}

/** What each source is called in the archive: its path without what is special in one, and a number where two would be called alike. */
function namedSources(sources: readonly BundleSource[]): (readonly [name: string, source: BundleSource])[] {
  const named = new Map<string, BundleSource>();
  for (const source of sources.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    // As symbolic makes it, so that no archive has a path that leads anywhere.
    const plain = `files/${source.path.replaceAll(/:?[/\\]+/g, "/").replace(/^\//, "")}`;
    let name = plain;
    for (let copy = 1; named.has(name); copy++) name = `${plain}.${copy}`;
    named.set(name, source);
  }
  return [...named];
}

/** A debug id as Sentry writes it: a UUID, and the age in hex where there is one. */
function dashedId(debugId: string): string {
  const [, a, b, c, d, e, age] = /^(.{8})(.{4})(.{4})(.{4})(.{12})(.*)$/.exec(debugId.toLowerCase()) ?? [];
  if (age === undefined) throw new Error(`${debugId} is no debug id`);
  return `${a}-${b}-${c}-${d}-${e}${age === "0" ? "" : `-${age}`}`;
}

/** An archive that is being written, behind the first bytes of a bundle. Its offsets count from the beginning of the file, as those of symbolic do. */
class ZipFile {
  private readonly descriptor: number;
  private readonly directory: Buffer[] = [];
  private at = 0;

  constructor(path: string) {
    this.descriptor = openSync(path, "wx", 0o600);
    const head = Buffer.alloc(bundleHeadBytes);
    head.write("SYSB", "latin1");
    head.writeUInt32LE(bundleVersion, 4);
    this.write(head);
  }

  add(name: string, content: Uint8Array): void {
    const offset = this.at;
    const deflated = deflateRawSync(content, { level: 9 });
    const isSmaller = deflated.length < content.length;
    const stored = isSmaller ? deflated : content;
    const nameBytes = Buffer.from(name);
    // What both headers of an entry say alike.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(deflateVersion, 0);
    common.writeUInt16LE(utf8Flag, 2);
    common.writeUInt16LE(isSmaller ? 8 : 0, 4);
    common.writeUInt16LE(firstDay, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(stored.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    this.write(Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, nameBytes]));
    this.write(stored);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    this.directory.push(Buffer.from("PK\x01\x02", "latin1"), Buffer.from([deflateVersion, 0]), common, rest, nameBytes);
  }

  finish(): void {
    const start = this.at;
    const directory = Buffer.concat(this.directory);
    this.write(directory);
    const end = Buffer.alloc(22);
    end.write("PK\x05\x06", "latin1");
    const count = this.directory.length / 5;
    end.writeUInt16LE(count, 8);
    end.writeUInt16LE(count, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(start, 16);
    this.write(end);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.descriptor, bytes, done);
    this.at += bytes.length;
  }
}
