// Our engine against the shipped Breakpad walker, over every dump that is at
// hand, with the same symbols: frames, their modules, functions, files, lines,
// inlined functions and trust. Every difference is in a table with its reason
// (docs/differences.md), and every entry of the table must still occur.
import { describe, expect, it } from "vitest";
import { shippedWalker } from "../../stackwalk/breakpad/walker-binary.ts";
import { machineText } from "../../stackwalk/machine-text.ts";
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import type { Frame } from "../../stackwalk/report.ts";
import { breakpadReasons, breakpadTable } from "./breakpad-differences.ts";
import { walkWithEngine } from "./engine-walk.ts";
import { compareStacks, type Difference } from "./frame-differences.ts";
import { peerDumps, peerSymbolFolders, peerSymbols, walkWithBreakpad, withDump } from "./peer-dumps.ts";
import { explain } from "./stack-tables.ts";

const dumps = shippedWalker() === null ? [] : peerDumps();

describe("our walks and Breakpad's", () => {
  it.skipIf(dumps.length === 0)("differ only for known reasons", { timeout: 120_000 }, async () => {
    const symbols = await peerSymbols();
    let sameText = 0;
    const found: { [dump: string]: { [reason: string]: string } } = {};
    let agreed = 0;
    let frames = 0;
    let differing = 0;
    for (const { name, path } of dumps) {
      const ours = await walkWithEngine(path, peerSymbolFolders());
      const theirs = await walkWithBreakpad(path, symbols);
      const compared = compareStacks(ours, theirs);
      // The machine text has all but trust: the same where stacks agree, and everywhere above the stacks.
      const isSame = compared.differences.every(({ kind, ours: frame }) => kind === "trust" || (kind === "thread-only-ours" && frame === null));
      const [text, theirText] = [machineText(ours), machineText(theirs)];
      expect(isSame ? withoutLineOffsets(text) : headOf(text), name).toBe(isSame ? withoutLineOffsets(theirText) : headOf(theirText));
      if (isSame && text === theirText) sameText++;
      agreed += compared.agreed;
      frames += compared.frames;
      differing += compared.differences.length;
      if (compared.differences.length > 0) found[name] = withDump(path, (dump) => explain(compared.differences, breakpadReasons, dump));
    }
    console.log(`Breakpad: ${agreed} of ${frames} frames in ${dumps.length} dumps agree; ${differing} differences, each with its reason; ${sameText} machine texts are the same`);
    expect(sameText).toBeGreaterThanOrEqual(dumps.length > 40 ? 30 : 0);
    const here = new Set(dumps.map(({ name }) => name));
    expect(found).toEqual(Object.fromEntries(Object.entries(breakpadTable).filter(([name]) => here.has(name))));
    expect(agreed / frames).toBeGreaterThan(0.95);
  });
});

/** Without how far into its line an address is. Breakpad sees native debug files as the .sym that is made of them, in which neighbours of one line begin where those say, and not where the first does. */
const withoutLineOffsets = (text: string): string => text.replaceAll(/(\|\d+)\|0x[0-9a-f]+$/gm, "$1|");

/** System, processor, crash and modules. */
const headOf = (text: string): string => text.slice(0, text.indexOf("\n\n"));

describe("this test can fail:", () => {
  const frame = (index: number, offset: string, more: Partial<Frame> = {}): Frame => ({
    frame: index,
    offset,
    module: "a",
    module_offset: offset,
    function: "f",
    function_offset: null,
    file: "f.c",
    line: 1,
    inlines: null,
    unloaded_modules: null,
    missing_symbols: false,
    trust: "cfi",
    ...more,
  });
  const report = (...frames: Frame[]) => ({ threads: [{ thread_id: 7, frames }] }) as unknown as Parameters<typeof compareStacks>[0];
  const noDump = {} as Minidump;
  const kinds = (differences: readonly Difference[]) => differences.map(({ thread, frame: index, kind }) => `${thread}:${index} ${kind}`);

  it("a frame that one walker leaves out", () => {
    const whole = report(frame(0, "0x1"), frame(1, "0x2"), frame(2, "0x3"));
    const less = report(frame(0, "0x1"), frame(1, "0x3"));
    expect(kinds(compareStacks(whole, less).differences)).toEqual(["0:1 only-ours"]);
    expect(kinds(compareStacks(less, whole).differences)).toEqual(["0:1 only-theirs"]);
    expect(compareStacks(whole, less)).toMatchObject({ agreed: 2, frames: 3 });
  });
  it("a line, a trust and an inlined function", () => {
    const ours = report(frame(0, "0x1"), frame(1, "0x2", { trust: "scan" }), frame(2, "0x3", { inlines: [{ function: "g", file: null, line: null }] }));
    expect(kinds(compareStacks(ours, report(frame(0, "0x1", { line: 2 }), frame(1, "0x2"), frame(2, "0x3"))).differences)).toEqual(["0:0 line", "0:1 trust", "0:2 inlines"]);
  });
  it("a thread that one walker leaves out", () => {
    expect(kinds(compareStacks(report(frame(0, "0x1")), { threads: [] } as unknown as Parameters<typeof compareStacks>[0]).differences)).toEqual(["0:0 thread-only-ours"]);
  });
  it("a difference that no reason fits, which is told whole", () => {
    const { differences } = compareStacks(report(frame(0, "0x1", { line: 3 })), report(frame(0, "0x1")));
    expect(explain(differences, [], noDump)).toEqual({ "unexplained 0:0 line: ours 0x1 cfi a f f.c 3; theirs 0x1 cfi a f f.c 1": "0:0" });
    expect(explain(differences, [{ name: "any", fits: () => true }], noDump)).toEqual({ any: "0:0" });
  });
});
