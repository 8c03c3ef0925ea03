// The dumps that walkers are compared on, with the symbols that there are for
// them: the corpus beside the checkout, where it is, and our own fixtures.
import { closeSync, existsSync, globSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { breakpadStackwalker } from "../../stackwalk/breakpad/breakpad-stackwalker.ts";
import { symbolTree } from "../../stackwalk/symbol-tree.ts";
import { dumpFileSource } from "../../stackwalk/minidump/byte-source.ts";
import { readMinidump } from "../../stackwalk/minidump/minidump.ts";
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import type { Report } from "../../stackwalk/report.ts";
import type { SymbolSource } from "../../stackwalk/stackwalker.ts";

/** The corpus; absent in a checkout that stands alone. */
export const corpus = resolve(import.meta.dirname, "../../../shared/corpus");
/** True when there is no corpus. */
export const corpusAbsent = !existsSync(corpus);
/** What the names of suites end with, so that a skip says what it wants. */
export const ofCorpus = corpusAbsent ? " (needs ../shared, which is not there)" : "";
/** Our own dumps and symbols. */
export const fixtures = resolve(import.meta.dirname, "../../fixtures/out");

/** Dumps of the corpus that no walker takes: test/stackwalk/corpus.test.ts knows why. */
const refused = /broken\.core|invalid-range|microdump-|chrome_crash_report/;
/** Dumps of Wine name modules by their code ids alone, by which no peer finds symbols, so there would be nothing to compare. Those with debug ids added to them (`.cv`) are compared; test/stackwalk/windows-truth.test.ts has all. Left out as well: the id of a program without a PDB, which is made up, and dumps of x86, which no system wrote. */
const withoutDebugIds = /windows\/dumps\/(mingw-.*|x86-.*|.*(?<!\.cv))\.dmp$/;

/** Every dump that can be walked: its name in the tables of differences, and its path. */
export function peerDumps(): { readonly name: string; readonly path: string }[] {
  return [corpus, fixtures].flatMap((root) =>
    globSync("**/*.dmp", { cwd: root })
      .filter((name) => !refused.test(name) && !withoutDebugIds.test(name))
      .toSorted()
      .map((name) => ({ name, path: join(root, name) })),
  );
}

/** The folders with symbols for them, each file of a module's debug id; the same for every walker. */
export function peerSymbolFolders(): string[] {
  return [corpus, fixtures].filter((folder) => existsSync(folder));
}

/** All symbols for them. */
export function peerSymbols(): Promise<SymbolSource> {
  return symbolTree(peerSymbolFolders());
}

/** What the shipped Breakpad walker says of a dump, whole. */
export async function walkWithBreakpad(dump: string, symbols: SymbolSource): Promise<Report> {
  const workDir = mkdtempSync(join(tmpdir(), "deadair-peer-"));
  try {
    const walk = await breakpadStackwalker().walk(dump, symbols, { timeoutMs: 20_000, outputBytes: 1e8, maxFrames: 1e6, maxThreads: 1e6, workDir });
    if (!walk.ok) throw new Error(`${dump}: ${walk.failure.code}: ${walk.failure.message}`);
    return walk.report;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

/** Opens a dump for as long as `run` takes. */
export function withDump<T>(path: string, run: (dump: Minidump) => T): T {
  const fd = openSync(path, "r");
  try {
    const dump = readMinidump(dumpFileSource(fd));
    if (!dump.ok) throw new Error(`${path}: ${dump.problem.message}`);
    return run(dump.value);
  } finally {
    closeSync(fd);
  }
}
