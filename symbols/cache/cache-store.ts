// The folder of compiled symbols. It holds nothing that cannot be made again:
// it may be deleted at any time, and shared by processes.
//
// A file's name is the digest of the original it was compiled from and the
// compiler's version, so a cache never goes stale: another original has
// another name, and a new compiler does not see what an old one made. Files
// appear whole or not at all (written under a temporary name, flushed,
// renamed, the folder flushed), so a reader needs no lock, and two processes
// that compile the same original write the same file twice.
//
// The newest modification time is the last use; opening renews it. When the
// folder passes its limit, those not used for longest go. A file that a
// process still has open stays readable to it after that (on Windows it cannot
// be removed, and is passed over). Temporary files of writers that are dead
// are removed when a store is opened.
//
// Everything here is synchronous but `open`, so that a thread of a pool can
// compile; `open` is for those who have no pool, and lets several callers wait
// for one compile.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, statSync, unlinkSync, utimesSync, writeSync } from "node:fs";
import path from "node:path";
import { type Result, ok, refuse } from "../../config/problem.ts";
import { compilerVersion, pageBytes } from "./layout.ts";
import { type CacheHandle, closeCacheFile, openCacheFile } from "./paged-file.ts";

/** The original debug files of a module: where they lie, and a digest that changes when the content of one does (hex, or any name of letters, digits, `.`, `_`, `-`). */
export type CacheSource = { readonly paths: readonly string[]; readonly digest: string };

/** Compiles originals into the bytes of a cache, which keeps the digest. */
export type Compile = (paths: readonly string[], sourceDigest: string) => Result<Uint8Array>;

/** How a store is set up. */
export type CacheStoreOptions = {
  /** Bytes that its files may have together; the oldest go when they have more. No limit when not given. */
  readonly bytes?: number;
  /** The compiler. It is given and not imported: its code is large, and who only reads should not load it. */
  readonly compile: Compile;
};

/** A folder of caches. */
export type CacheStore = {
  /** Opens what was compiled from an original with this digest; null when it is not there, or damaged, or of another version: then compile it. */
  openExisting(digest: string): CacheHandle | null;
  /** Compiles an original into the store, if it is not there in order, or in any case when `again`. Refuses with what the compiler refuses with, and with `cache_unwritable`. Takes seconds for a large original. */
  compile(source: CacheSource, options?: { readonly again?: boolean }): Result<null>;
  /** Opens a cache, compiled in this thread before if need be; concurrent calls for one digest compile once. */
  open(source: CacheSource): Promise<Result<CacheHandle>>;
  /** Gives up a handle that a call here returned. */
  close(handle: CacheHandle): void;
  /** Bytes of a cache that are in memory. */
  residentBytes(handle: CacheHandle): number;
  /** Removes the caches that were not used for longest until the folder is within its limit; `compile` does it too. */
  prune(): void;
};

const ending = ".symcache";
/** `<file>.<process>-<random>.tmp`; when the process is gone, or the file this old, it is a leftover. */
const temporary = /\.(\d+)-[\da-f]+\.tmp$/;
const leftoverMs = 3_600_000;
/** A use is noted at most this often, to spare the disk. */
const touchMs = 60_000;
/** Removing stops at this part of the limit, so that not each compile removes one. */
const pruneTo = 0.9;
/** Refusals that are remembered. */
const refusedMax = 1024;

