// STACK CFI, compiled: what each spelling becomes, and that every rule of
// every symbol file of the corpus gives what its text gives, read by an
// evaluator that is as simple as can be.
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ModuleSymbols } from "../../../symbols/cache/module-symbols.ts";
import type { SymbolCache } from "../../../symbols/cache/symbol-cache.ts";
import { ARM64_FIRST_SLOT, RULE_SLOT_WORDS, RULE_WORDS, SLOTS, cfaKind, op, raKind, saveKind } from "../../../symbols/cache/unwind-rule.ts";
import { type Arch, type RegisterFile, registerFiles, registerNumber } from "../../../symbols/registers.ts";
import { cacheOf, compiled, openBytes } from "../cache/cached-symbols.ts";
import { debugId } from "./symbol-text.ts";

const archNames: { readonly [arch in Arch]: string } = { x86: "x86", amd64: "x86_64", arm: "arm", arm64: "arm64" };

function cfi(arch: Arch, ...records: string[]): SymbolCache {
  return cacheOf(`MODULE Linux ${archNames[arch]} ${debugId} a\n${records.map((record) => `STACK CFI ${record}\n`).join("")}`);
}

const operationNames = Object.fromEntries(Object.entries(op).map(([name, code]) => [code, name]));

function expressionText(symbols: ModuleSymbols, index: number, names: readonly string[]): string {
  const words: string[] = [];
  for (let at = index; symbols.expressions[at] !== op.end; at += 2) {
    const code = symbols.expressions[at]!;
    const operand = symbols.expressions[at + 1]!;
    words.push(code === op.constant ? `${operand}` : code === op.register ? names[operand]! : operationNames[code]!);
  }
  return `[${words.join(" ")}]`;
}

/** A row's rule as text: `cfa | ra | register: where, …`. */
function ruleText(symbols: ModuleSymbols, file: RegisterFile, rva: number): string {
  const row = symbols.unwindRow(rva);
  if (row < 0) return "none";
  const base = symbols.rowRule(row) * RULE_WORDS;
  const word = (at: number): number => symbols.rules[base + at]!;
  const kind = word(0) & 0xff;
  const cfa = kind === cfaKind.register ? `${file.names[word(0) >> 8]}+${word(1)}` : kind === cfaKind.expression ? expressionText(symbols, word(1), file.names) : kind === cfaKind.end ? "end" : "lost";
  const ra = word(2) === raKind.atCfa ? `*${word(3)}` : word(2) === raKind.register ? file.names[word(3)]! : word(2) === raKind.expression ? expressionText(symbols, word(3), file.names) : "lost";
  const saved: string[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const how = (word(4) >>> (slot * 2)) & 3;
    const name = file.names[file.arch === "arm64" ? slot + ARM64_FIRST_SLOT : slot];
    const value = word(RULE_SLOT_WORDS + slot);
    if (how === saveKind.atCfa) saved.push(`${name}: *${value}`);
    else if (how === saveKind.undefined) saved.push(`${name}: lost`);
    else if (how === saveKind.expression) saved.push(`${name}: ${expressionText(symbols, value, file.names)}`);
  }
  return [cfa, ra, ...saved].join(" | ");
}

