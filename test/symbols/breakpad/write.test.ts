// A cache written as a symbol file, and compiled again: the same answers, and
// the same text from then on. Breakpad's walker finds the same frames with what
// we wrote as with what it was made from.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { writeSymbolFile } from "../../../symbols/breakpad/write.ts";
import { cfaKind, raKind } from "../../../symbols/cache/unwind-rule.ts";
import { compilerVersion } from "../../../symbols/cache/layout.ts";
import { ModuleBuilder } from "../../../symbols/cache/module-builder.ts";
import { type SymbolCache, cacheOfBytes } from "../../../symbols/cache/symbol-cache.ts";
import { demangle } from "../../../symbols/demangle/demangle.ts";
import type { Arch } from "../../../symbols/registers.ts";
import { ask, compiled } from "../cache/cached-symbols.ts";
import { rowAt } from "../dwarf/frame-sections.ts";
import { canAskBreakpad } from "./breakpad-oracle.ts";
import { anyRecord, debugId, symbolText } from "./symbol-text.ts";

const runs = Number(process.env["DEADAIR_PROPERTY_RUNS"] ?? 2000);
const corpus = path.resolve(import.meta.dirname, "../../../../shared/corpus");
const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/out");
const walker = path.resolve(import.meta.dirname, "../../../node_modules/minidump/bin", `${process.platform}-${process.arch}`, "minidump_stackwalk");

/** Like `cacheOf`, in memory: there are thousands. */
const cacheOf = (text: string | Uint8Array, options: { readonly demangle?: typeof demangle } = {}): SymbolCache => cacheOfBytes("written", compiled(text, options));
const written = (cache: SymbolCache, spelling: "readable" | "linkage" = "linkage"): string => [...writeSymbolFile(cache, { spelling })].join("");

/** How to unwind from an address; a rule without frame or return address is of no use, whatever else it says. */
function unwindAt(cache: SymbolCache, rva: number): string | null {
  const row = cache.unwindRow(rva);
  if (row < 0) return null;
  const at = cache.rowRule(row) * 21;
  const kind = cache.rules[at]! & 0xff;
  if (kind === cfaKind.end) return "end";
  return kind === cfaKind.none || cache.rules[at + 2] === raKind.none ? "nothing" : rowAt(cache, rva);
}

/** All that two caches may say of an address. */
function allAt(cache: SymbolCache, rva: number): unknown[] {
  const win = cache.winFrame(rva);
  return [ask(cache, rva), unwindAt(cache, rva), win === null ? null : { ...win, program: win.program < 0 ? null : winProgram(cache, win.program) }, cache.parameterBytes(rva)];
}

function winProgram(cache: SymbolCache, start: number): string {
  let end = start;
  while (cache.expressions[end] !== 0) end += 2;
  return cache.expressions.subarray(start, end).join(" ");
}

/** Addresses where something of a symbol file begins or ends. */
function addressesIn(text: string): number[] {
  const found = new Set<number>([0, 0xffffffff]);
  for (const [, address, size] of text.matchAll(/^(?:FUNC (?:m )?|PUBLIC (?:m )?|STACK CFI (?:INIT )?|STACK WIN \d |INLINE .*?(?=[0-9a-f]+ [0-9a-f]+$))?([0-9a-f]+) ([0-9a-f]+)?/gm)) {
    const start = Number.parseInt(address!, 16);
    const end = start + Number.parseInt(size ?? "1", 16);
    for (const at of [start - 1, start, start + 1, end - 1, end]) if (at >= 0 && at <= 0xffffffff) found.add(at);
  }
  return [...found];
}

