// Real crashes on Linux, walked with the files that a vendor ships and keeps, as
// they are: a stripped plugin and its .debug file. The stacks are those that
// Breakpad's .sym files of the same builds give, and gdb's.
//
// Better than those: dump_syms writes no INLINE record for what is inlined inside
// a lexical block, and the DWARF has it.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { DumpEntry, FixtureIndex, Frame as TrueFrame } from "../../fixtures/index-schema.ts";
import { frameName, inlineName } from "../../signature/frame-name.ts";
import type { Frame, Report } from "../../stackwalk/report.ts";
import { bareName } from "../fixtures/walk.ts";
import { walkWithEngine } from "../peers/engine-walk.ts";

const out = path.join(import.meta.dirname, "../../fixtures/out");
const { dumps } = JSON.parse(readFileSync(path.join(out, "index.json"), "utf8")) as FixtureIndex;
const shipped = mkdtempSync(path.join(tmpdir(), "deadair-elf-"));
for (const name of ["rackhost", "tidewater.so"]) copyFileSync(path.join(out, name), path.join(shipped, name));
afterAll(() => rmSync(shipped, { recursive: true }));

const system = path.join(out, "sym-system");
const symFolders = [path.join(out, "sym"), system];
/** The plugin's own files alone; the host and the neighbour were shipped without debug information, so that theirs have names from .sym files. */
const elfFolders = ({ version }: DumpEntry): string[] => [path.join(out, version, "halcyon.lv2"), shipped, path.join(out, "sym/rackhost"), path.join(out, "sym/tidewater.so"), system];

const threadOf = (report: Report): readonly Frame[] => report.threads[report.crash_info.crashing_thread!]!.frames;
const place = (frame: Frame): string => `${frame.module}+${frame.module_offset ?? frame.offset} ${frame.trust}`;
const source = (frame: Frame): string => `${frameName(frame, false).text} ${frame.file}:${frame.line}`;
const inlined = (frame: Frame): string[] => (frame.inlines ?? []).map((one) => `${inlineName(one).text} ${one.file}:${one.line}`);

const isSubsequence = (some: readonly string[], all: readonly string[]): boolean => {
  let from = 0;
  return some.every((one) => {
    const found = all.indexOf(one, from);
    from = found + 1;
    return found >= 0;
  });
};

describe("the files of a build", () => {
  it.each(dumps.map((dump) => [dump.file, dump] as const))("%s: every frame of every thread is that which .sym files lead to", async (file, dump) => {
    const [bySym, byElf] = [await walkWithEngine(path.join(out, file), symFolders), await walkWithEngine(path.join(out, file), elfFolders(dump))];
    expect(byElf.threads.map(({ frames }) => frames.map(place))).toEqual(bySym.threads.map(({ frames }) => frames.map(place)));
    for (const [i, { frames }] of bySym.threads.entries()) {
      for (const [k, frame] of frames.entries()) {
        const ours = byElf.threads[i]!.frames[k]!;
        // Where more is known to be inlined, the innermost of it has the line.
        if (inlined(ours).length === inlined(frame).length) expect(source(ours)).toBe(source(frame));
        expect(isSubsequence((frame.inlines ?? []).map((one) => inlineName(one).text), (ours.inlines ?? []).map((one) => inlineName(one).text))).toBe(true);
      }
    }
    expect(byElf.modules.find(({ filename }) => filename === "halcyon.so")).toMatchObject({ symbol_state: bySym.modules.find(({ filename }) => filename === "halcyon.so")!.symbol_state });
  });

  it.each(dumps.map((dump) => [dump.file, dump] as const))("%s: the plugin's frames are gdb's, every inlined call among them", async (file, dump) => {
    const frames = threadOf(await walkWithEngine(path.join(out, file), elfFolders(dump)));
    const found = frames.flatMap((frame) => (frame.module === "halcyon.so" ? [...(frame.inlines ?? []), frame].map(line) : []));
    const truth = dump.frames.filter(({ module }) => module === "halcyon.so").map(line);
    expect(found.slice(0, truth.length)).toEqual(truth);
    // A deep stack is cut in the index.
    if (dump.depth === dump.frames.length) expect(found.length).toBe(truth.length);
  });
});

it("the DWARF has inlined calls that .sym files leave out", async () => {
  const more = new Set<string>();
  for (const dump of dumps) {
    const [bySym, byElf] = [threadOf(await walkWithEngine(path.join(out, dump.file), symFolders)), threadOf(await walkWithEngine(path.join(out, dump.file), elfFolders(dump)))];
    for (const [i, frame] of byElf.entries()) {
      if (inlined(frame).length > inlined(bySym[i]!).length) more.add(`${dump.kind}: ${(frame.inlines ?? []).map((one) => bareName(one.function ?? "")).join(" < ")} < ${bareName(frame.function ?? "")}`);
    }
  }
  expect([...more].sort()).toMatchInlineSnapshot(`
    [
      "divide-by-zero: halcyon::VoiceBank::render::$_0::{call} < halcyon::for_each_sounding",
    ]
  `);
});

function line({ function: name, file, line: number }: Pick<TrueFrame, "function" | "file" | "line">): string {
  return `${bareName(name ?? "")} ${file === null ? "" : path.posix.normalize(file)}:${number}`;
}
