// A cache file in memory, filled as it is asked for, one copy for all threads.
//
// Node cannot map a file, so this does by hand what a mapping would: a
// SharedArrayBuffer of the file's length, of which the system gives out real
// memory only where something was written, a table that says which pages are
// there, and a read where one is missing. Every page is held against its
// checksum when it comes from the disk.
//
// A handle may be posted to any worker thread of the process, which attaches
// to it in some microseconds and shares what others have read. Two threads
// that miss the same page both read it and write the same bytes. The file
// stays open as long as the handle is in use; it is never written, and a store
// that replaces it makes a new file, so that an old handle goes on seeing the
// old one.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { cacheMagic, cacheMajor, compilerVersion, entryBytes, headerBytes, headerField, pageBytes, pageShift, sectionLimit } from "./layout.ts";

/** Why a cache cannot be used. All but `unreadable` mean: compile it anew. */
export type CacheFault = {
  readonly reason: "not_a_cache" | "wrong_version" | "truncated" | "damaged" | "unreadable";
  /** The fault in one sentence, with the place in the file where it has one. */
  readonly message: string;
};

/** An open cache file; plain data that can be posted to other threads. */
export type CacheHandle = {
  readonly path: string;
  /** The file's descriptor, valid in the whole process. */
  readonly descriptor: number;
  /** The file's bytes, as far as they were read. */
  readonly bytes: SharedArrayBuffer;
  /** One u32 a page: 1 when it was read. */
  readonly present: SharedArrayBuffer;
  /** Where the body begins, whose pages are counted. */
  readonly bodyOffset: number;
};

/** Thrown by a look-up that meets a page which is not what was written. The cache must be compiled anew. */
export class DamagedCache extends Error {
  readonly path: string;
  readonly fault: CacheFault;

  constructor(path: string, fault: CacheFault) {
    super(`The symbol cache ${path} cannot be used: ${fault.message}`);
    this.name = "DamagedCache";
    this.path = path;
    this.fault = fault;
  }
}

/** A handle, or why there is none. */
export type OpenedCache = { readonly ok: true; readonly value: CacheHandle } | { readonly ok: false; readonly fault: CacheFault };

/** Opens a cache file and reads its front. Refuses with a `CacheFault`. */
export function openCacheFile(path: string): OpenedCache {
  let descriptor = -1;
  try {
    descriptor = openSync(path, "r");
    const opened = readFront(path, descriptor);
    if (!opened.ok) closeSync(descriptor);
    return opened;
  } catch (error) {
    if (descriptor >= 0) closeSync(descriptor);
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return unusable("unreadable", `${error.message}.`);
  }
}

/** Gives up a handle. No thread may use it any more. */
export function closeCacheFile(handle: CacheHandle): void {
  closeSync(handle.descriptor);
}

function readFront(path: string, descriptor: number): OpenedCache {
  const bytes = fstatSync(descriptor).size;
  const header = Buffer.alloc(headerBytes);
  const got = readSync(descriptor, header, 0, headerBytes, 0);
  if (got < 4 || header.readUInt32LE(headerField.magic) !== cacheMagic) return unusable("not_a_cache", "It does not begin like a symbol cache.");
  if (got < headerBytes) return unusable("truncated", `It ends after ${got} bytes, within the header.`);
  const major = header.readUInt16LE(headerField.major);
  const compiler = header.readUInt32LE(headerField.compiler);
  if (major !== cacheMajor || compiler !== compilerVersion) return unusable("wrong_version", `It has format ${major} of compiler ${compiler}; this is format ${cacheMajor} of compiler ${compilerVersion}.`);
  const wanted = header.readUInt32LE(headerField.fileBytes) + header.readUInt32LE(headerField.fileBytes + 4) * 2 ** 32;
  if (bytes < wanted) return unusable("truncated", `It has ${bytes} bytes of ${wanted}.`);
  const sections = header.readUInt32LE(headerField.sections);
  const bodyOffset = header.readUInt32LE(headerField.bodyOffset);
  const pages = Math.ceil((wanted - bodyOffset) / pageBytes);
  if (bytes !== wanted || bodyOffset > wanted || sections > sectionLimit || bodyOffset < headerBytes + sections * entryBytes + pages * 4) return unusable("damaged", "The lengths in its header contradict each other.");

  const shared = new SharedArrayBuffer(wanted);
  const front = Buffer.from(shared, 0, bodyOffset);
  if (readSync(descriptor, front, 0, bodyOffset, 0) !== bodyOffset) return unusable("truncated", "It ends within its front.");
  const sum = front.readUInt32LE(headerField.frontSum);
  front.writeUInt32LE(0, headerField.frontSum);
  if (crc32(front) !== sum) return unusable("damaged", "The checksum of its front is wrong.");
  return { ok: true, value: { path, descriptor, bytes: shared, present: new SharedArrayBuffer(4 * Math.max(pages, 1)), bodyOffset } };
}

function unusable(reason: CacheFault["reason"], message: string): { readonly ok: false; readonly fault: CacheFault } {
  return { ok: false, fault: { reason, message } };
}

/** One thread's view of a handle. */
export class PagedFile {
  readonly handle: CacheHandle;
  /** All bytes; those of pages that were not needed yet are 0. */
  readonly bytes: Buffer;
  private readonly bodyOffset: number;
  private readonly present: Int32Array;
  private readonly pages: number;
  /** By page: 1 when this thread knows it to be there. Spares the atomic load. */
  private readonly known: Uint8Array;
  private readonly sumsOffset: number;

  constructor(handle: CacheHandle) {
    this.handle = handle;
    this.bytes = Buffer.from(handle.bytes);
    this.bodyOffset = handle.bodyOffset;
    this.present = new Int32Array(handle.present);
    this.pages = Math.ceil((handle.bytes.byteLength - handle.bodyOffset) / pageBytes);
    this.known = new Uint8Array(this.pages + 1);
    this.sumsOffset = headerBytes + this.bytes.readUInt32LE(headerField.sections) * entryBytes;
  }

  /** Sees to it that the bytes from `start` to `end`, offsets in the file, are there. Throws `DamagedCache`. */
  need(start: number, end: number): void {
    const first = (start - this.bodyOffset) >>> pageShift;
    if (this.known[first] === 0) this.load(first);
    const last = (end - 1 - this.bodyOffset) >>> pageShift;
    for (let page = first + 1; page <= last; page++) if (this.known[page] === 0) this.load(page);
  }

  private load(page: number): void {
    if (page < this.pages && Atomics.load(this.present, page) === 0) {
      const start = this.bodyOffset + page * pageBytes;
      const view = this.bytes.subarray(start, start + pageBytes);
      const { path, descriptor } = this.handle;
      let got = 0;
      try {
        got = readSync(descriptor, view, 0, view.length, start);
      } catch (error) {
        if (!(error instanceof Error && "syscall" in error)) throw error;
        throw new DamagedCache(path, { reason: "unreadable", message: `${error.message}.` });
      }
      if (got !== view.length) throw new DamagedCache(path, { reason: "truncated", message: `It ends within page ${page}.` });
      if (crc32(view) !== this.bytes.readUInt32LE(this.sumsOffset + page * 4)) throw new DamagedCache(path, { reason: "damaged", message: `The checksum of page ${page} is wrong.` });
      Atomics.store(this.present, page, 1);
    }
    this.known[page] = 1;
  }
}
