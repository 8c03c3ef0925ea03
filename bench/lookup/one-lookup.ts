// A process that looks addresses up in a cache again and again, and prints as
// JSON what one took: a helper of bench/lookup.ts.
import { readFileSync } from "node:fs";
import { openCache } from "../../symbols/cache/symbol-cache.ts";
import type { SourcePlace } from "../../symbols/cache/module-symbols.ts";

/** Nanoseconds of processor time of one look-up, a round each. */
export type OneLookup = { readonly nanoseconds: readonly number[] };

const rounds = 9;
const [cacheFile = "", asked = ""] = process.argv.slice(2);
const opened = openCache(cacheFile);
if (!opened.ok) throw new Error(opened.fault.message);
const addresses = readFileSync(asked, "latin1").trimEnd().split("\n").map(Number);
const place: SourcePlace = { name: "", linkageName: null, start: 0, isPublic: false, file: null, line: 0, lineStart: 0, inlines: [] };
const nanoseconds: number[] = [];
let found = 0;
for (let round = 0; round < rounds; round++) {
  const before = process.cpuUsage();
  for (const rva of addresses) if (opened.value.lookUp(rva, place)) found++;
  const { user, system } = process.cpuUsage(before);
  nanoseconds.push(((user + system) * 1000) / addresses.length);
}
if (found !== rounds * addresses.length) throw new Error("an address is not in the cache");
process.stdout.write(JSON.stringify({ nanoseconds } satisfies OneLookup));
