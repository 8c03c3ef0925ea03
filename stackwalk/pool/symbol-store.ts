// The store of compiled symbols as walkers use it: with the house's demangler,
// so that whoever compiles a file spells its names alike.
import type { CompileOptions } from "../../symbols/breakpad/compile.ts";
import { cacheStore, type CacheStore } from "../../symbols/cache/cache-store.ts";
import { demangle } from "../../symbols/demangle/demangle.ts";

/** What compilers are given. */
export const compileOptions: CompileOptions = { demangle };

/** Opens the store in a folder, bounded to so many bytes. Throws what `fs` throws. */
export function symbolStore(folder: string, bytes: number): CacheStore {
  return cacheStore(folder, { bytes, ...compileOptions });
}
