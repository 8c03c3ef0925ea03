// rust-minidump's own expectations, field by field: the JSON reports and the
// texts for people that its repository keeps as snapshots, of its dumps.
//
// Fields that Deadair adds to the schema are no difference (json-differences.ts);
// every other field must be equal or stand below with a reason that
// docs/differences.md explains.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { reportJson } from "../../stackwalk/report-json.ts";
import type { Minidump } from "../../stackwalk/minidump/model.ts";
import type { Report } from "../../stackwalk/report.ts";
import { buildMinidump } from "../support/minidump-builder.ts";
import { walkWithEngine } from "./engine-walk.ts";
import { scanReasons } from "./breakpad-differences.ts";
import { compareStacks } from "./frame-differences.ts";
import { additions, compareJson, type Json, withoutStacks } from "./json-differences.ts";
import { corpus, corpusAbsent, ofCorpus, withDump } from "./peer-dumps.ts";
import { fieldReason } from "./rust-differences.ts";
import { parseRustText, textOfFrames } from "./rust-text.ts";
import { explain } from "./stack-tables.ts";

const home = join(corpus, "rust-minidump+rust-minidump");
const testDump = join(home, "testdata/test.dmp");
const linuxDump = join(home, "testdata/linux-mini.dmp");
const symbols = [join(home, "testdata/symbols")];

/** A snapshot's text, without insta's header. */
function snapshot(name: string): string {
  const text = readFileSync(join(home, `minidump-stackwalk/tests/snapshots/test_minidump_stackwalk__${name}.snap`), "utf8");
  return text.slice(text.indexOf("\n---\n") + 5);
}

type Explained = { readonly fields: { readonly [path: string]: string }; readonly frames: { readonly [reason: string]: string } };

/** Fields and frames that differ and may: by snapshot, the path or the frames, and the reason's name in docs/differences.md. */
const explained: { readonly [snapshot: string]: Explained } = {
  json: noSource(0, 2),
  "json-pretty": noSource(0, 2),
  "json-stable-all": noSource(0, 2),
  "json-unstable-all": noSource(0, 2),
  "json-pretty-evil-symbols": { fields: { "modules[0].cert_subject": "no-certificates", modules_contains_cert_info: "no-certificates" }, frames: {} },
  linux_json_pretty: { ...noSource(0, 2, 6), frames: { "not-after-call": "0:8,11,14" } },
  "json-pretty-unloaded": {
    fields: {
      main_module: "no-main-module",
      "crash_info.crash_inconsistencies": "no-crash-no-contradiction",
      "system_info.os": "unknown-system",
      ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`unloaded_modules[${i}].code_id`, "unknown-system"])),
    },
    frames: {},
  },
};

/** Modules that rust-minidump does not miss the symbols of, because it was given no place to look for them. */
function noSource(...modules: readonly number[]): Explained {
  return { fields: Object.fromEntries(modules.map((index) => [`modules[${index}].missing_symbols`, "missing-without-source"])), frames: {} };
}

async function differences(name: string, dump: string | Uint8Array, folders: readonly string[]): Promise<Explained> {
  const report = await walkWithEngine(dump, folders);
  const theirs = JSON.parse(snapshot(name)) as Json;
  const stacks = compareStacks(report, theirs as unknown as Report).differences;
  const apart = new Set(stacks.map(({ thread }) => thread));
  const fields = compareJson(withoutStacks(JSON.parse(reportJson(report)) as Json, apart), withoutStacks(theirs, apart), additions);
  return {
    fields: Object.fromEntries(fields.map((field) => [field.path, fieldReason(field) ?? `unexplained: ours ${JSON.stringify(field.ours)}, theirs ${JSON.stringify(field.theirs)}`])),
    frames: typeof dump === "string" ? withDump(dump, (opened) => explain(stacks, scanReasons, opened)) : explain(stacks, [], {} as Minidump),
  };
}

const nothing = { fields: {}, frames: {} };

describe(`rust-minidump's snapshots${ofCorpus}`, () => {
  it.skipIf(corpusAbsent).each([
    ["json", testDump, []],
    ["json-pretty", testDump, []],
    ["json-stable-all", testDump, []],
    ["json-unstable-all", testDump, []],
    ["json-pretty-symbols", testDump, symbols],
    // Its evil.json names the signers of modules, which no dump does.
    ["json-pretty-evil-symbols", testDump, symbols],
    ["linux_json_pretty", linuxDump, []],
  ] as const)("%s is our report too", async (name, dump, folders) => {
    expect(await differences(name, dump, folders)).toEqual(explained[name] ?? nothing);
  });

  it.skipIf(corpusAbsent)("json-pretty-unloaded is our report too, over the dump that its test builds", async () => {
    expect(await differences("json-pretty-unloaded", unloadedDump(), [])).toEqual(explained["json-pretty-unloaded"]);
  });

  it.skipIf(corpusAbsent).each([
    ["human", testDump, []],
    ["human-brief", testDump, []],
    ["human-stable-all", testDump, []],
    ["human-unstable-all", testDump, []],
    ["human-symbols", testDump, symbols],
  ] as const)("%s has the frames of our report", async (name, dump, folders) => {
    const theirs = parseRustText(snapshot(name));
    // The brief text has the crashing thread only.
    expect(textOfFrames(await walkWithEngine(dump, folders)).slice(0, theirs.length)).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(4);
  });

  it.skipIf(corpusAbsent)("linux_human has our frames but those that no call leads to, as linux_json_pretty", async () => {
    const ours = new Set(textOfFrames(await walkWithEngine(linuxDump, [])));
    expect(parseRustText(snapshot("linux_human")).filter((line) => !ours.has(line))).toEqual(Array.from({ length: 3 }, () => "crash + 0x1dbf stack scanning"));
  });

  it("is a comparison that sees a changed field", () => {
    const report = { status: "OK", threads: [{ frames: [{ offset: "0x1", trust: "cfi" }] }] };
    const other = { status: "OK", threads: [{ frames: [{ offset: "0x1", trust: "scan" }] }] };
    expect(compareJson(report, other, additions)).toEqual([{ path: "threads[0].frames[0].trust", ours: "cfi", theirs: "scan" }]);
    expect(compareJson({ ...report, notes: [] }, report, additions)).toEqual([]);
    expect(compareJson({ ...report, extra: 1 }, report, additions)).toEqual([{ path: "extra", ours: 1, theirs: undefined }]);
  });
});

/** One thread at an address that three modules which were unloaded, and five that were not there, once covered. */
function unloadedDump(): Uint8Array {
  const places: [string, number, number][] = [
    ["unused.dll", 0xa003a0, 0x1000],
    ["many.dll", 0xf00000, 0x1000],
    ["solo.dll", 0xaf00220, 0x2000],
    ["many.dll", 0xf00100, 0x1000],
    ["many.dll", 0xf003a0, 0x1000],
    ["solo.dll", 0xf00220, 0x2000],
    ["solo.dll", 0xaf00220, 0x2000],
    ["many.dll", 0xf00000, 0x1000],
  ];
  // Its system is all zeros, but for a processor of level 6.
  const system = new Uint8Array(56);
  system.set([0, 0, 6, 0, 0, 0, 1]);
  return buildMinidump({
    arch: "x86",
    withoutSystemInfo: true,
    rawStreams: [{ type: 7, bytes: system }],
    modules: [],
    unloadedModules: places.map(([name, base, size]) => ({ name, base, size, timestamp: 0xb1054d2a })),
    threads: [{ id: 0x1234, stackBase: 0x1000, stack: new Uint8Array(0x10), pc: 0xf00800, sp: 0x1010, fp: 0 }],
  });
}
