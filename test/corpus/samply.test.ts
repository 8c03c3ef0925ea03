// Programs of samply and fix-stacks (mstange, mozilla), and what their tests
// expect to be said of them; and one program in all forms that its debug
// information can have, which all have to say the same.
import { describe, expect, it, test } from "vitest";
import type { SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { ask, emptyPlace } from "../symbols/cache/cached-symbols.ts";
import { canAskSymbolizer, compareWithSymbolizer } from "../symbols/dwarf/symbolizer-oracle.ts";
import { chainOf, corpusFile, corpusNote, hasCorpus, symbolsOf, textOf } from "./corpus.ts";

const folder = "mstange+samply/fixtures/other";
const simple = `${folder}/simple-example/out`;

/** What is said at an address, paths by their last part. */
const said = (cache: SymbolCache, rva: number): string => ask(cache, rva).replaceAll(/\S*\//g, "");

describe.skipIf(!hasCorpus)(`what others expect${corpusNote}`, () => {
  const linux = "mozilla+fix-stacks/tests/example-linux";
  it.each([
    [linux, 0x1130, 0x1158, "main", [[0x1130, 24], [0x113f, 25], [0x1146, 26], [0x114f, 27]]],
    [linux, 0x1160, 0x11a5, "f", [[0x1160, 16], [0x116c, 17], [0x1177, 18], [0x1180, 19], [0x118b, 20], [0x1194, 21], [0x119f, 22]]],
    [linux, 0x11b0, 0x11e1, "g", [[0x11b0, 11], [0x11bc, 12], [0x11cd, 13], [0x11db, 14]]],
    [`${linux}-fallback`, 0x11f8, 0x123b, "main", [[0x11f8, 24], [0x120f, 25], [0x1216, 26], [0x1222, 27], [0x1225, 28]]],
    [`${linux}-fallback`, 0x11a4, 0x11f8, "f", [[0x11a4, 16], [0x11b0, 17], [0x11bf, 18], [0x11cb, 19], [0x11da, 20], [0x11e6, 21], [0x11f5, 22]]],
    [`${linux}-fallback`, 0x1175, 0x11a4, "g", [[0x1175, 11], [0x1181, 12], [0x1192, 13], [0x11a1, 14]]],
  ] as const)("%s from %i to %i is %s", (file, start, end, name, lines) => {
    const cache = symbolsOf([file]);
    for (let at = start; at < end; at++) {
      const line = lines.findLast(([from]) => from <= at)![1];
      expect(said(cache, at)).toBe(`${name}+${(at - start).toString(16)} example.c:${line}`);
    }
  });

  // What lies before `main` is frame_dummy's, a symbol without a size.
  it.each([0, 0x6, 0x999, 0x1158, 0x115f, 0xfffffff])("nothing is at %i of example-linux", (at) => {
    expect(said(symbolsOf([linux]), at)).toBe("");
  });

  // As Breakpad's dump_syms has it, and its client, which sum up whole blocks and so the first bytes behind short
  // code; samply leaves these out: C3FC2519F439E42A970B693775586AA80.
  it("a program without build id has the sum of its code", () => {
    expect(symbolsOf([`${folder}/example-linux-fallback`]).meta().debugId).toBe("C3FC25197771ECC6DF88AD3FB6586AA80");
    expect(symbolsOf([`${folder}/example-linux`]).meta().debugId).toBe("BE4E976C325246EE9D6B7847A670B2A90");
  });

  // Issue 776 of samply: addresses count from the first segment, of a program that is not at 0 too.
  it("a program that may not be moved", () => {
    const place = emptyPlace();
    symbolsOf([`${folder}/issue-776-nonpie-aarch64`]).lookUp(0x4580, place);
    expect([place.name, place.start]).toEqual(["func_74", 0x44f0]);
  });

  it("functions whose linker's names only the symbol table has, with inlined ones whose names only DWARF has", () => {
    const cache = symbolsOf([`${folder}/abstract-linkage-names/out/mac-dsym/main.dSYM`, `${folder}/abstract-linkage-names/out/mac-dsym/main`]);
    expect([0x360, 0x364, 0x370, 0x374, 0x378, 0x388, 0x38c].map((at) => said(cache, at).replace(/\+[0-9a-f]+/, ""))).toEqual([
      "ns::Holder<int>::Get() const main.cpp:30 < ns::Widget::Update(ns::Inner&, ns::Holder<int> const&) const main.cpp:55",
      "ns::Widget::Scale(int) const main.cpp:41 < ns::Widget::Update(ns::Inner&, ns::Holder<int> const&) const main.cpp:55",
      "ns::Widget::Update(ns::Inner&, ns::Holder<int> const&) const main.cpp:55",
      "ns::Widget::Update(ns::Inner&, ns::Holder<int> const&) const main.cpp:56",
      "main main.cpp:61",
      "ns::Holder<int>::Holder(int) main.cpp:29 < ns::Holder<int>::Holder(int) main.cpp:29 < main main.cpp:64",
      "main main.cpp:66",
    ]);
  });

  // Its debug information was left in object files (no dSYM was made): names are the symbol table's.
  it.each([
    ["abstract-linkage-names", 0x364, "PUBLIC ns::Widget::Update(ns::Inner&, ns::Holder<int> const&) const+4"],
    ["simple-example", 0x363c, "PUBLIC main+0"],
  ])("%s without its dSYM", (name, at, answer) => {
    expect(said(symbolsOf([`${folder}/${name}/out/mac-oso/main`]), at)).toBe(answer);
  });

  // Of Ubuntu's `ls`, whose names dwz put into the file that all of coreutils share.
  it("names out of two files", () => {
    const cache = symbolsOf([`${folder}/ls-linux/260a3e6e46db57abf718f6a3562c6eedccf269.debug`, `${folder}/ls-linux/ls`]);
    expect(said(cache, 0xd6d8)).toBe("do_lstat ls.c:1184 < gobble_file+104 ls.c:3403");
    expect(cache.lacksCompanion).toBe(false);
    const place = emptyPlace();
    const nameless: string[] = [];
    let inlined = 0;
    for (let at = 0x3000; at < 0x20000; at += 4) {
      if (!cache.lookUp(at, place)) continue;
      inlined += place.inlines.length;
      if (chainOf(place).some(({ name }) => name === "" || name === "<name omitted>")) nameless.push(at.toString(16));
    }
    expect(nameless).toEqual([]);
    expect(inlined).toBeGreaterThan(7000);
  });
});

describe.skipIf(!hasCorpus)(`one program in several forms${corpusNote}`, () => {
  const forms = {
    regular: [`${simple}/regular-debuglink/main.dbg`, `${simple}/regular-debuglink/main`],
    "split units in files beside": [`${simple}/with-dwo/main`],
    "split units in one file beside": [`${simple}/with-dwp/main`],
    "a debug file made of a program with its package": [`${simple}/dwp-debuglink/main.dbg`, `${simple}/dwp-debuglink/main`],
  };
  const everything = (files: readonly string[]): readonly string[] => {
    const cache = symbolsOf(files);
    const place = emptyPlace();
    return Array.from({ length: 0x4000 }, (_, at) => (cache.lookUp(at, place) ? textOf(chainOf(place)).replaceAll(/out\/[\w-]+\//g, "out/") : ""));
  };
  it.each(Object.entries(forms))("%s", (_, files) => {
    const answers = everything(files);
    expect(answers).toEqual(everything(forms.regular));
    expect(new Set(answers).size).toBeGreaterThan(40);
  });

  test.skipIf(!canAskSymbolizer)("the first says what llvm-symbolizer does", () => {
    const { same, different } = compareWithSymbolizer(corpusFile(forms.regular[0]!));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(590);
  });
});