/** Opens the store in a folder, which is made when it is missing. Throws what `fs` throws. */
export function cacheStore(folder: string, options: CacheStoreOptions): CacheStore {
  makeFolder(folder);
  removeLeftovers(folder);
  const { bytes: limit = Number.POSITIVE_INFINITY, compile: compiler } = options;
  /** What the compiler refused, by digest: the same bytes would be refused again. */
  const refused = new Map<string, Result<null>>();
  const opening = new Map<string, Promise<Result<CacheHandle>>>();
  const pathOf = (digest: string): string => path.join(folder, `${safeName(digest)}-${compilerVersion}${ending}`);

  const openExisting = (digest: string): CacheHandle | null => {
    const file = pathOf(digest);
    const opened = openCacheFile(file);
    if (!opened.ok) return null;
    touch(file);
    return opened.value;
  };

  const compile: CacheStore["compile"] = ({ paths: originals, digest }, { again = false } = {}) => {
    const known = refused.get(digest);
    if (known !== undefined) return known;
    const file = pathOf(digest);
    if (!again && isInOrder(file)) return ok(null);
    const compiled = compiler(originals, digest);
    if (!compiled.ok) {
      // What the disk did is not the original's fault, and may pass.
      if (compiled.problem.status < 500) {
        if (refused.size >= refusedMax) refused.clear();
        refused.set(digest, compiled);
      }
      return compiled;
    }
    try {
      makeFolder(folder);
      writeDurably(folder, file, compiled.value);
      prune(folder, limit, file);
    } catch (error) {
      if (!(error instanceof Error && "syscall" in error)) throw error;
      return refuse(500, "cache_unwritable", `The compiled symbols of ${originals.join(" and ")} cannot be stored: ${error.message}.`, "Look at the disk's space and at the folder's permissions.");
    }
    return ok(null);
  };

  const openNow = (source: CacheSource): Result<CacheHandle> => {
    const existing = openExisting(source.digest);
    if (existing !== null) return ok(existing);
    const compiled = compile(source);
    if (!compiled.ok) return compiled;
    const handle = openExisting(source.digest);
    return handle === null ? refuse(500, "cache_unwritable", `The compiled symbols of ${source.paths.join(" and ")} went before they could be opened.`, "Look at the disk, and raise the limit of the cache folder.") : ok(handle);
  };

  return {
    openExisting,
    compile,
    async open(source) {
      const already = opening.get(source.digest);
      if (already !== undefined) {
        const first = await already;
        // Each caller closes its own handle.
        return first.ok ? openNow(source) : first;
      }
      const promise = Promise.resolve().then(() => openNow(source));
      opening.set(source.digest, promise);
      try {
        return await promise;
      } finally {
        opening.delete(source.digest);
      }
    },
    close: closeCacheFile,
    residentBytes: (handle) => handle.bodyOffset + pageBytes * new Int32Array(handle.present).reduce((sum, present) => sum + present, 0),
    prune: () => prune(folder, limit, null),
  };
}

/** Makes a folder and those above it. Node's own `recursive` never ends where a folder that exists refuses new ones with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** A digest as part of a file name. Throws for one that could name something else: digests are ours. */
function safeName(digest: string): string {
  if (!/^[\w-][\w.-]{0,180}$/.test(digest)) throw new Error(`"${digest.slice(0, 80)}" is no digest for a cache`);
  return digest;
}

/** Whether a file is a cache that can be opened. */
function isInOrder(file: string): boolean {
  if (!existsSync(file)) return false;
  const opened = openCacheFile(file);
  if (opened.ok) closeCacheFile(opened.value);
  return opened.ok;
}

function touch(file: string): void {
  try {
    const now = Date.now();
    if (now - statSync(file).mtimeMs > touchMs) utimesSync(file, now / 1000, now / 1000);
  } catch (error) {
    // It was removed a moment ago, or is another user's: then its use goes unnoted.
    if (!(error instanceof Error && "syscall" in error)) throw error;
  }
}

/** Writes a file so that after a crash of the machine it is whole or not there. */
function writeDurably(folder: string, file: string, bytes: Uint8Array): void {
  // "wx" refuses a name that is taken; the clock keeps two threads of a process from asking for one.
  const draft = `${file}.${process.pid}-${process.hrtime.bigint().toString(16)}.tmp`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(descriptor, bytes, written, bytes.length - written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
  } catch (error) {
    tryUnlink(draft);
    throw error;
  }
  // Windows cannot open a folder, and makes a rename durable by itself.
  if (process.platform === "win32") return;
  const parent = openSync(folder, "r");
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

function prune(folder: string, limit: number, kept: string | null): void {
  if (limit === Number.POSITIVE_INFINITY) return;
  const files: { readonly file: string; readonly bytes: number; readonly usedMs: number }[] = [];
  let total = 0;
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(ending)) continue;
    const file = path.join(folder, name);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    total += stats.size;
    files.push({ file, bytes: stats.size, usedMs: stats.mtimeMs });
  }
  if (total <= limit) return;
  for (const { file, bytes } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (total <= limit * pruneTo) return;
    if (file !== kept && tryUnlink(file)) total -= bytes;
  }
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const match = temporary.exec(name);
    if (match === null) continue;
    const file = path.join(folder, name);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!isAlive(Number(match[1])) || Date.now() - stats.mtimeMs > leftoverMs) tryUnlink(file);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function tryUnlink(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return false;
    throw error;
  }
}
