// Prologs and epilogs that compact unwind's reader finds in code, held against
// call frame information that has a row for each of their instructions: that of
// the plugin's libraries for Linux, which have the same instructions.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { cfaKind, RULE_WORDS } from "../../../symbols/cache/unwind-rule.ts";
import { addFrames } from "../../../symbols/dwarf/frames.ts";
import { Arm64CodeRows } from "../../../symbols/macho/compact-arm64-code.ts";
import { IntelCodeRows } from "../../../symbols/macho/compact-intel-code.ts";
import { registerFiles } from "../../../symbols/registers.ts";
import { ruleText } from "../../../stackwalk/unwind/rule-text.ts";
import { frameSections, rowAt } from "../dwarf/frame-sections.ts";
import { cacheOfBytes, type SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { bytesOf, partOf } from "../../../symbols/file-bytes.ts";
import { filePartsOf } from "../../../symbols/file-parts.ts";
import { openMachO } from "../../../symbols/macho/macho.ts";
import type { DebugFile } from "../../../symbols/debug-file.ts";
import { openObject } from "../dwarf/object-sections.ts";

const macFixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/mac");
const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out/elf");

function cacheFrom(builder: ModuleBuilder, arch: "amd64" | "arm64" | "x86"): SymbolCache {
  return cacheOfBytes("code", builder.finish({ source: "code", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch }, arch));
}

const plainRule = /^cfa = (\w+)(?: \+ (\d+))?,/;

/** What was compared at the beginnings of all rows, the compiler's and ours. */
type Comparison = {
  /** Both count the frame address from the same register, and agree. */
  same: number;
  /** One counts it from sp and the other from fp, which both are right while the frame stands. */
  mixed: number;
  /** Ours is the body's rule and the compiler's is not: the code was not understood. */
  unread: number;
  readonly wrong: string[];
};

/** Finds the rows of all functions by their code and the rule of their bodies, and compares them with the compiler's. */
function compare(name: string): Comparison {
  const file = path.join(fixtures, name, "halcyon.so");
  const bytes = readFileSync(file);
  const sections = frameSections(file).filter(({ kind }) => kind === "eh_frame");
  const arch = sections[0]!.arch as "amd64" | "arm64" | "x86";
  const truth = new ModuleBuilder();
  for (const section of sections) addFrames(section, truth);
  const theirs = cacheFrom(truth, arch);
  const builder = new ModuleBuilder();
  const reader = arch === "arm64" ? new Arm64CodeRows(builder.rules) : new IntelCodeRows(builder.rules, arch);
  const { code: text } = openObject(bytes);
  const functions = functionsOf(sections[0]!.bytes, sections[0]!.rva).flatMap(([start, end]) => {
    // The rule that most of a function has is its body's.
    const body = text.some(([from, to]) => start >= from && end <= to) ? bodyRule(theirs, start, end) : -1;
    if (body < 0 || (theirs.rules[body * RULE_WORDS]! & 0xff) !== cfaKind.register) return [];
    const words = theirs.rules.slice(body * RULE_WORDS, (body + 1) * RULE_WORDS);
    builder.unwind.begin(start, end);
    reader.add(start, bytes.subarray(fileOffset(bytes, start), fileOffset(bytes, start) + end - start), words, builder.rules.add(words), builder.unwind);
    return [{ start, end, body: ruleText(registerFiles[arch], theirs.rules, body, theirs.expressions) }];
  });
  const ours = cacheFrom(builder, arch);
  const found: Comparison = { same: 0, mixed: 0, unread: 0, wrong: [] };
  for (const { start, end, body } of functions) {
    const places = new Set([start]);
    for (const cache of [ours, theirs]) for (let row = cache.unwindRow(start); cache.rowStart(row) < end; row++) places.add(cache.rowStart(row));
    for (const rva of places) {
      const [our, their] = [ours, theirs].map((cache) => rowAt(cache, rva)?.replace("entry: ", "") ?? null);
      // Parts of functions may overlap in what compilers say; and a stack that is realigned takes an expression.
      if (our == null || their == null || !plainRule.test(our) || !plainRule.test(their)) continue;
      const [[ourBase, ourOffset], [theirBase, theirOffset]] = [our, their].map((rule) => plainRule.exec(rule)!.slice(1)) as [[string, string], [string, string]];
      if (ourBase === theirBase && ourOffset === theirOffset) found.same++;
      else if (ourBase !== theirBase && our !== body) found.mixed++;
      else if (our === body) found.unread++;
      else found.wrong.push(`${rva.toString(16)}: ${our} | ${their}`);
    }
  }
  return found;
}

/** Ranges of all functions of an `.eh_frame` whose pointers are relative, 32 bits. */
function functionsOf(bytes: Uint8Array, rva: number): [number, number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ranges: [number, number][] = [];
  for (let at = 0; at + 8 < bytes.length; at += 4 + view.getUint32(at, true)) {
    if (view.getUint32(at, true) === 0 || view.getUint32(at + 4, true) === 0) continue;
    const start = rva + at + 8 + view.getInt32(at + 8, true);
    ranges.push([start, start + view.getUint32(at + 12, true)]);
  }
  return ranges.sort((a, b) => a[0] - b[0]);
}

/** The plugin for macOS, or its half for an architecture. */
function openMac(name: string, archName: string): DebugFile {
  const bytes = bytesOf(readFileSync(path.join(macFixtures, name, name === "universal" ? "Halcyon.vst3/Contents/MacOS/Halcyon" : "Halcyon")));
  const parts = filePartsOf(bytes);
  if (!parts.ok) throw new Error(parts.problem.message);
  for (const { offset, size } of parts.value) {
    const file = openMachO(partOf(bytes, offset, size)!);
    if (file.ok && file.value.facts.archName === archName) return file.value;
  }
  throw new Error(`no ${archName} in ${name}`);
}

/** The rule that covers most of a function; -1 when it has none. */
function bodyRule(cache: SymbolCache, start: number, end: number): number {
  const sizes = new Map<number, number>();
  for (let at = start; at < end; at++) {
    const row = cache.unwindRow(at);
    if (row >= 0) sizes.set(cache.rowRule(row), (sizes.get(cache.rowRule(row)) ?? 0) + 1);
  }
  return [...sizes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? -1;
}

function fileOffset(file: Buffer, rva: number): number {
  const wide = file[4] === 2;
  const table = wide ? Number(file.readBigUInt64LE(0x20)) : file.readUInt32LE(0x1c);
  for (let i = 0; i < file.readUInt16LE(wide ? 0x38 : 0x2c); i++) {
    const at = table + i * file.readUInt16LE(wide ? 0x36 : 0x2a);
    const [offset, address, size] = wide ? [8, 16, 32].map((field) => Number(file.readBigUInt64LE(at + field))) : [4, 8, 16].map((field) => file.readUInt32LE(at + field));
    if (file.readUInt32LE(at) === 1 && rva >= address! && rva < address! + size!) return offset! + rva - address!;
  }
  throw new Error(`no segment has ${rva}`);
}

describe("rows of prologs and epilogs are those that the compiler says", () => {
  // What is not understood: code between the instructions of a prolog that writes saved registers first (GCC), and pushes of arguments (32 bits).
  it.each([
    ["aarch64-clang", 322, 24, 4],
    ["aarch64-pac", 238, 36, 1],
    ["aarch64-gcc", 250, 35, 1],
    ["clang-5", 286, 17, 8],
    ["gcc-frame-pointer", 167, 41, 83],
    ["gcc-5", 165, 2, 104],
    ["i686-clang", 444, 19, 140],
    ["i686-gcc", 342, 0, 322],
  ] as const)("%s", (name, same, mixed, unread) => {
    expect(compare(name)).toEqual({ same, mixed, unread, wrong: [] });
  });
});

describe("the plugin for macOS", () => {
  // Two copy memory before they have a frame; what that takes is too long to be looked through.
  it.each([
    ["x86_64", "x86_64", "entry: cfa = rsp + 8, ra = [cfa - 8]", 2],
    ["arm64e", "arm64e", "entry: cfa = sp, ra = lr", 0],
    ["universal", "arm64", "entry: cfa = sp, ra = lr", 0],
  ] as const)("has the rule of an entry where functions begin: %s %s", (name, archName, rule, unread) => {
    const file = openMac(name, archName);
    const builder = new ModuleBuilder();
    file.addUnwind(builder);
    expect(Object.fromEntries(builder.warnings)).toEqual({});
    const cache = cacheFrom(builder, file.facts.arch as "amd64" | "arm64");
    const entries = Array.from({ length: cache.meta().counts["unwindRows"]! }, (_, row) => row).filter((row) => cache.rowIsEntry(row) && cache.rowRule(row) !== 0);
    expect(entries.length).toBeGreaterThan(70);
    expect(entries.filter((row) => rowAt(cache, cache.rowStart(row)) !== rule)).toHaveLength(unread);
  });
});
