// What symbolic (getsentry) expects of its own reader for the crash programs of
// its corpus: functions with lines and inlined calls, symbols, call frames. Where
// it is known to be wrong, the row says so; llvm-dwarfdump and llvm-objdump decided.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { demangle } from "../../symbols/demangle/demangle.ts";
import { cacheOf, emptyPlace } from "../symbols/cache/cached-symbols.ts";
import { type Agreement, chainOf, compareRows, corpusFile, corpusNote, Differences, hasCorpus, plainName, symbolsOf } from "./corpus.ts";

const folder = "getsentry+symbolic/symbolic-testutils/fixtures";
const linux = [`${folder}/linux/crash.debug`, `${folder}/linux/crash`];
const mac = [`${folder}/macos/crash.dSYM`, `${folder}/macos/crash`];

/** The text of a snapshot without its header. */
function snapshot(crate: string, name: string): string {
  const text = readFileSync(corpusFile(`getsentry+symbolic/symbolic-${crate}/tests/snapshots/${name}.snap`), "utf8");
  return text.slice(text.indexOf("\n---\n", 3) + 5);
}

const readable = (name: string): string => plainName(demangle(name) ?? name);

/** A function, or an inlined call, as a snapshot has it. */
type Tree = { readonly start: number; readonly end: number; readonly name: string; readonly lines: { readonly at: number; readonly text: string }[]; readonly inlined: Tree[] };

/** Functions by the indentation of their text. */
function treesOf(text: string): Tree[] {
  const trees: Tree[] = [];
  const open: Tree[] = [];
  for (const line of text.split("\n")) {
    const depth = /^ */.exec(line)![0].length / 2;
    const head = /^ *> 0x([0-9a-f]+): (\S+) \(0x([0-9a-f]+)\)$/.exec(line);
    const row = /^ *0x([0-9a-f]+): (\S+):(\d+)/.exec(line);
    if (head !== null) {
      const start = Number.parseInt(head[1]!, 16);
      const tree: Tree = { start, end: start + Number.parseInt(head[3]!, 16), name: head[2]!, lines: [], inlined: [] };
      (depth === 0 ? trees : open[depth - 1]!.inlined).push(tree);
      open[depth] = tree;
    } else if (row !== null) open[depth - 1]!.lines.push({ at: Number.parseInt(row[1]!, 16), text: `${row[2]}:${row[3]}` });
  }
  return trees;
}

/** A function and a line of it. */
type Frame = { readonly name: string; readonly line: string };

/** What a tree says of an address, innermost first. */
function chainAt(tree: Tree, at: number): Frame[] {
  const inner = tree.inlined.find(({ start, end }) => start <= at && at < end);
  const line = tree.lines.findLast((one) => one.at <= at);
  return [...(inner === undefined ? [] : chainAt(inner, at)), { name: readable(tree.name), line: line?.text ?? "" }];
}

const textOf = (frames: readonly Frame[]): string => frames.map(({ name, line }) => `${name} ${line}`).join(" < ");

/** Of what has no linker's name symbolic has the bare one; ours has the scopes around it. */
const isSame = (theirs: Frame, ours: Frame): boolean => theirs.line === ours.line && (theirs.name === ours.name || ours.name.endsWith(`::(anonymous namespace)::${theirs.name}`) || ours.name === `(anonymous namespace)::${theirs.name}`);

function compareTrees(files: readonly string[], text: string): Agreement {
  const cache = symbolsOf(files);
  const place = emptyPlace();
  const differences = new Differences();
  for (const tree of treesOf(text)) {
    for (let at = tree.start; at < tree.end; at++) {
      const theirs = chainAt(tree, at);
      const ours = cache.lookUp(at, place) ? chainOf(place).map(({ name, file, line }) => ({ name: plainName(name), line: `${file?.replace(/^.*\//, "")}:${line}` })) : [];
      if (ours.length === theirs.length && theirs.every((frame, i) => isSame(frame, ours[i]!))) differences.same++;
      else differences.add(at, `${textOf(theirs)} | ${textOf(ours)}`);
    }
  }
  return differences.result();
}

