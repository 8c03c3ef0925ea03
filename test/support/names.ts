// Names for posted stack traces without a pool: the files are compiled here,
// anew each time.
import type { NameAddresses } from "../../stackwalk/posted/trace-modules.ts";
import { nameAddresses } from "../../stackwalk/posted/address-names.ts";
import { cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { compileSymbolFiles } from "../../symbols/compile.ts";

/** Names addresses by files that are compiled in memory. */
export const namesHere: NameAddresses = async (paths, addresses) => {
  const compiled = compileSymbolFiles(paths);
  if (compiled.ok) return nameAddresses(cacheOfBytes(paths[0]!, compiled.value), addresses);
  if (compiled.problem.status >= 500) throw new Error(compiled.problem.message);
  return null;
};
