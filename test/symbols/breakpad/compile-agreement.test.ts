// Every symbol file of the corpus, compiled: at every record's borders the
// cache says what the look-up says that reads the text (lookup.ts, which is
// held against Breakpad's own walker), or the difference is known.
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { lookUpAddresses } from "./text-lookup.ts";
import { compileBreakpad } from "../cache/cached-symbols.ts";
import { emptyPlace, openBytes } from "../cache/cached-symbols.ts";

const corpus = path.resolve(import.meta.dirname, "../../../../shared/corpus");
const files = existsSync(corpus) ? globSync("**/*.sym", { cwd: corpus }).sort() : [];

/** Files that are refused, with the problem. */
const refused: { readonly [file: string]: string } = {
  // Its id has an H and an S in it; made up by hand.
  "bugsnag+bugsnag-cli/features/breakpad/fixtures/breakpad-symbols.sym": "bad_module_record",
};

/**
 * Addresses that the two name differently, by file, and why. In all of them
 * the cache says what rust-minidump 0.27 says, which was asked at the same
 * addresses.
 */
const known: { readonly [file: string]: number } = {
  // Inlines of different depths with the same range: the cache goes by their depth, Breakpad by containment, which turns the calls around.
  "getsentry+symbolic/symbolic-testutils/fixtures/macos/crash.inlines.sym": 934,
  "mozilla-services+tecken/tecken/tests/data/symbols/ssltunnel/8A07C88A3DA44E20A3490D88791183060/ssltunnel.sym": 129,
  // Functions at address 0 and all over each other: the cache keeps the one that begins first, of two that begin together the shorter.
  "google+breakpad/src/processor/testdata/symbols/microdump/breakpad_unittests/DA7778FB66018A4E9B4110ED06E730D00/breakpad_unittests.sym": 18,
  // The same, of all functions in the file: they are in an object file, where each begins at 0.
  "google+breakpad/src/tools/solaris/dump_syms/testdata/dump_syms_regtest.sym": 68,
};

/** The addresses at and around the borders of all records. */
function borders(text: string): number[] {
  const found = new Set<number>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/ +/);
    const skipped = words[1] === "m" ? 1 : 0;
    let pairs: string[] = [];
    if (words[0] === "FUNC") pairs = words.slice(1 + skipped, 3 + skipped);
    else if (words[0] === "PUBLIC") pairs = [words[1 + skipped] ?? "", "1"];
    else if (words[0] === "INLINE") pairs = words.slice(words.length % 2 === 1 ? 5 : 4);
    else if (/^[0-9a-f]+ [0-9a-f]+ \d+ \d+/.test(line)) pairs = words.slice(0, 2);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const start = Number.parseInt(pairs[i]!, 16);
      const end = start + Number.parseInt(pairs[i + 1]!, 16);
      for (const address of [start - 1, start, Math.floor((start + end) / 2), end - 1, end]) if (address >= 0 && address < 0xfffffff0) found.add(address);
    }
  }
  const all = [...found];
  const step = Math.max(1, all.length / 100_000);
  return Array.from({ length: Math.min(100_000, all.length) }, (_, i) => all[Math.floor(i * step)]!);
}

async function differences(file: string, bytes: Buffer, cacheBytes: Uint8Array): Promise<number> {
  const addresses = borders(bytes.toString("latin1"));
  const expected = await lookUpAddresses(file, addresses);
  if (!expected.ok) throw new Error(expected.problem.message);
  const cache = openBytes(cacheBytes);
  const place = emptyPlace();
  let different = 0;
  for (const [i, address] of addresses.entries()) {
    const name = expected.value[i]!;
    const theirs = name === null ? "" : [name.record, name.function, name.functionOffset, name.file || null, name.file ? name.line : 0, ...name.inlines.flatMap((inline) => [inline.function, inline.file, inline.line ?? 0])].join("|");
    const ours = cache.lookUp(address, place) ? [place.isPublic ? "PUBLIC" : "FUNC", place.name, address - place.start, place.file, place.line, ...place.inlines.flatMap((inline) => [inline.name, inline.file, inline.line])].join("|") : "";
    if (ours !== theirs) different++;
  }
  cache.close();
  return different;
}

// Counted as skipped where ../shared is not there.
test.skipIf(files.length === 0)("the corpus is there", () => {
  expect(files.length).toBeGreaterThan(40);
});

describe.skipIf(files.length === 0)(`the corpus: ${files.length} symbol files`, () => {
  test.each(files)("%s", async (file) => {
    const at = path.join(corpus, file);
    const bytes = readFileSync(at);
    const compiled = compileBreakpad(bytes);
    expect(compiled.ok ? undefined : compiled.problem.code).toBe(refused[file]);
    if (!compiled.ok) return;
    const different = await differences(at, bytes, compiled.value);
    expect(different).toBe(known[file] ?? 0);
    // Names stay what they are; of a file that is mostly lines a third is left.
    if (bytes.length > 100_000) expect(compiled.value.length).toBeLessThan(bytes.length / 1.25);
  }, 60_000);
});
