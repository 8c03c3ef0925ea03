// Our answers about every address of a file's code against llvm-symbolizer's.
//
// It is asked about a copy without symbol table and exports, since it takes
// names from there before those of DWARF. Names are compared as the linker has
// them; where there is no such name it has the plain one alone, and ours, with
// its scopes, has to end in it.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import type { DwarfCompanions } from "../../../symbols/dwarf/companions.ts";
import { emptyPlace, scratchFile } from "../cache/cached-symbols.ts";
import { openDwarf } from "./dwarf-answers.ts";
import { openObject } from "./object-sections.ts";

/** Whether a program is there. */
export const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
/** Whether llvm-symbolizer is. */
export const canAskSymbolizer = has("llvm-symbolizer-19");

/** A function at an address; of an inlined call there are several. */
type Frame = { readonly name: string; readonly at: string };

/** What was compared, and the first few addresses that differ. */
export type Agreement = { readonly same: number; readonly different: readonly string[] };

/** Compares all answers about a file's code, or those of every few bytes. The symbolizer finds .dwo files where the file says they are. */
export function compareWithSymbolizer(path: string, stride = 1, companions?: DwarfCompanions): Agreement {
  const file = readFileSync(path);
  const object = openObject(file);
  const addresses = object.code.flatMap(([start, end]) => Array.from({ length: Math.ceil((end - start) / stride) }, (_, i) => start + i * stride));
  const theirs = askSymbolizer(withoutSymbols(file), addresses.map((rva) => rva + object.base));
  const cache = openDwarf(object, companions);
  const different: string[] = [];
  let same = 0;
  try {
    for (const [i, rva] of addresses.entries()) {
      const ours = ask(cache, rva);
      const their = theirs[i]!;
      // Padding between functions has lines and no name.
      if (ours.length === 0 && their.length === 1 && their[0]!.name === "") continue;
      if (ours.length === their.length && ours.every(({ name, at }, k) => at === their[k]!.at && isSameName(name, their[k]!.name))) same++;
      else if (different.length < 10) different.push(`${rva.toString(16)}: ${text(ours)} and not ${text(their)}`);
    }
  } finally {
    cache.close();
  }
  return { same, different };
}

const text = (frames: readonly Frame[]): string => frames.map(({ name, at }) => `${name} ${at}`).join(" < ");

function isSameName(ours: string, theirs: string): boolean {
  return ours === theirs || (theirs !== "" && !theirs.startsWith("_Z") && ours.endsWith(`::${theirs}`)) || (theirs === "" && ours === "<name omitted>");
}

const place = (file: string | null, line: number): string => ((file ?? "") === "" ? "" : `${file!.replaceAll("/./", "/")}:${line}`);

function ask(cache: SymbolCache, rva: number): Frame[] {
  const found = emptyPlace();
  if (!cache.lookUp(rva, found)) return [];
  return [...found.inlines, found].map(({ name, file, line }) => ({ name, at: place(file, line) }));
}

type SymbolizerAnswer = { readonly Symbol?: readonly { readonly FunctionName: string; readonly FileName: string; readonly Line: number }[] };

function askSymbolizer(file: Buffer, addresses: readonly number[]): Frame[][] {
  const path = scratchFile(file, "asked.bin");
  const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
  const output = execFileSync("llvm-symbolizer-19", [`--obj=${path}`, "--output-style=JSON", "--functions=linkage", "--no-demangle"], { input, encoding: "utf8", maxBuffer: 1 << 30, timeout: 60_000 });
  const answers = output.trimEnd().split("\n").map((line) => JSON.parse(line) as SymbolizerAnswer);
  return answers.map(({ Symbol: frames = [] }) => frames.map((frame) => ({ name: frame.FunctionName, at: place(frame.FileName, frame.Line) })));
}

/** A copy in which nothing but DWARF has names. */
function withoutSymbols(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  if (copy.readUInt16LE(0) === 0x5a4d) {
    // Names of sections are after the symbols, so there are none of these from there on.
    const coff = copy.readUInt32LE(0x3c) + 4;
    copy.writeUInt32LE(copy.readUInt32LE(coff + 8) + 18 * copy.readUInt32LE(coff + 12), coff + 8);
    copy.writeUInt32LE(0, coff + 12);
    const exportTable = coff + 20 + (copy.readUInt16LE(coff + 20) === 0x20b ? 112 : 96);
    copy.fill(0, exportTable, exportTable + 8);
    return copy;
  }
  const isWide = copy[4] === 2;
  const number = (at: number, size: number): number => (copy[5] === 1 ? copy.readUIntLE(at, size) : copy.readUIntBE(at, size));
  // Offsets in files of tests are below 4 GiB.
  const headers = number((isWide ? 0x28 : 0x20) + (isWide && copy[5] !== 1 ? 4 : 0), 4);
  for (let i = 0; i < number(isWide ? 0x3c : 0x30, 2); i++) {
    const type = headers + i * number(isWide ? 0x3a : 0x2e, 2) + 4;
    const isTable = number(type, 4) === 2 || number(type, 4) === 11;
    if (isTable) copy.set(copy[5] === 1 ? [1, 0, 0, 0] : [0, 0, 0, 1], type);
  }
  return copy;
}

/** Compiles a source text, and returns the path of the program. Throws when the compiler does. */
export function build(name: string, source: string, compiler: string, flags: readonly string[]): string {
  const input = scratchFile(source, `${name}.cpp`);
  const output = scratchFile("", `${name}.bin`);
  execFileSync(compiler, [input, ...flags, "-o", output], { stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
  return output;
}

/** Removes duplicates between units, as distributions do; the path of the result. */
export function dwz(path: string): string {
  const output = `${path}.dwz`;
  writeFileSync(output, readFileSync(path));
  execFileSync("dwz", ["-l", "none", "-L", "none", output], { stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
  return output;
}
