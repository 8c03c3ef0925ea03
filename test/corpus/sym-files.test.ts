// `.sym` files that others made and published, against what is made here of the
// programs and debug files that they were made of: Breakpad's dump_syms, older
// and newer, mozilla's dump_syms, and those that lldb wrote by hand.
import { describe, expect, it } from "vitest";
import { type Comparison, compareAnswers, compareRows, corpusNote, hasCorpus, symbolsOf } from "./corpus.ts";

const symbolic = "getsentry+symbolic/symbolic-testutils/fixtures";
const lldb = "llvm-mirror+lldb/packages/Python/lldbsuite/test/functionalities/postmortem/minidump-new";
const electron = "getsentry+symbolic/py/tests/res/electron/1.8.1/Electron/CB63147AC9DC308B8CA1EE92A5042E8E0";
const ssltunnel = "mozilla-services+tecken/tecken/tests/data/symbols/ssltunnel/8A07C88A3DA44E20A3490D88791183060";
const tast = "nya3jp+tast/src/go.chromium.org/tast/core/cmd/tast/internal/symbolize/breakpad/testdata";

/** A `.sym` file, the files that it was made of, what is known to differ, and how much is the same at least; no rows where the program is not there, which has them. */
type Row = Comparison & { readonly sym: string; readonly files: readonly string[]; readonly atLeast: number; readonly rows: number | null };

const rows: readonly Row[] = [
  // Publics alone, from the symbol table, and all rows.
  { sym: `${symbolic}/linux/crash.sym`, files: [`${symbolic}/linux/crash.debug`, `${symbolic}/linux/crash`], end: 0x30000, atLeast: 77_000, rows: 77_000 },
  { sym: `${symbolic}/linux/crash.sym`, files: [`${symbolic}/linux/crash.debug-zstd`, `${symbolic}/linux/crash`], end: 0x30000, atLeast: 77_000, rows: 77_000 },
  { sym: `${symbolic}/linux/crash.sym`, files: [`${symbolic}/linux/crash`], end: 0x30000, atLeast: 77_000, rows: 77_000 },
  // By mozilla's, with inlined calls: every one of them, every line, every name. It has resolved `..` in paths.
  { sym: `${symbolic}/macos/crash.inlines.sym`, files: [`${symbolic}/macos/crash.dSYM`, `${symbolic}/macos/crash`], end: 0x30000, atLeast: 50_900, rows: 0 },
  // By Breakpad's, without them. It knew no names for constructors that have none but the linker's, and took `extern "C"` for a part of the namespace around it.
  { sym: `${symbolic}/macos/crash.sym`, files: [`${symbolic}/macos/crash.dSYM`, `${symbolic}/macos/crash`], end: 0x30000, inlines: false, isExplained: (theirs, ours) => theirs === "<name omitted>" || (theirs === `google_breakpad::${ours}` && ours === "catch_exception_raise"), atLeast: 50_000, rows: 7600 },
  { sym: `${electron}/Electron.sym`, files: [`${electron}/Electron.app.dSYM`], end: 0x10000, atLeast: 76, rows: 0 },
  // Mozilla's build machines write where the revision of a file is to be had, and of headers that were copied where they come from.
  {
    sym: `${ssltunnel}/ssltunnel.sym`,
    files: [`${ssltunnel}/ssltunnel.dbg.gz`],
    end: 0x30000,
    file: (path) => path.replace(/^git:(.*):[0-9a-f]{40}$/, "$1").replace(/^.*\//, ""),
    atLeast: 19_400,
    rows: null,
  },
  { sym: "_generated/symbols/abort/A48688D4AA70B4CAE2B86443818FBC970/abort.sym", files: [`${tast}/abort.debug`], end: 0x10000, atLeast: 380, rows: 130 },
  { sym: "_generated/symbols/linux-x86_64_not_crashed/603FCF6CA7FF4BCC86AE8FF44DB2576A0/linux-x86_64_not_crashed.sym", files: [`${lldb}/linux-x86_64_not_crashed`], end: 0x10000, atLeast: 111, rows: 100 },
  { sym: "llvm-mirror+lldb/test/Shell/Minidump/Inputs/linux-x86_64.syms", files: [`${lldb}/linux-x86_64`], end: 0x10000, lines: false, atLeast: 40, rows: 0 },
];

/** Breakpad writes no rule that takes an expression but that of linkage tables, which it takes for a fixed one, and cannot say that nothing called `_start`. */
const isBreakpadsLoss = (_theirs: string, ours: string | null): boolean => ours === "end" || ours?.includes("% 16") === true;

describe.skipIf(!hasCorpus)(`.sym files of the corpus${corpusNote}`, () => {
  it.each(rows.map((row) => [row.sym.split("/").at(-1)!, row.files.at(0)!.split("/").at(-1)!, row] as const))("%s says of every address what %s does", (_, __, row) => {
    const [theirs, ours] = [symbolsOf([row.sym]), symbolsOf(row.files)];
    const answers = compareAnswers(theirs, ours, row);
    expect(answers.different).toEqual([]);
    expect(answers.same).toBeGreaterThanOrEqual(row.atLeast);
    expect(ours.meta().debugId).toBe(theirs.meta().debugId);
    if (row.rows === null) return;
    const unwind = compareRows(theirs, ours, row.end, isBreakpadsLoss);
    expect(unwind.different).toEqual([]);
    expect(unwind.same).toBeGreaterThanOrEqual(row.rows);
  });
});