describe("spellings", () => {
  test.each<[why: string, arch: Arch, text: string, rule: string]>([
    ["the usual", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^", "rsp+8 | *-8"],
    ["minus", "amd64", ".cfa: $rsp 8 - .ra: .cfa 8 - ^", "rsp+-8 | *-8"],
    ["no offset", "amd64", ".cfa: $rbp .ra: .cfa ^", "rbp+0 | *0"],
    ["registers without $", "arm", ".cfa: sp 8 + .ra: lr r4: .cfa -8 + ^ fp: .cfa -4 + ^", "sp+8 | lr | r4: *-8 | fp: *-4"],
    ["other names of registers", "arm64", ".cfa: x31 16 + .ra: x30 x29: .cfa -16 + ^", "sp+16 | lr | fp: *-16"],
    ["an expression", "amd64", ".cfa: $rsp 8 + ^ .ra: .cfa 8 - 2 * ^ $rbx: $rbx 1 @", "[rsp 8 add dereference] | [cfa 8 subtract 2 multiply dereference] | rbx: [rbx 1 align]"],
    ["a preserved register that is itself needs no rule, another does", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^ $rbx: $rbx $rax: $rax", "rsp+8 | *-8 | rax: [rax]"],
    ["the stack pointer may have a rule", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^ $rsp: $rbp", "rsp+8 | *-8 | rsp: [rbp]"],
    ["registers that no walk restores are passed over", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^ $xmm0: .cfa 5 + ^", "rsp+8 | *-8"],
    ["so are those without a slot", "arm64", ".cfa: sp 16 + .ra: x30 x0: .cfa -8 + ^", "sp+16 | lr"],
    ["the program counter is the return address", "x86", ".cfa: $esp 4 + $eip: .cfa 4 - ^", "esp+4 | *-4"],
    ["an undefined return address is the outermost frame's", "amd64", ".cfa: $rsp 8 + .ra: .undef", "end | lost"],
    ["a lost register", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^ $rbx: .undef", "rsp+8 | *-8 | rbx: lost"],
    ["an expression that is none loses its register", "amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^ $rbx: + $rbp: 1 2 $r12: $nope ^ $r13: 99999999999 $r14: ^", "rsp+8 | *-8 | rbx: lost | rbp: lost | r12: lost | r13: lost | r14: lost"],
    ["without a CFA nothing can be unwound", "amd64", ".ra: .cfa -8 + ^", "lost | *-8"],
    ["a CFA that cannot be evaluated", "amd64", ".cfa: $xmm0 8 + .ra: .cfa -8 + ^", "lost | *-8"],
    ["a text that does not begin with a name", "amd64", "$rsp 8 + .cfa: $rsp", "lost | lost"],
    ["a name without an expression", "amd64", ".cfa: .ra: .cfa -8 + ^", "lost | lost"],
    ["nothing", "amd64", "", "lost | lost"],
  ])("%s", (_, arch, text, rule) => {
    expect(ruleText(cfi(arch, `INIT 10 8 ${text}`), registerFiles[arch], 0x10)).toBe(rule);
  });
});

describe("rows", () => {
  const file = registerFiles.amd64;

  test("each row has the rules of all before it in its record; nothing is left of them after it", () => {
    const cache = cfi("amd64", "INIT 10 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^", "11 .cfa: $rsp 16 + $rbp: .cfa -16 + ^", "14 .cfa: $rbp 16 +", "1f .cfa: $rsp 8 + $rbp: $rbp", "20 .cfa: $rsp 99 +", "INIT 28 8 .cfa: $rsp 8 + .ra: .cfa -8 + ^");
    const rules = [0xf, 0x10, 0x11, 0x13, 0x14, 0x1e, 0x1f, 0x20, 0x27, 0x28, 0x2f, 0x30].map((rva) => `${rva.toString(16)} ${ruleText(cache, file, rva)}`);
    expect(rules).toEqual(["f none", "10 rsp+8 | *-8", "11 rsp+16 | *-8 | rbp: *-16", "13 rsp+16 | *-8 | rbp: *-16", "14 rbp+16 | *-8 | rbp: *-16", "1e rbp+16 | *-8 | rbp: *-16", "1f rsp+8 | *-8", "20 none", "27 none", "28 rsp+8 | *-8", "2f rsp+8 | *-8", "30 none"]);
    const row = cache.unwindRow(0x10);
    expect([cache.rowIsEntry(row), cache.rowIsEntry(cache.unwindRow(0x11)), cache.rowIsEntry(cache.unwindRow(0x28))]).toEqual([true, false, true]);
    expect([cache.rowStart(row), cache.rowStart(row + 1), cache.rowStart(1000)]).toEqual([0x10, 0x11, 0xffffffff]);
  });

  test("records and deltas need no order; what lies outside is cut", () => {
    const cache = cfi("amd64", "INIT 40 8 .cfa: $rsp 40 + .ra: .cfa ^", "INIT 10 10 .cfa: $rsp 8 + .ra: .cfa ^", "18 .cfa: $rsp 24 +", "14 .cfa: $rsp 20 +", "8 .cfa: $rsp 16 +", "INIT 18 10 .cfa: $rsp 1 + .ra: .cfa ^");
    expect([0x10, 0x14, 0x18, 0x20, 0x40, 0x48].map((rva) => ruleText(cache, file, rva))).toEqual(["rsp+16 | *0", "rsp+20 | *0", "rsp+24 | *0", "none", "rsp+40 | *0", "none"]);
    expect(cache.meta().warnings).toEqual({ overlappingCfi: 1 });
  });

  test("the outermost frame's CFA comes back with a return address", () => {
    const cache = cfi("amd64", "INIT 10 10 .cfa: $rsp 8 + .ra: .undef", "14 .cfa: $rsp 16 +", "18 .ra: .cfa -8 + ^");
    expect([0x10, 0x14, 0x18].map((rva) => ruleText(cache, file, rva))).toEqual(["end | lost", "end | lost", "rsp+16 | *-8"]);
  });

  test("a malformed delta spoils the rest of its record, and no more", () => {
    const cache = cfi("amd64", "INIT 10 10 .cfa: $rsp 8 + .ra: .cfa ^", "14 junk", "18 .cfa: $rsp 8 + .ra: .cfa ^", "INIT 20 8 .cfa: $rsp 8 + .ra: .cfa ^");
    expect([0x10, 0x14, 0x18, 0x20].map((rva) => ruleText(cache, file, rva))).toEqual(["rsp+8 | *0", "lost | lost", "lost | lost", "rsp+8 | *0"]);
  });

  test("an architecture that cannot be walked has none", () => {
    const cache = cacheOf(`MODULE Linux mips ${debugId} a\nFUNC 10 8 0 f\nSTACK CFI INIT 10 8 .cfa: $sp 8 + .ra: $ra\n`);
    expect([cache.hasUnwindRows, cache.arch, cache.meta().warnings]).toEqual([false, null, { foreignCfi: 1 }]);
  });

  test("more than 32,767 rules need the high halves", () => {
    const count = 40_000;
    const cache = cfi("amd64", ...Array.from({ length: count }, (_, i) => `INIT ${(i * 4).toString(16)} 4 .cfa: $rsp ${i + 1} + .ra: .cfa ^`));
    for (const i of [0, 1, 32_766, 32_767, 32_768, count - 1]) expect(ruleText(cache, file, i * 4 + 3)).toBe(`rsp+${i + 1} | *0`);
    expect(cache.meta().counts).toMatchObject({ unwindRows: count + 1 });
  });
});

/** Registers and memory that are as good as random, but the same for both evaluators. */
const registerValue = (number: number): bigint => 0x7f00_0000_1000n + BigInt(number) * 0x12_3457n;
const memoryAt = (address: bigint): bigint => BigInt.asUintN(64, address * 0x9e37_79b9_7f4a_7c15n + 12_345n);

type Restored = { readonly [register: string]: bigint | "unsaid" | "lost" };

/** Postfix, as text; null when it fails. */
function evaluateText(file: RegisterFile, tokens: readonly string[], cfa: bigint | null): bigint | null {
  const wrap = (value: bigint): bigint => BigInt.asUintN(file.wordBytes * 8, value);
  const stack: bigint[] = [];
  for (const token of tokens) {
    const register = registerNumber(file, token);
    if (/^[+-]?\d+$/.test(token)) stack.push(wrap(BigInt(token)));
    else if (token === ".cfa" && cfa !== null) stack.push(cfa);
    else if (register !== undefined) stack.push(registerValue(register));
    else if (token === "^" && stack.length > 0) stack.push(wrap(memoryAt(stack.pop()!)));
    else if (["+", "-", "*"].includes(token) && stack.length > 1) {
      const right = stack.pop()!;
      const left = stack.pop()!;
      stack.push(wrap(token === "+" ? left + right : token === "-" ? left - right : left * right));
    } else return null;
  }
  return stack.length === 1 ? stack[0]! : null;
}

/** What a list of texts restores, by the rules of the format's documentation. */
function restoreText(file: RegisterFile, texts: readonly string[]): Restored {
  const expressions = new Map<string, string[]>();
  for (const text of texts) {
    let current: string[] = [];
    for (const token of text.split(/\s+/).filter((part) => part !== "")) {
      if (token.endsWith(":")) {
        current = [];
        expressions.set(token.slice(0, -1), current);
      } else current.push(token);
    }
  }
  const cfa = evaluateText(file, expressions.get(".cfa") ?? [], null);
  const restored: { [register: string]: bigint | "unsaid" | "lost" } = { cfa: cfa ?? "lost", ra: cfa === null ? "lost" : (evaluateText(file, expressions.get(".ra") ?? [], cfa) ?? "lost") };
  for (const number of file.calleeSaved) {
    const found = [...expressions].find(([name]) => registerNumber(file, name) === number);
    const isItself = found !== undefined && found[1].length === 1 && registerNumber(file, found[1][0]!) === number;
    restored[file.names[number]!] = found === undefined || isItself || cfa === null ? "unsaid" : (evaluateText(file, found[1], cfa) ?? "lost");
  }
  return restored;
}

function evaluateWords(symbols: ModuleSymbols, file: RegisterFile, index: number, cfa: bigint): bigint {
  const tokens: string[] = [];
  for (let at = index; symbols.expressions[at] !== op.end; at += 2) {
    const code = symbols.expressions[at]!;
    const operand = symbols.expressions[at + 1]!;
    const simple: { readonly [code: number]: string } = { [op.add]: "+", [op.subtract]: "-", [op.multiply]: "*", [op.dereference]: "^", [op.cfa]: ".cfa" };
    tokens.push(code === op.constant ? `${operand}` : code === op.register ? file.names[operand]! : simple[code]!);
  }
  return evaluateText(file, tokens, cfa)!;
}

/** What a compiled rule restores. */
function restoreRule(symbols: ModuleSymbols, file: RegisterFile, rule: number): Restored {
  const wrap = (value: bigint): bigint => BigInt.asUintN(file.wordBytes * 8, value);
  const word = (at: number): number => symbols.rules[rule * RULE_WORDS + at]!;
  const kind = word(0) & 0xff;
  const cfa = kind === cfaKind.register ? wrap(registerValue(word(0) >> 8) + BigInt(word(1))) : kind === cfaKind.expression ? evaluateWords(symbols, file, word(1), 0n) : null;
  const saved = (offset: number): bigint => wrap(memoryAt(wrap(cfa! + BigInt(offset))));
  const restored: { [register: string]: bigint | "unsaid" | "lost" } = { cfa: cfa ?? "lost", ra: "lost" };
  if (cfa !== null && word(2) === raKind.atCfa) restored["ra"] = saved(word(3));
  if (cfa !== null && word(2) === raKind.register) restored["ra"] = registerValue(word(3));
  if (cfa !== null && word(2) === raKind.expression) restored["ra"] = evaluateWords(symbols, file, word(3), cfa);
  for (const number of file.calleeSaved) {
    const slot = file.arch === "arm64" ? number - ARM64_FIRST_SLOT : number;
    const how = (word(4) >>> (slot * 2)) & 3;
    const value = word(RULE_SLOT_WORDS + slot);
    restored[file.names[number]!] = cfa === null || how === saveKind.unsaid ? "unsaid" : how === saveKind.atCfa ? saved(value) : how === saveKind.expression ? evaluateWords(symbols, file, value, cfa) : "lost";
  }
  return restored;
}

/** Compares every row of a file with its text; returns how many were compared. */
function compareAll(bytes: Buffer, arch: Arch): number {
  const file = registerFiles[arch];
  const cache = openBytes(compiled(bytes));
  const isOverlapping = (cache.meta().warnings["overlappingCfi"] ?? 0) > 0;
  let compared = 0;
  let texts: string[] = [];
  let end = 0;
  const known = new Map<string, Restored>();
  for (const line of bytes.toString("latin1").split(/\r?\n/)) {
    const match = /^STACK CFI (INIT )?([0-9a-f]+) ?(.*)$/.exec(line);
    if (match === null) continue;
    const rva = Number.parseInt(match[2]!, 16);
    if (match[1] !== undefined) {
      end = rva + Number.parseInt(match[3]!, 16);
      texts = [match[3]!.replace(/^\S+ ?/, "")];
    } else texts.push(match[3]!);
    if (rva >= end) continue;
    // Of records that overlap, only one can be right.
    if (isOverlapping) continue;
    const row = cache.unwindRow(rva);
    expect(row).toBeGreaterThanOrEqual(0);
    const key = `${cache.rowRule(row)}\n${texts.join("\n")}`;
    if (known.has(key)) continue;
    const restored = restoreText(file, texts);
    known.set(key, restored);
    expect(restoreRule(cache, file, cache.rowRule(row)), `${rva.toString(16)} ${texts.join(" / ")}`).toEqual(restored);
    compared++;
  }
  cache.close();
  return compared;
}

const corpus = path.resolve(import.meta.dirname, "../../../../shared/corpus");
const archOf = (text: string): Arch | undefined => (Object.keys(archNames) as Arch[]).find((arch) => text.split(" ")[2] === archNames[arch]);
const files = existsSync(corpus)
  ? globSync("**/*.sym", { cwd: corpus })
      .sort()
      .filter((file) => readFileSync(path.join(corpus, file), "latin1").includes("STACK CFI INIT"))
  : [];

describe.skipIf(files.length === 0)(`the corpus: ${files.length} files with STACK CFI`, () => {
  test("every row restores what its text restores", () => {
    let compared = 0;
    for (const file of files) {
      const bytes = readFileSync(path.join(corpus, file));
      const arch = archOf(bytes.toString("latin1", 0, 200));
      if (arch !== undefined) compared += compareAll(bytes, arch);
    }
    expect(compared).toBeGreaterThan(1000);
  }, 60_000);
});

test("made-up texts restore what they say", () => {
  const token = fc.constantFrom("$rsp", "$rbp", "$rbx", "$r12", ".cfa", "8", "-16", "+", "-", "*", "^", "8 +", "-8 + ^", ".cfa -24 + ^", ".undef", "$zmm1");
  const text = fc.array(fc.tuple(fc.constantFrom(".cfa:", ".cfa: $rsp 8 + .ra: .cfa -8 + ^", ".ra:", "$rbp:", "$rbx:", "$r12:"), fc.array(token, { minLength: 1, maxLength: 5 })).map(([name, tokens]) => `${name.endsWith(":") ? `${name} ${tokens.join(" ")}` : name}`), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
      // `.ra: .undef` has a meaning of its own here.
      fc.pre(!texts.some((part) => /\.ra: \.undef( [.$]\w+:|$)/.test(part)));
      const bytes = compiled(`MODULE Linux x86_64 ${debugId} a\n${texts.map((part, i) => `STACK CFI ${i === 0 ? "INIT 10 10" : (0x10 + i).toString(16)} ${part}\n`).join("")}`);
      const cache = openBytes(bytes);
      try {
        for (let i = 0; i < texts.length; i++) expect(restoreRule(cache, registerFiles.amd64, cache.rowRule(cache.unwindRow(0x10 + i)))).toEqual(restoreText(registerFiles.amd64, texts.slice(0, i + 1)));
      } finally {
        cache.close();
      }
    }),
    { numRuns: 500 },
  );
});
