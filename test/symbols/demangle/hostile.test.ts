// Names that nobody mangled: whatever they are, an answer comes soon and is
// bounded, and the next name is answered as if nothing had been.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";

/** The longest text, and what suffixes may add to it. */
const OUTPUT_MAX = (1 << 17) + (1 << 16) + 1024;
const good = "_ZN4llvm4yaml7yamlizeISt6vectorINS_5MachO18build_tool_versionESaIS4_EENS0_12EmptyContextEEENSt9enable_ifIXsr18has_SequenceTraitsIT_EE5valueEvE4typeERNS0_2IOERS9_bRT0_";
const seeds = [
  good,
  "_ZZ1fvENKUlT_OT0_E_clIicEEDaS_S1_",
  "_Z1fIJicEEDTcl1gspcvT_fp_EEDpS0_",
  "_ZN1AIiEcvT_IcEEv",
  "_ZTCSt9strstream16_Si",
  "_RINvC1a1fFUKChEuFG_RL0_hERL0_hE",
  "_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3baz",
  "_ZN4core3fmt5Write9write_fmt17h1234567890abcdefE",
  "?f@A@@QEAAXH@Z",
  "??$f@V?$vector@HV?$allocator@H@std@@@std@@@N@@YAXAEAV?$vector@HV?$allocator@H@std@@@std@@@Z",
];

/** The best of three times: a machine that is busy may stop any one of them. */
function milliseconds(name: string): number {
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const began = performance.now();
    demangle(name);
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

const monsters: readonly [what: string, name: string][] = [
  ["100 kB of pointers", `_Z1f${"P".repeat(100_000)}i`],
  ["60 kB of pointers", `_Z1f${"P".repeat(60_000)}i`],
  ["letters that each stand for a long word of Swift", `$s1M8000${"x".repeat(8000)}0${"a".repeat(8000)}0yyF`],
  ["nested names", `_Z1f${"N1A".repeat(20_000)}`],
  ["nested arguments", `_Z1f${"1AI".repeat(20_000)}`],
  ["nested encodings", `_Z${"Z1f".repeat(20_000)}`],
  ["nested expressions", `_Z1fIX${"pl".repeat(30_000)}EE`],
  ["a long identifier", `_Z60000${"a".repeat(60_000)}v`],
  ["a length without end", `_Z${"9".repeat(60_000)}f`],
  ["substitutions that double", `_Z1f1AI1BS0_E${Array.from({ length: 60 }, (_, i) => `1AIS${(i + 1).toString(36).toUpperCase()}_S${(i + 1).toString(36).toUpperCase()}_E`).join("")}`],
  ["packs of packs", `_Z1fIJ${"i".repeat(5000)}EEv${"DpSt1AIJ".repeat(50)}T_${"EE".repeat(50)}`],
  ["empty packs of packs", `_Z1fIJ${"J".repeat(100)}${"E".repeat(100)}EEv${"Dp".repeat(90)}T_`],
  ["many parameters", `_Z1f${"i".repeat(60_000)}`],
  ["conversions in conversions", `_ZN1A${"cvT_I".repeat(100)}`],
  ["ambiguous scopes", `_Z1fIX${"plsr1A1BE1C".repeat(4000)}`],
  ["a conversion to itself", "_ZN1AcvT_IT_EEv"],
  ["references that double", `_RIC1a${Array.from({ length: 40 }, () => "TB_B_E").join("")}E`],
  ["tuples of references", `_RINvC1a1f${"T".repeat(60)}${"B3_".repeat(60)}`],
  ["binders", `_RINvC1a1f${"FGzz_".repeat(3000)}E`],
  ["coded names", `_RNvC1au2000${"z".repeat(2000)}`],
  ["marks of Microsoft's", `?${"?$A@".repeat(10_000)}`],
  ["pointers of Microsoft's", `?f@@YAX${"PEA".repeat(20_000)}H@Z`],
  ["suffixes", `_Z1fv${".a".repeat(30_000)}`],
];

describe("hostile names", () => {
  test.each(monsters)("%s end in time and in bounds", (_what, name) => {
    const text = demangle(name);
    expect(text === null || text.length <= OUTPUT_MAX).toBe(true);
    expect(milliseconds(name)).toBeLessThan(5);
    expect(demangle(good)).toContain("llvm::yaml::yamlize<");
  });

  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.constantFrom("delete", "insert", "copy", "replace"), fc.integer({ min: 0x21, max: 0x7e }), fc.nat({ max: 20 })), { minLength: 1, maxLength: 8 })).map(([seed, edits]) => {
    let name = seed;
    for (const [where, edit, unit, count] of edits) {
      const at = 2 + (where % Math.max(1, name.length - 2));
      if (edit === "delete") name = name.slice(0, at) + name.slice(at + (count % 4) + 1);
      else if (edit === "insert") name = name.slice(0, at) + String.fromCharCode(unit) + name.slice(at);
      else if (edit === "replace") name = name.slice(0, at) + String.fromCharCode(unit) + name.slice(at + 1);
      else name = name.slice(0, at) + name.slice(Math.max(2, at - count), at) + name.slice(at);
    }
    return name;
  });
  const letters = fc.array(fc.constantFrom(..."NSTIEJKPROMFADXLZUClstvpfri0123_d", "DT", "Dp", "S_", "T_", "Ul", "cv", "1a", "3abc", "sr", "cl", "St"), { maxLength: 60 }).map((parts) => `_Z1f${parts.join("")}`);
  const rustLetters = fc.array(fc.constantFrom(..."CMXYNIBTFDRQPOASEGKLUvspuhj0123_", "1a", "C1a", "B_", "B3_", "s_"), { maxLength: 60 }).map((parts) => `_RI${parts.join("")}`);
  const anything = fc.tuple(fc.constantFrom("_Z", "_ZN", "_R", "?", "??", "_ZL", ""), fc.string({ unit: "binary", maxLength: 80 })).map((parts) => parts.join(""));

  test.each([["mutated", mutated], ["of the grammar's letters", letters], ["of Rust's letters", rustLetters], ["of anything", anything]] as const)("names %s give a text or null, and soon", (_what, names) => {
    fc.assert(
      fc.property(names, (name) => {
        const text = demangle(name);
        if (text !== null) expect(text.length).toBeLessThanOrEqual(OUTPUT_MAX);
        expect(text === null || text !== "").toBe(true);
        expect(milliseconds(name)).toBeLessThan(5);
      }),
      { numRuns: 3000 },
    );
  });

  test("a name cut anywhere is null or whole, and never throws", () => {
    for (const seed of seeds) for (let at = 0; at < seed.length; at++) expect(() => demangle(seed.slice(0, at))).not.toThrow();
  });
});
