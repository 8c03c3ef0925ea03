// Dumps of the corpus whose programs are in it as ELF files: each walked with
// these, and with the .sym file of the same build, whose stack it has to be. Of what
// the walk finds by scanning, less is believed: symbols of a program have ends.
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Frame } from "../../stackwalk/report.ts";
import { walkWithEngine } from "../peers/engine-walk.ts";
import { scratchFolder } from "../symbols/cache/cached-symbols.ts";
import { corpusFile, corpusNote, hasCorpus } from "./corpus.ts";

const symbolic = "getsentry+symbolic/symbolic-testutils/fixtures/linux";
const lldb = "llvm-mirror+lldb/packages/Python/lldbsuite/test/functionalities/postmortem/minidump-new";
const tast = "nya3jp+tast/src/go.chromium.org/tast/core/cmd/tast/internal/symbolize/breakpad/testdata";
const miniDump = "rust-minidump+rust-minidump/testdata/linux-mini.dmp";

const crash = [
  "crash+0x1d72 context (anonymous namespace)::crash main.cpp:23 < (anonymous namespace)::start main.cpp:27 < main main.cpp:35",
  "libc-2.23.so+0x2082f cfi ?",
  "crash+0x1de8 scan _start",
];

/** A dump, files of its program, the .sym file, and the stack. */
const rows: readonly (readonly [dump: string, files: readonly string[], sym: string, stack: readonly string[]])[] = [
  [miniDump, [`${symbolic}/crash`, `${symbolic}/crash.debug`], `${symbolic}/crash.sym`, crash],
  [miniDump, [`${symbolic}/crash.debug-zlib`, `${symbolic}/crash`], `${symbolic}/crash.sym`, crash],
  [miniDump, [`${symbolic}/crash`, `${symbolic}/crash.debug-zstd`], `${symbolic}/crash.sym`, crash],
  // Stripped, with nothing but its symbol table: as the .sym file was made.
  [miniDump, [`${symbolic}/crash`], `${symbolic}/crash.sym`, ["crash+0x1d72 context main", "libc-2.23.so+0x2082f cfi ?", "crash+0x1de8 scan _start"]],
  [
    `${tast}/abort.20180103.145440.12345.20827.dmp`,
    [`${tast}/abort.debug`],
    "_generated/symbols/abort/A48688D4AA70B4CAE2B86443818FBC970/abort.sym",
    [
      "libc-2.23.so+0x33dd2 context ?",
      "abort+0x519 frame_pointer main abort.c:4",
      "libc-2.23.so+0x20735 cfi ?",
      "abort+0x505 scan frame_dummy",
      "ld-2.23.so+0xfc0b scan ?",
      "abort+0x448 scan _start",
    ],
  ],
  [
    `${lldb}/linux-x86_64.dmp`,
    [`${lldb}/linux-x86_64`],
    "llvm-mirror+lldb/test/Shell/Minidump/Inputs/linux-x86_64.syms",
    ["linux-x86_64+0x3e0 context crash() linux-x86_64.cpp:4", "linux-x86_64+0x3fd cfi _start linux-x86_64.cpp:13"],
  ],
  [
    `${lldb}/linux-x86_64_not_crashed.dmp`,
    [`${lldb}/linux-x86_64_not_crashed`],
    "_generated/symbols/linux-x86_64_not_crashed/603FCF6CA7FF4BCC86AE8FF44DB2576A0/linux-x86_64_not_crashed.sym",
    [
      "libbreakpad.so+0x7fc3 context ?",
      "linux-x86_64_not_crashed+0x42f frame_pointer bar(int) linux-x86_64_not_crashed.cpp:9",
      "linux-x86_64_not_crashed+0x466 cfi foo(int) linux-x86_64_not_crashed.cpp:17",
      "linux-x86_64_not_crashed+0x496 cfi _start linux-x86_64_not_crashed.cpp:25",
    ],
  ],
];

let folders = 0;

/** The stack of the crashing thread by files that lie in one folder. */
async function stackBy(dump: string, files: readonly string[]): Promise<readonly Frame[]> {
  const folder = path.join(scratchFolder(), `walk-${folders++}`);
  mkdirSync(folder);
  for (const file of files) copyFileSync(corpusFile(file), path.join(folder, path.basename(file)));
  const { threads, crash_info: info } = await walkWithEngine(corpusFile(dump), [folder]);
  return threads[info.crashing_thread ?? 0]!.frames;
}

const placeOf = (frame: Frame): string => `${frame.module}+${(frame.module_offset ?? frame.offset).replace(/^0x0*/, "0x")}`;
const namesOf = (frame: Frame): string => [...(frame.inlines ?? []), frame].map(({ function: name, file, line }) => [name ?? "?", file === null ? "" : ` ${path.basename(file)}:${line}`].join("")).join(" < ");

describe.skipIf(!hasCorpus)(`dumps of the corpus with the programs they are of${corpusNote}`, () => {
  it.each(rows.map((row) => [path.basename(row[0]), row[1].map((file) => path.basename(file)).join(" and "), row] as const))("%s by %s", async (_, __, [dump, files, sym, stack]) => {
    const frames = await stackBy(dump, files);
    expect(frames.map((frame) => `${placeOf(frame)} ${frame.trust} ${namesOf(frame)}`)).toEqual(stack);
    const bySym = await stackBy(dump, [sym]);
    // What the .sym file's stack has more was scanned for, and lies past the end of the symbol that it is named after.
    const places = new Set(frames.map(placeOf));
    expect(bySym.filter((frame) => places.has(placeOf(frame))).map(placeOf)).toEqual(frames.map(placeOf));
    expect(bySym.filter((frame) => !places.has(placeOf(frame))).map(({ trust }) => trust).filter((trust) => trust !== "scan")).toEqual([]);
  });
});
