// node bench/walk/against-rust.ts MINIDUMP-STACKWALK [DUMP]... [--all]
//
// By hand, not in CI: our report against the JSON of a rust-minidump that
// somebody built, field by field, over every dump of the corpus and of our
// fixtures (or the dumps that are named), with the same symbols for both.
// Prints how many fields and frames agree, and each kind of field that differs
// with its first examples (--all: with all of them).
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { symbolPath } from "../../stackwalk/breakpad/symbol-folder.ts";
import { reportJson } from "../../stackwalk/report-json.ts";
import type { Frame, Report } from "../../stackwalk/report.ts";
import { readSymbolHeader } from "../../symbols/breakpad/header.ts";
import { breakpadReasons } from "../../test/peers/breakpad-differences.ts";
import { walkWithEngine } from "../../test/peers/engine-walk.ts";
import { compareStacks } from "../../test/peers/frame-differences.ts";
import { additions, compareJson, type Json, withoutStacks } from "../../test/peers/json-differences.ts";
import { peerDumps, peerSymbolFolders, withDump } from "../../test/peers/peer-dumps.ts";
import { fieldReason } from "../../test/peers/rust-differences.ts";

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: "boolean" }, symbols: { type: "string", multiple: true } } });
const [binary, ...named] = positionals;
if (binary === undefined) {
  process.stderr.write("Usage: node bench/walk/against-rust.ts MINIDUMP-STACKWALK [DUMP]... [--symbols DIR]... [--all]\n");
  process.exit(2);
}

const folders = flags.symbols ?? peerSymbolFolders();
const store = mkdtempSync(path.join(tmpdir(), "deadair-rust-"));
const kinds = new Map<string, string[]>();
let fields = 0;
let frames = 0;
let agreed = 0;
try {
  for (const folder of folders) layOut(folder);
  for (const { name, path: dump } of named.length > 0 ? named.map((one) => ({ name: one, path: one })) : peerDumps()) {
    const theirs = JSON.parse(execFileSync(binary, ["--json", "--symbols-path", store, dump], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1e9 }).toString()) as Json;
    const report = await walkWithEngine(dump, folders);
    const ours = JSON.parse(reportJson(report)) as Json;
    fields += countFields(theirs);
    const stacks = compareStacks(report, theirs as unknown as Report);
    frames += stacks.frames;
    agreed += stacks.agreed;
    const apart = new Set(stacks.differences.map(({ thread }) => thread));
    withDump(dump, (opened) => {
      for (const difference of stacks.differences) {
        const reason = breakpadReasons.find(({ fits }) => fits(difference, opened))?.name ?? "UNEXPLAINED";
        note(`${reason} frame ${difference.kind}`, `${name} ${difference.thread}:${difference.frame} ours ${placeText(difference.ours)}, theirs ${placeText(difference.theirs)}`);
      }
    });
    for (const difference of compareJson(withoutStacks(ours, apart), withoutStacks(theirs, apart), additions)) {
      const { path: at, ours: a, theirs: b } = difference;
      note(`${fieldReason(difference) ?? "UNEXPLAINED"} ${at.replaceAll(/\[\d+\]/g, "[*]")}`, `${name} ${at}: ours ${shown(a)}, theirs ${shown(b)}`);
    }
  }
} finally {
  rmSync(store, { recursive: true, force: true });
}
const different = [...kinds.values()].reduce((sum, examples) => sum + examples.length, 0);
console.log(`${agreed} of ${frames} frames agree; ${fields - different} of ${fields} fields`);
for (const [kind, examples] of [...kinds].sort((a, b) => b[1].length - a[1].length)) {
  console.log(`\n${examples.length} × ${kind}`);
  for (const example of flags.all ? examples : examples.slice(0, 3)) console.log(`  ${example}`);
}

/** Links every `.sym` of a folder where the peer looks for it; the first of a module stands, as in symTree. */
function layOut(folder: string): void {
  for (const file of globSync(["**/*.sym", "**/*.syms"], { cwd: folder }).toSorted()) {
    const from = path.join(folder, file);
    const header = readSymbolHeader(readFileSync(from).subarray(0, 4096));
    const place = header.ok ? symbolPath(header.value) : null;
    if (place === null) continue;
    mkdirSync(path.join(store, place[0], place[1]), { recursive: true });
    const to = path.join(store, ...place);
    if (!existsSync(to)) symlinkSync(path.resolve(from), to);
  }
}

function note(kind: string, example: string): void {
  kinds.set(kind, [...(kinds.get(kind) ?? []), example]);
}

function placeText(frame: Frame | null): string {
  return frame === null ? "nothing" : [frame.offset, frame.trust, frame.module, frame.function, frame.file, frame.line].filter((part) => part !== null).join(" ");
}

function countFields(value: Json): number {
  return typeof value === "object" && value !== null ? Object.values(value).reduce((sum: number, one) => sum + countFields(one as Json), 0) : 1;
}

function shown(value: Json | undefined): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 160);
}