describe.skipIf(!hasCorpus)(`symbolic's snapshots${corpusNote}`, () => {
  it.each([
    ["elf", linux, 1200],
    ["mach", mac, 980],
  ] as const)("%s functions: every line, every inlined call", (name, files, atLeast) => {
    const { same, different } = compareTrees(files, snapshot("debuginfo", `test_objects__${name}_functions`));
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(atLeast);
  });

  it.each([
    ["debuginfo", "test_objects__elf_symbols", linux, 167],
    ["symcache", "test_cache__functions_linux", linux, 167],
    ["symcache", "test_writer__functions_linux", linux, 167],
    ["debuginfo", "test_objects__mach_symbols", mac, 194],
    ["symcache", "test_cache__functions_macos", mac, 194],
    ["symcache", "test_writer__functions_macos", mac, 194],
    ["symcache", "test_writer__overlapping_funcs", [`${folder}/macos/overlapping_funcs.dSYM`], 5],
  ] as const)("%s %s: every name at its place", (crate, name, files, count) => {
    const cache = symbolsOf(files);
    const place = emptyPlace();
    const different: string[] = [];
    let same = 0;
    for (const [, rva = "", symbol = ""] of snapshot(crate, name).matchAll(/^ *([0-9a-f]+) (.+)$/gm)) {
      const at = Number.parseInt(rva, 16);
      const ours = cache.lookUp(at, place) ? `${readable(place.linkageName ?? place.name)}${place.start === at ? "" : " (not here)"}` : "nothing";
      if (ours === readable(symbol.replace(/(\.(isra|part|constprop|cold)\.\d+)+$/, ""))) same++;
      else different.push(`${rva} ${symbol} | ${ours}`);
    }
    // Where the image begins there is no code.
    expect(different).toEqual(name.includes("linux") || name.includes("elf") ? [] : ["0 _mh_execute_header | nothing"]);
    expect(same).toBe(count);
  });

  it("an address in the middle of inlined calls", () => {
    const place = emptyPlace();
    symbolsOf(mac).lookUp(4_458_187_797 - 4_458_131_456, place);
    const ours = chainOf(place).map(({ name, file, line }) => ({ name: plainName(name), file: path.posix.normalize(file ?? ""), line }));
    const theirs = [...snapshot("symcache", "test_cache__lookup").matchAll(/"(\/[^"]+)",\s+(\d+),\s+Function \{\s+name: "(\w+)"/g)];
    expect(ours).toEqual(theirs.map(([, file, line, name]) => ({ name: readable(name!), file, line: Number(line) })));
    expect(ours).toHaveLength(3);
  });

  it.each([
    // It forgets that registers were put back (DW_CFA_restore), as they are in every epilog, has nothing for expressions, and goes on where nothing called `_start`.
    ["cfi_elf", linux, (theirs: string, ours: string | null) => ours === "end" || ours?.includes("% 16") === true || (theirs.split(", ")[0] === ours?.split(", ")[0] && isWithout(theirs, ours)), 76_000],
    ["cfi_sym_linux", linux, (_theirs: string, ours: string | null) => ours === "end" || ours?.includes("% 16") === true, 77_000],
    // One rule for a whole function, whose prolog ours reads; and it has no rule where the frame's size is in the code (UNWIND_X86_64_MODE_STACK_IND).
    ["cfi_macho", mac, (theirs: string, ours: string | null, at: number) => isWithout(theirs, ours) || (theirs === "cfa = rsp + 8, ra = [cfa - 8]" && isIndirect(at)), 46_000],
    ["cfi_sym_macos", mac, () => false, 7600],
  ] as const)("%s: every row", (name, files, isExplained, atLeast) => {
    const theirs = cacheOf(`MODULE Linux x86_64 000000000000000000000000000000000 crash\n${snapshot("cfi", `test_cfi__${name}`)}`);
    const { same, different } = compareRows(theirs, symbolsOf(files), 0x30000, isExplained);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(atLeast);
  });
});

/** Whether a rule counts from the stack pointer and has some only of the registers that another one has, each where that has it. */
function isWithout(theirs: string, ours: string | null): boolean {
  const saved = theirs.split(", ").slice(1);
  return ours?.startsWith("cfa = rsp ") === true && ours.split(", ").slice(1).every((one) => saved.includes(one));
}

/** Functions of the Mach-O program whose frame's size is in the code, by llvm-objdump --unwind-info, each with where the next one begins. */
const indirect = [[0x1b70, 0x1d30], [0x6e00, 0x7060], [0x8150, 0x8500], [0xb1f0, 0xb2d0], [0xb9e0, 0xbad0], [0xbd80, 0xc320]] as const;
const isIndirect = (at: number): boolean => indirect.some(([start, end]) => at >= start && at < end);
