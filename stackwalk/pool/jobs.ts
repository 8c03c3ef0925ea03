// What travels between the pool and its threads.
import process from "node:process";
import type { CacheHandle } from "../../symbols/cache/paged-file.ts";
import type { LocatedFiles, MissingSymbols, SymbolKey, WalkFailure } from "../stackwalker.ts";

/** The debug files of a module: where they are, and a digest that changes when one of them does. */
export type SymbolFiles = { readonly paths: readonly string[]; readonly digest: string };

/** Characters of a digest that a store takes. */
const digestChars = 180;

/** Located files with one digest, made of those of each; null for none. */
export function filesOf(paths: LocatedFiles, digest: (path: string) => string): SymbolFiles | null {
  if (paths === null) return null;
  const all = paths.map(digest).sort().join(".");
  // Loaded only here: a walk on the command line takes less time than loading it does.
  return { paths, digest: all.length <= digestChars ? all : process.getBuiltinModule("node:crypto").createHash("sha256").update(all).digest("hex") };
}

/** Walk a dump. */
export type WalkJob = {
  readonly dump: string;
  readonly maxFrames: number;
  readonly maxThreads: number;
  /** Characters of the report's text; a walk whose report is longer fails. */
  readonly outputBytes: number;
  /** Numbers of caches that the thread may have attached and that are closed now. */
  readonly forget: readonly number[];
};

/** What a walk asks: what there is for these keys (answered by a list of `LocatedSymbols`), and the symbols of one of them (answered by a `SymbolsAnswer`). */
export type WalkQuestion = { readonly ask: "locate"; readonly keys: readonly SymbolKey[] } | { readonly ask: "open"; readonly key: number };

/** The symbols of a key: a cache by its number, with its handle for a thread that has not attached it yet. */
export type SymbolsAnswer = { readonly number: number; readonly handle: CacheHandle | null } | "missing" | "corrupt";

/** What there is for a key: a cache that is open already, nothing, or a file whose cache must be asked for. Each question costs more than a walk of ten frames, so what is at hand comes with the first answer. */
export type LocatedSymbols = SymbolsAnswer | "closed";

/** How a walk ended. `used` names the caches that frames were in; `damaged` names one whose file cannot be believed; `unreadable` is the file system's fault. */
export type WalkResult =
  | { readonly kind: "walked"; readonly json: string; readonly missing: readonly MissingSymbols[]; readonly used: readonly number[] }
  | { readonly kind: "failed"; readonly failure: WalkFailure }
  | { readonly kind: "damaged"; readonly number: number; readonly message: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** Compile the files of a module into the store. */
export type CompileJob = SymbolFiles & {
  /** Even if it is there already: it is damaged. */
  readonly again: boolean;
};

/** How a compilation ended. `refused` is the symbol file's fault, `unreadable` the file system's. */
export type CompileResult = { readonly kind: "compiled" } | { readonly kind: "refused"; readonly message: string } | { readonly kind: "unreadable"; readonly message: string };
