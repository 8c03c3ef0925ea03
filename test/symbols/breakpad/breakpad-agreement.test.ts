// Our lookup against Breakpad's own walker: on records made up at random, and
// on every symbol file of the corpus, where ../shared exists.
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSymbolStream } from "../../../symbols/breakpad/check.ts";
import { readSymbolHeader } from "../../../symbols/breakpad/header.ts";
import { lookUpAddresses } from "./text-lookup.ts";
import { askBreakpad, canAskBreakpad } from "./breakpad-oracle.ts";
import { debugId, symbolText, temporaryFile } from "./symbol-text.ts";

/** Our answers in the oracle's form: `function|file|line`, innermost first. */
async function askDeadair(file: string, addresses: readonly number[]): Promise<string[][]> {
  const result = await lookUpAddresses(file, addresses);
  if (!result.ok) throw new Error(result.problem.message);
  const clean = (text: string | null) => (text ?? "").replaceAll("|", "");
  return result.value.map((name) => (name === null ? [""] : [...name.inlines, name].map((at) => `${clean(at.function)}|${clean(at.file)}|${(at.file ?? "") === "" ? "" : at.line}`)));
}

/** Indexes of the addresses that the two name differently. */
async function differences(file: string, debugFile: string, id: string, addresses: readonly number[]): Promise<number[]> {
  const ours = await askDeadair(file, addresses);
  const theirs = await askBreakpad(file, debugFile, id, addresses);
  return addresses.filter((_, i) => ours[i]!.join("\n") !== theirs[i]!.join("\n"));
}

/** Records of a file that is well-formed: functions apart, lines and inlines inside them and nested. */
const wellFormed = fc
  .array(
    fc.record({
      gap: fc.nat({ max: 20 }),
      lines: fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat({ max: 90 }), fc.nat({ max: 4 })), { maxLength: 6 }),
      inlines: fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })), { maxLength: 4 }),
      isPublic: fc.boolean(),
      isOld: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((items) => {
    const records = ["FILE 0 a.cpp", "FILE 1 b c.h", "FILE 2 d.h", "INLINE_ORIGIN 0 zero", "INLINE_ORIGIN 1 one<a, b>", "INLINE_ORIGIN 2 1 two"];
    let at = 0x100;
    for (const [i, item] of items.entries()) {
      at += item.gap;
      if (item.isPublic) records.push(`PUBLIC ${at.toString(16)} 0 symbol${i}`);
      if (item.isPublic) continue;
      const size = item.lines.reduce((sum, [bytes]) => sum + bytes, 0);
      records.push(`FUNC ${at.toString(16)} ${size.toString(16)} 0 f${i}(int, char)`);
      let [low, high] = [at, at + size];
      for (const [level, [origin, before, after]] of item.inlines.entries()) {
        [low, high] = [low + before, high - after];
        if (low < high) records.push(`INLINE ${level} ${level + 10} ${item.isOld ? "" : "1 "}${origin} ${low.toString(16)} ${(high - low).toString(16)}`);
      }
      for (const [bytes, line, file] of item.lines) {
        records.push(`${at.toString(16)} ${bytes.toString(16)} ${line} ${file}`);
        at += bytes;
      }
    }
    return records;
  });

describe.skipIf(!canAskBreakpad)("made-up files", () => {
  test("both name every address alike", async () => {
    const addresses = Array.from({ length: 0x300 }, (_, i) => i);
    await fc.assert(
      fc.asyncProperty(wellFormed, async (records) => {
        const file = await temporaryFile(symbolText(...records));
        expect(await differences(file, "VaultSynth.pdb", debugId, addresses)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

const corpus = path.resolve(import.meta.dirname, "../../../../shared/corpus");
const files = existsSync(corpus) ? globSync("**/*.sym", { cwd: corpus }).sort() : [];

/**
 * Addresses that Breakpad names differently, by file, and why. Breakpad drops a
 * record that overlaps an earlier one even where the earlier one does not cover
 * the address; we, who keep no ranges, take it.
 */
const known: { readonly [file: string]: number } = {
  // Sun's dump_syms counted line lengths from the function's start, so that all lines overlap.
  "google+breakpad/src/tools/solaris/dump_syms/testdata/dump_syms_regtest.sym": 9,
  // Inlines of level 1 inside ranges of level 4: both answers mix up the order of the calls.
  "getsentry+symbolic/symbolic-testutils/fixtures/macos/crash.inlines.sym": 21,
};

/** Files that are refused, with the problem. */
const refused: { readonly [file: string]: string } = {
  // Its id has an H and an S in it; made up by hand.
  "bugsnag+bugsnag-cli/features/breakpad/fixtures/breakpad-symbols.sym": "bad_module_record",
};

/** The first, last and following address of every record, at most `count` of them evenly spread. */
function addressesOf(text: string, count: number): number[] {
  const found = new Set<number>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/ +/);
    const isMultiple = words[1] === "m" ? 1 : 0;
    let pairs: string[] = [];
    if (words[0] === "FUNC") pairs = words.slice(1 + isMultiple, 3 + isMultiple);
    else if (words[0] === "PUBLIC") pairs = [words[1 + isMultiple] ?? "", "1"];
    else if (words[0] === "INLINE") pairs = words.slice(words.length % 2 === 1 ? 5 : 4);
    else if (/^[0-9a-f]+ [0-9a-f]+ \d+ \d+/.test(line)) pairs = words.slice(0, 2);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const start = Number.parseInt(pairs[i]!, 16);
      const end = start + Number.parseInt(pairs[i + 1]!, 16);
      for (const address of [start - 1, start, start + Math.floor((end - start) / 2), end - 1, end]) if (address >= 0 && address < 0xfffffff0) found.add(address);
    }
  }
  const all = [...found];
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)]!);
}

// Counted as skipped where ../shared is not there.
test.skipIf(files.length === 0)("the corpus is there", () => {
  expect(files.length).toBeGreaterThan(40);
});

describe.skipIf(files.length === 0)(`the corpus: ${files.length} symbol files`, () => {
  test.each(files)("%s is whole, or refused with a reason", async (file) => {
    const bytes = readFileSync(path.join(corpus, file));
    const header = readSymbolHeader(bytes.subarray(0, 65_536));
    expect(header.ok ? undefined : header.problem.code).toBe(refused[file]);
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
    }
    const facts = await checkSymbolStream(chunks());
    expect(facts.ok).toBe(header.ok);
    // Counted once more, slowly.
    const lines = bytes.toString("latin1").split(/\r?\n/);
    if (facts.ok) expect([facts.value.counts.functions, facts.value.counts.publics, facts.value.counts.lines]).toEqual([/^FUNC /, /^PUBLIC /, /^[0-9a-f]+ [0-9a-f]+ \d+ \d+/].map((record) => lines.filter((line) => record.test(line)).length));
  });

  describe.skipIf(!canAskBreakpad)("named by both", () => {
    test.each(files.filter((file) => refused[file] === undefined))("%s", async (file) => {
      const at = path.join(corpus, file);
      const bytes = readFileSync(at);
      const header = readSymbolHeader(bytes.subarray(0, 65_536));
      if (!header.ok) throw new Error(header.problem.message);
      const addresses = addressesOf(bytes.toString("latin1"), known[file] === undefined ? 2000 : 60_000);
      expect(await differences(at, header.value.debugFile, header.value.debugId, addresses)).toHaveLength(known[file] ?? 0);
    }, 60_000);
  });
});
