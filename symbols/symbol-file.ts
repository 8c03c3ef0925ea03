// Any one file with the symbols of a module, opened for look-ups: what a
// person has at hand, told by its first bytes.
//
// A cache is opened where it lies. Everything else is compiled into a cache in
// memory; nothing is written. To add a format, add a line to `formats`: how its
// first bytes are told, and how it is compiled.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ok, refuse, type Result } from "../config/problem.ts";
import { cacheMagic } from "./cache/layout.ts";
import { cacheOfBytes, openCache, type SymbolCache } from "./cache/symbol-cache.ts";
import { sniffCompression } from "./compression.ts";
import { compileBytes, compileSymbolFiles } from "./compile.ts";
import { bytesOf } from "./file-bytes.ts";

/** A kind of file that has symbols. */
type SymbolFormat = {
  /** Whether a file that begins like this is one. */
  recognise(head: Buffer): boolean;
  open(path: string): Result<SymbolCache>;
};

/** Bytes that a format is told by. */
const headBytes = 512;
/** Bytes of a compressed file's content, which is held in memory. */
const inflatedBytes = 2 ** 31 - 1;

const formats: readonly SymbolFormat[] = [
  { recognise: (head) => head.length >= 4 && head.readUInt32LE(0) === cacheMagic, open: openStored },
  { recognise: (head) => sniffCompression(head) !== null, open: openCompressed },
  // The last one, since it says best what a file is that is none of these.
  { recognise: () => true, open: (path) => inMemory(path, compileSymbolFiles([path])) },
];

/** Opens a symbol file or a cache. Refuses with `symbol_file_unreadable`, `cache_unusable`, `broken_compression`, or what the format's compiler refuses with. */
export function openSymbolFile(path: string): Result<SymbolCache> {
  let head: Buffer;
  try {
    head = readHead(path);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return refuse(500, "symbol_file_unreadable", `The symbol file cannot be read: ${error.message}.`, "Look at the path, the disk and the file's permissions.");
  }
  return formats.find((format) => format.recognise(head))!.open(path);
}

function openStored(path: string): Result<SymbolCache> {
  const opened = openCache(path);
  return opened.ok ? ok(opened.value) : refuse(400, "cache_unusable", `The symbol cache cannot be used: ${opened.fault.message}`, "Name the symbol file that it was made from.");
}

function openCompressed(path: string): Result<SymbolCache> {
  let bytes: Buffer;
  try {
    const packed = readFileSync(path);
    const inflate = sniffCompression(packed) === "gzip" ? gunzipSync : zstdDecompressSync;
    bytes = inflate(packed, { maxOutputLength: inflatedBytes });
  } catch (error) {
    return refuse(400, "broken_compression", `The file cannot be decompressed: ${error instanceof Error ? error.message : String(error)}.`, "Decompress it first, or make it again.");
  }
  return inMemory(path, compileBytes([bytesOf(bytes)]));
}

function inMemory(path: string, compiled: Result<Uint8Array>): Result<SymbolCache> {
  return compiled.ok ? ok(cacheOfBytes(path, compiled.value)) : compiled;
}

function readHead(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(headBytes);
    return head.subarray(0, readSync(file, head, 0, headBytes, 0));
  } finally {
    closeSync(file);
  }
}
