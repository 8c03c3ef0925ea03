// Our text against binutils' for every C++ name of real libraries, where
// `c++filt` and a library are installed; counted as skipped elsewhere.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";

const canAsk = spawnSync("c++filt", ["--version"]).status === 0;
const libraries = ["/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib/aarch64-linux-gnu/libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libicui18n.so.72"].filter((file) => existsSync(file));

/** Differences that are binutils' mistakes: see itanium.test.ts. */
const isTheirs = (name: string, theirs: string) => theirs.includes(", ,") || /U[tl]\w*_[CD]\d/.test(name);

describe.skipIf(!canAsk || libraries.length === 0)("the names of a library", () => {
  it.each(libraries)("of %s are spelled as c++filt spells them", { timeout: 60_000 }, (file) => {
    const names = [...new Set(readFileSync(file, "latin1").match(/_Z[A-Z][\w.$]+(?=\0)/g))];
    expect(names.length).toBeGreaterThan(1000);
    const theirs = execFileSync("c++filt", ["-i", "-n"], { input: `${names.join("\n")}\n`, maxBuffer: 1 << 28 }).toString().split("\n");
    const differences = names.flatMap((name, i) => {
      const ours = demangle(name) ?? name;
      return ours === theirs[i] || isTheirs(name, theirs[i]!) ? [] : [`${name}: ${ours} instead of ${theirs[i]}`];
    });
    expect(differences).toEqual([]);
  });
});