describe("text", () => {
  // What our own compile makes of it comes back as it was.
  const canonical = `MODULE windows x86 ${debugId} VaultSynth.pdb
INFO CODE_ID 65A1B2C3D4000 VaultSynth.dll
INFO GENERATOR deadair ${compilerVersion}
FILE 0 /src/engine one.cpp
FILE 1 C:\\src\\größe.h
INLINE_ORIGIN 0 clamp<float>(float)
INLINE_ORIGIN 1 soften(float)
FUNC 1000 54 8 vault::Engine::render(float*, int)
INLINE 0 18 0 0 1010 8
INLINE 1 7 -1 1 1012 4
INLINE 0 19 1 1 1020 2
1000 c 14 0
1010 8 3 1
1018 3c 0 0
FUNC 2000 10 0 empty
FUNC 2010 10 0 next
2010 8 7 1
PUBLIC 1004 0 inside
PUBLIC 3000 c _DllMain@12
STACK CFI INIT 1000 54 .cfa: $esp 4 + .ra: .cfa -4 + ^
STACK CFI 1001 .cfa: $esp 8 + $ebp: .cfa -8 + ^
STACK CFI 1003 .cfa: $ebp 8 + $ebx: .cfa -12 + ^ $esi: .undef $edi: .cfa 4 +
STACK CFI 1050 .cfa: $esp 4 + $ebp: $ebp
STACK CFI INIT 2000 10 .cfa: $ebp 4 - 16 @ ^ .ra: $eax $ebx: $ecx 2 * 3 / 5 %
STACK CFI INIT 2010 10 .cfa: .undef .ra: .undef
STACK WIN 4 1000 54 3 1 8 c 10 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =
STACK WIN 4 2000 10 0 0 0 0 0 0 1 $T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebx .undef =
STACK WIN 4 2010 10 0 0 0 0 0 0 1 @
STACK WIN 0 2000 8 1 2 4 8 10 20 0 1
STACK WIN 0 2008 8 0 0 0 0 0 0 0 0
`;
  test("comes back as it was", () => expect(written(cacheOf(canonical.replace("$ebp 4 - 16 @", "$ebp -4 + 16 @"))).replace("$ebp -4 + 16 @", "$ebp 4 - 16 @")).toBe(canonical));

  test.each<[why: string, records: string[], line: string]>([
    ["a name with what would break the line", ["PUBLIC 10 0 a\u0001b"], "PUBLIC 10 0 a b\n"],
    ["an inlined function that is not named", ["INLINE_ORIGIN 3 x", "FUNC 10 4 0 f", "INLINE 0 1 0 7 10 2"], "INLINE 0 1 0 1 10 2\n"],
    ["a file that is not named", ["FUNC 10 4 0 f", "10 4 9 5"], "10 4 9 0\n"],
  ])("%s", (_, records, line) => expect(written(cacheOf(symbolText(...records)))).toContain(line));

  test("mangled names are written readable, or as the linker has them", () => {
    const cache = cacheOf(symbolText("PUBLIC 10 0 _ZN5vault6Engine6renderEv"), { demangle });
    expect(written(cache, "readable")).toContain("PUBLIC 10 0 vault::Engine::render()\n");
    expect(written(cache, "linkage")).toContain("PUBLIC 10 0 _ZN5vault6Engine6renderEv\n");
  });

  test("a module of which little is known", () => {
    const bytes = new ModuleBuilder().finish({ source: "pe", sourceDigest: "", debugFile: "", debugId: "", codeId: null, codeFile: null, generator: null, os: "", arch: "" }, null);
    const text = written(cacheOfBytes("little", bytes));
    expect(text).toBe(`MODULE unknown unknown 000000000000000000000000000000000 unknown\nINFO GENERATOR deadair ${compilerVersion}\n`);
    expect(written(cacheOf(text))).toBe(text);
  });

  test.each<[arch: Arch, leaf: string]>([
    ["amd64", ".cfa: $rsp 8 + .ra: .cfa -8 + ^"],
    ["arm64", ".cfa: sp 0 + .ra: x30"],
  ])("leaves of %s, which have no row, get one", (arch, leaf) => {
    const builder = new ModuleBuilder();
    builder.leafWithoutRow = true;
    const name = builder.strings.takeText("f");
    for (const start of [0x100, 0x110, 0x120, 0x130]) builder.addFunction(start, start + 8, name);
    builder.unwind.begin(0x110, 0x118);
    builder.unwind.add(0x110, 0);
    builder.unwind.begin(0x124, 0x128);
    builder.unwind.add(0x124, 0);
    const bytes = builder.finish({ source: "pe", sourceDigest: "", debugFile: "a", debugId, codeId: null, codeFile: null, generator: null, os: "windows", arch: "x86_64" }, arch);
    expect(written(cacheOfBytes("leaves", bytes)).split("\n").filter((line) => line.startsWith("STACK"))).toEqual([
      `STACK CFI INIT 100 8 ${leaf}`,
      "STACK CFI INIT 110 8 .cfa: .undef",
      "STACK CFI INIT 124 4 .cfa: .undef",
      `STACK CFI INIT 130 8 ${leaf}`,
    ]);
  });

  test("comes in pieces of whole lines", () => {
    const cache = cacheOf(symbolText(...Array.from({ length: 20_000 }, (_, i) => `PUBLIC ${(i * 4 + 4).toString(16)} 0 name${i}`)));
    const pieces = [...writeSymbolFile(cache)];
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.every((piece) => piece.endsWith("\n") && piece.length < 70_000)).toBe(true);
  });
});

