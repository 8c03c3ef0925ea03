// The store of compiled symbols as threads of the pool use it: with the
// compilers at hand.
import { cacheStore, type CacheStore } from "../../symbols/cache/cache-store.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";

/** Opens the store in a folder, bounded to so many bytes. Throws what `fs` throws. */
export function symbolStore(folder: string, bytes: number): CacheStore {
  return cacheStore(folder, { bytes, compile: compileSymbolFiles });
}
