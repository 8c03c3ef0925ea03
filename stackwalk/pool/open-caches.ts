// The symbol caches that a process has open: one copy of each for all threads.
//
// A cache is opened when a walk first needs it, compiled before that when the
// store does not have it, and stays open as long as there is room. Whoever
// comes while it is being opened waits for the same one. Room is counted in
// bytes that were really read: a cache is paged in as it is asked, and of a
// large one that is little.
//
// A file that cannot be compiled is remembered as such, so that each crash
// that needs it does not try again; a file system that is full or away is not
// the file's fault, is not remembered, and is thrown. So is the first time that
// a cache cannot be opened right after it was compiled: another process may
// have removed it to make room.
import type { CacheHandle } from "../../symbols/cache/paged-file.ts";
import type { CompileResult, SymbolFiles } from "./jobs.ts";

/** What opens and compiles. */
export type CacheSource = {
  /** Opens the cache of a file; null when there is none that could be used. */
  open(file: SymbolFiles): CacheHandle | null;
  /** Compiles it, `again` even if it seems to be there. */
  compile(file: SymbolFiles, again: boolean): Promise<CompileResult>;
  close(handle: CacheHandle): void;
  /** Bytes of it that are in memory. */
  residentBytes(handle: CacheHandle): number;
};

/** An open cache, taken by a walk until it is given back. */
export type OpenCache = { readonly number: number; readonly file: SymbolFiles; readonly handle: CacheHandle };

type Entry = OpenCache & { uses: number; isDropped: boolean };

/** Caches open at most, whatever their size: each holds a file descriptor. */
const cachesMax = 512;
/** Files remembered as no good at most. */
const refusedMax = 4096;

/** The open caches of a process. */
export class OpenCaches {
  private readonly source: CacheSource;
  private readonly bytesMax: number;
  private readonly onRefused: (file: SymbolFiles, reason: string) => void;
  /** By digest; the order is that of use, the latest last. */
  private readonly entries = new Map<string, Entry>();
  private readonly opening = new Map<string, Promise<Entry | null>>();
  private readonly refused = new Set<string>();
  /** Compiled, and gone or unreadable a moment later. */
  private readonly unopened = new Set<string>();
  private readonly numbers = new Set<number>();
  private lastNumber = 0;
  private releases = 0;

  /** `onRefused` hears of each file that cannot be compiled, once. */
  constructor(source: CacheSource, bytesMax: number, onRefused: (file: SymbolFiles, reason: string) => void) {
    this.source = source;
    this.bytesMax = bytesMax;
    this.onRefused = onRefused;
  }

  /** Takes the cache of a file; null when the file is no good. Rejects when the file system fails. */
  async take(file: SymbolFiles): Promise<OpenCache | null> {
    const { digest } = file;
    for (;;) {
      if (this.refused.has(digest)) return null;
      const known = this.takeOpen(digest);
      if (known !== null) return known;
      let opening = this.opening.get(digest);
      if (opening === undefined) {
        opening = this.open(file, false).finally(() => this.opening.delete(digest));
        this.opening.set(digest, opening);
      }
      await opening;
    }
  }

  /** Takes a cache if it is open already. */
  takeOpen(digest: string): OpenCache | null {
    const known = this.entries.get(digest);
    if (known === undefined) return null;
    known.uses++;
    return known;
  }

  /** Gives a cache back. One that was not used by whoever had taken it is no younger for that. */
  release(cache: OpenCache, wasUsed: boolean): void {
    const entry = cache as Entry;
    entry.uses--;
    if (wasUsed && !entry.isDropped) {
      this.entries.delete(entry.file.digest);
      this.entries.set(entry.file.digest, entry);
    }
    if (entry.uses === 0 && entry.isDropped) this.close(entry);
    // Caches grow while they are asked; to count that each time would cost more than walks do.
    if (++this.releases % 64 === 0) this.makeRoom();
  }

  /** Forgets a cache whose file is damaged and compiles it again; whoever still uses it may go on. */
  async rebuild(cache: OpenCache): Promise<void> {
    const entry = cache as Entry;
    // Another walk may have found the same damage.
    if (entry.isDropped) return;
    this.drop(entry);
    const { digest } = entry.file;
    const opening = this.open(entry.file, true).finally(() => this.opening.delete(digest));
    this.opening.set(digest, opening);
    await opening;
  }

  /** Whether a number stands for an open cache. */
  isOpen(number: number): boolean {
    return this.numbers.has(number);
  }

  /** Closes all. */
  closeAll(): void {
    for (const entry of this.entries.values()) this.drop(entry);
  }

  private async open(file: SymbolFiles, again: boolean): Promise<Entry | null> {
    let handle = again ? null : this.source.open(file);
    if (handle === null) {
      const result = await this.source.compile(file, again);
      if (result.kind === "unreadable") throw new Error(`The symbols ${file.paths[0]} could not be compiled: ${result.message}`);
      handle = result.kind === "compiled" ? this.source.open(file) : null;
      if (handle === null) {
        if (result.kind === "compiled" && !this.unopened.has(file.digest)) {
          this.unopened.add(file.digest);
          throw new Error(`The compiled symbols of ${file.paths[0]} cannot be opened, or went before they could be.`);
        }
        this.refuse(file, result.kind === "refused" ? result.message : "what was compiled from it cannot be read");
        return null;
      }
      this.unopened.delete(file.digest);
    }
    const entry: Entry = { number: ++this.lastNumber, file, handle, uses: 0, isDropped: false };
    this.numbers.add(entry.number);
    this.entries.set(file.digest, entry);
    this.makeRoom(entry);
    return entry;
  }

  private refuse(file: SymbolFiles, reason: string): void {
    if (this.refused.size >= refusedMax) this.refused.clear();
    this.refused.add(file.digest);
    this.onRefused(file, reason);
  }

  /** Closes what was not used for longest, until there is room; what is in use stays. */
  private makeRoom(kept?: Entry): void {
    let bytes = 0;
    for (const { handle } of this.entries.values()) bytes += this.source.residentBytes(handle);
    for (const entry of this.entries.values()) {
      if (bytes <= this.bytesMax && this.entries.size <= cachesMax) return;
      if (entry.uses > 0 || entry === kept) continue;
      bytes -= this.source.residentBytes(entry.handle);
      this.drop(entry);
    }
  }

  private drop(entry: Entry): void {
    entry.isDropped = true;
    this.entries.delete(entry.file.digest);
    if (entry.uses === 0) this.close(entry);
  }

  private close(entry: Entry): void {
    this.numbers.delete(entry.number);
    this.source.close(entry.handle);
  }
}
