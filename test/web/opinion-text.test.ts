// The second opinion in words, and the rows that are shown of it.
import { describe, expect, it } from "vitest";
import { crashDifference, opinionLines, opinionSummary, opinionThreadTitle, threadSummary, verdictOnRow } from "../../web/crash/opinion-text.ts";
import type { Comparison, OpinionRow } from "../../web/crash/report.ts";
import { vaultReport } from "./support/canned-crash.ts";
import { agreeingOpinion, cannedOpinion } from "./support/canned-opinion.ts";

const compared = cannedOpinion.comparison!;
const same = compared.threads.find((thread) => thread.same)!.rows[0]!;
const differing: OpinionRow = { ...same, same: false, differs: ["offset", "inlines"] };

/** Lines as text: `.` a row that agrees, `x` one that does not, a number a fold of so many. */
const drawn = (rows: string, unfolded: readonly number[] = []) =>
  opinionLines([...rows].map((row) => (row === "x" ? differing : same)), new Set(unfolded))
    .map((line) => (line.kind === "fold" ? `(${line.count})` : line.row.same ? "." : "x"))
    .join("");

describe("rows of two stacks", () => {
  it.each([
    ["", ""],
    ["x", "x"],
    ["xx", "xx"],
    // Two rows are not worth a fold, three are.
    ["........", "........"],
    [".........", "...(3)..."],
    ["x.........x", "x...(3)...x"],
    ["....................x", "...(14)...x"],
    ["x....................", "x...(14)..."],
    [".........x..........x..", "...(3)...x...(4)...x.."],
  ])("%j is shown as %j", (rows, lines) => {
    expect(drawn(rows)).toBe(lines);
  });
  it("unfold one run and leave the others", () => {
    expect(drawn(".........x.........", [3])).toBe(".........x...(3)...");
    expect(drawn(".........x.........", [13])).toBe("...(3)...x.........");
  });
  it("lose none and keep their order, whatever is folded", () => {
    const rows = compared.threads.find((thread) => thread.thread_name === "parser")!.rows;
    const places = opinionLines(rows, new Set()).flatMap((line) => (line.kind === "row" ? [line.at] : Array.from({ length: line.count }, (_, n) => line.from + n)));
    expect(places).toEqual(rows.map((_, at) => at));
  });
  it("have a word each", () => {
    expect([same, differing, { ...differing, deadair: null }, { ...differing, breakpad: null }].map(verdictOnRow)).toEqual(["agree", "differ: address, inlined functions", "only Breakpad", "only Deadair"]);
  });
});

describe("the sentence on a comparison", () => {
  const of = (totals: Partial<Comparison["totals"]>, agrees = false) => opinionSummary({ ...compared, same: agrees, totals: { threads: 2, frames: 78, same: 78, different: 0, only_deadair: 0, only_breakpad: 0, ...totals } });
  it.each([
    [of({}, true), "Both walkers agree on all 78 frames of 2 threads."],
    [of({ threads: 1, frames: 1, same: 1 }, true), "Both walkers agree on the 1 frame of 1 thread."],
    [of({ same: 74, different: 1, only_breakpad: 3 }), "74 of 78 frames agree; 1 differs, 3 only Breakpad found."],
    [of({ frames: 12_345, same: 1, different: 12_344 }), "1 of 12.3k frames agrees; 12.3k differ."],
    [of({ same: 77, only_deadair: 1 }), "77 of 78 frames agree; 1 only Deadair found."],
    // A thread without frames that one walker does not have.
    [of({}), "All 78 frames agree, but not the threads."],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe("a thread of a comparison", () => {
  const [audio] = compared.threads;
  it("is summed up", () => {
    expect(compared.threads.filter((thread) => !thread.same).map(threadSummary)).toEqual(["2 of 10 frames differ", "only Deadair walked it", "1 of 240 frames differs", "240 of 240 frames differ"]);
    expect(threadSummary({ ...audio!, missing: "deadair" })).toBe("only Breakpad walked it");
    expect(threadSummary({ ...audio!, rows: [] })).toBe("its rows are left out");
  });
  it("is called as in the report, or by its id", () => {
    expect(opinionThreadTitle(audio!, vaultReport)).toBe("Thread 3 REAPER audio 0");
    expect(opinionThreadTitle(audio!, null)).toBe("Thread id 9168 REAPER audio 0");
    expect(opinionThreadTitle({ ...audio!, thread_id: null, thread_name: null }, vaultReport)).toBe("Thread without id");
  });
});

it("tells how the walkers read the crash, unless only the spelling differs", () => {
  expect(crashDifference(compared)).toBe("Deadair reads the crash as EXCEPTION_ACCESS_VIOLATION_WRITE at 0x18, Breakpad as EXCEPTION_ACCESS_VIOLATION_READ at 0x18.");
  expect(crashDifference(agreeingOpinion.comparison!)).toBeNull();
  const spelled = { ...compared, crash: { deadair: { type: "SIGSEGV / SEGV_MAPERR", address: "0x28" }, breakpad: { type: "SIGSEGV /SEGV_MAPERR", address: "0x28" } } };
  expect(crashDifference(spelled)).toBeNull();
  expect(crashDifference({ ...spelled, crash: { deadair: { type: null, address: null }, breakpad: spelled.crash.breakpad } })).toBe("Deadair reads the crash as no reason at no address, Breakpad as SIGSEGV /SEGV_MAPERR at 0x28.");
});
