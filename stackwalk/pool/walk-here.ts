// One walk by our engine in the calling thread: for a process that was started
// for it, as the command line is, where a thread of its own would cost more
// than the walk. Nothing bounds its time and memory but the process's own end.
//
// Where the folder of compiled symbols cannot be used, as in a home folder that
// is read-only, symbols are compiled into memory, each time anew.
//
// Compilers and demanglers are a third of the engine's code and take longer to
// load than most walks do. They are loaded when a walk comes to a file that was
// not compiled yet; the walk then begins again.
import { cacheStore, type CacheStore, type Compile } from "../../symbols/cache/cache-store.ts";
import { DamagedCache } from "../../symbols/cache/paged-file.ts";
import { attachCache, cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import type { EngineWalk } from "../engine.ts";
import type { SymbolAnswer } from "../engine/module-states.ts";
import type { SymbolSource, WalkFailure } from "../stackwalker.ts";
import { openDump, type DumpWalkOptions, type WalkableDump } from "./dump-walk.ts";
import { type SymbolFiles, filesOf } from "./jobs.ts";

/** What a walk here needs beside the dump. */
export type WalkHereOptions = DumpWalkOptions & {
  /** Folder of the compiled symbols, and the bytes that it may have. */
  readonly cacheDir: string;
  readonly cacheBytes: number;
  /** The digest of a located symbol file: it must change when the content does. */
  digest(path: string): string;
  /** Hears of each symbol file that is no good. */
  onUnusable(path: string, reason: string): void;
};

/** Thrown through a walk that needs the compiler. */
const compilerNeeded = new Error("the compiler is needed");
/** The compiler, once it was loaded. */
let compiler: Compile | null = null;

function compile(paths: readonly string[], digest: string): ReturnType<Compile> {
  if (compiler === null) throw compilerNeeded;
  return compiler(paths, digest);
}

/** Walks a dump. Throws what `fs` throws for the dump. */
export async function walkHere(path: string, symbols: SymbolSource, options: WalkHereOptions): Promise<{ readonly ok: true; readonly walk: EngineWalk } | { readonly ok: false; readonly failure: WalkFailure }> {
  const opened = openDump(path);
  if (!opened.ok) return opened;
  const { dump } = opened;
  try {
    const paths = await symbols.locate(dump.keys);
    const files = paths.map((located) => filesOf(located, options.digest));
    for (;;) {
      try {
        return { ok: true, walk: walkLocated(dump, files, options) };
      } catch (error) {
        if (error !== compilerNeeded) throw error;
        ({ compileSymbolFiles: compiler } = await import("../../symbols/compile.ts"));
      }
    }
  } finally {
    dump.close();
  }
}

function walkLocated(dump: WalkableDump, files: readonly (SymbolFiles | null)[], options: WalkHereOptions): EngineWalk {
  const symbols = new SymbolsHere(options);
  /** By digest: how often its cache was damaged. */
  const damaged = new Map<string, number>();
  for (;;) {
    const open = new Map<SymbolCache, SymbolFiles>();
    try {
      return dump.walk(options, (key): SymbolAnswer => {
        const file = files[key] ?? null;
        if (file === null) return "missing";
        const times = damaged.get(file.digest) ?? 0;
        const cache = times > 1 ? null : symbols.open(file, times > 0);
        if (cache === null) return "corrupt";
        open.set(cache, file);
        return cache;
      });
    } catch (error) {
      const found = error instanceof DamagedCache ? [...open].find(([cache]) => cache.handle.path === error.path) : undefined;
      if (found === undefined) throw error;
      const { digest } = found[1];
      damaged.set(digest, (damaged.get(digest) ?? 0) + 1);
    } finally {
      for (const cache of open.keys()) symbols.close(cache);
    }
  }
}

/** Opens symbols for one thread. */
class SymbolsHere {
  private readonly store: CacheStore | null;
  private readonly onUnusable: WalkHereOptions["onUnusable"];

  constructor({ cacheDir, cacheBytes, onUnusable }: WalkHereOptions) {
    this.store = storeIfUsable(cacheDir, cacheBytes);
    this.onUnusable = onUnusable;
  }

  /** The symbols of a file, compiled `again` if its cache was damaged; null when it is no good. */
  open(file: SymbolFiles, again: boolean): SymbolCache | null {
    const stored = this.store === null ? null : this.openStored(this.store, file, again);
    if (stored !== null) return stored === "refused" ? null : stored;
    const compiled = compile(file.paths, file.digest);
    if (compiled.ok) return cacheOfBytes(file.paths[0]!, compiled.value);
    this.onUnusable(file.paths[0]!, compiled.problem.message);
    return null;
  }

  close(cache: SymbolCache): void {
    // One in memory has no file.
    if (cache.handle.descriptor >= 0) this.store?.close(cache.handle);
  }

  /** Null when the store cannot be used for it. */
  private openStored(store: CacheStore, file: SymbolFiles, again: boolean): SymbolCache | "refused" | null {
    const existing = again ? null : store.openExisting(file.digest);
    if (existing !== null) return attachCache(existing);
    const compiled = store.compile(file, { again });
    if (!compiled.ok && compiled.problem.status < 500) {
      this.onUnusable(file.paths[0]!, compiled.problem.message);
      return "refused";
    }
    const handle = compiled.ok ? store.openExisting(file.digest) : null;
    return handle === null ? null : attachCache(handle);
  }
}

function storeIfUsable(folder: string, bytes: number): CacheStore | null {
  try {
    return cacheStore(folder, { bytes, compile });
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return null;
  }
}
