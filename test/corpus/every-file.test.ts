// Every ELF and Mach-O file of the corpus, compiled: what is left out of each, and
// why each that is refused is. A file that is not in a table has nothing to complain of.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheOfBytes } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { partsOf } from "../symbols/macho/macho-answers.ts";
import { corpusFile, corpusNote, hasCorpus } from "./corpus.ts";

const paths = !hasCorpus ? [] : [...new Set(readFileSync(corpusFile("CATALOGUE.md"), "utf8").split("\n").map((line) => line.split("|").map((cell) => cell.trim())).filter((row) => row[2] === "ELF" || row[2] === "Mach-O").map((row) => row[1]!))];

/** By the end of their path: what was left out, and how often. */
const warned: { readonly [end: string]: { readonly [reason: string]: number } } = {
  // Inline functions that several units describe at one place: one is taken.
  "linux/crash.debug": { overlappingFunction: 4 },
  "linux/crash.debug-zlib": { overlappingFunction: 4 },
  "linux/crash.debug-zstd": { overlappingFunction: 4 },
  // A header of a compressed section, and nothing in it.
  "regression/elf_compressed_gnu": { no_dwarf: 1 },
  // One function has call frames in both sections.
  "testdata/debug_frame": { overlappingCfi: 1 },
  // Names are in further files, which are not given here.
  "ls-linux/260a3e6e46db57abf718f6a3562c6eedccf269.debug": { brokenReference: 22, missingString: 350 },
  "with-dwo/main": { splitUnit: 4 },
  "with-dwp/main": { splitUnit: 4 },
  // Units without a single entry, as dsymutil leaves them; symbols of one place.
  "0285884D-3DE9-3051-B23A-63B48BF99F35.dSYM/Contents/Resources/DWARF/SentrySwift": { malformedUnit: 30, overlappingPublic: 14 },
  "C1E9B5E1-BAF2-373D-BE66-2160A431996F.dSYM/Contents/Resources/DWARF/SentrySwift": { malformedUnit: 30, overlappingPublic: 14 },
  "2FF9CF4D-6117-36C5-AFD0-18D600A49351.dSYM/Contents/Resources/DWARF/CrashProbeiOS": { malformedUnit: 1 },
  "54039061-A983-3323-A49D-837A894D667F.dSYM/Contents/Resources/DWARF/CrashProbeiOS": { malformedUnit: 1 },
  "3CD3E3CC-281E-3AF3-84EB-CDE6D56F0559.dSYM/Contents/Resources/DWARF/CrashLibiOS": { malformedUnit: 1 },
  "F9C4433B-260E-32C9-B5BB-ED10D8D591C3.dSYM/Contents/Resources/DWARF/CrashLibiOS": { malformedUnit: 1 },
  "DWARF/libswiftDispatch.dylib": { malformedUnit: 1, overlappingPublic: 6 },
};

/** Why files are refused, by what they are called. */
const refused: readonly (readonly [name: RegExp, code: string])[] = [
  [/(?<!dump_syms_regtest)\.o$|_no_program_headers$/, "object_file"],
  [/\.dwo$/, "split_dwarf"],
  [/\.core$/, "core_file"],
];

describe.skipIf(!hasCorpus)(`ELF and Mach-O files of the corpus${corpusNote}`, () => {
  it("are there", () => {
    expect(paths.length).toBeGreaterThan(110);
    expect(Object.keys(warned).filter((end) => paths.filter((one) => one.endsWith(end)).length !== 1)).toEqual([]);
  });

  it.each(paths)("%s", (file) => {
    const stored = readFileSync(corpusFile(file));
    const bytes = stored[0] === 0x1f ? gunzipSync(stored) : stored;
    for (const part of partsOf(bytes)) {
      const compiled = compileBytes([part]);
      const code = refused.find(([name]) => name.test(path.basename(file)))?.[1] ?? "none";
      expect(compiled.ok ? "none" : compiled.problem.code).toBe(code);
      if (!compiled.ok) continue;
      const cache = cacheOfBytes("corpus", compiled.value);
      cache.verify();
      expect(cache.meta().warnings).toEqual(warned[Object.keys(warned).find((end) => file.endsWith(end)) ?? ""] ?? {});
    }
  });
});