describe("compiled again it answers alike:", () => {
  const hexNumber = fc.nat({ max: 0x80 }).map((n) => n.toString(16));
  const register = fc.constantFrom("$eax", "$ebx", "$esp", "$ebp", "$esi");
  const expression = fc.oneof(
    fc.tuple(register, fc.integer({ min: -40, max: 40 })).map(([name, n]) => `${name} ${n} +`),
    fc.integer({ min: -40, max: 40 }).map((n) => `.cfa ${n} + ^`),
    register,
    fc.constantFrom(".undef", "$esp 4 + ^ 8 @", "$ebp 2 * 3 % 1 -", "nonsense", ".cfa 4 -", ".cfa"),
  );
  const rule = fc.array(fc.tuple(fc.constantFrom(".cfa", ".ra", "$ebx", "$ebp", "$eax"), expression), { minLength: 1, maxLength: 4 }).map((list) => list.map(([name, text]) => `${name}: ${text}`).join(" "));
  const unwindRecord = fc.oneof(
    fc.tuple(hexNumber, hexNumber, rule).map(([start, size, text]) => `STACK CFI INIT ${start} ${size} ${text}`),
    fc.tuple(hexNumber, rule).map(([start, text]) => `STACK CFI ${start} ${text}`),
    fc.constantFrom("STACK CFI 20 malformed", "STACK WIN 4 10 20 1 2 3 4 5 6 1 $T1 $ebp = $T0 $T1 4 - = $eip $T0 ^ 16 @ =", "STACK WIN 4 20 20 0 0 0 0 0 0 1 nonsense =", "STACK WIN 0 18 20 1 2 3 4 5 6 0 1"),
  );
  test("records in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyRecord, unwindRecord), { maxLength: 30 }), (records) => {
        const first = cacheOf(symbolText(...records).replace("x86_64", "x86"));
        const text = written(first);
        const second = cacheOf(text);
        expect(second.meta().warnings).toEqual({});
        for (let rva = 0; rva < 0x210; rva++) expect(allAt(second, rva)).toEqual(allAt(first, rva));
        // Numbers of files that are never named are given anew once; then nothing changes any more.
        const again = written(second);
        expect(written(cacheOf(again))).toBe(again);
      }),
      { numRuns: Math.ceil(runs / 10) },
    );
  }, 600_000);

  const files = [...globSync("sym*/**/*.sym", { cwd: fixtures }).map((name) => path.join(fixtures, name)), ...(existsSync(corpus) ? globSync("**/*.sym", { cwd: corpus }).map((name) => path.join(corpus, name)) : [])].sort();
  test(`${files.length} files`, () => {
    let compared = 0;
    for (const file of files) {
      const original = readFileSync(file);
      let first: SymbolCache;
      try {
        first = cacheOf(original, { demangle });
      } catch {
        continue;
      }
      const text = written(first);
      const second = cacheOf(text, { demangle });
      expect(written(second) === text, file).toBe(true);
      const all = addressesIn(text);
      const step = Math.max(1, Math.floor(all.length / 3000));
      const different = all.filter((rva, i) => i % step === 0 && JSON.stringify(allAt(first, rva)) !== JSON.stringify(allAt(second, rva)));
      expect([file, different]).toEqual([file, []]);
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
  }, 120_000);
});

describe.skipIf(!canAskBreakpad)("Breakpad's walker", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "deadair-write-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const dumps = globSync("dumps/1.4.2/*.dmp", { cwd: fixtures }).sort();

  test("finds the same frames with what we wrote", () => {
    const store = path.join(folder, "sym");
    cpSync(path.join(fixtures, "sym"), store, { recursive: true });
    for (const name of globSync("*/*/*.sym", { cwd: store })) {
      const place = path.join(store, name);
      mkdirSync(path.dirname(place), { recursive: true });
      writeFileSync(place, [...writeSymbolFile(cacheOf(readFileSync(place), { demangle }))].join(""));
    }
    const walk = (dump: string, symbols: string): string => execFileSync(walker, ["-m", path.join(fixtures, dump), symbols], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
    expect(dumps.length).toBeGreaterThan(10);
    for (const dump of dumps) expect(walk(dump, store)).toBe(walk(dump, path.join(fixtures, "sym")));
  }, 60_000);
});
