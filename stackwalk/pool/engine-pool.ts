// The engine in worker threads: the walker that the pipeline uses.
//
// What: dumps in, reports out, several at once; a dump that runs for ever, eats
// memory or hits a bug of ours fails alone. Why threads and not processes, as
// for Breakpad: our engine is JavaScript, which cannot write where it should
// not, and threads can share the compiled symbols, which are the bulk of the
// memory.
//
// Steps of one walk:
//   1. a thread opens the dump (walk-thread.ts) and asks which of its modules
//      have symbol files; the symbol source answers in the main thread, and
//      what of them is open already comes along;
//   2. when a frame first falls into another module, the thread asks for its
//      symbols; the main thread opens their cache, or has it compiled by another
//      thread (compile-thread.ts), and answers with a handle to the one shared
//      copy (open-caches.ts). Whoever needs the same file meanwhile waits for it;
//   3. the thread walks, writes the report as text, and sends that: making
//      objects of it is for whoever needs objects.
//
// A cache that turns out to be damaged on the disk is compiled again and the
// walk repeated; damaged once more, it counts as no symbols, `corrupt`. So does
// a symbol file that cannot be compiled; `onUnusable` hears the reason.
//
// Limits: options.timeoutMs of WalkOptions for the thread's own time in one
// walk (the time that it waits for symbols is not counted), `compileMs` for one
// symbol file, `memoryBytes` for the heap of a thread, `openBytes` for open
// caches. A dump of up to 64 MB is held whole beside that, a larger one in
// pieces. The threads that compile are others than those that walk, so that
// those who wait for a cache never keep it from being made.
//
// A thread is free of the process's secrets, but not of its rights: the wall
// against hostile bytes is that the engine is memory-safe and pure.
//
// To extend: another kind of work for threads is another module that calls
// `serveJobs`, and another pool beside these two.
import { cacheStore } from "../../symbols/cache/cache-store.ts";
import { DamagedCache } from "../../symbols/cache/paged-file.ts";
import type { CacheMeta } from "../../symbols/cache/layout.ts";
import { attachCache, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { engineName } from "../engine-name.ts";
import type { Report } from "../report.ts";
import { type AddressName, nameAddresses } from "../posted/address-names.ts";
import type { MissingSymbols, Stackwalker, SymbolSource, Walk, WalkOptions } from "../stackwalker.ts";
import { type CompileResult, filesOf, type LocatedSymbols, type SymbolFiles, type SymbolsAnswer, type WalkJob, type WalkQuestion, type WalkResult } from "./jobs.ts";
import { OpenCaches, type OpenCache } from "./open-caches.ts";
import { openThreadPool, type JobFailure } from "./thread-pool.ts";

/** How the pool is set up. */
export type EnginePoolOptions = {
  /** Walks at once. */
  readonly threads: number;
  /** Folder of the compiled symbols. It may be shared with other processes, and deleted at any time. */
  readonly cacheDir: string;
  /** Bytes of that folder. */
  readonly cacheBytes: number;
  /** Bytes of open caches in memory. */
  readonly openBytes: number;
  /** Bytes of a thread's heap. */
  readonly memoryBytes: number;
  /** Milliseconds for compiling one symbol file. */
  readonly compileMs: number;
  /** The digest of a symbol file that the symbol source has located: it must change when the content does. */
  digest(path: string): string;
  /** Hears of each symbol file that is no good. */
  onUnusable(path: string, reason: string): void;
  /** Hears of a bug: a thread ended by an exception. */
  onCrash(error: { readonly message: string; readonly stack: string | undefined }): void;
};

/** A walker with threads of its own. */
export type EnginePool = Stackwalker & {
  /** Compiles the files of a module, if the store does not have them yet, so that the first walk finds them ready. Answers what the cache says of itself, or why it cannot be made; rejects when the file system fails. */
  compile(paths: readonly string[]): Promise<CacheMeta | { readonly refused: string }>;
  /** Names addresses, relative to the module's base, by the files of the module; null when those are no good. Rejects when the file system fails. */
  nameAddresses(paths: readonly string[], addresses: readonly number[]): Promise<readonly (AddressName | null)[] | null>;
  /** Ends all threads and closes all caches. */
  close(): Promise<void>;
};

/** Reasons of refusals that are remembered. */
const refusalsMax = 1024;
/** Threads without work end after this; one starts in a few dozen milliseconds. */
const idleMs = 30_000;

/** Opens the pool; threads start when there is work. */
export function enginePool(options: EnginePoolOptions): EnginePool {
  const { threads, memoryBytes: heapBytes } = options;
  const walkers = openThreadPool({ module: new URL("walk-thread.ts", import.meta.url), threads, heapBytes, idleMs });
  const compilers = openThreadPool({ module: new URL("compile-thread.ts", import.meta.url), threads, heapBytes, idleMs, setting: { cacheDir: options.cacheDir, cacheBytes: options.cacheBytes } });
  const store = cacheStore(options.cacheDir, { bytes: options.cacheBytes, compile: compilesElsewhere });
  /** Why files are no good, by digest. */
  const refusals = new Map<string, string>();
  /** Which caches a thread has attached. */
  const attached = new WeakMap<object, Set<number>>();

  const compile = async (file: SymbolFiles, again: boolean): Promise<CompileResult> => {
    const end = await compilers.run({ message: () => ({ ...file, again }), timeoutMs: options.compileMs });
    if (end.ok) return end.value as CompileResult;
    if (end.failure.reason === "cancelled") return { kind: "unreadable", message: end.failure.message };
    tellCrash(end.failure);
    return { kind: "refused", message: compileRefusal(end.failure) };
  };
  const caches = new OpenCaches(
    { open: (file) => store.openExisting(file.digest), compile, close: (handle) => store.close(handle), residentBytes: (handle) => store.residentBytes(handle) },
    options.openBytes,
    (file, reason) => {
      refusals.set(file.digest, reason);
      if (refusals.size > refusalsMax) refusals.delete(refusals.keys().next().value!);
      options.onUnusable(file.paths[0]!, reason);
    },
  );
  const tellCrash = ({ reason, message, stack }: JobFailure): void => {
    if (reason === "crashed") options.onCrash({ message, stack });
  };

  /** One try at a walk. `unusable` are digests of files that count as corrupt. */
  const tryWalk = async (dump: string, symbols: SymbolSource, bounds: WalkOptions, unusable: ReadonlySet<string>): Promise<Walk | { readonly damaged: string }> => {
    let files: readonly (SymbolFiles | null)[] = [];
    const taken: OpenCache[] = [];
    let used: readonly number[] = [];
    let over = false;
    const hand = (cache: OpenCache, thread: object): SymbolsAnswer => {
      if (over) {
        // The walk was ended while its question was being answered: nobody hears this, and nobody else would give it back.
        caches.release(cache, false);
        return "missing";
      }
      taken.push(cache);
      const known = attached.get(thread)!;
      if (known.has(cache.number)) return { number: cache.number, handle: null };
      known.add(cache.number);
      return { number: cache.number, handle: cache.handle };
    };
    const located = (file: SymbolFiles | null, thread: object): LocatedSymbols => {
      if (file === null) return "missing";
      if (unusable.has(file.digest)) return "corrupt";
      const cache = caches.takeOpen(file.digest);
      return cache === null ? "closed" : hand(cache, thread);
    };
    const open = async (key: number, thread: object): Promise<SymbolsAnswer> => {
      const cache = await caches.take(files[key]!);
      return cache === null ? "corrupt" : hand(cache, thread);
    };
    try {
      const end = await walkers.run({
        message(thread): WalkJob {
          const known = attached.get(thread) ?? new Set();
          attached.set(thread, known);
          const forget = [...known].filter((number) => !caches.isOpen(number));
          for (const number of forget) known.delete(number);
          return { dump, maxFrames: bounds.maxFrames, maxThreads: bounds.maxThreads, outputBytes: bounds.outputBytes, forget };
        },
        timeoutMs: bounds.timeoutMs,
        signal: bounds.signal,
        async answer(question, thread) {
          const asked = question as WalkQuestion;
          if (asked.ask === "open") return open(asked.key, thread);
          const paths = await symbols.locate(asked.keys);
          files = paths.map((all) => filesOf(all, options.digest));
          return files.map((file) => located(file, thread));
        },
      });
      if (!end.ok) {
        tellCrash(end.failure);
        return { ok: false, failure: walkFailure(end.failure, bounds) };
      }
      const result = end.value as WalkResult;
      if (result.kind === "walked") {
        used = result.used;
        return new FinishedWalk(result.json, result.missing);
      }
      if (result.kind === "failed") return { ok: false, failure: result.failure };
      if (result.kind === "unreadable") throw new Error(`The walk could not read its files: ${result.message}`);
      const cache = taken.find(({ number }) => number === result.number);
      if (cache === undefined) throw new Error("a walk found a cache damaged that it was not given");
      await caches.rebuild(cache);
      return { damaged: cache.file.digest };
    } finally {
      over = true;
      for (const cache of taken) caches.release(cache, used.includes(cache.number));
    }
  };

  /** Asks the compiled symbols of a module something; null when its files are no good. */
  const withSymbols = async <T>(paths: readonly string[], ask: (symbols: SymbolCache) => T): Promise<T | null> => {
    for (let damages = 0; ; damages++) {
      const cache = await caches.take(filesOf(paths, options.digest)!);
      if (cache === null) return null;
      try {
        return ask(attachCache(cache.handle));
      } catch (error) {
        if (!(error instanceof DamagedCache)) throw error;
        if (damages > 0) return null;
        await caches.rebuild(cache);
      } finally {
        caches.release(cache, true);
      }
    }
  };

  return {
    name: engineName,
    async walk(dump, symbols, bounds) {
      const damaged = new Map<string, number>();
      const unusable = new Set<string>();
      for (;;) {
        const walk = await tryWalk(dump, symbols, bounds, unusable);
        if (!("damaged" in walk)) return walk;
        const times = (damaged.get(walk.damaged) ?? 0) + 1;
        damaged.set(walk.damaged, times);
        if (times > 1) unusable.add(walk.damaged);
      }
    },
    compile: (paths) => withSymbols(paths, (symbols) => symbols.meta()).then((meta) => meta ?? { refused: refusals.get(filesOf(paths, options.digest)!.digest) ?? "its compiled symbols cannot be read" }),
    nameAddresses: (paths, addresses) => withSymbols(paths, (symbols) => nameAddresses(symbols, addresses)),
    async close() {
      await Promise.all([walkers.close(), compilers.close()]);
      caches.closeAll();
    },
  };
}

/** Compiling is for threads: the compilers, like the engine, are not even loaded here. */
function compilesElsewhere(): never {
  throw new Error("the main thread compiles nothing");
}

/** A walk whose report stays text until somebody looks at it. */
class FinishedWalk {
  readonly ok = true;
  readonly json: string;
  readonly missing: readonly MissingSymbols[];
  #report: Report | undefined;

  constructor(json: string, missing: readonly MissingSymbols[]) {
    this.json = json;
    this.missing = missing;
  }

  get report(): Report {
    return (this.#report ??= JSON.parse(this.json) as Report);
  }
}

function compileRefusal({ reason, message }: JobFailure): string {
  if (reason === "crashed") return `The compiler failed on it: ${message}`;
  return `${message} (limit ${reason === "timeout" ? "COMPILE_SECONDS" : "WALK_MEMORY_BYTES"})`;
}

// These words are shown to whoever may see the crash, so no message of an exception is among them: it could
// name paths of this machine, or bytes of a dump. `onCrash` has heard it.
function walkFailure({ reason, message }: JobFailure, { timeoutMs }: WalkOptions): { readonly code: string; readonly message: string } {
  switch (reason) {
    case "timeout":
      return { code: "timeout", message: `The walk took longer than ${timeoutMs} ms (limit WALK_SECONDS).` };
    case "memory":
      return { code: "memory_limit", message: `The walk needed too much memory: ${message} (limit WALK_MEMORY_BYTES)` };
    case "crashed":
      return { code: "walker_crashed", message: "A bug in the walker ended it on this dump; the worker's log has the exception." };
    case "cancelled":
      return { code: "cancelled", message: "The walk was cancelled." };
  }
}
