// Functions that debug information knows by their plain name alone.
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { demangle } from "../../../symbols/demangle/demangle.ts";
import { emptyPlace, openBytes } from "./cached-symbols.ts";

const identity = { source: "elf", sourceDigest: "", debugFile: "a.so", debugId: "", codeId: null, codeFile: null, generator: null, os: "Linux", arch: "x86_64" };

/** The name and the linker's name of a function at 0x1000 that has a plain name, with a symbol of the table beside. */
function named(plain: string, symbol: string, at = 0x1000): readonly [string, string | null] {
  const builder = new ModuleBuilder();
  builder.addFunction(0x1000, 0x1040, builder.strings.takeText(plain));
  builder.addPublic(at, builder.strings.takeText(symbol));
  const cache = openBytes(builder.finish(identity, "amd64", demangle));
  const place = emptyPlace();
  cache.lookUp(0x1010, place);
  cache.close();
  return [place.name, place.linkageName];
}

describe("a function that has its plain name alone", () => {
  test.each([
    // A static function of a file, as GCC describes it.
    ["mix", "_ZL3mixPfi", "mix(float*, int)", "_ZL3mixPfi"],
    // Within namespaces.
    ["halcyon::(anonymous namespace)::fold", "_ZN7halcyon12_GLOBAL__N_14foldEi", "halcyon::(anonymous namespace)::fold(int)", "_ZN7halcyon12_GLOBAL__N_14foldEi"],
    // Its cold part, and a copy with a constant argument.
    ["mix", "_ZL3mixPfi.cold", "mix(float*, int)", "_ZL3mixPfi"],
    ["mix", "_ZL3mixPfi.constprop.0.isra.1", "mix(float*, int)", "_ZL3mixPfi"],
    // A destructor, for which clang writes no linker's name, nor, with simple names of templates, what they are of.
    ["Box::~Box", "_ZN3BoxIiED2Ev", "Box<int>::~Box()", "_ZN3BoxIiED2Ev"],
    // Operators, of lines without types.
    ["operator<<", "_ZNR5swift7PrinterlsEy", "swift::Printer::operator<<(unsigned long long) &", "_ZNR5swift7PrinterlsEy"],
    ["A::operator new[]", "_ZN1AnaEm", "A::operator new[](unsigned long)", "_ZN1AnaEm"],
    ["operator-", "_ZngRK1A", "operator-(A const&)", "_ZngRK1A"],
    ["operator()", "_ZZ3runvENKUlvE_clEv", "run()::{lambda()#1}::operator()() const", "_ZZ3runvENKUlvE_clEv"],
    // Hidden by Apple, but for those that other modules see.
    ["__hidden#1763_", "_ZN1A3runEv", "A::run()", "_ZN1A3runEv"],
    ["__hidden#160_", "crash_report", "crash_report", null],
    // What a compiler makes for itself, as clang describes it.
    ["<name omitted>", "_GLOBAL__sub_I_mixer.cpp", "_GLOBAL__sub_I_mixer.cpp", null],
  ])("%s is called as the linker's %s says", (plain, symbol, name, linkage) => {
    expect(named(plain, symbol)).toEqual([name, linkage]);
  });

  test.each([
    // Folded with another function: the symbol is that one's.
    ["mix", "_ZL4foldPfi"],
    // Part of a longer word.
    ["mix", "_ZL6premixPfi"],
    // extern "C": the symbol says no more.
    ["mix", "mix"],
    // A name with parameters says enough.
    ["mix(float)", "_ZL3mixPfi"],
    // Folded with a constructor of the same class.
    ["Box::~Box", "_ZN3BoxIiEC2Ev"],
    // Folded with a function that has the operator's code in its name, and with another operator.
    ["operator<<", "_ZN5false3runEv"],
    ["operator<", "_ZlsRK1AS1_"],
    ["__hidden#1_", "__hidden#2_"],
    // Calls of lambdas have names of their own, as have conversions.
    ["A::operator bool", "_ZNK1AcvbEv"],
    ["A::operator()", "_ZN1AclEv"],
  ])("%s keeps its name beside %s", (plain, symbol) => {
    expect(named(plain, symbol)).toEqual([plain, null]);
  });

  test("a symbol elsewhere is of no use", () => {
    expect(named("mix", "_ZL3mixPfi", 0x1004)).toEqual(["mix", null]);
  });

  test("a name that is too long to be compared stays as it is", () => {
    const word = "m".repeat(5000);
    expect(named(word, `_ZL5000${word}v`)).toEqual([word, null]);
  });
});
