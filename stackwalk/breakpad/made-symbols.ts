// The `.sym` file of a module that came as other files: Breakpad's walker reads
// nothing else, so one is made for it, anew for each walk.
import { closeSync, openSync, writeSync } from "node:fs";
import { cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";
import { type WrittenAs, writeSymbolFile } from "../../symbols/breakpad/write.ts";

/** Writes the `.sym` file of a module's debug files to `target`, which must not be there; false when the files are no good. Throws what `fs` throws for `target`. */
export function makeSymbolFile(paths: readonly string[], target: string, as: WrittenAs): boolean {
  const compiled = compileSymbolFiles(paths);
  if (!compiled.ok) return false;
  const file = openSync(target, "wx", 0o600);
  try {
    for (const piece of writeSymbolFile(cacheOfBytes(target, compiled.value), as)) writeSync(file, piece);
  } finally {
    closeSync(file);
  }
  return true;
}
