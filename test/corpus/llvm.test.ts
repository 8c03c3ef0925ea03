// Every ELF and Mach-O of the corpus against LLVM's tools, where they are there:
// what is said of addresses in dSYMs, and every row of call frames in ELF files.
// The ELF files with DWARF are compared in test/symbols/dwarf/dwarf-agreement.test.ts.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheOfBytes, type SymbolCache } from "../../symbols/cache/symbol-cache.ts";
import { compileBytes } from "../../symbols/compile.ts";
import { demangle } from "../../symbols/demangle/demangle.ts";
import { readElfImage } from "../../symbols/elf/image.ts";
import { bytesOf, type FileBytes } from "../../symbols/file-bytes.ts";
import { readMachImage } from "../../symbols/macho/image.ts";
import { emptyPlace, scratchFile } from "../symbols/cache/cached-symbols.ts";
import { canAskSymbolizer, has } from "../symbols/dwarf/symbolizer-oracle.ts";
import { partsOf } from "../symbols/macho/macho-answers.ts";
import { spelled } from "../symbols/truth.ts";
import { chainOf, corpusFile, corpusNote, Differences, hasCorpus, plainName, ruleAt } from "./corpus.ts";

/** Files of the catalogue by format, without those that are refused. */
function filesOf(format: string, with_: string): string[] {
  if (!hasCorpus) return [];
  const rows = readFileSync(corpusFile("CATALOGUE.md"), "utf8").split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const paths = rows.filter((row) => row[2] === format && row[5]?.includes(with_) === true).map((row) => row[1]!);
  return [...new Set(paths)].filter((path) => !/\.(o|dwo|dwp|core)$|_no_program_headers$/.test(path));
}

function compiled(bytes: FileBytes): SymbolCache {
  const result = compileBytes([bytes]);
  if (!result.ok) throw new Error(result.problem.message);
  return cacheOfBytes("corpus", result.value);
}

type Answer = { readonly Symbol?: readonly { readonly FunctionName: string; readonly FileName: string; readonly Line: number }[] };

/** Addresses of one file that are asked about. */
const askedMax = 1500;

/** Names that differ for a reason: */
function isSameName(ours: string, theirs: string): boolean {
  const [mine, other] = [plainName(ours), plainName(demangle(theirs) ?? theirs)];
  if (mine === other || mine.endsWith(`::${other}`)) return true;
  // copies that clang numbers in the symbol table; what has no name in DWARF; names that Apple hid, there and in the symbol table;
  if (/^__\w+_\.\d+$/.test(theirs) || (theirs === "" && ours === "<name omitted>") || (/^__hidden#\d+_$/.test(ours) && /^_hidden#\d+_$/.test(theirs))) return true;
  // a class without a name, which the symbol table calls `$_0`; and Swift before 5, whose names in DWARF are readable.
  return ours.includes("<name omitted>") || ours === "~" || /^_?T/.test(theirs);
}

describe.skipIf(!hasCorpus || !canAskSymbolizer)(`dSYMs of the corpus${corpusNote}`, () => {
  it("are there", () => {
    expect(filesOf("Mach-O", "DWARF").length).toBeGreaterThan(20);
  });

  it.each(filesOf("Mach-O", "DWARF"))("%s", (path) => {
    for (const part of partsOf(readFileSync(corpusFile(path)))) {
      const cache = compiled(part);
      const image = readMachImage(part);
      if (!image.ok) throw new Error(image.problem.message);
      const place = emptyPlace();
      const known: number[] = [];
      for (let at = 0; at < image.value.endRva; at += 4) if (cache.lookUp(at, place) && !place.isPublic) known.push(at);
      const asked = known.filter((_, i) => i % Math.ceil(known.length / askedMax) === 0);
      if (asked.length === 0) continue;
      const file = scratchFile(readWhole(part), "asked.dsym");
      const input = asked.map((at) => `0x${(at + image.value.base).toString(16)}\n`).join("");
      const output = execFileSync("llvm-symbolizer-19", [`--obj=${file}`, "--output-style=JSON", "--functions=linkage", "--no-demangle"], { input, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["pipe", "pipe", "ignore"], timeout: 60_000 });
      const answers = output.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer);
      const differences = new Differences();
      for (const [i, at] of asked.entries()) {
        cache.lookUp(at, place);
        const [ours, theirs] = [chainOf(place), answers[i]!.Symbol ?? []];
        const isSame = ours.length === theirs.length && theirs.every(({ FunctionName: name, FileName: from, Line: line }, k) => ours[k]!.line === line && (ours[k]!.file ?? "").replaceAll("/./", "/") === from && isSameName(ours[k]!.name, name));
        if (isSame) differences.same++;
        else differences.add(at, `${ours.map(({ name, file: from, line }) => `${name} ${from}:${line}`).join(" < ")} | ${theirs.map(({ FunctionName: name, FileName: from, Line: line }) => `${name} ${from}:${line}`).join(" < ")}`);
      }
      expect(differences.result().different.slice(0, 10)).toEqual([]);
      expect(differences.same).toBe(asked.length);
    }
  });
});

function readWhole(bytes: FileBytes): Buffer {
  const whole = Buffer.alloc(bytes.size);
  bytes.read(0, whole);
  return whole;
}

/** Rows of `llvm-dwarfdump --eh-frame`: the linker's address and LLVM's words; none that begin where their function has ended. */
function rowsOf(path: string): { readonly address: number; readonly row: string }[] {
  const text = execFileSync("llvm-dwarfdump-19", ["--eh-frame", path], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 });
  let end = 0;
  return [...text.matchAll(/ FDE cie=.*\.\.\.([0-9a-f]+)$|^ {2}0x([0-9a-f]+): (CFA=.*)$/gm)].flatMap(([, limit, start, row]) => {
    if (limit !== undefined) end = Number.parseInt(limit, 16);
    const address = Number.parseInt(start ?? "0", 16);
    return row === undefined || address >= end ? [] : [{ address, row }];
  });
}

describe.skipIf(!hasCorpus || !has("llvm-dwarfdump-19"))(`call frames of the corpus${corpusNote}`, () => {
  it("are there", () => {
    expect(filesOf("ELF", "CFI").length).toBeGreaterThan(35);
  });

  it.each(filesOf("ELF", "CFI"))("%s", (path) => {
    const stored = readFileSync(corpusFile(path));
    const bytes = stored[0] === 0x1f ? gunzipSync(stored) : stored;
    const cache = compiled(bytesOf(bytes));
    const image = readElfImage(bytesOf(bytes));
    if (!image.ok) throw new Error(image.problem.message);
    const file = scratchFile(bytes, "asked.elf");
    const differences = new Differences();
    const rows = rowsOf(file);
    for (const { address, row } of rows) {
      const at = address - image.value.headers.base;
      const [ours, theirs] = [ruleAt(cache, at), spelled(cache.arch!, row)];
      // The linkage table's expression, which LLVM does not put into words.
      if (ours === theirs || (row.includes("DW_OP") && ours?.includes("% 16") === true)) differences.same++;
      else differences.add(at, `${ours} | ${theirs} (${row})`);
    }
    expect(differences.result().different.slice(0, 10)).toEqual([]);
    expect(differences.same).toBe(rows.length);
  });
});
