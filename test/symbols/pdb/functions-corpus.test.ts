// Functions and lines of the corpus' PDBs against what dump_syms printed of
// them: Breakpad's, with Microsoft's DIA, for those of Visual C++ 2008, and
// mozilla's for the one of 2017.
//
// Names that differ do so in what the test's rules say. Lines are asked at the
// first and the last byte of each record; those without bytes are nobody's.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { compileBytes } from "../../../symbols/compile.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { bytesOf } from "../../../symbols/file-bytes.ts";
import { unpackCabinet } from "../../support/cabinet.ts";
import { ask, emptyPlace, openBytes } from "../cache/cached-symbols.ts";
import { bareName } from "./bare-name.ts";

const corpus = resolve(import.meta.dirname, "../../../../shared/corpus");
const absent = !existsSync(corpus);

function cacheOf(path: string): SymbolCache {
  const bytes = readFileSync(path);
  const compiled = compileBytes([bytesOf(path.endsWith(".pd_") ? unpackCabinet(bytes) : bytes)]);
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return openBytes(compiled.value);
}

type Func = { readonly rva: number; readonly bytes: number; readonly parameters: number; readonly name: string; readonly lines: { readonly rva: number; readonly bytes: number; readonly at: string }[] };

/** The functions of a symbol file, each with its lines. */
function functionsOf(path: string): Func[] {
  const files = new Map<string, string>();
  const functions: Func[] = [];
  for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
    const file = /^FILE (\d+) (.*)$/.exec(line);
    if (file !== null) files.set(file[1]!, file[2]!.toLowerCase());
    const func = /^FUNC (?:m )?([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) (.*)$/.exec(line);
    if (func !== null) functions.push({ rva: parseInt(func[1]!, 16), bytes: parseInt(func[2]!, 16), parameters: parseInt(func[3]!, 16), name: func[4]!, lines: [] });
    const row = /^([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+)$/.exec(line);
    if (row !== null && row[2] !== "0") functions.at(-1)!.lines.push({ rva: parseInt(row[1]!, 16), bytes: parseInt(row[2]!, 16), at: `${files.get(row[4]!)}:${row[3]}` });
  }
  return functions;
}

/** Each answer that is not theirs. `spelling` makes names comparable. */
function differences(cache: SymbolCache, functions: readonly Func[], spelling: (name: string) => string): { readonly names: string[]; readonly ranges: string[]; readonly parameters: string[]; readonly lines: string[] } {
  const found = { names: [] as string[], ranges: [] as string[], parameters: [] as string[], lines: [] as string[] };
  const place = emptyPlace();
  const startAt = (rva: number): number => (cache.lookUp(rva, place) ? place.start : -1);
  for (const { rva, bytes, parameters, name, lines } of functions) {
    const hex = rva.toString(16);
    if (startAt(rva) !== rva || startAt(rva + bytes - 1) !== rva || startAt(rva + bytes) === rva) found.ranges.push(`${hex} ${name}`);
    cache.lookUp(rva, place);
    if (spelling(place.name) !== spelling(name)) found.names.push(`${hex} theirs ${name}, ours ${place.name}`);
    if (cache.parameterBytes(rva) !== parameters) found.parameters.push(`${hex} ${name} theirs ${parameters}, ours ${cache.parameterBytes(rva)}`);
    for (const line of lines) {
      for (const at of [line.rva, line.rva + line.bytes - 1]) {
        cache.lookUp(at, place);
        // Symbol files of that time know no inlined calls: what they have is the line of the outermost.
        const ours = `${(place.file ?? "").toLowerCase()}:${place.line}`;
        if (ours !== line.at) found.lines.push(`${at.toString(16)} ${name} theirs ${line.at}, ours ${ours}`);
      }
    }
  }
  return found;
}

/** Addresses at which the answer changes, with the answer from there on. */
function answersBetween(cache: SymbolCache, start: number, end: number): string[] {
  const found: string[] = [];
  let last = "";
  for (let rva = start; rva < end; rva++) {
    const answer = ask(cache, rva).replace(/\+[0-9a-f]+/, "");
    if (answer !== last) found.push(`${rva.toString(16)} ${answer}`.trim());
    last = answer;
  }
  return found;
}

/** Mozilla's dump_syms, but for types that it spells in its own way. */
function fromMozilla(name: string): string {
  return name
    .replaceAll("<NoType>", "...")
    .replaceAll("uint64_t", "unsigned long long")
    .replaceAll(/std::nullptr_t( const)?/g, "void*")
    .replaceAll(" volatile", "")
    .replaceAll("void const*", "void*")
    .replace("[34][56]*, double", "[34][]*, double");
}

/** DIA's declarations, here and there without parameters, and without the decoration of C that assembly has in its names. */
function fromDia(name: string): string {
  return bareName(name).split(/ (?=[\w:`~]+$)/).at(-1)!.replace(/^[_@]+/, "").replace(/@\d+$/, "");
}

describe("functions and lines that dump_syms printed", () => {
  it.skipIf(absent)("of Visual C++ 2017, x86", { timeout: 60_000 }, () => {
    const folder = join(corpus, "mozilla+dump_syms/test_data/windows");
    const functions = functionsOf(join(folder, "basic32.sym"));
    const cache = cacheOf(join(folder, "basic32.pd_"));
    const found = differences(cache, functions, fromMozilla);
    cache.close();
    expect([functions.length, functions.reduce((sum, { lines }) => sum + lines.length, 0)]).toEqual([3072, 24037]);
    expect([found.names, found.ranges, found.lines]).toEqual([[], [], []]);
    // Fastcall has its first two words in registers.
    expect(found.parameters.map((text) => text.replace(/^\w+ /, ""))).toEqual([
      "__security_check_cookie(unsigned int) theirs 4, ours 0",
      "_guard_check_icall_nop(unsigned int) theirs 4, ours 0",
      "@_EH4_CallFilterFunc@8() theirs 8, ours 0",
      "@_EH4_TransferToHandler@8() theirs 8, ours 0",
      "@_EH4_GlobalUnwind2@8() theirs 8, ours 0",
      "@_EH4_LocalUnwind@16() theirs 16, ours 8",
    ]);
  });

  // Microsoft's compiler lets a row end where the next begins. llvm-symbolizer 19 takes a row for one only when its length is said, and so finds fewer calls; this is what the records say, read by hand.
  it.skipIf(absent)("what Microsoft's compiler inlined", () => {
    const cache = cacheOf(join(corpus, "mozilla+dump_syms/test_data/windows/basic32.pd_"));
    const found = answersBetween(cache, 0xb819, 0xb847).map((text) => text.replaceAll(/[a-z]:\\[^ ]*\\/g, ""));
    const inlines = cache.meta().counts["inlines"];
    cache.close();
    const outer = "__except_validate_jump_buffer(int*)";
    const common = "__except_validate_jump_buffer_common(int*, void* (*)(int*))";
    expect(found).toEqual([
      `b819 ${outer} jbcxrval.c:166`,
      `b81c ReadNoFence(long const volatile*) winnt.h:7662 < ReadPointerNoFence(void* const volatile*) winnt.h:8237 < _guard_icall_checks_enforced() cfg_support.inc:122 < ${common} jbcxrval.c:135 < ${outer} jbcxrval.c:167`,
      `b821 _guard_icall_checks_enforced() cfg_support.inc:122 < ${common} jbcxrval.c:135 < ${outer} jbcxrval.c:167`,
      `b826 ${common} jbcxrval.c:135 < ${outer} jbcxrval.c:167`,
      `b828 NtCurrentTeb() winnt.h:21441 < ${common} jbcxrval.c:136 < ${outer} jbcxrval.c:167`,
      `b82f __except_get_jumpbuf_sp(int*) jbcxrval.c:159 < ${common} jbcxrval.c:138 < ${outer} jbcxrval.c:167`,
      `b835 ${common} jbcxrval.c:140 < ${outer} jbcxrval.c:167`,
      `b83f ${common} jbcxrval.c:143 < ${outer} jbcxrval.c:167`,
      `b844 ${outer} jbcxrval.c:168`,
      "b846",
    ]);
    expect(inlines).toBe(7247);
  });

  // In the stretched one a tool put code into functions; dump_syms makes a function of what stands on each side of it, for us it stays one (address-map.ts).
  it.skipIf(absent).each([
    ["dump_syms_regtest", 0],
    ["omap_reorder_funcs", 0],
    ["omap_stretched", 33],
  ] as const)("of Visual C++ 2008, x86: %s", { timeout: 60_000 }, (name, split) => {
    const folder = join(corpus, "google+breakpad/src/tools/windows/dump_syms/testdata");
    const functions = functionsOf(join(folder, `${name}.sym`));
    const cache = cacheOf(join(folder, `${name}.pdb`));
    const found = differences(cache, functions, fromDia);
    cache.close();
    expect(functions.length).toBeGreaterThan(150);
    expect([found.names, found.lines, found.parameters]).toEqual([[], [], []]);
    expect(found.ranges).toHaveLength(split);
  });
});
