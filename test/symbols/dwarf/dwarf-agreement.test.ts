// DWARF of real compilers: our answers about every address against those of
// llvm-symbolizer, as they are checked in for the plugins of MinGW, and as it
// gives them for code compiled here and for the corpus, where those are there.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readLines } from "../../../fixtures/windows/expected-files.ts";
import { emptyPlace, openBytes } from "../cache/cached-symbols.ts";
import { compiledDwarf, openDwarf } from "./dwarf-answers.ts";
import { openObject } from "./object-sections.ts";
import { build, canAskSymbolizer, compareWithSymbolizer, dwz, has } from "./symbolizer-oracle.ts";

const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/windows");
const corpus = path.resolve(import.meta.dirname, "../../../../shared/corpus");

describe("a plugin of MinGW", () => {
  test.each([
    ["mingw-x64", 2800, 79],
    ["mingw-x86", 2700, 82],
  ] as const)("%s has the files, lines and inlined calls that llvm-symbolizer found", (folder, atLeast, functions) => {
    const { bytes, warnings } = compiledDwarf(openObject(readFileSync(path.join(fixtures, folder, "Halcyon.vst3"))));
    expect(warnings).toEqual({});
    const cache = openBytes(bytes);
    const place = emptyPlace();
    const different: string[] = [];
    let same = 0;
    try {
      expect(cache.meta().counts["functions"]).toBe(functions);
      const runs = readLines(readFileSync(path.join(fixtures, "expected", `${folder}-Halcyon.vst3.lines.txt`), "utf8"));
      for (const [i, { rva, answer }] of runs.entries()) {
        const theirs = answer.map(({ file, line }) => `${file}:${line}`).join(" < ");
        // Nobody knows of padding, nor of the library's code without debug information, more than the nearest symbol.
        if (answer.every(({ file }) => file === "")) continue;
        for (let at = rva; at < (runs[i + 1]?.rva ?? rva + 1) && cache.lookUp(at, place); at++) {
          const ours = [...place.inlines, place].map(({ file, line }) => `${file}:${line}`).join(" < ");
          if (ours === theirs) same++;
          else if (different.length < 10) different.push(`${at.toString(16)}: ${ours} and not ${theirs}`);
        }
      }
    } finally {
      cache.close();
    }
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(atLeast);
  });

  test("has names with scopes where the linker's are missing", () => {
    const object = openObject(readFileSync(path.join(fixtures, "mingw-x64", "Halcyon.vst3")));
    const cache = openDwarf(object);
    const place = emptyPlace();
    const found = new Set<string>();
    try {
      for (const [start, end] of object.code) {
        for (let rva = start; rva < end; rva++) if (cache.lookUp(rva, place)) for (const { name } of [...place.inlines, place]) if (name.startsWith("halcyon::")) found.add(name);
      }
    } finally {
      cache.close();
    }
    expect([...found].toSorted()).toMatchInlineSnapshot(`
      [
        "halcyon::(anonymous namespace)::Blend::Blend",
        "halcyon::(anonymous namespace)::Blend::mix",
        "halcyon::(anonymous namespace)::Matrix<float, double, 3, true>::apply",
        "halcyon::(anonymous namespace)::Matrix<int, float, 2, false>::apply",
        "halcyon::(anonymous namespace)::PluginFactory::PluginFactory",
        "halcyon::(anonymous namespace)::PluginFactory::create",
        "halcyon::(anonymous namespace)::PluginFactory::name",
        "halcyon::(anonymous namespace)::Preset::Preset",
        "halcyon::(anonymous namespace)::bank_of",
        "halcyon::(anonymous namespace)::colour_of",
        "halcyon::(anonymous namespace)::complain",
        "halcyon::(anonymous namespace)::count_groups",
        "halcyon::(anonymous namespace)::fill",
        "halcyon::(anonymous namespace)::first_called",
        "halcyon::(anonymous namespace)::first_called::{lambda(...)}::operator()",
        "halcyon::(anonymous namespace)::fold",
        "halcyon::(anonymous namespace)::for_each_sounding<halcyon::VoiceBank::render()::<lambda(halcyon::Voice&)> >",
        "halcyon::(anonymous namespace)::keep_peak",
        "halcyon::(anonymous namespace)::lane_spread",
        "halcyon::(anonymous namespace)::rows_of",
        "halcyon::(anonymous namespace)::shape_cubic",
        "halcyon::(anonymous namespace)::shape_hard",
        "halcyon::(anonymous namespace)::shape_soft",
        "halcyon::(anonymous namespace)::turn",
        "halcyon::Engine::process::{lambda(...)}::_FUN",
        "halcyon::Engine::process::{lambda(...)}::operator()",
        "halcyon::VoiceBank::render::{lambda(...)}::operator()",
        "halcyon::brightness_of_bank::{lambda(...)}::operator()",
        "halcyon::format::{lambda(...)}::operator()",
      ]
    `);
  });
});

