// Every byte of code of our plugin and its host, against what llvm-symbolizer
// says of its instruction (fixtures/out/windows/expected): functions, files,
// lines and chains of inlined calls.
//
// It prints no parameters. Two differences are meant:
//
//  - Where two lines begin at one address, the first has no code. It gives that
//    line for the first instruction and the second one for the rest; here, as
//    for dump_syms, all of it has the second.
//  - What is in no function it names by the public symbol before it, however far
//    away; here public symbols do not reach past functions, so that padding has
//    no name.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readLines } from "../../../fixtures/windows/expected-files.ts";
import { compileSymbolFiles } from "../../../symbols/compile.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { emptyPlace, openBytes } from "../cache/cached-symbols.ts";
import { bareName } from "./bare-name.ts";

const out = resolve(import.meta.dirname, "../../../fixtures/out/windows");
const programs = ["x64", "x86", "arm64"].flatMap((folder) => [
  { folder, pdb: "Halcyon.pdb", program: "Halcyon.vst3", inlined: 300 },
  { folder, pdb: "RackHost.pdb", program: "RackHost.exe", inlined: 50 },
]);

function cacheOf(path: string): SymbolCache {
  const compiled = compileSymbolFiles([path]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

/** What a cache says, as the expected files have it: function, file and line, innermost first. */
function answerOf(cache: SymbolCache, rva: number): string {
  const place = emptyPlace();
  if (!cache.lookUp(rva, place)) return "";
  const chain = [...place.inlines, place].map(({ name, file, line }) => `${bareName(name)} ${(file ?? "").replaceAll("/", "\\")}:${line}`);
  return chain.join(" < ");
}

describe("every byte of code", () => {
  it.each(programs)("$folder/$program", ({ folder, pdb, program, inlined }) => {
    const cache = cacheOf(join(out, folder, pdb));
    const runs = readLines(readFileSync(join(out, "expected", `${folder}-${program}.lines.txt`), "utf8")).map(({ rva, answer }) => {
      const chain = answer.map(({ function: name, file, line }) => `${bareName(name.replaceAll("`anonymous namespace'", "(anonymous namespace)"))} ${file.replaceAll("/", "\\")}:${line}`);
      return { rva, text: chain.join(" < ").replace(/^ :0$/, ""), depth: chain.length, isPadding: chain.length === 1 && chain[0]!.endsWith(" :0") };
    });
    const different: string[] = [];
    let withoutCode = 0;
    let deep = 0;
    const place = emptyPlace();
    for (const [index, { rva, text, depth, isPadding }] of runs.entries()) {
      const next = runs[index + 1];
      for (let at = rva; at < (next?.rva ?? rva + 1); at++) {
        const ours = answerOf(cache, at);
        if (depth > 1) deep++;
        if (ours === text || (ours === "" && isPadding)) continue;
        cache.lookUp(at, place);
        const sameButLine = ours.replace(/\d+$/, "") === text.replace(/\d+$/, "") && depth === 1;
        if (sameButLine && place.lineStart === rva && next !== undefined && next.rva - rva < 16) withoutCode++;
        else different.push(`${at.toString(16)} ours ${ours}, theirs ${text}`);
      }
    }
    cache.close();
    expect(different).toEqual([]);
    // Bytes of first instructions, a few for each function at most.
    expect(withoutCode).toBeLessThan(80);
    expect(deep).toBeGreaterThan(inlined);
  });
});
