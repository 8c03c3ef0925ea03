// Split DWARF of compilers that are here: every address against
// llvm-symbolizer, which finds the .dwo files itself.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { scratchFolder } from "../cache/cached-symbols.ts";
import { bundleOf, splitOf } from "./split-files.ts";
import { canAskSymbolizer, compareWithSymbolizer, has } from "./symbolizer-oracle.ts";

const header = `
namespace shared {
struct Scale { int by; int of(int x) const { return x * by + 1; } template <class T> T twice(T t) { return t + of((int)t); } };
inline int clamp(int x) { return x < 0 ? 0 : x > 100 ? 100 : x; }
}
int first(int);
int second(int);
`;
const sources: readonly (readonly [name: string, text: string])[] = [
  ["first", `#include "shared.h"
namespace { struct Hidden { int v; int get(int k) const { return v * k + 3; } }; int helper(int x) { Hidden h{x}; return h.get(x) ^ shared::clamp(x); } }
static __attribute__((noinline)) int cold(int x) { if (__builtin_expect(x == 77, 0)) { volatile int* p = 0; *p = x; __builtin_trap(); } return helper(x); }
int first(int x) { shared::Scale s{x}; auto f = [&](int z) { return s.of(z) + cold(z); }; int sum = 0; for (int i = 0; i < x; i++) sum += f(i); return sum + second(x); }
`],
  ["second", `#include "shared.h"
struct Widget { int a; Widget(int n) : a(shared::clamp(n)) {} __attribute__((noinline)) int run(int q) { shared::Scale s{q}; return s.twice(a) + s.twice(2.5) > 7; } };
int second(int x) { Widget w(x); return w.run(x) + w.a; }
extern "C" int entry(int x) { return first(x) + second(x); }
`],
];

const freestanding = ["-O2", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-nostdlib", "-fPIC"];
const split = [...freestanding, "-gsplit-dwarf"];
const builds: readonly (readonly [name: string, compiler: string, flags: readonly string[]])[] = [
  ["gcc 4", "g++", [...split, "-gdwarf-4"]],
  ["gcc 5", "g++", [...split, "-gdwarf-5"]],
  ["gcc 4, 64-bit", "g++", [...split, "-gdwarf-4", "-gdwarf64"]],
  ["gcc 4, types in units of their own", "g++", [...split, "-gdwarf-4", "-fdebug-types-section"]],
  ["gcc 5, types in units of their own", "g++", [...split, "-gdwarf-5", "-fdebug-types-section"]],
  ["clang 4", "clang++-19", [...split, "-gdwarf-4"]],
  ["clang 5", "clang++-19", [...split, "-gdwarf-5"]],
  ["clang 5, 64-bit", "clang++-19", [...split, "-gdwarf-5", "-gdwarf64"]],
  ["clang 5, types in units of their own", "clang++-19", [...split, "-gdwarf-5", "-fdebug-types-section"]],
  ["clang 5, inlined calls in the skeletons too", "clang++-19", [...split, "-gdwarf-5", "-fsplit-dwarf-inlining"]],
  ["clang 5, a section for each function", "clang++-19", [...split, "-gdwarf-5", "-ffunction-sections", "-fuse-ld=lld-19", "-Wl,--gc-sections"]],
  ["clang 4, a section for each function", "clang++-19", [...split, "-gdwarf-4", "-ffunction-sections"]],
  ["clang 5, compressed", "clang++-19", [...split, "-gdwarf-5", "-gz=zlib"]],
  ["clang 5, compressed by zstd", "clang++-19", [...split, "-gdwarf-5", "-gz=zstd", "-fuse-ld=lld-19"]],
  ["clang for big-endian s390x", "clang++-19", [...split, "-gdwarf-5", "--target=s390x-linux-gnu", "-fuse-ld=lld-19", "-Wl,--unresolved-symbols=ignore-all"]],
  ["clang for i686, 4", "clang++-19", [...split, "-gdwarf-4", "--target=i686-linux-gnu", "-fuse-ld=lld-19"]],
];

/** Builds the library in a folder of its own; the .dwo files stay there. */
function build(name: string, compiler: string, flags: readonly string[]): string {
  const folder = path.join(scratchFolder(), name.replaceAll(/\W+/g, "-"));
  mkdirSync(folder);
  writeFileSync(path.join(folder, "shared.h"), header);
  const run = (...args: string[]): void => void execFileSync(compiler, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
  const compileFlags = flags.filter((flag) => !flag.startsWith("-Wl,") && !flag.startsWith("-fuse-ld"));
  for (const [source, text] of sources) {
    writeFileSync(path.join(folder, `${source}.cpp`), text);
    run("-c", `${source}.cpp`, "-o", `${source}.o`, ...compileFlags.filter((flag) => flag !== "-nostdlib"));
  }
  run(...sources.map(([source]) => `${source}.o`), ...flags, "-shared", "-o", "library.so");
  return folder;
}

describe.skipIf(!canAskSymbolizer)("every address of a library with .dwo files is named as llvm-symbolizer does", () => {
  test.each(builds.filter(([, compiler]) => has(compiler)))("%s", (name, compiler, flags) => {
    const folder = build(name, compiler, flags);
    const files = readdirSync(folder).filter((file) => file.endsWith(".dwo"));
    const builder = new ModuleBuilder();
    const units = splitOf(bundleOf(files.map((file) => [file, readFileSync(path.join(folder, file))])), builder)!;
    const { same, different } = compareWithSymbolizer(path.join(folder, "library.so"), 1, { split: [units], supplement: null });
    expect([...builder.warnings]).toEqual([]);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(150);
  }, 60_000);

  test.skipIf(!has("clang++-19"))("packed by llvm-dwp", () => {
    const folder = build("packed", "clang++-19", [...split, "-gdwarf-5", "-fdebug-types-section"]);
    execFileSync("llvm-dwp-19", ["-o", "library.so.dwp", "first.dwo", "second.dwo"], { cwd: folder, timeout: 60_000 });
    const units = splitOf(readFileSync(path.join(folder, "library.so.dwp")), new ModuleBuilder())!;
    const { same, different } = compareWithSymbolizer(path.join(folder, "library.so"), 1, { split: [units], supplement: null });
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(150);
  }, 60_000);
});