const source = `
namespace outer { namespace {
struct Hidden { int v; int get(int k) const { return v * k + 3; } template <class T> T twice(T t) { return t + t; } };
int helper(int x) { Hidden h{x}; return h.get(x) + h.twice(x); }
__attribute__((noinline)) int deep(int x) { struct Local { int w; __attribute__((noinline)) int f(int q) { return q * w + helper(q); } }; Local l{x}; return l.f(x + 1); }
}
class Widget { public: int a; Widget(int n); virtual ~Widget(); virtual int run(int); struct Inner { static int go(int); }; };
Widget::Widget(int n) : a(helper(n)) {}
Widget::~Widget() { a = deep(a); }
int Widget::run(int q) { auto f = [&](int z) { return z * 2 + deep(z + a); }; auto g = [=](auto z) { return f(z) + q; }; return g(q) + Inner::go(q); }
__attribute__((noinline)) int Widget::Inner::go(int x) { int s = 0; for (int i = 0; i < x; i++) { s += helper(i) ^ s; if (s > 1000) s /= 3; } return s; }
}
template <class T> struct Box { T t; __attribute__((noinline)) T open() { return t + outer::Widget::Inner::go((int)t); } };
static __attribute__((noinline)) int cold(int x) { if (__builtin_expect(x == 77, 0)) { volatile int* p = 0; *p = x; __builtin_trap(); } return x * 3; }
extern "C" void operator_delete_dummy() {}
void operator delete(void*, decltype(sizeof 0)) {}
void operator delete(void*) {}
extern "C" int entry(int x) { outer::Widget w(x); Box<long> b{x}; return w.run(x) + (int)b.open() + cold(x); }
#line 500 "generated.y"
int yy(int a) { return cold(a) + 1; }
`;

