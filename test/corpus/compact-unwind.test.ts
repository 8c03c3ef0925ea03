// Compact unwind in the Mach-O programs of the corpus: what llvm-objdump prints of
// each function's encoding, put into words by fixtures/mac/compact-rules.ts, which
// shares nothing with the reader.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { disassembled } from "../../fixtures/elf/tools.ts";
import { compactRule } from "../../fixtures/mac/compact-rules.ts";
import { cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { readMachImage } from "../../symbols/macho/image.ts";
import { scratchFile } from "../symbols/cache/cached-symbols.ts";
import { has } from "../symbols/dwarf/symbolizer-oracle.ts";
import { partsOf } from "../symbols/macho/macho-answers.ts";
import { spelled } from "../symbols/truth.ts";
import { corpusFile, corpusNote, hasCorpus, ruleAt } from "./corpus.ts";

// Its other programs are for 32 bits, or have tables of functions that are not there.
const plcrash = "microsoft+plcrashreporter/Resources/Tests/PLCrashAsyncDwarfEncodingTests/regression-bins";

/** Programs for 64 bits, and how many functions they have encodings of at least, without those that refer to call frames. */
const programs = [
  ["getsentry+symbolic/symbolic-testutils/fixtures/macos/crash", 98],
  ["getsentry+rust-breakpad/tests/fixtures/hello_macos", 1],
  [`${plcrash}/tbin.unwind_test_x86_64_frame.s.3`, 1],
  [`${plcrash}/tbin.unwind_test_x86_64_frame.s.4`, 1],
  ["mstange+samply/fixtures/other/simple-example/out/mac-dsym/main", 10],
  ["mstange+samply/fixtures/other/abstract-linkage-names/out/mac-oso/main", 1],
] as const;

/** Whether a rule that is not the table's is as good: within a prolog or an epilog it counts from the stack pointer, and knows of fewer registers that are saved. */
function isFiner(ours: string, theirs: string): boolean {
  const [[cfa, ...mine], [otherCfa, ...others]] = [ours.split(", "), theirs.split(", ")];
  return (cfa === otherCfa || /^cfa = r?sp\b/.test(cfa!)) && mine.every((one) => others.includes(one) || one === "ra = lr");
}

describe.skipIf(!hasCorpus || !has("llvm-objdump-19"))(`compact unwind of the corpus${corpusNote}`, () => {
  it.each(programs)("%s", async (path, atLeast) => {
    let compared = 0;
    for (const part of partsOf(readFileSync(corpusFile(path)))) {
      const image = readMachImage(part);
      const compiled = compileBytes([part]);
      if (!image.ok || !compiled.ok) throw new Error(path);
      const cache = cacheOfBytes("corpus", compiled.value);
      const arch = cache.meta().arch;
      if (arch !== "x86_64" && arch !== "arm64") continue;
      const bytes = Buffer.alloc(part.size);
      part.read(0, bytes);
      const file = scratchFile(bytes, "asked.macho");
      const text = execFileSync("llvm-objdump-19", ["--macho", "--unwind-info", file], { encoding: "utf8", timeout: 60_000 });
      const functions = [...text.matchAll(/\[\d+\]: function offset=0x([0-9a-f]+), encoding(?:\[\d+\])?=0x([0-9a-f]+)/g)].map(([, rva, encoding]) => [Number.parseInt(rva!, 16), Number.parseInt(encoding!, 16)] as const);
      const last = [...text.matchAll(/function offset=0x([0-9a-f]+), 2nd level page offset=0x00000000/g)].at(-1)?.[1] ?? "0";
      const instructions = await disassembled(file, image.value.base);
      for (const [i, [rva, encoding]] of functions.entries()) {
        const end = functions[i + 1]?.[0] ?? Number.parseInt(last, 16);
        const code = instructions.filter((one) => one.rva >= rva && one.rva < end);
        const rule = compactRule(encoding, arch, code);
        if (rule === null || rule === "-") continue;
        const theirs = spelled(cache.arch!, rule);
        const ours = code.map((one) => ruleAt(cache, one.rva));
        expect(ours.filter((one) => one === null || (one !== theirs && !isFiner(one, theirs))), `${rva.toString(16)} ${encoding.toString(16)} ${theirs}`).toEqual([]);
        // Past its prolog, the table's own.
        expect(ours, `${rva.toString(16)} ${encoding.toString(16)}`).toContain(theirs);
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(atLeast);
  });
});