const freestanding = ["-O2", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-nostdlib"];
const elf = [...freestanding, "-fPIC", "-shared"];
const lld = (target: string): string[] => [...elf, `--target=${target}`, "-fuse-ld=lld-19", "-Wl,--unresolved-symbols=ignore-all"];
const builds: readonly (readonly [name: string, compiler: string, flags: readonly string[]])[] = [
  ...[2, 3, 4, 5].map((version) => [`gcc, DWARF ${version}`, "g++", [...elf, `-gdwarf-${version}`]] as const),
  ...[2, 3, 4, 5].map((version) => [`clang, DWARF ${version}`, "clang++-19", [...elf, `-gdwarf-${version}`]] as const),
  ["gcc, DWARF 4 with offsets of 8 bytes", "g++", [...elf, "-gdwarf-4", "-gdwarf64"]],
  ["gcc, DWARF 5 with offsets of 8 bytes", "g++", [...elf, "-gdwarf-5", "-gdwarf64"]],
  ["clang, DWARF 5 with offsets of 8 bytes", "clang++-19", [...elf, "-gdwarf-5", "-gdwarf64"]],
  ["gcc without optimisation", "g++", [...elf, "-O0", "-g"]],
  ["gcc, types in units of their own", "g++", [...elf, "-O3", "-gdwarf-5", "-fdebug-types-section"]],
  ["clang, types in units of their own", "clang++-19", [...elf, "-O3", "-gdwarf-5", "-fdebug-types-section"]],
  ["gcc, unused functions dropped", "g++", [...elf, "-g", "-ffunction-sections", "-Wl,--gc-sections", "-Wl,-e,yy"]],
  ["lld, unused functions dropped and equal ones folded", "clang++-19", [...elf, "-g", "-ffunction-sections", "-fuse-ld=lld-19", "-Wl,--gc-sections", "-Wl,--icf=all"]],
  ["clang, optimised when linked", "clang++-19", [...elf, "-g", "-flto", "-fuse-ld=lld-19"]],
  ["clang, lines only", "clang++-19", [...elf, "-gline-tables-only"]],
  ["clang for big-endian MIPS, DWARF 5", "clang++-19", [...lld("mips-linux-gnu"), "-gdwarf-5"]],
  ["clang for big-endian s390x, DWARF 4", "clang++-19", [...lld("s390x-linux-gnu"), "-gdwarf-4"]],
  ["clang for arm64", "clang++-19", [...lld("aarch64-linux-gnu"), "-g"]],
  ["clang for i686", "clang++-19", [...lld("i686-linux-gnu"), "-g"]],
  ["gcc for MinGW on 32 bits, DWARF 2", "i686-w64-mingw32-g++", ["-O2", "-fno-exceptions", "-shared", "-gdwarf-2"]],
  ["clang for MinGW, DWARF 4", "clang++-19", ["--target=x86_64-w64-mingw32", "-O2", "-fno-exceptions", "-shared", "-gdwarf-4"]],
];

describe.skipIf(!canAskSymbolizer)("every address is named as llvm-symbolizer does", () => {
  for (const [name, compiler, flags] of builds) {
    test.skipIf(!has(compiler))(`${name}`, () => {
      const { same, different } = compareWithSymbolizer(build(name.replaceAll(/\W+/g, "-"), source, compiler, flags));
      expect(different).toEqual([]);
      expect(same).toBeGreaterThan(name.includes("dropped") ? 30 : 200);
    }, 60_000);
  }

  test.each([
    ["mingw-x64", 10_000],
    ["mingw-x86", 9300],
    ["both-x64", 3500],
  ])("the plugin %s", (folder, atLeast) => {
    const { same, different } = compareWithSymbolizer(path.join(fixtures, folder, "Halcyon.vst3"));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(atLeast);
  });

  test.skipIf(!has("dwz") || !has("g++"))("gcc, entries shared by dwz", () => {
    const { same, different } = compareWithSymbolizer(dwz(build("dwz", source, "g++", [...elf, "-gdwarf-4"])));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(200);
  });
});

const fromCorpus: readonly (readonly [file: string, stride: number, atLeast: number])[] = [
  ["mozilla+dump_syms/test_data/windows/basic32-dwarf.dll", 1, 4400],
  ["getsentry+sentry-native/tests/fixtures/sentry_example", 1, 1800],
  ["getsentry+symbolic/symbolic-testutils/fixtures/linux/arm64/cfi_test", 1, 190],
  ["getsentry+symbolic/symbolic-testutils/fixtures/linux/crash.debug-zlib", 7, 10_000],
  ["getsentry+symbolic/symbolic-testutils/fixtures/linux/crash.debug-zstd", 31, 2000],
  // Rust and C++ in one, by link-time optimisation.
  ["getsentry+symbolic/symbolic-testutils/fixtures/linux/cross_language_lto.debug", 31, 7000],
  ["getsentry+symbolic/symbolic-testutils/fixtures/linux/libjemalloc.so.debug", 41, 9000],
  ["google+orbit/src/ObjectUtils/testdata/no_symbols_elf.debug", 1, 3000],
  ["mozilla-services+tecken/tecken/tests/data/symbols/ssltunnel/8A07C88A3DA44E20A3490D88791183060/a.dbg", 3, 6000],
  ["mstange+samply/fixtures/other/issue-776-nonpie-aarch64", 4, 4000],
  // By dwz, with what units share in another file that is not there.
  ["mstange+samply/fixtures/other/ls-linux/260a3e6e46db57abf718f6a3562c6eedccf269.debug", 5, 10_000],
];

describe.skipIf(!canAskSymbolizer || !existsSync(corpus))(`programs of the corpus${existsSync(corpus) ? "" : " (needs ../shared, which is not there)"}`, () => {
  test.each(fromCorpus)("%s", (file, stride, atLeast) => {
    const { same, different } = compareWithSymbolizer(path.join(corpus, file), stride);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(atLeast);
  }, 60_000);
});
